/* naive.c: the oracle. One node, one buffer, one slow kernel, no fusion, no reuse of memory: what
 * every plan must equal bit for bit. */
#include <math.h>
#include <string.h>
#include "run.h"

typedef struct dp_naive {
    dp_walk *walk;
    dp_storage **value; /* of every node in walk->order */
    size_t n;
} dp_naive;

static dp_array naive_array(const dp_tensor *t, dp_storage *b) {
    dp_array a = {.data = b->data, .dtype = (dp_dtype)t->dtype, .shape = dp_shape_at(t)};
    int64_t stride = 1;
    for (int i = a.shape.rank; i-- > 0; stride *= a.shape.dim[i]) a.stride[i] = stride;
    return a;
}

/* Row-major copy of a strided array. */
static void naive_copy(const dp_array *from, void *to) {
    size_t width = dp_dtype_size(from->dtype),
           n = (size_t)dp__shape_count(from->shape.rank, from->shape.dim, NULL);
    int64_t at[DP_MAX_RANK] = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t skip = 0;
        for (int k = 0; k < from->shape.rank; k++) skip += at[k] * from->stride[k];
        memcpy((char *)to + i * width, (const char *)from->data + skip * (int64_t)width, width);
        for (int k = from->shape.rank; k-- > 0 && ++at[k] == from->shape.dim[k];) at[k] = 0;
    }
}

static void naive_pointwise(const dp_tensor *t, const dp_array *in, const dp_array *out) {
    dp_tile tile = {.out = out->data, .attr = t->attr, .dtype = out->dtype};
    tile.n = (size_t)dp_count(t);
    for (int i = 0; i < t->n_in; i++) {
        bool whole = t->op->whole >> i & 1;
        tile.in[i] = in[i].data;
        tile.stride[i] = !whole;
        if (!whole) tile.dtype = in[i].dtype;
    }
    if (t->op->tiles)
        t->op->tiles[DP_ISA_PORTABLE][tile.dtype](&tile);
    else
        t->op->tile(&tile);
}

static void naive_rows(const dp_tensor *t, const dp_array *in, const dp_array *out) {
    size_t n = (size_t)in->shape.dim[in->shape.rank - 1], rows = (size_t)dp_count(t);
    for (size_t r = 0; r < rows; r++)
        t->op->row((char *)out->data + r * dp_dtype_size(out->dtype),
                   (const char *)in->data + r * n * dp_dtype_size(in->dtype), n, in->dtype);
}

static dp_status naive_kernel(const dp_tensor *t, const dp_array *in, const dp_array *out) {
    dp_run r = {.out = *out, .n_in = t->n_in, .attr = t->attr, .parts = 1};
    memcpy(r.in, in, sizeof r.in);
    size_t bytes = !t->op->slow && t->op->scratch ? t->op->scratch(&r) : 0;
    r.scratch = bytes ? dp__alloc(bytes) : NULL;
    if (bytes && !r.scratch) return dp_error_status();
    (t->op->slow ? t->op->slow : t->op->run)(&r);
    dp__release(r.scratch, bytes);
    return DP_OK;
}

static dp_status naive_node(dp_naive *v, size_t index) {
    dp_tensor *t = v->walk->order[index];
    dp_array in[DP_MAX_IN], out;
    if (t->state == DP_STORED) {
        dp__buffer_hold(v->value[index] = t->buffer);
        return DP_OK;
    }
    for (int i = 0; i < t->n_in; i++)
        in[i] = naive_array(t->in[i], v->value[dp__walk_index(v->walk, t->in[i])]);
    if (!(v->value[index] = dp__buffer_new(dp__bytes_of(t)))) return dp_error_status();
    out = naive_array(t, v->value[index]);
    switch (t->op->kind) {
    case DP_POINTWISE:
        naive_pointwise(t, in, &out);
        break;
    case DP_ROW:
        naive_rows(t, in, &out);
        break;
    case DP_VIEW: {
        dp_array view = out;
        if (!t->op->view(in, &view, t->attr))
            return dp_fail(DP_EINTERNAL, "%s: no view of a row-major array", t->op->name);
        naive_copy(&view, out.data);
        break;
    }
    case DP_EFFECT: /* takes place at the end */
        memcpy(out.data, in[t->op->run ? 0 : 1].data, dp__bytes_of(t));
        break;
    default:
        return naive_kernel(t, in, &out);
    }
    return DP_OK;
}

/* Assignments and callbacks, in the order of creation; nothing can fail any more. */
static void naive_effects(const dp_naive *v, const size_t *effects, size_t n) {
    for (size_t i = 0; i < n; i++) {
        dp_tensor *t = v->walk->order[effects[i]];
        dp_storage *b = v->value[effects[i]];
        if (t->op->run) {
            dp_run r = {.n_in = 1, .attr = t->attr, .parts = 1, .in = {naive_array(t, b)}};
            t->op->run(&r);
            continue;
        }
        dp_tensor *variable = t->in[0];
        memcpy(variable->buffer->data, b->data, dp__bytes_of(variable));
        variable->version++;
    }
}

static dp_status naive_run(dp_engine *e, dp_tensor *const *roots, size_t n, dp_naive *v,
                           size_t *effects) {
    size_t n_effects = 0;
    for (size_t i = 0; i < v->n; i++) {
        dp_status s = naive_node(v, i);
        if (s) return s;
        if (v->walk->order[i]->op->kind == DP_EFFECT && v->walk->order[i]->state == DP_PENDING) {
            size_t at = n_effects++;
            for (; at && v->walk->order[effects[at - 1]]->serial > v->walk->order[i]->serial; at--)
                effects[at] = effects[at - 1];
            effects[at] = i;
        }
    }
    e->busy = true;
    naive_effects(v, effects, n_effects);
    e->busy = false;
    for (size_t i = 0; i < n; i++)
        if (roots[i]->state == DP_PENDING && roots[i]->op->kind != DP_EFFECT) {
            dp_storage *b = v->value[dp__walk_index(v->walk, roots[i])];
            dp__buffer_hold(b);
            dp__settle(roots[i], DP_STORED, b);
        }
    for (size_t i = 0; i < v->n; i++)
        if (v->walk->order[i]->state == DP_PENDING) dp__settle(v->walk->order[i], DP_SPENT, NULL);
    return DP_OK;
}

dp_status dp__naive_eval(dp_engine *e, dp_tensor *const *roots, size_t n) {
    if (!dp__walk(&e->walk, roots, n, "dp_eval")) return dp_error_status();
    dp_naive v = {.walk = &e->walk, .n = e->walk.n};
    v.value = dp__zalloc(v.n, sizeof *v.value);
    size_t *effects = dp__zalloc(v.n, sizeof *effects);
    dp_fenv env;
    dp__fenv_enter(&env);
    dp_status s = v.value && effects ? naive_run(e, roots, n, &v, effects) : dp_error_status();
    dp__fenv_leave(&env);
    for (size_t i = 0; v.value && i < v.n; i++) dp__buffer_drop(v.value[i]);
    dp__release(v.value, v.n * sizeof *v.value);
    dp__release(effects, v.n * sizeof *effects);
    return s;
}

/* ---- where did the NaN come from? ---- */

static size_t naive_first_nonfinite(const dp_tensor *t, const dp_storage *b) {
    size_t n = (size_t)dp_count(t);
    if (!dp__is_float((dp_dtype)t->dtype)) return n;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(dp__load_double((dp_dtype)t->dtype, b->data, i))) return i;
    return n;
}

static bool naive_describe_nonfinite(const dp_naive *v, dp_text *text) {
    for (size_t i = 0; i < v->n && v->value[i]; i++) {
        const dp_tensor *t = v->walk->order[i];
        size_t at = naive_first_nonfinite(t, v->value[i]);
        if (at == (size_t)dp_count(t)) continue;
        if (t->state == DP_STORED && v->value[i] && dp__is_float((dp_dtype)t->dtype) &&
            dp__load_double((dp_dtype)t->dtype, v->value[i]->data, at) ==
                dp__load_double((dp_dtype)t->dtype, v->value[i]->data, at))
            continue; /* an infinity that the user put there */
        double x = dp__load_double((dp_dtype)t->dtype, v->value[i]->data, at);
        dp__text(text, "%s at index %zu of %s", x != x ? "NaN" : "infinity", at, dp__describe(t));
        return true;
    }
    return false;
}

bool dp__find_nonfinite(dp_tensor *const *roots, size_t n, dp_text *text) {
    dp_walk walk = {0};
    bool found = false;
    if (dp__walk(&walk, roots, n, "find_nonfinite")) {
        dp_naive v = {.walk = &walk, .n = walk.n};
        v.value = dp__zalloc(v.n, sizeof *v.value);
        for (size_t i = 0; v.value && i < v.n && !naive_node(&v, i); i++) {
        }
        found = v.value && naive_describe_nonfinite(&v, text);
        for (size_t i = 0; v.value && i < v.n; i++) dp__buffer_drop(v.value[i]);
        dp__release(v.value, v.n * sizeof *v.value);
    }
    dp__walk_free(&walk);
    return found;
}
