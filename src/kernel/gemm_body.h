/* gemm_body.h: C = A B for one instruction set and one type; included by gemm_*.c, which define
 *
 *     GEMM_FN(x), GEMM_EXPORT(x)             static and exported names of type and instruction set
 *     GEMM_T, GEMM_V, GEMM_VL                element, vector, elements of a vector
 *     GEMM_P, GEMM_PL                        the vector of the packers
 *     GEMM_QL, GEMM_PLOADQ(p, step)          PL / QL runs of QL elements, step apart, as a vector
 *     GEMM_PTRANSPOSE(q)                     turns the QL x QL squares of QL vectors
 *     GEMM_Q, GEMM_QLOADQ, GEMM_QTRANSPOSE   the same for vectors of QL elements
 *     GEMM_MR, GEMM_NV, GEMM_ROWS(X, ...)    largest tile: MR rows of NV vectors; X(1) ... X(MR)
 *     GEMM_LOAD, GEMM_STORE, GEMM_SET1, GEMM_FMA(a, b, c) = a b + c
 *     GEMM_MASK, GEMM_MASK_OF(n), GEMM_LOADM, GEMM_STOREM      the first n elements of a vector
 *
 * Order (law 1): the accumulators of a tile run through one k-block from +0; the first block is
 * stored, each later one added to C. Every other choice below is free.
 *
 * A panel of B is [kb][w], w <= W columns rounded up to whole vectors; a panel of A is [kb][r], r
 * <= MR rows. B is read in place where its columns are adjacent, A with any strides. */

enum {
    GEMM_FN(WIDE) = 8,              /* vectors of the one-row tile */
    GEMM_FN(W) = GEMM_NV * GEMM_VL, /* columns of the largest tile */
    GEMM_FN(DOT) = 4,               /* chains of accumulators of a dot */
    GEMM_FN(NC) = GEMM_NC_BYTES / (DP_K_BLOCK * (int)sizeof(GEMM_T)) / GEMM_FN(W) * GEMM_FN(W),
};

#define GEMM_ONE(R, ...) +1
_Static_assert(0 GEMM_ROWS(GEMM_ONE, 0) == GEMM_MR, "a micro-kernel for every number of rows");
#undef GEMM_ONE

typedef struct GEMM_FN(tile) {
    const GEMM_T *a, *b;
    GEMM_T *c;
    ptrdiff_t a_row, a_col, b_row, c_row;
    size_t k;
    GEMM_MASK mask; /* of the last vector */
    bool add;       /* a later k-block */
} GEMM_FN(tile);

typedef void GEMM_FN(micro_fn)(const GEMM_FN(tile) * t);

/* ---- micro-kernel: C[rows, nv vectors] (+)= A[rows, k] B[k, nv vectors] ---- */

/* vector j of nv; the last one of a tail is masked */
DP_GEMM_INLINE GEMM_V GEMM_FN(load)(const GEMM_T *p, bool masked, GEMM_MASK mask) {
    return masked ? GEMM_LOADM(p, mask) : GEMM_LOAD(p);
}

/* Row i of A is base[i / 3] + (i % 3) a_row: few registers, whatever the stride. */
DP_GEMM_INLINE void GEMM_FN(micro)(const GEMM_FN(tile) * t, const int rows, const int nv,
                                   const bool unit, const bool tail) {
    GEMM_V acc[GEMM_MR][GEMM_FN(WIDE)];
    const GEMM_T *base[(GEMM_MR + 2) / 3], *b = t->b;
    const ptrdiff_t a_row = unit ? 1 : t->a_row, a_col = t->a_col, b_row = t->b_row;
    const GEMM_MASK mask = t->mask;
    DP_GEMM_UNROLL
    for (int i = 0; i < rows; i += 3) base[i / 3] = t->a + i * a_row;
    DP_GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        DP_GEMM_UNROLL
        for (int j = 0; j < nv; j++) acc[i][j] = GEMM_SET1(0);
    }
    if (t->k >= GEMM_PREFETCH_K) {
        DP_GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            DP_GEMM_UNROLL
            for (int j = 0; j < nv; j++)
                __builtin_prefetch(t->c + i * t->c_row + j * GEMM_VL, 1, 3);
        }
    }
    for (size_t p = t->k; p; p--, b += b_row) {
        GEMM_V bv[GEMM_FN(WIDE)];
        DP_GEMM_UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = GEMM_FN(load)(b + j * GEMM_VL, tail && j == nv - 1, mask);
        DP_GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            GEMM_V av = GEMM_SET1(base[i / 3][i % 3 * a_row]);
            DP_GEMM_UNROLL
            for (int j = 0; j < nv; j++) acc[i][j] = GEMM_FMA(av, bv[j], acc[i][j]);
        }
        DP_GEMM_UNROLL
        for (int i = 0; i < rows; i += 3) base[i / 3] += a_col;
    }
    if (t->add) {
        DP_GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            DP_GEMM_UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = GEMM_ADD(
                    GEMM_FN(load)(t->c + i * t->c_row + j * GEMM_VL, tail && j == nv - 1, mask),
                    acc[i][j]);
        }
    }
    DP_GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        DP_GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            GEMM_T *c = t->c + i * t->c_row + j * GEMM_VL;
            if (tail && j == nv - 1)
                GEMM_STOREM(c, acc[i][j], mask);
            else
                GEMM_STORE(c, acc[i][j]);
        }
    }
}

#define GEMM_MICRO(R, NV, UNIT, TAIL)                                                  \
    static void GEMM_FN(micro_##R##_##NV##_##UNIT##_##TAIL)(const GEMM_FN(tile) * t) { \
        GEMM_FN(micro)(t, R, NV, UNIT, TAIL);                                          \
    }
#if GEMM_NV == 3
#define GEMM_MICRO_NV(R, U, L) GEMM_MICRO(R, 1, U, L) GEMM_MICRO(R, 2, U, L) GEMM_MICRO(R, 3, U, L)
#define GEMM_NAME_NV(R, U, L)                                            \
    {GEMM_FN(micro_##R##_1_##U##_##L), GEMM_FN(micro_##R##_2_##U##_##L), \
     GEMM_FN(micro_##R##_3_##U##_##L)},
#else
#define GEMM_MICRO_NV(R, U, L) GEMM_MICRO(R, 1, U, L) GEMM_MICRO(R, 2, U, L)
#define GEMM_NAME_NV(R, U, L) {GEMM_FN(micro_##R##_1_##U##_##L), GEMM_FN(micro_##R##_2_##U##_##L)},
#endif
#if GEMM_FREE_MASKS /* a masked load costs nothing: one variant serves both */
GEMM_ROWS(GEMM_MICRO_NV, 0, 1)
GEMM_ROWS(GEMM_MICRO_NV, 1, 1)
GEMM_MICRO(1, 8, 1, 1)
static GEMM_FN(micro_fn) *const GEMM_FN(micros)[2][1][GEMM_MR][GEMM_NV] = {
    {{GEMM_ROWS(GEMM_NAME_NV, 0, 1)}}, {{GEMM_ROWS(GEMM_NAME_NV, 1, 1)}}};
static GEMM_FN(micro_fn) *const GEMM_FN(wide)[1] = {GEMM_FN(micro_1_8_1_1)};
#else
GEMM_ROWS(GEMM_MICRO_NV, 0, 0)
GEMM_ROWS(GEMM_MICRO_NV, 0, 1)
GEMM_ROWS(GEMM_MICRO_NV, 1, 0)
GEMM_ROWS(GEMM_MICRO_NV, 1, 1)
GEMM_MICRO(1, 8, 1, 0)
GEMM_MICRO(1, 8, 1, 1)
static GEMM_FN(micro_fn) *const GEMM_FN(micros)[2][2][GEMM_MR][GEMM_NV] = {
    {{GEMM_ROWS(GEMM_NAME_NV, 0, 0)}, {GEMM_ROWS(GEMM_NAME_NV, 0, 1)}},
    {{GEMM_ROWS(GEMM_NAME_NV, 1, 0)}, {GEMM_ROWS(GEMM_NAME_NV, 1, 1)}}};
static GEMM_FN(micro_fn) *const GEMM_FN(wide)[2] = {GEMM_FN(micro_1_8_1_0), GEMM_FN(micro_1_8_1_1)};
#endif
#undef GEMM_MICRO
#undef GEMM_MICRO_NV
#undef GEMM_NAME_NV

/* ---- packing: y[p w + i] = x[i row + p col], i < r, +0 for r <= i < w ---- */

static void GEMM_FN(pack_copy)(GEMM_T *y, size_t w, const GEMM_T *x, ptrdiff_t col, size_t r,
                               size_t k) {
    size_t whole = r / GEMM_VL * GEMM_VL, rest = r - whole;
    GEMM_MASK mask = GEMM_MASK_OF(rest);
    for (size_t p = 0; p < k; p++, x += col, y += w) {
        size_t i = 0;
        for (; i < whole; i += GEMM_VL) GEMM_STORE(y + i, GEMM_LOAD(x + i));
        if (rest && whole + GEMM_VL <= w) {
            GEMM_STORE(y + i, GEMM_LOADM(x + i, mask));
            i += GEMM_VL;
        } else
            for (; i < r; i++) y[i] = x[i];
        for (; i < w; i++) y[i] = 0;
    }
}

static void GEMM_FN(pack_any)(GEMM_T *y, size_t w, const GEMM_T *x, ptrdiff_t row, ptrdiff_t col,
                              size_t r, size_t k) {
    for (size_t p = 0; p < k; p++, x += col, y += w)
        for (size_t i = 0; i < w; i++) y[i] = i < r ? x[(ptrdiff_t)i * row] : 0;
}

/* Rows adjacent along p: PL rows x QL columns at a time. Vector l holds elements p .. p + QL of
 * rows l, QL + l, 2 QL + l ...; turning its QL x QL squares leaves vector l with column p + l of
 * all. Returns the rows done. */
#define GEMM_PACK_SQUARES(NAME, V, ROWS, LOADQ, TRANSPOSE)                                      \
    static size_t GEMM_FN(NAME)(GEMM_T * y, size_t w, const GEMM_T *x, ptrdiff_t row, size_t i, \
                                size_t r, size_t k) {                                           \
        size_t kp = k / GEMM_QL * GEMM_QL;                                                      \
        for (; i + ROWS <= r; i += ROWS) {                                                      \
            const GEMM_T *s = x + (ptrdiff_t)i * row;                                           \
            for (size_t p = 0; p < kp; p += GEMM_QL) {                                          \
                V q[GEMM_QL];                                                                   \
                DP_GEMM_UNROLL                                                                  \
                for (int l = 0; l < GEMM_QL; l++) q[l] = LOADQ(s + p + l * row, GEMM_QL * row); \
                TRANSPOSE(q);                                                                   \
                DP_GEMM_UNROLL                                                                  \
                for (int l = 0; l < GEMM_QL; l++)                                               \
                    memcpy(y + (p + (size_t)l) * w + i, &q[l], sizeof q[l]);                    \
            }                                                                                   \
            for (size_t p = kp; p < k; p++)                                                     \
                for (int l = 0; l < ROWS; l++)                                                  \
                    y[p * w + i + (size_t)l] = s[(ptrdiff_t)p + l * row];                       \
        }                                                                                       \
        return i;                                                                               \
    }
GEMM_PACK_SQUARES(pack_vectors, GEMM_P, GEMM_PL, GEMM_PLOADQ, GEMM_PTRANSPOSE)
GEMM_PACK_SQUARES(pack_quads, GEMM_Q, GEMM_QL, GEMM_QLOADQ, GEMM_QTRANSPOSE)
#undef GEMM_PACK_SQUARES

static void GEMM_FN(pack_turn)(GEMM_T *y, size_t w, const GEMM_T *x, ptrdiff_t row, size_t r,
                               size_t k) {
    size_t i = GEMM_FN(pack_vectors)(y, w, x, row, 0, r, k);
    i = GEMM_FN(pack_quads)(y, w, x, row, i, r, k);
    for (; i < w; i++)
        for (size_t p = 0; p < k; p++)
            y[p * w + i] = i < r ? x[(ptrdiff_t)i * row + (ptrdiff_t)p] : 0;
}

static void GEMM_FN(pack)(GEMM_T *y, size_t w, const GEMM_T *x, ptrdiff_t row, ptrdiff_t col,
                          size_t r, size_t k) {
    if (row == 1) {
        GEMM_FN(pack_copy)(y, w, x, col, r, k);
    } else if (col == 1) {
        for (size_t p = 0; p < k; p += 64) /* a piece of y that stays in L1 */
            GEMM_FN(pack_turn)(y + p * w, w, x + p, row, r, k - p < 64 ? k - p : 64);
    } else
        GEMM_FN(pack_any)(y, w, x, row, col, r, k);
}

/* ---- one row times a matrix whose columns are adjacent in memory: turned in registers ---- */

/* columns [j, j + groups PL), all of k; stores n columns from the first-th on */
DP_GEMM_INLINE void GEMM_FN(dot)(const dp_gemm *g, size_t j, const int groups, size_t first,
                                 size_t n) {
    const GEMM_T *a = g->a, *b = (const GEMM_T *)g->b + (ptrdiff_t)j * g->b_col;
    const ptrdiff_t col = g->b_col, a_col = g->a_col;
    GEMM_P acc[GEMM_FN(DOT)], sum[GEMM_FN(DOT)];
    DP_GEMM_UNROLL
    for (int i = 0; i < groups; i++) sum[i] = GEMM_PSET1(0);
    for (size_t p = 0, kb; p < g->k; p += kb) {
        kb = g->k - p < DP_K_BLOCK ? g->k - p : DP_K_BLOCK;
        DP_GEMM_UNROLL
        for (int i = 0; i < groups; i++) acc[i] = GEMM_PSET1(0);
        size_t q = kb / GEMM_QL;
        for (; q; q--, b += GEMM_QL, a += GEMM_QL * a_col) {
            DP_GEMM_UNROLL
            for (int i = 0; i < groups; i++) {
                const GEMM_T *s = b + i * GEMM_PL * col;
                GEMM_P v[GEMM_QL];
                DP_GEMM_UNROLL
                for (int l = 0; l < GEMM_QL; l++) v[l] = GEMM_PLOADQ(s + l * col, GEMM_QL * col);
                GEMM_PTRANSPOSE(v);
                DP_GEMM_UNROLL
                for (int l = 0; l < GEMM_QL; l++)
                    acc[i] = GEMM_PFMA(GEMM_PSET1(a[l * a_col]), v[l], acc[i]);
            }
        }
        for (q = kb % GEMM_QL; q; q--, b++, a += a_col) {
            for (int i = 0; i < groups; i++) {
                GEMM_T x[GEMM_PL];
                GEMM_P v;
                for (int l = 0; l < GEMM_PL; l++) x[l] = b[(i * GEMM_PL + l) * col];
                memcpy(&v, x, sizeof v);
                acc[i] = GEMM_PFMA(GEMM_PSET1(*a), v, acc[i]);
            }
        }
        DP_GEMM_UNROLL
        for (int i = 0; i < groups; i++) {
            if (p) acc[i] += sum[i];
            sum[i] = acc[i];
        }
    }
    memcpy((GEMM_T *)g->c + j + first, (const GEMM_T *)(const void *)sum + first,
           n * sizeof(GEMM_T));
}

/* columns [j0, j1) of PL or more; fewer than PL are computed with their neighbours to the left */
static void GEMM_FN(dots)(const dp_gemm *g, size_t j0, size_t j1) {
    const size_t w = GEMM_FN(DOT) * GEMM_PL;
    for (; j1 - j0 >= w; j0 += w) GEMM_FN(dot)(g, j0, GEMM_FN(DOT), 0, w);
    for (; j1 - j0 >= GEMM_PL; j0 += GEMM_PL) GEMM_FN(dot)(g, j0, 1, 0, GEMM_PL);
    if (j0 < j1) {
        size_t j = j1 < GEMM_PL ? 0 : j1 - GEMM_PL;
        GEMM_FN(dot)(g, j, 1, j0 - j, j1 - j0);
    }
}

/* ---- driver ---- */

typedef struct GEMM_FN(job) {
    dp_gemm g;             /* with n = 1 turned into m = 1 where C allows it */
    size_t i0, i1, j0, j1; /* this part */
    size_t m, n;           /* rows and columns of the largest part */
    size_t mc, nc;         /* rows and columns per pass */
    GEMM_T *pa, *pb;       /* packed panels, NULL: read in place */
    bool turned, dots, pack_a, pack_b;
} GEMM_FN(job);

static size_t GEMM_FN(ceil)(size_t a, size_t b) { return (a + b - 1) / b; }

/* cost of one k step of the largest part, in vector operations times 4 */
static size_t GEMM_FN(cost)(const dp_gemm *g, size_t pm, size_t pn) {
    size_t rows = GEMM_FN(ceil)(g->m, pm);
    size_t vectors = GEMM_FN(ceil)(GEMM_FN(ceil)(g->n, GEMM_VL), pn);
    return 4 * rows * vectors + rows + vectors * GEMM_VL;
}

/* parts = pm x pn, the grid whose largest part costs least */
static size_t GEMM_FN(grid)(const dp_gemm *g, size_t parts) {
    size_t best = parts, least = GEMM_FN(cost)(g, parts, 1);
    if (g->whole_rows && g->n > 1) return parts;
    for (size_t pm = 1; pm < parts; pm++) {
        size_t cost = parts % pm ? SIZE_MAX : GEMM_FN(cost)(g, pm, parts / pm);
        if (cost < least) least = cost, best = pm;
    }
    return best;
}

static void GEMM_FN(turn)(GEMM_FN(job) * job) {
    dp_gemm *g = &job->g, t = *g;
    if (g->n == 1) g->b_col = 1;
    if (g->n != 1 || g->m < 2 || g->c_row != 1) return;
    job->turned = true;
    g->m = 1, g->n = t.m;
    g->a = t.b, g->a_row = t.b_col, g->a_col = t.b_row;
    g->b = t.a, g->b_row = t.a_col, g->b_col = t.a_row;
    g->c_row = (ptrdiff_t)t.m;
}

/* What to pack. Packing B costs about k n / 4 cycles, a panel of A k r / 4 for every pass. */
static void GEMM_FN(plan)(GEMM_FN(job) * job, const dp_gemm *gemm, size_t part, size_t parts) {
    dp_gemm *g = &job->g;
    *job = (GEMM_FN(job)){.g = *gemm};
    GEMM_FN(turn)(job);
    size_t pm = parts == 1 ? 1 : GEMM_FN(grid)(g, parts), pn = parts / pm;
    size_t r = part / pn, c = part % pn, vectors = GEMM_FN(ceil)(g->n, GEMM_VL);
    job->i0 = g->m * r / pm, job->i1 = g->m * (r + 1) / pm;
    job->j0 = vectors * c / pn * GEMM_VL, job->j1 = vectors * (c + 1) / pn * GEMM_VL;
    if (job->j1 > g->n) job->j1 = g->n;
    size_t m = job->m = GEMM_FN(ceil)(g->m, pm), n = job->n = GEMM_FN(ceil)(vectors, pn) * GEMM_VL;
    job->dots = g->m == 1 && g->b_row == 1 && g->b_col != 1 && g->n >= GEMM_PL && g->k;
    if (job->dots) return;
    job->pack_a = n >= GEMM_PACK_A_COLUMNS && (g->a_row != 1 || g->k > GEMM_PACK_A_K);
    size_t kb = g->k < DP_K_BLOCK ? g->k : DP_K_BLOCK;
    job->pack_b = g->b_col != 1 || (m >= GEMM_PACK_B_ROWS && n > GEMM_FN(W) &&
                                    kb * n * sizeof(GEMM_T) > GEMM_NC_BYTES);
    job->nc = m <= 2 * GEMM_MR ? GEMM_FN(W) : GEMM_FN(NC);
    bool whole = g->whole_rows || (g->epilogue && kb * n * sizeof(GEMM_T) <= GEMM_ROWS_BYTES);
    if (!job->pack_b && (m <= 2 * GEMM_MR || whole)) job->nc = n;
    if (job->nc > n) job->nc = n;
    job->mc = job->pack_a ? GEMM_MC : m;
    if (job->mc > m) job->mc = m;
}

/* bytes of the panels of A and of B, each a multiple of a cache line */
static size_t GEMM_FN(a_bytes)(const GEMM_FN(job) * job) {
    size_t k = job->g.k < DP_K_BLOCK ? job->g.k : DP_K_BLOCK;
    return job->pack_a ? (k * job->mc * sizeof(GEMM_T) + 63) / 64 * 64 : 0;
}
static size_t GEMM_FN(b_bytes)(const GEMM_FN(job) * job) {
    size_t k = job->g.k < DP_K_BLOCK ? job->g.k : DP_K_BLOCK;
    return job->pack_b ? (k * job->nc * sizeof(GEMM_T) + 63) / 64 * 64 : 0;
}

size_t GEMM_EXPORT(dp__gemm_scratch)(const dp_gemm *g, size_t parts) {
    GEMM_FN(job) job;
    GEMM_FN(plan)(&job, g, 0, parts);
    return GEMM_FN(a_bytes)(&job) + GEMM_FN(b_bytes)(&job);
}

static void GEMM_FN(finish)(const GEMM_FN(job) * job, size_t i0, size_t i1, size_t j0, size_t j1) {
    const dp_gemm *g = &job->g;
    if (!g->epilogue) return;
    if (job->turned)
        g->epilogue(g->context, j0, j1, i0, i1);
    else
        g->epilogue(g->context, i0, i1, j0, j1);
}

/* one panel of rows [i, i + r) against columns [j0, j1) of a k-block from p */
static void GEMM_FN(row_panel)(const GEMM_FN(job) * job, GEMM_FN(tile) * t, size_t r, size_t j0,
                               size_t j1) {
    const dp_gemm *g = &job->g;
    bool unit = t->a_row == 1 || r == 1;
    const GEMM_T *b = t->b;
    GEMM_T *c = t->c;
    for (size_t j = j0; j < j1;) {
        size_t left = j1 - j, w = GEMM_FN(W), vectors;
        GEMM_FN(micro_fn) *const *wide = NULL;
        if (r == 1 && !job->pack_b && left >= GEMM_FN(WIDE) * GEMM_VL)
            w = GEMM_FN(WIDE) * GEMM_VL, wide = GEMM_FN(wide);
        if (w > left) w = left;
        vectors = GEMM_FN(ceil)(w, GEMM_VL);
        size_t last = w - (vectors - 1) * GEMM_VL;
        bool tail = !GEMM_FREE_MASKS && last != GEMM_VL;
        t->mask = GEMM_MASK_OF(last);
        t->b_row = job->pack_b ? (ptrdiff_t)(vectors * GEMM_VL) : g->b_row;
        (wide ? wide[tail] : GEMM_FN(micros)[unit][tail][r - 1][vectors - 1])(t);
        t->b += job->pack_b ? t->k * vectors * GEMM_VL : w;
        t->c += w;
        j += w;
    }
    t->b = b, t->c = c;
}

/* rows [i0, i1) against columns [j0, j1) of the k-block [p, p + kb) */
static void GEMM_FN(pass)(const GEMM_FN(job) * job, size_t i0, size_t i1, size_t j0, size_t j1,
                          size_t p, size_t kb, bool finish) {
    const dp_gemm *g = &job->g;
    const GEMM_T *a = (const GEMM_T *)g->a + (ptrdiff_t)p * g->a_col;
    const GEMM_T *b = (const GEMM_T *)g->b + (ptrdiff_t)p * g->b_row + (ptrdiff_t)j0 * g->b_col;
    size_t m = i1 - i0, panels = GEMM_FN(ceil)(m, GEMM_MR), done = i0;
    GEMM_FN(tile) t = {.k = kb, .add = p > 0, .c_row = g->c_row};
    t.b = job->pack_b ? job->pb : b;
    for (size_t q = 0; q < panels; q++) {
        size_t i = i0 + m * q / panels, r = i0 + m * (q + 1) / panels - i;
        t.c = (GEMM_T *)g->c + (ptrdiff_t)i * g->c_row + (ptrdiff_t)j0;
        t.a = a + (ptrdiff_t)i * g->a_row, t.a_row = g->a_row, t.a_col = g->a_col;
        if (job->pack_a) {
            GEMM_T *pa = job->pa + (i - i0) * kb;
            if (j0 == job->j0) GEMM_FN(pack)(pa, r, t.a, t.a_row, t.a_col, r, kb);
            t.a = pa, t.a_row = 1, t.a_col = (ptrdiff_t)r;
        }
        GEMM_FN(row_panel)(job, &t, r, j0, j1);
        if (finish && ((i + r - done) * (j1 - j0) >= GEMM_EPILOGUE || q + 1 == panels)) {
            GEMM_FN(finish)(job, done, i + r, j0, j1);
            done = i + r;
        }
    }
}

static void GEMM_FN(pack_b)(const GEMM_FN(job) * job, size_t j0, size_t j1, size_t p, size_t kb) {
    const dp_gemm *g = &job->g;
    const GEMM_T *b = (const GEMM_T *)g->b + (ptrdiff_t)p * g->b_row;
    GEMM_T *y = job->pb;
    for (size_t j = j0; j < j1; j += GEMM_FN(W)) {
        size_t r = j1 - j < GEMM_FN(W) ? j1 - j : GEMM_FN(W);
        size_t w = GEMM_FN(ceil)(r, GEMM_VL) * GEMM_VL;
        GEMM_FN(pack)(y, w, b + (ptrdiff_t)j * g->b_col, g->b_col, g->b_row, r, kb);
        y += kb * w;
    }
}

/* all of k and of the part's columns for rows [i0, i1) */
static void GEMM_FN(rows)(const GEMM_FN(job) * job, size_t i0, size_t i1) {
    const dp_gemm *g = &job->g;
    bool late = !job->turned && g->whole_rows && job->nc < g->n;
    size_t p = 0, kb;
    do {
        kb = g->k - p < DP_K_BLOCK ? g->k - p : DP_K_BLOCK;
        for (size_t j = job->j0, w; j < job->j1; j += w) {
            w = job->j1 - j < job->nc ? job->j1 - j : job->nc;
            if (job->pack_b) GEMM_FN(pack_b)(job, j, j + w, p, kb);
            GEMM_FN(pass)(job, i0, i1, j, j + w, p, kb, !late && p + kb == g->k);
        }
        p += kb;
    } while (p < g->k);
    if (late) GEMM_FN(finish)(job, i0, i1, job->j0, job->j1);
}

void GEMM_EXPORT(dp__gemm)(const dp_gemm *gemm, void *scratch, size_t part, size_t parts) {
    GEMM_FN(job) job;
    GEMM_FN(plan)(&job, gemm, part, parts);
    if (job.i0 == job.i1 || job.j0 == job.j1) return;
    if (job.dots) {
        GEMM_FN(dots)(&job.g, job.j0, job.j1);
        GEMM_FN(finish)(&job, 0, 1, job.j0, job.j1);
        return;
    }
    job.pb = scratch;
    if (job.pack_a) job.pa = (GEMM_T *)(void *)((char *)scratch + GEMM_FN(b_bytes)(&job));
    for (size_t i = job.i0, m; i < job.i1; i += m) {
        m = job.i1 - i < job.mc ? job.i1 - i : job.mc;
        GEMM_FN(rows)(&job, i, i + m);
    }
}
