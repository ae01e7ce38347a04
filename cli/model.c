/* model.c: networks and data as the command line names them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

#ifndef DENPAN_MODELS
#define DENPAN_MODELS "/usr/local/share/denpan/models"
#endif

enum { TEXT_MAX = 1 << 20 };

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A whole text file; NULL with its exit code in *code. */
static char *read_text(const char *path, int *code) {
    struct stat st;
    FILE *f = NULL;
    *code = 0;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        *code = cli_error(DP_EIO, NULL, "%s: found a %s, allowed a file", cli_quote(path),
                          S_ISDIR(st.st_mode) ? "folder" : "special file");
    } else if (!(f = fopen(path, "rb"))) {
        *code = cli_error(DP_EIO, NULL, "%s: %s", cli_quote(path), strerror(errno));
    } else if (st.st_size > TEXT_MAX) {
        *code = cli_error(DP_ELIMIT, NULL, "%s: found %lld bytes of text, allowed <= %d",
                          cli_quote(path), (long long)st.st_size, TEXT_MAX);
    }
    char *text = *code ? NULL : malloc((size_t)TEXT_MAX + 1);
    size_t n = text ? fread(text, 1, TEXT_MAX, f) : 0;
    if (f) fclose(f);
    if (!text) return NULL;
    text[n] = 0;
    if (strlen(text) == n) return text;
    *code = cli_error(DP_EFORMAT, "a saved network ends in .safetensors",
                      "%s: byte %zu: found NUL, allowed text", cli_quote(path), strlen(text));
    free(text);
    return NULL;
}

static int from_text(const char *text, cli_model *out) {
    out->net = dp_nn_text(text);
    return out->net ? 0 : cli_library_error();
}

static int from_text_file(const char *path, cli_model *out) {
    int code;
    char *text = read_text(path, &code);
    if (!text) return code ? code : cli_error(DP_ENOMEM, NULL, "out of memory");
    code = from_text(text, out);
    free(text);
    return code;
}

/* Nothing that a text holds, but a path may. */
static bool looks_like_path(const char *word) {
    if (strpbrk(word, "(){}| \n,")) return false;
    bool layer = strncmp(word, "nn.", 3) == 0 || strncmp(word, "torch.", 6) == 0;
    return strchr(word, '/') || (strchr(word, '.') && !layer);
}

/* An installed model: lenet is DENPAN_MODELS/lenet.txt. */
static bool installed_model(const char *word, char *path, size_t size) {
    struct stat st;
    const char *folder = getenv("DENPAN_MODELS");
    if (strpbrk(word, "/(){}| \n,.")) return false;
    int n = snprintf(path, size, "%s/%s.txt", folder ? folder : DENPAN_MODELS, word);
    return n > 0 && (size_t)n < size && stat(path, &st) == 0;
}

int cli_load_model(const char *word, cli_model *out) {
    struct stat st;
    char path[4096];
    *out = (cli_model){.info = {.size = sizeof out->info}};
    bool there = strlen(word) < sizeof path && stat(word, &st) == 0;
    if (there && ends_with(word, ".safetensors")) {
        out->path = word;
        out->trained = true;
        out->net = dp_load(word, &out->info);
        return out->net ? 0 : cli_library_error();
    }
    if (there || looks_like_path(word)) return from_text_file(word, out);
    if (installed_model(word, path, sizeof path)) return from_text_file(path, out);
    out->net = dp_nn_text(word);
    if (out->net) return 0;
    if (*word && !strpbrk(word, "(){}| \n,:"))
        return cli_error(dp_error_status(), "no file has this name either", "%s", dp_error());
    return cli_library_error();
}

int cli_load_weights(const char *path, const char *model, cli_model *out) {
    int code = cli_load_model(model ? model : path, out);
    if (code) return code;
    if (!model && !out->trained) {
        dp_module_free(out->net);
        return cli_error(DP_EINVAL, "train it first: denpan train ... --out FILE.safetensors",
                         "found a network without weights, needs a .safetensors file");
    }
    if (!model) return 0;
    out->path = path;
    out->trained = true;
    return dp_load_weights(out->net, path) ? cli_library_error() : 0;
}

int cli_load_data(const char *word, const char *pixels, dp_dataset **out) {
    dp_data_options o = {.size = sizeof o, .pixels = pixels};
    *out = dp_data_with(word, &o);
    return *out ? 0 : cli_library_error();
}

bool cli_flattens(dp_module *net, dp_shape example) {
    dp_shape in = dp_input_shape(net);
    int64_t elements = 1;
    for (int i = 0; i < example.rank; i++) elements *= example.dim[i];
    return example.rank > 1 && in.rank == 1 && in.dim[0] == elements;
}

int cli_check_out(const char *path, bool force, const char *const *inputs, int n_inputs) {
    struct stat out, in;
    bool there = stat(path, &out) == 0;
    if (there && S_ISDIR(out.st_mode))
        return cli_error(DP_EINVAL, "name a file in it", "--out: %s is a folder", cli_quote(path));
    for (int i = 0; there && i < n_inputs; i++)
        if (inputs[i] && stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev &&
            in.st_ino == out.st_ino)
            return cli_error(DP_EINVAL, "write to another file", "--out: %s is also an input",
                             cli_quote(path));
    if (there && !S_ISREG(out.st_mode))
        return cli_error(DP_EINVAL, NULL, "--out: %s is not a regular file", cli_quote(path));
    if (there && !force)
        return cli_error(DP_EINVAL, "--force replaces it", "--out: %s exists", cli_quote(path));
    if (!ends_with(path, ".safetensors")) /* the name says that it is one: cli_load_model */
        return cli_error(DP_EINVAL, "networks are saved as safetensors",
                         "--out: %s does not end in .safetensors", cli_quote(path));
    return dp_check_writable(path) ? cli_library_error() : 0;
}
