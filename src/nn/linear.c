/* linear.c: y = x W^T + b. */
#include <math.h>

#include "nn/kinds.h"
#include "nn/module.h"

enum { LINEAR_IN, LINEAR_OUT, LINEAR_BIAS };

static const dp__field linear_fields[] = {
    {"in_features", DP__ARG_INT, 0, NULL, 1, INFINITY, NULL, "size of the last axis of the input"},
    {"out_features", DP__ARG_INT, 0, NULL, 1, INFINITY, NULL,
     "size of the last axis of the output"},
    {"bias", DP__ARG_BOOL, 0, "true", 0, 0, NULL, "add a learned vector"},
    {0}};

static dp_status linear_make(dp_module *m) {
    dp_shape weight = {.rank = 2, .dim = {dp__arg_int(m, LINEAR_OUT), dp__arg_int(m, LINEAR_IN)}};
    dp_shape bias = {.rank = 1, .dim = {weight.dim[0]}};
    bool good = dp__param_zeros(m, "weight", weight) &&
                (!dp__arg_int(m, LINEAR_BIAS) || dp__param_zeros(m, "bias", bias));
    return good ? DP_OK : dp_error_status();
}

/* dp_linear takes [N, in]; leading axes are folded into N and unfolded again. */
static dp_tensor *linear_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    (void)c, (void)n;
    dp_tensor *x = in[0], *weight = m->vars[0].v, *bias = m->n_vars > 1 ? m->vars[1].v : NULL;
    dp_shape shape = dp_shape_at(x);
    int64_t features = dp__arg_int(m, LINEAR_IN);
    if (shape.rank < 1 || shape.dim[shape.rank - 1] != features) {
        dp_fail(DP_EINVAL, "Linear: the input is %s; its last axis must be in_features = %lld",
                dp__describe(x), (long long)features);
        return NULL;
    }
    if (shape.rank == 2) return dp_linear(x, weight, bias);
    dp_shape flat = {.rank = 2, .dim = {1, features}};
    for (int i = 0; i < shape.rank - 1; i++) flat.dim[0] *= shape.dim[i];
    shape.dim[shape.rank - 1] = dp__arg_int(m, LINEAR_OUT);
    return dp_reshape(dp_linear(dp_reshape(x, flat), weight, bias), shape);
}

static bool linear_flow(const dp_module *m, dp__flow *f, char *why) {
    int64_t expects = dp__arg_int(m, LINEAR_IN);
    if (f->last >= 0 && f->last != expects) {
        snprintf(why, DP__WHY, "gets %lld features from %s, expects %lld", (long long)f->last,
                 f->from, (long long)expects);
        return false;
    }
    f->last = dp__arg_int(m, LINEAR_OUT);
    if (f->rank > 0) f->dim[f->rank - 1] = f->last;
    return true;
}

/* PyTorch's default: both uniform in +-1/sqrt(in_features) (kaiming_uniform_ with a = sqrt(5)). */
static dp_tensor *linear_init(dp_module *m, size_t i, dp_tensor *key) {
    double bound = 1 / sqrt((double)dp__arg_int(m, LINEAR_IN));
    dp_tensor *u = dp_uniform(key, DP_F32, dp_shape_at(m->vars[i].v));
    return dp_muls(dp_adds(dp_muls(u, 2), -1), bound);
}

const dp__kind dp__kind_linear = {.name = "Linear",
                                  .doc =
                                      "y = x W^T + b: every output is a weighted sum of all inputs",
                                  .fields = linear_fields,
                                  .make = linear_make,
                                  .forward = linear_forward,
                                  .flow = linear_flow,
                                  .init = linear_init};
