/* y = a^b as C99's pow; pow(a, 0) = 1 */
#include "op.h"

/* The kernels take arrays, so a repeated operand is spread over a piece of the stack first. */
static void pow_tile(const dp_tile *t) {
    enum { PIECE = 256 };
    double spread[2][PIECE];
    size_t size = dp_dtype_size(t->dtype);
    for (size_t at = 0; at < t->n; at += PIECE) {
        size_t n = t->n - at < PIECE ? t->n - at : PIECE;
        const void *in[2];
        for (int i = 0; i < 2; i++) {
            in[i] = (const char *)t->in[i] + (t->stride[i] ? at * size : 0);
            if (!t->stride[i]) dp__fill(spread[i], in[i], n, size), in[i] = spread[i];
        }
        void *out = (char *)t->out + at * size;
        if (t->dtype == DP_F32)
            dp__k()->f32.pow(out, in[0], in[1], n);
        else
            dp__k()->f64.pow(out, in[0], in[1], n);
    }
}

/* dy = b a^(b-1) da + y ln(a) db; the first is 0 where b = 0, the second where a = 0 <= b */
static dp_tensor *pow_diff(dp_tensor *y, int i, dp_tensor *t) {
    dp_tensor *a = dp_input(y, 0), *b = dp_input(y, 1), *zero = dp__like(y, 0);
    if (i == 0) {
        dp_tensor *slope = dp_mul(b, dp_pow(a, dp_adds(b, -1)));
        return dp_mul(t, dp_where(dp_equal(b, zero), zero, slope));
    }
    dp_tensor *flat = dp_mul(dp_equal(a, zero), dp_greater_equal(b, zero));
    dp_tensor *safe = dp_where(flat, dp__like(y, 1), a);
    return dp_mul(t, dp_mul(y, dp_log(safe)));
}

static bool pow_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, 0.3, 2.5);
}

const dp_op dp_op_pow = {
    DP_OP("pow", DP_POINTWISE, 2), .infer = dp__infer_float, .diff = pow_diff, .tile = pow_tile,
    .sample = pow_sample,
};

dp_tensor *dp_pow(dp_tensor *a, dp_tensor *b) { return dp__binary_float(&dp_op_pow, a, b); }
