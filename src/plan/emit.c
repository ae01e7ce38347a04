/* emit.c: groups become steps: programs of tile calls, kernel calls. */
#include <string.h>
#include "plan.h"

/* A program while it is written. Registers are virtual (place.offset is a number) until
 * emit_registers gives them room. */
typedef struct dp_writer {
    dp_graph *g;
    const dp_group *k;
    int32_t group;
    dp_instr *instr; /* EMIT_ROOM of each */
    size_t n, n_registers;
    struct dp_known {
        int32_t value;
        uint8_t how;
        dp_operand at;
    } * known; /* gathered, expanded, computed */
    size_t n_known;
} dp_writer;
/* A member is one instruction, and at most one gather or expansion for each of its inputs. */
enum { EMIT_ROOM = (DP_MAX_IN + 1) * (DP_GROUP_LIMIT + 1) };
enum { EMIT_COMPUTED, EMIT_GATHERED, EMIT_EXPANDED };

static dp_operand *emit_known(const dp_writer *w, int32_t value, uint8_t how) {
    for (size_t i = 0; i < w->n_known; i++)
        if (w->known[i].value == value && w->known[i].how == how) return &w->known[i].at;
    return NULL;
}

static dp_operand emit_remember(dp_writer *w, int32_t value, uint8_t how, dp_operand at) {
    w->known[w->n_known++] = (struct dp_known){value, how, at};
    return at;
}

static dp_operand emit_register(dp_writer *w, uint8_t size) {
    return (dp_operand){
        .kind = DP_REGISTER, .size = size, .place = {-1, (int64_t)w->n_registers++}};
}

static dp_place emit_shift(dp_place p, int64_t elements, uint8_t size) {
    return (dp_place){p.base, p.offset + elements * size};
}

/* ---- operands ---- */

static bool emit_scalar(const dp_value *u) {
    for (int i = 0; i < u->shape.rank; i++)
        if (u->shape.dim[i] != 1 && u->stride[i] != 0) return false;
    return true;
}

/* Neighbouring dims merge where the outer stride continues the inner one. */
static void emit_collapse(const dp_value *u, dp_strided *r) {
    for (int i = 0; i < u->shape.rank; i++) {
        int64_t dim = u->shape.dim[i], stride = u->stride[i];
        if (dim == 1) continue;
        if (r->rank && r->stride[r->rank - 1] == stride * dim) {
            r->dim[r->rank - 1] *= dim;
            r->stride[r->rank - 1] = stride;
            continue;
        }
        r->dim[r->rank] = dim;
        r->stride[r->rank++] = stride;
    }
    if (r->rank && r->stride[0] == 0) {
        r->period = 1;
        for (int i = 1; i < r->rank; i++) r->period *= (size_t)r->dim[i];
    }
}

static bool emit_gather(dp_writer *w, int32_t value, bool row_level, dp_operand to) {
    const dp_value *u = &w->g->v[value];
    dp_instr *c = &w->instr[w->n++];
    *c = (dp_instr){
        .kind = DP_DO_GATHER, .n_in = 1, .dtype = u->dtype, .row_level = row_level, .out = to};
    c->in[0] = (dp_operand){.kind = DP_SCALAR,
                            .size = u->size,
                            .place = emit_shift(w->g->v[u->base].place, u->offset, u->size)};
    c->gather = dp__plan_alloc(w->g->plan, 1, sizeof *c->gather);
    if (c->gather) emit_collapse(u, c->gather);
    return c->gather != NULL;
}

static dp_operand emit_outside(dp_writer *w, int32_t value, bool row_level, bool whole,
                               bool *fine) {
    const dp_value *u = &w->g->v[value];
    dp_operand o = {.kind = DP_MEMORY,
                    .size = u->size,
                    .place = emit_shift(w->g->v[u->base].place, u->offset, u->size)};
    if (whole || emit_scalar(u)) {
        o.kind = DP_SCALAR;
        return o;
    }
    if (dp__graph_row_major(u)) return o;
    dp_operand *known = emit_known(w, value, EMIT_GATHERED);
    if (known) return *known;
    o = emit_register(w, u->size);
    *fine = *fine && emit_gather(w, value, row_level, o);
    return emit_remember(w, value, EMIT_GATHERED, o);
}

static dp_operand emit_expanded(dp_writer *w, int32_t value) {
    const dp_value *u = &w->g->v[value];
    dp_operand *known = emit_known(w, u->base, EMIT_EXPANDED);
    if (known) return *known;
    dp_operand o = emit_register(w, u->size);
    dp_instr *c = &w->instr[w->n++];
    *c = (dp_instr){.kind = DP_DO_EXPAND, .n_in = 1, .dtype = u->dtype, .out = o};
    c->in[0] = *emit_known(w, u->base, EMIT_COMPUTED);
    return emit_remember(w, u->base, EMIT_EXPANDED, o);
}

static dp_operand emit_operand(dp_writer *w, const dp_value *v, int i, bool row_level, bool *fine) {
    const dp_value *u = &w->g->v[v->in[i]];
    bool whole = v->op->whole >> i & 1;
    dp_relation r = whole ? DP_OUTSIDE : dp__fuse_relation(w->g, u, w->k, row_level);
    if (r == DP_SAME && emit_known(w, u->base, EMIT_COMPUTED))
        return *emit_known(w, u->base, EMIT_COMPUTED);
    if (r == DP_EXPANDED) return emit_expanded(w, v->in[i]);
    return emit_outside(w, v->in[i], row_level, whole, fine);
}

/* ---- instructions ---- */

static dp_dtype emit_tile_dtype(const dp_graph *g, const dp_value *v) {
    dp_dtype t = (dp_dtype)v->dtype;
    for (int i = 0; i < v->n_in; i++)
        if (!(v->op->whole >> i & 1)) t = (dp_dtype)g->v[v->in[i]].dtype;
    return t;
}

static bool emit_member(dp_writer *w, int32_t value) {
    dp_graph *g = w->g;
    const dp_value *v = &g->v[value];
    const dp_op *op = v->assigns ? &dp_op_copy : v->op;
    dp_instr c = {.kind = op->kind == DP_ROW ? DP_DO_ROW : DP_DO_TILE,
                  .row_level = op->kind == DP_POINTWISE && v->row_level,
                  .attr = v->attr,
                  .name = op->name};
    dp_place place = v->assigns ? g->v[v->variable].place : v->place;
    dp_operand out = {.kind = DP_MEMORY, .size = v->size, .place = place};
    bool fine = true;
    if (!v->memory && !v->assigns) out = emit_register(w, v->size);
    int32_t source = v->assigns ? v->in[1] : v->in[0];
    const dp_value *u = &g->v[source];
    bool strided = dp__fuse_relation(g, u, w->k, c.row_level) == DP_OUTSIDE &&
                   !dp__graph_row_major(u) && !emit_scalar(u);
    emit_remember(w, value, EMIT_COMPUTED, out);
    if (op == &dp_op_copy && strided) return emit_gather(w, source, c.row_level, out);
    if (v->assigns) {
        dp_value alone = *v;
        alone.op = op, alone.n_in = 1, alone.in[0] = source;
        c.n_in = 1;
        c.in[0] = emit_operand(w, &alone, 0, false, &fine);
        c.dtype = v->dtype;
    } else {
        c.n_in = v->n_in;
        for (int i = 0; i < v->n_in; i++) c.in[i] = emit_operand(w, v, i, c.row_level, &fine);
        c.dtype = (uint8_t)emit_tile_dtype(g, v);
    }
    c.out = out;
    c.tile = op->tiles ? op->tiles[dp__isa()][c.dtype] : op->tile;
    c.row = op->row;
    w->instr[w->n++] = c;
    return fine;
}

/* ---- registers: a slot is free again after its last reader ---- */

static bool emit_is_register(const dp_operand *o) { return o->kind == DP_REGISTER; }

static void emit_registers(dp_writer *w, dp_plan_step *s, size_t slot_bytes) {
    int32_t last[EMIT_ROOM], at[EMIT_ROOM];
    bool taken[EMIT_ROOM] = {0};
    size_t top = 0;
    for (size_t i = 0; i < w->n; i++) {
        for (int k = 0; k < w->instr[i].n_in; k++)
            if (emit_is_register(&w->instr[i].in[k]))
                last[w->instr[i].in[k].place.offset] = (int32_t)i;
        if (emit_is_register(&w->instr[i].out)) last[w->instr[i].out.place.offset] = (int32_t)i;
    }
    for (size_t i = 0; i < w->n; i++) {
        dp_instr *c = &w->instr[i];
        for (int k = 0; k < c->n_in; k++) {
            if (!emit_is_register(&c->in[k])) continue;
            int64_t r = c->in[k].place.offset;
            bool in_place = c->kind == DP_DO_TILE && c->in[k].size == c->out.size;
            if (last[r] == (int32_t)i && in_place) taken[at[r]] = false;
        }
        int64_t made = emit_is_register(&c->out) ? c->out.place.offset : -1;
        if (made >= 0) {
            size_t slot = 0;
            while (slot < top && taken[slot]) slot++;
            if (slot == top) top++;
            taken[slot] = true;
            at[made] = (int32_t)slot;
        }
        for (int k = 0; k < c->n_in; k++) {
            if (!emit_is_register(&c->in[k])) continue;
            int64_t r = c->in[k].place.offset;
            bool in_place = c->kind == DP_DO_TILE && c->in[k].size == c->out.size;
            if (last[r] == (int32_t)i && !in_place) taken[at[r]] = false;
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        dp_instr *c = &w->instr[i];
        for (int k = 0; k < c->n_in; k++)
            if (emit_is_register(&c->in[k]))
                c->in[k].place.offset = at[c->in[k].place.offset] * (int64_t)slot_bytes;
        if (emit_is_register(&c->out))
            c->out.place.offset = at[c->out.place.offset] * (int64_t)slot_bytes;
    }
    s->scratch = top * slot_bytes;
}

/* ---- steps ---- */

static size_t emit_tile_size(const dp_writer *w, const dp_group *k) {
    if (k->row_n) return k->row_n >= DP_TILE_ELEMENTS ? 1 : DP_TILE_ELEMENTS / k->row_n;
    size_t tile = DP_TILE_ELEMENTS, period = 1;
    for (size_t i = 0; i < w->n; i++) {
        size_t p = w->instr[i].gather ? w->instr[i].gather->period : 0;
        if (p > period && p <= tile) period = p;
    }
    return tile / period * period;
}

/* The instructions of a group, in w->instr. */
static bool emit_members(dp_writer *w) {
    const dp_group *k = w->k;
    for (int32_t m = w->g->member_at[w->group]; m < w->g->member_at[w->group + 1]; m++) {
        int32_t value = w->g->member[m];
        const dp_value *v = &w->g->v[value];
        dp_operand head = {.kind = DP_MEMORY, .size = v->size, .place = v->place};
        if (value == k->head)
            emit_remember(w, value, EMIT_COMPUTED, head);
        else if (v->effect && !v->assigns)
            continue; /* its value is computed in the variable */
        else if (!emit_member(w, value))
            return false;
    }
    return true;
}

static bool emit_program(dp_writer *w, dp_plan_step *s) {
    const dp_group *k = w->k;
    const dp_instr *instr = w->instr;
    uint8_t widest = 1;
    if (!emit_members(w)) return false;
    s->n_instr = w->n;
    s->tile = emit_tile_size(w, k);
    for (size_t i = 0; i < w->n; i++) {
        if (instr[i].out.size > widest) widest = instr[i].out.size;
        s->cost += (double)(instr[i].row_level ? s->rows : s->count) * 0.25;
    }
    emit_registers(w, s, (s->tile * (k->row_n ? k->row_n : 1) * widest + 63) / 64 * 64);
    s->instr = dp__plan_alloc(w->g->plan, w->n, sizeof *instr);
    if (s->instr && w->n) memcpy(s->instr, instr, w->n * sizeof *instr);
    return s->instr != NULL;
}

static dp_array emit_array(const dp_value *v) {
    dp_array a = {.dtype = (dp_dtype)v->dtype, .shape = v->shape};
    memcpy(a.stride, v->stride, sizeof a.stride);
    return a;
}

static void emit_kernel(const dp_graph *g, dp_plan_step *s, int32_t head) {
    const dp_value *v = &g->v[head];
    s->op = v->op;
    s->run = (dp_run){.n_in = v->n_in, .attr = v->attr, .parts = 1, .out = emit_array(v)};
    s->out_place = v->place;
    for (int i = 0; i < v->n_in; i++) {
        const dp_value *u = &g->v[v->in[i]];
        s->run.in[i] = emit_array(u);
        s->in_place[i] = emit_shift(g->v[u->base].place, u->offset, u->size);
    }
    s->cost += v->op->cost ? (double)v->op->cost(&s->run) * (v->dtype == DP_F64 ? 0.05 : 0.025)
                           : (double)v->count;
}

static bool emit_group(dp_writer *w, int32_t group, dp_plan_step *s) {
    dp_graph *g = w->g;
    const dp_group *k = &g->g[group];
    w->k = k;
    w->group = group;
    w->n = w->n_registers = w->n_known = 0;
    s->count = k->count;
    s->row_n = k->row_n;
    for (int32_t m = g->member_at[group]; m < g->member_at[group + 1]; m++) {
        const dp_value *v = &g->v[g->member[m]];
        if (v->row_level) s->rows = v->count;
    }
    s->in_place[0].base = s->out_place.base = -1;
    if (k->head >= 0) emit_kernel(g, s, k->head);
    return emit_program(w, s);
}

/* Attributes are the nodes' own; the plan outlives them. */
static bool emit_own_attributes(dp_graph *g) {
    for (size_t i = 0; i < g->n; i++) {
        dp_value *v = &g->v[i];
        if (v->op->kind == DP_VIEW || !v->op->attr_size) continue;
        void *own = dp__plan_alloc(g->plan, 1, v->op->attr_size);
        if (!own) return false;
        memcpy(own, v->attr, v->op->attr_size);
        v->attr = own;
    }
    return true;
}

static bool emit_steps(dp_writer *w) {
    dp_plan *p = w->g->plan;
    for (size_t i = 0; i < w->g->n_order; i++) {
        dp_plan_step *s = &p->step[p->n_steps++];
        if (!emit_group(w, w->g->order[i], s)) return false;
        p->cost += s->cost;
        if (s->scratch > p->scratch) p->scratch = s->scratch;
    }
    return true;
}

bool dp__emit(dp_graph *g) {
    dp_writer w = {.g = g};
    w.instr = dp__zalloc(EMIT_ROOM, sizeof *w.instr);
    w.known = dp__zalloc(EMIT_ROOM, sizeof *w.known);
    g->plan->step = dp__plan_alloc(g->plan, g->n_order, sizeof *g->plan->step);
    bool fine = w.instr && w.known && g->plan->step && emit_own_attributes(g) && emit_steps(&w);
    dp__release(w.instr, EMIT_ROOM * sizeof *w.instr);
    dp__release(w.known, EMIT_ROOM * sizeof *w.known);
    return fine;
}

dp_plan *dp__plan_make(const dp_walk *w, dp_tensor *const *roots, size_t n) {
    dp_plan *p = dp__zalloc(1, sizeof *p);
    if (!p) return NULL;
    dp_graph g = {.plan = p};
    bool fine = dp__graph_build(&g, w, roots, n) && dp__graph_users(&g) && dp__fuse(&g) &&
                dp__order(&g) && dp__place(&g) && dp__emit(&g);
    dp__graph_free(&g);
    if (fine) return p;
    dp__plan_free(p);
    return NULL;
}
