/* y = 1 / (1 + exp(-x)) */
#include "op.h"

DP_TILE_VECTOR(sigmoid)

/* dy = y (1 - y) dx */
static dp_tensor *sigmoid_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, dp_mul(y, dp_sub(dp__like(y, 1), y)));
}

static bool sigmoid_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_sigmoid = {
    DP_OP("sigmoid", DP_POINTWISE, 1),
    .infer = dp__infer_float,
    .diff = sigmoid_diff,
    .tile = sigmoid_tile,
    .sample = sigmoid_sample,
};

dp_tensor *dp_sigmoid(dp_tensor *x) { return dp__unary_float(&dp_op_sigmoid, x); }
