/* The largest of a row (NaN wins, +0 over -0, of none -inf), and where it stands. */
#include "op.h"

static void max_row(void *out, const void *in, size_t n, dp_dtype dtype) {
    if (dtype == DP_F32)
        *(float *)out = dp__k()->f32.max(in, n);
    else if (dtype == DP_F64)
        *(double *)out = dp__k()->f64.max(in, n);
    else {
        int64_t m = INT64_MIN;
        for (size_t i = 0; i < n; i++)
            m = ((const int64_t *)in)[i] > m ? ((const int64_t *)in)[i] : m;
        *(int64_t *)out = m;
    }
}

extern const dp_op dp_op_argmax;

/* 1 at the first place of the largest element of each row, else 0; rows may be empty. */
static dp_tensor *max_mask(dp_tensor *y) {
    dp_tensor *x = dp_input(y, 0);
    return dp_equal(dp_arange(DP_I64, dp_dim(x, -1)), dp_apply(&dp_op_argmax, &x, 1, NULL));
}

static dp_tensor *max_vjp(dp_tensor *y, int i, dp_tensor *ct) {
    (void)i;
    return dp_where(max_mask(y), ct, dp__like(ct, 0));
}

static dp_tensor *max_jvp(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_sum(dp_where(max_mask(y), t, dp__like(t, 0)), -1, true);
}

static dp_status max_infer(dp_infer *f) {
    if (f->in[0]->rank == 0 || f->dtype == DP_U8)
        return dp_fail(DP_EINVAL, "%s: %s; expected an axis, and no bytes", f->op->name,
                       dp__describe(f->in[0]));
    f->shape.dim[f->shape.rank - 1] = 1;
    return DP_OK;
}

static bool max_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape s[] = {
        {2, {3, 5}}, {2, {2, 0}}, {2, {2, 4097}}, {3, {2, 3, 1}}, {1, {300}}};
    (void)attr;
    if (n >= 5) return false;
    in[0] = dp__sample_numbers(s[n], -1, 1, (uint64_t)n);
    return true;
}

const dp_op dp_op_max = {
    DP_OP("max", DP_ROW, 1), .infer = max_infer, .vjp = max_vjp,
    .jvp = max_jvp,          .row = max_row,     .sample = max_sample,
};

/* ---- argmax: the lowest index of a tie; NaN wins; 0 of none ---- */

#define ARGMAX(type, isnan)                                                  \
    {                                                                        \
        const type *x = in;                                                  \
        for (size_t i = 1; i < n; i++)                                       \
            if (x[i] > x[best] || ((isnan) && x[best] == x[best])) best = i; \
        break;                                                               \
    }
static void argmax_row(void *out, const void *in, size_t n, dp_dtype dtype) {
    size_t best = 0;
    switch (dtype) {
    case DP_F32:
        ARGMAX(float, x[i] != x[i])
    case DP_F64:
        ARGMAX(double, x[i] != x[i])
    case DP_I64:
        ARGMAX(int64_t, 0)
    default:
        ARGMAX(uint8_t, 0)
    }
    *(int64_t *)out = (int64_t)best;
}
#undef ARGMAX

static dp_status argmax_infer(dp_infer *f) {
    f->dtype = DP_I64; /* of bytes too */
    return max_infer(f);
}

const dp_op dp_op_argmax = {
    DP_OP("argmax", DP_ROW, 1),
    .infer = argmax_infer,
    .row = argmax_row,
    .sample = max_sample,
};

/* ---- public: the axis is moved to the end and back ---- */

static dp_tensor *max_along(const dp_op *op, dp_tensor *x, int axis, bool keep_dims) {
    if (!dp__check(x, op->name) || !dp__axis(op->name, x, &axis)) return NULL;
    if (op == &dp_op_max && x->dtype == DP_U8) x = dp_cast(x, DP_I64);
    if (x && x->dim[axis] == 0) {
        dp_fail(DP_EINVAL, "%s: axis %d of %s is empty", op->name, axis, dp__describe(x));
        return NULL;
    }
    dp_tensor *last = dp_transpose(x, axis, -1);
    dp_tensor *y = dp_transpose(last ? dp_apply(op, &last, 1, NULL) : NULL, axis, -1);
    return keep_dims ? y : dp_squeeze(y, axis);
}

dp_tensor *dp_max(dp_tensor *x, int axis, bool keep_dims) {
    return max_along(&dp_op_max, x, axis, keep_dims);
}
dp_tensor *dp_argmax(dp_tensor *x, int axis, bool keep_dims) {
    return max_along(&dp_op_argmax, x, axis, keep_dims);
}
dp_tensor *dp_min(dp_tensor *x, int axis, bool keep_dims) {
    return dp_neg(dp_max(dp_neg(x), axis, keep_dims));
}
