/* show.h: what train and eval print alike (show.c). */
#ifndef DENPAN_CLI_SHOW_H
#define DENPAN_CLI_SHOW_H

#include "cli.h"

/* One line: "test      accuracy 97.61 %, loss 0.0812, 10,000 examples". */
void show_result(FILE *f, const char *split, const dp_result *r);
/* Table on stdout, or ",\"confusion\":[[...]]"; 0 or an exit code. */
int show_confusion(dp_module *net, dp_dataset *data, dp_split_name split, bool json);
void show_network(FILE *f, const cli_model *m);
void show_data(FILE *f, const cli_model *m, dp_dataset *data);
void show_machine(FILE *f);
void show_eval_banner(FILE *f, const cli_model *m, dp_dataset *data, dp_split_name split);

#endif
