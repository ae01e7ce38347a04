/* vmath_d32_body.h: the functions on float that compute in double, so that one rounding remains.
 * Denormal arguments and results need no care: they are normal in double. */

DP_VM_POLY(exp_tail32, EXP_D32)
DP_VM_POLY(log_tail32, LOG_D32)
DP_VM_POLY(sin_tail32, SIN_D32)
DP_VM_POLY(cos_tail32, COS_D32)

/* x = n ln 2 + r; exp(r) - 1 = r + r^2 p(r); *s = 2^n; |x| <= 200 */
DP_VM_INLINE vd V(exp_parts32)(vd x, vd *s) {
    vd m = vd_fma(x, vd_k(VM_LOG2E), vd_k(VM_MAGIC + 1023)), n = m - (VM_MAGIC + 1023);
    vd r = vd_fma(n, vd_k(-VM_LN2), x);
    *s = vd_from(vd_bits(m) << 52);
    return vd_fma(r * r, V(exp_tail32)(r), r);
}

DP_VM_INLINE vd V(exp_core32)(vd x) {
    vd s, p = V(exp_parts32)(x, &s);
    return vd_fma(s, p, s);
}

DP_VM_INLINE vd V(clamp32)(vd x) { return vd_max(vd_k(-200.0), vd_min(vd_k(200.0), x)); }

DP_VM_INLINE vd V(expm1_core32)(vd x) {
    vd s, p = V(exp_parts32)(x, &s);
    return vd_fma(s, p, s - 1.0);
}

DP_VM_INLINE vd V(expm132)(vd x) { return V(with_sign)(V(expm1_core32)(V(clamp32)(x)), x); }

/* x = m 2^k as in log_split, but x is never denormal */
DP_VM_INLINE vd V(log_split32)(vd x, vd *k) {
    vu t = vd_bits(x) + (VM_ONE - VM_SQRT_HALF);
    *k = vd_from((t >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
    return vd_from((t & 0xfffffffffffffu) + VM_SQRT_HALF);
}

/* k ln 2 + log(1 + f):  s (2 + s^2 p(s^2)), s = f/(2 + f) */
DP_VM_INLINE vd V(log_core32)(vd f, vd k) {
    vd s = f / (f + 2.0), z = s * s;
    return vd_fma(k, vd_k(VM_LN2), s * vd_fma(z, V(log_tail32)(z), vd_k(2.0)));
}

DP_VM_INLINE vd V(log32)(vd x) {
    vd k, m = V(log_split32)(x, &k);
    return V(log_special)(x, V(log_core32)(m - 1.0, k));
}

/* where 1 + x needs no scaling, f = x has lost nothing */
DP_VM_INLINE vd V(log1p32)(vd x) {
    vd k, u = x + 1.0, m = V(log_split32)(u, &k);
    vd f = vd_sel(vd_eq(k, vd_k(0.0)), x, m - 1.0);
    return vd_sel(vd_eq(x, vd_k(0.0)), x, V(log_special)(u, V(log_core32)(f, k)));
}

/* sin(x + first pi/2) */
DP_VM_INLINE vd V(trig32)(vd x, double first) {
    vd n = vd_fma(x, vd_k(VM_TWO_OVER_PI), vd_k(VM_MAGIC)) - VM_MAGIC;
    vd r = vd_fma(n, vd_k(-VM_PIO2_2), vd_fma(n, vd_k(-VM_PIO2_1), x)), c = vd_k(0.0);
    if (vd_any(vd_not(vd_lt(V(abs)(x), vd_k(VM_HUGE))))) V(reduce_huge)(x, &r, &c, &n);
    vu q = vd_bits(n + (VM_MAGIC + first));
    vd z = r * r;
    vd s = r * vd_fma(z, V(sin_tail32)(z), vd_k(1.0));
    vd k = vd_fma(z * z, V(cos_tail32)(z), vd_fma(z, vd_k(-0.5), vd_k(1.0)));
    return vd_from(vd_bits(vd_sel(vd_odd(q), k, s)) ^ ((q & 2u) << 62));
}

DP_VM_INLINE vd V(sin32)(vd x) { return V(trig32)(x, 0.0); }
DP_VM_INLINE vd V(cos32)(vd x) { return V(trig32)(x, 1.0); }

DP_VM_INLINE vd V(pow32)(vd x, vd y) {
    vd a = V(abs)(x), k, m = V(log_split32)(a, &k), h = V(log_core32)(m - 1.0, k);
    h = vd_sel(vd_eq(a, vd_k(0.0)), vd_k(-HUGE_VAL), h);
    h = vd_sel(vd_eq(a, vd_k(HUGE_VAL)), a, h);
    return V(pow_special)(x, y, V(exp_core32)(V(clamp32)(y * h)));
}

#define DP_VM_MAP(f)                                                        \
    void DP_VM_EXPORT(f, f32, VM_ISA)(float *y, const float *x, size_t n) { \
        size_t i = 0;                                                       \
        for (; i + vd_lanes <= n; i += vd_lanes)                            \
            vd_store_f32(y + i, V(f##32)(vd_load_f32(x + i)));              \
        if (i == n) return;                                                 \
        float t[vd_lanes] = {0};                                            \
        memcpy(t, x + i, (n - i) * sizeof *t);                              \
        vd_store_f32(t, V(f##32)(vd_load_f32(t)));                          \
        memcpy(y + i, t, (n - i) * sizeof *t);                              \
    }
DP_VM_MAP(expm1)
DP_VM_MAP(log)
DP_VM_MAP(log1p)
DP_VM_MAP(sin)
DP_VM_MAP(cos)
#undef DP_VM_MAP

void DP_VM_EXPORT(pow, f32, VM_ISA)(float *y, const float *a, const float *b, size_t n) {
    size_t i = 0;
    for (; i + vd_lanes <= n; i += vd_lanes)
        vd_store_f32(y + i, V(pow32)(vd_load_f32(a + i), vd_load_f32(b + i)));
    if (i == n) return;
    float s[vd_lanes] = {0}, t[vd_lanes] = {0};
    memcpy(s, a + i, (n - i) * sizeof *s);
    memcpy(t, b + i, (n - i) * sizeof *t);
    vd_store_f32(t, V(pow32)(vd_load_f32(s), vd_load_f32(t)));
    memcpy(y + i, t, (n - i) * sizeof *t);
}
