/* sgd.c: stochastic gradient descent with momentum, in PyTorch's order of operations. */
#include <math.h>

#include "nn/kinds.h"
#include "optim/optim.h"

enum { SGD_LR, SGD_MOMENTUM, SGD_DAMPENING, SGD_DECAY, SGD_NESTEROV };

static const dp__field sgd_fields[] = {
    {"lr", DP__ARG_REAL, 0, "0.001", 0, INFINITY, NULL, "learning rate"},
    {"momentum", DP__ARG_REAL, 0, "0", 0, INFINITY, NULL, "share of the last step that is kept"},
    {"dampening", DP__ARG_REAL, 0, "0", -INFINITY, INFINITY, NULL,
     "share of the gradient that momentum leaves out"},
    {"weight_decay", DP__ARG_REAL, 0, "0", 0, INFINITY, NULL,
     "times the parameter, added to its gradient"},
    {"nesterov", DP__ARG_BOOL, 0, "false", 0, 0, NULL, "look ahead by one step of momentum"},
    DP__OPTIM_FIELDS,
    {0}};

static const char *sgd_slot(const dp_optim *o, int i) {
    return i == 0 && dp__optim_real(o, SGD_MOMENTUM) != 0 ? "momentum_buffer" : NULL;
}

static dp_status sgd_check(const dp_optim *o) {
    if (!o->args[SGD_NESTEROV].v[0].i ||
        (dp__optim_real(o, SGD_MOMENTUM) > 0 && dp__optim_real(o, SGD_DAMPENING) == 0))
        return DP_OK;
    return dp_fail(DP_EINVAL, "SGD: nesterov needs a momentum > 0 and no dampening");
}

/* a: momentum, b: 1 - dampening, which the first step leaves out. */
static bool sgd_begin(dp_optim *o, dp_dtype dtype, dp__optim_scalars *s) {
    double dampening = dp__optim_real(o, SGD_DAMPENING);
    s->decay = dp_scalar_of(dtype, dp__optim_real(o, SGD_DECAY));
    s->a = dp_scalar_of(dtype, dp__optim_real(o, SGD_MOMENTUM));
    s->b = NULL;
    if (dampening == 0) return s->decay && s->a;
    s->b = dp_where(dp_equal(o->step, dp_int(0)), dp_scalar_of(dtype, 1),
                    dp_scalar_of(dtype, 1 - dampening));
    return s->decay && s->a && s->b;
}

/* g <- g + decay p; m <- momentum m + (1 - dampening) g; p <- p - lr (g + momentum m | m | g) */
static dp_tensor *sgd_update(dp_optim *o, const dp__optim_scalars *s, dp_tensor *p, dp_tensor *g,
                             dp_tensor *const *old, dp_tensor **state, bool decay) {
    if (decay) g = dp_add(g, dp_mul(s->decay, p));
    if (o->n_slots > 0) {
        dp_tensor *m = dp_add(dp_mul(s->a, old[0]), s->b ? dp_mul(s->b, g) : g);
        state[0] = m = dp__flush(m);
        g = o->args[SGD_NESTEROV].v[0].i ? dp_add(g, dp_mul(s->a, m)) : m;
    }
    return dp_sub(p, dp_mul(s->rate, g));
}

static const dp__optim_rule sgd_rule = {.field_decay = SGD_DECAY,
                                        .slot = sgd_slot,
                                        .check = sgd_check,
                                        .begin = sgd_begin,
                                        .update = sgd_update};
const dp__kind dp__kind_sgd = {.name = "SGD",
                               .doc = "stochastic gradient descent, with momentum and Nesterov's",
                               .fields = sgd_fields,
                               .more = &sgd_rule};
