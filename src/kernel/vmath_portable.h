/* vmath_portable.h: the vector math one number at a time, in plain C. The fma of doubles
 * is the C library's, exact with or without hardware; that of floats is emulated. */

static inline uint64_t vm_portable_bits(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double vm_portable_from(uint64_t u) {
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint32_t vm_portable_bitsf(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float vm_portable_fromf(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* a b + c rounded once: the product is exact in double; the sum is rounded to odd, so that the
 * second rounding, to 24 bits, is right. */
static inline float vm_portable_fmaf(float a, float b, float c) {
    double p = (double)a * b, s = p + c, t = s - p, e = (p - (s - t)) + (c - t);
    uint64_t u = vm_portable_bits(s);
    if ((e > 0 || e < 0) && !(u & 1u)) u += (e > 0) == (s > 0) ? 1u : UINT64_MAX;
    return (float)vm_portable_from(u);
}

#define VM_ISA portable
#define vd double
#define vu uint64_t
#define md int
#define vd_lanes 1
#define vd_k(c) (c)
#define vd_load(p) (*(p))
#define vd_store(p, v) (*(p) = (v))
#define vd_load_f32(p) ((double)*(p))
#define vd_store_f32(p, v) (*(p) = (float)(v))
#define vd_fma(a, b, c) fma(a, b, c)
#define vd_bits(a) vm_portable_bits(a)
#define vd_from(u) vm_portable_from(u)
#define vd_lt(a, b) ((a) < (b))
#define vd_le(a, b) ((a) <= (b))
#define vd_eq(a, b) ((a) == (b))
#define vd_odd(u) ((int)((u)&1u))
#define vd_not(m) (!(m))
#define vd_any(m) (m)
#define vd_sel(m, a, b) ((m) ? (a) : (b))
#define vd_min(c, a) ((a) > (c) ? (c) : (a))
#define vd_max(c, a) ((a) < (c) ? (c) : (a))
#define vd_scale(p, n) V(scale)(p, n)

#define vf float
#define vw uint32_t
#define mf int
#define vf_lanes 1
#define vf_k(c) (c)
#define vf_load(p) (*(p))
#define vf_store(p, v) (*(p) = (v))
#define vf_fma(a, b, c) vm_portable_fmaf(a, b, c)
#define vf_bits(a) vm_portable_bitsf(a)
#define vf_from(u) vm_portable_fromf(u)
#define vf_lt(a, b) ((a) < (b))
#define vf_sel(m, a, b) ((m) ? (a) : (b))
#define vf_min(c, a) ((a) > (c) ? (c) : (a))
#define vf_max(c, a) ((a) < (c) ? (c) : (a))
#define vf_scale(p, n) V(scalef)(p, n)
