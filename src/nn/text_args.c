/* text_args.c: "(784, 128, bias=False)" into the values of a field table. */
#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/text.h"

static dp_status args_refuse(const dp__reader *r, const dp__kind *kind, const dp__field *f,
                             size_t at, const char *found) {
    char allows[96];
    return dp__reader_fail(r, at, DP_EINVAL, "%s: %s must be %s, not %s", kind->name, f->name,
                           dp__field_allows(f, allows, sizeof allows), found);
}

static bool args_in_range(const dp__field *f, double x) {
    if (f->min == f->max) return true;
    if (f->flags & DP__OPEN_MIN ? !(x > f->min) : !(x >= f->min)) return false;
    return f->flags & DP__OPEN_MAX ? x < f->max : x <= f->max;
}

static bool args_number(const dp__reader *r, const dp__field *f, dp__arg *out, int slot) {
    const dp__token *t = &r->now;
    if (t->kind != DP__T_INT && (t->kind != DP__T_REAL || f->type == DP__ARG_INT)) return false;
    if (!args_in_range(f, t->d)) return false;
    if (f->type == DP__ARG_INT)
        out->v[slot].i = t->i;
    else
        out->v[slot].d = t->d;
    if (t->kind == DP__T_INT) out->ints |= 1u << slot;
    return true;
}

static bool args_word(const dp__reader *r, const char *lower, const char *upper) {
    size_t n = strlen(lower);
    const char *s = r->s + r->now.at;
    return r->now.kind == DP__T_NAME && r->now.n == n &&
           (memcmp(s, lower, n) == 0 || memcmp(s, upper, n) == 0);
}

/* The reader stands on "("; it ends on ")". */
static dp_status args_pair(dp__reader *r, const dp__kind *kind, const dp__field *f, dp__arg *out) {
    size_t at = r->now.at;
    if (!dp__reader_is(r, '(')) return args_refuse(r, kind, f, at, dp__reader_found(r));
    for (int k = 0; k < 2; k++) {
        if (dp__reader_next(r)) return DP_EINVAL;
        if (!args_number(r, f, out, k))
            return args_refuse(r, kind, f, r->now.at, dp__reader_found(r));
        if (dp__reader_next(r)) return DP_EINVAL;
        if (k == 0 && !dp__reader_is(r, ','))
            return args_refuse(r, kind, f, r->now.at, dp__reader_found(r));
    }
    if (dp__reader_is(r, ',') && dp__reader_next(r)) return DP_EINVAL;
    if (!dp__reader_is(r, ')')) return args_refuse(r, kind, f, r->now.at, dp__reader_found(r));
    return DP_OK;
}

/* One value; the reader ends after it. */
static dp_status args_value(dp__reader *r, const dp__kind *kind, int field, dp__arg *out) {
    const dp__field *f = &kind->fields[field];
    bool good = false;
    *out = (dp__arg){0};
    if ((f->flags & DP__NONE_OK) && args_word(r, "none", "None")) {
        out->none = good = true;
    } else if (f->type == DP__ARG_BOOL) {
        out->v[0].i = args_word(r, "true", "True");
        good = out->v[0].i || args_word(r, "false", "False");
    } else if (f->type == DP__ARG_CHOICE) {
        int i = r->now.kind == DP__T_STRING
                    ? dp__choice_find(f->choices, r->s + r->now.at + 1, r->now.n)
                    : -1;
        out->v[0].i = i;
        good = i >= 0;
    } else if (f->type == DP__ARG_PAIR) {
        dp_status s = args_pair(r, kind, f, out);
        if (s != DP_OK) return s;
        good = true;
    } else {
        good = args_number(r, f, out, 0);
    }
    if (!good) return args_refuse(r, kind, f, r->now.at, dp__reader_found(r));
    return dp__reader_next(r);
}

dp_status dp__text_default(const dp__kind *kind, int field, dp__arg *out) {
    dp__reader r;
    dp_status s = dp__reader_begin(&r, "default", kind->fields[field].def);
    return s ? s : args_value(&r, kind, field, out);
}

/* The field that the reader's argument is for, by name or position; the reader ends on the value.
 */
static dp_status args_field(dp__reader *r, const dp__kind *kind, int *position, int *field) {
    dp__reader ahead = *r;
    size_t at = r->now.at, n = r->now.n, count = dp__field_count(kind);
    if (r->now.kind == DP__T_NAME) {
        dp_status s = dp__reader_next(&ahead);
        if (s) return s;
    }
    if (r->now.kind != DP__T_NAME || !dp__reader_is(&ahead, '=')) {
        if (*position < 0)
            return dp__reader_fail(r, at, DP_EINVAL, "%s: a value without a name after a named one",
                                   kind->name);
        if ((size_t)*position >= count)
            return count == 0
                       ? dp__reader_fail(r, at, DP_EINVAL, "%s takes no arguments", kind->name)
                       : dp__reader_fail(r, at, DP_EINVAL, "%s takes at most %zu argument%s",
                                         kind->name, count, count == 1 ? "" : "s");
        *field = (*position)++;
        return DP_OK;
    }
    *field = dp__field_find(kind, r->s + at, n);
    *position = -1;
    if (*field < 0) {
        const char *near = dp__field_nearest(kind, r->s + at, n),
                   *name = dp__reader_name(r->s + at, n);
        char names[256];
        return near ? dp__reader_fail(r, at, DP_EINVAL, "%s has no argument %s; did you mean `%s`?",
                                      kind->name, name, near)
               : count == 0
                   ? dp__reader_fail(r, at, DP_EINVAL, "%s takes no arguments", kind->name)
                   : dp__reader_fail(r, at, DP_EINVAL, "%s has no argument %s; it takes %s",
                                     kind->name, name, dp__field_names(kind, names, sizeof names));
    }
    *r = ahead;
    return dp__reader_next(r);
}

/* Arguments that a kind ignores: everything up to the ")" that closes. */
static dp_status args_ignore(dp__reader *r, const dp__kind *kind, size_t open) {
    for (int depth = 1;;) {
        if (r->now.kind == DP__T_END)
            return dp__reader_fail(r, open, DP_EINVAL, "the \"(\" of %s is never closed",
                                   kind->name);
        depth += dp__reader_is(r, '(') - dp__reader_is(r, ')');
        dp_status s = dp__reader_next(r);
        if (s || depth == 0) return s;
    }
}

static dp_status args_list(dp__reader *r, const dp__kind *kind, dp__arg *args, bool *given) {
    size_t open = r->now.at;
    int position = 0;
    dp_status s = dp__reader_next(r);
    if (!s && kind->any_args) return args_ignore(r, kind, open);
    while (!s && !dp__reader_is(r, ')')) {
        int field = -1;
        size_t at = r->now.at;
        if (r->now.kind == DP__T_END)
            return dp__reader_fail(r, open, DP_EINVAL, "the \"(\" of %s is never closed",
                                   kind->name);
        s = args_field(r, kind, &position, &field);
        if (!s && given[field])
            s = dp__reader_fail(r, at, DP_EINVAL, "%s: %s is given twice", kind->name,
                                kind->fields[field].name);
        if (!s) s = args_value(r, kind, field, &args[field]);
        if (s) return s;
        given[field] = true;
        if (dp__reader_is(r, ','))
            s = dp__reader_next(r);
        else if (r->now.kind != DP__T_END && !dp__reader_is(r, ')'))
            return dp__reader_fail(r, r->now.at, DP_EINVAL, "%s: expected \",\" or \")\", found %s",
                                   kind->name, dp__reader_found(r));
    }
    return s ? s : dp__reader_next(r);
}

dp_status dp__text_args(dp__reader *r, const dp__kind *kind, bool listed, dp__arg *args) {
    bool given[DP__MAX_FIELDS] = {false};
    size_t at = r->now.at;
    dp_status s = dp__defaults(kind, args);
    if (!s && listed) s = args_list(r, kind, args, given);
    for (size_t i = 0; !s && i < dp__field_count(kind); i++)
        if (!given[i] && !kind->fields[i].def)
            s = dp__reader_fail(r, at, DP_EINVAL, "%s needs %s", kind->name, kind->fields[i].name);
    return s;
}

dp_status dp__text_single(dp_kind_class c, const char *what, const char *text,
                          const dp__kind **kind, dp__arg args[DP__MAX_FIELDS]) {
    dp__reader r;
    dp_status s = dp__reader_begin(&r, what, text);
    if (s) return s;
    if (r.now.kind != DP__T_NAME)
        return dp__reader_fail(&r, r.now.at, DP_EINVAL, "expected a name, found %s",
                               dp__reader_found(&r));
    const char *name = r.s + r.now.at;
    *kind = dp__kind_find(c, name, r.now.n);
    if (!*kind) {
        const char *near = dp__kind_nearest(c, name, r.now.n),
                   *shown = dp__reader_name(name, r.now.n);
        char names[256];
        return near ? dp__reader_fail(&r, r.now.at, DP_EINVAL,
                                      "unknown name %s; did you mean `%s`?", shown, near)
                    : dp__reader_fail(&r, r.now.at, DP_EINVAL, "unknown name %s; known: %s", shown,
                                      dp__kind_names(c, names, sizeof names));
    }
    s = dp__reader_next(&r);
    if (!s) s = dp__text_args(&r, *kind, dp__reader_is(&r, '('), args);
    if (!s && r.now.kind != DP__T_END)
        s = dp__reader_fail(&r, r.now.at, DP_EINVAL, "nothing may follow %s, found %s",
                            (*kind)->name, dp__reader_found(&r));
    return s;
}
