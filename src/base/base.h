/* base.h: what every room stands on. One allocator, one file layer, one size header (laws 3-6). */
#ifndef DP_BASE_BASE_H
#define DP_BASE_BASE_H

#include "denpan/base.h"

/* ---- memory (alloc.c): 64-byte aligned; NULL and a recorded DP_ENOMEM on failure ---- */
void *dp__alloc(size_t bytes);               /* not cleared; 0 bytes give a valid pointer */
void *dp__zalloc(size_t count, size_t size); /* cleared; checked product */
void *dp__grow(void *p, size_t old_bytes,
               size_t new_bytes);        /* moves; p stays valid on failure; p may be NULL */
void dp__release(void *p, size_t bytes); /* NULL is allowed; bytes as allocated */
char *dp__strdup(const char *s);         /* release with strlen + 1 */
size_t dp__allocated(void);              /* bytes out now, whole process */
/* From now on this thread may take at most `bytes` more than it gives back (SIZE_MAX: any number);
 * beyond it is DP_ELIMIT. For readers: what a file describes must fit what the file holds. */
void dp__alloc_room(size_t bytes);

/* A growing array: items, n, cap in any struct; ensures room for one more. */
bool dp__reserve(void **items, size_t *cap, size_t need, size_t item_size);

/* ---- checked sizes (size.h): the only arithmetic on numbers from outside ---- */
bool dp__mul(size_t a, size_t b, size_t *out); /* false: overflow (limit PTRDIFF_MAX) */
bool dp__sum(size_t a, size_t b, size_t *out);
/* Elements of a shape, -1 if the product exceeds 2^63-1; *bad_dim (may be NULL) is where. */
int64_t dp__shape_count(int rank, const int64_t *dim, int *bad_dim);

/* ---- errors (error.c) ---- */
/* dp_fail is the one recorder. dp__hint adds the hint to the error recorded by the same cause. */
dp_status dp__hint(const char *format, ...) DP_PRINTF(1, 2);
void dp__log(dp_log_level level, const char *format, ...) DP_PRINTF(2, 3);
/* Text from outside for a message: control characters and invalid UTF-8 escaped, cut at 64 bytes.
 * Eight results are live at once per thread. */
const char *dp__quote(const char *s, size_t n);
/* The same into out[cap] (cap >= 8), ended by "..." where it does not fit. */
void dp__quote_to(char *out, size_t cap, const char *s, size_t n);
/* Length of the UTF-8 sequence at s (n > 0 bytes), 0 if malformed; *code: the character. */
size_t dp__utf8(const char *s, size_t n, uint32_t *code);
/* Of `names` (n strings) the nearest to `s` by edit distance, NULL if none is near. */
const char *dp__nearest(const char *s, const char *const *names, size_t n);

/* ---- strings that grow (text.c) ---- */
typedef struct dp_text {
    char *data; /* always terminated once something was written */
    size_t n, cap;
    bool failed; /* out of memory: data is NULL */
} dp_text;
void dp__text(dp_text *t, const char *format, ...) DP_PRINTF(2, 3);
void dp__text_bytes(dp_text *t, const char *s, size_t n);
void dp__text_free(dp_text *t);
char *
dp__text_take(dp_text *t); /* as a string for dp_text_free, and t is empty; NULL if it failed */

/* ---- numbers and text (number.c): locale-free, exact, correctly rounded ---- */
/* Parse a decimal floating number ("-1.5e-3", "inf", "nan" in any case): bytes used, 0 if none.
 * "+1", "1e", "0x10" and " 1" are none; 1e400 is inf: readers test bytes == n and isfinite(). */
size_t dp__parse_double(const char *s, size_t n, double *out);
size_t dp__parse_float(const char *s, size_t n, float *out); /* rounded once */
size_t dp__parse_int(const char *s, size_t n, int64_t *out); /* 0: none, or out of range */
/* Shortest text that reads back as the same number: "0.1", "1e-05", "3.0" is "3"; buf >= 32. */
const char *dp__format_double(double x, char *buf);
const char *dp__format_float(float x, char *buf);

/* ---- random (philox.c): Philox4x32-10, counter based ---- */
void dp__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
uint64_t dp__hash(const void *data, size_t n, uint64_t seed);  /* 64-bit, same on every machine */
uint32_t dp__crc32c(uint32_t crc, const void *data, size_t n); /* Castagnoli; start with 0 */
uint32_t dp__crc32c_table(uint32_t crc, const void *data, size_t n); /* its slow twin */

/* ---- threads (pool.c): own pool on pthreads; see DESIGN 7 ---- */
typedef struct dp_pool dp_pool;
typedef void dp_pool_fn(void *context, int thread, int threads);
/* A pool that can run `threads` at once (the caller is one of them); fewer if the system refuses.
 */
dp_pool *dp__pool_new(int threads);
void dp__pool_free(dp_pool *pool);
int dp__pool_size(const dp_pool *pool);
/* Call fn on `threads` <= size threads at once, the caller as thread 0, and wait for all. Workers
 * run in the default floating-point environment. In a forked child: DP_EFORKED. */
dp_status dp__pool_run(dp_pool *pool, int threads, dp_pool_fn *fn, void *context);
/* Inside a run: wait until all its threads are here (short spin, then sleep). */
void dp__pool_barrier(dp_pool *pool, int threads, int thread);
int dp__cpu_count(void); /* affinity mask and container limit honoured; >= 1 */
/* The default floating-point environment for a computation, and back (law 1; D9). */
typedef struct dp_fenv {
    uint64_t saved[4];
} dp_fenv;
void dp__fenv_enter(dp_fenv *e);
void dp__fenv_leave(const dp_fenv *e);

/* ---- instruction sets (cpu.c) ---- */
typedef enum dp_isa { DP_ISA_PORTABLE, DP_ISA_AVX2, DP_ISA_AVX512, DP_ISA_NEON, DP_N_ISA } dp_isa;
dp_isa dp__isa(void); /* chosen once; DENPAN_ISA can lower it */
bool dp__isa_usable(dp_isa isa);
const char *dp__isa_name(dp_isa isa);

/* ---- time (for progress and benchmarks, never for results) ---- */
double dp__now(void); /* seconds, monotonic */

#endif
