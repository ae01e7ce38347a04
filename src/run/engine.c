#include <string.h>
#include "run.h"

dp_engine *dp_engine_new(void) {
    dp_engine *e = dp__zalloc(1, sizeof *e);
    return e;
}

void dp_engine_free(dp_engine *e) {
    if (!e) return;
    dp_thread *t = dp__thread();
    if (t->engine == e) t->engine = NULL;
    dp__cache_free(e->cache);
    dp__pool_free(e->pool);
    dp__walk_free(&e->walk);
    dp__release(e->roots, e->cap_roots * sizeof *e->roots);
    dp__release(e->arena, e->arena_bytes);
    dp__release(e->scratch, e->scratch_bytes);
    dp__release(e->base, e->cap_base * sizeof *e->base);
    dp__release(e->leaf, e->cap_leaf * sizeof *e->leaf);
    dp__release(e->result, e->cap_result * sizeof *e->result);
    dp__release(e, sizeof *e);
}

dp_engine *dp__engine(void) {
    dp_thread *t = dp__thread();
    if (t->engine) return t->engine;
    if (!t->default_engine) t->default_engine = dp_engine_new();
    return t->default_engine;
}

dp_engine *dp_engine_use(dp_engine *engine) {
    dp_thread *t = dp__thread();
    dp_engine *before = t->engine;
    t->engine = engine;
    return before;
}

void dp__engine_thread_end(dp_thread *t) {
    t->engine = NULL;
    dp_engine_free(t->default_engine);
    t->default_engine = NULL;
}

void dp_engine_executor(dp_executor executor) {
    dp_engine *e = dp__engine();
    if (e) e->executor = executor;
}

/* ---- threads ---- */

dp_status dp_set_threads(int threads) {
    dp_engine *e = dp__engine();
    if (!e) return dp_error_status();
    if (threads < 0 || threads > 1024)
        return dp_fail(DP_EINVAL, "dp_set_threads: %d; allowed 0 (all) to 1024", threads);
    if (e->threads != threads) {
        dp__pool_free(e->pool);
        e->pool = NULL;
    }
    e->threads = threads;
    return DP_OK;
}

int dp_threads(void) {
    dp_engine *e = dp__engine();
    return e && e->threads ? e->threads : dp__cpu_count();
}

/* NULL with *threads = 1: run on the caller alone. */
dp_pool *dp__engine_pool(dp_engine *e, int *threads) {
    *threads = e->threads ? e->threads : dp__cpu_count();
    if (*threads <= 1) return NULL;
    if (!e->pool) e->pool = dp__pool_new(*threads);
    *threads = e->pool ? dp__pool_size(e->pool) : 1;
    return e->pool;
}

/* ---- planning ---- */

dp_status dp__engine_idle(const dp_engine *e, const char *function) {
    return e->busy ? dp_fail(DP_EINVAL, "%s: called by a callback of an eval of the same engine",
                             function)
                   : DP_OK;
}

dp_plan *dp__engine_plan(dp_engine *e, dp_tensor *const *roots, size_t n, const char *function) {
    bool known;
    if (!e || dp__engine_idle(e, function) || !dp__walk(&e->walk, roots, n, function)) return NULL;
    if (!e->cache && !(e->cache = dp__cache_new())) return NULL;
    dp_plan *p = dp__plan_find(e->cache, &e->walk, roots, n, &known);
    if (!p) return NULL;
    size_t bytes;
    e->stats.hits += known;
    e->stats.plans = dp__cache_plans(e->cache, &bytes);
    e->stats.plan_bytes = bytes;
    e->stats.steps = p->n_steps;
    e->stats.nodes = e->walk.n;
    e->stats.arena_bytes = p->arena;
    return p;
}

static bool engine_check(dp_tensor *const *roots, size_t n, const char *function) {
    if (n && !roots) {
        dp_fail(DP_EINVAL, "%s: the list of roots is NULL", function);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (!dp__check(roots[i], function)) return false;
    return true;
}

int64_t dp_plan_bytes(dp_tensor *const *roots, size_t n) {
    if (!engine_check(roots, n, "dp_plan_bytes")) return -1;
    dp_plan *p = dp__engine_plan(dp__engine(), roots, n, "dp_plan_bytes");
    int64_t bytes = p ? (int64_t)p->arena : -1;
    dp__plan_done(p);
    return bytes;
}

char *dp_plan_text(dp_tensor *const *roots, size_t n) {
    if (!engine_check(roots, n, "dp_plan_text")) return NULL;
    dp_plan *p = dp__engine_plan(dp__engine(), roots, n, "dp_plan_text");
    if (!p) return NULL;
    dp_text t = {0};
    dp__plan_show(&t, p);
    dp__plan_done(p);
    return dp__text_take(&t);
}

/* ---- evaluation ---- */

/* The roots that are still to compute, with the kept nodes of this thread. */
static dp_tensor **engine_roots(dp_engine *e, dp_tensor *const *roots, size_t *n) {
    dp_thread *t = dp__thread();
    size_t count = 0;
    if (!dp__reserve((void **)&e->roots, &e->cap_roots, *n + t->n_kept, sizeof *e->roots))
        return NULL;
    dp_tensor **list = e->roots;
    for (size_t i = 0; i < *n; i++) {
        if (roots[i]->state == DP_STORED) continue;
        list[count++] = roots[i];
    }
    for (size_t i = 0; i < t->n_kept; i++) list[count++] = t->kept[i];
    *n = count;
    return list;
}

dp_status dp__evaluate(dp_tensor *const *roots, size_t n) {
    dp_engine *e = dp__engine();
    if (e && dp__engine_idle(e, "dp_eval")) return DP_EINVAL;
    dp_tensor **list = e ? engine_roots(e, roots, &n) : NULL;
    if (!list) return dp_error_status();
    if (!n) return DP_OK;
    dp_status s = e->executor == DP_NAIVE ? dp__naive_eval(e, list, n) : dp__plan_eval(e, list, n);
    if (s) return s;
    dp_thread *t = dp__thread();
    for (size_t i = 0; i < t->n_kept; i++) t->kept[i]->kept = false;
    t->n_kept = 0;
    e->stats.evals++;
    return DP_OK;
}

void dp_engine_stats_get(dp_engine_stats *stats) {
    dp_engine *e = dp__engine();
    if (!e || !stats) return;
    size_t size = stats->size < sizeof *stats ? stats->size : sizeof *stats;
    dp_engine_stats now = e->stats;
    now.size = stats->size;
    now.peak_arena_bytes = e->arena_bytes;
    now.held_bytes = dp__thread()->held_bytes;
    memcpy(stats, &now, size);
}
