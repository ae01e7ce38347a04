/* denpan/bench.h: what this machine can do, and what the library makes of it. Nothing here affects
 * a result. */
#ifndef DENPAN_BENCH_H
#define DENPAN_BENCH_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_bench_result {
    size_t size;              /* sizeof(dp_bench_result) */
    double median, low, high; /* seconds of one run: median and quartiles */
    double best;              /* seconds of the fastest run: for limits */
    int64_t runs;
    double work; /* of one run: floating-point operations (two a multiply-add), or bytes */
    int threads;
} dp_bench_result;

/* Multiply-adds in registers on all threads of this thread's engine, f32, for about `seconds`. */
DP_API dp_status dp_bench_peak(double seconds, dp_bench_result *out);
/* a[i] = b[i] + 3 c[i] over `bytes` in all (two reads, one write), on all threads. */
DP_API dp_status dp_bench_bandwidth(double bytes, double seconds, dp_bench_result *out);
/* dp_matmul of [m,k] and [k,n] in f32. */
DP_API dp_status dp_bench_gemm(int64_t m, int64_t n, int64_t k, double seconds,
                               dp_bench_result *out);

#ifdef __cplusplus
}
#endif
#endif
