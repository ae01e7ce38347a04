/* y = a b; integers wrap */
#include "op.h"

DP_TILE2(mul, DP_ALL_TYPES, T, DP_WRAP(*))

/* dy = b da + a db */
static dp_tensor *mul_diff(dp_tensor *y, int i, dp_tensor *t) {
    return dp_mul(t, dp_input(y, 1 - i));
}

static bool mul_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_mul = {
    DP_OP("mul", DP_POINTWISE, 2),
    .diff = mul_diff,
    .tiles = mul_tiles,
    .sample = mul_sample,
};

dp_tensor *dp_mul(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_mul, a, b); }
