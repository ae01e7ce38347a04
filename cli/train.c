/* train.c: data and text in, a trained network and its accuracy out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "show.h"

typedef struct training {
    cli_args *a;
    cli_model m;
    dp_dataset *data;
    dp_fit_options o;
    FILE *human;        /* stdout, or stderr with --json */
    dp_progress last;   /* of the latest epoch */
    char *loss, *optim; /* canonical, every argument in full */
} training;

static void epoch_event(const dp_progress *p) {
    printf("{\"event\":\"epoch\",\"epoch\":%lld", (long long)p->epoch);
    cli_json_result(stdout, "train", &p->train);
    cli_json_result(stdout, "val", &p->val);
    cli_json_result(stdout, "test", &p->test);
    printf(",\"lr\":");
    cli_json_number(stdout, p->lr);
    printf(",\"seconds\":");
    cli_json_number(stdout, round(1e6 * p->seconds) / 1e6);
    printf("}\n");
    fflush(stdout);
}

/* After every step and epoch: signals are obeyed between two steps. */
static int on_progress(void *context, const dp_progress *p) {
    training *t = context;
    t->last.total_step = p->total_step;
    if (p->epoch_end) {
        t->last = *p;
        if (t->a->json) epoch_event(p);
    }
    bool unseen = ferror(stdout) && !t->a->out; /* nobody reads, nothing is saved */
    return cli_stopped() || unseen;
}

static void banner(training *t) {
    const cli_args *a = t->a;
    FILE *f = t->human;
    int64_t n = dp_examples(t->data, DP_TRAIN), batch = t->o.batch;
    fprintf(f, "denpan %s\n\n", dp_version());
    show_network(f, &t->m);
    if (t->o.init) cli_row(f, "", "init %s, seed %lld", cli_quote(t->o.init), (long long)a->seed);
    show_data(f, &t->m, t->data);
    if (!dp_examples(t->data, DP_VAL))
        cli_row(f, "", "no validation split (--val 0.1 holds out a tenth)");
    cli_row(f, "loss", "%s", t->loss);
    cli_row(f, "optimiser", "%s", t->optim);
    if (t->o.steps)
        cli_row(f, "training", "%s steps of %s examples", cli_commas(t->o.steps),
                cli_commas(batch));
    else
        cli_row(f, "training", "%lld epoch%s of %s steps, batch %s", (long long)t->o.epochs,
                t->o.epochs == 1 ? "" : "s", cli_commas((n + batch - 1) / batch),
                cli_commas(batch));
    cli_row(f, "", "examples %s, seed %lld",
            a->replace ? "drawn with replacement" : "in a new order each epoch",
            (long long)a->seed);
    dp_shape shape = cli_flattens(t->m.net, dp_example_shape(t->data)) ? dp_input_shape(t->m.net)
                                                                       : dp_example_shape(t->data);
    int64_t bytes =
        dp_training_bytes(t->m.net, shape, batch < n ? batch : n, t->o.loss, t->o.optim);
    if (bytes >= 0)
        cli_row(f, "memory", "%s for the inner values of a step", cli_bytes((double)bytes));
    show_machine(f);
    fputc('\n', f);
    fflush(f);
}

static void done_event(const training *t, const char *event, double seconds) {
    const dp_progress *p = &t->last;
    printf("{\"event\":\"%s\",\"epochs\":%lld,\"steps\":%lld", event, (long long)p->epoch,
           (long long)p->total_step);
    cli_json_result(stdout, "train", &p->train);
    cli_json_result(stdout, "val", &p->val);
    cli_json_result(stdout, "test", &p->test);
    printf(",\"seconds\":");
    cli_json_number(stdout, round(1e6 * seconds) / 1e6);
    if (t->a->out) {
        printf(",\"out\":");
        cli_json_text(stdout, t->a->out);
    }
}

/* The name of the data without the folders above it: files hold no paths. */
static const char *last_part(dp_dataset *data) {
    static char name[256];
    snprintf(name, sizeof name, "%s", dp_data_name(data));
    size_t n = strlen(name);
    while (n > 1 && name[n - 1] == '/') name[--n] = 0;
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

static int save(training *t) {
    const char *names[256];
    int64_t classes = dp_classes(t->data);
    for (int64_t i = 0; i < classes && i < 256; i++) names[i] = dp_class_name(t->data, i);
    bool flattens = cli_flattens(t->m.net, dp_example_shape(t->data));
    const char *pixels = dp_data_pixels(t->data);
    dp_model_info info = {.size = sizeof info,
                          .flatten = flattens,
                          .pixels = *pixels ? pixels : NULL,
                          .data = last_part(t->data),
                          .loss = t->loss,
                          .optim = t->optim,
                          .input = flattens ? dp_input_shape(t->m.net) : dp_example_shape(t->data)};
    if (classes > 0 && classes <= 256) {
        info.classes = classes;
        info.class_names = names;
    }
    if (dp_save_with(t->m.net, t->a->out, &info)) return cli_library_error();
    cli_row(t->human, "saved", "%s", cli_quote(t->a->out));
    return 0;
}

/* The texts of loss and optimiser with every argument; 0 or an exit code. */
static int spell_out(training *t) {
    dp_scope *scope = dp_scope_begin();
    dp_module *loss = dp_loss("%s", t->o.loss);
    dp_optim *optim = dp_optim_text(t->m.net, t->o.optim);
    if (optim && t->o.lr > 0) dp_set_lr(optim, t->o.lr);
    const char *text = optim ? dp_optim_format(optim) : NULL;
    t->loss = loss ? dp_format(loss) : NULL;
    t->optim = text ? strdup(text) : NULL;
    dp_scope_end(scope);
    return t->loss && t->optim ? 0 : cli_library_error();
}

/* What was not said. */
static void choose(training *t) {
    const cli_args *a = t->a;
    t->o = (dp_fit_options){.size = sizeof t->o,
                            .loss = a->loss,
                            .optim = a->optim,
                            .epochs = a->epochs,
                            .steps = a->steps,
                            .batch = a->batch ? a->batch : 64,
                            .replace = a->replace,
                            .lr = a->lr,
                            .seed = (uint64_t)a->seed,
                            .init = a->init,
                            .test_each_epoch = true,
                            .callback = on_progress,
                            .context = t};
    if (!t->o.loss) t->o.loss = dp_classes(t->data) ? "CrossEntropyLoss" : "MSELoss";
    if (!t->o.optim) t->o.optim = "Adam(lr=1e-3)";
    if (!t->o.epochs && !t->o.steps) t->o.epochs = 5;
    if (!t->o.init && !t->m.trained) t->o.init = "default";
    if (!a->quiet) t->o.progress = t->human;
}

static int load(training *t) {
    cli_args *a = t->a;
    int code = cli_load_model(a->words[0], &t->m);
    if (code) return code;
    const char *inputs[] = {t->m.path, a->words[0], a->words[1]};
    if (a->out && (code = cli_check_out(a->out, a->force, inputs, 3))) return code;
    if ((code = cli_load_data(a->words[1], a->pixels ? a->pixels : t->m.info.pixels, &t->data)))
        return code;
    if (a->val <= 0) return 0;
    int64_t n = (int64_t)llround(a->val * (double)dp_examples(t->data, DP_TRAIN));
    return n > 0 && dp_split_val(t->data, n) ? cli_library_error() : 0;
}

static int train(training *t) {
    const cli_args *a = t->a;
    int code = load(t);
    if (code) return code;
    choose(t);
    if ((code = spell_out(t))) return code;
    if (dp_fit_check(t->m.net, t->data, t->o.loss)) return cli_library_error();
    if (!a->quiet) banner(t);
    double begin = cli_now();
    dp_status s = dp_fit_with(t->m.net, t->data, &t->o);
    if (s && s != DP_ESTOPPED) return cli_library_error();
    dp_clear();
    bool stopped = s == DP_ESTOPPED;
    if (t->human == stdout && !stopped) {
        if (!a->quiet) fputc('\n', stdout);
        show_result(stdout, t->last.test.examples ? "test" : "training",
                    t->last.test.examples ? &t->last.test : &t->last.train);
    }
    if (a->out && (code = save(t))) return code;
    if (a->json) done_event(t, stopped ? "stopped" : "done", cli_now() - begin);
    dp_split_name split = dp_examples(t->data, DP_TEST) ? DP_TEST : DP_TRAIN;
    if (!stopped && a->confusion) code = show_confusion(t->m.net, t->data, split, a->json);
    if (a->json) printf("}\n");
    if (code || !stopped || !cli_stopped()) return code;
    return cli_error(DP_ESTOPPED, a->out ? NULL : "nothing was saved: there was no --out",
                     "stopped on request after %s steps", cli_commas(t->last.total_step));
}

int cli_train(cli_args *a) {
    training t = {.a = a, .human = a->json ? stderr : stdout};
    int code = train(&t);
    dp_text_free(t.loss);
    free(t.optim);
    return code;
}
