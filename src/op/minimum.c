/* y = min(a, b); NaN wins; of zeros -0 */
#include "op.h"

DP_TILE2(minimum, DP_ALL_TYPES, T,
         a < b    ? a
         : b < a  ? b
         : a == b ? (a == 0 ? -(-a - b) : a)
         : a != a ? a
                  : b)

/* dy = da where a <= b, else db */
static dp_tensor *minimum_diff(dp_tensor *y, int i, dp_tensor *t) {
    dp_tensor *first = dp_less_equal(dp_input(y, 0), dp_input(y, 1));
    dp_tensor *zero = dp__like(t, 0);
    return i ? dp_where(first, zero, t) : dp_where(first, t, zero);
}

static bool minimum_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 2, -2, 2);
}

const dp_op dp_op_minimum = {
    DP_OP("minimum", DP_POINTWISE, 2),
    .diff = minimum_diff,
    .tiles = minimum_tiles,
    .sample = minimum_sample,
};

dp_tensor *dp_minimum(dp_tensor *a, dp_tensor *b) { return dp__binary(&dp_op_minimum, a, b); }
