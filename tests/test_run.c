/* Engines, prepared graphs, graphs as text, what plans cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "denpan.h"
#include "testdata.h"

static dp_tensor *run_network(dp_tensor *x, dp_tensor *w) {
    return dp_softmax(dp_relu(dp_matmul(x, w)), -1);
}

static void prepared_follows_its_leaves(void **state) {
    (void)state;
    float numbers[6] = {1, 2, 3, 4, 5, 6}, first[4], out[4];
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(2, 3), numbers),
              *w = dp_variable(dp_full(DP_F32, DP_SHAPE(3, 2), 0.5));
    dp_tensor *y = run_network(x, w), *same = run_network(x, w),
              *next = dp_assign(w, dp_muls(w, 2));
    dp_prepared *p = dp_prepare(y, next, same);
    assert_non_null(p);
    assert_int_equal(dp_prepared_run(p), DP_OK);
    assert_int_equal(dp_read(y, first, sizeof first), DP_OK);
    assert_int_equal(dp_variable_version(w), 1);
    for (int i = 0; i < 6; i++) numbers[i] = (float)(i * i) - 3;
    assert_int_equal(dp_write(x, numbers, sizeof numbers), DP_OK);
    assert_int_equal(dp_prepared_run(p), DP_OK);
    assert_int_equal(dp_read(y, out, sizeof out), DP_OK);
    dp_tensor *fresh =
        run_network(dp_from(DP_F32, DP_SHAPE(2, 3), numbers), dp_full(DP_F32, DP_SHAPE(3, 2), 1));
    assert_memory_equal(out, dp_map(fresh), sizeof out);
    assert_memory_equal(out, dp_map(same), sizeof out);
    assert_int_equal(dp_variable_version(w), 2);
    assert_true(((const float *)dp_map(w))[0] == 2.0f);
    dp_prepared_free(p);
    assert_int_equal(dp_end(), 0);
}

static void prepared_refuses(void **state) {
    (void)state;
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(2));
    assert_null(dp_prepare(x));
    assert_string_equal(dp_error(), "dp_prepare: root 0 (constant f32 [2]) is not pending");
    dp_clear();
    assert_int_equal(dp_prepared_run(NULL), DP_EINVAL);
    dp_clear();
    dp_scope *s = dp_scope_begin();
    dp_tensor *inner = dp_ones(DP_F32, DP_SHAPE(2)), *y = dp_neg(inner);
    dp_prepared *p = dp_prepare(y);
    assert_non_null(p);
    dp_scope_end(s); /* and the prepared graph with it */
    assert_int_equal(dp_end(), 0);
}

/* Leaves in the order of the text: an eval of both graphs gives the same bits. */
static void text_round_trip(void **state) {
    (void)state;
    dp_tensor *x = dp_name(dp_from(DP_F64, DP_SHAPE(2, 2), (double[]){1, 2, 3, 4}), "x");
    dp_tensor *w = dp_variable(dp_full(DP_F64, DP_SHAPE(2, 2), 0.25)), *key = dp_key(4);
    dp_tensor *h = dp_slice(dp_matmul(x, w), 1, 0, 1, 1),
              *noise = dp_uniform(dp_split(key, "a"), DP_F64, DP_SHAPE(2, 1));
    dp_tensor *root[2] = {dp_where(dp_less(noise, h), h, noise), NULL}, *leaf[3] = {noise, x, w};
    root[1] = dp_cast(root[0], DP_I64);
    leaf[0] = key;
    char *text = dp_graph_text(root, 2);
    assert_string_equal(text, "denpan graph 1\n"
                              "%0 = leaf i64 [2]\n"
                              "%1 = split(%0, name=-3292477735350538661)\n"
                              "%2 = uniform(%1, shape=[2,1], dtype=f64)\n"
                              "%3 = leaf f64 [2,2]  # x\n"
                              "%4 = variable f64 [2,2]\n"
                              "%5 = matmul(%3, %4)\n"
                              "%6 = slice(%5, axis=1, begin=0, step=1, count=1)\n"
                              "%7 = less(%2, %6)\n"
                              "%8 = where(%7, %6, %2)\n"
                              "%9 = cast(%8, dtype=i64)\n"
                              "return %8, %9\n");
    dp_tensor *read[2];
    size_t n = 2;
    assert_int_equal(dp_graph_parse(text, leaf, 3, read, &n), DP_OK);
    assert_int_equal(n, 2);
    char *again = dp_graph_text(read, 2);
    assert_string_equal(text, again);
    dp_text_free(text);
    dp_text_free(again);
    assert_int_equal(dp_eval(root[0], root[1], read[0], read[1]), DP_OK);
    assert_memory_equal(dp_map(root[0]), dp_map(read[0]), 16);
    assert_memory_equal(dp_map(root[1]), dp_map(read[1]), 16);
    assert_int_equal(dp_end(), 0);
}

/* A freed input is noticed, also when another tensor has taken its place. */
static void freed_inputs_are_noticed(void **state) {
    (void)state;
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(2)), *y = dp_neg(x), *z = dp_exp(x);
    dp_prepared *p = dp_prepare(z);
    dp_free(x);
    assert_int_equal(dp_eval(y), DP_EINVAL);
    dp_clear();
    assert_int_equal(dp_prepared_run(p), DP_EINVAL);
    dp_clear();
    dp_tensor *other = dp_zeros(DP_F32, DP_SHAPE(2));
    assert_ptr_equal(other, x);
    assert_int_equal(dp_eval(y), DP_EINVAL);
    assert_string_equal(dp_error(),
                        "dp_eval: input 0 of neg f32 [2] has been freed, or its scope has ended");
    dp_clear();
    assert_int_equal(dp_prepared_run(p), DP_EINVAL);
    assert_string_equal(dp_error(),
                        "dp_prepared_run: leaf 0 has been freed, or its scope has ended");
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

static void text_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "graph text: line 1, column 1: expected \"denpan graph 1\", found \"\""},
        {"denpan graph 2\n",
         "graph text: line 1, column 1: expected \"denpan graph 1\", found \"denpan graph 2\""},
        {"denpan graph 1\n",
         "graph text: line 2, column 1: expected a line with return, found \"\""},
        {"denpan graph 1\n%0 = leaf f32 [2]\nreturn %1\n",
         "graph text: line 3, column 10: expected a node of an earlier line, found \"\""},
        {"denpan graph 1\n%1 = leaf f32 [2]\n",
         "graph text: line 2, column 3: expected the numbers 0, 1, 2, ... before this, found \" = "
         "leaf f32 [2]\""},
        {"denpan graph 1\n%0 = leaf f33 [2]\n",
         "graph text: line 2, column 10: expected f32, f64, i64 or u8, found \" f33 [2]\""},
        {"denpan graph 1\n%0 = leaf f64 [2]\n",
         "graph text: line 2: leaf 0 is constant f32 [2]; the text says f64 [2]"},
        {"denpan graph 1\n%0 = leaf f32 [2]\n%1 = nag(%0)\n",
         "graph text: line 3, column 9: expected leaf, variable or a known op before this, found "
         "\"(%0)\""},
        {"denpan graph 1\n%0 = leaf f32 [2]\n%1 = neg(%0, %0)\n", "neg: 2 inputs; expected 1"},
        {"denpan graph 1\n%0 = leaf f32 [2]\n%1 = slice(%0, axis=0)\n",
         "graph text: line 3, column 23: expected all fields of the op before this, found \"\""},
        {"denpan graph 1\n%0 = leaf f32 [2]\n%1 = slice(%0, axis=0, begin=9, step=1, count=1)\n",
         "slice: 1 elements from 9 by 1 of axis 0 of constant f32 [2]"},
        {"denpan graph 1\n%0 = leaf f32 [2]\n%1 = reshape(%0, shape=[1,2,1,1,1,1,1,1,1])\n",
         "graph text: line 3, column 40: expected at most 8 dims, found \",1])\""},
        {"denpan graph 1\n%0 = leaf f32 [2]\nreturn %0\nmore",
         "graph text: line 4, column 1: expected the end of the text, found \"more\""},
    };
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(2)), *root[2];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n = 2;
        assert_int_not_equal(dp_graph_parse(bad[i].text, &x, 1, root, &n), DP_OK);
        assert_string_equal(dp_error(), bad[i].message);
        dp_clear();
    }
    dp_end();
}

static void engines_are_apart(void **state) {
    (void)state;
    dp_engine *mine = dp_engine_new(), *before = dp_engine_use(mine);
    dp_engine_stats s = {.size = sizeof s};
    for (int i = 0; i < 3; i++) {
        dp_tensor *y = dp_tanh(dp_full(DP_F32, DP_SHAPE(10, 10), i));
        assert_int_equal(dp_eval(y), DP_OK);
    }
    dp_engine_stats_get(&s);
    assert_int_equal(s.evals, 3);
    assert_int_equal(s.hits, 2);
    assert_int_equal(s.plans, 1);
    assert_ptr_equal(dp_engine_use(before), mine);
    dp_engine_stats_get(&s);
    assert_int_equal(s.evals, 0);
    dp_engine_free(mine);
    assert_int_equal(dp_end(), 0);
}

static void prediction_is_what_is_taken(void **state) {
    (void)state;
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(50, 40)),
              *w = dp_variable(dp_ones(DP_F32, DP_SHAPE(40, 30)));
    dp_tensor *loss = dp_sum_all(dp_tanh(dp_matmul(x, w))), *g = dp_grad(loss, w);
    dp_tensor *root[2] = {loss, dp_assign(w, dp_sub(w, g))};
    int64_t predicted = dp_plan_bytes(root, 2);
    char *table = dp_plan_text(root, 2);
    assert_non_null(strstr(table, "matmul"));
    dp_text_free(table);
    dp_engine_stats s = {.size = sizeof s};
    assert_int_equal(dp_eval_n(root, 2), DP_OK);
    dp_engine_stats_get(&s);
    assert_true(predicted > 0);
    assert_int_equal(s.arena_bytes, predicted);
    assert_int_equal(s.peak_arena_bytes, predicted); /* nothing else used this arena */
    assert_int_equal(dp_end(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prediction_is_what_is_taken),
        cmocka_unit_test(prepared_follows_its_leaves),
        cmocka_unit_test(prepared_refuses),
        cmocka_unit_test(text_round_trip),
        cmocka_unit_test(text_refuses),
        cmocka_unit_test(engines_are_apart),
        cmocka_unit_test(freed_inputs_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
