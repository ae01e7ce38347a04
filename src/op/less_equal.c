/* y = a <= b, u8 */
#include "op.h"

DP_TILE2(less_equal, DP_ALL_TYPES, uint8_t, a <= b)

static bool less_equal_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_less_equal = {
    DP_OP("less_equal", DP_POINTWISE, 2),
    .infer = dp__infer_u8,
    .tiles = less_equal_tiles,
    .sample = less_equal_sample,
};

dp_tensor *dp_less_equal(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_less_equal, a, b); }
