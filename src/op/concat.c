/* Parts one behind another along one axis; up to four inputs a node. */
#include <string.h>
#include "op.h"

typedef struct concat_attr {
    int64_t axis;
} concat_attr;

static void concat_run(const dp_run *r) {
    const concat_attr *a = r->attr;
    const dp_shape *s = &r->out.shape;
    size_t outer = 1, inner = dp_dtype_size(r->out.dtype);
    for (int i = 0; i < a->axis; i++) outer *= (size_t)s->dim[i];
    for (int i = (int)a->axis + 1; i < s->rank; i++) inner *= (size_t)s->dim[i];
    size_t row = (size_t)s->dim[a->axis] * inner, at = 0;
    size_t from = outer * r->part / r->parts, to = outer * (r->part + 1) / r->parts;
    for (int k = 0; k < r->n_in; k++) {
        size_t piece = (size_t)r->in[k].shape.dim[a->axis] * inner;
        for (size_t o = from; o < to; o++)
            memcpy((char *)r->out.data + o * row + at, (const char *)r->in[k].data + o * piece,
                   piece);
        at += piece;
    }
}

static int64_t concat_begin(const dp_tensor *y, int i, int axis) {
    int64_t at = 0;
    for (int k = 0; k < i; k++) at += dp_dim(dp_input(y, k), axis);
    return at;
}

static dp_tensor *concat_vjp(dp_tensor *y, int i, dp_tensor *ct) {
    int axis = (int)((const concat_attr *)dp_attr(y))->axis;
    return dp__slice_count(ct, axis, concat_begin(y, i, axis), 1, dp_dim(dp_input(y, i), axis));
}

static dp_tensor *concat_jvp(dp_tensor *y, int i, dp_tensor *t) {
    int axis = (int)((const concat_attr *)dp_attr(y))->axis;
    return dp__embed(t, axis, concat_begin(y, i, axis), 1, dp_dim(y, axis));
}

static dp_status concat_infer(dp_infer *f) {
    int64_t axis = ((const concat_attr *)f->attr)->axis;
    const dp_tensor *x = f->in[0];
    for (int k = 0; k < f->n_in; k++) {
        const dp_tensor *p = f->in[k];
        bool fits = axis >= 0 && axis < x->rank && p->rank == x->rank && p->dtype == x->dtype;
        for (int i = 0; fits && i < x->rank; i++) fits = i == axis || p->dim[i] == x->dim[i];
        if (!fits)
            return dp_fail(DP_EINVAL, "concat: part %d (%s) does not fit %s along axis %lld", k,
                           dp__describe(p), dp__describe(x), (long long)axis);
        if (k) f->shape.dim[axis] += p->dim[axis];
    }
    return DP_OK;
}

static bool concat_sample(int n, dp_tensor **in, void *attr) {
    if (n >= 2) return false;
    ((concat_attr *)attr)->axis = n;
    for (int k = 0; k < 4; k++) {
        dp_shape s = n ? DP_SHAPE(2, k, 3) : DP_SHAPE(k + 1, 3);
        in[k] = dp__sample_numbers(s, -2, 2, (uint64_t)k);
    }
    return true;
}

static const dp_op_field concat_fields[] = {{"axis", DP_FIELD_INT, offsetof(concat_attr, axis)},
                                            {0}};

const dp_op dp_op_concat = {
    DP_OP("concat", DP_KERNEL, -1),
    .attr_size = sizeof(concat_attr),
    .fields = concat_fields,
    .infer = concat_infer,
    .vjp = concat_vjp,
    .jvp = concat_jvp,
    .run = concat_run,
    .sample = concat_sample,
};

/* More than four parts are joined by fours, then the results again. */
dp_tensor *dp_concat(dp_tensor *const *parts, size_t n, int axis) {
    if (!n || !parts) {
        dp_fail(DP_EINVAL, "concat: no parts");
        return NULL;
    }
    dp_dtype t = DP_U8;
    for (size_t i = 0; i < n; i++) {
        if (!dp__check(parts[i], "concat")) return NULL;
        t = dp__promote(t, (dp_dtype)parts[i]->dtype);
    }
    if (!dp__axis("concat", parts[0], &axis)) return NULL;
    dp_tensor *few[64], *joined = NULL, **level = n <= 64 ? few : dp__alloc(n * sizeof *level);
    for (size_t i = 0; level && i < n; i++) level[i] = dp__as(parts[i], t);
    for (size_t count = n; level;) {
        size_t made = 0;
        for (size_t i = 0; i < count; i += DP_MAX_IN, made++) {
            size_t k = count - i < DP_MAX_IN ? count - i : DP_MAX_IN;
            level[made] = k == 1 ? level[i]
                                 : dp_apply(&dp_op_concat, level + i, (int)k, &(concat_attr){axis});
            if (!level[made]) goto done;
        }
        if ((count = made) == 1) break;
    }
    joined = level ? level[0] : NULL;
done:
    if (level != few) dp__release(level, n * sizeof *level);
    return joined;
}
