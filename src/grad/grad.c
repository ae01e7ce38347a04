/* grad.c: reverse and forward mode. Both walk the graph once and build graph with the public
 * operations: a derivative rule is written once, in its op's file. */
#include "../op/op.h"
#include "denpan/grad.h"

typedef struct dp_differentiation dp_differentiation;

/* The graph below y, with one value and one mark for each node, all empty. */
static dp_differentiation *grad_begin(dp_tensor *y, const char *function) {
    dp_differentiation *d = &dp__thread()->diff;
    if (!dp__walk(&d->walk, &y, 1, function)) return NULL;
    if (!dp__reserve((void **)&d->value, &d->cap_value, d->walk.n, sizeof *d->value)) return NULL;
    if (!dp__reserve((void **)&d->needed, &d->cap_needed, d->walk.n, 1)) return NULL;
    for (size_t i = 0; i < d->walk.n; i++) {
        d->value[i] = NULL;
        d->needed[i] = 0;
    }
    return d;
}

static int32_t grad_at(const dp_differentiation *d, const dp_tensor *t) {
    return dp__walk_index(&d->walk, t);
}

/* Mark what depends on an x through floats. */
static void grad_mark(dp_differentiation *d, dp_tensor *const *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (grad_at(d, x[i]) >= 0) d->needed[grad_at(d, x[i])] = 1;
    for (size_t i = 0; i < d->walk.n; i++) {
        const dp_tensor *t = d->walk.order[i];
        if (!dp__is_float((dp_dtype)t->dtype))
            d->needed[i] = 0;
        else
            for (int k = 0; k < t->n_in; k++) d->needed[i] |= d->needed[grad_at(d, t->in[k])];
    }
}

/* The share of input i in the cotangent; NULL and *none: this op has no derivative by it. */
static dp_tensor *grad_pull(dp_tensor *y, int i, dp_tensor *ct, bool *none) {
    const dp_op *op = y->op;
    *none = false;
    if (op->linear >> i & 1) return op->transpose(y, i, ct);
    if (op->diff) return op->diff(y, i, ct);
    if (op->vjp) return op->vjp(y, i, ct);
    *none = true;
    return NULL;
}

static dp_tensor *grad_push(dp_tensor *y, int i, dp_tensor *t, bool *none) {
    const dp_op *op = y->op;
    *none = false;
    if (op->linear >> i & 1) {
        dp_tensor *in[DP_MAX_IN];
        for (int k = 0; k < y->n_in; k++) in[k] = k == i ? t : y->in[k];
        return dp_apply(op, in, y->n_in, y->attr);
    }
    if (op->diff) return op->diff(y, i, t);
    if (op->jvp) return op->jvp(y, i, t);
    *none = true;
    return NULL;
}

static bool grad_node_back(dp_differentiation *d, size_t at) {
    dp_tensor *y = d->walk.order[at];
    for (int i = 0; i < y->n_in; i++) {
        int32_t k = grad_at(d, y->in[i]);
        bool none;
        if (!d->needed[k]) continue;
        dp_tensor *share = grad_pull(y, i, d->value[at], &none);
        if (none) continue;
        d->value[k] = d->value[k] ? dp_add(d->value[k], share) : share;
        if (!d->value[k]) return false;
    }
    return true;
}

static dp_tensor *grad_seed(dp_tensor *y, dp_tensor *cotangent, const char *function) {
    if (!dp__is_float((dp_dtype)y->dtype)) {
        dp_fail(DP_EINVAL, "%s: %s is not of floats", function, dp__describe(y));
        return NULL;
    }
    if (!cotangent) {
        if (dp_count(y) == 1) return dp_full((dp_dtype)y->dtype, dp_shape_at(y), 1);
        dp_fail(DP_EINVAL, "%s: %s has %lld elements; a cotangent is needed unless there is one",
                function, dp__describe(y), (long long)dp_count(y));
        return NULL;
    }
    if (!dp__check(cotangent, function)) return NULL;
    if (dp__same_shape(y, cotangent)) return dp__as(cotangent, (dp_dtype)y->dtype);
    dp_fail(DP_EINVAL, "%s: the cotangent is %s, the value %s", function, dp__describe(cotangent),
            dp__describe(y));
    return NULL;
}

/* Cotangents of all that is needed; NULL on failure. */
static dp_differentiation *grad_reverse(dp_tensor *y, dp_tensor *cotangent, dp_tensor *const *x,
                                        size_t n, const char *function) {
    if (!dp__check(y, function)) return NULL;
    for (size_t i = 0; i < n; i++)
        if (!dp__check(x[i], function)) return NULL;
    dp_tensor *seed = grad_seed(y, cotangent, function);
    dp_differentiation *d = seed ? grad_begin(y, function) : NULL;
    if (!d) return NULL;
    grad_mark(d, x, n);
    d->value[d->walk.n - 1] = seed;
    for (size_t i = d->walk.n; i-- > 0;)
        if (d->needed[i] && d->value[i] && !grad_node_back(d, i)) return NULL;
    return d;
}

dp_status dp_vjp(dp_tensor *y, dp_tensor *cotangent, dp_tensor *const *x, size_t n,
                 dp_tensor **out) {
    if (n && (!x || !out)) return dp_fail(DP_EINVAL, "dp_vjp: a list is NULL");
    for (size_t i = 0; i < n; i++) out[i] = NULL;
    dp_differentiation *d = grad_reverse(y, cotangent, x, n, "dp_vjp");
    bool whole = d != NULL;
    for (size_t i = 0; whole && i < n; i++) {
        int32_t k = grad_at(d, x[i]);
        out[i] = k >= 0 && d->needed[k] && d->value[k] ? d->value[k] : dp__zeros_like(x[i]);
        whole = out[i] != NULL;
    }
    if (whole) return DP_OK;
    for (size_t i = 0; i < n; i++) out[i] = NULL;
    return dp_error_status();
}

dp_tensor *dp_grad(dp_tensor *y, dp_tensor *x) {
    dp_differentiation *d = grad_reverse(y, NULL, &x, 1, "dp_grad");
    if (!d) return NULL;
    int32_t k = grad_at(d, x);
    if (k >= 0 && d->needed[k] && d->value[k]) return d->value[k];
    dp_fail(DP_EINVAL, "dp_grad: %s does not depend on %s%s", dp__describe(y), dp__describe(x),
            y->state == DP_STORED ? " (it is computed already: take gradients before the eval)"
                                  : "");
    return NULL;
}

static bool grad_node_forward(dp_differentiation *d, size_t at) {
    dp_tensor *y = d->walk.order[at];
    if (!dp__is_float((dp_dtype)y->dtype) || d->value[at]) return true;
    for (int i = 0; i < y->n_in; i++) {
        dp_tensor *t = d->value[grad_at(d, y->in[i])];
        bool none;
        if (!t) continue;
        dp_tensor *share = grad_push(y, i, t, &none);
        if (none) continue;
        d->value[at] = d->value[at] ? dp_add(d->value[at], share) : share;
        if (!d->value[at]) return false;
    }
    return true;
}

dp_tensor *dp_jvp(dp_tensor *y, dp_tensor *const *x, dp_tensor *const *tangent, size_t n) {
    if (!dp__check(y, "dp_jvp")) return NULL;
    if (n && (!x || !tangent)) {
        dp_fail(DP_EINVAL, "dp_jvp: a list is NULL");
        return NULL;
    }
    dp_differentiation *d = grad_begin(y, "dp_jvp");
    if (!d) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!dp__check(x[i], "dp_jvp") || !dp__check(tangent[i], "dp_jvp")) return NULL;
        if (!dp__same_shape(x[i], tangent[i])) {
            dp_fail(DP_EINVAL, "dp_jvp: the tangent is %s, the value %s", dp__describe(tangent[i]),
                    dp__describe(x[i]));
            return NULL;
        }
        int32_t k = grad_at(d, x[i]);
        if (k >= 0) d->value[k] = dp__as(tangent[i], (dp_dtype)x[i]->dtype);
    }
    for (size_t i = 0; i < d->walk.n; i++)
        if (!grad_node_forward(d, i)) return NULL;
    dp_tensor *t = d->value[d->walk.n - 1];
    return t ? t : dp__zeros_like(y);
}

dp_tensor *dp_hvp(dp_tensor *y, dp_tensor *x, dp_tensor *v) {
    return dp_jvp(dp_grad(y, x), &x, &v, 1);
}
