/* The same value; no derivative flows through it. */
#include <string.h>
#include "op.h"

static bool detach_view(const dp_array *in, dp_array *out, const void *attr) {
    (void)attr;
    out->data = in->data;
    memcpy(out->stride, in->stride, sizeof out->stride);
    return true;
}

static bool detach_sample(int n, dp_tensor **in, void *attr) {
    (void)attr;
    return dp__sample_map(n, in, 1, -2, 2);
}

const dp_op dp_op_detach = {
    DP_OP("detach", DP_VIEW, 1),
    .view = detach_view,
    .sample = detach_sample,
};

dp_tensor *dp_detach(dp_tensor *x) {
    return dp__check(x, "detach") ? dp_apply(&dp_op_detach, &x, 1, NULL) : NULL;
}
