/* cpu.c: what the machine offers: instruction sets, processors, clock, floating-point state. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fenv.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <sched.h>
#endif
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "file.h"

/* ---- instruction sets ---- */

static const char *const cpu_isa_names[DP_N_ISA] = {"portable", "avx2", "avx512", "neon"};

const char *dp__isa_name(dp_isa isa) { return isa < DP_N_ISA ? cpu_isa_names[isa] : "unknown"; }

/* The compiler's test covers the processor and that the system saves the registers (XCR0). */
bool dp__isa_usable(dp_isa isa) {
    if (isa == DP_ISA_PORTABLE) return true;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == DP_ISA_AVX2) return avx2;
    if (isa == DP_ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    if (isa == DP_ISA_NEON) return true;
#endif
    return false;
}

static dp_isa cpu_best_isa(void) {
    for (int isa = DP_N_ISA - 1; isa > 0; isa--)
        if (dp__isa_usable((dp_isa)isa)) return (dp_isa)isa;
    return DP_ISA_PORTABLE;
}

static dp_isa cpu_choose_isa(void) {
    dp_isa best = cpu_best_isa();
    const char *wish = getenv("DENPAN_ISA");
    if (!wish || !*wish) return best;
    for (int isa = 0; isa < DP_N_ISA; isa++) {
        if (strcmp(wish, cpu_isa_names[isa]) != 0) continue;
        if (dp__isa_usable((dp_isa)isa)) return (dp_isa)isa;
        dp__log(DP_LOG_WARNING, "DENPAN_ISA=%s: this machine does not have it; using %s", wish,
                cpu_isa_names[best]);
        return best;
    }
    dp__log(DP_LOG_WARNING, "DENPAN_ISA=%s: unknown; portable, avx2, avx512 or neon; using %s",
            dp__quote(wish, strlen(wish)), cpu_isa_names[best]);
    return best;
}

/* 0: not chosen yet, else 1 + the instruction set. The first thread to store it decides. */
dp_isa dp__isa(void) {
    static _Atomic int cpu_isa;
    int isa = atomic_load_explicit(&cpu_isa, memory_order_relaxed);
    if (isa == 0) {
        int chosen = 1 + (int)cpu_choose_isa();
        if (atomic_compare_exchange_strong(&cpu_isa, &isa, chosen)) isa = chosen;
    }
    return (dp_isa)(isa - 1);
}

const char *dp_isa_name(void) { return dp__isa_name(dp__isa()); }

/* ---- processors ---- */

#if defined(__linux__)
static int cpu_affinity(void) {
    unsigned long mask[8192 / (8 * sizeof(unsigned long))] = {0};
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)(void *)mask) != 0) return 0;
    int n = 0;
    for (size_t i = 0; i < sizeof mask / sizeof *mask; i++) n += __builtin_popcountl(mask[i]);
    return n;
}

/* ceil(quota / period), 0 if there is no limit. */
static int cpu_quota(const char *quota, const char *period) {
    int64_t q, p;
    if (!dp__parse_int(quota, strlen(quota), &q) || !dp__parse_int(period, strlen(period), &p))
        return 0;
    if (q <= 0 || p <= 0 || q / p > 1 << 20) return 0;
    return (int)((q + p - 1) / p);
}

static int cpu_tighter(int a, int b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* The limit of one group folder: "cpu.max" (version 2) or the pair of files of version 1. */
static int cpu_group_limit(const char *folder, bool v2) {
    char path[1200], quota[64], period[64];
    if (v2) {
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        if (!dp__file_line(path, quota, sizeof quota)) return 0;
        char *space = strchr(quota, ' ');
        return space ? cpu_quota(quota, space + 1) : 0;
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!dp__file_line(path, quota, sizeof quota)) return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return dp__file_line(path, period, sizeof period) ? cpu_quota(quota, period) : 0;
}

/* The tightest limit from the process's own group up to the root. A container sees its group as
 * the root, or under a path that does not exist inside: both are covered by walking up. */
static int cpu_group_walk(const char *root, const char *group, bool v2) {
    char folder[1100];
    int limit = 0, n = snprintf(folder, sizeof folder, "%s%s", root, group);
    if (n < 0 || (size_t)n >= sizeof folder) return 0;
    for (size_t base = strlen(root);;) {
        limit = cpu_tighter(limit, cpu_group_limit(folder, v2));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < base) return limit;
        *slash = 0;
    }
}

/* Is `word` one of the comma-separated names in list[0..n)? */
static bool cpu_has_word(const char *list, size_t n, const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && list[end] != ',') end++;
        if (end - i == len && memcmp(list + i, word, len) == 0) return true;
        i = end + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup: "id:controllers:/group"; version 2 has no controllers. */
static int cpu_group_line(char *line) {
    char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
    if (!second) return 0;
    const char *group = strcmp(second + 1, "/") == 0 ? "" : second + 1;
    if (second == first + 1)
        return cpu_tighter(cpu_group_walk("/sys/fs/cgroup", group, true),
                           cpu_group_walk("/sys/fs/cgroup/unified", group, true));
    if (!cpu_has_word(first + 1, (size_t)(second - first - 1), "cpu")) return 0;
    return cpu_tighter(cpu_group_walk("/sys/fs/cgroup/cpu", group, false),
                       cpu_group_walk("/sys/fs/cgroup/cpu,cpuacct", group, false));
}

static int cpu_container_limit(void) {
    char groups[4096];
    if (!dp__file_small("/proc/self/cgroup", groups, sizeof groups)) return 0;
    int limit = 0;
    for (char *line = groups; *line;) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        *end = 0;
        limit = cpu_tighter(limit, cpu_group_line(line));
        line = next;
    }
    return limit;
}
#else
static int cpu_affinity(void) { return 0; }
static int cpu_container_limit(void) { return 0; }
#endif

int dp__cpu_count(void) {
    int n = cpu_affinity();
#ifdef _SC_NPROCESSORS_ONLN
    if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
    int limit = cpu_container_limit();
    if (limit > 0 && limit < n) n = limit;
    return n < 1 ? 1 : n;
}

/* ---- clock ---- */

double dp__now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- floating-point environment: round to nearest, gradual underflow, exceptions masked. Not
 * inlined, so no arithmetic of the caller moves across. ---- */

__attribute__((noinline)) void dp__fenv_enter(dp_fenv *e) {
#if defined(__x86_64__)
    uint16_t x87, default_x87 = 0x37F; /* the C library's printf looks at its rounding mode */
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    e->saved[0] = _mm_getcsr();
    e->saved[1] = x87;
    _mm_setcsr(0x1F80);
    if (x87 != default_x87) __asm__ volatile("fldcw %0" : : "m"(default_x87));
#elif defined(__aarch64__)
    uint64_t fpcr, fpsr;
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(fpcr), "=r"(fpsr));
    e->saved[0] = fpcr;
    e->saved[1] = fpsr;
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
#else
    _Static_assert(sizeof(fenv_t) <= sizeof e->saved, "dp_fenv holds a fenv_t");
    fenv_t now;
    fegetenv(&now);
    memcpy(e->saved, &now, sizeof now);
    fesetenv(FE_DFL_ENV);
#endif
}

__attribute__((noinline)) void dp__fenv_leave(const dp_fenv *e) {
#if defined(__x86_64__)
    uint16_t x87 = (uint16_t)e->saved[1], now;
    __asm__ volatile("fnstcw %0" : "=m"(now));
    _mm_setcsr((unsigned)e->saved[0]);
    if (now != x87) __asm__ volatile("fldcw %0" : : "m"(x87));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1"
                     :
                     : "r"(e->saved[0]), "r"(e->saved[1])
                     : "memory");
#else
    fenv_t was;
    memcpy(&was, e->saved, sizeof was);
    fesetenv(&was);
#endif
}
