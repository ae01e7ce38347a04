/* fuse.c: values become groups.
 *
 * A group is computed in one sweep over an index space of `count` elements: pointwise chains, row
 * reductions of them (then the space is rows of row_n elements, and some members have one element a
 * row), and at most one kernel, its head, whose output the rest works on block by block.
 *
 * Invariant: a group's level is above the levels of all groups that its members read from outside,
 * so groups never depend on each other in a circle. A level may be raised while nobody outside uses
 * the group. Members are taken in topological order; assignments last, after all readers. */
#include "plan.h"

int32_t dp__fuse_find(const dp_graph *g, int32_t group) {
    while (group >= 0 && g->g[group].into >= 0) group = g->g[group].into;
    return group;
}

static int32_t fuse_group_of(const dp_graph *g, int32_t value) {
    return dp__fuse_find(g, g->v[g->v[value].base].group);
}

static int32_t fuse_level(const dp_graph *g, int32_t value) {
    int32_t k = fuse_group_of(g, value);
    return k < 0 ? 0 : g->g[k].level;
}

/* ---- how an operand lies ---- */

/* Is `u` a row-level base spread over the last axis? Its other strides are those of the rows. */
static bool fuse_spread(const dp_value *u, const dp_value *base, const dp_group *k) {
    int last = u->shape.rank - 1;
    if (last < 0 || !k->row_n || u->offset || u->count != k->count ||
        base->count * k->row_n != k->count)
        return false;
    if ((size_t)u->shape.dim[last] != k->row_n || u->stride[last] != 0) return false;
    int64_t stride = 1;
    for (int i = last; i-- > 0; stride *= u->shape.dim[i])
        if (u->shape.dim[i] != 1 && u->stride[i] != stride) return false;
    return true;
}

dp_relation dp__fuse_relation(const dp_graph *g, const dp_value *u, const dp_group *k,
                              bool row_level) {
    const dp_value *base = &g->v[u->base];
    int32_t at = dp__fuse_find(g, base->group);
    if (at < 0 || &g->g[at] != k) return DP_OUTSIDE;
    bool same = u->offset == 0 && u->count == base->count && dp__graph_row_major(u);
    if (same && base->row_level == row_level) return DP_SAME;
    if (!row_level && base->row_level && fuse_spread(u, base, k)) return DP_EXPANDED;
    return DP_UNFIT;
}

/* ---- may value c join group k? ---- */

typedef struct dp_seat {
    bool row_level; /* where c would sit */
    size_t row_n;   /* what the group's rows would be */
    int32_t level;
} dp_seat;

static size_t fuse_last_dim(const dp_value *v) {
    return v->shape.rank ? (size_t)v->shape.dim[v->shape.rank - 1] : 1;
}

/* The place of c by sizes alone. */
static bool fuse_seat_size(const dp_graph *g, const dp_value *c, const dp_group *k, dp_seat *seat) {
    seat->row_n = k->row_n;
    if (c->op->kind == DP_ROW) {
        const dp_value *x = &g->v[c->in[0]];
        size_t n = fuse_last_dim(x);
        if (x->count != k->count || n < 2 || n > DP_ROW_LIMIT || (k->row_n && k->row_n != n))
            return false;
        if (k->head >= 0 && fuse_last_dim(&g->v[k->head]) != n) return false;
        seat->row_level = true;
        seat->row_n = n;
        return true;
    }
    seat->row_level = c->count != k->count;
    return !seat->row_level || (k->row_n && c->count * k->row_n == k->count);
}

static bool fuse_seat(const dp_graph *g, const dp_value *c, int32_t group, dp_seat *seat) {
    const dp_group *k = &g->g[group];
    if (!k->open || k->members >= DP_GROUP_LIMIT || !c->count || !fuse_seat_size(g, c, k, seat))
        return false;
    seat->level = k->level;
    for (int i = 0; i < c->n_in; i++) {
        bool operand_level = c->op->kind == DP_ROW ? false : seat->row_level;
        const dp_value *u = &g->v[c->in[i]];
        int32_t at = dp__fuse_find(g, g->v[u->base].group);
        if (at == group) {
            if (c->op->whole >> i & 1) return false;
            dp_relation r = dp__fuse_relation(g, u, k, operand_level);
            if (r == DP_UNFIT) return false;
            continue;
        }
        int32_t above = fuse_level(g, c->in[i]) + 1;
        if (above > seat->level) seat->level = above;
    }
    return seat->level == k->level || !k->outside;
}

static void fuse_sit(dp_graph *g, int32_t value, int32_t group, const dp_seat *seat) {
    dp_value *c = &g->v[value];
    dp_group *k = &g->g[group];
    c->group = group;
    c->row_level = seat->row_level;
    k->row_n = seat->row_n;
    k->level = seat->level;
    k->members++;
    if (value > k->last) k->last = value;
}

static void fuse_used(dp_graph *g, int32_t value, int32_t by) {
    const dp_value *c = &g->v[value];
    for (int i = 0; i < c->n_in; i++) {
        int32_t k = fuse_group_of(g, c->in[i]);
        if (k >= 0 && k != by) g->g[k].outside = true;
    }
}

/* ---- groups of their own, and merging ---- */

static int32_t fuse_new(dp_graph *g, int32_t value) {
    dp_value *c = &g->v[value];
    dp_group k = {.head = -1,
                  .into = -1,
                  .count = c->count,
                  .level = 1,
                  .members = 1,
                  .last = value,
                  .open = true};
    for (int i = 0; i < c->n_in; i++)
        if (fuse_level(g, c->in[i]) + 1 > k.level) k.level = fuse_level(g, c->in[i]) + 1;
    if (c->op->kind == DP_ROW) {
        k.count = g->v[c->in[0]].count;
        k.row_n = fuse_last_dim(&g->v[c->in[0]]);
        k.open = k.row_n >= 2 && k.row_n <= DP_ROW_LIMIT && c->count;
        c->row_level = true;
    } else if (c->op->kind != DP_POINTWISE) {
        k.head = value;
        k.open = c->op->epilogue && c->count;
    }
    if (!c->count) k.open = false;
    if (!dp__reserve((void **)&g->g, &g->cap_groups, g->n_groups + 1, sizeof *g->g)) return -1;
    g->g[g->n_groups] = k;
    c->group = (int32_t)g->n_groups;
    return (int32_t)g->n_groups++;
}

/* Could a become part of t, seen from a value that reads both? Nobody else may use a. */
static bool fuse_mergeable(const dp_graph *g, int32_t a, int32_t t) {
    const dp_group *x = &g->g[a], *y = &g->g[t];
    if (a == t || x->outside || !x->open || !y->open || x->count != y->count) return false;
    if (x->head >= 0 && y->head >= 0) return false;
    if (x->row_n && y->row_n && x->row_n != y->row_n) return false;
    size_t row_n = x->row_n ? x->row_n : y->row_n;
    int32_t head = x->head >= 0 ? x->head : y->head;
    if (row_n && head >= 0 && fuse_last_dim(&g->v[head]) != row_n) return false;
    if (x->members + y->members > DP_GROUP_LIMIT) return false;
    return x->level <= y->level || !y->outside;
}

static void fuse_merge(dp_graph *g, int32_t a, int32_t t) {
    dp_group *x = &g->g[a], *y = &g->g[t];
    x->into = t;
    x->open = false;
    if (x->row_n) y->row_n = x->row_n;
    if (x->head >= 0) y->head = x->head;
    if (x->level > y->level) y->level = x->level;
    y->members += x->members;
    if (x->last > y->last) y->last = x->last;
}

/* Operands whose groups c could be part of, as it is. */
static bool fuse_reads_same(const dp_graph *g, const dp_value *c, int32_t operand, int32_t group) {
    const dp_value *u = &g->v[operand];
    bool row_level = c->op->kind == DP_ROW ? false : c->count != g->g[group].count;
    dp_relation r = dp__fuse_relation(g, u, &g->g[group], row_level);
    return r == DP_SAME || r == DP_EXPANDED;
}

static void fuse_merge_operands(dp_graph *g, const dp_value *c, int32_t *target) {
    for (int i = 0; i < c->n_in; i++) {
        int32_t a = fuse_group_of(g, c->in[i]);
        if (a < 0 || a == *target || (c->op->whole >> i & 1) || !fuse_reads_same(g, c, c->in[i], a))
            continue;
        if (fuse_mergeable(g, a, *target))
            fuse_merge(g, a, *target);
        else if (fuse_mergeable(g, *target, a))
            fuse_merge(g, *target, a), *target = a;
    }
}

static bool fuse_value(dp_graph *g, int32_t value) {
    dp_value *c = &g->v[value];
    int32_t target = -1;
    bool joins = c->op->kind == DP_POINTWISE || c->op->kind == DP_ROW;
    for (int i = 0; joins && i < c->n_in; i++) {
        int32_t k = fuse_group_of(g, c->in[i]);
        if (k < 0 || (c->op->whole >> i & 1) || !fuse_reads_same(g, c, c->in[i], k)) continue;
        if (target < 0 || g->g[k].level > g->g[target].level) target = k;
    }
    if (target >= 0) fuse_merge_operands(g, c, &target);
    dp_seat seat;
    if (target >= 0 && fuse_seat(g, c, target, &seat))
        fuse_sit(g, value, target, &seat);
    else if ((target = fuse_new(g, value)) < 0)
        return false;
    fuse_used(g, value, target);
    return true;
}

/* ---- assignments: computed into the variable where nobody is in the way ---- */

/* Does any other assignment of this plan go to the same variable? */
static bool fuse_assigned_once(const dp_graph *g, int32_t leaf, int32_t value) {
    for (int32_t i = g->user_at[leaf]; i < g->user_at[leaf + 1]; i++) {
        const dp_value *u = &g->v[g->user[i]];
        if (u->op == &dp_op_assign && g->user[i] != value && u->in[0] == leaf) return false;
    }
    return true;
}

/* Group k writes the variable: the groups that read it have a user in k, and stay below it. */
static void fuse_follows_readers(dp_graph *g, int32_t leaf, int32_t group) {
    dp_group *k = &g->g[group];
    for (int32_t i = g->user_at[leaf]; i < g->user_at[leaf + 1]; i++) {
        int32_t at = dp__fuse_find(g, g->v[g->user[i]].group);
        if (at < 0 || at == group) continue;
        g->g[at].outside = true;
        if (g->g[at].level + 1 > k->level) k->level = g->g[at].level + 1;
    }
}

/* All readers of the old value come before group k (its level raised if it may be), or are members
 * that read element by element, no later than x. */
static bool fuse_readers_before(dp_graph *g, int32_t leaf, int32_t group, int32_t x,
                                int32_t assign) {
    dp_group *k = &g->g[group];
    int32_t level = k->level;
    for (int32_t i = g->user_at[leaf]; i < g->user_at[leaf + 1]; i++) {
        int32_t r = g->user[i];
        const dp_value *reader = &g->v[r];
        if (r == assign) continue;
        int32_t at = dp__fuse_find(g, reader->group);
        if (at < 0) return false;
        if (at != group) {
            if (g->g[at].level + 1 > level) level = g->g[at].level + 1;
            continue;
        }
        if (r == k->head || r > x || reader->row_level) return false;
        for (int n = 0; n < reader->n_in; n++) {
            const dp_value *u = &g->v[reader->in[n]];
            if (u->base == leaf &&
                !(u->offset == 0 && u->count == k->count && dp__graph_row_major(u)))
                return false;
        }
    }
    if (level > k->level && k->outside) return false;
    k->level = level;
    fuse_follows_readers(g, leaf, group);
    return true;
}

static bool fuse_assign(dp_graph *g, int32_t value) {
    dp_value *c = &g->v[value];
    int32_t leaf = c->in[0], x = c->in[1], group = fuse_group_of(g, x);
    const dp_value *u = &g->v[x];
    g->plan->assigned[g->plan->n_assigned++] = g->v[leaf].slot;
    c->variable = leaf;
    g->v[leaf].assigned = true;
    bool direct = group >= 0 && u->base == x && !u->root && u->variable < 0 && !u->row_level &&
                  u->count && u->op->kind == DP_POINTWISE && fuse_assigned_once(g, leaf, value) &&
                  fuse_readers_before(g, leaf, group, x, value);
    if (direct) {
        g->v[x].variable = leaf; /* and the assign itself has nothing to do */
        c->group = group;
        return true;
    }
    if (fuse_new(g, value) < 0)
        return false; /* a copy, after all that read or write the variable */
    dp_group *k = &g->g[c->group];
    k->head = -1;
    k->open = false;
    c->assigns = true;
    fuse_follows_readers(g, leaf, c->group);
    fuse_used(g, value, c->group);
    return true;
}

/* ---- values that only one later group reads move there, so that nothing is stored for them ----
 */

static bool fuse_can_sink(const dp_graph *g, int32_t value, int32_t *to) {
    const dp_value *v = &g->v[value];
    int32_t from = dp__fuse_find(g, v->group);
    if (v->op->kind != DP_POINTWISE || v->root || v->variable >= 0 || v->row_level || from < 0 ||
        v->effect)
        return false;
    *to = -1;
    for (int32_t i = g->user_at[value]; i < g->user_at[value + 1]; i++) {
        const dp_value *u = &g->v[g->user[i]];
        int32_t k = dp__fuse_find(g, u->group);
        if (k < 0 || k == from || (*to >= 0 && k != *to) || u->op->kind != DP_POINTWISE ||
            u->row_level || u->assigns)
            return false;
        *to = k;
        for (int n = 0; n < u->n_in; n++) {
            const dp_value *o = &g->v[u->in[n]];
            if (o->base == value && ((u->op->whole >> n & 1) || o->offset || o->count != v->count ||
                                     !dp__graph_row_major(o)))
                return false;
        }
    }
    if (*to < 0 || g->g[*to].count != v->count || g->g[*to].members >= DP_GROUP_LIMIT ||
        !g->g[*to].open)
        return false;
    for (int n = 0; n < v->n_in; n++) { /* its operands have bytes that stay */
        const dp_value *b = &g->v[g->v[v->in[n]].base];
        if (!b->memory || b->variable >= 0 || b->assigned) return false;
    }
    return true;
}

static void fuse_needs_memory(dp_graph *g) {
    for (size_t i = 0; i < g->n; i++) {
        dp_value *v = &g->v[i];
        if (v->op->kind == DP_VIEW || v->effect) continue;
        int32_t mine = dp__fuse_find(g, v->group);
        if (v->leaf || v->root || v->variable >= 0 || g->g[mine].head == (int32_t)i)
            v->memory = true;
        for (int32_t k = g->user_at[i]; k < g->user_at[i + 1]; k++) {
            int32_t at = dp__fuse_find(g, g->v[g->user[k]].group);
            if (at != mine) v->memory = true;
        }
    }
}

static void fuse_sink(dp_graph *g) {
    for (size_t i = g->n; i-- > 0;) {
        int32_t to;
        dp_value *v = &g->v[i];
        if (v->leaf || v->op->kind == DP_VIEW || !v->memory || !fuse_can_sink(g, (int32_t)i, &to))
            continue;
        g->g[dp__fuse_find(g, v->group)].members--;
        v->group = to;
        g->g[to].members++;
        v->memory = false;
    }
}

static bool fuse_callback(dp_graph *g, int32_t value, int32_t *level) {
    if (fuse_new(g, value) < 0) return false;
    dp_group *k = &g->g[g->v[value].group];
    if (k->level <= *level) k->level = *level + 1;
    *level = k->level;
    fuse_used(g, value, g->v[value].group);
    return true;
}

/* Effects by serial, the order of creation: callbacks first, for they see old values. Few, so by
 * insertion. */
static bool fuse_before(const dp_value *a, const dp_value *b) {
    bool assign_a = a->op == &dp_op_assign, assign_b = b->op == &dp_op_assign;
    return assign_a != assign_b ? assign_b : a->node->serial < b->node->serial;
}

static bool fuse_effects(dp_graph *g) {
    int32_t *effect = dp__alloc(g->n * sizeof *effect), level = 0;
    size_t n = 0;
    if (!effect) return false;
    for (size_t i = 0; i < g->n; i++) {
        if (!g->v[i].effect) continue;
        size_t at = n++;
        for (; at && fuse_before(&g->v[i], &g->v[effect[at - 1]]); at--)
            effect[at] = effect[at - 1];
        effect[at] = (int32_t)i;
    }
    bool fine = true;
    for (size_t i = 0; fine && i < n; i++)
        fine = g->v[effect[i]].op == &dp_op_assign ? fuse_assign(g, effect[i])
                                                   : fuse_callback(g, effect[i], &level);
    dp__release(effect, g->n * sizeof *effect);
    return fine;
}

bool dp__fuse(dp_graph *g) {
    for (size_t i = 0; i < g->n; i++) {
        const dp_value *v = &g->v[i];
        if (v->leaf || v->op->kind == DP_VIEW || v->effect) continue;
        if (!fuse_value(g, (int32_t)i)) return false;
    }
    if (!fuse_effects(g)) return false;
    fuse_needs_memory(g);
    fuse_sink(g);
    return true;
}
