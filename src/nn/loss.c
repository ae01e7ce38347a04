/* loss.c: losses, as functions and as modules of two inputs.
 *
 * Kinks and limits use dp_where on the argument, never on the result alone: a derivative is then
 * never 0 times infinity. */
#include "nn/module.h"

#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/text.h"

enum { LOSS_MEAN, LOSS_SUM, LOSS_NONE, LOSS_HALF_SUM };

static const dp__field loss_fields[] = {{"reduction", DP__ARG_CHOICE, DP__NOT_PRINTED, "'mean'", 0,
                                         0, "mean|sum|none",
                                         "mean over the batch, sum, or one loss per example"},
                                        {0}};
static const dp__field loss_fields_half[] = {
    {"reduction", DP__ARG_CHOICE, DP__NOT_PRINTED, "'mean'", 0, 0, "mean|sum|none|half_sum",
     "mean over all elements, sum, one per element, or sum / 2"},
    {0}};

static dp_tensor *loss_reduce(dp_tensor *x, int64_t reduction) {
    if (reduction == LOSS_NONE || !x) return x;
    if (reduction == LOSS_MEAN) return dp_mean_all(x);
    dp_tensor *sum = dp_sum_all(x);
    return reduction == LOSS_HALF_SUM ? dp_muls(sum, 0.5) : sum;
}

static bool loss_same_shape(const char *name, const dp_tensor *y, const dp_tensor *target) {
    if (!dp__check(y, name) || !dp__check(target, name)) return false;
    if (dp__same_shape(y, target)) return true;
    dp_fail(DP_EINVAL, "%s: output and target differ in shape: %s, %s", name, dp__describe(y),
            dp__describe(target));
    return false;
}

/* Logits or log probabilities [N, C] with classes i64 [N] (u8 too)? */
static bool loss_classes(const char *name, const dp_tensor *y, const dp_tensor *target) {
    if (!dp__check(y, name) || !dp__check(target, name)) return false;
    if (dp_rank(y) == 2 && dp_rank(target) == 1 && dp_dim(y, 0) == dp_dim(target, 0) &&
        !dp__is_float(dp_dtype_of(target)))
        return true;
    dp_fail(DP_EINVAL, "%s: [N, C] with integer classes [N] is expected; got %s, %s", name,
            dp__describe(y), dp__describe(target));
    return false;
}

static dp_tensor *loss_index(dp_tensor *target) {
    return dp_dtype_of(target) == DP_I64 ? target : dp_cast(target, DP_I64);
}

/* -sum_c t_c log p_c, where 0 * -inf = 0: a class that cannot be and is not costs nothing. */
static dp_tensor *loss_soft_classes(dp_tensor *log_p, dp_tensor *t) {
    dp_tensor *never = dp_mul(dp_equal(t, dp_scalar(0)), dp_equal(log_p, dp_scalar(-INFINITY)));
    return dp_neg(dp_sum(dp_mul(t, dp_where(never, dp_scalar(0), log_p)), 1, false));
}

static dp_tensor *loss_cross_entropy(dp_tensor *z, dp_tensor *t, int64_t reduction) {
    const char *name = "cross_entropy";
    if (!dp__check(z, name) || !dp__check(t, name)) return NULL;
    if (dp__is_float(dp_dtype_of(t)) && dp_rank(z) == 2) {
        if (!loss_same_shape(name, z, t)) return NULL;
        return loss_reduce(loss_soft_classes(dp_log_softmax(z, 1), t), reduction);
    }
    if (!loss_classes(name, z, t)) return NULL;
    return loss_reduce(dp_neg(dp_pick(dp_log_softmax(z, 1), loss_index(t))), reduction);
}

static dp_tensor *loss_nll(dp_tensor *log_p, dp_tensor *t, int64_t reduction) {
    if (!loss_classes("nll", log_p, t)) return NULL;
    return loss_reduce(dp_neg(dp_pick(log_p, loss_index(t))), reduction);
}

static dp_tensor *loss_mse(dp_tensor *y, dp_tensor *t, int64_t reduction) {
    if (!loss_same_shape("mse", y, t)) return NULL;
    return loss_reduce(dp_square(dp_sub(y, t)), reduction);
}

/* max(log x, -100); negative numbers stay NaN. exp(-100) is where the two meet. */
static dp_tensor *loss_log(dp_tensor *x) {
    dp_tensor *low =
        dp_mul(dp_greater_equal(x, dp_scalar(0)), dp_less(x, dp_scalar(3.7200759760208361e-44)));
    return dp_where(low, dp_scalar(-100), dp_log(dp_where(low, dp_scalar(1), x)));
}

/* max(log(1 - x), -100); numbers above 1 stay NaN. */
static dp_tensor *loss_log_rest(dp_tensor *x) {
    dp_tensor *one = dp_equal(x, dp_scalar(1));
    return dp_where(one, dp_scalar(-100), dp_log1p(dp_neg(dp_where(one, dp_scalar(0), x))));
}

/* -(t log p + (1 - t) log(1 - p)) */
static dp_tensor *loss_bce(dp_tensor *p, dp_tensor *t, int64_t reduction) {
    if (!loss_same_shape("bce", p, t)) return NULL;
    dp_tensor *rest = dp_sub(dp_scalar(1), t);
    return loss_reduce(dp_neg(dp_add(dp_mul(t, loss_log(p)), dp_mul(rest, loss_log_rest(p)))),
                       reduction);
}

/* log(1 + exp(-|z|)) + t max(-z, 0) + (1 - t) max(z, 0): no cancellation on either side; the
 * branches are chosen so that the derivative at 0 is 1/2 - t. */
static dp_tensor *loss_bce_logits(dp_tensor *z, dp_tensor *t, int64_t reduction) {
    if (!loss_same_shape("bce_logits", z, t)) return NULL;
    dp_tensor *positive = dp_greater(z, dp_scalar(0)), *minus = dp_neg(z), *zero = dp_scalar(0);
    dp_tensor *soft = dp_log1p(dp_exp(dp_where(positive, minus, z)));
    dp_tensor *hit = dp_mul(t, dp_where(positive, zero, minus));
    dp_tensor *miss = dp_mul(dp_sub(dp_scalar(1), t), dp_where(positive, z, zero));
    return loss_reduce(dp_add(soft, dp_add(hit, miss)), reduction);
}

dp_tensor *dp_cross_entropy(dp_tensor *z, dp_tensor *t) {
    return loss_cross_entropy(z, t, LOSS_MEAN);
}
dp_tensor *dp_nll(dp_tensor *log_p, dp_tensor *t) { return loss_nll(log_p, t, LOSS_MEAN); }
dp_tensor *dp_mse(dp_tensor *y, dp_tensor *t) { return loss_mse(y, t, LOSS_MEAN); }
dp_tensor *dp_bce(dp_tensor *p, dp_tensor *t) { return loss_bce(p, t, LOSS_MEAN); }
dp_tensor *dp_bce_logits(dp_tensor *z, dp_tensor *t) { return loss_bce_logits(z, t, LOSS_MEAN); }

/* ---- as modules ---- */

static bool loss_two(const dp_module *m, int n) {
    if (n == 2) return true;
    dp_fail(DP_EINVAL, "%s: %d input%s; an output and its target are needed",
            dp__module_kind_name(m), n, n == 1 ? "" : "s");
    return false;
}

#define LOSS_KIND(id, text, field_table, description)                                             \
    static dp_tensor *loss_##id##_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) { \
        (void)c;                                                                                  \
        return loss_two(m, n) ? loss_##id(in[0], in[1], dp__arg_int(m, 0)) : NULL;                \
    }                                                                                             \
    const dp__kind dp__kind_##id = {                                                              \
        .name = text, .doc = description, .fields = field_table, .forward = loss_##id##_forward}
LOSS_KIND(cross_entropy, "CrossEntropyLoss", loss_fields,
          "-log softmax(logits)[class], or with probabilities");
LOSS_KIND(nll, "NLLLoss", loss_fields, "-log_probabilities[class]");
LOSS_KIND(mse, "MSELoss", loss_fields_half, "(y - target)^2");
LOSS_KIND(bce, "BCELoss", loss_fields, "-(t log p + (1 - t) log(1 - p)), logs clamped at -100");
LOSS_KIND(bce_logits, "BCEWithLogitsLoss", loss_fields, "BCELoss of sigmoid(z), stable");

dp_module *dp_loss(const char *format, ...) {
    const dp__kind *kind = NULL;
    dp__arg arg[DP__MAX_FIELDS];
    va_list args;
    va_start(args, format);
    char *text = format ? dp__vprintf(format, args) : NULL;
    va_end(args);
    if (!text) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "dp_loss: the text is NULL");
        return NULL;
    }
    dp_status s = dp__text_single(DP_KIND_LOSS, "loss", text, &kind, arg);
    dp__release(text, strlen(text) + 1);
    return s ? NULL : dp__module_adopt(dp__module_of(kind, arg));
}

dp_tensor *dp_call_loss(dp_module *loss, dp_tensor *y, dp_tensor *target) {
    dp_tensor *in[2] = {y, target}, *out = NULL;
    dp_call_n(loss, NULL, in, 2, &out, 1);
    return out;
}
