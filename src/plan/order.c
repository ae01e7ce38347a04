/* order.c: groups in an order, lifetimes, places in one arena. */
#include <stdlib.h>
#include <string.h>
#include "plan.h"

/* ---- members of groups ---- */

static bool order_members(dp_graph *g) {
    g->member = dp__alloc(g->n * sizeof *g->member);
    g->member_at = dp__zalloc(g->n_groups + 1, sizeof *g->member_at);
    if (!g->member || !g->member_at) return false;
    for (size_t i = 0; i < g->n; i++)
        if (g->v[i].group >= 0) g->member_at[g->v[i].group = dp__fuse_find(g, g->v[i].group)]++;
    for (size_t i = 1; i <= g->n_groups; i++) g->member_at[i] += g->member_at[i - 1];
    for (size_t i = g->n; i-- > 0;)
        if (g->v[i].group >= 0) g->member[--g->member_at[g->v[i].group]] = (int32_t)i;
    for (size_t k = 0; k < g->n_groups; k++)
        if (g->member_at[k] < g->member_at[k + 1])
            g->g[k].last = g->member[g->member_at[k + 1] - 1];
    return true;
}

/* ---- edges between groups ---- */

typedef struct dp_edges {
    int32_t *from, *to, *at, *target, *waits;
    size_t n, cap_from, cap_to, groups;
} dp_edges;

static bool order_edge(dp_edges *e, int32_t from, int32_t to) {
    if (from < 0 || to < 0 || from == to) return true;
    if (!dp__reserve((void **)&e->from, &e->cap_from, e->n + 1, sizeof *e->from)) return false;
    if (!dp__reserve((void **)&e->to, &e->cap_to, e->n + 1, sizeof *e->to)) return false;
    e->from[e->n] = from;
    e->to[e->n++] = to;
    return true;
}

/* Writers of a variable wait for its readers, and for the assignments made before them. */
static bool order_writers(const dp_graph *g, dp_edges *e, size_t leaf) {
    for (int32_t i = g->user_at[leaf]; i < g->user_at[leaf + 1]; i++) {
        const dp_value *w = &g->v[g->user[i]];
        if (w->op != &dp_op_assign || w->in[0] != (int32_t)leaf) continue;
        for (int32_t k = g->user_at[leaf]; k < g->user_at[leaf + 1]; k++) {
            const dp_value *r = &g->v[g->user[k]];
            bool writes = r->op == &dp_op_assign && r->in[0] == (int32_t)leaf;
            if (writes && r->node->serial >= w->node->serial) continue;
            if (!order_edge(e, r->group, w->group)) return false;
        }
    }
    return true;
}

/* Callbacks wait for the callbacks made before them: their levels say so. */
static bool order_callbacks(const dp_graph *g, dp_edges *e) {
    int32_t before = -1;
    for (int32_t level = 1;; level++) {
        int32_t next = -1, least = INT32_MAX;
        for (size_t i = 0; i < g->n; i++) {
            const dp_value *v = &g->v[i];
            if (!v->effect || v->op == &dp_op_assign) continue;
            int32_t l = g->g[v->group].level;
            if (l < least && (before < 0 || l > g->g[before].level)) least = l, next = v->group;
        }
        if (next < 0) return true;
        if (!order_edge(e, before, next)) return false;
        before = next;
    }
}

static bool order_edges(const dp_graph *g, dp_edges *e) {
    bool callbacks = false;
    for (size_t i = 0; i < g->n; i++) {
        const dp_value *v = &g->v[i];
        if (v->assigned && !order_writers(g, e, i)) return false;
        if (v->group < 0) continue;
        if (v->effect && v->op != &dp_op_assign) callbacks = true;
        for (int k = 0; k < v->n_in; k++)
            if (!order_edge(e, g->v[g->v[v->in[k]].base].group, v->group)) return false;
    }
    return !callbacks || order_callbacks(g, e);
}

static bool order_index(const dp_graph *g, dp_edges *e) {
    e->groups = g->n_groups;
    e->at = dp__zalloc(g->n_groups + 1, sizeof *e->at);
    e->waits = dp__zalloc(g->n_groups, sizeof *e->waits);
    e->target = dp__alloc((e->n + 1) * sizeof *e->target);
    if (!e->at || !e->waits || !e->target) return false;
    for (size_t i = 0; i < e->n; i++) e->at[e->from[i]]++, e->waits[e->to[i]]++;
    for (size_t i = 1; i <= g->n_groups; i++) e->at[i] += e->at[i - 1];
    for (size_t i = e->n; i-- > 0;) e->target[--e->at[e->from[i]]] = e->to[i];
    return true;
}

static void order_edges_free(dp_edges *e) {
    dp__release(e->target, (e->n + 1) * sizeof *e->target);
    dp__release(e->from, e->cap_from * sizeof *e->from);
    dp__release(e->to, e->cap_to * sizeof *e->to);
    dp__release(e->at, (e->groups + 1) * sizeof *e->at);
    dp__release(e->waits, e->groups * sizeof *e->waits);
}

/* ---- ready groups: the one that ends first in the user's order goes first ---- */

static void order_push(const dp_graph *g, int32_t *heap, size_t *n, int32_t group) {
    size_t i = (*n)++;
    for (; i && g->g[heap[(i - 1) / 2]].last > g->g[group].last; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = group;
}

static int32_t order_pop(const dp_graph *g, int32_t *heap, size_t *n) {
    int32_t top = heap[0], moved = heap[--*n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < *n; i = child) {
        if (child + 1 < *n && g->g[heap[child + 1]].last < g->g[heap[child]].last) child++;
        if (g->g[heap[child]].last >= g->g[moved].last) break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
    return top;
}

static bool order_run(dp_graph *g, dp_edges *e, int32_t *heap) {
    size_t ready = 0, alive = 0;
    for (size_t k = 0; k < g->n_groups; k++) {
        if (g->member_at[k] == g->member_at[k + 1]) continue;
        alive++;
        if (!e->waits[k]) order_push(g, heap, &ready, (int32_t)k);
    }
    while (ready) {
        int32_t k = order_pop(g, heap, &ready);
        g->order[g->n_order++] = k;
        for (int32_t i = e->at[k]; i < e->at[k + 1]; i++)
            if (!--e->waits[e->target[i]]) order_push(g, heap, &ready, e->target[i]);
    }
    if (g->n_order == alive) return true;
    dp_fail(DP_EINTERNAL, "plan: groups depend on each other in a circle");
    return false;
}

bool dp__order(dp_graph *g) {
    dp_edges e = {.groups = g->n_groups};
    g->order = dp__alloc((g->n_groups ? g->n_groups : 1) * sizeof *g->order);
    int32_t *heap = dp__alloc((g->n_groups ? g->n_groups : 1) * sizeof *heap);
    bool fine = g->order && heap && order_members(g) && order_edges(g, &e) && order_index(g, &e) &&
                order_run(g, &e, heap);
    dp__release(heap, (g->n_groups ? g->n_groups : 1) * sizeof *heap);
    order_edges_free(&e);
    return fine;
}

/* ---- lifetimes ---- */

/* A piece of the arena from step `from` to step `to`, both included; shared by values computed in
 * place of each other. */
typedef struct dp_slot {
    size_t bytes, offset;
    int32_t from, to;
} dp_slot;

typedef struct dp_layout {
    dp_slot *slot;
    int32_t *of;   /* value -> slot, -1: none */
    int32_t *step; /* group -> step */
    size_t n;
} dp_layout;

static int32_t place_end(const dp_graph *g, const dp_layout *l, size_t value) {
    int32_t end = l->step[g->v[value].group];
    for (int32_t i = g->user_at[value]; i < g->user_at[value + 1]; i++) {
        int32_t s = l->step[g->v[g->user[i]].group];
        if (s > end) end = s;
    }
    return end;
}

/* May member o of a group be computed in the place of base e? Every member that reads e reads the
 * same elements and comes no later; a head reads in an order of its own. */
static bool place_may_follow(const dp_graph *g, const dp_group *k, int32_t o, int32_t e) {
    const dp_value *out = &g->v[o], *old = &g->v[e];
    if (old->count != out->count || old->size != out->size || out->row_level ||
        old->count != k->count)
        return false;
    for (int32_t i = g->user_at[e]; i < g->user_at[e + 1]; i++) {
        int32_t r = g->user[i];
        const dp_value *reader = &g->v[r];
        if (reader->group != out->group) continue;
        if (r > o || r == k->head || reader->op->kind != DP_POINTWISE || reader->row_level)
            return false;
        for (int n = 0; n < reader->n_in; n++) {
            const dp_value *u = &g->v[reader->in[n]];
            if (u->base == e && (u->offset || u->count != k->count || !dp__graph_row_major(u) ||
                                 (reader->op->whole >> n & 1)))
                return false;
        }
    }
    return true;
}

/* The slot that member o takes over, or -1. */
static int32_t place_inherited(const dp_graph *g, const dp_layout *l, int32_t o, int32_t step) {
    const dp_group *k = &g->g[g->v[o].group];
    if (o == k->head || g->v[o].op->kind != DP_POINTWISE) return -1;
    for (int32_t m = g->member_at[g->v[o].group]; m < g->member_at[g->v[o].group + 1]; m++) {
        const dp_value *reader = &g->v[g->member[m]];
        for (int n = 0; n < reader->n_in; n++) {
            int32_t e = g->v[reader->in[n]].base;
            if (l->of[e] < 0 || e == o || l->slot[l->of[e]].to != step) continue;
            if (g->v[e].group == g->v[o].group && e != k->head) continue;
            if (place_may_follow(g, k, o, e)) return l->of[e];
        }
    }
    return -1;
}

static void place_group(dp_graph *g, dp_layout *l, int32_t group) {
    for (int32_t m = g->member_at[group]; m < g->member_at[group + 1]; m++) {
        int32_t i = g->member[m];
        dp_value *v = &g->v[i];
        if (!v->memory || v->effect) continue;
        if (v->variable >= 0)
            v->place = g->v[v->variable].place;
        else if (v->root)
            v->place = (dp_place){1 + (int32_t)g->plan->n_leaves + v->slot, 0};
        else {
            int32_t end = place_end(g, l, (size_t)i), s = place_inherited(g, l, i, l->step[group]);
            if (s < 0) {
                s = (int32_t)l->n++;
                l->slot[s] = (dp_slot){.bytes = (v->count * v->size + 63) / 64 * 64,
                                       .from = l->step[group],
                                       .to = end};
            }
            if (end > l->slot[s].to)
                l->slot[s].to = end;
            else if (l->slot[s].to == l->step[group] && end == l->step[group])
                l->slot[s].to = end;
            l->of[i] = s;
        }
    }
}

/* ---- places: larger slots first, each at the lowest offset free during its life ---- */

static int place_by_size(const void *a, const void *b) {
    const dp_slot *x = *(dp_slot *const *)a, *y = *(dp_slot *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->from != y->from ? (x->from < y->from ? -1 : 1) : x < y ? -1 : 1;
}

/* Placed slots are kept sorted by offset in `done`. */
static size_t place_large_first(dp_slot **sorted, dp_slot **done, size_t n) {
    size_t top = 0;
    for (size_t i = 0; i < n; i++) {
        dp_slot *s = sorted[i];
        size_t at = 0, k = 0;
        for (; k < i; k++) {
            const dp_slot *d = done[k];
            if (d->to < s->from || d->from > s->to) continue;
            if (d->offset >= at + s->bytes) break;
            if (d->offset + d->bytes > at) at = d->offset + d->bytes;
        }
        s->offset = at;
        if (at + s->bytes > top) top = at + s->bytes;
        for (k = i; k && done[k - 1]->offset > at; k--) done[k] = done[k - 1];
        done[k] = s;
    }
    return top;
}

/* For very many slots: in the order of birth, the smallest hole that fits. */
typedef struct dp_hole {
    size_t offset, bytes;
} dp_hole;

static void place_hole_free(dp_hole *h, size_t *n, size_t offset, size_t bytes) {
    size_t i = *n;
    for (; i && h[i - 1].offset > offset; i--) h[i] = h[i - 1];
    h[i] = (dp_hole){offset, bytes};
    ++*n;
    if (i + 1 < *n && h[i].offset + h[i].bytes == h[i + 1].offset) {
        h[i].bytes += h[i + 1].bytes;
        memmove(h + i + 1, h + i + 2, (*n - i - 2) * sizeof *h);
        --*n;
    }
    if (i && h[i - 1].offset + h[i - 1].bytes == h[i].offset) {
        h[i - 1].bytes += h[i].bytes;
        memmove(h + i, h + i + 1, (*n - i - 1) * sizeof *h);
        --*n;
    }
}

static size_t place_hole_take(dp_hole *h, size_t *n, size_t bytes, size_t *top) {
    size_t best = *n, at;
    for (size_t i = 0; i < *n; i++)
        if (h[i].bytes >= bytes && (best == *n || h[i].bytes < h[best].bytes)) best = i;
    if (best == *n) {
        at = *top;
        *top += bytes;
        return at;
    }
    at = h[best].offset;
    h[best].offset += bytes;
    h[best].bytes -= bytes;
    if (!h[best].bytes) {
        memmove(h + best, h + best + 1, (*n - best - 1) * sizeof *h);
        --*n;
    }
    return at;
}

static int place_by_end(const void *a, const void *b) {
    const dp_slot *x = *(dp_slot *const *)a, *y = *(dp_slot *const *)b;
    return x->to != y->to ? (x->to < y->to ? -1 : 1) : x < y ? -1 : x > y;
}

/* Slots are born in the order of their index. */
static size_t place_sweep(dp_slot *slot, dp_slot **by_end, dp_hole *holes, size_t n) {
    size_t top = 0, n_holes = 0, dead = 0;
    for (size_t i = 0; i < n; i++) {
        for (; dead < n && by_end[dead]->to < slot[i].from; dead++)
            if (by_end[dead]->bytes)
                place_hole_free(holes, &n_holes, by_end[dead]->offset, by_end[dead]->bytes);
        slot[i].offset = place_hole_take(holes, &n_holes, slot[i].bytes, &top);
    }
    return top;
}

static bool place_slots(dp_graph *g, dp_layout *l) {
    enum { LARGE_FIRST = 3000 };
    size_t n = l->n;
    dp_slot **sorted = dp__alloc((n + 1) * sizeof *sorted),
            **done = dp__alloc((n + 1) * sizeof *done);
    dp_hole *holes = dp__alloc((n + 1) * sizeof *holes);
    if (sorted && done && holes) {
        for (size_t i = 0; i < n; i++) sorted[i] = &l->slot[i];
        qsort(sorted, n, sizeof *sorted, n <= LARGE_FIRST ? place_by_size : place_by_end);
        g->plan->arena = n <= LARGE_FIRST ? place_large_first(sorted, done, n)
                                          : place_sweep(l->slot, sorted, holes, n);
    }
    bool fine = sorted && done && holes;
    dp__release(sorted, (n + 1) * sizeof *sorted);
    dp__release(done, (n + 1) * sizeof *done);
    dp__release(holes, (n + 1) * sizeof *holes);
    return fine;
}

bool dp__place(dp_graph *g) {
    dp_layout l = {0};
    l.slot = dp__alloc((g->n + 1) * sizeof *l.slot);
    l.of = dp__alloc((g->n + 1) * sizeof *l.of);
    l.step = dp__alloc((g->n_groups + 1) * sizeof *l.step);
    bool fine = l.slot && l.of && l.step;
    for (size_t i = 0; fine && i < g->n; i++) l.of[i] = -1;
    for (size_t i = 0; fine && i < g->n_order; i++) l.step[g->order[i]] = (int32_t)i;
    for (size_t i = 0; fine && i < g->n_order; i++) place_group(g, &l, g->order[i]);
    fine = fine && place_slots(g, &l);
    for (size_t i = 0; fine && i < g->n; i++)
        if (l.of[i] >= 0) g->v[i].place = (dp_place){0, (int64_t)l.slot[l.of[i]].offset};
    dp__release(l.slot, (g->n + 1) * sizeof *l.slot);
    dp__release(l.of, (g->n + 1) * sizeof *l.of);
    dp__release(l.step, (g->n_groups + 1) * sizeof *l.step);
    return fine;
}
