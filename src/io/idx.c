/* idx.c: reading IDX files through the bounded cursor. */
#include "idx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { IDX_UBYTE = 0x08, IDX_NAME = 1024 };
/* Unzipped bytes of one file; a bomb stops here. */
#define IDX_LIMIT ((size_t)1 << 31)

static const char *idx_type_name(unsigned type) {
    switch (type) {
    case 0x08:
        return "unsigned byte";
    case 0x09:
        return "signed byte";
    case 0x0b:
        return "short";
    case 0x0c:
        return "int";
    case 0x0d:
        return "float";
    case 0x0e:
        return "double";
    default:
        return "no known type";
    }
}

static dp_cursor idx_cursor(const dp_idx *idx, char *name, size_t cap) {
    snprintf(name, cap, idx->gzip ? "%s (unzipped)" : "%s", idx->path);
    return (dp_cursor){.name = name, .data = idx->file.data, .size = idx->file.n};
}

dp_status dp__idx_fail(const dp_idx *idx, dp_status status, size_t at, const char *field,
                       const char *format, ...) {
    char name[IDX_NAME], text[2 * IDX_NAME];
    dp_cursor c = idx_cursor(idx, name, sizeof name);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dp__cursor_field(&c, "%s", field);
    return dp__cursor_fail(&c, status, at, "%s", text);
}

static dp_status idx_wrong_magic(dp_cursor *c, const unsigned char *m, int rank) {
    const unsigned found =
        (unsigned)m[0] << 24 | (unsigned)m[1] << 16 | (unsigned)m[2] << 8 | (unsigned)m[3];
    const unsigned allowed = (unsigned)IDX_UBYTE << 8 | (unsigned)rank;
    const bool little = m[2] == 0 && m[3] == 0;
    dp__cursor_fail(c, DP_EFORMAT, m[0] != 0 ? 0 : 1, "found 0x%08x%s, allowed 0x%08x", found,
                    little ? " (little-endian?)" : "", allowed);
    if (little) return dp__hint("IDX is big-endian: the program that wrote the file swapped bytes");
    return DP_EFORMAT;
}

/* The four bytes 0 0 type rank; the first wrong one is named. */
static dp_status idx_magic(dp_cursor *c, int rank) {
    dp__cursor_field(c, "magic");
    if (c->size >= 2 && c->data[0] == 0x1f && c->data[1] == 0x8b) {
        dp__cursor_fail(c, DP_EFORMAT, 0, "found 1f 8b (looks like gzip), allowed 0x%08x",
                        (unsigned)IDX_UBYTE << 8 | (unsigned)rank);
        return dp__hint("give the file a name that ends in .gz, or unzip it");
    }
    const unsigned char *m = dp__cursor_take(c, 4);
    if (!m) return DP_EFORMAT;
    if (m[0] != 0 || m[1] != 0) return idx_wrong_magic(c, m, rank);
    if (m[2] != IDX_UBYTE) {
        dp__cursor_field(c, "type");
        return dp__cursor_fail(c, DP_EFORMAT, 2, "found 0x%02x (%s), allowed 0x08 (unsigned byte)",
                               m[2], idx_type_name(m[2]));
    }
    if (m[3] != rank) {
        dp__cursor_field(c, "rank");
        dp__cursor_fail(c, DP_EFORMAT, 3, "found %d, allowed %d", m[3], rank);
        if (m[3] == 1 && rank == 3) return dp__hint("is this the file of labels?");
        if (m[3] == 3 && rank == 1) return dp__hint("is this the file of images?");
        return DP_EFORMAT;
    }
    return DP_OK;
}

/* The dims; their product is the size of what follows, to the byte. */
static dp_status idx_dims(dp_cursor *c, int rank, const char *const *axes, dp_idx *out) {
    size_t count = 1;
    char product[128];
    int used = 0;
    for (int i = 0; i < rank; i++) {
        size_t at = c->at;
        dp__cursor_field(c, "%s", axes[i]);
        uint64_t dim = dp__cursor_be(c, 4);
        if (c->failed) return DP_EFORMAT;
        if (dim == 0)
            return dp__cursor_fail(c, DP_EFORMAT, at, "found %s, allowed 1 and more",
                                   i == 0 ? "0 samples" : "0");
        if (dim > PTRDIFF_MAX || !dp__mul(count, (size_t)dim, &count))
            return dp__cursor_fail(c, DP_EFORMAT, at,
                                   "found %llu, allowed less: the product of the dims exceeds %td",
                                   (unsigned long long)dim, PTRDIFF_MAX);
        out->dim[i] = (int64_t)dim;
        used += snprintf(product + used, sizeof product - (size_t)used, "%s%llu", i ? " x " : "",
                         (unsigned long long)dim);
    }
    size_t left = c->size - c->at;
    if (left != count) {
        dp__cursor_field(c, "data");
        dp__cursor_fail(c, DP_EFORMAT, left < count ? c->size : c->at + count,
                        "found %zu bytes, allowed %zu (%s)", left, count, product);
        return dp__hint(left < count ? "the file looks truncated; copy it again"
                                     : "there are bytes after the data; copy the file again");
    }
    out->at = c->at;
    out->rank = rank;
    return DP_OK;
}

/* Replace idx->file by its unzipped bytes. */
static dp_status idx_unzip(dp_idx *idx) {
    dp_bytes zipped = idx->file;
    dp_cursor c = {.name = idx->path, .data = zipped.data, .size = zipped.n};
    dp_status status = DP_EFORMAT;
    idx->file = (dp_bytes){0};
    dp__cursor_field(&c, "gzip header");
    const unsigned char *m = dp__cursor_take(&c, 2);
    if (m && (m[0] != 0x1f || m[1] != 0x8b)) {
        bool raw = zipped.n >= 4 && m[0] == 0 && m[1] == 0;
        dp__cursor_fail(&c, DP_EFORMAT, 0, "found %02x %02x%s, allowed 1f 8b", m[0], m[1],
                        raw ? " (looks like IDX that is not zipped)" : "");
        if (raw) dp__hint("take the .gz off the file's name");
    } else if (m) {
        status = dp__gunzip(idx->path, zipped.data, zipped.n, IDX_LIMIT, &idx->file);
        idx->gzip = true;
    }
    dp__bytes_free(&zipped);
    return status;
}

dp_status dp__idx_read(const char *path, int rank, const char *const *axes, dp_idx *out) {
    char name[IDX_NAME];
    *out = (dp_idx){.path = path};
    if (rank < 1 || rank > DP_IDX_RANK)
        return dp_fail(DP_EINTERNAL, "idx: rank %d, allowed 1 to %d", rank, (int)DP_IDX_RANK);
    dp_status status = dp__file_read(path, 0, &out->file);
    size_t n = strlen(path);
    if (status == DP_OK && n >= 3 && strcmp(path + n - 3, ".gz") == 0) status = idx_unzip(out);
    if (status == DP_OK) {
        dp_cursor c = idx_cursor(out, name, sizeof name);
        status = idx_magic(&c, rank);
        if (status == DP_OK) status = idx_dims(&c, rank, axes, out);
    }
    if (status != DP_OK) dp__idx_free(out);
    return status;
}

void dp__idx_free(dp_idx *idx) {
    dp__bytes_free(&idx->file);
    *idx = (dp_idx){0};
}
