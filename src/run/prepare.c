/* prepare.c: a graph made ready. Tracing, planning and memory for the results are done once; a run
 * reads what the leaves hold at that time. */
#include <string.h>
#include "run.h"

struct dp_prepared {
    dp_engine *engine;
    dp_plan *plan;
    dp_tensor **leaf, **root; /* in the order of the plan's slots */
    uint64_t made;            /* serial of the youngest node then: a younger leaf is another one */
    dp_owned *owned;
};

void dp_prepared_free(dp_prepared *p) {
    if (!p) return;
    dp__scope_disown(p->owned);
    if (p->plan) {
        for (size_t i = 0; p->root && i < p->plan->n_roots; i++)
            if (p->root[i]) dp_free(p->root[i]);
        dp__release(p->leaf, (p->plan->n_leaves + 1) * sizeof *p->leaf);
        dp__release(p->root, (p->plan->n_roots + 1) * sizeof *p->root);
        p->plan->pins--;
        dp__plan_done(p->plan);
    }
    dp__release(p, sizeof *p);
}

static void prepare_destroy(void *object) {
    dp_prepared *p = object;
    p->owned = NULL;
    dp_prepared_free(p);
}

/* Results settle as stored tensors of their own; equal roots share a buffer. */
static bool prepare_roots(dp_prepared *p, dp_tensor *const *roots, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (roots[i]->state != DP_PENDING || p->plan->root[i] < 0) continue;
        int32_t k = p->plan->root[i];
        dp_storage *b = k == (int32_t)i ? dp__buffer_new(p->plan->root_bytes[i]) : roots[k]->buffer;
        if (!b) return false;
        if (k != (int32_t)i) dp__buffer_hold(b);
        memset(b->data, 0, p->plan->root_bytes[i]);
        dp__settle(roots[i], DP_STORED, b);
        dp__scope_unlink(roots[i]);
        dp__scope_link(roots[i], &dp__thread()->root);
        p->root[i] = roots[i];
    }
    return true;
}

dp_prepared *dp_prepare_n(dp_tensor *const *roots, size_t n) {
    dp_engine *e = dp__engine();
    if (n && !roots) dp_fail(DP_EINVAL, "dp_prepare: the list of roots is NULL");
    for (size_t i = 0; i < n; i++) {
        if (!roots || !dp__check(roots[i], "dp_prepare")) return NULL;
        if (roots[i]->state == DP_PENDING) continue;
        dp_fail(DP_EINVAL, "dp_prepare: root %zu (%s) is not pending", i, dp__describe(roots[i]));
        return NULL;
    }
    dp_prepared *p = e ? dp__zalloc(1, sizeof *p) : NULL;
    if (!p) return NULL;
    p->engine = e;
    p->made = dp__thread()->serial;
    p->plan = dp__engine_plan(e, roots, n, "dp_prepare");
    if (p->plan) {
        p->plan->pins++;
        p->leaf = dp__zalloc(p->plan->n_leaves + 1, sizeof *p->leaf);
        p->root = dp__zalloc(p->plan->n_roots + 1, sizeof *p->root);
    }
    if (!p->plan || !p->leaf || !p->root || !(p->owned = dp__scope_own(prepare_destroy, p)) ||
        !prepare_roots(p, roots, n)) {
        dp_prepared_free(p);
        return NULL;
    }
    for (size_t i = 0; i < p->plan->n_leaves; i++) p->leaf[i] = e->walk.order[p->plan->leaf[i]];
    for (size_t i = 0; i < e->walk.n; i++)
        if (e->walk.order[i]->state == DP_PENDING) dp__settle(e->walk.order[i], DP_SPENT, NULL);
    return p;
}

dp_status dp_prepared_run(dp_prepared *p) {
    if (!p) return dp_failed() ? dp_error_status() : dp_fail(DP_EINVAL, "dp_prepared_run: NULL");
    if (dp__engine_idle(p->engine, "dp_prepared_run")) return DP_EINVAL;
    for (size_t i = 0; i < p->plan->n_leaves; i++) {
        const dp_tensor *t = p->leaf[i];
        if (!dp__check(t, "dp_prepared_run")) return dp_error_status();
        if (t->serial >> 48 == p->made >> 48 && t->serial > p->made)
            return dp_fail(DP_EINVAL,
                           "dp_prepared_run: leaf %zu has been freed, or its scope has ended", i);
    }
    return dp__plan_run(p->engine, p->plan, p->leaf, p->root);
}
