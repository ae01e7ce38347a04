/* text_build.c: the item list to modules, with repeats expanded and sizes checked where they meet.
 */
#include <string.h>

#include "nn/kinds.h"
#include "nn/module.h"
#include "nn/text.h"

typedef struct build_frame {
    int item;     /* the group */
    int child;    /* what comes next in it; -1: nothing */
    int64_t left; /* repeats of that child that are left; 0: not begun */
    dp_module *m;
} build_frame;

typedef struct build_state {
    const dp__model *model;
    const dp__reader *r;
    dp__flow flow;
    size_t made;
} build_state;

static dp_module *build_one(build_state *s, const dp__item *item) {
    if (++s->made > DP__TEXT_ITEMS) {
        dp__reader_fail(s->r, item->at, DP_ELIMIT, "more than %d layers", DP__TEXT_ITEMS);
        return NULL;
    }
    const dp__kind *kind = item->type == DP__I_GROUP ? &dp__kind_sequential : item->kind;
    dp_module *m = dp__module_of(kind, s->model->args + item->args);
    if (!m || item->type == DP__I_GROUP || !kind->flow) return m;
    const char *text = s->r->s + item->at;
    size_t n = item->end - item->at;
    char why[DP__WHY] = "does not fit";
    if (!kind->flow(m, &s->flow, why)) {
        dp__reader_fail(s->r, item->at, DP_EINVAL, "%s %s", dp__quote(text, n), why);
        dp__module_destroy(m);
        return NULL;
    }
    snprintf(s->flow.from, sizeof s->flow.from, "%.90s", dp__quote(text, n));
    return m;
}

/* Put a new module below its parent, under its label or its number. */
static bool build_place(const build_state *s, dp_module *parent, const dp__item *item,
                        dp_module *m) {
    char name[64];
    if (item->label_n > 0)
        snprintf(name, sizeof name, "%.*s", (int)item->label_n, s->r->s + item->label);
    else
        snprintf(name, sizeof name, "%zu", parent->n_children);
    if (dp__module_slot(parent, name, strlen(name))) {
        dp__reader_fail(s->r, item->label_n > 0 ? item->label : item->at, DP_EINVAL,
                        "two layers are called `%s`", name);
        return false;
    }
    return dp_child(parent, name, m) != NULL;
}

/* Everything below the group of stack[0], which has its module already. */
static bool build_group(build_state *s, build_frame *stack) {
    const dp__item *items = s->model->items;
    for (int depth = 0; depth >= 0;) {
        build_frame *f = &stack[depth];
        if (f->child < 0) {
            depth--;
            continue;
        }
        const dp__item *item = &items[f->child];
        if (f->left == 0) f->left = item->repeat;
        int child = f->child;
        if (--f->left == 0) f->child = item->next;
        dp_module *m = build_one(s, item);
        if (!m) return false;
        if (!build_place(s, f->m, item, m)) {
            dp__module_destroy(m);
            return false;
        }
        if (item->type == DP__I_GROUP && items[child].first >= 0)
            stack[++depth] = (build_frame){child, item->first, 0, m};
    }
    return true;
}

static void build_input(build_state *s, dp_shape input) {
    s->flow.rank = input.rank;
    memcpy(s->flow.dim, input.dim, sizeof s->flow.dim[0] * (size_t)input.rank);
    s->flow.last = input.dim[input.rank - 1];
    snprintf(s->flow.from, sizeof s->flow.from, "input %s", dp__shape_text(input.rank, input.dim));
}

/* A text of one item without a label is that item; any other is a Sequential of its items. */
dp_module *dp__model_build(const dp__model *model, const dp__reader *r) {
    build_frame stack[DP__TEXT_DEPTH + 2];
    build_state s = {.model = model, .r = r, .flow = {.rank = -1, .last = -1}};
    int root = 0, only = model->items[0].first;
    const dp__item *first = &model->items[only];
    if (first->next < 0 && first->repeat == 1 && first->label_n == 0) root = only;
    if (model->has_input) build_input(&s, model->input);
    dp_module *m = build_one(&s, &model->items[root]);
    if (!m) return NULL;
    stack[0] = (build_frame){root, model->items[root].first, 0, m};
    if (!build_group(&s, stack)) {
        dp__module_destroy(m);
        return NULL;
    }
    m->has_input = model->has_input;
    m->input = model->input;
    return m;
}

dp_module *dp__nn_zeros(const char *text) {
    dp__reader r;
    dp__model model = {0};
    dp_module *m = NULL;
    if (!text) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "dp_nn: the text is NULL");
        return NULL;
    }
    if (dp__reader_begin(&r, "model text", text) == DP_OK && dp__model_read(&model, &r) == DP_OK)
        m = dp__model_build(&model, &r);
    dp__model_free(&model);
    return dp__module_adopt(m);
}

dp_module *dp_nn_text(const char *text) {
    dp_module *m = dp__nn_zeros(text);
    if (!m || dp_init(m, "default", 0) == DP_OK) return m;
    dp_module_free(m);
    return NULL;
}

dp_module *dp_nn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = format ? dp__vprintf(format, args) : NULL;
    va_end(args);
    dp_module *m = dp_nn_text(text);
    if (text) dp__release(text, strlen(text) + 1);
    return m;
}
