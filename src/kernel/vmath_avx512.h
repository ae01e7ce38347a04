/* vmath_avx512.h: the vector math for AVX-512, 8 doubles or 16 floats at a time; masks live in k
 * registers. */

typedef double vm_avx512_d __attribute__((vector_size(64)));
typedef uint64_t vm_avx512_u __attribute__((vector_size(64)));
typedef float vm_avx512_f __attribute__((vector_size(64)));
typedef uint32_t vm_avx512_w __attribute__((vector_size(64)));

#define VM_ISA avx512
#define vd vm_avx512_d
#define vu vm_avx512_u
#define md __mmask8
#define vd_lanes 8
#define vd_k(c) ((vd)_mm512_set1_pd(c))
#define vd_load(p) ((vd)_mm512_loadu_pd(p))
#define vd_store(p, v) _mm512_storeu_pd(p, (__m512d)(v))
#define vd_load_f32(p) ((vd)_mm512_cvtps_pd(_mm256_loadu_ps(p)))
#define vd_store_f32(p, v) _mm256_storeu_ps(p, _mm512_cvtpd_ps((__m512d)(v)))
#define vd_fma(a, b, c) ((vd)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define vd_bits(a) ((vu)(a))
#define vd_from(u) ((vd)(u))
#define vd_lt(a, b) _mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_LT_OQ)
#define vd_le(a, b) _mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_LE_OQ)
#define vd_eq(a, b) _mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_EQ_OQ)
#define vd_odd(u) _mm512_test_epi64_mask((__m512i)(u), _mm512_set1_epi64(1))
#define vd_not(m) _knot_mask8(m)
#define vd_any(m) ((m) != 0)
#define vd_sel(m, a, b) ((vd)_mm512_mask_blend_pd(m, (__m512d)(b), (__m512d)(a)))
#define vd_min(c, a) ((vd)_mm512_min_pd((__m512d)(c), (__m512d)(a)))
#define vd_max(c, a) ((vd)_mm512_max_pd((__m512d)(c), (__m512d)(a)))
#define vd_scale(p, n) ((vd)_mm512_scalef_pd((__m512d)(p), (__m512d)(n)))

#define vf vm_avx512_f
#define vw vm_avx512_w
#define mf __mmask16
#define vf_lanes 16
#define vf_k(c) ((vf)_mm512_set1_ps(c))
#define vf_load(p) ((vf)_mm512_loadu_ps(p))
#define vf_store(p, v) _mm512_storeu_ps(p, (__m512)(v))
#define vf_fma(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define vf_bits(a) ((vw)(a))
#define vf_from(u) ((vf)(u))
#define vf_lt(a, b) _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_LT_OQ)
#define vf_sel(m, a, b) ((vf)_mm512_mask_blend_ps(m, (__m512)(b), (__m512)(a)))
#define vf_min(c, a) ((vf)_mm512_min_ps((__m512)(c), (__m512)(a)))
#define vf_max(c, a) ((vf)_mm512_max_ps((__m512)(c), (__m512)(a)))
#define vf_scale(p, n) ((vf)_mm512_scalef_ps((__m512)(p), (__m512)(n)))
