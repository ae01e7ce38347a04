/* cursor.c: the bounded view of bytes from outside. 0 <= at <= size always. */
#include <stdarg.h>
#include <string.h>

#include "file.h"

/* "NAME: byte 0x58 (88): FIELD: text"; the field is left out while it is empty. */
dp_status dp__cursor_fail(dp_cursor *c, dp_status status, size_t at, const char *format, ...) {
    char text[1024], name[400];
    va_list args;
    if (c->failed) return status;
    c->failed = true;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0) text[0] = 0;
    const char *whole = c->name ? c->name : "(no name)";
    dp__quote_to(name, sizeof name, whole, strlen(whole));
    return dp_fail(status, "%s: byte 0x%zx (%zu): %s%s%s", name, at, at, c->field,
                   c->field[0] ? ": " : "", text);
}

void dp__cursor_field(dp_cursor *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->field, sizeof c->field, format, args);
    va_end(args);
    if (n < 0) c->field[0] = 0;
    if (n < (int)sizeof c->field) return;
    size_t at = sizeof c->field - 4;
    while (at > 0 && ((unsigned char)c->field[at] & 0xC0) == 0x80) at--;
    memcpy(c->field + at, "...", 4);
}

const unsigned char *dp__cursor_take(dp_cursor *c, size_t n) {
    static const unsigned char cursor_none[1];
    if (c->failed) return NULL;
    if (n > c->size - c->at) {
        dp__cursor_fail(c, DP_EFORMAT, c->at, "needs %zu bytes, has %zu", n, c->size - c->at);
        return NULL;
    }
    const unsigned char *p = c->data ? c->data + c->at : cursor_none;
    c->at += n;
    return p;
}

uint64_t dp__cursor_le(dp_cursor *c, int bytes) {
    const unsigned char *p = dp__cursor_take(c, (size_t)bytes);
    uint64_t x = 0;
    for (int i = 0; p && i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}

uint64_t dp__cursor_be(dp_cursor *c, int bytes) {
    const unsigned char *p = dp__cursor_take(c, (size_t)bytes);
    uint64_t x = 0;
    for (int i = 0; p && i < bytes; i++) x = x << 8 | p[i];
    return x;
}
