/* y = max(a, b); NaN wins; of zeros +0 */
#include "op.h"

DP_TILE2(maximum, DP_ALL_TYPES, T,
         a > b    ? a
         : b > a  ? b
         : a == b ? (a == 0 ? DP_WRAP(+) : a)
         : a != a ? a
                  : b)

/* dy = da where a >= b, else db */
static dp_tensor *maximum_diff(dp_tensor *y, int i, dp_tensor *t) {
    dp_tensor *first = dp_greater_equal(dp_input(y, 0), dp_input(y, 1));
    dp_tensor *zero = dp__like(t, 0);
    return i ? dp_where(first, zero, t) : dp_where(first, t, zero);
}

static bool maximum_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_maximum = {
    DP_OP("maximum", DP_POINTWISE, 2),
    .diff = maximum_diff,
    .tiles = maximum_tiles,
    .sample = maximum_sample,
};

dp_tensor *dp_maximum(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_maximum, a, b); }
