/* dataset.c: what a data set is, made and asked. */
#include "data.h"

#include <stdio.h>
#include <string.h>

/* ---- life ---- */
static void dataset_destroy(void *object) {
    dp_dataset *d = object;
    d->owned = NULL;
    dp__dataset_drop(d);
}

dp_dataset *dp__dataset_new(const char *name) {
    dp_dataset *d = dp__zalloc(1, sizeof *d);
    if (!d) return NULL;
    d->magic = DP_DATASET_MAGIC;
    atomic_init(&d->refs, 1);
    d->name = dp__strdup(name);
    d->owned = d->name ? dp__scope_own(dataset_destroy, d) : NULL;
    if (d->owned) return d;
    dp__dataset_drop(d);
    return NULL;
}

void dp__dataset_hold(dp_dataset *d) {
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
}

void dp__dataset_drop(dp_dataset *d) {
    if (atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1) return;
    dp__bytes_free(&d->train.x_bytes);
    dp__bytes_free(&d->train.y_bytes);
    dp__bytes_free(&d->test.x_bytes);
    dp__bytes_free(&d->test.y_bytes);
    dp__release(d->class_names, (size_t)d->classes * DP_CLASS_NAME);
    if (d->name) dp__release(d->name, strlen(d->name) + 1);
    d->magic = 0;
    dp__release(d, sizeof *d);
}

void dp_dataset_free(dp_dataset *d) {
    if (!d || !dp__dataset_check(d, "dp_dataset_free")) return;
    dp__scope_disown(d->owned);
    d->owned = NULL;
    dp__dataset_drop(d);
}

bool dp__dataset_check(const dp_dataset *d, const char *function) {
    if (d && d->magic == DP_DATASET_MAGIC) return true;
    if (d || !dp_failed())
        dp_fail(DP_EINVAL, "%s: %s", function, d ? "not a data set" : "the data set is NULL");
    return false;
}

dp_status dp__dataset_classes(dp_dataset *d, int64_t classes) {
    d->class_names = dp__zalloc((size_t)classes, DP_CLASS_NAME);
    if (!d->class_names) return DP_ENOMEM;
    d->classes = classes;
    for (int64_t i = 0; i < classes; i++)
        snprintf(d->class_names + i * DP_CLASS_NAME, DP_CLASS_NAME, "%u", (unsigned)i);
    return DP_OK;
}

/* ---- making ---- */
static dp_status dataset_fill(dp_dataset *d, const char *description, const dp_data_options *o) {
    static const char *const allowed[] = {"0-1", "0-255"};
    const char *pixels = o->pixels ? o->pixels : allowed[0];
    d->raw_pixels = strcmp(pixels, allowed[1]) == 0;
    if (!d->raw_pixels && strcmp(pixels, allowed[0]) != 0)
        return dp_fail(DP_EINVAL, "dp_data: pixels: found \"%s\", allowed \"0-1\" or \"0-255\"",
                       dp__quote(pixels, strlen(pixels)));
    if (o->classes < 0 || o->classes > 256)
        return dp_fail(DP_EINVAL, "dp_data: classes: found %lld, allowed 1 to 256, or 0 for 10",
                       (long long)o->classes);
    if (dp__builtin_is(description)) return dp__builtin_read(d, description);
    return dp__folder_read(d, description, o->classes ? o->classes : 10);
}

dp_dataset *dp_data_with(const char *description, const dp_data_options *options) {
    dp_data_options o = {0};
    if (!description) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "dp_data: the description is NULL");
        return NULL;
    }
    if (options) {
        if (options->size < sizeof(size_t)) {
            dp_fail(DP_EINVAL, "dp_data: options.size is %zu; set it to sizeof(dp_data_options)",
                    options->size);
            return NULL;
        }
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    }
    dp_dataset *d = dp__dataset_new(description);
    if (!d || dataset_fill(d, description, &o) == DP_OK) return d;
    dp_dataset_free(d);
    return NULL;
}

dp_dataset *dp_data(const char *description) { return dp_data_with(description, NULL); }

static bool dataset_copy(dp_tensor *t, dp_bytes *out, const unsigned char **at) {
    size_t n = dp__bytes_of(t);
    out->data = dp__alloc(n);
    out->n = out->data ? n : 0;
    *at = out->data;
    return out->data && dp_read(t, out->data, n) == DP_OK;
}

static dp_shape dataset_tail(dp_shape s) {
    dp_shape tail = {.rank = s.rank - 1};
    memcpy(tail.dim, s.dim + 1, (size_t)tail.rank * sizeof s.dim[0]);
    return tail;
}

/* Classes are 0 ... the largest label. */
static dp_status dataset_labels(dp_dataset *d) {
    const int64_t *label = (const int64_t *)(const void *)d->train.y;
    int64_t largest = 0;
    for (int64_t i = 0; i < d->train.n; i++) {
        if (label[i] < 0 || label[i] >= DP_CLASSES_MAX)
            return dp_fail(DP_EINVAL, "dp_dataset_arrays: y[%lld]: found %lld, allowed 0 to %d",
                           (long long)i, (long long)label[i], DP_CLASSES_MAX - 1);
        if (label[i] > largest) largest = label[i];
    }
    return dp__dataset_classes(d, largest + 1);
}

static dp_status dataset_arrays_fill(dp_dataset *d, dp_tensor *x, dp_tensor *y) {
    dp_shape xs = dp_shape_at(x), ys = dp_shape_at(y);
    d->x_type = dp_dtype_of(x);
    d->y_type = dp_dtype_of(y);
    if (d->x_type != DP_F32 || (d->y_type != DP_F32 && d->y_type != DP_I64))
        return dp_fail(DP_EINVAL,
                       "dp_dataset_arrays: x is %s, y is %s, allowed f32, and i64 or f32",
                       dp_dtype_name(d->x_type), dp_dtype_name(d->y_type));
    if (xs.rank < 1 || ys.rank < 1 || xs.dim[0] != ys.dim[0] || xs.dim[0] < 1 ||
        (d->y_type == DP_I64 && ys.rank != 1))
        return dp_fail(DP_EINVAL,
                       "dp_dataset_arrays: x is %s, y is %s, allowed [n, ...] and %s, n > 0",
                       dp__shape_text(xs.rank, xs.dim), dp__shape_text(ys.rank, ys.dim),
                       d->y_type == DP_I64 ? "[n]" : "[n, ...]");
    d->train.n = xs.dim[0];
    d->example = dataset_tail(xs);
    d->target = dataset_tail(ys);
    d->x_count = dp_count(x) / d->train.n;
    d->y_count = dp_count(y) / d->train.n;
    if (!dataset_copy(x, &d->train.x_bytes, &d->train.x) ||
        !dataset_copy(y, &d->train.y_bytes, &d->train.y))
        return dp_error_status();
    return d->y_type == DP_I64 ? dataset_labels(d) : DP_OK;
}

dp_dataset *dp_dataset_arrays(dp_tensor *x, dp_tensor *y) {
    if (!dp__check(x, "dp_dataset_arrays") || !dp__check(y, "dp_dataset_arrays")) return NULL;
    dp_dataset *d = dp__dataset_new("arrays");
    if (!d || dataset_arrays_fill(d, x, y) == DP_OK) return d;
    dp_dataset_free(d);
    return NULL;
}

/* ---- asking ---- */
int64_t dp__dataset_split(const dp_dataset *d, dp_split_name split, const dp_part **part,
                          int64_t *first) {
    *part = split == DP_TEST ? &d->test : &d->train;
    *first = split == DP_VAL ? d->train.n - d->n_val : 0;
    switch (split) {
    case DP_TRAIN:
        return d->train.n - d->n_val;
    case DP_VAL:
        return d->n_val;
    case DP_TEST:
        return d->test.n;
    }
    return 0;
}

int64_t dp_examples(const dp_dataset *d, dp_split_name split) {
    const dp_part *part;
    int64_t first;
    return dp__dataset_check(d, "dp_examples") ? dp__dataset_split(d, split, &part, &first) : 0;
}

dp_shape dp_example_shape(const dp_dataset *d) {
    return dp__dataset_check(d, "dp_example_shape") ? d->example : (dp_shape){0};
}

int64_t dp_classes(const dp_dataset *d) {
    return dp__dataset_check(d, "dp_classes") ? d->classes : 0;
}

const char *dp_class_name(const dp_dataset *d, int64_t i) {
    if (!dp__dataset_check(d, "dp_class_name")) return "";
    if (i >= 0 && i < d->classes) return d->class_names + i * DP_CLASS_NAME;
    dp_fail(DP_EINVAL, "dp_class_name: found %lld, allowed 0 to %lld", (long long)i,
            (long long)d->classes - 1);
    return "";
}

const char *dp_data_name(const dp_dataset *d) {
    return dp__dataset_check(d, "dp_data_name") ? d->name : "";
}

const char *dp_data_pixels(const dp_dataset *d) {
    if (!dp__dataset_check(d, "dp_data_pixels") || d->x_type != DP_U8) return "";
    return d->raw_pixels ? "0-255" : "0-1";
}

dp_status dp_split_val(dp_dataset *d, int64_t n) {
    if (!dp__dataset_check(d, "dp_split_val")) return DP_EINVAL;
    int64_t left = d->train.n - d->n_val;
    if (n < 0 || n >= left)
        return dp_fail(DP_EINVAL,
                       "dp_split_val: found %lld, allowed 0 to %lld (of %lld training examples)",
                       (long long)n, (long long)left - 1, (long long)left);
    d->n_val += n;
    return DP_OK;
}
