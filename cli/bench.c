/* bench.c: times of training steps, forward passes and products beside the machine's limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { TIMES = 100000, WARM = 5 };

typedef struct step {
    dp_module *net, *loss;
    dp_optim *optim; /* NULL: forward pass only */
    dp_tensor *x, *y;
    int64_t batch;
    double work; /* floating-point operations of a run */
} step;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- output ---- */

static double peak_of(dp_bench_result *r) {
    *r = (dp_bench_result){.size = sizeof *r};
    return dp_bench_peak(0.3, r) ? NAN : r->work / r->best;
}

/* Work a second: at the median, for a limit at the best. */
static double rate_of(const char *what, const dp_bench_result *r) {
    bool limit = strcmp(what, "peak") == 0 || strcmp(what, "bandwidth") == 0;
    return r->work / (limit ? r->best : r->median);
}

static void print_json(const char *what, const dp_bench_result *r, double peak, int64_t examples) {
    double rate = rate_of(what, r) / 1e9;
    bool memory = strcmp(what, "bandwidth") == 0;
    printf("{\"bench\":\"%s\",\"median_us\":", what);
    cli_json_number(stdout, round(1e9 * r->median) / 1e3);
    printf(",\"low_us\":");
    cli_json_number(stdout, round(1e9 * r->low) / 1e3);
    printf(",\"high_us\":");
    cli_json_number(stdout, round(1e9 * r->high) / 1e3);
    printf(",\"spread\":");
    cli_json_number(stdout, round(1e4 * (r->high - r->low) / r->median) / 1e4);
    printf(",\"runs\":%lld,\"%s\":", (long long)r->runs, memory ? "gbytes" : "gflops");
    cli_json_number(stdout, round(1e3 * rate) / 1e3);
    if (peak > 0) {
        printf(",\"peak_gflops\":");
        cli_json_number(stdout, round(peak / 1e6) / 1e3);
        printf(",\"share_of_peak\":");
        cli_json_number(stdout, round(1e4 * rate * 1e9 / peak) / 1e4);
    }
    if (examples) {
        printf(",\"examples_per_second\":");
        cli_json_number(stdout, round((double)examples / r->median));
    }
    printf(",\"threads\":%d,\"isa\":\"%s\"}\n", r->threads, dp_isa_name());
}

static const char *duration(double s, char *buf, size_t size) {
    if (s < 1e-3)
        snprintf(buf, size, "%.2f us", 1e6 * s);
    else if (s < 1)
        snprintf(buf, size, "%.3f ms", 1e3 * s);
    else
        snprintf(buf, size, "%.3f s", s);
    return buf;
}

static void print_text(const char *what, const dp_bench_result *r, double peak, int64_t examples) {
    char t[3][32];
    bool memory = strcmp(what, "bandwidth") == 0;
    cli_row(stdout, what, "%s a run (half of %s runs between %s and %s)",
            duration(r->median, t[0], 32), cli_commas(r->runs), duration(r->low, t[1], 32),
            duration(r->high, t[2], 32));
    if (examples) cli_row(stdout, "", "%s examples/s", cli_count((double)examples / r->median));
    cli_row(stdout, "", "%.1f %s", rate_of(what, r) / 1e9, memory ? "GB/s" : "GFLOP/s");
    if (peak > 0)
        cli_row(stdout, "", "%.0f %% of %.1f GFLOP/s, what multiply-adds alone reach here",
                100 * r->work / r->median / peak, peak / 1e9);
    cli_row(stdout, "machine", "%s, %d thread%s", dp_isa_name(), r->threads,
            r->threads == 1 ? "" : "s");
}

static int print(const char *what, const dp_bench_result *r, double peak, int64_t examples,
                 const cli_args *a) {
    if (a->json)
        print_json(what, r, peak, examples);
    else
        print_text(what, r, peak, examples);
    return 0;
}

/* ---- steps of a network ---- */

static bool run_step(step *s, dp_tensor *key) {
    dp_scope *scope = dp_scope_begin();
    bool ok;
    if (s->optim) {
        dp_ctx *ctx = dp_ctx_train(key);
        ok = !isnan(dp_step(s->optim, dp_call_loss(s->loss, dp_call(s->net, ctx, s->x), s->y)));
    } else {
        dp_tensor *y = dp_call(s->net, NULL, s->x);
        ok = dp_eval_n(&y, 1) == DP_OK;
    }
    dp_scope_end(scope);
    return ok;
}

static bool time_steps(step *s, double seconds, dp_bench_result *r) {
    double *t = malloc(TIMES * sizeof *t);
    dp_tensor *key = dp_key(0);
    int n = 0;
    bool ok = t && key && dp_eval_n(&key, 1) == DP_OK;
    for (int i = 0; ok && i < WARM; i++) ok = run_step(s, key);
    for (double begin = cli_now(), now = begin;
         ok && n < TIMES && (n < 21 || now - begin < seconds);) {
        ok = run_step(s, key);
        double after = cli_now();
        t[n++] = after - now;
        now = after;
    }
    if (ok) {
        qsort(t, (size_t)n, sizeof *t, compare);
        *r = (dp_bench_result){.size = sizeof *r,
                               .median = n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]),
                               .low = t[n / 4],
                               .high = t[n - 1 - n / 4],
                               .runs = n,
                               .work = s->work,
                               .threads = dp_threads()};
    }
    free(t);
    return ok;
}

/* Multiply-adds of a forward pass of one example; *first: of the layer that sees the input. */
static double multiply_adds(dp_module *net, dp_shape out, double *first) {
    double sum = 0;
    dp_tensor *w;
    const char *name;
    *first = 0;
    (void)out;
    for (size_t i = 0; (w = dp_param_at(net, i, &name)); i++) {
        if (dp_rank(w) < 2) continue;
        if (*first <= 0) *first = (double)dp_count(w);
        sum += (double)dp_count(w);
    }
    return sum;
}

/* Classes 0, 1, 2, ... or values of zero for the targets. */
static dp_tensor *targets(dp_module *loss, int64_t batch, dp_shape out) {
    const char *kind = dp_module_kind(loss);
    if (strcmp(kind, "CrossEntropyLoss") && strcmp(kind, "NLLLoss")) {
        dp_shape s = {.rank = out.rank + 1, .dim = {batch}};
        for (int i = 0; i < out.rank && i + 1 < DP_MAX_RANK; i++) s.dim[i + 1] = out.dim[i];
        return dp_zeros(DP_F32, s);
    }
    int64_t *classes = malloc((size_t)batch * sizeof *classes);
    for (int64_t i = 0; classes && i < batch; i++)
        classes[i] = out.rank ? i % out.dim[out.rank - 1] : 0;
    dp_tensor *y = classes ? dp_from(DP_I64, DP_SHAPE(batch), classes) : NULL;
    free(classes);
    return y;
}

static int begin_step(step *s, const cli_args *a, bool train) {
    cli_model m;
    if (!a->model)
        return cli_error(DP_EINVAL, "for example --model \"Linear(784,128) ReLU Linear(128,10)\"",
                         "bench: needs --model");
    int code = cli_load_model(a->model, &m);
    if (code) return code;
    dp_shape in = dp_input_shape(m.net), x = {0};
    if (a->input && !cli_shape(a->input, &in))
        return cli_error(DP_EINVAL, NULL,
                         "--input: found \"%s\", allowed sizes like 784 or 1,28,28",
                         cli_quote(a->input));
    if (in.rank < 0 || in.rank == DP_MAX_RANK)
        return cli_error(DP_EINVAL, NULL, "bench: needs --input, the shape of one example");
    dp_shape out = dp_output_shape(m.net, in);
    if (out.rank < 0) return cli_library_error();
    s->net = m.net;
    s->batch = a->batch ? a->batch : 64;
    x.rank = in.rank + 1;
    x.dim[0] = s->batch;
    for (int i = 0; i < in.rank; i++) x.dim[i + 1] = in.dim[i];
    s->x = dp_normal(dp_key((uint64_t)a->seed), DP_F32, x);
    if (!s->x || dp_eval_n(&s->x, 1)) return cli_library_error();
    double first, macs = multiply_adds(m.net, out, &first);
    s->work = 2 * (double)s->batch * (train ? 3 * macs - first : macs);
    if (!train) return 0;
    s->loss = dp_loss("%s", a->loss ? a->loss : "CrossEntropyLoss");
    s->optim = dp_optim_text(m.net, a->optim ? a->optim : "Adam(lr=1e-3)");
    s->y = s->loss ? targets(s->loss, s->batch, out) : NULL;
    return s->y && s->optim ? 0 : cli_library_error();
}

static int bench_step(const cli_args *a, bool train) {
    step s = {0};
    dp_bench_result r, p;
    int code = begin_step(&s, a, train);
    if (code) return code;
    double peak = peak_of(&p);
    if (!time_steps(&s, a->seconds > 0 ? a->seconds : 1, &r)) return cli_library_error();
    return print(train ? "train" : "infer", &r, peak, s.batch, a);
}

/* ---- the machine ---- */

static int bench_gemm(const cli_args *a, double seconds) {
    int64_t size[3];
    dp_bench_result r = {.size = sizeof r}, p;
    for (int i = 0; i < 3; i++) {
        dp_shape s;
        if (a->n_words != 4 || !cli_shape(a->words[i + 1], &s) || s.rank != 1)
            return cli_error(DP_EINVAL, "for example denpan bench gemm 1024 1024 1024",
                             "bench gemm: needs three sizes M N K");
        size[i] = s.dim[0];
    }
    double peak = peak_of(&p);
    if (dp_bench_gemm(size[0], size[1], size[2], seconds, &r)) return cli_library_error();
    return print("gemm", &r, peak, 0, a);
}

int cli_bench(cli_args *a) {
    const char *what = a->words[0];
    double seconds = a->seconds > 0 ? a->seconds : 1;
    dp_bench_result r = {.size = sizeof r};
    if (strcmp(what, "gemm") == 0) return bench_gemm(a, seconds);
    if (a->n_words > 1)
        return cli_error(DP_EINVAL, NULL, "bench %s: found \"%s\", allowed options only",
                         cli_quote(what), cli_quote(a->words[1]));
    if (strcmp(what, "train") == 0) return bench_step(a, true);
    if (strcmp(what, "infer") == 0) return bench_step(a, false);
    if (strcmp(what, "peak") == 0)
        return dp_bench_peak(seconds, &r) ? cli_library_error() : print("peak", &r, NAN, 0, a);
    if (strcmp(what, "bandwidth") == 0)
        return dp_bench_bandwidth(3e8, seconds, &r) ? cli_library_error()
                                                    : print("bandwidth", &r, NAN, 0, a);
    return cli_error(DP_EINVAL, "train, infer, gemm, peak, bandwidth", "bench: cannot measure `%s`",
                     cli_quote(what));
}
