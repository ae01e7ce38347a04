/* vmath_portable.h: the vector math one number at a time, in plain C. Its fma is the C library's,
 * exact with or without hardware. */

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
