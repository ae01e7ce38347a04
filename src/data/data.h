/* data.h: what the files of this room share: the data set's inside, and random words by counter. */
#ifndef DP_DATA_DATA_H
#define DP_DATA_DATA_H

#include <stdatomic.h>

#include "../base/file.h"
#include "../tensor/tensor.h"
#include "denpan/data.h"

/* ---- random words: Philox with key = seed and counter = (block, index, stream) ---- */
typedef struct dp_words {
    uint32_t key[2], counter[4], word[4];
    int used;
} dp_words;

/* Streams keep the uses of one seed apart. */
enum { DP_WORDS_DIGIT = 0x64696731, DP_WORDS_CLASS, DP_WORDS_SHUFFLE, DP_WORDS_REPLACE };

static inline void dp__words_begin(dp_words *w, uint64_t seed, uint64_t index, uint32_t stream) {
    *w = (dp_words){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                    .counter = {0, (uint32_t)index, (uint32_t)(index >> 32), stream},
                    .used = 4};
}

static inline uint32_t dp__word(dp_words *w) {
    if (w->used == 4) {
        dp__philox(w->counter, w->key, w->word);
        w->counter[0]++;
        w->used = 0;
    }
    return w->word[w->used++];
}

/* An integer in [0, n), every one equally likely: the high half of word * n, where the few words
 * that would favour some results are drawn again. */
static inline uint32_t dp__word_below(dp_words *w, uint32_t n) {
    uint64_t m = (uint64_t)dp__word(w) * n;
    if ((uint32_t)m < n) {
        const uint32_t unfair = (0u - n) % n;
        while ((uint32_t)m < unfair) m = (uint64_t)dp__word(w) * n;
    }
    return (uint32_t)(m >> 32);
}

/* ---- data sets ---- */
/* Examples in memory: x u8 (pixels) or f32, y u8 or i64 (classes) or f32 (values). */
typedef struct dp_part {
    int64_t n;
    const unsigned char *x, *y; /* inside the two below */
    dp_bytes x_bytes, y_bytes;
} dp_part;

struct dp_dataset {
    uint32_t magic;           /* DP_DATASET_MAGIC while alive */
    atomic_int refs;          /* its owner and the iterators */
    bool raw_pixels;          /* 0-255 instead of 0-1 */
    dp_dtype x_type, y_type;  /* of the parts */
    dp_shape example, target; /* of one example; target.rank 0 for classes */
    int64_t x_count, y_count; /* their elements */
    int64_t classes;          /* 0: values */
    dp_part train, test;
    int64_t n_val;            /* the last ones of train */
    char *name, *class_names; /* class_names: DP_CLASS_NAME bytes each */
    dp_owned *owned;
};
#define DP_DATASET_MAGIC 0x44504453u
enum { DP_CLASS_NAME = 12, DP_CLASSES_MAX = 1 << 20 };

/* A data set in the current scope with nothing but its name; NULL: no memory. */
dp_dataset *dp__dataset_new(const char *name);
/* Set the number of classes and their names "0", "1", ... */
dp_status dp__dataset_classes(dp_dataset *d, int64_t classes);
void dp__dataset_hold(dp_dataset *d);
void dp__dataset_drop(dp_dataset *d);
/* Is d a live data set? Records DP_EINVAL if not; NULL is silent when an error is recorded. */
bool dp__dataset_check(const dp_dataset *d, const char *function);
/* Where the split's examples are: its part and the first one there; the count is returned. */
int64_t dp__dataset_split(const dp_dataset *d, dp_split_name split, const dp_part **part,
                          int64_t *first);

/* Bytes to floats: x / 255 correctly rounded, or raw 0-255 (pixels.c). */
typedef void dp_pixels_fn(float *restrict out, const unsigned char *restrict in, size_t n);
dp_pixels_fn *dp__pixels(dp_isa isa, bool raw);

/* Fill a new data set from a folder of IDX files (folder.c) or from the text of `digits`
 * (builtin.c). */
dp_status dp__folder_read(dp_dataset *d, const char *folder, int64_t classes);
bool dp__builtin_is(const char *description);
dp_status dp__builtin_read(dp_dataset *d, const char *description);

#endif
