/* test_base.c: memory, sizes, errors, text, random numbers, checksums, instruction sets, pool. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../src/base/base.h"

#define N(a) (sizeof(a) / sizeof *(a))

static int clear(void **state) {
    (void)state;
    dp_clear();
    return 0;
}

/* ---- memory ---- */

static int calls, fail_at, misaligned;

static void *hook_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    if (++calls == fail_at) return NULL;
    char *p = aligned_alloc(align, (bytes + 2 * align) / align * align);
    if (p && misaligned) p += 8;
    return p;
}

static void hook_free(void *context, void *p, size_t bytes) {
    (void)bytes;
    ++*(int *)context;
    free((char *)p - (misaligned ? 8 : 0));
}

static void test_alloc(void **state) {
    (void)state;
    size_t before = dp__allocated();
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = dp__alloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, n);
        p = dp__grow(p, n, n + 100);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 1);
        assert_int_equal(dp__allocated(), before + n + 100);
        dp__release(p, n + 100);
    }
    unsigned char *z = dp__zalloc(3, 5);
    for (int i = 0; i < 15; i++) assert_int_equal(z[i], 0);
    dp__release(z, 15);
    dp__release(NULL, 5);
    char *s = dp__strdup("copy");
    assert_string_equal(s, "copy");
    dp__release(s, 5);
    assert_int_equal(dp__allocated(), before);
    assert_false(dp_failed());
    assert_null(dp__zalloc(SIZE_MAX / 2, 4));
    assert_int_equal(dp_error_status(), DP_ENOMEM);
    dp_clear();
    volatile size_t huge = SIZE_MAX;
    assert_null(dp__alloc(huge));
    assert_int_equal(dp_error_status(), DP_ENOMEM);
}

static void test_reserve(void **state) {
    (void)state;
    int *items = NULL;
    size_t cap = 0;
    for (size_t n = 0; n < 1000; n++) {
        assert_true(dp__reserve((void **)(void *)&items, &cap, n + 1, sizeof *items));
        assert_true(cap > n);
        items[n] = (int)n;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(items[i], i);
    size_t old = cap;
    assert_false(dp__reserve((void **)(void *)&items, &cap, SIZE_MAX / 2, sizeof *items));
    assert_int_equal(cap, old);
    dp__release(items, cap * sizeof *items);
    assert_int_equal(dp_error_status(), DP_ENOMEM);
}

static void test_allocator_hooks(void **state) {
    (void)state;
    int freed = 0;
    dp_allocator a = {sizeof a, hook_alloc, hook_free, &freed};
    dp_allocator small = {8, hook_alloc, hook_free, &freed}, none = {sizeof none, NULL, NULL, NULL};
    assert_int_equal(dp_set_allocator(&small), DP_EINVAL);
    assert_int_equal(dp_set_allocator(&none), DP_EINVAL);
    dp_clear();
    assert_int_equal(dp_set_allocator(&a), DP_OK);
    void *p = dp__alloc(10);
    assert_int_equal(dp_set_allocator(NULL), DP_EINVAL); /* still in use */
    dp_clear();
    dp__release(p, 10);
    assert_int_equal(freed, 1);

    calls = 0, fail_at = 1;
    assert_null(dp__alloc(10));
    assert_int_equal(dp_error_status(), DP_ENOMEM);
    dp_clear();
    calls = fail_at = 0, misaligned = 1, freed = 0;
    assert_null(dp__alloc(10));
    assert_int_equal(dp_error_status(), DP_EINVAL);
    assert_int_equal(freed, 1); /* given back */
    dp_clear();
    misaligned = 0;
    dp_text t = {0};
    dp__text(&t, "%0200d", 1);
    calls = 0, fail_at = 1;
    dp__text(&t, "%0200d", 1);
    assert_true(t.failed);
    assert_null(t.data);
    dp__text(&t, "more");
    assert_null(t.data);
    dp__text_free(&t);
    fail_at = 0;
    assert_int_equal(dp__allocated(), 0);
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
}

/* ---- sizes ---- */

static void test_sizes(void **state) {
    (void)state;
    size_t x = 0;
    assert_true(dp__mul(0, SIZE_MAX, &x) && x == 0);
    assert_true(dp__mul(SIZE_MAX, 0, &x) && x == 0);
    assert_true(dp__mul(PTRDIFF_MAX, 1, &x) && x == PTRDIFF_MAX);
    assert_false(dp__mul((size_t)PTRDIFF_MAX + 1, 1, &x));
    assert_false(dp__mul((size_t)1 << 32, (size_t)1 << 31, &x));
    assert_true(dp__sum(PTRDIFF_MAX, 0, &x) && x == PTRDIFF_MAX);
    assert_false(dp__sum(PTRDIFF_MAX, 1, &x));
    assert_false(dp__sum(0, SIZE_MAX, &x));
    static const struct {
        int rank;
        int64_t dim[3], count;
        int bad;
    } rows[] = {
        {0, {0}, 1, -2},
        {3, {2, 3, 4}, 24, -2},
        {2, {5, 0}, 0, -2},
        {2, {INT64_MAX, 2}, -1, 1},
        {2, {1, -1}, -1, 1},
        {3, {4194305, 4194305, 211106198978564}, -1, 2},
        {1, {INT64_MAX}, INT64_MAX, -2},
        {3, {0, (int64_t)1 << 62, 8}, -1, 2},
    };
    for (size_t i = 0; i < N(rows); i++) {
        int bad = -2;
        assert_true(dp__shape_count(rows[i].rank, rows[i].dim, &bad) == rows[i].count);
        assert_int_equal(bad, rows[i].bad);
        dp__shape_count(rows[i].rank, rows[i].dim, NULL);
    }
}

/* ---- errors, log, text ---- */

static void test_errors(void **state) {
    (void)state;
    assert_false(dp_failed());
    assert_string_equal(dp_error(), "");
    assert_string_equal(dp_error_hint(), "");
    assert_int_equal(dp_fail(DP_OK, "nothing"), DP_OK);
    assert_false(dp_failed());
    assert_int_equal(dp_fail(DP_EIO, "first %d", 1), DP_EIO);
    assert_int_equal(dp__hint("try %s", "again"), DP_EIO);
    assert_int_equal(dp_fail(DP_EINVAL, "second"), DP_EINVAL);
    assert_int_equal(dp__hint("not mine"), DP_EINVAL);
    assert_string_equal(dp_error(), "first 1");
    assert_string_equal(dp_error_hint(), "try again");
    assert_int_equal(dp_error_status(), DP_EIO);
    dp_clear();
    assert_int_equal(dp_error_status(), DP_OK);
    dp_fail(DP_EIO, "%05000d", 1);
    assert_true(strlen(dp_error()) < 4096);
    assert_string_equal(dp_error() + strlen(dp_error()) - 3, "...");
    static const int codes[] = {0, 2, 3, 4, 5, 5, 6, 7, 8, 9, 2, 2, 70, 70};
    for (int i = 0; i < (int)N(codes); i++) assert_int_equal(dp_exit_code((dp_status)-i), codes[i]);
    assert_string_equal(dp_version(), DENPAN_VERSION);
}

static void *other_thread(void *failed) {
    dp_fail(DP_EIO, "elsewhere");
    *(bool *)failed = dp_failed();
    return NULL;
}

static void test_error_is_per_thread(void **state) {
    (void)state;
    pthread_t t;
    bool failed = false;
    assert_int_equal(pthread_create(&t, NULL, other_thread, &failed), 0);
    pthread_join(t, NULL);
    assert_true(failed);
    assert_false(dp_failed());
}

static void log_here(void *context, dp_log_level level, const char *message) {
    snprintf(context, 100, "%d %s", (int)level, message);
}

static void test_log(void **state) {
    (void)state;
    char line[100] = "";
    dp__log(DP_LOG_NOTE, "silent");
    dp_set_log(log_here, line);
    dp__log(DP_LOG_WARNING, "x = %d", 3);
    assert_string_equal(line, "1 x = 3");
    dp_set_log(NULL, NULL);
    dp__log(DP_LOG_NOTE, "silent");
    assert_string_equal(line, "1 x = 3");
}

static void test_quote(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a\nb\tc\\", "a\\nb\\tc\\\\"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\x7f", "\\x7f"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\xaf", "\\xc0\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xc2\x9b", "\\xc2\\x9b"},
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},
        {"\xe4\xbc", "\\xe4\\xbc"},
    };
    for (size_t i = 0; i < N(rows); i++)
        assert_string_equal(dp__quote(rows[i][0], strlen(rows[i][0])), rows[i][1]);
    assert_string_equal(dp__quote("a\0b", 3), "a\\x00b");
    assert_string_equal(dp__quote(NULL, 0), "(null)");
    char text[200];
    memset(text, 'x', sizeof text);
    assert_int_equal(strlen(dp__quote(text, 64)), 64);
    assert_int_equal(strlen(dp__quote(text, 65)), 67);
    memcpy(text + 62, "\xe4\xbc\x9d", 3); /* cut before the character, not inside */
    assert_int_equal(strlen(dp__quote(text, 100)), 65);
    memset(text, 1, sizeof text);
    assert_int_equal(strlen(dp__quote(text, 200)), 4 * 64 + 3);
    const char *live[8];
    for (int i = 0; i < 8; i++) live[i] = dp__quote((char[]){(char)('a' + i)}, 1);
    for (int i = 0; i < 8; i++) assert_int_equal(live[i][0], 'a' + i);
    char small[8];
    dp__quote_to(small, sizeof small, "0123456789", 10);
    assert_string_equal(small, "0123...");
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"epochs", "batch", "lr", "Adam", "AdamW", "momentum", NULL};
    static const char *const rows[][2] = {
        {"epoch", "epochs"}, {"epohcs", "epochs"}, {"adam", "Adam"},
        {"adamw", "AdamW"},  {"r", NULL},          {"momentun", "momentum"},
        {"zzzz", NULL},      {"", NULL},           {"rl", "lr"},
        {"Lr", "lr"},
    };
    for (size_t i = 0; i < N(rows); i++) {
        const char *near = dp__nearest(rows[i][0], names, N(names));
        if (rows[i][1])
            assert_string_equal(near, rows[i][1]);
        else
            assert_null(near);
    }
    char longer[500] = {0};
    memset(longer, 'a', 499);
    assert_null(dp__nearest(longer, names, N(names)));
    assert_null(dp__nearest("x", NULL, 0));
}

static void test_text(void **state) {
    (void)state;
    dp_text t = {0};
    for (int i = 0; i < 500; i++) dp__text(&t, "%d,", i % 10);
    assert_int_equal(t.n, 1000);
    dp__text(&t, "%0*d", 5000, 7);
    dp__text_bytes(&t, "a\0b", 3);
    dp__text_bytes(&t, NULL, 0);
    assert_int_equal(t.n, 6003);
    assert_int_equal(t.data[6003], 0);
    assert_int_equal(t.data[5999], '7');
    dp__text_free(&t);
    dp__text_free(&t);
}

/* ---- random numbers and checksums: published known answers ---- */

static void test_philox(void **state) {
    (void)state;
    static const uint32_t rows[][10] = {
        /* counter, key, output: Random123's kat_vectors */
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (size_t i = 0; i < N(rows); i++) {
        uint32_t out[4];
        dp__philox(rows[i], rows[i] + 4, out);
        assert_memory_equal(out, rows[i] + 6, sizeof out);
    }
}

static void test_hash(void **state) {
    (void)state;
    assert_true(dp__hash("", 0, 0) == 0xEF46DB3751D8E999);
    assert_true(dp__hash(NULL, 0, 0) == 0xEF46DB3751D8E999);
    assert_true(dp__hash("abc", 3, 0) == 0x44BC2CF5AD770999);
    const char *s = "Nobody inspects the spammish repetition";
    assert_true(dp__hash(s, strlen(s), 0) == 0xFBCEA83C8A378BF1);
    assert_true(dp__hash("abc", 3, 1) != dp__hash("abc", 3, 0));
    char shifted[64] = {0};
    memcpy(shifted + 1, s, strlen(s));
    assert_true(dp__hash(shifted + 1, strlen(s), 0) == dp__hash(s, strlen(s), 0));
}

static void test_crc32c(void **state) {
    (void)state;
    unsigned char b[1000] = {0}; /* RFC 3720, B.4 */
    assert_int_equal(dp__crc32c(0, b, 32), 0x8A9136AAu);
    memset(b, 0xFF, 32);
    assert_int_equal(dp__crc32c(0, b, 32), 0x62A8AB43u);
    for (int i = 0; i < 32; i++) b[i] = (unsigned char)i;
    assert_int_equal(dp__crc32c(0, b, 32), 0x46DD794Eu);
    assert_int_equal(dp__crc32c(0, "123456789", 9), 0xE3069283u);
    for (size_t i = 0; i < sizeof b; i++) b[i] = (unsigned char)(i * i >> 3);
    for (size_t n = 0; n < sizeof b; n += 13) {
        uint32_t c = dp__crc32c(0, b + 1, n ? n - 1 : 0);
        assert_int_equal(c, dp__crc32c_table(0, b + 1, n ? n - 1 : 0));
        assert_int_equal(dp__crc32c(dp__crc32c(0, b, n), b + n, sizeof b - n),
                         dp__crc32c_table(0, b, sizeof b));
    }
}

/* ---- machine ---- */

static void test_machine(void **state) {
    (void)state;
    assert_true(dp__isa_usable(DP_ISA_PORTABLE));
    assert_true(dp__isa_usable(dp__isa()));
    assert_string_equal(dp_isa_name(), dp__isa_name(dp__isa()));
    const char *wish = getenv("DENPAN_ISA");
    if (wish && strcmp(wish, "portable") == 0) assert_int_equal(dp__isa(), DP_ISA_PORTABLE);
    assert_true(dp__cpu_count() >= 1);
    double t = dp__now();
    assert_true(dp__now() >= t);
}

static void test_fenv(void **state) {
    (void)state;
    volatile double one = 1, three = 3, tiny = 0x1p-1022, two = 2;
    volatile double nearest = one / three, inside, denormal, outside;
    fesetround(FE_UPWARD);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); /* FTZ, DAZ */
#endif
    dp_fenv e;
    dp__fenv_enter(&e);
    inside = one / three;
    denormal = tiny / two;
    dp__fenv_leave(&e);
    outside = one / three;
    int mode = fegetround();
#if defined(__x86_64__)
    assert_int_equal(__builtin_ia32_stmxcsr() & 0x8040, 0x8040);
    __builtin_ia32_ldmxcsr(0x1F80);
#endif
    fesetround(FE_TONEAREST);
    assert_true(inside == nearest);
    assert_true(denormal == 0x1p-1023);
    assert_int_equal(mode, FE_UPWARD);
    assert_true(outside > nearest);
}

/* ---- pool ---- */

typedef struct job {
    dp_pool *pool;
    _Atomic int ran;
    int rounds, seen[64], bad;
    int64_t shared[64];
} job;

static void count_run(void *context, int thread, int threads) {
    job *j = context;
    j->seen[thread] = threads;
    atomic_fetch_add(&j->ran, 1);
}

/* Each round every thread reads what its neighbour wrote in the round before. */
static void many_barriers(void *context, int thread, int threads) {
    job *j = context;
    for (int r = 0; r < j->rounds; r++) {
        j->shared[thread] = r;
        dp__pool_barrier(j->pool, threads, thread);
        if (j->shared[(thread + 1) % threads] != r) j->bad = 1;
        dp__pool_barrier(j->pool, threads, thread);
    }
    atomic_fetch_add(&j->ran, 1);
}

static void test_pool_run(void **state) {
    (void)state;
    for (int n = 1; n <= 9; n++) {
        dp_pool *pool = dp__pool_new(n);
        assert_int_equal(dp__pool_size(pool), n);
        for (int r = 0; r < 200; r++) {
            job j = {.pool = pool};
            int threads = 1 + r % n;
            assert_int_equal(dp__pool_run(pool, threads, count_run, &j), DP_OK);
            assert_int_equal(j.ran, threads);
            for (int i = 0; i < 64; i++) assert_int_equal(j.seen[i], i < threads ? threads : 0);
        }
        assert_int_equal(dp__pool_run(pool, n + 1, count_run, NULL), DP_EINTERNAL);
        assert_int_equal(dp__pool_run(pool, 0, count_run, NULL), DP_EINTERNAL);
        dp__pool_free(pool);
    }
    dp__pool_free(NULL);
    assert_null(dp__pool_new(0));
    assert_null(dp__pool_new(1000000));
    assert_int_equal(dp__allocated(), 0);
}

static void test_pool_barriers(void **state) {
    (void)state;
    for (int n = 2; n <= 8; n += 3) {
        job j = {.pool = dp__pool_new(n), .rounds = 2000};
        assert_int_equal(dp__pool_run(j.pool, n, many_barriers, &j), DP_OK);
        assert_int_equal(j.ran, n);
        assert_int_equal(j.bad, 0);
        dp__pool_free(j.pool);
    }
}

static void test_pool_many(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        dp_pool *pool = dp__pool_new(1 + i % 4);
        job j = {.pool = pool};
        if (i % 3) assert_int_equal(dp__pool_run(pool, dp__pool_size(pool), count_run, &j), DP_OK);
        dp__pool_free(pool);
    }
    assert_int_equal(dp__allocated(), 0);
}

static void run_inside(void *context, int thread, int threads) {
    (void)threads;
    job *j = context;
    if (thread == 0) j->bad = dp__pool_run(j->pool, 1, count_run, j);
}

static void test_pool_nested(void **state) {
    (void)state;
    job j = {.pool = dp__pool_new(2)};
    assert_int_equal(dp__pool_run(j.pool, 2, run_inside, &j), DP_OK);
    assert_int_equal(j.bad, DP_EINTERNAL);
    dp__pool_free(j.pool);
}

static void check_env(void *context, int thread, int threads) {
    (void)threads;
    job *j = context;
    volatile double one = 1, three = 3;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    j->seen[thread] =
        (one / three == 0x1.5555555555555p-2) +
        2 * (thread == 0 || (sigismember(&mask, SIGINT) && !sigismember(&mask, SIGSEGV)));
    fesetround(FE_DOWNWARD); /* what a job leaves behind the next must not see */
}

static void test_pool_environment(void **state) {
    (void)state;
    fesetround(FE_UPWARD);
    job j = {.pool = dp__pool_new(3)};
    for (int r = 0; r < 3; r++) {
        memset(j.seen, 0, sizeof j.seen);
        dp__pool_run(j.pool, 3, check_env, &j);
        for (int i = 0; i < 3; i++) assert_int_equal(j.seen[i], 3);
    }
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    dp__pool_free(j.pool);
}

static void test_pool_fork(void **state) {
    (void)state;
    job j = {.pool = dp__pool_new(3)};
    dp__pool_run(j.pool, 3, count_run, &j);
    pid_t child = fork();
    if (child == 0) {
        bool ok = dp__pool_run(j.pool, 3, count_run, &j) == DP_EFORKED &&
                  dp_error_status() == DP_EFORKED && dp_error_hint()[0];
        dp__pool_free(j.pool);
        _exit(ok && dp__allocated() == 0 ? 42 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    j.ran = 0;
    assert_int_equal(dp__pool_run(j.pool, 3, count_run, &j), DP_OK);
    assert_int_equal(j.ran, 3);
    dp__pool_free(j.pool);
}

static void *own_pool(void *argument) {
    job j = {.pool = dp__pool_new(3), .rounds = 100};
    for (int r = 0; r < 20; r++) dp__pool_run(j.pool, 3, many_barriers, &j);
    dp__pool_free(j.pool);
    *(int *)argument = j.ran == 60 && !j.bad;
    return NULL;
}

static void test_pools_side_by_side(void **state) {
    (void)state;
    pthread_t t[3];
    int ok[3] = {0};
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&t[i], NULL, own_pool, &ok[i]), 0);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < 3; i++) assert_true(ok[i]);
}

static void test_pool_alloc_fails(void **state) {
    (void)state;
    int freed = 0;
    dp_allocator a = {sizeof a, hook_alloc, hook_free, &freed};
    assert_int_equal(dp_set_allocator(&a), DP_OK);
    calls = 0, fail_at = 1;
    assert_null(dp__pool_new(3));
    assert_int_equal(dp_error_status(), DP_ENOMEM);
    fail_at = 0;
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
        T(test_alloc),
        T(test_reserve),
        T(test_allocator_hooks),
        T(test_sizes),
        T(test_errors),
        T(test_error_is_per_thread),
        T(test_log),
        T(test_quote),
        T(test_nearest),
        T(test_text),
        T(test_philox),
        T(test_hash),
        T(test_crc32c),
        T(test_machine),
        T(test_fenv),
        T(test_pool_run),
        T(test_pool_barriers),
        T(test_pool_many),
        T(test_pool_nested),
        T(test_pool_environment),
        T(test_pool_fork),
        T(test_pools_side_by_side),
        T(test_pool_alloc_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
