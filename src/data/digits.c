/* digits.c: handwriting-like digits, drawn from jittered stroke skeletons.
 *
 * Example i depends on (seed, i) only: every number comes from Philox with key = seed and
 * counter = (block, i, stream). The arithmetic is + - * / sqrt in one fixed order in float, so the
 * pixels are the same bytes on every machine.
 *
 * skeleton (0-100, y down) -> jittered control points -> Hermite curves sampled as short segments
 * -> elastic displacement -> slant, rotation, aspect -> scaled to a 20 x 20 box, its centre
 * of mass near the middle -> distance to the strokes -> grey levels. What varies, and how much, was
 * chosen so that a network trained on these digits reads real ones. */
#include "data.h"

#include <math.h>

enum { DIGITS_POINTS = 24, DIGITS_STEPS = 6, DIGITS_SEGMENTS = 160, DIGITS_SIDE = 28 };

/* ---- skeletons: 's' begins a stroke, 'c' curves through, 'k' is a corner, 0 ends ---- */
typedef struct digits_point {
    signed char x, y;
    char kind;
} digits_point;

typedef struct digits_shape {
    unsigned char digit, weight; /* weights are relative within a digit */
    digits_point point[DIGITS_POINTS];
} digits_shape;

/* clang-format off */
static const digits_shape digits_shapes[] = {
    /* 0: from the top; from the upper right, crossing its own beginning; ending inside */
    {0, 20, {{58, 0, 's'}, {31, 12, 'c'}, {13, 50, 'c'}, {19, 88, 'c'}, {42, 100, 'c'},
           {69, 88, 'c'}, {87, 50, 'c'}, {81, 12, 'c'}, {56, 0, 'c'}}},
    {0, 18, {{71, 5, 's'}, {48, 2, 'c'}, {22, 25, 'c'}, {10, 60, 'c'}, {21, 94, 'c'}, {50, 97, 'c'},
           {79, 70, 'c'}, {86, 35, 'c'}, {75, 9, 'c'}, {51, 8, 'c'}}},
    {0, 12, {{80, 14, 's'}, {58, 0, 'c'}, {27, 16, 'c'}, {10, 52, 'c'}, {17, 92, 'c'},
           {48, 98, 'c'}, {83, 66, 'c'}, {88, 28, 'c'}, {69, 5, 'c'}, {51, 16, 'c'}}},
    /* 1: a line; with a flag; with flag and foot; with short ones */
    {1, 120, {{58, 0, 's'}, {50, 50, 'c'}, {42, 100, 'c'}}},
    {1, 8, {{34, 22, 's'}, {59, 0, 'k'}, {50, 50, 'c'}, {42, 100, 'c'}}},
    {1, 8, {{28, 24, 's'}, {58, 0, 'k'}, {50, 50, 'c'}, {42, 100, 'c'}, {12, 99, 's'},
           {42, 100, 'c'}, {74, 98, 'c'}}},
    {1, 4, {{44, 14, 's'}, {60, 0, 'c'}, {51, 50, 'c'}, {42, 100, 'c'}, {26, 100, 's'},
           {42, 100, 'c'}, {58, 99, 'c'}}},
    /* 2: plain; with a loop; like a z; with a small loop and a long tail */
    {2, 24, {{15, 22, 's'}, {35, 3, 'c'}, {65, 2, 'c'}, {80, 22, 'c'}, {70, 48, 'c'}, {42, 74, 'c'},
           {12, 97, 'k'}, {48, 95, 'c'}, {92, 94, 'c'}}},
    {2, 58, {{12, 22, 's'}, {36, 3, 'c'}, {66, 5, 'c'}, {75, 28, 'c'}, {60, 60, 'c'}, {35, 92, 'c'},
           {13, 96, 'c'}, {10, 82, 'c'}, {28, 76, 'c'}, {52, 86, 'c'}, {72, 97, 'c'},
           {96, 90, 'c'}}},
    {2, 26, {{12, 10, 's'}, {48, 3, 'c'}, {80, 8, 'c'}, {68, 40, 'c'}, {38, 72, 'c'}, {10, 95, 'k'},
           {50, 93, 'c'}, {94, 96, 'c'}}},
    {2, 16, {{20, 20, 's'}, {45, 2, 'c'}, {74, 12, 'c'}, {66, 42, 'c'}, {40, 72, 'c'},
           {12, 94, 'c'}, {20, 83, 'c'}, {50, 87, 'c'}, {98, 95, 'c'}}},
    /* 3: with a corner in the middle; round there; with a flat top; leaning */
    {3, 24, {{18, 14, 's'}, {42, 1, 'c'}, {70, 8, 'c'}, {74, 28, 'c'}, {58, 44, 'c'}, {38, 48, 'k'},
           {62, 51, 'c'}, {82, 70, 'c'}, {74, 92, 'c'}, {45, 100, 'c'}, {14, 90, 'c'}}},
    {3, 22, {{20, 10, 's'}, {50, 0, 'c'}, {74, 14, 'c'}, {66, 36, 'c'}, {46, 48, 'c'},
           {38, 52, 'c'}, {48, 49, 'c'}, {74, 58, 'c'}, {80, 80, 'c'}, {58, 98, 'c'},
           {15, 92, 'c'}}},
    {3, 7, {{18, 6, 's'}, {46, 5, 'c'}, {75, 4, 'k'}, {42, 40, 'k'}, {72, 50, 'c'}, {80, 75, 'c'},
           {60, 97, 'c'}, {12, 92, 'c'}}},
    {3, 28, {{10, 12, 's'}, {45, 0, 'c'}, {72, 10, 'c'}, {62, 34, 'c'}, {34, 48, 'k'},
           {66, 52, 'c'}, {80, 70, 'c'}, {56, 92, 'c'}, {6, 100, 'c'}}},
    /* 4: open with a corner; open and round; closed; with a short stem */
    {4, 11, {{20, 4, 's'}, {14, 30, 'c'}, {14, 54, 'k'}, {50, 54, 'c'}, {90, 48, 'c'}, {74, 4, 's'},
           {69, 50, 'c'}, {64, 100, 'c'}}},
    {4, 29, {{20, 8, 's'}, {12, 42, 'c'}, {30, 58, 'c'}, {58, 50, 'c'}, {78, 38, 'c'}, {82, 2, 's'},
           {74, 50, 'c'}, {66, 100, 'c'}}},
    {4, 16, {{66, 2, 's'}, {38, 32, 'c'}, {8, 62, 'k'}, {50, 60, 'c'}, {94, 58, 'c'}, {66, 2, 's'},
           {64, 50, 'c'}, {62, 100, 'c'}}},
    {4, 16, {{30, 0, 's'}, {11, 48, 'c'}, {22, 58, 'c'}, {56, 54, 'c'}, {96, 45, 'c'},
           {66, 22, 's'}, {60, 60, 'c'}, {55, 100, 'c'}}},
    /* 5: body and hat; in one stroke; round like an s; small with a long hat */
    {5, 20, {{28, 6, 's'}, {26, 24, 'c'}, {22, 44, 'k'}, {50, 36, 'c'}, {78, 52, 'c'},
           {78, 78, 'c'}, {50, 98, 'c'}, {12, 92, 'c'}, {28, 6, 's'}, {58, 6, 'c'}, {90, 2, 'c'}}},
    {5, 20, {{90, 3, 's'}, {62, 5, 'c'}, {36, 8, 'k'}, {26, 44, 'k'}, {55, 40, 'c'}, {76, 62, 'c'},
           {66, 90, 'c'}, {38, 100, 'c'}, {10, 92, 'c'}}},
    {5, 6, {{86, 4, 's'}, {52, 6, 'c'}, {32, 24, 'c'}, {45, 44, 'c'}, {68, 62, 'c'}, {66, 86, 'c'},
           {40, 98, 'c'}, {12, 88, 'c'}}},
    {5, 38, {{30, 18, 's'}, {29, 30, 'c'}, {25, 46, 'k'}, {55, 42, 'c'}, {70, 62, 'c'},
           {54, 92, 'c'}, {8, 95, 'c'}, {30, 18, 's'}, {60, 13, 'c'}, {99, 3, 'c'}}},
    /* 6: curved; with a straight back; wide */
    {6, 24, {{68, 2, 's'}, {40, 20, 'c'}, {19, 56, 'c'}, {22, 88, 'c'}, {48, 100, 'c'},
           {74, 86, 'c'}, {76, 64, 'c'}, {55, 54, 'c'}, {32, 66, 'c'}, {22, 84, 'c'}}},
    {6, 18, {{40, 0, 's'}, {24, 35, 'c'}, {16, 72, 'c'}, {30, 97, 'c'}, {60, 96, 'c'},
           {78, 78, 'c'}, {64, 61, 'c'}, {38, 67, 'c'}, {22, 84, 'c'}}},
    {6, 14, {{40, 0, 's'}, {18, 40, 'c'}, {12, 76, 'c'}, {36, 99, 'c'}, {76, 93, 'c'},
           {88, 72, 'c'}, {70, 56, 'c'}, {40, 66, 'c'}, {25, 88, 'c'}}},
    /* 7: plain; with a bar; with a hook; curved; with a wave; with hook and bar */
    {7, 28, {{10, 10, 's'}, {45, 8, 'c'}, {84, 6, 'k'}, {66, 48, 'c'}, {48, 100, 'c'}}},
    {7, 5, {{10, 10, 's'}, {45, 8, 'c'}, {84, 6, 'k'}, {66, 48, 'c'}, {48, 100, 'c'}, {34, 52, 's'},
           {60, 50, 'c'}, {88, 48, 'c'}}},
    {7, 12, {{10, 30, 's'}, {14, 10, 'k'}, {48, 8, 'c'}, {82, 5, 'k'}, {70, 48, 'c'},
           {60, 100, 'c'}}},
    {7, 16, {{8, 16, 's'}, {46, 6, 'c'}, {78, 8, 'c'}, {76, 32, 'c'}, {58, 66, 'c'},
           {46, 100, 'c'}}},
    {7, 12, {{8, 18, 's'}, {20, 5, 'c'}, {50, 11, 'c'}, {84, 4, 'k'}, {64, 48, 'c'},
           {52, 100, 'c'}}},
    {7, 2, {{10, 28, 's'}, {14, 9, 'k'}, {48, 8, 'c'}, {82, 6, 'k'}, {66, 48, 'c'}, {52, 100, 'c'},
           {34, 52, 's'}, {60, 50, 'c'}, {90, 48, 'c'}}},
    /* 8: in one stroke from the upper right; two ovals; open at the top; leaning */
    {8, 24, {{72, 14, 's'}, {50, 0, 'c'}, {26, 14, 'c'}, {35, 38, 'c'}, {60, 54, 'c'},
           {73, 78, 'c'}, {50, 99, 'c'}, {24, 88, 'c'}, {29, 66, 'c'}, {58, 42, 'c'}, {77, 22, 'c'},
           {68, 6, 'c'}}},
    {8, 8, {{52, 0, 's'}, {30, 14, 'c'}, {31, 36, 'c'}, {50, 46, 'c'}, {72, 36, 'c'}, {74, 12, 'c'},
           {52, 0, 'c'}, {50, 46, 's'}, {21, 62, 'c'}, {20, 88, 'c'}, {48, 100, 'c'}, {76, 88, 'c'},
           {75, 62, 'c'}, {50, 46, 'c'}}},
    {8, 36, {{88, 10, 's'}, {54, 1, 'c'}, {30, 18, 'c'}, {44, 44, 'c'}, {65, 72, 'c'},
           {46, 99, 'c'}, {22, 86, 'c'}, {35, 62, 'c'}, {65, 38, 'c'}, {92, 12, 'c'}}},
    {8, 12, {{80, 18, 's'}, {52, 5, 'c'}, {24, 18, 'c'}, {36, 42, 'c'}, {65, 62, 'c'},
           {66, 86, 'c'}, {44, 100, 'c'}, {26, 87, 'c'}, {44, 60, 'c'}, {71, 36, 'c'},
           {90, 14, 'c'}}},
    /* 9: straight stem; curved stem; slanted; in one round; open */
    {9, 20, {{74, 20, 's'}, {52, 3, 'c'}, {24, 16, 'c'}, {20, 42, 'c'}, {46, 50, 'c'},
           {72, 32, 'c'}, {78, 10, 'k'}, {74, 54, 'c'}, {70, 100, 'c'}}},
    {9, 6, {{74, 22, 's'}, {52, 3, 'c'}, {24, 16, 'c'}, {20, 42, 'c'}, {46, 50, 'c'}, {70, 34, 'c'},
           {78, 14, 'k'}, {76, 58, 'c'}, {56, 92, 'c'}, {22, 94, 'c'}}},
    {9, 20, {{74, 14, 's'}, {48, 2, 'c'}, {20, 24, 'c'}, {28, 48, 'c'}, {58, 42, 'c'},
           {78, 12, 'c'}, {68, 56, 'c'}, {52, 100, 'c'}}},
    {9, 20, {{70, 10, 's'}, {46, 0, 'c'}, {20, 18, 'c'}, {24, 42, 'c'}, {50, 44, 'c'},
           {72, 24, 'c'}, {72, 8, 'c'}, {70, 30, 'c'}, {64, 62, 'c'}, {58, 100, 'c'}}},
    {9, 30, {{78, 8, 's'}, {54, 1, 'c'}, {27, 22, 'c'}, {26, 43, 'c'}, {48, 46, 'c'}, {70, 28, 'c'},
           {82, 8, 'k'}, {68, 54, 'c'}, {48, 100, 'c'}}},
};
/* clang-format on */
enum { DIGITS_SHAPES = sizeof digits_shapes / sizeof digits_shapes[0] };

/* Per class: how far the hand strays, and how wide it writes. */
static const float digits_jitter[10] = {0.94f, 0.76f, 1.01f, 0.9f, 1.15f,
                                        0.77f, 1.1f,  1.0f,  0.7f, 0.57f};
static const float digits_width[10] = {1.04f, 0.9f,  1.02f, 0.93f, 0.93f,
                                       1.0f,  0.92f, 0.95f, 0.97f, 0.88f};

/* ---- random numbers ---- */
/* [0, 1) in steps of 2^-24 */
static float digits_uniform(dp_words *r) {
    return (float)(dp__word(r) >> 8) * (1.0f / 16777216.0f);
}

static float digits_between(dp_words *r, float low, float high) {
    return low + (high - low) * digits_uniform(r);
}

/* Near to normal, variance 1, |x| < 3.5: the sum of four 16-bit uniforms. */
static float digits_normal(dp_words *r) {
    uint32_t a = dp__word(r), b = dp__word(r);
    uint32_t sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
    return ((float)sum - 131070.0f) * (1.7320508f / 65536.0f);
}

/* ---- from skeleton to segments ---- */
typedef struct digits_segment {
    float x, y, dx, dy, radius;
} digits_segment;

typedef struct digits_drawing {
    float px[DIGITS_SEGMENTS + 1], py[DIGITS_SEGMENTS + 1];
    char begins[DIGITS_SEGMENTS + 1]; /* is this point the first of a stroke? */
    float pressure[DIGITS_SEGMENTS + 1];
    int n;
} digits_drawing;

/* In each run of ten examples every class occurs once. */
static int digits_class(uint64_t seed, uint64_t index) {
    dp_words r;
    int order[10];
    dp__words_begin(&r, seed, index / 10, DP_WORDS_CLASS);
    for (int i = 0; i < 10; i++) order[i] = i;
    for (int i = 9; i > 0; i--) {
        int j = (int)dp__word_below(&r, (uint32_t)i + 1);
        int t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    return order[index % 10];
}

static const digits_shape *digits_choose(dp_words *r, int digit) {
    int total = 0;
    for (int i = 0; i < DIGITS_SHAPES; i++)
        if (digits_shapes[i].digit == digit) total += digits_shapes[i].weight;
    int pick = (int)dp__word_below(r, (uint32_t)total);
    for (int i = 0; i < DIGITS_SHAPES; i++) {
        if (digits_shapes[i].digit != digit) continue;
        pick -= digits_shapes[i].weight;
        if (pick < 0) return &digits_shapes[i];
    }
    return &digits_shapes[0];
}

static void digits_add(digits_drawing *d, float x, float y, bool begins, float pressure) {
    if (d->n > DIGITS_SEGMENTS) return;
    d->px[d->n] = x;
    d->py[d->n] = y;
    d->begins[d->n] = begins;
    d->pressure[d->n] = pressure;
    d->n++;
}

/* Cubic Hermite curves through the jittered points; the tangent at a corner is mixed between the
 * chord's (sharp) and the smooth one's by `round`. */
static void digits_trace(dp_words *r, const digits_shape *s, digits_drawing *d) {
    float x[DIGITS_POINTS], y[DIGITS_POINTS];
    int n = 0;
    float jx = 0, jy = 0;
    float jitter = digits_between(r, 2.54f, 14.61f) * digits_jitter[s->digit];
    float round = digits_uniform(r);
    round = 0.7f * round * round;
    for (; n < DIGITS_POINTS && s->point[n].kind; n++) {
        jx = 0.73f * jx + 0.68f * jitter * digits_normal(r); /* neighbours stray together */
        jy = 0.73f * jy + 0.68f * jitter * digits_normal(r);
        x[n] = (float)s->point[n].x + jx;
        y[n] = (float)s->point[n].y + jy;
    }
    d->n = 0;
    float pressure = 1 + 0.252f * digits_normal(r);
    for (int i = 0; i < n; i++) {
        if (s->point[i].kind == 's') {
            digits_add(d, x[i], y[i], true, pressure);
            continue;
        }
        float cx = x[i] - x[i - 1], cy = y[i] - y[i - 1];
        float ax = cx, ay = cy, bx = cx, by = cy;
        if (s->point[i - 1].kind != 's') {
            float m = s->point[i - 1].kind == 'k' ? round : 1;
            ax += m * ((x[i] - x[i - 2]) * 0.5f - cx);
            ay += m * ((y[i] - y[i - 2]) * 0.5f - cy);
        }
        if (i + 1 < n && s->point[i + 1].kind != 's') {
            float m = s->point[i].kind == 'k' ? round : 1;
            bx += m * ((x[i + 1] - x[i - 1]) * 0.5f - cx);
            by += m * ((y[i + 1] - y[i - 1]) * 0.5f - cy);
        }
        float next = 1 + 0.252f * digits_normal(r);
        for (int k = 1; k <= DIGITS_STEPS; k++) {
            float t = (float)k / (float)DIGITS_STEPS, u = 1 - t;
            float h = t * t * (3 - 2 * t), g = t * u * u, e = -(t * t * u);
            digits_add(d, x[i - 1] + h * cx + g * ax + e * bx, y[i - 1] + h * cy + g * ay + e * by,
                       false, pressure + t * (next - pressure));
        }
        pressure = next;
    }
}

/* A smooth random displacement: normal numbers on a 4 x 4 grid, blended by smoothstep. */
static void digits_elastic(dp_words *r, digits_drawing *d) {
    float gx[16], gy[16], amount = digits_between(r, 1.53f, 6.21f);
    for (int i = 0; i < 16; i++) {
        gx[i] = amount * digits_normal(r);
        gy[i] = amount * digits_normal(r);
    }
    for (int i = 0; i < d->n; i++) {
        float u = (d->px[i] + 20) * (3.0f / 140.0f), v = (d->py[i] + 20) * (3.0f / 140.0f);
        u = u < 0 ? 0 : u > 2.999f ? 2.999f : u;
        v = v < 0 ? 0 : v > 2.999f ? 2.999f : v;
        int a = (int)u, b = (int)v, k = b * 4 + a;
        u -= (float)a;
        v -= (float)b;
        u = u * u * (3 - 2 * u);
        v = v * v * (3 - 2 * v);
        float x0 = gx[k] + u * (gx[k + 1] - gx[k]), x1 = gx[k + 4] + u * (gx[k + 5] - gx[k + 4]);
        float y0 = gy[k] + u * (gy[k + 1] - gy[k]), y1 = gy[k + 4] + u * (gy[k + 5] - gy[k + 4]);
        d->px[i] += x0 + v * (x1 - x0);
        d->py[i] += y0 + v * (y1 - y0);
    }
}

/* Where the waist lies, and how much wider the top is than the foot. */
static void digits_proportion(dp_words *r, digits_drawing *d) {
    float waist = 7.65f * digits_normal(r), wider = 0.15f * digits_normal(r);
    float bend = 7.57f * digits_normal(r);
    for (int i = 0; i < d->n; i++) {
        float v = (d->py[i] - 50) * 0.02f, q = 1 - v * v;
        d->px[i] += wider * v * (d->px[i] - 50) + bend * q;
        d->py[i] += waist * q;
    }
}

/* Slant (shear), rotation and aspect. The rotation by tan(a/2) = t is exactly
 * ((1 - t^2), 2t) / (1 + t^2). */
static void digits_turn(dp_words *r, int digit, digits_drawing *d) {
    float slant = 0.062f + 0.289f * digits_normal(r), t = 0.057f * digits_normal(r);
    float wide = digits_width[digit] * (1.01f + 0.271f * digits_normal(r));
    if (wide < 0.45f) wide = 0.45f;
    float c = (1 - t * t) / (1 + t * t), s = 2 * t / (1 + t * t);
    for (int i = 0; i < d->n; i++) {
        float y = d->py[i] - 50, x = (d->px[i] - 50) * wide - slant * y;
        d->px[i] = c * x - s * y;
        d->py[i] = s * x + c * y;
    }
}

/* Scale the ink's box, pen included, to 20 x 20 and bring its centre of mass near the middle. */
static void digits_place(dp_words *r, digits_drawing *d, float radius) {
    float x0 = d->px[0], x1 = x0, y0 = d->py[0], y1 = y0;
    for (int i = 1; i < d->n; i++) {
        x0 = d->px[i] < x0 ? d->px[i] : x0;
        x1 = d->px[i] > x1 ? d->px[i] : x1;
        y0 = d->py[i] < y0 ? d->py[i] : y0;
        y1 = d->py[i] > y1 ? d->py[i] : y1;
    }
    float side = x1 - x0 > y1 - y0 ? x1 - x0 : y1 - y0;
    float scale = (20 - 2 * radius) / (side > 1 ? side : 1);
    float mass = 0, mx = 0, my = 0;
    for (int i = 0; i < d->n; i++) {
        d->px[i] *= scale;
        d->py[i] *= scale;
        if (i == 0 || d->begins[i]) continue;
        float dx = d->px[i] - d->px[i - 1], dy = d->py[i] - d->py[i - 1];
        float w = sqrtf(dx * dx + dy * dy) * (d->pressure[i] + d->pressure[i - 1]) + 1e-3f;
        mass += w;
        mx += w * 0.5f * (d->px[i] + d->px[i - 1]);
        my += w * 0.5f * (d->py[i] + d->py[i - 1]);
    }
    float cx = 14 - mx / mass + digits_between(r, -1.4f, 1.4f);
    float cy = 14 - my / mass + digits_between(r, -1.4f, 1.4f);
    for (int i = 0; i < d->n; i++) {
        d->px[i] += cx;
        d->py[i] += cy;
    }
}

/* depth[p] <- max over segments of (pen radius - distance of the pixel's centre) */
static void digits_stroke(const digits_segment *s, float margin, float *depth) {
    float reach = s->radius + margin;
    float xa = s->dx < 0 ? s->x + s->dx : s->x, xb = s->dx < 0 ? s->x : s->x + s->dx;
    float ya = s->dy < 0 ? s->y + s->dy : s->y, yb = s->dy < 0 ? s->y : s->y + s->dy;
    xa -= reach + 0.5f, xb += reach - 0.5f, ya -= reach + 0.5f, yb += reach - 0.5f;
    int i0 = xa < 0 ? 0 : (int)xa, i1 = xb > 27 ? 27 : (int)xb;
    int j0 = ya < 0 ? 0 : (int)ya, j1 = yb > 27 ? 27 : (int)yb;
    if (xb < 0 || yb < 0) return;
    float length2 = s->dx * s->dx + s->dy * s->dy;
    float inverse = length2 > 1e-8f ? 1 / length2 : 0;
    for (int j = j0; j <= j1; j++) {
        float *row = depth + j * DIGITS_SIDE, qy = (float)j + 0.5f - s->y;
        for (int i = i0; i <= i1; i++) {
            float qx = (float)i + 0.5f - s->x;
            float t = (qx * s->dx + qy * s->dy) * inverse;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            float ex = qx - t * s->dx, ey = qy - t * s->dy;
            float v = s->radius - sqrtf(ex * ex + ey * ey);
            row[i] = v > row[i] ? v : row[i];
        }
    }
}

static void digits_draw(uint64_t seed, uint64_t index, unsigned char *pixels,
                        unsigned char *label) {
    dp_words r;
    digits_drawing d;
    int digit = digits_class(seed, index);
    dp__words_begin(&r, seed, index, DP_WORDS_DIGIT);
    digits_trace(&r, digits_choose(&r, digit), &d);
    digits_proportion(&r, &d);
    digits_elastic(&r, &d);
    digits_turn(&r, digit, &d);
    float heavy = 1 + 0.149f * digits_normal(&r);
    float radius = 1.2f * heavy * heavy;
    radius = radius < 0.55f ? 0.55f : radius > 3.2f ? 3.2f : radius;
    digits_place(&r, &d, radius);

    float soft = digits_between(&r, 0.57f, 0.79f), depth[DIGITS_SIDE * DIGITS_SIDE];
    for (int p = 0; p < DIGITS_SIDE * DIGITS_SIDE; p++) depth[p] = -100;
    for (int i = 1; i < d.n; i++) {
        if (d.begins[i]) continue;
        digits_segment s = {d.px[i - 1], d.py[i - 1], d.px[i] - d.px[i - 1], d.py[i] - d.py[i - 1],
                            radius * 0.5f * (d.pressure[i] + d.pressure[i - 1])};
        digits_stroke(&s, soft, depth);
    }
    float inverse = 1 / soft;
    for (int p = 0; p < DIGITS_SIDE * DIGITS_SIDE; p++) {
        float v = depth[p] * inverse + 0.5f;
        if (v <= 0) {
            pixels[p] = 0;
            continue;
        }
        if (v > 1) v = 1;
        v = 254 * v + (6 - 5 * v) * digits_normal(&r); /* grain, more of it on the edge */
        pixels[p] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    *label = (unsigned char)digit;
}

dp_status dp_draw_digits(uint64_t seed, int64_t first, int64_t n, uint8_t *pixels,
                         uint8_t *labels) {
    if (first < 0 || n < 0 || first > INT64_MAX - n)
        return dp_fail(DP_EINVAL, "dp_draw_digits: first %lld, n %lld: allowed 0 and more",
                       (long long)first, (long long)n);
    if (n > 0 && (!pixels || !labels))
        return dp_fail(DP_EINVAL, "dp_draw_digits: pixels or labels is NULL");
    dp_fenv env;
    dp__fenv_enter(&env);
    for (int64_t i = 0; i < n; i++)
        digits_draw(seed, (uint64_t)(first + i), pixels + i * DIGITS_SIDE * DIGITS_SIDE,
                    labels + i);
    dp__fenv_leave(&env);
    return DP_OK;
}
