/* y = a < b, u8 */
#include "op.h"

DP_TILE2(less, DP_ALL_TYPES, uint8_t, a < b)

static bool less_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_less = {
    DP_OP("less", DP_POINTWISE, 2),
    .infer = dp__infer_u8,
    .tiles = less_tiles,
    .sample = less_sample,
};

dp_tensor *dp_less(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_less, a, b); }
