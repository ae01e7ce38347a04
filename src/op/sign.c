/* y = -1, 0 or 1; NaN stays */
#include "op.h"

DP_TILE1(sign, DP_FLOATS_INT, T, a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a)

static bool sign_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_sign = {
    DP_OP("sign", DP_POINTWISE, 1),
    .tiles = sign_tiles,
    .sample = sign_sample,
};

dp_tensor *dp_sign(dp_tensor *x) { return dp__unary(&dp_op_sign, x); }
