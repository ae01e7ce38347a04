/* denpan/op.h: operations on tensors, and the descriptor with which anyone can add one.
 *
 * An operation checks its arguments, promotes dtypes and broadcasts shapes as NumPy does, and
 * returns a pending tensor, or NULL with a recorded error that shows the shapes. Broadcasting is an
 * explicit node, so no derivative rule mentions it. Negative axes count from the end.
 *
 * All of them fail with DP_EINVAL for shapes, dtypes or axes that do not fit, DP_ENOMEM, and
 * DP_ELIMIT beyond rank 8. The conventions at special values, the orders of sums and the definition
 * of random numbers are in docs/laws.md. */
#ifndef DENPAN_OP_H
#define DENPAN_OP_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- elementwise, one argument: x [...] -> [...], same dtype; functions of real numbers (sqrt to
 * erf, floor, round) make f32 of integers ---- */
DP_API dp_tensor *dp_neg(dp_tensor *x);
DP_API dp_tensor *dp_abs(dp_tensor *x);        /* derivative at 0: 0 */
DP_API dp_tensor *dp_sign(dp_tensor *x);       /* -1, 0 or 1; NaN stays */
DP_API dp_tensor *dp_floor(dp_tensor *x);
DP_API dp_tensor *dp_round(dp_tensor *x);      /* half to even */
DP_API dp_tensor *dp_sqrt(dp_tensor *x);
DP_API dp_tensor *dp_exp(dp_tensor *x);        /* <= 1 ULP, as expm1, log, log1p */
DP_API dp_tensor *dp_expm1(dp_tensor *x);
DP_API dp_tensor *dp_log(dp_tensor *x);
DP_API dp_tensor *dp_log1p(dp_tensor *x);
DP_API dp_tensor *dp_sin(dp_tensor *x);        /* <= 2 ULP, as cos, tanh, sigmoid, erf */
DP_API dp_tensor *dp_cos(dp_tensor *x);
DP_API dp_tensor *dp_tanh(dp_tensor *x);
DP_API dp_tensor *dp_sigmoid(dp_tensor *x);    /* 1 / (1 + exp(-x)) */
DP_API dp_tensor *dp_erf(dp_tensor *x);
DP_API dp_tensor *dp_relu(dp_tensor *x);       /* max(0, x); NaN stays; derivative at 0: 0 */
DP_API dp_tensor *dp_square(dp_tensor *x);     /* x * x */
DP_API dp_tensor *dp_reciprocal(dp_tensor *x); /* 1 / x */
DP_API dp_tensor *dp_is_finite(dp_tensor *x);  /* u8 */
/* x in another dtype; float to integer: towards zero, saturating, NaN to 0. x if it has it. */
DP_API dp_tensor *dp_cast(dp_tensor *x, dp_dtype dtype);

/* ---- elementwise, two arguments: promoted (f64, f32, i64, u8), broadcast; integers wrap ---- */
DP_API dp_tensor *dp_add(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_sub(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_mul(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_div(dp_tensor *a, dp_tensor *b);     /* integers: towards zero, x/0 = 0 */
DP_API dp_tensor *dp_pow(dp_tensor *a, dp_tensor *b);     /* <= 2 ULP; pow(x, 0) = 1 */
/* NaN wins; a tie gives its derivative to a. */
DP_API dp_tensor *dp_maximum(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_minimum(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_less(dp_tensor *a, dp_tensor *b);    /* comparisons give u8 0 or 1 */
DP_API dp_tensor *dp_less_equal(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_greater(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_greater_equal(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_equal(dp_tensor *a, dp_tensor *b);
DP_API dp_tensor *dp_not_equal(dp_tensor *a, dp_tensor *b);
/* condition != 0 ? a : b, the three broadcast; the branch not taken gets derivative 0. */
DP_API dp_tensor *dp_where(dp_tensor *condition, dp_tensor *a, dp_tensor *b);
/* With a C number: dp_add(x, dp_scalar(v)) and so on. */
DP_API dp_tensor *dp_adds(dp_tensor *a, double b);
DP_API dp_tensor *dp_muls(dp_tensor *a, double b);

/* ---- shape ---- */
/* The same elements, row-major, in another shape; one dim may be -1. */
DP_API dp_tensor *dp_reshape(dp_tensor *x, dp_shape shape);
DP_API dp_tensor *dp_flatten(dp_tensor *x, int first_axis);      /* axes first_axis.. become one */
/* out.dim[i] = x.dim[axes[i]]; n is x's rank. */
DP_API dp_tensor *dp_permute(dp_tensor *x, int n, const int *axes);
DP_API dp_tensor *dp_transpose(dp_tensor *x, int axis_a, int axis_b);   /* two axes swapped */
/* Axes of size 1, and new leading axes, repeated: [3, 1] to [2, 3, 4]. */
DP_API dp_tensor *dp_broadcast(dp_tensor *x, dp_shape shape);
DP_API dp_tensor *dp_expand_dims(dp_tensor *x, int axis);               /* a new axis of size 1 */
DP_API dp_tensor *dp_squeeze(dp_tensor *x, int axis);                   /* an axis of size 1 gone */
/* x[begin:end:step] of one axis as Python's: negative numbers count from the end, what lies outside
 * is cut; step != 0. */
DP_API dp_tensor *dp_slice(dp_tensor *x, int axis, int64_t begin, int64_t end, int64_t step);
DP_API dp_tensor *dp_pad(dp_tensor *x, int axis, int64_t before, int64_t after); /* with zeros */
/* n >= 1 parts, equal but for one axis, one after the other. */
DP_API dp_tensor *dp_concat(dp_tensor *const *parts, size_t n, int axis);
/* x with [begin, begin + part's size) of one axis replaced by part. */
DP_API dp_tensor *dp_put(dp_tensor *x, int axis, int64_t begin, dp_tensor *part);

/* ---- reductions of one axis, which vanishes (keep_dims: stays as size 1), or of all to [] ---- */
DP_API dp_tensor *dp_sum(dp_tensor *x, int axis, bool keep_dims);   /* 0 of none; u8 becomes i64 */
DP_API dp_tensor *dp_sum_all(dp_tensor *x);
DP_API dp_tensor *dp_sum_to(dp_tensor *x, dp_shape shape);   /* the transpose of dp_broadcast */
DP_API dp_tensor *dp_mean(dp_tensor *x, int axis, bool keep_dims);  /* integers become f32 */
DP_API dp_tensor *dp_mean_all(dp_tensor *x);
/* NaN wins; the first of a tie has the derivative. An empty axis is DP_EINVAL. */
DP_API dp_tensor *dp_max(dp_tensor *x, int axis, bool keep_dims);
DP_API dp_tensor *dp_min(dp_tensor *x, int axis, bool keep_dims);
DP_API dp_tensor *dp_argmax(dp_tensor *x, int axis, bool keep_dims);   /* i64: the first of a tie */
/* Euclidean, of all elements, scaled against overflow: []. */
DP_API dp_tensor *dp_norm(dp_tensor *x);

/* ---- linear algebra ---- */
/* [..., m, k] x [..., k, n] -> [..., m, n]; leading axes broadcast; integers become f32. */
DP_API dp_tensor *dp_matmul(dp_tensor *a, dp_tensor *b);
/* x [..., in] times weight [out, in] transposed, plus bias [out] (NULL: none) -> [..., out]. */
DP_API dp_tensor *dp_linear(dp_tensor *x, dp_tensor *weight, dp_tensor *bias);

/* ---- indexing ---- */
/* Slices of x along an axis by number, as NumPy's take: the axes of index i64 [...] take the place
 * of the axis. A number outside [0, size) is an error, or, in
 * an index that is itself still to be computed, reads zeros. */
DP_API dp_tensor *dp_gather(dp_tensor *x, int axis, dp_tensor *index);
/* x with part added at index, by increasing position in index: the transpose of dp_gather. Numbers
 * outside are an error, or add nothing, as there. */
DP_API dp_tensor *dp_scatter_add(dp_tensor *x, int axis, dp_tensor *index, dp_tensor *part);
/* x [..., C], index i64 [...] -> x[..., index[...]] [...]; numbers as dp_gather's. */
DP_API dp_tensor *dp_pick(dp_tensor *x, dp_tensor *index);
/* index i64 [...] -> [..., classes]: 1 at the index, else 0. */
DP_API dp_tensor *dp_one_hot(dp_tensor *index, int64_t classes, dp_dtype dtype);

/* ---- functions composed of the above ---- */
DP_API dp_tensor *dp_leaky_relu(dp_tensor *x, double slope);   /* x > 0 ? x : slope x */
DP_API dp_tensor *dp_gelu(dp_tensor *x);        /* x/2 (1 + erf(x / sqrt 2)); Hendrycks 2016 */
DP_API dp_tensor *dp_gelu_tanh(dp_tensor *x);   /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
DP_API dp_tensor *dp_silu(dp_tensor *x);        /* x sigmoid(x) */
DP_API dp_tensor *dp_softplus(dp_tensor *x);    /* log(1 + exp x), stable */
DP_API dp_tensor *dp_log_sum_exp(dp_tensor *x, int axis, bool keep_dims);   /* stable */
DP_API dp_tensor *dp_softmax(dp_tensor *x, int axis);
DP_API dp_tensor *dp_log_softmax(dp_tensor *x, int axis);

/* ---- random: a key is an i64 [2] tensor; same key, same numbers (Philox4x32-10) ---- */
DP_API dp_tensor *dp_key(uint64_t seed);
DP_API dp_tensor *dp_split(dp_tensor *key, const char *name);      /* a child key by name */
DP_API dp_tensor *dp_fold(dp_tensor *key, dp_tensor *number);      /* a child key by i64 [] */
/* Uniform in [0, 1), or normal with mean 0 and variance 1 (Box, Muller 1958); f32 or f64. */
DP_API dp_tensor *dp_uniform(dp_tensor *key, dp_dtype dtype, dp_shape shape);
DP_API dp_tensor *dp_normal(dp_tensor *key, dp_dtype dtype, dp_shape shape);
/* Zero with probability p in [0, 1], else x / (1 - p); Srivastava et al. 2014. */
DP_API dp_tensor *dp_dropout(dp_tensor *x, double p, dp_tensor *key);

/* ---- effects ---- */
/* Elements where they lie: element [i0, i1, ...] is at data + (sum i*stride) elements. */
typedef struct dp_array {
    void *data;
    dp_dtype dtype;
    dp_shape shape;
    int64_t stride[DP_MAX_RANK];
} dp_array;
/* A pending effect that calls fn with the elements of x (row-major) when evaluated, in the order of
 * creation and before any assignment. fn must not change them, nor evaluate anything. */
typedef void dp_callback_fn(void *context, const dp_array *x);
DP_API dp_tensor *dp_callback(dp_tensor *x, dp_callback_fn *fn, void *context);

/* ======================================================================================== */
/* The descriptor: everything the library knows about an op.                                 */

#define DP_OP_VERSION 1

typedef enum dp_op_kind {
    DP_LEAF,       /* stored bytes: constants and variables */
    DP_POINTWISE,  /* out[i] depends on in[..][i] only; tile computes a run of elements */
    DP_VIEW,       /* the same bytes in another order: view gives offset and strides */
    DP_ROW,        /* reduces the last axis to size 1: row computes one row to one element */
    DP_KERNEL,     /* anything else: run computes whole tensors */
    DP_EFFECT      /* changes the world outside its output */
} dp_op_kind;

/* A field of an op's attributes: the key, printing, reading and saving come from it. */
typedef enum dp_field_type {
    DP_FIELD_INT,
    DP_FIELD_DOUBLE,
    DP_FIELD_BOOL,
    DP_FIELD_DTYPE,
    DP_FIELD_SHAPE,
    DP_FIELD_U64,
    DP_FIELD_POINTER
} dp_field_type;
typedef struct dp_op_field {
    const char *name;
    dp_field_type type;     /* int64_t, double, int64_t, int64_t, dp_shape, uint64_t, void * */
    size_t offset;
} dp_op_field;

/* What a tile function gets: n consecutive elements of a flat index space. */
typedef struct dp_tile {
    void *out;              /* n elements of the output's dtype */
    const void *in[4];      /* inputs; may be equal to out */
    int stride[4];          /* 0: one element for all n; 1: n elements */
    size_t n;
    uint64_t first;         /* flat index of the first element */
    const void *attr;
    dp_dtype dtype;         /* of the last input that is not whole; else of the output */
} dp_tile;
typedef void dp_tile_fn(const dp_tile *t);

/* What a kernel gets. It may be called by several threads at once with part = 0..parts-1 and
 * must write only its share of the output; its result must not depend on parts. */
typedef struct dp_run {
    dp_array out, in[4];
    int n_in;
    const void *attr;
    void *scratch;          /* of what op->scratch asked, for this part */
    size_t part, parts;
    /* For ops with epilogue: called (if not NULL) once for every finished block of the output
     * seen as [rows, last axis]; with whole_rows, blocks span all columns. */
    void (*epilogue)(void *context, size_t i0, size_t i1, size_t j0, size_t j1);
    void *context;
    bool whole_rows;
} dp_run;

typedef struct dp_op dp_op;
/* What the shape rule gets and fills: dtype and shape. It may record an error and return it. */
typedef struct dp_infer {
    const dp_op *op;
    dp_tensor *const *in;
    int n_in;
    const void *attr;
    dp_dtype dtype;         /* out: preset to in[0]'s */
    dp_shape shape;         /* out: preset to in[0]'s */
} dp_infer;

struct dp_op {
    size_t size;            /* sizeof(dp_op) */
    int version;            /* DP_OP_VERSION */
    const char *name;
    dp_op_kind kind;
    int n_in;
    unsigned linear;        /* bit i: linear in input i alone; the tangent is the op itself */
    unsigned in_place;      /* bit i: a kernel may write its output over input i */
    unsigned whole;         /* bit i: a tile gets all of input i (a key) */
    unsigned strided;       /* bit i: a kernel takes input i with any strides; else row-major */
    bool epilogue;          /* the kernel calls dp_run.epilogue for finished blocks of its output */
    size_t attr_size;       /* at most 80 */
    const dp_op_field *fields;          /* ends with name == NULL */
    dp_status (*infer)(dp_infer *);     /* NULL: in[0]'s shape and dtype, any */

    /* Derivatives build graph with the public operations; NULL where an input has none.
     * diff: pointwise, t * dy/dx_i, serves both modes. transpose: linear in input i, applied to ct.
     * vjp and jvp: neither of these; both are needed. */
    dp_tensor *(*diff)(dp_tensor *y, int i, dp_tensor *t);
    dp_tensor *(*transpose)(dp_tensor *y, int i, dp_tensor *ct);
    dp_tensor *(*vjp)(dp_tensor *y, int i, dp_tensor *ct);
    dp_tensor *(*jvp)(dp_tensor *y, int i, dp_tensor *t);

    /* arithmetic: by kind, one of these */
    dp_tile_fn *tile;                          /* pointwise; any dtype the shape rule admits */
    dp_tile_fn *const (*tiles)[DP_N_DTYPES];   /* or one per [instruction set][dtype] */
    /* Sets out->data and out->stride (shape and dtype are set); false: wants row-major input. */
    bool (*view)(const dp_array *in, dp_array *out, const void *attr);
    /* One row of n elements to one. */
    void (*row)(void *out, const void *in, size_t n, dp_dtype dtype);
    void (*run)(const dp_run *r);              /* the fast kernel */
    void (*slow)(const dp_run *r);             /* its twin for the naive executor; NULL: run */
    size_t (*scratch)(const dp_run *r);        /* bytes per part */
    size_t (*cost)(const dp_run *r);           /* multiply-adds or elements; NULL: output count */

    /* samples for the table tests: fills the n-th set of inputs, returns false after the last */
    bool (*sample)(int n, dp_tensor **in, void *attr);
};

/* Make a node of any op, built in or your own: checks the inputs, runs the shape rule. attr
 * is copied; it may be NULL. NULL with an error if the node would not be legal. */
DP_API dp_tensor *dp_apply(const dp_op *op, dp_tensor *const *in, int n_in, const void *attr);
/* The i-th input of a pending tensor, its attributes and its op, for derivative rules. */
DP_API dp_tensor *dp_input(const dp_tensor *y, int i);
DP_API const void *dp_attr(const dp_tensor *y);
DP_API const dp_op *dp_op_of(const dp_tensor *y);
/* Make an op known by name (graph text, table tests). The built-in ones are known. DP_EINVAL: not a
 * descriptor of this version, or the name is taken; DP_ELIMIT: more than 256. *op must stay. */
DP_API dp_status dp_op_register(const dp_op *op);
DP_API const dp_op *dp_op_find(const char *name);   /* NULL: unknown */
DP_API const dp_op *dp_op_at(size_t i);       /* i-th known op; NULL after the last */

#ifdef __cplusplus
}
#endif
#endif
