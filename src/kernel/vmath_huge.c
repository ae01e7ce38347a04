/* vmath_huge.c: argument reduction of sin and cos for huge arguments (Payne and Hanek 1983).
 *
 * x = M 2^e with a 53-bit integer M. Of 2/pi only a window of 192 bits matters: bits of higher
 * weight give multiples of 4, the rest less than 2^-135. The product is integer arithmetic. */
#include <math.h>
#include <string.h>

#include "vmath.h"
#include "vmath_coef.h"

/* 32 zero bits, then 2/pi */
static const uint32_t vm_two_over_pi[] = {0, DP_VM_TWO_OVER_PI};

/* the 192 bits of the table from bit `at` on, most significant word first */
static void vm_window(uint32_t w[6], int at) {
    int word = at / 32, shift = at % 32;
    for (int i = 0; i < 6; i++) {
        uint64_t two = (uint64_t)vm_two_over_pi[word + i] << 32 | vm_two_over_pi[word + i + 1];
        w[i] = (uint32_t)(two >> (32 - shift));
    }
}

/* p = m w mod 2^192, most significant word first */
static void vm_product(uint32_t p[6], uint64_t m, const uint32_t w[6]) {
    uint64_t lo = m & 0xffffffffu, hi = m >> 32, carry = 0;
    for (int i = 5; i >= 0; i--) {
        uint64_t a = lo * w[i] + (carry & 0xffffffffu);
        uint64_t b = i < 5 ? hi * w[i + 1] : 0;
        uint64_t sum = (a & 0xffffffffu) + (b & 0xffffffffu);
        p[i] = (uint32_t)sum;
        carry = (carry >> 32) + (a >> 32) + (b >> 32) + (sum >> 32);
    }
}

/* the 53 bits of p that begin at its bit `at`, as an integer; p has three words of padding */
static double vm_bits53(const uint32_t p[9], int at) {
    int word = at / 32, shift = at % 32;
    uint64_t two = (uint64_t)p[word] << 32 | p[word + 1];
    uint64_t three = (uint64_t)p[word + 1] << 32 | p[word + 2];
    uint32_t a = (uint32_t)(two >> (32 - shift)), b = (uint32_t)(three >> (32 - shift));
    return (double)(((uint64_t)a << 32 | b) >> 11);
}

static double vm_pow2(int n) {
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

void dp__vm_reduce_huge(double x, double *hi, double *lo, double *quadrant) {
    const double pio2_hi = 0x1.921fb54442d18p+0, pio2_lo = 0x1.1a62633145c07p-54;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    *hi = *lo = *quadrant = 0;
    if (exponent == 0x7ff) {
        *hi = x - x;
        return;
    }
    uint64_t m = (bits & 0xfffffffffffffu) | 0x10000000000000u;
    uint32_t w[6], p[9] = {0};
    vm_window(w, exponent - 1075 - 2 + 32); /* first bit of the window has weight 2 */
    vm_product(p, m, w);
    unsigned q = p[0] >> 30;
    p[0] &= 0x3fffffffu;
    bool up = (p[0] & 0x20000000u) != 0; /* fraction >= 1/2: f - 1 */
    if (up) {
        q++;
        for (int i = 0; i < 6; i++) p[i] = ~p[i]; /* 1 - f, but for 2^-190 */
        p[0] &= 0x3fffffffu;
    }
    int at = 2;
    while (at < 138 && !(p[at / 32] >> (31 - at % 32) & 1u)) at++;
    double sign = up != (x < 0) ? -1.0 : 1.0;
    double f_hi = sign * vm_bits53(p, at) * vm_pow2(1 - at - 52);
    double f_lo = sign * vm_bits53(p, at + 53) * vm_pow2(1 - at - 105);
    *hi = f_hi * pio2_hi;
    *lo = fma(f_hi, pio2_hi, -*hi) + (f_hi * pio2_lo + f_lo * pio2_hi);
    *quadrant = x < 0 ? (double)(-(int)q & 3) : (double)(q & 3);
}
