/* sums_body.h: sum, max and sums of columns for one instruction set and one type; included after
 * gemm_body.h, whose names it uses. twin.c has the order. A lane starts from +0 and therefore never
 * holds -0: adding an absent +0 changes no lane and is left out. */

enum {
    GEMM_FN(LV) = DP_SUM_LANES / GEMM_VL, /* vectors that hold the lanes */
    GEMM_FN(CV) = 4,                      /* vectors of columns summed together */
    GEMM_FN(DEPTH) = 48,                  /* blocks < 2^48 */
};

/* one block of n <= 4096 */
static GEMM_T GEMM_FN(sum_block)(const GEMM_T *x, size_t n) {
    GEMM_V acc[GEMM_FN(LV)];
    GEMM_T lane[DP_SUM_LANES];
    DP_GEMM_UNROLL_LANES
    for (int v = 0; v < GEMM_FN(LV); v++) acc[v] = GEMM_SET1(0);
    for (; n >= DP_SUM_LANES; n -= DP_SUM_LANES, x += DP_SUM_LANES) {
        DP_GEMM_UNROLL_LANES
        for (int v = 0; v < GEMM_FN(LV); v++) acc[v] = GEMM_ADD(acc[v], GEMM_LOAD(x + v * GEMM_VL));
    }
    DP_GEMM_UNROLL_LANES
    for (int v = 0; v < GEMM_FN(LV); v++) GEMM_STORE(lane + v * GEMM_VL, acc[v]);
    for (size_t i = 0; i < n; i++) lane[i] += x[i];
    for (size_t h = DP_SUM_LANES / 2; h >= GEMM_VL; h /= 2)
        for (size_t l = 0; l < h; l += GEMM_VL)
            GEMM_STORE(lane + l, GEMM_ADD(GEMM_LOAD(lane + l), GEMM_LOAD(lane + l + h)));
    for (size_t h = GEMM_VL / 2; h; h /= 2)
        for (size_t l = 0; l < h; l++) lane[l] += lane[l + h];
    return lane[0];
}

GEMM_T GEMM_EXPORT(dp__sum)(const GEMM_T *x, size_t n) {
    GEMM_T stack[GEMM_FN(DEPTH)];
    size_t top = 0;
    if (n <= DP_SUM_BLOCK) return GEMM_FN(sum_block)(x, n);
    for (size_t i = 0; i < n; i += DP_SUM_BLOCK) {
        stack[top++] = GEMM_FN(sum_block)(x + i, n - i < DP_SUM_BLOCK ? n - i : DP_SUM_BLOCK);
        for (size_t b = i / DP_SUM_BLOCK; b & 1; b >>= 1, top--) stack[top - 2] += stack[top - 1];
    }
    for (; top > 1; top--) stack[top - 2] += stack[top - 1];
    return stack[0];
}

/* ---- max: by value first; which zero, and whether a NaN, is decided apart ---- */

static bool GEMM_FN(any_nan)(const GEMM_T *x, size_t n) {
    int found = 0;
    for (size_t i = 0; i < n; i++) found |= x[i] != x[i];
    return found;
}

static GEMM_T GEMM_FN(zero_of)(const GEMM_T *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (x[i] == 0 && !signbit(x[i])) return 0;
    return -(GEMM_T)0;
}

/* max of n <= 4096 without NaN */
static GEMM_T GEMM_FN(max_block)(const GEMM_T *x, size_t n) {
    GEMM_V acc[4];
    GEMM_T lane[4 * GEMM_VL], m = (GEMM_T)-INFINITY;
    DP_GEMM_UNROLL
    for (int v = 0; v < 4; v++) acc[v] = GEMM_SET1((GEMM_T)-INFINITY);
    for (; n >= 4 * GEMM_VL; n -= 4 * GEMM_VL, x += 4 * GEMM_VL) {
        DP_GEMM_UNROLL
        for (int v = 0; v < 4; v++) acc[v] = GEMM_MAX(acc[v], GEMM_LOAD(x + v * GEMM_VL));
    }
    DP_GEMM_UNROLL
    for (int v = 0; v < 4; v++) GEMM_STORE(lane + v * GEMM_VL, acc[v]);
    for (size_t i = 0; i < n; i++) m = x[i] > m ? x[i] : m;
    for (size_t i = 0; i < 4 * GEMM_VL; i++) m = lane[i] > m ? lane[i] : m;
    return m;
}

GEMM_T GEMM_EXPORT(dp__max)(const GEMM_T *x, size_t n) {
    GEMM_T m = (GEMM_T)-INFINITY;
    for (size_t i = 0; i < n; i += DP_SUM_BLOCK) {
        size_t nb = n - i < DP_SUM_BLOCK ? n - i : DP_SUM_BLOCK;
        if (GEMM_FN(any_nan)(x + i, nb)) return (GEMM_T)NAN;
        GEMM_T b = GEMM_FN(max_block)(x + i, nb);
        if (b > m) m = b;
    }
    return m == 0 ? GEMM_FN(zero_of)(x, n) : m;
}

/* ---- sums of columns: every vector element is one column ---- */

/* y[nv vectors] = the block sum of n <= 4096 rows */
DP_GEMM_INLINE void GEMM_FN(columns_block)(GEMM_T *y, const GEMM_T *x, size_t n,
                                           ptrdiff_t row_stride, const int nv, GEMM_MASK mask) {
    GEMM_T lane[DP_SUM_LANES][GEMM_FN(CV) * GEMM_VL];
    size_t used = n < DP_SUM_LANES ? n : DP_SUM_LANES;
    for (size_t i = 0; i < n; i++, x += row_stride) {
        GEMM_T *l = lane[i % DP_SUM_LANES];
        DP_GEMM_UNROLL
        for (int v = 0; v < nv; v++) {
            GEMM_V a = i < DP_SUM_LANES ? GEMM_SET1(0) : GEMM_LOAD(l + v * GEMM_VL);
            GEMM_STORE(l + v * GEMM_VL,
                       GEMM_ADD(a, GEMM_FN(load)(x + v * GEMM_VL, v == nv - 1, mask)));
        }
    }
    for (size_t h = DP_SUM_LANES / 2; h; h /= 2)
        for (size_t l = 0; l < h && l + h < used; l++) {
            DP_GEMM_UNROLL
            for (int v = 0; v < nv; v++)
                GEMM_STORE(lane[l] + v * GEMM_VL, GEMM_ADD(GEMM_LOAD(lane[l] + v * GEMM_VL),
                                                           GEMM_LOAD(lane[l + h] + v * GEMM_VL)));
        }
    DP_GEMM_UNROLL
    for (int v = 0; v < nv; v++) GEMM_STORE(y + v * GEMM_VL, GEMM_LOAD(lane[0] + v * GEMM_VL));
}

/* a += b */
DP_GEMM_INLINE void GEMM_FN(columns_add)(GEMM_T *a, const GEMM_T *b, const int nv) {
    DP_GEMM_UNROLL
    for (int v = 0; v < nv; v++)
        GEMM_STORE(a + v * GEMM_VL,
                   GEMM_ADD(GEMM_LOAD(a + v * GEMM_VL), GEMM_LOAD(b + v * GEMM_VL)));
}

DP_GEMM_INLINE void GEMM_FN(columns)(GEMM_T *y, const GEMM_T *x, size_t rows, size_t width,
                                     ptrdiff_t row_stride, const int nv) {
    GEMM_T stack[GEMM_FN(DEPTH)][GEMM_FN(CV) * GEMM_VL];
    GEMM_MASK mask = GEMM_MASK_OF(width - (size_t)(nv - 1) * GEMM_VL);
    size_t top = 0;
    for (size_t i = 0; i < rows; i += DP_SUM_BLOCK) {
        size_t nb = rows - i < DP_SUM_BLOCK ? rows - i : DP_SUM_BLOCK;
        const GEMM_T *block = x + (ptrdiff_t)i * row_stride;
        GEMM_FN(columns_block)(stack[top++], block, nb, row_stride, nv, mask);
        for (size_t b = i / DP_SUM_BLOCK; b & 1; b >>= 1, top--)
            GEMM_FN(columns_add)(stack[top - 2], stack[top - 1], nv);
    }
    for (; top > 1; top--) GEMM_FN(columns_add)(stack[top - 2], stack[top - 1], nv);
    for (size_t j = 0; j < width; j++) y[j] = rows ? stack[0][j] : 0;
}

void GEMM_EXPORT(dp__sum_columns)(GEMM_T *y, const GEMM_T *x, size_t rows, size_t columns,
                                  ptrdiff_t row_stride) {
    while (columns) {
        size_t vectors = (columns + GEMM_VL - 1) / GEMM_VL, width = columns;
        if (vectors >= GEMM_FN(CV)) {
            if (width > GEMM_FN(CV) * GEMM_VL) width = GEMM_FN(CV) * GEMM_VL;
            GEMM_FN(columns)(y, x, rows, width, row_stride, GEMM_FN(CV));
        } else {
            if (vectors > 1) width = GEMM_VL;
            GEMM_FN(columns)(y, x, rows, width, row_stride, 1);
        }
        y += width, x += width, columns -= width;
    }
}
