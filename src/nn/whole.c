/* whole.c: questions about a whole network: its parameters as one vector, its shapes, its dtype. */
#include <string.h>

#include "nn/kinds.h"
#include "nn/module.h"

/* Scratch for n tensors, released with whole_done. */
static dp_tensor **whole_room(size_t n) { return dp__alloc(n * sizeof(dp_tensor *)); }
static void whole_done(dp_tensor **t, size_t n) { dp__release(t, n * sizeof(dp_tensor *)); }

static dp_dtype whole_dtype(dp_module *net) {
    for (size_t i = 0, n = dp_param_count(net); i < n; i++)
        if (dp_dtype_of(dp_param_at(net, i, NULL)) == DP_F64) return DP_F64;
    return DP_F32;
}

dp_tensor *dp_params_flat(dp_module *net) {
    if (!dp__module_check(net, "dp_params_flat") || !dp__module_list(net)) return NULL;
    size_t n = dp_param_count(net);
    dp_dtype dtype = whole_dtype(net);
    dp_shape none = {.rank = 1};
    if (n == 0) return dp_zeros(dtype, none);
    dp_tensor **parts = whole_room(n), *out = NULL;
    bool good = parts != NULL;
    for (size_t i = 0; good && i < n; i++) {
        dp_tensor *p = dp_param_at(net, i, NULL);
        dp_shape flat = {.rank = 1, .dim = {dp_count(p)}};
        parts[i] = dp_reshape(dp_dtype_of(p) == dtype ? p : dp_cast(p, dtype), flat);
        good = parts[i] != NULL;
    }
    if (good) out = n == 1 ? parts[0] : dp_concat(parts, n, 0);
    whole_done(parts, n);
    return out;
}

dp_status dp_params_set_flat(dp_module *net, dp_tensor *flat) {
    if (!dp__module_check(net, "dp_params_set_flat") || !dp__check(flat, "dp_params_set_flat"))
        return dp_error_status();
    size_t n = dp_param_count(net);
    int64_t total = dp_param_elements(net), at = 0;
    if (dp_rank(flat) != 1 || dp_dim(flat, 0) != total)
        return dp_fail(DP_EINVAL, "dp_params_set_flat: %s; [%lld] is expected", dp__describe(flat),
                       (long long)total);
    if (n == 0) return DP_OK;
    dp_tensor **effects = whole_room(n);
    dp_scope *s = effects ? dp_scope_begin() : NULL;
    bool good = s != NULL;
    for (size_t i = 0; good && i < n; i++) {
        dp_tensor *p = dp_param_at(net, i, NULL);
        dp_tensor *part = dp_slice(flat, 0, at, at + dp_count(p), 1);
        effects[i] = dp_assign(p, dp_reshape(part, dp_shape_at(p)));
        at += dp_count(p);
        good = effects[i] != NULL;
    }
    dp_status status = good ? dp_eval_n(effects, n) : dp_error_status();
    dp_scope_end(s);
    whole_done(effects, n);
    return status;
}

dp_status dp_module_to(dp_module *net, dp_dtype dtype) {
    if (!dp__module_check(net, "dp_module_to")) return dp_error_status();
    if (dtype != DP_F32 && dtype != DP_F64)
        return dp_fail(DP_EINVAL, "dp_module_to: %s; f32 or f64 is expected", dp_dtype_name(dtype));
    const dp__listing *l = dp__module_list(net);
    if (!l) return dp_error_status();
    dp_tensor **made = whole_room(l->n);
    dp_scope *s = made ? dp_scope_begin() : NULL;
    size_t n = 0;
    bool good = s != NULL;
    for (; good && n < l->n; n++) {
        const dp__var *v = &l->at[n].m->vars[l->at[n].var];
        bool leave = !dp__is_float(dp_dtype_of(v->v)) || dp_dtype_of(v->v) == dtype;
        made[n] = leave ? NULL : dp_variable(dp_cast(v->v, dtype));
        if (made[n]) dp_name(made[n], "%s", v->name);
        good = leave || made[n];
    }
    for (size_t i = 0; i < n; i++) { /* nothing fails from here on */
        dp__var *v = &l->at[i].m->vars[l->at[i].var];
        if (!made[i]) continue;
        dp_free(good ? v->v : made[i]);
        if (good) v->v = made[i];
    }
    dp_scope_end(s);
    whole_done(made, l->n);
    return good ? DP_OK : dp_error_status();
}

/* The graph itself is asked, for one example of zeros that take no memory. */
dp_shape dp_output_shape(dp_module *net, dp_shape input) {
    dp_shape out = {.rank = -1}, in = {.rank = input.rank + 1, .dim = {1}};
    if (!dp__module_check(net, "dp_output_shape")) return out;
    if (input.rank < 0 || in.rank > DP_MAX_RANK) {
        dp_fail(DP_EINVAL, "dp_output_shape: rank %d; allowed 0 to %d", input.rank,
                DP_MAX_RANK - 1);
        return out;
    }
    memcpy(in.dim + 1, input.dim, sizeof in.dim[0] * (size_t)input.rank);
    dp_scope *s = dp_scope_begin();
    if (!s) return out;
    dp_tensor *y = dp_call(net, NULL, dp_broadcast(dp_scalar_of(whole_dtype(net), 0), in));
    if (y && dp_rank(y) >= 1) {
        dp_shape full = dp_shape_at(y);
        out.rank = full.rank - 1;
        memcpy(out.dim, full.dim + 1, sizeof out.dim[0] * (size_t)out.rank);
    }
    dp_scope_end(s);
    return out;
}

/* What the layers up to the first Linear let through unchanged; the walk is depth first. */
dp_shape dp_input_shape(dp_module *net) {
    dp_shape out = {.rank = -1};
    struct {
        const dp_module *m;
        size_t next;
    } stack[DP__MODULE_DEPTH + 2];
    if (!dp__module_check(net, "dp_input_shape")) return out;
    if (net->has_input) return net->input;
    stack[0].m = net;
    stack[0].next = 0;
    for (int depth = 0; depth >= 0;) {
        const dp_module *m = stack[depth].m;
        if (m->kind == &dp__kind_linear) return dp_shape_of(1, (int64_t[]){dp__arg_int(m, 0)});
        if (m->kind != &dp__kind_sequential && (!m->kind || m->kind == &dp__kind_flatten))
            return out;
        if (m->kind != &dp__kind_sequential || stack[depth].next == m->n_children) {
            depth--;
            continue;
        }
        const dp_module *c = m->children[stack[depth].next++];
        stack[++depth].m = c;
        stack[depth].next = 0;
    }
    return out;
}
