/* file.h: the one way to touch files (laws 5 and 6). */
#ifndef DP_BASE_FILE_H
#define DP_BASE_FILE_H

#include "base.h"

/* A bounded cursor over bytes from outside: readers have no other way to touch them. The first
 * failure is recorded as "NAME: byte 0x58 (88): FIELD: found ..., allowed ..." and sticks. */
typedef struct dp_cursor {
    const char *name; /* the file's, for messages */
    const unsigned char *data;
    size_t size, at;
    char field[200]; /* path of the field being read, e.g. header["w"].shape */
    bool failed;
} dp_cursor;

/* Record what is wrong at byte `at` of the cursor; returns status. */
dp_status dp__cursor_fail(dp_cursor *c, dp_status status, size_t at, const char *format, ...)
    DP_PRINTF(4, 5);
void dp__cursor_field(dp_cursor *c, const char *format, ...) DP_PRINTF(2, 3);
/* The next n bytes, or NULL with "needs n bytes, has m" recorded. */
const unsigned char *dp__cursor_take(dp_cursor *c, size_t n);
uint64_t dp__cursor_le(dp_cursor *c, int bytes); /* 0 on failure */
uint64_t dp__cursor_be(dp_cursor *c, int bytes);

/* A whole regular file in memory (opened without blocking, its kind and size checked before and
 * after reading); limit 0: none. */
typedef struct dp_bytes {
    unsigned char *data;
    size_t n;
} dp_bytes;
dp_status dp__file_read(const char *path, size_t limit, dp_bytes *out);
void dp__bytes_free(dp_bytes *b);
typedef enum dp_file_kind {
    DP_FILE_NONE,
    DP_FILE_REGULAR,
    DP_FILE_FOLDER,
    DP_FILE_OTHER
} dp_file_kind;
dp_file_kind dp__file_kind(const char *path);
/* Of a file of the system (/proc, /sys) the first cap - 1 bytes as a string, or its first line.
 * false: not there; no error is recorded. */
bool dp__file_small(const char *path, char *buf, size_t cap);
bool dp__file_line(const char *path, char *buf, size_t cap);

/* Write a file atomically: temporary file in the same folder, write, fsync, re-read and compare,
 * rename, fsync the folder. The old file survives every failure but one: when only the folder's
 * fsync failed, the new file is complete in its place and DP_EIO says that a power loss may bring
 * the old one back. A link is followed; what is there and not a regular file is refused. */
dp_status dp__file_write(const char *path, const void *data, size_t n);
/* The same for several pieces in a row. */
typedef struct dp_piece {
    const void *data;
    size_t n;
} dp_piece;
dp_status dp__file_write_pieces(const char *path, const dp_piece *pieces, size_t count);
/* Could `path` be written (creates and removes a probe beside it)? */
dp_status dp__file_probe(const char *path);

/* gzip (gzip.c): the decoded bytes of a .gz image; DP_EIO with a message where zlib is missing. */
dp_status dp__gunzip(const char *name, const unsigned char *data, size_t n, size_t limit,
                     dp_bytes *out);

/* JSON pull reader (json.c) on the cursor: no recursion, no tree, depth limited. */
typedef enum dp_json_kind {
    DP_JSON_END,
    DP_JSON_OBJECT,
    DP_JSON_OBJECT_END,
    DP_JSON_ARRAY,
    DP_JSON_ARRAY_END,
    DP_JSON_KEY,
    DP_JSON_STRING,
    DP_JSON_NUMBER,
    DP_JSON_TRUE,
    DP_JSON_FALSE,
    DP_JSON_NULL,
    DP_JSON_ERROR
} dp_json_kind;
typedef struct dp_json {
    dp_cursor *c;
    int depth, max_depth;
    unsigned char stack[128]; /* '{' or '[' per level */
    int state;
    const char *text;       /* decoded key or string (owned by the reader), or number's text */
    size_t text_n, text_at; /* its length and where it begins */
    char *buffer;
    size_t buffer_cap;
} dp_json;
void dp__json_begin(dp_json *j, dp_cursor *c, int max_depth);
dp_json_kind dp__json_next(dp_json *j);
void dp__json_end(dp_json *j);
void dp__json_quote(dp_text *out, const char *s, size_t n); /* append "s" escaped, with quotes */

#endif
