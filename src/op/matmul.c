/* [m,k] x [k,n] -> [m,n], or a batch of them; the order of law 1. */
#include <string.h>
#include "op.h"

/* The b-th product of a batch (or the only one) as a kernel call. */
static dp_gemm matmul_product(const dp_run *r, size_t b) {
    int at = r->out.shape.rank - 2;
    size_t size = dp_dtype_size(r->out.dtype);
    const dp_array *x = &r->in[0], *w = &r->in[1];
    dp_gemm g = {
        .m = (size_t)x->shape.dim[at],
        .k = (size_t)x->shape.dim[at + 1],
        .n = (size_t)w->shape.dim[at + 1],
        .a_row = (ptrdiff_t)x->stride[at],
        .a_col = (ptrdiff_t)x->stride[at + 1],
        .b_row = (ptrdiff_t)w->stride[at],
        .b_col = (ptrdiff_t)w->stride[at + 1],
        .whole_rows = r->whole_rows,
        .epilogue = r->epilogue,
        .context = r->context,
    };
    g.c_row = (ptrdiff_t)g.n;
    ptrdiff_t batch = (ptrdiff_t)b;
    g.a = (const char *)x->data + (at ? batch * (ptrdiff_t)x->stride[0] * (ptrdiff_t)size : 0);
    g.b = (const char *)w->data + (at ? batch * (ptrdiff_t)w->stride[0] * (ptrdiff_t)size : 0);
    g.c = (char *)r->out.data + b * g.m * g.n * size;
    return g;
}

static size_t matmul_batch(const dp_run *r) {
    return r->out.shape.rank == 3 ? (size_t)r->out.shape.dim[0] : 1;
}

/* Rows of product b are rows b*m... of the output seen as [batch*m, n]. */
typedef struct matmul_shift {
    const dp_run *r;
    size_t rows;
} matmul_shift;

static void matmul_epilogue(void *context, size_t i0, size_t i1, size_t j0, size_t j1) {
    const matmul_shift *s = context;
    s->r->epilogue(s->r->context, s->rows + i0, s->rows + i1, j0, j1);
}

static void matmul_part(const dp_run *r, size_t b, size_t part, size_t parts) {
    dp_gemm g = matmul_product(r, b);
    matmul_shift shift = {r, b * g.m};
    if (g.epilogue && b) g.epilogue = matmul_epilogue, g.context = &shift;
    if (r->out.dtype == DP_F32)
        dp__k()->f32.gemm(&g, r->scratch, part, parts);
    else
        dp__k()->f64.gemm(&g, r->scratch, part, parts);
}

/* A single product is split by the kernel; of a batch each part computes whole products. */
static void matmul_run(const dp_run *r) {
    size_t batch = matmul_batch(r);
    if (batch == 1) {
        matmul_part(r, 0, r->part, r->parts);
        return;
    }
    size_t from = batch * r->part / r->parts, to = batch * (r->part + 1) / r->parts;
    for (size_t b = from; b < to; b++) matmul_part(r, b, 0, 1);
}

static void matmul_slow(const dp_run *r) {
    for (size_t b = 0; b < matmul_batch(r); b++) {
        dp_gemm g = matmul_product(r, b);
        if (r->out.dtype == DP_F32)
            dp__twin_gemm_f32(&g);
        else
            dp__twin_gemm_f64(&g);
    }
}

static size_t matmul_scratch(const dp_run *r) {
    dp_gemm g = matmul_product(r, 0);
    size_t parts = matmul_batch(r) == 1 ? r->parts : 1;
    return r->out.dtype == DP_F32 ? dp__k()->f32.gemm_scratch(&g, parts)
                                  : dp__k()->f64.gemm_scratch(&g, parts);
}

static size_t matmul_cost(const dp_run *r) {
    dp_gemm g = matmul_product(r, 0);
    return matmul_batch(r) * g.m * g.n * g.k;
}

static dp_tensor *matmul_turned(dp_tensor *x) { return dp_transpose(x, -1, -2); }

/* d(AB) = dA B + A dB; with cotangent C: C B^T and A^T C. For an operand that is a transposed view
 * the same sums are written as (B C^T)^T and (C^T A)^T, so that the two transpositions cancel. */
static dp_tensor *matmul_transpose(dp_tensor *y, int i, dp_tensor *ct) {
    dp_tensor *a = dp_input(y, 0), *b = dp_input(y, 1);
    if (dp_input(y, i)->op == &dp_op_permute)
        return matmul_turned(i == 0 ? dp_matmul(b, matmul_turned(ct))
                                    : dp_matmul(matmul_turned(ct), a));
    return i == 0 ? dp_matmul(ct, matmul_turned(b)) : dp_matmul(matmul_turned(a), ct);
}

static dp_status matmul_infer(dp_infer *f) {
    const dp_tensor *a = f->in[0], *b = f->in[1];
    bool legal = a->rank == b->rank && (a->rank == 2 || (a->rank == 3 && a->dim[0] == b->dim[0]));
    if (!legal || a->dim[a->rank - 1] != b->dim[b->rank - 2])
        return dp_fail(DP_EINVAL, "matmul: inner sizes differ: %s x %s",
                       dp__shape_text(a->rank, a->dim), dp__shape_text(b->rank, b->dim));
    if (a->dtype != b->dtype || !dp__is_float((dp_dtype)a->dtype))
        return dp_fail(DP_EINVAL, "matmul: %s x %s; expected floats of one dtype", dp__describe(a),
                       dp__describe(b));
    f->shape.dim[a->rank - 1] = b->dim[b->rank - 1];
    return DP_OK;
}

static bool matmul_sample(int n, dp_tensor **in, void *attr) {
    static const dp_shape a[] = {{2, {3, 5}}, {2, {1, 4}},    {3, {2, 3, 4}},
                                 {2, {2, 0}}, {2, {17, 600}}, {2, {0, 3}}};
    static const dp_shape b[] = {{2, {5, 4}}, {2, {4, 1}},    {3, {2, 4, 5}},
                                 {2, {0, 3}}, {2, {600, 33}}, {2, {3, 2}}};
    (void)attr;
    if (n >= 7) return false;
    in[0] = dp__sample_numbers(a[n % 6], -1, 1, 1);
    in[1] = dp__sample_numbers(b[n % 6], -1, 1, 2);
    if (n == 6) {
        in[0] = dp_transpose(dp__sample_numbers((dp_shape){2, {6, 4}}, -1, 1, 3), 0, 1);
        in[1] = dp_transpose(dp__sample_numbers((dp_shape){2, {5, 6}}, -1, 1, 4), 0, 1);
    }
    return true;
}

const dp_op dp_op_matmul = {
    DP_OP("matmul", DP_KERNEL, 2),
    .linear = 3,
    .strided = 3,
    .epilogue = true,
    .infer = matmul_infer,
    .transpose = matmul_transpose,
    .run = matmul_run,
    .slow = matmul_slow,
    .scratch = matmul_scratch,
    .cost = matmul_cost,
    .sample = matmul_sample,
};

/* ---- public: leading axes broadcast and become one batch axis ---- */

static dp_tensor *matmul_rank3(dp_tensor *x, const dp_shape *lead) {
    dp_shape s = *lead;
    s.rank = lead->rank + 2;
    if (!x || s.rank > DP_MAX_RANK) return NULL;
    s.dim[s.rank - 2] = x->dim[x->rank - 2];
    s.dim[s.rank - 1] = x->dim[x->rank - 1];
    dp_shape flat = {
        3, {dp__shape_count(lead->rank, lead->dim, NULL), s.dim[s.rank - 2], s.dim[s.rank - 1]}};
    return dp_reshape(dp_broadcast(x, s), flat);
}

static dp_tensor *matmul_batched(dp_tensor *a, dp_tensor *b) {
    dp_tensor la = *a, lb = *b; /* their leading axes, for the broadcast rule */
    dp_shape lead;
    la.rank = (uint8_t)(a->rank - 2), lb.rank = (uint8_t)(b->rank - 2);
    if (!dp__broadcast_shape("matmul", &la, &lb, &lead)) return NULL;
    dp_tensor *in[2] = {matmul_rank3(a, &lead), matmul_rank3(b, &lead)};
    dp_tensor *y = in[0] && in[1] ? dp_apply(&dp_op_matmul, in, 2, NULL) : NULL;
    if (!y) return NULL;
    lead.dim[lead.rank++] = y->dim[1];
    lead.dim[lead.rank++] = y->dim[2];
    return dp_reshape(y, lead);
}

dp_tensor *dp_matmul(dp_tensor *a, dp_tensor *b) {
    if (!dp__check(a, "matmul") || !dp__check(b, "matmul")) return NULL;
    if (a->rank < 2 || b->rank < 2 || a->dim[a->rank - 1] != b->dim[b->rank - 2]) {
        dp_fail(DP_EINVAL,
                a->rank < 2 || b->rank < 2 ? "matmul: rank below 2: %s x %s"
                                           : "matmul: inner sizes differ: %s x %s",
                dp__shape_text(a->rank, a->dim), dp__shape_text(b->rank, b->dim));
        return NULL;
    }
    dp_dtype t = dp__promote((dp_dtype)a->dtype, (dp_dtype)b->dtype);
    if (!dp__is_float(t)) t = DP_F32;
    a = dp__as(a, t);
    b = dp__as(b, t);
    if (!a || !b) return NULL;
    dp_tensor *in[2] = {a, b};
    if (a->rank == 2 && b->rank == 2) return dp_apply(&dp_op_matmul, in, 2, NULL);
    if (b->rank > 2) return matmul_batched(a, b);
    dp_shape s = dp_shape_at(a); /* one matrix for all: its rows are rows */
    in[0] = dp_reshape(a, DP_SHAPE(-1, a->dim[a->rank - 1]));
    if (dp_count(a) == 0)
        in[0] = dp_reshape(
            a, DP_SHAPE(dp__shape_count(a->rank - 1, a->dim, NULL), a->dim[a->rank - 1]));
    s.dim[s.rank - 1] = b->dim[1];
    return in[0] ? dp_reshape(dp_apply(&dp_op_matmul, in, 2, NULL), s) : NULL;
}

dp_tensor *dp_linear(dp_tensor *x, dp_tensor *weight, dp_tensor *bias) {
    if (!dp__check(x, "linear") || !dp__check(weight, "linear")) return NULL;
    if (weight->rank != 2 || x->rank < 1 || x->dim[x->rank - 1] != weight->dim[1]) {
        dp_fail(DP_EINVAL, "linear: input %s; weight %s takes [...,%lld]",
                dp__shape_text(x->rank, x->dim), dp__shape_text(weight->rank, weight->dim),
                weight->rank == 2 ? (long long)weight->dim[1] : -1);
        return NULL;
    }
    dp_tensor *rows = x->rank == 1 ? dp_expand_dims(x, 0) : x;
    dp_tensor *y = dp_matmul(rows, dp_transpose(weight, 0, 1));
    if (bias) y = dp_add(y, bias);
    return x->rank == 1 ? dp_squeeze(y, 0) : y;
}
