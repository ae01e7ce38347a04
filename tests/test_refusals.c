/* test_refusals.c: what the operations refuse, with their messages; and that whatever they accept
 * can be computed: random ops on random inputs either fail cleanly or run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opcheck.h"
#include "testdata.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- the inputs that the table below uses, by letter ---- */

static struct inputs {
    dp_tensor *v3, *v5, *m23, *m34, *m44, *i3, *k2, *u3, *s, *spent, *pending, *stored, *freed,
        *var, *of;
} in;

static void nothing(void *context, const dp_array *x) { (void)context, (void)x; }

static void make_inputs(void) {
    in.v3 = dp_ones(DP_F32, DP_SHAPE(3)), in.v5 = dp_ones(DP_F32, DP_SHAPE(5));
    in.m23 = dp_ones(DP_F32, DP_SHAPE(2, 3)), in.m34 = dp_ones(DP_F64, DP_SHAPE(3, 4));
    in.m44 = dp_ones(DP_F32, DP_SHAPE(4, 4));
    in.i3 = dp_zeros(DP_I64, DP_SHAPE(3)), in.k2 = dp_key(1), in.u3 = dp_ones(DP_U8, DP_SHAPE(3));
    in.s = dp_scalar_of(DP_F32, 2), in.stored = dp_scalar_of(DP_F32, 3);
    in.spent = dp_name(dp_exp(in.v3), "h");
    in.of = dp_sum_all(in.spent);
    in.pending = dp_exp(in.v3);
    in.var = dp_variable(dp_name(dp_ones(DP_F32, DP_SHAPE(3)), "one"));
    dp_name(in.var, "w");
    assert_int_equal(dp_eval(in.of), 0);
    in.freed = dp_ones(DP_F32, DP_SHAPE(1));
    dp_free(in.freed); /* the last one: the next node takes its place */
    assert_false(dp_failed());
}

/* ---- each refusal: the call, its status and its message, word for word ---- */

#define REFUSAL(name, call) \
    static const void *name(void) { return (call); }
#define REFUSED(name, call) \
    static const void *name(void) { return (call) == 0 ? "accepted" : NULL; }

REFUSAL(r_add_shapes, dp_add(in.v3, in.v5))
REFUSAL(r_mul_shapes, dp_mul(in.m23, in.m44))
REFUSAL(r_null, dp_exp(NULL))
REFUSAL(r_null_second, dp_add(in.v3, NULL))
REFUSAL(r_freed, dp_neg(in.freed))
REFUSAL(r_spent, dp_neg(in.spent))
REFUSAL(r_matmul_inner, dp_matmul(in.m23, in.m44))
REFUSAL(r_matmul_rank, dp_matmul(in.v3, in.m34))
REFUSAL(r_linear, dp_linear(in.m23, in.m44, NULL))
REFUSAL(r_sum_axis, dp_sum(in.m23, 2, false))
REFUSAL(r_sum_axis_low, dp_sum(in.m23, -3, false))
REFUSAL(r_max_empty, dp_max(dp_zeros(DP_F32, DP_SHAPE(2, 0)), 1, false))
REFUSAL(r_softmax_axis, dp_softmax(in.v3, 1))
REFUSAL(r_reshape, dp_reshape(in.m23, DP_SHAPE(4)))
REFUSAL(r_reshape_two, dp_reshape(in.m23, DP_SHAPE(-1, -1)))
REFUSAL(r_reshape_rank, dp_reshape(in.s, DP_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)))
REFUSAL(r_permute, dp_permute(in.m23, 2, (const int[]){0, 0}))
REFUSAL(r_permute_rank, dp_permute(in.m23, 1, (const int[]){0}))
REFUSAL(r_permute_null, dp_permute(in.m23, 2, NULL))
REFUSAL(r_broadcast, dp_broadcast(in.v3, DP_SHAPE(4)))
REFUSAL(r_sum_to, dp_sum_to(in.m23, DP_SHAPE(2)))
REFUSAL(r_squeeze, dp_squeeze(in.m23, 0))
REFUSAL(r_expand, dp_expand_dims(in.v3, 3))
REFUSAL(r_slice_step, dp_slice(in.v3, 0, 0, 3, 0))
REFUSAL(r_slice_axis, dp_slice(in.v3, 1, 0, 3, 1))
REFUSAL(r_pad, dp_pad(in.v3, 0, -1, 0))
REFUSAL(r_pad_huge, dp_pad(in.v3, 0, INT64_MAX, 1))
REFUSAL(r_concat_none, dp_concat(NULL, 0, 0))
REFUSAL(r_concat, dp_concat((dp_tensor *const[]){in.m23, in.m44}, 2, 0))
REFUSAL(r_put, dp_put(in.v3, 0, 1, in.v3))
REFUSAL(r_cast, dp_cast(in.v3, (dp_dtype)9))
REFUSAL(r_gather, dp_gather(in.v3, 1, in.i3))
REFUSAL(r_pick, dp_pick(in.m23, in.m23))
REFUSAL(r_pick_class, dp_pick(in.m23, dp_from(DP_I64, DP_SHAPE(2), (int64_t[]){1, 3})))
REFUSAL(r_scatter, dp_scatter_add(in.m23, 0, in.i3, in.m23))
REFUSAL(r_dropout, dp_dropout(in.v3, 1.5, in.k2))
REFUSAL(r_uniform_dtype, dp_uniform(in.k2, DP_I64, DP_SHAPE(2)))
REFUSAL(r_uniform_key, dp_uniform(in.i3, DP_F32, DP_SHAPE(2)))
REFUSAL(r_from_dim, dp_zeros(DP_F32, DP_SHAPE(2, -1)))
REFUSAL(r_from_dtype, dp_zeros((dp_dtype)7, DP_SHAPE(2)))
REFUSAL(r_from_huge, dp_zeros(DP_F64, DP_SHAPE(INT64_C(1) << 40, INT64_C(1) << 40)))
REFUSAL(r_from_null, dp_from(DP_F32, DP_SHAPE(2), NULL))
REFUSAL(r_wrap_null, dp_wrap(DP_F32, DP_SHAPE(2), NULL, NULL, NULL))
REFUSAL(r_where, dp_where(in.u3, in.v5, in.v3))
REFUSAL(r_assign_shape, dp_assign(in.var, in.v5))
REFUSAL(r_assign_constant, dp_assign(in.v3, in.v3))
REFUSAL(r_callback_null, dp_callback(in.v3, NULL, NULL))
REFUSAL(r_grad_vector, dp_grad(in.pending, in.v3))
REFUSAL(r_grad_no_path, dp_grad(dp_sum_all(in.pending), in.v5))
REFUSAL(r_grad_spent, dp_grad(in.spent, in.v3))
REFUSAL(r_grad_computed, dp_grad(in.of, in.v3))
REFUSAL(r_grad_integers, dp_grad(dp_sum_all(in.i3), in.i3))
REFUSED(r_vjp_cotangent, dp_vjp(in.pending, in.v5, &in.v3, 1, (dp_tensor *[1]){NULL}))
REFUSED(r_vjp_null, dp_vjp(in.pending, in.v3, NULL, 1, NULL))
REFUSAL(r_jvp_tangent, dp_jvp(in.pending, &in.v3, &in.v5, 1))
REFUSAL(r_hvp, dp_hvp(in.pending, in.v3, in.v3))
REFUSED(r_eval_null, dp_eval_n((dp_tensor *const[]){in.pending, NULL}, 2))
REFUSED(r_eval_list, dp_eval_n(NULL, 1))
REFUSAL(r_prepare_list, dp_prepare_n(NULL, 1))
REFUSAL(r_graph_list, dp_graph_text(NULL, 1))
REFUSAL(r_plan_list, dp_plan_text(NULL, 1))
REFUSED(r_bytes_list, dp_plan_bytes(NULL, 1) >= 0 ? 0 : 1)
REFUSED(r_eval_spent, dp_eval(in.spent))
REFUSED(r_item, isnan(dp_item(in.v3)))
REFUSED(r_read_room, dp_read(in.v3, (float[2]){0}, 8))
REFUSAL(r_map_spent, dp_map(in.spent))
REFUSED(r_write_pending, dp_write(in.pending, (float[3]){0}, 12))
REFUSED(r_write_size, dp_write(in.v3, (float[3]){0}, 8))
REFUSAL(r_apply_count, dp_apply(dp_op_find("add"), &in.v3, 1, NULL))
REFUSAL(r_apply_shapes, dp_apply(dp_op_find("add"), (dp_tensor *const[]){in.v3, in.v5}, 2, NULL))
REFUSAL(r_apply_dtypes, dp_apply(dp_op_find("less"), (dp_tensor *const[]){in.v3, in.i3}, 2, NULL))
REFUSAL(r_apply_float, dp_apply(dp_op_find("exp"), &in.i3, 1, NULL))
REFUSAL(r_apply_bytes, dp_apply(dp_op_find("neg"), &in.u3, 1, NULL))
REFUSAL(r_apply_sum, dp_apply(dp_op_find("sum"), &in.u3, 1, NULL))
REFUSAL(r_input, dp_input(in.pending, 1))
REFUSED(r_dim, dp_dim(in.v3, 1) >= 0 ? 0 : 1)
REFUSAL(r_apply_callback, dp_apply(dp_op_find("callback"), &in.v3, 1, NULL))
REFUSAL(r_show_file, (dp_show(in.v3, NULL), (void *)0))
REFUSAL(r_fold_null, dp_fold(NULL, NULL))
REFUSAL(r_name_null, dp_name(in.v3, NULL))
REFUSED(r_register, dp_op_register(NULL))
static const dp_op hollow = {.size = sizeof(dp_op),
                             .version = DP_OP_VERSION,
                             .name = "hollow",
                             .kind = DP_KERNEL,
                             .n_in = 1};
REFUSED(r_register_hollow, dp_op_register(&hollow))
REFUSAL(r_apply_hollow, dp_apply(&hollow, &in.v3, 1, NULL))
REFUSAL(r_apply_null, dp_apply(NULL, &in.v3, 1, NULL))
REFUSAL(r_apply_list, dp_apply(dp_op_find("neg"), NULL, 1, NULL))
REFUSAL(r_apply_attr, dp_apply(dp_op_find("broadcast"), &in.v3, 1, NULL))
REFUSAL(r_shape_null, dp_zeros(DP_F32, dp_shape_of(2, NULL)))

static const struct refusal {
    const void *(*call)(void);
    dp_status status;
    const char *message;
} refusals[] = {
    {r_add_shapes, DP_EINVAL, "add: shapes do not broadcast: [3] and [5]"},
    {r_mul_shapes, DP_EINVAL, "mul: shapes do not broadcast: [2,3] and [4,4]"},
    {r_null, DP_EINVAL, "exp: the tensor is NULL"},
    {r_null_second, DP_EINVAL, "add: the tensor is NULL"},
    {r_freed, DP_EINVAL, "neg: not a live tensor (freed, its scope ended, or of another type)"},
    {r_spent, DP_ESPENT,
     "neg: input 0 (h f32 [3]) is spent: an eval used it up; make it a root of that eval or "
     "dp_keep it"},
    {r_matmul_inner, DP_EINVAL, "matmul: inner sizes differ: [2,3] x [4,4]"},
    {r_matmul_rank, DP_EINVAL, "matmul: rank below 2: [3] x [3,4]"},
    {r_linear, DP_EINVAL, "linear: input [2,3]; weight [4,4] takes [...,4]"},
    {r_sum_axis, DP_EINVAL, "sum: axis 2 of constant f32 [2,3]; allowed -2 to 1"},
    {r_sum_axis_low, DP_EINVAL, "sum: axis -3 of constant f32 [2,3]; allowed -2 to 1"},
    {r_max_empty, DP_EINVAL, "max: axis 1 of constant f32 [2,0] is empty"},
    {r_softmax_axis, DP_EINVAL, "softmax: axis 1 of constant f32 [3]; allowed -1 to 0"},
    {r_reshape, DP_EINVAL, "reshape: constant f32 [2,3] has 6 elements, [4] has 4"},
    {r_reshape_two, DP_EINVAL, "reshape: constant f32 [2,3] does not fit into [-1,-1]"},
    {r_reshape_rank, DP_EINVAL, "reshape: rank 9; allowed 0 to 8"},
    {r_permute, DP_EINVAL, "permute: [0,0] is no order of the axes of constant f32 [2,3]"},
    {r_permute_rank, DP_EINVAL, "permute: [0] is no order of the axes of constant f32 [2,3]"},
    {r_permute_null, DP_EINVAL, "permute: axes is NULL"},
    {r_broadcast, DP_EINVAL, "broadcast: constant f32 [3] to [4]"},
    {r_sum_to, DP_EINVAL, "sum_to: constant f32 [2,3] to [2]"},
    {r_squeeze, DP_EINVAL, "squeeze: axis 0 of constant f32 [2,3] is not 1"},
    {r_expand, DP_EINVAL, "expand_dims: axis 3 of constant f32 [3]"},
    {r_slice_step, DP_EINVAL, "slice: step 0"},
    {r_slice_axis, DP_EINVAL, "slice: axis 1 of constant f32 [3]; allowed -1 to 0"},
    {r_pad, DP_EINVAL, "pad: -1 and 0 around axis 0 of constant f32 [3]"},
    {r_pad_huge, DP_EINVAL, "pad: 9223372036854775807 and 1 around axis 0 of constant f32 [3]"},
    {r_concat_none, DP_EINVAL, "concat: no parts"},
    {r_concat, DP_EINVAL,
     "concat: part 1 (constant f32 [4,4]) does not fit constant f32 [2,3] along axis 0"},
    {r_put, DP_EINVAL, "put: constant f32 [3] at 1 of axis 0 of constant f32 [3]"},
    {r_cast, DP_EINVAL, "cast: dtype 9; known: f32, f64, i64, u8"},
    {r_gather, DP_EINVAL, "gather: axis 1 of constant f32 [3]; allowed -1 to 0"},
    {r_pick, DP_EINVAL, "pick: constant f32 [2,3] by constant f32 [2,3]"},
    {r_pick_class, DP_EINVAL, "pick: index 1 is 3; allowed 0 to 2"},
    {r_scatter, DP_EINVAL, "reshape: constant f32 [2,3] has 6 elements, [3,3] has 9"},
    {r_dropout, DP_EINVAL, "dropout: p = 1.5; allowed 0 to 1"},
    {r_uniform_dtype, DP_EINVAL, "uniform: dtype i64"},
    {r_uniform_key, DP_EINVAL, "uniform: a key is i64 [2]; got constant i64 [3]"},
    {r_from_dim, DP_EINVAL, "tensor: dim 1 is -1"},
    {r_from_dtype, DP_EINVAL, "tensor: dtype 7; known: f32, f64, i64, u8"},
    {r_from_huge, DP_ENOMEM, "tensor: f64 [1099511627776,1099511627776] does not fit in memory"},
    {r_from_null, DP_EINVAL, "dp_from: data is NULL for [2]"},
    {r_wrap_null, DP_EINVAL, "dp_wrap: data is NULL"},
    {r_where, DP_EINVAL, "where: shapes do not broadcast: [5] and [3]"},
    {r_assign_shape, DP_EINVAL, "assign: constant f32 [5] to the variable w f32 [3]"},
    {r_assign_constant, DP_EINVAL, "assign: constant f32 [3] is not a variable"},
    {r_callback_null, DP_EINVAL, "callback: the function is NULL"},
    {r_grad_vector, DP_EINVAL,
     "dp_grad: exp f32 [3] has 3 elements; a cotangent is needed unless there is one"},
    {r_grad_no_path, DP_EINVAL, "dp_grad: reshape f32 [] does not depend on constant f32 [5]"},
    {r_grad_spent, DP_EINVAL,
     "dp_grad: h f32 [3] has 3 elements; a cotangent is needed unless there is one"},
    {r_grad_computed, DP_EINVAL,
     "dp_grad: constant f32 [] does not depend on constant f32 [3] (it is computed already: take "
     "gradients before the eval)"},
    {r_grad_integers, DP_EINVAL, "dp_grad: reshape i64 [] is not of floats"},
    {r_vjp_cotangent, DP_EINVAL,
     "dp_vjp: the cotangent is constant f32 [5], the value exp f32 [3]"},
    {r_vjp_null, DP_EINVAL, "dp_vjp: a list is NULL"},
    {r_jvp_tangent, DP_EINVAL,
     "dp_jvp: the tangent is constant f32 [5], the value constant f32 [3]"},
    {r_hvp, DP_EINVAL,
     "dp_grad: exp f32 [3] has 3 elements; a cotangent is needed unless there is one"},
    {r_eval_null, DP_EINVAL, "dp_eval: the tensor is NULL"},
    {r_eval_list, DP_EINVAL, "dp_eval: the list of roots is NULL"},
    {r_prepare_list, DP_EINVAL, "dp_prepare: the list of roots is NULL"},
    {r_graph_list, DP_EINVAL, "dp_graph_text: the list of roots is NULL"},
    {r_plan_list, DP_EINVAL, "dp_plan_text: the list of roots is NULL"},
    {r_bytes_list, DP_EINVAL, "dp_plan_bytes: the list of roots is NULL"},
    {r_eval_spent, DP_ESPENT,
     "dp_eval: h f32 [3] is spent: an eval used it up; make it a root of that eval or dp_keep it"},
    {r_item, DP_EINVAL, "dp_item: constant f32 [3] has 3 elements; expected 1"},
    {r_read_room, DP_EINVAL, "dp_read: room for 8 bytes; constant f32 [3] has 12"},
    {r_map_spent, DP_ESPENT,
     "dp_map: h f32 [3] is spent: an eval used it up; make it a root of that eval or dp_keep it"},
    {r_write_pending, DP_EINVAL, "dp_write: exp f32 [3] is not stored"},
    {r_write_size, DP_EINVAL, "dp_write: 8 bytes; constant f32 [3] has 12"},
    {r_apply_count, DP_EINVAL, "add: 1 inputs; expected 2"},
    {r_apply_shapes, DP_EINVAL, "add: constant f32 [3] and constant f32 [5] differ"},
    {r_apply_dtypes, DP_EINVAL, "less: constant f32 [3] and constant i64 [3] differ"},
    {r_apply_float, DP_EINVAL, "exp: constant i64 [3]; expected floats"},
    {r_apply_bytes, DP_EINVAL, "neg: no arithmetic for u8"},
    {r_apply_sum, DP_EINVAL, "sum: constant u8 [3]; expected an axis, and no bytes"},
    {r_input, DP_EINVAL, "dp_input: input 1 of exp f32 [3], which has 1"},
    {r_dim, DP_EINVAL, "dp_dim: axis 1 of constant f32 [3]"},
    {r_apply_callback, DP_EINVAL, "callback: the function is NULL"},
    {r_show_file, DP_EINVAL, "dp_show: the file is NULL"},
    {r_fold_null, DP_EINVAL, "fold: the tensor is NULL"},
    {r_name_null, DP_EINVAL, "dp_name: the name is NULL"},
    {r_register, DP_EINVAL, "dp_op_register: not a descriptor of this version"},
    {r_register_hollow, DP_EINVAL, "dp_op_register: hollow has no function of its kind"},
    {r_apply_hollow, DP_EINVAL, "dp_apply: the op hollow has no function of its kind"},
    {r_apply_null, DP_EINVAL, "dp_apply: the op is NULL"},
    {r_apply_list, DP_EINVAL, "dp_apply: the list of inputs is NULL"},
    {r_apply_attr, DP_EINVAL, "broadcast: constant f32 [3] to []"},
    {r_shape_null, DP_EINVAL, "tensor: dim 0 is -1"},
};

static void test_messages(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < N(refusals); i++) {
        dp_scope *s = dp_scope_begin();
        make_inputs();
        const void *got = refusals[i].call();
        if (got) print_error("refusal %zu was accepted: %s\n", i, refusals[i].message);
        if (got || dp_error_status() != refusals[i].status ||
            strcmp(dp_error(), refusals[i].message)) {
            print_error("refusal %zu says %d \"%s\"\n  expected %d \"%s\"\n", i,
                        (int)dp_error_status(), dp_error(), (int)refusals[i].status,
                        refusals[i].message);
            wrong++;
        }
        dp_clear();
        dp_free(in.var);
        dp_scope_end(s);
    }
    assert_int_equal(wrong, 0);
}

/* NULL goes through a whole chain and the first error stays. */
static void test_chain(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    make_inputs();
    dp_tensor *y = dp_add(in.v3, in.v5), *g;
    y = dp_sum_all(dp_matmul(dp_softmax(dp_reshape(dp_exp(y), DP_SHAPE(1, -1)), -1), in.m34));
    y = dp_where(y, dp_cast(y, DP_F64), dp_norm(dp_pad(dp_slice(y, 0, 0, 1, 1), 0, 1, 1)));
    y = dp_concat((dp_tensor *const[]){dp_gather(y, 0, y), dp_pick(y, y), dp_put(y, 0, 0, y)}, 3,
                  0);
    y = dp_linear(dp_max(dp_mean(dp_permute(y, 0, NULL), 0, true), 0, true), dp_transpose(y, 0, 1),
                  y);
    y = dp_dropout(dp_normal(dp_fold(dp_split(y, "a"), y), DP_F32, DP_SHAPE(1)), 0.5, y);
    y = dp_hvp(dp_detach(dp_name(dp_keep(dp_flatten(dp_one_hot(y, 3, DP_F32), 0)), "x")), y, y);
    assert_null(dp_variable(y));
    assert_null(dp_assign(y, y));
    assert_null(dp_callback(y, nothing, NULL));
    assert_true(dp_vjp(y, y, &y, 1, &g) < 0 && !g);
    assert_true(dp_eval(y) < 0);
    assert_true(isnan(dp_item(y)));
    assert_null(dp_map(y));
    assert_string_equal(dp_error(), "add: shapes do not broadcast: [3] and [5]");
    dp_clear();
    dp_free(in.var);
    dp_scope_end(s);
}

/* ---- whatever is accepted can be computed ---- */

static uint64_t fuzz_state = 1;
static uint64_t fuzz(uint64_t n) {
    fuzz_state = dp__hash(&fuzz_state, sizeof fuzz_state, 9);
    return (fuzz_state >> 16) % n;
}

static int64_t fuzz_number(void) {
    static const int64_t hostile[] = {INT64_MIN, INT64_MAX, -1, 9, INT64_C(1) << 40, -INT64_MAX};
    return fuzz(6) ? (int64_t)fuzz(6) - 1 : hostile[fuzz(N(hostile))];
}

static dp_shape fuzz_shape(bool hostile) {
    dp_shape s = {.rank = (int)fuzz(4)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = hostile ? fuzz_number() : (int64_t)fuzz(4);
    if (hostile && fuzz(20) == 0) s.rank = (int)fuzz(20) - 5;
    return s;
}

static dp_tensor *fuzz_input(dp_tensor *const *made, size_t n) {
    if (n && fuzz(2)) return made[fuzz(n)];
    dp_tensor *t = dp_full((dp_dtype)fuzz(DP_N_DTYPES), fuzz_shape(false), (double)fuzz(5) - 1);
    return fuzz(3) ? t : dp_cast(dp_neg(dp_cast(t, DP_F64)), dp_dtype_of(t));
}

/* Attributes of the right types and any values. */
static void fuzz_attr(const dp_op *op, double *attr) {
    memset(attr, 0, DP_ATTR_INLINE);
    for (const dp_op_field *f = op->fields; f && f->name; f++) {
        char *at = (char *)attr + f->offset;
        dp_shape s = fuzz_shape(true);
        int64_t number = fuzz_number();
        if (f->type == DP_FIELD_SHAPE)
            memcpy(at, &s, sizeof s);
        else if (f->type == DP_FIELD_DTYPE)
            *(int64_t *)(void *)at = (int64_t)fuzz(5);
        else if (f->type != DP_FIELD_POINTER)
            *(int64_t *)(void *)at = number;
    }
}

static dp_tensor *fuzz_node(dp_tensor *const *made, size_t n) {
    size_t count = 0;
    while (dp_op_at(count)) count++;
    const dp_op *op = dp_op_at(fuzz(count));
    double attr[DP_ATTR_INLINE / 8];
    dp_tensor *x[DP_MAX_IN];
    if (op->kind == DP_EFFECT) return NULL;
    int n_in = op->n_in < 0 ? 1 + (int)fuzz(DP_MAX_IN) : op->n_in;
    for (int i = 0; i < n_in; i++) x[i] = i && fuzz(2) ? x[0] : fuzz_input(made, n);
    fuzz_attr(op, attr);
    dp_tensor *y = dp_apply(op, x, n_in, attr);
    if (!y && !dp_failed()) fail_msg("%s failed without an error", op->name);
    if (y && dp_failed()) fail_msg("%s made a node and an error: %s", op->name, dp_error());
    dp_clear();
    return y && dp_count(y) <= 4096 ? y : NULL;
}

static void test_fuzz(void **state) {
    (void)state;
    size_t accepted = 0;
    long rounds = test_amount(20000, 4000);
    for (long r = 0; r < rounds; r++) {
        dp_tensor *made[12];
        size_t n = 0;
        dp_scope *s = dp_scope_begin();
        for (int k = 0; k < 30 && n < 12; k++) {
            dp_tensor *y = fuzz_node(made, n);
            if (y) made[n++] = y;
        }
        accepted += n;
        dp_engine_executor(r & 1 ? DP_NAIVE : DP_PLANNED);
        if (n && dp_eval_n(made, n)) fail_msg("round %ld: %s", r, dp_error());
        dp_scope_end(s);
    }
    dp_engine_executor(DP_PLANNED);
    assert_true(accepted > (size_t)rounds);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages),
                                       cmocka_unit_test(test_chain), cmocka_unit_test(test_fuzz)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed | dp_end();
}
