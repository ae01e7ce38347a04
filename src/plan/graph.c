/* graph.c: nodes become values: equal ones merged, views resolved to strides over a base. */
#include <string.h>
#include "plan.h"

void dp__graph_free(dp_graph *g) {
    dp__release(g->v, g->cap * sizeof *g->v);
    dp__release(g->of, g->n_of * sizeof *g->of);
    dp__release(g->g, g->cap_groups * sizeof *g->g);
    dp__release(g->user, g->n_user * sizeof *g->user);
    dp__release(g->user_at, g->n_user_at * sizeof *g->user_at);
    dp__release(g->order, g->n_groups * sizeof *g->order);
    dp__release(g->member, g->n * sizeof *g->member);
    dp__release(g->member_at, (g->n_groups + 1) * sizeof *g->member_at);
    *g = (dp_graph){0};
}

bool dp__graph_row_major(const dp_value *v) {
    int64_t stride = 1;
    if (!v->count) return true;
    for (int i = v->shape.rank; i-- > 0; stride *= v->shape.dim[i])
        if (v->shape.dim[i] != 1 && v->stride[i] != stride) return false;
    return true;
}

static void graph_strides(dp_value *v) {
    int64_t stride = 1;
    for (int i = v->shape.rank; i-- > 0; stride *= v->shape.dim[i]) v->stride[i] = stride;
}

static int32_t graph_add(dp_graph *g, const dp_value *v) {
    if (!dp__reserve((void **)&g->v, &g->cap, g->n + 1, sizeof *g->v)) return -1;
    g->v[g->n] = *v;
    return (int32_t)g->n++;
}

static dp_value graph_value(const dp_tensor *t) {
    dp_value v = {.op = t->op,
                  .attr = t->attr,
                  .node = t,
                  .dtype = t->dtype,
                  .group = -1,
                  .slot = -1,
                  .variable = -1,
                  .place = {.base = -1}};
    v.size = (uint8_t)dp_dtype_size((dp_dtype)t->dtype);
    v.shape = dp_shape_at(t);
    v.count = (size_t)dp_count(t);
    graph_strides(&v);
    return v;
}

/* ---- equal values ---- */

typedef struct dp_merge {
    int32_t *slot;
    size_t cap;
} dp_merge;

static uint64_t graph_value_hash(const dp_value *v) {
    uint64_t h = dp__hash(&v->op, sizeof v->op, v->dtype);
    h = dp__hash(v->asked, sizeof v->asked[0] * v->n_in, h);
    h = dp__hash(v->shape.dim, sizeof v->shape.dim[0] * (size_t)v->shape.rank, h);
    return v->op->attr_size ? dp__hash(v->attr, v->op->attr_size, h) : h;
}

static bool graph_value_equal(const dp_value *a, const dp_value *b) {
    return a->op == b->op && a->dtype == b->dtype && a->n_in == b->n_in &&
           a->shape.rank == b->shape.rank &&
           !memcmp(a->asked, b->asked, sizeof a->asked[0] * a->n_in) &&
           !memcmp(a->shape.dim, b->shape.dim, sizeof a->shape.dim[0] * (size_t)a->shape.rank) &&
           !memcmp(a->attr, b->attr, a->op->attr_size);
}

/* Where the value that equals v stands in the table (index + 1), or 0 where it will. */
static int32_t *graph_merge(const dp_graph *g, dp_merge *m, const dp_value *v) {
    size_t i = (size_t)graph_value_hash(v) & (m->cap - 1);
    while (m->slot[i] && !graph_value_equal(&g->v[m->slot[i] - 1], v)) i = (i + 1) & (m->cap - 1);
    return &m->slot[i];
}

/* ---- views and copies ---- */

/* A row-major copy of value x. */
static int32_t graph_copy(dp_graph *g, int32_t x) {
    dp_value v = {.op = &dp_op_copy,
                  .n_in = 1,
                  .in = {x},
                  .dtype = g->v[x].dtype,
                  .size = g->v[x].size,
                  .shape = g->v[x].shape,
                  .count = g->v[x].count,
                  .group = -1,
                  .slot = -1,
                  .variable = -1,
                  .place = {.base = -1}};
    v.attr = &dp_op_copy; /* of size 0; never read */
    graph_strides(&v);
    v.base = (int32_t)g->n;
    return graph_add(g, &v);
}

static bool graph_dense(const dp_graph *g, int32_t x) {
    return dp__graph_row_major(&g->v[x]) && g->v[x].offset == 0 &&
           g->v[g->v[x].base].count == g->v[x].count;
}

static int32_t graph_made_dense(dp_graph *g, int32_t x) {
    return graph_dense(g, x) ? x : graph_copy(g, x);
}

static dp_array graph_array(const dp_value *v, const char *origin) {
    dp_array a = {.dtype = (dp_dtype)v->dtype, .shape = v->shape};
    a.data = (char *)(uintptr_t)origin + v->offset * v->size;
    memcpy(a.stride, v->stride, sizeof a.stride);
    return a;
}

/* Fill base, offset and strides of a view over its input (copied first where it must be). */
static bool graph_view(dp_graph *g, dp_value *v) {
    static const char origin[1] = {0}; /* an address to measure offsets from */
    for (;;) {
        const dp_value *x = &g->v[v->in[0]];
        dp_array in = graph_array(x, origin),
                 out = {.dtype = (dp_dtype)v->dtype, .shape = v->shape};
        if (v->op->view(&in, &out, v->attr)) {
            v->base = x->base;
            v->offset = ((char *)out.data - origin) / v->size;
            memcpy(v->stride, out.stride, sizeof v->stride);
            return true;
        }
        if ((v->in[0] = graph_copy(g, v->in[0])) < 0) return false;
    }
}

/* Inputs of rows and kernels that take no strides, and whole operands, are made row-major. What an
 * assignment takes straight from a leaf is copied, for that leaf may be a variable that changes:
 * two variables swapped, one reversed in its own place. */
static bool graph_inputs(dp_graph *g, dp_value *v) {
    if (v->op == &dp_op_assign && g->v[g->v[v->in[1]].base].leaf &&
        (v->in[1] = graph_copy(g, v->in[1])) < 0)
        return false;
    for (int i = 0; i < v->n_in; i++) {
        bool dense = v->op->kind == DP_ROW ||
                     (v->op->kind == DP_KERNEL && !(v->op->strided >> i & 1)) ||
                     (v->op->kind == DP_EFFECT && v->op->run) || (v->op->whole >> i & 1);
        if (dense && (v->in[i] = graph_made_dense(g, v->in[i])) < 0) return false;
    }
    return true;
}

/* ---- building ---- */

static int32_t graph_leaf(dp_graph *g, dp_value *v, size_t at) {
    v->leaf = true;
    v->base = (int32_t)g->n;
    v->slot = (int32_t)g->plan->n_leaves;
    v->place = (dp_place){1 + v->slot, 0};
    v->memory = true;
    g->plan->leaf[g->plan->n_leaves++] = (int32_t)at;
    return graph_add(g, v);
}

static int32_t graph_node(dp_graph *g, dp_merge *m, const dp_walk *w, size_t at) {
    const dp_tensor *t = w->order[at];
    dp_value v = graph_value(t);
    if (t->state == DP_STORED) return graph_leaf(g, &v, at);
    v.n_in = t->n_in;
    for (int i = 0; i < v.n_in; i++) v.in[i] = g->of[dp__walk_index(w, t->in[i])];
    v.effect = t->op->kind == DP_EFFECT;
    memcpy(v.asked, v.in, sizeof v.asked);
    int32_t *known = v.effect ? NULL : graph_merge(g, m, &v);
    if (known && *known) return *known - 1;
    if (v.op->kind == DP_VIEW ? !graph_view(g, &v) : !graph_inputs(g, &v)) return -1;
    if (v.op->kind != DP_VIEW) v.base = (int32_t)g->n;
    int32_t made = graph_add(g, &v);
    if (known) *known = made + 1;
    return made;
}

/* Roots need bytes of their own: views are copied. Equal roots share a slot. */
static bool graph_root(dp_graph *g, int32_t at, size_t number) {
    int32_t x = g->of[at];
    if (g->v[x].effect) return true;
    if (g->v[x].op->kind == DP_VIEW || g->v[x].leaf) x = graph_copy(g, x);
    if (x < 0) return false;
    g->of[at] = x;
    dp_value *v = &g->v[x];
    if (!v->root) {
        v->root = true;
        v->slot = (int32_t)number;
    }
    g->plan->root[number] = v->slot;
    return true;
}

static bool graph_alloc(dp_graph *g, const dp_walk *w, size_t n) {
    dp_plan *p = g->plan;
    g->n_of = w->n;
    g->of = dp__alloc(w->n * sizeof *g->of);
    p->leaf = dp__plan_alloc(p, w->n, sizeof *p->leaf);
    p->root = dp__plan_alloc(p, n, sizeof *p->root);
    p->root_bytes = dp__plan_alloc(p, n, sizeof *p->root_bytes);
    p->assigned = dp__plan_alloc(p, w->n, sizeof *p->assigned);
    p->n_roots = n;
    return g->of && p->leaf && p->root && p->root_bytes && p->assigned;
}

bool dp__graph_build(dp_graph *g, const dp_walk *w, dp_tensor *const *roots, size_t n) {
    dp_merge m = {.cap = 64};
    while (m.cap < w->n * 2) m.cap *= 2;
    bool fine = graph_alloc(g, w, n) && (m.slot = dp__zalloc(m.cap, sizeof *m.slot));
    for (size_t i = 0; fine && i < w->n; i++) fine = (g->of[i] = graph_node(g, &m, w, i)) >= 0;
    for (size_t i = 0; fine && i < n; i++) {
        g->plan->root[i] = -1;
        fine = graph_root(g, dp__walk_index(w, roots[i]), i);
        if (fine && g->plan->root[i] >= 0) g->plan->root_bytes[i] = dp__bytes_of(roots[i]);
    }
    dp__release(m.slot, m.cap * sizeof *m.slot);
    return fine;
}

/* Users of every base, in topological order, as one array. */
bool dp__graph_users(dp_graph *g) {
    g->n_user_at = g->n + 1;
    g->user_at = dp__zalloc(g->n_user_at, sizeof *g->user_at);
    if (!g->user_at) return false;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < g->n; i++) {
            const dp_value *v = &g->v[i];
            for (int k = 0; v->op->kind != DP_VIEW && k < v->n_in; k++) {
                int32_t at = g->v[v->in[k]].base;
                if (pass)
                    g->user[--g->user_at[at]] = (int32_t)i;
                else
                    g->user_at[at]++;
            }
        }
        if (pass) break;
        for (size_t i = 1; i <= g->n; i++) g->user_at[i] += g->user_at[i - 1];
        g->n_user = (size_t)g->user_at[g->n];
        g->user = dp__alloc((g->n_user ? g->n_user : 1) * sizeof *g->user);
        if (!g->user) return false;
        if (!g->n_user) g->n_user = 1;
    }
    return true;
}
