/* activations.c: layers without parameters that work element by element, or along one axis. */
#include <math.h>

#include "nn/kinds.h"
#include "nn/module.h"

#define ACTIVATIONS_INPLACE                                                                    \
    {                                                                                          \
        "inplace", DP__ARG_BOOL, DP__IF_CHANGED, "false", 0, 0, NULL,                          \
            "accepted for PyTorch's sake; memory is reused where that is possible in any case" \
    }

static const dp__field activations_inplace[] = {ACTIVATIONS_INPLACE, {0}};
static const dp__field activations_slope[] = {{"negative_slope", DP__ARG_REAL, 0, "0.01", -INFINITY,
                                               INFINITY, NULL, "factor of negative values"},
                                              ACTIVATIONS_INPLACE,
                                              {0}};
static const dp__field activations_form[] = {
    {"approximate", DP__ARG_CHOICE, 0, "'none'", 0, 0, "none|tanh", "by erf, or by tanh"}, {0}};
static const dp__field activations_axis[] = {
    {"dim", DP__ARG_INT, DP__NONE_OK, "none", -DP_MAX_RANK, DP_MAX_RANK - 1, NULL,
     "the axis that sums to one; none: 1, or 0 for rank 0, 1 and 3"},
    {0}};

#define ACTIVATIONS_FORWARD(name, formula)                                                       \
    static dp_tensor *activations_##name(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) { \
        (void)m, (void)c, (void)n;                                                               \
        dp_tensor *x = in[0];                                                                    \
        return formula;                                                                          \
    }
ACTIVATIONS_FORWARD(identity, x)
ACTIVATIONS_FORWARD(relu, dp_relu(x))
ACTIVATIONS_FORWARD(leaky_relu, dp_leaky_relu(x, dp__arg_real(m, 0)))
ACTIVATIONS_FORWARD(sigmoid, dp_sigmoid(x))
ACTIVATIONS_FORWARD(tanh, dp_tanh(x))
ACTIVATIONS_FORWARD(gelu, dp__arg_int(m, 0) ? dp_gelu_tanh(x) : dp_gelu(x))
ACTIVATIONS_FORWARD(silu, dp_silu(x))

static int activations_dim(const dp_module *m, const dp_tensor *x) {
    int rank = dp_rank(x);
    if (!dp__arg_none(m, 0)) return (int)dp__arg_int(m, 0);
    return rank == 0 || rank == 1 || rank == 3 ? 0 : 1;
}
ACTIVATIONS_FORWARD(softmax, dp_softmax(x, activations_dim(m, x)))
ACTIVATIONS_FORWARD(log_softmax, dp_log_softmax(x, activations_dim(m, x)))

static bool activations_axis_flow(const dp_module *m, dp__flow *f, char *why) {
    int64_t rank = f->rank + 1, dim = dp__arg_int(m, 0);
    if (f->rank < 0 || dp__arg_none(m, 0) || (dim >= -rank && dim < rank)) return true;
    snprintf(why, DP__WHY, "dim %lld is none of the %lld axes (the batch is axis 0)",
             (long long)dim, (long long)rank);
    return false;
}

#define ACTIVATIONS_KIND(id, text, field_table, description) \
    const dp__kind dp__kind_##id = {                         \
        .name = text, .doc = description, .fields = field_table, .forward = activations_##id}
ACTIVATIONS_KIND(relu, "ReLU", activations_inplace, "max(0, x)");
ACTIVATIONS_KIND(leaky_relu, "LeakyReLU", activations_slope,
                 "x where positive, else negative_slope x");
ACTIVATIONS_KIND(sigmoid, "Sigmoid", NULL, "1 / (1 + exp(-x))");
ACTIVATIONS_KIND(tanh, "Tanh", NULL, "tanh x");
ACTIVATIONS_KIND(gelu, "GELU", activations_form, "x/2 (1 + erf(x / sqrt 2))");
ACTIVATIONS_KIND(silu, "SiLU", activations_inplace, "x / (1 + exp(-x))");
const dp__kind dp__kind_identity = {.name = "Identity",
                                    .doc = "the input as it is; any arguments",
                                    .any_args = true,
                                    .forward = activations_identity};
const dp__kind dp__kind_softmax = {.name = "Softmax",
                                   .doc = "exp x / sum exp x along dim",
                                   .fields = activations_axis,
                                   .forward = activations_softmax,
                                   .flow = activations_axis_flow};
const dp__kind dp__kind_log_softmax = {.name = "LogSoftmax",
                                       .doc = "log of Softmax, without its cancellation",
                                       .fields = activations_axis,
                                       .forward = activations_log_softmax,
                                       .flow = activations_axis_flow};
