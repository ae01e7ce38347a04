/* vmath_f32_body.h: the functions on float that compute in float, twice as many at a time: those
 * of activations. */

DP_VM_POLYF(exp_tailf, EXP_F32)
DP_VM_POLYF(tanh_tailf, TANH_F32)
DP_VM_POLYF(erf_tailf, ERF_F32)
DP_VM_POLYF(erfc_logf, ERFC_F32)

DP_VM_INLINE vf V(absf)(vf x) { return vf_from(vf_bits(x) & ~VM_SIGNF); }

/* |x| with the sign of s */
DP_VM_INLINE vf V(with_signf)(vf x, vf s) {
    return vf_from((vf_bits(x) & ~VM_SIGNF) | (vf_bits(s) & VM_SIGNF));
}

/* 2^n, n integral in [-126, 127] */
DP_VM_INLINE vf V(pow2f)(vf n) { return vf_from(vf_bits(n + (VM_MAGICF + 127.0f)) << 23); }

/* p 2^n in two steps; only the second can round */
DP_VM_INLINE vf V(scalef)(vf p, vf n) {
    vf half = (n * 0.5f + VM_MAGICF) - VM_MAGICF;
    return p * V(pow2f)(half) * V(pow2f)(n - half);
}

/* x = n ln 2 + r; 1 + r + r^2 p(r), |r| <= 0.3467 */
DP_VM_INLINE vf V(exp_partsf)(vf x, vf *n) {
    *n = vf_fma(x, vf_k(VM_LOG2EF), vf_k(VM_MAGICF)) - VM_MAGICF;
    vf h = vf_fma(*n, vf_k(-VM_LN2F_HI), x); /* exact */
    vf r = vf_fma(*n, vf_k(-VM_LN2F_LO), h);
    return vf_fma(r, vf_fma(r, V(exp_tailf)(r), vf_k(1.0f)), vf_k(1.0f));
}

DP_VM_INLINE vf V(expf)(vf x) {
    vf n, p = V(exp_partsf)(vf_max(vf_k(-104.0f), vf_min(vf_k(89.0f), x)), &n);
    return vf_scale(p, n);
}

/* e/(1 + e) or 1/(1 + e), e = exp(-|x|); d + dl = 1 + e exactly */
DP_VM_INLINE vf V(sigmoidf)(vf x) {
    vf n, p = V(exp_partsf)(vf_max(vf_k(-104.0f), vf_from(vf_bits(x) | VM_SIGNF)), &n);
    vf e = vf_scale(p, n), d = 1.0f + e, dl = (1.0f - d) + e, r = 1.0f / d;
    vf a = vf_sel(vf_lt(x, vf_k(0.0f)), e, vf_k(1.0f)), q = a * r;
    return vf_fma(vf_fma(-q, dl, vf_fma(-q, d, a)), r, q);
}

/* |x| <= 0.6: x + x^3 p(x^2); else 1 - 2/(exp(2|x|) + 1); 1 from 9.02 on */
DP_VM_INLINE vf V(tanhf)(vf x) {
    vf a = vf_min(vf_k(10.0f), V(absf)(x)), z = x * x;
    vf near = vf_fma(x * z, V(tanh_tailf)(z), x);
    vf n, p = V(exp_partsf)(a + a, &n);
    vf far = 1.0f - 2.0f / vf_fma(p, V(pow2f)(n), vf_k(1.0f));
    return V(with_signf)(vf_sel(vf_lt(a, vf_k(0.6f)), near, far), x);
}

/* |x| < 1: x + x p(x^2); else 1 - exp(p(|x| - 1)); 1 from 3.92 on */
DP_VM_INLINE vf V(erff)(vf x) {
    vf a = vf_min(vf_k(4.0f), V(absf)(x));
    vf near = vf_fma(x, V(erf_tailf)(x * x), x);
    vf n, p = V(exp_partsf)(V(erfc_logf)(vf_max(vf_k(0.0f), a - 1.0f)), &n);
    vf far = vf_fma(-p, V(pow2f)(n), vf_k(1.0f));
    return vf_sel(vf_lt(a, vf_k(1.0f)), near, V(with_signf)(far, x));
}

#define DP_VM_MAP(g)                                                                       \
    void DP_VM_EXPORT(g, f32, VM_ISA)(float *y, const float *x, size_t n) {                \
        size_t i = 0;                                                                      \
        for (; i + vf_lanes <= n; i += vf_lanes) vf_store(y + i, V(g##f)(vf_load(x + i))); \
        if (i == n) return;                                                                \
        float t[vf_lanes] = {0};                                                           \
        memcpy(t, x + i, (n - i) * sizeof *t);                                             \
        vf_store(t, V(g##f)(vf_load(t)));                                                  \
        memcpy(y + i, t, (n - i) * sizeof *t);                                             \
    }
DP_VM_MAP(exp)
DP_VM_MAP(tanh)
DP_VM_MAP(sigmoid)
DP_VM_MAP(erf)
#undef DP_VM_MAP
