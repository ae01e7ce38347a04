/* text.c: any graph as text, one node a line, and back.
 *
 *     denpan graph 1
 *     %0 = leaf f32 [2,3]
 *     %1 = reshape(%0, shape=[6])
 *     return %1
 *
 * Op names and field names are a public format; its version is in the first line. */
#include <string.h>
#include "op.h"
#include "denpan/run.h"

static const char text_first[] = "denpan graph 1\n";

void dp_text_free(char *text) {
    if (text) dp__release(text, strlen(text) + 1);
}

/* ---- writing ---- */

static void text_field(dp_text *t, const dp_op_field *f, const void *attr) {
    const char *at = (const char *)attr + f->offset;
    char number[32];
    dp__text(t, ", %s=", f->name);
    switch (f->type) {
    case DP_FIELD_DOUBLE:
        dp__text(t, "%s", dp__format_double(*(const double *)(const void *)at, number));
        break;
    case DP_FIELD_BOOL:
        dp__text(t, "%s", *(const int64_t *)(const void *)at ? "true" : "false");
        break;
    case DP_FIELD_DTYPE:
        dp__text(t, "%s", dp_dtype_name((dp_dtype) * (const int64_t *)(const void *)at));
        break;
    case DP_FIELD_SHAPE: {
        const dp_shape *s = (const void *)at;
        dp__text(t, "%s", dp__shape_text(s->rank, s->dim));
        break;
    }
    case DP_FIELD_POINTER:
        dp__text(t, "pointer");
        break;
    default:
        dp__text(t, "%lld", (long long)*(const int64_t *)(const void *)at);
        break;
    }
}

static void text_node(dp_text *t, const dp_walk *w, size_t i) {
    const dp_tensor *x = w->order[i];
    dp__text(t, "%%%zu = ", i);
    if (x->state == DP_STORED) {
        dp__text(t, "%s %s %s", dp_is_variable(x) ? "variable" : "leaf",
                 dp_dtype_name((dp_dtype)x->dtype), dp__shape_text(x->rank, x->dim));
    } else {
        dp__text(t, "%s(", x->op->name);
        for (int k = 0; k < x->n_in; k++)
            dp__text(t, k ? ", %%%d" : "%%%d", (int)dp__walk_index(w, x->in[k]));
        for (const dp_op_field *f = x->op->fields; f && f->name; f++) text_field(t, f, x->attr);
        dp__text(t, ")");
    }
    if (x->name) {
        dp__text(t, "  # ");
        dp__text_bytes(t, x->name, strcspn(x->name, "\r\n"));
    }
    dp__text(t, "\n");
}

char *dp_graph_text(dp_tensor *const *roots, size_t n) {
    dp_walk w = {0};
    dp_text t = {0};
    if (n && !roots) dp_fail(DP_EINVAL, "dp_graph_text: the list of roots is NULL");
    for (size_t i = 0; i < n; i++)
        if (!roots || !dp__check(roots[i], "dp_graph_text")) return NULL;
    bool fine = dp__walk(&w, roots, n, "dp_graph_text");
    if (fine) {
        dp__text(&t, "%s", text_first);
        for (size_t i = 0; i < w.n; i++) text_node(&t, &w, i);
        dp__text(&t, "return");
        for (size_t i = 0; i < n; i++)
            dp__text(&t, i ? ", %%%d" : " %%%d", (int)dp__walk_index(&w, roots[i]));
        dp__text(&t, "\n");
    }
    dp__walk_free(&w);
    return fine ? dp__text_take(&t) : NULL;
}

/* ---- reading ---- */

typedef struct dp_graph_reader {
    const char *at, *end, *line_begin;
    int line;
    dp_tensor **node;
    size_t n, cap;
    dp_tensor *const *leaf;
    size_t n_leaves, used;
} dp_graph_reader;

static bool text_wrong(const dp_graph_reader *r, const char *what) {
    const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    dp_fail(DP_EFORMAT, "graph text: line %d, column %d: %s, found \"%s\"", r->line,
            (int)(r->at - r->line_begin) + 1, what,
            dp__quote(r->at, (size_t)((end ? end : r->end) - r->at)));
    return false;
}

static void text_blanks(dp_graph_reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t')) r->at++;
}

static bool text_has(dp_graph_reader *r, const char *s) {
    size_t n = strlen(s);
    text_blanks(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, s, n)) return false;
    r->at += n;
    return true;
}

static bool text_want(dp_graph_reader *r, const char *s, const char *what) {
    return text_has(r, s) || text_wrong(r, what);
}

static bool text_line_end(dp_graph_reader *r) {
    text_blanks(r);
    if (r->at < r->end && *r->at == '#')
        while (r->at < r->end && *r->at != '\n') r->at++;
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at == r->end) return true;
    if (*r->at != '\n') return text_wrong(r, "expected the end of the line");
    r->line_begin = ++r->at;
    r->line++;
    return true;
}

static bool text_word(dp_graph_reader *r, char *out, size_t cap) {
    size_t n = 0;
    text_blanks(r);
    for (; r->at < r->end && n + 1 < cap; n++, r->at++) {
        char c = *r->at;
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            break;
        out[n] = c;
    }
    out[n] = 0;
    return n > 0 || text_wrong(r, "expected a name");
}

static bool text_integer(dp_graph_reader *r, int64_t *out) {
    text_blanks(r);
    size_t n = dp__parse_int(r->at, (size_t)(r->end - r->at), out);
    r->at += n;
    return n > 0 || text_wrong(r, "expected an integer");
}

static bool text_shape(dp_graph_reader *r, dp_shape *s) {
    *s = (dp_shape){0};
    if (!text_want(r, "[", "expected a shape")) return false;
    while (!text_has(r, "]")) {
        if (s->rank == DP_MAX_RANK) return text_wrong(r, "expected at most 8 dims");
        if ((s->rank && !text_want(r, ",", "expected , or ]")) ||
            !text_integer(r, &s->dim[s->rank++]))
            return false;
    }
    return true;
}

static bool text_dtype(dp_graph_reader *r, int64_t *out) {
    char name[16];
    const char *at = r->at;
    if (!text_word(r, name, sizeof name)) return false;
    for (int k = 0; k < DP_N_DTYPES; k++)
        if (!strcmp(name, dp_dtype_name((dp_dtype)k))) {
            *out = k;
            return true;
        }
    r->at = at;
    return text_wrong(r, "expected f32, f64, i64 or u8");
}

static bool text_reference(dp_graph_reader *r, dp_tensor **out) {
    int64_t i;
    if (!text_want(r, "%", "expected %NUMBER") || !text_integer(r, &i)) return false;
    if (i < 0 || (size_t)i >= r->n) return text_wrong(r, "expected a node of an earlier line");
    *out = r->node[i];
    return true;
}

static bool text_value(dp_graph_reader *r, const dp_op_field *f, void *attr) {
    void *at = (char *)attr + f->offset;
    switch (f->type) {
    case DP_FIELD_DOUBLE: {
        text_blanks(r);
        size_t n = dp__parse_double(r->at, (size_t)(r->end - r->at), at);
        r->at += n;
        return n > 0 || text_wrong(r, "expected a number");
    }
    case DP_FIELD_BOOL:
        *(int64_t *)at = text_has(r, "true");
        return *(int64_t *)at || text_want(r, "false", "expected true or false");
    case DP_FIELD_DTYPE:
        return text_dtype(r, at);
    case DP_FIELD_SHAPE:
        return text_shape(r, at);
    case DP_FIELD_POINTER:
        return text_wrong(r, "this op cannot be read from text: it holds an address");
    default:
        return text_integer(r, at);
    }
}

static bool text_op(dp_graph_reader *r, const char *name, dp_tensor **out) {
    const dp_op *op = dp_op_find(name);
    double attr[DP_ATTR_INLINE / 8] = {0};
    dp_tensor *in[DP_MAX_IN];
    int n_in = 0, parts = 0;
    if (!op || op->kind == DP_LEAF)
        return text_wrong(r, "expected leaf, variable or a known op before this");
    if (!text_want(r, "(", "expected (")) return false;
    const dp_op_field *f = op->fields;
    while (!text_has(r, ")")) {
        if (parts++ && !text_want(r, ",", "expected , or )")) return false;
        text_blanks(r);
        if (r->at < r->end && *r->at == '%') {
            if (n_in == DP_MAX_IN) return text_wrong(r, "expected at most 4 inputs");
            if (!text_reference(r, &in[n_in++])) return false;
            continue;
        }
        if (!f || !f->name) return text_wrong(r, "expected no further field");
        if (!text_want(r, f->name, "expected the op's next field") ||
            !text_want(r, "=", "expected =") || !text_value(r, f, attr))
            return false;
        f++;
    }
    if (f && f->name) return text_wrong(r, "expected all fields of the op before this");
    return (*out = dp_apply(op, in, n_in, attr)) != NULL;
}

static bool text_leaf(dp_graph_reader *r, dp_tensor **out) {
    int64_t dtype;
    dp_shape s;
    if (!text_dtype(r, &dtype) || !text_shape(r, &s)) return false;
    if (r->used == r->n_leaves)
        return text_wrong(r, "there are fewer leaves than the text has, before this");
    dp_tensor *t = r->leaf[r->used++];
    if (!dp__check(t, "dp_graph_parse")) return false;
    if (t->dtype != dtype || t->rank != s.rank ||
        memcmp(t->dim, s.dim, sizeof s.dim[0] * (size_t)s.rank)) {
        dp_fail(DP_EMISMATCH, "graph text: line %d: leaf %zu is %s; the text says %s %s", r->line,
                r->used - 1, dp__describe(t), dp_dtype_name((dp_dtype)dtype),
                dp__shape_text(s.rank, s.dim));
        return false;
    }
    *out = t;
    return true;
}

static bool text_read_node(dp_graph_reader *r) {
    int64_t number;
    char name[64];
    dp_tensor *t = NULL;
    if (!text_want(r, "%", "expected %NUMBER or return") || !text_integer(r, &number)) return false;
    if (number != (int64_t)r->n)
        return text_wrong(r, "expected the numbers 0, 1, 2, ... before this");
    if (!text_want(r, "=", "expected =") || !text_word(r, name, sizeof name)) return false;
    bool leaf = !strcmp(name, "leaf") || !strcmp(name, "variable");
    if (!(leaf ? text_leaf(r, &t) : text_op(r, name, &t)) || !text_line_end(r)) return false;
    if (!dp__reserve((void **)&r->node, &r->cap, r->n + 1, sizeof *r->node)) return false;
    r->node[r->n++] = t;
    return true;
}

static bool text_read(dp_graph_reader *r, dp_tensor **roots, size_t *n) {
    size_t room = *n;
    *n = 0;
    if (!text_want(r, "denpan graph 1", "expected \"denpan graph 1\"") || !text_line_end(r))
        return false;
    for (;;) {
        if (r->at == r->end) return text_wrong(r, "expected a line with return");
        if (text_has(r, "return")) break;
        if (!text_read_node(r)) return false;
    }
    do {
        if (*n == room) return text_wrong(r, "expected fewer roots");
        if (!text_reference(r, &roots[*n])) return false;
        ++*n;
    } while (text_has(r, ","));
    return text_line_end(r) && (r->at == r->end || text_wrong(r, "expected the end of the text"));
}

dp_status dp_graph_parse(const char *text, dp_tensor *const *leaves, size_t n_leaves,
                         dp_tensor **roots, size_t *n) {
    if (!text || !roots || !n || (n_leaves && !leaves))
        return dp_fail(DP_EINVAL, "dp_graph_parse: NULL");
    dp_graph_reader r = {.at = text,
                         .end = text + strlen(text),
                         .line_begin = text,
                         .line = 1,
                         .leaf = leaves,
                         .n_leaves = n_leaves};
    bool fine = text_read(&r, roots, n);
    dp__release(r.node, r.cap * sizeof *r.node);
    return fine ? DP_OK : dp_error_status();
}
