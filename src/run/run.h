/* run.h: engines and the two executors. */
#ifndef DP_RUN_RUN_H
#define DP_RUN_RUN_H

#include "../plan/plan.h"
#include "denpan/run.h"

struct dp_engine {
    dp_executor executor;
    int threads;   /* asked for; 0: all that the process may use */
    dp_pool *pool; /* made on first need */
    dp_walk walk;
    dp_tensor **roots; /* of the eval under way: asked for and kept */
    size_t cap_roots;
    bool busy;             /* an eval is under way: callbacks may not begin another */
    dp_cache *cache;       /* plans */
    void *arena, *scratch; /* inner values; registers and kernels' scratch of all threads */
    size_t arena_bytes, scratch_bytes;
    char **base; /* addresses of the eval under way */
    dp_storage **result;
    dp_tensor **leaf;
    size_t cap_base, cap_result, cap_leaf;
    dp_engine_stats stats;
};

dp_engine *dp__engine(void); /* this thread's; NULL: no memory */
dp_status dp__engine_idle(const dp_engine *e, const char *function); /* refused inside an eval */
dp_pool *dp__engine_pool(dp_engine *e, int *threads);

/* Trace and plan (engine.c): e->walk holds the graph, the result is its plan; NULL on failure. */
dp_plan *dp__engine_plan(dp_engine *e, dp_tensor *const *roots, size_t n, const char *function);

/* The planned executor (exec.c). */
dp_status dp__plan_eval(dp_engine *e, dp_tensor *const *roots, size_t n);
/* Run a plan over leaves and into roots (NULL: an effect, or equal to an earlier one), by slot. */
dp_status dp__plan_run(dp_engine *e, dp_plan *p, dp_tensor *const *leaf, dp_tensor *const *root);

/* The oracle (naive.c): one node, one buffer, one slow kernel. */
dp_status dp__naive_eval(dp_engine *e, dp_tensor *const *roots, size_t n);
/* The first node, in the order of the graph, whose value is not finite though its inputs are:
 * describes it in text; false if there is none. The graph must still be pending. */
bool dp__find_nonfinite(dp_tensor *const *roots, size_t n, dp_text *text);

#endif
