/* file.c: reading and writing whole files (laws 5 and 6). Every call goes through the hooks, is
 * repeated after EINTR, and its short results are continued. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

enum { FILE_NAME = 600, FILE_PATH = 4096, FILE_CHECK = 256 * 1024 };
#define FILE_CHUNK ((size_t)1 << 30)

/* ---- hooks ---- */

static dp_file_hooks file_hooks;

void dp_set_file_hooks(const dp_file_hooks *hooks) {
    file_hooks = hooks && hooks->size >= sizeof *hooks ? *hooks : (dp_file_hooks){0};
}

/* Sets errno and is true if the hook wants the call to fail. */
static bool file_refused(const char *call, const char *path) {
    if (!file_hooks.before) return false;
    int error = file_hooks.before(file_hooks.context, call, path);
    if (error != 0) errno = error;
    return error != 0;
}

/* Never 0, 1 or 2: a program started without standard streams must not write messages there. */
static int file_open(const char *path, int flags, mode_t mode) {
    if (file_refused("open", path)) return -1;
    int fd;
    do fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 || fd > 2) return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3), error = errno;
    close(fd);
    errno = error;
    return high;
}

static int file_close(int fd, const char *path) {
    bool refused = file_refused("close", path);
    int error = errno, rc = close(fd);
    if (refused) errno = error;
    return refused || (rc != 0 && errno != EINTR) ? -1 : 0;
}

static int file_stat(int fd, const char *path, struct stat *st) {
    return file_refused("fstat", path) ? -1 : fstat(fd, st);
}

static int file_fsync(int fd, const char *path) {
    if (file_refused("fsync", path)) return -1;
    int rc;
    do rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static int file_unlink(const char *path) {
    return file_refused("unlink", path) ? -1 : unlink(path);
}

/* Bytes read, fewer than n only at the end of the file; -1 on failure. */
static ptrdiff_t file_get(int fd, const char *path, void *data, size_t n) {
    size_t got = 0;
    while (got < n) {
        if (file_refused("read", path)) return -1;
        size_t want = n - got < FILE_CHUNK ? n - got : FILE_CHUNK;
        ssize_t r = read(fd, (char *)data + got, want);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return -1;
        if (r == 0) break;
        got += (size_t)r;
    }
    return (ptrdiff_t)got;
}

static bool file_put(int fd, const char *path, const void *data, size_t n) {
    for (size_t put = 0; put < n;) {
        if (file_refused("write", path)) return false;
        size_t want = n - put < FILE_CHUNK ? n - put : FILE_CHUNK;
        ssize_t r = write(fd, (const char *)data + put, want);
        if (r < 0 && errno == EINTR) continue;
        if (r == 0) errno = EIO;
        if (r <= 0) return false;
        put += (size_t)r;
    }
    return true;
}

/* ---- messages ---- */

/* Fixed texts: strerror depends on the locale. */
static const char *file_reason(int error, char *buf, size_t cap) {
    static const struct {
        int error;
        const char *text;
    } file_reasons[] = {
        {ENOENT, "No such file or directory"},
        {EACCES, "Permission denied"},
        {EPERM, "Operation not permitted"},
        {EISDIR, "Is a directory"},
        {ENOTDIR, "Not a directory"},
        {ENOSPC, "No space left on device"},
        {EDQUOT, "Disk quota exceeded"},
        {EIO, "Input/output error"},
        {EMFILE, "Too many open files"},
        {ENFILE, "Too many open files in system"},
        {EROFS, "Read-only file system"},
        {ELOOP, "Too many levels of symbolic links"},
        {ENAMETOOLONG, "File name too long"},
        {EXDEV, "Invalid cross-device link"},
        {EFBIG, "File too large"},
        {EBUSY, "Device or resource busy"},
        {ENOMEM, "Cannot allocate memory"},
        {EINVAL, "Invalid argument"},
        {EEXIST, "File exists"},
        {ENXIO, "No such device or address"},
        {ENODEV, "No such device"},
        {ESTALE, "Stale file handle"},
        {EAGAIN, "Resource temporarily unavailable"},
        {EBADF, "Bad file descriptor"},
        {ENOTEMPTY, "Directory not empty"},
        {EOVERFLOW, "Value too large for defined data type"},
    };
    for (size_t i = 0; i < sizeof file_reasons / sizeof *file_reasons; i++)
        if (file_reasons[i].error == error) return file_reasons[i].text;
    snprintf(buf, cap, "error %d", error);
    return buf;
}

static dp_status file_fail(const char *path, const char *verb, int error) {
    char name[FILE_NAME], buf[32];
    dp__quote_to(name, sizeof name, path, strlen(path));
    dp_fail(DP_EIO, "%s: cannot %s: %s", name, verb, file_reason(error, buf, sizeof buf));
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return dp__hint("free some space there, or write to another disk");
    case EFBIG:
        return dp__hint("the file system or the limit `ulimit -f` allows no larger file");
    case EXDEV:
        return dp__hint("the folder lies on several devices (an overlay or a bind mount): files "
                        "cannot be replaced atomically there; write to another folder");
    case EMFILE:
        return dp__hint("raise the limit `ulimit -n`");
    default:
        return DP_EIO;
    }
}

static const char *file_kind_name(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISBLK(mode)) return "a block device";
    return "a special file";
}

static dp_status file_wrong_kind(const char *path, mode_t mode) {
    char name[FILE_NAME];
    dp__quote_to(name, sizeof name, path, strlen(path));
    return dp_fail(DP_EIO, "%s: is %s; a regular file is needed", name, file_kind_name(mode));
}

static dp_status file_check_path(const char *path) {
    if (!path || !*path) return dp_fail(DP_EINVAL, "file: the path is empty");
    return strlen(path) < FILE_PATH ? DP_OK : file_fail(path, "open", ENAMETOOLONG);
}

dp_file_kind dp__file_kind(const char *path) {
    struct stat st;
    if (!path || stat(path, &st) != 0) return DP_FILE_NONE;
    return S_ISREG(st.st_mode)   ? DP_FILE_REGULAR
           : S_ISDIR(st.st_mode) ? DP_FILE_FOLDER
                                 : DP_FILE_OTHER;
}

/* ---- reading ---- */

void dp__bytes_free(dp_bytes *b) {
    dp__release(b->data, b->n);
    *b = (dp_bytes){0};
}

static dp_status file_changed(const char *path, size_t before, long long after) {
    char name[FILE_NAME];
    dp__quote_to(name, sizeof name, path, strlen(path));
    dp_fail(DP_EIO, "%s: the file changed while it was read (%zu bytes, now %lld)", name, before,
            after);
    return dp__hint("wait until its writer has finished, then try again");
}

/* Exactly n bytes, then the end, and the same size and time of change as before. */
static dp_status file_fill(int fd, const char *path, const struct stat *st, dp_bytes *b) {
    char more;
    struct stat now;
    ptrdiff_t got = file_get(fd, path, b->data, b->n), extra = 0;
    if (got >= 0) extra = file_get(fd, path, &more, 1);
    if (got < 0 || extra < 0) return file_fail(path, "read", errno);
    if (file_stat(fd, path, &now) != 0) return file_fail(path, "read", errno);
    if ((size_t)got != b->n || extra != 0 || now.st_size != st->st_size)
        return file_changed(path, b->n,
                            extra && now.st_size == st->st_size ? (long long)got + 1
                                                                : (long long)now.st_size);
    if (now.st_mtim.tv_sec != st->st_mtim.tv_sec || now.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
        return file_changed(path, b->n, (long long)now.st_size);
    return DP_OK;
}

static dp_status file_read_fd(int fd, const char *path, size_t limit, dp_bytes *out) {
    struct stat st;
    char name[FILE_NAME];
    if (file_stat(fd, path, &st) != 0) return file_fail(path, "read", errno);
    if (!S_ISREG(st.st_mode)) return file_wrong_kind(path, st.st_mode);
    uint64_t size = (uint64_t)st.st_size;
    if ((limit != 0 && size > limit) || size > PTRDIFF_MAX) {
        dp__quote_to(name, sizeof name, path, strlen(path));
        return dp_fail(DP_ELIMIT, "%s: %llu bytes; the limit is %zu", name,
                       (unsigned long long)size, limit ? limit : (size_t)PTRDIFF_MAX);
    }
    dp_bytes b = {dp__alloc((size_t)size), (size_t)size};
    if (!b.data) return DP_ENOMEM;
    dp_status status = file_fill(fd, path, &st, &b);
    if (status == DP_OK)
        *out = b;
    else
        dp__bytes_free(&b);
    return status;
}

dp_status dp__file_read(const char *path, size_t limit, dp_bytes *out) {
    struct stat st;
    *out = (dp_bytes){0};
    dp_status checked = file_check_path(path);
    if (checked != DP_OK) return checked;
    int fd = file_open(path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) {
        int error = errno;
        if (error == ENXIO && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
            return file_wrong_kind(path, st.st_mode);
        return file_fail(path, "open", error);
    }
    dp_status status = file_read_fd(fd, path, limit, out);
    file_close(fd, path);
    return status;
}

bool dp__file_small(const char *path, char *buf, size_t cap) {
    buf[0] = 0;
    int fd = file_open(path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) return false;
    ptrdiff_t got = file_get(fd, path, buf, cap - 1);
    file_close(fd, path);
    buf[got < 0 ? 0 : got] = 0;
    return got >= 0;
}

bool dp__file_line(const char *path, char *buf, size_t cap) {
    if (!dp__file_small(path, buf, cap)) return false;
    buf[strcspn(buf, "\n")] = 0;
    return true;
}

/* ---- writing ---- */

/* A file being written: `temp` lies beside `target` and is locked while its writer lives, so the
 * next writer can tell an abandoned one and remove it. fd < 0: not open. */
typedef struct file_out {
    const char *path; /* as the caller named it, for messages */
    char target[FILE_PATH + 1], folder[FILE_PATH + 1], temp[FILE_PATH + 65];
    int fd;
    bool made; /* temp exists and is ours */
} file_out;

/* Text of paths: false if it does not fit. */
static bool file_join(char *out, size_t cap, const char *folder, const char *name) {
    const char *slash = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";
    int n = snprintf(out, cap, "%s%s%s", folder, slash, name);
    return n >= 0 && (size_t)n < cap;
}

/* Follow the links of an existing path; check the kind and that the owner lets it be written. */
static dp_status file_resolve(file_out *f) {
    struct stat st;
    if (lstat(f->path, &st) == 0) {
        if (!realpath(f->path, f->target)) return file_fail(f->path, "open for writing", errno);
        if (stat(f->target, &st) != 0) return file_fail(f->path, "open for writing", errno);
        if (!S_ISREG(st.st_mode)) return file_wrong_kind(f->path, st.st_mode);
        if (access(f->target, W_OK) != 0) return file_fail(f->path, "open for writing", errno);
    } else if (errno != ENOENT) {
        return file_fail(f->path, "open for writing", errno);
    } else {
        strcpy(f->target, f->path);
    }
    char *slash = strrchr(f->target, '/');
    if (slash && !slash[1]) return file_fail(f->path, "open for writing", EISDIR);
    size_t n = !slash ? 0 : slash == f->target ? 1 : (size_t)(slash - f->target);
    memcpy(f->folder, n ? f->target : ".", n ? n : 1);
    f->folder[n ? n : 1] = 0;
    return DP_OK;
}

/* Temporary files of one target are ".denpan-HASH-PID-COUNT.tmp". */
static void file_temp_prefix(const file_out *f, char prefix[32]) {
    const char *slash = strrchr(f->target, '/'), *name = slash ? slash + 1 : f->target;
    uint64_t hash = dp__hash(name, strlen(name), 0);
    snprintf(prefix, 32, ".denpan-%08x-", (unsigned)(hash ^ hash >> 32));
}

/* Remove what killed writers of this target left: nobody holds its lock. */
static void file_clean(const file_out *f) {
    char prefix[32], path[FILE_PATH + 300];
    file_temp_prefix(f, prefix);
    DIR *dir = opendir(f->folder);
    if (!dir) return;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (strncmp(d->d_name, prefix, strlen(prefix)) != 0) continue;
        if (!file_join(path, sizeof path, f->folder, d->d_name)) continue;
        int fd = file_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
        if (fd < 0) continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) file_unlink(path);
        file_close(fd, path);
    }
    closedir(dir);
}

/* The lock is taken after the file is made: a cleaner may have been faster, then nlink is 0. */
static bool file_lock(file_out *f) {
    struct stat st;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return file_stat(f->fd, f->temp, &st) != 0 || st.st_nlink > 0;
}

static dp_status file_make_temp(file_out *f) {
    static _Atomic unsigned file_count;
    char prefix[32], name[80];
    file_temp_prefix(f, prefix);
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(name, sizeof name, "%s%ld-%u.tmp", prefix, (long)getpid(),
                 atomic_fetch_add(&file_count, 1));
        if (!file_join(f->temp, sizeof f->temp, f->folder, name))
            return file_fail(f->path, "open for writing", ENAMETOOLONG);
        f->fd = file_open(f->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
        if (f->fd < 0 && errno == EEXIST) continue;
        if (f->fd < 0) return file_fail(f->path, "open for writing", errno);
        f->made = true;
        if (file_lock(f)) return DP_OK;
        close(f->fd);
        f->fd = -1;
        f->made = false;
    }
    return file_fail(f->path, "open for writing", EEXIST);
}

/* Close what is open, remove what was made; the error stays recorded. */
static void file_abandon(file_out *f) {
    if (f->fd >= 0) file_close(f->fd, f->temp);
    if (f->made && file_unlink(f->temp) != 0) unlink(f->temp);
    f->fd = -1;
    f->made = false;
}

/* The old file's permissions pass on to the new one. */
static void file_keep_mode(file_out *f) {
    struct stat st;
    if (stat(f->target, &st) == 0) (void)!fchmod(f->fd, st.st_mode & 0777);
}

/* Read back and compare: DP_EIO at the first byte that differs. */
static dp_status file_verify(file_out *f, const dp_piece *pieces, size_t count, char *buffer) {
    size_t at = 0;
    char name[FILE_NAME];
    if (lseek(f->fd, 0, SEEK_SET) != 0) return file_fail(f->path, "read back", errno);
    for (size_t i = 0; i < count; i++) {
        const char *data = pieces[i].data;
        for (size_t done = 0; done < pieces[i].n;) {
            size_t n = pieces[i].n - done < FILE_CHECK ? pieces[i].n - done : FILE_CHECK;
            ptrdiff_t got = file_get(f->fd, f->temp, buffer, n);
            if (got < 0) return file_fail(f->path, "read back", errno);
            if ((size_t)got != n || memcmp(buffer, data + done, n) != 0) {
                dp__quote_to(name, sizeof name, f->path, strlen(f->path));
                return dp_fail(DP_EIO, "%s: what was written does not read back (bytes %zu to %zu)",
                               name, at + done, at + done + n);
            }
            done += n;
        }
        at += pieces[i].n;
    }
    return DP_OK;
}

static dp_status file_fill_temp(file_out *f, const dp_piece *pieces, size_t count, char *buffer) {
    file_keep_mode(f);
    for (size_t i = 0; i < count; i++)
        if (!file_put(f->fd, f->temp, pieces[i].data, pieces[i].n))
            return file_fail(f->path, "write", errno);
    if (file_fsync(f->fd, f->temp) != 0) return file_fail(f->path, "write to disk", errno);
    return file_verify(f, pieces, count, buffer);
}

/* The folder is opened before the rename, so that after it only its fsync can fail. File systems
 * that cannot flush a folder say EINVAL or ENOTSUP. */
static dp_status file_replace(file_out *f) {
    int folder = file_open(f->folder, O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0) return file_fail(f->path, "open the folder of", errno);
    bool ok = !file_refused("rename", f->target) && rename(f->temp, f->target) == 0;
    int error = errno;
    if (ok) {
        f->made = false;
        ok = file_fsync(folder, f->folder) == 0 || errno == EINVAL || errno == ENOTSUP;
        if (!ok) {
            file_fail(f->path, "flush the folder of", errno);
            dp__hint("the new file is complete, but a power loss may bring the old one back");
        }
    } else {
        file_fail(f->path, "replace", error);
    }
    file_close(folder, f->folder);
    return ok ? DP_OK : DP_EIO;
}

static dp_status file_write_out(file_out *f, const dp_piece *pieces, size_t count, char *buffer) {
    dp_status status = file_resolve(f);
    if (status != DP_OK) return status;
    file_clean(f);
    status = file_make_temp(f);
    if (status == DP_OK) status = file_fill_temp(f, pieces, count, buffer);
    if (status == DP_OK) {
        int fd = f->fd;
        f->fd = -1;
        if (file_close(fd, f->temp) != 0) status = file_fail(f->path, "close", errno);
    }
    if (status == DP_OK) status = file_replace(f);
    file_abandon(f);
    return status;
}

dp_status dp__file_write_pieces(const char *path, const dp_piece *pieces, size_t count) {
    dp_status status = file_check_path(path);
    if (status != DP_OK) return status;
    file_out *f = dp__zalloc(1, sizeof *f);
    char *buffer = f ? dp__alloc(FILE_CHECK) : NULL;
    status = DP_ENOMEM;
    if (buffer) {
        f->path = path;
        f->fd = -1;
        status = file_write_out(f, pieces, count, buffer);
    }
    dp__release(buffer, FILE_CHECK);
    dp__release(f, sizeof *f);
    return status;
}

dp_status dp__file_write(const char *path, const void *data, size_t n) {
    dp_piece piece = {data, n};
    return dp__file_write_pieces(path, &piece, 1);
}

dp_status dp__file_probe(const char *path) {
    dp_status status = file_check_path(path);
    if (status != DP_OK) return status;
    file_out *f = dp__zalloc(1, sizeof *f);
    if (!f) return DP_ENOMEM;
    f->path = path;
    f->fd = -1;
    status = file_resolve(f);
    if (status == DP_OK) status = file_make_temp(f);
    if (status == DP_OK && !file_put(f->fd, f->temp, "", 1))
        status = file_fail(path, "write", errno);
    if (status == DP_OK && file_fsync(f->fd, f->temp) != 0)
        status = file_fail(path, "write to disk", errno);
    file_abandon(f);
    dp__release(f, sizeof *f);
    return status;
}
