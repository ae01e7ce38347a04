/* Elements begin, begin+step, ... of one axis: a view. */
#include "op.h"

typedef struct slice_attr {
    int64_t axis, begin, step, count;
} slice_attr;

static bool slice_view(const dp_array *in, dp_array *out, const void *attr) {
    const slice_attr *a = attr;
    int64_t skip = a->count ? a->begin * in->stride[a->axis] : 0;
    out->data = (char *)in->data + skip * (int64_t)dp_dtype_size(in->dtype);
    for (int i = 0; i < in->shape.rank; i++)
        out->stride[i] = in->stride[i] * (i == a->axis && a->count > 1 ? a->step : 1);
    return true;
}

static dp_tensor *slice_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    const slice_attr *a = dp_attr(y);
    return dp__embed(ct, (int)a->axis, a->begin, a->step, dp_dim(dp_input(y, i), (int)a->axis));
}

static dp_status slice_infer(dp_infer *f) {
    const slice_attr *a = f->attr;
    const dp_tensor *x = f->in[0];
    if (a->axis < 0 || a->axis >= x->rank)
        return dp_fail(DP_EINVAL, "slice: axis %d of %s", (int)a->axis, dp__describe(x));
    if (!dp__progression(a->begin, a->step, a->count, x->dim[a->axis]))
        return dp_fail(DP_EINVAL, "slice: %lld elements from %lld by %lld of axis %d of %s",
                       (long long)a->count, (long long)a->begin, (long long)a->step, (int)a->axis,
                       dp__describe(x));
    f->shape.dim[a->axis] = a->count;
    return DP_OK;
}

static bool slice_sample(int n, dp_tensor **in, void *attr) {
    static const slice_attr a[] = {
        {1, 1, 1, 3}, {0, 2, -1, 3}, {0, 0, 1, 0}, {2, 5, 7, 4}, {1, 4, -2, 2}};
    if (n >= 5) return false;
    *(slice_attr *)attr = a[n];
    if (n != 1) return dp__sample_map(n, in, 1, -2, 2);
    in[0] = dp__sample_numbers((dp_shape){2, {3, 4}}, -2, 2, 1);
    return true;
}

static const dp_op_field slice_fields[] = {{"axis", DP_FIELD_INT, offsetof(slice_attr, axis)},
                                           {"begin", DP_FIELD_INT, offsetof(slice_attr, begin)},
                                           {"step", DP_FIELD_INT, offsetof(slice_attr, step)},
                                           {"count", DP_FIELD_INT, offsetof(slice_attr, count)},
                                           {0}};

const dp_op dp_op_slice = {
    DP_OP("slice", DP_VIEW, 1),
    .linear = 1,
    .attr_size = sizeof(slice_attr),
    .fields = slice_fields,
    .infer = slice_infer,
    .transpose = slice_transpose,
    .view = slice_view,
    .sample = slice_sample,
};

dp_tensor *dp__slice_count(dp_tensor *x, int axis, int64_t begin, int64_t step, int64_t count) {
    slice_attr a = {axis, begin, step, count};
    return x ? dp_apply(&dp_op_slice, &x, 1, &a) : NULL;
}

/* Python's x[begin:end:step]: negative numbers count from the end, what lies outside is cut. */
dp_tensor *dp_slice(dp_tensor *x, int axis, int64_t begin, int64_t end, int64_t step) {
    if (!dp__check(x, "slice") || !dp__axis("slice", x, &axis)) return NULL;
    if (step == 0 || step == INT64_MIN) {
        dp_fail(DP_EINVAL, "slice: step %lld", (long long)step);
        return NULL;
    }
    int64_t n = x->dim[axis], low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    if (begin < 0) begin += n;
    if (end < 0 && end >= -n) end += n;
    begin = begin < low ? low : begin > high ? high : begin;
    end = end < low ? low : end > high ? high : end;
    int64_t span = step > 0 ? end - begin : begin - end, by = step > 0 ? step : -step;
    return dp__slice_count(x, axis, begin, step, span > 0 ? (span - 1) / by + 1 : 0);
}
