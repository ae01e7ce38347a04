/* iter.c: batches of a split, in an order that depends on (seed, epoch) only.
 *
 * The order of an epoch is a permutation made when its first batch is asked for; with replacement,
 * draw k of epoch e is a function of (seed, e, k). So any (epoch, batch) can be continued from. */
#include "data.h"

#include <string.h>

struct dp_iter {
    uint32_t magic; /* ITER_MAGIC while alive */
    bool shuffle, replace, flatten;
    dp_dataset *data; /* held */
    const dp_part *part;
    int64_t first, n;                  /* the split's examples in the part */
    int64_t batch, batches, epoch, at; /* at: number of the next batch */
    uint64_t seed;
    dp_pixels_fn *pixels;
    uint32_t *order; /* of epoch order_epoch; NULL unless shuffle */
    int64_t order_epoch;
    dp_owned *owned;
};
#define ITER_MAGIC 0x44504954u

/* ---- life ---- */
static void iter_release(dp_iter *it) {
    dp__release(it->order, it->shuffle ? (size_t)it->n * sizeof *it->order : 0);
    dp__dataset_drop(it->data);
    it->magic = 0;
    dp__release(it, sizeof *it);
}

static void iter_destroy(void *object) { iter_release(object); }

static bool iter_check(const dp_iter *it, const char *function) {
    if (it && it->magic == ITER_MAGIC) return true;
    if (it || !dp_failed())
        dp_fail(DP_EINVAL, "%s: %s", function, it ? "not an iterator" : "the iterator is NULL");
    return false;
}

static bool iter_options(dp_iter_options *o, const dp_iter_options *given, int64_t n) {
    *o = (dp_iter_options){0};
    if (given && given->size < sizeof(size_t)) {
        dp_fail(DP_EINVAL, "dp_iter_new: options.size is %zu; set it to sizeof(dp_iter_options)",
                given->size);
        return false;
    }
    if (given) memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
    if (o->batch == 0) o->batch = 64;
    if (o->batch < 0 || o->batch > INT32_MAX) {
        dp_fail(DP_EINVAL, "dp_iter_new: batch: found %lld, allowed 1 to %d", (long long)o->batch,
                INT32_MAX);
        return false;
    }
    if (o->drop_last && o->batch > n) {
        dp_fail(DP_EINVAL,
                "dp_iter_new: batch: found %lld, allowed 1 to %lld examples with drop_last",
                (long long)o->batch, (long long)n);
        return false;
    }
    return true;
}

static int64_t iter_count(dp_dataset *d, dp_split_name split, const dp_part **part,
                          int64_t *first) {
    static const char *const names[] = {"training", "validation", "test"};
    if ((int)split < 0 || split > DP_TEST) {
        dp_fail(DP_EINVAL, "dp_iter_new: split: found %d, allowed DP_TRAIN, DP_VAL or DP_TEST",
                (int)split);
        return 0;
    }
    int64_t n = dp__dataset_split(d, split, part, first);
    if (n == 0)
        dp_fail(DP_EINVAL, "dp_iter_new: %s has no %s examples",
                dp__quote(d->name, strlen(d->name)), names[split]);
    if (n > UINT32_MAX) {
        dp_fail(DP_ELIMIT, "dp_iter_new: %lld examples, allowed %u", (long long)n, UINT32_MAX);
        return 0;
    }
    return n;
}

dp_iter *dp_iter_new(dp_dataset *d, dp_split_name split, const dp_iter_options *options) {
    dp_iter_options o;
    const dp_part *part;
    int64_t first;
    if (!dp__dataset_check(d, "dp_iter_new")) return NULL;
    int64_t n = iter_count(d, split, &part, &first);
    if (n == 0 || !iter_options(&o, options, n)) return NULL;
    dp_iter *it = dp__zalloc(1, sizeof *it);
    if (!it) return NULL;
    dp__dataset_hold(d);
    *it = (dp_iter){.magic = ITER_MAGIC,
                    .replace = o.replace,
                    .flatten = o.flatten,
                    .data = d,
                    .part = part,
                    .first = first,
                    .n = n,
                    .batch = o.batch,
                    .seed = o.seed,
                    .pixels = dp__pixels(dp__isa(), d->raw_pixels),
                    .batches = n / o.batch + (n % o.batch != 0 && !o.drop_last),
                    .order_epoch = -1};
    if (o.shuffle && !o.replace) {
        it->order = dp__alloc((size_t)n * sizeof *it->order);
        it->shuffle = it->order != NULL;
    }
    if (!o.shuffle || o.replace || it->order) it->owned = dp__scope_own(iter_destroy, it);
    if (it->owned) return it;
    iter_release(it);
    return NULL;
}

void dp_iter_free(dp_iter *it) {
    if (!it || !iter_check(it, "dp_iter_free")) return;
    dp__scope_disown(it->owned);
    iter_release(it);
}

int64_t dp_iter_batches(const dp_iter *it) {
    return iter_check(it, "dp_iter_batches") ? it->batches : 0;
}

void dp_iter_seek(dp_iter *it, int64_t epoch, int64_t batch) {
    if (!iter_check(it, "dp_iter_seek")) return;
    if (epoch < 0 || batch < 0 || batch > it->batches) {
        dp_fail(DP_EINVAL, "dp_iter_seek: epoch %lld, batch %lld: allowed 0 and more, 0 to %lld",
                (long long)epoch, (long long)batch, (long long)it->batches);
        return;
    }
    it->epoch = epoch;
    it->at = batch;
}

void dp_iter_tell(const dp_iter *it, int64_t *epoch, int64_t *batch) {
    if (!iter_check(it, "dp_iter_tell")) return;
    if (epoch) *epoch = it->epoch;
    if (batch) *batch = it->at;
}

/* ---- the order ---- */
static void iter_shuffle(dp_iter *it) {
    dp_words w;
    uint32_t *order = it->order;
    for (int64_t i = 0; i < it->n; i++) order[i] = (uint32_t)i;
    dp__words_begin(&w, it->seed, (uint64_t)it->epoch, DP_WORDS_SHUFFLE);
    for (uint32_t i = (uint32_t)it->n - 1; i > 0; i--) {
        uint32_t j = dp__word_below(&w, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    it->order_epoch = it->epoch;
}

/* The example of draw k of this epoch. Draw k has the Philox blocks from 2^32 * k on: the counter's
 * upper half is the epoch's low 32 bits and k, the key is the seed and the epoch's high bits. */
static int64_t iter_example(const dp_iter *it, int64_t k) {
    if (it->order) return it->first + it->order[k];
    if (!it->replace) return it->first + k;
    dp_words w;
    dp__words_begin(&w, it->seed, (uint64_t)k, DP_WORDS_REPLACE);
    w.counter[2] = (uint32_t)it->epoch;
    w.key[1] ^= (uint32_t)((uint64_t)it->epoch >> 32);
    return it->first + dp__word_below(&w, (uint32_t)it->n);
}

/* ---- batches ---- */
static void iter_x(const dp_iter *it, int64_t example, float *out) {
    const dp_dataset *d = it->data;
    const size_t n = (size_t)d->x_count, size = d->x_type == DP_U8 ? 1 : sizeof(float);
    const unsigned char *in = it->part->x + (size_t)example * n * size;
    if (d->x_type == DP_U8)
        it->pixels(out, in, n);
    else
        memcpy(out, in, n * size);
}

static void iter_y(const dp_iter *it, int64_t example, void *out, int64_t k) {
    const dp_dataset *d = it->data;
    if (d->y_type == DP_U8) {
        ((int64_t *)out)[k] = it->part->y[example];
        return;
    }
    const size_t bytes = (size_t)d->y_count * dp_dtype_size(d->y_type);
    memcpy((char *)out + (size_t)k * bytes, it->part->y + (size_t)example * bytes, bytes);
}

static dp_shape iter_shape(int64_t n, const dp_shape *one) {
    dp_shape s = {.rank = one->rank + 1, .dim = {n}};
    memcpy(s.dim + 1, one->dim, (size_t)one->rank * sizeof one->dim[0]);
    return s;
}

bool dp_next(dp_iter *it, dp_batch *b) {
    if (!iter_check(it, "dp_next")) return false;
    if (!b) {
        dp_fail(DP_EINVAL, "dp_next: the batch is NULL");
        return false;
    }
    *b = (dp_batch){0};
    if (it->at >= it->batches) {
        it->at = 0;
        it->epoch++;
        return false;
    }
    const dp_dataset *d = it->data;
    const int64_t from = it->at * it->batch, left = it->n - from,
                  n = left < it->batch ? left : it->batch;
    const dp_shape flat = {.rank = 1, .dim = {d->x_count}};
    const dp_shape xs = iter_shape(n, it->flatten ? &flat : &d->example),
                   ys = iter_shape(n, &d->target);
    void *x, *y;
    dp_batch made = {.n = n, .index = it->at};
    made.x = dp__tensor_new(DP_F32, &xs, &x);
    made.y = made.x ? dp__tensor_new(d->classes ? DP_I64 : DP_F32, &ys, &y) : NULL;
    if (!made.y) {
        if (made.x) dp_free(made.x);
        return false;
    }
    if (it->order && it->order_epoch != it->epoch) iter_shuffle(it);
    dp_fenv env;
    dp__fenv_enter(&env);
    for (int64_t k = 0; k < n; k++) {
        int64_t example = iter_example(it, from + k);
        iter_x(it, example, (float *)x + k * d->x_count);
        iter_y(it, example, y, k);
    }
    dp__fenv_leave(&env);
    it->at++;
    *b = made;
    return true;
}
