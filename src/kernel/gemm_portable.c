/* gemm_portable.c: gemm and sums for any machine. */
#include "gemm.h"

#include <math.h>
#include <string.h>

/* fma(a, b, c) without the instruction: the product of two floats is exact in double; the sum, if
 * it is not, is rounded to odd, so that rounding it to float rounds once. */
DP_GEMM_INLINE float gemm_fma_f32_portable(float a, float b, float c) {
#if defined(FP_FAST_FMAF)
    return __builtin_fmaf(a, b, c);
#else
    double p = (double)a * b, s = p + c, t = s - p;
    double error = (p - (s - t)) + (c - t); /* exact: s + error = p + c */
    uint64_t bits;
    memcpy(&bits, &s, sizeof bits);
    if (isfinite(s) && error != 0 && !(bits & 1)) { /* s is not 0: such sums are exact */
        bits += (error > 0) == (s > 0) ? 1 : (uint64_t)-1;
        memcpy(&s, &bits, sizeof s);
    }
    return (float)s;
#endif
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

#define GEMM_FN(x) gemm_##x##_f32_portable
#define GEMM_EXPORT(x) x##_f32_portable
#define GEMM_T float
#define GEMM_V float
#define GEMM_VL 1
#define GEMM_QL 1
#define GEMM_PLOADQ(p, step) ((void)(step), *(p))
#define GEMM_PTRANSPOSE(q) ((void)(q))
#define GEMM_P GEMM_V
#define GEMM_PSET1 GEMM_SET1
#define GEMM_PFMA GEMM_FMA
#define GEMM_PL GEMM_VL
#define GEMM_Q GEMM_V
#define GEMM_QLOADQ GEMM_PLOADQ
#define GEMM_QTRANSPOSE GEMM_PTRANSPOSE
#define GEMM_MR 4
#define GEMM_NV 3
#define GEMM_ROWS(X, ...) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__)
#define GEMM_LOAD(p) (*(p))
#define GEMM_STORE(p, v) (*(p) = (v))
#define GEMM_SET1(x) ((GEMM_T)(x))
#define GEMM_FMA(a, b, c) gemm_fma_f32_portable(a, b, c)
#define GEMM_ADD(a, b) ((a) + (b))
#define GEMM_MAX(a, b) ((a) > (b) ? (a) : (b))
#define GEMM_MASK size_t
#define GEMM_MASK_OF(n) ((size_t)(n))
#define GEMM_LOADM(p, mask) ((void)(mask), *(p))
#define GEMM_STOREM(p, v, mask) ((void)(mask), *(p) = (v))
#include "gemm_body.h"
#include "sums_body.h"
#include "gemm_end.h"

#define GEMM_FN(x) gemm_##x##_f64_portable
#define GEMM_EXPORT(x) x##_f64_portable
#define GEMM_T double
#define GEMM_V double
#define GEMM_VL 1
#define GEMM_QL 1
#define GEMM_PLOADQ(p, step) ((void)(step), *(p))
#define GEMM_PTRANSPOSE(q) ((void)(q))
#define GEMM_P GEMM_V
#define GEMM_PSET1 GEMM_SET1
#define GEMM_PFMA GEMM_FMA
#define GEMM_PL GEMM_VL
#define GEMM_Q GEMM_V
#define GEMM_QLOADQ GEMM_PLOADQ
#define GEMM_QTRANSPOSE GEMM_PTRANSPOSE
#define GEMM_MR 4
#define GEMM_NV 3
#define GEMM_ROWS(X, ...) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__)
#define GEMM_LOAD(p) (*(p))
#define GEMM_STORE(p, v) (*(p) = (v))
#define GEMM_SET1(x) ((GEMM_T)(x))
#define GEMM_FMA(a, b, c) fma(a, b, c)
#define GEMM_ADD(a, b) ((a) + (b))
#define GEMM_MAX(a, b) ((a) > (b) ? (a) : (b))
#define GEMM_MASK size_t
#define GEMM_MASK_OF(n) ((size_t)(n))
#define GEMM_LOADM(p, mask) ((void)(mask), *(p))
#define GEMM_STOREM(p, v, mask) ((void)(mask), *(p) = (v))
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
