/* Axes of size 1 (and new leading axes) repeated: a view with strides 0. */
#include <string.h>
#include "op.h"

typedef struct broadcast_attr {
    dp_shape shape;
} broadcast_attr;

static bool broadcast_view(const dp_array *in, dp_array *out, const void *attr) {
    (void)attr;
    int lead = out->shape.rank - in->shape.rank;
    out->data = in->data;
    for (int i = 0; i < out->shape.rank; i++)
        out->stride[i] = i < lead || in->shape.dim[i - lead] == 1 ? 0 : in->stride[i - lead];
    return true;
}

static dp_tensor *broadcast_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    return dp_sum_to(ct, dp_shape_at(dp_input(y, i)));
}

static dp_status broadcast_infer(dp_infer *f) {
    const dp_tensor *x = f->in[0];
    f->shape = ((const broadcast_attr *)f->attr)->shape;
    int lead = f->shape.rank - x->rank;
    bool fits = lead >= 0 && f->shape.rank <= DP_MAX_RANK;
    for (int i = 0; fits && i < x->rank; i++)
        fits = x->dim[i] == 1 || x->dim[i] == f->shape.dim[lead + i];
    if (fits) return DP_OK;
    return dp_fail(DP_EINVAL, "broadcast: %s to %s", dp__describe(x),
                   dp__shape_text(f->shape.rank, f->shape.dim));
}

static bool broadcast_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape from[] = {{1, {5}}, {2, {3, 1}}, {0, {0}}, {3, {1, 4, 1}}, {2, {1, 1}}};
    static const dp_shape to[] = {
        {2, {3, 5}}, {2, {3, 4}}, {2, {2, 2}}, {3, {2, 4, 3}}, {2, {0, 3}}};
    if (n >= 5) return false;
    in[0] = dp__sample_numbers(from[n], -2, 2, (uint64_t)n);
    ((broadcast_attr *)attr)->shape = to[n];
    return true;
}

static const dp_op_field broadcast_fields[] = {
    {"shape", DP_FIELD_SHAPE, offsetof(broadcast_attr, shape)}, {0}};

const dp_op dp_op_broadcast = {
    DP_OP("broadcast", DP_VIEW, 1),
    .linear = 1,
    .attr_size = sizeof(broadcast_attr),
    .fields = broadcast_fields,
    .infer = broadcast_infer,
    .transpose = broadcast_transpose,
    .view = broadcast_view,
    .sample = broadcast_sample,
};

dp_tensor *dp_broadcast(dp_tensor *x, dp_shape shape) {
    if (!dp__check(x, "broadcast")) return NULL;
    if (shape.rank == x->rank && !memcmp(shape.dim, x->dim, sizeof x->dim[0] * x->rank)) return x;
    broadcast_attr a;
    memset(&a, 0, sizeof a);
    a.shape.rank = shape.rank;
    if (shape.rank >= 0 && shape.rank <= DP_MAX_RANK)
        memcpy(a.shape.dim, shape.dim, sizeof shape.dim[0] * (size_t)shape.rank);
    return dp_apply(&dp_op_broadcast, &x, 1, &a);
}
