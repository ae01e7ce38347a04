/* folder.c: a folder of IDX files with MNIST's names. */
#include "../io/idx.h"
#include "data.h"

#include <string.h>

enum { FOLDER_NAME = 600 };

typedef struct folder_file {
    const char *names[2]; /* two spellings; each may end in .gz too */
    const char *what;
} folder_file;

static const folder_file folder_files[2][2] = {
    {{{"train-images-idx3-ubyte", "train-images.idx3-ubyte"}, "training images"},
     {{"train-labels-idx1-ubyte", "train-labels.idx1-ubyte"}, "training labels"}},
    {{{"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"}, "test images"},
     {{"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"}, "test labels"}}};

/* The path of the file as it is spelled in this folder, unzipped first; false: it is not there. */
static bool folder_find(const char *folder, const folder_file *f, dp_text *path) {
    size_t n = strlen(folder);
    const char *slash = n > 0 && folder[n - 1] == '/' ? "" : "/";
    for (int k = 0; k < 4; k++) {
        path->n = 0;
        dp__text(path, "%s%s%s%s", folder, slash, f->names[k & 1], k & 2 ? ".gz" : "");
        if (path->failed) return false;
        if (dp__file_kind(path->data) != DP_FILE_NONE) return true;
    }
    return false;
}

static dp_status folder_missing(const char *folder, const folder_file *f) {
    char name[FOLDER_NAME];
    dp__quote_to(name, sizeof name, folder, strlen(folder));
    dp_fail(DP_EIO, "%s: no %s: looked for %s and %s, each also with .gz", name, f->what,
            f->names[0], f->names[1]);
    return dp__hint("put MNIST's files there, or use the built-in data: `digits` needs no files");
}

static dp_status folder_labels(const dp_idx *labels, const dp_idx *images, int64_t classes) {
    if (labels->dim[0] != images->dim[0])
        return dp__idx_fail(labels, DP_EFORMAT, 4, "labels",
                            "found %lld, allowed %lld (as many as images)",
                            (long long)labels->dim[0], (long long)images->dim[0]);
    const unsigned char *label = labels->file.data + labels->at;
    for (int64_t i = 0; i < labels->dim[0]; i++) {
        if (label[i] < classes) continue;
        char field[40];
        snprintf(field, sizeof field, "labels[%lld]", (long long)i);
        dp__idx_fail(labels, DP_EFORMAT, labels->at + (size_t)i, field,
                     "found %d, allowed 0 to %lld", label[i], (long long)classes - 1);
        return dp__hint("data with more classes need the option `classes`");
    }
    return DP_OK;
}

/* The test images have the training images' size. */
static dp_status folder_same_size(const dp_dataset *d, const dp_idx *images) {
    for (int i = 1; i < 3; i++)
        if (images->dim[i] != d->example.dim[i])
            return dp__idx_fail(images, DP_EFORMAT, (size_t)(4 + 4 * i),
                                i == 1 ? "rows" : "columns",
                                "found %lld, allowed %lld (as in the training images)",
                                (long long)images->dim[i], (long long)d->example.dim[i]);
    return DP_OK;
}

/* Hand the files' bytes over to the part. */
static void folder_take(dp_part *part, dp_idx *images, dp_idx *labels) {
    part->n = images->dim[0];
    part->x = images->file.data + images->at;
    part->y = labels->file.data + labels->at;
    part->x_bytes = images->file;
    part->y_bytes = labels->file;
    images->file = labels->file = (dp_bytes){0};
}

static dp_status folder_part(dp_dataset *d, const char *folder, int test, int64_t classes) {
    static const char *const image_axes[] = {"images", "rows", "columns"}, *const label_axes[] = {
                                                                               "labels"};
    const folder_file *f = folder_files[test];
    dp_text paths[2] = {{0}, {0}};
    dp_idx images = {0}, labels = {0};
    dp_status status = DP_OK;
    bool found[2];
    for (int i = 0; i < 2; i++) {
        found[i] = folder_find(folder, &f[i], &paths[i]);
        if (paths[i].failed) status = DP_ENOMEM;
    }
    bool skip = test && !found[0] && !found[1];
    if (status == DP_OK && !skip && !found[0]) status = folder_missing(folder, &f[0]);
    if (status == DP_OK && !skip && !found[1]) status = folder_missing(folder, &f[1]);
    if (status == DP_OK && !skip) {
        status = dp__idx_read(paths[0].data, 3, image_axes, &images);
        if (status == DP_OK && test) status = folder_same_size(d, &images);
        if (status == DP_OK) status = dp__idx_read(paths[1].data, 1, label_axes, &labels);
        if (status == DP_OK) status = folder_labels(&labels, &images, classes);
        if (status == DP_OK && !test) {
            d->example = dp_shape_of(3, (const int64_t[]){1, images.dim[1], images.dim[2]});
            d->x_count = images.dim[1] * images.dim[2];
        }
        if (status == DP_OK) folder_take(test ? &d->test : &d->train, &images, &labels);
    }
    dp__idx_free(&images);
    dp__idx_free(&labels);
    dp__text_free(&paths[0]);
    dp__text_free(&paths[1]);
    return status;
}

/* There is no folder of this name. */
static dp_status folder_none(const char *folder, const char *name) {
    static const char *const builtin[] = {"digits"};
    char word[32];
    size_t n = strcspn(folder, "( ");
    dp_fail(DP_EIO, "%s: no such folder, and no built-in data of that name", name);
    if (n < sizeof word) {
        memcpy(word, folder, n);
        word[n] = 0;
        const char *near = dp__nearest(word, builtin, 1);
        if (near) return dp__hint("did you mean `%s`?", near);
    }
    return dp__hint("name a folder with MNIST's IDX files, or `digits`, which needs no files");
}

dp_status dp__folder_read(dp_dataset *d, const char *folder, int64_t classes) {
    char name[FOLDER_NAME];
    dp_file_kind kind = dp__file_kind(folder);
    dp__quote_to(name, sizeof name, folder, strlen(folder));
    if (kind == DP_FILE_NONE) return folder_none(folder, name);
    if (kind != DP_FILE_FOLDER) {
        dp_fail(DP_EIO, "%s: found %s, allowed a folder of IDX files", name,
                kind == DP_FILE_REGULAR ? "a regular file" : "neither a folder nor a regular file");
        return dp__hint("name the folder that holds train-images-idx3-ubyte");
    }
    d->x_type = d->y_type = DP_U8;
    d->y_count = 1;
    dp_status status = dp__dataset_classes(d, classes);
    if (status == DP_OK) status = folder_part(d, folder, 0, classes);
    return status == DP_OK ? folder_part(d, folder, 1, classes) : status;
}
