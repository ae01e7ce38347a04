/* denpan/run.h: engines, prepared graphs, what a plan costs. */
#ifndef DENPAN_RUN_H
#define DENPAN_RUN_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An engine owns plans, arena and threads. Each thread has a default one. NULL: no memory. */
DP_API dp_engine *dp_engine_new(void);
DP_API void dp_engine_free(dp_engine *engine);
/* The engine of this thread from now on (NULL: its default one); returns the one before. */
DP_API dp_engine *dp_engine_use(dp_engine *engine);

/* How this thread's engine computes: by plans, or one node at a time with slow kernels. The naive
 * executor is the oracle: it gives the same bits. */
typedef enum dp_executor { DP_PLANNED, DP_NAIVE } dp_executor;
DP_API void dp_engine_executor(dp_executor executor);

typedef struct dp_engine_stats {
    size_t size;                 /* sizeof(dp_engine_stats), set by the caller */
    uint64_t evals, hits, plans; /* evals, of them with a known plan; plans held */
    uint64_t steps, nodes;       /* of the last plan */
    uint64_t arena_bytes;        /* of the last plan: memory of its inner values */
    uint64_t peak_arena_bytes;   /* the arena as it is */
    uint64_t plan_bytes;         /* held by the plan cache */
    uint64_t held_bytes;         /* tensors' own buffers alive now, on this thread */
} dp_engine_stats;
DP_API void dp_engine_stats_get(dp_engine_stats *stats);

/* A graph made ready: dp_prepared_run computes it again from what its leaves hold now (dp_write,
 * variables), without tracing. The roots are stored from now on, zero before the first run, and
 * live as long as it does: until dp_prepared_free or the end of its scope. */
typedef struct dp_prepared dp_prepared;
DP_API dp_prepared *dp_prepare_n(dp_tensor *const *roots, size_t n);
DP_API dp_status dp_prepared_run(dp_prepared *p);
DP_API void dp_prepared_free(dp_prepared *p);
#ifndef __cplusplus
#define dp_prepare(...)                             \
    dp_prepare_n((dp_tensor *const[]){__VA_ARGS__}, \
                 sizeof((dp_tensor *const[]){__VA_ARGS__}) / sizeof(dp_tensor *))
#endif

/* The graph below the roots as text (docs/laws.md), one node a line; NULL on failure. The caller
 * frees it with dp_text_free. */
DP_API char *dp_graph_text(dp_tensor *const *roots, size_t n);
/* Read such text: leaves come from `leaves` in the order of their lines. *n: room in roots, then
 * how many there are. DP_EFORMAT names line and column, DP_EMISMATCH a leaf that differs. */
DP_API dp_status dp_graph_parse(const char *text, dp_tensor *const *leaves, size_t n_leaves,
                                dp_tensor **roots, size_t *n);
/* The plan of the roots as a table: steps, their instructions, places in memory. dp_text_free. */
DP_API char *dp_plan_text(dp_tensor *const *roots, size_t n);
DP_API void dp_text_free(char *text);
/* Bytes of arena that evaluating the roots takes; -1 on failure. Computes nothing. */
DP_API int64_t dp_plan_bytes(dp_tensor *const *roots, size_t n);

#ifdef __cplusplus
}
#endif
#endif
