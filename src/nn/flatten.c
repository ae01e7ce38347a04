/* flatten.c: several axes become one. */
#include "nn/kinds.h"
#include "nn/module.h"

static const dp__field flatten_fields[] = {
    {"start_dim", DP__ARG_INT, 0, "1", -DP_MAX_RANK, DP_MAX_RANK - 1, NULL,
     "first axis; the batch is axis 0"},
    {"end_dim", DP__ARG_INT, 0, "-1", -DP_MAX_RANK, DP_MAX_RANK - 1, NULL, "last axis"},
    {0}};

/* Both ends for a rank (with the batch); false: out of range or in the wrong order. */
static bool flatten_ends(const dp_module *m, int64_t rank, int64_t *start, int64_t *end) {
    *start = dp__arg_int(m, 0);
    *end = dp__arg_int(m, 1);
    if (*start < 0) *start += rank;
    if (*end < 0) *end += rank;
    return *start >= 0 && *end < rank && *start <= *end;
}

static dp_tensor *flatten_forward(dp_module *m, dp_ctx *c, dp_tensor *const *in, int n) {
    (void)c, (void)n;
    dp_shape shape = dp_shape_at(in[0]), out = {0};
    int64_t start, end;
    if (!flatten_ends(m, shape.rank, &start, &end)) {
        dp_fail(DP_EINVAL, "Flatten: start_dim %lld, end_dim %lld do not fit %s",
                (long long)dp__arg_int(m, 0), (long long)dp__arg_int(m, 1), dp__describe(in[0]));
        return NULL;
    }
    for (int i = 0; i < shape.rank; i++) {
        if (i <= start || i > end)
            out.dim[out.rank++] = shape.dim[i];
        else
            out.dim[out.rank - 1] *= shape.dim[i];
    }
    return dp_reshape(in[0], out);
}

static bool flatten_flow(const dp_module *m, dp__flow *f, char *why) {
    int64_t start, end;
    if (f->rank < 0 || dp__arg_int(m, 0) == 0 || dp__arg_int(m, 0) < -f->rank) {
        f->rank = -1; /* unknown, or mixed with the batch */
        f->last = -1;
        return true;
    }
    if (!flatten_ends(m, f->rank + 1, &start, &end)) {
        snprintf(why, DP__WHY, "does not fit %d axes (the batch is axis 0)", f->rank + 1);
        return false;
    }
    int rank = 0;
    for (int i = 0; i < f->rank; i++) { /* axis i + 1 with the batch */
        if (i + 1 <= start || i + 1 > end)
            f->dim[rank++] = f->dim[i];
        else
            f->dim[rank - 1] *= f->dim[i];
    }
    f->rank = rank;
    f->last = f->dim[rank - 1];
    return true;
}

const dp__kind dp__kind_flatten = {.name = "Flatten",
                                   .doc = "axes start_dim to end_dim become one",
                                   .fields = flatten_fields,
                                   .forward = flatten_forward,
                                   .flow = flatten_flow};
