/* text_token.c: model text to tokens, and errors that point into it. */
#include <math.h>
#include <string.h>

#include "nn/text.h"

static bool token_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool token_digit(char c) { return c >= '0' && c <= '9'; }
static bool token_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool token_continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; } /* UTF-8 */

/* Characters of a line from `from` to `to`. */
static size_t token_columns(const char *s, size_t from, size_t to) {
    size_t n = 0;
    for (; from < to; from++) n += !token_continues(s[from]);
    return n;
}

/* The line around `at` and a caret below it, at most 72 columns of it. */
static void token_picture(const dp__reader *r, size_t line, size_t at) {
    enum { WIDTH = 72 };
    char show[4 * WIDTH + 1], caret[WIDTH + 2];
    size_t begin = at, end = at, n = 0, column = 0;
    /* Outwards from `at`, so that a line of a megabyte costs no more than a short one. */
    for (size_t back = 0; begin > line && back < WIDTH * 2 / 3;
         back += !token_continues(r->s[begin]))
        begin--;
    for (size_t columns = token_columns(r->s, begin, at);
         end < r->n && r->s[end] != '\n' && r->s[end] != '\r'; end++) {
        columns += !token_continues(r->s[end]);
        if (columns > WIDTH) break;
    }
    for (size_t i = begin; i < end && n < sizeof show - 1; i++) {
        unsigned char c = (unsigned char)r->s[i];
        show[n++] = c == 0x7F || c < 0x20 ? ' ' : (char)c;
    }
    show[n] = 0;
    for (size_t columns = token_columns(r->s, begin, at); column < columns && column < WIDTH;
         column++)
        caret[column] = ' ';
    caret[column] = '^';
    caret[column + 1] = 0;
    dp__hint("it stands here:\n    %s\n    %s", show, caret);
}

dp_status dp__reader_fail(const dp__reader *r, size_t at, dp_status status, const char *format,
                          ...) {
    char why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    size_t line = 0, lines = 1;
    for (size_t i = 0; i < at && i < r->n; i++)
        if (r->s[i] == '\n') line = i + 1, lines++;
    bool first = !dp_failed();
    dp_fail(status, "%s: line %zu, column %zu: %s", r->what, lines,
            token_columns(r->s, line, at) + 1, why);
    if (first) token_picture(r, line, at);
    return status;
}

const char *dp__reader_name(const char *s, size_t n) {
    static _Thread_local char names[2][280];
    static _Thread_local unsigned next;
    char *out = names[next++ % 2];
    snprintf(out, sizeof names[0], "`%s`", dp__quote(s, n));
    return out;
}

const char *dp__reader_found(const dp__reader *r) {
    const dp__token *t = &r->now;
    size_t n = t->n + (t->kind == DP__T_STRING ? 2 : 0);
    return t->kind == DP__T_END ? "the end of the text" : dp__reader_name(r->s + t->at, n);
}

bool dp__reader_is(const dp__reader *r, char sign) {
    return r->now.kind == DP__T_SIGN && r->now.sign == sign;
}

static dp_status token_number(dp__reader *r) {
    dp__token *t = &r->now;
    size_t i = t->at + (r->s[t->at] == '-' || r->s[t->at] == '+');
    bool whole = true;
    while (i < r->n && token_digit(r->s[i])) i++;
    if (i < r->n && r->s[i] == '.') {
        whole = false;
        for (i++; i < r->n && token_digit(r->s[i]);) i++;
    }
    if (i < r->n && (r->s[i] == 'e' || r->s[i] == 'E')) {
        whole = false;
        i++;
        if (i < r->n && (r->s[i] == '-' || r->s[i] == '+')) i++;
        while (i < r->n && token_digit(r->s[i])) i++;
    }
    t->n = i - t->at;
    size_t skip = r->s[t->at] == '+';
    size_t used = dp__parse_double(r->s + t->at + skip, t->n - skip, &t->d);
    bool repeat =
        whole && i < r->n && r->s[i] == 'x' && !(i + 1 < r->n && token_digit(r->s[i + 1]));
    if (used != t->n - skip || (i < r->n && token_alpha(r->s[i]) && !repeat))
        return dp__reader_fail(r, t->at, DP_EINVAL, "not a number");
    if (!isfinite(t->d)) return dp__reader_fail(r, t->at, DP_EINVAL, "the number is too large");
    if (whole && !dp__parse_int(r->s + t->at + skip, t->n - skip, &t->i))
        return dp__reader_fail(r, t->at, DP_EINVAL, "the integer is too large");
    t->kind = whole ? DP__T_INT : DP__T_REAL;
    r->next = i;
    return DP_OK;
}

static dp_status token_string(dp__reader *r) {
    dp__token *t = &r->now;
    char quote = r->s[t->at];
    size_t i = t->at + 1;
    while (i < r->n && r->s[i] != quote && r->s[i] != '\n' && r->s[i] != '\\') i++;
    if (i == r->n || r->s[i] != quote)
        return dp__reader_fail(r, t->at, DP_EINVAL, "the quote is not closed on its line");
    t->kind = DP__T_STRING;
    t->n = i - t->at - 1;
    r->next = i + 1;
    return DP_OK;
}

/* Skip "nn." and "torch.nn." before a name. */
static size_t token_prefix(const dp__reader *r, size_t i) {
    static const char *const prefixes[] = {"torch.nn.", "nn."};
    for (int k = 0; k < 2; k++) {
        size_t n = strlen(prefixes[k]);
        if (r->n - i > n && memcmp(r->s + i, prefixes[k], n) == 0 && token_alpha(r->s[i + n]))
            return i + n;
    }
    return i;
}

dp_status dp__reader_next(dp__reader *r) {
    size_t i = r->next;
    while (i < r->n && (token_space(r->s[i]) || r->s[i] == '#')) {
        if (r->s[i] == '#')
            while (i < r->n && r->s[i] != '\n') i++;
        else
            i++;
    }
    r->now = (dp__token){.at = i, .n = 1};
    r->next = i;
    if (i == r->n) return DP_OK;
    char c = r->s[i], c1 = i + 1 < r->n ? r->s[i + 1] : 0, c2 = i + 2 < r->n ? r->s[i + 2] : 0;
    bool sign = c == '-' || c == '+';
    if (token_digit(c) || ((c == '.' || sign) && token_digit(c1)) ||
        (sign && c1 == '.' && token_digit(c2)))
        return token_number(r);
    if (c == '"' || c == '\'') return token_string(r);
    if (token_alpha(c)) {
        r->now.at = i = token_prefix(r, i);
        while (i < r->n && (token_alpha(r->s[i]) || token_digit(r->s[i]))) i++;
        r->now.kind = DP__T_NAME;
        r->now.n = i - r->now.at;
        r->next = i;
        return DP_OK;
    }
    if (!strchr("(),:={}|@&$;.[]", c)) {
        while (++i < r->n && token_continues(r->s[i])) r->now.n++;
        return dp__reader_fail(r, r->now.at, DP_EINVAL, "unexpected character %s",
                               dp__reader_name(r->s + r->now.at, r->now.n));
    }
    r->now.kind = DP__T_SIGN;
    r->now.sign = c;
    r->next = i + 1;
    return DP_OK;
}

dp_status dp__reader_begin(dp__reader *r, const char *what, const char *text) {
    *r = (dp__reader){.what = what, .s = text, .n = strlen(text)};
    if (r->n > DP__TEXT_BYTES)
        return dp_fail(DP_ELIMIT, "%s: %zu bytes; the limit is %d", what, r->n, DP__TEXT_BYTES);
    return dp__reader_next(r);
}
