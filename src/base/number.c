/* number.c: numbers and text without locale or floating-point arithmetic (the caller's rounding
 * mode does not matter).
 *
 * Text to number: from the first 19 digits, 64-bit integer arithmetic gives an interval that holds
 * the value. If both ends round to the same number, that is the answer; else the midpoints between
 * the candidates are compared with the text exactly, in big integers. */
#include <string.h>

#include "base.h"

/* A binary format: p bits of significand; the smallest positive number is 2^least. Numbers are
 * handled as their bits without the sign: m * 2^q, 2^(p-1) <= m < 2^p or q = least, has the bits
 * (q - least) 2^(p-1) + m, and the next number has the next bits. */
typedef struct number_format {
    int p, least;
    uint64_t infinity;
} number_format;

static const number_format number_double = {53, -1074, (uint64_t)0x7FF << 52};
static const number_format number_float = {24, -149, (uint64_t)0xFF << 23};

enum { NUMBER_DIGITS = 800, NUMBER_WORDS = 128, NUMBER_FAR = 1000000000 };

/* Digits of a decimal number: the `count` from the first that is not 0; value = digits * 10^exp. */
typedef struct number_text {
    const char *digits, *end; /* with the point among them */
    size_t count;
    int64_t exp;
    uint64_t first; /* its first 19 digits */
} number_text;

static bool number_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- scanning ---- */

/* "e-5" at s: bytes used, 0 if malformed. Far exponents saturate. */
static size_t number_exponent(const char *s, size_t n, int64_t *exp) {
    size_t i = 1;
    bool minus = i < n && s[i] == '-';
    if (i < n && (s[i] == '-' || s[i] == '+')) i++;
    size_t first = i;
    int64_t e = 0;
    for (; i < n && number_digit(s[i]); i++)
        if (e < (int64_t)NUMBER_FAR * 1000000) e = e * 10 + (s[i] - '0');
    *exp = minus ? -e : e;
    return i > first ? i : 0;
}

/* Digits with at most one point, then an exponent: bytes used, 0 if malformed. */
static size_t number_scan(const char *s, size_t n, number_text *t) {
    size_t i = 0, digits = 0, fraction = 0;
    bool point = false;
    *t = (number_text){.digits = s};
    for (; i < n && (number_digit(s[i]) || (s[i] == '.' && !point)); i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        digits++;
        fraction += point;
        if (t->count == 0 && s[i] == '0') continue;
        if (t->count++ == 0) t->digits = s + i;
        if (t->count <= 19) t->first = t->first * 10 + (uint64_t)(s[i] - '0');
    }
    t->end = s + i;
    if (digits == 0 || (i < n && (s[i] == 'x' || s[i] == 'X'))) return 0;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        size_t used = number_exponent(s + i, n - i, &t->exp);
        if (used == 0) return 0;
        i += used;
    }
    t->exp -= (int64_t)fraction;
    return i;
}

/* ---- the interval ---- */

/* Leading 64 bits of 10^k, k = -368, -360 ... 312, rounded down. */
enum { NUMBER_POWER_LOW = -368, NUMBER_POWER_STEP = 8 };
static const uint64_t number_power[] = {
    0xB8E1CBC28BEF0B68, 0x89BF722840327F82, 0xCD42A11346F34F7D, 0x98EE4A22ECF3188B,
    0xE3E27A444D8D98B7, 0xA9C98D8CCB009506, 0xFD00B897478238D0, 0xBC807527ED3E12BC,
    0x8C71DCD9BA0B4925, 0xD1476E2C07286FAA, 0x9BECCE62836AC577, 0xE858AD248F5C22C9,
    0xAD1C8EAB5EE43B66, 0x80FA687F881C7F8E, 0xC0314325637A1939, 0x8F31CC0937AE58D2,
    0xD5605FCDCF32E1D6, 0x9EFA548D26E5A6E1, 0xECE53CEC4A314EBD, 0xB080392CC4349DEC,
    0x8380DEA93DA4BC60, 0xC3F490AA77BD60FC, 0x91FF83775423CC06, 0xD98DDAEE19068C76,
    0xA21727DB38CB002F, 0xF18899B1BC3F8CA1, 0xB3F4E093DB73A093, 0x8613FD0145877585,
    0xC7CABA6E7C5382C8, 0x94DB483840B717EF, 0xDDD0467C64BCE4A0, 0xA54394FE1EEDB8FE,
    0xF64335BCF065D37D, 0xB77ADA0617E3BBCB, 0x88B402F7FD75539B, 0xCBB41EF979346BCA,
    0x97C560BA6B0919A5, 0xE2280B6C20DD5232, 0xA87FEA27A539E9A5, 0xFB158592BE068D2E,
    0xBB127C53B17EC159, 0x8B61313BBABCE2C6, 0xCFB11EAD453994BA, 0x9ABE14CD44753B52,
    0xE69594BEC44DE15B, 0xABCC77118461CEFC, 0x8000000000000000, 0xBEBC200000000000,
    0x8E1BC9BF04000000, 0xD3C21BCECCEDA100, 0x9DC5ADA82B70B59D, 0xEB194F8E1AE525FD,
    0xAF298D050E4395D6, 0x82818F1281ED449F, 0xC2781F49FFCFA6D5, 0x90E40FBEEA1D3A4A,
    0xD7E77A8F87DAF7FB, 0xA0DC75F1778E39D6, 0xEFB3AB16C59B14A2, 0xB2977EE300C50FE7,
    0x850FADC09923329E, 0xC646D63501A1511D, 0x93BA47C980E98CDF, 0xDC21A1171D42645D,
    0xA402B9C5A8D3A6E7, 0xF46518C2EF5B8CD1, 0xB616A12B7FE617AA, 0x87AA9AFF79042286,
    0xCA28A291859BBF93, 0x969EB7C47859E743, 0xE070F78D3927556A, 0xA738C6BEBB12D16C,
    0xF92E0C3537826145, 0xB9A74A0637CE2EE1, 0x8A5296FFE33CC92F, 0xCE1DE40642E3F4B9,
    0x9991A6F3D6BF1765, 0xE4D5E82392A40515, 0xAA7EEBFB9DF9DE8D, 0xFE0EFB53D30DD4D7,
    0xBD49D14AA79DBC82, 0x8D07E33455637EB2, 0xD226FC195C6A2F8C, 0x9C935E00D4B9D8D2,
    0xE950DF20247C83FD, 0xADD57A27D29339F6,
};
static const uint32_t number_small_power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

/* floor(log2(10^k)) on the table's range. */
static int number_log2_power(int k) {
    int scaled = k * 217706;
    return scaled >= 0 ? scaled / 65536 : -((65535 - scaled) / 65536);
}

/* The value lies in [f, f + error] * 2^e; f has its top bit. */
typedef struct number_range {
    uint64_t f, error;
    int e;
} number_range;

static uint64_t number_high(uint64_t a, uint64_t b) {
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t mid = ah * bl + (al * bl >> 32), mid2 = al * bh + (uint32_t)mid;
    return ah * bh + (mid >> 32) + (mid2 >> 32);
}

static void number_normalise(number_range *r) {
    for (; !(r->f >> 63); r->f <<= 1, r->error <<= 1) r->e--;
}

/* Times [c, c + 1] * 2^e. In units of 2^64: (f + error)(c + 1) < f c + error + 2,
 * and the high half of f c drops less than 1. */
static void number_times(number_range *r, uint64_t c, int e) {
    r->f = number_high(r->f, c);
    r->error += 3;
    r->e += e + 64;
    number_normalise(r);
}

static number_range number_estimate(const number_text *t) {
    bool cut = t->count > 19;
    int exp = (int)(t->exp + (cut ? (int64_t)t->count - 19 : 0));
    number_range r = {t->first, cut, 0};
    number_normalise(&r);
    int index = (exp - NUMBER_POWER_LOW) / NUMBER_POWER_STEP;
    int rest = (exp - NUMBER_POWER_LOW) % NUMBER_POWER_STEP;
    if (rest != 0) {
        number_range small = {number_small_power[rest], 0, 0};
        number_normalise(&small);
        number_times(&r, small.f, small.e);
    }
    int k = NUMBER_POWER_LOW + NUMBER_POWER_STEP * index;
    if (k != 0) number_times(&r, number_power[index], number_log2_power(k) - 63);
    return r;
}

/* Bits of f * 2^e (f with its top bit) rounded to nearest, ties to even. */
static uint64_t number_round(uint64_t f, int e, const number_format *to) {
    int q = e + 64 - to->p;
    if (q < to->least) q = to->least;
    int shift = q - e;
    if (shift > 64) return 0;
    uint64_t m = shift == 64 ? 0 : f >> shift;
    uint64_t rest = shift == 64 ? f : f & (((uint64_t)1 << shift) - 1);
    uint64_t half = (uint64_t)1 << (shift - 1);
    m += rest > half || (rest == half && (m & 1));
    uint64_t bits = ((uint64_t)(q - to->least) << (to->p - 1)) + m;
    return bits < to->infinity ? bits : to->infinity;
}

/* ---- exact comparison ---- */

typedef struct number_big {
    int n;
    uint32_t w[NUMBER_WORDS];
} number_big;

static void number_big_times(number_big *b, uint32_t factor, uint32_t add) {
    uint64_t carry = add;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->w[i] * factor;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry && b->n < NUMBER_WORDS) b->w[b->n++] = (uint32_t)carry;
}

static void number_big_times5(number_big *b, int power) {
    for (; power >= 13; power -= 13) number_big_times(b, 1220703125, 0);
    for (; power > 0; power--) number_big_times(b, 5, 0);
}

static void number_big_shift(number_big *b, int bits) {
    for (; bits >= 31; bits -= 31) number_big_times(b, (uint32_t)1 << 31, 0);
    number_big_times(b, (uint32_t)1 << bits, 0);
}

static int number_big_compare(const number_big *a, const number_big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

/* The text as b * 10^result. A midpoint has at most 767 digits, so the digits after the 800th
 * matter only by not being all 0: a digit 1 stands for them. */
static int number_big_read(number_big *b, const number_text *t) {
    size_t taken = 0;
    bool rest = false;
    b->n = 0;
    for (const char *s = t->digits; s < t->end; s++) {
        if (*s == '.') continue;
        if (taken == NUMBER_DIGITS) {
            rest |= *s != '0';
            continue;
        }
        number_big_times(b, 10, (uint32_t)(*s - '0'));
        taken++;
    }
    int exp = (int)(t->exp + (int64_t)(t->count - taken));
    if (!rest) return exp;
    number_big_times(b, 10, 1);
    return exp - 1;
}

/* Sign of text - midpoint of the numbers with `bits` and bits + 1: h 2^e against d 10^exp, both
 * times 5^-exp where exp < 0, and times a power of two that makes them integers. */
static int number_compare_middle(const number_text *t, uint64_t bits, const number_format *f) {
    number_big text, middle = {0};
    int exp = number_big_read(&text, t);
    uint64_t biased = bits >> (f->p - 1), m = bits & (((uint64_t)1 << (f->p - 1)) - 1);
    if (biased > 0) m |= (uint64_t)1 << (f->p - 1);
    int e = f->least - 1 + (biased > 0 ? (int)biased - 1 : 0);
    uint64_t h = 2 * m + 1;
    middle.w[0] = (uint32_t)h;
    middle.w[1] = (uint32_t)(h >> 32);
    middle.n = middle.w[1] ? 2 : 1;
    number_big_times5(exp < 0 ? &middle : &text, exp < 0 ? -exp : exp);
    number_big_shift(exp < e ? &middle : &text, exp < e ? e - exp : exp - e);
    return number_big_compare(&text, &middle);
}

/* Bits of the number nearest to the text. */
static uint64_t number_nearest(const number_text *t, const number_format *f) {
    if (t->count == 0) return 0;
    int64_t top = t->exp + (int64_t)t->count; /* 10^(top-1) <= value < 10^top */
    if (top > 310) return f->infinity;
    if (top < -340) return 0;
    number_range r = number_estimate(t);
    uint64_t high = r.f + r.error, top_bit = (uint64_t)1 << 63;
    uint64_t low_bits = number_round(r.f, r.e, f);
    uint64_t high_bits = high >= r.f ? number_round(high, r.e, f)
                                     : number_round((high >> 1 | top_bit) + 1, r.e + 1, f);
    for (; low_bits < high_bits; low_bits++) {
        int side = number_compare_middle(t, low_bits, f);
        if (side < 0 || (side == 0 && !(low_bits & 1))) break;
    }
    return low_bits;
}

/* ---- the doors ---- */

/* `word` (lower case) at s in any case? */
static bool number_word(const char *s, size_t n, const char *word) {
    size_t len = strlen(word);
    if (n < len) return false;
    for (size_t i = 0; i < len; i++)
        if ((s[i] | 0x20) != word[i]) return false;
    return true;
}

/* Sign apart: bytes used, 0 if none; *bits of the magnitude, infinity + 1 for NaN. */
static size_t number_parse(const char *s, size_t n, const number_format *f, uint64_t *bits) {
    number_text t;
    if (number_word(s, n, "nan")) return *bits = f->infinity + 1, 3;
    if (number_word(s, n, "inf")) {
        *bits = f->infinity;
        return number_word(s, n, "infinity") ? 8 : 3;
    }
    size_t used = number_scan(s, n, &t);
    if (used > 0) *bits = number_nearest(&t, f);
    return used;
}

size_t dp__parse_double(const char *s, size_t n, double *out) {
    size_t minus = n > 0 && s[0] == '-';
    uint64_t bits = 0;
    size_t used = number_parse(s + minus, n - minus, &number_double, &bits);
    if (used == 0) return 0;
    if (bits > number_double.infinity)
        bits = (uint64_t)0x7FF8 << 48;
    else
        bits |= (uint64_t)minus << 63;
    memcpy(out, &bits, sizeof *out);
    return used + minus;
}

size_t dp__parse_float(const char *s, size_t n, float *out) {
    size_t minus = n > 0 && s[0] == '-';
    uint64_t wide = 0;
    size_t used = number_parse(s + minus, n - minus, &number_float, &wide);
    if (used == 0) return 0;
    uint32_t bits = (uint32_t)wide;
    if (wide > number_float.infinity)
        bits = (uint32_t)0x7FC0 << 16;
    else
        bits |= (uint32_t)minus << 31;
    memcpy(out, &bits, sizeof *out);
    return used + minus;
}

size_t dp__parse_int(const char *s, size_t n, int64_t *out) {
    size_t i = n > 0 && s[0] == '-' ? 1 : 0, first = i;
    uint64_t limit = first ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, value = 0;
    for (; i < n && number_digit(s[i]); i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (value > (limit - digit) / 10) return 0;
        value = value * 10 + digit;
    }
    if (i == first) return 0;
    *out = first ? (int64_t)(0 - value) : (int64_t)value;
    return i;
}

/* ---- number to text: the fewest digits that read back as the same number ---- */

/* digits[0] . digits[1 ...] * 10^exp */
typedef struct number_shortest {
    char digits[24];
    int n, exp;
} number_shortest;

/* The C library rounds to n digits; its decimal point, whatever the locale made it, is skipped. */
static void number_print(double x, int n, number_shortest *out) {
    char text[64];
    dp_fenv env;
    dp__fenv_enter(&env);
    snprintf(text, sizeof text, "%.*e", n - 1, x);
    dp__fenv_leave(&env);
    const char *s = text;
    for (out->n = 0; *s && *s != 'e'; s++)
        if (number_digit(*s) && out->n < n) out->digits[out->n++] = *s;
    bool minus = *s && s[1] == '-';
    out->exp = 0;
    for (; *s; s++)
        if (number_digit(*s)) out->exp = out->exp * 10 + (*s - '0');
    if (minus) out->exp = -out->exp;
}

/* One more in the last digit. */
static void number_next(number_shortest *d) {
    int i = d->n - 1;
    for (; i >= 0 && d->digits[i] == '9'; i--) d->digits[i] = '0';
    if (i >= 0) {
        d->digits[i]++;
        return;
    }
    d->digits[0] = '1';
    d->exp++;
}

static bool number_same(const number_shortest *d, const number_format *f, uint64_t bits) {
    char digits[24];
    memcpy(digits, d->digits, (size_t)d->n);
    number_text t;
    number_scan(digits, (size_t)d->n, &t);
    t.exp = d->exp - (d->n - 1);
    return number_nearest(&t, f) == bits;
}

/* Normal numbers keep 15 (6) decimal digits, so fewer appear there as zeros at the end; denormal
 * ones keep less. Below a power of two the gap is half as wide: the rounded digits may lie in the
 * lower neighbour's half while the next ones above still read back. */
static void number_find(double x, const number_format *f, uint64_t bits, number_shortest *out) {
    uint64_t significand = bits & (((uint64_t)1 << (f->p - 1)) - 1);
    bool normal = bits >> (f->p - 1) > 0;
    int most = f->p == 53 ? 17 : 9, n = normal ? (f->p == 53 ? 15 : 6) : 1;
    for (; n <= most; n++) {
        number_print(x, n, out);
        if (number_same(out, f, bits)) break;
        if (significand != 0) continue;
        number_next(out);
        if (number_same(out, f, bits)) break;
    }
    while (out->n > 1 && out->digits[out->n - 1] == '0') out->n--;
}

static char *number_copy(char *at, const char *s, int n) {
    memcpy(at, s, (size_t)n);
    return at + n;
}

static char *number_zeros(char *at, int n) {
    memset(at, '0', (size_t)n);
    return at + n;
}

/* "e-05", "e+16", "e-324" */
static void number_layout_exp(int exp, char *at) {
    int e = exp < 0 ? -exp : exp;
    *at++ = 'e';
    *at++ = exp < 0 ? '-' : '+';
    if (e >= 100) *at++ = (char)('0' + e / 100 % 10);
    *at++ = (char)('0' + e / 10 % 10);
    *at++ = (char)('0' + e % 10);
    *at = 0;
}

/* As "%g" with 16 digits writes it: 123, 1.5, 0.0001, 1e-05, 1e+16. */
static void number_layout(const number_shortest *d, char *at) {
    int whole = d->exp + 1;
    if (d->exp < -4 || d->exp >= 16) {
        *at++ = d->digits[0];
        if (d->n > 1) *at++ = '.';
        at = number_copy(at, d->digits + 1, d->n - 1);
        number_layout_exp(d->exp, at);
        return;
    }
    if (whole >= d->n) {
        at = number_zeros(number_copy(at, d->digits, d->n), whole - d->n);
    } else if (whole > 0) {
        at = number_copy(at, d->digits, whole);
        *at++ = '.';
        at = number_copy(at, d->digits + whole, d->n - whole);
    } else {
        at = number_zeros(number_copy(at, "0.", 2), -whole);
        at = number_copy(at, d->digits, d->n);
    }
    *at = 0;
}

/* |x| has the bits of format f. */
static const char *number_write(double x, bool minus, const number_format *f, uint64_t bits,
                                char *buf) {
    number_shortest d;
    char *at = buf;
    if (bits > f->infinity) return strcpy(buf, "nan");
    if (minus) *at++ = '-';
    if (bits == f->infinity) {
        strcpy(at, "inf");
    } else if (bits == 0) {
        strcpy(at, "0");
    } else {
        number_find(x, f, bits, &d);
        number_layout(&d, at);
    }
    return buf;
}

const char *dp__format_double(double x, char *buf) {
    uint64_t bits, sign = (uint64_t)1 << 63;
    memcpy(&bits, &x, sizeof bits);
    bool minus = bits & sign;
    bits &= ~sign;
    memcpy(&x, &bits, sizeof x);
    return number_write(x, minus, &number_double, bits, buf);
}

const char *dp__format_float(float x, char *buf) {
    uint32_t bits, sign = (uint32_t)1 << 31;
    memcpy(&bits, &x, sizeof bits);
    bool minus = bits & sign;
    bits &= ~sign;
    memcpy(&x, &bits, sizeof x);
    dp_fenv env;
    dp__fenv_enter(&env);
    double wide = (double)x;
    dp__fenv_leave(&env);
    return number_write(wide, minus, &number_float, bits, buf);
}
