#include <stdarg.h>
#include <string.h>
#include "tensor.h"

/* ---- asking ---- */

bool dp__check(const dp_tensor *t, const char *function) {
    if (!t) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "%s: the tensor is NULL", function);
        return false;
    }
    if (t->magic != DP_TENSOR_MAGIC) {
        dp_fail(DP_EINVAL, "%s: not a live tensor (freed, its scope ended, or of another type)",
                function);
        return false;
    }
    return true;
}

dp_dtype dp_dtype_of(const dp_tensor *t) {
    return dp__check(t, "dp_dtype_of") ? (dp_dtype)t->dtype : DP_F32;
}

int dp_rank(const dp_tensor *t) { return dp__check(t, "dp_rank") ? t->rank : -1; }

int64_t dp_dim(const dp_tensor *t, int axis) {
    if (!dp__check(t, "dp_dim")) return -1;
    if (axis < 0) axis += t->rank;
    if (axis >= 0 && axis < t->rank) return t->dim[axis];
    dp_fail(DP_EINVAL, "dp_dim: axis %d of %s", axis, dp__describe(t));
    return -1;
}

int64_t dp_count(const dp_tensor *t) {
    return dp__check(t, "dp_count") ? dp__shape_count(t->rank, t->dim, NULL) : -1;
}

dp_shape dp_shape_at(const dp_tensor *t) {
    dp_shape s = {.rank = -1};
    if (!dp__check(t, "dp_shape_at")) return s;
    s.rank = t->rank;
    memcpy(s.dim, t->dim, sizeof s.dim[0] * (size_t)t->rank);
    return s;
}

dp_shape dp_shape_of(int rank, const int64_t *dims) {
    dp_shape s = {.rank = rank};
    for (int i = 0; i < rank && i < DP_MAX_RANK; i++) s.dim[i] = dims ? dims[i] : -1;
    return s;
}

size_t dp__bytes_of(const dp_tensor *t) {
    return (size_t)dp__shape_count(t->rank, t->dim, NULL) * dp_dtype_size((dp_dtype)t->dtype);
}

bool dp__same_shape(const dp_tensor *a, const dp_tensor *b) {
    return a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof a->dim[0] * a->rank);
}

const char *dp__shape_text(int rank, const int64_t *dim) {
    static _Thread_local char ring[8][DP_MAX_RANK * 21 + 3];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % 8];
    size_t n = 0;
    out[n++] = '[';
    for (int i = 0; i < rank && i < DP_MAX_RANK; i++)
        n += (size_t)snprintf(out + n, 22, i ? ",%lld" : "%lld", (long long)dim[i]);
    out[n++] = ']';
    out[n] = 0;
    return out;
}

const char *dp__describe(const dp_tensor *t) {
    static _Thread_local char ring[8][320];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % 8];
    const char *name = t->name ? t->name : t->op ? t->op->name : "?";
    snprintf(out, sizeof ring[0], "%s %s %s", name, dp_dtype_name((dp_dtype)t->dtype),
             dp__shape_text(t->rank, t->dim));
    return out;
}

dp_tensor *dp_name(dp_tensor *t, const char *format, ...) {
    if (!dp__check(t, "dp_name")) return NULL;
    if (!format) {
        dp_fail(DP_EINVAL, "dp_name: the name is NULL");
        return NULL;
    }
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *name = dp__strdup(text);
    if (!name) return NULL;
    if (t->name) dp__release(t->name, strlen(t->name) + 1);
    t->name = name;
    return t;
}

/* ---- stored bytes ---- */

void *dp__data(const dp_tensor *t) { return t->state == DP_STORED ? t->buffer->data : NULL; }

void dp__settle(dp_tensor *t, dp_state state, dp_storage *buffer) {
    t->state = (uint8_t)state;
    t->n_in = 0;
    t->buffer = buffer;
    if (state == DP_STORED) t->op = &dp_op_constant;
}

static bool node_shape_legal(const char *function, dp_dtype dtype, const dp_shape *shape) {
    if ((unsigned)dtype >= DP_N_DTYPES) {
        dp_fail(DP_EINVAL, "%s: dtype %d; known: f32, f64, i64, u8", function, (int)dtype);
        return false;
    }
    if (shape->rank < 0 || shape->rank > DP_MAX_RANK) {
        dp_fail(DP_EINVAL, "%s: rank %d; allowed 0 to %d", function, shape->rank, DP_MAX_RANK);
        return false;
    }
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0) {
            dp_fail(DP_EINVAL, "%s: dim %d is %lld", function, i, (long long)shape->dim[i]);
            return false;
        }
    int64_t count = dp__shape_count(shape->rank, shape->dim, NULL);
    size_t bytes;
    if (count < 0 || !dp__mul((size_t)count, dp_dtype_size(dtype), &bytes)) {
        dp_fail(DP_ENOMEM, "%s: %s %s does not fit in memory", function, dp_dtype_name(dtype),
                dp__shape_text(shape->rank, shape->dim));
        return false;
    }
    return true;
}

dp_tensor *dp__tensor_new(dp_dtype dtype, const dp_shape *shape, void **data) {
    if (!node_shape_legal("tensor", dtype, shape)) return NULL;
    dp_tensor *t = dp__node(&dp_op_constant, dtype, shape);
    if (!t) return NULL;
    dp_storage *b = dp__buffer_new(dp__bytes_of(t));
    if (!b) {
        dp_free(t);
        return NULL;
    }
    dp__settle(t, DP_STORED, b);
    if (data) *data = b->data;
    return t;
}

/* ---- making nodes of ops ---- */

static bool node_admits(const dp_op *op, dp_tensor *const *in, int n_in) {
    if (n_in != op->n_in && !(op->n_in < 0 && n_in >= 1 && n_in <= DP_MAX_IN)) {
        dp_fail(DP_EINVAL, "%s: %d inputs; expected %d", op->name, n_in, op->n_in);
        return false;
    }
    for (int i = 0; i < n_in; i++) {
        if (!dp__check(in[i], op->name)) return false;
        if (in[i]->state == DP_SPENT) {
            dp_fail(DP_ESPENT,
                    "%s: input %d (%s) is spent: an eval used it up; make it a root of "
                    "that eval or dp_keep it",
                    op->name, i, dp__describe(in[i]));
            return false;
        }
    }
    return true;
}

/* Without a shape rule all inputs have one dtype and shape. */
static bool node_uniform(const dp_op *op, dp_tensor *const *in, int n_in) {
    for (int i = 1; i < n_in; i++)
        if (in[i]->dtype != in[0]->dtype || !dp__same_shape(in[i], in[0])) {
            dp_fail(DP_EINVAL, "%s: %s and %s differ", op->name, dp__describe(in[0]),
                    dp__describe(in[i]));
            return false;
        }
    return true;
}

/* A tile reads one element of every input for one of the output, and knows their dtype. */
static bool node_tileable(const dp_infer *f) {
    const dp_op *op = f->op;
    dp_dtype t = f->dtype;
    for (int i = 0; op->kind == DP_POINTWISE && i < f->n_in; i++) {
        if (op->whole >> i & 1) continue;
        t = (dp_dtype)f->in[i]->dtype;
        if (f->in[i]->rank == f->shape.rank &&
            !memcmp(f->in[i]->dim, f->shape.dim, sizeof f->shape.dim[0] * f->in[i]->rank))
            continue;
        dp_fail(DP_EINVAL, "%s: input %d is %s; expected %s", op->name, i, dp__describe(f->in[i]),
                dp__shape_text(f->shape.rank, f->shape.dim));
        return false;
    }
    if (op->kind != DP_POINTWISE || !op->tiles || op->tiles[0][t]) return true;
    dp_fail(DP_EINVAL, "%s: no arithmetic for %s", op->name, dp_dtype_name(t));
    return false;
}

/* Running cannot fail, so an op without its arithmetic is refused here. */
bool dp__op_complete(const dp_op *op) {
    switch (op->kind) {
    case DP_LEAF:
        return false;
    case DP_POINTWISE:
        return op->tile || op->tiles;
    case DP_VIEW:
        return op->view != NULL;
    case DP_ROW:
        return op->row != NULL;
    case DP_KERNEL:
        return op->run != NULL;
    case DP_EFFECT:
        return true;
    }
    return false;
}

dp_tensor *dp_apply(const dp_op *op, dp_tensor *const *in, int n_in, const void *attr) {
    static const double zeros[DP_ATTR_INLINE / sizeof(double)]; /* attr NULL */
    if (!op || (n_in > 0 && !in)) {
        dp_fail(DP_EINVAL, "dp_apply: the %s is NULL", op ? "list of inputs" : "op");
        return NULL;
    }
    if (op->size != sizeof(dp_op) || op->version != DP_OP_VERSION) {
        dp_fail(DP_EINVAL,
                "dp_apply: an op descriptor of version %d, size %zu; this library has %d, %zu",
                op->version, op->size, DP_OP_VERSION, sizeof(dp_op));
        return NULL;
    }
    if (op->attr_size > DP_ATTR_INLINE) {
        dp_fail(DP_EINVAL, "%s: attributes of %zu bytes; at most %d", op->name, op->attr_size,
                DP_ATTR_INLINE);
        return NULL;
    }
    if (!op->name || !dp__op_complete(op)) {
        dp_fail(DP_EINVAL, "dp_apply: the op %s has no function of its kind",
                op->name ? op->name : "without a name");
        return NULL;
    }
    if (!node_admits(op, in, n_in)) return NULL;
    if (!attr) attr = zeros;
    dp_infer f = {.op = op, .in = in, .n_in = n_in, .attr = attr};
    if (n_in) {
        f.dtype = (dp_dtype)in[0]->dtype;
        f.shape = dp_shape_at(in[0]);
    }
    if (op->infer ? op->infer(&f) != DP_OK : !node_uniform(op, in, n_in)) return NULL;
    if (!node_shape_legal(op->name, f.dtype, &f.shape) || !node_tileable(&f)) return NULL;
    dp_tensor *t = dp__node(op, f.dtype, &f.shape);
    if (!t) return NULL;
    t->n_in = (uint8_t)n_in;
    for (int i = 0; i < n_in; i++) {
        t->in[i] = in[i];
        t->versions += in[i]->version;
    }
    if (op->attr_size) memcpy(t->attr, attr, op->attr_size);
    return t;
}

dp_tensor *dp_input(const dp_tensor *y, int i) {
    if (!dp__check(y, "dp_input")) return NULL;
    if (i >= 0 && i < y->n_in) return y->in[i];
    dp_fail(DP_EINVAL, "dp_input: input %d of %s, which has %d", i, dp__describe(y), y->n_in);
    return NULL;
}

const void *dp_attr(const dp_tensor *y) { return dp__check(y, "dp_attr") ? y->attr : NULL; }
const dp_op *dp_op_of(const dp_tensor *y) { return dp__check(y, "dp_op_of") ? y->op : NULL; }

/* Leaves: nothing to compute, nothing to differentiate. */
const dp_op dp_op_constant = {
    .size = sizeof(dp_op), .version = DP_OP_VERSION, .name = "constant", .kind = DP_LEAF};
const dp_op dp_op_variable = {
    .size = sizeof(dp_op), .version = DP_OP_VERSION, .name = "variable", .kind = DP_LEAF};
