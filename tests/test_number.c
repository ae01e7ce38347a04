/* test_number.c: numbers and text, against the C library in the C locale and by rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../src/base/base.h"

#define N(a) (sizeof(a) / sizeof *(a))

static uint64_t random_bits(void) {
    static uint32_t count;
    uint32_t counter[4] = {count++, 0, 0, 0}, key[2] = {1, 2}, out[4];
    dp__philox(counter, key, out);
    return (uint64_t)out[0] << 32 | out[1];
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Both parsers against strtod and strtof, which glibc rounds correctly. */
static void check_parse(const char *s) {
    double d = -7;
    float f = -7;
    size_t n = strlen(s);
    if (dp__parse_double(s, n, &d) != n || !same(d, strtod(s, NULL)))
        fail_msg("double %.60s: %.17g, not %.17g", s, d, strtod(s, NULL));
    if (dp__parse_float(s, n, &f) != n || !same((double)f, (double)strtof(s, NULL)))
        fail_msg("float %.60s: %.9g, not %.9g", s, (double)f, (double)strtof(s, NULL));
}

static void test_round_trip_double(void **state) {
    (void)state;
    char buf[32];
    for (int i = 0; i < 1000000; i++) {
        uint64_t bits = random_bits();
        double x, y;
        if (i % 16 == 0) bits &= ~((uint64_t)0x7FF << 52); /* denormal */
        memcpy(&x, &bits, sizeof x);
        if (isnan(x)) continue;
        dp__format_double(x, buf);
        if (dp__parse_double(buf, strlen(buf), &y) != strlen(buf) || !same(x, y))
            fail_msg("%s is not %.17g", buf, x);
    }
}

static void test_round_trip_float(void **state) {
    (void)state;
    char buf[32];
    for (int i = 0; i < 1000000; i++) {
        uint32_t bits = (uint32_t)random_bits();
        float x, y;
        if (i % 16 == 0) bits &= ~((uint32_t)0xFF << 23);
        memcpy(&x, &bits, sizeof x);
        if (isnan(x)) continue;
        dp__format_float(x, buf);
        if (dp__parse_float(buf, strlen(buf), &y) != strlen(buf) || memcmp(&x, &y, sizeof x))
            fail_msg("%s is not %.9g", buf, (double)x);
    }
}

static void test_random_texts(void **state) {
    (void)state;
    char text[64];
    for (int i = 0; i < 300000; i++) {
        uint64_t r = random_bits();
        int n = (int)(r % 40) + 1, point = (int)(r >> 8 & 63);
        char *p = text;
        for (int k = 0; k < n; k++) {
            if (k == point) *p++ = '.';
            *p++ = (char)('0' + random_bits() % 10);
        }
        snprintf(p, 16, "e%d", (int)(r >> 16 & 1023) - 512);
        check_parse(text);
    }
}

/* The midpoint of two neighbours, a hair above and a hair below, to 760 digits and more. */
static void test_midpoints(void **state) {
    (void)state;
    static char text[2000];
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = random_bits() >> 1;
        uint32_t bits32 = (uint32_t)bits >> 1;
        double x, y;
        float fx, fy;
        if (i % 4 == 0) bits &= ((uint64_t)1 << 53) - 1;
        if (i % 7 == 0) bits &= ~(uint64_t)0 << 52; /* powers of two */
        memcpy(&x, &bits, sizeof x);
        bits++;
        memcpy(&y, &bits, sizeof y);
        memcpy(&fx, &bits32, sizeof fx);
        bits32++;
        memcpy(&fy, &bits32, sizeof fy);
        if (!isfinite(y) || !isfinite(fy)) continue;
        long double middle[2] = {((long double)x + (long double)y) / 2,
                                 ((long double)fx + (long double)fy) / 2};
        for (int k = 0; k < 2; k++) {
            int n = snprintf(text, sizeof text, "%.*Le", i % 2 ? 900 : 780, middle[k]);
            check_parse(text);
            char *end = strchr(text, 'e') - 1, was = *end;
            *end = '1';
            check_parse(text);
            *end = was;
            while (*end == '0') *end-- = '9';
            if (*end == '.') continue;
            --*end;
            check_parse(text);
            assert_true(n > 0);
        }
    }
}

static void test_hard_texts(void **state) {
    (void)state;
    static const char *const rows[] = {
        "0",
        "-0",
        "0.0e5",
        "1e400",
        "-1e400",
        "1e-400",
        "1e999999999999999999999",
        "0e999999999999",
        "1e-999999999999999999999",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "179769313486231580793e289",
        "9007199254740993",
        "9007199254740992.999999999999999999999999",
        "8.5e-46",
        "7.0064923e-46",
        "7.0064924e-46",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        ".5",
        "5.",
        "00012.500",
        "1.00000005960464477539062500001",
        "1.000000059604644775390625",
        "inf",
        "-inf",
        "infinity",
        "6.631236846766476e-316",
        "3.2378839133029012895e-312",
        "1448997445238699",
        "100000000000000000000000",
    };
    for (size_t i = 0; i < N(rows); i++) check_parse(rows[i]);
    static char text[9000];
    for (int kind = 0; kind < 4; kind++) {
        memset(text, kind == 1 ? '0' : '9', 4000); /* 4,000 digits */
        text[0] = kind == 1 ? '1' : '9';
        text[1] = '.';
        text[3999] = '1';
        snprintf(text + 4000, 16, "e%d", kind == 2 ? -320 : kind == 3 ? 308 : 0);
        check_parse(text);
    }
    memset(text, '0', 5000);
    strcpy(text + 5000, "1e-5000");
    memcpy(text, "0.", 2);
    check_parse(text);
    memset(text, '7', 5000);
    strcpy(text + 5000, "e-5000");
    check_parse(text);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t used;
    } rows[] = {
        {"", 0},          {"1e", 0},       {"1e+", 0},  {"+1", 0},  {" 1", 0},  {"0x1p3", 0},
        {"0X10", 0},      {".", 0},        {"-", 0},    {"--1", 0}, {"-+1", 0}, {"e5", 0},
        {".e5", 0},       {"abc", 0},      {"na", 0},   {"1,5", 1}, {"1_0", 1}, {"1.2.3", 3},
        {"nan(1)", 3},    {"infinite", 3}, {"-nan", 4}, {"NaN", 3}, {"1 ", 1},  {"1.5f", 3},
        {"-INFINITY", 9}, {"\xd9\xa1", 0},
    };
    for (size_t i = 0; i < N(rows); i++) {
        double d = 0;
        float f = 0;
        size_t n = strlen(rows[i].text);
        if (dp__parse_double(rows[i].text, n, &d) != rows[i].used ||
            dp__parse_float(rows[i].text, n, &f) != rows[i].used)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
    double d = 5;
    assert_int_equal(dp__parse_double("1234", 2, &d), 2); /* bounded */
    assert_true(d == 12);
    assert_int_equal(dp__parse_double("1e5", 2, &d), 0);
    dp__parse_double("-nan", 4, &d);
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    assert_true(bits == (uint64_t)0x7FF8 << 48); /* the canonical one */
}

static void test_int(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t used;
        int64_t value;
    } rows[] = {
        {"0", 1, 0},
        {"-0", 2, 0},
        {"12x", 2, 12},
        {"-7", 2, -7},
        {"", 0, 0},
        {"-", 0, 0},
        {"+1", 0, 0},
        {"9223372036854775807", 19, INT64_MAX},
        {"9223372036854775808", 0, 0},
        {"-9223372036854775808", 20, INT64_MIN},
        {"-9223372036854775809", 0, 0},
        {"18446744073709551616", 0, 0},
        {"00000000000000000000000042", 26, 42},
    };
    for (size_t i = 0; i < N(rows); i++) {
        int64_t x = 0;
        assert_int_equal(dp__parse_int(rows[i].text, strlen(rows[i].text), &x), rows[i].used);
        assert_true(x == rows[i].value);
    }
}

static void test_shortest(void **state) {
    (void)state;
    static const struct {
        double x;
        const char *text;
    } rows[] = {
        {0.1, "0.1"},
        {1e-5, "1e-05"},
        {3, "3"},
        {-0.0, "-0"},
        {1e15, "1000000000000000"},
        {1e16, "1e+16"},
        {0.0001, "0.0001"},
        {123.456, "123.456"},
        {5e-324, "5e-324"},
        {1e23, "1e+23"},
        {0x1p-44, "5.684341886080802e-14"},
        {1e100, "1e+100"},
        {-2.5, "-2.5"},
        {9007199254740993.0, "9007199254740992"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-(double)NAN, "nan"},
        {0, "0"},
    };
    static const struct {
        float x;
        const char *text;
    } floats[] = {
        {0.1f, "0.1"},
        {1e-5f, "1e-05"},
        {16777216, "16777216"},
        {1e-45f, "1e-45"},
        {-0.0f, "-0"},
        {3.4028235e38f, "3.4028235e+38"},
        {1.0f / 3, "0.33333334"},
        {1e-3f, "0.001"},
    };
    char buf[32];
    for (size_t i = 0; i < N(rows); i++)
        assert_string_equal(dp__format_double(rows[i].x, buf), rows[i].text);
    for (size_t i = 0; i < N(floats); i++)
        assert_string_equal(dp__format_float(floats[i].x, buf), floats[i].text);
}

/* Fewer digits than the ones given never read back. */
static void test_no_shorter(void **state) {
    (void)state;
    char buf[32], less[64];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_bits();
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        dp__format_double(x, buf);
        int digits = 0, zeros = 0; /* significant: from the first to the last that is not 0 */
        for (const char *p = buf; *p && *p != 'e'; p++) {
            if (*p < '0' || *p > '9' || (*p == '0' && digits == 0)) continue;
            zeros = *p == '0' ? zeros + 1 : 0;
            digits++;
        }
        digits -= zeros;
        if (digits < 2) continue;
        snprintf(less, sizeof less, "%.*e", digits - 2, x);
        assert_false(strtod(less, NULL) == x);
    }
}

static void check_some(void) {
    char buf[32];
    double d = 0;
    float f = 0;
    assert_string_equal(dp__format_double(0.1, buf), "0.1");
    assert_string_equal(dp__format_double(1.0 / 3, buf), "0.3333333333333333");
    assert_string_equal(dp__format_float(0.3f, buf), "0.3");
    assert_int_equal(dp__parse_double("0.1", 3, &d), 3);
    assert_int_equal(dp__parse_float("0.1", 3, &f), 3);
    assert_true(d == 0.1 && f == 0.1f);
    assert_int_equal(dp__parse_double("0,1", 3, &d), 1);
    assert_int_equal(dp__parse_double("2.4703282292062328e-324", 23, &d), 23);
    assert_true(same(d, 0x1p-1074));
}

static void test_locales(void **state) {
    (void)state;
    static const char *const names[] = {"C",           "de_DE.UTF-8", "fr_FR.UTF-8",
                                        "tr_TR.UTF-8", "ps_AF.UTF-8", "de_DE"};
    for (size_t i = 0; i < N(names); i++)
        if (setlocale(LC_ALL, names[i])) check_some();
    setlocale(LC_ALL, "C");
}

static void test_rounding_modes(void **state) {
    (void)state;
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
    for (size_t i = 0; i < N(modes); i++) {
        fesetround(modes[i]);
        check_some();
        assert_int_equal(fegetround(), modes[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_double),
        cmocka_unit_test(test_round_trip_float),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_midpoints),
        cmocka_unit_test(test_hard_texts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_no_shorter),
        cmocka_unit_test(test_locales),
        cmocka_unit_test(test_rounding_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
