/* Axes in another order: out.dim[i] = in.dim[axes[i]], a view. */
#include "op.h"

typedef struct permute_attr {
    dp_shape axes; /* a permutation of 0..rank-1 */
} permute_attr;

static bool permute_view(const dp_array *in, dp_array *out, const void *attr) {
    const permute_attr *a = attr;
    out->data = in->data;
    for (int i = 0; i < out->shape.rank; i++) out->stride[i] = in->stride[a->axes.dim[i]];
    return true;
}

static dp_tensor *permute_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    const permute_attr *a = dp_attr(y);
    int back[DP_MAX_RANK];
    (void)i;
    for (int k = 0; k < a->axes.rank; k++) back[a->axes.dim[k]] = k;
    return dp_permute(ct, a->axes.rank, back);
}

static dp_status permute_infer(dp_infer *f) {
    const permute_attr *a = f->attr;
    unsigned seen = 0;
    for (int i = 0; a->axes.rank == f->in[0]->rank && i < a->axes.rank && a->axes.dim[i] >= 0 &&
                    a->axes.dim[i] < f->in[0]->rank;
         i++)
        seen |= 1u << a->axes.dim[i];
    if (a->axes.rank != f->in[0]->rank || seen != (1u << f->in[0]->rank) - 1)
        return dp_fail(DP_EINVAL, "permute: %s is no order of the axes of %s",
                       dp__shape_text(a->axes.rank, a->axes.dim), dp__describe(f->in[0]));
    for (int i = 0; i < a->axes.rank; i++) f->shape.dim[i] = f->in[0]->dim[a->axes.dim[i]];
    return DP_OK;
}

static bool permute_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape axes[] = {{2, {1, 0}}, {0, {0}}, {1, {0}}, {3, {2, 0, 1}}, {2, {0, 1}}};
    if (n < 5) ((permute_attr *)attr)->axes = axes[n];
    return dp__sample_map(n, in, 1, -2, 2);
}

static const dp_op_field permute_fields[] = {{"axes", DP_FIELD_SHAPE, offsetof(permute_attr, axes)},
                                             {0}};

const dp_op dp_op_permute = {
    DP_OP("permute", DP_VIEW, 1),
    .linear = 1,
    .attr_size = sizeof(permute_attr),
    .fields = permute_fields,
    .infer = permute_infer,
    .transpose = permute_transpose,
    .view = permute_view,
    .sample = permute_sample,
};

dp_tensor *dp_permute(dp_tensor *x, int n, const int *axes) {
    if (!dp__check(x, "permute")) return NULL;
    if (n > 0 && !axes) {
        dp_fail(DP_EINVAL, "permute: axes is NULL");
        return NULL;
    }
    permute_attr a = {{.rank = n}};
    for (int i = 0; i < n && i < DP_MAX_RANK; i++)
        a.axes.dim[i] = axes[i] < 0 ? axes[i] + n : axes[i];
    return dp_apply(&dp_op_permute, &x, 1, &a);
}

dp_tensor *dp_transpose(dp_tensor *x, int p, int q) {
    if (!dp__check(x, "transpose") || !dp__axis("transpose", x, &p) ||
        !dp__axis("transpose", x, &q))
        return NULL;
    int axes[DP_MAX_RANK];
    for (int i = 0; i < x->rank; i++) axes[i] = i == p ? q : i == q ? p : i;
    return dp_permute(x, x->rank, axes);
}
