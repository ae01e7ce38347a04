#include <string.h>
#include "tensor.h"

enum { SCOPE_SLAB = 64, SCOPE_WARN = 1000000 };

typedef struct dp_slab {
    struct dp_slab *next;
    dp_tensor nodes[SCOPE_SLAB];
} dp_slab;

dp_thread *dp__thread(void) {
    static _Thread_local dp_thread thread;
    static uint64_t threads;
    if (!thread.top) {
        thread.top = &thread.root;
        thread.serial = (uint64_t)__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) << 48;
    }
    return &thread;
}

/* ---- nodes in scopes ---- */

void dp__scope_link(dp_tensor *t, dp_scope *s) {
    t->scope = s;
    t->prev = NULL;
    t->next = s->nodes;
    if (s->nodes) s->nodes->prev = t;
    s->nodes = t;
}

void dp__scope_unlink(dp_tensor *t) {
    if (t->prev)
        t->prev->next = t->next;
    else if (t->scope)
        t->scope->nodes = t->next;
    if (t->next) t->next->prev = t->prev;
    t->prev = t->next = NULL;
    t->scope = NULL;
}

static bool scope_slab(dp_thread *t) {
    dp_slab *slab = dp__alloc(sizeof *slab);
    if (!slab) return false;
    slab->next = t->slabs;
    t->slabs = slab;
    for (size_t i = SCOPE_SLAB; i-- > 0;) {
        slab->nodes[i].magic = 0;
        slab->nodes[i].next = t->free_nodes;
        t->free_nodes = &slab->nodes[i];
    }
    return true;
}

dp_tensor *dp__node(const dp_op *op, dp_dtype dtype, const dp_shape *shape) {
    dp_thread *t = dp__thread();
    if (!t->free_nodes && !scope_slab(t)) return NULL;
    dp_tensor *n = t->free_nodes;
    t->free_nodes = n->next;
    memset(n, 0, offsetof(dp_tensor, attr));
    n->magic = DP_TENSOR_MAGIC;
    n->op = op;
    n->dtype = (uint8_t)dtype;
    n->rank = (uint8_t)shape->rank;
    memcpy(n->dim, shape->dim, sizeof n->dim[0] * (size_t)shape->rank);
    n->serial = ++t->serial;
    dp__scope_link(n, t->top);
    if (++t->top->pending == SCOPE_WARN && !t->warned) {
        t->warned = true;
        dp__log(DP_LOG_WARNING, "a scope holds a million tensors: begin a scope inside your loop");
    }
    return n;
}

/* The node itself goes back; its list links are the caller's business. */
static void scope_recycle(dp_thread *t, dp_tensor *n) {
    n->magic = 0;
    dp__buffer_drop(n->buffer);
    if (n->name) dp__release(n->name, strlen(n->name) + 1);
    if (n->kept)
        for (size_t i = 0; i < t->n_kept; i++)
            if (t->kept[i] == n) t->kept[i--] = t->kept[--t->n_kept];
    n->next = t->free_nodes;
    t->free_nodes = n;
}

void dp_free(dp_tensor *t) {
    if (!t || t->magic != DP_TENSOR_MAGIC) return;
    dp__scope_unlink(t);
    scope_recycle(dp__thread(), t);
}

/* ---- other objects in scopes ---- */

dp_owned *dp__scope_own(void (*destroy)(void *), void *object) {
    dp_owned *o = dp__alloc(sizeof *o);
    if (!o) return NULL;
    dp_scope *s = dp__thread()->top;
    *o = (dp_owned){.next = s->owned, .scope = s, .destroy = destroy, .object = object};
    if (s->owned) s->owned->prev = o;
    s->owned = o;
    return o;
}

static void scope_forget(dp_owned *o) {
    if (o->prev)
        o->prev->next = o->next;
    else
        o->scope->owned = o->next;
    if (o->next) o->next->prev = o->prev;
}

void dp__scope_disown(dp_owned *o) {
    if (!o) return;
    scope_forget(o);
    dp__release(o, sizeof *o);
}

void dp__scope_move(dp_owned *o) {
    if (!o || !o->scope->outer) return;
    dp_scope *s = o->scope->outer;
    scope_forget(o);
    o->scope = s;
    o->prev = NULL;
    o->next = s->owned;
    if (s->owned) s->owned->prev = o;
    s->owned = o;
}

/* ---- begin, end, keep ---- */

dp_scope *dp_scope_begin(void) {
    dp_thread *t = dp__thread();
    dp_scope *s = t->free_scopes;
    if (s)
        t->free_scopes = s->outer;
    else
        s = dp__alloc(sizeof *s);
    if (!s) return NULL;
    *s = (dp_scope){.outer = t->top};
    t->top = s;
    return s;
}

static void scope_empty(dp_thread *t, dp_scope *s) {
    while (s->owned) {
        dp_owned *o = s->owned;
        void (*destroy)(void *) = o->destroy;
        void *object = o->object;
        dp__scope_disown(o);
        destroy(object);
    }
    for (dp_tensor *n = s->nodes, *next; n; n = next) {
        next = n->next;
        scope_recycle(t, n);
    }
    s->nodes = NULL;
    s->pending = 0;
}

/* A kept node that is still pending when the scope of its inputs ends can never be computed, nor
 * can one that is made of it. */
static void scope_lose_kept(dp_thread *t, const dp_scope *ended) {
    for (size_t i = 0; i < t->n_kept; i++)
        for (int k = 0; k < t->kept[i]->n_in; k++)
            if (t->kept[i]->in[k]->scope == ended || t->kept[i]->in[k]->state == DP_SPENT) {
                dp__settle(t->kept[i], DP_SPENT, NULL);
                t->kept[i]->kept = false;
                t->kept[i] = t->kept[--t->n_kept];
                i = (size_t)-1; /* from the start: it may be another's input */
                break;
            }
}

void dp_scope_end(dp_scope *scope) {
    dp_thread *t = dp__thread();
    if (!scope) return;
    for (dp_scope *s = t->top; s != scope; s = s->outer)
        if (s == &t->root) {
            dp_fail(DP_EINVAL, "dp_scope_end: this scope has ended, or is another thread's");
            return;
        }
    for (bool last = false; !last;) {
        dp_scope *s = t->top;
        last = s == scope;
        if (t->n_kept) scope_lose_kept(t, s);
        scope_empty(t, s);
        t->top = s->outer;
        s->outer = t->free_scopes;
        t->free_scopes = s;
    }
}

dp_tensor *dp_keep(dp_tensor *x) {
    if (!dp__check(x, "dp_keep")) return NULL;
    dp_thread *t = dp__thread();
    if (x->state == DP_PENDING && !x->kept) {
        if (!dp__reserve((void **)&t->kept, &t->cap_kept, t->n_kept + 1, sizeof *t->kept))
            return NULL;
        t->kept[t->n_kept++] = x;
        x->kept = true;
    }
    dp_scope *outer = x->scope ? x->scope->outer : NULL;
    if (outer) {
        dp__scope_unlink(x);
        dp__scope_link(x, outer);
    }
    return x;
}

int dp_end(void) {
    dp_thread *t = dp__thread();
    if (t->top != &t->root) {
        dp_scope *s = t->top;
        while (s->outer != &t->root) s = s->outer;
        dp_scope_end(s);
    }
    scope_empty(t, &t->root);
    dp__engine_thread_end(t);
    for (dp_scope *s = t->free_scopes, *next; s; s = next) {
        next = s->outer;
        dp__release(s, sizeof *s);
    }
    for (dp_slab *s = t->slabs, *next; s; s = next) {
        next = s->next;
        dp__release(s, sizeof *s);
    }
    dp__buffer_flush(t);
    for (dp_storage *b = t->free_headers, *next; b; b = next) {
        next = b->next;
        dp__release(b, sizeof *b);
    }
    dp__release(t->kept, t->cap_kept * sizeof *t->kept);
    dp__walk_free(&t->diff.walk);
    dp__release(t->diff.value, t->diff.cap_value * sizeof *t->diff.value);
    dp__release(t->diff.needed, t->diff.cap_needed);
    *t = (dp_thread){0};
    return dp_exit_code(dp_error_status());
}
