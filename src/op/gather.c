/* gather: y[o, k, i] = x[o, index[k], i]; scatter_add is its transpose, adding by increasing k. */
#include <string.h>
#include "op.h"

typedef struct gather_attr {
    int64_t axis;
} gather_attr;

typedef struct gather_view {
    size_t outer, n, inner, k; /* x is [outer, n, inner], index [k] */
} gather_view;

static gather_view gather_sizes(const dp_array *x, const dp_array *index, int64_t axis) {
    gather_view v = {1, (size_t)x->shape.dim[axis], 1,
                     (size_t)dp__shape_count(index->shape.rank, index->shape.dim, NULL)};
    for (int i = 0; i < axis; i++) v.outer *= (size_t)x->shape.dim[i];
    for (int i = (int)axis + 1; i < x->shape.rank; i++) v.inner *= (size_t)x->shape.dim[i];
    return v;
}

/* An index outside [0, n), possible only where it was computed, reads zeros and adds nothing. */
static void gather_run(const dp_run *r) {
    gather_view v = gather_sizes(&r->in[0], &r->in[1], ((const gather_attr *)r->attr)->axis);
    const int64_t *index = r->in[1].data;
    size_t bytes = v.inner * dp_dtype_size(r->out.dtype), total = v.outer * v.k;
    for (size_t at = total * r->part / r->parts; at < total * (r->part + 1) / r->parts; at++) {
        size_t o = at / v.k;
        int64_t i = index[at % v.k];
        char *y = (char *)r->out.data + at * bytes;
        if (i < 0 || (size_t)i >= v.n)
            memset(y, 0, bytes);
        else
            memcpy(y, (const char *)r->in[0].data + (o * v.n + (size_t)i) * bytes, bytes);
    }
}

static dp_tensor *gather_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    int axis = (int)((const gather_attr *)dp_attr(y))->axis;
    return dp_scatter_add(dp__zeros_like(dp_input(y, i)), axis, dp_input(y, 1), ct);
}

static dp_status gather_infer(dp_infer *f) {
    int64_t axis = ((const gather_attr *)f->attr)->axis;
    if (axis < 0 || axis >= f->in[0]->rank || f->in[1]->rank != 1 || f->in[1]->dtype != DP_I64)
        return dp_fail(DP_EINVAL, "gather: axis %lld of %s by %s", (long long)axis,
                       dp__describe(f->in[0]), dp__describe(f->in[1]));
    f->shape.dim[axis] = f->in[1]->dim[0];
    return DP_OK;
}

static bool gather_sample(int n, dp_tensor **in, void *attr) {
    static const int64_t index[] = {2, 0, 2, 1};
    if (n >= 3) return false;
    ((gather_attr *)attr)->axis = n % 2;
    in[0] = dp__sample_numbers((dp_shape){n == 2 ? 1 : 3, {3, 3, 2}}, -1, 1, 1);
    in[1] = dp_from(DP_I64, DP_SHAPE(4), index);
    return true;
}

static const dp_op_field gather_fields[] = {{"axis", DP_FIELD_INT, offsetof(gather_attr, axis)},
                                            {0}};

const dp_op dp_op_gather = {
    DP_OP("gather", DP_KERNEL, 2),
    .linear = 1,
    .attr_size = sizeof(gather_attr),
    .fields = gather_fields,
    .infer = gather_infer,
    .transpose = gather_transpose,
    .run = gather_run,
    .sample = gather_sample,
};

/* ---- scatter_add: y = x, then y[o, index[k], i] += part[o, k, i] for k = 0, 1, ... ---- */

#define SCATTER_ADD(type)              \
    for (size_t j = from; j < to; j++) \
    ((type *)y)[j] = (type)(((type *)y)[j] + ((const type *)p)[j])

/* Parts share the inner elements (or the outer ones, if there is one inner only). */
static void scatter_add_run(const dp_run *r) {
    gather_view v = gather_sizes(&r->in[0], &r->in[1], ((const gather_attr *)r->attr)->axis);
    const int64_t *index = r->in[1].data;
    size_t width = dp_dtype_size(r->out.dtype), split = v.inner >= r->parts ? v.inner : 1;
    size_t from = split == 1 ? 0 : v.inner * r->part / r->parts;
    size_t to = split == 1 ? v.inner : v.inner * (r->part + 1) / r->parts;
    size_t o0 = split == 1 ? v.outer * r->part / r->parts : 0,
           o1 = split == 1 ? v.outer * (r->part + 1) / r->parts : v.outer;
    for (size_t o = o0; o < o1; o++) {
        for (size_t i = 0; i < v.n && r->out.data != r->in[0].data; i++) {
            size_t at = ((o * v.n + i) * v.inner + from) * width;
            memcpy((char *)r->out.data + at, (const char *)r->in[0].data + at, (to - from) * width);
        }
        for (size_t k = 0; k < v.k; k++) {
            if (index[k] < 0 || (size_t)index[k] >= v.n) continue;
            char *y = (char *)r->out.data + (o * v.n + (size_t)index[k]) * v.inner * width;
            const char *p = (const char *)r->in[2].data + (o * v.k + k) * v.inner * width;
            if (r->out.dtype == DP_F32)
                SCATTER_ADD(float);
            else if (r->out.dtype == DP_F64)
                SCATTER_ADD(double);
            else if (r->out.dtype == DP_I64)
                SCATTER_ADD(uint64_t);
            else
                SCATTER_ADD(uint8_t);
        }
    }
}
#undef SCATTER_ADD

/* Linear in x and part together. */
static dp_tensor *scatter_add_vjp(dp_tensor *y, int i, dp_tensor *ct) {
    return i == 0 ? ct
                  : dp_gather(ct, (int)((const gather_attr *)dp_attr(y))->axis, dp_input(y, 1));
}

static dp_tensor *scatter_add_jvp(dp_tensor *y, int i, dp_tensor *t) {
    int axis = (int)((const gather_attr *)dp_attr(y))->axis;
    return i == 0 ? t : dp_scatter_add(dp__zeros_like(dp_input(y, 0)), axis, dp_input(y, 1), t);
}

static dp_status scatter_add_infer(dp_infer *f) {
    int64_t axis = ((const gather_attr *)f->attr)->axis;
    const dp_tensor *x = f->in[0], *index = f->in[1], *part = f->in[2];
    bool fits = axis >= 0 && axis < x->rank && index->rank == 1 && index->dtype == DP_I64 &&
                part->rank == x->rank && part->dtype == x->dtype;
    for (int i = 0; fits && i < x->rank; i++)
        fits = part->dim[i] == (i == axis ? index->dim[0] : x->dim[i]);
    if (fits) return DP_OK;
    return dp_fail(DP_EINVAL, "scatter_add: %s at %s of axis %lld of %s", dp__describe(part),
                   dp__describe(index), (long long)axis, dp__describe(x));
}

static bool scatter_add_sample(int n, dp_tensor **in, void *attr) {
    if (!gather_sample(n, in, attr)) return false;
    dp_shape s = dp_shape_at(in[0]);
    s.dim[n % 2] = 4;
    in[2] = dp__sample_numbers(s, -1, 1, 2);
    return true;
}

const dp_op dp_op_scatter_add = {
    DP_OP("scatter_add", DP_KERNEL, 3),
    .in_place = 1,
    .attr_size = sizeof(gather_attr),
    .fields = gather_fields,
    .infer = scatter_add_infer,
    .vjp = scatter_add_vjp,
    .jvp = scatter_add_jvp,
    .run = scatter_add_run,
    .sample = scatter_add_sample,
};

/* ---- public ---- */

/* The axes of index take the place of the axis. */
dp_tensor *dp_gather(dp_tensor *x, int axis, dp_tensor *index) {
    if (!dp__check(x, "gather") || !dp__check(index, "gather") || !dp__axis("gather", x, &axis))
        return NULL;
    if (!dp__index_fits("gather", index, x->dim[axis])) return NULL;
    if (x->rank - 1 + index->rank > DP_MAX_RANK) {
        dp_fail(DP_ELIMIT, "gather: the result would have rank %d; at most %d",
                x->rank - 1 + index->rank, DP_MAX_RANK);
        return NULL;
    }
    dp_tensor *in[2] = {x, dp_reshape(dp__as(index, DP_I64), DP_SHAPE(dp_count(index)))};
    dp_tensor *y = in[1] ? dp_apply(&dp_op_gather, in, 2, &(gather_attr){axis}) : NULL;
    dp_shape s = {.rank = x->rank - 1 + index->rank};
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = i < axis                 ? x->dim[i]
                   : i < axis + index->rank ? index->dim[i - axis]
                                            : x->dim[i - index->rank + 1];
    return dp_reshape(y, s);
}

dp_tensor *dp_scatter_add(dp_tensor *x, int axis, dp_tensor *index, dp_tensor *part) {
    if (!dp__check(x, "scatter_add") || !dp__check(index, "scatter_add") ||
        !dp__check(part, "scatter_add") || !dp__axis("scatter_add", x, &axis))
        return NULL;
    if (!dp__index_fits("scatter_add", index, x->dim[axis])) return NULL;
    dp_shape s = dp_shape_at(x);
    s.dim[axis] = dp_count(index);
    dp_tensor *in[3] = {x, dp_reshape(dp__as(index, DP_I64), DP_SHAPE(dp_count(index))),
                        dp_reshape(dp__as(part, (dp_dtype)x->dtype), s)};
    return in[1] && in[2] ? dp_apply(&dp_op_scatter_add, in, 3, &(gather_attr){axis}) : NULL;
}
