/* Effects: assignments and callbacks. The planner keeps their order of creation. */
#include "op.h"

typedef struct callback_attr {
    dp_callback_fn *fn;
    void *context;
} callback_attr;

static dp_status assign_infer(dp_infer *f) {
    if (!dp_is_variable(f->in[0]))
        return dp_fail(DP_EINVAL, "assign: %s is not a variable", dp__describe(f->in[0]));
    if (dp__same_shape(f->in[0], f->in[1]) && f->in[0]->dtype == f->in[1]->dtype) return DP_OK;
    return dp_fail(DP_EINVAL, "assign: %s to the variable %s", dp__describe(f->in[1]),
                   dp__describe(f->in[0]));
}

/* The new value, copied; where the plan computes it in the variable itself there is nothing to do.
 */
const dp_op dp_op_assign = {
    DP_OP("assign", DP_EFFECT, 2),
    .infer = assign_infer,
};

dp_tensor *dp_assign(dp_tensor *variable, dp_tensor *x) {
    if (!dp__check(variable, "assign") || !dp__check(x, "assign")) return NULL;
    dp_tensor *in[2] = {variable, dp__as(x, (dp_dtype)variable->dtype)};
    return in[1] ? dp_apply(&dp_op_assign, in, 2, NULL) : NULL;
}

static const dp_op_field callback_fields[] = {
    {"fn", DP_FIELD_POINTER, offsetof(callback_attr, fn)},
    {"context", DP_FIELD_POINTER, offsetof(callback_attr, context)},
    {0}};

static void callback_run(const dp_run *r) {
    const callback_attr *a = r->attr;
    if (r->part == 0) a->fn(a->context, &r->in[0]);
}

static dp_status callback_infer(dp_infer *f) {
    const callback_attr *a = f->attr;
    return a->fn ? DP_OK : dp_fail(DP_EINVAL, "callback: the function is NULL");
}

const dp_op dp_op_callback = {
    DP_OP("callback", DP_EFFECT, 1), .infer = callback_infer, .attr_size = sizeof(callback_attr),
    .fields = callback_fields,       .run = callback_run,
};

dp_tensor *dp_callback(dp_tensor *x, dp_callback_fn *fn, void *context) {
    callback_attr a = {fn, context};
    return dp_apply(&dp_op_callback, &x, 1, &a);
}
