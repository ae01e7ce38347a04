/* y = x in another dtype; float to integer: towards zero, saturating, NaN to 0 */
#include "op.h"

typedef struct cast_attr {
    int64_t dtype;
} cast_attr;

/* One loop per pair of dtypes; v is an element of the input. */
#define CAST_LOOP(in_t, out_t, formula)  \
    {                                    \
        const in_t *x = t->in[0];        \
        out_t *y = t->out;               \
        for (size_t i = 0; i < n; i++) { \
            in_t v = x[i];               \
            y[i] = (out_t)(formula);     \
        }                                \
        break;                           \
    }
#define CAST_FROM(in_t, to_i64, to_u8)   \
    switch (out) {                       \
    case DP_F32:                         \
        CAST_LOOP(in_t, float, v)        \
    case DP_F64:                         \
        CAST_LOOP(in_t, double, v)       \
    case DP_I64:                         \
        CAST_LOOP(in_t, int64_t, to_i64) \
    default:                             \
        CAST_LOOP(in_t, uint8_t, to_u8)  \
    }

static void cast_tile(const dp_tile *t) {
    dp_dtype out = (dp_dtype)((const cast_attr *)t->attr)->dtype;
    size_t n = t->stride[0] ? t->n : t->n != 0;
    switch (t->dtype) {
    case DP_F32:
        CAST_FROM(float, dp__to_i64((double)v), dp__to_u8((double)v)) break;
    case DP_F64:
        CAST_FROM(double, dp__to_i64(v), dp__to_u8(v)) break;
    case DP_I64:
        CAST_FROM(int64_t, v, v < 0 ? 0 : v > 255 ? 255 : v) break;
    default:
        CAST_FROM(uint8_t, v, v) break;
    }
    if (n < t->n) dp__fill(t->out, t->out, t->n, dp_dtype_size(out));
}
#undef CAST_LOOP
#undef CAST_FROM

static dp_tensor *cast_diff(dp_tensor *y, int i, dp_tensor *t) {
    return dp_cast(t, t->dtype == y->dtype ? dp_dtype_of(dp_input(y, i)) : dp_dtype_of(y));
}

static dp_status cast_infer(dp_infer *f) {
    f->dtype = (dp_dtype)((const cast_attr *)f->attr)->dtype;
    return DP_OK;
}

static bool cast_sample(int n, dp_tensor **in, void *attr) {
    ((cast_attr *)attr)->dtype = n == 4 ? DP_I64 : n == 1 ? DP_F32 : DP_F64;
    return dp__sample_map(n, in, 1, -2, 2);
}

static const dp_op_field cast_fields[] = {{"dtype", DP_FIELD_DTYPE, offsetof(cast_attr, dtype)},
                                          {0}};

const dp_op dp_op_cast = {
    DP_OP("cast", DP_POINTWISE, 1),
    .attr_size = sizeof(cast_attr),
    .fields = cast_fields,
    .infer = cast_infer,
    .diff = cast_diff,
    .tile = cast_tile,
    .sample = cast_sample,
};

dp_tensor *dp_cast(dp_tensor *x, dp_dtype dtype) {
    if (!dp__check(x, "cast")) return NULL;
    if ((unsigned)dtype >= DP_N_DTYPES) {
        dp_fail(DP_EINVAL, "cast: dtype %d; known: f32, f64, i64, u8", (int)dtype);
        return NULL;
    }
    if (x->dtype == dtype && !x->weak) return x;
    cast_attr a = {dtype};
    return dp_apply(&dp_op_cast, &x, 1, &a);
}
