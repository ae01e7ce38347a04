/* safetensors_model.c: networks in and out of safetensors files. */
#include <stdlib.h>
#include <string.h>

#include "denpan/io.h"
#include "denpan/run.h"
#include "nn/module.h"
#include "safetensors.h"

#define STMODEL_VERSION "1"

dp_status dp_check_writable(const char *path) {
    if (!path || !*path) return dp_fail(DP_EINVAL, "check_writable: no path");
    return dp__file_probe(path);
}

/* ---- the variables of a network: parameters, then buffers ---- */

static dp_tensor *stmodel_at(dp_module *net, size_t i, const char **name) {
    size_t n = dp_param_count(net);
    return i < n ? dp_param_at(net, i, name) : dp_buffer_at(net, i - n, name);
}

static size_t stmodel_count(dp_module *net) { return dp_param_count(net) + dp_buffer_count(net); }

/* ---- saving ---- */

typedef struct stmodel_meta {
    dp_st_meta item[10];
    size_t n;
    dp_text input, classes;
    char *model;
} stmodel_meta;

/* Called in the order of the keys. */
static void stmodel_add(stmodel_meta *m, const char *key, const char *value) {
    if (value) m->item[m->n++] = (dp_st_meta){key, value};
}

static const char *stmodel_classes(stmodel_meta *m, const dp_model_info *info) {
    if (!info->class_names || info->classes <= 0) return NULL;
    for (int64_t i = 0; i < info->classes; i++) {
        const char *s = info->class_names[i] ? info->class_names[i] : "";
        dp__text_bytes(&m->classes, i ? "," : "[", 1);
        dp__json_quote(&m->classes, s, strlen(s));
    }
    dp__text_bytes(&m->classes, "]", 1);
    return m->classes.data;
}

static const char *stmodel_input(stmodel_meta *m, dp_shape shape) {
    if (shape.rank <= 0) return NULL;
    for (int i = 0; i < shape.rank; i++)
        dp__text(&m->input, "%s%lld", i ? "," : "[", (long long)shape.dim[i]);
    dp__text_bytes(&m->input, "]", 1);
    return m->input.data;
}

/* The text of the network, or NULL without failure if the language cannot say it. */
static dp_status stmodel_text(dp_module *net, char **text) {
    bool failed = dp_failed();
    *text = dp_format(net);
    if (*text) return DP_OK;
    if (failed || dp_error_status() == DP_ENOMEM) return DP_ENOMEM;
    dp__log(DP_LOG_WARNING, "save: weights only: %s", dp_error());
    dp_clear();
    return DP_OK;
}

static dp_status stmodel_describe(stmodel_meta *m, dp_module *net, const dp_model_info *info) {
    dp_status s = stmodel_text(net, &m->model);
    if (s) return s;
    stmodel_add(m, "denpan.classes", stmodel_classes(m, info));
    stmodel_add(m, DP_ST_CRC_KEY, "");
    stmodel_add(m, "denpan.data", info->data);
    stmodel_add(m, "denpan.flatten", info->flatten ? "true" : NULL);
    stmodel_add(m, "denpan.input", stmodel_input(m, info->input));
    stmodel_add(m, "denpan.loss", info->loss);
    stmodel_add(m, "denpan.model", m->model);
    stmodel_add(m, "denpan.optim", info->optim);
    stmodel_add(m, "denpan.pixels", info->pixels);
    stmodel_add(m, "denpan.version", STMODEL_VERSION);
    return m->classes.failed || m->input.failed ? DP_ENOMEM : DP_OK;
}

static dp_status stmodel_gather(dp_module *net, dp_st_tensor *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *name = NULL;
        dp_tensor *t = stmodel_at(net, i, &name);
        const void *data = t ? dp_map(t) : NULL;
        if (!data)
            return dp_failed() ? dp_error_status()
                               : dp_fail(DP_EINTERNAL, "save: no value of a parameter");
        list[i] = (dp_st_tensor){.name = name,
                                 .dtype = dp_dtype_of(t),
                                 .shape = dp_shape_at(t),
                                 .data = data,
                                 .bytes = (size_t)dp_count(t) * dp_dtype_size(dp_dtype_of(t))};
    }
    return DP_OK;
}

dp_status dp_save_with(dp_module *net, const char *path, const dp_model_info *info) {
    if (!net || !path) return dp_fail(DP_EINVAL, "save: %s", net ? "no path" : "no network");
    dp_model_info all = {0};
    if (info) memcpy(&all, info, info->size && info->size < sizeof all ? info->size : sizeof all);
    if (all.input.rank > DP_MAX_RANK)
        return dp_fail(DP_EINVAL, "save: info.input: rank %d; allowed 0 to %d", all.input.rank,
                       DP_MAX_RANK);
    size_t n = stmodel_count(net);
    stmodel_meta meta = {0};
    dp_scope *scope = dp_scope_begin();
    dp_st_tensor *list = dp__zalloc(n, sizeof *list);
    dp_status s = scope && list ? stmodel_gather(net, list, n) : DP_ENOMEM;
    if (!s) s = stmodel_describe(&meta, net, &all);
    if (!s) s = dp__st_write(path, list, n, meta.item, meta.n);
    dp__text_free(&meta.input);
    dp__text_free(&meta.classes);
    dp_text_free(meta.model);
    dp__release(list, n * sizeof *list);
    dp_scope_end(scope);
    return s;
}

dp_status dp_save(dp_module *net, const char *path) { return dp_save_with(net, path, NULL); }

/* ---- loading: compare everything, convert everything, then write ---- */

static void stmodel_shape(dp_text *out, dp_shape s) {
    dp__text_bytes(out, "[", 1);
    for (int i = 0; i < s.rank; i++) dp__text(out, "%s%lld", i ? "," : "", (long long)s.dim[i]);
    dp__text_bytes(out, "]", 1);
}

static bool stmodel_same(dp_shape a, dp_shape b) {
    bool same = a.rank == b.rank;
    for (int i = 0; same && i < a.rank; i++) same = a.dim[i] == b.dim[i];
    return same;
}

static bool stmodel_converts(dp_dtype from, dp_dtype to) {
    bool floats = (from == DP_F32 || from == DP_F64) && (to == DP_F32 || to == DP_F64);
    return from == to || floats;
}

typedef struct stmodel_names {
    const char **name;
    size_t n;
} stmodel_names;

static int stmodel_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool stmodel_has(const stmodel_names *names, const char *name) {
    for (size_t low = 0, high = names->n; low < high;) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(name, names->name[mid]);
        if (c == 0) return true;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static void stmodel_difference(dp_text *out, size_t *count, const char *what, const char *name,
                               dp_shape shape) {
    dp__text(out, "%s%s \"%s\" ", (*count)++ ? "; " : "", what, dp__quote(name, strlen(name)));
    stmodel_shape(out, shape);
}

/* What the network has and the file lacks or has otherwise. */
static void stmodel_wanted(dp_module *net, const dp_st_file *f, stmodel_names *names, dp_text *out,
                           size_t *count) {
    for (size_t i = 0; i < names->n; i++) {
        const char *name = NULL;
        dp_tensor *v = stmodel_at(net, i, &name);
        dp_shape shape = dp_shape_at(v);
        dp_st_tensor t;
        names->name[i] = name;
        if (!dp__st_find(f, name, &t)) {
            stmodel_difference(out, count, "missing", name, shape);
        } else if (!stmodel_same(t.shape, shape)) {
            stmodel_difference(out, count, "shape of", name, t.shape);
            dp__text(out, " in the file, ");
            stmodel_shape(out, shape);
            dp__text(out, " in the network");
        } else if (!stmodel_converts(t.dtype, dp_dtype_of(v))) {
            dp__text(out, "%sdtype of \"%s\" %s in the file, %s in the network",
                     (*count)++ ? "; " : "", dp__quote(name, strlen(name)), dp_dtype_name(t.dtype),
                     dp_dtype_name(dp_dtype_of(v)));
        }
    }
}

static dp_status stmodel_check(dp_module *net, const dp_st_file *f) {
    stmodel_names names = {.n = stmodel_count(net)};
    size_t count = 0;
    dp_text out = {0};
    names.name = dp__zalloc(names.n, sizeof *names.name);
    if (!names.name) return DP_ENOMEM;
    stmodel_wanted(net, f, &names, &out, &count);
    qsort(names.name, names.n, sizeof *names.name, stmodel_compare);
    for (size_t i = 0; i < f->n; i++) {
        dp_st_tensor t = dp__st_at(f, i);
        if (!stmodel_has(&names, t.name))
            stmodel_difference(&out, &count, "extra", t.name, t.shape);
    }
    dp_status s = out.failed ? DP_ENOMEM : DP_OK;
    if (!s && count) {
        s = dp_fail(DP_EMISMATCH, "%s: %zu difference%s from the network: %s",
                    dp__quote(f->path, strlen(f->path)), count, count == 1 ? "" : "s", out.data);
        dp__hint("nothing was loaded");
    }
    dp__release(names.name, names.n * sizeof *names.name);
    dp__text_free(&out);
    return s;
}

/* f32 to f64 or back, from any alignment. */
static void *stmodel_convert(const dp_st_tensor *t, dp_dtype to, size_t *bytes) {
    size_t from_size = dp_dtype_size(t->dtype), n = t->bytes / from_size;
    *bytes = n * dp_dtype_size(to);
    char *out = dp__alloc(*bytes);
    for (size_t i = 0; out && i < n; i++) {
        const char *in = (const char *)t->data + i * from_size;
        float f;
        double d;
        if (to == DP_F64) {
            memcpy(&f, in, 4);
            d = (double)f;
            memcpy(out + 8 * i, &d, 8);
        } else {
            memcpy(&d, in, 8);
            f = (float)d;
            memcpy(out + 4 * i, &f, 4);
        }
    }
    return out;
}

static dp_status stmodel_write(dp_module *net, const dp_st_file *f) {
    size_t n = stmodel_count(net);
    dp_piece *converted = dp__zalloc(n, sizeof *converted);
    dp_status s = converted ? DP_OK : DP_ENOMEM;
    const char *name = NULL;
    dp_st_tensor t;
    for (size_t i = 0; !s && i < n; i++) {
        dp_tensor *v = stmodel_at(net, i, &name);
        if (!dp__st_find(f, name, &t) || t.dtype == dp_dtype_of(v)) continue;
        converted[i].data = stmodel_convert(&t, dp_dtype_of(v), &converted[i].n);
        if (!converted[i].data) s = DP_ENOMEM;
    }
    for (size_t i = 0; !s && i < n; i++) {
        dp_tensor *v = stmodel_at(net, i, &name);
        if (!dp__st_find(f, name, &t)) continue;
        bool direct = !converted[i].data;
        s = dp_write(v, direct ? t.data : converted[i].data, direct ? t.bytes : converted[i].n);
    }
    for (size_t i = 0; converted && i < n; i++)
        dp__release((void *)(uintptr_t)converted[i].data, converted[i].n);
    dp__release(converted, n * sizeof *converted);
    return s;
}

static dp_status stmodel_weights(dp_module *net, const dp_st_file *f) {
    dp_status s = stmodel_check(net, f);
    return s ? s : stmodel_write(net, f);
}

dp_status dp_load_weights(dp_module *net, const char *path) {
    if (!net || !path)
        return dp_fail(DP_EINVAL, "load_weights: %s", net ? "no path" : "no network");
    dp_st_file f;
    dp_status s = dp__st_read(path, &f);
    if (s) return s;
    s = stmodel_weights(net, &f);
    dp__st_free(&f);
    return s;
}

/* ---- the description in the metadata ---- */

/* Strings of a dp_model_info; they live as long as the module. */
typedef struct stmodel_notes {
    dp_text text[4]; /* pixels, data, loss, optim */
    dp_text classes; /* the names, each ended by NUL */
    const char **names;
    int64_t n_classes;
    dp_shape input;
    bool flatten;
} stmodel_notes;

static void stmodel_notes_free(void *p) {
    stmodel_notes *o = p;
    for (int i = 0; i < 4; i++) dp__text_free(&o->text[i]);
    dp__text_free(&o->classes);
    dp__release(o->names, (size_t)o->n_classes * sizeof *o->names);
    dp__release(o, sizeof *o);
}

/* One element of a JSON array: a whole number into the shape, or a string into the class names. */
static dp_status stmodel_element(dp_cursor *c, const dp_json *j, dp_json_kind k, stmodel_notes *o,
                                 bool numbers) {
    int64_t v = 0;
    if (!numbers && k == DP_JSON_STRING) {
        dp__text_bytes(&o->classes, j->text, j->text_n);
        dp__text_bytes(&o->classes, "", 1);
        o->n_classes++;
        return o->classes.failed ? DP_ENOMEM : DP_OK;
    }
    bool good = numbers && k == DP_JSON_NUMBER &&
                dp__parse_int(j->text, j->text_n, &v) == j->text_n && v >= 0;
    if (!good || o->input.rank == DP_MAX_RANK)
        return dp__cursor_fail(c, DP_EFORMAT, c->at, "found something else, allowed an array of %s",
                               numbers ? "at most 8 whole numbers" : "strings");
    o->input.dim[o->input.rank++] = v;
    return DP_OK;
}

static dp_status stmodel_array(const dp_st_file *f, const char *key, stmodel_notes *o,
                               bool numbers) {
    dp_text text = {0};
    if (!dp__st_meta(f, key, &text)) return DP_OK;
    dp_cursor c = {.name = f->path, .data = (const unsigned char *)text.data, .size = text.n};
    dp__cursor_field(&c, "header[\"__metadata__\"][\"%s\"]", key);
    dp_json j;
    dp__json_begin(&j, &c, DP_ST_DEPTH_MAX);
    dp_status s = DP_OK;
    dp_json_kind k = dp__json_next(&j);
    if (k != DP_JSON_ARRAY)
        s = dp__cursor_fail(&c, DP_EFORMAT, 0, "found no array, allowed an array");
    while (!s && (k = dp__json_next(&j)) != DP_JSON_ARRAY_END)
        s = k == DP_JSON_ERROR ? DP_EFORMAT : stmodel_element(&c, &j, k, o, numbers);
    dp__json_end(&j);
    dp__text_free(&text);
    return s;
}

static dp_status stmodel_notes_read(const dp_st_file *f, stmodel_notes *o) {
    static const char *const key[] = {"denpan.pixels", "denpan.data", "denpan.loss",
                                      "denpan.optim"};
    dp_text flatten = {0};
    for (int i = 0; i < 4; i++) {
        dp__st_meta(f, key[i], &o->text[i]);
        if (o->text[i].failed) return DP_ENOMEM;
    }
    o->flatten = dp__st_meta(f, "denpan.flatten", &flatten) && flatten.data &&
                 strcmp(flatten.data, "true") == 0;
    dp__text_free(&flatten);
    dp_status s = stmodel_array(f, "denpan.input", o, true);
    if (!s) s = stmodel_array(f, "denpan.classes", o, false);
    if (s) return s;
    o->names = dp__alloc((size_t)o->n_classes * sizeof *o->names);
    if (!o->names) return DP_ENOMEM;
    const char *at = o->classes.data;
    for (int64_t i = 0; i < o->n_classes; i++, at += strlen(at) + 1) o->names[i] = at;
    return DP_OK;
}

static void stmodel_info(const stmodel_notes *o, dp_model_info *info) {
    dp_model_info all = {.size = sizeof all,
                         .input = o->input,
                         .flatten = o->flatten,
                         .pixels = o->text[0].data,
                         .data = o->text[1].data,
                         .classes = o->n_classes,
                         .class_names = o->n_classes ? o->names : NULL,
                         .loss = o->text[2].data,
                         .optim = o->text[3].data};
    size_t size = info->size && info->size < sizeof all ? info->size : sizeof all;
    memcpy(info, &all, size);
    info->size = size;
}

/* ---- a network from a file ---- */

/* The text in the file as a network. What is wrong with it is the file's fault; a text that needs
 * more memory than its weights are long is refused before it gets it. */
static dp_module *stmodel_parse(const dp_st_file *f, const char *text) {
    bool failed = dp_failed();
    char message[1024], path[200];
    dp__alloc_room(f->bytes.n + 32 * strlen(text) + ((size_t)1 << 20));
    dp_module *net = dp__nn_zeros(text);
    dp__alloc_room(SIZE_MAX);
    if (net || failed || dp_error_status() == DP_ENOMEM) return net;
    dp_status s = dp_error_status() == DP_EINVAL ? DP_EFORMAT : dp_error_status();
    snprintf(message, sizeof message, "%.*s", (int)sizeof message - 1, dp_error());
    dp_clear();
    dp__quote_to(path, sizeof path, f->path, strlen(f->path));
    dp_fail(s, "%s: header[\"__metadata__\"][\"denpan.model\"]: %s", path, message);
    return NULL;
}

static bool stmodel_version(const dp_st_file *f) {
    dp_text version = {0};
    bool found = dp__st_meta(f, "denpan.version", &version) && version.data;
    bool known = found && strcmp(version.data, STMODEL_VERSION) == 0;
    if (!known)
        dp_fail(DP_EMISMATCH, "%s: found format version %s, allowed " STMODEL_VERSION,
                dp__quote(f->path, strlen(f->path)),
                found ? dp__quote(version.data, version.n) : "(none)");
    dp__text_free(&version);
    return known;
}

/* All floating tensors of the file are f64: the network was converted. */
static bool stmodel_is_double(const dp_st_file *f) {
    size_t singles = 0, doubles = 0;
    for (size_t i = 0; i < f->n; i++) {
        singles += f->entries[i].dtype == DP_F32;
        doubles += f->entries[i].dtype == DP_F64;
    }
    return doubles > 0 && singles == 0;
}

static dp_module *stmodel_make(const dp_st_file *f) {
    dp_text text = {0};
    if (!f->own || !dp__st_meta(f, "denpan.model", &text) || !text.data) {
        dp_fail(DP_EMISMATCH, "%s: no network text in the file",
                dp__quote(f->path, strlen(f->path)));
        dp__hint("weights alone: give the network too (--model TEXT, or dp_load_weights)");
        return NULL;
    }
    dp_module *net = stmodel_version(f) ? stmodel_parse(f, text.data) : NULL;
    dp__text_free(&text);
    if (!net) return NULL;
    dp_status s = stmodel_is_double(f) ? dp_module_to(net, DP_F64) : DP_OK;
    if (s || stmodel_weights(net, f)) {
        dp_module_free(net);
        return NULL;
    }
    return net;
}

dp_module *dp_load(const char *path, dp_model_info *info) {
    if (!path) {
        dp_fail(DP_EINVAL, "load: no path");
        return NULL;
    }
    dp_st_file f;
    if (dp__st_read(path, &f)) return NULL;
    stmodel_notes *notes = dp__zalloc(1, sizeof *notes);
    dp_module *net = notes && !stmodel_notes_read(&f, notes) ? stmodel_make(&f) : NULL;
    dp__st_free(&f);
    if (!net) {
        if (notes) stmodel_notes_free(notes);
        return NULL;
    }
    net->notes = notes;
    net->free_notes = stmodel_notes_free;
    if (info) stmodel_info(notes, info);
    return net;
}
