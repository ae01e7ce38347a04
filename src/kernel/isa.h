/* isa.h: compile a piece of source for one instruction set.
 *
 *     #define DP_ISA_PASS DP_ISA_AVX2          (then include the portable source)
 *
 * One file has one set of compiler flags (the amalgamation too), so instruction sets are chosen by
 * target pragmas: DP_TARGET_BEGIN(avx2) ... DP_TARGET_END. Contraction stays off in all of them. */
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

#endif
