/* y = a + b; integers wrap */
#include "op.h"

DP_TILE2(add, DP_ALL_TYPES, T, DP_WRAP(+))

/* dy = da + db */
static dp_tensor *add_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)y, (void)i;
    return t;
}

static bool add_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_add = {
    DP_OP("add", DP_POINTWISE, 2),
    .diff = add_diff,
    .tiles = add_tiles,
    .sample = add_sample,
};

dp_tensor *dp_add(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_add, a, b); }
