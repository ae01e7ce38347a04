/* y = the largest integer <= x */
#include "op.h"

DP_TILE1(floor, DP_FLOATS, T,
         (sizeof(T) == 4 ? (T)__builtin_floorf((float)a) : (T)__builtin_floor((double)a)))

static bool floor_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_floor = {
    DP_OP("floor", DP_POINTWISE, 1),
    .tiles = floor_tiles,
    .sample = floor_sample,
};

dp_tensor *dp_floor(dp_tensor *x) { return dp__unary_float(&dp_op_floor, x); }
