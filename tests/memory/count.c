/* count.c: a library for LD_PRELOAD that counts a program's requests for memory. When the program
 * ends it writes `requests N` and `peak_kib N` (largest resident size) to the file that
 * DENPAN_COUNT names. For glibc, whose allocator has second names for its functions. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __GLIBC__
#error "not glibc"
#endif

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_ullong requests;

static void count(void) { atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed); }

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    count();
    return __libc_realloc(p, size);
}

void *memalign(size_t align, size_t size) {
    count();
    return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) {
    count();
    return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size) {
    count();
    void *p = __libc_memalign(align, size);
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}

void *mmap(void *p, size_t size, int protection, int flags, int file, off_t at) {
    count();
    return (void *)syscall(SYS_mmap, p, size, protection, flags, file, at);
}

static unsigned long long peak_kib(void) {
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY);
    ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "VmHWM:");
    return line ? strtoull(line + 6, NULL, 10) : 0;
}

__attribute__((destructor)) static void report(void) {
    unsigned long long n = atomic_load(&requests);
    const char *name = getenv("DENPAN_COUNT");
    char line[80];
    int length = snprintf(line, sizeof line, "requests %llu\npeak_kib %llu\n", n, peak_kib());
    int file = name ? open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0) return;
    if (write(file, line, (size_t)length) != length) unlink(name);
    close(file);
}
