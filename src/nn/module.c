/* module.c: making, owning and freeing modules; children, parameters and their names. */
#include "nn/module.h"

#include <stdatomic.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/text.h"

enum { MODULE_NAME = 64 };

static _Atomic uint64_t module_ids = 1;

bool dp__module_check(const dp_module *m, const char *function) {
    if (m && m->magic == DP__MODULE_MAGIC) return true;
    if (m)
        dp_fail(DP_EINVAL, "%s: not a live module (freed, or its scope ended)", function);
    else if (!dp_failed())
        dp_fail(DP_EINVAL, "%s: the module is NULL", function);
    return false;
}

const char *dp__module_kind_name(const dp_module *m) {
    return m->kind ? m->kind->name : m->own_kind;
}
const dp__kind *dp__kind_of(const dp_module *m) { return m->kind; }
dp__arg *dp__args(const dp_module *m) { return m->args; }

/* ---- making and freeing ---- */

static dp_module *module_blank(void) {
    dp_module *m = dp__zalloc(1, sizeof *m);
    if (!m) return NULL;
    m->magic = DP__MODULE_MAGIC;
    m->id = atomic_fetch_add(&module_ids, 1);
    m->refs = m->height = 1;
    return m;
}

static void module_unlist(dp_module *m) {
    dp__listing *l = m->listing;
    if (!l) return;
    dp__release(l->at, l->cap * sizeof *l->at);
    dp__release(l->seen, l->cap_seen * sizeof *l->seen);
    dp__text_free(&l->names);
    dp__release(l, sizeof *l);
    m->listing = NULL;
}

static void module_release_string(char *s) {
    if (s) dp__release(s, strlen(s) + 1);
}

/* What m holds, but not its children. */
static void module_release(dp_module *m) {
    if (!m->kind && m->def.free) m->def.free(m->def.self);
    if (m->free_notes) m->free_notes(m->notes);
    for (size_t i = 0; i < m->n_vars; i++) {
        dp_free(m->vars[i].v);
        module_release_string(m->vars[i].name);
    }
    module_unlist(m);
    dp__release(m->vars, m->cap_vars * sizeof *m->vars);
    dp__release(m->children, m->cap_children * sizeof *m->children);
    dp__release(m->args, m->n_args * sizeof *m->args);
    module_release_string(m->own_kind);
    module_release_string(m->name);
    if (!m->kind) {
        char *extra;
        memcpy(&extra, &m->def.extra, sizeof extra); /* the copy that dp_module_new made */
        module_release_string(extra);
    }
    m->magic = 0;
    dp__release(m, sizeof *m);
}

void dp__module_destroy(void *object) {
    dp_module *doomed = object;
    if (--doomed->refs > 0) return;
    doomed->doomed = NULL;
    while (doomed) {
        dp_module *m = doomed;
        doomed = m->doomed;
        for (size_t i = 0; i < m->n_children; i++) {
            dp_module *c = m->children[i];
            if (c->owner == m) c->owner = NULL;
            if (--c->refs > 0) continue;
            c->doomed = doomed;
            doomed = c;
        }
        module_release(m);
    }
}

void dp_module_free(dp_module *m) {
    if (!m || !dp__module_check(m, "dp_module_free")) return;
    if (!m->owned) {
        dp_fail(DP_EINVAL, "dp_module_free: %s belongs to its parent", dp__module_kind_name(m));
        return;
    }
    dp__scope_disown(m->owned);
    m->owned = NULL;
    dp__module_destroy(m);
}

dp_module *dp_module_keep(dp_module *m) {
    if (!dp__module_check(m, "dp_module_keep")) return NULL;
    dp__scope_move(m->owned);
    return m;
}

dp_module *dp__module_adopt(dp_module *m) {
    if (!m) return NULL;
    m->owned = dp__scope_own(dp__module_destroy, m);
    if (m->owned) return m;
    dp__module_destroy(m);
    return NULL;
}

dp_module *dp__module_of(const dp__kind *kind, const dp__arg *args) {
    dp_module *m = module_blank();
    if (!m) return NULL;
    m->kind = kind;
    m->n_args = dp__field_count(kind);
    m->args = dp__zalloc(m->n_args, sizeof *m->args);
    if (m->args && m->n_args > 0) memcpy(m->args, args, m->n_args * sizeof *args);
    if (!m->args || (kind->make && kind->make(m) != DP_OK)) {
        dp__module_destroy(m);
        return NULL;
    }
    return m;
}

dp_module *dp_module_new(const char *kind, const dp_module_def *def) {
    if (!kind || !kind[0] || !def || !def->forward ||
        def->size < offsetof(dp_module_def, free) + sizeof def->free ||
        strlen(kind) >= MODULE_NAME) {
        dp_fail(DP_EINVAL,
                "dp_module_new: a name (1 to %d bytes) and a definition with its size and "
                "forward are needed",
                MODULE_NAME - 1);
        return NULL;
    }
    dp_module *m = module_blank();
    if (!m) return NULL;
    memcpy(&m->def, def, def->size < sizeof m->def ? def->size : sizeof m->def);
    void (*release)(void *) = m->def.free;
    m->def.free = NULL; /* a failed call leaves self with the caller */
    m->own_kind = dp__strdup(kind);
    if (m->def.extra) m->def.extra = dp__strdup(m->def.extra);
    bool good = m->own_kind && (!def->extra || def->size < sizeof *def || m->def.extra);
    if (!good) {
        dp__module_destroy(m);
        return NULL;
    }
    m = dp__module_adopt(m);
    if (m) m->def.free = release;
    return m;
}

/* ---- children and variables ---- */

static bool module_name_good(const char *function, const dp_module *m, const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n == 0 || n >= MODULE_NAME || strchr(name, '.')) {
        dp_fail(DP_EINVAL, "%s: name \"%s\": 1 to %d bytes without a point are needed", function,
                name ? dp__quote(name, n) : "", MODULE_NAME - 1);
        return false;
    }
    bool taken = dp__module_slot((dp_module *)(uintptr_t)m, name, n) != NULL;
    for (size_t i = 0; i < m->n_vars; i++) taken = taken || strcmp(m->vars[i].name, name) == 0;
    if (taken)
        dp_fail(DP_EINVAL, "%s: %s has a `%s` already", function, dp__module_kind_name(m), name);
    return !taken;
}

dp_module *dp__module_slot(dp_module *m, const char *name, size_t n) {
    for (size_t i = 0; i < m->n_children; i++) {
        const char *own = m->children[i]->name;
        if (strlen(own) == n && memcmp(own, name, n) == 0) return m->children[i];
    }
    return NULL;
}

/* m is to sit below parent: is the tree then shallow enough, and no circle? */
static bool module_depth_good(const dp_module *parent, const dp_module *m) {
    int height = m->height;
    for (const dp_module *p = parent; p; p = p->owner) {
        if (p == m) {
            dp_fail(DP_EINVAL, "dp_child: a module cannot be below itself");
            return false;
        }
        height = height + 1 > p->height ? height + 1 : p->height;
        if (height > DP__MODULE_DEPTH + 1) {
            dp_fail(DP_ELIMIT, "dp_child: modules nested more than %d deep", DP__MODULE_DEPTH);
            return false;
        }
    }
    return true;
}

/* Append to the children; the name is there already. */
static bool module_attach(dp_module *parent, dp_module *child) {
    if (!dp__reserve((void **)&parent->children, &parent->cap_children, parent->n_children + 1,
                     sizeof *parent->children))
        return false;
    parent->children[parent->n_children++] = child;
    parent->edits++;
    int height = child->height;
    for (dp_module *p = parent; p && p->height < height + 1; p = p->owner) p->height = ++height;
    return true;
}

dp_module *dp_child(dp_module *parent, const char *name, dp_module *child) {
    if (!dp__module_check(parent, "dp_child") || !dp__module_check(child, "dp_child")) return NULL;
    if (child->owner || child->name) {
        dp_fail(DP_EINVAL, "dp_child: %s has a parent already", dp__module_kind_name(child));
        return NULL;
    }
    if (!module_name_good("dp_child", parent, name) || !module_depth_good(parent, child))
        return NULL;
    char *copy = dp__strdup(name);
    if (!copy) return NULL;
    if (!module_attach(parent, child)) {
        module_release_string(copy);
        return NULL;
    }
    child->name = copy;
    child->owner = parent;
    dp__scope_disown(child->owned);
    child->owned = NULL;
    return child;
}

/* initial NULL: f32 zeros of this shape. */
static dp_tensor *module_variable(const char *function, dp_module *m, const char *name,
                                  dp_tensor *initial, const dp_shape *zeros, bool buffer) {
    if (!initial && !zeros && dp_failed()) return NULL;
    if (!dp__module_check(m, function) || !module_name_good(function, m, name)) return NULL;
    if (!dp__reserve((void **)&m->vars, &m->cap_vars, m->n_vars + 1, sizeof *m->vars)) return NULL;
    char *copy = dp__strdup(name);
    dp_tensor *v = !copy ? NULL : zeros ? dp__variable_zeros(DP_F32, *zeros) : dp_variable(initial);
    if (!v) {
        module_release_string(copy);
        return NULL;
    }
    dp_name(v, "%s", name);
    m->vars[m->n_vars++] = (dp__var){copy, v, buffer};
    m->edits++;
    return v;
}

dp_tensor *dp_param(dp_module *m, const char *name, dp_tensor *initial) {
    return module_variable("dp_param", m, name, initial, NULL, false);
}

dp_tensor *dp__param_zeros(dp_module *m, const char *name, dp_shape shape) {
    return module_variable("dp_param", m, name, NULL, &shape, false);
}

dp_tensor *dp_buffer(dp_module *m, const char *name, dp_tensor *initial) {
    return module_variable("dp_buffer", m, name, initial, NULL, true);
}

dp_module *dp_nn_slice(dp_module *net, int i, int j) {
    if (!dp__module_check(net, "dp_nn_slice")) return NULL;
    if (net->kind != &dp__kind_sequential || i < 0 || i > j || (size_t)j > net->n_children) {
        dp_fail(DP_EINVAL, "dp_nn_slice: layers %d to %d of a %s of %zu", i, j,
                dp__module_kind_name(net), net->n_children);
        return NULL;
    }
    dp_module *slice = dp__module_of(&dp__kind_sequential, NULL);
    for (int k = i; slice && k < j; k++) {
        if (module_attach(slice, net->children[k])) {
            net->children[k]->refs++;
        } else {
            dp__module_destroy(slice);
            return NULL;
        }
    }
    return dp__module_adopt(slice);
}

/* ---- names ---- */

const char *dp__module_path(const dp_module *m, char *buf, size_t size) {
    size_t at = size - 1;
    buf[at] = 0;
    for (; m && m->owner; m = m->owner) {
        size_t n = strlen(m->name), dot = buf[at] != 0;
        if (n + dot > at) return NULL;
        if (dot) buf[--at] = '.';
        at -= n;
        memcpy(buf + at, m->name, n);
    }
    return buf + at;
}

/* List the variables of m below the prefix, if they are (or are not) buffers. */
static bool module_list_vars(dp__listing *l, dp_module *m, const char *prefix, bool buffers) {
    for (size_t i = 0; i < m->n_vars; i++) {
        if (m->vars[i].buffer != buffers) continue;
        if (!dp__reserve((void **)&l->at, &l->cap, l->n + 1, sizeof *l->at)) return false;
        l->at[l->n++] = (dp__listed){m, i, l->names.n};
        dp__text(&l->names, "%s%s", prefix, m->vars[i].name);
        dp__text_bytes(&l->names, "", 1);
    }
    return !l->names.failed;
}

static bool module_list_seen(dp__listing *l, dp_module *m) {
    if (!dp__reserve((void **)&l->seen, &l->cap_seen, l->n_seen + 1, sizeof *l->seen)) return false;
    l->seen[l->n_seen].m = m;
    l->seen[l->n_seen++].edits = m->edits;
    return true;
}

/* Depth first, a module before its children. */
static bool module_list_walk(dp__listing *l, dp_module *root, bool buffers) {
    struct {
        dp_module *m;
        size_t next, prefix;
    } stack[DP__MODULE_DEPTH + 2] = {{root, 0, 0}};
    dp_text prefix = {0};
    bool good = module_list_vars(l, root, "", buffers) && (buffers || module_list_seen(l, root));
    for (int depth = 0; good && depth >= 0;) {
        dp_module *m = stack[depth].m;
        if (stack[depth].next == m->n_children) {
            depth--;
            continue;
        }
        dp_module *c = m->children[stack[depth].next++];
        prefix.n = stack[depth].prefix;
        dp__text(&prefix, "%s.", c->name);
        good = !prefix.failed && module_list_vars(l, c, prefix.data, buffers) &&
               (buffers || module_list_seen(l, c));
        if (depth < DP__MODULE_DEPTH + 1) {
            depth++;
            stack[depth].m = c;
            stack[depth].next = 0;
            stack[depth].prefix = prefix.n;
        }
    }
    dp__text_free(&prefix);
    return good;
}

const dp__listing *dp__module_list(dp_module *m) {
    bool valid = m->listing != NULL;
    for (size_t i = 0; valid && i < m->listing->n_seen; i++)
        valid = m->listing->seen[i].m->edits == m->listing->seen[i].edits;
    if (valid) return m->listing;
    module_unlist(m);
    m->listing = dp__zalloc(1, sizeof *m->listing);
    if (!m->listing) return NULL;
    bool good = module_list_walk(m->listing, m, false);
    m->listing->n_params = m->listing->n;
    good = good && module_list_walk(m->listing, m, true);
    if (good) return m->listing;
    module_unlist(m);
    return NULL;
}

static dp_tensor *module_listed(dp_module *m, size_t i, size_t end, const char **name) {
    const dp__listing *l = m->listing;
    if (name) *name = i < end ? l->names.data + l->at[i].name : NULL;
    return i < end ? l->at[i].m->vars[l->at[i].var].v : NULL;
}

size_t dp_param_count(dp_module *m) {
    return dp__module_check(m, "dp_param_count") && dp__module_list(m) ? m->listing->n_params : 0;
}

size_t dp_buffer_count(dp_module *m) {
    bool good = dp__module_check(m, "dp_buffer_count") && dp__module_list(m);
    return good ? m->listing->n - m->listing->n_params : 0;
}

dp_tensor *dp_param_at(dp_module *m, size_t i, const char **name) {
    if (name) *name = NULL;
    if (!dp__module_check(m, "dp_param_at") || !dp__module_list(m)) return NULL;
    return module_listed(m, i, m->listing->n_params, name);
}

dp_tensor *dp_buffer_at(dp_module *m, size_t i, const char **name) {
    if (name) *name = NULL;
    if (!dp__module_check(m, "dp_buffer_at") || !dp__module_list(m)) return NULL;
    if (i >= m->listing->n - m->listing->n_params) return NULL;
    return module_listed(m, m->listing->n_params + i, m->listing->n, name);
}

dp_tensor *dp_param_named(dp_module *m, const char *name) {
    if (!dp__module_check(m, "dp_param_named")) return NULL;
    if (!name) dp_fail(DP_EINVAL, "dp_param_named: the name is NULL");
    if (!name || !dp__module_list(m)) return NULL;
    const dp__listing *l = m->listing;
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names.data + l->at[i].name, name) == 0)
            return l->at[i].m->vars[l->at[i].var].v;
    dp_fail(DP_EINVAL, "dp_param_named: no parameter `%s`", dp__quote(name, strlen(name)));
    return NULL;
}

int64_t dp_param_elements(dp_module *m) {
    int64_t sum = 0;
    for (size_t i = 0, n = dp_param_count(m); i < n; i++) sum += dp_count(dp_param_at(m, i, NULL));
    return sum;
}

dp_module *dp_child_at(dp_module *m, size_t i, const char **name) {
    if (name) *name = NULL;
    if (!dp__module_check(m, "dp_child_at") || i >= m->n_children) return NULL;
    if (name) *name = m->children[i]->name;
    return m->children[i];
}

const char *dp_module_kind(dp_module *m) {
    return dp__module_check(m, "dp_module_kind") ? dp__module_kind_name(m) : NULL;
}
