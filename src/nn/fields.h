/* fields.h: the tables that say what a layer, loss, optimiser or initialiser takes.
 *
 * One dp__kind per name, one dp__field per argument. The reader, both writers, --help and the
 * reference pages are driven by these tables; nothing else knows a name, a default or a range. */
#ifndef DP_NN_FIELDS_H
#define DP_NN_FIELDS_H

#include "denpan/nn.h"

typedef enum dp__arg_type {
    DP__ARG_INT,
    DP__ARG_REAL,
    DP__ARG_BOOL,
    DP__ARG_CHOICE, /* one of a few words */
    DP__ARG_PAIR    /* two reals: (0.9, 0.999) */
} dp__arg_type;

enum {                   /* flags of a field */
       DP__NONE_OK = 1,  /* none is a value */
       DP__OPEN_MIN = 2, /* min itself is not allowed */
       DP__OPEN_MAX = 4,
       DP__IF_CHANGED = 8,  /* PyTorch prints it only when it differs from the default */
       DP__NOT_PRINTED = 16 /* PyTorch never prints it */
};

enum { DP__MAX_FIELDS = 16, DP__MAX_TUPLE = 4 };

typedef struct dp__field {
    const char *name; /* NULL ends a table */
    dp__arg_type type;
    unsigned flags;
    const char *def;     /* as a user would write it; NULL: must be given */
    double min, max;     /* of numbers; equal to each other: any */
    const char *choices; /* of words: "mean|sum|none" */
    const char *doc;
} dp__field;

/* A value of a field. `ints` remembers which numbers were written without a point, since PyTorch
 * prints a number as its user wrote it: 1 or 1.0. */
typedef struct dp__arg {
    bool none;
    unsigned ints;
    union {
        int64_t i;
        double d;
    } v[DP__MAX_TUPLE];
} dp__arg;

/* The shape of what flows into a layer, without the batch, as far as a text says. */
typedef struct dp__flow {
    int rank; /* -1: unknown, but `last` may be known */
    int64_t dim[DP_MAX_RANK];
    int64_t last;  /* size of the last axis; -1: unknown */
    char from[96]; /* who made it so, for messages */
} dp__flow;
enum { DP__WHY = 240 }; /* bytes of a reason */

typedef struct dp__kind dp__kind;
struct dp__kind {
    const char *name;
    const char *doc;
    const dp__field *fields; /* NULL: takes nothing */
    bool any_args;           /* accepts and forgets whatever is given */
    /* Layers and losses; NULL where there is nothing to do. */
    dp_status (*make)(dp_module *m); /* parameters; rules between fields */
    dp_tensor *(*forward)(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n);
    /* Carries `flow` through; false: does not fit, with the reason in why[DP__WHY]. */
    bool (*flow)(const dp_module *m, dp__flow *flow, char *why);
    dp_tensor *(*init)(dp_module *m, size_t i,
                       dp_tensor *key); /* the i-th variable's own default */
    const void *more;                   /* what another room needs: the optimiser's functions */
};

/* The known kinds of a class; NULL past the end. */
const dp__kind *dp__kind_at(dp_kind_class c, size_t i);
const dp__kind *dp__kind_find(dp_kind_class c, const char *name, size_t n);
const char *dp__kind_nearest(dp_kind_class c, const char *name, size_t n);
size_t dp__field_count(const dp__kind *kind);
int dp__field_find(const dp__kind *kind, const char *name, size_t n); /* -1: none */
/* The index of a word among choices "a|b|c"; -1: none. And the word, its length in *n. */
int dp__choice_find(const char *choices, const char *word, size_t n);
const char *dp__choice_at(const char *choices, int i, size_t *n);
/* What a field allows, in words: "an integer >= 1", "a number in [0, 1]", "'none' or 'tanh'". */
const char *dp__field_allows(const dp__field *field, char *buf, size_t size);
dp_status dp__defaults(const dp__kind *kind, dp__arg *args); /* required fields stay zero */
bool dp__arg_equal(const dp__field *field, const dp__arg *a, const dp__arg *b);

/* The arguments of a built-in module, by field. */
dp__arg *dp__args(const dp_module *m);
const dp__kind *dp__kind_of(const dp_module *m);
int64_t dp__arg_int(const dp_module *m, int field);
double dp__arg_real(const dp_module *m, int field);
bool dp__arg_none(const dp_module *m, int field);

#endif
