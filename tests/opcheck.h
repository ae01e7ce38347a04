/* opcheck.h: what must hold for every op and every sample of its inputs. A check returns NULL, or
 * the reason why it fails; so the mutation test can demand failure. Include after cmocka.h. */
#ifndef DENPAN_OPCHECK_H
#define DENPAN_OPCHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/op.h"
#include "run/run.h"

enum { CHECK_ROOM = 1 << 20, CHECK_BYTES = 1 << 22 };

/* One op with one set of inputs, or a function composed of ops. */
typedef struct check_case {
    const char *name;
    const dp_op *op; /* NULL: make */
    dp_tensor *(*make)(dp_tensor *const *x);
    double attr[DP_ATTR_INLINE / 8];
    int n_in;
    dp_tensor *in[DP_MAX_IN]; /* stored, row-major */
} check_case;

static char check_reason[512];

#define CHECK_FAIL(...) (snprintf(check_reason, sizeof check_reason, __VA_ARGS__), check_reason)

/* ---- room for numbers: given back all at once ---- */
static double check_pool[CHECK_ROOM];
static size_t check_used;

static inline double *check_room(size_t n) {
    if (check_used + n > CHECK_ROOM) abort();
    check_used += n;
    return check_pool + check_used - n;
}

static inline bool check_is_float(const dp_tensor *t) { return dp__is_float((dp_dtype)t->dtype); }

/* Elements of an evaluated tensor as doubles; NULL if it cannot be read. */
static inline double *check_values(dp_tensor *t) {
    const void *data = dp_map(t);
    size_t n = data ? (size_t)dp_count(t) : 0;
    double *out = check_room(n);
    for (size_t i = 0; i < n; i++) out[i] = dp__load_double(dp_dtype_of(t), data, i);
    return data ? out : NULL;
}

static inline double check_largest(const double *v, size_t n) { /* of the finite ones */
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fabs(v[i]) > m && isfinite(v[i]) ? fabs(v[i]) : m;
    return m;
}

static inline dp_tensor *check_random(const dp_tensor *like, uint64_t salt) {
    return dp__sample_numbers(dp_shape_at(like), -1, 1, salt);
}

/* ---- cases ---- */

/* Stored row-major f64 (or integer) copies of inputs that may be views. */
static inline bool check_settle(check_case *c) {
    for (c->n_in = 0; c->n_in < DP_MAX_IN && c->in[c->n_in]; c->n_in++) {
        dp_tensor **x = &c->in[c->n_in];
        const void *data = dp_map(*x);
        if (data) *x = dp_from(dp_dtype_of(*x), dp_shape_at(*x), data);
        if (!data || !*x) return false;
    }
    return true;
}

/* The n-th sample of an op; false after the last. */
static inline bool check_load(check_case *c, const dp_op *op, int n) {
    memset(c, 0, sizeof *c);
    c->name = op->name;
    c->op = op;
    if (!op->sample || !op->sample(n, c->in, c->attr)) return false;
    return check_settle(c);
}

static inline dp_tensor *check_make(const check_case *c, dp_tensor *const *x) {
    return c->op ? dp_apply(c->op, x, c->n_in, c->attr) : c->make(x);
}

/* ---- differences ---- */

/* The inputs moved by h along u (u[i] NULL: not moved). */
static inline void check_move(const check_case *c, dp_tensor *const *u, double h, dp_tensor **x) {
    for (int i = 0; i < c->n_in; i++) {
        x[i] = c->in[i];
        if (!u[i]) continue;
        x[i] = dp_from(DP_F64, dp_shape_at(c->in[i]), dp_map(c->in[i]));
        double *v = dp__data(x[i]);
        const double *d = dp_map(u[i]);
        for (int64_t k = 0; k < dp_count(x[i]); k++) v[k] += h * d[k];
    }
}

typedef dp_tensor *check_function(const check_case *c, dp_tensor *const *x, int which);

/* d/dh of f(x + h u) at h = 0: central differences with h and h/2, extrapolated to order 4. */
static inline double *check_slope(const check_case *c, check_function *f, int which,
                                  dp_tensor *const *u, double h, size_t n) {
    double *out = check_room(n), *part[4];
    static const double at[4] = {1, -1, 0.5, -0.5};
    for (int k = 0; k < 4; k++) {
        dp_tensor *x[DP_MAX_IN];
        check_move(c, u, at[k] * h, x);
        dp_tensor *y = f(c, x, which);
        if (!y || !(part[k] = check_values(y)) || (size_t)dp_count(y) != n) return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        double wide = (part[0][i] - part[1][i]) / (2 * h), narrow = (part[2][i] - part[3][i]) / h;
        out[i] = (4 * narrow - wide) / 3;
    }
    return out;
}

static inline dp_tensor *check_value(const check_case *c, dp_tensor *const *x, int which) {
    (void)which;
    return check_make(c, x);
}

/* ---- first order: forward, reverse and differences agree in input i ---- */

typedef struct check_products {
    double *y, *jv, *g, *u, *v; /* J u, and J^T v */
    size_t n_y, n_x;
} check_products;

static inline const char *check_compute(const check_case *c, int i, dp_tensor *u,
                                        check_products *p) {
    dp_tensor *y = check_make(c, c->in), *x = c->in[i], *g = NULL;
    dp_tensor *v = y ? check_random(y, 200) : NULL, *jv = y ? dp_jvp(y, &x, &u, 1) : NULL;
    if (!jv || dp_vjp(y, v, &x, 1, &g) || dp_eval(y, jv, g))
        return CHECK_FAIL("%s, input %d: %s", c->name, i, dp_error());
    if (!dp__same_shape(jv, y) || !dp__same_shape(g, x) || jv->dtype != y->dtype ||
        g->dtype != x->dtype)
        return CHECK_FAIL("%s, input %d: a derivative has another shape or dtype", c->name, i);
    *p = (check_products){check_values(y), check_values(jv),    check_values(g),    check_values(u),
                          check_values(v), (size_t)dp_count(y), (size_t)dp_count(x)};
    return NULL;
}

/* <v, J u> = <J^T v, u> */
static inline const char *check_dot(const check_case *c, int i, const check_products *p,
                                    double limit) {
    double forward = 0, reverse = 0, scale = 0;
    for (size_t k = 0; k < p->n_y; k++)
        forward += p->v[k] * p->jv[k], scale += fabs(p->v[k] * p->jv[k]);
    for (size_t k = 0; k < p->n_x; k++)
        reverse += p->g[k] * p->u[k], scale += fabs(p->g[k] * p->u[k]);
    if (fabs(forward - reverse) <= limit * scale) return NULL;
    return CHECK_FAIL("%s, input %d: forward mode %.17g, reverse mode %.17g", c->name, i, forward,
                      reverse);
}

static inline const char *check_first(const check_case *c, int i) {
    check_products p;
    dp_tensor *u[DP_MAX_IN] = {NULL};
    bool coarse = false;
    check_used = 0;
    if (!check_is_float(c->in[i])) return NULL;
    dp_tensor *probe = check_make(c, c->in);
    if (probe && !check_is_float(probe)) return NULL;
    coarse = probe && probe->dtype == DP_F32; /* a cast: linear, but rounded */
    u[i] = check_random(c->in[i], 100 + (uint64_t)i);
    const char *why = check_compute(c, i, u[i], &p);
    if (why || (why = check_dot(c, i, &p, coarse ? 1e-5 : 1e-12))) return why;
    double *d = check_slope(c, check_value, 0, u, coarse ? 0.125 : 0x1p-14, p.n_y),
           most = check_largest(p.y, p.n_y);
    if (!d) return CHECK_FAIL("%s, input %d: no differences: %s", c->name, i, dp_error());
    for (size_t k = 0; k < p.n_y; k++)
        if (isfinite(p.y[k]) && !(fabs(d[k] - p.jv[k]) <= (coarse ? 1e-4 : 1e-7) * fabs(d[k]) +
                                                              (coarse ? 1e-5 : 1e-9) * most))
            return CHECK_FAIL("%s, input %d: derivative %.17g at %zu; differences say %.17g",
                              c->name, i, p.jv[k], k, d[k]);
    return NULL;
}

/* The largest |dy| along a random direction of input i, by differences: is there a derivative? */
static inline double check_steepness(const check_case *c, int i) {
    dp_tensor *u[DP_MAX_IN] = {NULL};
    check_used = 0;
    if (!check_is_float(c->in[i])) return 0;
    dp_tensor *y = check_make(c, c->in);
    if (!y || y->dtype != DP_F64) return 0;
    size_t n = (size_t)dp_count(y);
    u[i] = check_random(c->in[i], 100 + (uint64_t)i);
    double *d = check_slope(c, check_value, 0, u, 0x1p-14, n);
    return d ? check_largest(d, n) : 0;
}

/* ---- second order: of e = sum(w y^2 (y + 3)), so that linear ops have one too ---- */

static inline dp_tensor *check_energy(const check_case *c, dp_tensor *const *x) {
    dp_tensor *y = check_make(c, x), *w = y ? check_random(y, 300) : NULL;
    return dp_sum_all(dp_mul(dp_mul(w, dp_square(y)), dp_adds(y, 3)));
}

static inline dp_tensor *check_gradient(const check_case *c, dp_tensor *const *x, int which) {
    dp_tensor *g;
    return dp_vjp(check_energy(c, x), NULL, &x[which], 1, &g) ? NULL : g;
}

static inline bool check_near(const double *a, const double *b, size_t n, double limit,
                              double floor) {
    double scale = check_largest(a, n) + floor;
    for (size_t k = 0; k < n; k++)
        if (!(fabs(a[k] - b[k]) <= limit * scale)) return false;
    return true;
}

/* H u by forward over reverse and by reverse over forward, all inputs together. */
static inline const char *check_hessian(const check_case *c, int m, dp_tensor *const *x,
                                        dp_tensor *const *u, dp_tensor **over_reverse,
                                        dp_tensor **over_forward) {
    dp_tensor *e = check_energy(c, c->in), *g[DP_MAX_IN], *roots[2 * DP_MAX_IN];
    dp_tensor *s = e ? dp_jvp(e, x, u, (size_t)m) : NULL;
    bool ok =
        s && !dp_vjp(e, NULL, x, (size_t)m, g) && !dp_vjp(s, NULL, x, (size_t)m, over_forward);
    for (int i = 0; ok && i < m; i++) {
        over_reverse[i] = dp_jvp(g[i], x, u, (size_t)m);
        roots[i] = over_reverse[i];
        roots[m + i] = over_forward[i];
        ok = over_reverse[i] != NULL;
    }
    if (ok && !dp_eval_n(roots, 2 * (size_t)m)) return NULL;
    return CHECK_FAIL("%s, second order: %s", c->name, dp_error());
}

static inline const char *check_second(const check_case *c) {
    dp_tensor *x[DP_MAX_IN], *u[DP_MAX_IN] = {NULL}, *along[DP_MAX_IN], *fr[DP_MAX_IN],
                             *rf[DP_MAX_IN];
    int m = 0, which[DP_MAX_IN];
    check_used = 0;
    for (int i = 0; i < c->n_in; i++)
        if (check_is_float(c->in[i])) {
            u[i] = check_random(c->in[i], 400 + (uint64_t)i);
            which[m] = i, along[m] = u[i], x[m++] = c->in[i];
        }
    dp_tensor *probe = check_make(c, c->in);
    if (!m || (probe && probe->dtype != DP_F64)) return NULL;
    const char *why = check_hessian(c, m, x, along, fr, rf);
    if (why) return why;
    for (int i = 0; i < m; i++) {
        size_t n = (size_t)dp_count(x[i]);
        double *a = check_values(fr[i]), *b = check_values(rf[i]);
        if (!check_near(a, b, n, 1e-12, 0))
            return CHECK_FAIL(
                "%s, input %d: forward over reverse differs from reverse over forward", c->name,
                which[i]);
        double *d = check_slope(c, check_gradient, which[i], u, 0x1p-14, n);
        if (!d || !check_near(a, d, n, 1e-6, 1e-3))
            return CHECK_FAIL("%s, input %d: second order differs from differences %s", c->name,
                              which[i], dp_error());
    }
    return NULL;
}

/* ---- bits: everything that can be computed from a case, as bytes ---- */

typedef struct check_bits {
    unsigned char *data;
    size_t n;
} check_bits;

/* A NaN is a NaN: its payload does not count. */
static inline void check_canonical(dp_dtype dtype, void *data, size_t n) {
    for (size_t i = 0; i < n && dtype == DP_F32; i++)
        if (isnan(((float *)data)[i])) ((float *)data)[i] = (float)NAN;
    for (size_t i = 0; i < n && dtype == DP_F64; i++)
        if (isnan(((double *)data)[i])) ((double *)data)[i] = (double)NAN;
}

static inline bool check_append(check_bits *b, dp_tensor *t) {
    size_t n = dp__bytes_of(t), at = (b->n + 7) / 8 * 8;
    if (at + n > CHECK_BYTES || dp_read(t, n ? b->data + at : NULL, n)) return false;
    memset(b->data + b->n, 0, at - b->n);
    check_canonical(dp_dtype_of(t), b->data + at, (size_t)dp_count(t));
    b->n = at + n;
    return true;
}

/* Value, tangent and cotangents of a case at inputs x, in one eval; b->data has CHECK_BYTES. */
static inline const char *check_results(const check_case *c, dp_tensor *const *x, check_bits *b) {
    dp_tensor *roots[2 + DP_MAX_IN], *at[DP_MAX_IN], *u[DP_MAX_IN];
    size_t n = 0, m = 0;
    roots[n] = check_make(c, x);
    if (!roots[n++]) return CHECK_FAIL("%s: %s", c->name, dp_error());
    for (int i = 0; i < c->n_in; i++)
        if (check_is_float(x[i])) u[m] = check_random(x[i], 500 + (uint64_t)i), at[m++] = x[i];
    if (m && check_is_float(roots[0])) {
        roots[n++] = dp_jvp(roots[0], at, u, m);
        if (dp_vjp(roots[0], check_random(roots[0], 600), at, m, roots + n))
            return CHECK_FAIL("%s: %s", c->name, dp_error());
        n += m;
    }
    if (!roots[n - 1] || dp_eval_n(roots, n)) return CHECK_FAIL("%s: %s", c->name, dp_error());
    b->n = 0;
    for (size_t i = 0; i < n; i++)
        if (!check_append(b, roots[i]))
            return CHECK_FAIL("%s: not readable: %s", c->name, dp_error());
    return NULL;
}

static inline bool check_same(const check_bits *a, const check_bits *b) {
    return a->n == b->n && !memcmp(a->data, b->data, a->n);
}

static unsigned char check_store[2][CHECK_BYTES];

/* One executor at x, the other (or the same) at z: the same bits? */
static inline const char *check_pair(const check_case *c, dp_tensor *const *x, dp_executor ex,
                                     dp_tensor *const *z, dp_executor ez, const char *what) {
    check_bits a = {check_store[0], 0}, b = {check_store[1], 0};
    dp_engine_executor(ex);
    const char *why = check_results(c, x, &a);
    dp_engine_executor(ez);
    if (!why) why = check_results(c, z, &b);
    dp_engine_executor(DP_PLANNED);
    if (why || check_same(&a, &b)) return why;
    size_t k = 0;
    while (k < a.n && k < b.n && a.data[k] == b.data[k]) k++;
    return CHECK_FAIL("%s, %s: bytes differ from %zu of %zu (%zu)", c->name, what, k, a.n, b.n);
}

/* The float inputs in f32. */
static inline void check_narrow(const check_case *c, dp_tensor **x) {
    for (int i = 0; i < c->n_in; i++) {
        x[i] = check_is_float(c->in[i]) ? dp_cast(c->in[i], DP_F32) : c->in[i];
        if (x[i]) x[i] = dp_from(dp_dtype_of(x[i]), dp_shape_at(x[i]), dp_map(x[i]));
    }
}

static inline const char *check_executors(const check_case *c) {
    dp_tensor *x[DP_MAX_IN];
    const char *why =
        check_pair(c, c->in, DP_NAIVE, c->in, DP_PLANNED, "planned against naive, f64");
    if (why) return why;
    check_narrow(c, x);
    return check_pair(c, x, DP_NAIVE, x, DP_PLANNED, "planned against naive, f32");
}

#endif
