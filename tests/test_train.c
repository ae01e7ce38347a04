/* test_train.c: the fit loop, its reports, its refusals; networks in and out of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <denpan.h>

#include "io/safetensors.h"
#include "testdata.h"

static char folder[64] = "/tmp/denpan-train-XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static void no_error(void) {
    if (dp_failed()) fail_msg("%s (%s)", dp_error(), dp_error_hint());
}

static void has_error(dp_status status, const char *text) {
    if (dp_error_status() != status || !strstr(dp_error(), text))
        fail_msg("status %d: %s\nexpected %d: %s", dp_error_status(), dp_error(), status, text);
    dp_clear();
}

static int end_test(void **state) {
    (void)state;
    dp_clear();
    dp_end();
    return 0;
}

/* ---- data ---- */

static dp_dataset *xor_data(void) {
    static const float x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, y[4] = {0, 1, 1, 0};
    return dp_dataset_arrays(dp_from(DP_F32, DP_SHAPE(4, 2), x),
                             dp_from(DP_F32, DP_SHAPE(4, 1), y));
}

/* Two classes, split by x0 + x1 > 0; n examples. */
static dp_dataset *halves(int n) {
    float x[2 * 500];
    int64_t y[500];
    assert_true(n <= 500);
    for (int i = 0; i < n; i++) {
        x[2 * i] = (float)(i * 37 % 101) / 50 - 1;
        x[2 * i + 1] = (float)(i * 53 % 97) / 48 - 1;
        y[i] = x[2 * i] + x[2 * i + 1] > 0;
    }
    return dp_dataset_arrays(dp_from(DP_F32, DP_SHAPE(n, 2), x), dp_from(DP_I64, DP_SHAPE(n), y));
}

/* All parameters as bytes. */
static size_t params_of(dp_module *net, float *out, size_t room) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *flat = dp_params_flat(net);
    size_t n = (size_t)dp_count(flat);
    assert_true(n <= room);
    assert_int_equal(dp_read(flat, out, n * sizeof *out), DP_OK);
    dp_scope_end(s);
    return n;
}

/* ---- learning ---- */

static void test_xor(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,8) Tanh Linear(8,1)");
    dp_dataset *data = xor_data();
    dp_fit(net, data, .optim = "Adam(lr=0.05)", .epochs = 300, .batch = 4, .seed = 3,
           .init = "default");
    no_error();
    dp_result r = dp_test_on(net, data, DP_TRAIN, NULL);
    assert_int_equal(r.examples, 4);
    assert_true(r.loss < 1e-3);
    assert_true(isnan(r.accuracy));
}

static int keep_last(void *context, const dp_progress *p) {
    if (p->epoch_end) *(dp_progress *)context = *p;
    return 0;
}

static void test_digits(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(784,32) ReLU Linear(32,10)");
    dp_dataset *data = dp_data("digits(n=500, seed=1)");
    dp_progress last = {0};
    dp_fit(net, data, .epochs = 6, .batch = 50, .optim = "Adam(lr=0.01)", .seed = 1,
           .init = "default", .test_each_epoch = true, .callback = keep_last, .context = &last);
    no_error();
    assert_int_equal(last.epoch, 6);
    assert_int_equal(last.total_step, 60);
    assert_true(last.train.accuracy > 0.6);
    dp_result r = dp_test(net, data);
    assert_true(r.accuracy == last.test.accuracy && r.loss == last.test.loss);
    assert_int_equal(r.examples, dp_examples(data, DP_TEST));
    int64_t counts[100], sum = 0, right = 0;
    assert_int_equal(dp_confusion(net, data, DP_TEST, counts), DP_OK);
    for (int i = 0; i < 100; i++) sum += counts[i];
    for (int i = 0; i < 10; i++) right += counts[11 * i];
    assert_int_equal(sum, r.examples);
    assert_true((double)right / (double)sum == r.accuracy);
}

/* The loss of an epoch is a mean over examples, also with a short last batch. */
static void test_mean_over_examples(void **state) {
    (void)state;
    static const char *const losses[] = {"CrossEntropyLoss", "MSELoss",
                                         "CrossEntropyLoss(reduction='sum')"};
    for (size_t i = 0; i < 3; i++) {
        dp_module *net = dp_nn("Linear(2,2)");
        dp_dataset *data = halves(103);
        dp_progress last = {0};
        dp_fit(net, data, .loss = losses[i], .optim = "SGD(lr=1e-30)", .epochs = 1, .batch = 10,
               .callback = keep_last, .context = &last);
        no_error();
        dp_result r = dp_test_on(net, data, DP_TRAIN, losses[i]);
        assert_int_equal(last.train.examples, 103);
        assert_true(fabs(last.train.loss - r.loss) < 1e-6 * r.loss);
        assert_true(last.train.accuracy == r.accuracy);
    }
}

static size_t fit_once(float *out, size_t room, int threads, uint64_t seed) {
    assert_int_equal(dp_set_threads(threads), DP_OK);
    dp_module *net = dp_nn("Linear(2,16) ReLU Dropout(0.5) Linear(16,2)");
    dp_dataset *data = halves(203);
    dp_fit(net, data, .epochs = 3, .batch = 20, .seed = seed, .init = "default");
    no_error();
    dp_set_threads(0);
    return params_of(net, out, room);
}

static void test_same_bits(void **state) {
    (void)state;
    float a[200], b[200];
    size_t n = fit_once(a, 200, 1, 5);
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(fit_once(b, 200, threads, 5), n);
        assert_memory_equal(a, b, n * sizeof *a);
    }
    fit_once(b, 200, 1, 6);
    assert_memory_not_equal(a, b, n * sizeof *a);
}

static void test_val(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2)");
    dp_dataset *data = halves(200);
    dp_progress last = {0};
    dp_fit(net, data, .epochs = 2, .val = 0.25, .callback = keep_last, .context = &last);
    no_error();
    assert_int_equal(dp_examples(data, DP_TRAIN), 150);
    assert_int_equal(last.train.examples, 150);
    assert_int_equal(last.val.examples, 50);
    assert_true(isfinite(last.val.loss) && last.val.accuracy >= 0);
    assert_int_equal(last.test.examples, 0);
}

static void test_steps(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2)");
    dp_dataset *data = halves(100);
    dp_progress last = {0};
    dp_fit(net, data, .steps = 25, .batch = 10, .callback = keep_last, .context = &last);
    no_error();
    assert_int_equal(last.total_step, 25);
    assert_int_equal(last.epoch, 3);
    assert_int_equal(last.step, 5);
    assert_int_equal(last.train.examples, 50);
    dp_fit(net, data, .steps = 7, .batch = 10, .replace = true, .callback = keep_last,
           .context = &last);
    no_error();
    assert_int_equal(last.total_step, 7);
}

static int stop_at_four(void *context, const dp_progress *p) {
    *(int64_t *)context = p->total_step;
    return p->total_step == 4;
}

static void test_stopped(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2)");
    dp_dataset *data = halves(100);
    int64_t steps = 0;
    float p[6];
    dp_status s = dp_fit(net, data, .batch = 10, .callback = stop_at_four, .context = &steps);
    assert_int_equal(s, DP_ESTOPPED);
    assert_int_equal(steps, 4);
    has_error(DP_ESTOPPED, "fit: stopped on request after step 4");
    assert_int_equal(params_of(net, p, 6), 6);
    no_error();
}

static void test_lr(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2)");
    dp_progress last = {0};
    dp_fit(net, halves(20), .optim = "Adam(lr=0.5)", .lr = 0.125, .epochs = 1,
           .callback = keep_last, .context = &last);
    no_error();
    assert_true(last.lr == 0.125);
}

/* ---- refusals ---- */

static void test_refusals(void **state) {
    (void)state;
    dp_dataset *data = halves(20), *values = xor_data();
    dp_module *net = dp_nn("Linear(2,2)");
    assert_int_equal(dp_fit(NULL, data, .epochs = 1), DP_EINVAL);
    has_error(DP_EINVAL, "fit: no network");
    assert_int_equal(dp_fit(net, NULL, .epochs = 1), DP_EINVAL);
    has_error(DP_EINVAL, "fit: no data");
    assert_int_equal(dp_fit(dp_nn("Linear(3,2)"), data, .epochs = 1), DP_EINVAL);
    has_error(DP_EINVAL, "fit: the network takes [3], an example is [2]: ");
    assert_int_equal(dp_fit(dp_nn("Linear(2,1)"), data, .epochs = 1), DP_EINVAL);
    has_error(DP_EINVAL, "fit: the network has 1 outputs, the data 2 classes");
    assert_int_equal(dp_fit(dp_nn("Linear(2,1)"), values, .loss = "CrossEntropyLoss"), DP_EINVAL);
    has_error(DP_EINVAL, "fit: CrossEntropyLoss needs classes, the data has values");
    assert_int_equal(dp_fit(net, data, .loss = "CrossEntropyLos"), DP_EINVAL);
    has_error(DP_EINVAL, "CrossEntropyLos");
    assert_int_equal(dp_fit(net, data, .optim = "Adam(lr=-1)"), DP_EINVAL);
    has_error(DP_EINVAL, "lr");
    assert_int_equal(dp_fit(net, data, .val = 1), DP_EINVAL);
    has_error(DP_EINVAL, "fit: found val 1, allowed 0 <= val < 1");
    assert_int_equal(dp_fit(net, data, .batch = -1), DP_EINVAL);
    has_error(DP_EINVAL, "batch -1");
    assert_true(isnan(dp_test(NULL, data).loss));
    has_error(DP_EINVAL, "test: no network");
}

/* A loss that stops being finite: the step is named, and the parameters are those before it. */
static void test_not_finite(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,4) ReLU Linear(4,2)");
    dp_dataset *data = halves(100);
    float p[22];
    dp_status s = dp_fit(net, data, .loss = "MSELoss", .optim = "SGD(lr=1e18)", .batch = 10,
                         .epochs = 3, .seed = 1);
    assert_int_equal(s, DP_ENUMERIC);
    assert_non_null(strstr(dp_error(), "fit: the loss is "));
    assert_non_null(strstr(dp_error(), " at step "));
    assert_int_equal(dp_exit_code(dp_error_status()), 6);
    dp_clear();
    size_t n = params_of(net, p, 22);
    for (size_t i = 0; i < n; i++) assert_true(isfinite(p[i]));
}

static void test_nan_data(void **state) {
    (void)state;
    float x[8] = {0, 0, 1, 1, NAN, 0, 1, 2};
    int64_t y[4] = {0, 1, 0, 1};
    dp_dataset *data =
        dp_dataset_arrays(dp_from(DP_F32, DP_SHAPE(4, 2), x), dp_from(DP_I64, DP_SHAPE(4), y));
    dp_module *net = dp_nn("Linear(2,2)");
    float before[6], after[6];
    if (!data) { /* refused when it was made: as good */
        dp_clear();
        return;
    }
    params_of(net, before, 6);
    assert_int_equal(dp_fit(net, data, .batch = 4, .epochs = 1), DP_ENUMERIC);
    has_error(DP_ENUMERIC, "fit: the loss is NaN at step 1 (epoch 1, batch 1)");
    params_of(net, after, 6);
    assert_memory_equal(before, after, sizeof before);
}

/* ---- files ---- */

#define NET "Linear(3,4) ReLU Linear(4,2)"

static void test_save_and_load(void **state) {
    (void)state;
    static const char *const names[2] = {"no", "\"yes\""};
    dp_module *net = dp_nn(NET);
    dp_model_info info = {.size = sizeof info,
                          .input = DP_SHAPE(3),
                          .flatten = true,
                          .pixels = "0-1",
                          .data = "digits",
                          .classes = 2,
                          .class_names = names,
                          .loss = "CrossEntropyLoss",
                          .optim = "Adam(lr=1e-3)"};
    dp_init(net, "default", 7);
    info.input.rank = 9;
    assert_int_equal(dp_save_with(net, path_of("a.safetensors"), &info), DP_EINVAL);
    assert_string_equal(dp_error(), "save: info.input: rank 9; allowed 0 to 8");
    dp_clear();
    info.input.rank = 1;
    assert_int_equal(dp_save_with(net, path_of("a.safetensors"), &info), DP_OK);
    dp_model_info got = {.size = sizeof got};
    dp_module *back = dp_load(path_of("a.safetensors"), &got);
    no_error();
    assert_non_null(back);
    float a[26], b[26];
    assert_int_equal(params_of(net, a, 26), 26);
    assert_int_equal(params_of(back, b, 26), 26);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(got.input.rank, 1);
    assert_int_equal(got.input.dim[0], 3);
    assert_true(got.flatten);
    assert_int_equal(got.classes, 2);
    assert_string_equal(got.class_names[1], "\"yes\"");
    assert_string_equal(got.pixels, "0-1");
    assert_string_equal(got.data, "digits");
    assert_string_equal(got.loss, "CrossEntropyLoss");
    assert_string_equal(got.optim, "Adam(lr=1e-3)");
    char *text = dp_format(net), *again = dp_format(back);
    assert_string_equal(text, again);
    dp_text_free(text);
    dp_text_free(again);
    /* saved again: the same bytes */
    assert_int_equal(dp_save_with(back, path_of("b.safetensors"), &got), DP_OK);
    dp_bytes x = {0}, y = {0};
    assert_int_equal(dp__file_read(path_of("a.safetensors"), 0, &x), DP_OK);
    assert_int_equal(dp__file_read(path_of("b.safetensors"), 0, &y), DP_OK);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.data, y.data, x.n);
    dp__bytes_free(&x);
    dp__bytes_free(&y);
}

static void test_double(void **state) {
    (void)state;
    dp_module *net = dp_nn(NET);
    assert_int_equal(dp_module_to(net, DP_F64), DP_OK);
    assert_int_equal(dp_save(net, path_of("d.safetensors")), DP_OK);
    dp_module *back = dp_load(path_of("d.safetensors"), NULL);
    no_error();
    const char *name;
    assert_int_equal(dp_dtype_of(dp_param_at(back, 0, &name)), DP_F64);
    dp_module *single = dp_nn(NET);
    assert_int_equal(dp_load_weights(single, path_of("d.safetensors")), DP_OK);
    assert_int_equal(dp_dtype_of(dp_param_at(single, 0, &name)), DP_F32);
}

/* A27: every difference is named, nothing is loaded. */
static void test_differences(void **state) {
    (void)state;
    dp_module *net = dp_nn(NET),
              *other = dp_nn("Linear(3,5) ReLU Linear(5,2,bias=False) ReLU Linear(2,2)");
    float before[100], after[100];
    assert_int_equal(dp_save(net, path_of("n.safetensors")), DP_OK);
    size_t n = params_of(other, before, 100);
    assert_int_equal(dp_load_weights(other, path_of("n.safetensors")), DP_EMISMATCH);
    assert_non_null(strstr(dp_error(), "6 differences from the network"));
    assert_non_null(
        strstr(dp_error(), "shape of \"0.weight\" [4,3] in the file, [5,3] in the network"));
    assert_non_null(strstr(dp_error(), "missing \"4.weight\" [2,2]"));
    has_error(DP_EMISMATCH, "extra \"2.bias\" [2]");
    params_of(other, after, 100);
    assert_memory_equal(before, after, n * sizeof *before);
}

static dp_status write_text(const char *path, const char *text, const char *version) {
    static const float zeros[8];
    dp_st_tensor t = {"weight", DP_F32, {2, {2, 2}}, zeros, 16};
    dp_st_meta meta[] = {{DP_ST_CRC_KEY, ""}, {"denpan.model", text}, {"denpan.version", version}};
    return dp__st_write(path, &t, 1, meta, 3);
}

static void test_hostile_text(void **state) {
    (void)state;
    const char *path = path_of("h.safetensors");
    size_t before = dp__allocated();
    assert_int_equal(write_text(path, "Linear(1000000,1000000)", "1"), DP_OK);
    assert_null(dp_load(path, NULL));
    has_error(DP_ELIMIT, "h.safetensors: header[\"__metadata__\"][\"denpan.model\"]: ");
    assert_int_equal(write_text(path, "Linear(2,2", "1"), DP_OK);
    assert_null(dp_load(path, NULL));
    has_error(DP_EFORMAT, "h.safetensors: header[\"__metadata__\"][\"denpan.model\"]: ");
    assert_int_equal(write_text(path, "Linear(2,2,bias=false)", "2"), DP_OK);
    assert_null(dp_load(path, NULL));
    has_error(DP_EMISMATCH, "h.safetensors: found format version 2, allowed 1");
    assert_int_equal(write_text(path, "Linear(2,2,bias=false)", "1"), DP_OK);
    dp_module *net = dp_load(path, NULL);
    no_error();
    dp_module_free(net);
    (void)before;
}

static void test_load_refusals(void **state) {
    (void)state;
    static const float zeros[4];
    dp_st_tensor t = {"weight", DP_F32, {2, {2, 2}}, zeros, 16};
    assert_int_equal(dp__st_write(path_of("w.safetensors"), &t, 1, NULL, 0), DP_OK);
    assert_null(dp_load(path_of("w.safetensors"), NULL));
    has_error(DP_EMISMATCH, "w.safetensors: no network text in the file");
    assert_null(dp_load(path_of("missing.safetensors"), NULL));
    has_error(DP_EIO, "missing.safetensors");
    assert_null(dp_load(folder, NULL));
    assert_int_equal(dp_error_status(), DP_EIO);
    dp_clear();
    dp_module *net = dp_nn("Linear(2,2,bias=False)");
    assert_int_equal(dp_load_weights(net, path_of("w.safetensors")), DP_OK);
    no_error();
}

/* A16 on a real model: no flipped bit is loaded. */
static void test_flipped_model(void **state) {
    (void)state;
    dp_module *net = dp_nn("Linear(2,2)");
    dp_bytes whole = {0};
    assert_int_equal(dp_save(net, path_of("f.safetensors")), DP_OK);
    assert_int_equal(dp__file_read(path_of("f.safetensors"), 0, &whole), DP_OK);
    for (size_t i = 0; i < 8 * whole.n; i++) {
        dp_bytes b = {dp__alloc(whole.n), whole.n};
        dp_st_file f;
        memcpy(b.data, whole.data, whole.n);
        b.data[i / 8] ^= (unsigned char)(1u << (i % 8));
        dp_status s = dp__st_parse("f", &b, &f);
        if (dp_exit_code(s) != 3 && dp_exit_code(s) != 5) fail_msg("bit %zu: status %d", i, s);
        dp_clear();
    }
    dp__bytes_free(&whole);
}

/* ---- memory ---- */

static size_t now, peak, calls, step_calls;

static void *counted_alloc(void *context, size_t n, size_t align) {
    (void)context;
    calls++;
    now += n;
    if (now > peak) peak = now;
    return aligned_alloc(align, (n / align + 1) * align);
}

static void counted_free(void *context, void *p, size_t n) {
    (void)context;
    now -= n;
    free(p);
}

static void count_memory(void) {
    static const dp_allocator counted = {sizeof counted, counted_alloc, counted_free, NULL};
    dp_end();
    assert_int_equal(dp_set_allocator(&counted), DP_OK);
}

static void stop_counting(void) {
    dp_end();
    assert_int_equal(now, 0);
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
}

/* File, weights and what belongs to them: at most twice the file and a mebibyte. */
static void test_load_memory(void **state) {
    (void)state;
    const char *path = path_of("big.safetensors");
    count_memory();
    assert_int_equal(dp_save(dp_nn("Linear(1000,600) ReLU Linear(600,700)"), path), DP_OK);
    dp_end();
    peak = now;
    assert_non_null(dp_load(path, NULL));
    no_error();
    dp_bytes b;
    size_t most = peak;
    assert_int_equal(dp__file_read(path, 0, &b), DP_OK);
    if (most > 2 * b.n + (1 << 20)) fail_msg("peak %zu, file %zu", most, b.n);
    dp__bytes_free(&b);
    stop_counting();
}

/* After the second step of a shape nothing is allocated. */
static int count_step(void *context, const dp_progress *p) {
    size_t *worst = context;
    size_t made = calls - step_calls;
    step_calls = calls;
    bool settled =
        p->step > 2 && p->step < p->steps; /* the last batch is short: a plan of its own */
    if (settled && !p->epoch_end && made > *worst) *worst = made;
    return 0;
}

static void test_step_allocations(void **state) {
    (void)state;
    size_t worst = 0;
    count_memory();
    dp_module *net = dp_nn("Linear(2,16) ReLU Dropout(0.5) Linear(16,2)");
    dp_fit(net, halves(203), .epochs = 3, .batch = 20, .callback = count_step, .context = &worst);
    no_error();
    assert_int_equal(worst, 0);
    stop_counting();
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

#define TEST(f) cmocka_unit_test_teardown(f, end_test)

/* ---- the caller's floating-point environment ---- */

/* Rounding upwards, and where there is a switch for it, denormals to zero. */
static void strange_environment(bool on) {
    fesetround(on ? FE_UPWARD : FE_TONEAREST);
#if defined(__x86_64__)
    if (on)
        _mm_setcsr(_mm_getcsr() | 0x8040);
    else
        _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
}

/* Everything from drawing the data to testing; what was learnt and measured. */
static void whole_way(bool strange, float *params, double *numbers) {
    dp_scope *s = dp_scope_begin();
    strange_environment(strange);
    dp_dataset *d = dp_data("digits(n=300, seed=3)");
    dp_module *net = dp_nn("Linear(784,7) GELU Dropout(0.3) Linear(7,10)");
    dp_init(net, "he_normal", 5);
    dp_status fit = dp_fit(net, d, .epochs = 1, .optim = "AdamW(lr=3e-3, clip_norm=0.7)");
    dp_optim *o = dp_optim_text(net, "SGD(lr=0.1, momentum=0.9, weight_decay=0.013)");
    dp_iter_options flat = {.size = sizeof flat, .flatten = true};
    dp_iter *it = dp_iter_new(d, DP_TRAIN, &flat);
    dp_batch b;
    for (int i = 0; i < 3 && dp_next(it, &b); i++)
        numbers[i] =
            dp_step(o, dp_muls(dp_cross_entropy(dp_gelu_tanh(dp_call(net, NULL, b.x)), b.y), 0.3));
    numbers[3] = dp_test(net, d).loss;
    size_t n = params_of(net, params, 784 * 7 + 7 + 70 + 10);
    bool kept = fegetround() == (strange ? FE_UPWARD : FE_TONEAREST);
    strange_environment(false);
    assert_int_equal(fit, DP_OK);
    assert_int_equal(n, 784 * 7 + 7 + 70 + 10);
    assert_true(kept);
    no_error();
    dp_scope_end(s);
}

static void test_environment(void **state) {
    (void)state;
    static float a[784 * 7 + 87], b[784 * 7 + 87];
    double x[4] = {0}, y[4] = {0};
    whole_way(false, a, x);
    whole_way(true, b, y);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_equal(a, b, sizeof a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_xor),
        TEST(test_digits),
        TEST(test_mean_over_examples),
        TEST(test_same_bits),
        TEST(test_val),
        TEST(test_steps),
        TEST(test_stopped),
        TEST(test_lr),
        TEST(test_refusals),
        TEST(test_not_finite),
        TEST(test_nan_data),
        TEST(test_save_and_load),
        TEST(test_double),
        TEST(test_differences),
        TEST(test_hostile_text),
        TEST(test_load_refusals),
        TEST(test_flipped_model),
        TEST(test_load_memory),
        TEST(test_step_allocations),
        TEST(test_environment),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
