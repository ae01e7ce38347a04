/* test_data.c: IDX folders good and bad, data sets, batches. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "data/data.h"
#include "testdata.h"

/* ---- an allocator that counts, and fails when told to ---- */
static long allocations, fail_at = -1;

static void *count_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    allocations++;
    if (fail_at >= 0 && fail_at-- == 0) return NULL;
    size_t room = (bytes + align - 1) / align * align;
    return aligned_alloc(align, room ? room : align);
}

static void count_free(void *context, void *pointer, size_t bytes) {
    (void)context, (void)bytes;
    free(pointer);
}

static const dp_allocator counting = {sizeof counting, count_alloc, count_free, NULL};

static int clean(void **state) {
    (void)state;
    dp_clear();
    return 0;
}

static void assert_failed(dp_status status, const char *message, const char *hint) {
    assert_string_equal(dp_error(), message);
    assert_int_equal(dp_error_status(), status);
    if (hint) assert_string_equal(dp_error_hint(), hint);
    dp_clear();
}

/* ---- small folders ---- */
enum { N_FILES = 4 };
static const char *const file_names[N_FILES] = {"train-images-idx3-ubyte",
                                                "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                                "t10k-labels-idx1-ubyte"};
static const char *const valid[N_FILES] = {"00000803000000020000000200000002"
                                           "00010203fcfdfeff",
                                           "0000080100000002"
                                           "0709",
                                           "00000803000000010000000200000002"
                                           "04050607",
                                           "0000080100000001"
                                           "03"};
static const char valid_gz[] =
    "1f8b08000000000002036360e0606660606082634626e63f7ffffd070084d9848118000000";

static char folder[64];

static size_t from_hex(const char *hex, unsigned char *out) {
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (unsigned char)byte;
    }
    return n;
}

static const char *path_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const unsigned char *data, size_t n) {
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_hex(const char *name, const char *hex) {
    unsigned char data[256];
    put(name, data, from_hex(hex, data));
}

static void remove_files(void) {
    for (int i = 0; i < N_FILES; i++) {
        char dotted[40];
        const char *dash = strstr(file_names[i], "-idx");
        unlink(path_of(file_names[i]));
        snprintf(dotted, sizeof dotted, "%.*s.%s", (int)(dash - file_names[i]), file_names[i],
                 dash + 1);
        unlink(path_of(dotted));
        snprintf(dotted, sizeof dotted, "%s.gz", file_names[i]);
        unlink(path_of(dotted));
    }
}

static void put_valid(void) {
    remove_files();
    for (int i = 0; i < N_FILES; i++) put_hex(file_names[i], valid[i]);
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/denpan-data-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    remove_files();
    return rmdir(folder);
}

static void test_small_folder(void **state) {
    (void)state;
    put_valid();
    dp_dataset *d = dp_data(folder);
    assert_non_null(d);
    assert_int_equal(dp_examples(d, DP_TRAIN), 2);
    assert_int_equal(dp_examples(d, DP_VAL), 0);
    assert_int_equal(dp_examples(d, DP_TEST), 1);
    dp_shape s = dp_example_shape(d);
    assert_int_equal(s.rank, 3);
    assert_int_equal(s.dim[0] * 100 + s.dim[1] * 10 + s.dim[2], 122);
    assert_int_equal(dp_classes(d), 10);
    assert_string_equal(dp_class_name(d, 9), "9");
    assert_string_equal(dp_data_name(d), folder);
    assert_string_equal(dp_data_pixels(d), "0-1");
    assert_memory_equal(d->train.x, "\0\1\2\3\374\375\376\377", 8);
    assert_memory_equal(d->train.y, "\7\11", 2);
    assert_memory_equal(d->test.y, "\3", 1);
    dp_dataset_free(d);

    unlink(path_of(file_names[2])); /* no test split; a dot, and gzip */
    unlink(path_of(file_names[3]));
    unlink(path_of(file_names[1]));
    put_hex("train-labels.idx1-ubyte", valid[1]);
    unlink(path_of(file_names[0]));
    put_hex("train-images-idx3-ubyte.gz", valid_gz);
    char slashed[80];
    snprintf(slashed, sizeof slashed, "%s/", folder);
    d = dp_data(slashed);
    if (!d && strstr(dp_error(), "needs the library zlib")) return;
    assert_non_null(d);
    assert_int_equal(dp_examples(d, DP_TRAIN), 2);
    assert_int_equal(dp_examples(d, DP_TEST), 0);
    assert_memory_equal(d->train.x, "\0\1\2\3\374\375\376\377", 8);
    dp_dataset_free(d);
}

/* ---- bad files: content = valid[0 .. cut) (cut < 0: all), then hex at `at` ---- */
typedef struct bad_file {
    int file, cut, at;
    const char *hex, *message; /* after "FOLDER/FILE: " */
} bad_file;

#define MAGIC3 "allowed 0x00000803"
#define MAGIC1 "allowed 0x00000801"
/* clang-format off */
static const bad_file bad_files[] = {
    /* empty, header only, truncated */
    {0, 0, 0, "", "byte 0x0 (0): magic: needs 4 bytes, has 0"},
    {0, 3, 0, "", "byte 0x0 (0): magic: needs 4 bytes, has 3"},
    {0, 4, 0, "", "byte 0x4 (4): images: needs 4 bytes, has 0"},
    {0, 10, 0, "", "byte 0x8 (8): rows: needs 4 bytes, has 2"},
    {0, 15, 0, "", "byte 0xc (12): columns: needs 4 bytes, has 3"},
    {0, 16, 0, "", "byte 0x10 (16): data: found 0 bytes, allowed 8 (2 x 2 x 2)"},
    {0, 23, 0, "", "byte 0x17 (23): data: found 7 bytes, allowed 8 (2 x 2 x 2)"},
    {1, 0, 0, "", "byte 0x0 (0): magic: needs 4 bytes, has 0"},
    {1, 7, 0, "", "byte 0x4 (4): labels: needs 4 bytes, has 3"},
    {1, 8, 0, "", "byte 0x8 (8): data: found 0 bytes, allowed 2 (2)"},
    {3, 8, 0, "", "byte 0x8 (8): data: found 0 bytes, allowed 1 (1)"},
    /* too long */
    {0, -1, 24, "00", "byte 0x18 (24): data: found 9 bytes, allowed 8 (2 x 2 x 2)"},
    {1, -1, 10, "0001", "byte 0xa (10): data: found 4 bytes, allowed 2 (2)"},
    /* magic */
    {0, -1, 0, "03080000", "byte 0x0 (0): magic: found 0x03080000 (little-endian?), " MAGIC3},
    {1, -1, 0, "01080000", "byte 0x0 (0): magic: found 0x01080000 (little-endian?), " MAGIC1},
    {0, -1, 0, "89504e47", "byte 0x0 (0): magic: found 0x89504e47, " MAGIC3},
    {0, -1, 0, "00010803", "byte 0x1 (1): magic: found 0x00010803, " MAGIC3},
    {2, -1, 0, "ff", "byte 0x0 (0): magic: found 0xff000803, " MAGIC3},
    {0, -1, 0, "1f8b0800", "byte 0x0 (0): magic: found 1f 8b (looks like gzip), " MAGIC3},
    {1, 2, 0, "1f8b", "byte 0x0 (0): magic: found 1f 8b (looks like gzip), " MAGIC1},
    /* type */
    {0, -1, 2, "0a",
     "byte 0x2 (2): type: found 0x0a (no known type), allowed 0x08 (unsigned byte)"},
    {0, -1, 2, "00",
     "byte 0x2 (2): type: found 0x00 (no known type), allowed 0x08 (unsigned byte)"},
    {0, -1, 2, "09", "byte 0x2 (2): type: found 0x09 (signed byte), allowed 0x08 (unsigned byte)"},
    {0, -1, 2, "0b", "byte 0x2 (2): type: found 0x0b (short), allowed 0x08 (unsigned byte)"},
    {0, -1, 2, "0c", "byte 0x2 (2): type: found 0x0c (int), allowed 0x08 (unsigned byte)"},
    {0, -1, 2, "0d", "byte 0x2 (2): type: found 0x0d (float), allowed 0x08 (unsigned byte)"},
    {1, -1, 2, "0e", "byte 0x2 (2): type: found 0x0e (double), allowed 0x08 (unsigned byte)"},
    /* rank */
    {0, -1, 3, "00", "byte 0x3 (3): rank: found 0, allowed 3"},
    {0, -1, 3, "ff", "byte 0x3 (3): rank: found 255, allowed 3"},
    {0, -1, 3, "01", "byte 0x3 (3): rank: found 1, allowed 3"},
    {1, -1, 3, "03", "byte 0x3 (3): rank: found 3, allowed 1"},
    {1, -1, 3, "00", "byte 0x3 (3): rank: found 0, allowed 1"},
    /* dims */
    {0, -1, 4, "00000000", "byte 0x4 (4): images: found 0 samples, allowed 1 and more"},
    {0, 16, 4, "00000000", "byte 0x4 (4): images: found 0 samples, allowed 1 and more"},
    {1, 8, 4, "00000000", "byte 0x4 (4): labels: found 0 samples, allowed 1 and more"},
    {0, -1, 8, "00000000", "byte 0x8 (8): rows: found 0, allowed 1 and more"},
    {0, -1, 12, "00000000", "byte 0xc (12): columns: found 0, allowed 1 and more"},
    {0, -1, 4, "00000003", "byte 0x18 (24): data: found 8 bytes, allowed 12 (3 x 2 x 2)"},
    {0, -1, 4, "00000001", "byte 0x14 (20): data: found 8 bytes, allowed 4 (1 x 2 x 2)"},
    {0, -1, 4, "02000000",
     "byte 0x18 (24): data: found 8 bytes, allowed 134217728 (33554432 x 2 x 2)"},
    {0, -1, 4, "ffffffffffffffffffffffff",
     "byte 0x8 (8): rows: found 4294967295, allowed less: the product of the dims exceeds "
     "9223372036854775807"},
    {0, -1, 4, "7fffffff7fffffff00000003",
     "byte 0xc (12): columns: found 3, allowed less: the product of the dims exceeds "
     "9223372036854775807"},
    /* images against labels, test against train, labels' range */
    {1, 4, 4, "0000000107", "byte 0x4 (4): labels: found 1, allowed 2 (as many as images)"},
    {1, 4, 4, "00000003070809", "byte 0x4 (4): labels: found 3, allowed 2 (as many as images)"},
    {3, 4, 4, "000000020708", "byte 0x4 (4): labels: found 2, allowed 1 (as many as images)"},
    {1, -1, 8, "0a", "byte 0x8 (8): labels[0]: found 10, allowed 0 to 9"},
    {1, -1, 9, "ff", "byte 0x9 (9): labels[1]: found 255, allowed 0 to 9"},
    {3, -1, 8, "0b", "byte 0x8 (8): labels[0]: found 11, allowed 0 to 9"},
    {2, -1, 8, "0000000100000004",
     "byte 0x8 (8): rows: found 1, allowed 2 (as in the training images)"},
    {2, 8, 8, "00000002000000010405",
     "byte 0xc (12): columns: found 1, allowed 2 (as in the training images)"},
};
/* clang-format on */

static size_t bad_content(const bad_file *b, unsigned char *data) {
    size_t n = from_hex(valid[b->file], data);
    if (b->cut >= 0) n = (size_t)b->cut;
    size_t end = (size_t)b->at + from_hex(b->hex, data + b->at);
    return *b->hex && end > n ? end : n;
}

static void test_bad_files(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        const bad_file *b = &bad_files[i];
        unsigned char data[128];
        char message[512];
        put_valid();
        put(file_names[b->file], data, bad_content(b, data));
        snprintf(message, sizeof message, "%s: %s", path_of(file_names[b->file]), b->message);
        size_t before = dp__allocated();
        assert_null(dp_data(folder));
        assert_failed(DP_EFORMAT, message, NULL);
        assert_int_equal(dp__allocated(), before);
    }
}

static void test_hints(void **state) {
    (void)state;
    put_valid();
    put_hex(file_names[0], valid_gz);
    assert_null(dp_data(folder));
    assert_string_equal(dp_error_hint(), "give the file a name that ends in .gz, or unzip it");
    dp_clear();
    remove_files();
    put_hex("train-images-idx3-ubyte.gz", valid[0]);
    put_hex(file_names[1], valid[1]);
    assert_null(dp_data(folder));
    char message[512];
    snprintf(message, sizeof message,
             "%s: byte 0x0 (0): gzip header: found 00 00 (looks like IDX that "
             "is not zipped), allowed 1f 8b",
             path_of("train-images-idx3-ubyte.gz"));
    assert_failed(DP_EFORMAT, message, "take the .gz off the file's name");
}

static void test_truncations(void **state) {
    (void)state;
    for (int file = 0; file < N_FILES; file++) {
        unsigned char data[64];
        size_t n = from_hex(valid[file], data);
        put_valid();
        for (size_t k = 0; k < n; k++) {
            put(file_names[file], data, k);
            assert_null(dp_data(folder));
            assert_int_equal(dp_error_status(), DP_EFORMAT);
            dp_clear();
        }
    }
    unsigned char gz[64];
    size_t n = from_hex(valid_gz, gz);
    put_valid();
    unlink(path_of(file_names[0]));
    for (size_t k = 0; k < n; k++) {
        put("train-images-idx3-ubyte.gz", gz, k);
        assert_null(dp_data(folder));
        if (strstr(dp_error(), "needs the library zlib")) break;
        assert_int_equal(dp_error_status(), DP_EFORMAT);
        dp_clear();
    }
    dp_clear();
}

static void test_missing(void **state) {
    (void)state;
    char message[400];
    for (int i = 0; i < N_FILES; i++) {
        static const char *const what[] = {"training images", "training labels", "test images",
                                           "test labels"};
        const char *dash = strstr(file_names[i], "-idx");
        put_valid();
        unlink(path_of(file_names[i]));
        assert_null(dp_data(folder));
        snprintf(message, sizeof message,
                 "%s: no %s: looked for %s and %.*s.%s, each also with .gz", folder, what[i],
                 file_names[i], (int)(dash - file_names[i]), file_names[i], dash + 1);
        assert_failed(DP_EIO, message,
                      "put MNIST's files there, or use the built-in data: `digits` needs no files");
    }
    assert_null(dp_data("no/such/folder"));
    assert_failed(DP_EIO, "no/such/folder: no such folder, and no built-in data of that name",
                  "name a folder with MNIST's IDX files, or `digits`, which needs no files");
    assert_null(dp_data("digts(n=3)"));
    assert_failed(DP_EIO, "digts(n=3): no such folder, and no built-in data of that name",
                  "did you mean `digits`?");
    put_valid();
    assert_null(dp_data(path_of(file_names[0])));
    snprintf(message, sizeof message, "%s: found a regular file, allowed a folder of IDX files",
             path_of(file_names[0]));
    assert_failed(DP_EIO, message, NULL);
    unlink(path_of(file_names[0]));
    assert_int_equal(mkfifo(path_of(file_names[0]), 0600), 0);
    assert_null(dp_data(folder)); /* does not hang */
    assert_int_equal(dp_error_status(), DP_EIO);
    dp_clear();
    assert_null(dp_data("a\nb\033[1m"));
    assert_failed(DP_EIO, "a\\nb\\x1b[1m: no such folder, and no built-in data of that name", NULL);
    assert_null(dp_data(NULL));
    assert_failed(DP_EINVAL, "dp_data: the description is NULL", NULL);
}

static void test_options(void **state) {
    (void)state;
    put_valid();
    put_hex(file_names[1], "0000080100000002"
                           "0719");
    dp_dataset *d = dp_data_with(folder, &(dp_data_options){sizeof d->example, .classes = 26});
    assert_non_null(d);
    assert_int_equal(dp_classes(d), 26);
    assert_string_equal(dp_class_name(d, 25), "25");
    assert_string_equal(dp_class_name(d, 26), "");
    assert_failed(DP_EINVAL, "dp_class_name: found 26, allowed 0 to 25", NULL);
    dp_dataset_free(d);
    assert_null(
        dp_data_with(folder, &(dp_data_options){sizeof(dp_data_options), .pixels = "0-256"}));
    assert_failed(DP_EINVAL, "dp_data: pixels: found \"0-256\", allowed \"0-1\" or \"0-255\"",
                  NULL);
    assert_null(dp_data_with(folder, &(dp_data_options){sizeof(dp_data_options), .classes = 257}));
    assert_failed(DP_EINVAL, "dp_data: classes: found 257, allowed 1 to 256, or 0 for 10", NULL);
    assert_null(dp_data_with(folder, &(dp_data_options){0}));
    assert_failed(DP_EINVAL, "dp_data: options.size is 0; set it to sizeof(dp_data_options)", NULL);
}

/* ---- real data ---- */
static void test_mnist(void **state) {
    (void)state;
    static const int count[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    const char *path = test_data("mnist");
    if (!path) skip();
    dp_dataset *d = dp_data(path);
    if (!d) print_message("%s\n", dp_error());
    assert_non_null(d);
    assert_int_equal(dp_examples(d, DP_TRAIN), 60000);
    assert_int_equal(dp_examples(d, DP_TEST), 10000);
    int64_t sum = 0, seen[10] = {0};
    for (size_t i = 0; i < 60000u * 784; i++) sum += d->train.x[i];
    for (size_t i = 0; i < 60000; i++) seen[d->train.y[i]]++;
    assert_int_equal(sum, 1567298545); /* NumPy's */
    for (int i = 0; i < 10; i++) assert_int_equal(seen[i], count[i]);
    assert_int_equal(dp__crc32c(0, d->train.x, 60000u * 784), 0xa3957509u);
    dp_dataset_free(d);
}

/* ---- pixels to numbers ---- */
static void test_pixels(void **state) {
    (void)state;
    unsigned char data[16 + 256];
    remove_files();
    from_hex("00000803000000010000001000000010", data);
    for (int i = 0; i < 256; i++) data[16 + i] = (unsigned char)i;
    put(file_names[0], data, sizeof data);
    put_hex(file_names[1], "000008010000000105");
    for (int raw = 0; raw < 2; raw++) {
        dp_dataset *d = dp_data_with(
            folder, &(dp_data_options){sizeof(dp_data_options), .pixels = raw ? "0-255" : "0-1"});
        assert_string_equal(dp_data_pixels(d), raw ? "0-255" : "0-1");
        dp_iter *it = dp_iter_new(d, DP_TRAIN, NULL);
        dp_batch b;
        assert_true(dp_next(it, &b));
        assert_int_equal(dp_rank(b.x), 4);
        assert_int_equal(dp_dim(b.x, 2), 16);
        assert_int_equal(dp_dtype_of(b.y), DP_I64);
        assert_int_equal(*(const int64_t *)dp_map(b.y), 5);
        const float *x = dp_map(b.x);
        for (int i = 0; i < 256; i++) assert_true(x[i] == (raw ? (float)i : (float)i / 255.0f));
        assert_false(dp_next(it, &b));
        for (int isa = 0; isa < DP_N_ISA; isa++) { /* each instruction set, at odd places too */
            float other[256];
            if (!dp__isa_usable((dp_isa)isa)) continue;
            dp__pixels((dp_isa)isa, raw)(other, data + 16, 256);
            assert_memory_equal(other, x, sizeof other);
            dp__pixels((dp_isa)isa, raw)(other + 3, data + 16 + 7, 101);
            assert_memory_equal(other + 3, x + 7, 101 * sizeof *x);
        }
        dp_dataset_free(d); /* the iterator still holds it */
        assert_true(dp_next(it, &b));
        dp_iter_free(it);
    }
}

/* ---- iteration ---- */
enum { ROWS = 1003, BATCH = 10 };

static dp_dataset *numbered(int64_t n) {
    float *x = malloc(sizeof(float) * 2 * (size_t)n);
    int64_t *y = malloc(sizeof(int64_t) * (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        x[2 * i] = (float)i;
        x[2 * i + 1] = -(float)i;
        y[i] = i % 7;
    }
    dp_dataset *d =
        dp_dataset_arrays(dp_from(DP_F32, DP_SHAPE(n, 2), x), dp_from(DP_I64, DP_SHAPE(n), y));
    assert_non_null(d);
    free(x);
    free(y);
    return d;
}

/* One epoch's examples in their order; the pass must end after `want`. */
static void epoch(dp_iter *it, int64_t *order, int64_t want) {
    int64_t n = 0, index = 0;
    for (dp_batch b; dp_next(it, &b); index++) {
        const float *x = dp_map(b.x);
        const int64_t *y = dp_map(b.y);
        assert_int_equal(b.index, index);
        assert_int_equal(dp_dim(b.x, 0), b.n);
        for (int64_t i = 0; i < b.n; i++, n++) {
            assert_true(n < want);
            order[n] = (int64_t)x[2 * i];
            assert_true(x[2 * i + 1] == -x[2 * i] && y[i] == order[n] % 7);
        }
    }
    assert_false(dp_failed());
    assert_int_equal(index, dp_iter_batches(it));
    assert_int_equal(n, want);
}

static dp_iter *make_iter(dp_dataset *d, dp_iter_options o) {
    o.size = sizeof o;
    dp_iter *it = dp_iter_new(d, DP_TRAIN, &o);
    assert_non_null(it);
    return it;
}

static void test_order(void **state) {
    (void)state;
    static int64_t a[ROWS], b[ROWS], c[ROWS];
    char seen[ROWS] = {0};
    dp_scope *s = dp_scope_begin();
    dp_dataset *d = numbered(ROWS);
    dp_iter *it = make_iter(d, (dp_iter_options){.batch = BATCH});
    assert_int_equal(dp_iter_batches(it), 101);
    epoch(it, a, ROWS);
    for (int i = 0; i < ROWS; i++) assert_int_equal(a[i], i);

    it = make_iter(d, (dp_iter_options){.batch = BATCH, .shuffle = true, .seed = 5});
    epoch(it, a, ROWS);
    epoch(it, b, ROWS);
    for (int i = 0; i < ROWS; i++) seen[a[i]]++;
    for (int i = 0; i < ROWS; i++) assert_int_equal(seen[i], 1);
    assert_memory_not_equal(a, b, sizeof a);
    epoch(make_iter(d, (dp_iter_options){.batch = 64, .shuffle = true, .seed = 5}), c, ROWS);
    assert_memory_equal(a, c, sizeof a); /* the batch size does not matter */
    epoch(make_iter(d, (dp_iter_options){.batch = 64, .shuffle = true, .seed = 6}), c, ROWS);
    assert_memory_not_equal(a, c, sizeof a);
    int fixed = 0;
    for (int i = 0; i < ROWS; i++) fixed += a[i] == i;
    assert_in_range(fixed, 0, 8);

    it = make_iter(d, (dp_iter_options){.batch = BATCH, .drop_last = true});
    assert_int_equal(dp_iter_batches(it), 100);
    epoch(it, a, 1000);
    it = make_iter(d, (dp_iter_options){.batch = 5000});
    assert_int_equal(dp_iter_batches(it), 1);
    epoch(it, a, ROWS);
    dp_scope_end(s);
}

/* All permutations of 4 are equally likely: chi-square with 23 degrees of freedom over 24,000
 * epochs, which exceeds 49.7 with probability 0.001. */
static void test_fair(void **state) {
    (void)state;
    enum { EPOCHS = 24000 };
    int count[256] = {0};
    double chi = 0;
    dp_scope *s = dp_scope_begin();
    dp_iter *it = make_iter(numbered(4), (dp_iter_options){.shuffle = true, .seed = 1});
    for (int e = 0; e < EPOCHS; e++) {
        int64_t o[4];
        dp_scope *inner = dp_scope_begin();
        epoch(it, o, 4);
        dp_scope_end(inner);
        count[o[0] * 64 + o[1] * 16 + o[2] * 4 + o[3]]++;
    }
    for (int i = 0; i < 256; i++)
        if (count[i]) chi += (count[i] - 1000.0) * (count[i] - 1000.0) / 1000.0;
    assert_true(chi < 49.7);
    dp_scope_end(s);
}

static void test_seek(void **state) {
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        static float all[3 * 101][2 * BATCH];
        dp_scope *s = dp_scope_begin();
        dp_dataset *d = numbered(ROWS);
        const dp_iter_options o = {.batch = BATCH, .shuffle = true, .replace = replace, .seed = 9};
        dp_iter *it = make_iter(d, o), *other = make_iter(d, o);
        dp_batch b;
        int64_t e = -1, k = -1, at = 0;
        for (int pass = 0; pass < 3; pass++)
            for (; dp_next(it, &b); at++)
                assert_int_equal(dp_read(b.x, all[at], (size_t)b.n * 8), 0);
        dp_iter_tell(it, &e, &k);
        assert_int_equal(e, 3);
        assert_int_equal(k, 0);
        for (int64_t to = 302; to >= 0; to -= 7) { /* backwards, so that each one is a jump */
            dp_iter_seek(other, to / 101, to % 101);
            assert_true(dp_next(other, &b));
            assert_int_equal(b.index, to % 101);
            assert_memory_equal(dp_map(b.x), all[to], (size_t)b.n * 8);
        }
        dp_iter_seek(other, 1, 101); /* at an epoch's end: its end comes next */
        assert_false(dp_next(other, &b));
        assert_true(dp_next(other, &b));
        assert_memory_equal(dp_map(b.x), all[202], (size_t)b.n * 8);
        dp_iter_seek(other, 0, 102);
        assert_failed(DP_EINVAL, "dp_iter_seek: epoch 0, batch 102: allowed 0 and more, 0 to 101",
                      NULL);
        dp_scope_end(s);
    }
}

static void test_replace(void **state) {
    (void)state;
    static int64_t a[ROWS], b[ROWS];
    int distinct = 0;
    char seen[ROWS] = {0};
    dp_scope *s = dp_scope_begin();
    dp_dataset *d = numbered(ROWS);
    dp_iter *it = make_iter(d, (dp_iter_options){.batch = 64, .replace = true, .seed = 3});
    epoch(it, a, ROWS);
    epoch(it, b, ROWS);
    assert_memory_not_equal(a, b, sizeof a);
    for (int i = 0; i < ROWS; i++) distinct += !seen[a[i]], seen[a[i]] = 1;
    assert_in_range(distinct, 570, 700); /* 1003 * (1 - 1/e) = 634 */
    epoch(make_iter(d, (dp_iter_options){.batch = 7, .replace = true, .seed = 3}), b, ROWS);
    assert_memory_equal(a, b, sizeof a);
    dp_scope_end(s);
}

static void test_val(void **state) {
    (void)state;
    int64_t order[ROWS];
    dp_scope *s = dp_scope_begin();
    dp_dataset *d = numbered(ROWS);
    assert_null(dp_iter_new(d, DP_VAL, NULL));
    assert_failed(DP_EINVAL, "dp_iter_new: arrays has no validation examples", NULL);
    assert_int_equal(dp_split_val(d, ROWS), DP_EINVAL);
    assert_failed(DP_EINVAL,
                  "dp_split_val: found 1003, allowed 0 to 1002 (of 1003 training examples)", NULL);
    assert_int_equal(dp_split_val(d, 200), DP_OK);
    assert_int_equal(dp_split_val(d, 3), DP_OK);
    assert_int_equal(dp_examples(d, DP_TRAIN), 800);
    assert_int_equal(dp_examples(d, DP_VAL), 203);
    epoch(dp_iter_new(d, DP_VAL, NULL), order, 203);
    for (int i = 0; i < 203; i++) assert_int_equal(order[i], 800 + i);
    epoch(make_iter(d, (dp_iter_options){.shuffle = true}), order, 800);
    for (int i = 0; i < 800; i++) assert_in_range(order[i], 0, 799);
    dp_scope_end(s);
}

static void test_arrays(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    const float v[6] = {1, 2, 3, 4, 5, 6};
    const int64_t y[3] = {0, 4, 1}, negative[3] = {0, -1, 1}, huge[3] = {0, 1 << 20, 1};
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(3, 2), v), *labels = dp_from(DP_I64, DP_SHAPE(3), y);
    dp_dataset *d = dp_dataset_arrays(x, labels);
    assert_int_equal(dp_classes(d), 5);
    assert_string_equal(dp_data_pixels(d), "");
    d = dp_dataset_arrays(x, dp_from(DP_F32, DP_SHAPE(3, 1, 2), v)); /* values */
    assert_int_equal(dp_classes(d), 0);
    dp_batch b;
    dp_iter *it = make_iter(d, (dp_iter_options){.batch = 2, .flatten = true});
    assert_true(dp_next(it, &b) && dp_next(it, &b));
    assert_int_equal(dp_rank(b.y), 3);
    assert_int_equal(dp_rank(b.x), 2);
    assert_int_equal(b.n, 1);
    assert_memory_equal(dp_map(b.y), v + 4, 8);
    assert_memory_equal(dp_map(b.x), v + 4, 8);

    assert_null(dp_dataset_arrays(labels, labels));
    assert_failed(DP_EINVAL, "dp_dataset_arrays: x is i64, y is i64, allowed f32, and i64 or f32",
                  NULL);
    assert_null(dp_dataset_arrays(x, dp_from(DP_I64, DP_SHAPE(2), y)));
    assert_failed(DP_EINVAL,
                  "dp_dataset_arrays: x is [3,2], y is [2], allowed [n, ...] and [n], n > 0", NULL);
    assert_null(dp_dataset_arrays(x, dp_from(DP_I64, DP_SHAPE(3), negative)));
    assert_failed(DP_EINVAL, "dp_dataset_arrays: y[1]: found -1, allowed 0 to 1048575", NULL);
    assert_null(dp_dataset_arrays(x, dp_from(DP_I64, DP_SHAPE(3), huge)));
    assert_failed(DP_EINVAL, "dp_dataset_arrays: y[1]: found 1048576, allowed 0 to 1048575", NULL);
    assert_null(
        dp_iter_new(d, DP_TRAIN, &(dp_iter_options){.size = sizeof(dp_iter_options), .batch = -1}));
    assert_failed(DP_EINVAL, "dp_iter_new: batch: found -1, allowed 1 to 2147483647", NULL);
    assert_null(dp_iter_new(
        d, DP_TRAIN,
        &(dp_iter_options){.size = sizeof(dp_iter_options), .drop_last = true, .batch = 4}));
    assert_failed(DP_EINVAL, "dp_iter_new: batch: found 4, allowed 1 to 3 examples with drop_last",
                  NULL);
    dp_scope_end(s);
}

static void test_null(void **state) {
    (void)state;
    dp_batch b;
    assert_int_equal(dp_examples(NULL, DP_TRAIN), 0);
    assert_failed(DP_EINVAL, "dp_examples: the data set is NULL", NULL);
    assert_null(dp_iter_new(NULL, DP_TRAIN, NULL));
    assert_failed(DP_EINVAL, "dp_iter_new: the data set is NULL", NULL);
    assert_false(dp_next(NULL, &b));
    assert_failed(DP_EINVAL, "dp_next: the iterator is NULL", NULL);
    assert_null(dp_data("digits(n=0)")); /* the first error of a chain is kept */
    dp_iter *it = dp_iter_new(NULL, DP_TRAIN, NULL);
    assert_false(dp_next(it, &b));
    assert_string_equal(dp_class_name(NULL, 0), "");
    assert_null(dp_dataset_arrays(NULL, NULL));
    dp_iter_seek(it, 0, 0);
    dp_iter_free(it);
    dp_dataset_free(NULL);
    assert_failed(DP_EINVAL, "digits: n: found 0, allowed 1 to 10000000", NULL);
}

/* ---- memory ---- */
static void test_no_allocation(void **state) {
    (void)state;
    dp_scope *s = dp_scope_begin();
    dp_iter *it =
        make_iter(dp_data("digits(n=640)"), (dp_iter_options){.shuffle = true, .flatten = true});
    long before = 0;
    for (int i = 0; i < 100; i++) {
        dp_batch b;
        dp_scope *step = dp_scope_begin();
        if (dp_next(it, &b)) assert_int_equal(dp_dim(b.x, 1), 784);
        dp_scope_end(step);
        if (i == 1) before = allocations;
    }
    assert_int_equal(allocations, before);
    dp_scope_end(s);
}

static bool everything(const char *description) {
    dp_scope *s = dp_scope_begin();
    dp_batch b;
    dp_dataset *d = dp_data(description);
    bool ok = dp_next(
        dp_iter_new(d, DP_TRAIN, &(dp_iter_options){sizeof(dp_iter_options), .shuffle = true}), &b);
    dp_scope_end(s);
    return ok && !dp_failed();
}

static void test_out_of_memory(void **state) {
    (void)state;
    put_valid();
    for (int i = 0; i < 2; i++) {
        const char *description = i ? "digits(n=20)" : folder;
        dp_end();
        size_t before = dp__allocated();
        long k = 0;
        for (bool ok = false; !ok; k++) {
            fail_at = k;
            ok = everything(description);
            bool reached = fail_at < 0;
            fail_at = -1;
            if (!reached) break;
            if (!ok) assert_int_equal(dp_error_status(), DP_ENOMEM);
            dp_clear();
            dp_end();
            assert_int_equal(dp__allocated(), before);
        }
        assert_true(k > 5);
        assert_true(everything(description));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_small_folder, clean),
        cmocka_unit_test_teardown(test_bad_files, clean),
        cmocka_unit_test_teardown(test_hints, clean),
        cmocka_unit_test_teardown(test_truncations, clean),
        cmocka_unit_test_teardown(test_missing, clean),
        cmocka_unit_test_teardown(test_options, clean),
        cmocka_unit_test_teardown(test_mnist, clean),
        cmocka_unit_test_teardown(test_pixels, clean),
        cmocka_unit_test_teardown(test_order, clean),
        cmocka_unit_test_teardown(test_fair, clean),
        cmocka_unit_test_teardown(test_seek, clean),
        cmocka_unit_test_teardown(test_replace, clean),
        cmocka_unit_test_teardown(test_val, clean),
        cmocka_unit_test_teardown(test_arrays, clean),
        cmocka_unit_test_teardown(test_null, clean),
        cmocka_unit_test_teardown(test_no_allocation, clean),
        cmocka_unit_test_teardown(test_out_of_memory, clean),
    };
    dp_set_allocator(&counting);
    int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
    dp_end();
    return failed;
}
