/* denpan/optim.h: optimisers. Their state is made of variables; a step is graph. */
#ifndef DENPAN_OPTIM_H
#define DENPAN_OPTIM_H

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_optim dp_optim;

/* An optimiser for all parameters of net from text: "SGD(lr=0.1, momentum=0.9, nesterov=true,
 * weight_decay=1e-4, decay_bias=false)", "Adam(lr=1e-3)", "AdamW(lr=1e-3, weight_decay=0.01)";
 * any of them takes clip_norm=, clip_value=. PyTorch's names, defaults and formulas (docs/laws.md).
 * NULL with an error that shows the place in the text. Belongs to the scope in which it is made. */
DP_API dp_optim *dp_optim_new(dp_module *net, const char *format, ...) DP_PRINTF(2, 3);
DP_API dp_optim *dp_optim_text(dp_module *net, const char *text);
/* For any variables of floats; names are for their state, and may be NULL. */
DP_API dp_optim *dp_optim_for(dp_tensor *const *variables, const char *const *names, size_t n,
                              const char *text);
DP_API void dp_optim_free(dp_optim *o);

/* One step: gradients of `loss` [] by the parameters, clipping, update and the loss's value in one
 * plan. Returns the loss; NaN on failure. */
DP_API double dp_step(dp_optim *o, dp_tensor *loss);
/* The same as pending effects, put into out (room for dp_step_effects(o)); for your own graphs. */
DP_API size_t dp_step_effects(const dp_optim *o);
DP_API dp_status dp_step_graph(dp_optim *o, dp_tensor *loss, dp_tensor **out);
/* The update alone, from gradients that you made: as many as parameters, of their shapes. */
DP_API dp_status dp_apply_gradients(dp_optim *o, dp_tensor *const *gradients, dp_tensor **out);

DP_API double dp_lr(const dp_optim *o);                     /* NaN on failure */
DP_API dp_status dp_set_lr(dp_optim *o, double lr);         /* finite, >= 0; for later steps */
DP_API uint64_t dp_optim_steps(const dp_optim *o);          /* taken so far */
DP_API const char *dp_optim_format(const dp_optim *o);      /* canonical text, every argument */
/* State variables with names ("exp_avg.0.weight", "step"); NULL past the end. */
DP_API dp_tensor *dp_optim_state(dp_optim *o, size_t i, const char **name);

#ifdef __cplusplus
}
#endif
#endif
