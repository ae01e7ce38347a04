/* test_core.c: derivatives of derivatives, scopes, states of a tensor, variables and effects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "denpan/op.h"
#include "denpan/grad.h"
#include "denpan/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* Within `limit`, relative to numbers above 1. */
#define NEAR(a, b, limit) near(a, b, limit, __LINE__)
static void near(double a, double b, double limit, int line) {
    if (!(fabs(a - b) <= limit * fmax(1, fabs(b))))
        fail_msg("line %d: %.17g is not near %.17g", line, a, b);
}

static dp_tensor *number(double v) { return dp_scalar_of(DP_F64, v); }
static dp_tensor *vector(int64_t n, const double *v) { return dp_from(DP_F64, DP_SHAPE(n), v); }

/* Each test runs under both executors, and leaves nothing behind. */
static dp_executor executor;
static size_t held(void) {
    dp_engine_stats stats = {.size = sizeof stats};
    dp_engine_stats_get(&stats);
    return stats.held_bytes;
}

static size_t held_before;
static int begin(void **state) {
    dp_engine_executor(executor);
    held_before = held();
    *state = dp_scope_begin();
    return *state == NULL;
}
static int end(void **state) {
    if (dp_failed()) print_error("an error was left behind: %s\n", dp_error());
    dp_scope_end(*state);
    bool clean = !dp_failed() && held() == held_before;
    if (held() != held_before) print_error("%zu bytes are held, %zu before\n", held(), held_before);
    dp_clear();
    return !clean;
}

static void expect_error(dp_status status, const char *message) {
    if (dp_error_status() != status || !strstr(dp_error(), message))
        fail_msg("error %d \"%s\", expected %d \"%s\"", (int)dp_error_status(), dp_error(),
                 (int)status, message);
    dp_clear();
}

/* ---- derivatives ---- */

static void test_nested_sin(void **state) {
    (void)state;
    for (double at = -3; at < 4; at += 0.37) {
        dp_tensor *x = number(at), *y = dp_sin(x), *d[5] = {y}, *t[5] = {y}, *one = number(1);
        for (int k = 1; k < 5; k++) {
            d[k] = dp_grad(d[k - 1], x);
            t[k] = dp_jvp(t[k - 1], &x, &one, 1);
        }
        dp_tensor *mixed = dp_jvp(dp_grad(dp_jvp(dp_grad(y, x), &x, &one, 1), x), &x, &one, 1);
        assert_int_equal(dp_eval(d[0], d[1], d[2], d[3], d[4], t[1], t[2], t[3], t[4], mixed), 0);
        double want[] = {sin(at), cos(at), -sin(at), -cos(at), sin(at)};
        for (int k = 0; k < 5; k++) {
            NEAR(dp_item(d[k]), want[k], 1e-12);
            NEAR(dp_item(t[k]), want[k], 1e-12);
        }
        NEAR(dp_item(mixed), sin(at), 1e-12);
    }
}

/* f = sum exp(x_i x_{i+1}) + (sum x)^3 */
static dp_tensor *crossed(dp_tensor *x) {
    dp_tensor *s = dp_sum_all(x);
    dp_tensor *e = dp_exp(dp_mul(dp_slice(x, 0, 0, -1, 1), dp_slice(x, 0, 1, 5, 1)));
    return dp_add(dp_sum_all(e), dp_mul(s, dp_square(s)));
}

static void test_hessian(void **state) {
    (void)state;
    enum { M = 5 };
    const double at[M] = {0.3, -0.7, 1.1, 0.2, -0.4}, dir[M] = {1, -2, 0.5, 3, 0.25};
    dp_tensor *x = vector(M, at), *v = vector(M, dir), *y = crossed(x), *g = dp_grad(y, x), *row[M];
    for (int i = 0; i < M; i++) row[i] = dp_grad(dp_squeeze(dp_slice(g, 0, i, i + 1, 1), 0), x);
    dp_tensor *product = dp_hvp(y, x, v), *back = dp_grad(dp_sum_all(dp_mul(g, v)), x);
    assert_int_equal(dp_eval(row[0], row[1], row[2], row[3], row[4], product, back), 0);
    const double *hv = dp_map(product), *vh = dp_map(back);
    double s = 0;
    for (int i = 0; i < M; i++) s += at[i];
    for (int i = 0; i < M; i++) {
        const double *h = dp_map(row[i]);
        double sum = 0;
        for (int j = 0; j < M; j++) {
            double e = 0, beside = 0; /* d2/dx_i dx_j of the exponentials */
            if (i == j) {
                if (i > 0) e += at[i - 1] * at[i - 1] * exp(at[i - 1] * at[i]);
                if (i < M - 1) e += at[i + 1] * at[i + 1] * exp(at[i] * at[i + 1]);
            } else if (abs(i - j) == 1)
                beside = (1 + at[i] * at[j]) * exp(at[i] * at[j]);
            NEAR(h[j], e + beside + 6 * s, 1e-12);
            sum += h[j] * dir[j];
        }
        NEAR(hv[i], sum, 1e-12);
        NEAR(vh[i], sum, 1e-12);
    }
}

/* x^4 - 2 x^2 has its minimum at 1. */
static void test_newton(void **state) {
    (void)state;
    double at = 2;
    for (int step = 0; step < 7; step++) {
        dp_scope *s = dp_scope_begin();
        dp_tensor *x = number(at), *xx = dp_square(x);
        dp_tensor *y = dp_sub(dp_square(xx), dp_muls(xx, 2)), *g = dp_grad(y, x),
                  *h = dp_grad(g, x);
        if (step == 0) {
            assert_int_equal(dp_eval(g, h), 0);
            assert_true(dp_item(g) == 24 && dp_item(h) == 44);
        }
        at -= dp_item(dp_div(g, h));
        dp_scope_end(s);
    }
    NEAR(at, 1, 1e-12);
}

static void test_small_graph(void **state) {
    (void)state;
    static const double table[][5] = {{2, 1, 6, 2, 5}, {1, 2, 9, 3, 6}}; /* a, b, e, de/da, de/db */
    for (size_t i = 0; i < N(table); i++) {
        dp_tensor *a = dp_scalar(table[i][0]), *b = dp_scalar(table[i][1]), *one = dp_scalar(1);
        dp_tensor *e = dp_mul(dp_add(a, b), dp_add(b, dp_scalar(1)));
        dp_tensor *da = dp_grad(e, a), *db = dp_grad(e, b), *ta = dp_jvp(e, &a, &one, 1),
                  *tb = dp_jvp(e, &b, &one, 1);
        assert_int_equal(dp_eval(e, da, db, ta, tb), 0);
        assert_true(dp_item(e) == table[i][2]);
        assert_true(dp_item(da) == table[i][3] && dp_item(ta) == table[i][3]);
        assert_true(dp_item(db) == table[i][4] && dp_item(tb) == table[i][4]);
    }
}

/* Two apples of 100, three oranges of 150, tax 10 %. */
static void test_shopping(void **state) {
    (void)state;
    dp_tensor *apple = number(100), *n = number(2), *tax = number(1.1), *orange = number(150),
              *m = number(3);
    dp_tensor *price = dp_mul(dp_mul(apple, n), tax);
    dp_tensor *all = dp_mul(dp_add(dp_mul(apple, n), dp_mul(orange, m)), tax);
    dp_tensor *d[3], *x[] = {apple, n, tax, orange, m}, *g[5];
    assert_int_equal(dp_vjp(price, NULL, x, 3, d), 0);
    assert_int_equal(dp_vjp(all, NULL, x, 5, g), 0);
    assert_int_equal(dp_eval(price, d[0], d[1], d[2], all, g[0], g[1], g[2], g[3], g[4]), 0);
    const double want[] = {2.2, 110, 200}, wanted[] = {2.2, 110, 650, 3.3, 165};
    NEAR(dp_item(price), 220, 1e-15);
    for (int i = 0; i < 3; i++) NEAR(dp_item(d[i]), want[i], 1e-15);
    NEAR(dp_item(all), 715, 1e-15);
    for (int i = 0; i < 5; i++) NEAR(dp_item(g[i]), wanted[i], 1e-15);
}

/* A shared node collects the shares of all its users; an inner node can be differentiated by. */
static void test_shared(void **state) {
    (void)state;
    dp_tensor *x = number(3), *h = dp_square(x), *y = dp_add(dp_mul(h, x), dp_mul(h, h)), *g[2];
    dp_tensor *by[] = {x, h};
    assert_int_equal(dp_vjp(y, NULL, by, 2, g), 0); /* dy/dx = 3x^2 + 4x^3, dy/dh = x + 2h */
    dp_tensor *none, *other = number(1);
    assert_int_equal(dp_vjp(y, NULL, &other, 1, &none), 0);
    assert_int_equal(dp_eval(g[0], g[1], none), 0);
    assert_true(dp_item(g[0]) == 27 + 108 && dp_item(g[1]) == 21 && dp_item(none) == 0);
    assert_true(dp_item(dp_grad(x, x)) == 1);
}

/* ---- scopes ---- */

static void test_scopes(void **state) {
    (void)state;
    dp_scope *a = dp_scope_begin();
    dp_tensor *outer = dp_full(DP_F32, DP_SHAPE(100), 2);
    dp_scope *b = dp_scope_begin();
    dp_tensor *kept = dp_keep(dp_exp(dp_zeros(DP_F32, DP_SHAPE(7)))), *lost = dp_exp(outer);
    dp_scope_begin(); /* an early return leaves it open */
    dp_tensor *deep = dp_ones(DP_F32, DP_SHAPE(3));
    assert_int_equal(dp_eval(dp_sum_all(lost)), 0); /* the kept one is a root too */
    dp_scope_end(b);
    assert_int_equal(dp_rank(deep), -1);
    expect_error(DP_EINVAL, "dp_rank: not a live tensor");
    assert_true(dp_count(kept) == 7 && *(const float *)dp_map(kept) == 1);
    assert_true(dp_count(outer) == 100);
    dp_scope_end(b);
    expect_error(DP_EINVAL, "dp_scope_end: this scope has ended");
    dp_scope_end(a);
    assert_int_equal(dp_rank(kept), -1);
    expect_error(DP_EINVAL, "not a live tensor");
    dp_scope_end(NULL);
}

/* A kept node whose inputs are gone can never be computed; later evals go on without it, and
 * without what was kept on top of it. */
static void test_kept_too_late(void **state) {
    (void)state;
    for (int top_first = 0; top_first < 2; top_first++) {
        dp_scope *a = dp_scope_begin(), *b = dp_scope_begin();
        dp_tensor *h = dp_exp(dp_ones(DP_F32, DP_SHAPE(3))), *top = dp_neg(h);
        dp_keep(top_first ? top : h), dp_keep(top_first ? h : top);
        dp_scope_end(b);
        assert_true(dp_item(dp_exp(number(0))) == 1);
        assert_null(dp_map(h));
        expect_error(DP_ESPENT, "is spent");
        assert_null(dp_map(top));
        expect_error(DP_ESPENT, "is spent");
        dp_scope_end(a);
    }
}

static void test_free_early(void **state) {
    (void)state;
    size_t before = held();
    dp_tensor *x = dp_zeros(DP_F64, DP_SHAPE(1000)), *kept = dp_keep(dp_exp(x));
    assert_true(held() >= before + 8000);
    dp_free(kept); /* no root of the next eval any more */
    dp_free(x);
    dp_free(x);
    dp_free(NULL);
    assert_int_equal(held(), before);
    assert_true(dp_item(number(4)) == 4);
}

/* ---- states ---- */

static void test_spent(void **state) {
    (void)state;
    dp_tensor *x = dp_ones(DP_F64, DP_SHAPE(2)), *h = dp_name(dp_exp(x), "hidden"),
              *y = dp_sum_all(h);
    dp_tensor *other = dp_neg(h); /* pending, on what the eval uses up */
    assert_int_equal(dp_eval(y), 0);
    NEAR(dp_item(y), 2 * exp(1), 1e-15);
    assert_true(isnan(dp_item(h)));
    expect_error(DP_ESPENT, "dp_item: hidden f64 [2] is spent: an eval used it up");
    assert_true(dp_eval(other) < 0);
    expect_error(DP_ESPENT, "dp_eval: hidden f64 [2] is spent");
    assert_null(dp_grad(other, x));
    dp_clear();
    assert_null(dp_grad(dp_sum_all(other), x));
    expect_error(DP_ESPENT, "hidden f64 [2] is spent");
    assert_null(dp_variable(h));
    expect_error(DP_ESPENT, "dp_variable: hidden f64 [2] is spent");
}

/* A failed eval changes nothing: what was pending still is. */
static void test_failed_eval(void **state) {
    (void)state;
    dp_tensor *x = dp_ones(DP_F64, DP_SHAPE(2)), *h = dp_exp(x), *good = dp_neg(x);
    dp_tensor *bad = dp_neg(h), *v = dp_variable(number(1)), *step = dp_assign(v, dp_adds(v, 1));
    assert_int_equal(dp_eval(dp_sum_all(h)), 0);
    assert_true(dp_eval(good, step, bad) < 0);
    expect_error(DP_ESPENT, "is spent");
    assert_true(dp_item(v) == 1 && dp_variable_version(v) == 0);
    assert_int_equal(dp_eval(good, step), 0);
    assert_true(dp_item(v) == 2 && ((const double *)dp_map(good))[1] == -1);
    dp_free(v);
}

/* The same root twice, a root that feeds a root, roots that are leaves. */
static void test_roots(void **state) {
    (void)state;
    dp_tensor *x = number(2), *a = dp_exp(x), *b = dp_neg(a), *c = dp_reshape(b, DP_SHAPE(1));
    assert_int_equal(dp_eval(c, a, a, x, b, c), 0);
    NEAR(dp_item(a), exp(2), 1e-15);
    assert_true(dp_item(b) == -dp_item(a) && dp_item(c) == dp_item(b));
    assert_int_equal(dp_eval(a, c), 0);
    assert_int_equal(dp_eval_n(NULL, 0), 0);
}

/* Tensors are values: writing to one never shows in another. */
static void test_write(void **state) {
    (void)state;
    const float one[] = {1, 2, 3, 4, 5, 6}, two[] = {9, 9, 9, 9, 9, 9};
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(2, 3), one), *same = dp_reshape(x, DP_SHAPE(6)),
              *again = dp_detach(x);
    dp_tensor *row = dp_slice(x, 0, 1, 2, 1), *later = dp_muls(x, 2);
    assert_int_equal(dp_eval(same, again, row), 0);
    assert_int_equal(dp_write(x, two, sizeof two), 0);
    assert_memory_equal(dp_map(same), one, sizeof one);
    assert_memory_equal(dp_map(again), one, sizeof one);
    assert_memory_equal(dp_map(row), one + 3, 12);
    assert_memory_equal(dp_map(x), two, sizeof two);
    assert_true(((const float *)dp_map(later))[5] == 18); /* pending: reads what x holds now */
    assert_int_equal(dp_write(same, two, sizeof two), 0);
    assert_memory_equal(dp_map(again), one, sizeof one);
}

static float borrowed[4];
static void spoil(void *context) {
    ++*(int *)context;
    memset(borrowed, 0x5a, sizeof borrowed);
}

/* The owner's bytes may change after release; so release waits for all that share them. */
static void test_wrap(void **state) {
    (void)state;
    const float values[4] = {1, 2, 3, 4};
    int released = 0;
    memcpy(borrowed, values, sizeof values);
    dp_scope *a = dp_scope_begin(), *b = dp_scope_begin();
    dp_tensor *x = dp_wrap(DP_F32, DP_SHAPE(4), borrowed, spoil, &released);
    dp_tensor *view = dp_keep(dp_reshape(x, DP_SHAPE(2, 2))), *sum = dp_sum_all(x),
              *v = dp_variable(x);
    assert_int_equal(dp_eval(sum, dp_assign(v, dp_muls(v, 3))), 0);
    assert_true(dp_item(sum) == 10);
    assert_memory_equal(borrowed, values, sizeof values);
    assert_true(dp_write(x, values, sizeof values) < 0);
    expect_error(DP_EINVAL, "dp_write: constant f32 [4] is borrowed memory");
    assert_int_equal(released, 0);
    dp_scope_end(b);
    assert_memory_equal(dp_map(view), values, sizeof values);
    dp_scope_end(a);
    assert_int_equal(released, 1);
    assert_true(((const float *)dp_map(v))[3] == 12);
    dp_free(v);
    x = dp_wrap(DP_F32, DP_SHAPE(4), borrowed, spoil, &released);
    dp_free(x);
    assert_int_equal(released, 2);
}

/* Memory that is not aligned to its elements is copied: released at once, or at the latest with x.
 */
static void test_wrap_misaligned(void **state) {
    (void)state;
    static char bytes[17];
    const float values[4] = {1, 2, 3, 4};
    int released = 0;
    memcpy(bytes + 1, values, 16);
    dp_tensor *x = dp_wrap(DP_F32, DP_SHAPE(4), bytes + 1, spoil, &released);
    assert_memory_equal(dp_map(x), values, 16);
    dp_free(x);
    assert_int_equal(released, 1);
}

/* ---- dtypes ---- */

static void test_promotion(void **state) {
    (void)state;
    static const dp_dtype table[4][4] = {{DP_F32, DP_F64, DP_F32, DP_F32},
                                         {DP_F64, DP_F64, DP_F64, DP_F64},
                                         {DP_F32, DP_F64, DP_I64, DP_I64},
                                         {DP_F32, DP_F64, DP_I64, DP_U8}};
    dp_tensor *w = dp_scalar(3);
    for (int a = 0; a < 4; a++) {
        dp_tensor *x = dp_full((dp_dtype)a, DP_SHAPE(2), 6);
        bool is_float = a < 2;
        for (int b = 0; b < 4; b++) {
            dp_tensor *y = dp_full((dp_dtype)b, DP_SHAPE(2), 2), *sum = dp_add(x, y),
                      *power = dp_pow(x, y);
            assert_int_equal(dp_dtype_of(sum), table[a][b]);
            assert_int_equal(dp_dtype_of(dp_where(x, x, y)), table[a][b]);
            assert_int_equal(dp_dtype_of(dp_less(x, y)), DP_U8);
            assert_int_equal(dp_dtype_of(power), a < 2 || b < 2 ? table[a][b] : DP_F32);
            assert_int_equal(dp_eval(sum, power), 0);
            assert_true(dp_item(dp_cast(dp_slice(sum, 0, 1, 2, 1), DP_F64)) == 8);
            assert_true(dp_item(dp_cast(dp_slice(power, 0, 0, 1, 1), DP_F64)) == 36);
        }
        assert_int_equal(dp_dtype_of(dp_mul(x, w)), a); /* a C number takes its partner's dtype */
        assert_int_equal(dp_dtype_of(dp_sub(w, x)), a);
        assert_int_equal(dp_dtype_of(dp_adds(x, 0.5)), a);
        assert_int_equal(dp_dtype_of(dp_exp(x)), is_float ? a : DP_F32);
        assert_true(dp_item(dp_slice(dp_sub(w, x), 0, 0, 1, 1)) == (a == DP_U8 ? 253 : -3));
    }
    assert_int_equal(dp_dtype_of(dp_add(w, w)), DP_F32);
    assert_int_equal(dp_dtype_of(dp_exp(w)), DP_F32);
    assert_true(dp_item(dp_add(number(0), dp_scalar(0.1))) == 0.1); /* no detour by f32 */
    assert_true(dp_item(dp_add(dp_scalar_of(DP_F32, 0), dp_scalar(0.1))) == (double)0.1f);
    assert_true(dp_item(dp_div(dp_int(-7), dp_int(2))) == -3 &&
                dp_item(dp_div(dp_int(7), dp_int(0))) == 0);
}

/* ---- variables and effects ---- */

static void test_assign(void **state) {
    (void)state;
    dp_tensor *v = dp_variable(number(1)), *w = dp_variable(number(10)), *read = dp_muls(v, 2);
    dp_tensor *a = dp_assign(v, w), *b = dp_assign(w, v), *after = dp_add(v, w);
    assert_int_equal(dp_eval(b, a, after, read), 0); /* swapped: all reads see the old values */
    assert_true(dp_item(v) == 10 && dp_item(w) == 1);
    assert_true(dp_item(read) == 2 && dp_item(after) == 11);
    assert_true(dp_variable_version(v) == 1 && dp_is_variable(v) && !dp_is_variable(read));
    assert_true(isnan(dp_item(a))); /* an effect has no value */
    expect_error(DP_ESPENT, "is spent");
    assert_int_equal(dp_eval(dp_assign(v, dp_adds(v, 5))), 0);
    assert_true(dp_item(v) == 15);
    for (int i = 0; i < 50; i++)
        assert_int_equal(dp_eval(dp_assign(v, dp_muls(v, -1)), dp_assign(w, dp_add(w, v))), 0);
    assert_true(dp_item(v) == 15 && dp_item(w) == 1 && dp_variable_version(v) == 52);
    dp_tensor *first = dp_assign(v, number(3)), *second = dp_assign(v, number(4));
    assert_int_equal(dp_eval(second, first), 0); /* in the order of creation */
    assert_true(dp_item(v) == 4);
    dp_free(v), dp_free(w);
}

static void test_assign_parts(void **state) {
    (void)state;
    dp_tensor *v = dp_variable(dp_arange(DP_F32, 6)), *row = dp_full(DP_F64, DP_SHAPE(2), 9);
    assert_int_equal(dp_eval(dp_assign(v, dp_put(v, 0, 2, row))), 0);
    assert_memory_equal(dp_map(v), ((float[]){0, 1, 9, 9, 4, 5}), 24);
    assert_int_equal(dp_eval(dp_assign(v, dp_slice(v, 0, 5, -7, -1))),
                     0); /* reversed in its own place */
    assert_memory_equal(dp_map(v), ((float[]){5, 4, 9, 9, 1, 0}), 24);
    dp_tensor *x = dp_reshape(v, DP_SHAPE(2, 3));
    assert_int_equal(
        dp_eval(dp_assign(
            v, dp_reshape(dp_transpose(dp_reshape(dp_transpose(x, 0, 1), DP_SHAPE(2, 3)), 0, 1),
                          DP_SHAPE(6)))),
        0);
    assert_memory_equal(dp_map(v), ((float[]){5, 1, 9, 9, 4, 0}), 24);
    dp_free(v);
}

static void test_stale(void **state) {
    (void)state;
    dp_tensor *v = dp_variable(dp_name(number(1), "x")), *old = dp_muls(v, 2), *x = number(1);
    dp_name(v, "weight");
    dp_tensor *step = dp_assign(v, dp_adds(v, 1)), *stale = dp_assign(v, x);
    assert_int_equal(dp_eval(step), 0);
    assert_true(isnan(dp_item(old)));
    expect_error(
        DP_ESPENT,
        "mul reads an older value of a variable (weight f64 []), which was assigned since");
    assert_null(dp_grad(old, v));
    expect_error(DP_ESPENT, "dp_grad: mul reads an older value");
    assert_true(dp_eval(stale) < 0);
    expect_error(DP_ESPENT, "assign reads an older value");
    const double three = 3;
    dp_tensor *fresh = dp_muls(v, 2);
    assert_int_equal(dp_write(v, &three, 8), 0);
    assert_true(isnan(dp_item(fresh)));
    expect_error(DP_ESPENT, "mul reads an older value");
    assert_true(dp_item(dp_muls(v, 2)) == 6);
    dp_free(v);
}

static struct {
    int n;
    double value[8];
    int who[8];
} called;
static void note(void *context, const dp_array *x) {
    called.who[called.n] = *(const int *)context;
    called.value[called.n++] = *(const double *)x->data;
}

static void test_callbacks(void **state) {
    (void)state;
    static const int who[] = {1, 2, 3};
    dp_tensor *v = dp_variable(number(1)), *x = dp_muls(v, 5);
    dp_tensor *a = dp_callback(v, note, (void *)(uintptr_t)&who[0]), *set = dp_assign(v, number(7));
    dp_tensor *b = dp_callback(x, note, (void *)(uintptr_t)&who[1]),
              *c = dp_callback(dp_neg(x), note, (void *)(uintptr_t)&who[2]);
    called.n = 0;
    dp_callback(v, note, (void *)(uintptr_t)&who[0]); /* no root: never called */
    assert_int_equal(dp_eval(c, set, b, a), 0);
    assert_int_equal(called.n, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(called.who[i], i + 1);
    assert_true(called.value[0] == 1 && called.value[1] == 5 && called.value[2] == -5);
    assert_true(dp_item(v) == 7);
    dp_free(v);
}

/* An eval inside an eval is refused; the outer one goes on. */
static void reenter(void *context, const dp_array *x) {
    (void)x;
    dp_tensor *y = dp_exp(number(1));
    *(dp_status *)context = dp_eval(y);
}

static void test_reentry(void **state) {
    (void)state;
    dp_tensor *v = dp_variable(number(1)), *x = dp_exp(dp_neg(v));
    dp_status inner = DP_OK;
    dp_tensor *c = dp_callback(x, reenter, &inner), *set = dp_assign(v, dp_adds(v, 1)),
              *y = dp_neg(x);
    assert_int_equal(dp_eval(c, set, y), 0);
    assert_int_equal(inner, DP_EINVAL);
    expect_error(DP_EINVAL, "dp_eval: called by a callback of an eval of the same engine");
    assert_true(dp_item(v) == 2);
    NEAR(dp_item(y), -exp(-1), 1e-15);
    dp_free(v);
}

/* Prepared graphs and predictions use the engine as evals do. */
static void reenter_prepared(void *context, const dp_array *x) {
    (void)x;
    dp_tensor *y = dp_exp(number(1));
    dp_prepared **p = context;
    if (*p && dp_prepared_run(*p) != DP_EINVAL) called.n = -1;
    if (dp_prepare_n(&y, 1) || dp_plan_bytes(&y, 1) != -1) called.n = -1;
    called.n++;
}

static void test_reentry_prepared(void **state) {
    (void)state;
    dp_prepared *p = NULL;
    called.n = 0;
    dp_tensor *x = dp_exp(number(2)), *c = dp_callback(x, reenter_prepared, &p);
    p = dp_prepare(x, c);
    assert_non_null(p);
    assert_int_equal(dp_prepared_run(p), 0);
    assert_int_equal(called.n, 1);
    expect_error(DP_EINVAL, "dp_prepared_run: called by a callback of an eval of the same engine");
    assert_int_equal(dp_prepared_run(p), 0);
    assert_int_equal(called.n, 2);
    dp_clear();
    NEAR(dp_item(x), exp(2), 1e-15);
    dp_prepared_free(p);
}

/* While one engine assigns a variable, another one may not; then it may. */
typedef struct rival {
    dp_engine *engine;
    dp_tensor *v;
    dp_status refused;
} rival;

static void assign_too(void *context, const dp_array *x) {
    (void)x;
    rival *r = context;
    dp_engine *mine = dp_engine_use(r->engine);
    r->refused = dp_eval(dp_assign(r->v, number(100)));
    dp_engine_use(mine);
}

static void test_two_engines(void **state) {
    (void)state;
    if (executor == DP_NAIVE) return; /* the oracle does not check */
    rival r = {dp_engine_new(), dp_variable(number(1)), DP_OK};
    dp_tensor *call = dp_callback(number(0), assign_too, &r),
              *set = dp_assign(r.v, dp_adds(r.v, 1));
    assert_int_equal(dp_eval(call, set), 0);
    assert_int_equal(r.refused, DP_EINVAL);
    expect_error(DP_EINVAL, "dp_eval: another engine is assigning the variable");
    assert_true(dp_item(r.v) == 2);
    assign_too(&r, NULL);
    assert_int_equal(r.refused, DP_OK);
    assert_true(dp_item(r.v) == 100 && dp_variable_version(r.v) == 2);
    dp_free(r.v);
    dp_engine_free(r.engine);
}

/* A variable outlives the scope in which it was made. */
static void test_variable_life(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    dp_tensor *v = dp_variable(dp_exp(number(0))), *w = dp_variable(dp_scalar(0.1));
    dp_scope_end(s);
    assert_true(dp_item(v) == 1);
    assert_int_equal(dp_dtype_of(w), DP_F32);
    dp_free(v), dp_free(w);
    assert_true(isnan(dp_item(v)));
    expect_error(DP_EINVAL, "not a live tensor");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_nested_sin),      TEST(test_hessian),
        TEST(test_newton),          TEST(test_small_graph),
        TEST(test_shopping),        TEST(test_shared),
        TEST(test_scopes),          TEST(test_kept_too_late),
        TEST(test_free_early),      TEST(test_spent),
        TEST(test_failed_eval),     TEST(test_roots),
        TEST(test_write),           TEST(test_wrap),
        TEST(test_wrap_misaligned), TEST(test_promotion),
        TEST(test_assign),          TEST(test_assign_parts),
        TEST(test_stale),           TEST(test_callbacks),
        TEST(test_reentry),         TEST(test_reentry_prepared),
        TEST(test_two_engines),     TEST(test_variable_life),
    };
    int failed = 0;
    for (executor = DP_PLANNED; executor <= DP_NAIVE; executor++)
        failed |= cmocka_run_group_tests(tests, NULL, NULL);
    dp_clear();
    return failed | dp_end();
}
