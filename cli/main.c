/* main.c: file descriptors, signals, and the choice of the command. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t stop;

bool cli_stopped(void) { return stop != 0; }

/* The first signal asks for an end after the step; the handler is gone then, so that the second
 * one kills. */
static void on_signal(int number) {
    (void)number;
    stop = 1;
}

static void set_signals(void) {
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* a reader that leaves is seen at the write */
}

/* A file opened later must not become stdout or stderr by chance. */
static void open_standard_files(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2) close(fd);
}

static void on_log(void *context, dp_log_level level, const char *message) {
    (void)context;
    fprintf(stderr, "denpan: %s: %s\n", level == DP_LOG_WARNING ? "warning" : "note", message);
}

static int run(int n, char **words) {
    for (int i = 1; i < n; i++) {
        if (strcmp(words[i], "--") == 0) break;
        if (strcmp(words[i], "--errors=json") == 0) cli_errors_as_json();
        if (strcmp(words[i], "--errors") == 0 && i + 1 < n && strcmp(words[i + 1], "json") == 0)
            cli_errors_as_json();
    }
    if (n < 2) {
        cli_help(stderr);
        return dp_exit_code(DP_EINVAL);
    }
    const char *name = words[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    const cli_command *c = cli_find_command(name);
    if (!c) return cli_unknown_command(name);
    cli_args a = {0};
    int code = cli_parse(c, n - 2, words + 2, &a);
    if (code) return code;
    if (a.help) {
        cli_help_command(stdout, c);
        return 0;
    }
    if (a.threads && dp_set_threads((int)a.threads)) return cli_library_error();
    return c->run(&a);
}

/* Has the reader of stdout gone? It has seen enough, which is no error. The errno of a write that
 * failed long ago is lost, so the pipe itself is asked. */
static bool reader_gone(void) {
    struct pollfd out = {.fd = 1, .events = POLLOUT};
    return errno == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)));
}

int main(int n, char **words) {
    open_standard_files();
    set_signals();
    dp_set_log(on_log, NULL);
    int code = run(n, words);
    dp_clear();
    dp_end();
    errno = 0;
    bool bad = fflush(stdout) != 0 || ferror(stdout);
    int why = errno;
    if (bad && code == 0 && !reader_gone())
        code =
            cli_error(DP_EIO, NULL, "standard output: %s", why ? strerror(why) : "a write failed");
    return code;
}
