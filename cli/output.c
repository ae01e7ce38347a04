/* output.c: errors, numbers and rows as people and programs read them. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

static bool errors_json;

void cli_errors_as_json(void) { errors_json = true; }

/* ---- text ---- */

/* Length of the UTF-8 sequence at s, 0 if it is malformed or a control character. */
static size_t printable(const char *s) {
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) return u[0] >= 0x20 && u[0] != 0x7F;
    size_t n = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : 2;
    if (u[0] < 0xC2 || u[0] > 0xF4) return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xC0) != 0x80) return 0;
    if (u[0] == 0xC2 && u[1] < 0xA0) return 0; /* C1 controls */
    if (u[0] == 0xE2 && u[1] == 0x80 && (u[2] & 0x7F) >= 0x2A && (u[2] & 0x7F) <= 0x2E)
        return 0; /* bidi */
    return n;
}

static void write_clean(FILE *f, const char *s, const char *after_line) {
    while (*s) {
        size_t n = printable(s);
        if (n)
            fprintf(f, "%.*s", (int)n, s);
        else if (*s == '\n' && after_line)
            fprintf(f, "\n%s", after_line);
        else
            fprintf(f, "\\x%02x", (unsigned char)*s);
        s += n ? n : 1;
    }
}

static char *ring(size_t *size) {
    static char buffers[8][288];
    static unsigned next;
    *size = sizeof buffers[0];
    return buffers[next++ % 8];
}

const char *cli_quote(const char *s) {
    size_t size, at = 0;
    char *out = ring(&size);
    const char *from = s;
    while (*s && s - from < 64) {
        size_t n = printable(s);
        if (n)
            memcpy(out + at, s, n);
        else
            snprintf(out + at, 5, "\\x%02x", (unsigned char)*s);
        at += n ? n : 4;
        s += n ? n : 1;
    }
    snprintf(out + at, size - at, "%s", *s ? "..." : "");
    return out;
}

void cli_json_text(FILE *f, const char *s) {
    fputc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        size_t n = c >= 0x80 ? printable(s) : 0;
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", f);
        else if (c < 0x20 || c == 0x7F || (c >= 0x80 && n == 0))
            fprintf(f, "\\u%04x", c < 0x80 ? c : 0xFFFD);
        else if (n) {
            fwrite(s, 1, n, f);
            s += n - 1;
        } else
            fputc(c, f);
    }
    fputc('"', f);
}

/* ---- errors ---- */

static int report(dp_status status, const char *message, const char *hint) {
    int code = dp_exit_code(status);
    fflush(stdout);
    if (errors_json) {
        fprintf(stderr, "{\"error\":");
        cli_json_text(stderr, message);
        if (hint && *hint) {
            fprintf(stderr, ",\"hint\":");
            cli_json_text(stderr, hint);
        }
        fprintf(stderr, ",\"exit\":%d}\n", code);
        return code;
    }
    fprintf(stderr, "denpan: error ");
    write_clean(stderr, message, "              ");
    fputc('\n', stderr);
    if (hint && *hint) {
        fprintf(stderr, "denpan: hint: ");
        write_clean(stderr, hint, "              ");
        fputc('\n', stderr);
    }
    return code;
}

int cli_error(dp_status status, const char *hint, const char *format, ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return report(status, message, hint);
}

int cli_library_error(void) {
    if (!dp_failed()) return report(DP_EINTERNAL, "something failed without a message", NULL);
    return report(dp_error_status(), dp_error(), dp_error_hint());
}

/* ---- numbers ---- */

const char *cli_commas(int64_t n) {
    char digits[32];
    size_t size, at = 0;
    char *out = ring(&size);
    int count = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < count; i++) {
        if (i && digits[i - 1] != '-' && (count - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

static const char *scaled(double n, const char *const *units, double step) {
    size_t size;
    char *out = ring(&size);
    int i = 0;
    while (n >= 999.5 && units[i + 1]) {
        n /= step;
        i++;
    }
    snprintf(out, size, i == 0 || n >= 99.95 ? "%.0f %s" : "%.1f %s", n, units[i]);
    return out;
}

const char *cli_bytes(double n) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", NULL};
    return scaled(n, units, 1000);
}

const char *cli_count(double n) {
    static const char *const units[] = {"", "k", "M", "G", "T", "P", NULL};
    return scaled(n, units, 1000);
}

const char *cli_seconds(double s) {
    size_t size;
    char *out = ring(&size);
    if (s < 60)
        snprintf(out, size, s < 9.95 ? "%.1f s" : "%.0f s", s);
    else if (s < 3600)
        snprintf(out, size, "%d min %02d s", (int)s / 60, (int)s % 60);
    else
        snprintf(out, size, "%d h %02d min", (int)(s / 3600), (int)(s / 60) % 60);
    return out;
}

const char *cli_shape_text(dp_shape s) {
    size_t size;
    char *out = ring(&size);
    int at = snprintf(out, size, "[");
    for (int i = 0; i < s.rank; i++)
        at += snprintf(out + at, size - (size_t)at, "%s%lld", i ? "," : "", (long long)s.dim[i]);
    snprintf(out + at, size - (size_t)at, "]");
    return out;
}

void cli_json_number(FILE *f, double x) {
    char text[40];
    if (!isfinite(x)) {
        fputs("null", f);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    fputs(text, f);
}

void cli_json_result(FILE *f, const char *key, const dp_result *r) {
    if (r->examples == 0) return;
    fprintf(f, ",\"%s\":{\"loss\":", key);
    cli_json_number(f, r->loss);
    if (!isnan(r->accuracy)) {
        fprintf(f, ",\"accuracy\":");
        cli_json_number(f, r->accuracy);
    }
    fprintf(f, ",\"examples\":%lld}", (long long)r->examples);
}

/* ---- rows ---- */

void cli_row(FILE *f, const char *label, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(f, "%-10s", label);
    int column = 10;
    for (const char *s = text; *s;) {
        int n = (int)strcspn(s, " ");
        if (column > 10 && column + 1 + n > 80) {
            fprintf(f, "\n%10s", "");
            column = 10;
        } else if (column > 10) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", n, s);
        column += n;
        s += n;
        while (*s == ' ') s++;
    }
    fputc('\n', f);
}

double cli_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
