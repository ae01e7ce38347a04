/* golden.h: reads the files of tests/golden: cases of named tensors of doubles. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denpan.h"

enum { GOLDEN_TENSORS = 48, GOLDEN_LINE = 1 << 16 };

typedef struct golden_tensor {
    char key[48];
    dp_shape shape;
    size_t n;
    double *data;
} golden_tensor;

typedef struct golden_case {
    char name[64], text[256];
    golden_tensor t[GOLDEN_TENSORS];
    size_t n;
} golden_case;

typedef struct golden_file {
    FILE *f;
    char *line;
    bool pending; /* line holds the next case */
} golden_file;

static inline golden_file golden_open(const char *name) {
    char path[512];
    const char *source = getenv("DENPAN_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    golden_file g = {fopen(path, "r"), malloc(GOLDEN_LINE), false};
    if (!g.f) fail_msg("%s: not found", path);
    return g;
}

static inline bool golden_line(golden_file *g) {
    if (!fgets(g->line, GOLDEN_LINE, g->f)) return false;
    g->line[strcspn(g->line, "\n")] = 0;
    return true;
}

static inline void golden_tensor_read(golden_file *g, golden_tensor *t) {
    char *s = g->line + 7, *end;
    size_t n = strcspn(s, " ");
    assert_true(n < sizeof t->key);
    memcpy(t->key, s, n);
    t->key[n] = 0;
    t->shape = (dp_shape){.rank = (int)strtol(s + n, &end, 10)};
    t->n = 1;
    for (int i = 0; i < t->shape.rank; i++)
        t->n *= (size_t)(t->shape.dim[i] = strtoll(end, &end, 10));
    t->data = malloc(t->n * sizeof(double) + 1);
    assert_true(golden_line(g));
    end = g->line;
    for (size_t i = 0; i < t->n; i++) {
        char *from = end;
        t->data[i] = strtod(from, &end);
        assert_true(end != from);
    }
}

/* The next case; false at the end of the file. */
static inline bool golden_next(golden_file *g, golden_case *c) {
    c->n = 0;
    while (g->pending || golden_line(g)) {
        if (strncmp(g->line, "case ", 5) == 0) {
            if (c->n > 0) return g->pending = true;
            g->pending = false;
            snprintf(c->name, sizeof c->name, "%s", g->line + 5);
        } else if (strncmp(g->line, "text ", 5) == 0) {
            snprintf(c->text, sizeof c->text, "%s", g->line + 5);
        } else if (strncmp(g->line, "tensor ", 7) == 0) {
            assert_true(c->n < GOLDEN_TENSORS);
            golden_tensor_read(g, &c->t[c->n++]);
        }
    }
    return c->n > 0;
}

static inline void golden_done(golden_case *c) {
    for (size_t i = 0; i < c->n; i++) free(c->t[i].data);
    c->n = 0;
}

static inline void golden_close(golden_file *g) {
    fclose(g->f);
    free(g->line);
}

static inline const golden_tensor *golden_find(const golden_case *c, const char *key) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->t[i].key, key) == 0) return &c->t[i];
    return NULL;
}

static inline dp_tensor *golden_leaf(const golden_case *c, const char *key) {
    const golden_tensor *t = golden_find(c, key);
    if (!t) fail_msg("%s: no tensor %s", c->name, key);
    return dp_from(DP_F64, t->shape, t->data);
}

/* Is y the golden tensor, to 1e-12 of its size? */
static inline void golden_same(const golden_case *c, const char *key, dp_tensor *y) {
    const golden_tensor *t = golden_find(c, key);
    if (!t) fail_msg("%s: no tensor %s", c->name, key);
    if (!y) fail_msg("%s: %s: %s", c->name, key, dp_error());
    dp_shape shape = dp_shape_at(y);
    assert_int_equal(dp_dtype_of(y), DP_F64);
    if (shape.rank != t->shape.rank ||
        memcmp(shape.dim, t->shape.dim, sizeof shape.dim[0] * (size_t)shape.rank))
        fail_msg("%s: %s has another shape", c->name, key);
    const double *got = dp_map(y);
    if (!got) fail_msg("%s: %s: %s", c->name, key, dp_error());
    for (size_t i = 0; i < t->n; i++)
        if (!(fabs(got[i] - t->data[i]) <= 1e-12 * (1 + fabs(t->data[i]))))
            fail_msg("%s: %s[%zu] is %.17g, PyTorch has %.17g", c->name, key, i, got[i],
                     t->data[i]);
}

#endif
