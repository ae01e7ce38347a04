/* vmath_avx2.h: the vector math for AVX2 with FMA, 4 doubles or 8 floats at a time. */

typedef double vm_avx2_d __attribute__((vector_size(32)));
typedef uint64_t vm_avx2_u __attribute__((vector_size(32)));
typedef int64_t vm_avx2_m __attribute__((vector_size(32)));
typedef float vm_avx2_f __attribute__((vector_size(32)));
typedef uint32_t vm_avx2_w __attribute__((vector_size(32)));
typedef int32_t vm_avx2_n __attribute__((vector_size(32)));

#define VM_ISA avx2
#define vd vm_avx2_d
#define vu vm_avx2_u
#define md vm_avx2_m
#define vd_lanes 4
#define vd_k(c) ((vd)_mm256_set1_pd(c))
#define vd_load(p) ((vd)_mm256_loadu_pd(p))
#define vd_store(p, v) _mm256_storeu_pd(p, (__m256d)(v))
#define vd_load_f32(p) ((vd)_mm256_cvtps_pd(_mm_loadu_ps(p)))
#define vd_store_f32(p, v) _mm_storeu_ps(p, _mm256_cvtpd_ps((__m256d)(v)))
#define vd_fma(a, b, c) ((vd)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define vd_bits(a) ((vu)(a))
#define vd_from(u) ((vd)(u))
#define vd_lt(a, b) ((md)((a) < (b)))
#define vd_le(a, b) ((md)((a) <= (b)))
#define vd_eq(a, b) ((md)((a) == (b)))
#define vd_odd(u) ((md)(0u - ((u)&1u)))
#define vd_not(m) (~(m))
#define vd_any(m) (_mm256_movemask_pd((__m256d)(m)) != 0)
#define vd_sel(m, a, b) ((vd)_mm256_blendv_pd((__m256d)(b), (__m256d)(a), (__m256d)(m)))
#define vd_min(c, a) ((vd)_mm256_min_pd((__m256d)(c), (__m256d)(a)))
#define vd_max(c, a) ((vd)_mm256_max_pd((__m256d)(c), (__m256d)(a)))
#define vd_scale(p, n) V(scale)(p, n)

#define vf vm_avx2_f
#define vw vm_avx2_w
#define mf vm_avx2_n
#define vf_lanes 8
#define vf_k(c) ((vf)_mm256_set1_ps(c))
#define vf_load(p) ((vf)_mm256_loadu_ps(p))
#define vf_store(p, v) _mm256_storeu_ps(p, (__m256)(v))
#define vf_fma(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define vf_bits(a) ((vw)(a))
#define vf_from(u) ((vf)(u))
#define vf_lt(a, b) ((mf)((a) < (b)))
#define vf_sel(m, a, b) ((vf)_mm256_blendv_ps((__m256)(b), (__m256)(a), (__m256)(m)))
#define vf_min(c, a) ((vf)_mm256_min_ps((__m256)(c), (__m256)(a)))
#define vf_max(c, a) ((vf)_mm256_max_ps((__m256)(c), (__m256)(a)))
#define vf_scale(p, n) V(scalef)(p, n)
