/* testdata.h: where real data lies, for tests that need it; without it they skip and say so. */
#ifndef DENPAN_TESTDATA_H
#define DENPAN_TESTDATA_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The path of a file or folder of the real data ("mnist"), or NULL after a note. Four live at once.
 */
static inline const char *test_data(const char *name) {
    static char paths[4][4096];
    static int turn;
    char *path = paths[turn++ % 4];
    const char *root = getenv("DENPAN_TEST_DATA"), *source = getenv("DENPAN_SOURCE");
    if (root && *root)
        snprintf(path, sizeof paths[0], "%s/%s", root, name);
    else
        snprintf(path, sizeof paths[0], "%s/../shared/data/%s", source ? source : ".", name);
    if (access(path, R_OK) == 0) return path;
    printf("no real data at %s (set DENPAN_TEST_DATA): skipped\n", path);
    return NULL;
}

/* Under a sanitizer a test does a smaller share of its loops: small if so, else full. */
static inline long test_amount(long full, long small) {
    return getenv("DENPAN_TEST_SMALL") ? small : full;
}

#endif
