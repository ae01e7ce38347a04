/* y = -x */
#include "op.h"

DP_TILE1(neg, DP_FLOATS_INT, T, DP_NEGATE(a))

/* dy = -dx */
static dp_tensor *neg_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    (void)y;
    return dp_neg(t);
}

static bool neg_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_neg = {
    DP_OP("neg", DP_POINTWISE, 1),
    .diff = neg_diff,
    .tiles = neg_tiles,
    .sample = neg_sample,
};

dp_tensor *dp_neg(dp_tensor *x) { return dp__unary(&dp_op_neg, x); }
