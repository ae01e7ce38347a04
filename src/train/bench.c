/* bench.c: pure loops that show a machine's limits, and the matrix product beside them. */
#include <string.h>

#include "../kernel/isa.h"
#include "train.h"
#include "denpan/bench.h"
#include "denpan/op.h"

enum { BENCH_RUNS = 4096 }; /* times that are kept */

/* ---- timing ---- */

typedef dp_status bench_run(void *context);

static void bench_sort(double *t, size_t n) {
    for (size_t gap = n / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < n; i++) {
            double v = t[i];
            size_t j = i;
            for (; j >= gap && t[j - gap] > v; j -= gap) t[j] = t[j - gap];
            t[j] = v;
        }
}

/* Two runs to warm up, then runs until the time is over; at least five. */
static dp_status bench_time(bench_run *run, void *context, double seconds, dp_bench_result *out) {
    double *t = dp__alloc(BENCH_RUNS * sizeof *t);
    dp_status s = t ? run(context) : DP_ENOMEM;
    size_t n = 0;
    if (!s) s = run(context);
    for (double begin = dp__now(), now = begin;
         !s && n < BENCH_RUNS && (n < 5 || now - begin < seconds);) {
        s = run(context);
        double after = dp__now();
        t[n++] = after - now;
        now = after;
    }
    if (!s) {
        bench_sort(t, n);
        out->median = n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]);
        out->best = t[0];
        out->low = t[n / 4];
        out->high = t[n - 1 - n / 4];
        out->runs = (int64_t)n;
    }
    dp__release(t, BENCH_RUNS * sizeof *t);
    return s;
}

static dp_status bench_check(const char *what, double seconds, const dp_bench_result *out) {
    if (out && out->size >= sizeof *out && seconds > 0) return DP_OK;
    return dp_fail(DP_EINVAL, "%s: needs a result with its size set, and seconds > 0", what);
}

/* ---- peak: twelve chains, enough for a latency of four and two units ---- */

enum { BENCH_CHAINS = 12, BENCH_LOOPS = 20000 };

#define BENCH_EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

#if defined(DP_HAVE_X86)
DP_TARGET_avx512 static float bench_fma_avx512(void) {
    __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f), sum = _mm512_setzero_ps();
#define BENCH_MAKE(i) __m512 c##i = _mm512_set1_ps((float)i);
#define BENCH_STEP(i) c##i = _mm512_fmadd_ps(c##i, a, b);
#define BENCH_ADD(i) sum = _mm512_add_ps(sum, c##i);
    BENCH_EACH(BENCH_MAKE)
    for (int n = 0; n < BENCH_LOOPS; n++) {
        BENCH_EACH(BENCH_STEP)
    }
    BENCH_EACH(BENCH_ADD)
#undef BENCH_MAKE
#undef BENCH_STEP
#undef BENCH_ADD
    float out[16];
    _mm512_storeu_ps(out, sum);
    return out[0];
}

DP_TARGET_avx2 static float bench_fma_avx2(void) {
    __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f), sum = _mm256_setzero_ps();
#define BENCH_MAKE(i) __m256 c##i = _mm256_set1_ps((float)i);
#define BENCH_STEP(i) c##i = _mm256_fmadd_ps(c##i, a, b);
#define BENCH_ADD(i) sum = _mm256_add_ps(sum, c##i);
    BENCH_EACH(BENCH_MAKE)
    for (int n = 0; n < BENCH_LOOPS; n++) {
        BENCH_EACH(BENCH_STEP)
    }
    BENCH_EACH(BENCH_ADD)
#undef BENCH_MAKE
#undef BENCH_STEP
#undef BENCH_ADD
    float out[8];
    _mm256_storeu_ps(out, sum);
    return out[0];
}
#endif

/* Vectors of four: SSE2, NEON. Where contraction is not one instruction, it counts as one all the
 * same: this is what the portable kernels could reach at best. */
typedef float bench_four __attribute__((vector_size(16)));

static float bench_fma_portable(void) {
    bench_four a = {0.5f, 0.5f, 0.5f, 0.5f}, b = {1, 1, 1, 1}, sum = {0};
#define BENCH_MAKE(i) bench_four c##i = {(float)i};
#define BENCH_STEP(i) c##i = c##i * a + b;
#define BENCH_ADD(i) sum += c##i;
    BENCH_EACH(BENCH_MAKE)
    for (int n = 0; n < BENCH_LOOPS; n++) {
        BENCH_EACH(BENCH_STEP)
    }
    BENCH_EACH(BENCH_ADD)
#undef BENCH_MAKE
#undef BENCH_STEP
#undef BENCH_ADD
    return sum[0];
}

#if defined(DP_HAVE_NEON)
#include <arm_neon.h>
static float bench_fma_neon(void) {
    float32x4_t a = vdupq_n_f32(0.5f), b = vdupq_n_f32(1.0f), sum = vdupq_n_f32(0);
#define BENCH_MAKE(i) float32x4_t c##i = vdupq_n_f32((float)i);
#define BENCH_STEP(i) c##i = vfmaq_f32(b, c##i, a);
#define BENCH_ADD(i) sum = vaddq_f32(sum, c##i);
    BENCH_EACH(BENCH_MAKE)
    for (int n = 0; n < BENCH_LOOPS; n++) {
        BENCH_EACH(BENCH_STEP)
    }
    BENCH_EACH(BENCH_ADD)
#undef BENCH_MAKE
#undef BENCH_STEP
#undef BENCH_ADD
    return vgetq_lane_f32(sum, 0);
}
#endif

typedef struct bench_loop {
    float (*fma)(void);
    int lanes;
} bench_loop;

static bench_loop bench_fma_of(dp_isa isa) {
#if defined(DP_HAVE_X86)
    if (isa == DP_ISA_AVX512) return (bench_loop){bench_fma_avx512, 16};
    if (isa == DP_ISA_AVX2) return (bench_loop){bench_fma_avx2, 8};
#endif
#if defined(DP_HAVE_NEON)
    if (isa == DP_ISA_NEON) return (bench_loop){bench_fma_neon, 4};
#endif
    (void)isa;
    return (bench_loop){bench_fma_portable, 4};
}

typedef struct bench_peak {
    dp_pool *pool;
    int threads;
    bench_loop loop;
} bench_peak;

static void bench_peak_thread(void *context, int thread, int threads) {
    const bench_peak *p = context;
    volatile float sink = 0;
    (void)thread;
    (void)threads;
    for (int i = 0; i < 10; i++) sink = sink + p->loop.fma();
}

static dp_status bench_peak_run(void *context) {
    bench_peak *p = context;
    return dp__pool_run(p->pool, p->threads, bench_peak_thread, p);
}

dp_status dp_bench_peak(double seconds, dp_bench_result *out) {
    dp_status s = bench_check("bench_peak", seconds, out);
    if (s) return s;
    bench_peak p = {.pool = dp__pool_new(dp_threads()), .loop = bench_fma_of(dp__isa())};
    if (!p.pool) return DP_ENOMEM;
    out->threads = p.threads = dp__pool_size(p.pool);
    out->work = 2.0 * 10 * BENCH_LOOPS * BENCH_CHAINS * p.loop.lanes * p.threads;
    s = bench_time(bench_peak_run, &p, seconds, out);
    dp__pool_free(p.pool);
    return s;
}

/* ---- bandwidth ---- */

typedef struct bench_triad {
    dp_pool *pool;
    int threads;
    size_t n; /* elements of each array */
    float *a, *b, *c;
} bench_triad;

static void bench_triad_thread(void *context, int thread, int threads) {
    const bench_triad *t = context;
    size_t share = t->n / (size_t)threads, first = share * (size_t)thread;
    size_t end = thread == threads - 1 ? t->n : first + share;
    for (size_t i = first; i < end; i++) t->a[i] = t->b[i] + 3 * t->c[i];
}

static dp_status bench_triad_run(void *context) {
    bench_triad *t = context;
    return dp__pool_run(t->pool, t->threads, bench_triad_thread, t);
}

dp_status dp_bench_bandwidth(double bytes, double seconds, dp_bench_result *out) {
    dp_status s = bench_check("bench_bandwidth", seconds, out);
    if (s) return s;
    if (!(bytes >= 4096 && bytes <= 1e15))
        return dp_fail(DP_EINVAL, "bench_bandwidth: found %s bytes, allowed 4096 to 1e15",
                       dp__format_double(bytes, (char[32]){0}));
    bench_triad t = {.pool = dp__pool_new(dp_threads()), .n = (size_t)(bytes / 12)};
    size_t size = t.n * sizeof *t.a;
    t.a = dp__zalloc(t.n, sizeof *t.a);
    t.b = dp__zalloc(t.n, sizeof *t.b);
    t.c = dp__zalloc(t.n, sizeof *t.c);
    s = t.pool && t.a && t.b && t.c ? DP_OK : DP_ENOMEM;
    out->work = 12.0 * (double)t.n;
    if (!s) {
        out->threads = t.threads = dp__pool_size(t.pool);
        s = bench_time(bench_triad_run, &t, seconds, out);
    }
    dp__release(t.a, size);
    dp__release(t.b, size);
    dp__release(t.c, size);
    dp__pool_free(t.pool);
    return s;
}

/* ---- matrix product ---- */

typedef struct bench_product {
    dp_tensor *a, *b;
} bench_product;

static dp_status bench_product_run(void *context) {
    const bench_product *p = context;
    dp_scope *scope = dp_scope_begin();
    dp_tensor *c = dp_matmul(p->a, p->b);
    dp_status s = c ? dp_eval_n(&c, 1) : dp_error_status();
    dp_scope_end(scope);
    return s;
}

dp_status dp_bench_gemm(int64_t m, int64_t n, int64_t k, double seconds, dp_bench_result *out) {
    dp_status s = bench_check("bench_gemm", seconds, out);
    if (s) return s;
    if (m < 1 || n < 1 || k < 1)
        return dp_fail(DP_EINVAL, "bench_gemm: found %lld %lld %lld, allowed sizes >= 1",
                       (long long)m, (long long)n, (long long)k);
    dp_scope *scope = dp_scope_begin();
    bench_product p = {dp_normal(dp_key(0), DP_F32, DP_SHAPE(m, k)),
                       dp_normal(dp_key(1), DP_F32, DP_SHAPE(k, n))};
    dp_tensor *x[2] = {p.a, p.b};
    s = p.a && p.b ? dp_eval_n(x, 2) : dp_error_status();
    out->threads = dp_threads();
    out->work = 2.0 * (double)m * (double)n * (double)k;
    if (!s) s = bench_time(bench_product_run, &p, seconds, out);
    dp_scope_end(scope);
    return s;
}
