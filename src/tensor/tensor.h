/* tensor.h: the node. A graph is nodes pointing at their inputs; nothing else is needed to follow
 * an evaluation. Nodes live in slabs of the thread that made them, linked into the scope that owns
 * them. */
#ifndef DP_TENSOR_TENSOR_H
#define DP_TENSOR_TENSOR_H

#include "../base/base.h"
#include "denpan/op.h"
#include "denpan/tensor.h"

enum { DP_MAX_IN = 4, DP_ATTR_INLINE = 80 };

typedef enum dp_state { DP_PENDING, DP_STORED, DP_SPENT } dp_state;

/* Bytes of stored tensors, shared by count; at most one holder may be written to. */
typedef struct dp_storage {
    void *data;
    size_t bytes;  /* capacity */
    int refs;      /* atomic */
    bool borrowed; /* dp_wrap: never written, never recycled */
    void (*release)(void *context);
    void *context;
    struct dp_storage *next; /* in the thread's free list */
} dp_storage;

struct dp_tensor {
    uint32_t magic; /* DP_TENSOR_MAGIC while alive */
    uint8_t state, dtype, n_in, rank;
    bool weak, kept; /* adopts its partner's dtype | root of the next eval */
    uint8_t known_finite;
    const dp_op *op;          /* what makes it */
    dp_tensor *in[DP_MAX_IN]; /* its inputs while pending */
    int64_t dim[DP_MAX_RANK];
    uint64_t versions;  /* sum of the versions of the variables among in, when made */
    uint64_t version;   /* of a variable: how often assigned */
    uint64_t serial;    /* order of creation: thread << 48 | count */
    dp_engine *owner;   /* of a variable: the engine that assigns it */
    dp_storage *buffer; /* while stored */
    char *name;         /* for messages, may be NULL */
    dp_scope *scope;
    dp_tensor *prev, *next;          /* in the scope */
    double attr[DP_ATTR_INLINE / 8]; /* op->attr_size bytes */
};
#define DP_TENSOR_MAGIC 0x44504e54u

/* Something else that a scope owns. */
typedef struct dp_owned {
    struct dp_owned *prev, *next;
    dp_scope *scope;
    void (*destroy)(void *object);
    void *object;
} dp_owned;

struct dp_scope {
    dp_scope *outer;
    dp_tensor *nodes;
    dp_owned *owned;
    size_t pending; /* made in it since the last warning */
};

/* A graph in order: found from explicit roots (walk.c), without recursion or writing into nodes. */
typedef struct dp_walk {
    dp_tensor **order; /* inputs before users; leaves too */
    size_t n, cap;
    struct dp_walk_entry {
        const dp_tensor *t;
        uint32_t stamp;
        int32_t index;
    } * table;
    size_t table_cap;
    uint32_t stamp;
    struct dp_walk_frame {
        dp_tensor *t;
        int next;
    } * stack;
    size_t stack_cap;
} dp_walk;

/* What a thread has: its scopes, recycled memory and engines. */
typedef struct dp_thread {
    dp_scope *top, root;
    dp_scope *free_scopes;
    dp_tensor *free_nodes;
    void *slabs;
    dp_storage *free_buffers[512]; /* by size class */
    dp_storage *free_headers;
    size_t free_bytes, held_bytes;
    uint64_t serial;
    dp_tensor **kept; /* kept pending nodes: roots of the next eval */
    size_t n_kept, cap_kept;
    dp_engine *engine, *default_engine;
    bool warned;
    struct dp_differentiation { /* scratch of dp_vjp and dp_jvp */
        dp_walk walk;
        dp_tensor **value; /* cotangent or tangent of each node */
        uint8_t *needed;
        size_t cap_value, cap_needed;
    } diff;
} dp_thread;
dp_thread *dp__thread(void);

/* ---- nodes (node.c) ---- */
/* A node in the current scope, everything but shape and dtype zero; NULL: no memory. */
dp_tensor *dp__node(const dp_op *op, dp_dtype dtype, const dp_shape *shape);
/* A stored tensor with uninitialised bytes at *data. */
dp_tensor *dp__tensor_new(dp_dtype dtype, const dp_shape *shape, void **data);
/* Is t a live tensor? Records DP_EINVAL in the name of `function` if not. NULL: false, silently
 * when an error is recorded already. */
bool dp__check(const dp_tensor *t, const char *function);
size_t dp__bytes_of(const dp_tensor *t);
/* Stored bytes; NULL for pending or spent. */
void *dp__data(const dp_tensor *t);
/* A variable of zeros, without a tensor beside it that it would be copied from. */
dp_tensor *dp__variable_zeros(dp_dtype dtype, dp_shape shape);
/* Pending -> stored or spent: the inputs are forgotten. */
void dp__settle(dp_tensor *t, dp_state state, dp_storage *buffer);
/* "[2,3]" for messages; eight results are live at once per thread. */
const char *dp__shape_text(int rank, const int64_t *dim);
const char *dp__describe(const dp_tensor *t); /* "w f32 [2,3]" */
bool dp__same_shape(const dp_tensor *a, const dp_tensor *b);

/* ---- buffers (buffer.c): recycled by size ---- */
dp_storage *dp__buffer_new(size_t bytes);
dp_storage *dp__buffer_zeros(size_t bytes); /* exactly so many, all zero; not recycled */
void dp__buffer_hold(dp_storage *b);
void dp__buffer_drop(dp_storage *b);
void dp__buffer_flush(dp_thread *t); /* give recycled memory back */

/* ---- scopes (scope.c) ---- */
/* destroy(object) runs when the current scope ends, newest first. */
dp_owned *dp__scope_own(void (*destroy)(void *), void *object);
/* The object ends early or gets another owner: it is forgotten, not destroyed. NULL is allowed. */
void dp__scope_disown(dp_owned *o);
void dp__scope_move(dp_owned *o); /* to the next outer scope */
void dp__scope_link(dp_tensor *t, dp_scope *scope);
void dp__scope_unlink(dp_tensor *t);
void dp__engine_thread_end(dp_thread *t); /* src/run/engine.c */

/* ---- dtypes (dtype.c): the one promotion table ---- */
dp_dtype dp__promote(dp_dtype a, dp_dtype b);
bool dp__is_float(dp_dtype t);
/* Float to integer: towards zero, saturating, NaN to 0. */
int64_t dp__to_i64(double v);
uint8_t dp__to_u8(double v);
/* Convert a C number to one element of dtype at out. */
void dp__store_double(dp_dtype dtype, void *out, double value);
double dp__load_double(dp_dtype dtype, const void *in, size_t i);
/* t in dtype: itself or a cast node. */
dp_tensor *dp__as(dp_tensor *t, dp_dtype dtype);

/* ---- walking a graph (walk.c) ---- */
/* Fill w->order with all nodes below the roots; false: no memory, or a spent or stale node (named).
 */
bool dp__walk(dp_walk *w, dp_tensor *const *roots, size_t n, const char *function);
int32_t dp__walk_index(const dp_walk *w, const dp_tensor *t); /* -1: not in it */
void dp__walk_free(dp_walk *w);

/* ---- what other rooms plug in ---- */
bool dp__op_complete(const dp_op *op);                     /* has it the function of its kind? */
extern const dp_op dp_op_constant, dp_op_variable;         /* leaves (leaf.c) */
dp_status dp__evaluate(dp_tensor *const *roots, size_t n); /* src/run/engine.c */

#endif
