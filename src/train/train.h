/* train.h: what fitting, testing and measuring share. */
#ifndef DP_TRAIN_TRAIN_H
#define DP_TRAIN_TRAIN_H

#include "base/base.h"
#include "denpan/run.h"
#include "denpan/train.h"

/* How a network meets a data set: found once, before anything is computed (task.c). */
typedef struct dp__task {
    dp_module *net, *loss; /* loss belongs to the current scope */
    dp_dataset *data;
    const char *what;         /* function for messages */
    bool flatten;             /* examples go in as one axis */
    bool one_hot;             /* classes, and a loss that compares values */
    bool sums;                /* the loss is a sum over the batch, not a mean */
    int64_t classes, outputs; /* classes 0: values */
} dp__task;

/* Check shapes and classes; loss NULL: cross-entropy for classes, MSE for values. */
dp_status dp__task_begin(dp__task *t, const char *what, dp_module *net, dp_dataset *data,
                         const char *loss);
/* Loss [] of a batch and, for classes, the number of right answers i64 [] (else NULL). */
typedef struct dp__measured {
    dp_tensor *loss, *right;
} dp__measured;
bool dp__task_measure(const dp__task *t, dp_ctx *ctx, const dp_batch *b, dp__measured *m);
/* Batches of a split as the task wants them. */
dp_iter *dp__task_iter(const dp__task *t, dp_split_name split, const dp_iter_options *options);
/* One pass over a split without training. */
dp_result dp__task_test(const dp__task *t, dp_split_name split);

/* Running sums of a pass; the loss is a mean over examples. */
typedef struct dp__sums {
    double loss;
    int64_t right, examples;
} dp__sums;
void dp__sums_add(dp__sums *s, const dp__task *t, int64_t examples, double loss, int64_t right);
dp_result dp__sums_result(const dp__sums *s, const dp__task *t);

/* ---- progress (progress.c) ---- */
typedef struct dp__progress {
    FILE *file; /* NULL: silent */
    bool terminal, utf8, titled, accuracy;
    double drawn; /* when the line was drawn last */
    double best;  /* of the validation split so far; NaN: none yet */
} dp__progress;
void dp__progress_begin(dp__progress *p, FILE *file, bool accuracy);
void dp__progress_step(dp__progress *p, const dp_progress *now);  /* draws ten times a second */
void dp__progress_epoch(dp__progress *p, const dp_progress *now); /* one row */
void dp__progress_end(dp__progress *p);                           /* leaves a clean line */

/* ---- copies of everything that a step changes (snapshot.c) ---- */
typedef struct dp__snapshot {
    dp_tensor **variables;
    void **bytes;
    size_t n;
} dp__snapshot;
dp_status dp__snapshot_begin(dp__snapshot *s, dp_module *net, dp_optim *optim);
dp_status dp__snapshot_take(dp__snapshot *s);
dp_status dp__snapshot_restore(const dp__snapshot *s);
void dp__snapshot_free(dp__snapshot *s);

#endif
