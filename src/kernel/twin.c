/* twin.c: the slow twins. Plain loops that state the order of law 1; nothing here is fast.
 *
 * Contraction: k in blocks of 512. Within a block s = fma(a, b, s) by increasing k from s = +0. The
 * first block's result is taken as it is, each later one is added to what is there. k = 0: +0.
 *
 * Sum: blocks of 4,096 elements. Within a block element i is added to lane i % 64 by increasing i,
 * lanes start from +0; then lane[l] += lane[l + h] for l < h, h = 32, 16, 8, 4, 2, 1. Blocks are
 * merged level by level, each with its right neighbour: (0,1) (2,3) ..., an odd last one rises
 * unchanged, until one is left. That is a binary counter: after block b is pushed, the two topmost
 * entries merge once for every trailing one bit of b; at the end the stack folds from its top. */
#include "kernel.h"

#include <math.h>

/* 2^64 elements are 2^52 blocks of 2^12: no counter is higher */
enum { TWIN_DEPTH = 64 };

static bool twin_before(float a, float b) { return a < b || (a == b && signbit(a) && !signbit(b)); }
static bool twin_before64(double a, double b) {
    return a < b || (a == b && signbit(a) && !signbit(b));
}

#define TWIN_FUNCTIONS(S, T, FMA, BEFORE)                                                          \
    static T twin_dot_##S(const T *a, ptrdiff_t a_col, const T *b, ptrdiff_t b_row, size_t k) {    \
        T s = 0;                                                                                   \
        for (size_t p = 0; p < k; p++)                                                             \
            s = FMA(a[(ptrdiff_t)p * a_col], b[(ptrdiff_t)p * b_row], s);                          \
        return s;                                                                                  \
    }                                                                                              \
    static T twin_element_##S(const dp_gemm *g, size_t i, size_t j) {                              \
        const T *a = (const T *)g->a + (ptrdiff_t)i * g->a_row;                                    \
        const T *b = (const T *)g->b + (ptrdiff_t)j * g->b_col;                                    \
        T c = 0;                                                                                   \
        for (size_t p = 0; p < g->k; p += DP_K_BLOCK) {                                            \
            size_t kb = g->k - p < DP_K_BLOCK ? g->k - p : DP_K_BLOCK;                             \
            T s = twin_dot_##S(a + (ptrdiff_t)p * g->a_col, g->a_col, b + (ptrdiff_t)p * g->b_row, \
                               g->b_row, kb);                                                      \
            c = p ? c + s : s;                                                                     \
        }                                                                                          \
        return c;                                                                                  \
    }                                                                                              \
    void dp__twin_gemm_##S(const dp_gemm *g) {                                                     \
        for (size_t i = 0; i < g->m; i++)                                                          \
            for (size_t j = 0; j < g->n; j++)                                                      \
                ((T *)g->c)[(ptrdiff_t)i * g->c_row + (ptrdiff_t)j] = twin_element_##S(g, i, j);   \
        if (g->epilogue && g->m && g->n) g->epilogue(g->context, 0, g->m, 0, g->n);                \
    }                                                                                              \
    static T twin_block_##S(const T *x, size_t n, ptrdiff_t stride) {                              \
        T lane[DP_SUM_LANES] = {0};                                                                \
        for (size_t i = 0; i < n; i++) lane[i % DP_SUM_LANES] += x[(ptrdiff_t)i * stride];         \
        for (size_t h = DP_SUM_LANES / 2; h; h /= 2)                                               \
            for (size_t l = 0; l < h; l++) lane[l] += lane[l + h];                                 \
        return lane[0];                                                                            \
    }                                                                                              \
    T dp__twin_sum_##S(const T *x, size_t n, ptrdiff_t stride) {                                   \
        T stack[TWIN_DEPTH];                                                                       \
        size_t top = 0;                                                                            \
        for (size_t i = 0; i < n; i += DP_SUM_BLOCK) {                                             \
            size_t nb = n - i < DP_SUM_BLOCK ? n - i : DP_SUM_BLOCK;                               \
            stack[top++] = twin_block_##S(x + (ptrdiff_t)i * stride, nb, stride);                  \
            for (size_t b = i / DP_SUM_BLOCK; b & 1; b >>= 1, top--)                               \
                stack[top - 2] += stack[top - 1];                                                  \
        }                                                                                          \
        if (!top) return 0;                                                                        \
        for (; top > 1; top--) stack[top - 2] += stack[top - 1];                                   \
        return stack[0];                                                                           \
    }                                                                                              \
    T dp__twin_max_##S(const T *x, size_t n, ptrdiff_t stride) {                                   \
        T m = (T)-INFINITY;                                                                        \
        for (size_t i = 0; i < n; i++) {                                                           \
            T v = x[(ptrdiff_t)i * stride];                                                        \
            if (isnan(v)) return (T)NAN;                                                           \
            if (BEFORE(m, v)) m = v;                                                               \
        }                                                                                          \
        return m;                                                                                  \
    }

TWIN_FUNCTIONS(f32, float, fmaf, twin_before)
TWIN_FUNCTIONS(f64, double, fma, twin_before64)
#undef TWIN_FUNCTIONS
