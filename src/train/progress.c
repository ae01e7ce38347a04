/* progress.c: a line that is drawn again on a terminal, one row an epoch; plain lines elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "train.h"

enum { PROGRESS_COLUMNS = 79 };

static bool progress_is_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v) return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8");
    }
    return false;
}

void dp__progress_begin(dp__progress *p, FILE *file, bool accuracy) {
    *p =
        (dp__progress){.file = file, .accuracy = accuracy, .best = NAN, .utf8 = progress_is_utf8()};
    if (!file) return;
    int fd = fileno(file);
    const char *term = getenv("TERM");
    p->terminal = fd >= 0 && isatty(fd) && term && strcmp(term, "dumb") != 0;
}

/* ---- numbers ---- */

static const char *progress_seconds(char *buf, size_t size, double s) {
    if (s < 9.95)
        snprintf(buf, size, "%.1f s", s);
    else if (s < 99.5)
        snprintf(buf, size, "%.0f s", s);
    else if (s < 5940)
        snprintf(buf, size, "%.0f min", s / 60);
    else
        snprintf(buf, size, "%.1f h", s / 3600);
    return buf;
}

static const char *progress_rate(char *buf, size_t size, double r) {
    if (r < 9999.5)
        snprintf(buf, size, "%.0f", r);
    else if (r < 999950)
        snprintf(buf, size, "%.1f k", r / 1e3);
    else
        snprintf(buf, size, "%.2f M", r / 1e6);
    return buf;
}

static const char *progress_epoch_name(char *buf, size_t size, const dp_progress *now) {
    if (now->epochs)
        snprintf(buf, size, "%lld/%lld", (long long)now->epoch, (long long)now->epochs);
    else
        snprintf(buf, size, "%lld", (long long)now->epoch);
    return buf;
}

/* ---- the line ---- */

static void progress_bar(const dp__progress *p, int width, double share) {
    int full = (int)(share * width + 0.5);
    for (int i = 0; i < width; i++) {
        if (p->utf8)
            fputs(i < full ? "\xE2\x94\x81" : "\xE2\x94\x80", p->file); /* heavy, light */
        else
            fputc(i < full ? '#' : '-', p->file);
    }
}

/* The line must not wrap: "\r" goes back to the beginning of its last row only. */
static int progress_columns(const dp__progress *p) {
    struct winsize w;
    if (ioctl(fileno(p->file), TIOCGWINSZ, &w) != 0 || w.ws_col == 0) return PROGRESS_COLUMNS;
    return w.ws_col > PROGRESS_COLUMNS ? PROGRESS_COLUMNS : w.ws_col - 1;
}

void dp__progress_step(dp__progress *p, const dp_progress *now) {
    char text[160], name[48], rate[16], left[16], accuracy[24] = "";
    if (!p->file || !p->terminal) return;
    double time = dp__now();
    if (p->drawn > 0 && time - p->drawn < 0.1) return;
    p->drawn = time;
    double share = now->steps > 0 ? (double)now->step / (double)now->steps : 0;
    double rest = share > 0 ? now->seconds * (1 - share) / share : 0;
    if (p->accuracy) snprintf(accuracy, sizeof accuracy, "  %5.2f %%", 100 * now->train.accuracy);
    int n = snprintf(text, sizeof text, " %3.0f %%  loss %.4f%s  %s/s  lr %.3g  %6s left",
                     100 * share, now->train.loss, accuracy,
                     progress_rate(rate, sizeof rate, now->examples_per_second), now->lr,
                     progress_seconds(left, sizeof left, rest));
    progress_epoch_name(name, sizeof name, now);
    int used = fprintf(p->file, "\r%6s ", name);
    int room = progress_columns(p) - (used - 1), width = room - n;
    progress_bar(p, width > 24 ? 24 : width > 0 ? width : 0, share);
    fprintf(p->file, "%.*s\x1b[K", room > 0 ? room : 0, text);
    fflush(p->file);
}

/* ---- rows ---- */

/* Better than every epoch before, on the validation split (never on the test split). */
static bool progress_best(dp__progress *p, const dp_progress *now) {
    if (now->val.examples == 0) return false;
    double score = p->accuracy ? now->val.accuracy : -now->val.loss;
    bool better = isnan(p->best) || score > p->best;
    if (better) p->best = score;
    return better;
}

static void progress_title(dp__progress *p, const dp_progress *now) {
    bool val = now->val.examples > 0, test = now->test.examples > 0;
    const char *first = p->accuracy ? "accuracy" : "loss";
    if (p->titled) return;
    p->titled = true;
    if (val || test) {
        fprintf(p->file, "%6s  %*s", "", p->accuracy ? 18 : 10, "train");
        if (val) fprintf(p->file, "  %*s  ", p->accuracy ? 18 : 10, "validation");
        if (test) fprintf(p->file, "  %8s", "test");
        fputc('\n', p->file);
    }
    fprintf(p->file, "%6s  %8s", "epoch", "loss");
    if (p->accuracy)
        fprintf(p->file, "  %8s", "accuracy");
    else
        fprintf(p->file, "  ");
    if (val) fprintf(p->file, "  %8s", "loss");
    if (val && p->accuracy)
        fprintf(p->file, "  %8s  ", "accuracy");
    else if (val)
        fprintf(p->file, "    ");
    if (test) fprintf(p->file, "  %8s", first);
    fprintf(p->file, "  %7s  %10s\n", "time", "examples/s");
}

static void progress_cell(FILE *f, const dp_result *r, bool accuracy) {
    if (accuracy)
        fprintf(f, "  %8.4f  %6.2f %%", r->loss, 100 * r->accuracy);
    else
        fprintf(f, "  %10.4g", r->loss);
}

static void progress_row(dp__progress *p, const dp_progress *now, bool best) {
    char name[48], time[16], rate[16];
    FILE *f = p->file;
    fputs("\r\x1b[K", f);
    progress_title(p, now);
    fprintf(f, "%6s", progress_epoch_name(name, sizeof name, now));
    progress_cell(f, &now->train, p->accuracy);
    if (now->val.examples) {
        progress_cell(f, &now->val, p->accuracy);
        fputs(!best ? "  " : p->utf8 ? " \xE2\x9C\x93" : " *", f);
    }
    if (now->test.examples && p->accuracy)
        fprintf(f, "  %6.2f %%", 100 * now->test.accuracy);
    else if (now->test.examples)
        fprintf(f, "  %8.4g", now->test.loss);
    fprintf(f, "  %7s  %10s\n", progress_seconds(time, sizeof time, now->seconds),
            progress_rate(rate, sizeof rate, now->examples_per_second));
}

static void progress_plain(FILE *f, const char *split, const dp_result *r) {
    if (r->examples == 0) return;
    if (isnan(r->accuracy))
        fprintf(f, "%sloss %.6g", split, r->loss);
    else
        fprintf(f, "%sloss %.4f accuracy %.2f %%", split, r->loss, 100 * r->accuracy);
}

static void progress_line(dp__progress *p, const dp_progress *now, bool best) {
    char name[48], time[16];
    fprintf(p->file, "epoch %s: ", progress_epoch_name(name, sizeof name, now));
    progress_plain(p->file, "", &now->train);
    progress_plain(p->file, ", val ", &now->val);
    if (best) fputs(" (best)", p->file);
    progress_plain(p->file, ", test ", &now->test);
    fprintf(p->file, ", lr %.4g, %s\n", now->lr, progress_seconds(time, sizeof time, now->seconds));
}

void dp__progress_epoch(dp__progress *p, const dp_progress *now) {
    if (!p->file) return;
    bool best = progress_best(p, now);
    if (p->terminal)
        progress_row(p, now, best);
    else
        progress_line(p, now, best);
    fflush(p->file);
}

void dp__progress_end(dp__progress *p) {
    if (!p->file) return;
    if (p->terminal) fputs("\r\x1b[K", p->file);
    fflush(p->file);
}
