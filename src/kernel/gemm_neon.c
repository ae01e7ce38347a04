/* gemm_neon.c: gemm and sums for AArch64. */
#include "gemm.h"

#include <math.h>
#include <string.h>

#ifdef DP_HAVE_NEON
#include <arm_neon.h>

#define GEMM_FREE_MASKS 0
#define GEMM_NC_BYTES 393216 /* of B in a pass, packed if more */
#define GEMM_PREFETCH_K 64   /* from here on C is fetched ahead */
#define GEMM_MC 1024         /* rows of packed A of a pass */
#define GEMM_EPILOGUE 8192   /* elements of C per epilogue call, at least */
#define GEMM_ROWS_BYTES \
    262144 /* a k-block of B up to this is read whole, so that epilogues see rows */
#define GEMM_PACK_A_COLUMNS 513 /* C's columns, for which A is worth packing */
#define GEMM_PACK_A_K 255       /* columns of A^T worth packing */
#define GEMM_PACK_B_ROWS 48     /* C's rows, for which B is worth packing */

DP_GEMM_INLINE float32x4_t gemm_lo2_neon(float32x4_t a, float32x4_t b) {
    return vcombine_f32(vget_low_f32(a), vget_low_f32(b));
}
DP_GEMM_INLINE float32x4_t gemm_hi2_neon(float32x4_t a, float32x4_t b) {
    return vcombine_f32(vget_high_f32(a), vget_high_f32(b));
}
DP_GEMM_INLINE float32x4_t gemm_loadm_f32_neon(const float *p, size_t n) {
    float x[4] = {0};
    for (size_t i = 0; i < n; i++) x[i] = p[i];
    return vld1q_f32(x);
}
DP_GEMM_INLINE void gemm_storem_f32_neon(float *p, float32x4_t v, size_t n) {
    float x[4];
    vst1q_f32(x, v);
    for (size_t i = 0; i < n; i++) p[i] = x[i];
}
#define GEMM_FN(x) gemm_##x##_f32_neon
#define GEMM_EXPORT(x) x##_f32_neon
#define GEMM_T float
#define GEMM_V float32x4_t
#define GEMM_VL 4
#define GEMM_QL 4
#define GEMM_PLOADQ(p, step) ((void)(step), vld1q_f32(p))
#define GEMM_PTRANSPOSE(q) \
    DP_GEMM_TRANSPOSE_4(float32x4_t, q, vzip1q_f32, vzip2q_f32, gemm_lo2_neon, gemm_hi2_neon)
#define GEMM_P GEMM_V
#define GEMM_PSET1 GEMM_SET1
#define GEMM_PFMA GEMM_FMA
#define GEMM_PL GEMM_VL
#define GEMM_Q GEMM_V
#define GEMM_QLOADQ GEMM_PLOADQ
#define GEMM_QTRANSPOSE GEMM_PTRANSPOSE
#define GEMM_MR 8
#define GEMM_NV 3
#define GEMM_ROWS(X, ...)                                                                     \
    X(1, __VA_ARGS__)                                                                         \
    X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__) \
        X(7, __VA_ARGS__) X(8, __VA_ARGS__)
#define GEMM_LOAD(p) vld1q_f32(p)
#define GEMM_STORE(p, v) vst1q_f32(p, v)
#define GEMM_SET1(x) vdupq_n_f32(x)
#define GEMM_FMA(a, b, c) vfmaq_f32(c, a, b)
#define GEMM_ADD(a, b) vaddq_f32(a, b)
#define GEMM_MAX(a, b) vmaxq_f32(a, b)
#define GEMM_MASK size_t
#define GEMM_MASK_OF(n) ((size_t)(n))
#define GEMM_LOADM(p, mask) gemm_loadm_f32_neon(p, mask)
#define GEMM_STOREM(p, v, mask) gemm_storem_f32_neon(p, v, mask)
#include "gemm_body.h"
#include "sums_body.h"
#include "gemm_end.h"

DP_GEMM_INLINE float64x2_t gemm_loadm_f64_neon(const double *p, size_t n) {
    double x[2] = {0};
    for (size_t i = 0; i < n; i++) x[i] = p[i];
    return vld1q_f64(x);
}
DP_GEMM_INLINE void gemm_storem_f64_neon(double *p, float64x2_t v, size_t n) {
    double x[2];
    vst1q_f64(x, v);
    for (size_t i = 0; i < n; i++) p[i] = x[i];
}
#define GEMM_FN(x) gemm_##x##_f64_neon
#define GEMM_EXPORT(x) x##_f64_neon
#define GEMM_T double
#define GEMM_V float64x2_t
#define GEMM_VL 2
#define GEMM_QL 2
#define GEMM_PLOADQ(p, step) ((void)(step), vld1q_f64(p))
#define GEMM_PTRANSPOSE(q) DP_GEMM_TRANSPOSE_2(float64x2_t, q, vzip1q_f64, vzip2q_f64)
#define GEMM_P GEMM_V
#define GEMM_PSET1 GEMM_SET1
#define GEMM_PFMA GEMM_FMA
#define GEMM_PL GEMM_VL
#define GEMM_Q GEMM_V
#define GEMM_QLOADQ GEMM_PLOADQ
#define GEMM_QTRANSPOSE GEMM_PTRANSPOSE
#define GEMM_MR 8
#define GEMM_NV 3
#define GEMM_ROWS(X, ...)                                                                     \
    X(1, __VA_ARGS__)                                                                         \
    X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__) \
        X(7, __VA_ARGS__) X(8, __VA_ARGS__)
#define GEMM_LOAD(p) vld1q_f64(p)
#define GEMM_STORE(p, v) vst1q_f64(p, v)
#define GEMM_SET1(x) vdupq_n_f64(x)
#define GEMM_FMA(a, b, c) vfmaq_f64(c, a, b)
#define GEMM_ADD(a, b) vaddq_f64(a, b)
#define GEMM_MAX(a, b) vmaxq_f64(a, b)
#define GEMM_MASK size_t
#define GEMM_MASK_OF(n) ((size_t)(n))
#define GEMM_LOADM(p, mask) gemm_loadm_f64_neon(p, mask)
#define GEMM_STOREM(p, v, mask) gemm_storem_f64_neon(p, v, mask)
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
#else
typedef int gemm_no_neon;
#endif
