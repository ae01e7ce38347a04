/* consumer.c: the smallest program that uses an installed Denpan. */
#include <denpan.h>
#include <string.h>

int main(void) {
    printf("denpan %s\n", dp_version());
    return strcmp(dp_version(), DENPAN_VERSION) != 0;
}
