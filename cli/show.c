/* show.c: the rows of the banner, results, the confusion matrix. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

void show_result(FILE *f, const char *split, const dp_result *r) {
    if (isnan(r->accuracy))
        cli_row(f, split, "loss %.6g, %s examples", r->loss, cli_commas(r->examples));
    else
        cli_row(f, split, "accuracy %.2f %%, loss %.4f, %s examples", 100 * r->accuracy, r->loss,
                cli_commas(r->examples));
}

void show_machine(FILE *f) {
    cli_row(f, "machine", "%s, %d thread%s (the result depends on neither)", dp_isa_name(),
            dp_threads(), dp_threads() == 1 ? "" : "s");
}

void show_network(FILE *f, const cli_model *m) {
    char *text = dp_print_text(m->net);
    size_t lines = 0;
    for (const char *s = text; s && *s; s++) lines += *s == '\n';
    if (text && lines <= 24) {
        for (char *s = text; *s;) {
            int n = (int)strcspn(s, "\n");
            fprintf(f, "%-10s%.*s\n", s == text ? "network" : "", n, s);
            s += n + (s[n] == '\n');
        }
    }
    cli_row(f, text && lines <= 24 ? "" : "network", "%s parameters%s%s",
            cli_commas(dp_param_elements(m->net)), m->path ? " from " : "",
            m->path ? cli_quote(m->path) : "");
    dp_text_free(text);
}

void show_data(FILE *f, const cli_model *m, dp_dataset *data) {
    dp_shape shape = dp_example_shape(data);
    bool flattens = cli_flattens(m->net, shape);
    int64_t val = dp_examples(data, DP_VAL);
    char classes[32] = "", held[64] = "";
    if (dp_classes(data))
        snprintf(classes, sizeof classes, ", %s classes", cli_commas(dp_classes(data)));
    if (val) snprintf(held, sizeof held, ", %s validation", cli_commas(val));
    cli_row(f, "data", "%s: %s training%s, %s test examples%s", cli_quote(dp_data_name(data)),
            cli_commas(dp_examples(data, DP_TRAIN)), held, cli_commas(dp_examples(data, DP_TEST)),
            classes);
    const char *pixels = dp_data_pixels(data);
    cli_row(f, "", "examples %s%s%s%s%s", cli_shape_text(shape), flattens ? " flattened to " : "",
            flattens ? cli_shape_text(dp_input_shape(m->net)) : "", *pixels ? ", pixels " : "",
            pixels);
}

void show_eval_banner(FILE *f, const cli_model *m, dp_dataset *data, dp_split_name split) {
    show_network(f, m);
    show_data(f, m, data);
    if (split != DP_TEST) cli_row(f, "", "no test examples: the training examples are used");
    show_machine(f);
}

static void confusion_table(dp_dataset *data, const int64_t *counts, int64_t n) {
    int width = 5;
    for (int64_t i = 0; i < n * n; i++) {
        int w = (int)strlen(cli_commas(counts[i])) + 1;
        if (w > width) width = w;
    }
    printf("\nconfusion: rows true, columns predicted\n\n%10s", "");
    for (int64_t j = 0; j < n; j++) printf("%*.*s", width, width - 1, dp_class_name(data, j));
    printf("   recall\n");
    for (int64_t i = 0; i < n; i++) {
        int64_t sum = 0;
        printf("%10.9s", dp_class_name(data, i));
        for (int64_t j = 0; j < n; j++) {
            sum += counts[i * n + j];
            if (counts[i * n + j])
                printf("%*s", width, cli_commas(counts[i * n + j]));
            else
                printf("%*s", width, ".");
        }
        if (sum) printf("  %5.1f %%", 100.0 * (double)counts[i * n + i] / (double)sum);
        printf("\n");
    }
}

int show_confusion(dp_module *net, dp_dataset *data, dp_split_name split, bool json) {
    int64_t n = dp_classes(data);
    if (n < 1 || n > 1000)
        return cli_error(DP_EINVAL, NULL, "--confusion: found %lld classes, allowed 1 to 1000",
                         (long long)n);
    int64_t *counts = calloc((size_t)(n * n), sizeof *counts);
    if (!counts) return cli_error(DP_ENOMEM, NULL, "out of memory");
    int code = dp_confusion(net, data, split, counts) ? cli_library_error() : 0;
    if (!code && !json) confusion_table(data, counts, n);
    for (int64_t i = 0; !code && json && i < n * n; i++)
        printf("%s%s%lld%s", i == 0 ? ",\"confusion\":[" : "", i % n == 0 ? (i ? ",[" : "[") : ",",
               (long long)counts[i],
               i == n * n - 1   ? "]]"
               : i % n == n - 1 ? "]"
                                : "");
    free(counts);
    return code;
}
