/* isa.h: compile a piece of source for one instruction set.
 *
 *     DP_TARGET_BEGIN_avx2
 *     ... functions (include system headers before, never inside) ...
 *     DP_TARGET_END_avx2
 *
 * One file has one set of compiler flags (the amalgamation too), so instruction sets are chosen by
 * target pragmas. Contraction stays off in all of them. */
#ifndef DP_KERNEL_ISA_H
#define DP_KERNEL_ISA_H

#if defined(__FAST_MATH__)
#error "Denpan's results need IEEE arithmetic: do not compile with -ffast-math"
#endif
#include <float.h>
#if FLT_EVAL_METHOD != 0
#error "Denpan's results need FLT_EVAL_METHOD == 0 (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

#define DP_PRAGMA(x) _Pragma(#x)

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__)
#define DP_HAVE_X86 1
#include <immintrin.h>
#define DP_AVX2_FLAGS "avx2,fma"
#define DP_AVX512_FLAGS "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"
/* as a function attribute, for single functions */
#define DP_TARGET_avx2 __attribute__((target(DP_AVX2_FLAGS)))
#if defined(__clang__)
#define DP_TARGET_avx512 __attribute__((target(DP_AVX512_FLAGS)))
#else
#define DP_TARGET_avx512 __attribute__((target(DP_AVX512_FLAGS ",prefer-vector-width=512")))
#endif
#endif

#if defined(__aarch64__)
#define DP_HAVE_NEON 1
#endif
#define DP_TARGET_portable

#define DP_TARGET_BEGIN_portable
#define DP_TARGET_BEGIN_neon
#if defined(__clang__)
#define DP_TARGET_PUSH(flags) \
    DP_PRAGMA(clang attribute push(__attribute__((target(flags))), apply_to = function))
#define DP_TARGET_BEGIN_avx2 DP_TARGET_PUSH(DP_AVX2_FLAGS)
#define DP_TARGET_BEGIN_avx512 DP_TARGET_PUSH(DP_AVX512_FLAGS)
#define DP_TARGET_END DP_PRAGMA(clang attribute pop)
#else
#define DP_TARGET_PUSH(flags) DP_PRAGMA(GCC push_options) DP_PRAGMA(GCC target(flags))
#define DP_TARGET_BEGIN_avx2 DP_TARGET_PUSH(DP_AVX2_FLAGS)
#define DP_TARGET_BEGIN_avx512 DP_TARGET_PUSH(DP_AVX512_FLAGS ",prefer-vector-width=512")
#define DP_TARGET_END DP_PRAGMA(GCC pop_options)
#endif
#define DP_TARGET_END_portable
#define DP_TARGET_END_neon
#define DP_TARGET_END_avx2 DP_TARGET_END
#define DP_TARGET_END_avx512 DP_TARGET_END

#endif
