/* denpan/nn.h: modules (networks and layers), losses, initialisers, and their text form. */
#ifndef DENPAN_NN_H
#define DENPAN_NN_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_module dp_module;

/* What a forward pass knows: made with dp_ctx_train(key) or dp_ctx_infer(); lives in the
 * scope. */
typedef struct dp_ctx dp_ctx;
DP_API dp_ctx *dp_ctx_train(dp_tensor *key);   /* dropout is on, drawn from key */
DP_API dp_ctx *dp_ctx_infer(void);             /* dropout is off */
DP_API bool dp_ctx_training(const dp_ctx *c);  /* false for NULL */
/* A random key of its own for the module that is running now: it depends on the context's key, the
 * module's path and how often this context has asked for it there, so that two calls of a module in
 * one pass differ. Make a new context for each pass. */
DP_API dp_tensor *dp_ctx_key(dp_ctx *c);

/* ---- making and calling ---- */
/* A network from text (docs/modeltext): printf-like; NULL with line, column and caret on error.
 * Its parameters are initialised as PyTorch does, from the key dp_key(0), see dp_init. A module
 * belongs to the scope in which it is made. */
DP_API dp_module *dp_nn(const char *format, ...) DP_PRINTF(1, 2);
DP_API dp_module *dp_nn_text(const char *text);             /* the text as it is, no % */
/* y = net(x), x [N, ...]; ctx NULL: inference. NULL with an error that names the layer. */
DP_API dp_tensor *dp_call(dp_module *net, dp_ctx *ctx, dp_tensor *x);
/* The same with several inputs or outputs; on failure out is all NULL. */
DP_API dp_status dp_call_n(dp_module *net, dp_ctx *ctx, dp_tensor *const *in, int n_in,
                           dp_tensor **out, int n_out);
DP_API void dp_module_free(dp_module *net);
DP_API dp_module *dp_module_keep(dp_module *net);           /* to the next outer scope */

/* Redraw all parameters: key from dp_key(seed). The i-th parameter's numbers depend on the seed and
 * its name only. rule: "default" (each layer's own), "xavier_uniform", "xavier_normal",
 * "he_uniform", "he_normal", "normal(std=0.01)", "zeros". Rules apply to weights of rank >= 2;
 * biases get zeros, except under "default". */
DP_API dp_status dp_init(dp_module *net, const char *rule, uint64_t seed);

/* ---- text ---- */
DP_API void dp_print(dp_module *net, FILE *file);   /* the text that PyTorch prints */
DP_API char *dp_print_text(dp_module *net);         /* the same as a string; dp_text_free */
/* Canonical text, every argument in full; dp_text_free. NULL with an error for modules of your own,
 * which the language cannot say. */
DP_API char *dp_format(dp_module *net);

/* ---- what the texts may say: for help pages and tools ---- */
typedef enum dp_kind_class {
    DP_KIND_LAYER,
    DP_KIND_LOSS,
    DP_KIND_OPTIM,
    DP_KIND_INIT
} dp_kind_class;
typedef struct dp_kind_field_info {
    const char *name;                /* "p" */
    const char *def;                 /* as one would write it: "0.5"; NULL: must be given */
    const char *doc;                 /* one line */
    char allows[96];                 /* "a number in [0, 1]" */
} dp_kind_field_info;
/* The i-th known name of a class and, unless doc is NULL, its one-line description; NULL past the
 * end. */
DP_API const char *dp_kind_name(dp_kind_class c, size_t i, const char **doc);
/* The i-th argument of a known name; false past the end. Records no error. */
DP_API bool dp_kind_field(dp_kind_class c, const char *name, size_t i,
                          dp_kind_field_info *out);

/* ---- looking inside ---- */
/* Parameters (and, with buffers, running statistics) in order of definition: name as in a PyTorch
 * state dict ("0.weight"), and its variable. NULL past the end. */
DP_API size_t dp_param_count(dp_module *net);                  /* variables that are parameters */
DP_API int64_t dp_param_elements(dp_module *net);              /* their elements: 109386 */
DP_API dp_tensor *dp_param_at(dp_module *net, size_t i, const char **name);
DP_API dp_tensor *dp_param_named(dp_module *net, const char *name);
DP_API size_t dp_buffer_count(dp_module *net);
DP_API dp_tensor *dp_buffer_at(dp_module *net, size_t i, const char **name);
/* All parameters as one flat vector, f32 [n] (f64 if any is f64), and back. */
DP_API dp_tensor *dp_params_flat(dp_module *net);
DP_API dp_status dp_params_set_flat(dp_module *net, dp_tensor *flat);
/* The value of an inner layer in the latest dp_call of this thread: "2" the output of layer "2",
 * "2.z" its input (pre-activation of an activation layer). Pending until evaluated. */
DP_API dp_tensor *dp_tap(dp_module *net, const char *path);
/* Layers i..j-1 of a Sequential as a module that shares its parameters. */
DP_API dp_module *dp_nn_slice(dp_module *net, int i, int j);
/* The children of a module, with their names; NULL past the end. */
DP_API dp_module *dp_child_at(dp_module *net, size_t i, const char **name);
DP_API const char *dp_module_kind(dp_module *net);             /* "Linear" */
/* The shape of the output (without batch) for an input of this shape; rank -1 on error. */
DP_API dp_shape dp_output_shape(dp_module *net, dp_shape input);
/* The input shape (without batch) that the network demands, as far as its text or first layer
 * says: rank -1 if unknown. */
DP_API dp_shape dp_input_shape(dp_module *net);
/* Convert all parameters to a dtype (f32, f64). */
DP_API dp_status dp_module_to(dp_module *net, dp_dtype dtype);

/* ---- modules of your own ---- */
typedef dp_tensor *dp_forward_fn(void *self, dp_ctx *c, dp_tensor *const *in, int n);
typedef struct dp_module_def {
    size_t size;                     /* sizeof(dp_module_def) */
    dp_forward_fn *forward;
    void *self;
    void (*free)(void *self);        /* NULL: nothing to free */
    const char *extra;               /* text between the parentheses of dp_print, NULL: none */
} dp_module_def;
/* A module in the current scope; NULL on failure, and then def->self is still yours. */
DP_API dp_module *dp_module_new(const char *kind, const dp_module_def *def);
/* parent owns child now; returns child. Names have no dot and are given once, else DP_EINVAL. */
DP_API dp_module *dp_child(dp_module *parent, const char *name, dp_module *child);
/* A parameter with the value of `initial`: its variable, which the module owns. */
DP_API dp_tensor *dp_param(dp_module *m, const char *name, dp_tensor *initial);
DP_API dp_tensor *dp_buffer(dp_module *m, const char *name, dp_tensor *initial);   /* not trained */

/* ---- losses: [N, C] logits with i64 [N] classes, or [N, ...] with targets of the same shape.
 * Other shapes are DP_EINVAL. The functions give the mean, []; dp_loss has other reductions ---- */
/* A loss from text: "CrossEntropyLoss", "NLLLoss", "MSELoss(reduction='sum')",
 * "MSELoss(reduction='half_sum')", "BCELoss", "BCEWithLogitsLoss". A module of two inputs. */
DP_API dp_module *dp_loss(const char *format, ...) DP_PRINTF(1, 2);
DP_API dp_tensor *dp_call_loss(dp_module *loss, dp_tensor *y, dp_tensor *target);
/* Mean over the batch of -log softmax(logits)[class]; target i64 [N], or probabilities [N, C]. */
DP_API dp_tensor *dp_cross_entropy(dp_tensor *logits, dp_tensor *target);
DP_API dp_tensor *dp_nll(dp_tensor *log_probabilities, dp_tensor *target);   /* [N, C], i64 [N] */
DP_API dp_tensor *dp_mse(dp_tensor *y, dp_tensor *target);           /* mean over all elements */
/* -(t log p + (1 - t) log(1 - p)), p in [0, 1]; logs clamped at -100, as PyTorch. */
DP_API dp_tensor *dp_bce(dp_tensor *p, dp_tensor *target);
DP_API dp_tensor *dp_bce_logits(dp_tensor *z, dp_tensor *target);    /* of sigmoid(z), stable */

#ifdef __cplusplus
}
#endif
#endif
