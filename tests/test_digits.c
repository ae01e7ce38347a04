/* test_digits.c: the digits that the program draws, and the text that asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "data/data.h"

static int clean(void **state) {
    (void)state;
    dp_clear();
    return 0;
}

static void assert_failed(dp_status status, const char *message, const char *hint) {
    assert_string_equal(dp_error(), message);
    assert_int_equal(dp_error_status(), status);
    if (hint) assert_string_equal(dp_error_hint(), hint);
    dp_clear();
}

/* ---- digits ---- */
static void test_digits(void **state) {
    (void)state;
    static uint8_t x[1000 * 784], y[1000], part[10 * 784], label[10];
    assert_int_equal(dp_draw_digits(1, 0, 1000, x, y), DP_OK);
    assert_int_equal(dp__crc32c(0, x, sizeof x), 0x304a5f90u);
    assert_int_equal(dp__crc32c(0, y, sizeof y), 0x9c2f1e61u);
    for (int i = 0; i < 100; i++) { /* balanced in every ten */
        int seen = 0;
        for (int k = 0; k < 10; k++) seen |= 1 << y[10 * i + k];
        assert_int_equal(seen, 1023);
    }
    assert_int_equal(dp_draw_digits(1, 503, 10, part, label), DP_OK);
    assert_memory_equal(part, x + 503 * 784, sizeof part);
    assert_memory_equal(label, y + 503, sizeof label);
    assert_int_equal(dp_draw_digits(2, 503, 10, part, label), DP_OK);
    assert_memory_not_equal(part, x + 503 * 784, sizeof part);
    assert_int_equal(dp_draw_digits(UINT64_MAX, INT64_MAX - 10, 10, part, label), DP_OK);
    for (int i = 0; i < 1000; i++) { /* every one has ink */
        int ink = 0;
        for (int p = 0; p < 784; p++) ink += x[i * 784 + p] > 127;
        assert_in_range(ink, 15, 400);
    }
    assert_int_equal(dp_draw_digits(1, -1, 10, part, label), DP_EINVAL);
    assert_failed(DP_EINVAL, "dp_draw_digits: first -1, n 10: allowed 0 and more", NULL);
    assert_int_equal(dp_draw_digits(1, 0, 10, NULL, label), DP_EINVAL);
    assert_failed(DP_EINVAL, "dp_draw_digits: pixels or labels is NULL", NULL);

    dp_dataset *a = dp_data("digits(n=50)"), *b = dp_data(" digits"),
               *c = dp_data("digits( 100 , seed = 1 )");
    assert_null(b); /* a folder's name may begin with a blank */
    dp_clear();
    assert_int_equal(dp_examples(a, DP_TRAIN), 50);
    assert_int_equal(dp_examples(a, DP_TEST), 10);
    assert_int_equal(dp_examples(c, DP_TEST), 20);
    assert_memory_equal(a->train.x, x, 50 * 784);
    assert_memory_equal(c->train.x, x, 100 * 784);
    assert_memory_equal(c->test.x, a->test.x, 10 * 784);
    assert_memory_not_equal(c->test.x, a->train.x, 10 * 784);
    assert_string_equal(dp_data_name(a), "digits(n=50)");
    dp_dataset_free(a);
    dp_dataset_free(c);
    a = dp_data("digits");
    assert_int_equal(dp_examples(a, DP_TRAIN), 20000);
    assert_int_equal(dp_examples(a, DP_TEST), 4000);
    dp_dataset_free(a);
}

static void test_digits_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } row[] = {
        {"digits(m=3)", "digits: unknown option m, allowed: n, seed", NULL},
        {"digits(sead=3)", "digits: unknown option sead, allowed: n, seed", "did you mean `seed`?"},
        {"digits(n=0)", "digits: n: found 0, allowed 1 to 10000000", NULL},
        {"digits(n=10000001)", "digits: n: found 10000001, allowed 1 to 10000000", NULL},
        {"digits(n=1e3)", "digits: n: found 1e3, allowed 1 to 10000000", NULL},
        {"digits(n=-5)", "digits: n: found -5, allowed 1 to 10000000", NULL},
        {"digits(0)", "digits: n: found 0, allowed 1 to 10000000", NULL},
        {"digits(n=99999999999999999999)",
         "digits: n: found 99999999999999999999, allowed 1 to 10000000", NULL},
        {"digits(seed=-1)", "digits: seed: found -1, allowed 0 to 9223372036854775807", NULL},
        {"digits(n=)", "digits(n=): character 9: found ), allowed a number", NULL},
        {"digits(n=1", "digits(n=1: character 10: found the end, allowed `,` or `)`", NULL},
        {"digits(n=1,n=2)", "digits: n: given twice", NULL},
        {"digits(1,n=2)", "digits: n: given twice", NULL},
        {"digits(n=1, 2)", "digits(n=1, 2): character 12: found 2), allowed `)`", NULL},
        {"digits(1,2,3)", "digits(1,2,3): character 11: found 3), allowed `)`", NULL},
        {"digits(n=1) x", "digits(n=1) x: character 12: found x, allowed the end", NULL},
        {"digits(", "digits(: character 7: found the end, allowed a number", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_null(dp_data(row[i].text));
        assert_failed(DP_EINVAL, row[i].message, row[i].hint);
    }
    dp_dataset_free(dp_data("digits(10,)"));
    dp_dataset_free(dp_data("digits()x"));
    dp_clear();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_digits, clean),
        cmocka_unit_test_teardown(test_digits_text, clean),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dp_end();
    return failed;
}
