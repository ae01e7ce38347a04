/* denpan/data.h: data sets and batches. */
#ifndef DENPAN_DATA_H
#define DENPAN_DATA_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_dataset dp_dataset;

/* A data set from its description, in the current scope; NULL on failure.
 *  - A folder of IDX files with MNIST's names (train-images-idx3-ubyte, train-labels-idx1-ubyte,
 *    t10k-..., also train-images.idx3-ubyte, each also with .gz): examples [1, rows, columns]. The
 *    test files may be missing. DP_EFORMAT names file, byte, field, found and allowed; offsets in a
 *    .gz count its unzipped bytes. DP_EIO: a file is missing or cannot be read.
 *  - "digits" or "digits(n=20000, seed=1)": n drawn training examples [1, 28, 28] and n / 5 test
 *    examples, which do not depend on n. n 1 to 10,000,000, seed 0 to 2^63-1, else DP_EINVAL.
 * A folder that is called digits is "./digits". Pixels are kept as bytes. */
typedef struct dp_data_options {
    size_t size;               /* sizeof(dp_data_options) */
    const char *pixels;        /* "0-1" (default) or "0-255" */
    int64_t classes;           /* of a folder: labels are 0 ... classes - 1; 0: 10 */
} dp_data_options;
DP_API dp_dataset *dp_data(const char *description);
DP_API dp_dataset *dp_data_with(const char *description, const dp_data_options *options);
/* From arrays, copied: x f32 [n, ...], y i64 [n] classes (0 ... 2^20-1; as many as the largest
 * says) or f32 [n, ...] values. All examples are for training, none for dp_test: dp_test_on takes
 * DP_TRAIN, or what dp_split_val held out. NULL on failure. */
DP_API dp_dataset *dp_dataset_arrays(dp_tensor *x, dp_tensor *y);
DP_API void dp_dataset_free(dp_dataset *d);     /* else it lives until its scope ends */

typedef enum dp_split_name { DP_TRAIN, DP_VAL, DP_TEST } dp_split_name;
DP_API int64_t dp_examples(const dp_dataset *d, dp_split_name split);   /* 0: there is none */
DP_API dp_shape dp_example_shape(const dp_dataset *d);              /* without batch: [1, 28, 28] */
DP_API int64_t dp_classes(const dp_dataset *d);                     /* 0: targets are values */
DP_API const char *dp_class_name(const dp_dataset *d, int64_t i); /* "0", "1", ...; "" on failure */
DP_API const char *dp_data_name(const dp_dataset *d);               /* its description */
DP_API const char *dp_data_pixels(const dp_dataset *d);       /* "0-1", "0-255"; "": no pixels */
/* Move the last `n` training examples into a validation split; at least one must stay. Iterators
 * made before keep what they had. */
DP_API dp_status dp_split_val(dp_dataset *d, int64_t n);

/* ---- batches ---- */
typedef struct dp_batch {
    dp_tensor *x;              /* [n, example shape] f32 */
    dp_tensor *y;              /* i64 [n], or f32 [n, ...] */
    int64_t n, index;          /* examples; number of the batch in this pass */
} dp_batch;
typedef struct dp_iter dp_iter;
typedef struct dp_iter_options {
    size_t size;               /* sizeof(dp_iter_options) */
    int64_t batch;             /* 64 */
    bool shuffle;              /* a permutation of its own for each epoch */
    bool replace;              /* draw with replacement instead, as many as there are examples */
    bool drop_last;            /* leave out a last batch that is short */
    uint64_t seed;
    bool flatten;              /* x as [n, elements] */
} dp_iter_options;
/* An iterator in the current scope; NULL on failure. options NULL: batches of 64 in order. The
 * order of an epoch depends on seed and epoch only. */
DP_API dp_iter *dp_iter_new(dp_dataset *d, dp_split_name split, const dp_iter_options *options);
/* The next batch, in the current scope; false at the end of the epoch (the call after it begins the
 * next one) or on failure (dp_failed). */
DP_API bool dp_next(dp_iter *it, dp_batch *b);
DP_API int64_t dp_iter_batches(const dp_iter *it);                  /* of an epoch */
/* Where it is, to continue exactly: epochs and batches count from 0, `batch` is the next one. */
DP_API void dp_iter_seek(dp_iter *it, int64_t epoch, int64_t batch);
DP_API void dp_iter_tell(const dp_iter *it, int64_t *epoch, int64_t *batch);
DP_API void dp_iter_free(dp_iter *it);

/* Draw the examples first ... first + n - 1 of handwriting-like digits: pixels [n, 28, 28] 0-255,
 * white on black, labels [n]. Example i depends on seed and i only, and is the same on every
 * machine; each ten examples from a multiple of ten on have every class once. */
DP_API dp_status dp_draw_digits(uint64_t seed, int64_t first, int64_t n, uint8_t *pixels,
                                uint8_t *labels);

#ifdef __cplusplus
}
#endif
#endif
