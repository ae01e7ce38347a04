/* vmath.h: exp, expm1, log, log1p, tanh, sigmoid, erf, sin, cos and pow for every instruction set.
 *
 * dp__vm_<function>_<f32|f64>_<isa>(y, x, n), pow(y, a, b, n). Law 1: the same bits in every
 * instruction set; the tail is computed in a padded vector, so it has the bits of the body. */
#ifndef DP_KERNEL_VMATH_H
#define DP_KERNEL_VMATH_H

#include "isa.h"
#include "kernel.h"

#define DP_VM_DECLARE(isa)                                                         \
    dp_map_f32 dp__vm_exp_f32_##isa, dp__vm_expm1_f32_##isa, dp__vm_log_f32_##isa, \
        dp__vm_log1p_f32_##isa, dp__vm_tanh_f32_##isa, dp__vm_sigmoid_f32_##isa,   \
        dp__vm_erf_f32_##isa, dp__vm_sin_f32_##isa, dp__vm_cos_f32_##isa;          \
    dp_map_f64 dp__vm_exp_f64_##isa, dp__vm_expm1_f64_##isa, dp__vm_log_f64_##isa, \
        dp__vm_log1p_f64_##isa, dp__vm_tanh_f64_##isa, dp__vm_sigmoid_f64_##isa,   \
        dp__vm_erf_f64_##isa, dp__vm_sin_f64_##isa, dp__vm_cos_f64_##isa;          \
    dp_map2_f32 dp__vm_pow_f32_##isa;                                              \
    dp_map2_f64 dp__vm_pow_f64_##isa

DP_VM_DECLARE(portable);
#if defined(DP_HAVE_X86)
DP_VM_DECLARE(avx2);
DP_VM_DECLARE(avx512);
#endif
#if defined(DP_HAVE_NEON)
DP_VM_DECLARE(neon);
#endif

/* x - q pi/2 = hi + lo, |hi| <= pi/4 (1 + 2^-50), for any finite |x| >= 2^20; *quadrant = q mod 4.
 * Inf and NaN give NaN. */
void dp__vm_reduce_huge(double x, double *hi, double *lo, double *quadrant);

#endif
