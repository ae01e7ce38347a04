/* y = x, and +0 where |x| is below the smallest normal number; NaN stays. Optimisers write their
 * state through it. */
#include <float.h>
#include "op.h"

#define FLUSH_MIN (sizeof(T) == 4 ? (T)FLT_MIN : (T)DBL_MIN)
DP_TILE1(flush, DP_FLOATS, T, a<FLUSH_MIN && a> - FLUSH_MIN ? 0 : a)

/* dy = dx */
static dp_tensor *flush_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)y, (void)i;
    return t;
}

static bool flush_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_flush = {
    DP_OP("flush", DP_POINTWISE, 1),
    .diff = flush_diff,
    .tiles = flush_tiles,
    .sample = flush_sample,
};

dp_tensor *dp__flush(dp_tensor *x) { return dp__unary_float(&dp_op_flush, x); }
