/* size.c: checked arithmetic on numbers from outside. Every result is at most PTRDIFF_MAX. */
#include "base.h"

#define SIZE_LIMIT ((size_t)PTRDIFF_MAX)

bool dp__mul(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_LIMIT / b) return false;
    *out = a * b;
    return true;
}

bool dp__sum(size_t a, size_t b, size_t *out) {
    if (a > SIZE_LIMIT || b > SIZE_LIMIT - a) return false;
    *out = a + b;
    return true;
}

/* The product of the dimensions other than 0 must fit too: strides are computed from it. */
int64_t dp__shape_count(int rank, const int64_t *dim, int *bad_dim) {
    int64_t product = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || (dim[i] > 0 && product > INT64_MAX / dim[i])) {
            if (bad_dim) *bad_dim = i;
            return -1;
        }
        if (dim[i] == 0)
            empty = true;
        else
            product *= dim[i];
    }
    return empty ? 0 : product;
}
