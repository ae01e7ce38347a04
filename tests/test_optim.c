/* test_optim.c: optimisers against PyTorch over 100 steps; clipping, state, refusals. */
#include "golden.h"
#include "base/base.h"

#include <float.h>

static dp_module *optim_net(const golden_case *c) {
    dp_module *net = dp_nn("Linear(3,4) Tanh Linear(4,2)");
    assert_non_null(net);
    assert_int_equal(dp_module_to(net, DP_F64), DP_OK);
    for (size_t i = 0; i < dp_param_count(net); i++) {
        const char *name;
        char key[64];
        dp_tensor *p = dp_param_at(net, i, &name);
        snprintf(key, sizeof key, "begin.%s", name);
        const golden_tensor *t = golden_find(c, key);
        assert_non_null(t);
        assert_int_equal(dp_write(p, t->data, t->n * sizeof(double)), DP_OK);
    }
    return net;
}

static void optim_compare(const golden_case *c, dp_module *net, int step) {
    for (size_t i = 0; i < dp_param_count(net); i++) {
        const char *name;
        char key[64];
        dp_tensor *p = dp_param_at(net, i, &name);
        snprintf(key, sizeof key, "%d.%s", step, name);
        golden_same(c, key, p);
    }
}

static void optim_case(const golden_case *c) {
    dp_module *net = optim_net(c);
    dp_optim *o = dp_optim_text(net, c->text);
    const golden_tensor *losses = golden_find(c, "loss");
    if (!o) fail_msg("%s: %s", c->name, dp_error());
    dp_tensor *x = golden_leaf(c, "x"), *target = golden_leaf(c, "target");
    for (int step = 1; step <= 100; step++) {
        dp_scope *s = dp_scope_begin();
        double loss = dp_step(o, dp_mse(dp_call(net, NULL, x), target));
        if (!(fabs(loss - losses->data[step - 1]) <= 1e-12 * (1 + fabs(loss))))
            fail_msg("%s: step %d: loss %.17g, PyTorch has %.17g (%s)", c->name, step, loss,
                     losses->data[step - 1], dp_error());
        if (step == 1 || step == 2 || step == 100) optim_compare(c, net, step);
        dp_scope_end(s);
    }
    assert_int_equal(dp_optim_steps(o), 100);
    dp_optim_free(o);
    dp_module_free(net);
}

static void test_golden(void **state) {
    (void)state;
    golden_file g = golden_open("optims.txt");
    golden_case *c = calloc(1, sizeof *c);
    int n = 0;
    while (golden_next(&g, c)) {
        optim_case(c);
        golden_done(c);
        n++;
    }
    assert_int_equal(n, 16);
    free(c);
    golden_close(&g);
    assert_int_equal(dp_end(), 0);
}

static void test_state(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2) fc: Linear(2,1,bias=False)");
    dp_optim *o = dp_optim_new(net, "Adam(lr=%d)", 1);
    static const char *const names[] = {"step",
                                        "beta1_power",
                                        "beta2_power",
                                        "exp_avg.0.weight",
                                        "exp_avg_sq.0.weight",
                                        "exp_avg.0.bias",
                                        "exp_avg_sq.0.bias",
                                        "exp_avg.fc.weight",
                                        "exp_avg_sq.fc.weight"};
    const char *name;
    for (size_t i = 0; i < 9; i++) {
        assert_non_null(dp_optim_state(o, i, &name));
        assert_string_equal(name, names[i]);
    }
    assert_null(dp_optim_state(o, 9, &name));
    assert_null(name);
    assert_true(dp_lr(o) == 1);
    assert_string_equal(dp_optim_format(o),
                        "Adam(lr=1, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, amsgrad=false, "
                        "maximize=false, decay_bias=true, clip_norm=none, clip_value=none)");
    assert_int_equal(dp_set_lr(o, 0.25), DP_OK);
    assert_true(dp_lr(o) == 0.25);
    assert_non_null(strstr(dp_optim_format(o), "lr=0.25,"));
    dp_optim *again = dp_optim_text(net, dp_optim_format(o));
    assert_string_equal(dp_optim_format(again), dp_optim_format(o));
    assert_int_equal(dp_set_lr(o, NAN), DP_EINVAL);
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

/* The state of one optimiser, written into another, goes on with the same bytes. */
static void test_resume(void **state) {
    (void)state;
    float flat[2][23];
    for (int broken = 0; broken < 2; broken++) {
        dp_module *net = dp_nn("Linear(3,4) ReLU Linear(4,1)");
        dp_optim *o = dp_optim_text(net, "AdamW(lr=0.01)");
        dp_tensor *x = dp_uniform(dp_key(1), DP_F32, DP_SHAPE(8, 3)),
                  *y = dp_ones(DP_F32, DP_SHAPE(8, 1));
        dp_eval(x);
        for (int step = 0; step < 10; step++) {
            dp_scope *s = dp_scope_begin();
            assert_true(dp_step(o, dp_mse(dp_call(net, NULL, x), y)) > 0);
            dp_scope_end(s);
            if (!broken || step != 4) continue;
            dp_optim *next = dp_optim_text(net, "AdamW(lr=0.01)");
            for (size_t i = 0; dp_optim_state(o, i, NULL); i++) {
                dp_tensor *from = dp_optim_state(o, i, NULL), *to = dp_optim_state(next, i, NULL);
                size_t bytes = (size_t)dp_count(from) * dp_dtype_size(dp_dtype_of(from));
                assert_int_equal(dp_write(to, dp_map(from), bytes), DP_OK);
            }
            dp_optim_free(o);
            o = next;
        }
        assert_int_equal(dp_read(dp_params_flat(net), flat[broken], 21 * sizeof(float)), DP_OK);
        dp_optim_free(o);
        dp_module_free(net);
    }
    assert_memory_equal(flat[0], flat[1], 21 * sizeof(float));
    assert_int_equal(dp_end(), 0);
}

/* Moments of a unit that gets no gradient any more become +0, not denormal. */
static void test_flush(void **state) {
    (void)state;
    float one = 1.0f, tiny = 2e-38f;
    dp_tensor *v = dp_variable(dp_from(DP_F32, (dp_shape){0}, &one));
    const char *name = "w";
    dp_optim *o = dp_optim_for(&v, &name, 1, "SGD(lr=0, momentum=0.5)");
    assert_non_null(o);
    for (int step = 0; step < 3; step++) {
        dp_scope *s = dp_scope_begin();
        dp_tensor *g = dp_scalar_of(DP_F32, step == 0 ? -(double)tiny : 0.0), *out[3];
        assert_int_equal(dp_step_effects(o), 3);
        assert_int_equal(dp_apply_gradients(o, &g, out), DP_OK);
        assert_int_equal(dp_eval_n(out, 3), DP_OK);
        float m;
        assert_int_equal(dp_read(dp_optim_state(o, 1, NULL), &m, sizeof m), DP_OK);
        if (step == 0)
            assert_true(m == -tiny);
        else
            assert_true(m == 0 && !signbit(m));
        dp_scope_end(s);
    }
    assert_int_equal(dp_end(), 0);
}

/* Norms that overflow when squared clip all the same. */
static void test_clip_large(void **state) {
    (void)state;
    float zero[2] = {0, 0}, big[2] = {1e20f, 1e20f}, got[2];
    dp_tensor *v = dp_variable(dp_from(DP_F32, DP_SHAPE(2), zero));
    const char *name = "w";
    dp_optim *o = dp_optim_for(&v, &name, 1, "SGD(lr=1, clip_norm=1)");
    dp_tensor *g = dp_from(DP_F32, DP_SHAPE(2), big), *out[2];
    assert_int_equal(dp_apply_gradients(o, &g, out), DP_OK);
    assert_int_equal(dp_eval_n(out, 2), DP_OK);
    assert_int_equal(dp_read(v, got, sizeof got), DP_OK);
    for (int i = 0; i < 2; i++) assert_true(fabs((double)got[i] + sqrt(0.5)) < 1e-6);
    assert_int_equal(dp_end(), 0);
}

/* ---- a step whose n-th allocation fails changes nothing, and can be made again ---- */

static int64_t optim_left = -1;

static void *optim_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    if (optim_left == 0) return NULL;
    if (optim_left > 0) optim_left--;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void optim_release(void *context, void *p, size_t bytes) {
    (void)context, (void)bytes;
    free(p);
}

static double optim_try(dp_module *net, dp_optim *o) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(2, 3)), *y = dp_zeros(DP_F32, DP_SHAPE(2, 2));
    double loss = dp_step(o, dp_mse(dp_call(net, dp_ctx_train(dp_key(1)), x), y));
    dp_scope_end(s);
    return loss;
}

static void test_faults(void **state) {
    (void)state;
    const dp_allocator a = {sizeof a, optim_alloc, optim_release, NULL};
    assert_int_equal(dp_set_allocator(&a), DP_OK);
    float before[8], after[8], expected[8];
    double loss = NAN;
    for (int64_t i = -1; !(loss == loss) || i < 1; i++) {
        dp_module *net = dp_nn("Linear(3,2) Dropout(0.5)");
        dp_optim *o = dp_optim_text(net, "Adam(lr=0.1, clip_norm=1)");
        assert_int_equal(dp_read(dp_params_flat(net), before, sizeof before), DP_OK);
        optim_left = i;
        loss = optim_try(net, o);
        optim_left = -1;
        if (loss != loss) {
            assert_int_equal(dp_error_status(), DP_ENOMEM);
            dp_clear();
            assert_int_equal(dp_read(dp_params_flat(net), after, sizeof after), DP_OK);
            assert_memory_equal(before, after, sizeof before);
            assert_int_equal(dp_optim_steps(o), 0);
            assert_true(optim_try(net, o) >= 0);
        }
        assert_int_equal(dp_read(dp_params_flat(net), after, sizeof after), DP_OK);
        if (i < 0) memcpy(expected, after, sizeof expected);
        assert_memory_equal(expected, after, sizeof expected);
        dp_end();
    }
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text;
        dp_status status;
        const char *message;
    } bad[] = {
        {"", DP_EINVAL, "optimiser: line 1, column 1: expected a name, found the end of the text"},
        {"Adm", DP_EINVAL, "optimiser: line 1, column 1: unknown name `Adm`; did you mean `Adam`?"},
        {"Adam(lr=-1)", DP_EINVAL,
         "optimiser: line 1, column 9: Adam: lr must be a number >= 0, not `-1`"},
        {"Adam(lr=nan)", DP_EINVAL,
         "optimiser: line 1, column 9: Adam: lr must be a number >= 0, not `nan`"},
        {"Adam(lr=1e999)", DP_EINVAL, "optimiser: line 1, column 9: the number is too large"},
        {"Adam(lr=0,1abc)", DP_EINVAL, "optimiser: line 1, column 11: not a number"},
        {"Adam(betas=0.9)", DP_EINVAL,
         "optimiser: line 1, column 12: Adam: betas must be two numbers in [0, 1), not `0.9`"},
        {"Adam(betas=(0.9, 1))", DP_EINVAL,
         "optimiser: line 1, column 18: Adam: betas must be two numbers in [0, 1), not `1`"},
        {"SGD(lr=0.1, momentun=0.9)", DP_EINVAL,
         "optimiser: line 1, column 13: SGD has no argument `momentun`; did you mean `momentum`?"},
        {"SGD(nesterov=true)", DP_EINVAL, "SGD: nesterov needs a momentum > 0 and no dampening"},
        {"SGD(clip_norm=0)", DP_EINVAL,
         "optimiser: line 1, column 15: SGD: clip_norm must be a number > 0 or none, not `0`"},
        {"SGD SGD", DP_EINVAL, "optimiser: line 1, column 5: nothing may follow SGD, found `SGD`"},
        {"SGD(maximize=1)", DP_EINVAL,
         "optimiser: line 1, column 14: SGD: maximize must be true or false, not `1`"},
    };
    dp_module *net = dp_nn("Linear(2,2)");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(dp_optim_text(net, bad[i].text));
        assert_string_equal(dp_error(), bad[i].message);
        assert_int_equal(dp_error_status(), bad[i].status);
        dp_clear();
    }
    dp_optim *o = dp_optim_text(net, "SGD");
    assert_true(
        isnan(dp_step(o, dp_name(dp_call(net, NULL, dp_ones(DP_F32, DP_SHAPE(3, 2))), "y"))));
    assert_string_equal(
        dp_error(),
        "dp_step: the loss is y f32 [3,2]; one element is expected (reduction 'none'?)");
    assert_int_equal(dp_optim_steps(o), 0);
    dp_clear();
    assert_true(isnan(dp_step(NULL, NULL)));
    assert_string_equal(dp_error(), "dp_step: the optimiser is NULL");
    dp_clear();
    assert_null(dp_optim_text(NULL, "SGD"));
    dp_clear();
    dp_tensor *out[8], *loss = dp_sum_all(dp_call(net, NULL, dp_ones(DP_F32, DP_SHAPE(3, 2))));
    assert_int_equal(dp_apply_gradients(o, NULL, out), DP_EINVAL);
    assert_string_equal(dp_error(), "dp_apply_gradients: a list is NULL");
    dp_clear();
    assert_int_equal(dp_step_graph(o, loss, NULL), DP_EINVAL);
    assert_string_equal(dp_error(), "dp_step_graph: the list of effects is NULL");
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),     cmocka_unit_test(test_state),
        cmocka_unit_test(test_resume),     cmocka_unit_test(test_flush),
        cmocka_unit_test(test_clip_large), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
