/* philox.c: numbers that are the same on every machine: the counter-based generator Philox4x32-10
 * (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the hash
 * XXH64 (Y. Collet) and CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected). */
#include <string.h>

#include "base.h"

/* One round: (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0));
 * between rounds k0 += 0x9E3779B9, k1 += 0xBB67AE85. */
void dp__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* ---- XXH64 ---- */

static const uint64_t philox_p1 = 0x9E3779B185EBCA87, philox_p2 = 0xC2B2AE3D27D4EB4F,
                      philox_p3 = 0x165667B19E3779F9, philox_p4 = 0x85EBCA77C2B2AE63,
                      philox_p5 = 0x27D4EB2F165667C5;

static uint64_t philox_rotl(uint64_t x, int r) { return x << r | x >> (64 - r); }

/* Little-endian whatever the machine; compilers make one load of it. */
static uint64_t philox_le64(const unsigned char *p) {
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static uint64_t philox_round(uint64_t acc, uint64_t lane) {
    return philox_rotl(acc + lane * philox_p2, 31) * philox_p1;
}

static uint64_t philox_stripes(const unsigned char **at, const unsigned char *end, uint64_t seed) {
    uint64_t v[4] = {seed + philox_p1 + philox_p2, seed + philox_p2, seed, seed - philox_p1};
    const unsigned char *p = *at;
    for (; end - p >= 32; p += 32)
        for (int i = 0; i < 4; i++) v[i] = philox_round(v[i], philox_le64(p + 8 * i));
    *at = p;
    uint64_t h =
        philox_rotl(v[0], 1) + philox_rotl(v[1], 7) + philox_rotl(v[2], 12) + philox_rotl(v[3], 18);
    for (int i = 0; i < 4; i++) h = (h ^ philox_round(0, v[i])) * philox_p1 + philox_p4;
    return h;
}

uint64_t dp__hash(const void *data, size_t n, uint64_t seed) {
    static const unsigned char none[1];
    const unsigned char *p = n ? data : none, *end = p + n;
    uint64_t h = (n >= 32 ? philox_stripes(&p, end, seed) : seed + philox_p5) + n;
    for (; end - p >= 8; p += 8)
        h = philox_rotl(h ^ philox_round(0, philox_le64(p)), 27) * philox_p1 + philox_p4;
    if (end - p >= 4) {
        uint64_t x =
            (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
        h = philox_rotl(h ^ x * philox_p1, 23) * philox_p2 + philox_p3;
        p += 4;
    }
    for (; p < end; p++) h = philox_rotl(h ^ *p * philox_p5, 11) * philox_p1;
    h = (h ^ h >> 33) * philox_p2;
    h = (h ^ h >> 29) * philox_p3;
    return h ^ h >> 32;
}

/* ---- CRC-32C: philox_crc_table[k][b] is the register after byte b and k zero bytes. The map is
 * linear over GF(2), so a row is made of its values at b = 1, 2, 4 ... 128. ---- */

#define PHILOX_BYTE(b, c0, c1, c2, c3, c4, c5, c6, c7)                                       \
    (((b)&1 ? c0##u : 0) ^ ((b)&2 ? c1##u : 0) ^ ((b)&4 ? c2##u : 0) ^ ((b)&8 ? c3##u : 0) ^ \
     ((b)&16 ? c4##u : 0) ^ ((b)&32 ? c5##u : 0) ^ ((b)&64 ? c6##u : 0) ^ ((b)&128 ? c7##u : 0))
#define PHILOX_4(b, ...)                                                                           \
    PHILOX_BYTE(b, __VA_ARGS__), PHILOX_BYTE(b + 1, __VA_ARGS__), PHILOX_BYTE(b + 2, __VA_ARGS__), \
        PHILOX_BYTE(b + 3, __VA_ARGS__)
#define PHILOX_16(b, ...)                                                                 \
    PHILOX_4(b, __VA_ARGS__), PHILOX_4(b + 4, __VA_ARGS__), PHILOX_4(b + 8, __VA_ARGS__), \
        PHILOX_4(b + 12, __VA_ARGS__)
#define PHILOX_64(b, ...)                                                                      \
    PHILOX_16(b, __VA_ARGS__), PHILOX_16(b + 16, __VA_ARGS__), PHILOX_16(b + 32, __VA_ARGS__), \
        PHILOX_16(b + 48, __VA_ARGS__)
#define PHILOX_ROW(...)                                                                     \
    {                                                                                       \
        PHILOX_64(0, __VA_ARGS__), PHILOX_64(64, __VA_ARGS__), PHILOX_64(128, __VA_ARGS__), \
            PHILOX_64(192, __VA_ARGS__)                                                     \
    }

static const uint32_t philox_crc_table[8][256] = {
    PHILOX_ROW(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, 0x105EC76F, 0x20BD8EDE, 0x417B1DBC,
               0x82F63B78),
    PHILOX_ROW(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, 0x3FC5F181, 0x7F8BE302, 0xFF17C604,
               0xFBC3FAF9),
    PHILOX_ROW(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, 0x70A27D8A, 0xE144FB14, 0xC76580D9,
               0x8B277743),
    PHILOX_ROW(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, 0xE964B13D, 0xD725148B, 0xABA65FE7,
               0x52A0C93F),
    PHILOX_ROW(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, 0x8F2261D3, 0x1BA8B557, 0x37516AAE,
               0x6EA2D55C),
    PHILOX_ROW(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, 0xC00C303E, 0x85F4168D, 0x0E045BEB,
               0x1C08B7D6),
    PHILOX_ROW(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, 0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A,
               0xF56E0EF4),
    PHILOX_ROW(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, 0x847609B4, 0x0D006599, 0x1A00CB32,
               0x34019664),
};
#undef PHILOX_BYTE
#undef PHILOX_4
#undef PHILOX_16
#undef PHILOX_64
#undef PHILOX_ROW

/* The crc32 instruction of SSE 4.2 is this polynomial. */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static uint32_t
philox_crc_hardware(uint32_t crc, const unsigned char *p, size_t n) {
    uint64_t c = crc, x;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&x, p, 8);
        c = __builtin_ia32_crc32di(c, x);
    }
    for (; n > 0; n--, p++) c = __builtin_ia32_crc32qi((uint32_t)c, *p);
    return (uint32_t)c;
}
#define PHILOX_HARDWARE 1
#endif

/* Slicing by eight (Intel, 2005). */
uint32_t dp__crc32c_table(uint32_t crc, const void *data, size_t n) {
    const unsigned char *p = data;
    uint32_t c = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t x = philox_le64(p) ^ c;
        c = 0;
        for (int k = 0; k < 8; k++) c ^= philox_crc_table[7 - k][x >> (8 * k) & 255];
    }
    for (; n > 0; n--, p++) c = c >> 8 ^ philox_crc_table[0][(c ^ *p) & 255];
    return ~c;
}

uint32_t dp__crc32c(uint32_t crc, const void *data, size_t n) {
#ifdef PHILOX_HARDWARE
    if (__builtin_cpu_supports("sse4.2")) return ~philox_crc_hardware(~crc, data, n);
#endif
    return dp__crc32c_table(crc, data, n);
}
#undef PHILOX_HARDWARE
