#include "plan.h"

void dp__cache_free(dp_cache *cache) { (void)cache; }

dp_status dp__plan_eval(dp_engine *e, dp_tensor *const *roots, size_t n) { return dp__naive_eval(e, roots, n); }
