/* vmath_f64_body.h: the functions on double, over the primitives of one pass (vmath_common.h).
 *
 * Sums of two doubles (h, l) stand for h + l with |l| <= ulp(h). Bounds are in vmath_coef.h; the
 * errors of the whole functions are in docs/accuracy.md. */

#define V(name) DP_VM_PASTE(name, VM_ISA)

DP_VM_POLY(exp_tail, EXP_F64)
DP_VM_POLY(log_tail, LOG_F64)
DP_VM_POLY(logdd_tail, LOGDD_F64)
DP_VM_POLY(sin_tail, SIN_F64)
DP_VM_POLY(cos_tail, COS_F64)
DP_VM_POLY(erf_tail, ERF_F64)
DP_VM_POLY(erfc_log, ERFC_F64)

DP_VM_INLINE vd V(abs)(vd x) { return vd_from(vd_bits(x) & ~VM_SIGN); }

/* |x| with the sign of s */
DP_VM_INLINE vd V(with_sign)(vd x, vd s) {
    return vd_from((vd_bits(x) & ~VM_SIGN) | (vd_bits(s) & VM_SIGN));
}

/* 2^n, n integral in [-1022, 1023] */
DP_VM_INLINE vd V(pow2)(vd n) { return vd_from(vd_bits(n + (VM_MAGIC + 1023)) << 52); }

DP_VM_INLINE vd V(round)(vd x) { return (x + VM_MAGIC) - VM_MAGIC; }

/* p 2^n in two steps; only the second can round */
DP_VM_INLINE vd V(scale)(vd p, vd n) {
    vd half = V(round)(n * 0.5);
    return p * V(pow2)(half) * V(pow2)(n - half);
}

/* a + b = h + l exactly */
DP_VM_INLINE vd V(two_sum)(vd a, vd b, vd *l) {
    vd h = a + b, t = h - a;
    *l = (a - (h - t)) + (b - t);
    return h;
}

/* n = nearest integer to x/ln 2; x + low - n ln 2 = r + c, |r| <= 0.3467 */
DP_VM_INLINE vd V(exp_reduce)(vd x, vd low, vd *r, vd *c) {
    vd n = vd_fma(x, vd_k(VM_LOG2E), vd_k(VM_MAGIC)) - VM_MAGIC;
    vd h = vd_fma(n, vd_k(-VM_LN2_HI), x); /* exact */
    vd l = vd_fma(n, vd_k(-VM_LN2_LO), low);
    *r = h + l;
    *c = (h - *r) + l;
    return n;
}

/* exp(x + low), x in [-746, 710] or NaN */
DP_VM_INLINE vd V(exp_core)(vd x, vd low) {
    vd r, c, n = V(exp_reduce)(x, low, &r, &c);
    vd t = vd_fma(r * r, V(exp_tail)(r), vd_fma(r, c, c));
    return vd_scale(1.0 + (r + t), n);
}

DP_VM_INLINE vd V(exp)(vd x) {
    return V(exp_core)(vd_max(vd_k(-746.0), vd_min(vd_k(710.0), x)), vd_k(0.0));
}

/* (exp(x) - 1) / 2 = h + l, x <= 710:  s r + (s - 1/2) + s (r^2 p + c), s = 2^(n-1) */
DP_VM_INLINE vd V(expm1_half)(vd x, vd *l) {
    vd r, c, n = V(exp_reduce)(vd_max(vd_k(-50.0), x), vd_k(0.0), &r, &c);
    vd t = vd_fma(r * r, V(exp_tail)(r), vd_fma(r, c, c));
    vd s = V(pow2)(n - 1.0);
    vd a = s * r, b = s - 0.5, h = b + a;
    *l = vd_fma(s, t, (a - (h - b)) + ((s - b) - 0.5));
    return h;
}

DP_VM_INLINE vd V(expm1)(vd x) {
    vd l, h = V(expm1_half)(vd_min(vd_k(710.0), x), &l);
    return vd_sel(vd_lt(V(abs)(x), vd_k(0x1p-54)), x, (h + l) * 2.0);
}

/* (a + al) / (b + bl) */
DP_VM_INLINE vd V(quotient)(vd a, vd al, vd b, vd bl) {
    vd r = 1.0 / b, q = a * r;
    return vd_fma(vd_fma(-q, b, a) + vd_fma(-q, bl, al), r, q);
}

/* e/(e + 1) or 1/(e + 1), e = exp(-|x|) */
DP_VM_INLINE vd V(sigmoid)(vd x) {
    vd a = vd_max(vd_k(-746.0), vd_from(vd_bits(x) | VM_SIGN));
    vd e = V(exp_core)(a, vd_k(0.0)), d = 1.0 + e, dl = (1.0 - d) + e;
    return V(quotient)(vd_sel(vd_lt(x, vd_k(0.0)), e, vd_k(1.0)), vd_k(0.0), d, dl);
}

/* with e = (exp(2|x|) - 1)/2: e/(e + 1); 1 from 19.1 on */
DP_VM_INLINE vd V(tanh)(vd x) {
    vd a = vd_min(vd_k(20.0), V(abs)(x));
    vd l, h = V(expm1_half)(a + a, &l);
    vd e = h + l, el = (h - e) + l;
    vd d = e + 1.0, dl = vd_sel(vd_lt(e, vd_k(1.0)), (1.0 - d) + e, (e - d) + 1.0) + el;
    vd y = V(with_sign)(V(quotient)(e, el, d, dl), x);
    return vd_sel(vd_lt(a, vd_k(0x1p-28)), x, y);
}

/* x = m 2^k, m in [sqrt 1/2, sqrt 2); x > 0 and finite */
DP_VM_INLINE vd V(log_split)(vd x, vd *k) {
    md tiny = vd_lt(x, vd_k(0x1p-1022));
    vu t = vd_bits(vd_sel(tiny, x * 0x1p54, x)) + (VM_ONE - VM_SQRT_HALF);
    vd biased = vd_from((t >> 52) | 0x4330000000000000u);
    *k = biased - vd_sel(tiny, vd_k(0x1p52 + 1023 + 54), vd_k(0x1p52 + 1023));
    return vd_from((t & 0xfffffffffffffu) + VM_SQRT_HALF);
}

/* k ln 2 + log(1 + f) + c:  s = f/(2 + f), f - (f^2/2 - s (f^2/2 + s^2 p(s^2))) */
DP_VM_INLINE vd V(log_core)(vd f, vd k, vd c) {
    vd s = f / (f + 2.0), z = s * s, half = 0.5 * f * f;
    vd t = s * vd_fma(z, V(log_tail)(z), half) + vd_fma(k, vd_k(VM_LN2_LO), c);
    return vd_fma(k, vd_k(VM_LN2_HI), f - (half - t));
}

/* the values of log outside (0, inf) */
DP_VM_INLINE vd V(log_special)(vd x, vd y) {
    y = vd_sel(vd_lt(x, vd_k(HUGE_VAL)), y, x);
    y = vd_sel(vd_eq(x, vd_k(0.0)), vd_k(-HUGE_VAL), y);
    return vd_sel(vd_lt(x, vd_k(0.0)), vd_k(NAN), y);
}

DP_VM_INLINE vd V(log)(vd x) {
    vd k, m = V(log_split)(x, &k);
    return V(log_special)(x, V(log_core)(m - 1.0, k, vd_k(0.0)));
}

/* u = 1 + x rounded, and the rest over u */
DP_VM_INLINE vd V(log1p)(vd x) {
    vd k, rest, u = V(two_sum)(vd_k(1.0), x, &rest), m = V(log_split)(u, &k);
    vd y = V(log_special)(u, V(log_core)(m - 1.0, k, rest / u));
    return vd_sel(vd_lt(V(abs)(x), vd_k(0x1p-54)), x, y);
}

/* |x| <= 1: x + x p(x^2); else 1 - exp(p(|x| - 1)); 1 from 5.93 on */
DP_VM_INLINE vd V(erf)(vd x) {
    vd a = vd_min(vd_k(5.95), V(abs)(x));
    vd near = vd_fma(x, V(erf_tail)(x * x), x);
    vd far = 1.0 - V(exp_core)(V(erfc_log)(vd_max(vd_k(0.0), a - 1.0)), vd_k(0.0));
    return vd_sel(vd_le(a, vd_k(1.0)), near, V(with_sign)(far, x));
}

/* lanes at or above VM_HUGE, infinities and NaN */
static void V(reduce_huge)(vd x, vd *r, vd *c, vd *q) {
    double xs[vd_lanes], rs[vd_lanes], cs[vd_lanes], qs[vd_lanes];
    vd_store(xs, x);
    vd_store(rs, *r);
    vd_store(cs, *c);
    vd_store(qs, *q);
    for (int i = 0; i < vd_lanes; i++)
        if (!(xs[i] < VM_HUGE && xs[i] > -VM_HUGE))
            dp__vm_reduce_huge(xs[i], &rs[i], &cs[i], &qs[i]);
    *r = vd_load(rs);
    *c = vd_load(cs);
    *q = vd_load(qs);
}

/* x - q pi/2 = r + c; pi/2 in three parts, products and sums with their rounding errors */
DP_VM_INLINE vd V(trig_reduce)(vd x, vd *r, vd *c) {
    vd q = vd_fma(x, vd_k(VM_TWO_OVER_PI), vd_k(VM_MAGIC)) - VM_MAGIC;
    vd h1 = q * VM_PIO2_1, l1 = vd_fma(q, vd_k(VM_PIO2_1), -h1);
    vd h2 = q * VM_PIO2_2, l2 = vd_fma(q, vd_k(VM_PIO2_2), -h2);
    vd e1, a = V(two_sum)(x - h1, -l1, &e1); /* x - h1 is exact */
    vd e2, b = V(two_sum)(a, -h2, &e2);
    vd e = vd_fma(q, vd_k(-VM_PIO2_3), (e1 + e2) - l2);
    *r = b + e;
    *c = (b - *r) + e;
    if (vd_any(vd_not(vd_lt(V(abs)(x), vd_k(VM_HUGE))))) V(reduce_huge)(x, r, c, &q);
    return q;
}

/* sin(x + first pi/2) */
DP_VM_INLINE vd V(trig)(vd x, double first) {
    vd r, c, n = V(trig_reduce)(x, &r, &c);
    vu q = vd_bits(n + (VM_MAGIC + first));
    vd z = r * r, half = 0.5 * z, w = 1.0 - half;
    vd s = r + vd_fma(z * r, V(sin_tail)(z), vd_fma(-half, c, c));
    vd k = w + (((1.0 - w) - half) + vd_fma(z * z, V(cos_tail)(z), -(r * c)));
    return vd_from(vd_bits(vd_sel(vd_odd(q), k, s)) ^ ((q & 2u) << 62));
}

DP_VM_INLINE vd V(sin)(vd x) { return vd_sel(vd_lt(V(abs)(x), vd_k(0x1p-27)), x, V(trig)(x, 0.0)); }

DP_VM_INLINE vd V(cos)(vd x) { return V(trig)(x, 1.0); }

/* a + z (h + l), a = (a, al) constant, z = (z, zl) */
DP_VM_INLINE vd V(dd_horner)(double a, double al, vd z, vd zl, vd h, vd *l) {
    vd th = z * h, tl = vd_fma(z, h, -th) + vd_fma(z, *l, zl * h);
    vd u = a + th;
    *l = ((a - u) + th) + (al + tl);
    return u;
}

/* log(x) = h + l to 2^-68, x > 0 and finite */
DP_VM_INLINE vd V(log_dd)(vd x, vd *l) {
    vd k, m = V(log_split)(x, &k), f = m - 1.0, g = m + 1.0, gl = m - (g - 1.0), rcp = 1.0 / g;
    vd s = f * rcp, sl = (vd_fma(-s, g, f) - s * gl) * rcp;
    vd z = s * s, zl = vd_fma(s, s, -z) + 2.0 * s * sl;
    vd t = z * V(logdd_tail)(z), h = 0.2 + t;
    vd v = ((0.2 - h) + t) - 0x1.999999999999ap-57;
    h = V(dd_horner)(0x1.5555555555555p-2, 0x1.5555555555555p-56, z, zl, h, &v);
    h = V(dd_horner)(1.0, 0.0, z, zl, h, &v); /* log(m) / 2s */
    vd s2 = s + s, p = s2 * h, pl = vd_fma(s2, h, -p) + vd_fma(s2, v, 2.0 * sl * h);
    vd kh = k * VM_LN2_HI, y = kh + p;
    *l = ((kh - y) + p) + vd_fma(k, vd_k(VM_LN2_LO), pl);
    return y;
}

DP_VM_INLINE md V(integral)(vd a) {
    return vd_le(vd_k(0x1p52), a) | vd_eq((a + 0x1p52) - 0x1p52, a);
}

/* The cases of C99 F.9.4.4, from |x|^y: the sign of an odd power, NaN, and the ones. */
DP_VM_INLINE vd V(pow_special)(vd x, vd y, vd p) {
    vd a = V(abs)(x), b = V(abs)(y);
    md whole = V(integral)(b), odd = whole & vd_not(V(integral)(b * 0.5));
    md negative = vd_lt(V(with_sign)(vd_k(1.0), x), vd_k(0.0));
    p = vd_sel(vd_eq(a, vd_k(1.0)), vd_k(1.0), p);
    p = vd_sel(negative & odd, -p, p);
    p = vd_sel(vd_lt(x, vd_k(0.0)) & vd_lt(a, vd_k(HUGE_VAL)) & vd_not(whole), vd_k(NAN), p);
    p = vd_sel(vd_eq(x, x) & vd_eq(y, y), p, x + y);
    return vd_sel(vd_eq(x, vd_k(1.0)) | vd_eq(y, vd_k(0.0)), vd_k(1.0), p);
}

/* exp(y log|x|) */
DP_VM_INLINE vd V(pow)(vd x, vd y) {
    vd a = V(abs)(x), l, h = V(log_dd)(a, &l);
    h = vd_sel(vd_eq(a, vd_k(0.0)), vd_k(-HUGE_VAL), h);
    h = vd_sel(vd_eq(a, vd_k(HUGE_VAL)), a, h);
    vd p = y * h, pl = vd_fma(y, l, vd_fma(y, h, -p));
    pl = vd_sel(vd_lt(V(abs)(p), vd_k(750.0)), pl, vd_k(0.0));
    p = vd_max(vd_k(-746.0), vd_min(vd_k(710.0), p));
    return V(pow_special)(x, y, V(exp_core)(p, pl));
}

/* y[i] = f(x[i]); the rest in a padded vector */
#define DP_VM_MAP(f)                                                                    \
    void DP_VM_EXPORT(f, f64, VM_ISA)(double *y, const double *x, size_t n) {           \
        size_t i = 0;                                                                   \
        for (; i + vd_lanes <= n; i += vd_lanes) vd_store(y + i, V(f)(vd_load(x + i))); \
        if (i == n) return;                                                             \
        double t[vd_lanes] = {0};                                                       \
        memcpy(t, x + i, (n - i) * sizeof *t);                                          \
        vd_store(t, V(f)(vd_load(t)));                                                  \
        memcpy(y + i, t, (n - i) * sizeof *t);                                          \
    }
DP_VM_MAP(exp)
DP_VM_MAP(expm1)
DP_VM_MAP(log)
DP_VM_MAP(log1p)
DP_VM_MAP(tanh)
DP_VM_MAP(sigmoid)
DP_VM_MAP(erf)
DP_VM_MAP(sin)
DP_VM_MAP(cos)
#undef DP_VM_MAP

void DP_VM_EXPORT(pow, f64, VM_ISA)(double *y, const double *a, const double *b, size_t n) {
    size_t i = 0;
    for (; i + vd_lanes <= n; i += vd_lanes)
        vd_store(y + i, V(pow)(vd_load(a + i), vd_load(b + i)));
    if (i == n) return;
    double s[vd_lanes] = {0}, t[vd_lanes] = {0};
    memcpy(s, a + i, (n - i) * sizeof *s);
    memcpy(t, b + i, (n - i) * sizeof *t);
    vd_store(t, V(pow)(vd_load(s), vd_load(t)));
    memcpy(y + i, t, (n - i) * sizeof *t);
}
