/* test_ops.c: the table test. Whatever op is known and whatever samples it has: the two executors,
 * the two modes of differentiation and differences agree, at any strides, parts and instruction
 * set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opcheck.h"
#include "testdata.h"

#include <sys/wait.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* Ops without samples, and why. */
static const struct {
    const char *name, *why;
} exempt[] = {
    {"assign", "an effect on a variable: test_core.c"},
    {"callback", "an effect outside: test_core.c"},
};

/* ---- composites: functions of op.h that are no ops ---- */

#define UNARY(name, call) \
    static dp_tensor *name(dp_tensor *const *x) { return call; }
UNARY(f_adds, dp_adds(x[0], 1.5))
UNARY(f_muls, dp_muls(x[0], -0.7))
UNARY(f_square, dp_square(x[0]))
UNARY(f_reciprocal, dp_reciprocal(dp_adds(x[0], 4)))
UNARY(f_leaky_relu, dp_leaky_relu(x[0], 0.01))
UNARY(f_gelu, dp_gelu(x[0]))
UNARY(f_gelu_tanh, dp_gelu_tanh(x[0]))
UNARY(f_silu, dp_silu(x[0]))
UNARY(f_softplus, dp_softplus(x[0]))
UNARY(f_softmax, dp_softmax(x[0], -1))
UNARY(f_softmax_first, dp_softmax(x[0], 0))
UNARY(f_log_softmax, dp_log_softmax(x[0], -1))
UNARY(f_log_sum_exp, dp_log_sum_exp(x[0], 0, false))
UNARY(f_log_sum_exp_keep, dp_log_sum_exp(x[0], -1, true))
UNARY(f_mean, dp_mean(x[0], 0, false))
UNARY(f_mean_all, dp_mean_all(x[0]))
UNARY(f_sum_all, dp_sum_all(x[0]))
UNARY(f_sum_to, dp_sum_to(x[0], DP_SHAPE(dp_dim(x[0], -1))))
UNARY(f_min, dp_min(x[0], -1, false))
UNARY(f_max_first, dp_max(x[0], 0, true))
UNARY(f_norm, dp_norm(x[0]))
UNARY(f_flatten, dp_flatten(x[0], 0))
UNARY(f_squeeze, dp_squeeze(dp_expand_dims(x[0], 1), 1))
UNARY(f_pad, dp_pad(x[0], -1, 2, 1))
UNARY(f_slice_back, dp_slice(x[0], -1, -1, -100, -2))
UNARY(f_concat, dp_concat((dp_tensor *const[]){x[0], x[1], x[0], x[1], x[0]}, 5, 0))
UNARY(f_linear, dp_linear(x[0], x[1], NULL))
UNARY(f_linear_bias, dp_linear(x[0], x[1], dp_sum(x[1], 1, false)))
UNARY(f_matmul_batched, dp_matmul(dp_expand_dims(x[0], 0),
                                  dp_broadcast(dp_transpose(x[1], 0, 1),
                                               DP_SHAPE(2, dp_dim(x[1], 1), dp_dim(x[1], 0)))))
/* Indices 0, 1, ... as far as there are columns; what lies outside is computed, so it picks
 * nothing. */
UNARY(f_pick, dp_pick(x[0], dp_sub(dp_arange(DP_I64, dp_dim(x[0], 0)), dp_int(0))))
UNARY(f_gather, dp_gather(x[0], -1, dp_from(DP_I64, DP_SHAPE(2, 2), (int64_t[]){0, 2, 2, 1})))
UNARY(f_add_broadcast, dp_add(dp_sum(x[0], 0, true), x[1]))
UNARY(f_dropout, dp_dropout(x[0], 0.4, dp_key(5)))
UNARY(f_where_broadcast, dp_where(dp_less(x[0], x[1]), dp_sum_all(x[0]), dp_exp(x[1])))
UNARY(f_mlp, dp_mean_all(dp_log_softmax(dp_linear(dp_tanh(dp_linear(x[0], x[1], NULL)),
                                                  dp_transpose(x[1], 0, 1), NULL),
                                        -1)))

static const struct {
    const char *name;
    dp_tensor *(*make)(dp_tensor *const *);
    int n_in;
} composites[] = {
    {"adds", f_adds, 1},
    {"muls", f_muls, 1},
    {"square", f_square, 1},
    {"reciprocal", f_reciprocal, 1},
    {"leaky_relu", f_leaky_relu, 1},
    {"gelu", f_gelu, 1},
    {"gelu_tanh", f_gelu_tanh, 1},
    {"silu", f_silu, 1},
    {"softplus", f_softplus, 1},
    {"softmax", f_softmax, 1},
    {"softmax, axis 0", f_softmax_first, 1},
    {"log_softmax", f_log_softmax, 1},
    {"log_sum_exp", f_log_sum_exp, 1},
    {"log_sum_exp, kept", f_log_sum_exp_keep, 1},
    {"mean", f_mean, 1},
    {"mean_all", f_mean_all, 1},
    {"sum_all", f_sum_all, 1},
    {"sum_to", f_sum_to, 1},
    {"min", f_min, 1},
    {"max, axis 0", f_max_first, 1},
    {"norm", f_norm, 1},
    {"flatten", f_flatten, 1},
    {"squeeze", f_squeeze, 1},
    {"pad", f_pad, 1},
    {"slice back", f_slice_back, 1},
    {"concat of 5", f_concat, 2},
    {"linear", f_linear, 2},
    {"linear with bias", f_linear_bias, 2},
    {"matmul, batched", f_matmul_batched, 2},
    {"pick", f_pick, 1},
    {"gather, two axes", f_gather, 1},
    {"add, broadcast", f_add_broadcast, 2},
    {"dropout", f_dropout, 1},
    {"where, broadcast", f_where_broadcast, 2},
    {"two layers", f_mlp, 2},
};

/* Two inputs of one shape, so that one table serves all. */
static bool load_composite(check_case *c, size_t k, int n) {
    static const dp_shape shapes[] = {{2, {3, 5}}, {2, {6, 4}}, {2, {1, 3}}};
    memset(c, 0, sizeof *c);
    if (n >= (int)N(shapes)) return false;
    c->name = composites[k].name;
    c->make = composites[k].make;
    for (int i = 0; i < composites[k].n_in; i++)
        c->in[i] = dp__sample_numbers(shapes[n], -2, 2, (uint64_t)(50 + 7 * n + i));
    return check_settle(c);
}

/* ---- every case ---- */

typedef const char *case_check(const check_case *c);

/* All that fails is listed, not the first one only. */
static int failures;

static void run_case(const check_case *c, int n, case_check *check) {
    const char *why = dp_failed() ? "no sample" : check(c);
    if (!why && !dp_failed()) return;
    print_error("%s, sample %d: %s; %s\n", c->name, n, why ? why : "", dp_error());
    failures++;
    dp_clear();
}

static void each_op(case_check *check) {
    check_case c;
    for (size_t i = 0; dp_op_at(i); i++)
        for (int n = 0;; n++) {
            dp_scope *s = dp_scope_begin();
            bool more = check_load(&c, dp_op_at(i), n);
            if (more) run_case(&c, n, check);
            dp_scope_end(s);
            if (!more) break;
        }
}

static void each_composite(case_check *check) {
    check_case c;
    for (size_t i = 0; i < N(composites); i++)
        for (int n = 0;; n++) {
            dp_scope *s = dp_scope_begin();
            bool more = load_composite(&c, i, n);
            if (more) run_case(&c, n, check);
            dp_scope_end(s);
            if (!more) break;
        }
}

static void each_case(case_check *check) {
    failures = 0;
    each_op(check);
    each_composite(check);
    assert_int_equal(failures, 0);
}

/* ---- coverage ---- */

static bool is_exempt(const char *name) {
    for (size_t i = 0; i < N(exempt); i++)
        if (!strcmp(exempt[i].name, name)) return true;
    return false;
}

static void test_coverage(void **state) {
    (void)state;
    check_case c;
    size_t n = 0;
    for (; dp_op_at(n); n++) {
        const dp_op *op = dp_op_at(n);
        dp_scope *s = dp_scope_begin();
        bool has = check_load(&c, op, 0);
        if (dp_failed()) fail_msg("%s: its sample fails: %s", op->name, dp_error());
        if (!has && !is_exempt(op->name)) fail_msg("%s has no sample", op->name);
        if (has && is_exempt(op->name))
            fail_msg("%s has samples now: take it off the list", op->name);
        dp_scope_end(s);
        assert_ptr_equal(dp_op_find(op->name), op);
    }
    assert_true(n >= 40);
    for (size_t i = 0; i < N(exempt); i++) assert_non_null(dp_op_find(exempt[i].name));
}

/* ---- values and derivatives ---- */

static void test_executors(void **state) {
    (void)state;
    each_case(check_executors);
}

static void test_threads(void **state) {
    (void)state;
    static const int threads[] = {2, 3, 8};
    for (size_t i = 0; i < N(threads); i++) {
        assert_int_equal(dp_set_threads(threads[i]), 0);
        each_case(check_executors);
    }
    dp_set_threads(1);
}

static const char *first_of_all(const check_case *c) {
    const char *why = NULL;
    for (int i = 0; !why && i < c->n_in && strcmp(c->name, "detach"); i++) why = check_first(c, i);
    return why;
}

static void test_first_order(void **state) {
    (void)state;
    each_case(first_of_all);
}

static const char *second_of_all(const check_case *c) {
    return strcmp(c->name, "detach") ? check_second(c) : NULL;
}

static void test_second_order(void **state) {
    (void)state;
    each_case(second_of_all);
}

/* No derivative flows through detach, though its value depends on x. */
static void test_detach(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    dp_tensor *x = dp__sample_numbers(DP_SHAPE(3), 1, 2, 1), *g, *u = dp_ones(DP_F64, DP_SHAPE(3));
    dp_tensor *y = dp_mul(x, dp_detach(x)), *t = dp_jvp(y, &x, &u, 1);
    assert_int_equal(dp_vjp(y, u, &x, 1, &g), 0);
    assert_int_equal(dp_eval(g, t), 0);
    assert_memory_equal(dp_map(g), dp_map(x), 24);
    assert_memory_equal(dp_map(t), dp_map(x), 24);
    dp_scope_end(s);
}

int main(int argc, char **argv) {
    (void)argc, (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage),     cmocka_unit_test(test_executors),
        cmocka_unit_test(test_threads),      cmocka_unit_test(test_first_order),
        cmocka_unit_test(test_second_order), cmocka_unit_test(test_detach),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed | dp_end();
}
