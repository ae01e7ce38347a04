/* kernel.h: the arithmetic that is worth its own machine code.
 *
 * Portable source is compiled once per instruction set; dp__kernels(isa) is the table of one of
 * them. Every function gives the same bits in every table (law 1): contractions in k-blocks of 512
 * with fused multiply-add from +0, block results added in increasing order; other sums in blocks of
 * 4,096 elements of 64 virtual lanes and a fixed tree, then a pairwise tree of blocks. */
#ifndef DP_KERNEL_KERNEL_H
#define DP_KERNEL_KERNEL_H

#include "../base/base.h"

enum { DP_K_BLOCK = 512, DP_SUM_BLOCK = 4096, DP_SUM_LANES = 64 };

/* y[i] = f(x[i]); y may equal x, must not overlap it otherwise; any n, no alignment needed. */
typedef void dp_map_f32(float *y, const float *x, size_t n);
typedef void dp_map_f64(double *y, const double *x, size_t n);
typedef void dp_map2_f32(float *y, const float *a, const float *b, size_t n);
typedef void dp_map2_f64(double *y, const double *a, const double *b, size_t n);

/* C[i,j] = sum_p A[i,p] B[p,j] as law 1 orders it; no alpha, no beta.
 * A[i,p] = a[i*a_row + p*a_col], B[p,j] = b[p*b_row + j*b_col], C[i,j] = c[i*c_row + j]; strides in
 * elements, of any sign, 0 allowed for A and B. k = 0 gives +0. */
typedef struct dp_gemm {
    size_t m, n, k;
    const void *a, *b;
    void *c;
    ptrdiff_t a_row, a_col, b_row, b_col, c_row;
    /* Called (if not NULL) once for every finished block of C, by the thread that finished it,
     * while the block is still in cache: rows [i0,i1), columns [j0,j1). With whole_rows, j0 = 0 and
     * j1 = n always. The blocks of all parts tile C exactly. Called once also for k = 0. */
    void (*epilogue)(void *context, size_t i0, size_t i1, size_t j0, size_t j1);
    void *context;
    bool whole_rows;
} dp_gemm;

typedef struct dp_kernels {
    dp_isa isa;
    const char *name;
    int vector_bytes;

    struct {
        dp_map_f32 *exp, *expm1, *log, *log1p, *tanh, *sigmoid, *erf, *sin, *cos;
        dp_map2_f32 *pow;
        float (*sum)(const float *x, size_t n); /* law 1; n = 0: +0 */
        float (*max)(const float *x, size_t n); /* NaN wins, +0 over -0; n = 0: -inf */
        /* y[j] = sum_i x[i*row_stride + j]: each column in the order of law 1 */
        void (*sum_columns)(float *y, const float *x, size_t rows, size_t columns,
                            ptrdiff_t row_stride);
        /* the share `part` of `parts` of the product; parts write disjoint blocks and share nothing
         */
        void (*gemm)(const dp_gemm *g, void *scratch, size_t part, size_t parts);
        size_t (*gemm_scratch)(const dp_gemm *g,
                               size_t parts); /* bytes for one part, 64-byte aligned */
    } f32;
    struct {
        dp_map_f64 *exp, *expm1, *log, *log1p, *tanh, *sigmoid, *erf, *sin, *cos;
        dp_map2_f64 *pow;
        double (*sum)(const double *x, size_t n);
        double (*max)(const double *x, size_t n);
        void (*sum_columns)(double *y, const double *x, size_t rows, size_t columns,
                            ptrdiff_t row_stride);
        void (*gemm)(const dp_gemm *g, void *scratch, size_t part, size_t parts);
        size_t (*gemm_scratch)(const dp_gemm *g, size_t parts);
    } f64;
} dp_kernels;

/* The table of an instruction set that this machine has; the portable one always exists. */
const dp_kernels *dp__kernels(dp_isa isa);
/* The table in use: dp__kernels(dp__isa()). */
const dp_kernels *dp__k(void);

/* Slow twins (twin.c): plain loops that state the order; the oracle of the tests and of the naive
 * executor. */
void dp__twin_gemm_f32(const dp_gemm *g);
void dp__twin_gemm_f64(const dp_gemm *g);
float dp__twin_sum_f32(const float *x, size_t n, ptrdiff_t stride);
double dp__twin_sum_f64(const double *x, size_t n, ptrdiff_t stride);
float dp__twin_max_f32(const float *x, size_t n, ptrdiff_t stride);
double dp__twin_max_f64(const double *x, size_t n, ptrdiff_t stride);

#endif
