/* text_spell.c: numbers and arguments as text, in PyTorch's spelling and in the canonical one. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "nn/text.h"

/* Digits and decimal exponent of shortest text that reads back as x > 0: 0.d1d2d3 * 10^exponent. */
static size_t spell_digits(double x, char digits[32], int *exponent) {
    char buf[64];
    dp__format_double(x, buf);
    size_t n = 0;
    int point = -1, power = 0, seen = 0, leading = 0;
    const char *s = buf;
    for (; *s && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            point = seen;
            continue;
        }
        seen++;
        if (n == 0 && *s == '0')
            leading++;
        else
            digits[n++] = *s;
    }
    if (point < 0) point = seen;
    if (*s) {
        int64_t e = 0;
        const char *from = s + 1 + (s[1] == '+');
        dp__parse_int(from, strlen(from), &e);
        power = (int)e;
    }
    while (n > 1 && digits[n - 1] == '0') n--;
    *exponent = point - leading + power;
    return n;
}

static void spell_zeros(dp_text *t, int n) {
    for (int i = 0; i < n; i++) dp__text_bytes(t, "0", 1);
}

void dp__text_real(dp_text *t, double x, bool whole) {
    char digits[32];
    int e;
    if (isnan(x)) {
        dp__text(t, "nan");
        return;
    }
    if (signbit(x)) dp__text(t, "-");
    x = fabs(x);
    if (isinf(x)) {
        dp__text(t, "inf");
    } else if (x == 0) {
        dp__text(t, whole ? "0" : "0.0");
    } else {
        int n = (int)spell_digits(x, digits, &e);
        if (!whole && (e > 16 || e < -3)) {
            dp__text(t, n > 1 ? "%c.%.*se%c%02d" : "%c%.*se%c%02d", digits[0], n - 1, digits + 1,
                     e > 0 ? '+' : '-', e > 0 ? e - 1 : 1 - e);
        } else if (e <= 0) {
            dp__text(t, "0.");
            spell_zeros(t, -e);
            dp__text_bytes(t, digits, (size_t)n);
        } else if (n <= e) {
            dp__text_bytes(t, digits, (size_t)n);
            spell_zeros(t, e - n);
            if (!whole) dp__text(t, ".0");
        } else {
            dp__text(t, "%.*s.%.*s", e, digits, n - e, digits + e);
        }
    }
}

static void spell_value(dp_text *t, const dp__field *f, const dp__arg *a, dp__style style) {
    bool python = style == DP__STYLE_PYTORCH;
    if (a->none) {
        dp__text(t, python ? "None" : "none");
        return;
    }
    size_t n;
    const char *word;
    switch (f->type) {
    case DP__ARG_INT:
        dp__text(t, "%lld", (long long)a->v[0].i);
        break;
    case DP__ARG_REAL:
        dp__text_real(t, a->v[0].d, a->ints & 1);
        break;
    case DP__ARG_BOOL:
        dp__text(t, a->v[0].i ? (python ? "True" : "true") : python ? "False" : "false");
        break;
    case DP__ARG_CHOICE:
        word = dp__choice_at(f->choices, (int)a->v[0].i, &n);
        dp__text(t, "'%.*s'", (int)n, word);
        break;
    case DP__ARG_PAIR:
        dp__text(t, "(");
        dp__text_real(t, a->v[0].d, a->ints & 1);
        dp__text(t, ", ");
        dp__text_real(t, a->v[1].d, (a->ints & 2) != 0);
        dp__text(t, ")");
        break;
    }
}

void dp__text_kind(dp_text *t, const dp__kind *kind, const dp__arg *args, dp__style style) {
    dp__arg defaults[DP__MAX_FIELDS];
    dp__defaults(kind, defaults);
    bool first = true;
    dp__text(t, "%s(", kind->name);
    for (size_t i = 0; i < dp__field_count(kind); i++) {
        const dp__field *f = &kind->fields[i];
        if (style == DP__STYLE_PYTORCH &&
            ((f->flags & DP__NOT_PRINTED) ||
             ((f->flags & DP__IF_CHANGED) && dp__arg_equal(f, &args[i], &defaults[i]))))
            continue;
        dp__text(t, "%s%s=", first ? "" : ", ", f->name);
        spell_value(t, f, &args[i], style);
        first = false;
    }
    dp__text(t, ")");
}

char *dp__vprintf(const char *format, va_list args) {
    va_list again;
    char small[512], *out = NULL;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n < 0) {
        dp_fail(DP_EINVAL, "the format cannot be printed");
    } else {
        out = dp__alloc((size_t)n + 1);
        if (out) vsnprintf(out, (size_t)n + 1, format, again);
    }
    va_end(again);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return out;
}
