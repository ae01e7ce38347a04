/* y = a - b; integers wrap */
#include "op.h"

DP_TILE2(sub, DP_ALL_TYPES, T, DP_WRAP(-))

/* dy = da - db */
static dp_tensor *sub_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)y;
    return i ? dp_neg(t) : t;
}

static bool sub_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_sub = {
    DP_OP("sub", DP_POINTWISE, 2),
    .diff = sub_diff,
    .tiles = sub_tiles,
    .sample = sub_sample,
};

dp_tensor *dp_sub(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_sub, a, b); }
