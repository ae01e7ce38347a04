/* vmath_coef.h: written by scripts/coefficients.py; do not edit.
 * Horner lists, highest coefficient first. */
/* clang-format off */
#ifndef DP_KERNEL_VMATH_COEF_H
#define DP_KERNEL_VMATH_COEF_H

/* exp(r) = 1 + r + r^2 p(r); [-0.3467, 0.3467]; error < 2^-63 */
#define DP_VM_EXP_F64(FIRST, STEP) \
    FIRST(0x1.2051757594020p-29) STEP(0x1.af7449e0f75ebp-26) STEP(0x1.27e44a25ecc61p-22) \
    STEP(0x1.71ddeaac96dd4p-19) STEP(0x1.a01a01e8bddfbp-16) STEP(0x1.a01a01b5f4727p-13) \
    STEP(0x1.6c16c16c0a405p-10) STEP(0x1.111111110e54ap-7) STEP(0x1.555555555556cp-5) \
    STEP(0x1.555555555555dp-3) STEP(0x1.0000000000000p-1)

/* log((1+s)/(1-s)) = 2s + s^3 p(s^2); [0.0000, 0.0295]; error < 2^-58 */
#define DP_VM_LOG_F64(FIRST, STEP) \
    FIRST(0x1.2f117f65b53abp-3) STEP(0x1.39a0958d09da6p-3) STEP(0x1.746649af7beabp-3) \
    STEP(0x1.c71c51d7cf35dp-3) STEP(0x1.249249422a45ep-2) STEP(0x1.999999997f9f8p-2) \
    STEP(0x1.5555555555593p-1)

/* log((1+s)/(1-s)) / 2s = 1 + z/3 + z^2/5 + z^3 p(z), z = s^2; [0.0000, 0.0295]; error < 2^-80 */
#define DP_VM_LOGDD_F64(FIRST, STEP) \
    FIRST(0x1.c065ba1ee5682p-5) STEP(0x1.ab51b866ff261p-5) STEP(0x1.e2052e1400a01p-5) \
    STEP(0x1.1110aff3052afp-4) STEP(0x1.3b13b28153715p-4) STEP(0x1.745d174348bd7p-4) \
    STEP(0x1.c71c71c71f249p-4) STEP(0x1.2492492492489p-3)

/* sin(r) = r + r^3 p(r^2); [0.0000, 0.6175]; error < 2^-57 */
#define DP_VM_SIN_F64(FIRST, STEP) \
    FIRST(0x1.5d9301451729fp-33) STEP(-0x1.ae5e66a47487bp-26) STEP(0x1.71de3578ed6d9p-19) \
    STEP(-0x1.a01a019c141b0p-13) STEP(0x1.111111110f89cp-7) STEP(-0x1.5555555555549p-3)

/* cos(r) = 1 - r^2/2 + r^4 p(r^2); [0.0000, 0.6175]; error < 2^-64 */
#define DP_VM_COS_F64(FIRST, STEP) \
    FIRST(-0x1.8fb0916be746fp-37) STEP(0x1.1ee9f044e0248p-29) STEP(-0x1.27e4f8116c4a2p-22) \
    STEP(0x1.a01a019cbe0a2p-16) STEP(-0x1.6c16c16c15217p-10) STEP(0x1.555555555554cp-5)

/* erf(x) = x + x p(x^2), |x| <= 1; [0.0000, 1.0000]; error < 2^-56 */
#define DP_VM_ERF_F64(FIRST, STEP) \
    FIRST(0x1.6844d5061ca66p-33) STEP(-0x1.e4a36e6b57190p-30) STEP(0x1.1816b38ebe972p-26) \
    STEP(-0x1.6471f7f02004bp-23) STEP(0x1.ba822ae30df9ep-20) STEP(-0x1.f4dec427a9b29p-17) \
    STEP(0x1.f9a3cf963d81cp-14) STEP(-0x1.c02db9e1db757p-11) STEP(0x1.565bcd2faa5bbp-8) \
    STEP(-0x1.b82ce31366585p-6) STEP(0x1.ce2f21a045b8fp-4) STEP(-0x1.812746b037a27p-2) \
    STEP(0x1.06eba8214db69p-3)

/* erf(x) = 1 - exp(p(x - 1)), 1 <= x <= 5.95; [0.0000, 4.9500]; error < 2^-58 */
#define DP_VM_ERFC_F64(FIRST, STEP) \
    FIRST(0x1.4c77f311790f4p-40) STEP(-0x1.1b528343fb54bp-35) STEP(0x1.bd2e07d837991p-32) \
    STEP(-0x1.aa28e8056d320p-29) STEP(0x1.11ba71bfcf064p-26) STEP(-0x1.d9c63ef574ecap-25) \
    STEP(0x1.c0bbeedb12ad5p-24) STEP(0x1.1a47dfc0f5339p-23) STEP(-0x1.1291e797cc7dbp-19) \
    STEP(0x1.41fcd82cd7fe6p-17) STEP(-0x1.c781bf8aee475p-16) STEP(0x1.b8cbdeac3ad7ep-16) \
    STEP(0x1.f1b45dd197067p-13) STEP(-0x1.033f68ebc761dp-9) STEP(0x1.48c9d40c0899fp-7) \
    STEP(-0x1.5477f09ccce6fp-5) STEP(-0x1.afabc11a28be0p-1) STEP(-0x1.51c9b0006c243p+1) \
    STEP(-0x1.d97fbf27aa2a1p+0)

/* exp(r) = 1 + r + r^2 p(r), for f32 in double; [-0.3467, 0.3467]; error < 2^-32 */
#define DP_VM_EXP_D32(FIRST, STEP) \
    FIRST(0x1.9f887e9a49546p-13) STEP(0x1.6d963e0e7365fp-10) STEP(0x1.1113ee454e6a0p-7) \
    STEP(0x1.555488ef99414p-5) STEP(0x1.5555518543cd2p-3) STEP(0x1.0000003a463c0p-1)

/* log((1+s)/(1-s)) = 2s + s^3 p(s^2), for f32 in double; [0.0000, 0.0295]; error < 2^-36 */
#define DP_VM_LOG_D32(FIRST, STEP) \
    FIRST(0x1.e2fa160423d7ep-3) STEP(0x1.2438c02d46684p-2) STEP(0x1.999a7ae27f4f3p-2) \
    STEP(0x1.555554fd6f76ap-1)

/* sin(r) = r + r^3 p(r^2), for f32 in double; [0.0000, 0.6175]; error < 2^-37 */
#define DP_VM_SIN_D32(FIRST, STEP) \
    FIRST(0x1.6cd7339667c78p-19) STEP(-0x1.a00f98e7df956p-13) STEP(0x1.111108907a205p-7) \
    STEP(-0x1.5555554cb2075p-3)

/* cos(r) = 1 - r^2/2 + r^4 p(r^2), for f32 in double; [0.0000, 0.6175]; error < 2^-43 */
#define DP_VM_COS_D32(FIRST, STEP) \
    FIRST(-0x1.2429fc8cc4ec3p-22) STEP(0x1.a0111c186b306p-16) STEP(-0x1.6c16b892bc613p-10) \
    STEP(0x1.5555554f48bf4p-5)

/* exp(r) = 1 + r + r^2 p(r); [-0.3467, 0.3467]; error < 2^-28 */
#define DP_VM_EXP_F32(FIRST, STEP) \
    FIRST(0x1.6ac1460000000p-10f) STEP(0x1.123da60000000p-7f) STEP(0x1.5558580000000p-5f) \
    STEP(0x1.55548c0000000p-3f) STEP(0x1.fffffc0000000p-2f)

/* tanh(x) = x + x^3 p(x^2), |x| <= 0.6; [0.0000, 0.3600]; error < 2^-28 */
#define DP_VM_TANH_F32(FIRST, STEP) \
    FIRST(-0x1.82774e0000000p-8f) STEP(0x1.54c15c0000000p-6f) STEP(-0x1.b89a8e0000000p-5f) \
    STEP(0x1.1109be0000000p-3f) STEP(-0x1.55553e0000000p-2f)

/* erf(x) = x + x p(x^2), |x| <= 1; [0.0000, 1.0000]; error < 2^-29 */
#define DP_VM_ERF_F32(FIRST, STEP) \
    FIRST(0x1.4c34800000000p-14f) STEP(-0x1.a50b140000000p-11f) STEP(0x1.542e100000000p-8f) \
    STEP(-0x1.b7fe900000000p-6f) STEP(0x1.ce2d500000000p-4f) STEP(-0x1.8127400000000p-2f) \
    STEP(0x1.06eba80000000p-3f)

/* erf(x) = 1 - exp(p(x - 1)), 1 <= x <= 4; [0.0000, 3.0000]; error < 2^-26 */
#define DP_VM_ERFC_F32(FIRST, STEP) \
    FIRST(0x1.37d78a0000000p-13f) STEP(-0x1.14cb520000000p-11f) STEP(-0x1.205a840000000p-11f) \
    STEP(0x1.2115fc0000000p-7f) STEP(-0x1.5070de0000000p-5f) STEP(-0x1.afb7540000000p-1f) \
    STEP(-0x1.51c9820000000p+1f) STEP(-0x1.d97fc00000000p+0f)

/* the first 1,280 bits of 2/pi */
#define DP_VM_TWO_OVER_PI \
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, \
    0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, \
    0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, \
    0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, \
    0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, \
    0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d

#endif
