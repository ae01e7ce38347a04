/* test_file.c: whole files, failing calls, the cursor, JSON, gzip. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../src/base/file.h"

#define N(a) (sizeof(a) / sizeof *(a))

static char folder[] = "/tmp/denpan-file-XXXXXX", path[300];

static int clear(void **state) {
    (void)state;
    dp_clear();
    return 0;
}

static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void empty_folder(void) {
    char name[600];
    DIR *dir = opendir(folder);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        snprintf(name, sizeof name, "%s/%s", folder, d->d_name);
        if (d->d_name[0] != '.' || d->d_name[1] == 'd') remove(name);
    }
    closedir(dir);
}

static int files_in_folder(void) {
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static bool holds(const char *file, const char *text) {
    dp_bytes b;
    if (dp__file_read(file, 0, &b) != DP_OK) return false;
    bool same = b.n == strlen(text) && memcmp(b.data, text, b.n) == 0;
    dp__bytes_free(&b);
    return same;
}

static void put(const char *file, const char *text) {
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* ---- reading ---- */

static void expect_error(dp_status got, dp_status status, const char *tail) {
    assert_int_equal(got, status);
    assert_int_equal(dp_error_status(), status);
    if (!strstr(dp_error(), tail)) fail_msg("\"%s\" lacks \"%s\"", dp_error(), tail);
    dp_clear();
}

static void test_read(void **state) {
    (void)state;
    dp_bytes b;
    put(in_folder("a"), "hello");
    assert_true(holds(path, "hello"));
    assert_int_equal(dp__file_read(path, 5, &b), DP_OK);
    dp__bytes_free(&b);
    expect_error(dp__file_read(path, 4, &b), DP_ELIMIT, "/a: 5 bytes; the limit is 4");
    put(path, "");
    assert_true(holds(path, ""));
    assert_int_equal(dp__file_kind(path), DP_FILE_REGULAR);
    assert_int_equal(dp__file_kind(folder), DP_FILE_FOLDER);
    assert_int_equal(dp__file_kind("/dev/null"), DP_FILE_OTHER);
    assert_int_equal(dp__file_kind(in_folder("none")), DP_FILE_NONE);
    empty_folder();
}

static void test_read_refused(void **state) {
    (void)state;
    dp_bytes b;
    expect_error(dp__file_read(in_folder("none"), 0, &b), DP_EIO,
                 "/none: cannot open: No such file or directory");
    expect_error(dp__file_read("", 0, &b), DP_EINVAL, "empty");
    expect_error(dp__file_read(NULL, 0, &b), DP_EINVAL, "empty");
    expect_error(dp__file_read("a\n\x1b[1m", 0, &b), DP_EIO, "a\\n\\x1b[1m: cannot open");
    expect_error(dp__file_read(folder, 0, &b), DP_EIO, "is a folder; a regular file is needed");
    expect_error(dp__file_read("/dev/zero", 0, &b), DP_EIO, "is a character device");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    expect_error(dp__file_read(path, 0, &b), DP_EIO, "is a pipe");
    expect_error(dp__file_write(path, "x", 1), DP_EIO, "is a pipe");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", in_folder("socket"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
    expect_error(dp__file_read(path, 0, &b), DP_EIO, "is a socket");
    close(s);
    assert_int_equal(symlink("nowhere", in_folder("link")), 0);
    expect_error(dp__file_read(path, 0, &b), DP_EIO, "No such file");
    char longer[9000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    expect_error(dp__file_read(longer, 0, &b), DP_EIO, "name too long");
    assert_int_equal(dp__allocated(), 0);
    empty_folder();
}

/* ---- hooks ---- */

typedef struct faults {
    int count, at, error;
    bool from_then_on;
    const char *grow; /* append to this file before its first read */
    char last[16];
} faults;

static int fault(void *context, const char *call, const char *file) {
    faults *f = context;
    snprintf(f->last, sizeof f->last, "%s", call);
    if (f->grow && strcmp(call, "read") == 0 && strcmp(file, f->grow) == 0) {
        FILE *more = fopen(file, "a");
        fputs("more", more);
        fclose(more);
        f->grow = NULL;
    }
    int n = ++f->count;
    return n == f->at || (f->from_then_on && f->at && n > f->at) ? f->error : 0;
}

static void install(faults *f) {
    dp_file_hooks hooks = {sizeof hooks, fault, f};
    dp_set_file_hooks(&hooks);
}

static void test_read_changes(void **state) {
    (void)state;
    dp_bytes b;
    put(in_folder("a"), "hello");
    faults f = {.grow = path};
    install(&f);
    expect_error(dp__file_read(path, 0, &b), DP_EIO, "changed while it was read (5 bytes, now 9)");
    dp_set_file_hooks(NULL);
    assert_null(b.data);
    empty_folder();
}

static void test_read_faults(void **state) {
    (void)state;
    dp_bytes b;
    put(in_folder("a"), "hello");
    for (int at = 1;; at++) {
        faults f = {.at = at, .error = EIO};
        install(&f);
        dp_status status = dp__file_read(path, 0, &b);
        dp_set_file_hooks(NULL);
        if (f.count < at) {
            assert_int_equal(status, DP_OK);
            assert_true(at > 5);
            dp__bytes_free(&b);
            break;
        }
        if (strcmp(f.last, "close") == 0 && status == DP_OK) {
            dp__bytes_free(&b); /* nothing was lost */
            continue;
        }
        expect_error(status, DP_EIO, "Input/output error");
        assert_int_equal(dp__allocated(), 0);
    }
    empty_folder();
}

/* ---- writing ---- */

static void test_write(void **state) {
    (void)state;
    static char big[700000];
    memset(big, 'x', sizeof big - 1);
    dp_piece pieces[] = {{"ab", 2}, {"", 0}, {big, sizeof big - 1}, {"c", 1}};
    assert_int_equal(dp__file_write(in_folder("a"), "new", 3), DP_OK);
    assert_true(holds(path, "new"));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(dp__file_write_pieces(path, pieces, N(pieces)), DP_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, sizeof big + 2);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(dp__file_write(path, NULL, 0), DP_OK);
    assert_true(holds(path, ""));
    assert_int_equal(symlink("a", in_folder("link")), 0);
    assert_int_equal(dp__file_write(path, "through", 7), DP_OK);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_true(holds(in_folder("a"), "through"));
    assert_int_equal(files_in_folder(), 2);
    expect_error(dp__file_write(folder, "x", 1), DP_EIO, "is a folder");
    expect_error(dp__file_write(in_folder("no/a"), "x", 1), DP_EIO, "No such file");
    expect_error(dp__file_write("/dev/null", "x", 1), DP_EIO, "is a character device");
    expect_error(dp__file_write(in_folder("b/"), "x", 1), DP_EIO, "directory");
    char name[252];
    memset(name, 'n', 251);
    name[251] = 0;
    assert_int_equal(dp__file_write(in_folder(name), "x", 1), DP_OK);
    empty_folder();
}

static void test_write_faults(void **state) {
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EXDEV};
    for (int kind = 0; kind < 6; kind++) {
        for (int at = 1;; at++) {
            empty_folder();
            put(in_folder("a"), "old");
            faults f = {.at = at, .error = errors[kind / 2], .from_then_on = kind % 2};
            install(&f);
            dp_status status = dp__file_write(path, "newer", 5);
            dp_set_file_hooks(NULL);
            assert_int_equal(files_in_folder(), 1);
            bool old = holds(path, "old");
            assert_true(old || holds(path, "newer"));
            assert_int_equal(dp__allocated(), 0);
            if (f.count < at) {
                assert_true(status == DP_OK && !old && at > 8);
                break;
            }
            if (status == DP_OK) {
                assert_string_equal(f.last, "close"); /* of the folder: nothing was lost */
                assert_false(old);
                continue;
            }
            if (!old) assert_non_null(strstr(dp_error(), "flush the folder"));
            assert_true(dp_error_hint()[0] || errors[kind / 2] == EIO);
            expect_error(status, DP_EIO, "/a: cannot ");
        }
    }
    empty_folder();
}

static void test_probe(void **state) {
    (void)state;
    assert_int_equal(dp__file_probe(in_folder("a")), DP_OK);
    assert_int_equal(files_in_folder(), 0);
    put(path, "old");
    for (int at = 1;; at++) {
        faults f = {.at = at, .error = ENOSPC};
        install(&f);
        dp_status status = dp__file_probe(path);
        dp_set_file_hooks(NULL);
        dp_clear();
        assert_true(holds(path, "old"));
        assert_int_equal(files_in_folder(), 1);
        if (f.count < at) {
            assert_int_equal(status, DP_OK);
            break;
        }
    }
    expect_error(dp__file_probe(folder), DP_EIO, "is a folder");
    expect_error(dp__file_probe(in_folder("no/a")), DP_EIO, "No such file");
    empty_folder();
}

static int stop_at_rename(void *context, const char *call, const char *file) {
    (void)context;
    (void)file;
    if (strcmp(call, "rename") == 0) _exit(9);
    return 0;
}

/* A writer that dies leaves its temporary file; the next one of the same target removes it. */
static void test_write_after_crash(void **state) {
    (void)state;
    put(in_folder("a"), "old");
    pid_t child = fork();
    if (child == 0) {
        dp_file_hooks hooks = {sizeof hooks, stop_at_rename, NULL};
        dp_set_file_hooks(&hooks);
        dp__file_write(path, "never", 5);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 9);
    assert_true(holds(path, "old"));
    assert_int_equal(files_in_folder(), 2);
    assert_int_equal(dp__file_write(in_folder("b"), "other", 5), DP_OK);
    assert_int_equal(files_in_folder(), 3); /* not b's business */
    assert_int_equal(dp__file_write(in_folder("a"), "new", 3), DP_OK);
    assert_int_equal(files_in_folder(), 2);
    empty_folder();
}

static int calls, fail_at;

static void *hook_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    return ++calls == fail_at ? NULL : aligned_alloc(align, (bytes + align) / align * align);
}

static void hook_free(void *context, void *p, size_t bytes) {
    (void)context;
    (void)bytes;
    free(p);
}

static void test_memory_faults(void **state) {
    (void)state;
    static const unsigned char zipped[] = {0x1f, 0x8b, 8,    0,    0,    0,    0, 0, 2,
                                           3,    0x2b, 0xcf, 0x2f, 0xca, 0x49, 1, 0, 0x43,
                                           0x11, 0x77, 0x3a, 5,    0,    0,    0};
    dp_allocator a = {sizeof a, hook_alloc, hook_free, NULL};
    dp_bytes b;
    put(in_folder("a"), "old");
    assert_int_equal(dp_set_allocator(&a), DP_OK);
    for (int what = 0; what < 4; what++) {
        for (fail_at = 1;; fail_at++) {
            calls = 0;
            dp_status status;
            if (what == 0)
                status = dp__file_read(path, 0, &b);
            else if (what == 1)
                status = dp__file_write(path, "new", 3);
            else if (what == 2)
                status = dp__file_probe(path);
            else
                status = dp__gunzip("z", zipped, sizeof zipped, 0, &b);
            if (status == DP_OK && (what == 0 || what == 3)) dp__bytes_free(&b);
            assert_int_equal(dp__allocated(), 0);
            assert_int_equal(files_in_folder(), 1);
            if (calls < fail_at) {
                assert_int_equal(status, DP_OK);
                break;
            }
            assert_int_equal(status, DP_ENOMEM);
            dp_clear();
        }
    }
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
    empty_folder();
}

/* ---- cursor ---- */

static void test_cursor(void **state) {
    (void)state;
    static const unsigned char data[] = {1, 2, 3, 4, 0xFE, 0xFF, 7, 8, 9};
    dp_cursor c = {.name = "a\nb", .data = data, .size = sizeof data};
    assert_int_equal(dp__cursor_le(&c, 2), 0x0201);
    assert_int_equal(dp__cursor_be(&c, 2), 0x0304);
    dp__cursor_field(&c, "header[\"%s\"].shape", "w");
    assert_int_equal(dp__cursor_be(&c, 1), 0xFE);
    assert_ptr_equal(dp__cursor_take(&c, 0), data + 5);
    assert_int_equal(dp__cursor_le(&c, 8), 0);
    assert_string_equal(dp_error(),
                        "a\\nb: byte 0x5 (5): header[\"w\"].shape: needs 8 bytes, has 4");
    assert_int_equal(dp_error_status(), DP_EFORMAT);
    assert_null(dp__cursor_take(&c, 1)); /* sticks */
    assert_int_equal(c.at, 5);
    dp_clear();
    dp__cursor_fail(&c, DP_EFORMAT, 0, "later");
    assert_false(dp_failed());
    dp_cursor d = {.name = "d", .data = data, .size = sizeof data};
    assert_null(dp__cursor_take(&d, SIZE_MAX));
    dp_clear();
    dp_cursor e = {.name = "e"};
    assert_non_null(dp__cursor_take(&e, 0));
    assert_int_equal(dp__cursor_fail(&e, DP_ELIMIT, 88, "found %d, allowed %d", 9, 8), DP_ELIMIT);
    assert_string_equal(dp_error(), "e: byte 0x58 (88): found 9, allowed 8");
    dp__cursor_field(&e, "%0500d", 1);
    assert_int_equal(strlen(e.field), 199);
}

/* ---- JSON ---- */

/* What the reader says, as one line: { } [ ] K"key" S"text" N1 t f n, then . or ! */
static void json_line(const char *s, size_t n, int depth, dp_text *out) {
    dp_cursor c = {.name = "j", .data = (const unsigned char *)s, .size = n};
    dp_json j;
    dp__json_begin(&j, &c, depth);
    for (dp_json_kind k = DP_JSON_NULL; k != DP_JSON_END && k != DP_JSON_ERROR;) {
        static const char letters[] = ".{}[]KSNtfn!";
        k = dp__json_next(&j);
        dp__text(out, "%c", letters[k]);
        if (k == DP_JSON_KEY || k == DP_JSON_STRING) dp__json_quote(out, j.text, j.text_n);
        if (k == DP_JSON_NUMBER) dp__text_bytes(out, j.text, j.text_n);
    }
    dp__json_end(&j);
}

static void test_json(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"{}", "{}."},
        {" [ ] ", "[]."},
        {"{\"a\":1,\"b\":[true,false,null,\"x\"]}", "{K\"a\"N1K\"b\"[tfnS\"x\"]}."},
        {"-0", "N-0."},
        {"[0,-1.5e+10,1E5,1e999]", "[N0N-1.5e+10N1E5N1e999]."},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "S\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"."},
        {"\"\\u00e9\\u20AC\\ud83d\\ude00\"", "S\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"."},
        {"\"\\u0000\"", "S\"\\u0000\"."},
        {"{\"\":{\"\":[]}}", "{K\"\"{K\"\"[]}}."},
        {"[[[1]]]", "[[[N1]]]."},
        {"{\"a\":1,\"a\":2}", "{K\"a\"N1K\"a\"N2}."},
        {"\t\n\r \"\xe4\xbc\x9d\"", "S\"\xe4\xbc\x9d\"."},
    };
    for (size_t i = 0; i < N(rows); i++) {
        dp_text t = {0};
        json_line(rows[i][0], strlen(rows[i][0]), 16, &t);
        assert_string_equal(t.data, rows[i][1]);
        dp__text_free(&t);
    }
    assert_int_equal(dp__allocated(), 0);
}

static void test_json_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int at;
    } rows[] = {
        {"", 0},
        {" ", 1},
        {"[", 1},
        {"{", 1},
        {"]", 0},
        {"}", 0},
        {"[1", 2},
        {"[1,", 3},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"{1:2}", 1},
        {"{\"a\"}", 4},
        {"{\"a\":}", 5},
        {"{\"a\":1,}", 7},
        {"{\"a\":1 \"b\":2}", 7},
        {"{\"a\":1]", 6},
        {"{\"a\" 1}", 5},
        {"{,}", 1},
        {"1 2", 2},
        {"{}{}", 2},
        {"nul", 3},
        {"nulL", 3},
        {"True", 0},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 1},
        {"+1", 0},
        {"01", 1},
        {"-01", 2},
        {"-", 1},
        {"1.", 2},
        {".5", 0},
        {"1e", 2},
        {"1e+", 3},
        {"0x10", 1},
        {"1.e5", 2},
        {"'a'", 0},
        {"\"a", 2},
        {"\"a\\", 3},
        {"\"a\\\"", 4},
        {"\"\\x\"", 2},
        {"\"\\u12\"", 2},
        {"\"\\u12G4\"", 2},
        {"\"\\ud800\"", 1},
        {"\"\\udc00\"", 1},
        {"\"\\ud800\\u0041\"", 1},
        {"\"\\ud800\\ud800\"", 1},
        {"\"\n\"", 1},
        {"\"\x1f\"", 1},
        {"\"\xff\"", 1},
        {"\"\xc0\x80\"", 1},
        {"\"\xed\xa0\x80\"", 1},
        {"\"\xf4\x90\x80\x80\"", 1},
        {"\"\xe4\xbc\"", 1},
        {"\xef\xbb\xbf{}", 0},
        {"[1]//", 3},
        {"/**/1", 0},
        {"\f1", 0},
        {"{a:1}", 1},
        {"[\"a\":1]", 4},
        {"truex", 4},
    };
    for (size_t i = 0; i < N(rows); i++) {
        dp_text t = {0};
        char where[40];
        json_line(rows[i].text, strlen(rows[i].text), 16, &t);
        snprintf(where, sizeof where, "j: byte 0x%x (%d): ", (unsigned)rows[i].at, rows[i].at);
        if (t.data[t.n - 1] != '!' || strncmp(dp_error(), where, strlen(where)) != 0)
            fail_msg("%s: %s, not at %d", rows[i].text, dp_error(), rows[i].at);
        assert_int_equal(dp_error_status(), DP_EFORMAT);
        dp_clear();
        dp__text_free(&t);
    }
    dp_text t = {0};
    json_line("[\0]", 3, 16, &t);
    assert_string_equal(t.data, "[!");
    dp__text_free(&t);
    assert_int_equal(dp__allocated(), 0);
}

static void test_json_depth(void **state) {
    (void)state;
    static char deep[100000];
    dp_text t = {0};
    json_line("[[[]]]", 6, 3, &t);
    assert_string_equal(t.data, "[[[]]].");
    json_line("[[[[]]]]", 8, 3, &t);
    expect_error(dp_error_status(), DP_ELIMIT, "byte 0x3 (3): depth 4, allowed 3");
    memset(deep, '[', sizeof deep);
    json_line(deep, sizeof deep, 1000, &t);
    expect_error(dp_error_status(), DP_ELIMIT, "(128): depth 129, allowed 128");
    dp__text_free(&t);
}

/* Every prefix of a text with everything in it is refused. */
static void test_json_prefixes(void **state) {
    (void)state;
    const char *text =
        "{\"a\\u00e9\":[1.5e+3,true,false,null,\"\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}";
    for (size_t n = 0; n < strlen(text); n++) {
        dp_text t = {0};
        char *exact = malloc(n + 1);
        memcpy(exact, text, n);
        json_line(exact, n, 16, &t);
        assert_int_equal(t.data[t.n - 1], '!');
        free(exact);
        dp__text_free(&t);
        dp_clear();
    }
}

/* ---- gzip ---- */

static const unsigned char hello[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7,
    0x51, 0x00, 0x00, 0x99, 0x56, 0xea, 0x11, 0x07, 0x00, 0x00, 0x00,
    /* second member: "world" */
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xcf, 0x2f, 0xca, 0x49, 0x01,
    0x00, 0x43, 0x11, 0x77, 0x3a, 0x05, 0x00, 0x00, 0x00};
enum { FIRST = 27 };

static void test_gzip(void **state) {
    (void)state;
    dp_bytes b;
    unsigned char padded[sizeof hello + 20] = {0};
    memcpy(padded, hello, sizeof hello);
    assert_int_equal(dp__gunzip("z", hello, sizeof hello, 12, &b), DP_OK);
    assert_int_equal(b.n, 12);
    assert_memory_equal(b.data, "hello, world", 12);
    dp__bytes_free(&b);
    assert_int_equal(dp__gunzip("z", padded, sizeof padded, 0, &b), DP_OK);
    assert_int_equal(b.n, 12);
    dp__bytes_free(&b);
    expect_error(dp__gunzip("z", hello, sizeof hello, 11, &b), DP_ELIMIT, "more than 11 bytes");
    padded[sizeof padded - 1] = 1;
    expect_error(dp__gunzip("z", padded, sizeof padded, 0, &b), DP_EFORMAT,
                 "z: byte 0x34 (52): 20 bytes after the data");
    expect_error(dp__gunzip("z", NULL, 0, 0, &b), DP_EFORMAT, "not gzip");
    expect_error(dp__gunzip(NULL, (const unsigned char *)"plain", 5, 0, &b), DP_EFORMAT,
                 "not gzip");
    for (size_t n = 1; n < sizeof hello; n++) {
        if (n == FIRST) continue;
        assert_int_equal(dp__gunzip("z", hello, n, 0, &b), DP_EFORMAT);
        dp_clear();
    }
    for (size_t bit = 10 * 8; bit < FIRST * 8; bit++) { /* after the header: all is checked */
        memcpy(padded, hello, FIRST);
        padded[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (dp__gunzip("z", padded, FIRST, 0, &b) ==
            DP_OK) { /* a bit that fills up the last byte */
            assert_int_equal(b.n, 7);
            assert_memory_equal(b.data, "hello, ", 7);
            dp__bytes_free(&b);
            continue;
        }
        assert_int_equal(dp_error_status(), DP_EFORMAT);
        dp_clear();
    }
    assert_int_equal(dp__allocated(), 0);
}

/* Many members, a megabyte in several pieces. */
static void test_gzip_pieces(void **state) {
    (void)state;
    size_t members = 200000, n = sizeof hello - FIRST;
    unsigned char *many = malloc(members * n);
    for (size_t i = 0; i < members; i++) memcpy(many + i * n, hello + FIRST, n);
    dp_bytes b;
    assert_int_equal(dp__gunzip("z", many, members * n, 5 * members, &b), DP_OK);
    assert_int_equal(b.n, 5 * members);
    for (size_t i = 0; i < members; i++)
        if (memcmp(b.data + 5 * i, "world", 5) != 0) fail_msg("member %zu", i);
    dp__bytes_free(&b);
    expect_error(dp__gunzip("z", many, members * n, 5 * members - 1, &b), DP_ELIMIT, "more than");
    free(many);
    assert_int_equal(dp__allocated(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
        T(test_read),          T(test_read_refused),
        T(test_read_changes),  T(test_read_faults),
        T(test_write),         T(test_write_faults),
        T(test_probe),         T(test_write_after_crash),
        T(test_memory_faults), T(test_cursor),
        T(test_json),          T(test_json_refused),
        T(test_json_depth),    T(test_json_prefixes),
        T(test_gzip),          T(test_gzip_pieces),
    };
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    empty_folder();
    rmdir(folder);
    return failed;
}
