/* kinds.c: the list of all kinds, and questions about their tables. */
#include "nn/kinds.h"

#include <string.h>

#include "base/base.h"
#include "nn/text.h"

static const dp__kind *const kinds_layers[] = {&dp__kind_linear,      &dp__kind_flatten,
                                               &dp__kind_identity,    &dp__kind_relu,
                                               &dp__kind_leaky_relu,  &dp__kind_sigmoid,
                                               &dp__kind_tanh,        &dp__kind_gelu,
                                               &dp__kind_silu,        &dp__kind_softmax,
                                               &dp__kind_log_softmax, &dp__kind_dropout,
                                               &dp__kind_sequential,  NULL};
static const dp__kind *const kinds_losses[] = {&dp__kind_cross_entropy, &dp__kind_nll,
                                               &dp__kind_mse,           &dp__kind_bce,
                                               &dp__kind_bce_logits,    NULL};
static const dp__kind *const kinds_optims[] = {&dp__kind_sgd, &dp__kind_adam, &dp__kind_adamw,
                                               NULL};
static const dp__kind *const kinds_inits[] = {
    &dp__kind_default,   &dp__kind_xavier_uniform, &dp__kind_xavier_normal, &dp__kind_he_uniform,
    &dp__kind_he_normal, &dp__kind_normal,         &dp__kind_zeros,         NULL};
static const dp__kind *const *const kinds_all[] = {kinds_layers, kinds_losses, kinds_optims,
                                                   kinds_inits};

const dp__kind *dp__kind_at(dp_kind_class c, size_t i) {
    if ((unsigned)c >= sizeof(kinds_all) / sizeof(kinds_all[0])) return NULL;
    for (size_t k = 0; kinds_all[c][k]; k++)
        if (k == i) return kinds_all[c][k];
    return NULL;
}

static bool kinds_same(const char *name, const char *s, size_t n) {
    return strlen(name) == n && memcmp(name, s, n) == 0;
}

const dp__kind *dp__kind_find(dp_kind_class c, const char *name, size_t n) {
    for (size_t i = 0; dp__kind_at(c, i); i++)
        if (kinds_same(dp__kind_at(c, i)->name, name, n)) return dp__kind_at(c, i);
    return NULL;
}

/* dp__nearest takes a terminated string; longer names are near to nothing. */
static const char *kinds_nearest(const char *s, size_t n, const char *const *names, size_t count) {
    char word[64];
    if (n >= sizeof word) return NULL;
    memcpy(word, s, n);
    word[n] = 0;
    return dp__nearest(word, names, count);
}

const char *dp__kind_nearest(dp_kind_class c, const char *name, size_t n) {
    const char *names[64];
    size_t count = 0;
    for (const dp__kind *k; count < 64 && (k = dp__kind_at(c, count)) != NULL;)
        names[count++] = k->name;
    return kinds_nearest(name, n, names, count);
}

const char *dp__field_nearest(const dp__kind *kind, const char *name, size_t n) {
    const char *names[DP__MAX_FIELDS];
    size_t count = dp__field_count(kind);
    for (size_t i = 0; i < count; i++) names[i] = kind->fields[i].name;
    return kinds_nearest(name, n, names, count);
}

static void kinds_append(char *out, size_t size, const char *name) {
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s%s", n ? ", " : "", name);
}

const char *dp__kind_names(dp_kind_class c, char *out, size_t size) {
    *out = 0;
    for (size_t i = 0; dp__kind_at(c, i); i++) kinds_append(out, size, dp__kind_at(c, i)->name);
    return out;
}

const char *dp__field_names(const dp__kind *kind, char *out, size_t size) {
    *out = 0;
    for (size_t i = 0; i < dp__field_count(kind); i++)
        kinds_append(out, size, kind->fields[i].name);
    return out;
}

size_t dp__field_count(const dp__kind *kind) {
    size_t n = 0;
    while (kind->fields && kind->fields[n].name) n++;
    return n;
}

int dp__field_find(const dp__kind *kind, const char *name, size_t n) {
    for (size_t i = 0; i < dp__field_count(kind); i++)
        if (kinds_same(kind->fields[i].name, name, n)) return (int)i;
    return -1;
}

const char *dp__choice_at(const char *choices, int i, size_t *n) {
    const char *s = choices;
    for (int k = 0; k < i && s; k++) {
        s = strchr(s, '|');
        if (s) s++;
    }
    *n = s ? strcspn(s, "|") : 0;
    return s;
}

int dp__choice_find(const char *choices, const char *word, size_t n) {
    for (int i = 0;; i++) {
        size_t length;
        const char *s = dp__choice_at(choices, i, &length);
        if (!s) return -1;
        if (length == n && memcmp(s, word, n) == 0) return i;
    }
}

static void kinds_range(dp_text *t, const dp__field *f) {
    char low[32], high[32];
    bool any_min = isinf(f->min), any_max = isinf(f->max);
    if (f->min == f->max || (any_min && any_max)) return;
    dp__format_double(f->min, low);
    dp__format_double(f->max, high);
    if (any_max)
        dp__text(t, f->flags & DP__OPEN_MIN ? " > %s" : " >= %s", low);
    else if (any_min)
        dp__text(t, f->flags & DP__OPEN_MAX ? " < %s" : " <= %s", high);
    else
        dp__text(t, " in %c%s, %s%c", f->flags & DP__OPEN_MIN ? '(' : '[', low, high,
                 f->flags & DP__OPEN_MAX ? ')' : ']');
}

static void kinds_words(dp_text *t, const dp__field *f) {
    for (int i = 0;; i++) {
        size_t n, next;
        const char *s = dp__choice_at(f->choices, i, &n);
        if (!s) return;
        bool last = !dp__choice_at(f->choices, i + 1, &next);
        dp__text(t, "%s'%.*s'", i == 0 ? "" : last ? " or " : ", ", (int)n, s);
    }
}

const char *dp__field_allows(const dp__field *f, char *buf, size_t size) {
    dp_text t = {0};
    switch (f->type) {
    case DP__ARG_INT:
        dp__text(&t, "an integer");
        break;
    case DP__ARG_REAL:
        dp__text(&t, "a number");
        break;
    case DP__ARG_BOOL:
        dp__text(&t, "true or false");
        break;
    case DP__ARG_CHOICE:
        kinds_words(&t, f);
        break;
    case DP__ARG_PAIR:
        dp__text(&t, "two numbers");
        break;
    }
    if (f->type != DP__ARG_BOOL && f->type != DP__ARG_CHOICE) kinds_range(&t, f);
    if (f->flags & DP__NONE_OK) dp__text(&t, " or none");
    size_t n = t.data && !t.failed ? t.n : 0;
    if (n >= size) n = size - 1;
    if (n > 0) memcpy(buf, t.data, n);
    buf[n] = 0;
    dp__text_free(&t);
    return buf;
}

dp_status dp__defaults(const dp__kind *kind, dp__arg *args) {
    size_t n = dp__field_count(kind);
    memset(args, 0, n * sizeof *args);
    for (size_t i = 0; i < n; i++) {
        if (!kind->fields[i].def) continue;
        dp_status s = dp__text_default(kind, (int)i, &args[i]);
        if (s != DP_OK) return s;
    }
    return DP_OK;
}

bool dp__arg_equal(const dp__field *f, const dp__arg *a, const dp__arg *b) {
    if (a->none || b->none) return a->none && b->none;
    if (f->type == DP__ARG_REAL) return a->v[0].d == b->v[0].d;
    if (f->type == DP__ARG_PAIR) return a->v[0].d == b->v[0].d && a->v[1].d == b->v[1].d;
    return a->v[0].i == b->v[0].i;
}

int64_t dp__arg_int(const dp_module *m, int field) { return dp__args(m)[field].v[0].i; }
double dp__arg_real(const dp_module *m, int field) { return dp__args(m)[field].v[0].d; }
bool dp__arg_none(const dp_module *m, int field) { return dp__args(m)[field].none; }

/* ---- the public view ---- */

const char *dp_kind_name(dp_kind_class c, size_t i, const char **doc) {
    const dp__kind *k = dp__kind_at(c, i);
    if (doc) *doc = k ? k->doc : NULL;
    return k ? k->name : NULL;
}

bool dp_kind_field(dp_kind_class c, const char *name, size_t i, dp_kind_field_info *out) {
    const dp__kind *k = name && out ? dp__kind_find(c, name, strlen(name)) : NULL;
    if (!k || i >= dp__field_count(k)) return false;
    const dp__field *f = &k->fields[i];
    out->name = f->name;
    out->def = f->def;
    out->doc = f->doc;
    dp__field_allows(f, out->allows, sizeof out->allows);
    return true;
}
