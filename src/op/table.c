/* table.c: every built-in op, by name. Made by scripts/ops: do not edit. */
#include "denpan/op.h"

extern const dp_op dp_op_abs;
extern const dp_op dp_op_add;
extern const dp_op dp_op_argmax;
extern const dp_op dp_op_assign;
extern const dp_op dp_op_broadcast;
extern const dp_op dp_op_callback;
extern const dp_op dp_op_cast;
extern const dp_op dp_op_concat;
extern const dp_op dp_op_copy;
extern const dp_op dp_op_cos;
extern const dp_op dp_op_detach;
extern const dp_op dp_op_div;
extern const dp_op dp_op_embed;
extern const dp_op dp_op_equal;
extern const dp_op dp_op_erf;
extern const dp_op dp_op_exp;
extern const dp_op dp_op_expm1;
extern const dp_op dp_op_floor;
extern const dp_op dp_op_flush;
extern const dp_op dp_op_fold;
extern const dp_op dp_op_gather;
extern const dp_op dp_op_is_finite;
extern const dp_op dp_op_less;
extern const dp_op dp_op_less_equal;
extern const dp_op dp_op_log;
extern const dp_op dp_op_log1p;
extern const dp_op dp_op_matmul;
extern const dp_op dp_op_max;
extern const dp_op dp_op_maximum;
extern const dp_op dp_op_minimum;
extern const dp_op dp_op_mul;
extern const dp_op dp_op_neg;
extern const dp_op dp_op_not_equal;
extern const dp_op dp_op_permute;
extern const dp_op dp_op_pow;
extern const dp_op dp_op_put;
extern const dp_op dp_op_relu;
extern const dp_op dp_op_reshape;
extern const dp_op dp_op_round;
extern const dp_op dp_op_scatter_add;
extern const dp_op dp_op_sigmoid;
extern const dp_op dp_op_sign;
extern const dp_op dp_op_sin;
extern const dp_op dp_op_slice;
extern const dp_op dp_op_split;
extern const dp_op dp_op_sqrt;
extern const dp_op dp_op_sub;
extern const dp_op dp_op_sum;
extern const dp_op dp_op_sum_axis;
extern const dp_op dp_op_tanh;
extern const dp_op dp_op_uniform;
extern const dp_op dp_op_where;

extern const dp_op *const dp__builtin_ops[];
extern const size_t dp__builtin_ops_n;

const dp_op *const dp__builtin_ops[] = {
    &dp_op_abs,
    &dp_op_add,
    &dp_op_argmax,
    &dp_op_assign,
    &dp_op_broadcast,
    &dp_op_callback,
    &dp_op_cast,
    &dp_op_concat,
    &dp_op_copy,
    &dp_op_cos,
    &dp_op_detach,
    &dp_op_div,
    &dp_op_embed,
    &dp_op_equal,
    &dp_op_erf,
    &dp_op_exp,
    &dp_op_expm1,
    &dp_op_floor,
    &dp_op_flush,
    &dp_op_fold,
    &dp_op_gather,
    &dp_op_is_finite,
    &dp_op_less,
    &dp_op_less_equal,
    &dp_op_log,
    &dp_op_log1p,
    &dp_op_matmul,
    &dp_op_max,
    &dp_op_maximum,
    &dp_op_minimum,
    &dp_op_mul,
    &dp_op_neg,
    &dp_op_not_equal,
    &dp_op_permute,
    &dp_op_pow,
    &dp_op_put,
    &dp_op_relu,
    &dp_op_reshape,
    &dp_op_round,
    &dp_op_scatter_add,
    &dp_op_sigmoid,
    &dp_op_sign,
    &dp_op_sin,
    &dp_op_slice,
    &dp_op_split,
    &dp_op_sqrt,
    &dp_op_sub,
    &dp_op_sum,
    &dp_op_sum_axis,
    &dp_op_tanh,
    &dp_op_uniform,
    &dp_op_where,
};
const size_t dp__builtin_ops_n = 52;
