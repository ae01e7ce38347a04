/* test_text.c: model text: PyTorch's print, canonical form, the laws of reading and writing, bad
 * texts. */
#include "golden.h"

#include "base/base.h"
#include "nn/fields.h"

static int text_fresh(void **state) {
    (void)state;
    dp_end();
    dp_clear();
    return 0;
}
#define TEXT_TEST(name) cmocka_unit_test_setup(name, text_fresh)

/* ---- PyTorch's print ---- */

/* source LINE, what PyTorch prints, "."; the source reads as what prints so, and so does the print.
 */
static void test_prints(void **state) {
    (void)state;
    golden_file g = golden_open("prints.txt");
    static char source[4096], print[1 << 16];
    int n = 0;
    while (golden_line(&g)) {
        if (strncmp(g.line, "source ", 7) != 0) continue;
        snprintf(source, sizeof source, "%s", g.line + 7);
        print[0] = 0;
        while (golden_line(&g) && strcmp(g.line, ".") != 0) {
            if (print[0]) strcat(print, "\n");
            strcat(print, g.line);
        }
        bool loss = strstr(source, "Loss") != NULL;
        const char *texts[2] = {source, print};
        for (int k = 0; k < (loss ? 1 : 2); k++) {
            dp_module *m = loss ? dp_loss("%s", texts[k]) : dp_nn_text(texts[k]);
            if (!m) fail_msg("%s: %s", texts[k], dp_error());
            char *got = dp_print_text(m);
            assert_string_equal(got, print);
            dp_text_free(got);
            dp_module_free(m);
        }
        n++;
    }
    golden_close(&g);
    assert_int_equal(n, 13);
    assert_int_equal(dp_end(), 0);
}

static void test_print_file(void **state) {
    (void)state;
    char got[256] = {0};
    FILE *f = tmpfile();
    dp_print(dp_nn("Linear(2,1) ReLU"), f);
    rewind(f);
    size_t n = fread(got, 1, sizeof got - 1, f);
    fclose(f);
    got[n] = 0;
    assert_string_equal(
        got,
        "Sequential(\n  (0): Linear(in_features=2, out_features=1, bias=True)\n  (1): ReLU()\n)\n");
}

/* ---- the canonical form ---- */

static void text_formats(const char *text, const char *canonical) {
    dp_module *m = dp_nn_text(text);
    if (!m) fail_msg("%s: %s", text, dp_error());
    char *got = dp_format(m), *print = dp_print_text(m);
    if (canonical) assert_string_equal(got, canonical);
    dp_module *again = dp_nn_text(got); /* parse(format(n)) = n */
    if (!again) fail_msg("%s: %s", got, dp_error());
    char *twice = dp_format(again), *print_again = dp_print_text(again);
    assert_string_equal(twice, got); /* format(parse(t)) is a fixed point */
    assert_string_equal(print_again, print);
    assert_int_equal(dp_param_count(m), dp_param_count(again));
    for (size_t i = 0; i < dp_param_count(m); i++) {
        const char *a, *b;
        dp_param_at(m, i, &a);
        dp_param_at(again, i, &b);
        assert_string_equal(a, b);
    }
    dp_text_free(got);
    dp_text_free(twice);
    dp_text_free(print);
    dp_text_free(print_again);
    dp_module_free(m);
    dp_module_free(again);
}

static void test_formats(void **state) {
    (void)state;
#define LINEAR(i, o) "Linear(in_features=" #i ", out_features=" #o ", bias=true)"
    static const char *const good[][2] = {
        {"Linear(4,3)", LINEAR(4, 3)},
        {"nn.Linear(4,3)", LINEAR(4, 3)},
        {"torch.nn.Linear(in_features = 4, out_features=+3 , bias = True,)", LINEAR(4, 3)},
        {"Linear (4, 3)", LINEAR(4, 3)},
        {"Linear(4,3) ReLU", LINEAR(4, 3) "\nReLU(inplace=false)"},
        {"Linear(4,3),ReLU(),", LINEAR(4, 3) "\nReLU(inplace=false)"},
        {"# a comment\nLinear(4,\n 3) # another\n", LINEAR(4, 3)},
        {"(Linear(4,3))", "( " LINEAR(4, 3) " )"},
        {"Sequential(Linear(4,3))", "( " LINEAR(4, 3) " )"},
        {"Sequential((0): Linear(4,3))", "( " LINEAR(4, 3) " )"},
        {"0: Linear(4,3)", "( " LINEAR(4, 3) " )"},
        {"fc: Linear(4,3)", "fc: " LINEAR(4, 3)},
        {"(fc): Linear(4,3)", "fc: " LINEAR(4, 3)},
        {"nn.Sequential()", "()"},
        {"Sequential", "()"},
        {"()", "()"},
        {"(()())", "()\n()"},
        {"Tanh ( Tanh )", "Tanh()\n( Tanh() )"},
        {"Tanh () Tanh", "Tanh()\nTanh()"},
        {"Dropout (0.25)", "Dropout(p=0.25, inplace=false)"},
        {"Dropout ( 2x Tanh )", "Dropout(p=0.5, inplace=false)\n( Tanh() Tanh() )"},
        {"3x Tanh", "Tanh()\nTanh()\nTanh()"},
        {"3xTanh", "Tanh()\nTanh()\nTanh()"},
        {"3 x Tanh", "Tanh()\nTanh()\nTanh()"},
        {"1x Tanh", "Tanh()"},
        {"2x 2x Tanh", "Tanh()\nTanh()\nTanh()\nTanh()"},
        {"2x( Tanh 2x(ReLU) )", "( Tanh() ( ReLU(inplace=false) ) ( ReLU(inplace=false) ) )\n"
                                "( Tanh() ( ReLU(inplace=false) ) ( ReLU(inplace=false) ) )"},
        {"body: ( Tanh head: Tanh )", "body: ( Tanh() head: Tanh() )"},
        {"input: Tanh", "input: Tanh()"},
        {"input (3,32,32) Flatten", "input (3,32,32)\nFlatten(start_dim=1, end_dim=-1)"},
        {"input (784) Linear(784,10) Tanh",
         "input (784)\nLinear(in_features=784, out_features=10, bias=true)\nTanh()"},
        {"input (4,) Linear(4,3)", "input (4)\n" LINEAR(4, 3)},
        {"Softmax(dim=None) Softmax(-1) LogSoftmax",
         "Softmax(dim=none)\nSoftmax(dim=-1)\nLogSoftmax(dim=none)"},
        {"GELU(\"tanh\")", "GELU(approximate='tanh')"},
        {"LeakyReLU(.5)", "LeakyReLU(negative_slope=0.5, inplace=false)"},
        {"LeakyReLU(-1.)", "LeakyReLU(negative_slope=-1.0, inplace=false)"},
        {"LeakyReLU(-1)", "LeakyReLU(negative_slope=-1, inplace=false)"},
        {"LeakyReLU(1E+2)", "LeakyReLU(negative_slope=100.0, inplace=false)"},
        {"Dropout(0)", "Dropout(p=0, inplace=false)"},
        {"Identity(54, unused='x', (1, 2)) Identity", "Identity()\nIdentity()"},
        {"Linear(4,5) Tanh Dropout Linear(5,2)", NULL},
        {"1: ReLU 0: Tanh", "1: ReLU(inplace=false)\n0: Tanh()"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) text_formats(good[i][0], good[i][1]);
    assert_int_equal(dp_end(), 0);
}

static void test_printf(void **state) {
    (void)state;
    dp_module *m = dp_nn("%s(%d,%d) LeakyReLU(%g)", "Linear", 3, 4, 0.25);
    char *got = dp_format(m);
    assert_string_equal(got, "Linear(in_features=3, out_features=4, "
                             "bias=true)\nLeakyReLU(negative_slope=0.25, inplace=false)");
    dp_text_free(got);
    assert_int_equal(dp_end(), 0);
}

/* ---- bad texts ---- */

typedef struct bad_text {
    const char *text;
    dp_status status;
    const char *message;
} bad_text;

static const bad_text bad[] = {
#include "bad_texts.inc"
};

static void test_bad(void **state) {
    (void)state;
    size_t n = sizeof bad / sizeof bad[0];
    assert_true(n >= 40);
    for (size_t i = 0; i < n; i++) {
        assert_null(dp_nn_text(bad[i].text));
        assert_string_equal(dp_error(), bad[i].message);
        assert_int_equal(dp_error_status(), bad[i].status);
        dp_clear();
    }
    assert_int_equal(dp_end(), 0);
}

static void test_caret(void **state) {
    (void)state;
    assert_null(dp_nn_text("Linear(784,128)  # \xc3\xa9t\xc3\xa9\n\tReLU Linaer(128,10)"));
    assert_string_equal(
        dp_error(), "model text: line 2, column 7: unknown layer `Linaer`; did you mean `Linear`?");
    assert_string_equal(dp_error_hint(), "it stands here:\n     ReLU Linaer(128,10)\n          ^");
    dp_clear();
    char text[512] = "";
    for (int i = 0; i < 30; i++) strcat(text, "Tanh() ");
    strcat(text, "\xc3\xa9"); /* a long line is cut around the place */
    assert_null(dp_nn_text(text));
    assert_string_equal(dp_error(),
                        "model text: line 1, column 211: unexpected character `\xc3\xa9`");
    const char *hint = dp_error_hint(), *caret = strchr(hint, '^'), *line = strstr(hint, "\n    ");
    assert_non_null(caret);
    assert_non_null(line);
    assert_true(strlen(hint) < 200);
    const char *second = strstr(line + 1, "\n    "), *mark = strstr(line, "\xc3\xa9");
    assert_int_equal(caret - second, mark - line);
    dp_clear();
    char *line_of_a_megabyte = malloc(1000001); /* takes hours if the picture is quadratic */
    assert_non_null(line_of_a_megabyte);
    memset(line_of_a_megabyte, '(', 1000000);
    for (int end = 0; end < 2; end++) {
        if (end) memset(line_of_a_megabyte, ' ', 999999);
        line_of_a_megabyte[1000000] = 0;
        assert_null(dp_nn_text(line_of_a_megabyte));
        assert_true(strlen(dp_error_hint()) < 200);
        dp_clear();
    }
    free(line_of_a_megabyte);
}

static void test_limits(void **state) {
    (void)state;
    char text[4096];
    for (int depth = 63; depth <= 65; depth++) {
        memset(text, '(', (size_t)depth);
        memcpy(text + depth, "Tanh", 4);
        memset(text + depth + 4, ')', (size_t)depth);
        text[2 * depth + 4] = 0;
        dp_module *m = dp_nn_text(text);
        if (depth == 65) {
            assert_null(m);
            assert_string_equal(dp_error(),
                                "model text: line 1, column 65: nested more than 64 deep");
            assert_int_equal(dp_error_status(), DP_ELIMIT);
            dp_clear();
            continue;
        }
        if (!m) fail_msg("depth %d: %s", depth, dp_error());
        char *canonical = dp_format(m), *print = dp_print_text(m);
        dp_module *again = dp_nn_text(canonical), *third = dp_nn_text(print);
        if (!again || !third) fail_msg("depth %d: %s", depth, dp_error());
        assert_true(isfinite(dp_item(dp_call(again, NULL, dp_scalar_of(DP_F32, 1)))));
        dp_text_free(canonical);
        dp_text_free(print);
    }
    size_t n = (1 << 20) + 1;
    char *large = malloc(n + 1);
    memset(large, ' ', n);
    large[n] = 0;
    assert_null(dp_nn_text(large));
    assert_string_equal(dp_error(), "model text: 1048577 bytes; the limit is 1048576");
    assert_int_equal(dp_error_status(), DP_ELIMIT);
    dp_clear();
    large[n - 1] = 0;
    memcpy(large, "Tanh", 4);
    assert_non_null(dp_nn_text(large));
    free(large);
    assert_int_equal(dp_end(), 0);
}

/* ---- fuzz ---- */

static uint32_t text_random(uint64_t *s) {
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*s >> 33);
}

/* A random good stack: layers, groups, labels, repeats, in several spellings. */
static void text_grow(char *out, size_t cap, uint64_t *s) {
    static const char *const layers[] = {"ReLU",
                                         "nn.Tanh()",
                                         "Dropout(0.25)",
                                         "nn.Dropout(p=1e-3,)",
                                         "LeakyReLU(-3)",
                                         "LeakyReLU(1e22)",
                                         "Softmax(dim=-1)",
                                         "Softmax",
                                         "GELU('tanh')",
                                         "Identity(3)",
                                         "SiLU(inplace=True)",
                                         "Linear(4,4)",
                                         "nn.Linear(4, out_features=4, bias=False)",
                                         "Flatten(2)",
                                         "Sequential()",
                                         "LeakyReLU(0.1)",
                                         "Sigmoid"};
    int depth = 0, labels = 0;
    out[0] = 0;
    for (int i = 0; i < 24 && strlen(out) + 80 < cap; i++) {
        char piece[64];
        bool repeat = text_random(s) % 8 == 0;
        if (repeat)
            snprintf(piece, sizeof piece, "%ux ", text_random(s) % 3 + 1);
        else if (text_random(s) % 5 == 0)
            snprintf(piece, sizeof piece, text_random(s) % 2 ? "l%d: " : "(l%d): ", labels++);
        else
            piece[0] = 0;
        strcat(out, piece);
        uint32_t what = text_random(s) % 6;
        if (what == 0 && depth < 4) {
            strcat(out, text_random(s) % 2 ? "( " : "nn.Sequential(");
            depth++;
            continue;
        }
        strcat(out, layers[text_random(s) % (sizeof layers / sizeof layers[0])]);
        strcat(out, text_random(s) % 2 ? "," : " ");
        if (what == 1 && depth > 0) {
            strcat(out, " ) ");
            depth--;
        }
        if (what == 2) strcat(out, "# comment (\n");
    }
    strcat(out, "Tanh");
    while (depth-- > 0) strcat(out, ")");
}

static void test_fuzz_good(void **state) {
    (void)state;
    uint64_t seed = 1;
    char text[4096];
    for (int i = 0; i < 200; i++) {
        text_grow(text, sizeof text, &seed);
        text_formats(text, NULL);
    }
    assert_int_equal(dp_end(), 0);
}

/* Good texts with a few bytes changed, lost or cut: an error, or a text that keeps the laws. */
static void test_fuzz_bad(void **state) {
    (void)state;
    static const char alphabet[] = "()(),:=x3.{}|@&$;#'\"\n -_aZ0\x80\xff";
    uint64_t seed = 7;
    char text[4096];
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
        text_grow(text, 700, &seed);
        size_t n = strlen(text);
        for (uint32_t k = text_random(&seed) % 3 + 1; k > 0; k--) {
            size_t at = text_random(&seed) % n;
            uint32_t how = text_random(&seed) % 3;
            if (how == 0)
                text[at] = alphabet[text_random(&seed) % (sizeof alphabet - 1)];
            else if (how == 1)
                memmove(text + at, text + at + 1, n - at);
            else
                text[at] = 0;
            n = strlen(text);
            if (n == 0) break;
        }
        dp_module *m = dp_nn_text(text);
        dp_module_free(m);
        if (!m) {
            refused++;
            assert_true(dp_error_status() == DP_EINVAL || dp_error_status() == DP_ELIMIT);
            assert_null(strchr(dp_error(), '\n'));
            dp_clear();
        } else {
            text_formats(text, NULL);
        }
    }
    assert_in_range(refused, 1000, 2999);
    assert_int_equal(dp_end(), 0);
}

/* ---- every allocation fails once ---- */

static int64_t text_left = -1; /* allocations until one fails; -1: none */
static bool text_once;         /* only that one, or all from then on */
static size_t text_out;

static void *text_alloc(void *context, size_t bytes, size_t align) {
    (void)context;
    if (text_left == 0) {
        if (text_once) text_left = -1;
        return NULL;
    }
    if (text_left > 0) text_left--;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    text_out += p != NULL;
    return p;
}

static void text_release(void *context, void *p, size_t bytes) {
    (void)context, (void)bytes;
    text_out -= p != NULL;
    free(p);
}

static void test_faults(void **state) {
    (void)state;
    const dp_allocator a = {sizeof a, text_alloc, text_release, NULL};
    assert_int_equal(dp_set_allocator(&a), DP_OK);
    bool done = false;
    int failures = 0;
    for (int64_t i = 0; !done; i++) {
        text_left = i / 2;
        text_once = i % 2;
        dp_module *m = dp_nn("Linear(3,2) a: ( ReLU 2x Linear(2,2,bias=False) ) Dropout(%g)", 0.5);
        dp_optim *o = m ? dp_optim_text(m, "Adam(lr=0.1)") : NULL;
        char *text = o ? dp_format(m) : NULL;
        done = text != NULL;
        if (!done) {
            assert_int_equal(dp_error_status(), DP_ENOMEM);
            failures++;
        }
        text_left = -1;
        dp_text_free(text);
        dp_clear();
        dp_end();
        assert_int_equal(text_out, 0);
    }
    assert_true(failures > 20);
    assert_int_equal(dp_set_allocator(NULL), DP_OK);
}

/* ---- the tables ---- */

static void test_tables(void **state) {
    (void)state;
    for (int c = DP_KIND_LAYER; c <= DP_KIND_INIT; c++) {
        const char *doc, *name;
        size_t kinds = 0;
        for (; (name = dp_kind_name((dp_kind_class)c, kinds, &doc)) != NULL; kinds++) {
            const dp__kind *kind = dp__kind_at((dp_kind_class)c, kinds);
            dp_kind_field_info f;
            assert_true(doc && *doc && strlen(doc) < 100);
            assert_true(dp__field_count(kind) <= DP__MAX_FIELDS);
            dp__arg args[DP__MAX_FIELDS];
            if (dp__defaults(kind, args)) fail_msg("%s: %s", name, dp_error());
            for (size_t i = 0; dp_kind_field((dp_kind_class)c, name, i, &f); i++) {
                assert_true(f.doc && *f.doc && f.allows[0]);
                assert_ptr_equal(f.name, kind->fields[i].name);
            }
        }
        assert_true(kinds >= 3);
    }
    dp_kind_field_info f;
    assert_true(dp_kind_field(DP_KIND_LAYER, "Dropout", 0, &f));
    assert_string_equal(f.name, "p");
    assert_string_equal(f.def, "0.5");
    assert_string_equal(f.allows, "a number in [0, 1]");
    assert_true(dp_kind_field(DP_KIND_LAYER, "Linear", 0, &f));
    assert_null(f.def);
    assert_string_equal(f.allows, "an integer >= 1");
    assert_false(dp_kind_field(DP_KIND_LAYER, "Tanh", 0, &f));
    assert_false(dp_kind_field(DP_KIND_LAYER, "None", 0, &f));
    assert_false(dp_failed());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEXT_TEST(test_prints), TEXT_TEST(test_print_file), TEXT_TEST(test_formats),
        TEXT_TEST(test_printf), TEXT_TEST(test_bad),        TEXT_TEST(test_caret),
        TEXT_TEST(test_limits), TEXT_TEST(test_fuzz_good),  TEXT_TEST(test_fuzz_bad),
        TEXT_TEST(test_tables), TEXT_TEST(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
