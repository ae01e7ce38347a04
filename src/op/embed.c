/* Zeros with x at begin, begin+step, ... of one axis: the transpose of slice; with step 1 a
 * padding. */
#include <string.h>
#include "op.h"

typedef struct embed_attr {
    int64_t axis, begin, step, size; /* size of the axis in the output */
} embed_attr;

/* The shapes seen as [outer, axis, inner]; a part does some of the outer ones. */
static void embed_run(const dp_run *r) {
    const embed_attr *a = r->attr;
    const dp_shape *s = &r->in[0].shape;
    size_t width = dp_dtype_size(r->out.dtype), outer = 1, inner = width,
           n = (size_t)s->dim[a->axis];
    for (int i = 0; i < a->axis; i++) outer *= (size_t)s->dim[i];
    for (int i = (int)a->axis + 1; i < s->rank; i++) inner *= (size_t)s->dim[i];
    size_t from = outer * r->part / r->parts, to = outer * (r->part + 1) / r->parts;
    for (size_t o = from; o < to; o++) {
        char *y = (char *)r->out.data + o * (size_t)a->size * inner;
        const char *x = (const char *)r->in[0].data + o * n * inner;
        memset(y, 0, (size_t)a->size * inner);
        for (size_t i = 0; i < n; i++)
            memcpy(y + (a->begin + (int64_t)i * a->step) * (int64_t)inner, x + i * inner, inner);
    }
}

static dp_tensor *embed_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    const embed_attr *a = dp_attr(y);
    return dp__slice_count(ct, (int)a->axis, a->begin, a->step,
                           dp_dim(dp_input(y, i), (int)a->axis));
}

static dp_status embed_infer(dp_infer *f) {
    const embed_attr *a = f->attr;
    const dp_tensor *x = f->in[0];
    if (a->axis < 0 || a->axis >= x->rank)
        return dp_fail(DP_EINVAL, "embed: axis %d of %s", (int)a->axis, dp__describe(x));
    if (a->size < 0 || !dp__progression(a->begin, a->step, x->dim[a->axis], a->size))
        return dp_fail(DP_EINVAL, "embed: %s from %lld by %lld into %lld of axis %d",
                       dp__describe(x), (long long)a->begin, (long long)a->step, (long long)a->size,
                       (int)a->axis);
    f->shape.dim[a->axis] = a->size;
    return DP_OK;
}

static bool embed_sample(int n, dp_tensor **in, void *attr) {
    static const embed_attr a[] = {
        {1, 1, 1, 8}, {0, 0, 1, 1}, {0, 0, 1, 4}, {2, 65, -2, 66}, {0, 1, 2, 9}};
    if (n >= 5) return false;
    *(embed_attr *)attr = a[n];
    if (n == 1) {
        in[0] = dp__sample_numbers((dp_shape){1, {1}}, -2, 2, 1);
        return true;
    }
    return dp__sample_map(n, in, 1, -2, 2);
}

static const dp_op_field embed_fields[] = {{"axis", DP_FIELD_INT, offsetof(embed_attr, axis)},
                                           {"begin", DP_FIELD_INT, offsetof(embed_attr, begin)},
                                           {"step", DP_FIELD_INT, offsetof(embed_attr, step)},
                                           {"size", DP_FIELD_INT, offsetof(embed_attr, size)},
                                           {0}};

const dp_op dp_op_embed = {
    DP_OP("embed", DP_KERNEL, 1),
    .linear = 1,
    .attr_size = sizeof(embed_attr),
    .fields = embed_fields,
    .infer = embed_infer,
    .transpose = embed_transpose,
    .run = embed_run,
    .sample = embed_sample,
};

dp_tensor *dp__embed(dp_tensor *x, int axis, int64_t begin, int64_t step, int64_t size) {
    embed_attr a = {axis, begin, step, size};
    return x ? dp_apply(&dp_op_embed, &x, 1, &a) : NULL;
}

dp_tensor *dp_pad(dp_tensor *x, int axis, int64_t before, int64_t after) {
    if (!dp__check(x, "pad") || !dp__axis("pad", x, &axis)) return NULL;
    int64_t size;
    if (before < 0 || after < 0 || __builtin_add_overflow(before, after, &size) ||
        __builtin_add_overflow(size, x->dim[axis], &size)) {
        dp_fail(DP_EINVAL, "pad: %lld and %lld around axis %d of %s", (long long)before,
                (long long)after, axis, dp__describe(x));
        return NULL;
    }
    return dp__embed(x, axis, before, 1, size);
}
