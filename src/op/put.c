/* x with the slice [begin, begin + n) of one axis replaced by part. */
#include <string.h>
#include "op.h"

typedef struct put_attr {
    int64_t axis, begin;
} put_attr;

static void put_run(const dp_run *r) {
    const put_attr *a = r->attr;
    const dp_shape *s = &r->out.shape;
    size_t outer = 1, inner = dp_dtype_size(r->out.dtype);
    for (int i = 0; i < a->axis; i++) outer *= (size_t)s->dim[i];
    for (int i = (int)a->axis + 1; i < s->rank; i++) inner *= (size_t)s->dim[i];
    size_t row = (size_t)s->dim[a->axis] * inner,
           piece = (size_t)r->in[1].shape.dim[a->axis] * inner;
    size_t from = outer * r->part / r->parts, to = outer * (r->part + 1) / r->parts;
    for (size_t o = from; o < to; o++) {
        char *y = (char *)r->out.data + o * row;
        if (r->out.data != r->in[0].data) memcpy(y, (const char *)r->in[0].data + o * row, row);
        memcpy(y + (size_t)a->begin * inner, (const char *)r->in[1].data + o * piece, piece);
    }
}

static dp_tensor *put_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    const put_attr *a = dp_attr(y);
    dp_tensor *part = dp_input(y, 1);
    if (i == 0) return dp_put(ct, (int)a->axis, a->begin, dp__zeros_like(part));
    return dp__slice_count(ct, (int)a->axis, a->begin, 1, dp_dim(part, (int)a->axis));
}

/* Linear in both inputs together: the tangent of one alone is the op with the other one zero. */
static dp_tensor *put_jvp(dp_tensor *y, int i, dp_tensor *t) {
    const put_attr *a = dp_attr(y);
    dp_tensor *zero = dp__zeros_like(dp_input(y, 1 - i));
    return i == 0 ? dp_put(t, (int)a->axis, a->begin, zero)
                  : dp_put(zero, (int)a->axis, a->begin, t);
}

static dp_status put_infer(dp_infer *f) {
    const put_attr *a = f->attr;
    const dp_tensor *x = f->in[0], *part = f->in[1];
    bool fits =
        x->rank == part->rank && a->axis >= 0 && a->axis < x->rank && x->dtype == part->dtype;
    for (int i = 0; fits && i < x->rank; i++)
        fits = i == a->axis ? a->begin >= 0 && part->dim[i] <= x->dim[i] &&
                                  a->begin <= x->dim[i] - part->dim[i]
                            : part->dim[i] == x->dim[i];
    if (fits) return DP_OK;
    return dp_fail(DP_EINVAL, "put: %s at %lld of axis %d of %s", dp__describe(part),
                   (long long)a->begin, (int)a->axis, dp__describe(x));
}

static bool put_sample(int n, dp_tensor **in, void *attr) {
    static const put_attr a[] = {{1, 2}, {0, 1}, {2, 0}};
    static const dp_shape x[] = {{2, {3, 7}}, {1, {4}}, {3, {2, 2, 3}}},
                          part[] = {{2, {3, 4}}, {1, {0}}, {3, {2, 2, 3}}};
    if (n >= 3) return false;
    *(put_attr *)attr = a[n];
    in[0] = dp__sample_numbers(x[n], -2, 2, 1);
    in[1] = dp__sample_numbers(part[n], -2, 2, 2);
    return true;
}

static const dp_op_field put_fields[] = {{"axis", DP_FIELD_INT, offsetof(put_attr, axis)},
                                         {"begin", DP_FIELD_INT, offsetof(put_attr, begin)},
                                         {0}};

const dp_op dp_op_put = {
    DP_OP("put", DP_KERNEL, 2),
    .in_place = 1,
    .attr_size = sizeof(put_attr),
    .fields = put_fields,
    .infer = put_infer,
    .vjp = put_transpose,
    .jvp = put_jvp,
    .run = put_run,
    .sample = put_sample,
};

dp_tensor *dp_put(dp_tensor *x, int axis, int64_t begin, dp_tensor *part) {
    if (!dp__check(x, "put") || !dp__check(part, "put") || !dp__axis("put", x, &axis)) return NULL;
    put_attr a = {axis, begin < 0 ? begin + x->dim[axis] : begin};
    dp_tensor *in[2] = {x, dp__as(part, (dp_dtype)x->dtype)};
    return in[1] ? dp_apply(&dp_op_put, in, 2, &a) : NULL;
}
