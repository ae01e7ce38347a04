/* y = exp(x) */
#include "op.h"

DP_TILE_VECTOR(exp)

/* dy = y dx */
static dp_tensor *exp_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, y);
}

static bool exp_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_exp = {
    DP_OP("exp", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = exp_diff, .tile = exp_tile,
    .sample = exp_sample,
};

dp_tensor *dp_exp(dp_tensor *x) { return dp__unary_float(&dp_op_exp, x); }
