/* y = max(0, x); NaN stays */
#include "op.h"

DP_TILE1(relu, DP_FLOATS_INT, T, a < 0 ? 0 : a == 0 ? 0 : a)

/* dy = dx where x > 0, else 0; x > 0 is y > 0 */
static dp_tensor *relu_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_where(dp_greater(y, dp__like(y, 0)), t, dp__like(t, 0));
}

static bool relu_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_relu = {
    DP_OP("relu", DP_POINTWISE, 1),
    .diff = relu_diff,
    .tiles = relu_tiles,
    .sample = relu_sample,
};

dp_tensor *dp_relu(dp_tensor *x) { return dp__unary(&dp_op_relu, x); }
