/* optim.h: what an optimiser is, and what a rule (SGD, Adam) tells about itself. */
#ifndef DP_OPTIM_OPTIM_H
#define DP_OPTIM_OPTIM_H

#include "denpan/grad.h"
#include "denpan/optim.h"
#include "base/base.h"
#include "nn/fields.h"
#include "op/op.h"

enum { DP__OPTIM_SLOTS = 3, DP__OPTIM_GLOBALS = 3 };

/* The fields that every rule has at its end, in this order. */
#define DP__OPTIM_FIELDS                                                                   \
    {"maximize", DP__ARG_BOOL, 0, "false", 0, 0, NULL, "ascend instead of descend"},       \
        {"decay_bias",                                                                     \
         DP__ARG_BOOL,                                                                     \
         0,                                                                                \
         "true",                                                                           \
         0,                                                                                \
         0,                                                                                \
         NULL,                                                                             \
         "weight decay also for parameters of rank 0 and 1, as PyTorch does"},             \
        {"clip_norm",                                                                      \
         DP__ARG_REAL,                                                                     \
         DP__NONE_OK | DP__OPEN_MIN,                                                       \
         "none",                                                                           \
         0,                                                                                \
         INFINITY,                                                                         \
         NULL,                                                                             \
         "scale all gradients so that their joint norm is at most this"},                  \
    {                                                                                      \
        "clip_value", DP__ARG_REAL, DP__NONE_OK | DP__OPEN_MIN, "none", 0, INFINITY, NULL, \
            "then cut every component to +- this"                                          \
    }
enum {
    DP__OPTIM_MAXIMIZE,
    DP__OPTIM_DECAY_BIAS,
    DP__OPTIM_CLIP_NORM,
    DP__OPTIM_CLIP_VALUE,
    DP__OPTIM_COMMON
};

/* Scalars of one step, in f32 and f64; what a rule needs and makes in begin(). */
typedef struct dp__optim_scalars {
    dp_tensor *rate, *decay, *a, *b, *c, *d, *e;
} dp__optim_scalars;

typedef struct dp__optim_rule {
    int field_decay; /* index of weight_decay */
    const char *(*slot)(const dp_optim *o,
                        int i);            /* names of a parameter's state; NULL past the end */
    bool powers;                           /* keeps beta1^t and beta2^t */
    dp_status (*check)(const dp_optim *o); /* rules between fields; may be NULL */
    bool (*begin)(dp_optim *o, dp_dtype dtype, dp__optim_scalars *s);
    /* New state into state[], and the parameter's new value; g is clipped, signed. decay: with it?
     */
    dp_tensor *(*update)(dp_optim *o, const dp__optim_scalars *s, dp_tensor *p, dp_tensor *g,
                         dp_tensor *const *old, dp_tensor **state, bool decay);
} dp__optim_rule;

struct dp_optim {
    uint32_t magic;
    const dp__kind *kind;
    const dp__optim_rule *rule;
    dp__arg args[DP__MAX_FIELDS];
    int common; /* index of the first common field */
    size_t n;   /* parameters */
    dp_tensor **vars;
    int n_slots;
    dp_tensor **slots;                    /* n_slots of each parameter, in its order */
    dp_tensor *step, *power[2];           /* i64 [], f64 [] */
    dp_tensor *next_step, *next_power[2]; /* of the step that is being built */
    char **names;                         /* of the state: globals, then slots */
    size_t n_names;
    dp_tensor **gradients, **roots; /* scratch of a step */
    char *text;
    dp_owned *owned;
};
#define DP__OPTIM_MAGIC 0x44504f50u

double dp__optim_real(const dp_optim *o, int field);

#endif
