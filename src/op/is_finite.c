/* y = 1 if x is neither infinite nor NaN */
#include "op.h"

DP_TILE1(is_finite, DP_FLOATS, uint8_t, a - a == 0)

static bool is_finite_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_is_finite = {
    DP_OP("is_finite", DP_POINTWISE, 1),
    .infer = dp__infer_u8,
    .tiles = is_finite_tiles,
    .sample = is_finite_sample,
};

dp_tensor *dp_is_finite(dp_tensor *x) { return dp__unary_float(&dp_op_is_finite, x); }
