/* summary.c: a network as PyTorch prints it, and what its layers make, hold and cost. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { ROWS = 10000, DEPTH = 64 };

typedef struct layer {
    char name[64], kind[64];
    dp_shape out;
    int64_t params, macs, elements; /* of the output */
} layer;

static int64_t elements(dp_shape s) {
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

/* Multiply-adds of a layer: every weight [out, ...] is used once for each of its outputs' places.
 */
static int64_t multiply_adds(dp_module *m, dp_shape out) {
    int64_t sum = 0;
    dp_tensor *w;
    const char *name;
    for (size_t i = 0; (w = dp_param_at(m, i, &name)); i++)
        if (dp_rank(w) >= 2 && dp_dim(w, 0) > 0)
            sum += dp_count(w) * (elements(out) / dp_dim(w, 0));
    return sum;
}

static bool is_sequential(dp_module *m) { return strcmp(dp_module_kind(m), "Sequential") == 0; }

static void fill(layer *row, dp_module *m, const char *prefix, const char *name, dp_shape out) {
    snprintf(row->name, sizeof row->name, "%s%s%s", prefix, *prefix ? "." : "", name);
    snprintf(row->kind, sizeof row->kind, "%s", dp_module_kind(m));
    row->out = out;
    row->params = dp_param_elements(m);
    row->macs = multiply_adds(m, out);
    row->elements = elements(out);
}

/* The layers in order, nested stacks opened; their number, -1 on failure. */
static int collect(dp_module *net, dp_shape shape, layer *rows) {
    struct {
        dp_module *m;
        size_t next;
        char prefix[64];
    } stack[DEPTH] = {{net, 0, ""}};
    int depth = 1, n = 0;
    if (!is_sequential(net)) {
        dp_shape out = dp_output_shape(net, shape);
        if (out.rank >= 0) fill(&rows[n++], net, "", "", out);
        return out.rank >= 0 ? n : -1;
    }
    while (depth > 0 && n < ROWS) {
        const char *name;
        int at = depth - 1;
        dp_module *child = dp_child_at(stack[at].m, stack[at].next++, &name);
        if (!child) {
            depth--;
        } else if (is_sequential(child) && depth < DEPTH) {
            stack[depth].m = child;
            stack[depth].next = 0;
            char prefix[sizeof stack[at].prefix];
            snprintf(prefix, sizeof prefix, "%.40s%s%.20s", stack[at].prefix,
                     *stack[at].prefix ? "." : "", name);
            memcpy(stack[depth].prefix, prefix, sizeof prefix);
            depth++;
        } else {
            shape = dp_output_shape(child, shape);
            if (shape.rank < 0) return -1;
            fill(&rows[n++], child, stack[at].prefix, name, shape);
        }
    }
    return n;
}

static void table(const layer *rows, int n) {
    int64_t macs = 0, out = 0, params = 0;
    printf("\n%-24s %-12s %12s %14s %13s\n", "layer", "output", "parameters", "multiply-adds",
           "activations");
    for (int i = 0; i < n; i++) {
        const layer *r = &rows[i];
        char title[140];
        snprintf(title, sizeof title, "%s%s%s", r->name, *r->name ? " " : "", r->kind);
        printf("%-24.24s %-12s %12s %14s %13s\n", title, cli_shape_text(r->out),
               cli_commas(r->params), cli_commas(r->macs), cli_bytes(4.0 * (double)r->elements));
        params += r->params;
        macs += r->macs;
        out += r->elements;
    }
    printf("%-24s %-12s %12s %14s %13s\n", "total, one example", "", cli_commas(params),
           cli_commas(macs), cli_bytes(4.0 * (double)out));
}

typedef struct memory {
    double params, state, arena;
} memory;

/* Bytes of a training step: parameters, optimiser state, inner values; false on failure. */
static bool measure(dp_module *net, dp_shape shape, const cli_args *a, int64_t batch, memory *m) {
    const char *optim = a->optim ? a->optim : "Adam(lr=1e-3)", *name;
    dp_tensor *t;
    *m = (memory){0};
    int64_t arena = dp_training_bytes(net, shape, batch, a->loss, optim);
    dp_optim *o = arena < 0 ? NULL : dp_optim_text(net, optim);
    if (!o) return false;
    m->arena = (double)arena;
    for (size_t i = 0; (t = dp_param_at(net, i, &name)); i++)
        m->params += (double)dp_count(t) * (double)dp_dtype_size(dp_dtype_of(t));
    for (size_t i = 0; (t = dp_optim_state(o, i, &name)); i++)
        m->state += (double)dp_count(t) * (double)dp_dtype_size(dp_dtype_of(t));
    dp_optim_free(o);
    return true;
}

static void as_json(const layer *rows, int n, dp_module *net, const memory *m, int64_t batch) {
    int64_t macs = 0;
    char *text = dp_format(net);
    printf("{\"text\":");
    cli_json_text(stdout, text ? text : "");
    dp_text_free(text);
    printf(",\"layers\":[");
    for (int i = 0; i < n; i++) {
        printf("%s{\"name\":", i ? "," : "");
        cli_json_text(stdout, rows[i].name);
        printf(",\"kind\":");
        cli_json_text(stdout, rows[i].kind);
        printf(
            ",\"output\":%s,\"parameters\":%lld,\"multiply_adds\":%lld,\"activation_bytes\":%lld}",
            cli_shape_text(rows[i].out), (long long)rows[i].params, (long long)rows[i].macs,
            (long long)(4 * rows[i].elements));
        macs += rows[i].macs;
    }
    printf("],\"parameters\":%lld,\"multiply_adds\":%lld,\"batch\":%lld,\"parameter_bytes\":%.0f,"
           "\"optimiser_bytes\":%.0f,\"training_bytes\":%.0f}\n",
           (long long)dp_param_elements(net), (long long)macs, (long long)batch, m->params,
           m->state, m->arena);
}

static int report(dp_module *net, dp_shape shape, const cli_args *a, layer *rows) {
    int64_t batch = a->batch ? a->batch : 64;
    memory m;
    int n = collect(net, shape, rows);
    if (n < 0 || !measure(net, shape, a, batch, &m)) return cli_library_error();
    if (a->json) {
        as_json(rows, n, net, &m, batch);
        return 0;
    }
    table(rows, n);
    printf("\ntraining at batch %s takes %s: %s parameters, %s optimiser,\n%s inner values of a "
           "step\n",
           cli_commas(batch), cli_bytes(m.params + m.state + m.arena), cli_bytes(m.params),
           cli_bytes(m.state), cli_bytes(m.arena));
    return 0;
}

int cli_summary(cli_args *a) {
    cli_model m;
    int code = cli_load_model(a->words[0], &m);
    if (code) return code;
    dp_shape shape = m.info.input.rank > 0 ? m.info.input : dp_input_shape(m.net);
    if (a->input && !cli_shape(a->input, &shape))
        return cli_error(DP_EINVAL, NULL,
                         "--input: found \"%s\", allowed sizes like 784 or 1,28,28",
                         cli_quote(a->input));
    if (!a->json) dp_print(m.net, stdout);
    if (!a->json) printf("%s parameters\n", cli_commas(dp_param_elements(m.net)));
    if (shape.rank < 0) {
        if (!a->json) return 0;
        return cli_error(DP_EINVAL, "give --input SHAPE",
                         "summary: the text does not say the shape of an example");
    }
    layer *rows = calloc(ROWS, sizeof *rows);
    if (!rows) return cli_error(DP_ENOMEM, NULL, "out of memory");
    code = report(m.net, shape, a, rows);
    free(rows);
    return code;
}
