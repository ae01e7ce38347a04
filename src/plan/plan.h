/* plan.h: from a graph to a list of steps. */
#ifndef DP_PLAN_PLAN_H
#define DP_PLAN_PLAN_H

#include "../run/run.h"

typedef struct dp_cache dp_cache;
void dp__cache_free(dp_cache *cache);
dp_status dp__plan_eval(dp_engine *e, dp_tensor *const *roots, size_t n);

#endif
