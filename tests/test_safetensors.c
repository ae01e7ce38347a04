/* test_safetensors.c: bad files by table, every truncation, every flipped bit, round trips, memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "io/safetensors.h"
#include "testdata.h"

/* ---- making files ---- */

static char folder[64] = "/tmp/denpan-safetensors-XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static dp_bytes raw(const void *data, size_t n) {
    dp_bytes b = {dp__alloc(n), n};
    assert_non_null(b.data);
    memcpy(b.data, data, n);
    return b;
}

/* Length, header, and `data` zero bytes. */
static dp_bytes made(const char *header, size_t header_n, size_t data) {
    dp_bytes b = {dp__alloc(8 + header_n + data), 8 + header_n + data};
    uint64_t length = header_n;
    assert_non_null(b.data);
    memcpy(b.data, &length, 8);
    memcpy(b.data + 8, header, header_n);
    memset(b.data + 8 + header_n, 0, data);
    return b;
}

/* ---- bad files ---- */

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define KNOWN "F32, F64, I64, U8"

typedef struct bad {
    const char *header;
    size_t data;
    dp_status status;
    const char *message; /* after "f: " */
} bad;

static const bad bads[] = {
    /* offsets (A7, A8) */
    {"{" T("a", "F32", "[2]", "[0,8]") "}", 0, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found 8, allowed a whole number <= 0"},
    {"{" T("a", "F32", "[2]", "[0,8]") "}", 7, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found 8, allowed a whole number <= 7"},
    {"{" T("a", "F32", "[2]", "[8,0]") "}", 8, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found 0, allowed >= 8 (its begin)"},
    {"{" T("a", "F32", "[2]", "[-1,7]") "}", 8, DP_EFORMAT,
     "byte 0x38 (56): header[\"a\"].data_offsets[0]: found -1, allowed a whole number <= 8"},
    {"{" T("a", "F32", "[2]", "[0.0,8]") "}", 8, DP_EFORMAT,
     "byte 0x38 (56): header[\"a\"].data_offsets[0]: found 0.0, allowed a whole number <= 8"},
    {"{" T("a", "F32", "[2]", "[0,8e0]") "}", 8, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found 8e0, allowed a whole number <= 8"},
    {"{" T("a", "F32", "[2]", "[0,18446744073709551624]") "}", 8, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found 18446744073709551624, allowed a whole "
     "number <= 8"},
    {"{" T("a", "F32", "[2]", "[0,8,8]") "}", 8, DP_EFORMAT,
     "byte 0x3c (60): header[\"a\"].data_offsets: found a number, allowed the end of an array"},
    {"{" T("a", "F32", "[2]", "[0]") "}", 8, DP_EFORMAT,
     "byte 0x39 (57): header[\"a\"].data_offsets[1]: found the end of an array, allowed a number"},
    {"{" T("a", "F32", "[2]", "[]") "}", 8, DP_EFORMAT,
     "byte 0x38 (56): header[\"a\"].data_offsets[0]: found the end of an array, allowed a number"},
    {"{" T("a", "F32", "[2]", "8") "}", 8, DP_EFORMAT,
     "byte 0x37 (55): header[\"a\"].data_offsets: found a number, allowed an array"},
    {"{" T("a", "F32", "[2]", "[0,\"8\"]") "}", 8, DP_EFORMAT,
     "byte 0x3a (58): header[\"a\"].data_offsets[1]: found a string, allowed a number"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[1,3]") "}", 3, DP_EFORMAT,
     "byte 0x3d (61): header[\"b\"].data_offsets: found [1,3], allowed begin 2 (overlaps \"a\")"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[3,5]") "}", 5, DP_EFORMAT,
     "byte 0x3d (61): header[\"b\"].data_offsets: found [3,5], allowed begin 2 (gap after \"a\")"},
    {"{" T("a", "U8", "[2]", "[1,3]") "}", 3, DP_EFORMAT,
     "byte 0x9 (9): header[\"a\"].data_offsets: found [1,3], allowed begin 0 (gap before the first "
     "tensor)"},
    {"{" T("a", "U8", "[2]", "[0,2]") "}", 3, DP_EFORMAT,
     "byte 0x3f (63): data: found 1 bytes after the data, allowed 0"},
    {"{}", 5, DP_EFORMAT, "byte 0xa (10): data: found 5 bytes after the data, allowed 0"},
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[0]", "[2,2]") "}", 4, DP_EFORMAT,
     "byte 0x3d (61): header[\"b\"].data_offsets: found [2,2], allowed begin 4 (overlaps \"a\")"},
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x3d (61): header[\"b\"].data_offsets: found [0,4], allowed begin 4 (overlaps \"a\")"},
    /* size of shape and dtype (A4, A5, A11) */
    {"{" T("a", "F32", "[2]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x37 (55): header[\"a\"].data_offsets: found 4 bytes [0,4], allowed 8 (shape times "
     "dtype)"},
    {"{" T("a", "F64", "[2]", "[0,8]") "}", 8, DP_EFORMAT,
     "byte 0x37 (55): header[\"a\"].data_offsets: found 8 bytes [0,8], allowed 16 (shape times "
     "dtype)"},
    {"{" T("a", "F32", "[4194305,4194305,211106198978564]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x35 (53): header[\"a\"].shape[2]: found a product that exceeds 2^63-1 at dim 2, "
     "allowed <= 2^63-1"},
    {"{" T("a", "F32", "[4611686018427387904,8]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x39 (57): header[\"a\"].shape[1]: found a product that exceeds 2^63-1 at dim 1, "
     "allowed <= 2^63-1"},
    {"{" T("a", "F32", "[4611686018427387903]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x24 (36): header[\"a\"].shape: found 4611686018427387903 elements of 4 bytes, allowed "
     "<= "
     "2^63-1 bytes"},
    {"{" T("a", "F32", "[9223372036854775807,2]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x39 (57): header[\"a\"].shape[1]: found a product that exceeds 2^63-1 at dim 1, "
     "allowed <= 2^63-1"},
    {"{" T("a", "F32", "[9223372036854775808]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found 9223372036854775808, allowed a whole number <= "
     "9223372036854775807"},
    {"{" T("a", "F32", "[-1]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found -1, allowed a whole number <= "
     "9223372036854775807"},
    {"{" T("a", "F32", "[-0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found -0, allowed a whole number <= "
     "9223372036854775807"},
    {"{" T("a", "F32", "[1.0]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found 1.0, allowed a whole number <= "
     "9223372036854775807"},
    {"{" T("a", "F32", "[1e999]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found 1e999, allowed a whole number <= "
     "9223372036854775807"},
    {"{" T("a", "F32", "[true]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found true, allowed a number"},
    {"{" T("a", "F32", "[[1]]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found an array, allowed a number"},
    {"{" T("a", "F32", "\"1\"", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x24 (36): header[\"a\"].shape: found a string, allowed an array"},
    {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, DP_ELIMIT,
     "byte 0x34 (52): header[\"a\"].shape[8]: found more than 8 dims, allowed rank <= 8"},
    /* dtypes (A11) */
    {"{" T("a", "F128", "[1]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found \"F128\", allowed " KNOWN},
    {"{" T("a", "F16", "[1]", "[0,2]") "}", 2, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found \"F16\" (not supported), allowed " KNOWN},
    {"{" T("a", "BF16", "[1]", "[0,2]") "}", 2, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found \"BF16\" (not supported), allowed " KNOWN},
    {"{" T("a", "f32", "[1]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found \"f32\", allowed " KNOWN},
    {"{" T("a", "", "[1]", "[0,4]") "}", 4, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found \"\", allowed " KNOWN},
    {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found a number, allowed a string"},
    {"{\"a\":{\"dtype\":null,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, DP_EFORMAT,
     "byte 0x16 (22): header[\"a\"].dtype: found null, allowed a string"},
    /* members */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, DP_EFORMAT,
     "byte 0x26 (38): header[\"a\"]: found no data_offsets, allowed exactly one"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, DP_EFORMAT,
     "byte 0x2f (47): header[\"a\"]: found no shape, allowed exactly one"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, DP_EFORMAT,
     "byte 0x2e (46): header[\"a\"]: found no dtype, allowed exactly one"},
    {"{\"a\":{}}", 0, DP_EFORMAT,
     "byte 0xe (14): header[\"a\"]: found no dtype, allowed exactly one"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     DP_EFORMAT, "byte 0x1b (27): header[\"a\"].dtype: found a second key \"dtype\", allowed one"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[1],\"data_offsets\":[0,1]}}", 1, DP_EFORMAT,
     "byte 0x26 (38): header[\"a\"].shape: found a second key \"shape\", allowed one"},
    {"{\"a\":{\"dtype\":\"U8\",\"size\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, DP_EFORMAT,
     "byte 0x1b (27): header[\"a\"]: found key \"size\", allowed dtype, shape, data_offsets"},
    {"{\"a\":[]}", 0, DP_EFORMAT,
     "byte 0xd (13): header[\"a\"]: found an array, allowed an object"},
    {"{\"a\":1}", 0, DP_EFORMAT, "byte 0xd (13): header[\"a\"]: found a number, allowed an object"},
    /* names (A9) */
    {"{" T("a", "U8", "[0]", "[0,0]") "," T("a", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x3d (61): header: found a second tensor \"a\", allowed one"},
    {"{" T("a", "U8", "[0]", "[0,0]") "," T("\\u0061", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x3d (61): header: found a second tensor \"a\", allowed one"},
    {"{" T("a\\u0000b", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x9 (9): header: found the name \"a\\x00b\", allowed no NUL in it"},
    {"{" T("a\x1b[2Jb", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0xb (11): header: found '\\x1b', allowed no control character in a string"},
    {"{" T("a\xff", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0xb (11): header: found byte 0xff, allowed UTF-8"},
    {"{" T("\\ud800", "U8", "[0]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0xa (10): header: found half of a surrogate pair, allowed both halves, high first"},
    {"{" T("\\u001b[2J", "U8", "[1]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x3e (62): header[\"\\x1b[2J\"].data_offsets: found 0 bytes [0,0], allowed 1 (shape "
     "times dtype)"},
    /* JSON (A10) */
    {"[]", 0, DP_EFORMAT, "byte 0x8 (8): header: found '[', allowed '{'"},
    {" {}", 0, DP_EFORMAT, "byte 0x8 (8): header: found ' ', allowed '{'"},
    {"\xEF\xBB\xBF{}", 0, DP_EFORMAT, "byte 0x8 (8): header: found '\\xef', allowed '{'"},
    {"", 0, DP_EFORMAT, "byte 0x8 (8): header: found nothing, allowed '{'"},
    {"{", 0, DP_EFORMAT, "byte 0x9 (9): header: found the end, allowed a key or '}'"},
    {"{} x", 0, DP_EFORMAT, "byte 0xb (11): header: found 'x', allowed nothing after the value"},
    {"{}{}", 0, DP_EFORMAT, "byte 0xa (10): header: found '{', allowed nothing after the value"},
    {"{\"a", 0, DP_EFORMAT, "byte 0xb (11): header: found the end, allowed '\"'"},
    {"{\"a\"}", 0, DP_EFORMAT, "byte 0xc (12): header[\"a\"]: found '}', allowed ':'"},
    {"{,}", 0, DP_EFORMAT, "byte 0x9 (9): header: found ',', allowed a key or '}'"},
    {"{" T("a", "U8", "[0]", "[0,0]") ",}", 0, DP_EFORMAT,
     "byte 0x3d (61): header: found '}', allowed a key"},
    {"{" T("a", "U8", "[0,]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x26 (38): header[\"a\"].shape[1]: found ']', allowed a value"},
    {"{" T("a", "U8", "[01]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x25 (37): header[\"a\"].shape[0]: found '1', allowed no digit after a leading 0"},
    {"{" T("a", "U8", "[NaN]", "[0,0]") "}", 0, DP_EFORMAT,
     "byte 0x24 (36): header[\"a\"].shape[0]: found 'N', allowed a value"},
    {"{'a':{}}", 0, DP_EFORMAT, "byte 0x9 (9): header: found ''', allowed a key or '}'"},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, DP_EFORMAT,
     "byte 0x18 (24): header[\"__metadata__\"]: found an array, allowed an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, DP_EFORMAT,
     "byte 0x1d (29): header[\"__metadata__\"][\"k\"]: found a number, allowed a string"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, DP_EFORMAT,
     "byte 0x21 (33): header[\"__metadata__\"]: found a key for the second time, allowed once"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, DP_EFORMAT,
     "byte 0x1b (27): header: found a second \"__metadata__\", allowed one"},
    {"{\"__metadata__\":{\"denpan.version\":\"1\"}}", 0, DP_EFORMAT,
     "byte 0x19 (25): header[\"__metadata__\"]: found denpan.* without a checksum, allowed with "
     "\"denpan.crc32c\""},
    {"{\"__metadata__\":{\"denpan.crc32c\":\"0000000\"}}", 0, DP_EFORMAT,
     "byte 0x29 (41): header[\"__metadata__\"][\"denpan.crc32c\"]: found \"0000000\", allowed "
     "eight "
     "hexadecimal digits in lower case"},
    {"{\"__metadata__\":{\"denpan.crc32c\":\"ABCDEF01\"}}", 0, DP_EFORMAT,
     "byte 0x29 (41): header[\"__metadata__\"][\"denpan.crc32c\"]: found \"ABCDEF01\", allowed "
     "eight "
     "hexadecimal digits in lower case"},
    {"{\"__metadata__\":{\"denpan.crc32c\":\"\\u00300000000\"}}", 0, DP_EFORMAT,
     "byte 0x29 (41): header[\"__metadata__\"][\"denpan.crc32c\"]: found \"00000000\", allowed "
     "eight "
     "hexadecimal digits in lower case"},
};

static void check_refused(dp_bytes b, dp_status status, const char *message, int row) {
    dp_st_file f;
    size_t before = dp__allocated() - b.n;
    char want[512];
    dp_clear();
    dp_status s = dp__st_parse("f", &b, &f);
    snprintf(want, sizeof want, "f: %s", message);
    if (s != status || strcmp(dp_error(), want))
        fail_msg("row %d: status %d, message\n  %s\nexpected %d\n  %s", row, s, dp_error(), status,
                 want);
    assert_int_equal(dp_error_status(), status);
    assert_int_equal(dp__allocated(), before);
    dp_clear();
}

static void test_bad_files(void **state) {
    (void)state;
    size_t n = sizeof bads / sizeof *bads;
    assert_true(n >= 60);
    for (size_t i = 0; i < n; i++)
        check_refused(made(bads[i].header, strlen(bads[i].header), bads[i].data), bads[i].status,
                      bads[i].message, (int)i);
}

static void test_lengths(void **state) {
    (void)state;
    static const unsigned char most[8] = {255, 255, 255, 255, 255, 255, 255, 255},
                               half[8] = {[7] = 128};
    static const unsigned char nine[17] = {10, [8] = '{', '}'};
    check_refused(raw("", 0), DP_EFORMAT,
                  "byte 0x0 (0): header_length: found a file of 0 bytes, needs 8", 0);
    check_refused(raw(most, 7), DP_EFORMAT,
                  "byte 0x0 (0): header_length: found a file of 7 bytes, needs 8", 1);
    check_refused(raw(most, 8), DP_EFORMAT,
                  "byte 0x0 (0): header_length: found 18446744073709551615, allowed <= 0 (the rest "
                  "of the file)",
                  2);
    check_refused(raw(half, 8), DP_EFORMAT,
                  "byte 0x0 (0): header_length: found 9223372036854775808, allowed <= 0 (the rest "
                  "of the file)",
                  3);
    check_refused(raw(nine, 17), DP_EFORMAT,
                  "byte 0x0 (0): header_length: found 10, allowed <= 9 (the rest of the file)", 4);
}

/* A header of 100,000,000 bytes is read; one more is refused. */
static void test_long_header(void **state) {
    (void)state;
    for (size_t n = DP_ST_HEADER_MAX; n <= DP_ST_HEADER_MAX + 1; n++) {
        char *header = dp__alloc(n);
        memset(header, ' ', n);
        memcpy(header, "{}", 2);
        dp_bytes b = made(header, n, 0);
        dp__release(header, n);
        dp_st_file f;
        dp_status s = dp__st_parse("f", &b, &f);
        assert_int_equal(s, n > DP_ST_HEADER_MAX ? DP_ELIMIT : DP_OK);
        if (!s)
            dp__st_free(&f);
        else
            assert_string_equal(
                dp_error(),
                "f: byte 0x0 (0): header_length: found 100000001, allowed <= 100000000");
        dp_clear();
    }
}

static void test_depth(void **state) {
    (void)state;
    enum { N = 100000 };
    char *header = dp__alloc(N);
    memset(header, '[', N);
    memcpy(header, "{\"a\":", 5);
    dp_bytes b = made(header, N, 0);
    dp_st_file f;
    assert_int_equal(dp__st_parse("f", &b, &f), DP_EFORMAT); /* refused at the first bracket */
    dp_clear();
    dp__release(header, N);
}

static dp_status parse_name(size_t length) {
    char header[600], name[400];
    memset(name, 'n', length);
    name[length] = 0;
    snprintf(header, sizeof header,
             "{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", name);
    dp_bytes b = made(header, strlen(header), 0);
    dp_st_file f;
    dp_clear();
    dp_status s = dp__st_parse("f", &b, &f);
    if (!s) dp__st_free(&f);
    return s;
}

static void test_name_limit(void **state) {
    (void)state;
    assert_int_equal(parse_name(255), DP_OK);
    assert_int_equal(parse_name(256), DP_OK);
    assert_int_equal(parse_name(257), DP_ELIMIT);
    dp_clear();
}

static dp_status parse_rank(int rank) {
    char header[200];
    int n = snprintf(header, sizeof header,
                     "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1],\"shape\":[");
    for (int i = 0; i < rank; i++)
        n += snprintf(header + n, sizeof header - (size_t)n, i ? ",1" : "1");
    snprintf(header + n, sizeof header - (size_t)n, "]}}");
    dp_bytes b = made(header, strlen(header), 1);
    dp_st_file f;
    dp_clear();
    dp_status s = dp__st_parse("f", &b, &f);
    if (!s) dp__st_free(&f);
    return s;
}

static void test_rank_limit(void **state) {
    (void)state;
    for (int rank = 0; rank <= 9; rank++)
        assert_int_equal(parse_rank(rank), rank > 8 ? DP_ELIMIT : DP_OK);
    dp_clear();
}

/* ---- good files ---- */

static dp_bytes slurp(const char *path) {
    dp_bytes b = {0};
    assert_int_equal(dp__file_read(path, 0, &b), DP_OK);
    return b;
}

static const float weight[6] = {1, -2, 3.5f, 0, 1e-40f, 6};
static const double twos[2] = {2, -0.0};
static const int64_t count[1] = {-7};
static const uint8_t bytes[5] = {0, 1, 2, 254, 255};

static const dp_st_tensor sample[] = {
    {"0.weight", DP_F32, {2, {2, 3}}, weight, 24}, {"bytes", DP_U8, {1, {5}}, bytes, 5},
    {"d\xC3\xA9\"\\", DP_F64, {1, {2}}, twos, 16}, {"steps", DP_I64, {0, {0}}, count, 8},
    {"none", DP_F32, {3, {2, 0, 3}}, weight, 0},
};
static const dp_st_meta sample_meta[] = {
    {DP_ST_CRC_KEY, ""},
    {"denpan.model", "Linear(3,2)  # \"\xE4\xBC\x9D\"\n"},
    {"denpan.version", "1"},
};
enum { SAMPLES = sizeof sample / sizeof *sample };

static void write_sample(const char *path) {
    assert_int_equal(dp__st_write(path, sample, SAMPLES, sample_meta, 3), DP_OK);
}

static void test_round_trip(void **state) {
    (void)state;
    const char *path = path_of("round.safetensors");
    size_t before = dp__allocated();
    write_sample(path);
    dp_st_file f;
    assert_int_equal(dp__st_read(path, &f), DP_OK);
    assert_int_equal(f.n, SAMPLES);
    assert_true(f.own);
    for (size_t i = 0; i < SAMPLES; i++) {
        dp_st_tensor t;
        assert_true(dp__st_find(&f, sample[i].name, &t));
        assert_int_equal(t.dtype, sample[i].dtype);
        assert_int_equal(t.bytes, sample[i].bytes);
        assert_int_equal(t.shape.rank, sample[i].shape.rank);
        assert_memory_equal(t.shape.dim, sample[i].shape.dim,
                            sizeof(int64_t) * (size_t)t.shape.rank);
        assert_memory_equal(t.data, sample[i].data, t.bytes);
    }
    dp_st_tensor t;
    assert_false(dp__st_find(&f, "0.bias", &t));
    dp_text text = {0};
    assert_true(dp__st_meta(&f, "denpan.model", &text));
    assert_string_equal(text.data, sample_meta[1].value);
    dp__text_free(&text);
    assert_false(dp__st_meta(&f, "denpan.mode", &text));
    dp__st_free(&f);
    assert_int_equal(dp__allocated(), before);
}

/* The order and the header are those of the official library. */
static void test_canonical(void **state) {
    (void)state;
    const char *path = path_of("canonical.safetensors");
    write_sample(path);
    dp_bytes b = slurp(path);
    uint64_t length;
    memcpy(&length, b.data, 8);
    assert_int_equal(length % 8, 0);
    char *header = dp__alloc(length + 1);
    memcpy(header, b.data + 8, length);
    header[length] = 0;
    char *at = strstr(header, "\"steps\"");
    assert_string_equal(
        at, "\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
            "\"d\xC3\xA9\\\"\\\\\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[8,24]},"
            "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]},"
            "\"none\":{\"dtype\":\"F32\",\"shape\":[2,0,3],\"data_offsets\":[48,48]},"
            "\"bytes\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[48,53]}}");
    dp__release(header, length + 1);
    dp__bytes_free(&b);
}

static void test_same_bytes(void **state) {
    (void)state;
    dp_st_tensor turned[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++) turned[i] = sample[SAMPLES - 1 - i];
    write_sample(path_of("a.safetensors"));
    assert_int_equal(dp__st_write(path_of("b.safetensors"), turned, SAMPLES, sample_meta, 3),
                     DP_OK);
    dp_bytes a = slurp(path_of("a.safetensors")), b = slurp(path_of("b.safetensors"));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    dp__bytes_free(&a);
    dp__bytes_free(&b);
}

static void test_nans(void **state) {
    (void)state;
    uint32_t odd[3] = {0xFFC00001, 0x3F800000, 0x7F800001},
             want[3] = {0x7FC00000, 0x3F800000, 0x7FC00000};
    uint64_t odd64[2] = {0xFFF8000000000000, 0x7FF0000000000000},
             want64[2] = {0x7FF8000000000000, 0x7FF0000000000000};
    dp_st_tensor t[2] = {{"a", DP_F32, {1, {3}}, odd, 12}, {"b", DP_F64, {1, {2}}, odd64, 16}}, got;
    const char *path = path_of("nan.safetensors");
    size_t before = dp__allocated();
    assert_int_equal(dp__st_write(path, t, 2, NULL, 0), DP_OK);
    assert_int_equal(odd[0], 0xFFC00001);
    dp_st_file f;
    assert_int_equal(dp__st_read(path, &f), DP_OK);
    assert_false(f.own);
    assert_true(dp__st_find(&f, "a", &got));
    assert_memory_equal(got.data, want, 12);
    assert_true(dp__st_find(&f, "b", &got));
    assert_memory_equal(got.data, want64, 16);
    dp__st_free(&f);
    assert_int_equal(dp__allocated(), before);
}

static void test_truncated(void **state) {
    (void)state;
    write_sample(path_of("t.safetensors"));
    dp_bytes whole = slurp(path_of("t.safetensors"));
    for (size_t n = 0; n < whole.n; n++) {
        dp_st_file f;
        dp_bytes b = raw(whole.data, n);
        dp_clear();
        assert_int_equal(dp__st_parse("f", &b, &f), DP_EFORMAT);
        assert_non_null(strstr(dp_error(), "found"));
    }
    dp_clear();
    dp__bytes_free(&whole);
}

static void test_flipped(void **state) {
    (void)state;
    write_sample(path_of("t.safetensors"));
    dp_bytes whole = slurp(path_of("t.safetensors"));
    for (size_t i = 0; i < 8 * whole.n; i++) {
        dp_st_file f;
        dp_bytes b = raw(whole.data, whole.n);
        b.data[i / 8] ^= (unsigned char)(1u << (i % 8));
        dp_clear();
        dp_status s = dp__st_parse("f", &b, &f);
        if (s != DP_EFORMAT && s != DP_ELIMIT) fail_msg("bit %zu: status %d", i, s);
    }
    dp_clear();
    dp__bytes_free(&whole);
}

static void test_polyglot(void **state) {
    (void)state;
    write_sample(path_of("t.safetensors"));
    dp_bytes whole = slurp(path_of("t.safetensors")), b = {dp__alloc(whole.n + 4), whole.n + 4};
    char want[120];
    dp_st_file f;
    memcpy(b.data, whole.data, whole.n);
    memcpy(b.data + whole.n, "PK\5\6", 4);
    assert_int_equal(dp__st_parse("f", &b, &f), DP_EFORMAT);
    snprintf(want, sizeof want,
             "f: byte 0x%zx (%zu): data: found 4 bytes after the data, allowed 0", whole.n,
             whole.n);
    assert_string_equal(dp_error(), want);
    dp_clear();
    dp__bytes_free(&whole);
}

/* ---- memory: at most twice the file and a mebibyte, whatever the header says ---- */

static size_t now, peak;

static void *counted_alloc(void *context, size_t n, size_t align) {
    (void)context;
    void *p = NULL;
    if (posix_memalign(&p, align, n ? n : 1)) return NULL;
    now += n;
    if (now > peak) peak = now;
    return p;
}

static void counted_free(void *context, void *p, size_t n) {
    (void)context;
    now -= n;
    free(p);
}

static void test_memory(void **state) {
    (void)state;
    enum { N = 200000, LINE = 80 };
    const char *path = path_of("many.safetensors");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    char *header = malloc((size_t)N * LINE);
    size_t n = 0;
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(header + n, LINE + 1,
                              "%c\"%x\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%d,%d]}",
                              i ? ',' : '{', i, i, i + 1);
    header[n++] = '}';
    uint64_t length = n;
    fwrite(&length, 1, 8, file);
    fwrite(header, 1, n, file);
    for (int i = 0; i < N; i++) fputc(i & 255, file);
    assert_int_equal(fclose(file), 0);
    free(header);
    dp_allocator counted = {sizeof counted, counted_alloc, counted_free, NULL};
    assert_int_equal(dp_set_allocator(&counted), DP_OK);
    dp_st_file f;
    assert_int_equal(dp__st_read(path, &f), DP_OK);
    assert_int_equal(f.n, N);
    assert_true(peak <= 2 * (8 + n + N) + (1 << 20));
    dp_st_tensor t;
    assert_true(dp__st_find(&f, "ff", &t));
    assert_int_equal(*(const uint8_t *)t.data, 255);
    dp__st_free(&f);
    assert_int_equal(now, 0);
    dp_set_allocator(NULL);
}

/* Every allocation of a read and of a write fails once. */
static size_t fail_at, calls;

static void *failing_alloc(void *context, size_t n, size_t align) {
    return ++calls == fail_at ? NULL : counted_alloc(context, n, align);
}

static void test_no_memory(void **state) {
    (void)state;
    dp_allocator failing = {sizeof failing, failing_alloc, counted_free, NULL};
    const char *path = path_of("memory.safetensors");
    write_sample(path);
    assert_int_equal(dp_set_allocator(&failing), DP_OK);
    for (int writing = 0; writing < 2; writing++) {
        for (fail_at = 1;; fail_at++) {
            dp_st_file f;
            calls = now = 0;
            dp_clear();
            dp_status s = writing ? dp__st_write(path, sample, SAMPLES, sample_meta, 3)
                                  : dp__st_read(path, &f);
            if (!s && !writing) dp__st_free(&f);
            assert_int_equal(now, 0);
            if (calls < fail_at) break;
            if (s) assert_int_equal(s, DP_ENOMEM);
        }
        dp_clear();
    }
    dp_set_allocator(NULL);
    dp_st_file f;
    assert_int_equal(dp__st_read(path, &f), DP_OK);
    dp__st_free(&f);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),   cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_long_header), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_name_limit),  cmocka_unit_test(test_rank_limit),
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_nans),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_polyglot),    cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
