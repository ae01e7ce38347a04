/* denpan/tensor.h: tensors, scopes, variables, evaluation.
 *
 * A tensor is a node of a graph: pending (described, not computed), stored (has its bytes) or
 * spent (its bytes were used up by the eval that computed something from it). Operations make
 * pending nodes; dp_eval() computes the ones you name. */
#ifndef DENPAN_TENSOR_H
#define DENPAN_TENSOR_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DP_MAX_RANK = 8 };

typedef enum dp_dtype { DP_F32, DP_F64, DP_I64, DP_U8, DP_N_DTYPES } dp_dtype;

typedef struct dp_tensor dp_tensor;
typedef struct dp_scope dp_scope;
typedef struct dp_engine dp_engine;

/* A shape by value, made with DP_SHAPE(2, 3) in C, dp_shape_of(rank, dims) elsewhere. */
typedef struct dp_shape {
    int rank;
    int64_t dim[DP_MAX_RANK];
} dp_shape;
DP_API dp_shape dp_shape_of(int rank, const int64_t *dims);
#ifndef __cplusplus
#define DP_SHAPE(...)                                                       \
    dp_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
                (const int64_t[]){__VA_ARGS__})
#else
}
template <class... D> inline dp_shape DP_SHAPE(D... d) {
    const int64_t dims[] = {static_cast<int64_t>(d)...};
    return dp_shape_of(static_cast<int>(sizeof...(D)), dims);
}
extern "C" {
#endif

/* ---- scopes: what is made from begin on lives until end ---- */
/* A scope inside the present one, on this thread; NULL: no memory. */
DP_API dp_scope *dp_scope_begin(void);
/* End a scope and every scope begun inside it. NULL is allowed. */
DP_API void dp_scope_end(dp_scope *scope);
/* Free everything the calling thread made; 0 if nothing failed, else the exit code of the error. */
DP_API int dp_end(void);
/* Move a tensor to the next outer scope, and make it a root of the next eval if it is pending. */
DP_API dp_tensor *dp_keep(dp_tensor *tensor);
/* End a tensor's life early. */
DP_API void dp_free(dp_tensor *tensor);

/* ---- making tensors (all of them stored) ----
 * NULL on failure: DP_EINVAL for a negative dim, a rank above 8 or an unknown dtype; DP_ENOMEM. A
 * dim of 0 is allowed. */
/* Copy `data` (row-major, shape.dim, no alignment needed) into a new tensor. */
DP_API dp_tensor *dp_from(dp_dtype dtype, dp_shape shape, const void *data);
/* Borrow `data`: it must stay valid and unchanged until `release` is called (NULL: until the
 * scope's end). The library never writes to it. Data that is not aligned for its dtype is copied,
 * and released at once. */
DP_API dp_tensor *dp_wrap(dp_dtype dtype, dp_shape shape, const void *data,
                          void (*release)(void *context), void *context);
DP_API dp_tensor *dp_scalar(double value);      /* [], takes its partner's dtype; else f32 */
DP_API dp_tensor *dp_scalar_of(dp_dtype dtype, double value);
DP_API dp_tensor *dp_int(int64_t value);        /* i64 [] */
DP_API dp_tensor *dp_zeros(dp_dtype dtype, dp_shape shape);
DP_API dp_tensor *dp_ones(dp_dtype dtype, dp_shape shape);
DP_API dp_tensor *dp_full(dp_dtype dtype, dp_shape shape, double value);
DP_API dp_tensor *dp_arange(dp_dtype dtype, int64_t n);   /* 0, 1, ..., n-1 */

/* ---- asking ---- */
DP_API dp_dtype dp_dtype_of(const dp_tensor *t);
DP_API int dp_rank(const dp_tensor *t);
DP_API int64_t dp_dim(const dp_tensor *t, int axis);       /* -1 on error */
DP_API int64_t dp_count(const dp_tensor *t);               /* elements */
DP_API dp_shape dp_shape_at(const dp_tensor *t);
DP_API size_t dp_dtype_size(dp_dtype dtype);
DP_API const char *dp_dtype_name(dp_dtype dtype);          /* "f32", "f64", "i64", "u8" */
/* Give it a name, printf-like, that messages and graph texts show; returns t. */
DP_API dp_tensor *dp_name(dp_tensor *t, const char *format, ...) DP_PRINTF(2, 3);

/* ---- evaluation ---- */
/* Compute the roots, and nothing that they do not need. 0, or a negative status; a failed call
 * changes nothing. The roots become stored; what was computed on the way becomes spent. DP_ESPENT:
 * a root needs a spent tensor, or the old value of a variable. */
DP_API dp_status dp_eval_n(dp_tensor *const *roots, size_t n);
#ifndef __cplusplus
#define dp_eval(...)                             \
    dp_eval_n((dp_tensor *const[]){__VA_ARGS__}, \
              sizeof((dp_tensor *const[]){__VA_ARGS__}) / sizeof(dp_tensor *))
#else
}
template <class... T> inline dp_status dp_eval(T *...t) {
    dp_tensor *const roots[] = {t...};
    return dp_eval_n(roots, sizeof...(T));
}
extern "C" {
#endif

/* ---- reading (a pending tensor is evaluated first) ---- */
/* The value of a tensor of one element, as double; NaN on failure. */
DP_API double dp_item(dp_tensor *t);
/* Copy a tensor's elements, row-major, in its dtype; `bytes` is the size of `out`. */
DP_API dp_status dp_read(dp_tensor *t, void *out, size_t bytes);
/* The elements where they lie, row-major, valid until the tensor's scope ends; NULL on failure. */
DP_API const void *dp_map(dp_tensor *t);
/* Overwrite a stored tensor or a variable from `data`, row-major, in its dtype; `bytes` must be its
 * size. DP_EINVAL: not stored, or borrowed memory (dp_wrap). */
DP_API dp_status dp_write(dp_tensor *t, const void *data, size_t bytes);
/* Print dtype, shape and values as nested brackets, at most six at each end of an axis. */
DP_API void dp_show(dp_tensor *t, FILE *file);

/* ---- variables: cells that assignments change ---- */
/* A variable with the value of `initial` (evaluated if pending); it outlives scopes until
 * dp_free() or dp_end(), or as long as the module that owns it. */
DP_API dp_tensor *dp_variable(dp_tensor *initial);
DP_API bool dp_is_variable(const dp_tensor *t);
/* A pending effect: when evaluated, `variable` takes the value `x` (same shape; cast to its dtype).
 * Every use of `variable` made before that eval reads the old value. */
DP_API dp_tensor *dp_assign(dp_tensor *variable, dp_tensor *x);
/* How many times it was assigned. */
DP_API uint64_t dp_variable_version(const dp_tensor *variable);

#ifdef __cplusplus
}
#endif
#endif
