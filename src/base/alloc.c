/* alloc.c: the one allocator (law 4). Every block is aligned to 64 bytes; alloc_out counts the
 * bytes asked for, so it is 0 again when everything was released. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { ALLOC_ALIGN = 64 };
#define ALLOC_LIMIT ((size_t)PTRDIFF_MAX - ALLOC_ALIGN)

static void *alloc_system(void *context, size_t bytes, size_t align) {
    (void)context;
    size_t rounded = bytes == 0 ? align : (bytes + align - 1) / align * align;
    return aligned_alloc(align, rounded);
}

static void alloc_system_free(void *context, void *pointer, size_t bytes) {
    (void)context;
    (void)bytes;
    free(pointer);
}

static dp_allocator alloc_hooks = {sizeof(dp_allocator), alloc_system, alloc_system_free, NULL};
static _Atomic size_t alloc_out;
static _Thread_local size_t alloc_room = SIZE_MAX;

void dp__alloc_room(size_t bytes) { alloc_room = bytes; }

dp_status dp_set_allocator(const dp_allocator *allocator) {
    size_t out = atomic_load(&alloc_out);
    if (out != 0)
        return dp_fail(DP_EINVAL, "dp_set_allocator: %zu bytes of the old allocator are still out",
                       out);
    if (!allocator) {
        alloc_hooks = (dp_allocator){sizeof(dp_allocator), alloc_system, alloc_system_free, NULL};
        return DP_OK;
    }
    if (allocator->size < sizeof(dp_allocator) || !allocator->alloc || !allocator->free)
        return dp_fail(DP_EINVAL,
                       "dp_set_allocator: needs size = sizeof(dp_allocator) (%zu), "
                       "alloc and free",
                       sizeof(dp_allocator));
    alloc_hooks = *allocator;
    return DP_OK;
}

void *dp__alloc(size_t bytes) {
    void *p = NULL;
    if (bytes > alloc_room) {
        dp_fail(DP_ELIMIT, "%zu bytes wanted, more than the file has a use for", bytes);
        return NULL;
    }
    if (bytes <= ALLOC_LIMIT) p = alloc_hooks.alloc(alloc_hooks.context, bytes, ALLOC_ALIGN);
    if (!p) {
        dp_fail(DP_ENOMEM, "out of memory: %zu bytes wanted", bytes);
        return NULL;
    }
    if ((uintptr_t)p % ALLOC_ALIGN != 0) {
        alloc_hooks.free(alloc_hooks.context, p, bytes);
        dp_fail(DP_EINVAL,
                "the allocator of dp_set_allocator returned memory that is not aligned "
                "to %d bytes",
                (int)ALLOC_ALIGN);
        return NULL;
    }
    atomic_fetch_add_explicit(&alloc_out, bytes, memory_order_relaxed);
    if (alloc_room != SIZE_MAX) alloc_room -= bytes;
    return p;
}

void *dp__zalloc(size_t count, size_t size) {
    size_t bytes;
    if (!dp__mul(count, size, &bytes)) {
        dp_fail(DP_ENOMEM, "out of memory: %zu times %zu bytes wanted", count, size);
        return NULL;
    }
    void *p = dp__alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void *dp__grow(void *p, size_t old_bytes, size_t new_bytes) {
    void *q = dp__alloc(new_bytes);
    if (!q || !p) return q;
    memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    dp__release(p, old_bytes);
    return q;
}

void dp__release(void *p, size_t bytes) {
    if (!p) return;
    alloc_hooks.free(alloc_hooks.context, p, bytes);
    if (alloc_room != SIZE_MAX) alloc_room += bytes;
    atomic_fetch_sub_explicit(&alloc_out, bytes, memory_order_relaxed);
}

char *dp__strdup(const char *s) {
    if (!s) return NULL;
    size_t bytes = strlen(s) + 1;
    char *copy = dp__alloc(bytes);
    if (copy) memcpy(copy, s, bytes);
    return copy;
}

size_t dp__allocated(void) { return atomic_load(&alloc_out); }

/* *items may be a pointer of any type: it is read and written as bytes. */
bool dp__reserve(void **items, size_t *cap, size_t need, size_t item_size) {
    if (need <= *cap) return true;
    size_t want = *cap + *cap / 2;
    if (want < need) want = need;
    if (want < 8) want = 8;
    size_t old_bytes = *cap * item_size, new_bytes;
    if (!dp__mul(want, item_size, &new_bytes)) {
        dp_fail(DP_ENOMEM, "out of memory: %zu times %zu bytes wanted", want, item_size);
        return false;
    }
    void *p;
    memcpy(&p, items, sizeof p);
    p = dp__grow(p, old_bytes, new_bytes);
    if (!p) return false;
    memcpy(items, &p, sizeof p);
    *cap = want;
    return true;
}
