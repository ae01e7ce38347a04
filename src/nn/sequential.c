/* sequential.c: one layer after the other. */
#include "nn/kinds.h"
#include "nn/module.h"

static dp_tensor *sequential_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    (void)n;
    dp_tensor *x = in[0];
    for (size_t i = 0; x && i < m->n_children; i++) x = dp_call(m->children[i], c, x);
    return x;
}

const dp__kind dp__kind_sequential = {.name = "Sequential",
                                      .doc = "the layers in its parentheses, one after the other",
                                      .forward = sequential_forward};
