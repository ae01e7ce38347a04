/* safetensors_read.c: the reader. Every byte comes through the cursor; the header is read twice by
 * the same code, first to check and count, then to store. */
#include <string.h>

#include "safetensors.h"

typedef struct stread_meta_key {
    uint64_t hash;
    uint32_t at;
} stread_meta_key;

typedef struct stread {
    dp_st_file *f;
    dp_cursor c; /* over the header; positions are the file's */
    dp_json j;
    bool store;          /* second pass */
    uint64_t data_bytes; /* of the data area */
    size_t n, names_bytes, n_meta;
    stread_meta_key *meta;
    size_t meta_cap;
    char prefix[160]; /* header["name"] of the tensor being read */
    bool own;
    size_t own_at, crc_at; /* first denpan.* key; first digit of the checksum (0: none) */
} stread;

/* ---- dtypes ---- */

static const struct {
    const char *name;
    dp_dtype dtype;
} stread_dtypes[] = {
    {"F32", DP_F32},
    {"F64", DP_F64},
    {"I64", DP_I64},
    {"U8", DP_U8},
};
#define STREAD_KNOWN "F32, F64, I64, U8"
static const char *const stread_foreign[] = {
    "BOOL", "I8",  "I16", "U16",     "F16",     "BF16",    "I32",     "U32",
    "U64",  "C64", "F4",  "F6_E2M3", "F6_E3M2", "F8_E5M2", "F8_E4M3", "F8_E8M0",
};

/* ---- tokens ---- */

static const char *stread_kind_name(dp_json_kind k) {
    static const char *const name[] = {"the end",
                                       "an object",
                                       "the end of an object",
                                       "an array",
                                       "the end of an array",
                                       "a key",
                                       "a string",
                                       "a number",
                                       "true",
                                       "false",
                                       "null",
                                       "an error"};
    return name[k];
}

/* Where the latest token begins. */
static size_t stread_at(const stread *r, dp_json_kind k) {
    if (k == DP_JSON_KEY || k == DP_JSON_STRING || k == DP_JSON_NUMBER) return r->j.text_at;
    size_t back = k == DP_JSON_TRUE || k == DP_JSON_NULL ? 4
                  : k == DP_JSON_FALSE                   ? 5
                  : k == DP_JSON_END                     ? 0
                                                         : 1;
    return r->c.at > back ? r->c.at - back : 0;
}

/* The next token must be of this kind. */
static bool stread_expect(stread *r, dp_json_kind want) {
    dp_json_kind k = dp__json_next(&r->j);
    if (k == want) return true;
    if (k != DP_JSON_ERROR)
        dp__cursor_fail(&r->c, DP_EFORMAT, stread_at(r, k), "found %s, allowed %s",
                        stread_kind_name(k), stread_kind_name(want));
    return false;
}

static bool stread_is(const stread *r, const char *s) {
    return r->j.text_n == strlen(s) && memcmp(r->j.text, s, r->j.text_n) == 0;
}

/* The number just read, as a whole number from 0 to max. */
static bool stread_whole(stread *r, uint64_t max, uint64_t *out) {
    const char *s = r->j.text;
    size_t n = r->j.text_n;
    int64_t v = 0;
    bool digits = n > 0;
    for (size_t i = 0; i < n; i++) digits = digits && s[i] >= '0' && s[i] <= '9';
    if (digits && dp__parse_int(s, n, &v) == n && (uint64_t)v <= max) {
        *out = (uint64_t)v;
        return true;
    }
    dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at, "found %s, allowed a whole number <= %llu",
                    dp__quote(s, n), (unsigned long long)max);
    return false;
}

/* ---- one tensor ---- */

typedef struct stread_tensor {
    size_t key_at, shape_at, offsets_at;
    int dtype, rank; /* -1: not seen yet */
    int64_t dim[DP_MAX_RANK];
    uint64_t begin, end;
    bool offsets;
} stread_tensor;

static bool stread_dtype(stread *r, stread_tensor *t) {
    if (!stread_expect(r, DP_JSON_STRING)) return false;
    for (size_t i = 0; i < sizeof stread_dtypes / sizeof *stread_dtypes; i++) {
        if (!stread_is(r, stread_dtypes[i].name)) continue;
        t->dtype = (int)stread_dtypes[i].dtype;
        return true;
    }
    const char *note = "";
    for (size_t i = 0; i < sizeof stread_foreign / sizeof *stread_foreign; i++)
        if (stread_is(r, stread_foreign[i])) note = " (not supported)";
    dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at, "found \"%s\"%s, allowed " STREAD_KNOWN,
                    dp__quote(r->j.text, r->j.text_n), note);
    if (*note) dp__hint("convert the tensor to one of " STREAD_KNOWN " before saving");
    return false;
}

static bool stread_shape(stread *r, stread_tensor *t) {
    if (!stread_expect(r, DP_JSON_ARRAY)) return false;
    t->shape_at = r->c.at - 1;
    int rank = 0;
    for (;; rank++) {
        dp__cursor_field(&r->c, "%s.shape[%d]", r->prefix, rank);
        dp_json_kind k = dp__json_next(&r->j);
        if (k == DP_JSON_ARRAY_END) break;
        if (k == DP_JSON_ERROR) return false;
        if (rank == DP_MAX_RANK) {
            dp__cursor_fail(&r->c, DP_ELIMIT, stread_at(r, k),
                            "found more than %d dims, allowed rank <= %d", DP_MAX_RANK,
                            DP_MAX_RANK);
            return false;
        }
        if (k != DP_JSON_NUMBER) {
            dp__cursor_fail(&r->c, DP_EFORMAT, stread_at(r, k), "found %s, allowed a number",
                            stread_kind_name(k));
            return false;
        }
        uint64_t v;
        if (!stread_whole(r, INT64_MAX, &v)) return false;
        t->dim[rank] = (int64_t)v;
        int bad;
        if (dp__shape_count(rank + 1, t->dim, &bad) < 0) {
            dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at,
                            "found a product that exceeds 2^63-1 at dim %d, allowed <= 2^63-1",
                            rank);
            return false;
        }
    }
    t->rank = rank;
    return true;
}

static bool stread_offsets(stread *r, stread_tensor *t) {
    if (!stread_expect(r, DP_JSON_ARRAY)) return false;
    t->offsets_at = r->c.at - 1;
    uint64_t v[2];
    for (int i = 0; i < 2; i++) {
        dp__cursor_field(&r->c, "%s.data_offsets[%d]", r->prefix, i);
        if (!stread_expect(r, DP_JSON_NUMBER)) return false;
        if (stread_whole(r, r->data_bytes, &v[i])) continue;
        int64_t past;
        if (dp__parse_int(r->j.text, r->j.text_n, &past) && (uint64_t)past > r->data_bytes)
            dp__hint("the header promises at least %llu bytes, the file has %zu: it looks "
                     "truncated; copy it again",
                     (unsigned long long)past + r->f->data_at, r->f->bytes.n);
        return false;
    }
    if (v[1] < v[0]) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at, "found %llu, allowed >= %llu (its begin)",
                        (unsigned long long)v[1], (unsigned long long)v[0]);
        return false;
    }
    dp__cursor_field(&r->c, "%s.data_offsets", r->prefix);
    t->begin = v[0];
    t->end = v[1];
    t->offsets = true;
    return stread_expect(r, DP_JSON_ARRAY_END);
}

/* One member of a tensor's object; its key was just read. */
static bool stread_member(stread *r, stread_tensor *t) {
    bool dtype = stread_is(r, "dtype"), shape = stread_is(r, "shape");
    if (!dtype && !shape && !stread_is(r, "data_offsets")) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at,
                        "found key \"%s\", allowed dtype, shape, data_offsets",
                        dp__quote(r->j.text, r->j.text_n));
        return false;
    }
    const char *name = dtype ? "dtype" : shape ? "shape" : "data_offsets";
    dp__cursor_field(&r->c, "%s.%s", r->prefix, name);
    if (dtype ? t->dtype >= 0 : shape ? t->rank >= 0 : t->offsets) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at, "found a second key \"%s\", allowed one",
                        name);
        return false;
    }
    return dtype ? stread_dtype(r, t) : shape ? stread_shape(r, t) : stread_offsets(r, t);
}

/* All members are here, and the bytes are those of dtype and shape. */
static bool stread_tensor_check(stread *r, const stread_tensor *t) {
    dp__cursor_field(&r->c, "%s", r->prefix);
    const char *missing = t->dtype < 0  ? "dtype"
                          : t->rank < 0 ? "shape"
                          : t->offsets  ? NULL
                                        : "data_offsets";
    if (missing) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->c.at - 1, "found no %s, allowed exactly one",
                        missing);
        return false;
    }
    uint64_t count = (uint64_t)dp__shape_count(t->rank, t->dim, NULL);
    uint64_t item = dp_dtype_size((dp_dtype)t->dtype);
    if (count > (uint64_t)PTRDIFF_MAX / item) {
        dp__cursor_field(&r->c, "%s.shape", r->prefix);
        dp__cursor_fail(&r->c, DP_EFORMAT, t->shape_at,
                        "found %llu elements of %llu bytes, allowed <= 2^63-1 bytes",
                        (unsigned long long)count, (unsigned long long)item);
        return false;
    }
    if (t->end - t->begin == count * item) return true;
    dp__cursor_field(&r->c, "%s.data_offsets", r->prefix);
    dp__cursor_fail(&r->c, DP_EFORMAT, t->offsets_at,
                    "found %llu bytes [%llu,%llu], allowed %llu (shape times dtype)",
                    (unsigned long long)(t->end - t->begin), (unsigned long long)t->begin,
                    (unsigned long long)t->end, (unsigned long long)(count * item));
    return false;
}

/* The name just read: checked, and stored in the second pass. */
static bool stread_name(stread *r) {
    const char *s = r->j.text;
    size_t n = r->j.text_n;
    dp__cursor_field(&r->c, "header");
    if (n > DP_ST_NAME_MAX) {
        dp__cursor_fail(&r->c, DP_ELIMIT, r->j.text_at, "found a name of %zu bytes, allowed <= %d",
                        n, DP_ST_NAME_MAX);
        return false;
    }
    if (memchr(s, 0, n)) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at,
                        "found the name \"%s\", allowed no NUL in it", dp__quote(s, n));
        return false;
    }
    if (r->n == DP_ST_TENSORS_MAX) {
        dp__cursor_fail(&r->c, DP_ELIMIT, r->j.text_at, "found more tensors, allowed <= %d",
                        DP_ST_TENSORS_MAX);
        return false;
    }
    if (r->store) {
        memcpy(r->f->names + r->names_bytes, s, n);
        r->f->names[r->names_bytes + n] = 0;
    }
    snprintf(r->prefix, sizeof r->prefix, "header[\"%.140s\"]", dp__quote(s, n));
    dp__cursor_field(&r->c, "%s", r->prefix);
    return true;
}

static bool stread_one(stread *r) {
    stread_tensor t = {.dtype = -1, .rank = -1, .key_at = r->j.text_at};
    size_t length = r->j.text_n;
    if (!stread_name(r) || !stread_expect(r, DP_JSON_OBJECT)) return false;
    for (dp_json_kind k; (k = dp__json_next(&r->j)) != DP_JSON_OBJECT_END;) {
        if (k != DP_JSON_KEY || !stread_member(r, &t)) return false;
        dp__cursor_field(&r->c, "%s", r->prefix);
    }
    if (!stread_tensor_check(r, &t)) return false;
    if (r->store)
        r->f->entries[r->n] = (dp_st_entry){.begin = t.begin,
                                            .end = t.end,
                                            .name = (uint32_t)r->names_bytes,
                                            .key_at = (uint32_t)t.key_at,
                                            .shape_at = (uint32_t)t.shape_at,
                                            .dtype = (uint8_t)t.dtype,
                                            .rank = (uint8_t)t.rank};
    r->n++;
    r->names_bytes += length + 1;
    return true;
}

/* ---- metadata ---- */

/* The value of denpan.crc32c must be eight lower-case hex digits, written plainly. */
static bool stread_crc(stread *r) {
    size_t at = r->j.text_at + (r->c.data[r->j.text_at] == '"');
    bool good =
        r->j.text_n == 8 && at + 8 <= r->c.size && memcmp(r->c.data + at, r->j.text, 8) == 0;
    for (size_t i = 0; good && i < 8; i++)
        good = (r->j.text[i] >= '0' && r->j.text[i] <= '9') ||
               (r->j.text[i] >= 'a' && r->j.text[i] <= 'f');
    if (!good) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at,
                        "found \"%s\", allowed eight hexadecimal digits in lower case",
                        dp__quote(r->j.text, r->j.text_n));
        return false;
    }
    r->crc_at = at;
    return true;
}

static bool stread_meta_one(stread *r) {
    char key[128];
    bool own = r->j.text_n >= 7 && memcmp(r->j.text, "denpan.", 7) == 0;
    bool crc = stread_is(r, DP_ST_CRC_KEY);
    if (r->n_meta == DP_ST_META_MAX) {
        dp__cursor_fail(&r->c, DP_ELIMIT, r->j.text_at, "found more entries, allowed <= %d",
                        DP_ST_META_MAX);
        return false;
    }
    if (r->store)
        r->meta[r->n_meta] =
            (stread_meta_key){dp__hash(r->j.text, r->j.text_n, 0), (uint32_t)r->j.text_at};
    r->n_meta++;
    if (own && !r->own) r->own_at = r->j.text_at;
    r->own = r->own || own;
    snprintf(key, sizeof key, "%.120s", dp__quote(r->j.text, r->j.text_n));
    dp__cursor_field(&r->c, "header[\"__metadata__\"][\"%s\"]", key);
    if (!stread_expect(r, DP_JSON_STRING)) return false;
    if (own && memchr(r->j.text, 0, r->j.text_n)) {
        dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at, "found a NUL character, allowed text");
        return false;
    }
    return !crc || stread_crc(r);
}

static bool stread_meta(stread *r) {
    dp__cursor_field(&r->c, "header[\"__metadata__\"]");
    if (!stread_expect(r, DP_JSON_OBJECT)) return false;
    for (dp_json_kind k; (k = dp__json_next(&r->j)) != DP_JSON_OBJECT_END;) {
        if (k != DP_JSON_KEY || !stread_meta_one(r)) return false;
        dp__cursor_field(&r->c, "header[\"__metadata__\"]");
    }
    return true;
}

/* ---- the header ---- */

static bool stread_root(stread *r) {
    bool meta = false;
    r->n = r->n_meta = r->names_bytes = 0;
    r->c.at = 8;
    dp__cursor_field(&r->c, "header");
    if (r->c.size <= 8 || r->c.data[8] != '{') {
        const char *first = r->c.size > 8 ? "'" : "";
        const char *quoted = r->c.size > 8 ? dp__quote((const char *)r->c.data + 8, 1) : "nothing";
        dp__cursor_fail(&r->c, DP_EFORMAT, 8, "found %s%s%s, allowed '{'", first, quoted, first);
        return false;
    }
    if (!stread_expect(r, DP_JSON_OBJECT)) return false;
    for (dp_json_kind k; (k = dp__json_next(&r->j)) != DP_JSON_OBJECT_END;) {
        if (k != DP_JSON_KEY) return false;
        bool is_meta = stread_is(r, "__metadata__");
        if (is_meta && meta) {
            dp__cursor_fail(&r->c, DP_EFORMAT, r->j.text_at,
                            "found a second \"__metadata__\", allowed one");
            return false;
        }
        meta = meta || is_meta;
        if (is_meta ? !stread_meta(r) : !stread_one(r)) return false;
        dp__cursor_field(&r->c, "header");
    }
    return stread_expect(r, DP_JSON_END);
}

static bool stread_pass(stread *r, bool store) {
    r->store = store;
    dp__json_begin(&r->j, &r->c, DP_ST_DEPTH_MAX);
    bool ok = stread_root(r);
    dp__json_end(&r->j);
    return ok;
}

/* ---- sorting: heapsort, in place, without recursion ---- */

typedef bool stread_less(const dp_st_file *f, const void *a, const void *b);

static void stread_swap(unsigned char *a, unsigned char *b, size_t size) {
    unsigned char t[sizeof(dp_st_entry)];
    memcpy(t, a, size);
    memcpy(a, b, size);
    memcpy(b, t, size);
}

static void stread_sift(unsigned char *p, size_t i, size_t n, size_t size, stread_less *less,
                        const dp_st_file *f) {
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && less(f, p + child * size, p + (child + 1) * size)) child++;
        if (!less(f, p + i * size, p + child * size)) return;
        stread_swap(p + i * size, p + child * size, size);
    }
}

static void stread_sort(void *base, size_t n, size_t size, stread_less *less, const dp_st_file *f) {
    unsigned char *p = base;
    for (size_t i = n / 2; i-- > 0;) stread_sift(p, i, n, size, less, f);
    for (size_t end = n; end-- > 1;) {
        stread_swap(p, p + end * size, size);
        stread_sift(p, 0, end, size, less, f);
    }
}

static const char *stread_entry_name(const dp_st_file *f, const dp_st_entry *e) {
    return f->names + e->name;
}

static bool stread_by_offset(const dp_st_file *f, const void *a, const void *b) {
    const dp_st_entry *x = a, *y = b;
    (void)f;
    if (x->begin != y->begin) return x->begin < y->begin;
    if (x->end != y->end) return x->end < y->end;
    return x->key_at < y->key_at;
}

static bool stread_by_name(const dp_st_file *f, const void *a, const void *b) {
    const dp_st_entry *x = f->entries + *(const uint32_t *)a,
                      *y = f->entries + *(const uint32_t *)b;
    int c = strcmp(stread_entry_name(f, x), stread_entry_name(f, y));
    return c ? c < 0 : x->key_at < y->key_at;
}

static bool stread_by_hash(const dp_st_file *f, const void *a, const void *b) {
    const stread_meta_key *x = a, *y = b;
    (void)f;
    return x->hash != y->hash ? x->hash < y->hash : x->at < y->at;
}

/* ---- checks of the whole ---- */

static dp_status stread_duplicates(stread *r) {
    const dp_st_file *f = r->f;
    const dp_st_entry *worst = NULL;
    uint32_t meta = UINT32_MAX;
    for (size_t i = 1; i < f->n; i++) {
        const dp_st_entry *a = f->entries + f->by_name[i - 1], *b = f->entries + f->by_name[i];
        if (strcmp(stread_entry_name(f, a), stread_entry_name(f, b)) == 0 &&
            (!worst || b->key_at < worst->key_at))
            worst = b;
    }
    for (size_t i = 1; i < r->n_meta; i++)
        if (r->meta[i - 1].hash == r->meta[i].hash && r->meta[i].at < meta) meta = r->meta[i].at;
    if (worst && worst->key_at < meta) {
        const char *name = stread_entry_name(f, worst);
        dp__cursor_field(&r->c, "header");
        return dp__cursor_fail(&r->c, DP_EFORMAT, worst->key_at,
                               "found a second tensor \"%s\", allowed one",
                               dp__quote(name, strlen(name)));
    }
    if (meta == UINT32_MAX) return DP_OK;
    dp__cursor_field(&r->c, "header[\"__metadata__\"]");
    return dp__cursor_fail(&r->c, DP_EFORMAT, meta,
                           "found a key for the second time, allowed once");
}

/* Sorted by offset, each tensor begins where the one before it ends, and the last ends the file. */
static dp_status stread_cover(stread *r) {
    const dp_st_file *f = r->f;
    uint64_t end = 0;
    for (size_t i = 0; i < f->n; i++) {
        const dp_st_entry *e = f->entries + i;
        if (e->begin != end) {
            const char *name = stread_entry_name(f, e),
                       *before = i ? stread_entry_name(f, e - 1) : "";
            dp__cursor_field(&r->c, "header[\"%s\"].data_offsets", dp__quote(name, strlen(name)));
            return dp__cursor_fail(
                &r->c, DP_EFORMAT, e->key_at, "found [%llu,%llu], allowed begin %llu (%s%s%s)",
                (unsigned long long)e->begin, (unsigned long long)e->end, (unsigned long long)end,
                e->begin < end ? "overlaps \""
                : i            ? "gap after \""
                               : "gap before the first tensor",
                dp__quote(before, strlen(before)), i ? "\"" : "");
        }
        end = e->end;
    }
    if (end == r->data_bytes) return DP_OK;
    dp__cursor_field(&r->c, "data");
    dp_status s = dp__cursor_fail(&r->c, DP_EFORMAT, f->data_at + (size_t)end,
                                  "found %llu bytes after the data, allowed 0",
                                  (unsigned long long)(r->data_bytes - end));
    dp__hint("something was appended to the file; it may be two formats at once");
    return s;
}

uint32_t dp__st_checksum(const unsigned char *data, size_t n, size_t at) {
    uint32_t crc = dp__crc32c(0, data, at);
    crc = dp__crc32c(crc, "00000000", 8);
    return dp__crc32c(crc, data + at + 8, n - at - 8);
}

static dp_status stread_checksum(stread *r) {
    if (!r->own) return DP_OK;
    if (r->crc_at == 0) {
        dp__cursor_field(&r->c, "header[\"__metadata__\"]");
        return dp__cursor_fail(&r->c, DP_EFORMAT, r->own_at,
                               "found denpan.* without a checksum, allowed with \"" DP_ST_CRC_KEY
                               "\"");
    }
    const dp_bytes *b = &r->f->bytes;
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", (unsigned)dp__st_checksum(b->data, b->n, r->crc_at));
    if (memcmp(digits, b->data + r->crc_at, 8) == 0) return DP_OK;
    dp__cursor_field(&r->c, "header[\"__metadata__\"][\"" DP_ST_CRC_KEY "\"]");
    dp__cursor_fail(&r->c, DP_EFORMAT, r->crc_at,
                    "found %.8s, allowed %s (the checksum of these bytes)",
                    (const char *)b->data + r->crc_at, digits);
    return dp__hint("the file was damaged or edited after it was written; copy it again");
}

/* ---- the file ---- */

static dp_status stread_length(stread *r, size_t *length) {
    dp__cursor_field(&r->c, "header_length");
    size_t size = r->c.size;
    if (size < 8)
        return dp__cursor_fail(&r->c, DP_EFORMAT, 0, "found a file of %zu bytes, needs 8", size);
    uint64_t v = dp__cursor_le(&r->c, 8);
    if (v > size - 8) {
        dp__cursor_fail(&r->c, DP_EFORMAT, 0, "found %llu, allowed <= %zu (the rest of the file)",
                        (unsigned long long)v, size - 8);
        return dp__hint("the file is truncated, or is not a safetensors file");
    }
    if (v > DP_ST_HEADER_MAX)
        return dp__cursor_fail(&r->c, DP_ELIMIT, 0, "found %llu, allowed <= %d",
                               (unsigned long long)v, DP_ST_HEADER_MAX);
    *length = (size_t)v;
    return DP_OK;
}

static dp_status stread_allocate(stread *r) {
    dp_st_file *f = r->f;
    f->n = r->n;
    f->names_bytes = r->names_bytes;
    f->entries = dp__alloc(f->n * sizeof *f->entries);
    f->by_name = dp__alloc(f->n * sizeof *f->by_name);
    f->names = dp__alloc(f->names_bytes);
    r->meta_cap = r->n_meta;
    r->meta = dp__alloc(r->meta_cap * sizeof *r->meta);
    return f->entries && f->by_name && f->names && r->meta ? DP_OK : DP_ENOMEM;
}

static dp_status stread_all(stread *r) {
    size_t length = 0;
    dp_status s = stread_length(r, &length);
    if (s) return s;
    r->c.size = r->f->data_at = 8 + length;
    r->data_bytes = r->f->bytes.n - r->f->data_at;
    bool before = dp_failed(); /* else the recorded status is this file's */
    if (!stread_pass(r, false)) return before ? DP_EFORMAT : dp_error_status();
    if ((s = stread_allocate(r))) return s;
    if (!stread_pass(r, true)) return before ? DP_EFORMAT : dp_error_status();
    dp_st_file *f = r->f;
    stread_sort(f->entries, f->n, sizeof *f->entries, stread_by_offset, f);
    for (size_t i = 0; i < f->n; i++) f->by_name[i] = (uint32_t)i;
    stread_sort(f->by_name, f->n, sizeof *f->by_name, stread_by_name, f);
    stread_sort(r->meta, r->n_meta, sizeof *r->meta, stread_by_hash, f);
    if ((s = stread_duplicates(r)) || (s = stread_cover(r)) || (s = stread_checksum(r))) return s;
    f->own = r->own;
    return DP_OK;
}

dp_status dp__st_parse(const char *path, dp_bytes *bytes, dp_st_file *out) {
    *out = (dp_st_file){.path = dp__strdup(path), .bytes = *bytes};
    *bytes = (dp_bytes){0};
    stread r = {.f = out};
    r.c = (dp_cursor){.name = path, .data = out->bytes.data, .size = out->bytes.n};
    dp_status s = out->path ? stread_all(&r) : DP_ENOMEM;
    dp__release(r.meta, r.meta_cap * sizeof *r.meta);
    if (s) dp__st_free(out);
    return s;
}

dp_status dp__st_read(const char *path, dp_st_file *out) {
    dp_bytes bytes = {0};
    *out = (dp_st_file){0};
    dp_status s = dp__file_read(path, 0, &bytes);
    return s ? s : dp__st_parse(path, &bytes, out);
}

void dp__st_free(dp_st_file *f) {
    if (f->path) dp__release(f->path, strlen(f->path) + 1);
    dp__bytes_free(&f->bytes);
    dp__release(f->entries, f->n * sizeof *f->entries);
    dp__release(f->by_name, f->n * sizeof *f->by_name);
    dp__release(f->names, f->names_bytes);
    *f = (dp_st_file){0};
}

/* ---- asking ---- */

/* The dims of a shape that was checked: digits between '[' and ']'. */
static dp_shape stread_dims(const dp_st_file *f, const dp_st_entry *e) {
    dp_shape s = {.rank = e->rank};
    size_t at = e->shape_at;
    for (int i = 0; i < s.rank; i++) {
        while (f->bytes.data[at] < '0' || f->bytes.data[at] > '9') at++;
        int64_t v = 0;
        for (; f->bytes.data[at] >= '0' && f->bytes.data[at] <= '9'; at++)
            v = v * 10 + (f->bytes.data[at] - '0');
        s.dim[i] = v;
    }
    return s;
}

dp_st_tensor dp__st_at(const dp_st_file *f, size_t i) {
    const dp_st_entry *e = f->entries + i;
    return (dp_st_tensor){.name = stread_entry_name(f, e),
                          .dtype = (dp_dtype)e->dtype,
                          .shape = stread_dims(f, e),
                          .data = f->bytes.data + f->data_at + e->begin,
                          .bytes = (size_t)(e->end - e->begin)};
}

bool dp__st_find(const dp_st_file *f, const char *name, dp_st_tensor *out) {
    for (size_t low = 0, high = f->n; low < high;) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(name, stread_entry_name(f, f->entries + f->by_name[mid]));
        if (c == 0) return *out = dp__st_at(f, f->by_name[mid]), true;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

/* Skip the value that follows a key of the root. */
static void stread_skip(dp_json *j) {
    int depth = 0;
    do {
        dp_json_kind k = dp__json_next(j);
        if (k == DP_JSON_ERROR || k == DP_JSON_END) return;
        if (k == DP_JSON_OBJECT || k == DP_JSON_ARRAY) depth++;
        if (k == DP_JSON_OBJECT_END || k == DP_JSON_ARRAY_END) depth--;
    } while (depth > 0);
}

static bool stread_meta_find(dp_json *j, const char *key, dp_text *out) {
    size_t n = strlen(key);
    if (dp__json_next(j) != DP_JSON_OBJECT) return false;
    while (dp__json_next(j) == DP_JSON_KEY) {
        if (j->text_n != 12 || memcmp(j->text, "__metadata__", 12) != 0) {
            stread_skip(j);
            continue;
        }
        if (dp__json_next(j) != DP_JSON_OBJECT) return false;
        while (dp__json_next(j) == DP_JSON_KEY) {
            bool found = j->text_n == n && memcmp(j->text, key, n) == 0;
            if (dp__json_next(j) != DP_JSON_STRING) return false;
            if (found) return dp__text_bytes(out, j->text, j->text_n), true;
        }
        return false;
    }
    return false;
}

bool dp__st_meta(const dp_st_file *f, const char *key, dp_text *out) {
    dp_cursor c = {.name = f->path, .data = f->bytes.data, .size = f->data_at, .at = 8};
    dp_json j;
    dp__json_begin(&j, &c, DP_ST_DEPTH_MAX);
    bool found = stread_meta_find(&j, key, out);
    dp__json_end(&j);
    return found;
}
