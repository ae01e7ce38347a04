/* test_mutation.c: every derivative rule of every op is broken in turn, and the checks of the table
 * test must notice each. A clone of the op's descriptor calls the true rule and spoils its result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opcheck.h"

#define N(a) (sizeof(a) / sizeof *(a))

typedef enum spoil { TRUE_RULE, SCALED, DROPPED, NEGATED, SHIFTED, OTHER_INPUT, N_SPOILS } spoil;
static const char *const spoil_names[] = {"true",    "scaled by 1.01",   "dropped",
                                          "negated", "shifted by 0.001", "of another input"};
typedef enum rule { DIFF, TRANSPOSE, VJP, JVP, N_RULES } rule;
static const char *const rule_names[] = {"diff", "transpose", "vjp", "jvp"};

/* What the clone does now. */
static const dp_op *original;
static struct {
    spoil spoil;
    rule rule;
    int input;
} mutant;
static dp_op clones[128], *clone = clones; /* one each: plans know an op by its address */

typedef dp_tensor *rule_fn(dp_tensor *y, int i, dp_tensor *t);

static rule_fn *rule_of(const dp_op *op, rule r) {
    return r == DIFF ? op->diff : r == TRANSPOSE ? op->transpose : r == VJP ? op->vjp : op->jvp;
}

static dp_tensor *spoiled(rule r, dp_tensor *y, int i, dp_tensor *t) {
    rule_fn *rule = rule_of(original, r);
    bool here = mutant.rule == r && mutant.input == i;
    spoil s = here ? mutant.spoil : TRUE_RULE;
    if (s == OTHER_INPUT) return rule(y, (i + 1) % y->n_in, t);
    dp_tensor *d = rule(y, i, t);
    switch (d ? s : TRUE_RULE) {
    case SCALED:
        return dp_muls(d, 1.01);
    case DROPPED:
        return dp__zeros_like(d);
    case NEGATED:
        return dp_neg(d);
    case SHIFTED:
        return dp_adds(d, 0.001);
    default:
        return d;
    }
}

static dp_tensor *spoiled_diff(dp_tensor *y, int i, dp_tensor *t) { return spoiled(DIFF, y, i, t); }
static dp_tensor *spoiled_transpose(dp_tensor *y, int i, dp_tensor *t) {
    return spoiled(TRANSPOSE, y, i, t);
}
static dp_tensor *spoiled_vjp(dp_tensor *y, int i, dp_tensor *t) { return spoiled(VJP, y, i, t); }
static dp_tensor *spoiled_jvp(dp_tensor *y, int i, dp_tensor *t) { return spoiled(JVP, y, i, t); }

static void become(const dp_op *op) {
    original = op;
    for (clone = clones; clone->name && clone->name != op->name;) clone++;
    assert_true(clone < clones + N(clones) - 1);
    *clone = *op;
    if (op->diff) clone->diff = spoiled_diff;
    if (op->transpose) clone->transpose = spoiled_transpose;
    if (op->vjp) clone->vjp = spoiled_vjp;
    if (op->jvp) clone->jvp = spoiled_jvp;
}

static void mutate(spoil s, rule r, int input) {
    mutant.spoil = s, mutant.rule = r, mutant.input = input;
}

/* ---- one sample ---- */

/* Does the first-order check pass for input i? An error on the way counts as noticed. */
static bool passes(const check_case *c, int i) {
    bool ok = !check_first(c, i) && !dp_failed();
    dp_clear();
    return ok;
}

/* Does the spoiled rule give the bits of the true one? Only then may it go unnoticed: the rules of
 * both inputs of an addition are one. */
static bool equivalent(check_case *c, spoil s, rule r, int i) {
    check_bits a = {check_store[0], 0}, b = {check_store[1], 0};
    mutate(TRUE_RULE, r, i);
    bool ok = !check_results(c, c->in, &a);
    mutate(s, r, i);
    ok = ok && !check_results(c, c->in, &b);
    dp_clear();
    return ok && check_same(&a, &b);
}

/* ---- one mutant: noticed by one sample at least ---- */

typedef struct verdict {
    bool noticed, needed; /* needed: some sample has a derivative that the mutant changes */
} verdict;

static verdict judge(const dp_op *op, spoil s, rule r, int i) {
    verdict v = {false, false};
    check_case c;
    for (int n = 0; !v.noticed; n++) {
        dp_scope *scope = dp_scope_begin();
        bool more = check_load(&c, op, n);
        c.op = clone;
        if (more && i < c.n_in && check_is_float(c.in[i])) {
            mutate(TRUE_RULE, r, i);
            if (!passes(&c, i))
                fail_msg("%s, input %d: the true rule fails sample %d", op->name, i, n);
            bool steep = check_steepness(&c, i) > 1e-6;
            mutate(s, r, i);
            v.noticed = !passes(&c, i);
            v.needed |= steep && !(s == OTHER_INPUT && equivalent(&c, s, r, i));
        }
        dp_scope_end(scope);
        if (!more) break;
    }
    return v;
}

static int inputs_of(const dp_op *op) { return op->n_in < 0 ? DP_MAX_IN : op->n_in; }

static bool uses(const dp_op *op, rule r, int i) {
    bool linear = op->linear >> i & 1;
    return rule_of(op, r) && (r == TRANSPOSE ? linear : !linear);
}

static size_t mutants, missed, rules;

static void each_spoil(const dp_op *op, rule r, int i) {
    bool any = false;
    for (spoil s = SCALED; s < N_SPOILS; s++) {
        if (s == OTHER_INPUT && inputs_of(op) < 2) continue;
        verdict v = judge(op, s, r, i);
        if (!v.noticed && !v.needed) continue;
        any = true;
        mutants++;
        if (v.noticed) continue;
        missed++;
        print_error("%s: %s of input %d, %s, goes unnoticed\n", op->name, rule_names[r], i,
                    spoil_names[s]);
    }
    rules += any;
}

/* Inputs whose rule no sample exercises: a condition or an index has no derivative, by its dtype.
 */
static void test_mutants(void **state) {
    (void)state;
    for (size_t k = 0; dp_op_at(k); k++) {
        const dp_op *op = dp_op_at(k);
        size_t before = rules, wanted = 0;
        become(op);
        for (rule r = DIFF; r < N_RULES; r++)
            for (int i = 0; i < inputs_of(op); i++)
                if (uses(op, r, i)) each_spoil(op, r, i), wanted++;
        if (wanted && rules == before)
            fail_msg("%s has derivative rules, but no sample shows one", op->name);
    }
    print_message("%zu mutants of %zu rules, %zu missed\n", mutants, rules, missed);
    assert_int_equal(missed, 0);
    assert_true(rules >= 40 && mutants >= 4 * rules);
}

/* An op that says it is linear where it is not, and one whose rule is missing. */
static void test_wrong_kind(void **state) {
    (void)state;
    check_case c;
    dp_scope *s = dp_scope_begin();
    mutate(TRUE_RULE, DIFF, 0);
    become(dp_op_find("mul"));
    assert_true(check_load(&c, original, 0));
    c.op = clone;
    assert_true(passes(&c, 0));
    clone->diff = NULL;
    assert_false(passes(&c, 0));
    become(dp_op_find("exp"));
    assert_true(check_load(&c, original, 0));
    c.op = clone;
    assert_true(passes(&c, 0));
    clone->diff = NULL, clone->linear = 1, clone->transpose = original->diff;
    assert_false(passes(&c, 0));
    dp_scope_end(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutants),
                                       cmocka_unit_test(test_wrong_kind)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed | dp_end();
}
