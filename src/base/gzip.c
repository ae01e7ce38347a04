/* gzip.c: decode gzip (RFC 1952) with zlib, which is opened when it is needed. The declarations are
 * those of zlib 1 (zlib.h), so its header is not needed to build. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <string.h>

#include "file.h"

/* z_stream of zlib 1.x. */
typedef struct gzip_stream {
    const unsigned char *next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *(*zalloc)(void *opaque, unsigned items, unsigned size);
    void (*zfree)(void *opaque, void *address);
    void *opaque;
    int data_type;
    unsigned long adler, reserved;
} gzip_stream;

enum { GZIP_END = 1, GZIP_MEMORY = -4, GZIP_STUCK = -5, GZIP_WINDOW = 15 + 16, GZIP_HEAD = 64 };
enum { GZIP_PIECE = 256 * 1024, GZIP_IN = 1 << 30 };

/* What comes out is collected in pieces of one size and joined at its checked end: a length that
 * the file declares is never believed, and the peak is twice the decoded size and one piece. */
typedef struct gzip_piece {
    struct gzip_piece *next;
    unsigned char data[GZIP_PIECE];
} gzip_piece;

typedef struct gzip_library {
    void *handle;
    int (*begin)(gzip_stream *, int window, const char *version, int size);
    int (*go)(gzip_stream *, int flush);
    int (*reset)(gzip_stream *);
    int (*end)(gzip_stream *);
} gzip_library;

/* zlib's own memory: the size is kept in front of the block. */
static void *gzip_alloc(void *opaque, unsigned items, unsigned size) {
    (void)opaque;
    size_t bytes;
    if (!dp__mul(items, size, &bytes) || !dp__sum(bytes, GZIP_HEAD, &bytes)) return NULL;
    unsigned char *p = dp__zalloc(1, bytes);
    if (!p) return NULL;
    memcpy(p, &bytes, sizeof bytes);
    return p + GZIP_HEAD;
}

static void gzip_free(void *opaque, void *address) {
    (void)opaque;
    if (!address) return;
    unsigned char *p = (unsigned char *)address - GZIP_HEAD;
    size_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    dp__release(p, bytes);
}

static bool gzip_symbol(void *handle, const char *name, void *out) {
    void *p = dlsym(handle, name);
    memcpy(out, &p, sizeof p);
    return p != NULL;
}

static bool gzip_open(gzip_library *z) {
    static const char *const names[] = {"libz.so.1", "libz.so", "libz.1.dylib"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !z->handle; i++)
        z->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!z->handle) return false;
    if (gzip_symbol(z->handle, "inflateInit2_", &z->begin) &&
        gzip_symbol(z->handle, "inflate", &z->go) &&
        gzip_symbol(z->handle, "inflateReset", &z->reset) &&
        gzip_symbol(z->handle, "inflateEnd", &z->end))
        return true;
    dlclose(z->handle);
    z->handle = NULL;
    return false;
}

typedef struct gzip_job {
    gzip_library z;
    gzip_stream s;
    dp_cursor c;           /* the compressed bytes, for messages */
    size_t in, out, limit; /* bytes taken and given; the most that may come out */
    gzip_piece *first, *last;
    size_t used; /* of the last piece */
} gzip_job;

static bool gzip_add_piece(gzip_job *g) {
    gzip_piece *p = dp__alloc(sizeof *p);
    if (!p) return false;
    p->next = NULL;
    if (g->last)
        g->last->next = p;
    else
        g->first = p;
    g->last = p;
    g->used = 0;
    return true;
}

/* One call of zlib. At the limit a member may still have its trailer to read: it gets one byte of
 * room elsewhere, and *over tells that it filled it. */
static int gzip_step(gzip_job *g, bool *over) {
    unsigned char spare;
    bool full = g->out >= g->limit;
    if (!full && (!g->last || g->used == GZIP_PIECE) && !gzip_add_piece(g)) return GZIP_MEMORY;
    size_t room = full ? 1 : GZIP_PIECE - g->used, left = g->c.size - g->in;
    if (!full && room > g->limit - g->out) room = g->limit - g->out;
    unsigned in = left < GZIP_IN ? (unsigned)left : (unsigned)GZIP_IN;
    g->s.next_in = g->c.data + g->in;
    g->s.avail_in = in;
    g->s.next_out = full ? &spare : g->last->data + g->used;
    g->s.avail_out = (unsigned)room;
    int rc = g->z.go(&g->s, 0);
    size_t made = room - g->s.avail_out;
    g->in += in - g->s.avail_in;
    *over = full && made > 0;
    if (!full) {
        g->used += made;
        g->out += made;
    }
    return rc;
}

/* One member; zlib checks its checksum and length. */
static dp_status gzip_member(gzip_job *g) {
    int rc = 0;
    for (bool over = false; rc == 0;) {
        rc = gzip_step(g, &over);
        if (over)
            return dp__cursor_fail(&g->c, DP_ELIMIT, g->in,
                                   "more than %zu bytes come out, the limit", g->limit);
    }
    if (rc == GZIP_END) return DP_OK;
    if (rc == GZIP_MEMORY) return dp_fail(DP_ENOMEM, "out of memory: gzip");
    if (rc != GZIP_STUCK)
        return dp__cursor_fail(&g->c, DP_EFORMAT, g->in, "gzip: %s",
                               g->s.msg ? g->s.msg : "malformed data");
    dp__cursor_fail(&g->c, DP_EFORMAT, g->in, "gzip: the data end too early");
    return dp__hint("the file looks truncated; copy it again");
}

/* Members one after another up to the end; zeros after the last are padding. */
static dp_status gzip_members(gzip_job *g) {
    const unsigned char *p = g->c.data;
    size_t n = g->c.size;
    do {
        if (n - g->in < 2 || p[g->in] != 0x1F || p[g->in + 1] != 0x8B)
            return g->in == 0
                       ? dp__cursor_fail(&g->c, DP_EFORMAT, 0, "not gzip, which begins with 1f 8b")
                       : dp__cursor_fail(&g->c, DP_EFORMAT, g->in, "%zu bytes after the data",
                                         n - g->in);
        if (g->z.reset(&g->s) != 0) return dp_fail(DP_EINTERNAL, "gzip: zlib cannot be reset");
        dp_status status = gzip_member(g);
        if (status != DP_OK) return status;
        size_t next = g->in;
        while (next < n && p[next] == 0) next++;
        if (next == n) g->in = n;
    } while (g->in < n);
    return DP_OK;
}

static dp_status gzip_join(gzip_job *g, dp_bytes *out) {
    unsigned char *data = dp__alloc(g->out);
    if (!data) return DP_ENOMEM;
    size_t at = 0;
    for (gzip_piece *p = g->first; p; p = p->next) {
        size_t n = p == g->last ? g->used : GZIP_PIECE;
        memcpy(data + at, p->data, n);
        at += n;
    }
    *out = (dp_bytes){data, g->out};
    return DP_OK;
}

static dp_status gzip_decode(gzip_job *g, dp_bytes *out) {
    g->s.zalloc = gzip_alloc;
    g->s.zfree = gzip_free;
    int rc = g->z.begin(&g->s, GZIP_WINDOW, "1.2.0", (int)sizeof g->s);
    if (rc == GZIP_MEMORY) return dp_fail(DP_ENOMEM, "out of memory: gzip");
    if (rc != 0) return dp_fail(DP_EIO, "gzip: this zlib is of another kind (error %d)", rc);
    dp_status status = gzip_members(g);
    g->z.end(&g->s);
    if (status == DP_OK) status = gzip_join(g, out);
    for (gzip_piece *p = g->first, *next; p; p = next) {
        next = p->next;
        dp__release(p, sizeof *p);
    }
    return status;
}

dp_status dp__gunzip(const char *name, const unsigned char *data, size_t n, size_t limit,
                     dp_bytes *out) {
    gzip_job g = {.c = {.name = name, .data = data, .size = n}};
    g.limit = limit ? limit : PTRDIFF_MAX;
    *out = (dp_bytes){0};
    if (!gzip_open(&g.z)) {
        char quoted[400];
        const char *whole = name ? name : "(no name)";
        dp__quote_to(quoted, sizeof quoted, whole, strlen(whole));
        dp_fail(DP_EIO, "%s: gzip needs the library zlib (libz.so.1), which is not installed",
                quoted);
        return dp__hint("apt-get install zlib1g");
    }
    dp_status status = gzip_decode(&g, out);
    dlclose(g.z.handle);
    return status;
}
