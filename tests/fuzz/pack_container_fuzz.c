/* The first and last bytes of a file. */
#include <stdlib.h>
#include <string.h>

#include "imaging/pack/container.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t m = n < CONTAINER_TAIL ? n : CONTAINER_TAIL;
    uint8_t *tail = malloc(m + 1);
    struct err err = {0};
    const struct container *is;

    if (m)
        memcpy(tail, data + (n - m), m);
    is = container_find(data, n < CONTAINER_HEAD ? n : CONTAINER_HEAD, tail, m);
    if (is)
        MUST(container_refuse(is, "a disk", -1, &err) == -1 && strstr(err.text, is->what));
    free(tail);
    return 0;
}
