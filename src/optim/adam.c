/* adam.c: Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), in PyTorch's order of
 * operations: eps is added after the second moment's root has been corrected. */
#include <math.h>

#include "nn/kinds.h"
#include "optim/optim.h"

enum { ADAM_LR, ADAM_BETAS, ADAM_EPS, ADAM_DECAY, ADAM_AMSGRAD };

#define ADAM_FIELDS(decay, decay_doc)                                           \
    {"lr", DP__ARG_REAL, 0, "0.001", 0, INFINITY, NULL, "learning rate"},       \
        {"betas",                                                               \
         DP__ARG_PAIR,                                                          \
         DP__OPEN_MAX,                                                          \
         "(0.9, 0.999)",                                                        \
         0,                                                                     \
         1,                                                                     \
         NULL,                                                                  \
         "share of the old mean, and of the old mean square, that is kept"},    \
        {"eps", DP__ARG_REAL, 0,    "1e-08",                                    \
         0,     INFINITY,     NULL, "added to the root of the mean square"},    \
        {"weight_decay", DP__ARG_REAL, 0, decay, 0, INFINITY, NULL, decay_doc}, \
        {"amsgrad", DP__ARG_BOOL,                                               \
         0,         "false",                                                    \
         0,         0,                                                          \
         NULL,      "divide by the largest mean square so far"},                \
        DP__OPTIM_FIELDS, {                                                     \
        0                                                                       \
    }

static const dp__field adam_fields[] = {
    ADAM_FIELDS("0", "times the parameter, added to its gradient")};
static const dp__field adam_fields_w[] = {
    ADAM_FIELDS("0.01", "lr times this is taken off the parameter")};

static const char *adam_slot(const dp_optim *o, int i) {
    static const char *const names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
    return i < 2 || (i == 2 && o->args[ADAM_AMSGRAD].v[0].i) ? names[i] : NULL;
}

static dp_tensor *adam_as(dp_tensor *x, dp_dtype dtype) {
    return dtype == DP_F64 ? x : dp_cast(x, dtype);
}

/* a: 1 - beta1, b: beta2, c: 1 - beta2, d: sqrt(1 - beta2^t), e: eps; rate: lr / (1 - beta1^t). The
 * corrections are computed in f64. */
static bool adam_begin(dp_optim *o, dp_dtype dtype, dp__optim_scalars *s) {
    const dp__arg *beta = &o->args[ADAM_BETAS];
    double decay = dp__optim_real(o, ADAM_DECAY), lr = dp__optim_real(o, ADAM_LR);
    dp_tensor *one = dp_scalar_of(DP_F64, 1);
    s->a = dp_scalar_of(dtype, 1 - beta->v[0].d);
    s->b = dp_scalar_of(dtype, beta->v[1].d);
    s->c = dp_scalar_of(dtype, 1 - beta->v[1].d);
    s->d = adam_as(dp_sqrt(dp_sub(one, o->next_power[1])), dtype);
    s->e = dp_scalar_of(dtype, dp__optim_real(o, ADAM_EPS));
    s->rate = adam_as(dp_div(dp_scalar_of(DP_F64, lr), dp_sub(one, o->next_power[0])), dtype);
    s->decay = dp_scalar_of(dtype, o->kind == &dp__kind_adamw ? 1 - lr * decay : decay);
    return s->a && s->b && s->c && s->d && s->e && s->rate && s->decay;
}

/* m <- m + (1 - beta1) (g - m); v <- beta2 v + (1 - beta2) g^2; p <- p - rate m / (sqrt(v) / d +
 * eps) */
static dp_tensor *adam_update(dp_optim *o, const dp__optim_scalars *s, dp_tensor *p, dp_tensor *g,
                              dp_tensor *const *old, dp_tensor **state, bool decay) {
    if (decay && o->kind == &dp__kind_adamw)
        p = dp_mul(p, s->decay);
    else if (decay)
        g = dp_add(g, dp_mul(s->decay, p));
    dp_tensor *m = dp_add(old[0], dp_mul(s->a, dp_sub(g, old[0])));
    dp_tensor *v = dp_add(dp_mul(s->b, old[1]), dp_mul(s->c, dp_square(g)));
    state[0] = m = dp__flush(m);
    state[1] = v = dp__flush(v);
    if (o->n_slots > 2) state[2] = v = dp_maximum(old[2], v);
    dp_tensor *scale = dp_add(dp_div(dp_sqrt(v), s->d), s->e);
    return dp_sub(p, dp_div(dp_mul(s->rate, m), scale));
}

static const dp__optim_rule adam_rule = {.field_decay = ADAM_DECAY,
                                         .slot = adam_slot,
                                         .powers = true,
                                         .begin = adam_begin,
                                         .update = adam_update};
const dp__kind dp__kind_adam = {.name = "Adam",
                                .doc = "steps scaled by running means of gradient and square",
                                .fields = adam_fields,
                                .more = &adam_rule};
const dp__kind dp__kind_adamw = {.name = "AdamW",
                                 .doc = "Adam with weight decay apart from the gradient",
                                 .fields = adam_fields_w,
                                 .more = &adam_rule};
