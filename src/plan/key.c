/* key.c: the whole graph as bytes: op, attributes, dtype, shape, edges, roots. Hash to find, memcmp
 * to accept. What changes from step to step (bytes of leaves) is not in it. */
#include <string.h>
#include "plan.h"

enum { KEY_PLANS = 128, KEY_BYTES = 64 << 20 };

struct dp_cache {
    dp_plan *plan[KEY_PLANS];
    size_t n, bytes;
    uint64_t tick;
    unsigned char *key; /* of the graph at hand */
    size_t key_n, key_cap;
};

dp_cache *dp__cache_new(void) { return dp__zalloc(1, sizeof(dp_cache)); }

void dp__cache_free(dp_cache *c) {
    if (!c) return;
    for (size_t i = 0; i < c->n; i++) {
        c->plan[i]->cached = false;
        if (!c->plan[i]->pins) dp__plan_free(c->plan[i]);
    }
    dp__release(c->key, c->key_cap);
    dp__release(c, sizeof *c);
}

/* ---- the key ---- */

/* A node takes at most this many bytes: head, edges, shape, attributes. */
enum { KEY_NODE = 16 + 4 * DP_MAX_IN + 8 * DP_MAX_RANK + DP_ATTR_INLINE };

static unsigned char *key_node(unsigned char *k, const dp_tensor *t, const dp_walk *w) {
    const dp_op *op = t->op;
    bool pending = t->state == DP_PENDING;
    unsigned char head[8] = {t->dtype, t->rank, t->n_in, pending, t->kept};
    memcpy(k, &op, sizeof op);
    memcpy(k + 8, head, 8);
    k += 16;
    for (int i = 0; i < t->n_in; i++, k += 4) memcpy(k, &(int32_t){dp__walk_index(w, t->in[i])}, 4);
    if (t->n_in & 1) memset(k, 0, 4), k += 4;
    memcpy(k, t->dim, 8u * t->rank);
    k += 8u * t->rank;
    if (pending) {
        size_t n = (op->attr_size + 7) / 8 * 8;
        memset(k + n - (n ? 8 : 0), 0, n ? 8 : 0);
        memcpy(k, t->attr, op->attr_size);
        k += n;
    }
    return k;
}

static bool key_build(dp_cache *c, const dp_walk *w, dp_tensor *const *roots, size_t n) {
    size_t need = w->n * KEY_NODE + n * 8 + 8;
    if (!dp__reserve((void **)&c->key, &c->key_cap, need, 1)) return false;
    unsigned char *k = c->key;
    for (size_t i = 0; i < w->n; i++) k = key_node(k, w->order[i], w);
    for (size_t i = 0; i < n; i++, k += 8) memcpy(k, &(int64_t){dp__walk_index(w, roots[i])}, 8);
    c->key_n = (size_t)(k - c->key);
    return true;
}

static uint64_t key_hash(const unsigned char *key, size_t n) {
    uint64_t h[4] = {n, 1, 2, 3}, word;
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int l = 0; l < 4; l++) {
            memcpy(&word, key + i + 8 * l, 8);
            h[l] = (h[l] ^ word) * 0x9e3779b97f4a7c15u;
            h[l] ^= h[l] >> 29;
        }
    for (; i < n; i += 8) {
        memcpy(&word, key + i, 8);
        h[0] = (h[0] ^ word) * 0x9e3779b97f4a7c15u;
        h[0] ^= h[0] >> 29;
    }
    return h[0] ^ h[1] * 3 ^ h[2] * 5 ^ h[3] * 7;
}

/* ---- the cache: least recently used leaves first ---- */

static void key_forget(dp_cache *c, size_t i) {
    dp_plan *p = c->plan[i];
    c->bytes -= p->bytes;
    c->plan[i] = c->plan[--c->n];
    p->cached = false;
    dp__plan_done(p);
}

/* A plan larger than the cache is not kept: it is freed after its one run (dp__plan_done). */
static void key_remember(dp_cache *c, dp_plan *p) {
    if (p->bytes > KEY_BYTES) return;
    while (c->n && (c->n == KEY_PLANS || c->bytes + p->bytes > KEY_BYTES)) {
        size_t oldest = 0;
        for (size_t i = 1; i < c->n; i++)
            if (c->plan[i]->used < c->plan[oldest]->used) oldest = i;
        key_forget(c, oldest);
    }
    c->plan[c->n++] = p;
    c->bytes += p->bytes;
    p->cached = true;
}

static dp_plan *key_known(const dp_cache *c, uint64_t hash) {
    for (size_t i = 0; i < c->n; i++)
        if (c->plan[i]->hash == hash && c->plan[i]->key_bytes == c->key_n &&
            !memcmp(c->plan[i]->key, c->key, c->key_n))
            return c->plan[i];
    return NULL;
}

static dp_plan *key_new(dp_cache *c, uint64_t hash, const dp_walk *w, dp_tensor *const *roots,
                        size_t n) {
    dp_plan *p = dp__plan_make(w, roots, n);
    unsigned char *key = p ? dp__plan_alloc(p, c->key_n, 1) : NULL;
    if (!key) {
        dp__plan_free(p);
        return NULL;
    }
    memcpy(key, c->key, c->key_n);
    p->key = key;
    p->key_bytes = c->key_n;
    p->hash = hash;
    key_remember(c, p);
    return p;
}

dp_plan *dp__plan_find(dp_cache *c, const dp_walk *w, dp_tensor *const *roots, size_t n,
                       bool *known) {
    if (!key_build(c, w, roots, n)) return NULL;
    uint64_t hash = key_hash(c->key, c->key_n);
    dp_plan *p = key_known(c, hash);
    *known = p != NULL;
    if (!p) p = key_new(c, hash, w, roots, n);
    if (p) p->used = ++c->tick;
    return p;
}

size_t dp__cache_plans(const dp_cache *c, size_t *bytes) {
    *bytes = c->bytes;
    return c->n;
}

void dp__plan_done(dp_plan *p) {
    if (p && !p->cached && !p->pins) dp__plan_free(p);
}

/* ---- a plan's own memory ---- */

void *dp__plan_alloc(dp_plan *p, size_t count, size_t size) {
    if (!dp__reserve((void **)&p->block, &p->cap_blocks, p->n_blocks + 1, sizeof *p->block))
        return NULL;
    struct dp_block *b = &p->block[p->n_blocks];
    b->bytes = (count ? count : 1) * size;
    b->data = dp__zalloc(count ? count : 1, size);
    if (!b->data) return NULL;
    p->n_blocks++;
    p->bytes += b->bytes;
    return b->data;
}

void dp__plan_free(dp_plan *p) {
    if (!p) return;
    for (size_t i = 0; i < p->n_blocks; i++) dp__release(p->block[i].data, p->block[i].bytes);
    dp__release(p->block, p->cap_blocks * sizeof *p->block);
    dp__release(p, sizeof *p);
}
