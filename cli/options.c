/* options.c: the tables of commands and options, and the reader that they drive. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int run_help(cli_args *a) {
    const cli_command *c = a->n_words ? cli_find_command(a->words[0]) : NULL;
    if (a->n_words && !c) {
        return cli_unknown_command(a->words[0]);
    }
    if (c)
        cli_help_command(stdout, c);
    else
        cli_help(stdout);
    return 0;
}

static int run_version(cli_args *a) {
    if (a->json)
        printf("{\"version\":\"%s\",\"isa\":\"%s\",\"threads\":%d}\n", dp_version(), dp_isa_name(),
               dp_threads());
    else
        printf("denpan %s (%s, %d thread%s)\n", dp_version(), dp_isa_name(), dp_threads(),
               dp_threads() == 1 ? "" : "s");
    return 0;
}

#define WORDS_MODEL                                                                               \
    "MODEL\0a network as text (\"Linear(784,128) ReLU Linear(128,10)\"), a file that holds such " \
    "text, "                                                                                      \
    "the NAME of a NAME.txt in the folder $DENPAN_MODELS, or a .safetensors file\0"
#define WORDS_DATA                                                                        \
    "DATA\0a folder of IDX files (MNIST's names, .gz or not), or built-in data: digits, " \
    "\"digits(n=20000, seed=1)\"\0"

const cli_command cli_commands[] = {
    {"train", "denpan train MODEL DATA [options]", "Train a network and report its accuracy.",
     WORDS_MODEL WORDS_DATA,
     "denpan train \"Linear(784,128) ReLU Linear(128,10)\" digits\0"
     "denpan train net.txt mnist/ --epochs 10 --out net.safetensors\0",
     CMD_TRAIN, 2, 2, cli_train},
    {"eval", "denpan eval FILE DATA [options]",
     "Loss and accuracy of a saved network on the test examples.",
     "FILE\0a .safetensors file; one that was not written by denpan needs --model\0" WORDS_DATA,
     "denpan eval net.safetensors mnist/\0"
     "denpan eval torch.safetensors mnist/ --model net.txt\0",
     CMD_EVAL, 2, 2, cli_eval},
    {"summary", "denpan summary MODEL [options]",
     "The network as PyTorch prints it, and a table of shapes, parameters, work and memory.",
     WORDS_MODEL,
     "denpan summary \"Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)\"\0"
     "denpan summary net.safetensors --batch 256\0",
     CMD_SUMMARY, 1, 1, cli_summary},
    {"bench", "denpan bench WHAT [options]", "Measure this machine and the library on it.",
     "WHAT\0train: one training step of --model; infer: its forward pass; gemm M N K: a matrix "
     "product; "
     "peak: multiply-adds a second; bandwidth: bytes a second\0",
     "denpan bench train --model \"Linear(784,128) ReLU Linear(128,10)\" --batch 64\0"
     "denpan bench gemm 1024 1024 1024 --threads 1\0",
     CMD_BENCH, 1, 4, cli_bench},
    {"help", "denpan help [COMMAND]", "Explain the command, or one of its commands.",
     "COMMAND\0one of them\0", NULL, CMD_HELP, 0, 1, run_help},
    {"version", "denpan version", "Version, instruction set and threads.", NULL, NULL, CMD_VERSION,
     0, 0, run_version},
    {.name = NULL},
};

#define AT(field) offsetof(cli_args, field)
#define TRAINS (CMD_TRAIN | CMD_BENCH)
#define COMPUTES (CMD_TRAIN | CMD_EVAL | CMD_BENCH)

const cli_option cli_options[] = {
    {"epochs", "Training", "N", "passes over the training examples (5)", NULL, OPT_WHOLE, CMD_TRAIN,
     AT(epochs), 1, 1e9, false},
    {"steps", "Training", "N", "stop after N updates", NULL, OPT_WHOLE, CMD_TRAIN, AT(steps), 1,
     1e15, false},
    {"batch", "Training", "N", "examples of one step (64)", NULL, OPT_WHOLE, TRAINS | CMD_SUMMARY,
     AT(batch), 1, 1e9, false},
    {"optim", "Training", "TEXT", "optimiser, with any of its arguments (Adam(lr=1e-3))", NULL,
     OPT_TEXT, TRAINS | CMD_SUMMARY, AT(optim), 0, 0, false},
    {"lr", "Training", "X", "learning rate, instead of the optimiser's", NULL, OPT_NUMBER,
     CMD_TRAIN, AT(lr), 0, 1e6, true},
    {"loss", "Training", "TEXT", "loss (CrossEntropyLoss for classes, MSELoss for values)", NULL,
     OPT_TEXT, TRAINS | CMD_EVAL | CMD_SUMMARY, AT(loss), 0, 0, false},
    {"init", "Training", "RULE",
     "how parameters begin: default, xavier_uniform, xavier_normal, "
     "he_uniform, he_normal, normal(std=0.01), zeros",
     NULL, OPT_TEXT, CMD_TRAIN, AT(init), 0, 0, false},
    {"seed", "Training", "N", "seed of everything that is drawn (0)", NULL, OPT_WHOLE,
     CMD_TRAIN | CMD_BENCH, AT(seed), 0, 9e15, false},
    {"val", "Data", "X",
     "fraction of the training examples to hold out (none); the best epoch is marked", NULL,
     OPT_NUMBER, CMD_TRAIN, AT(val), 0, 1, false},
    {"replace", "Data", NULL, "draw examples with replacement", NULL, OPT_FLAG, CMD_TRAIN,
     AT(replace), 0, 0, false},
    {"pixels", "Data", "RANGE", "range of the pixels: 0-1 (default) or 0-255", "0-1|0-255",
     OPT_CHOICE, CMD_TRAIN | CMD_EVAL, AT(pixels), 0, 0, false},
    {"model", "Network", "MODEL", "the network: text, or a file that holds it", NULL, OPT_TEXT,
     CMD_EVAL | CMD_BENCH, AT(model), 0, 0, false},
    {"input", "Network", "SHAPE", "shape of one example: 784, or 1,28,28", NULL, OPT_TEXT,
     CMD_BENCH | CMD_SUMMARY, AT(input), 0, 0, false},
    {"out", "Output", "FILE", "save the network as it is at the end (.safetensors)", NULL, OPT_TEXT,
     CMD_TRAIN, AT(out), 0, 0, false},
    {"force", "Output", NULL, "replace the file of --out", NULL, OPT_FLAG, CMD_TRAIN, AT(force), 0,
     0, false},
    {"confusion", "Output", NULL, "print the confusion matrix", NULL, OPT_FLAG,
     CMD_TRAIN | CMD_EVAL, AT(confusion), 0, 0, false},
    {"quiet", "Output", NULL, "no banner and no progress", NULL, OPT_FLAG, COMPUTES, AT(quiet), 0,
     0, false},
    {"json", "Output", NULL, "JSON Lines on stdout, everything else on stderr", NULL, OPT_FLAG,
     COMPUTES | CMD_SUMMARY | CMD_VERSION, AT(json), 0, 0, false},
    {"errors", "Output", "FORM", "text (default) or json: how errors are written", "text|json",
     OPT_CHOICE, CMD_ALL, AT(errors), 0, 0, false},
    {"seconds", "Machine", "X", "how long to measure (1)", NULL, OPT_NUMBER, CMD_BENCH, AT(seconds),
     0, 3600, true},
    {"threads", "Machine", "N", "threads (all that the process may use)", NULL, OPT_WHOLE, COMPUTES,
     AT(threads), 1, 1024, false},
    {"help", "Machine", NULL, "explain this command", NULL, OPT_FLAG, CMD_ALL, AT(help), 0, 0,
     false},
    {.name = NULL},
};

/* ---- the nearest name ---- */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Edits (insert, delete, replace) between two words of at most 63 bytes. */
static size_t edits(const char *a, const char *b) {
    size_t row[64], n = strlen(a), m = strlen(b);
    if (n > 63 || m > 63) return 64;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t up = row[j];
            row[j] = smaller(smaller(up, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = up;
        }
    }
    return row[m];
}

/* The best of two candidates for `word`; near enough: a third of it. */
static const char *nearer(const char *word, const char *best, const char *other) {
    size_t limit = best ? edits(word, best) : strlen(word) / 3 + 2;
    return edits(word, other) < limit ? other : best;
}

static const char *nearest_command(const char *name) {
    const char *best = NULL;
    for (const cli_command *c = cli_commands; c->name; c++) best = nearer(name, best, c->name);
    return best;
}

int cli_unknown_command(const char *name) {
    const char *near = nearest_command(name);
    char hint[80] = "`denpan help` lists the commands";
    if (near) snprintf(hint, sizeof hint, "did you mean `%s`?", near);
    return cli_error(DP_EINVAL, hint, "unknown %s `%s`", name[0] == '-' ? "option" : "command",
                     cli_quote(name));
}

const cli_command *cli_find_command(const char *name) {
    for (const cli_command *c = cli_commands; c->name; c++)
        if (strcmp(name, c->name) == 0) return c;
    return NULL;
}

static const cli_option *find_option(const cli_command *c, const char *name, size_t n) {
    for (const cli_option *o = cli_options; o->name; o++)
        if ((o->commands & c->bit) && strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static int unknown_option(const cli_command *c, const char *word) {
    char name[64], hint[160];
    const char *best = NULL;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (const cli_option *o = cli_options; o->name; o++)
        if (o->commands & c->bit) best = nearer(name, best, o->name);
    if (best)
        snprintf(hint, sizeof hint, "did you mean `--%s`?", best);
    else
        snprintf(hint, sizeof hint, "`denpan %s --help` lists the options", c->name);
    return cli_error(DP_EINVAL, hint, "%s: unknown option `%s`", c->name, cli_quote(word));
}

/* ---- values ---- */

const char *cli_allowed(const cli_option *o, char *buf, size_t size) {
    switch (o->kind) {
    case OPT_WHOLE:
        snprintf(buf, size, "a whole number from %.0f to %.0f", o->min, o->max);
        break;
    case OPT_NUMBER:
        snprintf(buf, size, "a number %s %g and below %g", o->open ? "above" : "from", o->min,
                 o->max);
        break;
    case OPT_CHOICE:
        snprintf(buf, size, "%.*s or %s", (int)strcspn(o->choices, "|"), o->choices,
                 strchr(o->choices, '|') + 1);
        break;
    case OPT_FLAG:
        snprintf(buf, size, "no value");
        break;
    case OPT_TEXT:
        snprintf(buf, size, "a text that is not empty");
        break;
    }
    return buf;
}

static bool parse_whole(const char *s, int64_t *out) {
    size_t digits = strspn(s, "0123456789");
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    *out = v;
    return digits > 0 && s[digits] == 0 && errno == 0;
}

/* Decimal only: no hexadecimal, no nan, no inf, no blanks. The locale is never set: '.' is the
 * point. */
static bool parse_number(const char *s, double *out) {
    char *end;
    if (!*s || s[strspn(s, "0123456789+-.eE")]) return false;
    *out = strtod(s, &end);
    return *end == 0 && end != s && isfinite(*out);
}

static bool is_choice(const char *choices, const char *s) {
    for (const char *at = choices; *at;) {
        size_t n = strcspn(at, "|");
        if (strlen(s) == n && memcmp(at, s, n) == 0) return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static bool set_value(const cli_option *o, const char *s, cli_args *a) {
    void *field = (char *)a + o->offset;
    int64_t whole;
    double x;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        return true;
    case OPT_WHOLE:
        if (!parse_whole(s, &whole) || (double)whole < o->min || (double)whole > o->max)
            return false;
        *(int64_t *)field = whole;
        return true;
    case OPT_NUMBER:
        if (!parse_number(s, &x) || x < o->min || (o->open && x <= o->min) || x >= o->max)
            return false;
        *(double *)field = x;
        return true;
    case OPT_CHOICE:
        if (!is_choice(o->choices, s)) return false;
        break;
    case OPT_TEXT:
        if (!*s) return false;
        break;
    }
    *(const char **)field = s;
    return true;
}

/* One option; *used: words it took. */
static int parse_option(const cli_command *c, int n, char **words, cli_args *a, int *used) {
    const char *word = words[0], *name = word + 2;
    size_t length = strcspn(name, "=");
    const cli_option *o = find_option(c, name, length);
    char allowed[96];
    if (!o) return unknown_option(c, word);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    *used = 1;
    if (o->kind == OPT_FLAG && value)
        return cli_error(DP_EINVAL, NULL, "--%s: found \"%s\", allowed no value", o->name,
                         cli_quote(value));
    if (o->kind != OPT_FLAG && !value) {
        if (n < 2)
            return cli_error(DP_EINVAL, NULL, "--%s: found nothing, allowed %s", o->name,
                             cli_allowed(o, allowed, sizeof allowed));
        value = words[1];
        *used = 2;
    }
    if (set_value(o, value ? value : "", a)) return 0;
    return cli_error(DP_EINVAL, NULL, "--%s: found \"%s\", allowed %s", o->name, cli_quote(value),
                     cli_allowed(o, allowed, sizeof allowed));
}

static int check_words(const cli_command *c, const cli_args *a) {
    char hint[120];
    snprintf(hint, sizeof hint, "usage: %s", c->usage);
    if (a->n_words < c->min_words)
        return cli_error(DP_EINVAL, hint, "%s: found %d argument%s, needs %d", c->name, a->n_words,
                         a->n_words == 1 ? "" : "s", c->min_words);
    if (a->n_words > c->max_words)
        return cli_error(
            DP_EINVAL, hint, "%s: found \"%s\" after the last argument, allowed %d argument%s",
            c->name, cli_quote(a->words[c->max_words]), c->max_words, c->max_words == 1 ? "" : "s");
    return 0;
}

int cli_parse(const cli_command *c, int n, char **words, cli_args *a) {
    bool options = true;
    for (int i = 0; i < n;) {
        const char *word = words[i];
        int used = 1;
        if (options && strcmp(word, "-h") == 0) {
            a->help = true;
        } else if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && word[0] == '-' && word[1] == '-') {
            int code = parse_option(c, n - i, words + i, a, &used);
            if (code) return code;
        } else if (options && word[0] == '-' && word[1]) {
            return cli_error(DP_EINVAL, "options have two dashes", "%s: unknown option `%s`",
                             c->name, cli_quote(word));
        } else if (a->n_words < (int)(sizeof a->words / sizeof *a->words)) {
            a->words[a->n_words++] = word;
        }
        i += used;
    }
    return a->help ? 0 : check_words(c, a);
}

bool cli_shape(const char *text, dp_shape *out) {
    *out = (dp_shape){0};
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        if (*at < '0' || *at > '9' || out->rank == DP_MAX_RANK) return false;
        long long v = strtoll(at, &end, 10);
        if (errno || v < 1 || v > 1000000000) return false;
        out->dim[out->rank++] = v;
        at = end;
        if (!*at) return true;
        if (*at != ',') return false;
    }
}
