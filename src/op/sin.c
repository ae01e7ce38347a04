/* y = sin(x) */
#include "op.h"

DP_TILE_VECTOR(sin)

/* dy = cos(x) dx */
static dp_tensor *sin_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, dp_cos(dp_input(y, 0)));
}

static bool sin_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_sin = {
    DP_OP("sin", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = sin_diff, .tile = sin_tile,
    .sample = sin_sample,
};

dp_tensor *dp_sin(dp_tensor *x) { return dp__unary_float(&dp_op_sin, x); }
