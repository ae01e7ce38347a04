/* builtin.c: data that the program makes itself, by its text: digits(n=20000, seed=1). */
#include "data.h"

#include <string.h>

enum { BUILTIN_SIDE = 28, BUILTIN_N_MAX = 10000000 };
/* Test examples are drawn from here on, so that they do not depend on n. */
#define BUILTIN_TEST_FIRST ((int64_t)1 << 40)

typedef struct builtin_option {
    const char *name;
    int64_t low, high, value;
    bool given;
} builtin_option;

typedef struct builtin_text {
    const char *text, *at;
} builtin_text;

static bool builtin_is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void builtin_space(builtin_text *t) {
    while (*t->at == ' ' || *t->at == '\t' || *t->at == '\n') t->at++;
}

bool dp__builtin_is(const char *description) {
    if (strncmp(description, "digits", 6) != 0) return false;
    const char after = description[6 + strspn(description + 6, " ")];
    return after == '\0' || after == '(';
}

static dp_status builtin_expect(const builtin_text *t, const char *allowed) {
    size_t at = (size_t)(t->at - t->text);
    const char *found = *t->at ? dp__quote(t->at, strlen(t->at)) : "the end";
    return dp_fail(DP_EINVAL, "%s: character %zu: found %s, allowed %s",
                   dp__quote(t->text, strlen(t->text)), at, found, allowed);
}

static dp_status builtin_unknown(const char *word, size_t n, const builtin_option *o,
                                 size_t count) {
    const char *names[4];
    char copy[32];
    dp_text list = {0};
    for (size_t i = 0; i < count; i++) {
        names[i] = o[i].name;
        dp__text(&list, "%s%s", i ? ", " : "", o[i].name);
    }
    dp_fail(DP_EINVAL, "digits: unknown option %s, allowed: %s", dp__quote(word, n),
            list.failed ? "" : list.data);
    dp__text_free(&list);
    if (n >= sizeof copy) return DP_EINVAL;
    memcpy(copy, word, n);
    copy[n] = 0;
    const char *near = dp__nearest(copy, names, count);
    return near ? dp__hint("did you mean `%s`?", near) : DP_EINVAL;
}

static dp_status builtin_value(builtin_text *t, builtin_option *o) {
    int64_t value = 0;
    size_t n = strcspn(t->at, ",) \t\n"), used = dp__parse_int(t->at, n, &value);
    if (n == 0) return builtin_expect(t, "a number");
    if (used != n || value < o->low || value > o->high)
        return dp_fail(DP_EINVAL, "digits: %s: found %s, allowed %lld to %lld", o->name,
                       dp__quote(t->at, n), (long long)o->low, (long long)o->high);
    if (o->given) return dp_fail(DP_EINVAL, "digits: %s: given twice", o->name);
    o->value = value;
    o->given = true;
    t->at += n;
    return DP_OK;
}

/* One option: name=value, or a value alone in the options' order. */
static dp_status builtin_one(builtin_text *t, builtin_option *o, size_t count, size_t *position) {
    size_t n = 0, k = 0;
    while (builtin_is_word(t->at[n])) n++;
    size_t after = n + strspn(t->at + n, " \t\n");
    if (t->at[after] != '=') {
        if (*position < count) return builtin_value(t, &o[(*position)++]);
        return builtin_expect(t, "`)`");
    }
    while (k < count && (strlen(o[k].name) != n || strncmp(o[k].name, t->at, n) != 0)) k++;
    if (k == count) return builtin_unknown(t->at, n, o, count);
    t->at += after + 1;
    builtin_space(t);
    *position = count; /* no bare value after a named one */
    return builtin_value(t, &o[k]);
}

static dp_status builtin_options(builtin_text *t, builtin_option *o, size_t count) {
    size_t position = 0;
    builtin_space(t);
    if (!*t->at) return DP_OK;
    t->at++; /* ( */
    builtin_space(t);
    while (*t->at != ')') {
        dp_status status = builtin_one(t, o, count, &position);
        if (status != DP_OK) return status;
        builtin_space(t);
        if (*t->at == ')') break;
        if (*t->at != ',') return builtin_expect(t, "`,` or `)`");
        t->at++;
        builtin_space(t);
    }
    t->at++;
    builtin_space(t);
    return *t->at ? builtin_expect(t, "the end") : DP_OK;
}

static dp_status builtin_draw(dp_part *part, uint64_t seed, int64_t first, int64_t n) {
    size_t pixels;
    if (n == 0) return DP_OK;
    if (!dp__mul((size_t)n, BUILTIN_SIDE * BUILTIN_SIDE, &pixels))
        return dp_fail(DP_ELIMIT, "digits: %lld examples do not fit in memory", (long long)n);
    part->x_bytes.data = dp__alloc(pixels);
    if (!part->x_bytes.data) return DP_ENOMEM;
    part->x_bytes.n = pixels;
    part->y_bytes.data = dp__alloc((size_t)n);
    if (!part->y_bytes.data) return DP_ENOMEM;
    part->y_bytes.n = (size_t)n;
    part->x = part->x_bytes.data;
    part->y = part->y_bytes.data;
    part->n = n;
    return dp_draw_digits(seed, first, n, part->x_bytes.data, part->y_bytes.data);
}

dp_status dp__builtin_read(dp_dataset *d, const char *description) {
    builtin_option o[] = {{"n", 1, BUILTIN_N_MAX, 20000, false}, {"seed", 0, INT64_MAX, 1, false}};
    builtin_text t = {description, description + 6};
    dp_status status = builtin_options(&t, o, sizeof o / sizeof o[0]);
    if (status != DP_OK) return status;
    d->x_type = d->y_type = DP_U8;
    d->example = dp_shape_of(3, (const int64_t[]){1, BUILTIN_SIDE, BUILTIN_SIDE});
    d->x_count = BUILTIN_SIDE * BUILTIN_SIDE;
    d->y_count = 1;
    const int64_t n = o[0].value;
    const uint64_t seed = (uint64_t)o[1].value;
    status = dp__dataset_classes(d, 10);
    if (status == DP_OK) status = builtin_draw(&d->train, seed, 0, n);
    return status == DP_OK ? builtin_draw(&d->test, seed, BUILTIN_TEST_FIRST, n / 5) : status;
}
