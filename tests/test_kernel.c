/* test_kernel.c: gemm and sums of every usable instruction set equal their slow twins bit for bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}
static size_t below(size_t n) { return (size_t)(next() >> 11) % n; }

/* mostly numbers near 1; with `odd`, a few zeros of both signs, denormals, infinities and NaN */
static double number(bool odd, double tiny) {
    static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e30, -1e30};
    double x = (double)(int64_t)(next() >> 11) / 4503599627370496.0 - 1;
    if (!odd || below(50)) return x;
    size_t i = below(9);
    return i < 7 ? special[i] : i == 7 ? tiny : -tiny * 3;
}

static bool same32(float a, float b) {
    uint32_t x, y;
    memcpy(&x, &a, 4), memcpy(&y, &b, 4);
    return x == y || (isnan(a) && isnan(b));
}
static bool same64(double a, double b) {
    uint64_t x, y;
    memcpy(&x, &a, 8), memcpy(&y, &b, 8);
    return x == y || (isnan(a) && isnan(b));
}

static void fill(void *p, size_t n, bool f64, bool odd) {
    for (size_t i = 0; i < n; i++) {
        if (f64)
            ((double *)p)[i] = number(odd, 5e-324);
        else
            ((float *)p)[i] = (float)number(odd, 1e-45);
    }
}

/* ---- gemm ---- */

typedef struct tiles {
    const dp_gemm *g;
    int *times; /* how often an epilogue got this element of C */
} tiles;

static const double unwritten = 12345.0;

static void epilogue(void *context, size_t i0, size_t i1, size_t j0, size_t j1) {
    tiles *t = context;
    assert_true(i0 < i1 && i1 <= t->g->m && j0 < j1 && j1 <= t->g->n);
    if (t->g->whole_rows) assert_true(j0 == 0 && j1 == t->g->n);
    for (size_t i = i0; i < i1; i++)
        for (size_t j = j0; j < j1; j++) t->times[i * t->g->n + j]++;
}

static size_t extent(size_t n, ptrdiff_t row, size_t m, ptrdiff_t col) {
    return (size_t)labs(row) * (n ? n - 1 : 0) + (size_t)labs(col) * (m ? m - 1 : 0) + 1;
}

/* the element [0,0] of a matrix that may run backwards in its buffer */
static void *origin(void *p, size_t n, ptrdiff_t row, size_t m, ptrdiff_t col, size_t size) {
    ptrdiff_t o = 0;
    if (row < 0 && n) o -= row * (ptrdiff_t)(n - 1);
    if (col < 0 && m) o -= col * (ptrdiff_t)(m - 1);
    return (char *)p + o * (ptrdiff_t)size;
}

static ptrdiff_t some_stride(size_t other) {
    ptrdiff_t s[] = {1, (ptrdiff_t)other, (ptrdiff_t)other + 3, 0, -1, -(ptrdiff_t)other - 1, 2};
    return s[below(7)];
}

static void strides(size_t rows, size_t columns, ptrdiff_t *row, ptrdiff_t *col) {
    switch (below(4)) {
    case 0:
        *row = (ptrdiff_t)(columns + below(3)), *col = 1;
        break;
    case 1:
        *row = 1, *col = (ptrdiff_t)(rows + below(3));
        break;
    case 2:
        *row = (ptrdiff_t)columns, *col = 1;
        break;
    default:
        *row = some_stride(columns), *col = some_stride(rows);
        break;
    }
}

static void compare(const dp_kernels *kernels, dp_gemm *g, bool f64, size_t parts, const void *want,
                    size_t c_count) {
    size_t size = f64 ? 8 : 4,
           scratch = (f64 ? kernels->f64.gemm_scratch : kernels->f32.gemm_scratch)(g, parts);
    tiles t = {.g = g, .times = calloc(g->m * g->n + 1, sizeof(int))};
    char *room = dp__alloc(scratch + 64), *c = malloc(c_count * size);
    dp_gemm h = *g;
    h.c = c, h.epilogue = epilogue, h.context = &t;
    t.g = &h;
    for (size_t i = 0; i < c_count; i++) {
        if (f64)
            ((double *)(void *)c)[i] = unwritten;
        else
            ((float *)(void *)c)[i] = (float)unwritten;
    }
    for (size_t part = parts; part-- > 0;) {
        memset(room, 0xff, scratch); /* parts share nothing */
        memset(room + scratch, 0x5a, 64);
        (f64 ? kernels->f64.gemm : kernels->f32.gemm)(&h, room, part, parts);
        for (int i = 0; i < 64; i++) assert_int_equal(room[scratch + (size_t)i], 0x5a);
    }
    for (size_t i = 0; i < c_count; i++) {
        bool same = f64 ? same64(((const double *)want)[i], ((double *)(void *)c)[i])
                        : same32(((const float *)want)[i], ((float *)(void *)c)[i]);
        if (!same)
            fail_msg("%s %s %zux%zux%zu a %td,%td b %td,%td parts %zu: element %zu differs",
                     kernels->name, f64 ? "f64" : "f32", g->m, g->n, g->k, g->a_row, g->a_col,
                     g->b_row, g->b_col, parts, i);
    }
    for (size_t i = 0; i < g->m * g->n; i++) assert_int_equal(t.times[i], 1);
    free(t.times), free(c), dp__release(room, scratch + 64);
}

static void one_gemm(size_t m, size_t n, size_t k, bool f64, bool odd) {
    static const size_t parts[] = {1, 2, 3, 8};
    size_t size = f64 ? 8 : 4;
    dp_gemm g = {.m = m, .n = n, .k = k, .whole_rows = below(2)};
    strides(m, k, &g.a_row, &g.a_col);
    strides(k, n, &g.b_row, &g.b_col);
    g.c_row = (ptrdiff_t)(n + (below(2) ? below(4) : 0));
    size_t na = extent(m, g.a_row, k, g.a_col), nb = extent(k, g.b_row, n, g.b_col);
    size_t nc = (size_t)g.c_row * m + 1;
    void *a = malloc(na * size), *b = malloc(nb * size), *c = malloc(nc * size);
    fill(a, na, f64, odd), fill(b, nb, f64, odd);
    g.a = origin(a, m, g.a_row, k, g.a_col, size), g.b = origin(b, k, g.b_row, n, g.b_col, size);
    g.c = c;
    for (size_t i = 0; i < nc; i++) {
        if (f64)
            ((double *)c)[i] = unwritten;
        else
            ((float *)c)[i] = (float)unwritten;
    }
    if (f64)
        dp__twin_gemm_f64(&g);
    else
        dp__twin_gemm_f32(&g);
    for (int isa = 0; isa < DP_N_ISA; isa++)
        if (dp__isa_usable((dp_isa)isa))
            for (int p = 0; p < 4; p++) compare(dp__kernels((dp_isa)isa), &g, f64, parts[p], c, nc);
    free(a), free(b), free(c);
}

static void test_gemm_small(void **unused) {
    (void)unused;
    for (int i = 0; i < 1500; i++) one_gemm(below(30), below(70), below(40), i & 1, i % 3 == 0);
}

static void test_gemm_edges(void **unused) {
    static const size_t k[] = {0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 1537};
    (void)unused;
    for (size_t i = 0; i < sizeof k / sizeof *k; i++)
        for (int r = 0; r < 16; r++) one_gemm(below(20), below(60), k[i], r & 1, r & 2);
    for (int r = 0; r < 40; r++) {
        one_gemm(1, below(300), below(700), r & 1, false);
        one_gemm(below(300), 1, below(700), r & 1, false);
    }
}

/* past every block size */
static void test_gemm_large(void **unused) {
    (void)unused;
    for (int r = 0; r < 6; r++) {
        one_gemm(40 + below(100), 250 + below(250), 500 + below(100), r & 1, false);
        one_gemm(1020 + below(20), 250 + below(20), 1 + below(40), r & 1, false);
        one_gemm(64, 128, 784, r & 1, false);
        one_gemm(1 + below(8), 500, 600, r & 1, false);
    }
}

/* ---- sums ---- */

static const size_t sizes[] = {0,    1,    2,     3,     7,     10,    31,    63,   64,
                               65,   127,  128,   129,   1000,  4095,  4096,  4097, 8191,
                               8192, 8193, 10000, 12289, 20480, 28673, 100000};
enum { N_SIZES = sizeof sizes / sizeof *sizes, LARGEST = 100000 };

static void test_sum(void **unused) {
    float *x = malloc(sizeof(float) * (LARGEST + 1));
    double *y = malloc(sizeof(double) * (LARGEST + 1));
    (void)unused;
    for (int round = 0; round < 4; round++) {
        fill(x, LARGEST + 1, false, round == 3), fill(y, LARGEST + 1, true, round == 3);
        if (round == 2)
            for (size_t i = 0; i <= LARGEST; i++) x[i] = -0.0f, y[i] = -0.0;
        for (int i = 0; i < N_SIZES; i++)
            for (int isa = 0; isa < DP_N_ISA; isa++) {
                size_t n = sizes[i], o = (size_t)round & 1;
                if (!dp__isa_usable((dp_isa)isa)) continue;
                const dp_kernels *k = dp__kernels((dp_isa)isa);
                assert_true(same32(k->f32.sum(x + o, n), dp__twin_sum_f32(x + o, n, 1)));
                assert_true(same64(k->f64.sum(y + o, n), dp__twin_sum_f64(y + o, n, 1)));
            }
    }
    free(x), free(y);
}

static void test_sum_columns(void **unused) {
    static const size_t widths[] = {0, 1, 2, 7, 10, 16, 33, 64, 100, 130};
    (void)unused;
    for (int i = 0; i < N_SIZES; i++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            size_t rows = sizes[i], n = widths[w], stride = n + (w & 1) * 3;
            if (rows * stride > 1000000) continue;
            float *x = malloc(sizeof(float) * (rows * stride + 1)), y[130];
            double *u = malloc(sizeof(double) * (rows * stride + 1)), v[130];
            fill(x, rows * stride, false, w == 3), fill(u, rows * stride, true, w == 3);
            for (int isa = 0; isa < DP_N_ISA; isa++) {
                if (!dp__isa_usable((dp_isa)isa)) continue;
                const dp_kernels *k = dp__kernels((dp_isa)isa);
                k->f32.sum_columns(y, x, rows, n, (ptrdiff_t)stride);
                k->f64.sum_columns(v, u, rows, n, (ptrdiff_t)stride);
                for (size_t j = 0; j < n; j++) {
                    assert_true(same32(y[j], dp__twin_sum_f32(x + j, rows, (ptrdiff_t)stride)));
                    assert_true(same64(v[j], dp__twin_sum_f64(u + j, rows, (ptrdiff_t)stride)));
                }
            }
            free(x), free(u);
        }
}

/* the order by hand: 1 + 1 tells block trees apart, and a small number its lane */
static void test_order(void **unused) {
    static float x[3 * 4096];
    (void)unused;
    x[0] = 1e8f, x[64] = 1, x[128] = -1e8f; /* one lane: (1e8 + 1) - 1e8 = 0 */
    assert_true(dp__k()->f32.sum(x, 4096) == 0);
    x[64] = 0, x[1] = 1; /* two lanes: 1e8 - 1e8 + 1 = 1 */
    assert_true(dp__k()->f32.sum(x, 4096) == 1);
    memset(x, 0, sizeof x);
    x[0] = 1e8f, x[4096] = 3, x[8192] = -1e8f; /* ((0,1), 2) */
    assert_true(dp__k()->f32.sum(x, 3 * 4096) == (1e8f + 3.0f) - 1e8f);
    assert_true(dp__twin_sum_f32(x, 3 * 4096, 1) == (1e8f + 3.0f) - 1e8f);
}

static void test_max(void **unused) {
    float *x = malloc(sizeof(float) * LARGEST);
    double *y = malloc(sizeof(double) * LARGEST);
    (void)unused;
    for (int round = 0; round < 6; round++)
        for (int i = 0; i < N_SIZES; i++) {
            size_t n = sizes[i];
            fill(x, n, false, false), fill(y, n, true, false);
            for (size_t j = 0; j < n && round > 1; j++) { /* at most zeros, at most NaN */
                x[j] = round == 4 ? -INFINITY : below(2) ? -0.0f : -fabsf(x[j]), y[j] = x[j];
            }
            if (round == 3 && n) x[below(n)] = 0, y[below(n)] = 0;
            if (round == 5 && n) x[below(n)] = NAN, y[below(n)] = NAN;
            for (int isa = 0; isa < DP_N_ISA; isa++) {
                if (!dp__isa_usable((dp_isa)isa)) continue;
                const dp_kernels *k = dp__kernels((dp_isa)isa);
                assert_true(same32(k->f32.max(x, n), dp__twin_max_f32(x, n, 1)));
                assert_true(same64(k->f64.max(y, n), dp__twin_max_f64(y, n, 1)));
            }
        }
    free(x), free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_small),  cmocka_unit_test(test_gemm_edges),
        cmocka_unit_test(test_gemm_large),  cmocka_unit_test(test_sum),
        cmocka_unit_test(test_sum_columns), cmocka_unit_test(test_order),
        cmocka_unit_test(test_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
