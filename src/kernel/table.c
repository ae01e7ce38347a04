/* table.c: one table of kernels per instruction set. */
#include "kernel.h"

#include <math.h>

/* stand-ins until the vector math is here */
#define TABLE_MAP(NAME, E32, E64)                                                                  \
    static void table_##NAME##_f32(float *y, const float *x, size_t n) {                           \
        for (size_t i = 0; i < n; i++) y[i] = E32;                                                 \
    }                                                                                              \
    static void table_##NAME##_f64(double *y, const double *x, size_t n) {                         \
        for (size_t i = 0; i < n; i++) y[i] = E64;                                                 \
    }
TABLE_MAP(exp, expf(x[i]), exp(x[i]))
TABLE_MAP(expm1, expm1f(x[i]), expm1(x[i]))
TABLE_MAP(log, logf(x[i]), log(x[i]))
TABLE_MAP(log1p, log1pf(x[i]), log1p(x[i]))
TABLE_MAP(tanh, tanhf(x[i]), tanh(x[i]))
TABLE_MAP(sigmoid, 1 / (1 + expf(-x[i])), 1 / (1 + exp(-x[i])))
TABLE_MAP(erf, erff(x[i]), erf(x[i]))
TABLE_MAP(sin, sinf(x[i]), sin(x[i]))
TABLE_MAP(cos, cosf(x[i]), cos(x[i]))
static void table_pow_f32(float *y, const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = powf(a[i], b[i]);
}
static void table_pow_f64(double *y, const double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = pow(a[i], b[i]);
}

#define TABLE_SUMS(S, T)                                                                           \
    static T table_sum_##S(const T *x, size_t n) { return dp__twin_sum_##S(x, n, 1); }             \
    static T table_max_##S(const T *x, size_t n) { return dp__twin_max_##S(x, n, 1); }             \
    static void table_columns_##S(T *y, const T *x, size_t rows, size_t columns,                   \
                                  ptrdiff_t row_stride) {                                          \
        for (size_t j = 0; j < columns; j++) y[j] = dp__twin_sum_##S(x + j, rows, row_stride);     \
    }                                                                                              \
    static void table_gemm_##S(const dp_gemm *g, void *scratch, size_t part, size_t parts) {       \
        size_t i0 = g->m * part / parts, i1 = g->m * (part + 1) / parts;                           \
        dp_gemm h = *g;                                                                            \
        (void)scratch;                                                                             \
        if (i0 == i1 || !g->n) return;                                                             \
        h.a = (const T *)g->a + (ptrdiff_t)i0 * g->a_row;                                          \
        h.c = (T *)g->c + (ptrdiff_t)i0 * g->c_row;                                                \
        h.m = i1 - i0, h.epilogue = NULL;                                                          \
        dp__twin_gemm_##S(&h);                                                                     \
        if (g->epilogue) g->epilogue(g->context, i0, i1, 0, g->n);                                 \
    }                                                                                              \
    static size_t table_gemm_scratch_##S(const dp_gemm *g, size_t parts) {                         \
        return (void)g, (void)parts, 0;                                                            \
    }
TABLE_SUMS(f32, float)
TABLE_SUMS(f64, double)

#define TABLE_OF(S)                                                                                \
    {                                                                                              \
        .exp = table_exp_##S, .expm1 = table_expm1_##S, .log = table_log_##S,                      \
        .log1p = table_log1p_##S, .tanh = table_tanh_##S, .sigmoid = table_sigmoid_##S,            \
        .erf = table_erf_##S, .sin = table_sin_##S, .cos = table_cos_##S, .pow = table_pow_##S,    \
        .sum = table_sum_##S, .max = table_max_##S, .sum_columns = table_columns_##S,              \
        .gemm = table_gemm_##S, .gemm_scratch = table_gemm_scratch_##S,                            \
    }

static const dp_kernels table_kernels[DP_N_ISA] = {
    {DP_ISA_PORTABLE, "portable", 16, TABLE_OF(f32), TABLE_OF(f64)},
    {DP_ISA_AVX2, "avx2", 32, TABLE_OF(f32), TABLE_OF(f64)},
    {DP_ISA_AVX512, "avx512", 64, TABLE_OF(f32), TABLE_OF(f64)},
    {DP_ISA_NEON, "neon", 16, TABLE_OF(f32), TABLE_OF(f64)},
};

const dp_kernels *dp__kernels(dp_isa isa) {
    return &table_kernels[isa < DP_N_ISA ? isa : DP_ISA_PORTABLE];
}

const dp_kernels *dp__k(void) { return dp__kernels(dp__isa()); }
