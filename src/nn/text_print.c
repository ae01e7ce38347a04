/* text_print.c: a network as PyTorch prints it, and as canonical text that reads back the same. */
#include <string.h>

#include "nn/kinds.h"
#include "nn/module.h"
#include "nn/text.h"

typedef struct print_frame {
    const dp_module *m;
    size_t next;
} print_frame;

static void print_indent(dp_text *t, int depth) {
    for (int i = 0; i < depth; i++) dp__text_bytes(t, "  ", 2);
}

/* The name and, for a module without children, all of it. */
static void print_head(dp_text *t, const dp_module *m, int depth) {
    const char *extra = m->kind ? NULL : m->def.extra;
    if (m->n_children > 0) {
        dp__text(t, "%s(\n", dp__module_kind_name(m));
        if (!extra) return;
        print_indent(t, depth + 1);
        dp__text(t, "%s\n", extra);
    } else if (m->kind) {
        dp__text_kind(t, m->kind, m->args, DP__STYLE_PYTORCH);
    } else {
        dp__text(t, "%s(%s)", m->own_kind, extra ? extra : "");
    }
}

void dp__module_write(dp_text *t, const dp_module *root) {
    print_frame stack[DP__MODULE_DEPTH + 2] = {{root, 0}};
    print_head(t, root, 0);
    for (int depth = root->n_children > 0 ? 0 : -1; depth >= 0;) {
        print_frame *f = &stack[depth];
        if (f->next == f->m->n_children) {
            print_indent(t, depth);
            dp__text(t, depth > 0 ? ")\n" : ")");
            depth--;
            continue;
        }
        const dp_module *c = f->m->children[f->next++];
        print_indent(t, depth + 1);
        dp__text(t, "(%s): ", c->name);
        print_head(t, c, depth + 1);
        if (c->n_children > 0)
            stack[++depth] = (print_frame){c, 0};
        else
            dp__text(t, "\n");
    }
}

/* Is the i-th child called by its number? */
static bool print_numbered(const dp_module *parent, size_t i) {
    char number[32];
    snprintf(number, sizeof number, "%zu", i);
    return strcmp(parent->children[i]->name, number) == 0;
}

static dp_status print_layer(dp_text *t, const dp_module *m) {
    if (!m->kind)
        return dp_fail(DP_EINVAL, "dp_format: %s is made in C and has no model text", m->own_kind);
    if (m->kind == &dp__kind_sequential)
        dp__text(t, "()");
    else
        dp__text_kind(t, m->kind, m->args, DP__STYLE_CANONICAL);
    return DP_OK;
}

/* Items of the outermost stack are on lines of their own, those of inner ones behind each other. */
static dp_status print_stack(dp_text *t, const dp_module *root, bool brackets) {
    print_frame stack[DP__MODULE_DEPTH + 2] = {{root, 0}};
    dp_status s = DP_OK;
    if (brackets) dp__text(t, "( ");
    for (int depth = 0; s == DP_OK && depth >= 0;) {
        print_frame *f = &stack[depth];
        if (f->next == f->m->n_children) {
            if (depth > 0 || brackets) dp__text(t, " )");
            depth--;
            continue;
        }
        if (f->next > 0) dp__text(t, depth == 0 && !brackets ? "\n" : " ");
        const dp_module *c = f->m->children[f->next];
        if (!print_numbered(f->m, f->next++)) dp__text(t, "%s: ", c->name);
        if (c->kind == &dp__kind_sequential && c->n_children > 0) {
            dp__text(t, "( ");
            stack[++depth] = (print_frame){c, 0};
        } else {
            s = print_layer(t, c);
        }
    }
    return s;
}

dp_status dp__module_format(dp_text *t, const dp_module *m) {
    if (m->has_input) {
        dp__text(t, "input (");
        for (int i = 0; i < m->input.rank; i++)
            dp__text(t, i ? ",%lld" : "%lld", (long long)m->input.dim[i]);
        dp__text(t, ")\n");
    }
    if (m->kind != &dp__kind_sequential || m->n_children == 0) return print_layer(t, m);
    return print_stack(t, m, m->n_children == 1 && print_numbered(m, 0));
}

/* The text as a string of its own, for dp_text_free. */
static char *print_take(dp_text *t, dp_status s) {
    char *out = s == DP_OK && !t->failed && t->data ? dp__strdup(t->data) : NULL;
    dp__text_free(t);
    return out;
}

char *dp_print_text(dp_module *m) {
    dp_text t = {0};
    if (!dp__module_check(m, "dp_print")) return NULL;
    dp__module_write(&t, m);
    return print_take(&t, DP_OK);
}

void dp_print(dp_module *m, FILE *file) {
    dp_text t = {0};
    if (!dp__module_check(m, "dp_print")) return;
    if (!file) {
        dp_fail(DP_EINVAL, "dp_print: the file is NULL");
        return;
    }
    dp__module_write(&t, m);
    if (!t.failed && t.data) fprintf(file, "%s\n", t.data);
    dp__text_free(&t);
}

char *dp_format(dp_module *m) {
    dp_text t = {0};
    if (!dp__module_check(m, "dp_format")) return NULL;
    return print_take(&t, dp__module_format(&t, m));
}
