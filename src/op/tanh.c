/* y = tanh(x) */
#include "op.h"

DP_TILE_VECTOR(tanh)

/* dy = (1 - y^2) dx */
static dp_tensor *tanh_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, dp_sub(dp__like(y, 1), dp_square(y)));
}

static bool tanh_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_tanh = {
    DP_OP("tanh", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = tanh_diff, .tile = tanh_tile,
    .sample = tanh_sample,
};

dp_tensor *dp_tanh(dp_tensor *x) { return dp__unary_float(&dp_op_tanh, x); }
