/* test_vmath.c: the vector math. Same bits in every instruction set, errors in units in the last
 * place against the C library in the next wider type, special values, monotonicity.
 *
 * DENPAN_LONG=1 runs all 2^32 floats; `test_vmath --accuracy` prints docs/accuracy.md,
 * `test_vmath --accuracy exp log` the rows of two functions. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/vmath.h"

enum { CHUNK = 4096, N_ISA = 3, N_FN = 9 };

static bool have(int isa) {
#if defined(DP_HAVE_X86)
    if (isa == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#elif defined(DP_HAVE_NEON)
    if (isa == 1) return true;
#endif
    return isa == 0;
}

#if defined(DP_HAVE_X86)
#define ALL(f, type) \
    { dp__vm_##f##_##type##_portable, dp__vm_##f##_##type##_avx2, dp__vm_##f##_##type##_avx512 }
#elif defined(DP_HAVE_NEON)
#define ALL(f, type) \
    { dp__vm_##f##_##type##_portable, dp__vm_##f##_##type##_neon }
#else
#define ALL(f, type) \
    { dp__vm_##f##_##type##_portable }
#endif

static double sigmoid(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static long double sigmoidl(long double x) {
    return x > 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x));
}

static const struct row {
    const char *name;
    dp_map_f32 *f32[N_ISA];
    dp_map_f64 *f64[N_ISA];
    double (*ref32)(double);
    long double (*ref64)(long double);
    double bound;  /* in ulp */
    double lo, hi; /* where the function of a double is sampled most */
} rows[N_FN] = {
    {"exp", ALL(exp, f32), ALL(exp, f64), exp, expl, 1, -746, 710},
    {"expm1", ALL(expm1, f32), ALL(expm1, f64), expm1, expm1l, 1, -40, 710},
    {"log", ALL(log, f32), ALL(log, f64), log, logl, 1, 0, 4},
    {"log1p", ALL(log1p, f32), ALL(log1p, f64), log1p, log1pl, 1, -1, 4},
    {"tanh", ALL(tanh, f32), ALL(tanh, f64), tanh, tanhl, 2, -20, 20},
    {"sigmoid", ALL(sigmoid, f32), ALL(sigmoid, f64), sigmoid, sigmoidl, 2, -746, 40},
    {"erf", ALL(erf, f32), ALL(erf, f64), erf, erfl, 2, -6, 6},
    {"sin", ALL(sin, f32), ALL(sin, f64), sin, sinl, 2, -100, 100},
    {"cos", ALL(cos, f32), ALL(cos, f64), cos, cosl, 2, -100, 100},
};
static dp_map2_f32 *const pow32[N_ISA] = ALL(pow, f32);
static dp_map2_f64 *const pow64[N_ISA] = ALL(pow, f64);

/* ---- numbers ---- */
static uint64_t state = 88172645463325252u;
static uint64_t random64(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static double double_of(uint64_t u) {
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static double uniform(double lo, double hi) {
    return lo + (hi - lo) * ((double)(random64() >> 11) * 0x1p-53);
}

/* any bits, or spread over [lo, hi], or small */
static double sample(double lo, double hi) {
    switch (random64() & 3) {
    case 0:
        return double_of(random64());
    case 1:
        return uniform(-2, 2);
    default:
        return uniform(lo, hi);
    }
}

/* |got - want| in units in the last place of a float, HUGE_VAL where only one is NaN */
static double ulps32(float got, double want) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : HUGE_VAL;
    if ((float)want == got) {
        if (isinf(got) || got == 0) return !signbit(got) == !signbit(want) ? 0 : HUGE_VAL;
    }
    uint64_t bits;
    memcpy(&bits, &want, sizeof bits);
    uint64_t e = bits >> 52 & 0x7ff; /* of want, clamped to the exponents of floats */
    e = e < 1023 - 126 ? 1023 - 126 : e > 1023 + 127 ? 1023 + 127 : e;
    double g = isinf(got) ? copysign(0x1p128, got) : (double)got;
    return fabs(g - want) * double_of((2046 + 23 - e) << 52);
}

static double ulps64(double got, long double want) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : HUGE_VAL;
    if ((double)want == got) {
        if (isinf(got) || got == 0) return !signbit(got) == !signbit(want) ? 0 : HUGE_VAL;
    }
    int e = want == 0 ? -1022 : ilogbl(want);
    e = e < -1022 ? -1022 : e > 1023 ? 1023 : e;
    long double g = isinf(got) ? copysignl(0x1p1024L, got) : (long double)got;
    return (double)(fabsl(g - want) * ldexpl(1, 52 - e));
}

/* the first index where a and b differ in a bit, NaN being equal to NaN; n if none */
static size_t differ32(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return i;
    return n;
}

static size_t differ64(const double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return i;
    return n;
}

typedef struct worst {
    double ulp, x, y;
} worst;

static void note(worst *w, double ulp, double x, double y) {
    if (ulp > w->ulp) *w = (worst){ulp, x, y};
}

/* ---- same bits and error bounds ---- */
static worst scan32(const struct row *r, uint64_t stride) {
    static float x[CHUNK], y[CHUNK], z[CHUNK];
    worst w = {0};
    for (uint64_t u = 0; u < (uint64_t)1 << 32;) {
        size_t n = 0;
        for (; n < CHUNK && u < (uint64_t)1 << 32; u += stride) x[n++] = float_of((uint32_t)u);
        r->f32[0](y, x, n);
        for (int isa = 1; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            r->f32[isa](z, x, n);
            size_t i = differ32(y, z, n);
            if (i < n) fail_msg("%s(%a): %a, isa %d %a", r->name, x[i], y[i], isa, z[i]);
        }
        for (size_t i = 0; i < n; i++) note(&w, ulps32(y[i], r->ref32(x[i])), x[i], 0);
    }
    return w;
}

static worst scan64(const struct row *r, size_t chunks) {
    static double x[CHUNK], y[CHUNK], z[CHUNK];
    worst w = {0};
    for (size_t c = 0; c < chunks; c++) {
        for (size_t i = 0; i < CHUNK; i++) x[i] = sample(r->lo, r->hi);
        r->f64[0](y, x, CHUNK);
        for (int isa = 1; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            r->f64[isa](z, x, CHUNK);
            size_t i = differ64(y, z, CHUNK);
            if (i < CHUNK) fail_msg("%s(%a): %a, isa %d %a", r->name, x[i], y[i], isa, z[i]);
        }
        for (size_t i = 0; i < CHUNK; i++) note(&w, ulps64(y[i], r->ref64(x[i])), x[i], 0);
    }
    return w;
}

static double pow_base(double limit) {
    switch (random64() & 3) {
    case 0:
        return uniform(0, 4);
    case 1:
        return uniform(0.99, 1.01);
    case 2:
        return exp(uniform(-limit, limit));
    default:
        return -floor(uniform(0, 100));
    }
}

/* an exponent that often keeps the power in range */
static double pow_exponent(double x, double limit) {
    switch (random64() & 3) {
    case 0:
        return floor(uniform(-60, 60));
    case 1:
        return uniform(-4, 4);
    default:
        return uniform(-limit, limit) / log(fabs(x));
    }
}

static worst scan_pow32(size_t chunks) {
    static float x[CHUNK], a[CHUNK], y[CHUNK], z[CHUNK];
    worst w = {0};
    for (size_t c = 0; c < chunks; c++) {
        for (size_t i = 0; i < CHUNK; i++) {
            bool any = (random64() & 7) == 0;
            x[i] = any ? float_of((uint32_t)random64()) : (float)pow_base(88);
            a[i] = any ? float_of((uint32_t)random64()) : (float)pow_exponent(x[i], 104);
        }
        pow32[0](y, x, a, CHUNK);
        for (int isa = 1; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            pow32[isa](z, x, a, CHUNK);
            size_t i = differ32(y, z, CHUNK);
            if (i < CHUNK) fail_msg("pow(%a, %a): %a, isa %d %a", x[i], a[i], y[i], isa, z[i]);
        }
        for (size_t i = 0; i < CHUNK; i++)
            note(&w, ulps32(y[i], pow((double)x[i], (double)a[i])), x[i], a[i]);
    }
    return w;
}

static worst scan_pow64(size_t chunks) {
    static double x[CHUNK], a[CHUNK], y[CHUNK], z[CHUNK];
    worst w = {0};
    for (size_t c = 0; c < chunks; c++) {
        for (size_t i = 0; i < CHUNK; i++) {
            bool any = (random64() & 7) == 0;
            x[i] = any ? double_of(random64()) : pow_base(700);
            a[i] = any ? double_of(random64()) : pow_exponent(x[i], 745);
        }
        pow64[0](y, x, a, CHUNK);
        for (int isa = 1; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            pow64[isa](z, x, a, CHUNK);
            size_t i = differ64(y, z, CHUNK);
            if (i < CHUNK) fail_msg("pow(%a, %a): %a, isa %d %a", x[i], a[i], y[i], isa, z[i]);
        }
        for (size_t i = 0; i < CHUNK; i++) note(&w, ulps64(y[i], powl(x[i], a[i])), x[i], a[i]);
    }
    return w;
}

static bool long_run(void) {
    const char *s = getenv("DENPAN_LONG");
    return s && *s && *s != '0';
}

static void check(const char *name, const char *type, worst w, double bound) {
    if (!(w.ulp <= bound))
        fail_msg("%s %s: %.4f ulp at (%a, %a), bound %g", name, type, w.ulp, w.x, w.y, bound);
}

static void test_f32(void **unused) {
    (void)unused;
    for (int f = 0; f < N_FN; f++)
        check(rows[f].name, "f32", scan32(&rows[f], long_run() ? 1 : 1699), rows[f].bound);
    check("pow", "f32", scan_pow32(long_run() ? 50000 : 100), 2);
}

static void test_f64(void **unused) {
    (void)unused;
    if (LDBL_MANT_DIG < 64) skip();
    for (int f = 0; f < N_FN; f++)
        check(rows[f].name, "f64", scan64(&rows[f], long_run() ? 50000 : 100), rows[f].bound);
    check("pow", "f64", scan_pow64(long_run() ? 50000 : 100), 2);
}

/* ---- special values ---- */
#define INF HUGE_VAL
static const struct special {
    const char *name;
    double x, y;
} specials[] = {
    {"exp", 0, 1},          {"exp", -0.0, 1},     {"exp", INF, INF},     {"exp", -INF, 0},
    {"exp", NAN, NAN},      {"exp", 1e4, INF},    {"exp", -1e4, 0},      {"expm1", 0, 0},
    {"expm1", -0.0, -0.0},  {"expm1", INF, INF},  {"expm1", -INF, -1},   {"expm1", NAN, NAN},
    {"expm1", 1e4, INF},    {"expm1", -1e4, -1},  {"log", 1, 0},         {"log", 0, -INF},
    {"log", -0.0, -INF},    {"log", INF, INF},    {"log", -1, NAN},      {"log", -INF, NAN},
    {"log", NAN, NAN},      {"log1p", 0, 0},      {"log1p", -0.0, -0.0}, {"log1p", -1, -INF},
    {"log1p", INF, INF},    {"log1p", -2, NAN},   {"log1p", -INF, NAN},  {"log1p", NAN, NAN},
    {"tanh", 0, 0},         {"tanh", -0.0, -0.0}, {"tanh", INF, 1},      {"tanh", -INF, -1},
    {"tanh", NAN, NAN},     {"tanh", 1e4, 1},     {"tanh", -1e4, -1},    {"sigmoid", 0, 0.5},
    {"sigmoid", -0.0, 0.5}, {"sigmoid", INF, 1},  {"sigmoid", -INF, 0},  {"sigmoid", NAN, NAN},
    {"sigmoid", 1e4, 1},    {"sigmoid", -1e4, 0}, {"erf", 0, 0},         {"erf", -0.0, -0.0},
    {"erf", INF, 1},        {"erf", -INF, -1},    {"erf", NAN, NAN},     {"erf", 1e4, 1},
    {"erf", -1e4, -1},      {"sin", 0, 0},        {"sin", -0.0, -0.0},   {"sin", INF, NAN},
    {"sin", -INF, NAN},     {"sin", NAN, NAN},    {"cos", 0, 1},         {"cos", -0.0, 1},
    {"cos", INF, NAN},      {"cos", -INF, NAN},   {"cos", NAN, NAN},
};

static void test_special(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        const struct special *s = &specials[i];
        const struct row *r = rows;
        while (strcmp(r->name, s->name) != 0) r++;
        for (int isa = 0; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            float x = (float)s->x, y, want = (float)s->y;
            double d;
            r->f32[isa](&y, &x, 1);
            r->f64[isa](&d, &s->x, 1);
            if (differ32(&y, &want, 1) == 0) fail_msg("%s f32(%g) = %g", s->name, s->x, (double)y);
            if (differ64(&d, &s->y, 1) == 0) fail_msg("%s f64(%g) = %g", s->name, s->x, d);
        }
    }
}

/* C99 F.9.4.4, and exact powers */
static const double powers[][3] = {
    {0, 3, 0},         {-0.0, 3, -0.0},   {0, 2.5, 0},     {-0.0, 2, 0},      {-0.0, 2.5, 0},
    {0, -3, INF},      {-0.0, -3, -INF},  {-0.0, -2, INF}, {-0.0, -2.5, INF}, {0, -INF, INF},
    {-0.0, -INF, INF}, {0, INF, 0},       {-1, INF, 1},    {-1, -INF, 1},     {1, NAN, 1},
    {1, INF, 1},       {1, -INF, 1},      {NAN, 0, 1},     {NAN, -0.0, 1},    {INF, 0, 1},
    {-2, 0.5, NAN},    {-2, 3, -8},       {-2, 2, 4},      {-2, -1, -0.5},    {0.5, -INF, INF},
    {-0.5, -INF, INF}, {2, -INF, 0},      {-2, -INF, 0},   {0.5, INF, 0},     {2, INF, INF},
    {-2, INF, INF},    {-INF, -3, -0.0},  {-INF, -2, 0},   {-INF, -2.5, 0},   {-INF, 3, -INF},
    {-INF, 2, INF},    {-INF, 2.5, INF},  {INF, -1, 0},    {INF, 1, INF},     {NAN, 1, NAN},
    {2, NAN, NAN},     {-1, NAN, NAN},    {0, NAN, NAN},   {NAN, NAN, NAN},   {INF, NAN, NAN},
    {3, 2, 9},         {10, 3, 1000},     {7, 1, 7},       {4, 0.5, 2},       {0.1, -0.0, 1},
    {-1, 1e300, 1},    {-1, 3, -1},       {2, 4000, INF},  {-2, 4001, -INF},  {2, -4000, 0},
    {-2, -4001, -0.0}, {-8, 7, -2097152},
};

static void test_pow_special(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        for (int isa = 0; isa < N_ISA; isa++) {
            if (!have(isa)) continue;
            const double *p = powers[i];
            float a = (float)p[0], b = (float)p[1], y, want = (float)p[2];
            double d;
            pow32[isa](&y, &a, &b, 1);
            pow64[isa](&d, &p[0], &p[1], 1);
            if (differ32(&y, &want, 1) == 0) fail_msg("f32 %g^%g = %g", p[0], p[1], (double)y);
            if (differ64(&d, &p[2], 1) == 0) fail_msg("f64 %g^%g = %g", p[0], p[1], d);
        }
}

/* doubles that are nearest to multiples of pi/2, and huge ones */
static void test_trig_hard(void **unused) {
    (void)unused;
    static const double x[] = {
        0x1.6ac5b262ca1ffp+849,
        0x1.921fb54442d18p+0,
        0x1.921fb54442d18p+1,
        0x1.2d97c7f3321d2p+2,
        0x1.fffffffffffffp+1023,
        0x1p+23,
        -0x1p+23,
        0x1.fffffffffffffp+22,
        0x1p+1000,
        355,
        1e22,
        103993,
        0x1.951f1572eba23p+4,
        0x1.c463abeccb2bbp+16,
        5e-324,
        0x1p-1022,
        0x1.f9cbe226e4f2cp+22,
    };
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        double s, c;
        dp__vm_sin_f64_portable(&s, &x[i], 1);
        dp__vm_cos_f64_portable(&c, &x[i], 1);
        if (LDBL_MANT_DIG < 64) continue;
        check("sin", "hard", (worst){ulps64(s, sinl(x[i])), x[i], 0}, 1);
        check("cos", "hard", (worst){ulps64(c, cosl(x[i])), x[i], 0}, 1);
    }
}

/* ---- shape of the curves ---- */
static void test_monotonic(void **unused) {
    (void)unused;
    static const char *const names[] = {"exp", "sigmoid", "tanh", "erf", "expm1"};
    for (size_t k = 0; k < 5; k++) {
        const struct row *r = rows;
        while (strcmp(r->name, names[k]) != 0) r++;
        float last = -INFINITY;
        for (int i = -200000; i <= 200000; i++) {
            float x = (float)i * 0.001f, y;
            r->f32[0](&y, &x, 1);
            if (!(y >= last)) fail_msg("%s f32 falls at %a", r->name, (double)x);
            last = y;
        }
        double before = -INFINITY;
        for (int i = -200000; i <= 200000; i++) {
            double x = (double)i * 0.005, y;
            r->f64[0](&y, &x, 1);
            if (!(y >= before)) fail_msg("%s f64 falls at %a", r->name, x);
            before = y;
        }
    }
}

static void test_odd(void **unused) {
    (void)unused;
    for (int f = 0; f < N_FN; f++) {
        if (!strstr("tanh erf sin", rows[f].name)) continue;
        for (int i = 0; i < 100000; i++) {
            double x = sample(rows[f].lo, rows[f].hi), m = -x, y, z;
            rows[f].f64[0](&y, &x, 1);
            rows[f].f64[0](&z, &m, 1);
            z = -z;
            if (differ64(&y, &z, 1) == 0) fail_msg("%s is not odd at %a", rows[f].name, x);
        }
    }
}

/* every length up to 40, in place and unaligned, has the bits of single calls */
static void test_lengths(void **unused) {
    (void)unused;
    for (int f = 0; f < N_FN; f++)
        for (int isa = 0; isa < N_ISA; isa++)
            for (size_t n = 0; have(isa) && n <= 40; n++) {
                float a[42], b[42];
                double c[42], d[42];
                for (size_t i = 0; i < 42; i++) {
                    c[i] = d[i] = uniform(-3, 3);
                    a[i] = b[i] = (float)c[i];
                }
                rows[f].f32[isa](a + 1, a + 1, n);
                rows[f].f64[isa](c + 1, c + 1, n);
                for (size_t i = 1; i <= n; i++) {
                    rows[f].f32[0](b + i, b + i, 1);
                    rows[f].f64[0](d + i, d + i, 1);
                }
                assert_int_equal(differ32(a, b, 42), 42);
                assert_int_equal(differ64(c, d, 42), 42);
            }
}

/* ---- docs/accuracy.md ---- */
static void print_worst(worst w, const char *arguments) {
    printf(" | %.4f | %a", w.ulp, w.x);
    if (w.y != 0) printf(", %a", w.y);
    printf(" | %s", arguments);
}

static void print_row(const char *name, worst a, const char *inputs32, worst b,
                      const char *inputs64, double bound) {
    printf("| %s", name);
    print_worst(a, inputs32);
    print_worst(b, inputs64);
    printf(" | %g |\n", bound);
    fflush(stdout);
}

static void print_head(void) {
    printf("# Accuracy of the vector math\n\n"
           "The largest error found, in units in the last place, and its argument. Written by\n"
           "`test_vmath --accuracy`, which also compares every value, bit for bit, between the\n"
           "instruction sets of the machine. The reference is the C library's function of double\n"
           "for float, and of long double for double (random arguments).\n\n"
           "| function | f32 | at | arguments | f64 | at | arguments | bound |\n"
           "|---|---|---|---|---|---|---|---|\n");
}

/* the rows of the functions named, or of all */
static void print_accuracy(int n, char **names) {
    enum { CHUNKS = 20000 };
    char many[40];
    snprintf(many, sizeof many, "%d random", CHUNKS * CHUNK);
    if (n == 0) print_head();
    for (int f = 0; f <= N_FN; f++) {
        const char *name = f < N_FN ? rows[f].name : "pow";
        bool wanted = n == 0;
        for (int i = 0; i < n; i++) wanted |= strcmp(names[i], name) == 0;
        if (wanted && f < N_FN)
            print_row(name, scan32(&rows[f], 1), "all 2^32", scan64(&rows[f], CHUNKS), many,
                      rows[f].bound);
        else if (wanted)
            print_row(name, scan_pow32(CHUNKS), many, scan_pow64(CHUNKS), many, 2);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--accuracy") == 0) {
        print_accuracy(argc - 2, argv + 2);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special),   cmocka_unit_test(test_pow_special),
        cmocka_unit_test(test_trig_hard), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_monotonic), cmocka_unit_test(test_odd),
        cmocka_unit_test(test_f32),       cmocka_unit_test(test_f64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
