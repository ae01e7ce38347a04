/* denpan/io.h: files of models and weights. */
#ifndef DENPAN_IO_H
#define DENPAN_IO_H

#include "data.h"
#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What travels in a model file beside weights. Strings may be NULL. */
typedef struct dp_model_info {
    size_t size;                /* sizeof(dp_model_info) */
    dp_shape input;             /* example shape that the network was trained on; rank 0: unknown */
    bool flatten;               /* the loader flattened examples */
    const char *pixels;         /* "0-1" or "0-255" */
    const char *data;           /* name of the training data */
    int64_t classes;
    const char *const *class_names;
    const char *loss, *optim;
} dp_model_info;

/* Save as safetensors: PyTorch's tensor names; text, preprocessing, class names and a checksum in
 * the metadata. Atomic; the same model gives the same bytes. */
DP_API dp_status dp_save(dp_module *net, const char *path);
DP_API dp_status dp_save_with(dp_module *net, const char *path, const dp_model_info *info);
/* A network with its weights from such a file; NULL on failure. info (may be NULL; set its size) is
 * filled; its strings live as long as the module. */
DP_API dp_module *dp_load(const char *path, dp_model_info *info);
/* Weights from a safetensors file of any origin into a network: names and shapes must match, all
 * differences are listed (DP_EMISMATCH), and nothing is loaded unless everything fits. */
DP_API dp_status dp_load_weights(dp_module *net, const char *path);

/* Could a file be written at this path? Makes and removes a probe beside it. */
DP_API dp_status dp_check_writable(const char *path);

#ifdef __cplusplus
}
#endif
#endif
