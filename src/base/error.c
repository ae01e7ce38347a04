/* error.c: one error record per thread, the log callback, and text for messages. Nothing here
 * allocates, so running out of memory can be reported. */
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "base.h"

enum { ERROR_MESSAGE = 2048, ERROR_HINT = 512, ERROR_QUOTES = 8, ERROR_CUT = 64, ERROR_WORD = 64 };
enum { ERROR_QUOTE = 4 * ERROR_CUT + 8 };

/* status == DP_OK: no error. last is the status of the latest dp_fail, own whether it was the one
 * that is recorded: only then may dp__hint speak. */
typedef struct error_record {
    dp_status status, last;
    bool own;
    char message[ERROR_MESSAGE], hint[ERROR_HINT];
} error_record;

static _Thread_local error_record error_here;
static _Thread_local char error_quotes[ERROR_QUOTES][ERROR_QUOTE];
static _Thread_local unsigned error_quote_next;

const char *dp_version(void) { return DENPAN_VERSION; }

bool dp_failed(void) { return error_here.status != DP_OK; }

const char *dp_error(void) { return error_here.message; }

const char *dp_error_hint(void) { return error_here.hint; }

dp_status dp_error_status(void) { return error_here.status; }

void dp_clear(void) {
    error_here.status = error_here.last = DP_OK;
    error_here.own = false;
    error_here.message[0] = error_here.hint[0] = 0;
}

int dp_exit_code(dp_status status) {
    switch (status) {
    case DP_OK:
        return 0;
    case DP_EINVAL:
    case DP_ESPENT:
    case DP_EALIAS:
        return 2;
    case DP_EFORMAT:
        return 3;
    case DP_EIO:
        return 4;
    case DP_ELIMIT:
    case DP_ENOMEM:
        return 5;
    case DP_ENUMERIC:
        return 6;
    case DP_ESTOPPED:
        return 7;
    case DP_EPEER:
        return 8;
    case DP_EMISMATCH:
        return 9;
    case DP_EFORKED:
    case DP_EINTERNAL:
        return 70;
    }
    return 70;
}

/* Format into out[cap]; what does not fit is cut before a UTF-8 sequence and ends in "...". */
static void error_format(char *out, size_t cap, const char *format, va_list args) {
    int n = vsnprintf(out, cap, format, args);
    if (n < 0) {
        out[0] = 0;
        return;
    }
    if ((size_t)n < cap) return;
    size_t at = cap - 4;
    while (at > 0 && ((unsigned char)out[at] & 0xC0) == 0x80) at--;
    memcpy(out + at, "...", 4);
}

dp_status dp_fail(dp_status status, const char *format, ...) {
    error_record *e = &error_here;
    if (status == DP_OK) return DP_OK;
    e->last = status;
    e->own = e->status == DP_OK;
    if (!e->own) return status;
    va_list args;
    va_start(args, format);
    error_format(e->message, sizeof e->message, format, args);
    va_end(args);
    e->hint[0] = 0;
    e->status = status;
    return status;
}

dp_status dp__hint(const char *format, ...) {
    error_record *e = &error_here;
    if (!e->own || e->hint[0]) return e->last;
    va_list args;
    va_start(args, format);
    error_format(e->hint, sizeof e->hint, format, args);
    va_end(args);
    return e->last;
}

/* ---- log: function and context change together, hence the flag ---- */

static atomic_flag error_log_lock = ATOMIC_FLAG_INIT;
static dp_log_fn *error_log_fn;
static void *error_log_context;

void dp_set_log(dp_log_fn *fn, void *context) {
    while (atomic_flag_test_and_set_explicit(&error_log_lock, memory_order_acquire)) {
    }
    error_log_fn = fn;
    error_log_context = context;
    atomic_flag_clear_explicit(&error_log_lock, memory_order_release);
}

void dp__log(dp_log_level level, const char *format, ...) {
    while (atomic_flag_test_and_set_explicit(&error_log_lock, memory_order_acquire)) {
    }
    dp_log_fn *fn = error_log_fn;
    void *context = error_log_context;
    atomic_flag_clear_explicit(&error_log_lock, memory_order_release);
    if (!fn) return;
    char message[1024];
    va_list args;
    va_start(args, format);
    error_format(message, sizeof message, format, args);
    va_end(args);
    fn(context, level, message);
}

/* ---- text from outside ---- */

/* Length of the well-formed UTF-8 sequence at s (n > 0 bytes), 0 if it is malformed; *code: its
 * value. Overlong forms, surrogates and values above U+10FFFF are malformed. */
size_t dp__utf8(const char *s, size_t n, uint32_t *code) {
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) return *code = u[0], 1;
    size_t len = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : 2;
    if (u[0] < 0xC2 || u[0] > 0xF4 || n < len) return 0;
    uint32_t c = u[0] & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (u[i] & 0x3F);
    }
    if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000)) return 0;
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
    *code = c;
    return len;
}

/* May the character appear in a message as it is? Not the C0 and C1 controls, nor those that
 * reorder or hide text or break lines. */
static bool error_printable(uint32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
    if (c == 0x61C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E)) return false;
    return !(c >= 0x2060 && c <= 0x206F) && c != 0xFEFF;
}

/* Longest form: "\xNN" for each byte. */
static size_t error_escape(char *out, const char *s, size_t len) {
    static const char digit[] = "0123456789abcdef";
    if (len == 1 && (*s == '\n' || *s == '\t' || *s == '\r' || *s == '\\')) {
        out[0] = '\\';
        out[1] = *s == '\n' ? 'n' : *s == '\t' ? 't' : *s == '\r' ? 'r' : '\\';
        return 2;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char u = (unsigned char)s[i];
        out[4 * i] = '\\';
        out[4 * i + 1] = 'x';
        out[4 * i + 2] = digit[u >> 4];
        out[4 * i + 3] = digit[u & 15];
    }
    return 4 * len;
}

void dp__quote_to(char *out, size_t cap, const char *s, size_t n) {
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t len = dp__utf8(s + i, n - i, &code);
        bool plain = len > 0 && error_printable(code) && code != '\\';
        char escaped[16];
        if (len == 0) len = 1;
        size_t made = plain ? len : error_escape(escaped, s + i, len);
        if (o + made + 4 > cap) {
            memcpy(out + o, "...", 4);
            return;
        }
        memcpy(out + o, plain ? s + i : escaped, made);
        o += made;
        i += len;
    }
    out[o] = 0;
}

const char *dp__quote(const char *s, size_t n) {
    if (!s) return "(null)";
    char *out = error_quotes[error_quote_next++ % ERROR_QUOTES];
    size_t cut = n;
    if (n > ERROR_CUT) {
        cut = ERROR_CUT;
        for (int back = 0; back < 3 && ((unsigned char)s[cut] & 0xC0) == 0x80; back++) cut--;
    }
    dp__quote_to(out, ERROR_QUOTE, s, cut);
    if (cut < n) strcat(out, "...");
    return out;
}

/* ---- did you mean: edit distance in half steps (1: other case; 2: insert, delete, replace, swap
 * neighbours) ---- */

static char error_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static int error_replace(char a, char b) {
    return a == b ? 0 : error_lower(a) == error_lower(b) ? 1 : 2;
}

static int error_min(int a, int b) { return a < b ? a : b; }

/* row[i][j]: distance of the first i bytes of a and the first j of b; three rows are kept. */
static int error_distance(const char *a, size_t n, const char *b, size_t m) {
    int row[3][ERROR_WORD + 1];
    for (size_t j = 0; j <= m; j++) row[0][j] = 2 * (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = 2 * (int)i;
        for (size_t j = 1; j <= m; j++) {
            int d = up[j - 1] + error_replace(a[i - 1], b[j - 1]);
            d = error_min(d, error_min(up[j], now[j - 1]) + 2);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = error_min(d, up2[j - 2] + 2);
            now[j] = d;
        }
    }
    return row[n % 3][m];
}

/* Does `name` begin with the n bytes at s, whatever their case? */
static bool error_begins(const char *name, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!name[i] || error_lower(name[i]) != error_lower(s[i])) return false;
    return true;
}

const char *dp__nearest(const char *s, const char *const *names, size_t n) {
    if (!s || !names) return NULL;
    size_t len = strlen(s);
    if (len == 0 || len > ERROR_WORD) return NULL;
    const char *best = NULL;
    int limit = len == 1 ? 1 : len < 6 ? 2 : 2 * (int)(len / 3);
    for (size_t i = 0; i < n; i++) {
        size_t m = names[i] ? strlen(names[i]) : 0;
        if (m == 0 || m > ERROR_WORD) continue;
        int d = error_distance(s, len, names[i], m);
        if (d > limit || (best && d == limit)) continue;
        limit = d;
        best = names[i];
    }
    for (size_t i = 0; !best && len > 1 && i < n; i++) /* MSE: MSELoss */
        if (names[i] && error_begins(names[i], s, len)) best = names[i];
    return best;
}
