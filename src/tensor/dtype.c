#include "tensor.h"

/* The one promotion table: rows and columns f32, f64, i64, u8. */
static const dp_dtype dtype_promotion[DP_N_DTYPES][DP_N_DTYPES] = {
    {DP_F32, DP_F64, DP_F32, DP_F32},
    {DP_F64, DP_F64, DP_F64, DP_F64},
    {DP_F32, DP_F64, DP_I64, DP_I64},
    {DP_F32, DP_F64, DP_I64, DP_U8},
};
static const size_t dtype_sizes[DP_N_DTYPES] = {4, 8, 8, 1};
static const char *const dtype_names[DP_N_DTYPES] = {"f32", "f64", "i64", "u8"};

dp_dtype dp__promote(dp_dtype a, dp_dtype b) { return dtype_promotion[a][b]; }
bool dp__is_float(dp_dtype t) { return t == DP_F32 || t == DP_F64; }

size_t dp_dtype_size(dp_dtype dtype) {
    return (unsigned)dtype < DP_N_DTYPES ? dtype_sizes[dtype] : 0;
}

const char *dp_dtype_name(dp_dtype dtype) {
    return (unsigned)dtype < DP_N_DTYPES ? dtype_names[dtype] : "?";
}

int64_t dp__to_i64(double v) {
    if (!(v == v)) return 0;
    if (v >= 9223372036854775808.0) return INT64_MAX;
    if (v <= -9223372036854775808.0) return INT64_MIN;
    return (int64_t)v;
}

/* To nearest and with gradual underflow, whatever the caller's environment. */
static void dtype_narrow(float *out, double value) {
    dp_fenv env;
    dp__fenv_enter(&env);
    *out = (float)value;
    dp__fenv_leave(&env);
}

uint8_t dp__to_u8(double v) { return (uint8_t)(!(v > 0) ? 0 : v > 255 ? 255 : v); }

void dp__store_double(dp_dtype dtype, void *out, double value) {
    switch (dtype) {
    case DP_F32:
        dtype_narrow(out, value);
        break;
    case DP_F64:
        *(double *)out = value;
        break;
    case DP_I64:
        *(int64_t *)out = dp__to_i64(value);
        break;
    default:
        *(uint8_t *)out = dp__to_u8(value);
        break;
    }
}

double dp__load_double(dp_dtype dtype, const void *in, size_t i) {
    switch (dtype) {
    case DP_F32:
        return (double)((const float *)in)[i];
    case DP_F64:
        return ((const double *)in)[i];
    case DP_I64:
        return (double)((const int64_t *)in)[i];
    default:
        return (double)((const uint8_t *)in)[i];
    }
}

dp_tensor *dp__as(dp_tensor *t, dp_dtype dtype) {
    return !t || t->dtype == dtype ? t : dp_cast(t, dtype);
}
