/* idx.h: IDX files, MNIST's format: 0 0 type rank, then big-endian 32-bit dims, then the elements.
 */
#ifndef DP_IO_IDX_H
#define DP_IO_IDX_H

#include "../base/file.h"

enum { DP_IDX_RANK = 3 };

/* A whole file of unsigned bytes in memory; its elements are file.data[at ... file.n). */
typedef struct dp_idx {
    const char *path; /* the caller's, for messages */
    bool gzip;        /* offsets in messages count unzipped bytes */
    dp_bytes file;
    size_t at;
    int rank;
    int64_t dim[DP_IDX_RANK];
} dp_idx;

/* Read `path` (unzipped first if it ends in .gz), which must hold bytes of rank `rank`; axes[i]
 * names dim i in messages. DP_EFORMAT names byte, field, found and allowed; DP_EIO: cannot read. */
dp_status dp__idx_read(const char *path, int rank, const char *const *axes, dp_idx *out);
void dp__idx_free(dp_idx *idx);
/* Record what is wrong at byte `at` of a file that was read; returns status. */
dp_status dp__idx_fail(const dp_idx *idx, dp_status status, size_t at, const char *field,
                       const char *format, ...) DP_PRINTF(5, 6);

#endif
