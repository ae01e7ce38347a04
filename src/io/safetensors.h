/* safetensors.h: lists of named tensors in and out of safetensors files.
 *
 * File: header length (u64, little endian), header (JSON object, padded with spaces), data.
 * Header: name -> {"dtype","shape","data_offsets":[begin, end)}, and "__metadata__": text -> text.
 * The tensors cover the data area without gap or overlap when sorted by (begin, end).
 *
 * A file of our own has metadata keys "denpan.*"; one of them is denpan.crc32c: eight lower-case
 * hex digits, the CRC-32C of the whole file with these digits written as '0'. */
#ifndef DP_IO_SAFETENSORS_H
#define DP_IO_SAFETENSORS_H

#include "base/file.h"
#include "denpan/tensor.h"

enum {
    DP_ST_HEADER_MAX = 100000000, /* bytes; the official library's limit */
    DP_ST_DEPTH_MAX = 16,         /* of the JSON */
    DP_ST_NAME_MAX = 256,         /* bytes of a tensor's name */
    DP_ST_TENSORS_MAX = 1000000,
    DP_ST_META_MAX = 10000 /* metadata entries */
};

typedef struct dp_st_tensor {
    const char *name;
    dp_dtype dtype;
    dp_shape shape;
    const void *data; /* row-major, little endian, any alignment */
    size_t bytes;
} dp_st_tensor;

typedef struct dp_st_meta {
    const char *key, *value;
} dp_st_meta;

/* What is kept of a tensor: small, so that reading takes less memory than twice the file. */
typedef struct dp_st_entry {
    uint64_t begin, end;       /* in the data area */
    uint32_t name;             /* offset in names */
    uint32_t key_at, shape_at; /* where its key and its shape's '[' are in the file */
    uint8_t dtype, rank;
} dp_st_entry;

typedef struct dp_st_file {
    char *path;           /* for messages */
    dp_bytes bytes;       /* the whole file */
    size_t data_at;       /* where the data area begins */
    dp_st_entry *entries; /* by (begin, end) */
    uint32_t *by_name;    /* indices of entries, sorted by name */
    size_t n;
    char *names;
    size_t names_bytes;
    bool own; /* has denpan.* metadata, with the right checksum */
} dp_st_file;

/* Read and check a file; on failure the error is recorded and nothing is held. */
dp_status dp__st_read(const char *path, dp_st_file *out);
/* The same from bytes in memory; takes them over, whatever happens. */
dp_status dp__st_parse(const char *path, dp_bytes *bytes, dp_st_file *out);
void dp__st_free(dp_st_file *f);
/* The i-th tensor in the order of the data area; pointers live as long as the file. */
dp_st_tensor dp__st_at(const dp_st_file *f, size_t i);
/* The tensor of a name: false if there is none. */
bool dp__st_find(const dp_st_file *f, const char *name, dp_st_tensor *out);
/* Append a metadata value to `out`; false if there is no such key. */
bool dp__st_meta(const dp_st_file *f, const char *key, dp_text *out);

/* Write atomically, in the order of the official library: by dtype (I64 F64 F32 U8), then name.
 * `meta` must be sorted by key; a key "denpan.crc32c" gets its value here. NaNs are written in
 * their canonical form. Equal lists give equal bytes. */
dp_status dp__st_write(const char *path, const dp_st_tensor *tensors, size_t n,
                       const dp_st_meta *meta, size_t n_meta);

/* Where eight hex digits at `at` are replaced by '0'. */
uint32_t dp__st_checksum(const unsigned char *data, size_t n, size_t at);
#define DP_ST_CRC_KEY "denpan.crc32c"

#endif
