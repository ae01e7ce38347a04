/* eval.c: a saved network on the test examples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "show.h"

int cli_eval(cli_args *a) {
    cli_model m;
    dp_dataset *data;
    int code = cli_load_weights(a->words[0], a->model, &m);
    if (code) return code;
    const char *pixels = a->pixels ? a->pixels : m.info.pixels;
    if ((code = cli_load_data(a->words[1], pixels, &data))) return code;
    FILE *human = a->json ? stderr : stdout;
    dp_split_name split = dp_examples(data, DP_TEST) ? DP_TEST : DP_TRAIN;
    if (!a->quiet) show_eval_banner(human, &m, data, split);
    dp_result r = dp_test_on(m.net, data, split, a->loss ? a->loss : m.info.loss);
    if (dp_failed()) return cli_library_error();
    if (a->json) {
        printf("{\"loss\":");
        cli_json_number(stdout, r.loss);
        if (!isnan(r.accuracy)) {
            printf(",\"accuracy\":");
            cli_json_number(stdout, r.accuracy);
        }
        printf(",\"examples\":%lld", (long long)r.examples);
    } else {
        show_result(stdout, split == DP_TEST ? "test" : "training", &r);
    }
    if (a->confusion) code = show_confusion(m.net, data, split, a->json);
    if (a->json) printf("}\n");
    return code;
}
