/* y = 2/sqrt(pi) int_0^x exp(-u^2) du */
#include "op.h"

DP_TILE_VECTOR(erf)

/* dy = 2/sqrt(pi) exp(-x^2) dx */
static dp_tensor *erf_diff(dp_tensor *y, int i, dp_tensor *t) {
    (void)i;
    dp_tensor *g = dp_exp(dp_neg(dp_square(dp_input(y, 0))));
    return dp_mul(t, dp_muls(g, 1.1283791670955126));
}

static bool erf_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_erf = {
    DP_OP("erf", DP_POINTWISE, 1), .infer = dp__infer_float, .diff = erf_diff, .tile = erf_tile,
    .sample = erf_sample,
};

dp_tensor *dp_erf(dp_tensor *x) { return dp__unary_float(&dp_op_erf, x); }
