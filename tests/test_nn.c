/* test_nn.c: layers and losses against PyTorch, hard numbers, modules and their parts. */
#include "golden.h"

#include <float.h>

/* ---- against PyTorch ---- */

static void nn_layer(const golden_case *c) {
    dp_module *net = dp_nn_text(c->text);
    if (!net) fail_msg("%s: %s", c->name, dp_error());
    assert_int_equal(dp_module_to(net, DP_F64), DP_OK);
    size_t n = dp_param_count(net);
    dp_tensor *x = golden_leaf(c, "x"), *by[8], *grads[8], *second;
    by[0] = x;
    for (size_t i = 0; i < n; i++) {
        const char *name;
        by[i + 1] = dp_param_at(net, i, &name);
        const golden_tensor *t = golden_find(c, name);
        assert_non_null(t);
        assert_int_equal(dp_write(by[i + 1], t->data, t->n * sizeof(double)), DP_OK);
    }
    dp_tensor *y = dp_call(net, NULL, x);
    if (dp_vjp(y, golden_leaf(c, "ct"), by, n + 1, grads)) fail_msg("%s: %s", c->name, dp_error());
    bool twice = golden_find(c, "ddx") != NULL;
    if (twice && dp_vjp(grads[0], golden_leaf(c, "v"), &x, 1, &second))
        fail_msg("%s: %s", c->name, dp_error());
    dp_tensor *roots[10] = {y, twice ? second : y};
    for (size_t i = 0; i <= n; i++) roots[i + 2] = grads[i];
    if (dp_eval_n(roots, n + 3)) fail_msg("%s: %s", c->name, dp_error());
    golden_same(c, "y", y);
    golden_same(c, "dx", grads[0]);
    if (twice) golden_same(c, "ddx", second);
    for (size_t i = 0; i < n; i++) {
        const char *name;
        char key[64];
        dp_param_at(net, i, &name);
        snprintf(key, sizeof key, "d.%s", name);
        golden_same(c, key, grads[i + 1]);
    }
}

static void nn_loss(const golden_case *c) {
    dp_module *loss = dp_loss("%s", c->text);
    if (!loss) fail_msg("%s: %s", c->name, dp_error());
    dp_tensor *y = golden_leaf(c, "y"), *target = golden_leaf(c, "target"), *g, *second;
    if (dp_rank(target) < dp_rank(y)) target = dp_cast(target, DP_I64);
    dp_tensor *l = dp_call_loss(loss, y, target);
    if (dp_vjp(l, golden_leaf(c, "ct"), &y, 1, &g)) fail_msg("%s: %s", c->name, dp_error());
    bool twice = golden_find(c, "ddy") != NULL;
    if (twice && dp_vjp(g, golden_leaf(c, "v"), &y, 1, &second))
        fail_msg("%s: %s", c->name, dp_error());
    if (dp_eval(l, g, twice ? second : g)) fail_msg("%s: %s", c->name, dp_error());
    golden_same(c, "loss", l);
    golden_same(c, "dy", g);
    if (twice) golden_same(c, "ddy", second);
}

static void nn_golden(const char *file, void (*run)(const golden_case *), int expected) {
    golden_file g = golden_open(file);
    golden_case *c = calloc(1, sizeof *c);
    int n = 0;
    while (golden_next(&g, c)) {
        dp_scope *s = dp_scope_begin();
        run(c);
        dp_scope_end(s);
        golden_done(c);
        n++;
    }
    assert_int_equal(n, expected);
    free(c);
    golden_close(&g);
    assert_int_equal(dp_end(), 0);
}

static void test_layers(void **state) {
    (void)state;
    nn_golden("layers.txt", nn_layer, 21);
}
static void test_losses(void **state) {
    (void)state;
    nn_golden("losses.txt", nn_loss, 25);
}

/* ---- hard numbers (E1-E4) ---- */

/* Cross-entropy of one row with class k: the loss and its gradient, both in f32 and f64. */
static void nn_hard_row(const double *z, int n, int64_t k, double loss, const double *gradient) {
    for (int wide = 0; wide < 2; wide++) {
        float z32[4], g32[4];
        double z64[4], g64[4];
        dp_dtype dtype = wide ? DP_F64 : DP_F32;
        for (int i = 0; i < n; i++) z32[i] = (float)(z64[i] = z[i]);
        dp_scope *s = dp_scope_begin();
        dp_tensor *x = dp_from(dtype, DP_SHAPE(1, n), wide ? (void *)z64 : (void *)z32);
        dp_tensor *y = dp_cross_entropy(x, dp_from(DP_I64, DP_SHAPE(1), &k)), *g = dp_grad(y, x);
        assert_int_equal(dp_eval(y, g), DP_OK);
        double eps = wide ? 1e-15 : 3e-7, got = dp_item(y);
        if (!(got == loss || fabs(got - loss) <= eps * fabs(loss)))
            fail_msg("row %g %g, class %d: loss %.17g instead of %.17g", z[0], z[1], (int)k, got,
                     loss);
        assert_int_equal(
            dp_read(g, wide ? (void *)g64 : (void *)g32, (size_t)n * dp_dtype_size(dtype)), DP_OK);
        for (int i = 0; i < n; i++)
            assert_true(fabs((wide ? g64[i] : (double)g32[i]) - gradient[i]) <= eps);
        dp_scope_end(s);
    }
}

static void test_hard_logits(void **state) {
    (void)state;
    const double big = FLT_MAX, inf = (double)INFINITY;
    nn_hard_row((double[]){1e4, -1e4, 0}, 3, 0, 0, (double[]){0, 0, 0});
    nn_hard_row((double[]){1e4, -1e4, 0}, 3, 1, 2e4, (double[]){1, -1, 0});
    nn_hard_row((double[]){88.73, 88.73}, 2, 1, log(2), (double[]){0.5, -0.5});
    nn_hard_row((double[]){-168, -168, -168}, 3, 2, log(3), (double[]){1 / 3.0, 1 / 3.0, -2 / 3.0});
    nn_hard_row((double[]){-1e4, -1e4}, 2, 0, log(2), (double[]){-0.5, 0.5});
    nn_hard_row((double[]){big, big}, 2, 0, log(2), (double[]){-0.5, 0.5});
    nn_hard_row((double[]){0, -inf, 0}, 3, 0, log(2), (double[]){-0.5, 0, 0.5}); /* masked */
    nn_hard_row((double[]){-inf, 3}, 2, 1, 0, (double[]){0, 0});
    nn_hard_row((double[]){-inf, 3}, 2, 0, inf, (double[]){-1, 1});
    nn_hard_row((double[]){0, 40}, 2, 1, exp(-40), (double[]){exp(-40), -exp(-40)});
    nn_hard_row((double[]){-big, big}, 2, 1, 0, (double[]){0, 0});
    assert_int_equal(dp_end(), 0);
}

/* A masked class with probability 0 costs nothing; its gradient is finite. */
static void test_masked_probabilities(void **state) {
    (void)state;
    float z[3] = {1, -INFINITY, 1}, t[3] = {0.25f, 0, 0.75f}, g[3];
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(1, 3), z), *p = dp_from(DP_F32, DP_SHAPE(1, 3), t);
    dp_tensor *y = dp_cross_entropy(x, p), *dx = dp_grad(y, x);
    assert_int_equal(dp_eval(y, dx), DP_OK);
    assert_true(fabs(dp_item(y) - log(2)) < 1e-6);
    assert_int_equal(dp_read(dx, g, sizeof g), DP_OK);
    assert_true(fabsf(g[0] - 0.25f) < 1e-6f && g[1] == 0 && fabsf(g[2] + 0.25f) < 1e-6f);
    assert_int_equal(dp_end(), 0);
}

/* NaN stays in its row; a row of -inf is NaN. */
static void test_nan_rows(void **state) {
    (void)state;
    float z[9] = {1, 2, NAN, 1, 2, 3, -INFINITY, -INFINITY, -INFINITY}, p[9];
    dp_module *net = dp_nn("Softmax(dim=1)");
    dp_tensor *y = dp_call(net, NULL, dp_from(DP_F32, DP_SHAPE(3, 3), z));
    assert_int_equal(dp_read(y, p, sizeof p), DP_OK);
    for (int i = 0; i < 9; i++) assert_int_equal(isnan(p[i]) != 0, i / 3 != 1);
    assert_true(fabsf(p[3] + p[4] + p[5] - 1) <= 3 * 0x1p-24f);
    assert_int_equal(dp_end(), 0);
}

/* One element of a loss of two arguments, in f32. */
static void nn_pair(dp_tensor *(*loss)(dp_tensor *, dp_tensor *), double y, double t, double value,
                    double slope) {
    float a = (float)y, b = (float)t;
    dp_scope *s = dp_scope_begin();
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(1), &a);
    dp_tensor *l = loss(x, dp_from(DP_F32, DP_SHAPE(1), &b)), *g = dp_grad(l, x);
    assert_int_equal(dp_eval(l, g), DP_OK);
    if (!(fabs(dp_item(l) - value) <= 4e-7 * (fabs(value) + 1e-30)) ||
        !(fabs(dp_item(g) - slope) <= 1e-6 * (1 + fabs(slope))))
        fail_msg("at %g, %g: %.9g and %.9g instead of %.9g and %.9g", y, t, dp_item(l), dp_item(g),
                 value, slope);
    dp_scope_end(s);
}

static void test_hard_binary(void **state) {
    (void)state;
    nn_pair(dp_bce_logits, 0, 0, log(2), 0.5);
    nn_pair(dp_bce_logits, 0, 1, log(2), -0.5);
    nn_pair(dp_bce_logits, 104, 0, 104, 1);
    nn_pair(dp_bce_logits, 104, 1, 0, 0);
    nn_pair(dp_bce_logits, -104, 1, 104, -1);
    nn_pair(dp_bce_logits, 750, 0, 750, 1);
    nn_pair(dp_bce_logits, -750, 0, 0, 0);
    nn_pair(dp_bce_logits, -20, 0, log1p(exp(-20)), exp(-20));
    nn_pair(dp_bce_logits, 20, 1, log1p(exp(-20)), -exp(-20));
    nn_pair(dp_bce, 0, 1, 100, 0); /* the logs are cut at -100 */
    nn_pair(dp_bce, 0, 0, 0, 1);
    nn_pair(dp_bce, 1, 0, 100, 0);
    nn_pair(dp_bce, 1, 1, 0, -1);
    nn_pair(dp_bce, 0.5, 1, log(2), -2);
    float wrong = -0.5f, zero = 0;
    dp_tensor *l =
        dp_bce(dp_from(DP_F32, DP_SHAPE(1), &wrong), dp_from(DP_F32, DP_SHAPE(1), &zero));
    assert_true(isnan(dp_item(l))); /* no probability: loud */
    dp_tensor *at = dp_scalar_of(DP_F64, 0), *slope = dp_grad(dp_softplus(at), at);
    assert_true(dp_item(dp_softplus(at)) == log(2) && dp_item(slope) == 0.5);
    float above = 1.5f;
    assert_true(isnan(dp_item(
        dp_bce(dp_from(DP_F32, DP_SHAPE(1), &above), dp_from(DP_F32, DP_SHAPE(1), &zero)))));
    assert_int_equal(dp_end(), 0);
}

/* ---- dropout ---- */

static void test_dropout(void **state) {
    (void)state;
    enum { N = 20000 };
    static float a[N], b[N], one[N];
    for (int i = 0; i < N; i++) one[i] = 1;
    dp_module *net = dp_nn("Dropout(0.25) Dropout(0.25)"), *first = dp_child_at(net, 0, NULL);
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(N), one);
    assert_ptr_equal(dp_call(first, NULL, x), x);
    assert_ptr_equal(dp_call(first, dp_ctx_infer(), x), x);
    dp_ctx *before = dp_ctx_train(dp_key(7)), *c = dp_ctx_train(dp_key(7));
    assert_int_equal(dp_read(dp_call(first, before, x), a, sizeof a), DP_OK);
    assert_int_equal(dp_read(dp_call(first, c, x), b, sizeof b), DP_OK);
    assert_memory_equal(a, b, sizeof a);
    int zeros = 0;
    for (int i = 0; i < N; i++) {
        assert_true(a[i] == 0 || fabsf(a[i] - 4 / 3.0f) < 1e-6f);
        zeros += a[i] == 0;
    }
    assert_in_range(zeros, N / 4 - 400, N / 4 + 400);
    assert_int_equal(dp_read(dp_call(first, c, x), b, sizeof b),
                     DP_OK); /* the next call of one context */
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(dp_read(dp_call(dp_child_at(net, 1, NULL), c, x), b, sizeof b), DP_OK);
    assert_memory_not_equal(a, b, sizeof a);
    dp_module *slice = dp_nn_slice(net, 0, 1); /* the path, and so the key, stays */
    assert_int_equal(dp_read(dp_call(slice, dp_ctx_train(dp_key(7)), x), b, sizeof b), DP_OK);
    assert_memory_equal(a, b, sizeof a);
    dp_tensor *all = dp_wrap(DP_F32, DP_SHAPE(2), (float[]){INFINITY, NAN}, NULL, NULL);
    assert_int_equal(dp_read(dp_call(dp_nn("Dropout(1)"), c, all), b, 2 * sizeof *b), DP_OK);
    assert_true(b[0] == 0 && b[1] == 0);
    assert_ptr_equal(dp_call(dp_nn("Dropout(0)"), c, x), x);
    assert_int_equal(dp_end(), 0);
}

/* ---- parts of a network ---- */

static void test_parts(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)");
    const char *name;
    assert_int_equal(dp_param_count(net), 6);
    assert_int_equal(dp_param_elements(net), 109386);
    static const char *const names[] = {"0.weight", "0.bias",   "2.weight",
                                        "2.bias",   "4.weight", "4.bias"};
    for (size_t i = 0; i < 6; i++) {
        assert_non_null(dp_param_at(net, i, &name));
        assert_string_equal(name, names[i]);
        assert_ptr_equal(dp_param_named(net, names[i]), dp_param_at(net, i, NULL));
    }
    assert_null(dp_param_at(net, 6, &name));
    assert_null(name);
    assert_false(dp_failed());
    assert_null(dp_param_named(net, "1.weight"));
    assert_string_equal(dp_error(), "dp_param_named: no parameter `1.weight`");
    dp_clear();
    dp_shape in = dp_input_shape(net), out = dp_output_shape(net, DP_SHAPE(784));
    assert_int_equal(in.rank, 1);
    assert_int_equal(in.dim[0], 784);
    assert_int_equal(out.rank, 1);
    assert_int_equal(out.dim[0], 10);
    assert_int_equal(dp_output_shape(net, DP_SHAPE(28, 28)).rank, -1);
    assert_string_equal(dp_error_hint(), "in layer 0, Linear");
    dp_clear();
    assert_int_equal(dp_input_shape(dp_nn("Flatten Linear(784,10)")).rank, -1);
    assert_int_equal(dp_input_shape(dp_nn("ReLU ( Dropout Linear(7,1) )")).dim[0], 7);
    assert_int_equal(dp_input_shape(dp_nn("input (1,28,28) Flatten Linear(784,10)")).rank, 3);
    assert_string_equal(dp_module_kind(dp_child_at(net, 1, &name)), "ReLU");
    assert_string_equal(name, "1");
    assert_int_equal(dp_buffer_count(net), 0);
    assert_int_equal(dp_end(), 0);
}

static void test_flat(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(3,2) Linear(2,2,bias=False)");
    float flat[12], back[12], w[6];
    assert_int_equal(dp_read(dp_params_flat(net), flat, sizeof flat), DP_OK);
    assert_int_equal(dp_read(dp_param_named(net, "0.weight"), w, sizeof w), DP_OK);
    assert_memory_equal(flat, w, sizeof w);
    for (int i = 0; i < 12; i++) flat[i] = (float)i;
    assert_int_equal(dp_params_set_flat(net, dp_from(DP_F32, DP_SHAPE(12), flat)), DP_OK);
    assert_int_equal(dp_read(dp_params_flat(net), back, sizeof back), DP_OK);
    assert_memory_equal(flat, back, sizeof flat);
    assert_true(dp_item(dp_sum_all(dp_param_named(net, "1.weight"))) == 8 + 9 + 10 + 11);
    assert_int_equal(dp_params_set_flat(net, dp_zeros(DP_F32, DP_SHAPE(11))), DP_EINVAL);
    assert_string_equal(dp_error(), "dp_params_set_flat: constant f32 [11]; [12] is expected");
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

static void test_slice(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    dp_module *net = dp_nn("Linear(3,4) Tanh Linear(4,2)");
    dp_module *head = dp_module_keep(dp_nn_slice(net, 0, 2));
    assert_int_equal(dp_param_count(head), 2);
    assert_ptr_equal(dp_param_at(head, 0, NULL), dp_param_at(net, 0, NULL));
    assert_null(dp_nn_slice(net, 1, 4));
    assert_string_equal(dp_error(), "dp_nn_slice: layers 1 to 4 of a Sequential of 3");
    dp_clear();
    dp_scope_end(s); /* the slice keeps what it shares */
    assert_int_equal(dp_param_elements(head), 16);
    dp_tensor *y = dp_call(head, NULL, dp_ones(DP_F32, DP_SHAPE(1, 3)));
    assert_int_equal(dp_dim(y, 1), 4);
    assert_true(isfinite(dp_item(dp_sum_all(y))));
    dp_module_free(head);
    assert_int_equal(dp_end(), 0);
}

static void test_tap(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(3,4) act: ReLU ( Tanh Linear(4,2) )");
    dp_scope *s = dp_scope_begin();
    dp_tensor *y = dp_call(net, NULL, dp_ones(DP_F32, DP_SHAPE(1, 3)));
    assert_ptr_equal(dp_tap(net, "2.1"), y);
    assert_ptr_equal(dp_tap(net, "2"), y);
    assert_ptr_equal(dp_tap(net, ""), y);
    assert_ptr_equal(dp_tap(net, "act.z"), dp_tap(net, "0"));
    dp_tensor *z = dp_tap(net, "act.z"), *a = dp_tap(net, "act");
    assert_ptr_not_equal(z, a);
    dp_eval(y, z, a);
    const float *before = dp_map(z), *after = dp_map(a);
    for (int i = 0; i < 4; i++) assert_true(after[i] == (before[i] > 0 ? before[i] : 0));
    assert_null(dp_tap(net, "3"));
    assert_string_equal(dp_error(), "dp_tap: no layer `3`");
    dp_clear();
    dp_scope_end(s);
    assert_null(dp_tap(net, "0"));
    assert_string_equal(dp_error(),
                        "dp_tap: `0` was not called in a scope of this thread that is still open");
    dp_clear();
    for (int i = 0; i < 500; i++) { /* many short lives: the table stays small */
        s = dp_scope_begin();
        dp_module *m = dp_nn("Tanh Tanh Tanh");
        y = dp_call(m, NULL, dp_ones(DP_F32, DP_SHAPE(1)));
        assert_ptr_equal(dp_tap(m, "2"), y);
        dp_scope_end(s);
    }
    assert_int_equal(dp_end(), 0);
}

/* ---- modules of one's own ---- */

typedef struct block {
    dp_module *fc;
    dp_tensor *gain;
    int *freed;
} block;

static dp_tensor *block_forward(void *self, dp_ctx *c, dp_tensor *const *in, int n) {
    block *b = self;
    return n == 1 ? dp_add(in[0], dp_mul(b->gain, dp_call(b->fc, c, dp_relu(in[0])))) : NULL;
}

static void block_free(void *self) { ++*((block *)self)->freed; }

static void test_custom(void **state) {
    (void)state;
    int freed = 0;
    block b = {.freed = &freed};
    dp_scope *s = dp_scope_begin();
    dp_module *m =
        dp_module_new("Block", &(dp_module_def){sizeof(dp_module_def), .forward = block_forward,
                                                .self = &b, .free = block_free, .extra = "64"});
    b.fc = dp_child(m, "fc", dp_nn("Linear(4,4) Dropout(0.5)"));
    b.gain = dp_param(m, "gain", dp_ones(DP_F32, DP_SHAPE(4)));
    dp_buffer(m, "mean", dp_zeros(DP_F32, DP_SHAPE(4)));
    assert_non_null(b.fc);
    assert_non_null(b.gain);
    const char *name;
    assert_int_equal(dp_param_count(m), 3);
    dp_param_at(m, 0, &name);
    assert_string_equal(name, "gain");
    dp_param_at(m, 1, &name);
    assert_string_equal(name, "fc.0.weight");
    assert_int_equal(dp_buffer_count(m), 1);
    dp_buffer_at(m, 0, &name);
    assert_string_equal(name, "mean");
    char *text = dp_print_text(m);
    assert_string_equal(
        text, "Block(\n  64\n  (fc): Sequential(\n    (0): Linear(in_features=4, out_features=4, "
              "bias=True)\n    (1): Dropout(p=0.5, inplace=False)\n  )\n)");
    dp_text_free(text);
    assert_null(dp_format(m));
    assert_string_equal(dp_error(), "dp_format: Block is made in C and has no model text");
    dp_clear();
    dp_tensor *x = dp_ones(DP_F32, DP_SHAPE(2, 4)), *y = dp_call(m, dp_ctx_train(dp_key(1)), x);
    assert_int_equal(dp_dim(y, 1), 4);
    assert_true(isfinite(dp_item(dp_sum_all(y))));
    /* misuse */
    assert_null(dp_child(m, "fc", dp_nn("ReLU")));
    assert_string_equal(dp_error(), "dp_child: Block has a `fc` already");
    dp_clear();
    assert_null(dp_child(m, "a.b", dp_nn("ReLU")));
    dp_clear();
    assert_null(dp_child(b.fc, "up", m));
    assert_string_equal(dp_error(), "dp_child: a module cannot be below itself");
    dp_clear();
    assert_null(dp_child(m, "again", b.fc));
    assert_string_equal(dp_error(), "dp_child: Sequential has a parent already");
    dp_clear();
    dp_module_free(b.fc);
    assert_string_equal(dp_error(), "dp_module_free: Sequential belongs to its parent");
    dp_clear();
    assert_null(dp_module_new("Block", &(dp_module_def){sizeof(dp_module_def), .self = &b}));
    dp_clear();
    dp_scope_end(s);
    assert_int_equal(freed, 1);
    dp_module *deep = dp_nn("ReLU");
    for (int i = 0; deep && i < 80; i++) {
        dp_module *outer = dp_module_new(
            "Outer", &(dp_module_def){sizeof(dp_module_def), .forward = block_forward});
        deep = dp_child(outer, "in", deep) ? outer : NULL;
    }
    assert_null(deep);
    assert_int_equal(dp_error_status(), DP_ELIMIT);
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

/* ---- initial numbers ---- */

static double nn_moment(dp_module *net, const char *name, int power) {
    dp_tensor *p = dp_param_named(net, name);
    return dp_item(dp_mean_all(power == 1 ? p : dp_square(p)));
}

static void test_init(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(400,300) fc: Linear(300,200)");
    float a[100], b[100], w[100];
    double bound = 1 / sqrt(400);
    assert_true(dp_item(dp_max(dp_flatten(dp_abs(dp_param_named(net, "0.weight")), 0), 0, false)) <=
                bound);
    assert_true(fabs(nn_moment(net, "0.weight", 2) - bound * bound / 3) < 1e-5);
    assert_true(fabs(nn_moment(net, "0.weight", 1)) < 1e-3);
    assert_true(dp_item(dp_max(dp_abs(dp_param_named(net, "fc.bias")), 0, false)) <= 1 / sqrt(300));
    /* the numbers depend on seed and name only */
    dp_module *other = dp_nn("Linear(400,300,bias=False) fc: Linear(300,100)");
    assert_int_equal(dp_init(net, "default", 5), DP_OK);
    assert_int_equal(dp_init(other, "default", 5), DP_OK);
    assert_int_equal(dp_read(dp_slice(dp_flatten(dp_param_named(net, "0.weight"), 0), 0, 0, 100, 1),
                             a, sizeof a),
                     DP_OK);
    assert_int_equal(
        dp_read(dp_slice(dp_flatten(dp_param_named(other, "0.weight"), 0), 0, 0, 100, 1), b,
                sizeof b),
        DP_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(dp_init(net, "default", 6), DP_OK);
    assert_int_equal(dp_read(dp_slice(dp_flatten(dp_param_named(net, "0.weight"), 0), 0, 0, 100, 1),
                             w, sizeof w),
                     DP_OK);
    assert_memory_not_equal(a, w, sizeof a);
    static const struct {
        const char *rule;
        double variance;
    } rules[] = {{"xavier_uniform", 2.0 / 700}, {"xavier_normal", 2.0 / 700},
                 {"he_uniform", 2.0 / 400},     {"he_normal", 2.0 / 400},
                 {"normal(std=0.5)", 0.25},     {"xavier_normal(gain=2)", 8.0 / 700},
                 {"he_normal(a=1)", 1.0 / 400}, {"zeros", 0}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        assert_int_equal(dp_init(net, rules[i].rule, 1), DP_OK);
        double v = nn_moment(net, "0.weight", 2);
        assert_true(fabs(v - rules[i].variance) <= 0.02 * rules[i].variance);
        assert_true(nn_moment(net, "0.bias", 2) == 0);
    }
    assert_int_equal(dp_init(net, "he_norml", 1), DP_EINVAL);
    assert_string_equal(
        dp_error(),
        "initialiser: line 1, column 1: unknown name `he_norml`; did you mean `he_normal`?");
    dp_clear();
    assert_int_equal(dp_end(), 0);
}

/* ---- misuse ---- */

static void nn_says(const char *message) {
    assert_string_equal(dp_error(), message);
    dp_clear();
}

static void test_misuse(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(3,4) ReLU Linear(4,2)");
    assert_null(dp_call(NULL, NULL, NULL));
    nn_says("dp_call: the module is NULL");
    assert_null(
        dp_call(net, NULL, dp_add(dp_zeros(DP_F32, DP_SHAPE(2)), dp_zeros(DP_F32, DP_SHAPE(3)))));
    dp_clear();
    assert_null(dp_call(net, NULL, dp_zeros(DP_F32, DP_SHAPE(2, 5))));
    assert_string_equal(dp_error_hint(), "in layer 0, Linear");
    nn_says("Linear: the input is constant f32 [2,5]; its last axis must be in_features = 3");
    dp_tensor *y = dp_zeros(DP_F32, DP_SHAPE(2, 3)), *t = dp_zeros(DP_F32, DP_SHAPE(3, 2));
    assert_null(dp_mse(y, t));
    nn_says("mse: output and target differ in shape: constant f32 [2,3], constant f32 [3,2]");
    assert_null(dp_cross_entropy(y, dp_zeros(DP_I64, DP_SHAPE(3))));
    nn_says("cross_entropy: [N, C] with integer classes [N] is expected; got constant f32 [2,3], "
            "constant i64 [3]");
    assert_null(dp_nll(y, dp_zeros(DP_F32, DP_SHAPE(2))));
    dp_clear();
    assert_null(dp_loss("MSE"));
    nn_says("loss: line 1, column 1: unknown name `MSE`; did you mean `MSELoss`?");
    assert_null(dp_loss("Hinge"));
    nn_says("loss: line 1, column 1: unknown name `Hinge`; known: CrossEntropyLoss, NLLLoss, "
            "MSELoss, BCELoss, BCEWithLogitsLoss");
    assert_null(dp_loss("MSELoss(reduction='men')"));
    nn_says("loss: line 1, column 19: MSELoss: reduction must be 'mean', 'sum', 'none' or "
            "'half_sum', not `'men'`");
    assert_null(dp_loss("CrossEntropyLoss(reduction='half_sum')"));
    dp_clear();
    assert_null(dp_call(dp_loss("MSELoss"), NULL, y));
    nn_says("MSELoss: 1 input; an output and its target are needed");
    assert_null(dp_ctx_train(NULL));
    nn_says("dp_ctx_train: the tensor is NULL");
    assert_null(dp_param_named(net, NULL));
    nn_says("dp_param_named: the name is NULL");
    dp_print(net, NULL);
    nn_says("dp_print: the file is NULL");
    assert_null(dp_tap(net, NULL));
    nn_says("dp_tap: the path is NULL");
    assert_int_equal(dp_param_count(NULL), 0);
    dp_clear();
    dp_module_free(NULL);
    assert_false(dp_failed());
    assert_int_equal(dp_end(), 0);
}

static int nn_fresh(void **state) {
    (void)state;
    dp_end();
    dp_clear();
    return 0;
}
#define NN_TEST(name) cmocka_unit_test_setup(name, nn_fresh)

int main(void) {
    const struct CMUnitTest tests[] = {
        NN_TEST(test_layers),      NN_TEST(test_losses),
        NN_TEST(test_hard_logits), NN_TEST(test_masked_probabilities),
        NN_TEST(test_nan_rows),    NN_TEST(test_hard_binary),
        NN_TEST(test_dropout),     NN_TEST(test_parts),
        NN_TEST(test_flat),        NN_TEST(test_slice),
        NN_TEST(test_tap),         NN_TEST(test_custom),
        NN_TEST(test_init),        NN_TEST(test_misuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
