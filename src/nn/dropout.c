/* dropout.c: zero at random while training. Srivastava et al. 2014, scaled while training. */
#include "nn/kinds.h"
#include "nn/module.h"

static const dp__field dropout_fields[] = {
    {"p", DP__ARG_REAL, 0, "0.5", 0, 1, NULL, "probability of a zero"},
    {"inplace", DP__ARG_BOOL, 0, "false", 0, 0, NULL, "accepted for PyTorch's sake"},
    {0}};

static dp_tensor *dropout_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    (void)n;
    double p = dp__arg_real(m, 0);
    if (!dp_ctx_training(c) || p == 0) return in[0];
    if (p == 1) return dp_where(dp_scalar_of(DP_U8, 0), in[0], dp_scalar(0)); /* not inf * 0 */
    return dp_dropout(in[0], p, dp_ctx_key(c));
}

const dp__kind dp__kind_dropout = {.name = "Dropout",
                                   .doc =
                                       "while training: zero with probability p, else x / (1 - p)",
                                   .fields = dropout_fields,
                                   .forward = dropout_forward};
