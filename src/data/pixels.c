/* pixels.c: bytes to floats, compiled for each instruction set.
 *
 * x / 255, rounded once: 1/255 = 257/2^16 + 65793/2^40 + ... The first product is exact, and the
 * sum then rounds as the division does for all 256 values (a test looks at each). */
#include "../kernel/isa.h"
#include "data.h"

#define PIXELS_OF(ISA, TARGET)                                                                   \
    TARGET static void pixels_scale_##ISA(float *restrict out, const unsigned char *restrict in, \
                                          size_t n) {                                            \
        for (size_t i = 0; i < n; i++) {                                                         \
            float x = (float)in[i];                                                              \
            out[i] = x * (257.0f / 65536.0f) + x * (65793.0f / 1099511627776.0f);                \
        }                                                                                        \
    }                                                                                            \
    TARGET static void pixels_widen_##ISA(float *restrict out, const unsigned char *restrict in, \
                                          size_t n) {                                            \
        for (size_t i = 0; i < n; i++) out[i] = (float)in[i];                                    \
    }

PIXELS_OF(portable, )
#ifdef DP_HAVE_X86
PIXELS_OF(avx2, DP_TARGET_avx2)
PIXELS_OF(avx512, DP_TARGET_avx512)
#endif

dp_pixels_fn *dp__pixels(dp_isa isa, bool raw) {
    switch (isa) {
#ifdef DP_HAVE_X86
    case DP_ISA_AVX2:
        return raw ? pixels_widen_avx2 : pixels_scale_avx2;
    case DP_ISA_AVX512:
        return raw ? pixels_widen_avx512 : pixels_scale_avx512;
#endif
    default:
        return raw ? pixels_widen_portable : pixels_scale_portable;
    }
}
