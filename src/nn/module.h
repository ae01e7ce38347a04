/* module.h: the module. Variables and children in order of definition; a built-in kind with its
 * arguments, or a definition from a user's C. */
#ifndef DP_NN_MODULE_H
#define DP_NN_MODULE_H

#include "base/base.h"
#include "nn/fields.h"
#include "tensor/tensor.h"

enum { DP__MODULE_DEPTH = 64 };

typedef struct dp__var {
    char *name;
    dp_tensor *v;
    bool buffer; /* saved, not trained */
} dp__var;

/* Where a module's variables are below a root: names as in a state dict, parameters first. */
typedef struct dp__listed {
    dp_module *m;
    size_t var, name; /* index in m->vars; offset in dp__listing.names */
} dp__listed;

typedef struct dp__listing {
    dp__listed *at;
    size_t n, n_params, cap;
    struct {
        dp_module *m;
        uint64_t edits;
    } * seen; /* every module below the root */
    size_t n_seen, cap_seen;
    dp_text names;
} dp__listing;

struct dp_module {
    uint32_t magic;
    uint64_t id;          /* never used twice in a process */
    const dp__kind *kind; /* of a built-in; NULL: def says what it does */
    char *own_kind;       /* name of a user's kind */
    dp_module_def def;
    dp__arg *args;
    size_t n_args;
    dp__var *vars;
    size_t n_vars, cap_vars;
    dp_module **children;
    size_t n_children, cap_children;
    char *name;                  /* in its parents */
    dp_module *owner;            /* its first parent; NULL: a root, owned by a scope */
    dp_owned *owned;             /* of a root */
    dp_module *doomed;           /* links what is being freed */
    int refs;                    /* parents, or 1 for a root */
    int height;                  /* 1: no children */
    uint64_t edits;              /* changes of vars and children */
    uint64_t key_ctx, key_calls; /* which context drew keys here, and how often */
    bool has_input;
    dp_shape input;       /* without the batch */
    dp__listing *listing; /* of a root, when asked */
    void *notes;          /* what a file said about it: freed with the module */
    void (*free_notes)(void *notes);
};
#define DP__MODULE_MAGIC 0x44504d4fu

struct dp_ctx {
    uint64_t id;
    bool training;
    dp_tensor *key;
    dp_module *now; /* whose forward runs */
};

/* Is m a live module? Records DP_EINVAL if not; NULL is silent when an error is recorded already.
 */
bool dp__module_check(const dp_module *m, const char *function);
dp_module *dp__module_of(const dp__kind *kind, const dp__arg *args); /* made, not yet in a scope */
dp_module *dp__module_adopt(dp_module *m); /* into the current scope; frees m on failure */
void dp__module_destroy(void *m);
/* A parameter of zeros, f32, for a layer that is initialised or loaded later. */
dp_tensor *dp__param_zeros(dp_module *m, const char *name, dp_shape shape);
/* The network of a text with parameters of zero, for a reader that has their values. */
dp_module *dp__nn_zeros(const char *text);
const char *dp__module_kind_name(const dp_module *m);
/* The names below m, built when something changed; NULL: no memory. */
const dp__listing *dp__module_list(dp_module *m);
/* "0.fc1" from the root to m; "" for a root. */
const char *dp__module_path(const dp_module *m, char *buf, size_t size);
dp_module *dp__module_slot(dp_module *m, const char *name, size_t n); /* child by name */
/* Remember what flowed through m in this thread; dp_tap reads it. */
bool dp__tap_note(const dp_module *m, dp_tensor *in, dp_tensor *out);

void dp__module_write(dp_text *t, const dp_module *m); /* as PyTorch prints */
dp_status dp__module_format(dp_text *t, const dp_module *m);

#endif
