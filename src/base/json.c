/* json.c: a pull reader for JSON (RFC 8259, strict) on the bounded cursor. No recursion, no tree:
 * open objects and arrays are the characters of a stack of fixed size. The text must be UTF-8
 * without a byte order mark; the root may be any value; duplicate keys are left to the caller. */
#include <string.h>

#include "file.h"

/* What may come next. */
enum {
    JSON_VALUE,        /* a value */
    JSON_VALUE_OR_END, /* the first value of an array, or ']' */
    JSON_KEY_OR_END,   /* the first key of an object, or '}' */
    JSON_COMMA_OR_END, /* after a value inside something */
    JSON_COLON,        /* after a key */
    JSON_DONE          /* after the root value: nothing */
};

void dp__json_begin(dp_json *j, dp_cursor *c, int max_depth) {
    *j = (dp_json){.c = c, .max_depth = max_depth, .state = JSON_VALUE};
    if (j->max_depth > (int)sizeof j->stack) j->max_depth = (int)sizeof j->stack;
}

void dp__json_end(dp_json *j) {
    dp__release(j->buffer, j->buffer_cap);
    j->buffer = NULL;
    j->buffer_cap = 0;
    j->text = NULL;
    j->text_n = 0;
}

/* The next byte, -1 at the end. */
static int json_peek(const dp_json *j) { return j->c->at < j->c->size ? j->c->data[j->c->at] : -1; }

static dp_json_kind json_wrong(dp_json *j, size_t at, const char *allowed) {
    dp_cursor *c = j->c;
    if (at >= c->size) {
        dp__cursor_fail(c, DP_EFORMAT, at, "found the end, allowed %s", allowed);
        return DP_JSON_ERROR;
    }
    uint32_t code;
    const char *s = (const char *)c->data + at;
    size_t n = dp__utf8(s, c->size - at, &code);
    dp__cursor_fail(c, DP_EFORMAT, at, "found '%s', allowed %s", dp__quote(s, n ? n : 1), allowed);
    return DP_JSON_ERROR;
}

static void json_skip_space(dp_json *j) {
    for (int b; (b = json_peek(j)) == ' ' || b == '\t' || b == '\n' || b == '\r';) j->c->at++;
}

static void json_after_value(dp_json *j) {
    j->state = j->depth > 0 ? JSON_COMMA_OR_END : JSON_DONE;
}

/* ---- strings: decoded into the buffer, which never needs more bytes than the text has ---- */

static int json_hex4(const unsigned char *s) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = s[i], digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t json_put_utf8(char *out, uint32_t c) {
    if (c < 0x80) return out[0] = (char)c, 1;
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00 >> n & 0xFF) | c);
    return n;
}

/* "uXXXX" after a backslash, a pair of them above U+FFFF: bytes used, 0 on failure. */
static size_t json_unicode(dp_json *j, const unsigned char *s, size_t n, uint32_t *code) {
    size_t at = (size_t)(s - j->c->data);
    int high = n >= 5 ? json_hex4(s + 1) : -1;
    if (high < 0) return json_wrong(j, at, "u and four hexadecimal digits"), 0;
    *code = (uint32_t)high;
    if (high < 0xD800 || high > 0xDFFF) return 5;
    int low = n >= 11 && s[5] == '\\' && s[6] == 'u' ? json_hex4(s + 7) : -1;
    if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
        dp__cursor_fail(j->c, DP_EFORMAT, at - 1,
                        "found half of a surrogate pair, allowed both "
                        "halves, high first");
        return 0;
    }
    *code = 0x10000 + (((uint32_t)high & 0x3FF) << 10) + ((uint32_t)low & 0x3FF);
    return 11;
}

/* The escape after the backslash at s: bytes used, 0 on failure. */
static size_t json_escape(dp_json *j, const unsigned char *s, size_t n, uint32_t *code) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (n > 0 && *s == 'u') return json_unicode(j, s, n, code);
    const char *p = n > 0 && *s ? strchr(from, *s) : NULL;
    if (!p) return json_wrong(j, (size_t)(s - j->c->data), "one of \" \\ / b f n r t u"), 0;
    *code = (unsigned char)to[p - from];
    return 1;
}

/* One character of a string at `at`, whose text has n bytes left: bytes used, 0 on failure. */
static size_t json_character(dp_json *j, size_t at, size_t n, uint32_t *code) {
    const unsigned char *s = j->c->data + at;
    if (*s == '\\') {
        size_t used = json_escape(j, s + 1, n - 1, code);
        return used ? used + 1 : 0;
    }
    if (*s < 0x20) return json_wrong(j, at, "no control character in a string"), 0;
    size_t used = dp__utf8((const char *)s, n, code);
    if (used == 0) dp__cursor_fail(j->c, DP_EFORMAT, at, "found byte 0x%02x, allowed UTF-8", *s);
    return used;
}

/* Bytes up to the closing quote of a string that begins at `at`, or to the end. */
static size_t json_string_length(const dp_json *j, size_t at) {
    size_t i = at;
    for (; i < j->c->size && j->c->data[i] != '"'; i++)
        if (j->c->data[i] == '\\') i++;
    return (i < j->c->size ? i : j->c->size) - at;
}

/* What the buffer held is not needed any more. */
static bool json_room(dp_json *j, size_t n) {
    if (n <= j->buffer_cap) return true;
    size_t cap = n < 256 ? 256 : n;
    dp__release(j->buffer, j->buffer_cap);
    j->buffer = dp__alloc(cap);
    j->buffer_cap = j->buffer ? cap : 0;
    if (!j->buffer) j->c->failed = true;
    return j->buffer != NULL;
}

static bool json_string(dp_json *j) {
    size_t first = j->c->at + 1, n = json_string_length(j, first), o = 0;
    j->text_at = first - 1;
    if (!json_room(j, n + 1)) return false;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = json_character(j, first + i, n - i, &code);
        if (used == 0) return false;
        o += json_put_utf8(j->buffer + o, code);
        i += used;
    }
    if (first + n >= j->c->size) return json_wrong(j, j->c->size, "'\"'"), false;
    j->buffer[o] = 0;
    j->text = j->buffer;
    j->text_n = o;
    j->c->at = first + n + 1;
    return true;
}

/* ---- numbers: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? ---- */

static bool json_digits(dp_json *j) {
    dp_cursor *c = j->c;
    size_t first = c->at;
    for (int b; (b = json_peek(j)) >= '0' && b <= '9';) c->at++;
    return c->at > first || (json_wrong(j, c->at, "a digit"), false);
}

static bool json_number(dp_json *j) {
    dp_cursor *c = j->c;
    j->text_at = c->at;
    if (json_peek(j) == '-') c->at++;
    size_t first = c->at;
    if (!json_digits(j)) return false;
    if (c->data[first] == '0' && c->at > first + 1)
        return json_wrong(j, first + 1, "no digit after a leading 0"), false;
    if (json_peek(j) == '.') {
        c->at++;
        if (!json_digits(j)) return false;
    }
    if (json_peek(j) == 'e' || json_peek(j) == 'E') {
        c->at++;
        if (json_peek(j) == '+' || json_peek(j) == '-') c->at++;
        if (!json_digits(j)) return false;
    }
    j->text = (const char *)c->data + j->text_at;
    j->text_n = c->at - j->text_at;
    return true;
}

/* ---- structure ---- */

static dp_json_kind json_open(dp_json *j, int bracket) {
    if (j->depth >= j->max_depth) {
        dp__cursor_fail(j->c, DP_ELIMIT, j->c->at, "depth %d, allowed %d", j->depth + 1,
                        j->max_depth);
        return DP_JSON_ERROR;
    }
    j->stack[j->depth++] = (unsigned char)bracket;
    j->c->at++;
    j->state = bracket == '{' ? JSON_KEY_OR_END : JSON_VALUE_OR_END;
    return bracket == '{' ? DP_JSON_OBJECT : DP_JSON_ARRAY;
}

static dp_json_kind json_close(dp_json *j) {
    bool object = j->stack[--j->depth] == '{';
    j->c->at++;
    json_after_value(j);
    return object ? DP_JSON_OBJECT_END : DP_JSON_ARRAY_END;
}

static dp_json_kind json_word(dp_json *j, const char *word, dp_json_kind kind) {
    size_t at = j->c->at;
    for (; *word; word++, at++)
        if (at >= j->c->size || j->c->data[at] != (unsigned char)*word)
            return json_wrong(j, at, "true, false or null");
    j->c->at = at;
    json_after_value(j);
    return kind;
}

static dp_json_kind json_value(dp_json *j) {
    int b = json_peek(j);
    j->text_at = j->c->at;
    if (b == '{' || b == '[') return json_open(j, b);
    if (b == 't') return json_word(j, "true", DP_JSON_TRUE);
    if (b == 'f') return json_word(j, "false", DP_JSON_FALSE);
    if (b == 'n') return json_word(j, "null", DP_JSON_NULL);
    if (b != '"' && b != '-' && !(b >= '0' && b <= '9')) return json_wrong(j, j->c->at, "a value");
    if (!(b == '"' ? json_string(j) : json_number(j))) return DP_JSON_ERROR;
    json_after_value(j);
    return b == '"' ? DP_JSON_STRING : DP_JSON_NUMBER;
}

static dp_json_kind json_key(dp_json *j, const char *allowed) {
    if (json_peek(j) != '"') return json_wrong(j, j->c->at, allowed);
    if (!json_string(j)) return DP_JSON_ERROR;
    j->state = JSON_COLON;
    return DP_JSON_KEY;
}

/* After a value: ',' and the next key or value, or the bracket that closes. */
static dp_json_kind json_go_on(dp_json *j) {
    bool object = j->stack[j->depth - 1] == '{';
    int b = json_peek(j);
    if (b == (object ? '}' : ']')) return json_close(j);
    if (b != ',') return json_wrong(j, j->c->at, object ? "',' or '}'" : "',' or ']'");
    j->c->at++;
    json_skip_space(j);
    return object ? json_key(j, "a key") : json_value(j);
}

dp_json_kind dp__json_next(dp_json *j) {
    j->text = NULL;
    j->text_n = 0;
    if (j->c->failed) return DP_JSON_ERROR;
    json_skip_space(j);
    switch (j->state) {
    case JSON_COLON:
        if (json_peek(j) != ':') return json_wrong(j, j->c->at, "':'");
        j->c->at++;
        json_skip_space(j);
        return json_value(j);
    case JSON_VALUE:
        return json_value(j);
    case JSON_VALUE_OR_END:
        return json_peek(j) == ']' ? json_close(j) : json_value(j);
    case JSON_KEY_OR_END:
        return json_peek(j) == '}' ? json_close(j) : json_key(j, "a key or '}'");
    case JSON_COMMA_OR_END:
        return json_go_on(j);
    default:
        if (json_peek(j) < 0) return DP_JSON_END;
        return json_wrong(j, j->c->at, "nothing after the value");
    }
}

void dp__json_quote(dp_text *out, const char *s, size_t n) {
    dp__text_bytes(out, "\"", 1);
    for (size_t i = 0; i < n;) {
        unsigned char u = (unsigned char)s[i];
        uint32_t code;
        size_t len = dp__utf8(s + i, n - i, &code);
        if (u == '"' || u == '\\')
            dp__text(out, "\\%c", u);
        else if (u == '\n')
            dp__text_bytes(out, "\\n", 2);
        else if (u == '\t')
            dp__text_bytes(out, "\\t", 2);
        else if (u == '\r')
            dp__text_bytes(out, "\\r", 2);
        else if (u < 0x20 || u == 0x7F)
            dp__text(out, "\\u%04x", u);
        else if (len == 0)
            dp__text_bytes(out, "\xEF\xBF\xBD", 3); /* malformed: U+FFFD */
        else
            dp__text_bytes(out, s + i, len);
        i += len ? len : 1;
    }
    dp__text_bytes(out, "\"", 1);
}
