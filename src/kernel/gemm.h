/* gemm.h: what every instruction set's gemm shares; internal to gemm_*.c and table.c. */
#ifndef DP_KERNEL_GEMM_H
#define DP_KERNEL_GEMM_H

#include "isa.h"
#include "kernel.h"

#define DP_GEMM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define DP_GEMM_UNROLL DP_PRAGMA(clang loop unroll(full))
#else
#define DP_GEMM_UNROLL DP_PRAGMA(GCC unroll 32)
#endif

/* Turn the 4 x 4 (2 x 2) squares of vectors q, with the instructions LO and HI that interleave the
 * halves of each 128 bits of two vectors: by element, and LO2 and HI2 by pairs of elements. */
#define DP_GEMM_TRANSPOSE_4(V, q, LO, HI, LO2, HI2)                                           \
    do {                                                                                      \
        V t0 = LO(q[0], q[1]), t1 = HI(q[0], q[1]), t2 = LO(q[2], q[3]), t3 = HI(q[2], q[3]); \
        q[0] = LO2(t0, t2), q[1] = HI2(t0, t2), q[2] = LO2(t1, t3), q[3] = HI2(t1, t3);       \
    } while (0)
#define DP_GEMM_TRANSPOSE_2(V, q, LO, HI) \
    do {                                  \
        V t0 = LO(q[0], q[1]);            \
        q[1] = HI(q[0], q[1]), q[0] = t0; \
    } while (0)

/* up to 16 registers of lanes */
#define DP_GEMM_UNROLL_LANES DP_GEMM_UNROLL

#define DP_GEMM_DECLARE(S, T, ISA)                                                         \
    void dp__gemm_##S##_##ISA(const dp_gemm *g, void *scratch, size_t part, size_t parts); \
    size_t dp__gemm_scratch_##S##_##ISA(const dp_gemm *g, size_t parts);                   \
    T dp__sum_##S##_##ISA(const T *x, size_t n);                                           \
    T dp__max_##S##_##ISA(const T *x, size_t n);                                           \
    void dp__sum_columns_##S##_##ISA(T *y, const T *x, size_t rows, size_t columns,        \
                                     ptrdiff_t row_stride);
#define DP_GEMM_DECLARE_ISA(ISA)     \
    DP_GEMM_DECLARE(f32, float, ISA) \
    DP_GEMM_DECLARE(f64, double, ISA)
DP_GEMM_DECLARE_ISA(portable)
DP_GEMM_DECLARE_ISA(avx2)
DP_GEMM_DECLARE_ISA(avx512)
DP_GEMM_DECLARE_ISA(neon)

#endif
