/* text.c: strings that grow. A failed text stays failed and owns nothing. */
#include <stdarg.h>
#include <string.h>

#include "base.h"

/* Room for n more bytes and the terminator. */
static bool text_room(dp_text *t, size_t n) {
    size_t need;
    if (t->failed) return false;
    if (!dp__sum(t->n, n, &need) || !dp__sum(need, 1, &need)) {
        dp_fail(DP_ENOMEM, "out of memory: a text of %zu + %zu bytes wanted", t->n, n);
    } else if (need <= t->cap) {
        return true;
    } else {
        size_t cap = t->cap + t->cap / 2;
        if (cap < need) cap = need;
        if (cap < 64) cap = 64;
        char *data = dp__grow(t->data, t->cap, cap);
        if (data) {
            t->data = data;
            t->cap = cap;
            return true;
        }
    }
    dp__text_free(t);
    t->failed = true;
    return false;
}

void dp__text(dp_text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    int n = vsnprintf(small, sizeof small, format, args);
    if (n < 0) {
        n = 0;
        small[0] = 0;
    }
    if (text_room(t, (size_t)n)) {
        if ((size_t)n < sizeof small)
            memcpy(t->data + t->n, small, (size_t)n + 1);
        else
            vsnprintf(t->data + t->n, t->cap - t->n, format, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void dp__text_bytes(dp_text *t, const char *s, size_t n) {
    if (!text_room(t, n)) return;
    if (n > 0) memcpy(t->data + t->n, s, n);
    t->n += n;
    t->data[t->n] = 0;
}

void dp__text_free(dp_text *t) {
    dp__release(t->data, t->cap);
    *t = (dp_text){0};
}

char *dp__text_take(dp_text *t) {
    char *out = t->failed ? NULL : dp__strdup(t->data ? t->data : "");
    dp__text_free(t);
    return out;
}
