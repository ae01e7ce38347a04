/* exec.c: carries out a plan. Everything that can fail is done in exec_bind, before the first step.
 */
#include <string.h>
#include "run.h"

/* What the threads of one eval share. */
typedef struct dp_exec {
    const dp_plan *plan;
    char **base;   /* 0: arena, then external slots */
    char *scratch; /* one piece per thread */
    size_t scratch_bytes, registers;
    dp_pool *pool;
    int threads;
} dp_exec;

static char *exec_at(const dp_exec *x, dp_place p) { return x->base[p.base] + p.offset; }

/* ---- programs ---- */

static void exec_run_of(char *out, const char *in, int64_t stride, size_t n, size_t size) {
    if (stride == 1)
        memcpy(out, in, n * size);
    else if (stride == 0)
        dp__fill(out, in, n, size);
    else if (size == 4)
        for (size_t i = 0; i < n; i++)
            ((uint32_t *)out)[i] = ((const uint32_t *)in)[(int64_t)i * stride];
    else if (size == 8)
        for (size_t i = 0; i < n; i++)
            ((uint64_t *)out)[i] = ((const uint64_t *)in)[(int64_t)i * stride];
    else
        for (size_t i = 0; i < n; i++) out[i] = in[(int64_t)i * stride];
}

/* Elements first .. first+n of a strided operand, in runs along its last dim. */
static void exec_gather(const dp_strided *r, char *out, const char *in, size_t first, size_t n,
                        size_t size) {
    if (!r->rank) {
        dp__fill(out, in, n, size);
        return;
    }
    int64_t at[DP_MAX_RANK], skip = 0;
    int last = r->rank - 1;
    for (int i = last; i >= 0; i--) {
        at[i] = (int64_t)(first % (size_t)r->dim[i]);
        first /= (size_t)r->dim[i];
        skip += at[i] * r->stride[i];
    }
    while (n) {
        size_t run = (size_t)(r->dim[last] - at[last]);
        if (run > n) run = n;
        exec_run_of(out, in + skip * (int64_t)size, r->stride[last], run, size);
        out += run * size;
        n -= run;
        at[last] += (int64_t)run;
        skip += (int64_t)run * r->stride[last];
        for (int i = last; i > 0 && at[i] == r->dim[i]; i--) {
            skip += r->stride[i - 1] - r->dim[i] * r->stride[i];
            at[i] = 0;
            at[i - 1]++;
        }
    }
}

/* One tile: elements first .. first+n of the space, which are rows row .. row+rows. `fresh` is
 * false if the tile before this one, of the same phase, left its periodic gathers in the registers.
 */
typedef struct dp_span {
    size_t first, n, row, rows;
    bool fresh;
} dp_span;

static char *exec_operand(const dp_exec *x, const dp_operand *o, char *registers, size_t first) {
    if (o->kind == DP_REGISTER) return registers + o->place.offset;
    return exec_at(x, o->place) + (o->kind == DP_MEMORY ? first * o->size : 0);
}

static void exec_instr(const dp_exec *x, const dp_plan_step *s, const dp_instr *c, char *registers,
                       const dp_span *p) {
    size_t first = c->row_level ? p->row : p->first, n = c->row_level ? p->rows : p->n;
    switch (c->kind) {
    case DP_DO_TILE: {
        dp_tile t = {.n = n, .first = first, .attr = c->attr, .dtype = (dp_dtype)c->dtype};
        t.out = exec_operand(x, &c->out, registers, first);
        for (int i = 0; i < c->n_in; i++) {
            t.in[i] = exec_operand(x, &c->in[i], registers, first);
            t.stride[i] = c->in[i].kind != DP_SCALAR;
        }
        c->tile(&t);
        break;
    }
    case DP_DO_ROW: {
        char *out = exec_operand(x, &c->out, registers, p->row);
        const char *in = exec_operand(x, &c->in[0], registers, p->first);
        size_t step = c->in[0].kind == DP_SCALAR ? 0 : s->row_n * c->in[0].size;
        for (size_t r = 0; r < p->rows; r++)
            c->row(out + r * c->out.size, in + r * step, s->row_n, (dp_dtype)c->dtype);
        break;
    }
    case DP_DO_EXPAND: {
        char *out = exec_operand(x, &c->out, registers, p->first);
        const char *in = exec_operand(x, &c->in[0], registers, p->row);
        for (size_t r = 0; r < p->rows; r++)
            dp__fill(out + r * s->row_n * c->out.size, in + r * c->out.size, s->row_n, c->out.size);
        break;
    }
    default:
        if (!p->fresh && c->out.kind == DP_REGISTER && c->gather->period &&
            s->tile % c->gather->period == 0 && !s->rows)
            return;
        exec_gather(c->gather, exec_operand(x, &c->out, registers, first),
                    exec_at(x, c->in[0].place), first, n, c->in[0].size);
    }
}

static void exec_span(const dp_exec *x, const dp_plan_step *s, char *registers, const dp_span *p) {
    for (size_t i = 0; i < s->n_instr; i++) exec_instr(x, s, &s->instr[i], registers, p);
}

/* Elements [from, to) of a flat space. */
static void exec_flat(const dp_exec *x, const dp_plan_step *s, char *registers, size_t from,
                      size_t to) {
    for (size_t at = from; at < to; at += s->tile)
        exec_span(
            x, s, registers,
            &(dp_span){.first = at, .n = to - at < s->tile ? to - at : s->tile, .fresh = true});
}

/* Rows [from, to). */
static void exec_rows(const dp_exec *x, const dp_plan_step *s, char *registers, size_t from,
                      size_t to) {
    for (size_t r = from; r < to; r += s->tile) {
        size_t rows = to - r < s->tile ? to - r : s->tile;
        exec_span(x, s, registers, &(dp_span){r * s->row_n, rows * s->row_n, r, rows, true});
    }
}

/* ---- steps ---- */

typedef struct dp_epilogue {
    const dp_exec *x;
    const dp_plan_step *s;
    char *registers;
    size_t columns; /* of the head's output */
} dp_epilogue;

static void exec_epilogue(void *context, size_t i0, size_t i1, size_t j0, size_t j1) {
    const dp_epilogue *e = context;
    if (e->s->rows)
        exec_rows(e->x, e->s, e->registers, i0, i1);
    else if (j0 == 0 && j1 == e->columns)
        exec_flat(e->x, e->s, e->registers, i0 * j1, i1 * j1);
    else
        for (size_t i = i0; i < i1; i++)
            exec_flat(e->x, e->s, e->registers, i * e->columns + j0, i * e->columns + j1);
}

/* A share of the tiles: whole tiles, so that gathers keep their phase. */
static void exec_program(const dp_exec *x, const dp_plan_step *s, char *registers, size_t part,
                         size_t parts) {
    size_t total = s->rows ? s->rows : s->count, tiles = (total + s->tile - 1) / s->tile;
    size_t from = tiles * part / parts * s->tile, to = tiles * (part + 1) / parts * s->tile;
    if (to > total) to = total;
    if (s->rows)
        exec_rows(x, s, registers, from, to);
    else
        exec_flat(x, s, registers, from, to);
}

static void exec_kernel(const dp_exec *x, const dp_plan_step *s, char *registers, size_t part,
                        size_t parts) {
    const dp_shape *shape = &s->run.out.shape;
    dp_epilogue e = {x, s, registers, shape->rank ? (size_t)shape->dim[shape->rank - 1] : 1};
    dp_run r = s->run;
    r.part = part;
    r.parts = parts;
    r.scratch = registers + x->registers;
    if (s->out_place.base >= 0) r.out.data = exec_at(x, s->out_place);
    for (int i = 0; i < r.n_in; i++) r.in[i].data = exec_at(x, s->in_place[i]);
    if (s->n_instr) {
        r.epilogue = exec_epilogue;
        r.context = &e;
        r.whole_rows = s->rows != 0;
    }
    s->op->run(&r);
}

/* Worth more than one thread? Waking the others and meeting them costs some microseconds. */
static int exec_parts(const dp_plan_step *s, int threads) { return s->cost >= 6000 ? threads : 1; }

static void exec_step(const dp_exec *x, const dp_plan_step *s, int thread, int parts) {
    char *registers = x->scratch + (size_t)thread * x->scratch_bytes;
    if (s->op)
        exec_kernel(x, s, registers, (size_t)thread, (size_t)parts);
    else
        exec_program(x, s, registers, (size_t)thread, (size_t)parts);
}

static void exec_thread(void *context, int thread, int threads) {
    const dp_exec *x = context;
    const dp_plan *p = x->plan;
    for (size_t i = 0; i < p->n_steps; i++) {
        int parts = exec_parts(&p->step[i], threads),
            next = i + 1 < p->n_steps ? exec_parts(&p->step[i + 1], threads) : 1;
        if (thread < parts) exec_step(x, &p->step[i], thread, parts);
        if (threads > 1 && i + 1 < p->n_steps && (parts > 1 || next > 1))
            dp__pool_barrier(x->pool, threads, thread);
    }
}

static void exec_plan(dp_exec *x) {
    bool alone = x->threads == 1;
    for (size_t i = 0; !alone && i < x->plan->n_steps; i++)
        if (exec_parts(&x->plan->step[i], x->threads) > 1) goto together;
    exec_thread(x, 0, 1);
    return;
together:
    if (dp__pool_run(x->pool, x->threads, exec_thread, x)) exec_thread(x, 0, 1);
}

/* ---- binding: memory, threads, the right to assign ---- */

static size_t exec_kernel_scratch(const dp_plan *p, int threads) {
    size_t most = 0;
    for (size_t i = 0; i < p->n_steps; i++) {
        const dp_plan_step *s = &p->step[i];
        if (!s->op || !s->op->scratch) continue;
        dp_run r = s->run;
        r.parts = (size_t)exec_parts(s, threads);
        if (s->n_instr) { /* as exec_kernel will ask */
            r.epilogue = exec_epilogue;
            r.whole_rows = s->rows != 0;
        }
        size_t need = s->op->scratch(&r);
        if (need > most) most = need;
    }
    return (most + 63) / 64 * 64;
}

static bool exec_room(void **memory, size_t *have, size_t need) {
    if (need <= *have) return true;
    dp__release(*memory, *have);
    *memory = NULL;
    *have = 0;
    if (!(*memory = dp__alloc(need))) return false;
    *have = need;
    return true;
}

static bool exec_bind(dp_engine *e, dp_plan *p, dp_exec *x) {
    x->plan = p;
    x->pool = p->cost >= 6000 ? dp__engine_pool(e, &x->threads) : NULL;
    if (!x->pool) x->threads = 1;
    if (p->bound_threads != x->threads) {
        p->kernel_scratch = exec_kernel_scratch(p, x->threads);
        p->bound_threads = x->threads;
    }
    x->registers = (p->scratch + 63) / 64 * 64;
    x->scratch_bytes = x->registers + p->kernel_scratch;
    size_t bases = 1 + p->n_leaves + p->n_roots;
    if (!dp__reserve((void **)&e->base, &e->cap_base, bases, sizeof *e->base)) return false;
    if (!exec_room(&e->arena, &e->arena_bytes, p->arena)) return false;
    if (!exec_room(&e->scratch, &e->scratch_bytes, x->scratch_bytes * (size_t)x->threads))
        return false;
    x->scratch = e->scratch;
    x->base = e->base;
    x->base[0] = e->arena;
    return true;
}

/* One engine at a time may assign a variable. */
static bool exec_claim(dp_engine *e, const dp_plan *p, dp_tensor *const *leaf) {
    for (size_t i = 0; i < p->n_assigned; i++) {
        dp_tensor *v = leaf[p->assigned[i]];
        dp_engine *none = NULL;
        if (__atomic_compare_exchange_n(&v->owner, &none, e, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED) ||
            none == e)
            continue;
        while (i-- > 0) __atomic_store_n(&leaf[p->assigned[i]]->owner, NULL, __ATOMIC_RELEASE);
        dp_fail(DP_EINVAL, "dp_eval: another engine is assigning the variable %s", dp__describe(v));
        return false;
    }
    return true;
}

static void exec_release(const dp_plan *p, dp_tensor *const *leaf) {
    for (size_t i = 0; i < p->n_assigned; i++) {
        dp_tensor *v = leaf[p->assigned[i]];
        v->version++;
        __atomic_store_n(&v->owner, NULL, __ATOMIC_RELEASE);
    }
}

/* Run a plan over these leaves (in the order of its slots); results go to e->base's root slots. */
static dp_status exec_run(dp_engine *e, dp_plan *p, dp_tensor *const *leaf, dp_exec *x) {
    if (!exec_claim(e, p, leaf)) return dp_error_status();
    for (size_t i = 0; i < p->n_leaves; i++) x->base[1 + i] = leaf[i]->buffer->data;
    dp_fenv env;
    dp__fenv_enter(&env);
    e->busy = true;
    exec_plan(x);
    e->busy = false;
    dp__fenv_leave(&env);
    exec_release(p, leaf);
    return DP_OK;
}

dp_status dp__plan_run(dp_engine *e, dp_plan *p, dp_tensor *const *leaf, dp_tensor *const *root) {
    dp_exec x = {0};
    if (!exec_bind(e, p, &x)) return dp_error_status();
    for (size_t i = 0; i < p->n_roots; i++)
        x.base[1 + p->n_leaves + i] = root[i] ? root[i]->buffer->data : NULL;
    return exec_run(e, p, leaf, &x);
}

/* ---- one eval ---- */

/* A buffer for every result slot; roots that are equal share one. */
static bool exec_results(dp_engine *e, const dp_plan *p, dp_exec *x) {
    if (!dp__reserve((void **)&e->result, &e->cap_result, p->n_roots, sizeof *e->result))
        return false;
    for (size_t i = 0; i < p->n_roots; i++) {
        e->result[i] = NULL;
        x->base[1 + p->n_leaves + i] = NULL;
        if (p->root[i] != (int32_t)i) continue;
        if (!(e->result[i] = dp__buffer_new(p->root_bytes[i]))) {
            while (i-- > 0) dp__buffer_drop(e->result[i]);
            return false;
        }
        x->base[1 + p->n_leaves + i] = e->result[i]->data;
    }
    return true;
}

static void exec_settle(dp_engine *e, const dp_plan *p, dp_tensor *const *roots) {
    for (size_t i = 0; i < p->n_roots; i++) {
        if (roots[i]->state != DP_PENDING) continue; /* the same root twice */
        if (p->root[i] < 0) continue;                /* an effect */
        dp_storage *b = e->result[p->root[i]];
        dp__buffer_hold(b);
        dp__settle(roots[i], DP_STORED, b);
    }
    for (size_t i = 0; i < e->walk.n; i++)
        if (e->walk.order[i]->state == DP_PENDING) dp__settle(e->walk.order[i], DP_SPENT, NULL);
}

static bool exec_leaves(dp_engine *e, const dp_plan *p) {
    if (!dp__reserve((void **)&e->leaf, &e->cap_leaf, p->n_leaves, sizeof *e->leaf)) return false;
    for (size_t i = 0; i < p->n_leaves; i++) e->leaf[i] = e->walk.order[p->leaf[i]];
    return true;
}

dp_status dp__plan_eval(dp_engine *e, dp_tensor *const *roots, size_t n) {
    dp_plan *p = dp__engine_plan(e, roots, n, "dp_eval");
    dp_exec x = {0};
    if (!p) return dp_error_status();
    bool bound = exec_bind(e, p, &x) && exec_leaves(e, p) && exec_results(e, p, &x);
    dp_status s = bound ? exec_run(e, p, e->leaf, &x) : dp_error_status();
    if (!s) exec_settle(e, p, roots);
    for (size_t i = 0; bound && i < p->n_roots; i++) dp__buffer_drop(e->result[i]);
    dp__plan_done(p);
    return s;
}
