/* Random graphs: the planned executor equals the naive one bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "denpan.h"
#include "testdata.h"

static uint64_t plan_state;
static uint32_t plan_random(uint32_t n) {
    plan_state = plan_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((plan_state >> 33) % n);
}

enum { NODES = 60, VARIABLES = 4, ROOTS = 12 };
static const int64_t plan_sizes[4][2] = {{6, 8}, {3, 130}, {5, 1}, {40, 33}};

typedef struct plan_case {
    dp_dtype dtype;
    int64_t rows, n;
    dp_tensor *variable[VARIABLES];
} plan_case;

static dp_tensor *plan_input(plan_case *c, dp_shape s, uint64_t salt) {
    dp_tensor *u =
        dp_uniform(dp_fold(dp_key(salt), dp_int((int64_t)plan_random(1000))), c->dtype, s);
    return dp_adds(dp_muls(u, 2), -1);
}

/* One more node out of those made so far; all are [rows, n] after it. */
static dp_tensor *plan_node(plan_case *c, dp_tensor **made, size_t n) {
    dp_tensor *a = made[plan_random((uint32_t)n)], *b = made[plan_random((uint32_t)n)];
    dp_shape full = DP_SHAPE(c->rows, c->n);
    switch (plan_random(22)) {
    case 0:
        return dp_add(a, b);
    case 1:
        return dp_mul(a, b);
    case 2:
        return dp_sub(a, dp_sum(b, -1, true));
    case 3:
        return dp_tanh(a);
    case 4:
        return dp_maximum(a, b);
    case 5:
        return dp_softmax(dp_tanh(a), -1);
    case 6:
        return dp_where(dp_less(a, b), a, dp_muls(b, 0.5));
    case 7:
        return dp_add(a, dp_mean(b, 0, true));
    case 8:
        return dp_tanh(dp_matmul(dp_matmul(a, dp_transpose(b, 0, 1)), dp_muls(b, 0.1)));
    case 9:
        return dp_reshape(dp_tanh(dp_transpose(a, 0, 1)), full);
    case 10:
        return dp_slice(a, 0, -1, INT64_MIN, -1);
    case 11:
        return dp_sub(a, dp_max(b, -1, true));
    case 12:
        return dp_mul(a, dp_broadcast(dp_slice(b, 0, 0, 1, 1), full));
    case 13:
        return dp_relu(a);
    case 14:
        return dp_put(a, 0, 0, dp_slice(b, 0, 0, 2, 1));
    case 15:
        return dp_concat((dp_tensor *[]){dp_slice(a, 0, 0, 2, 1), dp_slice(b, 0, 2, c->rows, 1)}, 2,
                         0);
    case 16:
        return dp_reshape(dp_sigmoid(dp_reshape(a, DP_SHAPE(c->n, c->rows))), full);
    case 17:
        return dp_dropout(a, 0.3, dp_fold(dp_key(5), dp_int((int64_t)n)));
    case 18:
        return dp_add(a, dp_cast(dp_cast(b, DP_I64), c->dtype));
    case 19:
        return dp_tanh(dp_add(dp_matmul(a, dp_muls(dp_transpose(b, 0, 1), 0.1)), dp_sum_all(a)));
    case 20:
        return dp_add(a, dp_log_sum_exp(dp_tanh(b), -1, true));
    default:
        return dp_sub(dp_muls(a, 0.7), c->variable[plan_random(VARIABLES)]);
    }
}

/* Build the graph of `seed`, evaluate it, and give the bits of its roots and variables. */
static size_t plan_build(uint64_t seed, dp_executor executor, unsigned char *out, size_t cap) {
    plan_state = seed * 77 + 1;
    dp_scope *s = dp_scope_begin();
    plan_case c = {.dtype = plan_random(3) ? DP_F32 : DP_F64};
    const int64_t *size = plan_sizes[plan_random(4)];
    c.rows = size[0], c.n = size[1];
    dp_tensor *made[NODES], *root[ROOTS + VARIABLES];
    size_t n = 0, roots = 0, bytes = 0;
    dp_engine_executor(DP_NAIVE);
    for (int i = 0; i < VARIABLES; i++)
        c.variable[i] = dp_variable(plan_input(&c, DP_SHAPE(c.rows, c.n), 9));
    for (; n < 3; n++) dp_eval(made[n] = plan_input(&c, DP_SHAPE(c.rows, c.n), n));
    dp_engine_executor(executor);
    while (n < NODES) {
        dp_tensor *t = plan_node(&c, made, n);
        if (!t || dp_rank(t) != 2 || dp_dim(t, 0) != c.rows || dp_dim(t, 1) != c.n) {
            if (dp_failed()) fail_msg("%s", dp_error());
            continue;
        }
        made[n++] = t;
    }
    if (plan_random(2))
        root[roots++] = dp_grad(dp_sum_all(dp_tanh(made[NODES - 1])),
                                dp_tanh(made[0]) ? made[NODES - 1] : NULL);
    while (roots < ROOTS) root[roots++] = made[NODES - 1 - plan_random(30)];
    for (uint32_t i = plan_random(VARIABLES + 1); i-- > 0;)
        root[roots++] =
            dp_assign(c.variable[plan_random(VARIABLES)], made[NODES - 1 - plan_random(20)]);
    if (dp_eval_n(root, roots)) fail_msg("seed %llu: %s", (unsigned long long)seed, dp_error());
    for (size_t i = 0; i < roots + VARIABLES; i++) {
        dp_tensor *t = i < roots ? root[i] : c.variable[i - roots];
        if (i >= ROOTS && i < roots) continue; /* an effect */
        size_t size_of = (size_t)dp_count(t) * dp_dtype_size(dp_dtype_of(t));
        if (bytes + size_of <= cap) memcpy(out + bytes, dp_map(t), size_of);
        bytes += size_of;
    }
    for (int i = 0; i < VARIABLES; i++) dp_free(c.variable[i]);
    dp_scope_end(s);
    return bytes;
}

static bool plan_is_nan(const unsigned char *a, const unsigned char *b) {
    float x, y;
    memcpy(&x, a, 4), memcpy(&y, b, 4);
    return x != x && y != y;
}

static void random_graphs(void **state) {
    (void)state;
    enum { CAP = 1 << 20 };
    static unsigned char naive[CAP], planned[CAP], again[CAP];
    for (uint64_t seed = 0; seed < (uint64_t)test_amount(1500, 60); seed++) {
        size_t n = plan_build(seed, DP_NAIVE, naive, CAP);
        dp_set_threads(1 + (int)(seed % 3));
        assert_int_equal(n, plan_build(seed, DP_PLANNED, planned, CAP));
        assert_int_equal(n, plan_build(seed, DP_PLANNED, again, CAP));
        assert_true(n < CAP);
        for (size_t i = 0; i < n; i += 4)
            if (memcmp(naive + i, planned + i, 4) && !plan_is_nan(naive + i, planned + i))
                fail_msg("seed %llu: byte %zu of %zu differs", (unsigned long long)seed, i, n);
        if (memcmp(planned, again, n))
            fail_msg("seed %llu: a plan used again differs", (unsigned long long)seed);
    }
    dp_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
