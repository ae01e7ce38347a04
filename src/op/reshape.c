/* The same elements, row-major, in another shape: a view of a row-major input. */
#include <string.h>
#include "op.h"

typedef struct reshape_attr {
    dp_shape shape;
} reshape_attr;

/* Row-major strides; so is the input, or the planner copies it first. */
static bool reshape_view(const dp_array *in, dp_array *out, const void *attr) {
    (void)attr;
    int64_t stride = 1;
    for (int i = in->shape.rank; i-- > 0; stride *= in->shape.dim[i])
        if (in->shape.dim[i] != 1 && in->stride[i] != stride) return false;
    out->data = in->data;
    stride = 1;
    for (int i = out->shape.rank; i-- > 0; stride *= out->shape.dim[i]) out->stride[i] = stride;
    return true;
}

static dp_tensor *reshape_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    return dp_reshape(ct, dp_shape_at(dp_input(y, i)));
}

static dp_status reshape_infer(dp_infer *f) {
    f->shape = ((const reshape_attr *)f->attr)->shape;
    if (f->shape.rank < 0 || f->shape.rank > DP_MAX_RANK)
        return dp_fail(DP_EINVAL, "reshape: rank %d; allowed 0 to %d", f->shape.rank, DP_MAX_RANK);
    int64_t from = dp_count(f->in[0]), to = dp__shape_count(f->shape.rank, f->shape.dim, NULL);
    if (from == to) return DP_OK;
    return dp_fail(DP_EINVAL, "reshape: %s has %lld elements, %s has %lld", dp__describe(f->in[0]),
                   (long long)from, dp__shape_text(f->shape.rank, f->shape.dim), (long long)to);
}

static bool reshape_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape to[] = {
        {1, {15}}, {2, {1, 1}}, {2, {0, 7}}, {2, {6, 33}}, {3, {2, 2, 6}}};
    if (n < 5) ((reshape_attr *)attr)->shape = to[n];
    return dp__sample_map(n, in, 1, -2, 2);
}

static const dp_op_field reshape_fields[] = {
    {"shape", DP_FIELD_SHAPE, offsetof(reshape_attr, shape)}, {0}};

const dp_op dp_op_reshape = {
    DP_OP("reshape", DP_VIEW, 1),
    .linear = 1,
    .attr_size = sizeof(reshape_attr),
    .fields = reshape_fields,
    .infer = reshape_infer,
    .transpose = reshape_transpose,
    .view = reshape_view,
    .sample = reshape_sample,
};

/* One dim of -1 takes what is left. */
static bool reshape_complete(const dp_tensor *x, dp_shape *shape) {
    int64_t known = 1, open = -1;
    if (shape->rank < 0 || shape->rank > DP_MAX_RANK) {
        dp_fail(DP_EINVAL, "reshape: rank %d; allowed 0 to %d", shape->rank, DP_MAX_RANK);
        return false;
    }
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] == -1 && open < 0)
            open = i;
        else if (shape->dim[i] < 0 || __builtin_mul_overflow(known, shape->dim[i], &known))
            open = DP_MAX_RANK;
    }
    int64_t count = dp_count(x);
    bool fits = open < 0 || (open < DP_MAX_RANK && known > 0 && count % known == 0);
    if (fits && open >= 0) shape->dim[open] = count / known;
    if (!fits)
        dp_fail(DP_EINVAL, "reshape: %s does not fit into %s", dp__describe(x),
                dp__shape_text(shape->rank, shape->dim));
    return fits;
}

dp_tensor *dp_reshape(dp_tensor *x, dp_shape shape) {
    if (!dp__check(x, "reshape") || !reshape_complete(x, &shape)) return NULL;
    if (shape.rank == x->rank && !memcmp(shape.dim, x->dim, sizeof x->dim[0] * x->rank)) return x;
    reshape_attr a;
    memset(&a, 0, sizeof a);
    a.shape.rank = shape.rank;
    memcpy(a.shape.dim, shape.dim, sizeof shape.dim[0] * (size_t)shape.rank);
    return dp_apply(&dp_op_reshape, &x, 1, &a);
}

dp_tensor *dp_flatten(dp_tensor *x, int first_axis) {
    if (!dp__check(x, "flatten")) return NULL;
    if (x->rank == 0) return dp_reshape(x, DP_SHAPE(1));
    if (!dp__axis("flatten", x, &first_axis)) return NULL;
    dp_shape s = {.rank = first_axis + 1};
    for (int i = 0; i < first_axis; i++) s.dim[i] = x->dim[i];
    s.dim[first_axis] = dp__shape_count(x->rank - first_axis, x->dim + first_axis, NULL);
    return dp_reshape(x, s);
}

dp_tensor *dp_expand_dims(dp_tensor *x, int axis) {
    if (!dp__check(x, "expand_dims")) return NULL;
    int at = axis < 0 ? axis + x->rank + 1 : axis;
    if (at < 0 || at > x->rank || x->rank == DP_MAX_RANK) {
        dp_fail(DP_EINVAL, "expand_dims: axis %d of %s", axis, dp__describe(x));
        return NULL;
    }
    dp_shape s = {.rank = x->rank + 1};
    for (int i = 0; i < s.rank; i++) s.dim[i] = i < at ? x->dim[i] : i == at ? 1 : x->dim[i - 1];
    return dp_reshape(x, s);
}

dp_tensor *dp_squeeze(dp_tensor *x, int axis) {
    if (!dp__check(x, "squeeze") || !dp__axis("squeeze", x, &axis)) return NULL;
    if (x->dim[axis] != 1) {
        dp_fail(DP_EINVAL, "squeeze: axis %d of %s is not 1", axis, dp__describe(x));
        return NULL;
    }
    dp_shape s = {.rank = x->rank - 1};
    for (int i = 0; i < s.rank; i++) s.dim[i] = x->dim[i < axis ? i : i + 1];
    return dp_reshape(x, s);
}
