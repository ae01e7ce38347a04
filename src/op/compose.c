/* compose.c: functions made of other operations; no primitive of their own. */
#include <math.h>
#include "op.h"

dp_tensor *dp_adds(dp_tensor *a, double b) {
    if (!dp__check(a, "add")) return NULL;
    if (a->weak) a = dp__as(a, DP_F32);
    return dp_add(a, dp__like(a, b));
}

dp_tensor *dp_muls(dp_tensor *a, double b) {
    if (!dp__check(a, "mul")) return NULL;
    if (a->weak) a = dp__as(a, DP_F32);
    return dp_mul(a, dp__like(a, b));
}

dp_tensor *dp_square(dp_tensor *x) { return dp_mul(x, x); }
dp_tensor *dp_reciprocal(dp_tensor *x) { return dp_div(dp__like(x, 1), x); }
dp_tensor *dp_greater(dp_tensor *a, dp_tensor *b) { return dp_less(b, a); }
dp_tensor *dp_greater_equal(dp_tensor *a, dp_tensor *b) { return dp_less_equal(b, a); }

dp_tensor *dp_leaky_relu(dp_tensor *x, double slope) {
    return dp_where(dp_greater(x, dp__like(x, 0)), x, dp_muls(x, slope));
}

/* x/2 (1 + erf(x / sqrt 2)) */
dp_tensor *dp_gelu(dp_tensor *x) {
    return dp_mul(dp_muls(x, 0.5), dp_adds(dp_erf(dp_muls(x, 0.7071067811865476)), 1));
}

/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
dp_tensor *dp_gelu_tanh(dp_tensor *x) {
    dp_tensor *cubic = dp_mul(x, dp_adds(dp_muls(dp_square(x), 0.044715), 1));
    return dp_mul(dp_muls(x, 0.5), dp_adds(dp_tanh(dp_muls(cubic, 0.7978845608028654)), 1));
}

dp_tensor *dp_silu(dp_tensor *x) { return dp_mul(x, dp_sigmoid(x)); }

/* max(x, 0) + log1p(exp(-|x|)); both branches turn at the same point, so the derivative at 0 is 1/2
 */
dp_tensor *dp_softplus(dp_tensor *x) {
    dp_tensor *zero = dp__like(x, 0), *positive = dp_greater(x, zero);
    dp_tensor *low = dp_where(positive, dp_neg(x), x);
    return dp_add(dp_where(positive, x, zero), dp_log1p(dp_exp(low)));
}

/* The largest element, as a constant to subtract: 0 where it is not finite, so that inf - inf never
 * arises and a NaN stays in its row. */
static dp_tensor *compose_shift(dp_tensor *x, int axis) {
    dp_tensor *m = dp_detach(dp_max(x, axis, true));
    return dp_where(dp_is_finite(m), m, dp__like(x, 0));
}

/* log(sum(exp s)) where the largest s is 0: log1p of the sum without one of the largest, so that a
 * small rest beside 1 is not lost. exp(0) is exactly 1; hits are counted apart, for ties. */
static dp_tensor *compose_log_sum(dp_tensor *s, int axis) {
    dp_tensor *hit = dp_cast(dp_equal(s, dp__like(s, 0)), dp_dtype_of(s));
    dp_tensor *ties = dp_adds(dp_sum(hit, axis, true), -1);
    return dp_log1p(dp_add(dp_sum(dp_sub(dp_exp(s), hit), axis, true), ties));
}

dp_tensor *dp_log_sum_exp(dp_tensor *x, int axis, bool keep_dims) {
    if (!dp__check(x, "log_sum_exp") || !dp__axis("log_sum_exp", x, &axis)) return NULL;
    dp_tensor *m = compose_shift(x, axis);
    dp_tensor *y = dp_add(m, compose_log_sum(dp_sub(x, m), axis));
    return keep_dims ? y : dp_squeeze(y, axis);
}

dp_tensor *dp_softmax(dp_tensor *x, int axis) {
    if (!dp__check(x, "softmax") || !dp__axis("softmax", x, &axis)) return NULL;
    dp_tensor *e = dp_exp(dp_sub(x, compose_shift(x, axis)));
    return dp_div(e, dp_sum(e, axis, true));
}

dp_tensor *dp_log_softmax(dp_tensor *x, int axis) {
    if (!dp__check(x, "log_softmax") || !dp__axis("log_softmax", x, &axis)) return NULL;
    dp_tensor *s = dp_sub(x, compose_shift(x, axis));
    return dp_sub(s, compose_log_sum(s, axis));
}

dp_tensor *dp_one_hot(dp_tensor *index, int64_t classes, dp_dtype dtype) {
    return dp_cast(dp_equal(dp_expand_dims(index, -1), dp_arange(DP_I64, classes)), dtype);
}

/* A row sum of one element among zeros: exact, and it fuses with what makes x. */
dp_tensor *dp_pick(dp_tensor *x, dp_tensor *index) {
    if (!dp__check(x, "pick") || !dp__check(index, "pick")) return NULL;
    if (x->rank < 1 || index->rank != x->rank - 1) {
        dp_fail(DP_EINVAL, "pick: %s by %s", dp__describe(x), dp__describe(index));
        return NULL;
    }
    if (!dp__index_fits("pick", index, dp_dim(x, -1))) return NULL;
    dp_tensor *hit = dp_equal(dp_expand_dims(index, -1), dp_arange(DP_I64, dp_dim(x, -1)));
    return dp_sum(dp_where(hit, x, dp__like(x, 0)), -1, false);
}

/* m sqrt(sum((x/m)^2)) with m = max |x|; 0 for zeros, inf for infinities */
dp_tensor *dp_norm(dp_tensor *x) {
    if (!dp__check(x, "norm")) return NULL;
    dp_tensor *flat = dp_reshape(x, DP_SHAPE(dp_count(x)));
    if (dp_count(x) == 0) return dp__like(x, 0);
    dp_tensor *m = dp_detach(dp_max(dp_abs(flat), 0, false)), *one = dp__like(flat, 1);
    dp_tensor *usable = dp_mul(dp_is_finite(m), dp_greater(m, dp__like(flat, 0)));
    dp_tensor *scale = dp_where(usable, m, one);
    return dp_mul(scale, dp_sqrt(dp_sum_all(dp_square(dp_div(flat, scale)))));
}
