/* text.h: reading model text. Tokens with positions, arguments by field table, the item list.
 *
 * text_token.c splits the text and reports errors with line, column and a caret; text_args.c reads
 * "(...)" into a field table's values; text_grammar.c reads the grammar into a flat list of items;
 * text_build.c makes modules of the list; text_spell.c prints and formats. No step recurses. */
#ifndef DP_NN_TEXT_H
#define DP_NN_TEXT_H

#include <stdarg.h>

#include "base/base.h"
#include "nn/fields.h"

enum {
    DP__TEXT_DEPTH = 64, /* nesting */
    DP__TEXT_BYTES = 1 << 20,
    DP__TEXT_ITEMS = 100000, /* layers after repeats are expanded */
    DP__NAME_BYTES = 256     /* a tensor's whole name, with its end */
};

typedef enum dp__token_kind {
    DP__T_END,
    DP__T_NAME,
    DP__T_INT,
    DP__T_REAL,
    DP__T_STRING,
    DP__T_SIGN,
    DP__T_BAD
} dp__token_kind;

typedef struct dp__token {
    dp__token_kind kind;
    char sign;    /* of DP__T_SIGN: one of ( ) , : = { } | @ & $ ; . [ ] */
    size_t at, n; /* bytes of the text; of a string from its quote, and what is in it */
    int64_t i;
    double d; /* numbers; set for integers too */
} dp__token;

/* A reader stands on a token; copying it is looking ahead. `what` begins every message. */
typedef struct dp__reader {
    const char *what, *s;
    size_t n, next; /* next: first byte after the token */
    dp__token now;
} dp__reader;

dp_status dp__reader_begin(dp__reader *r, const char *what,
                           const char *text); /* on its first token */
dp_status dp__reader_next(dp__reader *r);
bool dp__reader_is(const dp__reader *r, char sign);
/* Record an error at byte `at`, with the line and a caret as its hint. */
dp_status dp__reader_fail(const dp__reader *r, size_t at, dp_status status, const char *format, ...)
    DP_PRINTF(4, 5);
/* Text in backticks for a message, two at once; and the token: `Relu`, or the end of the text. */
const char *dp__reader_name(const char *s, size_t n);
const char *dp__reader_found(const dp__reader *r);

/* The list "(...)" on which the reader stands, or nothing, into args of kind; then every required
 * field is there. */
dp_status dp__text_args(dp__reader *r, const dp__kind *kind, bool listed, dp__arg *args);
/* A name of a class and its arguments, the whole text: an optimiser, a loss, an initialiser. */
dp_status dp__text_single(dp_kind_class c, const char *what, const char *text,
                          const dp__kind **kind, dp__arg args[DP__MAX_FIELDS]);
dp_status dp__text_default(const dp__kind *kind, int field, dp__arg *out);

/* ---- the item list ---- */
typedef enum dp__item_type { DP__I_LAYER, DP__I_GROUP } dp__item_type;

typedef struct dp__item {
    dp__item_type type;
    const dp__kind *kind;          /* of a layer */
    size_t args;                   /* its first value in dp__model.args */
    size_t label, label_n;         /* bytes of the text; label_n 0: numbered */
    size_t at, end;                /* its own text */
    int64_t repeat;                /* 1: once */
    int parent, first, last, next; /* indices; -1: none */
} dp__item;

typedef struct dp__model {
    dp__item *items; /* items[0]: the whole stack */
    size_t n, cap;
    dp__arg *args;
    size_t n_args, cap_args;
    bool has_input;
    dp_shape input;
} dp__model;

dp_status dp__model_read(dp__model *model, dp__reader *r); /* r: begun */
void dp__model_free(dp__model *model);
dp_module *dp__model_build(const dp__model *model, const dp__reader *r);

/* ---- writing ---- */
typedef enum dp__style { DP__STYLE_PYTORCH, DP__STYLE_CANONICAL } dp__style;
/* Python's repr of a number: 0.5, 1e-05, 123456.0; whole: without ".0". */
void dp__text_real(dp_text *t, double x, bool whole);
void dp__text_kind(dp_text *t, const dp__kind *kind, const dp__arg *args, dp__style style);

/* printf into a string of this room, independent of the locale; NULL: out of memory. */
char *dp__vprintf(const char *format, va_list args);

#endif
