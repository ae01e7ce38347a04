/* bench_gemm.c: GFLOP/s of the gemm of each instruction set against the peak of a pure FMA loop,
 * measured in turns in one run: medians of 21 rounds. Time is processor time of the busiest thread:
 * other work on the machine lengthens a run, not its figures; waking the threads is not in it.
 *
 *     bench_gemm [isa [f32|f64 [threads [shape]]]]     shape as "64x128x784nt": only this one */
#include "kernel/isa.h"
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 21, MAX_THREADS = 8 };

typedef struct shape {
    size_t m, n, k;
    char a, b; /* 'n': rows are adjacent in memory, 't': columns are */
} shape;

static const shape shapes[] = {
    {256, 256, 256, 'n', 'n'},    {512, 512, 512, 'n', 'n'},    {1024, 1024, 1024, 'n', 'n'},
    {2048, 2048, 2048, 'n', 'n'}, {1024, 1024, 1024, 't', 'n'}, {1024, 1024, 1024, 'n', 't'},
    {64, 128, 784, 'n', 'n'},     {64, 128, 784, 'n', 't'},     {64, 64, 128, 'n', 'n'},
    {64, 64, 128, 'n', 't'},      {64, 10, 64, 'n', 'n'},       {64, 10, 64, 'n', 't'},
    {64, 64, 10, 'n', 'n'},       {64, 128, 64, 'n', 'n'},      {10, 64, 64, 't', 'n'},
    {64, 128, 64, 't', 'n'},      {128, 784, 64, 't', 'n'},     {1, 128, 784, 'n', 'n'},
    {1, 128, 784, 'n', 't'},      {1, 64, 128, 'n', 't'},       {1, 10, 64, 'n', 't'},
    {128, 784, 1, 't', 'n'},      {256, 1024, 1024, 'n', 'n'},  {256, 1024, 1024, 'n', 't'},
    {32, 512, 512, 'n', 'n'},     {32, 512, 512, 'n', 't'},     {10, 30, 784, 'n', 'n'},
    {10, 30, 784, 'n', 't'},      {512, 512, 64, 'n', 'n'},     {512, 512, 64, 't', 'n'},
};

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- peak: independent chains of FMA ---- */

#define PEAK(NAME, TARGET, V, SET, FMA, CHAINS)                          \
    TARGET static double peak_##NAME(size_t steps) {                     \
        V acc[CHAINS], x = SET(1.0f), y = SET(1e-9f);                    \
        for (int i = 0; i < CHAINS; i++) acc[i] = SET((float)i);         \
        for (size_t s = 0; s < steps; s++) {                             \
            for (int i = 0; i < CHAINS; i++) acc[i] = FMA(x, y, acc[i]); \
            __asm__ volatile("" : "+x"(x));                              \
        }                                                                \
        double sum = 0;                                                  \
        for (int i = 0; i < CHAINS; i++) sum += ((float *)&acc[i])[0];   \
        return sum;                                                      \
    }
#if defined(DP_HAVE_X86)
PEAK(avx2, DP_TARGET_avx2, __m256, _mm256_set1_ps, _mm256_fmadd_ps, 12)
PEAK(avx512, DP_TARGET_avx512, __m512, _mm512_set1_ps, _mm512_fmadd_ps, 12)
#endif

static volatile double sink;

/* multiply-adds a second of one core in units of 1e9 operations; 0: unknown */
static double peak(dp_isa isa, bool f64) {
    size_t steps = 20000;
    double t = cpu_seconds(), lanes = 0;
#if defined(DP_HAVE_X86)
    if (isa == DP_ISA_AVX2) sink = peak_avx2(steps), lanes = 8;
    if (isa == DP_ISA_AVX512) sink = peak_avx512(steps), lanes = 16;
#endif
    t = cpu_seconds() - t;
    return 12.0 * (double)steps * lanes * 2 / t * 1e-9 / (f64 ? 2 : 1);
}

/* ---- one shape ---- */

typedef struct job {
    const dp_kernels *kernels;
    dp_gemm g;
    bool f64;
    void *scratch[MAX_THREADS];
    size_t repeat;
    double seconds[MAX_THREADS];
} job;

static void work(void *context, int thread, int threads) {
    job *j = context;
    void (*gemm)(const dp_gemm *, void *, size_t, size_t) =
        j->f64 ? j->kernels->f64.gemm : j->kernels->f32.gemm;
    double t = cpu_seconds();
    for (size_t r = 0; r < j->repeat; r++)
        gemm(&j->g, j->scratch[thread], (size_t)thread, (size_t)threads);
    j->seconds[thread] = (cpu_seconds() - t) / (double)j->repeat;
}

static double seconds(job *j, dp_pool *pool, int threads) {
    double most = 0;
    if (threads == 1)
        work(j, 0, 1);
    else
        dp__pool_run(pool, threads, work, j);
    for (int t = 0; t < threads; t++) most = j->seconds[t] > most ? j->seconds[t] : most;
    return most;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

static void *filled(size_t n, bool f64) {
    void *p = dp__alloc(n * (f64 ? 8 : 4));
    for (size_t i = 0; i < n; i++) {
        double x = (double)(i * 7919 % 1000) / 500 - 1;
        if (f64)
            ((double *)p)[i] = x;
        else
            ((float *)p)[i] = (float)x;
    }
    return p;
}

static const char *name_of(const shape *s) {
    static char name[64];
    snprintf(name, sizeof name, "%zux%zux%zu%c%c", s->m, s->n, s->k, s->a, s->b);
    return name;
}

static void measure(const dp_kernels *k, const shape *s, bool f64, dp_pool *pool, int threads) {
    size_t bytes = f64 ? 8 : 4;
    double flop = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    double gflops[ROUNDS], share[ROUNDS];
    job j = {.kernels = k, .f64 = f64, .repeat = 1 + (size_t)(4e7 / flop)};
    if (j.repeat > 20000) j.repeat = 20000;
    j.g = (dp_gemm){.m = s->m, .n = s->n, .k = s->k, .c_row = (ptrdiff_t)s->n};
    j.g.a = filled(s->m * s->k, f64), j.g.b = filled(s->k * s->n, f64);
    j.g.c = filled(s->m * s->n, f64);
    j.g.a_row = s->a == 'n' ? (ptrdiff_t)s->k : 1, j.g.a_col = s->a == 'n' ? 1 : (ptrdiff_t)s->m;
    j.g.b_row = s->b == 'n' ? (ptrdiff_t)s->n : 1, j.g.b_col = s->b == 'n' ? 1 : (ptrdiff_t)s->k;
    size_t scratch = (f64 ? k->f64.gemm_scratch : k->f32.gemm_scratch)(&j.g, (size_t)threads);
    for (int t = 0; t < threads; t++) j.scratch[t] = dp__alloc(scratch);
    seconds(&j, pool, threads);
    for (int r = 0; r < ROUNDS; r++) {
        double p = peak(k->isa, f64) * threads;
        gflops[r] = flop / seconds(&j, pool, threads) * 1e-9;
        share[r] = p > 0 ? 100 * gflops[r] / p : 0;
    }
    double g = median(gflops, ROUNDS);
    printf("%18s %8.2f GFLOP/s %6.1f %% of peak %9.2f us  scratch %zu\n", name_of(s), g,
           median(share, ROUNDS), flop / g * 1e-3, scratch);
    fflush(stdout);
    for (int t = 0; t < threads; t++) dp__release(j.scratch[t], scratch);
    dp__release((void *)j.g.a, s->m * s->k * bytes);
    dp__release((void *)j.g.b, s->k * s->n * bytes);
    dp__release(j.g.c, s->m * s->n * bytes);
}

int main(int argc, char **argv) {
    bool f64 = argc > 2 && !strcmp(argv[2], "f64");
    int max_threads = dp__cpu_count() < 2 ? 1 : 2;
    int min_threads = 1;
    if (argc > 3) min_threads = max_threads = atoi(argv[3]);
    for (int isa = 0; isa < DP_N_ISA; isa++) {
        if (!dp__isa_usable((dp_isa)isa)) continue;
        if (argc > 1 ? strcmp(argv[1], dp__isa_name((dp_isa)isa)) : isa == DP_ISA_PORTABLE)
            continue;
        for (int threads = min_threads; threads <= max_threads; threads++) {
            dp_pool *pool = dp__pool_new(threads);
            printf("%s %s, %d thread%s\n", dp__isa_name((dp_isa)isa), f64 ? "f64" : "f32", threads,
                   threads > 1 ? "s" : "");
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                if (argc < 5 || !strcmp(argv[4], name_of(&shapes[i])))
                    measure(dp__kernels((dp_isa)isa), &shapes[i], f64, pool, threads);
            dp__pool_free(pool);
        }
    }
    return 0;
}
