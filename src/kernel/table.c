/* table.c: one table of kernels per instruction set. */
#include "gemm.h"

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

#define TABLE_OF(S, ISA)                                                                           \
    {                                                                                              \
        .exp = table_exp_##S, .expm1 = table_expm1_##S, .log = table_log_##S,                      \
        .log1p = table_log1p_##S, .tanh = table_tanh_##S, .sigmoid = table_sigmoid_##S,            \
        .erf = table_erf_##S, .sin = table_sin_##S, .cos = table_cos_##S, .pow = table_pow_##S,    \
        .sum = dp__sum_##S##_##ISA, .max = dp__max_##S##_##ISA,                                    \
        .sum_columns = dp__sum_columns_##S##_##ISA, .gemm = dp__gemm_##S##_##ISA,                  \
        .gemm_scratch = dp__gemm_scratch_##S##_##ISA,                                              \
    }
#define TABLE_ROW(ISA, NAME, BYTES) {ISA, #NAME, BYTES, TABLE_OF(f32, NAME), TABLE_OF(f64, NAME)}

static const dp_kernels table_portable = TABLE_ROW(DP_ISA_PORTABLE, portable, 16);
#ifdef DP_HAVE_X86
static const dp_kernels table_avx2 = TABLE_ROW(DP_ISA_AVX2, avx2, 32);
static const dp_kernels table_avx512 = TABLE_ROW(DP_ISA_AVX512, avx512, 64);
#endif
#ifdef DP_HAVE_NEON
static const dp_kernels table_neon = TABLE_ROW(DP_ISA_NEON, neon, 16);
#endif

const dp_kernels *dp__kernels(dp_isa isa) {
    switch (isa) {
#ifdef DP_HAVE_X86
    case DP_ISA_AVX2: return &table_avx2;
    case DP_ISA_AVX512: return &table_avx512;
#endif
#ifdef DP_HAVE_NEON
    case DP_ISA_NEON: return &table_neon;
#endif
    default: return &table_portable;
    }
}

const dp_kernels *dp__k(void) { return dp__kernels(dp__isa()); }
