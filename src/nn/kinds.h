/* kinds.h: the tables of every kind, defined in their own files. */
#ifndef DP_NN_KINDS_H
#define DP_NN_KINDS_H

#include <math.h>

#include "nn/fields.h"

extern const dp__kind dp__kind_linear, dp__kind_flatten, dp__kind_identity, dp__kind_relu,
    dp__kind_leaky_relu, dp__kind_sigmoid, dp__kind_tanh, dp__kind_gelu, dp__kind_silu,
    dp__kind_softmax, dp__kind_log_softmax, dp__kind_dropout, dp__kind_sequential;
extern const dp__kind dp__kind_cross_entropy, dp__kind_nll, dp__kind_mse, dp__kind_bce,
    dp__kind_bce_logits;
extern const dp__kind dp__kind_sgd, dp__kind_adam, dp__kind_adamw;
extern const dp__kind dp__kind_default, dp__kind_xavier_uniform, dp__kind_xavier_normal,
    dp__kind_he_uniform, dp__kind_he_normal, dp__kind_normal, dp__kind_zeros;

const char *dp__field_nearest(const dp__kind *kind, const char *name, size_t n);
/* Names in a row, "SGD, Adam, AdamW", cut where `size` ends: of a class, of a kind's arguments. */
const char *dp__kind_names(dp_kind_class c, char *out, size_t size);
const char *dp__field_names(const dp__kind *kind, char *out, size_t size);

#endif
