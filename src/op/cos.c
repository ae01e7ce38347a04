/* y = cos(x) */
#include "op.h"

DP_TILE_VECTOR(cos)

/* dy = -sin(x) dx */
static dp_tensor *cos_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_neg(dp_mul(t, dp_sin(dp_input(y, 0))));
}

static bool cos_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_cos = {
    DP_OP("cos", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = cos_diff, .tile = cos_tile,
    .sample = cos_sample,
};

dp_tensor *dp_cos(dp_tensor *x) { return dp__unary_float(&dp_op_cos, x); }
