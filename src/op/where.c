/* y = condition != 0 ? a : b */
#include "op.h"

#define WHERE_FN(isa, tag, type, name, ignored)                          \
    DP_TARGET_##isa static void name##_##tag##_##isa(const dp_tile *t) { \
        type *y = t->out;                                                \
        const uint8_t *c = t->in[0];                                     \
        const type *pa = t->in[1], *pb = t->in[2];                       \
        size_t n = t->n;                                                 \
        if (!t->stride[0]) {                                             \
            const type *p = *c ? pa : pb;                                \
            size_t s = (size_t)t->stride[*c ? 1 : 2];                    \
            for (size_t i = 0; i < n; i++) y[i] = p[i * s];              \
        } else if (t->stride[1] && t->stride[2]) {                       \
            DP_EACH {                                                    \
                type a = pa[i], b = pb[i];                               \
                y[i] = c[i] ? a : b;                                     \
            }                                                            \
        } else if (t->stride[1]) {                                       \
            type b = *pb;                                                \
            DP_EACH {                                                    \
                type a = pa[i];                                          \
                y[i] = c[i] ? a : b;                                     \
            }                                                            \
        } else if (t->stride[2]) {                                       \
            type a = *pa;                                                \
            DP_EACH {                                                    \
                type b = pb[i];                                          \
                y[i] = c[i] ? a : b;                                     \
            }                                                            \
        } else if (n) {                                                  \
            type a = *pa, b = *pb;                                       \
            DP_EACH y[i] = c[i] ? a : b;                                 \
        }                                                                \
    }
#define WHERE_TYPE(tag, type, name, ignored) DP_PER_ISA(WHERE_FN, tag, type, name, ignored)
DP_ALL_TYPES(WHERE_TYPE, where, )
DP_TILE_TABLE(where, DP_ALL_TYPES)
#undef WHERE_FN
#undef WHERE_TYPE

static dp_tensor *where_diff(dp_tensor *y, int i, dp_tensor *t) {
    dp_tensor *c = dp_input(y, 0), *zero = dp__like(t, 0);
    return i == 1 ? dp_where(c, t, zero) : dp_where(c, zero, t);
}

static dp_status where_infer(dp_infer *f) {
    f->dtype = (dp_dtype)f->in[1]->dtype;
    if (f->in[0]->dtype == DP_U8 && f->in[2]->dtype == f->in[1]->dtype) return DP_OK;
    return dp_fail(DP_EINVAL, "where: %s ? %s : %s", dp__describe(f->in[0]), dp__describe(f->in[1]),
                   dp__describe(f->in[2]));
}

static bool where_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    dp_tensor *x[3];
    if (!dp__sample_map(n, x, 3, -2, 2)) return false;
    in[0] = dp_greater(x[0], dp__like(x[0], 0));
    in[1] = x[1];
    in[2] = x[2];
    return true;
}

const dp_op dp_op_where = {
    DP_OP("where", DP_POINTWISE, 3), .infer = where_infer, .diff = where_diff, .tiles = where_tiles,
    .sample = where_sample,
};

/* Any non-zero condition is true: u8 as it is, others compared with 0. */
dp_tensor *dp_where(dp_tensor *c, dp_tensor *a, dp_tensor *b) {
    if (!dp__check(c, "where") || !dp__check(a, "where") || !dp__check(b, "where")) return NULL;
    if (c->dtype != DP_U8) c = dp_not_equal(c, dp__like(c, 0));
    dp_shape shape;
    if (!dp__broadcast_shape("where", a, b, &shape)) return NULL;
    dp_dtype t = a->weak && b->weak ? DP_F32
                 : a->weak          ? (dp_dtype)b->dtype
                 : b->weak          ? (dp_dtype)a->dtype
                                    : dp__promote((dp_dtype)a->dtype, (dp_dtype)b->dtype);
    dp_tensor *wide = dp_broadcast(dp__as(a, t), shape);
    if (!wide || !dp__broadcast_shape("where", c, wide, &shape)) return NULL;
    dp_tensor *in[3] = {dp_broadcast(c, shape), dp_broadcast(wide, shape),
                        dp_broadcast(dp__as(b, t), shape)};
    return in[0] && in[1] && in[2] ? dp_apply(&dp_op_where, in, 3, NULL) : NULL;
}
