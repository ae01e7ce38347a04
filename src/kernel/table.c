/* table.c: one table of kernels per instruction set. */
#include "gemm.h"
#include "vmath.h"

#define TABLE_OF(S, ISA)                                                                          \
    {                                                                                             \
        .exp = dp__vm_exp_##S##_##ISA, .expm1 = dp__vm_expm1_##S##_##ISA,                         \
        .log = dp__vm_log_##S##_##ISA, .log1p = dp__vm_log1p_##S##_##ISA,                         \
        .tanh = dp__vm_tanh_##S##_##ISA, .sigmoid = dp__vm_sigmoid_##S##_##ISA,                   \
        .erf = dp__vm_erf_##S##_##ISA, .sin = dp__vm_sin_##S##_##ISA,                             \
        .cos = dp__vm_cos_##S##_##ISA, .pow = dp__vm_pow_##S##_##ISA, .sum = dp__sum_##S##_##ISA, \
        .max = dp__max_##S##_##ISA, .sum_columns = dp__sum_columns_##S##_##ISA,                   \
        .gemm = dp__gemm_##S##_##ISA, .gemm_scratch = dp__gemm_scratch_##S##_##ISA,               \
    }
#define TABLE_ROW(ISA, NAME, BYTES) \
    { ISA, #NAME, BYTES, TABLE_OF(f32, NAME), TABLE_OF(f64, NAME) }

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
    case DP_ISA_AVX2:
        return &table_avx2;
    case DP_ISA_AVX512:
        return &table_avx512;
#endif
#ifdef DP_HAVE_NEON
    case DP_ISA_NEON:
        return &table_neon;
#endif
    default:
        return &table_portable;
    }
}

const dp_kernels *dp__k(void) { return dp__kernels(dp__isa()); }
