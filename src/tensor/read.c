#include <math.h>
#include <string.h>
#include "tensor.h"

/* t stored, evaluated if it was pending; false with an error otherwise. */
static bool read_ready(dp_tensor *t, const char *function) {
    if (!dp__check(t, function)) return false;
    if (t->state == DP_PENDING && dp__evaluate(&t, 1)) return false;
    if (t->state == DP_STORED) return true;
    dp_fail(DP_ESPENT,
            "%s: %s is spent: an eval used it up; make it a root of that eval or dp_keep it",
            function, dp__describe(t));
    return false;
}

dp_status dp_eval_n(dp_tensor *const *roots, size_t n) {
    if (n && !roots) return dp_fail(DP_EINVAL, "dp_eval: the list of roots is NULL");
    for (size_t i = 0; i < n; i++)
        if (!dp__check(roots[i], "dp_eval")) return dp_error_status();
    return dp__evaluate(roots, n);
}

double dp_item(dp_tensor *t) {
    if (!read_ready(t, "dp_item")) return NAN;
    if (dp_count(t) == 1) return dp__load_double((dp_dtype)t->dtype, t->buffer->data, 0);
    dp_fail(DP_EINVAL, "dp_item: %s has %lld elements; expected 1", dp__describe(t),
            (long long)dp_count(t));
    return NAN;
}

dp_status dp_read(dp_tensor *t, void *out, size_t bytes) {
    if (!read_ready(t, "dp_read")) return dp_error_status();
    size_t n = dp__bytes_of(t);
    if (bytes != n || (n && !out))
        return dp_fail(DP_EINVAL, "dp_read: room for %zu bytes; %s has %zu", out ? bytes : 0,
                       dp__describe(t), n);
    if (n) memcpy(out, t->buffer->data, n);
    return DP_OK;
}

const void *dp_map(dp_tensor *t) { return read_ready(t, "dp_map") ? t->buffer->data : NULL; }

dp_status dp_write(dp_tensor *t, const void *data, size_t bytes) {
    if (!dp__check(t, "dp_write")) return dp_error_status();
    if (t->state != DP_STORED || t->buffer->borrowed)
        return dp_fail(DP_EINVAL, "dp_write: %s is %s", dp__describe(t),
                       t->state == DP_STORED ? "borrowed memory" : "not stored");
    size_t n = dp__bytes_of(t);
    if (bytes != n || (n && !data))
        return dp_fail(DP_EINVAL, "dp_write: %zu bytes; %s has %zu", data ? bytes : 0,
                       dp__describe(t), n);
    if (t->buffer->refs > 1) { /* shared with an equal root: a copy of its own */
        dp_storage *own = dp__buffer_new(n);
        if (!own) return dp_error_status();
        dp__buffer_drop(t->buffer);
        t->buffer = own;
    }
    if (n) memcpy(t->buffer->data, data, n);
    if (dp_is_variable(t)) t->version++;
    return DP_OK;
}

/* ---- printing ---- */

static void read_print(const dp_tensor *t, size_t i, FILE *file) {
    char text[32];
    if (t->dtype == DP_I64)
        fprintf(file, "%lld", (long long)((const int64_t *)t->buffer->data)[i]);
    else if (t->dtype == DP_F32)
        fputs(dp__format_float(((const float *)t->buffer->data)[i], text), file);
    else
        fputs(dp__format_double(dp__load_double((dp_dtype)t->dtype, t->buffer->data, i), text),
              file);
}

/* Elements of a row-major tensor with brackets where an axis opens or closes; of an axis longer
 * than 12 only the first and last six are shown. */
void dp_show(dp_tensor *t, FILE *file) {
    if (!read_ready(t, "dp_show")) return;
    if (!file) {
        dp_fail(DP_EINVAL, "dp_show: the file is NULL");
        return;
    }
    int64_t at[DP_MAX_RANK] = {0};
    fprintf(file, "%s %s%c", dp_dtype_name((dp_dtype)t->dtype), dp__shape_text(t->rank, t->dim),
            t->rank > 1 ? '\n' : ' ');
    if (!dp_count(t)) {
        fputs("[]\n", file);
        return;
    }
    for (int i = 0; i < t->rank; i++) fputc('[', file);
    for (;;) {
        size_t flat = 0;
        for (int i = 0; i < t->rank; i++) flat = flat * (size_t)t->dim[i] + (size_t)at[i];
        read_print(t, flat, file);
        int axis = t->rank - 1;
        for (; axis >= 0; axis--) {
            if (t->dim[axis] > 12 && at[axis] == 5) {
                fputs(axis == t->rank - 1 ? ", ..." : ",\n ...", file);
                at[axis] = t->dim[axis] - 7;
            }
            if (++at[axis] < t->dim[axis]) break;
            at[axis] = 0;
            fputc(']', file);
        }
        if (axis < 0) break;
        fputs(axis == t->rank - 1 ? ", " : ",\n ", file);
        for (int i = axis + 1; i < t->rank; i++) fputc('[', file);
    }
    fputc('\n', file);
}
