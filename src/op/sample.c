/* sample.c: inputs for the table tests. */
#include "op.h"

dp_tensor *dp__sample_numbers(dp_shape shape, double low, double high, uint64_t salt) {
    void *bytes;
    dp_tensor *t = dp__tensor_new(DP_F64, &shape, &bytes);
    if (!t) return NULL;
    int64_t n = dp_count(t);
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = dp__hash(&i, sizeof i, salt);
        ((double *)bytes)[i] = low + (high - low) * ((double)(h >> 11) * 0x1p-53);
    }
    return t;
}

bool dp__sample_map(int n, dp_tensor **in, int n_in, double low, double high) {
    static const dp_shape shapes[] = {{2, {3, 5}}, {0, {0}}, {1, {0}}, {3, {2, 3, 33}}};
    if (n >= 5) return false;
    for (int i = 0; i < n_in; i++) {
        dp_shape s = n < 4 ? shapes[n] : (dp_shape){2, {4, 6}};
        in[i] =
            n < 4 || i == 0
                ? dp__sample_numbers(s, low, high, (uint64_t)(n * 8 + i))
                : dp_broadcast(dp__sample_numbers((dp_shape){1, {6}}, low, high, (uint64_t)i), s);
    }
    return true;
}
