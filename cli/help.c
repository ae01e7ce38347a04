/* help.c: help pages of 80 columns, made from the tables. */
#include <string.h>

#include "cli.h"

/* Print words of `text` from column `at`, wrapped before column 80, continued at `indent`. */
static void wrap(FILE *f, const char *text, int at, int indent) {
    int column = at;
    for (const char *s = text; *s;) {
        int n = (int)strcspn(s, " ");
        if (column > indent && column + 1 + n > 79) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (s != text) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", n, s);
        column += n;
        s += n;
        while (*s == ' ') s++;
    }
    fputc('\n', f);
}

static void help_words(FILE *f, const char *words) {
    for (const char *s = words; s && *s;) {
        const char *doc = s + strlen(s) + 1;
        int column = fprintf(f, "  %-9s ", s);
        wrap(f, doc, column, 12);
        s = doc + strlen(doc) + 1;
    }
}

static void help_option(FILE *f, const cli_option *o) {
    char left[40];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    int column = fprintf(f, "  %-16s ", left);
    wrap(f, o->doc, column, 19);
}

static void help_options(FILE *f, unsigned bit) {
    const char *group = NULL;
    for (const cli_option *o = cli_options; o->name; o++) {
        if (!(o->commands & bit)) continue;
        if (!group || strcmp(group, o->group)) fprintf(f, "\n%s\n", o->group);
        group = o->group;
        help_option(f, o);
    }
}

/* What optimisers, losses and rules exist: from the library's own tables. */
static void help_kinds(FILE *f, const char *title, dp_kind_class kind) {
    const char *name, *doc;
    fprintf(f, "\n%s\n", title);
    for (size_t i = 0; (name = dp_kind_name(kind, i, &doc)); i++) {
        dp_kind_field_info field;
        char line[1024];
        int n = snprintf(line, sizeof line, "%s(", name);
        for (size_t k = 0; dp_kind_field(kind, name, k, &field) && n < (int)sizeof line - 64; k++)
            n += snprintf(line + n, sizeof line - (size_t)n, "%s%.24s%s%.24s", k ? ", " : "",
                          field.name, field.def ? "=" : "", field.def ? field.def : "");
        snprintf(line + n, sizeof line - (size_t)n, ")");
        fprintf(f, "  ");
        wrap(f, line[n - 1] == '(' ? name : line, 2, 6);
    }
}

void cli_help_command(FILE *f, const cli_command *c) {
    fprintf(f, "%s\n\n", c->usage);
    wrap(f, c->doc, 0, 0);
    if (c->words) fputc('\n', f);
    help_words(f, c->words);
    help_options(f, c->bit);
    if (c->bit & CMD_TRAIN) {
        help_kinds(f, "Optimisers", DP_KIND_OPTIM);
        help_kinds(f, "Losses", DP_KIND_LOSS);
        help_kinds(f, "Layers", DP_KIND_LAYER);
    }
    if (!c->examples) return;
    fprintf(f, "\nExamples\n");
    for (const char *s = c->examples; *s; s += strlen(s) + 1) {
        fprintf(f, "  ");
        wrap(f, s, 2, 6);
    }
}

void cli_help(FILE *f) {
    fprintf(f, "denpan %s: train, test and look into neural networks\n\n", dp_version());
    for (const cli_command *c = cli_commands; c->name; c++) {
        int column = fprintf(f, "  %-9s ", c->name);
        wrap(f, c->doc, column, 12);
    }
    fprintf(f, "\n`denpan COMMAND --help` explains a command. A first run, without any file:\n\n"
               "  denpan train \"Linear(784,128) ReLU Linear(128,10)\" digits\n\n");
    wrap(f,
         "Exit codes: 0 done, 2 wrong arguments, 3 malformed file, 4 missing file, failed read or "
         "write, 5 too large or out of memory, 6 the loss is no longer finite, 7 stopped by a "
         "signal (and saved, with --out), 9 the file does not fit, 70 a bug",
         0, 12);
}
