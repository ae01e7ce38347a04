/* init.c: initial numbers. A parameter's depend on the seed and its name only. */
#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/module.h"
#include "nn/text.h"

/* What a rule does to a weight of rank >= 2. */
typedef struct init_rule {
    bool normal;
    double (*scale)(const dp__arg *args, double fan_in, double fan_out); /* bound or deviation */
} init_rule;

static double init_xavier_uniform(const dp__arg *a, double in, double out) {
    return a[0].v[0].d * sqrt(6 / (in + out));
}
static double init_xavier_normal(const dp__arg *a, double in, double out) {
    return a[0].v[0].d * sqrt(2 / (in + out));
}
static double init_he(const dp__arg *a, double in) {
    return sqrt(2 / (1 + a[0].v[0].d * a[0].v[0].d) / in);
}
static double init_he_uniform(const dp__arg *a, double in, double out) {
    (void)out;
    return sqrt(3.0) * init_he(a, in);
}
static double init_he_normal(const dp__arg *a, double in, double out) {
    (void)out;
    return init_he(a, in);
}
static double init_std(const dp__arg *a, double in, double out) {
    (void)in, (void)out;
    return a[0].v[0].d;
}

static const dp__field init_gain_fields[] = {
    {"gain", DP__ARG_REAL, 0, "1.0", 0, INFINITY, NULL, "factor"}, {0}};
static const dp__field init_slope_fields[] = {
    {"a", DP__ARG_REAL, 0, "0", 0, INFINITY, NULL,
     "slope of the negative side of the leaky ReLU that follows"},
    {0}};
static const dp__field init_std_fields[] = {
    {"std", DP__ARG_REAL, 0, "0.01", 0, INFINITY, NULL, "standard deviation"}, {0}};

static const init_rule init_rules[] = {{false, init_xavier_uniform},
                                       {true, init_xavier_normal},
                                       {false, init_he_uniform},
                                       {true, init_he_normal},
                                       {true, init_std}};

#define INIT_KIND(id, text, field_table, rule, description) \
    const dp__kind dp__kind_##id = {                        \
        .name = text, .doc = description, .fields = field_table, .more = rule}
INIT_KIND(default, "default", NULL, NULL, "each layer's own rule, as PyTorch's");
INIT_KIND(xavier_uniform, "xavier_uniform", init_gain_fields, &init_rules[0],
          "uniform in +-gain sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010");
INIT_KIND(xavier_normal, "xavier_normal", init_gain_fields, &init_rules[1],
          "normal, deviation gain sqrt(2 / (fan_in + fan_out))");
INIT_KIND(he_uniform, "he_uniform", init_slope_fields, &init_rules[2],
          "uniform in +-sqrt(6 / ((1 + a^2) fan_in)); He et al. 2015");
INIT_KIND(he_normal, "he_normal", init_slope_fields, &init_rules[3],
          "normal, deviation sqrt(2 / ((1 + a^2) fan_in))");
INIT_KIND(normal, "normal", init_std_fields, &init_rules[4], "normal with mean 0");
INIT_KIND(zeros, "zeros", NULL, NULL, "all zero");

/* fan_in and fan_out of a weight [out, in, ...]: the rest is the kernel's size. */
static void init_fans(const dp_tensor *v, double *in, double *out) {
    double rest = 1;
    for (int i = 2; i < dp_rank(v); i++) rest *= (double)dp_dim(v, i);
    *in = (double)dp_dim(v, 1) * rest;
    *out = (double)dp_dim(v, 0) * rest;
}

static dp_tensor *init_value(const dp__kind *kind, const dp__arg *args, const dp__listed *at,
                             dp_tensor *key) {
    dp_module *m = at->m;
    dp_tensor *v = m->vars[at->var].v;
    if (kind == &dp__kind_default) /* a user's module keeps what it has */
        return m->kind && m->kind->init ? m->kind->init(m, at->var, key) : v;
    const init_rule *rule = kind->more;
    if (!rule || dp_rank(v) < 2)
        return dp_broadcast(dp_scalar_of(dp_dtype_of(v), 0), dp_shape_at(v));
    double in, out;
    init_fans(v, &in, &out);
    double scale = rule->scale(args, in, out);
    if (rule->normal) return dp_muls(dp_normal(key, DP_F32, dp_shape_at(v)), scale);
    return dp_muls(dp_adds(dp_muls(dp_uniform(key, DP_F32, dp_shape_at(v)), 2), -1), scale);
}

static dp_status init_all(dp_module *net, const char *rule, uint64_t seed) {
    const dp__kind *kind = NULL;
    dp__arg args[DP__MAX_FIELDS];
    if (!dp__module_check(net, "dp_init")) return dp_error_status();
    dp_status s =
        dp__text_single(DP_KIND_INIT, "initialiser", rule ? rule : "default", &kind, args);
    const dp__listing *l = s ? NULL : dp__module_list(net);
    if (!l) return s ? s : dp_error_status();
    dp_tensor **effects = dp__alloc(l->n_params * sizeof(dp_tensor *));
    dp_scope *scope = effects ? dp_scope_begin() : NULL;
    dp_tensor *root = scope ? dp_key(seed) : NULL;
    size_t n = 0;
    bool good = root != NULL;
    for (size_t i = 0; good && i < l->n_params; i++) {
        dp_tensor *v = l->at[i].m->vars[l->at[i].var].v;
        dp_tensor *key = dp_split(root, l->names.data + l->at[i].name);
        dp_tensor *x = init_value(kind, args, &l->at[i], key);
        if (x == v) continue;
        effects[n] = dp_assign(v, x);
        good = effects[n++] != NULL;
    }
    s = !good ? dp_error_status() : n > 0 ? dp_eval_n(effects, n) : DP_OK;
    dp_scope_end(scope);
    dp__release(effects, l->n_params * sizeof(dp_tensor *));
    return s;
}

/* The scales are computed here, not by a plan: to nearest, whatever the caller's environment. */
dp_status dp_init(dp_module *net, const char *rule, uint64_t seed) {
    dp_fenv env;
    dp__fenv_enter(&env);
    dp_status s = init_all(net, rule, seed);
    dp__fenv_leave(&env);
    return s;
}
