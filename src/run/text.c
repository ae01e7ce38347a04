/* text.c: giving back the texts that the library hands out. */
#include <string.h>
#include "run.h"

void dp_text_free(char *text) {
    if (text) dp__release(text, strlen(text) + 1);
}
