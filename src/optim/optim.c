/* optim.c: making optimisers, and a step as graph.
 *
 * All state is in variables, beta^t too: a step only builds assignments, and an eval that fails
 * changes nothing. The learning rate enters as a leaf, never as an attribute. */
#include "optim/optim.h"

#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/module.h"
#include "nn/text.h"

enum { OPTIM_LR = 0, OPTIM_BETAS = 1 }; /* the first field of every rule; of rules with powers */

static bool optim_check(const dp_optim *o, const char *function) {
    if (o && o->magic == DP__OPTIM_MAGIC) return true;
    if (o)
        dp_fail(DP_EINVAL, "%s: not a live optimiser (freed, or its scope ended)", function);
    else if (!dp_failed())
        dp_fail(DP_EINVAL, "%s: the optimiser is NULL", function);
    return false;
}

double dp__optim_real(const dp_optim *o, int field) { return o->args[field].v[0].d; }

/* ---- making and freeing ---- */

static void optim_drop_text(dp_optim *o) {
    if (o->text) dp__release(o->text, strlen(o->text) + 1);
    o->text = NULL;
}

static size_t optim_state_count(const dp_optim *o) {
    return (o->rule->powers ? 3u : 1u) + o->n * (size_t)o->n_slots;
}

static void optim_destroy(void *object) {
    dp_optim *o = object;
    size_t slots = o->n * (size_t)o->n_slots;
    for (size_t i = 0; o->slots && i < slots; i++) dp_free(o->slots[i]);
    dp_free(o->step);
    dp_free(o->power[0]);
    dp_free(o->power[1]);
    for (size_t i = 0; o->names && i < o->n_names; i++)
        if (o->names[i]) dp__release(o->names[i], strlen(o->names[i]) + 1);
    dp__release(o->names, o->n_names * sizeof *o->names);
    dp__release(o->vars, o->n * sizeof *o->vars);
    dp__release(o->slots, slots * sizeof *o->slots);
    dp__release(o->gradients, o->n * sizeof *o->gradients);
    dp__release(o->roots, (o->n + optim_state_count(o) + 1) * sizeof *o->roots);
    optim_drop_text(o);
    o->magic = 0;
    dp__release(o, sizeof *o);
}

void dp_optim_free(dp_optim *o) {
    if (!o || !optim_check(o, "dp_optim_free")) return;
    dp__scope_disown(o->owned);
    optim_destroy(o);
}

static char *optim_name(const char *slot, const char *name) {
    char buf[32 + DP__NAME_BYTES];
    snprintf(buf, sizeof buf, "%s.%s", slot, name);
    return dp__strdup(buf);
}

static bool optim_globals(dp_optim *o) {
    size_t n = 0;
    o->step = dp_variable(dp_int(0));
    o->names[n++] = dp__strdup("step");
    for (int k = 0; o->rule->powers && k < 2; k++) {
        o->power[k] = dp_variable(dp_scalar_of(DP_F64, 1));
        o->names[n++] = dp__strdup(k ? "beta2_power" : "beta1_power");
        if (!o->power[k]) return false;
    }
    return o->step != NULL;
}

static bool optim_slots(dp_optim *o, dp_tensor *const *vars, const char *const *names) {
    size_t name = o->n_names - o->n * (size_t)o->n_slots;
    for (size_t i = 0; i < o->n; i++) {
        if (!dp_is_variable(vars[i]) || !dp__is_float(dp_dtype_of(vars[i]))) {
            dp_fail(DP_EINVAL, "dp_optim: parameter %zu is not a variable of floats", i);
            return false;
        }
        o->vars[i] = vars[i];
        for (int k = 0; k < o->n_slots; k++) {
            size_t at = i * (size_t)o->n_slots + (size_t)k;
            dp_scope *s = dp_scope_begin();
            o->slots[at] = dp_variable(dp_zeros(dp_dtype_of(vars[i]), dp_shape_at(vars[i])));
            dp_scope_end(s);
            o->names[name] = optim_name(o->rule->slot(o, k), names ? names[i] : "");
            if (!o->slots[at] || !o->names[name]) return false;
            dp_name(o->slots[at], "%s", o->names[name++]);
        }
    }
    return true;
}

/* Room for everything but the variables. */
static bool optim_room(dp_optim *o) {
    while (o->rule->slot(o, o->n_slots)) o->n_slots++;
    o->n_names = optim_state_count(o);
    o->vars = dp__zalloc(o->n, sizeof *o->vars);
    o->slots = dp__zalloc(o->n * (size_t)o->n_slots, sizeof *o->slots);
    o->gradients = dp__zalloc(o->n, sizeof *o->gradients);
    o->roots = dp__zalloc(o->n + o->n_names + 1, sizeof *o->roots);
    o->names = dp__zalloc(o->n_names, sizeof *o->names);
    return o->vars && o->slots && o->gradients && o->roots && o->names;
}

dp_optim *dp_optim_for(dp_tensor *const *vars, const char *const *names, size_t n,
                       const char *text) {
    const dp__kind *kind = NULL;
    dp__arg args[DP__MAX_FIELDS];
    if (!text || (n > 0 && !vars)) {
        if (!dp_failed()) dp_fail(DP_EINVAL, "dp_optim: text or variables are NULL");
        return NULL;
    }
    if (dp__text_single(DP_KIND_OPTIM, "optimiser", text, &kind, args)) return NULL;
    dp_optim *o = dp__zalloc(1, sizeof *o);
    if (!o) return NULL;
    size_t fields = dp__field_count(kind);
    *o = (dp_optim){.magic = DP__OPTIM_MAGIC, .kind = kind, .rule = kind->more, .n = n};
    memcpy(o->args, args, fields * sizeof *args);
    o->common = (int)fields - DP__OPTIM_COMMON;
    bool good = (!o->rule->check || o->rule->check(o) == DP_OK) && optim_room(o) &&
                optim_globals(o) && optim_slots(o, vars, names);
    for (size_t i = 0; good && i < o->n_names; i++) good = o->names[i] != NULL;
    if (good) o->owned = dp__scope_own(optim_destroy, o);
    if (o->owned) return o;
    optim_destroy(o);
    return NULL;
}

dp_optim *dp_optim_text(dp_module *net, const char *text) {
    if (!dp__module_check(net, "dp_optim_new")) return NULL;
    size_t n = dp_param_count(net);
    dp_tensor **vars = dp__alloc(n * sizeof *vars);
    const char **names = dp__alloc(n * sizeof *names);
    dp_optim *o = NULL;
    if (vars && names) {
        for (size_t i = 0; i < n; i++) vars[i] = dp_param_at(net, i, &names[i]);
        o = dp_optim_for(vars, names, n, text);
    }
    dp__release(vars, n * sizeof *vars);
    dp__release(names, n * sizeof *names);
    return o;
}

dp_optim *dp_optim_new(dp_module *net, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = format ? dp__vprintf(format, args) : NULL;
    va_end(args);
    dp_optim *o = dp_optim_text(net, text);
    if (text) dp__release(text, strlen(text) + 1);
    return o;
}

/* ---- a step ---- */

static bool optim_flag(const dp_optim *o, int common) {
    return o->args[o->common + common].v[0].i != 0;
}

/* One number of each gradient, as a vector: max |g|, or, with a scale, the sum of (g / scale)^2. */
static dp_tensor *optim_gather(dp_optim *o, dp_tensor *const *g, dp_tensor *scale, dp_dtype dtype) {
    dp_shape one = {.rank = 1, .dim = {1}};
    dp_tensor **parts = o->roots; /* free until the effects are there */
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (dp_count(g[i]) == 0) continue;
        dp_tensor *x = dp_reshape(dp__as(g[i], dtype), dp_shape_of(1, (int64_t[]){dp_count(g[i])}));
        x = scale ? dp_sum(dp_square(dp_div(x, scale)), 0, true) : dp_max(dp_abs(x), 0, true);
        parts[n++] = dp_reshape(x, one);
        if (!parts[n - 1]) return NULL;
    }
    if (n == 0) return dp_zeros(dtype, one);
    for (size_t made; n > 1; n = made) { /* by fours: dp_concat needs no memory for few */
        made = 0;
        for (size_t i = 0; i < n; i += 4)
            parts[made++] = dp_concat(parts + i, n - i < 4 ? n - i : 4, 0);
        for (size_t i = 0; i < made; i++)
            if (!parts[i]) return NULL;
    }
    return parts[0];
}

/* min(max_norm / (norm + 1e-6), 1) for the joint norm m sqrt(sum((g / m)^2)), where m is the
 * largest component: no overflow. NaN stays NaN. */
static dp_tensor *optim_clip_scale(dp_optim *o, dp_tensor *const *g, double max_norm) {
    dp_dtype dtype = DP_F32;
    for (size_t i = 0; i < o->n; i++) dtype = dp__promote(dtype, dp_dtype_of(g[i]));
    dp_tensor *m = dp_max(optim_gather(o, g, NULL, dtype), 0, false);
    dp_tensor *usable = dp_mul(dp_is_finite(m), dp_greater(m, dp_scalar(0)));
    dp_tensor *scale = dp_where(usable, m, dp_scalar(1));
    if (!scale) return NULL;
    dp_tensor *norm = dp_mul(scale, dp_sqrt(dp_sum_all(optim_gather(o, g, scale, dtype))));
    return dp_minimum(dp_div(dp_scalar(max_norm), dp_add(norm, dp_scalar(1e-6))), dp_scalar(1));
}

static bool optim_clip(dp_optim *o, dp_tensor **g) {
    const dp__arg *norm = &o->args[o->common + DP__OPTIM_CLIP_NORM];
    const dp__arg *value = &o->args[o->common + DP__OPTIM_CLIP_VALUE];
    dp_tensor *scale = norm->none || o->n == 0 ? NULL : optim_clip_scale(o, g, norm->v[0].d);
    if (!norm->none && o->n > 0 && !scale) return false;
    for (size_t i = 0; i < o->n; i++) {
        if (scale) {
            dp_tensor *own =
                dp_dtype_of(g[i]) == dp_dtype_of(scale) ? scale : dp_cast(scale, dp_dtype_of(g[i]));
            g[i] = dp_mul(g[i], own);
        }
        if (!value->none)
            g[i] =
                dp_minimum(dp_maximum(g[i], dp_scalar(-value->v[0].d)), dp_scalar(value->v[0].d));
        if (optim_flag(o, DP__OPTIM_MAXIMIZE)) g[i] = dp_neg(g[i]);
        if (!g[i]) return false;
    }
    return true;
}

static bool optim_begin(dp_optim *o, dp_dtype dtype, dp__optim_scalars *s) {
    s->rate = dp_scalar_of(dtype, dp__optim_real(o, OPTIM_LR));
    return s->rate && o->rule->begin(o, dtype, s);
}

static bool optim_next(dp_optim *o, dp_tensor **out, size_t *n) {
    const dp__arg *beta = &o->args[OPTIM_BETAS];
    o->next_step = dp_add(o->step, dp_int(1));
    out[(*n)++] = dp_assign(o->step, o->next_step);
    if (!out[*n - 1]) return false;
    for (int k = 0; o->rule->powers && k < 2; k++) {
        o->next_power[k] = dp_mul(o->power[k], dp_scalar_of(DP_F64, beta->v[k].d));
        out[(*n)++] = dp_assign(o->power[k], o->next_power[k]);
        if (!out[*n - 1]) return false;
    }
    return true;
}

static bool optim_update(dp_optim *o, const dp__optim_scalars *s, size_t i, dp_tensor *g,
                         dp_tensor **out, size_t *n) {
    dp_tensor *state[DP__OPTIM_SLOTS] = {NULL}, *p = o->vars[i];
    dp_tensor *const *old = o->slots + i * (size_t)o->n_slots;
    bool decay = dp__optim_real(o, o->rule->field_decay) != 0 &&
                 (optim_flag(o, DP__OPTIM_DECAY_BIAS) || dp_rank(p) >= 2);
    dp_tensor *next = o->rule->update(o, s, p, g, old, state, decay);
    for (int k = 0; k < o->n_slots; k++) {
        out[(*n)++] = dp_assign(old[k], state[k]);
        if (!out[*n - 1]) return false;
    }
    out[(*n)++] = dp_assign(p, next);
    return out[*n - 1] != NULL;
}

/* g is o->gradients; out may be o->roots + 1, which optim_clip uses before it is filled. */
static dp_status optim_build(dp_optim *o, dp_tensor **g, dp_tensor **out) {
    dp__optim_scalars s[2];
    bool begun[2] = {false, false}, good = optim_clip(o, g);
    size_t n = 0;
    good = good && optim_next(o, out, &n);
    for (size_t i = 0; good && i < o->n; i++) {
        int wide = dp_dtype_of(o->vars[i]) == DP_F64;
        if (!begun[wide]) good = begun[wide] = optim_begin(o, wide ? DP_F64 : DP_F32, &s[wide]);
        good = good && optim_update(o, &s[wide], i, g[i], out, &n);
    }
    return good ? DP_OK : dp_error_status();
}

size_t dp_step_effects(const dp_optim *o) {
    return optim_check(o, "dp_step_effects") ? o->n + optim_state_count(o) : 0;
}

dp_status dp_apply_gradients(dp_optim *o, dp_tensor *const *gradients, dp_tensor **out) {
    if (!optim_check(o, "dp_apply_gradients")) return dp_error_status();
    if ((o->n && !gradients) || !out)
        return dp_fail(DP_EINVAL, "dp_apply_gradients: a list is NULL");
    for (size_t i = 0; i < o->n; i++) {
        dp_tensor *g = gradients[i];
        if (!dp__check(g, "dp_apply_gradients") || !dp__check(o->vars[i], "dp_apply_gradients"))
            return dp_error_status();
        if (!dp__same_shape(g, o->vars[i]))
            return dp_fail(DP_EINVAL, "dp_apply_gradients: gradient %zu is %s, its parameter %s", i,
                           dp__describe(g), dp__describe(o->vars[i]));
        o->gradients[i] = dp__as(g, dp_dtype_of(o->vars[i]));
        if (!o->gradients[i]) return dp_error_status();
    }
    return optim_build(o, o->gradients, out);
}

dp_status dp_step_graph(dp_optim *o, dp_tensor *loss, dp_tensor **out) {
    if (!optim_check(o, "dp_step") || !dp__check(loss, "dp_step")) return dp_error_status();
    if (!out) return dp_fail(DP_EINVAL, "dp_step_graph: the list of effects is NULL");
    if (dp_count(loss) != 1)
        return dp_fail(DP_EINVAL,
                       "dp_step: the loss is %s; one element is expected (reduction 'none'?)",
                       dp__describe(loss));
    dp_status s = o->n > 0 ? dp_vjp(loss, NULL, o->vars, o->n, o->gradients) : DP_OK;
    return s ? s : optim_build(o, o->gradients, out);
}

double dp_step(dp_optim *o, dp_tensor *loss) {
    if (!optim_check(o, "dp_step")) return NAN;
    if (dp_step_graph(o, loss, o->roots + 1)) return NAN;
    o->roots[0] = loss;
    if (dp_eval_n(o->roots, 1 + dp_step_effects(o))) return NAN;
    return dp_item(loss);
}

/* ---- asking ---- */

double dp_lr(const dp_optim *o) {
    return optim_check(o, "dp_lr") ? dp__optim_real(o, OPTIM_LR) : NAN;
}

dp_status dp_set_lr(dp_optim *o, double lr) {
    if (!optim_check(o, "dp_set_lr")) return dp_error_status();
    if (!(lr >= 0) || isinf(lr))
        return dp_fail(DP_EINVAL, "dp_set_lr: %s; a number >= 0 is expected",
                       dp__format_double(lr, (char[32]){0}));
    o->args[OPTIM_LR] = (dp__arg){.v[0].d = lr};
    optim_drop_text(o);
    return DP_OK;
}

uint64_t dp_optim_steps(const dp_optim *o) {
    int64_t steps = 0;
    if (!optim_check(o, "dp_optim_steps") || dp_read(o->step, &steps, sizeof steps)) return 0;
    return (uint64_t)steps;
}

const char *dp_optim_format(const dp_optim *o) {
    if (!optim_check(o, "dp_optim_format")) return NULL;
    if (o->text) return o->text;
    dp_text t = {0};
    dp__text_kind(&t, o->kind, o->args, DP__STYLE_CANONICAL);
    dp_optim *cache = (dp_optim *)(uintptr_t)o; /* the text is a cache, not a state */
    if (!t.failed && t.data) cache->text = dp__strdup(t.data);
    dp__text_free(&t);
    return o->text;
}

dp_tensor *dp_optim_state(dp_optim *o, size_t i, const char **name) {
    if (name) *name = NULL;
    if (!optim_check(o, "dp_optim_state") || i >= o->n_names) return NULL;
    if (name) *name = o->names[i];
    size_t globals = o->n_names - o->n * (size_t)o->n_slots;
    if (i >= globals) return o->slots[i - globals];
    return i == 0 ? o->step : o->power[i - 1];
}
