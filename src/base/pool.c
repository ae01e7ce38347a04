/* pool.c: persistent workers on pthreads.
 *
 * A run writes the job, then raises the ticket of each worker that takes part; the release store of
 * the ticket publishes the job, the release decrement of `left` publishes the results. Waiting is
 * always a short spin, then sleep: the sleeper announces itself before it looks a last time, the
 * waker changes the word before it looks for sleepers (both sequentially consistent), and wakes
 * under the lock. So no wake-up is lost, and none costs a system call while nobody sleeps. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "base.h"

enum { POOL_MAX = 4096, POOL_STACK = 512 * 1024 };
#define POOL_SPIN_SECONDS 20e-6

/* A word that threads wait to see changed. */
typedef struct pool_word {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} pool_word;

typedef struct pool_worker {
    pool_word ticket;
    dp_pool *pool;
    pthread_t thread;
    int index;
} pool_worker;

struct dp_pool {
    pool_word left;  /* workers of the run that have not finished */
    pool_word phase; /* counts barriers */
    _Alignas(64) _Atomic uint32_t arrived;
    _Alignas(64) atomic_flag running;
    dp_pool_fn *fn; /* the job; fn == NULL: leave */
    void *context;
    int threads;
    int size;       /* workers + the caller */
    bool spin;      /* as many processors as threads: waiting awake can pay */
    uint32_t forks; /* pool_forks when it was made */
    size_t bytes;
    pool_worker worker[]; /* size - 1 of them; worker i is thread i + 1 */
};

/* ---- fork: counted in the child, where no worker exists ---- */

static _Atomic uint32_t pool_forks;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void pool_forked(void) { atomic_fetch_add(&pool_forks, 1); }

static void pool_watch_forks(void) { pthread_atfork(NULL, NULL, pool_forked); }

/* ---- waiting ---- */

static void pool_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool pool_word_init(pool_word *w) {
    atomic_init(&w->value, 0);
    atomic_init(&w->sleepers, 0);
    if (pthread_mutex_init(&w->lock, NULL) != 0) return false;
    if (pthread_cond_init(&w->wake, NULL) == 0) return true;
    pthread_mutex_destroy(&w->lock);
    return false;
}

static void pool_word_destroy(pool_word *w) {
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}

static bool pool_spin_while(pool_word *w, uint32_t old) {
    double until = 0;
    for (unsigned i = 1;; i++) {
        if (atomic_load_explicit(&w->value, memory_order_acquire) != old) return true;
        pool_pause();
        if (i % 32 != 0) continue;
        double now = dp__now();
        if (until == 0) until = now + POOL_SPIN_SECONDS;
        if (now >= until) return false;
        sched_yield();
    }
}

/* Wait until the word differs from `old`. */
static void pool_wait_change(pool_word *w, uint32_t old, bool spin) {
    if (atomic_load_explicit(&w->value, memory_order_acquire) != old) return;
    if (spin && pool_spin_while(w, old)) return;
    pthread_mutex_lock(&w->lock);
    atomic_fetch_add(&w->sleepers, 1);
    while (atomic_load(&w->value) == old) pthread_cond_wait(&w->wake, &w->lock);
    atomic_fetch_sub(&w->sleepers, 1);
    pthread_mutex_unlock(&w->lock);
}

/* After a sequentially consistent change of the word. */
static void pool_wake(pool_word *w) {
    if (atomic_load(&w->sleepers) == 0) return;
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* ---- workers ---- */

static void *pool_work(void *argument) {
    pool_worker *me = argument;
    dp_pool *pool = me->pool;
    dp_fenv env;
    dp__fenv_enter(&env);
    for (uint32_t seen = 0;; seen++) {
        pool_wait_change(&me->ticket, seen, pool->spin);
        if (!pool->fn) return NULL;
        pool->fn(pool->context, me->index, pool->threads);
        dp__fenv_enter(&env);
        if (atomic_fetch_sub(&pool->left.value, 1) == 1) pool_wake(&pool->left);
    }
}

/* Signals go to the caller's threads, except those that a fault or a profiler sends to this one. */
static void pool_block_signals(sigset_t *old) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
    sigset_t mask;
    sigfillset(&mask);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&mask, own[i]);
    pthread_sigmask(SIG_SETMASK, &mask, old);
}

static bool pool_start(dp_pool *pool, pool_worker *w, int index, const pthread_attr_t *attr) {
    w->pool = pool;
    w->index = index;
    if (!pool_word_init(&w->ticket)) return false;
    if (pthread_create(&w->thread, attr, pool_work, w) == 0) return true;
    pool_word_destroy(&w->ticket);
    return false;
}

/* Stops at the first thread that the system refuses. */
static void pool_start_all(dp_pool *pool, int threads) {
    pthread_attr_t attr;
    sigset_t old;
    if (pthread_attr_init(&attr) != 0) return;
    pthread_attr_setstacksize(&attr, POOL_STACK);
    pool_block_signals(&old);
    while (pool->size < threads &&
           pool_start(pool, &pool->worker[pool->size - 1], pool->size, &attr))
        pool->size++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
}

/* Post a job (or, with fn NULL, the end) to the first n workers. */
static void pool_post(dp_pool *pool, int n) {
    for (int i = 0; i < n; i++) {
        atomic_fetch_add(&pool->worker[i].ticket.value, 1);
        pool_wake(&pool->worker[i].ticket);
    }
}

dp_pool *dp__pool_new(int threads) {
    if (threads < 1 || threads > POOL_MAX) {
        dp_fail(DP_EINVAL, "threads: %d: allowed 1 to %d", threads, (int)POOL_MAX);
        return NULL;
    }
    pthread_once(&pool_once, pool_watch_forks);
    size_t bytes = sizeof(dp_pool) + (size_t)(threads - 1) * sizeof(pool_worker);
    dp_pool *pool = dp__zalloc(1, bytes);
    if (!pool) return NULL;
    pool->bytes = bytes;
    pool->size = 1;
    pool->forks = atomic_load(&pool_forks);
    pool->spin = threads <= dp__cpu_count();
    atomic_init(&pool->arrived, 0);
    atomic_flag_clear(&pool->running);
    bool left = pool_word_init(&pool->left);
    if (!left || !pool_word_init(&pool->phase)) {
        if (left) pool_word_destroy(&pool->left);
        dp__release(pool, bytes);
        dp_fail(DP_ENOMEM, "threads: the system refuses a lock");
        return NULL;
    }
    if (threads > 1) pool_start_all(pool, threads);
    return pool;
}

/* In a forked child the workers do not exist and the locks may be held: only the memory goes. */
void dp__pool_free(dp_pool *pool) {
    if (!pool) return;
    if (pool->forks == atomic_load(&pool_forks)) {
        pool->fn = NULL;
        pool_post(pool, pool->size - 1);
        for (int i = 0; i < pool->size - 1; i++) {
            pthread_join(pool->worker[i].thread, NULL);
            pool_word_destroy(&pool->worker[i].ticket);
        }
        pool_word_destroy(&pool->left);
        pool_word_destroy(&pool->phase);
    }
    dp__release(pool, pool->bytes);
}

int dp__pool_size(const dp_pool *pool) { return pool ? pool->size : 1; }

/* left counts down to 0 and is waited on value by value: few changes, each seen at most once. */
static void pool_wait_done(dp_pool *pool) {
    for (;;) {
        uint32_t left = atomic_load_explicit(&pool->left.value, memory_order_acquire);
        if (left == 0) return;
        pool_wait_change(&pool->left, left, pool->spin);
    }
}

dp_status dp__pool_run(dp_pool *pool, int threads, dp_pool_fn *fn, void *context) {
    if (!pool || !fn || threads < 1 || threads > pool->size)
        return dp_fail(DP_EINTERNAL, "pool: %d threads asked of %d", threads, dp__pool_size(pool));
    if (pool->forks != atomic_load(&pool_forks)) {
        dp_fail(DP_EFORKED, "this process is a child made by fork(): the parent's threads and "
                            "engine cannot be used in it");
        return dp__hint("start the child with exec, or use Denpan only after the fork");
    }
    if (atomic_flag_test_and_set(&pool->running))
        return dp_fail(DP_EINTERNAL, "pool: a run inside a run");
    pool->fn = fn;
    pool->context = context;
    pool->threads = threads;
    atomic_store(&pool->left.value, (uint32_t)(threads - 1));
    pool_post(pool, threads - 1);
    dp_fenv env;
    dp__fenv_enter(&env);
    fn(context, 0, threads);
    dp__fenv_leave(&env);
    pool_wait_done(pool);
    atomic_flag_clear(&pool->running);
    return DP_OK;
}

/* The last to arrive resets the count before it opens the next phase. */
void dp__pool_barrier(dp_pool *pool, int threads, int thread) {
    (void)thread;
    if (threads <= 1) return;
    uint32_t phase = atomic_load_explicit(&pool->phase.value, memory_order_acquire);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 < (uint32_t)threads) {
        pool_wait_change(&pool->phase, phase, pool->spin);
        return;
    }
    atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->phase.value, 1);
    pool_wake(&pool->phase);
}
