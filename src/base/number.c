/* number.c: numbers and text without locale, C library or floating-point arithmetic. */
#include <string.h>

#include "base.h"

static bool number_digit(char c) {
    return c >= '0' && c <= '9';
}

size_t dp__parse_int(const char *s, size_t n, int64_t *out) {
    size_t i = n > 0 && s[0] == '-' ? 1 : 0, first = i;
    uint64_t limit = first ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, value = 0;
    for (; i < n && number_digit(s[i]); i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (value > (limit - digit) / 10) return 0;
        value = value * 10 + digit;
    }
    if (i == first) return 0;
    *out = first ? (int64_t)(0 - value) : (int64_t)value;
    return i;
}
