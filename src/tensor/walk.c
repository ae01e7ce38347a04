#include <string.h>
#include "tensor.h"

/* Marks live in this table, never in nodes: an entry counts only with the present stamp. */
static size_t walk_slot(const dp_walk *w, const dp_tensor *t) {
    uint64_t h = (uint64_t)(uintptr_t)t;
    h = (h >> 6) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 20) & (w->table_cap - 1);
    while (w->table[i].stamp == w->stamp && w->table[i].t != t) i = (i + 1) & (w->table_cap - 1);
    return i;
}

static bool walk_grow(dp_walk *w) {
    size_t old_cap = w->table_cap, cap = old_cap ? old_cap * 2 : 256;
    struct dp_walk_entry *old = w->table, *grown = dp__zalloc(cap, sizeof *grown);
    if (!grown) return false;
    w->table = grown;
    w->table_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].stamp == w->stamp) grown[walk_slot(w, old[i].t)] = old[i];
    dp__release(old, old_cap * sizeof *old);
    return true;
}

int32_t dp__walk_index(const dp_walk *w, const dp_tensor *t) {
    if (!w->table_cap) return -1;
    size_t i = walk_slot(w, t);
    return w->table[i].stamp == w->stamp ? w->table[i].index : -1;
}

/* Inputs are older than what is made of them: a younger one sits in the place of one that was
 * freed. */
static bool walk_recycled(const dp_tensor *t, const dp_tensor *in) {
    return in->serial >> 48 == t->serial >> 48 && in->serial > t->serial;
}

/* A node may be computed if it is pending and its variables still hold what it captured. */
static bool walk_legal(const dp_tensor *t, const char *function) {
    if (t->magic != DP_TENSOR_MAGIC) {
        dp_fail(DP_EINVAL, "%s: the graph reaches a tensor whose scope has ended", function);
        return false;
    }
    if (t->state == DP_SPENT) {
        dp_fail(DP_ESPENT,
                "%s: %s is spent: an eval used it up; make it a root of that eval or "
                "dp_keep it",
                function, dp__describe(t));
        return false;
    }
    if (t->state != DP_PENDING) return true;
    uint64_t versions = 0;
    for (int i = 0; i < t->n_in; i++) {
        versions += t->in[i]->version;
        if (walk_recycled(t, t->in[i])) {
            dp_fail(DP_EINVAL, "%s: input %d of %s has been freed, or its scope has ended",
                    function, i, dp__describe(t));
            return false;
        }
    }
    if (versions == t->versions) return true;
    for (int i = 0; i < t->n_in; i++)
        if (dp_is_variable(t->in[i])) {
            dp_fail(DP_ESPENT,
                    "%s: %s reads an older value of a variable (%s), which was assigned since",
                    function, t->op->name, dp__describe(t->in[i]));
            break;
        }
    return false;
}

static bool walk_visit(dp_walk *w, dp_tensor *t, size_t *depth, const char *function) {
    if (w->stamp == 0 || (w->n + *depth + 1) * 2 > w->table_cap)
        if (!walk_grow(w)) return false;
    size_t i = walk_slot(w, t);
    if (w->table[i].stamp == w->stamp) return true; /* seen; acyclic by construction */
    if (!walk_legal(t, function)) return false;
    w->table[i] = (struct dp_walk_entry){t, w->stamp, -1};
    if (!dp__reserve((void **)&w->stack, &w->stack_cap, *depth + 1, sizeof *w->stack)) return false;
    w->stack[(*depth)++] = (struct dp_walk_frame){t, 0};
    return true;
}

bool dp__walk(dp_walk *w, dp_tensor *const *roots, size_t n, const char *function) {
    w->n = 0;
    if (++w->stamp == 0) { /* after 2^32 walks: forget old stamps */
        memset(w->table, 0, w->table_cap * sizeof *w->table);
        w->stamp = 1;
    }
    size_t depth = 0;
    for (size_t r = 0; r < n; r++) {
        if (!walk_visit(w, roots[r], &depth, function)) return false;
        while (depth) {
            struct dp_walk_frame *f = &w->stack[depth - 1];
            if (f->t->state == DP_PENDING && f->next < f->t->n_in) {
                if (!walk_visit(w, f->t->in[f->next++], &depth, function)) return false;
                continue;
            }
            if (!dp__reserve((void **)&w->order, &w->cap, w->n + 1, sizeof *w->order)) return false;
            w->table[walk_slot(w, f->t)].index = (int32_t)w->n;
            w->order[w->n++] = f->t;
            depth--;
        }
    }
    return true;
}

void dp__walk_free(dp_walk *w) {
    dp__release(w->order, w->cap * sizeof *w->order);
    dp__release(w->table, w->table_cap * sizeof *w->table);
    dp__release(w->stack, w->stack_cap * sizeof *w->stack);
    *w = (dp_walk){0};
}
