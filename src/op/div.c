/* y = a / b; integers towards zero, a/0 = 0 */
#include "op.h"

/* -1 apart, since INT64_MIN / -1 would trap */
DP_TILE2(div, DP_ALL_TYPES, T,
         DP_IS_INT(a) ? (b == 0            ? 0
                         : (double)b == -1 ? DP_NEGATE(a)
                                           : a / b)
                      : a / b)

/* dy = da / b - y db / b */
static dp_tensor *div_diff(dp_tensor *y, int i, dp_tensor *t) {
    return i ? dp_neg(dp_div(dp_mul(t, y), dp_input(y, 1))) : dp_div(t, dp_input(y, 1));
}

static bool div_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, 0.5, 3);
}

const dp_op dp_op_div = {
    DP_OP("div", DP_POINTWISE, 2),
    .diff = div_diff,
    .tiles = div_tiles,
    .sample = div_sample,
};

dp_tensor *dp_div(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_div, a, b); }
