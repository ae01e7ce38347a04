/* call.c: running modules: contexts, random keys by path, taps. */
#include <stdatomic.h>
#include <string.h>

#include "nn/module.h"
#include "nn/text.h"

/* ---- contexts: they lie in the bytes of a tensor, so that a scope owns and recycles them ---- */

static _Atomic uint64_t call_contexts = 1;

static dp_ctx *call_context(bool training, dp_tensor *key) {
    dp_shape shape = {.rank = 1, .dim = {(int64_t)sizeof(dp_ctx)}};
    void *bytes;
    if (!dp__tensor_new(DP_U8, &shape, &bytes)) return NULL;
    dp_ctx *c = bytes;
    *c = (dp_ctx){.id = atomic_fetch_add(&call_contexts, 1), .training = training, .key = key};
    return c;
}

dp_ctx *dp_ctx_train(dp_tensor *key) {
    return dp__check(key, "dp_ctx_train") ? call_context(true, key) : NULL;
}

dp_ctx *dp_ctx_infer(void) { return call_context(false, NULL); }
bool dp_ctx_training(const dp_ctx *c) { return c && c->training; }

dp_tensor *dp_ctx_key(dp_ctx *c) {
    char buf[DP__MODULE_DEPTH * 64 + 1];
    if (!c || !c->key) {
        dp_fail(DP_EINVAL, "dp_ctx_key: there is no key: the context was not made by dp_ctx_train");
        return NULL;
    }
    dp_module *m = c->now;
    const char *path = dp__module_path(m, buf, sizeof buf);
    if (!path) {
        dp_fail(DP_ELIMIT, "dp_ctx_key: the module's path is too long");
        return NULL;
    }
    dp_tensor *key = dp_split(c->key, path);
    if (!m) return key;
    if (m->key_ctx != c->id) {
        m->key_ctx = c->id;
        m->key_calls = 0;
    }
    uint64_t call = m->key_calls++;
    return call == 0 ? key : dp_fold(key, dp_int((int64_t)call));
}

/* ---- taps: a table of the thread, by module id. A tensor is known by its address and serial, so
 * one that was freed is never read. ---- */

typedef struct call_tap {
    uint64_t id, serial[2]; /* id 0: free */
    dp_tensor *t[2];        /* input, output */
} call_tap;

typedef struct call_table {
    call_tap *at;
    size_t cap, n;
} call_table;

static _Thread_local call_table call_taps;

static void call_taps_end(void *unused) {
    (void)unused;
    dp__release(call_taps.at, call_taps.cap * sizeof *call_taps.at);
    call_taps = (call_table){0};
}

static call_tap *call_slot(const call_table *table, uint64_t id) {
    size_t i = (size_t)(id * 0x9E3779B97F4A7C15u >> 20) & (table->cap - 1);
    while (table->at[i].id && table->at[i].id != id) i = (i + 1) & (table->cap - 1);
    return &table->at[i];
}

static bool call_alive(const call_tap *tap, int which) {
    const dp_tensor *t = tap->t[which];
    return t && t->magic == DP_TENSOR_MAGIC && t->serial == tap->serial[which];
}

/* Twice the room, without what has been freed. */
static bool call_grow(void) {
    call_table old = call_taps, new = {0};
    size_t live = 0;
    for (size_t i = 0; i < old.cap; i++) live += call_alive(&old.at[i], 1);
    for (new.cap = 64; new.cap < 4 * (live + 1);) new.cap *= 2;
    new.at = dp__zalloc(new.cap, sizeof *new.at);
    if (!new.at) return false;
    if (!old.at) { /* the table dies with the thread's outermost scope */
        dp_owned *o = dp__scope_own(call_taps_end, NULL);
        while (o && o->scope->outer) dp__scope_move(o);
        if (!o) {
            dp__release(new.at, new.cap * sizeof *new.at);
            return false;
        }
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.at[i].id && call_alive(&old.at[i], 1)) {
            *call_slot(&new, old.at[i].id) = old.at[i];
            new.n++;
        }
    dp__release(old.at, old.cap * sizeof *old.at);
    call_taps = new;
    return true;
}

bool dp__tap_note(const dp_module *m, dp_tensor *in, dp_tensor *out) {
    if (2 * (call_taps.n + 1) > call_taps.cap && !call_grow()) return false;
    call_tap *tap = call_slot(&call_taps, m->id);
    call_taps.n += tap->id == 0;
    *tap = (call_tap){m->id, {in ? in->serial : 0, out->serial}, {in, out}};
    return true;
}

dp_tensor *dp_tap(dp_module *net, const char *path) {
    if (!dp__module_check(net, "dp_tap")) return NULL;
    if (!path) dp_fail(DP_EINVAL, "dp_tap: the path is NULL");
    if (!path) return NULL;
    dp_module *m = net;
    const char *s = path;
    int which = 1;
    while (*s) {
        size_t n = strcspn(s, ".");
        dp_module *c = dp__module_slot(m, s, n);
        if (!c && which == 1 && n == 1 && *s == 'z' && !s[1])
            which = 0;
        else if (c)
            m = c;
        else {
            dp_fail(DP_EINVAL, "dp_tap: no layer `%s`", dp__quote(path, strlen(path)));
            return NULL;
        }
        s += n + (s[n] == '.');
    }
    const call_tap *tap = call_taps.cap ? call_slot(&call_taps, m->id) : NULL;
    if (tap && tap->id && call_alive(tap, which)) return tap->t[which];
    dp_fail(DP_EINVAL, "dp_tap: `%s` was not called in a scope of this thread that is still open",
            dp__quote(path, strlen(path)));
    return NULL;
}

/* ---- calls ---- */

static dp_tensor *call_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    if (!m->kind) return m->def.forward(m->def.self, c, in, n);
    return m->kind->forward(m, c, in, n);
}

/* The first failing module, from inside outwards, says where it is. */
static void call_blame(const dp_module *m) {
    char buf[DP__MODULE_DEPTH * 64 + 1];
    const char *path = dp__module_path(m, buf, sizeof buf);
    if (path && *path)
        dp__hint("in layer %s, %s", dp__quote(path, strlen(path)), dp__module_kind_name(m));
}

static dp_tensor *call_run(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    bool failed = dp_failed();
    dp_module *before = c ? c->now : NULL;
    if (c) c->now = m;
    dp_tensor *out = call_forward(m, c, in, n);
    if (c) c->now = before;
    if (!out && !failed) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "%s: forward returned NULL", dp__module_kind_name(m));
        call_blame(m);
    }
    return out && dp__tap_note(m, n > 0 ? in[0] : NULL, out) ? out : NULL;
}

dp_status dp_call_n(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n_in, dp_tensor **out,
                    int n_out) {
    for (int i = 0; out && i < n_out; i++) out[i] = NULL;
    if (!dp__module_check(m, "dp_call")) return dp_error_status();
    if (n_out != 1 || n_in < 1 || !in || !out)
        return dp_fail(DP_EINVAL, "dp_call: %s: %d inputs, %d outputs; a module has one output",
                       dp__module_kind_name(m), n_in, n_out);
    for (int i = 0; i < n_in; i++)
        if (!dp__check(in[i], "dp_call")) return dp_error_status();
    out[0] = call_run(m, c, in, n_in);
    return out[0] ? DP_OK : dp_error_status();
}

dp_tensor *dp_call(dp_module *net, dp_ctx *ctx, dp_tensor *x) {
    dp_tensor *out = NULL;
    dp_call_n(net, ctx, &x, 1, &out, 1);
    return out;
}
