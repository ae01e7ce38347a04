/* cli.h: what the files of the command share. Argument tables and printing; the library does the
 * work, and only its public interface is used. */
#ifndef DENPAN_CLI_H
#define DENPAN_CLI_H

#include <denpan.h>

/* ---- the command line (options.c) ---- */
enum { /* which commands take an option; one bit each */
       CMD_TRAIN = 1,
       CMD_EVAL = 2,
       CMD_SUMMARY = 4,
       CMD_BENCH = 8,
       CMD_HELP = 16,
       CMD_VERSION = 32,
       CMD_ALL = 63
};

/* Everything that may be said; zero: not said. */
typedef struct cli_args {
    const char *words[8]; /* what is no option */
    int n_words;
    int64_t epochs, steps, batch, threads, seed;
    double lr, val, seconds;
    const char *optim, *loss, *init, *pixels, *model, *out, *input, *errors;
    bool replace, force, confusion, json, quiet, help;
} cli_args;

typedef enum cli_kind { OPT_FLAG, OPT_WHOLE, OPT_NUMBER, OPT_TEXT, OPT_CHOICE } cli_kind;

typedef struct cli_option {
    const char *name;                /* "epochs", written --epochs; NULL ends the table */
    const char *group, *value, *doc; /* heading in --help; "N"; one sentence */
    const char *choices;             /* of OPT_CHOICE: "0-1|0-255" */
    cli_kind kind;
    unsigned commands;
    size_t offset;   /* in cli_args */
    double min, max; /* OPT_WHOLE: min..max; OPT_NUMBER: from min (or above), below max */
    bool open;       /* OPT_NUMBER: min itself is not allowed */
} cli_option;
extern const cli_option cli_options[];

typedef struct cli_command {
    const char *name, *usage, *doc, *words, *examples;
    unsigned bit;
    int min_words, max_words;
    int (*run)(cli_args *a); /* returns the exit code */
} cli_command;
extern const cli_command cli_commands[];

/* Fill `a` from the words after the command; 0, or the exit code after a message. */
int cli_parse(const cli_command *command, int n, char **words, cli_args *a);
const cli_command *cli_find_command(const char *name);
int cli_unknown_command(const char *name); /* message and exit code */
/* "a whole number from 1 to 1024" */
const char *cli_allowed(const cli_option *o, char *buf, size_t size);
/* "784" or "1,28,28" */
bool cli_shape(const char *text, dp_shape *out);

/* ---- help (help.c) ---- */
void cli_help(FILE *f);
void cli_help_command(FILE *f, const cli_command *c);

/* ---- messages (output.c) ---- */
void cli_errors_as_json(void);
/* "denpan: error ..." and, unless NULL, "denpan: hint: ..."; returns the exit code of status. */
int cli_error(dp_status status, const char *hint, const char *format, ...) DP_PRINTF(3, 4);
int cli_library_error(void);            /* what the library recorded */
const char *cli_quote(const char *s);   /* escaped, cut at 64 bytes; eight are live at once */
const char *cli_commas(int64_t n);      /* 109,386; eight are live at once */
const char *cli_bytes(double n);        /* 1.2 MB */
const char *cli_count(double n);        /* 109.4 k */
const char *cli_seconds(double s);      /* 1.2 s */
const char *cli_shape_text(dp_shape s); /* [1,28,28] */
void cli_json_text(FILE *f, const char *s);
void cli_json_number(FILE *f, double x); /* shortest that reads back; null if not finite */
void cli_json_result(FILE *f, const char *key, const dp_result *r);
/* "label     text", wrapped at 80 columns below itself. */
void cli_row(FILE *f, const char *label, const char *format, ...) DP_PRINTF(3, 4);
double cli_now(void);   /* seconds, monotonic */
bool cli_stopped(void); /* SIGINT or SIGTERM came */

/* ---- networks and data (model.c) ---- */
typedef struct cli_model {
    dp_module *net;
    bool trained;     /* its weights came from a file */
    const char *path; /* of that file, NULL: text */
    dp_model_info info;
} cli_model;
/* A network from text, a file with text, a model's name or a .safetensors file; 0 or an exit code.
 */
int cli_load_model(const char *word, cli_model *out);
/* A .safetensors file with the network of --model (NULL: its own). */
int cli_load_weights(const char *path, const char *model, cli_model *out);
int cli_load_data(const char *word, const char *pixels, dp_dataset **out);
/* May `path` be written? Existing files need `force`; 0 or the exit code. */
int cli_check_out(const char *path, bool force, const char *const *inputs, int n_inputs);
/* Does the loader flatten examples of this shape for this network? */
bool cli_flattens(dp_module *net, dp_shape example);

int cli_train(cli_args *a);
int cli_eval(cli_args *a);
int cli_summary(cli_args *a);
int cli_bench(cli_args *a);

#endif
