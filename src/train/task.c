/* task.c: a network, a data set and a loss, checked against each other before the first step. */
#include <math.h>
#include <string.h>

#include "train.h"

enum { TASK_TEST_BATCH = 256 }; /* fixed, so that every test of a network sums alike */

/* "[1,28,28]" */
static void task_shape(char *out, size_t size, dp_shape s) {
    size_t at = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < s.rank && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%lld", i ? "," : "", (long long)s.dim[i]);
    if (at < size) snprintf(out + at, size - at, "]");
}

static int64_t task_elements(dp_shape s) { return dp__shape_count(s.rank, s.dim, NULL); }

/* The loss: its module, whether it sums, whether it takes classes. */
static dp_status task_loss(dp__task *t, const char *text, bool *takes_classes) {
    t->loss = dp_loss("%s", text);
    if (!t->loss) return dp_failed() ? dp_error_status() : DP_EINVAL;
    const char *kind = dp_module_kind(t->loss);
    *takes_classes = strcmp(kind, "CrossEntropyLoss") == 0 || strcmp(kind, "NLLLoss") == 0;
    char *canonical = dp_format(t->loss);
    t->sums = canonical && strstr(canonical, "sum'");
    dp_text_free(canonical);
    return DP_OK;
}

static dp_status task_shapes(dp__task *t, bool takes_classes) {
    dp_shape example = dp_example_shape(t->data), in = dp_input_shape(t->net);
    char from[160], to[160];
    t->flatten = example.rank > 1 && in.rank == 1 && in.dim[0] == task_elements(example);
    bool failed = dp_failed();
    dp_shape out = dp_output_shape(t->net, t->flatten ? in : example);
    task_shape(from, sizeof from, example);
    if (out.rank < 0) {
        if (failed || dp_error_status() == DP_ENOMEM) return dp_error_status();
        char why[512];
        snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, dp_error());
        dp_clear();
        task_shape(to, sizeof to, in);
        return dp_fail(DP_EINVAL, "%s: the network takes %s, an example is %s: %s", t->what,
                       in.rank < 0 ? "another shape" : to, from, why);
    }
    t->outputs = out.rank ? out.dim[out.rank - 1] : 1;
    task_shape(to, sizeof to, out);
    if (t->classes == 0) {
        if (!takes_classes) return DP_OK;
        dp_fail(DP_EINVAL, "%s: %s needs classes, the data has values", t->what,
                dp_module_kind(t->loss));
        return dp__hint("MSELoss compares values");
    }
    if (out.rank != 1)
        return dp_fail(DP_EINVAL, "%s: the network gives %s for an example, classes need [%lld]",
                       t->what, to, (long long)t->classes);
    if (t->outputs < t->classes)
        return dp_fail(DP_EINVAL, "%s: the network has %lld outputs, the data %lld classes",
                       t->what, (long long)t->outputs, (long long)t->classes);
    t->one_hot = !takes_classes;
    return DP_OK;
}

dp_status dp__task_begin(dp__task *t, const char *what, dp_module *net, dp_dataset *data,
                         const char *loss) {
    bool takes_classes = false;
    *t = (dp__task){.what = what, .net = net, .data = data};
    if (!net || !data)
        return dp_failed() ? dp_error_status()
                           : dp_fail(DP_EINVAL, "%s: no %s", what, net ? "data" : "network");
    t->classes = dp_classes(data);
    if (!loss) loss = t->classes ? "CrossEntropyLoss" : "MSELoss";
    dp_status s = task_loss(t, loss, &takes_classes);
    return s ? s : task_shapes(t, takes_classes);
}

dp_status dp_fit_check(dp_module *net, dp_dataset *data, const char *loss) {
    dp__task t;
    dp_scope *scope = dp_scope_begin();
    dp_status s = scope ? dp__task_begin(&t, "fit", net, data, loss) : DP_ENOMEM;
    dp_scope_end(scope);
    return s;
}

bool dp__task_measure(const dp__task *t, dp_ctx *ctx, const dp_batch *b, dp__measured *m) {
    dp_tensor *y = dp_call(t->net, ctx, b->x);
    dp_tensor *target = t->one_hot ? dp_one_hot(b->y, t->outputs, dp_dtype_of(y)) : b->y;
    m->loss = dp_call_loss(t->loss, y, target);
    m->right = NULL;
    if (t->classes) m->right = dp_sum_all(dp_cast(dp_equal(dp_argmax(y, 1, false), b->y), DP_I64));
    return m->loss && (m->right || !t->classes);
}

dp_iter *dp__task_iter(const dp__task *t, dp_split_name split, const dp_iter_options *options) {
    dp_iter_options o = *options;
    o.flatten = t->flatten;
    return dp_iter_new(t->data, split, &o);
}

/* ---- sums ---- */

void dp__sums_add(dp__sums *s, const dp__task *t, int64_t examples, double loss, int64_t right) {
    s->loss += t->sums ? loss : loss * (double)examples;
    s->right += right;
    s->examples += examples;
}

dp_result dp__sums_result(const dp__sums *s, const dp__task *t) {
    if (s->examples == 0) return (dp_result){NAN, NAN, 0};
    double n = (double)s->examples;
    return (dp_result){s->loss / n, t->classes ? (double)s->right / n : NAN, s->examples};
}

/* ---- testing ---- */

static bool task_test_batch(const dp__task *t, const dp_batch *b, dp__sums *sums) {
    dp__measured m;
    if (!dp__task_measure(t, NULL, b, &m)) return false;
    dp_tensor *roots[2] = {m.loss, m.right};
    int64_t right = 0;
    if (dp_eval_n(roots, m.right ? 2 : 1)) return false;
    if (m.right && dp_read(m.right, &right, sizeof right)) return false;
    dp__sums_add(sums, t, b->n, dp_item(m.loss), right);
    return true;
}

dp_result dp__task_test(const dp__task *t, dp_split_name split) {
    dp__sums sums = {0};
    bool ok = true;
    if (dp_examples(t->data, split) == 0) return dp__sums_result(&sums, t);
    dp_iter_options o = {.size = sizeof o, .batch = TASK_TEST_BATCH};
    dp_iter *it = dp__task_iter(t, split, &o);
    int64_t batches = it ? dp_iter_batches(it) : 0;
    for (int64_t i = 0; ok && i < batches; i++) {
        dp_batch b;
        dp_scope *scope = dp_scope_begin();
        ok = scope && dp_next(it, &b) && task_test_batch(t, &b, &sums);
        dp_scope_end(scope);
    }
    dp_iter_free(it);
    if (!it || !ok) sums = (dp__sums){0};
    return dp__sums_result(&sums, t);
}

dp_result dp_test_on(dp_module *net, dp_dataset *data, dp_split_name split, const char *loss) {
    dp__task t;
    dp_result r = {NAN, NAN, 0};
    dp_scope *scope = dp_scope_begin();
    dp_fenv env;
    dp__fenv_enter(&env);
    if (scope && !dp__task_begin(&t, "test", net, data, loss)) r = dp__task_test(&t, split);
    dp__fenv_leave(&env);
    dp_scope_end(scope);
    return r;
}

dp_result dp_test(dp_module *net, dp_dataset *data) { return dp_test_on(net, data, DP_TEST, NULL); }

/* ---- confusion ---- */

static bool task_confusion_batch(const dp__task *t, const dp_batch *b, int64_t *counts) {
    int64_t truth[TASK_TEST_BATCH], said[TASK_TEST_BATCH];
    size_t bytes = (size_t)b->n * sizeof *truth;
    dp_tensor *y = dp_argmax(dp_call(t->net, NULL, b->x), 1, false);
    if (!y || dp_eval_n(&y, 1) || dp_read(y, said, bytes) || dp_read(b->y, truth, bytes))
        return false;
    for (int64_t i = 0; i < b->n; i++)
        if (said[i] < t->classes) counts[truth[i] * t->classes + said[i]]++;
    return true;
}

dp_status dp_confusion(dp_module *net, dp_dataset *data, dp_split_name split, int64_t *counts) {
    dp__task t;
    dp_scope *outer = dp_scope_begin();
    dp_status s = outer ? dp__task_begin(&t, "confusion", net, data, NULL) : DP_ENOMEM;
    if (!s && !t.classes) s = dp_fail(DP_EINVAL, "confusion: the data has values, not classes");
    if (!s && !counts) s = dp_fail(DP_EINVAL, "confusion: counts is NULL");
    if (!s && dp_examples(data, split) > 0) {
        dp_iter_options o = {.size = sizeof o, .batch = TASK_TEST_BATCH};
        dp_iter *it = dp__task_iter(&t, split, &o);
        int64_t batches = it ? dp_iter_batches(it) : 0;
        memset(counts, 0, (size_t)(t.classes * t.classes) * sizeof *counts);
        if (!it) s = dp_error_status();
        for (int64_t i = 0; !s && i < batches; i++) {
            dp_batch b;
            dp_scope *scope = dp_scope_begin();
            bool ok = scope && dp_next(it, &b) && task_confusion_batch(&t, &b, counts);
            if (!ok) s = dp_failed() ? dp_error_status() : DP_EINTERNAL;
            dp_scope_end(scope);
        }
        dp_iter_free(it);
    }
    dp_scope_end(outer);
    return s;
}
