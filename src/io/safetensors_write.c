/* safetensors_write.c: the writer. The same list of tensors and metadata gives the same bytes. */
#include <string.h>

#include "safetensors.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors data is written as it lies in memory, which must be little endian"
#endif

typedef struct stwrite {
    const dp_st_tensor *tensors;
    size_t n;
    uint32_t *order;
    dp_piece *pieces; /* 0: length and header; then the tensors in order */
    dp_text text;     /* length and header */
    size_t crc_at;
} stwrite;

static const char *stwrite_dtype(dp_dtype dtype) {
    static const char *const name[DP_N_DTYPES] = {"F32", "F64", "I64", "U8"};
    return name[dtype];
}

/* The official library sorts by dtype, greatest alignment first, then name. */
static bool stwrite_before(const dp_st_tensor *a, const dp_st_tensor *b) {
    static const int rank[DP_N_DTYPES] = {2, 1, 0, 3};
    int d = rank[a->dtype] - rank[b->dtype];
    return d ? d < 0 : strcmp(a->name, b->name) < 0;
}

/* Bottom-up merge sort of the indices; `spare` has room for n. */
static void stwrite_sort(const dp_st_tensor *t, uint32_t *order, uint32_t *spare, size_t n) {
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n,
                   high = low + 2 * width < n ? low + 2 * width : n;
            for (size_t i = low, j = mid, k = low; k < high; k++) {
                bool right = i >= mid || (j < high && stwrite_before(t + order[j], t + order[i]));
                spare[k] = right ? order[j++] : order[i++];
            }
        }
        memcpy(order, spare, n * sizeof *order);
    }
}

/* ---- NaNs have one form in files ---- */

static bool stwrite_odd_nan(const dp_st_tensor *t, size_t i) {
    if (t->dtype == DP_F32) {
        uint32_t u;
        memcpy(&u, (const char *)t->data + 4 * i, 4);
        return (u & 0x7FFFFFFF) > 0x7F800000 && u != 0x7FC00000;
    }
    uint64_t u;
    memcpy(&u, (const char *)t->data + 8 * i, 8);
    return (u & 0x7FFFFFFFFFFFFFFF) > 0x7FF0000000000000 && u != 0x7FF8000000000000;
}

/* A copy with canonical NaNs if there is another one; else *copy stays NULL. */
static dp_status stwrite_nans(const dp_st_tensor *t, void **copy) {
    *copy = NULL;
    if (t->dtype != DP_F32 && t->dtype != DP_F64) return DP_OK;
    size_t item = dp_dtype_size(t->dtype), n = t->bytes / item, first = 0;
    while (first < n && !stwrite_odd_nan(t, first)) first++;
    if (first == n) return DP_OK;
    if (!(*copy = dp__alloc(t->bytes))) return DP_ENOMEM;
    memcpy(*copy, t->data, t->bytes);
    for (size_t i = first; i < n; i++) {
        if (!stwrite_odd_nan(t, i)) continue;
        if (item == 4)
            memcpy((char *)*copy + 4 * i, &(uint32_t){0x7FC00000}, 4);
        else
            memcpy((char *)*copy + 8 * i, &(uint64_t){0x7FF8000000000000}, 8);
    }
    return DP_OK;
}

/* ---- header ---- */

static void stwrite_meta(stwrite *w, const dp_st_meta *meta, size_t n) {
    dp__text(&w->text, "\"__metadata__\":{");
    for (size_t i = 0; i < n; i++) {
        bool crc = strcmp(meta[i].key, DP_ST_CRC_KEY) == 0;
        const char *value = crc ? "00000000" : meta[i].value;
        if (i) dp__text_bytes(&w->text, ",", 1);
        dp__json_quote(&w->text, meta[i].key, strlen(meta[i].key));
        dp__text_bytes(&w->text, ":", 1);
        if (crc) w->crc_at = w->text.n + 1;
        dp__json_quote(&w->text, value, strlen(value));
    }
    dp__text_bytes(&w->text, "}", 1);
}

static void stwrite_entry(stwrite *w, const dp_st_tensor *t, size_t begin) {
    dp__json_quote(&w->text, t->name, strlen(t->name));
    dp__text(&w->text, ":{\"dtype\":\"%s\",\"shape\":[", stwrite_dtype(t->dtype));
    for (int i = 0; i < t->shape.rank; i++)
        dp__text(&w->text, "%s%lld", i ? "," : "", (long long)t->shape.dim[i]);
    dp__text(&w->text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->bytes);
}

static dp_status stwrite_header(stwrite *w, const dp_st_meta *meta, size_t n_meta) {
    size_t at = 0;
    dp__text_bytes(&w->text, "\0\0\0\0\0\0\0\0{", 9);
    if (n_meta) stwrite_meta(w, meta, n_meta);
    for (size_t i = 0; i < w->n; i++) {
        const dp_st_tensor *t = w->tensors + w->order[i];
        if (i || n_meta) dp__text_bytes(&w->text, ",", 1);
        stwrite_entry(w, t, at);
        if (!dp__sum(at, t->bytes, &at))
            return dp_fail(DP_ELIMIT, "save: the tensors exceed 2^63-1 bytes");
    }
    dp__text_bytes(&w->text, "}", 1);
    while (!w->text.failed && w->text.n % 8) dp__text_bytes(&w->text, " ", 1);
    if (w->text.failed) return DP_ENOMEM;
    uint64_t length = w->text.n - 8;
    if (length > DP_ST_HEADER_MAX)
        return dp_fail(DP_ELIMIT, "save: the header has %llu bytes, allowed <= %d",
                       (unsigned long long)length, DP_ST_HEADER_MAX);
    memcpy(w->text.data, &length, 8);
    return DP_OK;
}

/* ---- the file ---- */

static dp_status stwrite_check(const dp_st_tensor *t) {
    size_t bytes = 0;
    int64_t count = dp__shape_count(t->shape.rank, t->shape.dim, NULL);
    if (!t->name || strlen(t->name) > DP_ST_NAME_MAX)
        return dp_fail(DP_ELIMIT, "save: a tensor's name has more than %d bytes", DP_ST_NAME_MAX);
    if (count < 0 || !dp__mul((size_t)count, dp_dtype_size(t->dtype), &bytes) || bytes != t->bytes)
        return dp_fail(DP_EINVAL, "save: tensor \"%s\" has %zu bytes, its shape %zu",
                       dp__quote(t->name, strlen(t->name)), t->bytes, bytes);
    return DP_OK;
}

static dp_status stwrite_all(stwrite *w, const char *path, const dp_st_meta *meta, size_t n_meta) {
    w->order = dp__alloc(2 * w->n * sizeof *w->order);
    w->pieces = dp__zalloc(w->n + 1, sizeof *w->pieces);
    if (!w->order || !w->pieces) return DP_ENOMEM;
    stwrite_sort(w->tensors, w->order, w->order + w->n, w->n);
    dp_status s = stwrite_header(w, meta, n_meta);
    for (size_t i = 0; !s && i < w->n; i++) {
        const dp_st_tensor *t = w->tensors + w->order[i];
        void *copy;
        if (i && strcmp(t->name, w->tensors[w->order[i - 1]].name) == 0)
            return dp_fail(DP_EINVAL, "save: two tensors are named \"%s\"",
                           dp__quote(t->name, strlen(t->name)));
        s = stwrite_nans(t, &copy);
        w->pieces[i + 1] = (dp_piece){copy ? copy : t->data, t->bytes};
    }
    if (s) return s;
    w->pieces[0] = (dp_piece){w->text.data, w->text.n};
    if (w->crc_at) {
        uint32_t crc = 0;
        char digits[9];
        for (size_t i = 0; i <= w->n; i++) crc = dp__crc32c(crc, w->pieces[i].data, w->pieces[i].n);
        snprintf(digits, sizeof digits, "%08x", (unsigned)crc);
        memcpy(w->text.data + w->crc_at, digits, 8);
    }
    return dp__file_write_pieces(path, w->pieces, w->n + 1);
}

dp_status dp__st_write(const char *path, const dp_st_tensor *tensors, size_t n,
                       const dp_st_meta *meta, size_t n_meta) {
    stwrite w = {.tensors = tensors, .n = n};
    if (n > DP_ST_TENSORS_MAX)
        return dp_fail(DP_ELIMIT, "save: %zu tensors, allowed <= %d", n, DP_ST_TENSORS_MAX);
    for (size_t i = 0; i < n; i++) {
        dp_status s = stwrite_check(tensors + i);
        if (s) return s;
    }
    dp_status s = stwrite_all(&w, path, meta, n_meta);
    for (size_t i = 0; w.order && w.pieces && i < n; i++)
        if (w.pieces[i + 1].data != tensors[w.order[i]].data)
            dp__release((void *)(uintptr_t)w.pieces[i + 1].data, w.pieces[i + 1].n);
    dp__release(w.order, 2 * n * sizeof *w.order);
    dp__release(w.pieces, (n + 1) * sizeof *w.pieces);
    dp__text_free(&w.text);
    return s;
}
