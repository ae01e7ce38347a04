/* gemm_avx512.c: gemm and sums for AVX-512. */
#include "gemm.h"

#include <math.h>
#include <string.h>

#ifdef DP_HAVE_X86
DP_TARGET_BEGIN_avx512

    DP_GEMM_INLINE __m256
    gemm_loadq_f32_avx512(const float *p, ptrdiff_t step) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + step), 1);
}
DP_GEMM_INLINE __m256d gemm_loadq_f64_avx512(const double *p, ptrdiff_t step) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + step), 1);
}
DP_GEMM_INLINE __m256 gemm_lo2_avx512(__m256 a, __m256 b) {
    return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
DP_GEMM_INLINE __m256 gemm_hi2_avx512(__m256 a, __m256 b) {
    return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

#define GEMM_FREE_MASKS 1
#define GEMM_NC_BYTES 393216 /* of B in a pass, packed if more */
#define GEMM_PREFETCH_K 64   /* from here on C is fetched ahead */
#define GEMM_MC 1024         /* rows of packed A of a pass */
#define GEMM_EPILOGUE 8192   /* elements of C per epilogue call, at least */
#define GEMM_ROWS_BYTES \
    262144 /* a k-block of B up to this is read whole, so that epilogues see rows */
#define GEMM_PACK_A_COLUMNS 513 /* C's columns, for which A is worth packing */
#define GEMM_PACK_A_K 255       /* columns of A^T worth packing */
#define GEMM_PACK_B_ROWS 48     /* C's rows, for which B is worth packing */

#define GEMM_FN(x) gemm_##x##_f32_avx512
#define GEMM_EXPORT(x) x##_f32_avx512
#define GEMM_T float
#define GEMM_V __m512
#define GEMM_VL 16
#define GEMM_QL 4
#define GEMM_PLOADQ(p, step) gemm_loadq_f32_avx512(p, step)
#define GEMM_PTRANSPOSE(q)                                                                  \
    DP_GEMM_TRANSPOSE_4(__m256, q, _mm256_unpacklo_ps, _mm256_unpackhi_ps, gemm_lo2_avx512, \
                        gemm_hi2_avx512)
#define GEMM_P __m256
#define GEMM_PSET1(x) _mm256_set1_ps(x)
#define GEMM_PFMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define GEMM_PL 8
#define GEMM_Q __m128
#define GEMM_QLOADQ(p, step) _mm_loadu_ps(p)
#define GEMM_QTRANSPOSE(q) _MM_TRANSPOSE4_PS(q[0], q[1], q[2], q[3])
#define GEMM_MR 8
#define GEMM_NV 3
#define GEMM_ROWS(X, ...)                                                                     \
    X(1, __VA_ARGS__)                                                                         \
    X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__) \
        X(7, __VA_ARGS__) X(8, __VA_ARGS__)
#define GEMM_LOAD(p) _mm512_loadu_ps(p)
#define GEMM_STORE(p, v) _mm512_storeu_ps(p, v)
#define GEMM_SET1(x) _mm512_set1_ps(x)
#define GEMM_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define GEMM_ADD(a, b) _mm512_add_ps(a, b)
#define GEMM_MAX(a, b) _mm512_max_ps(a, b)
#define GEMM_MASK __mmask16
#define GEMM_MASK_OF(n) ((__mmask16)((1u << (n)) - 1))
#define GEMM_LOADM(p, mask) _mm512_maskz_loadu_ps(mask, p)
#define GEMM_STOREM(p, v, mask) _mm512_mask_storeu_ps(p, mask, v)
#include "gemm_body.h"
#include "sums_body.h"
#include "gemm_end.h"

#define GEMM_FN(x) gemm_##x##_f64_avx512
#define GEMM_EXPORT(x) x##_f64_avx512
#define GEMM_T double
#define GEMM_V __m512d
#define GEMM_VL 8
#define GEMM_QL 2
#define GEMM_PLOADQ(p, step) gemm_loadq_f64_avx512(p, step)
#define GEMM_PTRANSPOSE(q) DP_GEMM_TRANSPOSE_2(__m256d, q, _mm256_unpacklo_pd, _mm256_unpackhi_pd)
#define GEMM_P __m256d
#define GEMM_PSET1(x) _mm256_set1_pd(x)
#define GEMM_PFMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define GEMM_PL 4
#define GEMM_Q __m128d
#define GEMM_QLOADQ(p, step) _mm_loadu_pd(p)
#define GEMM_QTRANSPOSE(q) DP_GEMM_TRANSPOSE_2(__m128d, q, _mm_unpacklo_pd, _mm_unpackhi_pd)
#define GEMM_MR 8
#define GEMM_NV 3
#define GEMM_ROWS(X, ...)                                                                     \
    X(1, __VA_ARGS__)                                                                         \
    X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__) \
        X(7, __VA_ARGS__) X(8, __VA_ARGS__)
#define GEMM_LOAD(p) _mm512_loadu_pd(p)
#define GEMM_STORE(p, v) _mm512_storeu_pd(p, v)
#define GEMM_SET1(x) _mm512_set1_pd(x)
#define GEMM_FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define GEMM_ADD(a, b) _mm512_add_pd(a, b)
#define GEMM_MAX(a, b) _mm512_max_pd(a, b)
#define GEMM_MASK __mmask8
#define GEMM_MASK_OF(n) ((__mmask8)((1u << (n)) - 1))
#define GEMM_LOADM(p, mask) _mm512_maskz_loadu_pd(mask, p)
#define GEMM_STOREM(p, v, mask) _mm512_mask_storeu_pd(p, mask, v)
#include "gemm_body.h"
#include "sums_body.h"
#include "gemm_end.h"

#undef GEMM_FREE_MASKS
#undef GEMM_NC_BYTES
#undef GEMM_PREFETCH_K
#undef GEMM_MC
#undef GEMM_EPILOGUE
#undef GEMM_PACK_A_COLUMNS
#undef GEMM_PACK_A_K
#undef GEMM_PACK_B_ROWS
DP_TARGET_END_avx512
#else
typedef int gemm_no_avx512;
#endif
