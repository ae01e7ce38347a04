#include <string.h>
#include "tensor.h"

dp_tensor *dp_from(dp_dtype dtype, dp_shape shape, const void *data) {
    void *bytes;
    dp_tensor *t = dp__tensor_new(dtype, &shape, &bytes);
    if (!t) return NULL;
    size_t n = dp__bytes_of(t);
    if (n && !data) {
        dp_free(t);
        dp_fail(DP_EINVAL, "dp_from: data is NULL for %s", dp__shape_text(shape.rank, shape.dim));
        return NULL;
    }
    if (n) memcpy(bytes, data, n);
    return t;
}

dp_tensor *dp_wrap(dp_dtype dtype, dp_shape shape, const void *data, void (*release)(void *),
                   void *context) {
    dp_shape none = {.rank = 1};
    if (!data) {
        dp_fail(DP_EINVAL, "dp_wrap: data is NULL");
        return NULL;
    }
    dp_tensor *t = dp__tensor_new(dtype, &none, NULL); /* checks the dtype; empty */
    if (!t) return NULL;
    if ((uintptr_t)data % dp_dtype_size(dtype)) { /* a copy: nothing is borrowed any more */
        dp_free(t);
        t = dp_from(dtype, shape, data);
        if (t && release) release(context);
        return t;
    }
    if (shape.rank < 0 || shape.rank > DP_MAX_RANK ||
        dp__shape_count(shape.rank, shape.dim, NULL) < 0) {
        dp_free(t);
        dp_fail(DP_EINVAL, "dp_wrap: shape %s", dp__shape_text(shape.rank, shape.dim));
        return NULL;
    }
    t->rank = (uint8_t)shape.rank;
    memcpy(t->dim, shape.dim, sizeof shape.dim[0] * (size_t)shape.rank);
    dp_storage *b = dp__alloc(sizeof *b);
    if (!b) {
        dp_free(t);
        return NULL;
    }
    void *bytes = NULL; /* the caller's, never written to */
    memcpy(&bytes, &data, sizeof bytes);
    *b = (dp_storage){.data = bytes,
                      .bytes = dp__bytes_of(t),
                      .refs = 1,
                      .borrowed = true,
                      .release = release,
                      .context = context};
    dp__buffer_drop(t->buffer);
    t->buffer = b;
    return t;
}

dp_tensor *dp_full(dp_dtype dtype, dp_shape shape, double value) {
    void *bytes;
    dp_tensor *t = dp__tensor_new(dtype, &shape, &bytes);
    if (!t) return NULL;
    size_t size = dp_dtype_size(dtype), n = dp__bytes_of(t);
    if (!n) return t;
    dp__store_double(dtype, bytes, value);
    for (size_t done = size; done < n; done *= 2)
        memcpy((char *)bytes + done, bytes, done < n - done ? done : n - done);
    return t;
}

dp_tensor *dp_scalar_of(dp_dtype dtype, double value) {
    return dp_full(dtype, (dp_shape){0}, value);
}
dp_tensor *dp_zeros(dp_dtype dtype, dp_shape shape) { return dp_full(dtype, shape, 0); }
dp_tensor *dp_ones(dp_dtype dtype, dp_shape shape) { return dp_full(dtype, shape, 1); }

/* A weak scalar holds the C number in full; as a tensor of its own it is f32. */
dp_tensor *dp_scalar(double value) {
    dp_tensor *t = dp_scalar_of(DP_F64, value);
    if (t) t->weak = true;
    return t;
}

dp_tensor *dp_int(int64_t value) { return dp_from(DP_I64, (dp_shape){0}, &value); }

dp_tensor *dp_arange(dp_dtype dtype, int64_t n) {
    void *bytes;
    dp_shape shape = {.rank = 1, .dim = {n}};
    dp_tensor *t = dp__tensor_new(dtype, &shape, &bytes);
    for (int64_t i = 0; t && i < n; i++)
        dp__store_double(dtype, (char *)bytes + (size_t)i * dp_dtype_size(dtype), (double)i);
    return t;
}

/* ---- variables ---- */

dp_tensor *dp_variable(dp_tensor *initial) {
    initial = initial && initial->magic == DP_TENSOR_MAGIC && initial->weak
                  ? dp__as(initial, DP_F32)
                  : initial;
    if (!dp__check(initial, "dp_variable")) return NULL;
    if (initial->state == DP_PENDING && dp__evaluate(&initial, 1)) return NULL;
    if (initial->state != DP_STORED) {
        dp_fail(DP_ESPENT, "dp_variable: %s is spent", dp__describe(initial));
        return NULL;
    }
    dp_tensor *v = dp_from((dp_dtype)initial->dtype, dp_shape_at(initial), initial->buffer->data);
    if (!v) return NULL;
    v->op = &dp_op_variable;
    v->version = 1;
    dp__scope_unlink(v);
    dp__scope_link(v, &dp__thread()->root);
    return v;
}

dp_tensor *dp__variable_zeros(dp_dtype dtype, dp_shape shape) {
    dp_shape none = {.rank = 1};
    int64_t count = shape.rank < 0 || shape.rank > DP_MAX_RANK
                        ? -1
                        : dp__shape_count(shape.rank, shape.dim, NULL);
    size_t bytes;
    if (count < 0 || !dp__mul((size_t)count, dp_dtype_size(dtype), &bytes)) {
        dp_fail(DP_EINVAL, "a variable of shape %s does not fit in memory",
                dp__shape_text(shape.rank < 0 ? 0 : shape.rank, shape.dim));
        return NULL;
    }
    dp_tensor *v = dp__tensor_new(dtype, &none, NULL);
    dp_storage *b = v ? dp__buffer_zeros(bytes) : NULL;
    if (!b) {
        if (v) dp_free(v);
        return NULL;
    }
    dp__buffer_drop(v->buffer);
    v->buffer = b;
    v->rank = (uint8_t)shape.rank;
    memcpy(v->dim, shape.dim, sizeof shape.dim[0] * (size_t)shape.rank);
    v->op = &dp_op_variable;
    v->version = 1;
    dp__scope_unlink(v);
    dp__scope_link(v, &dp__thread()->root);
    return v;
}

bool dp_is_variable(const dp_tensor *t) {
    return t && t->magic == DP_TENSOR_MAGIC && t->op == &dp_op_variable;
}

uint64_t dp_variable_version(const dp_tensor *v) { return dp_is_variable(v) ? v->version - 1 : 0; }
