/* test_probes.c: the limits of the engine: many shapes, a million nodes on a small stack, two
 * threads, no allocation in a known step, memory as predicted, every n-th allocation refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "denpan/grad.h"
#include "denpan/op.h"
#include "denpan/run.h"
#include "testdata.h"

#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- an allocator that counts and refuses; all of the library's memory passes here ---- */

static atomic_long calls, fail_from,
    fail_to; /* calls fail_from..fail_to of this phase are refused */

static void *counted_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (n >= atomic_load(&fail_from) && n <= atomic_load(&fail_to)) return NULL;
    return aligned_alloc(align, bytes ? (bytes + align - 1) / align * align : align);
}
static void counted_free(void *context, void *p, size_t bytes) {
    (void)context, (void)bytes;
    free(p);
}

static void refuse(long from, long to) {
    atomic_store(&calls, 0);
    atomic_store(&fail_from, from);
    atomic_store(&fail_to, to);
}

/* ---- a little model: two layers, momentum, in plain operations ---- */

typedef struct model {
    dp_tensor *w1, *b1, *w2, *m[3], *steps;
} model;

static void model_make(model *m, uint64_t seed) {
    dp_tensor *key = dp_key(seed);
    m->w1 = dp_variable(dp_muls(dp_normal(dp_split(key, "w1"), DP_F32, DP_SHAPE(16, 8)), 0.3));
    m->b1 = dp_variable(dp_zeros(DP_F32, DP_SHAPE(16)));
    m->w2 = dp_variable(dp_muls(dp_normal(dp_split(key, "w2"), DP_F32, DP_SHAPE(3, 16)), 0.3));
    dp_tensor *p[] = {m->w1, m->b1, m->w2};
    for (int i = 0; i < 3; i++) m->m[i] = dp_variable(dp_zeros(DP_F32, dp_shape_at(p[i])));
    m->steps = dp_variable(dp_int(0));
}

/* One step on a batch of n; the loss before it. */
static double model_step(const model *m, const float *x, const int64_t *y, int64_t n) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *in = dp_from(DP_F32, DP_SHAPE(n, 8), x), *label = dp_from(DP_I64, DP_SHAPE(n), y);
    dp_tensor *h = dp_relu(dp_linear(in, m->w1, m->b1));
    h = dp_dropout(h, 0.2, dp_fold(dp_key(9), m->steps));
    dp_tensor *loss =
        dp_neg(dp_mean_all(dp_pick(dp_log_softmax(dp_linear(h, m->w2, NULL), -1), label)));
    dp_tensor *p[] = {m->w1, m->b1, m->w2}, *g[3], *roots[8] = {loss};
    size_t k = 1;
    dp_vjp(loss, NULL, p, 3, g);
    for (int i = 0; i < 3; i++) {
        dp_tensor *v = dp_add(dp_muls(m->m[i], 0.9), g[i]);
        roots[k++] = dp_assign(m->m[i], v);
        roots[k++] = dp_assign(p[i], dp_sub(p[i], dp_muls(v, 0.05)));
    }
    roots[k++] = dp_assign(m->steps, dp_add(m->steps, dp_int(1)));
    double value = dp_eval_n(roots, k) ? NAN : dp_item(loss);
    dp_scope_end(s);
    return value;
}

static void batch(float *x, int64_t *y, int64_t n, uint64_t seed) {
    for (int64_t i = 0; i < n * 8; i++) {
        uint64_t h = dp__hash(&i, sizeof i, seed);
        x[i] = (float)(h >> 40) * 0x1p-23f - 1;
    }
    for (int64_t i = 0; i < n; i++) y[i] = (x[8 * i] > 0) + (x[8 * i + 1] > 0);
}

/* A digest of the parameters after some steps from a fresh thread's state. */
static uint64_t train(uint64_t seed, long steps, double *first, double *last) {
    static _Thread_local float x[32 * 8];
    static _Thread_local int64_t y[32];
    model m;
    model_make(&m, seed);
    for (long i = 0; i < steps; i++) {
        batch(x, y, 32, seed * 1000 + (uint64_t)i % 5);
        double loss = model_step(&m, x, y, i % 7 == 6 ? 20 : 32);
        if (i == 0) *first = loss;
        *last = loss;
    }
    uint64_t h = dp__hash(dp_map(m.w1), 16 * 8 * 4, 1);
    return dp__hash(dp_map(m.w2), 3 * 16 * 4, h);
}

/* ---- many shapes: plans and buffers are bounded ---- */

static void test_shapes(void **state) {
    (void)state;
    size_t early = 0, late = 0;
    long n = test_amount(1000, 300);
    for (long i = 0; i < n; i++) {
        dp_scope *s = dp_scope_begin();
        dp_tensor *x = dp_full(DP_F32, DP_SHAPE(i % 37 + 1, i / 7 % 29 + 1, i + 1), 0.5);
        dp_tensor *y = dp_mean_all(dp_softmax(dp_exp(dp_reshape(x, DP_SHAPE(-1, i % 37 + 1))), 0)),
                  *g;
        assert_int_equal(dp_vjp(y, NULL, &x, 1, &g), 0);
        assert_int_equal(dp_eval(y, g), 0);
        dp_scope_end(s);
        size_t *most = i < n / 2 ? &early : &late;
        if (dp__allocated() > *most) *most = dp__allocated();
    }
    dp_engine_stats stats = {.size = sizeof stats};
    dp_engine_stats_get(&stats);
    assert_true(stats.plans <= 256 && stats.plan_bytes <= (size_t)64 << 20);
    if (late > early * 2 + ((size_t)80 << 20)) fail_msg("%zu bytes, then %zu", early, late);
    assert_int_equal(stats.held_bytes, 0);
}

/* ---- a million nodes, wide and deep, on a stack of 256 KiB ---- */

/* On a thread of its own, where assertions cannot end a test: an error is left behind instead. */
static void huge(dp_tensor *x, dp_tensor *y, bool forward, double value, double slope) {
    dp_tensor *g = dp_grad(y, x), *one = dp_scalar_of(DP_F64, 1),
              *t = forward ? dp_jvp(y, &x, &one, 1) : g;
    if (!g || !t || dp_eval(y, g, t))
        print_error("%s\n", dp_error());
    else if (dp_item(y) != value || dp_item(g) != slope || dp_item(t) != slope)
        dp_fail(DP_EINTERNAL, "y %g, not %g; dy/dx %g and %g, not %g", dp_item(y), value,
                dp_item(g), dp_item(t), slope);
    if (dp_failed()) print_error("%s\n", dp_error());
}

static void *deep(void *count) {
    long n = *(long *)count;
    dp_scope *s = dp_scope_begin();
    dp_tensor *x = dp_scalar_of(DP_F64, 3), *y = x;
    for (long i = 0; i < n; i++) y = i % 1000 == 999 ? dp_add(y, x) : dp_neg(y);
    double value = 3, slope = 1;
    for (long i = 0; i < n; i++) {
        if (i % 1000 == 999)
            value += 3, slope += 1;
        else
            value = -value, slope = -slope;
    }
    huge(x, y, n < 100000, value, slope);
    dp_scope_end(s);
    return (void *)(intptr_t)dp_end();
}

/* Different leaves, summed by a balanced tree; x in every product. */
static void *wide(void *count) {
    long n = *(long *)count;
    dp_scope *s = dp_scope_begin();
    dp_tensor *x = dp_scalar_of(DP_F64, 2), **level = calloc((size_t)n, sizeof *level);
    double sum = 0;
    for (long i = 0; i < n; i++) {
        level[i] = dp_mul(x, dp_scalar_of(DP_F64, (double)(i % 10)));
        sum += (double)(i % 10);
    }
    for (long k = n, i; k > 1; k = i) {
        for (i = 0; 2 * i + 1 < k; i++) level[i] = dp_add(level[2 * i], level[2 * i + 1]);
        if (k % 2) level[i++] = level[k - 1];
    }
    huge(x, level[0], n < 100000, 2 * sum, sum);
    dp_scope_end(s);
    free(level);
    return (void *)(intptr_t)dp_end();
}

static void on_small_stack(void *(*fn)(void *), long n) {
    pthread_attr_t attr;
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, fn, &n), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    pthread_attr_destroy(&attr);
    assert_null(result);
}

static void test_deep(void **state) {
    (void)state;
    on_small_stack(deep, 20000);
    on_small_stack(deep, test_amount(1000000, 30000));
}

static void test_wide(void **state) {
    (void)state;
    on_small_stack(wide, 10000);
    on_small_stack(wide, test_amount(333334, 10001)); /* each with a leaf, a product and a sum */
}

/* ---- two threads, each with its model ---- */

typedef struct job {
    uint64_t seed, digest;
    double first, last;
    long steps;
} job;

static void *work(void *context) {
    job *j = context;
    dp_set_threads(2);
    j->digest = train(j->seed, j->steps, &j->first, &j->last);
    return (void *)(intptr_t)dp_end();
}

static void test_two_threads(void **state) {
    (void)state;
    job alone[2] = {{.seed = 1, .steps = test_amount(300, 60)},
                    {.seed = 2, .steps = test_amount(300, 60)}};
    job both[2] = {alone[0], alone[1]};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) {
        void *result;
        assert_int_equal(pthread_create(&thread[i], NULL, work, &alone[i]), 0);
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_null(result);
        assert_true(alone[i].last < alone[i].first);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &both[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *result;
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_null(result);
        assert_int_equal(both[i].digest, alone[i].digest);
    }
    assert_true(alone[0].digest != alone[1].digest);
}

/* Any number of threads may read one evaluated tensor. */
static void *reader(void *tensor) {
    double sum = 0;
    for (int i = 0; i < 50; i++) {
        dp_scope *s = dp_scope_begin();
        sum += dp_item(dp_sum_all(dp_mul(tensor, tensor)));
        dp_scope_end(s);
    }
    return (void *)(intptr_t)(dp_end() || sum != 50 * 4000);
}

static void test_shared_reading(void **state) {
    (void)state;
    dp_tensor *x = dp_full(DP_F64, DP_SHAPE(1000), 2);
    pthread_t thread[3];
    void *result;
    for (size_t i = 0; i < N(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, reader, x), 0);
    for (size_t i = 0; i < N(thread); i++) {
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_null(result);
    }
    dp_free(x);
}

/* ---- a known step allocates nothing, by the library's count and by the C library's ---- */

static size_t c_library_bytes(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;
#else
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
#endif
}

static void test_no_allocation(void **state) {
    (void)state;
    static float x[32 * 8];
    static int64_t y[32];
    model m;
    model_make(&m, 3);
    batch(x, y, 32, 5);
    for (int i = 0; i < 2; i++) assert_true(model_step(&m, x, y, 32) > 0);
    refuse(0, 0);
    size_t before = c_library_bytes();
    double loss = 0;
    for (int i = 0; i < 100; i++) loss = model_step(&m, x, y, 32);
    assert_int_equal(atomic_load(&calls), 0);
    assert_int_equal(c_library_bytes(), before);
    refuse(1, LONG_MAX); /* and could not have */
    double next = model_step(&m, x, y, 32);
    refuse(0, 0);
    assert_true(next > 0 && loss > 0 && !dp_failed());
    for (int i = 0; i < 5; i++) model_step(&m, x, y, 20 + i);
    refuse(0, 0);
    for (int i = 0; i < 5; i++) model_step(&m, x, y, 20 + i); /* five known plans in turn */
    assert_int_equal(atomic_load(&calls), 0);
}

static void test_no_allocation_prepared(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    dp_tensor *v = dp_variable(dp_zeros(DP_F64, DP_SHAPE(40))),
              *x = dp_full(DP_F64, DP_SHAPE(40), 3);
    dp_tensor *loss = dp_sum_all(dp_square(dp_sub(v, x))), *g = dp_grad(loss, v);
    dp_prepared *p = dp_prepare(loss, dp_assign(v, dp_sub(v, dp_muls(g, 0.25))));
    assert_non_null(p);
    assert_int_equal(dp_prepared_run(p), 0);
    assert_true(dp_item(loss) == 360);
    refuse(0, 0);
    for (int i = 0; i < 60; i++) assert_int_equal(dp_prepared_run(p), 0);
    assert_int_equal(atomic_load(&calls), 0);
    assert_true(dp_item(loss) < 1e-30);
    dp_prepared_free(p);
    dp_free(v);
    dp_scope_end(s);
}

/* ---- memory as predicted ---- */

static void test_predicted(void **state) {
    (void)state;
    for (int64_t n = 64; n <= 1024; n *= 4) {
        dp_engine *e = dp_engine_new(), *old = dp_engine_use(e);
        dp_set_threads(1);
        dp_scope *s = dp_scope_begin();
        dp_tensor *x = dp_full(DP_F32, DP_SHAPE(n, 200), 0.01),
                  *w = dp_full(DP_F32, DP_SHAPE(300, 200), 0.02);
        dp_tensor *y = dp_mean_all(dp_log_softmax(dp_tanh(dp_linear(x, w, NULL)), -1)),
                  *g = dp_grad(y, w);
        dp_tensor *roots[] = {y, g};
        int64_t predicted = dp_plan_bytes(roots, 2);
        dp_engine_stats stats = {.size = sizeof stats};
        dp_engine_stats_get(&stats);
        assert_int_equal(stats.peak_arena_bytes, 0); /* nothing was computed yet */
        assert_int_equal(dp_eval_n(roots, 2), 0);
        dp_engine_stats_get(&stats);
        assert_true(predicted > 0);
        assert_int_equal(stats.arena_bytes, predicted);
        assert_int_equal(stats.peak_arena_bytes, predicted);
        assert_true(predicted < 4 * n * 300 * 4 + 300 * 200 * 4); /* few of a dozen live at once */
        dp_scope_end(s);
        dp_engine_use(old);
        dp_engine_free(e);
    }
}

/* ---- the n-th allocation fails, for every n ---- */

static bool small_work(double out[3]) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *v = dp_variable(dp_full(DP_F32, DP_SHAPE(5), 0.5)), *name = dp_name(v, "v");
    dp_tensor *h = dp_tanh(
        dp_matmul(dp_reshape(v, DP_SHAPE(1, 5)), dp_uniform(dp_key(1), DP_F32, DP_SHAPE(5, 4))));
    dp_tensor *y = dp_sum_all(dp_softmax(dp_concat((dp_tensor *const[]){h, h, h, h, h}, 5, 1), -1));
    y = dp_add(y, dp_sum_all(dp_square(v)));
    dp_tensor *g = dp_grad(y, v), *set = dp_assign(v, dp_sub(v, g)), *kept = dp_keep(dp_sum_all(g));
    bool ok = name && kept && !dp_eval(y, set);
    out[0] = dp_item(y), out[1] = dp_item(kept), out[2] = dp_item(dp_sum_all(v));
    dp_free(v);
    dp_free(kept);
    dp_scope_end(s);
    return ok && !dp_failed();
}

static void torture(dp_executor executor, bool for_good) {
    double want[3], got[3];
    dp_engine_executor(executor);
    refuse(0, 0);
    assert_true(small_work(want));
    long total = atomic_load(&calls);
    assert_int_equal(dp_end(), 0);
    assert_int_equal(dp__allocated(), 0);
    assert_true(total > 20);
    for (long n = 1;; n++) {
        dp_engine_executor(DP_PLANNED); /* the engine itself is made in peace */
        dp_engine_executor(executor);
        refuse(n, for_good ? LONG_MAX : n);
        bool ok = small_work(got);
        long used = atomic_load(&calls);
        refuse(0, 0);
        if (!ok) {
            assert_int_equal(dp_error_status(), DP_ENOMEM);
            dp_clear();
            if (!small_work(got))
                fail_msg("after allocation %ld failed, a retry says: %s", n, dp_error());
        }
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(dp_end(), 0);
        if (dp__allocated())
            fail_msg("allocation %ld failed: %zu bytes are left", n, dp__allocated());
        if (ok && used < n) break;
    }
}

static void test_torture(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) torture(i & 1 ? DP_NAIVE : DP_PLANNED, i & 2);
}

static int fresh(void **state) {
    (void)state;
    refuse(0, 0);
    if (dp_failed()) print_error("an error was left behind: %s\n", dp_error());
    int code = dp_end();
    dp_clear();
    return code;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, fresh)

/* With an argument only the tests that match it. */
int main(int argc, char **argv) {
    const dp_allocator counted = {sizeof counted, counted_alloc, counted_free, NULL};
    const struct CMUnitTest tests[] = {
        TEST(test_shapes),
        TEST(test_deep),
        TEST(test_wide),
        TEST(test_two_threads),
        TEST(test_shared_reading),
        TEST(test_no_allocation),
        TEST(test_no_allocation_prepared),
        TEST(test_predicted),
        TEST(test_torture),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    if (dp_set_allocator(&counted)) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL) | dp_end();
}
