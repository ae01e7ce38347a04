/* file.c: reading and writing whole files (laws 5 and 6). Every call goes through the hooks, is
 * repeated after EINTR, and its short results are continued. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
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
        {ENOENT, "No such file or directory"}, {EACCES, "Permission denied"},
        {EPERM, "Operation not permitted"},    {EISDIR, "Is a directory"},
        {ENOTDIR, "Not a directory"},          {ENOSPC, "No space left on device"},
        {EDQUOT, "Disk quota exceeded"},       {EIO, "Input/output error"},
        {EMFILE, "Too many open files"},       {ENFILE, "Too many open files in system"},
        {EROFS, "Read-only file system"},      {ELOOP, "Too many levels of symbolic links"},
        {ENAMETOOLONG, "File name too long"},  {EXDEV, "Invalid cross-device link"},
        {EFBIG, "File too large"},             {EBUSY, "Device or resource busy"},
        {ENOMEM, "Cannot allocate memory"},    {EINVAL, "Invalid argument"},
        {EEXIST, "File exists"},               {ENXIO, "No such device or address"},
        {ENODEV, "No such device"},            {ESTALE, "Stale file handle"},
        {EAGAIN, "Resource temporarily unavailable"}, {EBADF, "Bad file descriptor"},
        {ENOTEMPTY, "Directory not empty"},    {EOVERFLOW, "Value too large for defined data type"},
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
    case EDQUOT: return dp__hint("free some space there, or write to another disk");
    case EFBIG: return dp__hint("the file system or the limit `ulimit -f` allows no larger file");
    case EXDEV:
        return dp__hint("the folder lies on several devices (an overlay or a bind mount): files "
                        "cannot be replaced atomically there; write to another folder");
    case EMFILE: return dp__hint("raise the limit `ulimit -n`");
    default: return DP_EIO;
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
    return S_ISREG(st.st_mode) ? DP_FILE_REGULAR : S_ISDIR(st.st_mode) ? DP_FILE_FOLDER
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
        return file_changed(path, b->n, extra && now.st_size == st->st_size
                                            ? (long long)got + 1 : (long long)now.st_size);
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
    if (status == DP_OK) *out = b;
    else dp__bytes_free(&b);
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
