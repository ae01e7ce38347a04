/* text_grammar.c: the grammar of stacks, into a flat list of items.
 *
 * items[0] is the whole stack. One loop, and `parent` links instead of recursion: the open groups
 * are the chain from `open` to items[0]. What stands before an item (label, repeat) waits in
 * grammar_ahead until the item comes. */
#include <string.h>

#include "nn/kinds.h"
#include "nn/text.h"

typedef struct grammar_ahead {
    size_t label, label_n, label_at;
    int64_t repeat;
    size_t repeat_at;
    bool has_repeat;
} grammar_ahead;

typedef struct grammar_state {
    dp__model *m;
    dp__reader *r;
    int open, depth;
    bool comma; /* the last thing was an item: a comma may follow */
    grammar_ahead ahead;
} grammar_state;

void dp__model_free(dp__model *m) {
    dp__release(m->items, m->cap * sizeof *m->items);
    dp__release(m->args, m->cap_args * sizeof *m->args);
    *m = (dp__model){0};
}

static int grammar_item(dp__model *m, int parent, dp__item_type type, size_t at) {
    if (m->n >= DP__TEXT_ITEMS) {
        dp_fail(DP_ELIMIT, "model text: more than %d layers", DP__TEXT_ITEMS);
        return -1;
    }
    if (!dp__reserve((void **)&m->items, &m->cap, m->n + 1, sizeof *m->items)) return -1;
    int i = (int)m->n++;
    m->items[i] = (dp__item){
        .type = type, .at = at, .repeat = 1, .parent = parent, .first = -1, .last = -1, .next = -1};
    if (parent < 0) return i;
    dp__item *p = &m->items[parent];
    if (p->last >= 0)
        m->items[p->last].next = i;
    else
        p->first = i;
    p->last = i;
    return i;
}

/* A new item with the label and repeat that waited for it. */
static int grammar_add(grammar_state *s, dp__item_type type, size_t at) {
    int i = grammar_item(s->m, s->open, type, at);
    if (i < 0) return i;
    dp__item *item = &s->m->items[i];
    item->label = s->ahead.label;
    item->label_n = s->ahead.label_n;
    if (s->ahead.has_repeat) item->repeat = s->ahead.repeat;
    if (item->label_n > 0 && item->repeat != 1) {
        dp__reader_fail(s->r, s->ahead.label_at, DP_EINVAL,
                        "a label cannot name %lld layers; put them in parentheses",
                        (long long)item->repeat);
        return -1;
    }
    s->ahead = (grammar_ahead){0};
    return i;
}

static dp_status grammar_open(grammar_state *s, size_t at) {
    if (s->depth >= DP__TEXT_DEPTH)
        return dp__reader_fail(s->r, at, DP_ELIMIT, "nested more than %d deep", DP__TEXT_DEPTH);
    int i = grammar_add(s, DP__I_GROUP, at);
    if (i < 0) return dp_error_status();
    s->open = i;
    s->depth++;
    s->comma = false;
    return dp__reader_next(s->r);
}

/* Something is announced (a label, a repeat) and no item came. */
static dp_status grammar_dangling(const grammar_state *s) {
    if (s->ahead.has_repeat)
        return dp__reader_fail(s->r, s->ahead.repeat_at, DP_EINVAL,
                               "a repeat needs a layer after it");
    if (s->ahead.label_n > 0)
        return dp__reader_fail(s->r, s->ahead.label_at, DP_EINVAL,
                               "label %s needs a layer after it",
                               dp__reader_name(s->r->s + s->ahead.label, s->ahead.label_n));
    return DP_OK;
}

static dp_status grammar_close(grammar_state *s) {
    dp_status status = grammar_dangling(s);
    if (status) return status;
    if (s->open == 0)
        return dp__reader_fail(s->r, s->r->now.at, DP_EINVAL, "this \")\" closes nothing");
    s->m->items[s->open].end = s->r->next;
    s->open = s->m->items[s->open].parent;
    s->depth--;
    s->comma = true;
    return dp__reader_next(s->r);
}

static dp_status grammar_label(grammar_state *s, const dp__token *label) {
    dp_status status = grammar_dangling(s);
    if (status) return status;
    if (label->n >= 64)
        return dp__reader_fail(s->r, label->at, DP_ELIMIT, "a label has at most 63 bytes");
    s->ahead.label = label->at;
    s->ahead.label_at = label->at;
    s->ahead.label_n = label->n;
    s->comma = false;
    return DP_OK;
}

/* "fc1:" or "(0):"; *found says whether one stood there; the reader ends after it. */
static dp_status grammar_try_label(grammar_state *s, bool *found) {
    dp__reader ahead = *s->r;
    bool bracket = dp__reader_is(&ahead, '(');
    *found = false;
    if (bracket && dp__reader_next(&ahead)) return DP_EINVAL;
    dp__token label = ahead.now;
    if (label.kind != DP__T_NAME && (label.kind != DP__T_INT || label.i < 0)) return DP_OK;
    if (dp__reader_next(&ahead)) return DP_EINVAL;
    if (bracket) {
        if (!dp__reader_is(&ahead, ')')) return DP_OK;
        if (dp__reader_next(&ahead)) return DP_EINVAL;
    }
    if (!dp__reader_is(&ahead, ':')) return DP_OK;
    *found = true;
    dp_status status = grammar_label(s, &label);
    if (status) return status;
    if (dp__reader_next(&ahead)) return DP_EINVAL;
    *s->r = ahead;
    return DP_OK;
}

/* "3x", "3 x"; the reader stands on the integer. */
static dp_status grammar_repeat(grammar_state *s) {
    dp__reader *r = s->r;
    size_t at = r->now.at, x = r->next;
    int64_t times = r->now.i;
    while (x < r->n && (r->s[x] == ' ' || r->s[x] == '\t')) x++;
    if (x >= r->n || r->s[x] != 'x')
        return dp__reader_fail(r, at, DP_EINVAL, "expected a layer, found %s", dp__reader_found(r));
    if (times < 1 || times > DP__TEXT_ITEMS)
        return dp__reader_fail(r, at, times < 1 ? DP_EINVAL : DP_ELIMIT,
                               "a repeat is from 1 to %d, not %lld", DP__TEXT_ITEMS,
                               (long long)times);
    int64_t before = s->ahead.has_repeat ? s->ahead.repeat : 1;
    if (before * times > DP__TEXT_ITEMS)
        return dp__reader_fail(r, at, DP_ELIMIT, "more than %d layers", DP__TEXT_ITEMS);
    if (!s->ahead.has_repeat) s->ahead.repeat_at = at;
    s->ahead.repeat = before * times;
    s->ahead.has_repeat = true;
    s->comma = false;
    r->next = x + 1;
    return dp__reader_next(r);
}

static dp_status grammar_unknown(grammar_state *s) {
    dp__reader *r = s->r, ahead = *r;
    size_t at = r->now.at, n = r->now.n;
    const char *name = r->s + at;
    if (!dp__reader_next(&ahead) && dp__reader_is(&ahead, '(') && !dp__reader_next(&ahead)) {
        grammar_state inner = {.r = &ahead};
        bool found;
        if (dp__reader_is(&ahead, '(') && !grammar_try_label(&inner, &found) && found)
            return dp__reader_fail(r, at, DP_EINVAL, "%s hides its forward(); write the stack",
                                   dp__reader_name(name, n));
    } else if (dp__reader_is(&ahead, '=')) {
        return dp__reader_fail(r, at, DP_EINVAL, "blocks (`name = ... ;`) are not read yet");
    }
    if (dp__kind_find(DP_KIND_LOSS, name, n))
        return dp__reader_fail(r, at, DP_EINVAL, "%s is a loss, not a layer",
                               dp__reader_name(name, n));
    if (dp__kind_find(DP_KIND_OPTIM, name, n))
        return dp__reader_fail(r, at, DP_EINVAL, "%s is an optimiser, not a layer",
                               dp__reader_name(name, n));
    const char *near = dp__kind_nearest(DP_KIND_LAYER, name, n);
    return near ? dp__reader_fail(r, at, DP_EINVAL, "unknown layer %s; did you mean `%s`?",
                                  dp__reader_name(name, n), near)
                : dp__reader_fail(r, at, DP_EINVAL, "unknown layer %s", dp__reader_name(name, n));
}

/* The reader stands behind the name of a layer: does "(" begin its arguments, or a group of layers?
 * Close to the name: arguments. After a space: what stands in it decides ("ReLU ( Tanh )"). */
static bool grammar_has_args(const dp__reader *r, size_t name_end) {
    dp__reader ahead = *r;
    if (!dp__reader_is(r, '(')) return false;
    if (r->now.at == name_end || dp__reader_next(&ahead)) return true;
    dp__token t = ahead.now;
    if (t.kind == DP__T_INT) return !(ahead.next < ahead.n && ahead.s[ahead.next] == 'x');
    if (t.kind != DP__T_NAME) return !dp__reader_is(&ahead, '(') && !dp__reader_is(&ahead, '{');
    if (dp__reader_next(&ahead)) return true;
    return dp__reader_is(&ahead, '=');
}

static dp_status grammar_layer(grammar_state *s) {
    dp__reader *r = s->r;
    size_t at = r->now.at;
    const dp__kind *kind = dp__kind_find(DP_KIND_LAYER, r->s + at, r->now.n);
    if (!kind) return grammar_unknown(s);
    if (kind == &dp__kind_sequential) {
        dp__reader ahead = *r;
        if (dp__reader_next(&ahead)) return DP_EINVAL;
        if (dp__reader_is(&ahead, '(')) {
            *r = ahead;
            return grammar_open(s, at);
        }
    }
    dp__model *m = s->m;
    size_t fields = dp__field_count(kind), args = m->n_args;
    if (!dp__reserve((void **)&m->args, &m->cap_args, args + fields + 1, sizeof *m->args))
        return DP_ENOMEM;
    int i = grammar_add(s, kind == &dp__kind_sequential ? DP__I_GROUP : DP__I_LAYER, at);
    if (i < 0) return dp_error_status();
    m->items[i].kind = kind;
    m->items[i].args = args;
    m->n_args += fields;
    m->items[i].end = r->next;
    dp_status status = dp__reader_next(r);
    dp__reader before = *r;
    bool given = !status && grammar_has_args(r, m->items[i].end);
    if (!status) status = dp__text_args(r, kind, given, m->args + args);
    if (status) return status;
    if (before.now.at != r->now.at) { /* the ")" is the last sign before where it stands */
        size_t end = r->now.at;
        while (end > at && r->s[end - 1] != ')') end--;
        m->items[i].end = end;
    }
    s->comma = true;
    return DP_OK;
}

static dp_status grammar_refuse(grammar_state *s) {
    static const struct {
        char sign;
        const char *message;
    } later[] = {{'{', "branches ({ ... | ... }) are not read yet"},
                 {'|', "branches ({ ... | ... }) are not read yet"},
                 {'}', "branches ({ ... | ... }) are not read yet"},
                 {'@', "earlier values (@label) are not read yet"},
                 {'&', "shared layers (&label) are not read yet"},
                 {'$', "numbered inputs ($n) are not read yet"},
                 {'.', "parts of a layer's output (.name) are not read yet"},
                 {';', "blocks (`name = ... ;`) are not read yet"},
                 {'=', "blocks (`name = ... ;`) are not read yet"}};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (dp__reader_is(s->r, later[i].sign))
            return dp__reader_fail(s->r, s->r->now.at, DP_EINVAL, "%s", later[i].message);
    return dp__reader_fail(s->r, s->r->now.at, DP_EINVAL, "expected a layer, found %s",
                           dp__reader_found(s->r));
}

static dp_status grammar_comma(grammar_state *s) {
    dp_status status = grammar_dangling(s);
    if (status) return status;
    if (!s->comma)
        return dp__reader_fail(s->r, s->r->now.at, DP_EINVAL,
                               "a layer is missing before this \",\"");
    s->comma = false;
    return dp__reader_next(s->r);
}

static dp_status grammar_step(grammar_state *s) {
    dp__reader *r = s->r;
    if (dp__reader_is(r, ',')) return grammar_comma(s);
    if (dp__reader_is(r, ')')) return grammar_close(s);
    bool label = false;
    dp_status status = grammar_try_label(s, &label);
    if (status || label) return status;
    if (r->now.kind == DP__T_INT) return grammar_repeat(s);
    if (r->now.kind == DP__T_NAME) return grammar_layer(s);
    if (dp__reader_is(r, '(')) return grammar_open(s, r->now.at);
    return grammar_refuse(s);
}

/* "input (3,32,32)"; the reader stands after "input". */
static dp_status grammar_tuple(dp__reader *r, dp_shape *shape) {
    if (!dp__reader_is(r, '('))
        return dp__reader_fail(r, r->now.at, DP_EINVAL, "input: expected \"(\", found %s",
                               dp__reader_found(r));
    dp_status status = dp__reader_next(r);
    shape->rank = 0;
    while (!status && !dp__reader_is(r, ')')) {
        if (r->now.kind != DP__T_INT || r->now.i < 1)
            return dp__reader_fail(r, r->now.at, DP_EINVAL,
                                   "input: a size is an integer >= 1, not %s", dp__reader_found(r));
        if (shape->rank >= DP_MAX_RANK - 1)
            return dp__reader_fail(r, r->now.at, DP_ELIMIT, "input: at most %d sizes",
                                   DP_MAX_RANK - 1);
        shape->dim[shape->rank++] = r->now.i;
        status = dp__reader_next(r);
        if (!status && dp__reader_is(r, ','))
            status = dp__reader_next(r);
        else if (!status && !dp__reader_is(r, ')'))
            return dp__reader_fail(r, r->now.at, DP_EINVAL,
                                   "input: expected \",\" or \")\", found %s", dp__reader_found(r));
    }
    return status ? status : dp__reader_next(r);
}

static dp_status grammar_input(dp__model *m, dp__reader *r) {
    dp__reader ahead = *r;
    if (r->now.kind != DP__T_NAME || r->now.n != 5 || memcmp(r->s + r->now.at, "input", 5) != 0)
        return DP_OK;
    dp_status status = dp__reader_next(&ahead);
    if (status || dp__reader_is(&ahead, ':')) return status; /* a layer labelled "input" */
    status = grammar_tuple(&ahead, &m->input);
    if (status) return status;
    size_t at = r->now.at;
    int64_t count = dp__shape_count(m->input.rank, m->input.dim, NULL);
    if (m->input.rank == 0 || count < 0)
        return dp__reader_fail(r, at, DP_EINVAL, "input: %s",
                               count < 0 ? "the sizes are too large" : "no sizes are given");
    m->has_input = true;
    *r = ahead;
    if (dp__reader_is(r, ','))
        return dp__reader_fail(r, r->now.at, DP_EINVAL, "several inputs are not read yet");
    return DP_OK;
}

dp_status dp__model_read(dp__model *m, dp__reader *r) {
    *m = (dp__model){0};
    grammar_state s = {.m = m, .r = r};
    if (grammar_item(m, -1, DP__I_GROUP, 0) < 0) return dp_error_status();
    dp_status status = grammar_input(m, r);
    while (!status && r->now.kind != DP__T_END) status = grammar_step(&s);
    if (!status) status = grammar_dangling(&s);
    if (!status && s.open != 0)
        status = dp__reader_fail(r, m->items[s.open].at, DP_EINVAL,
                                 "this group is never closed: %s", "a \")\" is missing");
    if (!status && m->items[0].first < 0)
        status = dp__reader_fail(r, r->now.at, DP_EINVAL, "the text has no layers");
    m->items[0].end = r->n;
    return status;
}
