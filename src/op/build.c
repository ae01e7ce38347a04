/* build.c: how operations check, promote and broadcast before they make a node. */
#include <string.h>
#include "op.h"

bool dp__axis(const char *function, const dp_tensor *x, int *axis) {
    int a = *axis < 0 ? *axis + x->rank : *axis;
    if (a >= 0 && a < x->rank) {
        *axis = a;
        return true;
    }
    dp_fail(DP_EINVAL, "%s: axis %d of %s; allowed %d to %d", function, *axis, dp__describe(x),
            -x->rank, x->rank - 1);
    return false;
}

bool dp__broadcast_shape(const char *function, const dp_tensor *a, const dp_tensor *b,
                         dp_shape *out) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    out->rank = rank;
    for (int i = 1; i <= rank; i++) {
        int64_t da = i <= a->rank ? a->dim[a->rank - i] : 1,
                db = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (da != db && da != 1 && db != 1) {
            dp_fail(DP_EINVAL, "%s: shapes do not broadcast: %s and %s", function,
                    dp__shape_text(a->rank, a->dim), dp__shape_text(b->rank, b->dim));
            return false;
        }
        out->dim[rank - i] = da == 1 ? db : da;
    }
    return true;
}

/* Bytes are masks and pixels: ops without arithmetic of theirs compute them as i64. */
dp_tensor *dp__unary(const dp_op *op, dp_tensor *x) {
    if (!dp__check(x, op->name)) return NULL;
    if (x->weak)
        x = dp__as(x, DP_F32);
    else if (x->dtype == DP_U8 && op->tiles && !op->tiles[DP_ISA_PORTABLE][DP_U8])
        x = dp__as(x, DP_I64);
    return x ? dp_apply(op, &x, 1, NULL) : NULL;
}

dp_tensor *dp__unary_float(const dp_op *op, dp_tensor *x) {
    if (!dp__check(x, op->name)) return NULL;
    if (x->weak || !dp__is_float((dp_dtype)x->dtype)) x = dp__as(x, DP_F32);
    return x ? dp_apply(op, &x, 1, NULL) : NULL;
}

/* A weak scalar takes its partner's dtype; two of them are f32. */
static dp_dtype build_common(const dp_tensor *a, const dp_tensor *b, bool to_float) {
    dp_dtype t = a->weak && b->weak ? DP_F32
                 : a->weak          ? (dp_dtype)b->dtype
                 : b->weak          ? (dp_dtype)a->dtype
                                    : dp__promote((dp_dtype)a->dtype, (dp_dtype)b->dtype);
    return to_float && !dp__is_float(t) ? DP_F32 : t;
}

static dp_tensor *build_binary(const dp_op *op, dp_tensor *a, dp_tensor *b, bool to_float) {
    dp_shape shape;
    if (!dp__check(a, op->name) || !dp__check(b, op->name)) return NULL;
    if (!dp__broadcast_shape(op->name, a, b, &shape)) return NULL;
    dp_dtype t = build_common(a, b, to_float);
    dp_tensor *in[2] = {dp_broadcast(dp__as(a, t), shape), dp_broadcast(dp__as(b, t), shape)};
    return in[0] && in[1] ? dp_apply(op, in, 2, NULL) : NULL;
}

dp_tensor *dp__binary(const dp_op *op, dp_tensor *a, dp_tensor *b) {
    return build_binary(op, a, b, false);
}
dp_tensor *dp__binary_float(const dp_op *op, dp_tensor *a, dp_tensor *b) {
    return build_binary(op, a, b, true);
}

bool dp__index_fits(const char *function, const dp_tensor *index, int64_t n) {
    if (index->state != DP_STORED || index->dtype != DP_I64) return true;
    const int64_t *at = index->buffer->data;
    for (int64_t i = 0, count = dp_count(index); i < count; i++)
        if (at[i] < 0 || at[i] >= n) {
            dp_fail(DP_EINVAL, "%s: index %lld is %lld; allowed 0 to %lld", function, (long long)i,
                    (long long)at[i], (long long)n - 1);
            return false;
        }
    return true;
}

dp_tensor *dp__like(const dp_tensor *x, double value) {
    return x ? dp_scalar_of(x->weak ? DP_F32 : (dp_dtype)x->dtype, value) : NULL;
}

dp_tensor *dp__full_view(dp_dtype dtype, const dp_shape *shape, double value) {
    return dp_broadcast(dp_scalar_of(dtype, value), *shape);
}

dp_tensor *dp__zeros_like(const dp_tensor *x) {
    dp_shape s = dp_shape_at(x);
    return dp__full_view((dp_dtype)x->dtype, &s, 0);
}

static dp_status build_one_dtype(const dp_infer *f) {
    for (int i = 1; i < f->n_in; i++)
        if (f->in[i]->dtype != f->in[0]->dtype)
            return dp_fail(DP_EINVAL, "%s: %s and %s differ", f->op->name, dp__describe(f->in[0]),
                           dp__describe(f->in[i]));
    return DP_OK;
}

dp_status dp__infer_u8(dp_infer *f) {
    f->dtype = DP_U8;
    return build_one_dtype(f);
}

dp_status dp__infer_float(dp_infer *f) {
    if (!dp__is_float(f->dtype))
        return dp_fail(DP_EINVAL, "%s: %s; expected floats", f->op->name, dp__describe(f->in[0]));
    return build_one_dtype(f);
}

bool dp__progression(int64_t begin, int64_t step, int64_t count, int64_t n) {
    int64_t span, last;
    if (count <= 0) return count == 0;
    if (__builtin_mul_overflow(count - 1, step, &span) ||
        __builtin_add_overflow(begin, span, &last))
        return false;
    return begin >= 0 && begin < n && last >= 0 && last < n;
}

/* ---- tiles ---- */

void dp__fill(void *out, const void *element, size_t n, size_t size) {
    unsigned char *o = out;
    if (!n) return;
    memmove(o, element, size);
    for (size_t done = 1; done < n; done *= 2)
        memcpy(o + done * size, o, (done < n - done ? done : n - done) * size);
}

void dp__tile_map(const dp_tile *t, dp_map_f32 *f32, dp_map_f64 *f64) {
    size_t n = t->stride[0] ? t->n : t->n != 0;
    if (t->dtype == DP_F32)
        f32(t->out, t->in[0], n);
    else
        f64(t->out, t->in[0], n);
    if (n < t->n) dp__fill(t->out, t->out, t->n, dp_dtype_size(t->dtype));
}

/* ---- known ops ---- */

enum { BUILD_USER_OPS = 256 };
static const dp_op *build_user[BUILD_USER_OPS];
static size_t build_user_n;

const dp_op *dp_op_at(size_t i) {
    if (i < dp__builtin_ops_n) return dp__builtin_ops[i];
    i -= dp__builtin_ops_n;
    return i < __atomic_load_n(&build_user_n, __ATOMIC_ACQUIRE) ? build_user[i] : NULL;
}

const dp_op *dp_op_find(const char *name) {
    for (size_t i = 0; name && dp_op_at(i); i++)
        if (!strcmp(dp_op_at(i)->name, name)) return dp_op_at(i);
    return NULL;
}

static dp_status build_register(const dp_op *op) {
    const dp_op *known = dp_op_find(op->name);
    if (known)
        return known == op ? DP_OK
                           : dp_fail(DP_EINVAL, "dp_op_register: the name %s is taken", op->name);
    if (build_user_n == BUILD_USER_OPS)
        return dp_fail(DP_ELIMIT, "dp_op_register: more than %d ops", BUILD_USER_OPS);
    build_user[build_user_n] = op;
    __atomic_store_n(&build_user_n, build_user_n + 1, __ATOMIC_RELEASE);
    return DP_OK;
}

dp_status dp_op_register(const dp_op *op) {
    if (!op || op->size != sizeof *op || op->version != DP_OP_VERSION || !op->name)
        return dp_fail(DP_EINVAL, "dp_op_register: not a descriptor of this version");
    if (!dp__op_complete(op))
        return dp_fail(DP_EINVAL, "dp_op_register: %s has no function of its kind", op->name);
    static bool busy; /* one writer at a time; readers need no lock */
    while (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE)) {
    }
    dp_status status = build_register(op);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return status;
}
