/* denpan/train.h: the fit loop, testing, progress. */
#ifndef DENPAN_TRAIN_H
#define DENPAN_TRAIN_H

#include "data.h"
#include "nn.h"
#include "optim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one pass over a split gave. */
typedef struct dp_result {
    double loss;               /* mean over examples; NaN: no such split, or failure */
    double accuracy;           /* fraction; NaN for values */
    int64_t examples;
} dp_result;

typedef struct dp_progress {
    size_t size;
    int64_t epoch, epochs;     /* epoch counts from 1 */
    int64_t step, steps;       /* of this epoch */
    int64_t total_step;
    bool epoch_end;            /* the results below are set */
    dp_result train, val, test;
    double lr, seconds, examples_per_second;
} dp_progress;

typedef struct dp_fit_options {
    size_t size;               /* sizeof(dp_fit_options) */
    const char *loss;          /* "CrossEntropyLoss" for classes, "MSELoss" for values */
    const char *optim;         /* "Adam(lr=1e-3)" */
    int64_t epochs;            /* 5, unless steps is given */
    int64_t steps;             /* stop after this many updates */
    int64_t batch;             /* 64 */
    bool replace;              /* sample with replacement */
    double val;                /* fraction of the training examples to hold out, 0: none */
    uint64_t seed;             /* 0 is a seed too */
    const char *init;          /* rule for dp_init; NULL: keep the parameters as they are */
    bool test_each_epoch;      /* report the test split after every epoch */
    FILE *progress;            /* a bar on a terminal, plain lines elsewhere; NULL: nowhere */
    /* Called after every step and every epoch; a value other than 0 stops the fit (DP_ESTOPPED). */
    int (*callback)(void *context, const dp_progress *p);
    void *context;
    double lr;                 /* instead of the optimiser's; 0: its own */
} dp_fit_options;

/* Train; 0 or a negative status. DP_ENUMERIC: the loss became non-finite; the message names the
 * step, and the first op and index that made it; the parameters are those before that step.
 * Examples of more than one axis are flattened for a network that takes one axis of their size.
 * Classes become one-hot vectors for a loss that compares values. */
DP_API dp_status dp_fit_with(dp_module *net, dp_dataset *data, const dp_fit_options *options);
#ifndef __cplusplus
#define dp_fit(net, data, ...) \
    dp_fit_with(net, data, &(dp_fit_options){.size = sizeof(dp_fit_options), __VA_ARGS__})
#endif

/* What dp_fit checks before its first step: loss, shapes, classes. */
DP_API dp_status dp_fit_check(dp_module *net, dp_dataset *data, const char *loss);

/* Loss and accuracy on the test split (or train, val); loss NaN on failure. loss NULL:
 * cross-entropy for classes, MSE for values. */
DP_API dp_result dp_test(dp_module *net, dp_dataset *data);
DP_API dp_result dp_test_on(dp_module *net, dp_dataset *data, dp_split_name split,
                            const char *loss);
/* Rows: true class, columns: predicted; counts[classes * classes]. Predictions that are no class of
 * the data are left out. */
DP_API dp_status dp_confusion(dp_module *net, dp_dataset *data, dp_split_name split,
                              int64_t *counts);
/* Predicted bytes of arena (inner values) of one training step at this batch; -1 on failure. loss
 * and optim NULL: CrossEntropyLoss, Adam(lr=1e-3). */
DP_API int64_t dp_training_bytes(dp_module *net, dp_shape example, int64_t batch, const char *loss,
                                 const char *optim);

#ifdef __cplusplus
}
#endif
#endif
