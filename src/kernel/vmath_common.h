/* vmath_common.h: what the passes of the vector math share.
 *
 * A pass is one instruction set (vmath.c): vmath_<isa>.h defines the primitives below as macros,
 * the bodies (vmath_f64_body.h, vmath_f32_body.h, vmath_d32_body.h) use them, vmath_end_body.h
 * forgets them.
 *
 *     vd, vu, md            vector of doubles, of uint64_t, and the result of a comparison
 *     vd_k(c)               all lanes c
 *     vd_load_f32, vd_store_f32   vd_lanes floats as doubles and back, rounded
 *     vd_bits, vd_from      the bits of the doubles, and back
 *     vd_lt, vd_le, vd_eq   comparisons, false for NaN
 *     vd_odd(u)             lanes whose lowest bit is set
 *     vd_sel(m, a, b)       m ? a : b
 *     vd_min(c, a)          a > c ? c : a: keeps a NaN of a; vd_max alike
 *     vd_scale(p, n)        p 2^n for an integral n in [-1100, 1100], rounded once
 *     vf, vw, mf, vf_...    the same for floats: vf_lanes of them */
#ifndef DP_KERNEL_VMATH_COMMON_H
#define DP_KERNEL_VMATH_COMMON_H

#define DP_VM_PASTE_(a, b) vm_##a##_##b
#define DP_VM_PASTE(a, b) DP_VM_PASTE_(a, b)
#define DP_VM_EXPORT_(f, type, isa) dp__vm_##f##_##type##_##isa
#define DP_VM_EXPORT(f, type, isa) DP_VM_EXPORT_(f, type, isa)

/* Horner's rule: a function name(z) that evaluates one list of vmath_coef.h. */
#define DP_VM_FIRST(c) p = vd_k(c);
#define DP_VM_STEP(c) p = vd_fma(p, z, vd_k(c));
#define DP_VM_POLY(name, list)                          \
    DP_VM_INLINE vd V(name)(vd z) {                     \
        vd p;                                           \
        DP_VM_##list(DP_VM_FIRST, DP_VM_STEP) return p; \
    }

#define DP_VM_FIRSTF(c) p = vf_k(c);
#define DP_VM_STEPF(c) p = vf_fma(p, z, vf_k(c));
#define DP_VM_POLYF(name, list)                           \
    DP_VM_INLINE vf V(name)(vf z) {                       \
        vf p;                                             \
        DP_VM_##list(DP_VM_FIRSTF, DP_VM_STEPF) return p; \
    }

#if defined(__GNUC__)
#define DP_VM_INLINE static inline __attribute__((always_inline))
#else
#define DP_VM_INLINE static inline
#endif

#define VM_MAGIC 0x1.8p52 /* x + VM_MAGIC - VM_MAGIC: x to the nearest integer */
#define VM_SIGN 0x8000000000000000u
#define VM_LOG2E 0x1.71547652b82fep+0
#define VM_LN2_HI 0x1.62e42fefa3000p-1 /* 41 bits: n VM_LN2_HI is exact for |n| < 2^12 */
#define VM_LN2_LO 0x1.3de6af278ece6p-42
#define VM_LN2 0x1.62e42fefa39efp-1
#define VM_TWO_OVER_PI 0x1.45f306dc9c883p-1
#define VM_PIO2_1 0x1.921fb54442d18p+0 /* pi/2 = the sum of these, to 2^-164 */
#define VM_PIO2_2 0x1.1a62633145c07p-54
#define VM_PIO2_3 -0x1.f1976b7ed8fbcp-110
#define VM_HUGE 0x1p23                   /* from here on sin and cos reduce lane by lane */
#define VM_SQRT_HALF 0x3fe6a09e667f3bcdu /* bits of sqrt(1/2) */
#define VM_ONE 0x3ff0000000000000u

#define VM_MAGICF 0x1.8p23f
#define VM_SIGNF 0x80000000u
#define VM_LOG2EF 0x1.715476p+0f
#define VM_LN2F_HI 0x1.62e430p-1f
#define VM_LN2F_LO -0x1.05c610p-29f

#endif
