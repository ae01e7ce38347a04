/* fit.c: the training loop. Forward pass, backward pass, update, loss and accuracy of a step are
 * one plan; after the second step nothing is allocated.
 *
 * Everything random comes from the seed: the parameters (dp_init), the order of the examples
 * (dp_iter) and the key of step k: fold(split(key(seed), "dropout"), k). */
#include <math.h>
#include <string.h>

#include "run/run.h"
#include "train.h"

enum { FIT_SNAPSHOT = 500 }; /* steps between two copies of the state */

typedef struct fit {
    dp__task task;
    dp_fit_options o; /* with every default filled in */
    dp_optim *optim;
    dp_iter *it;
    dp_tensor *key;
    dp_tensor **roots; /* effects, loss, right answers */
    size_t n_effects;
    int64_t batches; /* of an epoch */
    dp__snapshot snapshot;
    int64_t snapshot_epoch, snapshot_batch, snapshot_step;
    dp__sums sums;
    dp_progress now;
    dp__progress shown;
    double begin; /* of this epoch */
} fit;

/* ---- one step ---- */

/* The graph of a step into f->roots; number of roots, 0 on failure. */
static size_t fit_graph(fit *f, const dp_batch *b, int64_t step) {
    dp_ctx *ctx = dp_ctx_train(dp_fold(f->key, dp_int(step)));
    dp__measured m;
    if (!ctx || !dp__task_measure(&f->task, ctx, b, &m)) return 0;
    if (dp_step_graph(f->optim, m.loss, f->roots)) return 0;
    f->roots[f->n_effects] = m.loss;
    f->roots[f->n_effects + 1] = m.right;
    return f->n_effects + (m.right ? 2 : 1);
}

/* Takes the step; its loss and right answers. */
static dp_status fit_update(fit *f, const dp_batch *b, int64_t step, double *loss, int64_t *right) {
    size_t n = fit_graph(f, b, step);
    if (n == 0) return dp_failed() ? dp_error_status() : DP_EINTERNAL;
    dp_status s = dp_eval_n(f->roots, n);
    if (s) return s;
    *loss = dp_item(f->roots[f->n_effects]);
    *right = 0;
    return f->task.classes ? dp_read(f->roots[f->n_effects + 1], right, sizeof *right) : DP_OK;
}

static dp_status fit_no_batch(void) {
    return dp_failed() ? dp_error_status() : dp_fail(DP_EINTERNAL, "fit: a batch is missing");
}

/* ---- a loss that is not finite: back to the snapshot, the same steps again, then look ---- */

static dp_status fit_again(fit *f, int64_t step) {
    dp_status s = dp__snapshot_restore(&f->snapshot);
    dp_iter_seek(f->it, f->snapshot_epoch, f->snapshot_batch);
    for (int64_t i = f->snapshot_step; !s && i < step; i++) {
        dp_batch b;
        double loss;
        int64_t right;
        dp_scope *scope = dp_scope_begin();
        s = scope && dp_next(f->it, &b) ? fit_update(f, &b, i, &loss, &right) : fit_no_batch();
        dp_scope_end(scope);
    }
    return s;
}

/* Which op made the first value that is not finite, in words; nothing if that is not known. */
static void fit_culprit(fit *f, int64_t step, dp_text *where) {
    dp_batch b;
    if (dp_next(f->it, &b) && fit_graph(f, &b, step))
        dp__find_nonfinite(f->roots + f->n_effects, 1, where);
}

/* The parameters become those before the step, and the error says where it went wrong. */
static dp_status fit_not_finite(fit *f, int64_t step, double loss) {
    dp_text where = {0};
    dp_status s = fit_again(f, step);
    if (!s) {
        dp_scope *scope = dp_scope_begin();
        fit_culprit(f, step, &where);
        dp_scope_end(scope);
    }
    if (s) return s; /* nothing was found out, so nothing was written */
    dp_fail(DP_ENUMERIC, "fit: the loss is %s at step %lld (epoch %lld, batch %lld)%s%s",
            isnan(loss) ? "NaN"
            : loss > 0  ? "inf"
                        : "-inf",
            (long long)step + 1, (long long)f->now.epoch, (long long)f->now.step + 1,
            where.data ? ": " : "", where.data ? where.data : "");
    dp__text_free(&where);
    return dp__hint(
        "a lower lr, clip_norm= or other data may help; the parameters are those before "
        "the step");
}

/* ---- epochs ---- */

static dp_status fit_snapshot(fit *f) {
    f->snapshot_epoch = f->now.epoch - 1;
    f->snapshot_batch = f->now.step;
    f->snapshot_step = f->now.total_step;
    return dp__snapshot_take(&f->snapshot);
}

static dp_status fit_tell(fit *f) {
    if (!f->o.callback || f->o.callback(f->o.context, &f->now) == 0) return DP_OK;
    return dp_fail(DP_ESTOPPED, "fit: stopped on request after step %lld",
                   (long long)f->now.total_step);
}

static void fit_time(fit *f) {
    f->now.seconds = dp__now() - f->begin;
    f->now.examples_per_second = f->now.seconds > 0 ? (double)f->sums.examples / f->now.seconds : 0;
}

static dp_status fit_step(fit *f) {
    dp_batch b;
    double loss = 0;
    int64_t right = 0, examples = 0;
    dp_scope *scope = dp_scope_begin();
    dp_status s = scope && dp_next(f->it, &b) ? DP_OK : fit_no_batch();
    if (!s) {
        examples = b.n;
        s = fit_update(f, &b, f->now.total_step, &loss, &right);
    }
    dp_scope_end(scope);
    if (s) return s;
    if (!isfinite(loss)) return fit_not_finite(f, f->now.total_step, loss);
    dp__sums_add(&f->sums, &f->task, examples, loss, right);
    f->now.step++;
    f->now.total_step++;
    f->now.train = dp__sums_result(&f->sums, &f->task);
    f->now.lr = dp_lr(f->optim);
    fit_time(f);
    dp__progress_step(&f->shown, &f->now);
    return fit_tell(f);
}

static bool fit_done(const fit *f) { return f->o.steps > 0 && f->now.total_step >= f->o.steps; }

static dp_status fit_report(fit *f) {
    fit_time(f);
    f->now.epoch_end = true;
    bool val = dp_examples(f->task.data, DP_VAL) > 0;
    bool test = f->o.test_each_epoch && dp_examples(f->task.data, DP_TEST) > 0;
    if (val) f->now.val = dp__task_test(&f->task, DP_VAL);
    if (test) f->now.test = dp__task_test(&f->task, DP_TEST);
    if ((val && !f->now.val.examples) || (test && !f->now.test.examples))
        return dp_failed() ? dp_error_status() : DP_EINTERNAL;
    dp__progress_epoch(&f->shown, &f->now);
    dp_status s = fit_tell(f);
    f->now.epoch_end = false;
    return s;
}

static dp_status fit_epoch(fit *f) {
    dp_status s = DP_OK;
    f->sums = (dp__sums){0};
    f->now.step = 0;
    f->now.steps = f->batches;
    if (f->o.steps && f->o.steps - f->now.total_step < f->batches)
        f->now.steps = f->o.steps - f->now.total_step;
    f->begin = dp__now();
    while (!s && f->now.step < f->now.steps) {
        if (f->now.step % FIT_SNAPSHOT == 0) s = fit_snapshot(f);
        if (!s) s = fit_step(f);
    }
    if (s) return s;
    dp_scope *scope = dp_scope_begin();
    dp_batch none;
    if (f->now.step == f->batches) dp_next(f->it, &none); /* false: the end of the epoch */
    dp_scope_end(scope);
    return fit_report(f);
}

/* ---- the whole ---- */

static dp_status fit_options(dp_fit_options *o, const dp_fit_options *given) {
    *o = (dp_fit_options){.size = sizeof *o};
    if (given) {
        size_t size = given->size && given->size < sizeof *o ? given->size : sizeof *o;
        memcpy(o, given, size);
    }
    if (o->epochs < 0 || o->steps < 0 || o->batch < 0)
        return dp_fail(DP_EINVAL, "fit: found epochs %lld, steps %lld, batch %lld, allowed >= 0",
                       (long long)o->epochs, (long long)o->steps, (long long)o->batch);
    if (!(o->val >= 0 && o->val < 1))
        return dp_fail(DP_EINVAL, "fit: found val %s, allowed 0 <= val < 1",
                       dp__format_double(o->val, (char[32]){0}));
    if (!(o->lr >= 0 && isfinite(o->lr)))
        return dp_fail(DP_EINVAL, "fit: found lr %s, allowed a finite number >= 0",
                       dp__format_double(o->lr, (char[32]){0}));
    if (!o->batch) o->batch = 64;
    if (!o->epochs && !o->steps) o->epochs = 5;
    if (!o->optim) o->optim = "Adam(lr=1e-3)";
    return DP_OK;
}

static dp_status fit_split(const dp_fit_options *o, dp_dataset *data) {
    if (o->val <= 0 || dp_examples(data, DP_VAL) > 0) return DP_OK;
    int64_t n = (int64_t)llround(o->val * (double)dp_examples(data, DP_TRAIN));
    return n > 0 ? dp_split_val(data, n) : DP_OK;
}

static dp_status fit_begin(fit *f, dp_module *net, dp_dataset *data) {
    dp_status s = dp__task_begin(&f->task, "fit", net, data, f->o.loss);
    if (!s) s = fit_split(&f->o, data);
    if (s) return s;
    if (dp_examples(data, DP_TRAIN) < 1)
        return dp_fail(DP_EINVAL, "fit: the data has no training examples");
    if (f->o.init && (s = dp_init(net, f->o.init, f->o.seed))) return s;
    if (!(f->optim = dp_optim_text(net, f->o.optim))) return dp_error_status();
    if (f->o.lr > 0 && (s = dp_set_lr(f->optim, f->o.lr))) return s;
    dp_iter_options io = {.size = sizeof io,
                          .batch = f->o.batch,
                          .shuffle = true,
                          .replace = f->o.replace,
                          .seed = f->o.seed};
    f->it = dp__task_iter(&f->task, DP_TRAIN, &io);
    f->key = dp_split(dp_key(f->o.seed), "dropout");
    f->n_effects = dp_step_effects(f->optim);
    f->roots = dp__zalloc(f->n_effects + 2, sizeof *f->roots);
    if (!f->it || !f->key || !f->roots || (s = dp_eval_n(&f->key, 1))) return dp_error_status();
    f->batches = dp_iter_batches(f->it);
    f->now.size = sizeof f->now;
    f->now.epochs = f->o.epochs;
    dp__progress_begin(&f->shown, f->o.progress, f->task.classes > 0);
    return dp__snapshot_begin(&f->snapshot, net, f->optim);
}

static dp_status fit_all(dp_module *net, dp_dataset *data, const dp_fit_options *options) {
    fit f = {0};
    dp_scope *scope = dp_scope_begin();
    if (!scope) return dp_error_status();
    dp_status s = fit_options(&f.o, options);
    if (!s) s = fit_begin(&f, net, data);
    while (!s && !fit_done(&f) && (!f.o.epochs || f.now.epoch < f.o.epochs)) {
        f.now.epoch++;
        s = fit_epoch(&f);
    }
    dp__progress_end(&f.shown);
    dp__snapshot_free(&f.snapshot);
    dp__release(f.roots, (f.n_effects + 2) * sizeof *f.roots);
    dp_iter_free(f.it);
    dp_scope_end(scope);
    return s;
}

dp_status dp_fit_with(dp_module *net, dp_dataset *data, const dp_fit_options *options) {
    dp_fenv env; /* sums of losses and the like are computed here, not by a plan */
    dp__fenv_enter(&env);
    dp_status s = fit_all(net, data, options);
    dp__fenv_leave(&env);
    return s;
}

/* ---- what a step will take ---- */

/* A stored tensor whose bytes are never read. */
static dp_tensor *fit_placeholder(dp_dtype dtype, int64_t batch, dp_shape example) {
    static const double fit_nothing[8];
    dp_shape s = {.rank = example.rank + 1, .dim = {batch}};
    if (example.rank < 0 || s.rank > DP_MAX_RANK) return NULL;
    for (int i = 0; i < example.rank; i++) s.dim[i + 1] = example.dim[i];
    return dp_wrap(dtype, s, fit_nothing, NULL, NULL);
}

static int64_t fit_bytes(dp_module *net, dp_shape example, int64_t batch, const char *loss,
                         const char *optim) {
    dp_shape out = dp_output_shape(net, example);
    dp_module *l = dp_loss("%s", loss);
    dp_optim *o = dp_optim_text(net, optim);
    if (!l || !o || out.rank < 0) return -1;
    bool classes = strcmp(dp_module_kind(l), "CrossEntropyLoss") == 0 ||
                   strcmp(dp_module_kind(l), "NLLLoss") == 0;
    dp_tensor *x = fit_placeholder(DP_F32, batch, example);
    dp_tensor *target = classes ? dp_broadcast(dp_int(0), DP_SHAPE(batch)) /* no memory, no check */
                                : fit_placeholder(DP_F32, batch, out);
    dp_tensor *y = dp_call(net, dp_ctx_train(dp_fold(dp_key(0), dp_int(0))), x);
    size_t n = dp_step_effects(o);
    dp_tensor **roots = dp__zalloc(n + 2, sizeof *roots);
    int64_t bytes = -1;
    if (roots) {
        roots[n] = dp_call_loss(l, y, target);
        if (classes)
            roots[n + 1] = dp_sum_all(dp_cast(dp_equal(dp_argmax(y, 1, false), target), DP_I64));
        if (roots[n] && !dp_step_graph(o, roots[n], roots))
            bytes = dp_plan_bytes(roots, n + (classes ? 2 : 1));
    }
    dp__release(roots, (n + 2) * sizeof *roots);
    return bytes;
}

int64_t dp_training_bytes(dp_module *net, dp_shape example, int64_t batch, const char *loss,
                          const char *optim) {
    if (!net || batch < 1) {
        dp_fail(DP_EINVAL, "training_bytes: %s", net ? "batch must be >= 1" : "no network");
        return -1;
    }
    dp_scope *scope = dp_scope_begin();
    int64_t bytes = scope ? fit_bytes(net, example, batch, loss ? loss : "CrossEntropyLoss",
                                      optim ? optim : "Adam(lr=1e-3)")
                          : -1;
    dp_scope_end(scope);
    return bytes;
}
