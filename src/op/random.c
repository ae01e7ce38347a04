/* Random numbers: counter based. A key is i64 [2]; a number is a function of key, attributes,
 * index. */
#include <string.h>
#include "op.h"

typedef struct key_attr {
    uint64_t name; /* hash of the child's name */
} key_attr;

/* child = Philox of (name, number) under the key, salted by what derives it */
static void key_derive(const int64_t *key, uint64_t name, uint64_t number, int64_t *child) {
    uint32_t k[2] = {(uint32_t)key[0], (uint32_t)((uint64_t)key[0] >> 32)};
    uint64_t mixed = name ^ (uint64_t)key[1];
    uint32_t counter[4] = {(uint32_t)mixed, (uint32_t)(mixed >> 32), (uint32_t)number,
                           (uint32_t)(number >> 32)};
    uint32_t out[4];
    dp__philox(counter, k, out);
    child[0] = (int64_t)(out[0] | (uint64_t)out[1] << 32);
    child[1] = (int64_t)(out[2] | (uint64_t)out[3] << 32);
}

static void split_run(const dp_run *r) {
    if (r->part == 0) key_derive(r->in[0].data, ((const key_attr *)r->attr)->name, 0, r->out.data);
}

static void fold_run(const dp_run *r) {
    const uint64_t salt = 0x666f6c64; /* "fold" */
    if (r->part == 0)
        key_derive(r->in[0].data, salt, *(const uint64_t *)r->in[1].data, r->out.data);
}

static dp_status key_check(const dp_infer *f) {
    const dp_tensor *k = f->in[0];
    if (k->dtype == DP_I64 && k->rank == 1 && k->dim[0] == 2) return DP_OK;
    return dp_fail(DP_EINVAL, "%s: a key is i64 [2]; got %s", f->op->name, dp__describe(k));
}

static dp_status split_infer(dp_infer *f) { return key_check(f); }

static dp_status fold_infer(dp_infer *f) {
    if (key_check(f)) return DP_EINVAL;
    if (f->in[1]->dtype == DP_I64 && dp_count(f->in[1]) == 1) return DP_OK;
    return dp_fail(DP_EINVAL, "fold: the number is i64 []; got %s", dp__describe(f->in[1]));
}

static bool split_sample(int n, dp_tensor **in, void *attr) {
    if (n) return false;
    ((key_attr *)attr)->name = 7;
    in[0] = dp_key(3);
    return true;
}

static bool fold_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    in[0] = dp_key(3);
    in[1] = dp_int(n);
    return n < 2;
}

static const dp_op_field split_fields[] = {{"name", DP_FIELD_U64, offsetof(key_attr, name)}, {0}};

const dp_op dp_op_split = {
    DP_OP("split", DP_KERNEL, 1),
    .attr_size = sizeof(key_attr),
    .fields = split_fields,
    .infer = split_infer,
    .run = split_run,
    .sample = split_sample,
};

const dp_op dp_op_fold = {
    DP_OP("fold", DP_KERNEL, 2),
    .infer = fold_infer,
    .run = fold_run,
    .sample = fold_sample,
};

/* ---- uniform: element i is 24 (f32) or 53 (f64) bits of Philox block i/4 or i/2, in [0, 1) ----
 */

typedef struct uniform_attr {
    dp_shape shape;
    int64_t dtype;
} uniform_attr;

static void uniform_block(const int64_t *key, uint64_t block, uint32_t out[4]) {
    uint32_t k[2] = {(uint32_t)key[0], (uint32_t)((uint64_t)key[0] >> 32)};
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)key[1],
                           (uint32_t)((uint64_t)key[1] >> 32)};
    dp__philox(counter, k, out);
}

static void uniform_tile(const dp_tile *t) {
    uint32_t bits[4];
    const int64_t *key = t->in[0];
    bool f32 = t->dtype == DP_F32;
    uint64_t per = f32 ? 4 : 2, known = UINT64_MAX;
    for (size_t i = 0; i < t->n; i++) {
        uint64_t at = t->first + i;
        if (at / per != known) uniform_block(key, known = at / per, bits);
        if (f32) {
            ((float *)t->out)[i] = (float)(bits[at % 4] >> 8) * 0x1p-24f;
        } else {
            uint64_t u = (uint64_t)bits[at % 2 * 2] | (uint64_t)bits[at % 2 * 2 + 1] << 32;
            ((double *)t->out)[i] = (double)(u >> 11) * 0x1p-53;
        }
    }
}

static dp_status uniform_infer(dp_infer *f) {
    const uniform_attr *a = f->attr;
    if (key_check(f)) return DP_EINVAL;
    if (!dp__is_float((dp_dtype)a->dtype))
        return dp_fail(DP_EINVAL, "uniform: dtype %s", dp_dtype_name((dp_dtype)a->dtype));
    f->dtype = (dp_dtype)a->dtype;
    f->shape = a->shape;
    return DP_OK;
}

static bool uniform_sample(int n, dp_tensor **in, void *attr) {
    uniform_attr *a = attr;
    a->dtype = n == 1 ? DP_F32 : DP_F64;
    a->shape = n == 2 ? DP_SHAPE(0) : DP_SHAPE(3, 1001);
    in[0] = dp_key((uint64_t)n);
    return n < 3;
}

static const dp_op_field uniform_fields[] = {
    {"shape", DP_FIELD_SHAPE, offsetof(uniform_attr, shape)},
    {"dtype", DP_FIELD_DTYPE, offsetof(uniform_attr, dtype)},
    {0}};

const dp_op dp_op_uniform = {
    DP_OP("uniform", DP_POINTWISE, 1),
    .whole = 1,
    .attr_size = sizeof(uniform_attr),
    .fields = uniform_fields,
    .infer = uniform_infer,
    .tile = uniform_tile,
    .sample = uniform_sample,
};

/* ---- public ---- */

dp_tensor *dp_key(uint64_t seed) {
    int64_t key[2] = {(int64_t)seed, 0};
    return dp_from(DP_I64, DP_SHAPE(2), key);
}

dp_tensor *dp_split(dp_tensor *key, const char *name) {
    if (!dp__check(key, "split")) return NULL;
    key_attr a = {dp__hash(name ? name : "", name ? strlen(name) : 0, 0)};
    return dp_apply(&dp_op_split, &key, 1, &a);
}

dp_tensor *dp_fold(dp_tensor *key, dp_tensor *number) {
    dp_tensor *in[2] = {key, number};
    return dp_apply(&dp_op_fold, in, 2, NULL);
}

dp_tensor *dp_uniform(dp_tensor *key, dp_dtype dtype, dp_shape shape) {
    if (!dp__check(key, "uniform")) return NULL;
    uniform_attr a;
    memset(&a, 0, sizeof a);
    a.shape.rank = shape.rank;
    a.dtype = dtype;
    for (int i = 0; i < shape.rank && i < DP_MAX_RANK; i++) a.shape.dim[i] = shape.dim[i];
    return dp_apply(&dp_op_uniform, &key, 1, &a);
}

/* Box-Muller: sqrt(-2 ln(1 - u)) cos(2 pi v), u and v from two child keys */
dp_tensor *dp_normal(dp_tensor *key, dp_dtype dtype, dp_shape shape) {
    dp_tensor *u = dp_uniform(dp_split(key, "radius"), dtype, shape);
    dp_tensor *v = dp_uniform(dp_split(key, "angle"), dtype, shape);
    dp_tensor *r = dp_sqrt(dp_muls(dp_log1p(dp_neg(u)), -2));
    return dp_mul(r, dp_cos(dp_muls(v, 6.283185307179586)));
}

dp_tensor *dp_dropout(dp_tensor *x, double p, dp_tensor *key) {
    if (!dp__check(x, "dropout")) return NULL;
    if (!(p >= 0 && p <= 1)) {
        dp_fail(DP_EINVAL, "dropout: p = %s; allowed 0 to 1", dp__format_double(p, (char[32]){0}));
        return NULL;
    }
    if (p == 0) return x;
    dp_fenv env;
    dp__fenv_enter(&env);
    double scale = p < 1 ? 1 / (1 - p) : 1;
    dp__fenv_leave(&env);
    dp_dtype t = x->dtype == DP_F64 ? DP_F64 : DP_F32;
    dp_tensor *keep = dp_greater_equal(dp_uniform(key, t, dp_shape_at(x)), dp_scalar_of(t, p));
    return dp_where(keep, p < 1 ? dp_muls(x, scale) : x, dp_scalar_of(t, 0));
}
