/* y = |x| */
#include "op.h"

DP_TILE1(abs, DP_FLOATS_INT, T, a < 0 ? DP_NEGATE(a) : a == 0 ? 0 : a)

/* dy = sign(x) dx, 0 at 0 */
static dp_tensor *abs_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_mul(t, dp_sign(dp_input(y, 0)));
}

static bool abs_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, 0.1, 2);
}

const dp_op dp_op_abs = {
    DP_OP("abs", DP_POINTWISE, 1),
    .diff = abs_diff,
    .tiles = abs_tiles,
    .sample = abs_sample,
};

dp_tensor *dp_abs(dp_tensor *x) { return dp__unary(&dp_op_abs, x); }
