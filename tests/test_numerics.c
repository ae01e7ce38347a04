/* test_numerics.c: values at the edges of floating point, and the quality of random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "denpan/grad.h"
#include "denpan/op.h"
#include "denpan/run.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

static dp_executor executor;
static int begin(void **state) {
    dp_engine_executor(executor);
    *state = dp_scope_begin();
    return *state == NULL;
}
static int end(void **state) {
    if (dp_failed()) print_error("an error was left behind: %s\n", dp_error());
    dp_scope_end(*state);
    bool clean = !dp_failed();
    dp_clear();
    return !clean;
}

static const float *floats(dp_tensor *t) {
    const float *v = dp_map(t);
    if (!v || dp_dtype_of(t) != DP_F32) fail_msg("no floats: %s", dp_error());
    return v;
}

static dp_tensor *row(const float *v, int64_t n) { return dp_from(DP_F32, DP_SHAPE(1, n), v); }

/* ---- softmax and its kin ---- */

enum { WIDE = 4 };
static const float edge_rows[][WIDE] = {
    {88.73f, -88.73f, 88.72f, 0},
    {1e4f, -1e4f, 0, 9999},
    {FLT_MAX, -FLT_MAX, 0, 1},
    {-FLT_MAX, -FLT_MAX, FLT_MAX, FLT_MAX},
    {5, 5, 5, 5},
    {-1e4f, -1e4f, -1e4f, -1e4f},
    {-168, -200, -1e5f, -170},
    {-INFINITY, 0, 1, -INFINITY},
    {-INFINITY, -INFINITY, -INFINITY, -1e30f},
    {FLT_MIN, 1e-45f, -1e-45f, 0},
    {104, -104, 750, -750},
};

static void test_softmax_edges(void **state) {
    (void)state;
    for (size_t i = 0; i < N(edge_rows); i++) {
        dp_tensor *x = row(edge_rows[i], WIDE), *y = dp_softmax(x, -1), *l = dp_log_softmax(x, -1),
                  *z = dp_log_sum_exp(x, -1, false);
        assert_int_equal(dp_eval(y, l, z), 0);
        const float *p = floats(y), *logs = floats(l);
        double sum = 0, most = -INFINITY, exact = 0;
        for (int k = 0; k < WIDE; k++) most = fmax(most, (double)edge_rows[i][k]);
        for (int k = 0; k < WIDE; k++) exact += exp((double)edge_rows[i][k] - most);
        for (int k = 0; k < WIDE; k++) {
            double want = exp((double)edge_rows[i][k] - most) / exact;
            assert_true(isfinite(p[k]) && fabs((double)p[k] - want) <= 4e-7 * want + 1e-38);
            double log_want = (double)edge_rows[i][k] - most - log(exact);
            if ((float)log_want < -FLT_MAX)
                assert_true(logs[k] == -INFINITY);
            else
                assert_true(fabs((double)logs[k] - log_want) <=
                            4 * 0x1p-24 * fmax(1, fabs(log_want)));
            sum += (double)p[k];
        }
        assert_true(fabs(sum - 1) <= WIDE * 0x1p-24);
        double total = most + log(exact);
        assert_true(fabs(dp_item(z) - total) <= 4 * 0x1p-24 * fmax(1, fabs(total)));
    }
}

/* A NaN, an infinity, a row of -inf: each ruins its own row only. */
static void test_softmax_rows(void **state) {
    (void)state;
    const float rows[][3] = {
        {1, 2, 3}, {1, NAN, 3},      {1, 2, 3}, {-INFINITY, -INFINITY, -INFINITY},
        {1, 2, 3}, {INFINITY, 1, 2}, {1, 2, 3}};
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(7, 3), rows), *y = dp_softmax(x, 1),
              *l = dp_log_softmax(x, 1), *z = dp_log_sum_exp(x, 1, false);
    assert_int_equal(dp_eval(y, l, z), 0);
    const float *p = floats(y), *q = floats(l), *s = floats(z);
    for (int i = 0; i < 7; i += 2) {
        assert_memory_equal(p + 3 * i, p, 12);
        assert_memory_equal(q + 3 * i, q, 12);
        assert_true(s[i] == s[0] && fabs((double)s[i] - 3.407606) < 1e-6);
    }
    assert_true(isnan(p[3]) && isnan(p[4]) && isnan(p[5]) && isnan(s[1]));
    assert_true(isnan(p[9]) && isnan(p[10]) && isnan(p[11]) && s[3] == -INFINITY);
    assert_true(isnan(p[15]) && isnan(q[15]));
}

/* The gradient of -log p[label] is p - onehot; a masked logit (-inf, or very low) has gradient 0.
 */
static void test_masked_gradient(void **state) {
    (void)state;
    static const float rows[][WIDE] = {
        {1, -INFINITY, 2, 0.5f}, {1e4f, -1e4f, 9999, -FLT_MAX}, {-200, -168, -INFINITY, -170}};
    for (size_t i = 0; i < N(rows); i++)
        for (int label = 0; label < WIDE; label += 2) {
            if (rows[i][label] == -INFINITY) continue;
            dp_tensor *x = row(rows[i], WIDE),
                      *index = dp_from(DP_I64, DP_SHAPE(1), (int64_t[]){label});
            dp_tensor *loss = dp_neg(dp_sum_all(dp_pick(dp_log_softmax(x, 1), index))),
                      *g = dp_grad(loss, x), *p = dp_softmax(x, 1);
            dp_tensor *h = dp_grad(dp_sum_all(dp_square(dp_softmax(x, 1))), x);
            assert_int_equal(dp_eval(loss, g, p, h), 0);
            const float *d = floats(g), *prob = floats(p), *second = floats(h);
            for (int k = 0; k < WIDE; k++) {
                assert_true(isfinite(second[k]));
                if (!(fabs((double)d[k] - ((double)prob[k] - (k == label))) <= 2e-7))
                    fail_msg("row %zu, label %d: gradient %d is %g, not %g - %d", i, label, k,
                             (double)d[k], (double)prob[k], k == label);
            }
        }
}

/* ---- functions at their limits ---- */

static double at(dp_tensor *(*f)(dp_tensor *), dp_dtype t, double x) {
    return dp_item(f(dp_scalar_of(t, x)));
}

static void test_saturation(void **state) {
    (void)state;
    for (int d = 0; d < 2; d++) {
        dp_dtype t = d ? DP_F64 : DP_F32;
        assert_true(at(dp_sigmoid, t, 750) == 1 && at(dp_sigmoid, t, -750) <= 1e-300 &&
                    at(dp_sigmoid, t, -750) >= 0);
        assert_true(at(dp_sigmoid, t, 104) == 1 && at(dp_sigmoid, t, -104) >= 0 &&
                    at(dp_sigmoid, t, -104) < 1e-44);
        assert_true(at(dp_sigmoid, t, INFINITY) == 1 && at(dp_sigmoid, t, -INFINITY) == 0 &&
                    isnan(at(dp_sigmoid, t, NAN)));
        assert_true(at(dp_softplus, t, 100) == 100 && at(dp_softplus, t, 750) == 750 &&
                    at(dp_softplus, t, INFINITY) == INFINITY);
        double low = at(dp_softplus, t, -100);
        assert_true(low > 3.7200e-44 * 0.98 && low < 3.7201e-44 * 1.02);
        assert_true(at(dp_softplus, t, -750) >= 0 && at(dp_softplus, t, -INFINITY) == 0 &&
                    isnan(at(dp_softplus, t, NAN)));
        assert_true(at(dp_tanh, t, 9.02) <= 1 && at(dp_tanh, t, 9.02) > 0.99999996 &&
                    at(dp_tanh, t, 750) == 1 && at(dp_tanh, t, -750) == -1);
        assert_true(at(dp_erf, t, 30) == 1 && at(dp_erf, t, -30) == -1 &&
                    at(dp_gelu, t, -100) == 0 && at(dp_gelu, t, 100) == 100);
        assert_true(at(dp_silu, t, -1000) == 0 && at(dp_silu, t, 1000) == 1000);
        assert_true(at(dp_exp, t, -INFINITY) == 0 && at(dp_exp, t, 1e9) == INFINITY &&
                    at(dp_log, t, 0) == -INFINITY && isnan(at(dp_log, t, -1)));
        assert_true(isnan(at(dp_relu, t, NAN)) && !signbit(at(dp_relu, t, -0.0)) &&
                    at(dp_abs, t, -INFINITY) == INFINITY);
        assert_true(at(dp_round, t, 2.5) == 2 && at(dp_round, t, -3.5) == -4 &&
                    at(dp_floor, t, -0.5) == -1);
    }
}

/* Never falling, over steps as fine as the dtype. */
static void test_monotone(void **state) {
    (void)state;
    enum { M = 20001 };
    static dp_tensor *(*const rising[])(dp_tensor *) = {dp_sigmoid, dp_tanh, dp_softplus,
                                                        dp_erf,     dp_exp,  dp_expm1};
    for (size_t f = 0; f < N(rising); f++)
        for (int d = 0; d < 2; d++) {
            dp_dtype t = d ? DP_F64 : DP_F32;
            dp_tensor *x = dp_muls(dp_adds(dp_arange(t, M), -(M / 2)), 0.0104);
            dp_tensor *y = rising[f](x),
                      *fall = dp_less(dp_slice(y, 0, 1, M, 1), dp_slice(y, 0, 0, -1, 1));
            assert_true(dp_item(dp_sum_all(fall)) == 0);
        }
}

/* Derivatives where a formula could give 0 * inf or divide by 0. */
static void test_gradients_at_kinks(void **state) {
    (void)state;
    static const struct {
        dp_tensor *(*f)(dp_tensor *);
        double x, slope;
    } table[] = {
        {dp_abs, 0, 0},        {dp_relu, 0, 0},       {dp_relu, 1, 1},        {dp_relu, -1, 0},
        {dp_softplus, 0, 0.5}, {dp_softplus, 800, 1}, {dp_softplus, -800, 0}, {dp_sigmoid, 800, 0},
        {dp_sigmoid, -800, 0}, {dp_tanh, 800, 0},     {dp_gelu, 100, 1},      {dp_gelu, -100, 0},
        {dp_silu, 1000, 1},    {dp_silu, -1000, 0},   {dp_sqrt, 0, INFINITY}, {dp_log, 0, INFINITY},
        {dp_exp, -1000, 0},    {dp_norm, 3, 1},       {dp_norm, -2, -1},
    };
    for (size_t i = 0; i < N(table); i++) {
        dp_tensor *x = dp_scalar_of(DP_F64, table[i].x), *g = dp_grad(table[i].f(x), x);
        double got = dp_item(g);
        if (!(got == table[i].slope || fabs(got - table[i].slope) < 1e-15))
            fail_msg("derivative %zu at %g is %g", i, table[i].x, got);
    }
}

static double power(double a, double b) {
    return dp_item(dp_pow(dp_scalar_of(DP_F64, a), dp_scalar_of(DP_F64, b)));
}
static double power_slope(double a, double b, int by) {
    dp_tensor *x[2] = {dp_scalar_of(DP_F64, a), dp_scalar_of(DP_F64, b)}, *g;
    assert_int_equal(dp_vjp(dp_pow(x[0], x[1]), NULL, &x[by], 1, &g), 0);
    return dp_item(g);
}

static void test_power(void **state) {
    (void)state;
    assert_true(power(0, 0) == 1 && power(NAN, 0) == 1 && power(-2, 3) == -8 &&
                isnan(power(-2, 0.5)));
    assert_true(power(0, -1) == INFINITY && power(2, -2) == 0.25 &&
                power(INFINITY, 0.5) == INFINITY);
    assert_true(power_slope(0, 0, 0) == 0 && power_slope(0, 2, 0) == 0 &&
                power_slope(0, 1, 0) == 1);
    assert_true(power_slope(0, 2, 1) == 0 && power_slope(0, 0, 1) == 0 &&
                power_slope(-2, 3, 0) == 12);
}

/* ---- largest, ties, signs of zero ---- */

static void test_extremes(void **state) {
    (void)state;
    const float v[][3] = {{1, NAN, 3},
                          {2, 2, 1},
                          {-0.0f, 0.0f, -0.0f},
                          {-INFINITY, -INFINITY, -INFINITY},
                          {NAN, NAN, 0}};
    const int64_t where[] = {1, 0, 0, 0, 0};
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(5, 3), v), *m = dp_max(x, 1, false),
              *i = dp_argmax(x, 1, false), *low = dp_min(x, 1, false);
    assert_int_equal(dp_eval(m, i, low), 0);
    const float *top = floats(m), *bottom = floats(low);
    assert_true(isnan(top[0]) && top[1] == 2 && top[2] == 0 && !signbit(top[2]) &&
                top[3] == -INFINITY && isnan(top[4]));
    assert_true(isnan(bottom[0]) && bottom[1] == 1 && bottom[2] == 0 && signbit(bottom[2]) &&
                isnan(bottom[4]));
    assert_memory_equal(dp_map(i), where, sizeof where);
    dp_tensor *g = dp_grad(dp_sum_all(dp_max(dp_slice(x, 0, 1, 2, 1), 1, false)), x);
    assert_memory_equal(dp_map(dp_slice(g, 0, 1, 2, 1)), ((float[]){1, 0, 0}),
                        12); /* the first of a tie */
    dp_tensor *zero = dp_scalar_of(DP_F64, 0.0), *minus = dp_scalar_of(DP_F64, -0.0);
    assert_true(!signbit(dp_item(dp_maximum(minus, zero))) &&
                !signbit(dp_item(dp_maximum(zero, minus))));
    assert_true(signbit(dp_item(dp_minimum(minus, zero))) &&
                signbit(dp_item(dp_minimum(zero, minus))));
    assert_true(isnan(dp_item(dp_maximum(zero, dp_scalar(NAN)))) &&
                isnan(dp_item(dp_minimum(dp_scalar(NAN), zero))));
}

static void test_casts(void **state) {
    (void)state;
    const double v[] = {1.9, -1.9, NAN, 1e300, -1e300, INFINITY, 300, -0.5, 255.5};
    const int64_t want[] = {1, -1, 0, INT64_MAX, INT64_MIN, INT64_MAX, 300, 0, 255};
    const uint8_t bytes[] = {1, 0, 0, 255, 0, 255, 255, 0, 255};
    dp_tensor *x = dp_from(DP_F64, DP_SHAPE(9), v);
    assert_memory_equal(dp_map(dp_cast(x, DP_I64)), want, sizeof want);
    assert_memory_equal(dp_map(dp_cast(x, DP_U8)), bytes, sizeof bytes);
    assert_memory_equal(dp_map(dp_cast(dp_cast(x, DP_F32), DP_U8)), bytes, sizeof bytes);
    dp_tensor *lowest = dp_int(INT64_MIN), *minus = dp_int(-1);
    assert_true(*(const int64_t *)dp_map(dp_div(lowest, minus)) ==
                INT64_MIN); /* wraps, as mul does */
    assert_true(*(const int64_t *)dp_map(dp_mul(lowest, minus)) == INT64_MIN);
    assert_true(*(const int64_t *)dp_map(dp_neg(lowest)) == INT64_MIN &&
                *(const int64_t *)dp_map(dp_abs(minus)) == 1);
}

/* ---- sums and norms ---- */

static void test_norm(void **state) {
    (void)state;
    const float big[] = {1e20f, 1e20f}, small[] = {3e-30f, 4e-30f}, odd[] = {1, INFINITY};
    dp_tensor *x = row(big, 2), *y = dp_norm(x), *g = dp_grad(y, x);
    assert_int_equal(dp_eval(y, g), 0);
    assert_true(fabs(dp_item(y) / 1.41421356e20 - 1) < 2e-7);
    assert_true(fabs((double)floats(g)[0] - 0.70710678) < 1e-7);
    assert_true(fabs(dp_item(dp_norm(row(small, 2))) / 5e-30 - 1) < 3e-7);
    assert_true(dp_item(dp_norm(row(odd, 2))) == INFINITY);
    assert_true(dp_item(dp_norm(dp_zeros(DP_F32, DP_SHAPE(3)))) == 0 &&
                dp_item(dp_norm(dp_zeros(DP_F32, DP_SHAPE(0)))) == 0);
    assert_true(isnan(dp_item(dp_norm(dp_scalar_of(DP_F32, NAN)))));
}

static void test_long_sum(void **state) {
    (void)state;
    const int64_t n = (1 << 24) + 2; /* a running float sum stops at 2^24 */
    dp_tensor *ones = dp_ones(DP_F32, DP_SHAPE(n));
    assert_true(dp_item(dp_sum_all(ones)) == 16777218);
    assert_true(dp_item(dp_mean_all(ones)) == 1);
    dp_free(ones);
    dp_tensor *tall = dp_full(DP_F32, DP_SHAPE(1 << 20, 3), 0.1);
    const float *column = floats(dp_sum(tall, 0, false));
    for (int i = 0; i < 3; i++)
        assert_true(fabs((double)column[i] / (0.1f * 1048576.0) - 1) < 5e-6);
}

/* ---- random numbers ---- */

enum { MANY = 1 << 16 };

static void moments(dp_tensor *x, double m[4]) {
    dp_tensor *d = dp_cast(x, DP_F64);
    const double *v = dp_map(d);
    memset(m, 0, 4 * sizeof *m);
    for (size_t i = 0; i < MANY; i++) m[0] += v[i] / MANY;
    for (size_t i = 0; i < MANY; i++)
        for (int k = 2; k <= 4; k++) m[k - 1] += pow(v[i] - m[0], k) / MANY;
}

/* Chi-squared of 256 bins: mean 255, standard deviation 22.6; the seed is fixed. */
static void chi_squared(dp_tensor *u) {
    int bins[256] = {0};
    const double *v = dp_map(dp_cast(u, DP_F64));
    double chi = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_true(v[i] >= 0 && v[i] < 1);
        bins[(int)(v[i] * 256)]++;
    }
    for (int i = 0; i < 256; i++) chi += (bins[i] - 256.0) * (bins[i] - 256.0) / 256;
    if (!(chi > 170 && chi < 345)) fail_msg("chi squared %g", chi);
}

static void test_uniform(void **state) {
    (void)state;
    for (int d = 0; d < 2; d++) {
        dp_tensor *u = dp_uniform(dp_key(7), d ? DP_F64 : DP_F32, DP_SHAPE(MANY));
        double m[4];
        assert_int_equal(dp_eval(u), 0);
        moments(u, m);
        assert_true(fabs(m[0] - 0.5) < 0.005 && fabs(m[1] - 1.0 / 12) < 0.002 &&
                    fabs(m[2]) < 0.001 && fabs(m[3] - 1.0 / 80) < 0.0006);
        chi_squared(u);
    }
}

static void test_normal(void **state) {
    (void)state;
    for (int d = 0; d < 2; d++) {
        dp_tensor *x = dp_normal(dp_key(7), d ? DP_F64 : DP_F32, DP_SHAPE(MANY));
        double m[4];
        assert_int_equal(dp_eval(x), 0);
        moments(x, m);
        assert_true(fabs(m[0]) < 0.015 && fabs(m[1] - 1) < 0.02 && fabs(m[2]) < 0.04 &&
                    fabs(m[3] - 3) < 0.1);
        dp_tensor *cdf =
            dp_muls(dp_adds(dp_erf(dp_muls(x, 0.70710678118654752)), 1), 0.5 * (1 - 1e-7));
        chi_squared(cdf);
    }
}

static double correlation(dp_tensor *a, dp_tensor *b) {
    return dp_item(dp_mean_all(dp_mul(dp_adds(a, -0.5), dp_adds(b, -0.5)))) * 12;
}

/* Same key and shape: same numbers. Children by name or number, and shifted rows, are unrelated. */
static void test_keys(void **state) {
    (void)state;
    dp_tensor *key = dp_key(1), *u[8];
    dp_tensor *keys[] = {key,
                         dp_split(key, "a"),
                         dp_split(key, "b"),
                         dp_fold(key, dp_int(0)),
                         dp_fold(key, dp_int(1)),
                         dp_split(dp_split(key, "a"), "a"),
                         dp_key(2),
                         dp_fold(dp_split(key, "a"), dp_int(1))};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(dp_eval(keys[i]), 0);
        u[i] = dp_uniform(keys[i], DP_F64, DP_SHAPE(MANY));
    }
    assert_int_equal(dp_eval_n(u, 8), 0);
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < i; j++) {
            double c = correlation(u[i], u[j]);
            if (!(fabs(c) < 0.02)) fail_msg("keys %zu and %zu: correlation %g", i, j, c);
        }
    double c = correlation(dp_slice(u[0], 0, 1, MANY, 1), dp_slice(u[0], 0, 0, -1, 1));
    assert_true(fabs(c) < 0.02);
    dp_tensor *again = dp_uniform(dp_split(dp_key(1), "b"), DP_F64, DP_SHAPE(MANY / 2, 2));
    assert_memory_equal(dp_map(again), dp_map(u[2]), MANY * 8);
    dp_tensor *part =
        dp_uniform(dp_key(1), DP_F64, DP_SHAPE(11)); /* number i depends on key and i */
    assert_memory_equal(dp_map(part), dp_map(u[0]), 11 * 8);
}

static void test_dropout(void **state) {
    (void)state;
    dp_tensor *x = dp_full(DP_F32, DP_SHAPE(MANY), 3), *key = dp_key(3),
              *y = dp_dropout(x, 0.25, key);
    assert_int_equal(dp_eval(y), 0);
    const float *v = floats(y);
    size_t kept = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_true(v[i] == 0 || v[i] == 4);
        kept += v[i] != 0;
    }
    assert_true(fabs((double)kept / MANY - 0.75) < 0.01);
    assert_memory_equal(dp_map(dp_dropout(x, 0.25, key)), v, MANY * 4);
    assert_ptr_equal(dp_dropout(x, 0, key), x);
    assert_true(dp_item(dp_sum_all(dp_dropout(x, 1, key))) == 0);
    double close = dp_item(dp_sum_all(dp_dropout(x, 1 - 0x1p-24, key)));
    assert_true(isfinite(close));
    dp_tensor *g = dp_grad(dp_sum_all(dp_dropout(x, 0.25, key)), x);
    const float *d = floats(g);
    for (size_t i = 0; i < MANY; i++) assert_true((v[i] != 0) == (d[i] != 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_softmax_edges), TEST(test_softmax_rows), TEST(test_masked_gradient),
        TEST(test_saturation),    TEST(test_monotone),     TEST(test_gradients_at_kinks),
        TEST(test_power),         TEST(test_extremes),     TEST(test_casts),
        TEST(test_norm),          TEST(test_long_sum),     TEST(test_uniform),
        TEST(test_normal),        TEST(test_keys),         TEST(test_dropout),
    };
    int failed = 0;
    for (executor = DP_PLANNED; executor <= DP_NAIVE; executor++)
        failed |= cmocka_run_group_tests(tests, NULL, NULL);
    dp_clear();
    return failed | dp_end();
}
