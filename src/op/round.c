/* y = the nearest integer, half to even */
#include "op.h"

DP_TILE1(round, DP_FLOATS, T,
         (sizeof(T) == 4 ? (T)__builtin_rintf((float)a) : (T)__builtin_rint((double)a)))

static bool round_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_round = {
    DP_OP("round", DP_POINTWISE, 1),
    .tiles = round_tiles,
    .sample = round_sample,
};

dp_tensor *dp_round(dp_tensor *x) { return dp__unary_float(&dp_op_round, x); }
