/* y = ln(x) */
#include "op.h"

DP_TILE_VECTOR(log)

/* dy = dx / x */
static dp_tensor *log_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_div(t, dp_input(y, 0));
}

static bool log_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, 0.1, 3);
}

const dp_op dp_op_log = {
    DP_OP("log", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = log_diff, .tile = log_tile,
    .sample = log_sample,
};

dp_tensor *dp_log(dp_tensor *x) { return dp__unary_float(&dp_op_log, x); }
