/* snapshot.c: parameters, buffers and optimiser state, copied so that steps can be taken again. */
#include "train.h"

static dp_tensor *snapshot_at(dp_module *net, dp_optim *optim, size_t i) {
    size_t params = dp_param_count(net), buffers = dp_buffer_count(net);
    const char *name;
    if (i < params) return dp_param_at(net, i, &name);
    if (i < params + buffers) return dp_buffer_at(net, i - params, &name);
    return dp_optim_state(optim, i - params - buffers, &name);
}

static size_t snapshot_bytes(const dp_tensor *t) {
    return (size_t)dp_count(t) * dp_dtype_size(dp_dtype_of(t));
}

dp_status dp__snapshot_begin(dp__snapshot *s, dp_module *net, dp_optim *optim) {
    *s = (dp__snapshot){0};
    while (snapshot_at(net, optim, s->n)) s->n++;
    s->variables = dp__zalloc(s->n, sizeof *s->variables);
    s->bytes = dp__zalloc(s->n, sizeof *s->bytes);
    bool ok = s->variables && s->bytes;
    for (size_t i = 0; ok && i < s->n; i++) {
        s->variables[i] = snapshot_at(net, optim, i);
        s->bytes[i] = dp__alloc(snapshot_bytes(s->variables[i]));
        ok = s->bytes[i] != NULL;
    }
    if (ok) return DP_OK;
    dp__snapshot_free(s);
    return DP_ENOMEM;
}

dp_status dp__snapshot_take(dp__snapshot *s) {
    dp_status status = DP_OK;
    for (size_t i = 0; !status && i < s->n; i++)
        status = dp_read(s->variables[i], s->bytes[i], snapshot_bytes(s->variables[i]));
    return status;
}

dp_status dp__snapshot_restore(const dp__snapshot *s) {
    dp_status status = DP_OK;
    for (size_t i = 0; !status && i < s->n; i++)
        status = dp_write(s->variables[i], s->bytes[i], snapshot_bytes(s->variables[i]));
    return status;
}

void dp__snapshot_free(dp__snapshot *s) {
    for (size_t i = 0; s->variables && s->bytes && i < s->n; i++)
        if (s->bytes[i]) dp__release(s->bytes[i], snapshot_bytes(s->variables[i]));
    dp__release(s->bytes, s->n * sizeof *s->bytes);
    dp__release(s->variables, s->n * sizeof *s->variables);
    *s = (dp__snapshot){0};
}
