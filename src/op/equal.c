/* y = a == b, u8 */
#include "op.h"

DP_TILE2(equal, DP_ALL_TYPES, uint8_t, a == b)

static bool equal_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_equal = {
    DP_OP("equal", DP_POINTWISE, 2),
    .infer = dp__infer_u8,
    .tiles = equal_tiles,
    .sample = equal_sample,
};

dp_tensor *dp_equal(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_equal, a, b); }
