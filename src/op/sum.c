/* Sums: of the last axis (sum, by rows) and of any other (sum_axis), in the order of law 1. */
#include "op.h"

static void sum_row(void *out, const void *in, size_t n, dp_dtype dtype) {
    if (dtype == DP_F32)
        *(float *)out = dp__k()->f32.sum(in, n);
    else if (dtype == DP_F64)
        *(double *)out = dp__k()->f64.sum(in, n);
    else {
        uint64_t s = 0;
        for (size_t i = 0; i < n; i++) s += ((const uint64_t *)in)[i];
        *(uint64_t *)out = s;
    }
}

static dp_tensor *sum_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    return dp_broadcast(ct, dp_shape_at(dp_input(y, i)));
}

static dp_status sum_infer(dp_infer *f) {
    if (f->in[0]->rank == 0 || f->dtype == DP_U8)
        return dp_fail(DP_EINVAL, "sum: %s; expected an axis, and no bytes",
                       dp__describe(f->in[0]));
    f->shape.dim[f->shape.rank - 1] = 1;
    return DP_OK;
}

static bool sum_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape s[] = {{2, {3, 5}}, {1, {0}}, {2, {2, 4097}}, {3, {2, 3, 1}}, {1, {300}}};
    (void)attr;
    if (n >= 5) return false;
    in[0] = dp__sample_numbers(s[n], -1, 1, (uint64_t)n);
    return true;
}

const dp_op dp_op_sum = {
    DP_OP("sum", DP_ROW, 1),    .linear = 1,    .infer = sum_infer,
    .transpose = sum_transpose, .row = sum_row, .sample = sum_sample,
};

/* ---- other axes: x seen as [outer, n, inner] ---- */

typedef struct sum_axis_attr {
    int64_t axis;
} sum_axis_attr;

typedef struct sum_view {
    size_t outer, n, inner;
} sum_view;

static sum_view sum_axis_view(const dp_shape *s, int64_t axis) {
    sum_view v = {1, (size_t)s->dim[axis], 1};
    for (int i = 0; i < axis; i++) v.outer *= (size_t)s->dim[i];
    for (int i = (int)axis + 1; i < s->rank; i++) v.inner *= (size_t)s->dim[i];
    return v;
}

static void sum_axis_columns(const dp_run *r, size_t o, size_t from, size_t to, const sum_view *v) {
    size_t at = o * v->n * v->inner + from, to_at = o * v->inner + from;
    if (r->out.dtype == DP_F32)
        dp__k()->f32.sum_columns((float *)r->out.data + to_at, (const float *)r->in[0].data + at,
                                 v->n, to - from, (ptrdiff_t)v->inner);
    else if (r->out.dtype == DP_F64)
        dp__k()->f64.sum_columns((double *)r->out.data + to_at, (const double *)r->in[0].data + at,
                                 v->n, to - from, (ptrdiff_t)v->inner);
    else
        for (size_t j = 0; j < to - from; j++) {
            uint64_t s = 0;
            for (size_t i = 0; i < v->n; i++)
                s += ((const uint64_t *)r->in[0].data)[at + i * v->inner + j];
            ((uint64_t *)r->out.data)[to_at + j] = s;
        }
}

/* Parts share the outer * inner results; a part's share may begin and end inside a run of columns.
 */
static void sum_axis_run(const dp_run *r) {
    sum_view v = sum_axis_view(&r->in[0].shape, ((const sum_axis_attr *)r->attr)->axis);
    size_t total = v.outer * v.inner, from = total * r->part / r->parts,
           to = total * (r->part + 1) / r->parts;
    while (from < to) {
        size_t o = from / v.inner, end = (o + 1) * v.inner < to ? (o + 1) * v.inner : to;
        sum_axis_columns(r, o, from - o * v.inner, end - o * v.inner, &v);
        from = end;
    }
}

static void sum_axis_slow(const dp_run *r) {
    sum_view v = sum_axis_view(&r->in[0].shape, ((const sum_axis_attr *)r->attr)->axis);
    for (size_t o = 0; o < v.outer; o++)
        for (size_t j = 0; j < v.inner; j++) {
            size_t at = o * v.n * v.inner + j, y = o * v.inner + j;
            if (r->out.dtype == DP_F32)
                ((float *)r->out.data)[y] =
                    dp__twin_sum_f32((const float *)r->in[0].data + at, v.n, (ptrdiff_t)v.inner);
            else if (r->out.dtype == DP_F64)
                ((double *)r->out.data)[y] =
                    dp__twin_sum_f64((const double *)r->in[0].data + at, v.n, (ptrdiff_t)v.inner);
            else
                sum_axis_columns(r, o, j, j + 1, &v);
        }
}

static size_t sum_axis_cost(const dp_run *r) {
    sum_view v = sum_axis_view(&r->in[0].shape, ((const sum_axis_attr *)r->attr)->axis);
    return v.outer * v.n * v.inner;
}

static dp_status sum_axis_infer(dp_infer *f) {
    int64_t axis = ((const sum_axis_attr *)f->attr)->axis;
    if (axis < 0 || axis >= f->in[0]->rank || f->dtype == DP_U8)
        return dp_fail(DP_EINVAL, "sum: axis %lld of %s", (long long)axis, dp__describe(f->in[0]));
    f->shape.dim[axis] = 1;
    return DP_OK;
}

static bool sum_axis_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape s[] = {
        {2, {3, 5}}, {2, {0, 3}}, {3, {2, 130, 3}}, {2, {4100, 2}}, {2, {5, 0}}};
    if (n >= 5) return false;
    ((sum_axis_attr *)attr)->axis = n == 2 ? 1 : 0;
    in[0] = dp__sample_numbers(s[n], -1, 1, (uint64_t)n);
    return true;
}

static const dp_op_field sum_axis_fields[] = {{"axis", DP_FIELD_INT, offsetof(sum_axis_attr, axis)},
                                              {0}};

const dp_op dp_op_sum_axis = {
    DP_OP("sum_axis", DP_KERNEL, 1),
    .linear = 1,
    .attr_size = sizeof(sum_axis_attr),
    .fields = sum_axis_fields,
    .infer = sum_axis_infer,
    .transpose = sum_transpose,
    .run = sum_axis_run,
    .slow = sum_axis_slow,
    .cost = sum_axis_cost,
    .sample = sum_axis_sample,
};

/* ---- public ---- */

/* One axis of x to size 1; axes of size 1 behind it make it the last one. */
static dp_tensor *sum_keep(dp_tensor *x, int axis) {
    if (x->dim[axis] == 1) return x;
    if (axis == x->rank - 1) return dp_apply(&dp_op_sum, &x, 1, NULL);
    return dp_apply(&dp_op_sum_axis, &x, 1, &(sum_axis_attr){axis});
}

dp_tensor *dp_sum(dp_tensor *x, int axis, bool keep_dims) {
    if (!dp__check(x, "sum") || !dp__axis("sum", x, &axis)) return NULL;
    if (x->dtype == DP_U8) x = dp_cast(x, DP_I64);
    dp_tensor *y = x ? sum_keep(x, axis) : NULL;
    return keep_dims ? y : dp_squeeze(y, axis);
}

dp_tensor *dp_sum_all(dp_tensor *x) {
    if (!dp__check(x, "sum")) return NULL;
    if (x->rank == 0) return x;
    return dp_sum(dp_reshape(x, DP_SHAPE(-1)), 0, false);
}

/* Sum over what dp_broadcast(from shape) repeats: the first axes together, then single ones. */
dp_tensor *dp_sum_to(dp_tensor *x, dp_shape shape) {
    if (!dp__check(x, "sum_to")) return NULL;
    int lead = x->rank - shape.rank;
    bool fits = lead >= 0 && shape.rank >= 0;
    for (int i = 0; fits && i < shape.rank; i++)
        fits = shape.dim[i] == 1 || shape.dim[i] == x->dim[lead + i];
    if (!fits) {
        dp_fail(DP_EINVAL, "sum_to: %s to %s", dp__describe(x),
                dp__shape_text(shape.rank, shape.dim));
        return NULL;
    }
    int first = lead; /* leading axes that vanish or become 1 */
    while (first < x->rank && shape.dim[first - lead] == 1) first++;
    dp_tensor *y = x;
    if (first > 0) {
        dp_shape s = {.rank = x->rank - first + 1, .dim = {dp__shape_count(first, x->dim, NULL)}};
        for (int i = first; i < x->rank; i++) s.dim[i - first + 1] = x->dim[i];
        y = dp_sum(dp_reshape(x, s), 0, true);
    }
    int shift = first > 0 ? first - 1 : 0; /* axis i of x is axis i - shift of y */
    for (int i = first; y && i < x->rank; i++)
        if (shape.dim[i - lead] == 1) y = dp_sum(y, i - shift, true);
    return y ? dp_reshape(y, shape) : NULL;
}

static dp_tensor *sum_divided(dp_tensor *sum, int64_t n) {
    if (!sum) return NULL;
    if (!dp__is_float((dp_dtype)sum->dtype)) sum = dp_cast(sum, DP_F32);
    return dp_div(sum, dp__like(sum, (double)n));
}

dp_tensor *dp_mean(dp_tensor *x, int axis, bool keep_dims) {
    if (!dp__check(x, "mean") || !dp__axis("mean", x, &axis)) return NULL;
    return sum_divided(dp_sum(x, axis, keep_dims), x->dim[axis]);
}

dp_tensor *dp_mean_all(dp_tensor *x) {
    return dp__check(x, "mean") ? sum_divided(dp_sum_all(x), dp_count(x)) : NULL;
}
