/* y = ln(1 + x) */
#include "op.h"

DP_TILE_VECTOR(log1p)

/* dy = dx / (1 + x) */
static dp_tensor *log1p_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_div(t, dp_adds(dp_input(y, 0), 1));
}

static bool log1p_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -0.8, 3);
}

const dp_op dp_op_log1p = {
    DP_OP("log1p", DP_POINTWISE, 1),
    .infer = dp__infer_float,
    .diff = log1p_diff,
    .tile = log1p_tile,
    .sample = log1p_sample,
};

dp_tensor *dp_log1p(dp_tensor *x) { return dp__unary_float(&dp_op_log1p, x); }
