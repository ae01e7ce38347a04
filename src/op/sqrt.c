/* y = sqrt(x) */
#include "op.h"

DP_TILE1(sqrt, DP_FLOATS, T,
         (sizeof(T) == 4 ? (T)__builtin_sqrtf((float)a) : (T)__builtin_sqrt((double)a)))

/* dy = dx / (2 y) */
static dp_tensor *sqrt_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    return dp_div(t, dp_muls(y, 2));
}

static bool sqrt_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, 0.1, 3);
}

const dp_op dp_op_sqrt = {
    DP_OP("sqrt", DP_POINTWISE, 1),
    .diff = sqrt_diff,
    .tiles = sqrt_tiles,
    .sample = sqrt_sample,
};

dp_tensor *dp_sqrt(dp_tensor *x) { return dp__unary_float(&dp_op_sqrt, x); }
