/* test_graphs.c: random graphs of many ops, with several roots, gradients, variables and callbacks:
 * the planned executor gives the bits of the naive one, again from the cache, with any threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opcheck.h"
#include "testdata.h"

#define N(a) (sizeof(a) / sizeof *(a))

enum { POOL = 40, VARIABLES = 3, ROOTS = 8, HEARD = 64 };

static uint64_t random_state;
static uint64_t below(uint64_t n) {
    random_state = dp__hash(&random_state, sizeof random_state, 5);
    return (random_state >> 13) % n;
}

/* One graph while it is made: everything follows from the seed. */
typedef struct sketch {
    dp_tensor *t[POOL], *variable[VARIABLES], *effect[ROOTS];
    size_t n, n_effects;
    dp_shape shape; /* most tensors have it */
} sketch;

static dp_tensor *any(const sketch *s) { return s->t[below(s->n)]; }

/* One with the sketch's shape; a float. */
static dp_tensor *plain(const sketch *s) {
    for (int k = 0; k < 20; k++) {
        dp_tensor *t = any(s);
        if (check_is_float(t) && t->rank == 2 && t->dim[0] == s->shape.dim[0] &&
            t->dim[1] == s->shape.dim[1])
            return t;
    }
    return s->t[0];
}

static dp_tensor *random_unary(const sketch *s) {
    dp_tensor *x = plain(s);
    switch (below(12)) {
    case 0:
        return dp_exp(dp_neg(dp_abs(x)));
    case 1:
        return dp_tanh(x);
    case 2:
        return dp_relu(x);
    case 3:
        return dp_neg(x);
    case 4:
        return dp_sigmoid(x);
    case 5:
        return dp_square(x);
    case 6:
        return dp_gelu(x);
    case 7:
        return dp_softplus(x);
    case 8:
        return dp_log1p(dp_abs(x));
    case 9:
        return dp_cast(dp_cast(x, below(2) ? DP_I64 : DP_U8), dp_dtype_of(x));
    case 10:
        return dp_cast(x, below(2) ? DP_F32 : DP_F64);
    default:
        return dp_sin(x);
    }
}

static dp_tensor *random_binary(const sketch *s) {
    dp_tensor *a = plain(s), *b = plain(s);
    switch (below(8)) {
    case 0:
        return dp_add(a, b);
    case 1:
        return dp_sub(a, b);
    case 2:
        return dp_mul(a, b);
    case 3:
        return dp_div(a, dp_adds(dp_square(b), 1));
    case 4:
        return dp_maximum(a, b);
    case 5:
        return dp_where(dp_less(a, b), b, dp_muls(a, 0.5));
    case 6:
        return dp_add(a, dp_slice(b, 0, 0, 1, 1));
    default:
        return dp_mul(dp_sum(a, 1, true), b);
    }
}

/* Rows, columns, views of odd strides, and back to the shape. */
static dp_tensor *random_shaped(const sketch *s) {
    dp_tensor *x = plain(s);
    int64_t m = s->shape.dim[0], n = s->shape.dim[1];
    switch (below(12)) {
    case 0:
        return dp_softmax(x, (int)below(2));
    case 1:
        return dp_log_softmax(x, 1);
    case 2:
        return dp_sub(x, dp_mean(x, (int)below(2), true));
    case 3:
        return dp_slice(x, (int)below(2), -1, -1000, -1);
    case 4:
        return dp_reshape(dp_transpose(x, 0, 1), s->shape);
    case 5:
        return dp_transpose(dp_reshape(x, DP_SHAPE(n, m)), 0, 1);
    case 6:
        return dp_pad(dp_slice(x, 1, 0, -1, 1), 1, 1, 0);
    case 7:
        return dp_put(x, 0, 0, dp_slice(plain(s), 0, m - 1, m, 1));
    case 8:
        return dp_concat((dp_tensor *const[]){dp_slice(x, 0, 1, m, 1), dp_slice(x, 0, 0, 1, 1)}, 2,
                         0);
    case 9:
        return dp_gather(
            x, 0,
            dp_cast(dp_muls(dp_uniform(dp_key(below(99)), DP_F32, DP_SHAPE(m)), (double)m),
                    DP_I64));
    case 10:
        return dp_broadcast(dp_max(x, 1, true), s->shape);
    default:
        return dp_matmul(dp_tanh(x), dp_muls(dp_matmul(dp_transpose(x, 0, 1), plain(s)), 0.01));
    }
}

static dp_tensor *random_leaf(const sketch *s) {
    dp_dtype t = below(3) ? DP_F32 : DP_F64;
    dp_tensor *x = dp__sample_numbers(s->shape, -2, 2, below(1000));
    x = dp_from(t, s->shape, dp_map(dp_cast(x, t)));
    return below(3) ? x : dp_dropout(x, 0.3, dp_fold(dp_key(below(50)), dp_int((int64_t)below(9))));
}

static double heard[HEARD];
static size_t n_heard;
static void hear(void *context, const dp_array *x) {
    (void)context;
    if (n_heard < HEARD) heard[n_heard++] = dp__load_double(x->dtype, x->data, 0);
}

static void add_effect(sketch *s) {
    static const dp_dtype kinds[] = {DP_F32, DP_F64};
    dp_tensor *x = plain(s), *v = s->variable[below(VARIABLES)];
    if (below(4) == 0) {
        const dp_dtype *kind = &kinds[x->dtype == DP_F64];
        s->effect[s->n_effects++] = dp_callback(x, hear, (void *)(uintptr_t)kind);
        return;
    }
    x = below(3) ? dp_add(dp_muls(v, 0.5), x) : below(2) ? s->variable[below(VARIABLES)] : x;
    s->effect[s->n_effects++] = dp_assign(v, x);
}

static dp_tensor *random_gradient(const sketch *s) {
    dp_tensor *y = dp_sum_all(plain(s)), *x = below(2) ? s->variable[below(VARIABLES)] : plain(s),
              *g;
    return dp_vjp(y, NULL, &x, 1, &g) ? NULL : g;
}

static const dp_shape shapes[] = {{2, {4, 6}},    {2, {1, 7}}, {2, {33, 65}},
                                  {2, {130, 12}}, {2, {7, 1}}, {2, {3, 1500}}};

static void sketch_make(sketch *s, uint64_t seed) {
    random_state = seed;
    memset(s, 0, sizeof *s);
    s->shape = shapes[below(N(shapes))];
    for (int i = 0; i < VARIABLES; i++)
        s->t[s->n++] = s->variable[i] =
            dp_variable(dp_cast(dp__sample_numbers(s->shape, -1, 1, below(99)), DP_F32));
    size_t want = 6 + below(POOL - 10);
    while (s->n < want) {
        uint64_t kind = below(20);
        dp_tensor *t = NULL;
        if (kind < 2)
            t = random_leaf(s);
        else if (kind < 8)
            t = random_unary(s);
        else if (kind < 14)
            t = random_binary(s);
        else if (kind < 18)
            t = random_shaped(s);
        else if (kind < 19)
            t = random_gradient(s);
        else if (s->n_effects < ROOTS - 1)
            add_effect(s);
        if (dp_failed()) fail_msg("seed %llu: %s", (unsigned long long)seed, dp_error());
        if (t) s->t[s->n++] = t;
    }
}

/* Evaluate some of it; the roots, the variables and what callbacks heard, as bytes. */
static void sketch_run(uint64_t seed, check_bits *b) {
    sketch s;
    dp_tensor *roots[2 * ROOTS];
    size_t n = 0;
    dp_scope *scope = dp_scope_begin();
    sketch_make(&s, seed);
    for (size_t i = 0; i < ROOTS; i++) roots[n++] = i < 4 ? s.t[s.n - 1 - i] : any(&s);
    for (size_t i = 0; i < s.n_effects; i++) roots[n++] = s.effect[s.n_effects - 1 - i];
    n_heard = 0;
    if (dp_eval_n(roots, n)) fail_msg("seed %llu: %s", (unsigned long long)seed, dp_error());
    b->n = 0;
    for (size_t i = 0; i < ROOTS; i++) assert_true(check_append(b, roots[i]));
    for (size_t i = 0; i < VARIABLES; i++) assert_true(check_append(b, s.variable[i]));
    check_canonical(DP_F64, heard, n_heard);
    memcpy(b->data + b->n, heard, n_heard * sizeof heard[0]);
    b->n += n_heard * sizeof heard[0];
    for (size_t i = 0; i < VARIABLES; i++) dp_free(s.variable[i]);
    dp_scope_end(scope);
}

static void check_seed(uint64_t seed, int threads) {
    check_bits naive = {check_store[0], 0}, planned = {check_store[1], 0};
    dp_engine_executor(DP_NAIVE);
    sketch_run(seed, &naive);
    dp_engine_executor(DP_PLANNED);
    dp_set_threads(threads);
    for (int again = 0; again < 2; again++) {
        sketch_run(seed, &planned);
        if (!check_same(&naive, &planned))
            fail_msg("seed %llu, %d threads%s: planned differs from naive",
                     (unsigned long long)seed, threads, again ? ", from the cache" : "");
    }
}

static void test_random(void **state) {
    (void)state;
    static const int threads[] = {1, 1, 2, 3, 1, 8};
    for (uint64_t seed = 1; seed <= (uint64_t)test_amount(1500, 200); seed++)
        check_seed(seed, threads[seed % N(threads)]);
}

/* A product whose epilogue needs whole rows, on many threads: each has its own room for both. */
static const void *rows_of_product(int64_t m, int64_t k, int64_t n, float *out) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *a = dp_cast(dp__sample_numbers(DP_SHAPE(m, k), -1, 1, 1), DP_F32);
    dp_tensor *b = dp_cast(dp__sample_numbers(DP_SHAPE(n, k), -1, 1, 2), DP_F32);
    if (dp_eval(a, b)) fail_msg("%s", dp_error());
    dp_status bad =
        dp_read(dp_softmax(dp_linear(a, b, NULL), 1), out, (size_t)(m * n) * sizeof *out);
    dp_scope_end(s);
    return bad ? NULL : out;
}

static void test_rows_of_products(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {
        {33, 65, 65}, {130, 12, 130}, {65, 33, 65}, {200, 300, 70}, {64, 784, 128}};
    static const int threads[] = {2, 3, 8};
    float *want = (float *)(void *)check_store[0], *got = (float *)(void *)check_store[1];
    for (size_t i = 0; i < N(sizes); i++) {
        const int64_t *z = sizes[i];
        dp_engine_executor(DP_NAIVE);
        assert_non_null(rows_of_product(z[0], z[1], z[2], want));
        dp_engine_executor(DP_PLANNED);
        for (long k = 0; k < test_amount(90, 15); k++) {
            dp_set_threads(threads[k % 3]);
            assert_non_null(rows_of_product(z[0], z[1], z[2], got));
            if (memcmp(want, got, (size_t)(z[0] * z[2]) * sizeof *got))
                fail_msg("other bits: size %zu, run %ld", i, k);
        }
    }
}

/* With a seed and a number of threads: that graph alone. */
int main(int argc, char **argv) {
    if (argc > 1) {
        check_seed(strtoull(argv[1], NULL, 10), argc > 2 ? atoi(argv[2]) : 1);
        return dp_end();
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_rows_of_products)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed | dp_end();
}
