/* y = exp(x) - 1 */
#include "op.h"

DP_TILE_VECTOR(expm1)

/* dy = (y + 1) dx */
static dp_tensor *expm1_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, dp_adds(y, 1));
}

static bool expm1_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_expm1 = {
    DP_OP("expm1", DP_POINTWISE, 1),
    .infer = dp__infer_float,
    .diff = expm1_diff,
    .tile = expm1_tile,
    .sample = expm1_sample,
};

dp_tensor *dp_expm1(dp_tensor *x) { return dp__unary_float(&dp_op_expm1, x); }
