/* vmath_neon.h: the vector math for NEON, 2 doubles or 4 floats at a time. */

typedef double vm_neon_d __attribute__((vector_size(16)));
typedef uint64_t vm_neon_u __attribute__((vector_size(16)));
typedef int64_t vm_neon_m __attribute__((vector_size(16)));
typedef float vm_neon_f __attribute__((vector_size(16)));
typedef uint32_t vm_neon_w __attribute__((vector_size(16)));
typedef int32_t vm_neon_n __attribute__((vector_size(16)));

#define VM_ISA neon
#define vd vm_neon_d
#define vu vm_neon_u
#define md vm_neon_m
#define vd_lanes 2
#define vd_k(c) ((vd)vdupq_n_f64(c))
#define vd_load(p) ((vd)vld1q_f64(p))
#define vd_store(p, v) vst1q_f64(p, (float64x2_t)(v))
#define vd_load_f32(p) ((vd)vcvt_f64_f32(vld1_f32(p)))
#define vd_store_f32(p, v) vst1_f32(p, vcvt_f32_f64((float64x2_t)(v)))
#define vd_fma(a, b, c) ((vd)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define vd_bits(a) ((vu)(a))
#define vd_from(u) ((vd)(u))
#define vd_lt(a, b) ((md)((a) < (b)))
#define vd_le(a, b) ((md)((a) <= (b)))
#define vd_eq(a, b) ((md)((a) == (b)))
#define vd_odd(u) ((md)(0u - ((u)&1u)))
#define vd_not(m) (~(m))
#define vd_any(m) ((m)[0] != 0 || (m)[1] != 0)
#define vd_sel(m, a, b) ((vd)vbslq_f64((uint64x2_t)(m), (float64x2_t)(a), (float64x2_t)(b)))
#define vd_min(c, a) vd_sel(vd_lt(c, a), c, a)
#define vd_max(c, a) vd_sel(vd_lt(a, c), c, a)
#define vd_scale(p, n) V(scale)(p, n)

#define vf vm_neon_f
#define vw vm_neon_w
#define mf vm_neon_n
#define vf_lanes 4
#define vf_k(c) ((vf)vdupq_n_f32(c))
#define vf_load(p) ((vf)vld1q_f32(p))
#define vf_store(p, v) vst1q_f32(p, (float32x4_t)(v))
#define vf_fma(a, b, c) ((vf)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define vf_bits(a) ((vw)(a))
#define vf_from(u) ((vf)(u))
#define vf_lt(a, b) ((mf)((a) < (b)))
#define vf_sel(m, a, b) ((vf)vbslq_f32((uint32x4_t)(m), (float32x4_t)(a), (float32x4_t)(b)))
#define vf_min(c, a) vf_sel(vf_lt(c, a), c, a)
#define vf_max(c, a) vf_sel(vf_lt(a, c), c, a)
#define vf_scale(p, n) V(scalef)(p, n)
