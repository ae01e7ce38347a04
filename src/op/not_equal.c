/* y = a != b, u8 */
#include "op.h"

DP_TILE2(not_equal, DP_ALL_TYPES, uint8_t, a != b)

static bool not_equal_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_not_equal = {
    DP_OP("not_equal", DP_POINTWISE, 2),
    .infer = dp__infer_u8,
    .tiles = not_equal_tiles,
    .sample = not_equal_sample,
};

dp_tensor *dp_not_equal(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_not_equal, a, b); }
