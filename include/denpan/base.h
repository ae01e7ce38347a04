/* denpan/base.h: status, errors, log, memory and file hooks, threads.
 *
 * Errors are values. A failed call returns NULL, NaN or a negative status and records the first
 * error of the calling thread, until dp_clear(). Every function passes NULL through, so a chain of
 * calls needs one check at its end. The library never exits, aborts or prints. */
#ifndef DENPAN_BASE_H
#define DENPAN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DENPAN_VERSION_MAJOR 0
#define DENPAN_VERSION_MINOR 1
#define DENPAN_VERSION_PATCH 0
#define DENPAN_VERSION "0.1.0"

#if defined(DENPAN_AMALGAMATION) || !defined(__GNUC__)
#define DP_API
#else
#define DP_API __attribute__((visibility("default")))
#endif
#if defined(__GNUC__)
#define DP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DP_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A status: 0 is success. dp_exit_code() maps it to the command's exit code. */
typedef enum dp_status {
    DP_OK = 0,
    DP_EINVAL = -1,     /* bad argument, shape or option                        exit 2 */
    DP_EFORMAT = -2,    /* malformed or unsupported input file                  exit 3 */
    DP_EIO = -3,        /* missing file, permission, EIO, ENOSPC                exit 4 */
    DP_ELIMIT = -4,     /* a limit: size, depth, count                          exit 5 */
    DP_ENOMEM = -5,     /* out of memory                                        exit 5 */
    DP_ENUMERIC = -6,   /* non-finite loss                                      exit 6 */
    DP_ESTOPPED = -7,   /* stopped on request, state saved                      exit 7 */
    DP_EPEER = -8,      /* a peer or the network failed                         exit 8 */
    DP_EMISMATCH = -9,  /* file is valid but does not fit                       exit 9 */
    DP_ESPENT = -10,    /* value was consumed by an eval, or its variable moved on: exit 2 */
    DP_EALIAS = -11,    /* buffers overlap                                      exit 2 */
    DP_EFORKED = -12,   /* used in a child after fork()                         exit 70 */
    DP_EINTERNAL = -13  /* broken invariant: a bug in Denpan                    exit 70 */
} dp_status;

/* Version of the library that is linked, as "0.1.0". */
DP_API const char *dp_version(void);

/* ---- errors: one record per thread, the first error wins ---- */
DP_API bool dp_failed(void);              /* has this thread a recorded error? */
DP_API const char *dp_error(void);        /* its message, "" if none; valid until dp_clear() */
DP_API const char *dp_error_hint(void);   /* what to do about it, "" if nothing is known */
DP_API dp_status dp_error_status(void);   /* its status, DP_OK if none */
DP_API void dp_clear(void);               /* forget it */
DP_API int dp_exit_code(dp_status status);/* 0, 2-9 or 70 */
/* Record an error (for callbacks and user-defined ops); returns `status`. */
DP_API dp_status dp_fail(dp_status status, const char *format, ...) DP_PRINTF(2, 3);

/* ---- log: warnings and notes go to one callback; silent by default ---- */
typedef enum dp_log_level { DP_LOG_NOTE, DP_LOG_WARNING } dp_log_level;
typedef void dp_log_fn(void *context, dp_log_level level, const char *message);
DP_API void dp_set_log(dp_log_fn *fn, void *context);

/* ---- memory: every byte of the library comes from here ---- */
typedef struct dp_allocator {
    size_t size;                                              /* sizeof(dp_allocator) */
    void *(*alloc)(void *context, size_t bytes, size_t align);/* NULL: no memory */
    void (*free)(void *context, void *pointer, size_t bytes);
    void *context;
} dp_allocator;
/* Install an allocator; NULL restores the C library's. Call it before anything is made. */
DP_API dp_status dp_set_allocator(const dp_allocator *allocator);

/* ---- files: every file call of the library goes through these hooks ---- */
typedef struct dp_file_hooks {
    size_t size;                                   /* sizeof(dp_file_hooks) */
    /* Called before each file call with its name ("open", "read", "write", "fsync", "close",
     * "rename", "unlink", "fstat"); a value other than 0 is the errno it shall fail with. */
    int (*before)(void *context, const char *call, const char *path);
    void *context;
} dp_file_hooks;
DP_API void dp_set_file_hooks(const dp_file_hooks *hooks);   /* NULL: none */

/* ---- threads and instruction sets ---- */
/* Threads of the calling thread's engine from its next eval on; 0: all that the process may use.
 * The result of a computation does not depend on it. */
DP_API dp_status dp_set_threads(int threads);
DP_API int dp_threads(void);
/* Name of the instruction set whose kernels run: "portable", "avx2", "avx512", "neon".
 * The environment variable DENPAN_ISA can lower it. */
DP_API const char *dp_isa_name(void);

#ifdef __cplusplus
}
#endif
#endif
