#include <stdatomic.h>
#include <string.h>
#include "tensor.h"

/* Recycling: a freed buffer waits in its size class; classes are eighths of powers of two, so a
 * buffer is at most 1/8 larger than asked. Beyond BUFFER_KEEP waiting bytes all are given back. */
enum { BUFFER_CLASSES = 512, BUFFER_KEEP = 64 << 20 };

static unsigned buffer_class(size_t bytes, size_t *capacity) {
    if (bytes <= 512) {
        unsigned c = bytes ? (unsigned)((bytes + 63) / 64) : 1;
        *capacity = (size_t)c * 64;
        return c; /* 1..8 */
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll((unsigned long long)(bytes - 1));
    size_t step = (size_t)1 << (log2 - 3);
    size_t k = (bytes - 1) >> (log2 - 3); /* 8..15 */
    *capacity = (k + 1) * step;
    return 9 + (log2 - 9) * 8 + (unsigned)(k - 8);
}

static dp_storage *buffer_header(dp_thread *t) {
    dp_storage *b = t->free_headers;
    if (b)
        t->free_headers = b->next;
    else
        b = dp__alloc(sizeof *b);
    if (b) memset(b, 0, sizeof *b);
    return b;
}

dp_storage *dp__buffer_new(size_t bytes) {
    dp_thread *t = dp__thread();
    if (bytes > PTRDIFF_MAX / 2) {
        dp_fail(DP_ENOMEM, "a tensor of %zu bytes does not fit in memory", bytes);
        return NULL;
    }
    size_t capacity;
    unsigned c = buffer_class(bytes, &capacity);
    dp_storage *b = c < BUFFER_CLASSES ? t->free_buffers[c] : NULL;
    if (b) {
        t->free_buffers[c] = b->next;
        t->free_bytes -= capacity;
    } else {
        b = buffer_header(t);
        if (!b) return NULL;
        b->data = dp__alloc(capacity);
        if (!b->data) {
            b->next = t->free_headers;
            t->free_headers = b;
            return NULL;
        }
        b->bytes = capacity;
    }
    b->next = NULL;
    b->refs = 1;
    t->held_bytes += capacity;
    return b;
}

dp_storage *dp__buffer_zeros(size_t bytes) {
    dp_thread *t = dp__thread();
    dp_storage *b = buffer_header(t);
    if (!b) return NULL;
    b->data = dp__zalloc(1, bytes);
    if (!b->data) {
        b->next = t->free_headers;
        t->free_headers = b;
        return NULL;
    }
    b->bytes = bytes;
    b->refs = 1;
    t->held_bytes += bytes;
    return b;
}

void dp__buffer_hold(dp_storage *b) {
    if (b) __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
}

void dp__buffer_drop(dp_storage *b) {
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    dp_thread *t = dp__thread();
    if (b->borrowed) {
        if (b->release) b->release(b->context);
        b->next = t->free_headers;
        t->free_headers = b;
        return;
    }
    size_t capacity;
    unsigned c = buffer_class(b->bytes, &capacity);
    t->held_bytes -= b->bytes < t->held_bytes ? b->bytes : t->held_bytes;
    if (c >= BUFFER_CLASSES || b->bytes > BUFFER_KEEP || b->bytes != capacity) {
        dp__release(b->data, b->bytes);
        b->next = t->free_headers;
        t->free_headers = b;
        return;
    }
    if (t->free_bytes + b->bytes > BUFFER_KEEP) dp__buffer_flush(t);
    b->next = t->free_buffers[c];
    t->free_buffers[c] = b;
    t->free_bytes += b->bytes;
}

void dp__buffer_flush(dp_thread *t) {
    for (unsigned c = 0; c < BUFFER_CLASSES; c++)
        for (dp_storage *b = t->free_buffers[c], *next; b; b = next) {
            next = b->next;
            dp__release(b->data, b->bytes);
            dp__release(b, sizeof *b);
            t->free_buffers[c] = NULL;
        }
    t->free_bytes = 0;
}
