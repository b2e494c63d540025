#include "imaging/image/fill.h"

#include "net/wire/must.h"

_Static_assert((uint64_t)IMG_MAX_K *IMG_SYMBOL_BYTES < UINT32_MAX / IMG_MAX_D,
               "a key fits 32 bits");

void fill_start(struct fill *f, unsigned d)
{
    MUST(d >= 1 && d <= IMG_MAX_D);
    f->d = d;
    f->most = 0;
    for (unsigned i = 0; i < d; i++)
        f->heap[i] = i;
}

uint32_t fill_least(const struct fill *f)
{
    return f->heap[0] / IMG_MAX_D;
}

unsigned fill_put(struct fill *f, uint32_t bytes, uint32_t *start)
{
    uint32_t key = f->heap[0];
    unsigned block = key % IMG_MAX_D, at = 0, child;

    *start = key / IMG_MAX_D;
    MUST(bytes < UINT32_MAX / IMG_MAX_D - *start);
    if (*start + bytes > f->most)
        f->most = *start + bytes;
    key += bytes * IMG_MAX_D;
    while ((child = 2 * at + 1) < f->d) {
        if (child + 1 < f->d && f->heap[child + 1] < f->heap[child])
            child++;
        if (f->heap[child] > key)
            break;
        f->heap[at] = f->heap[child];
        at = child;
    }
    f->heap[at] = key;
    return block;
}

uint32_t fill_symbols(const struct fill *f)
{
    return (f->most + IMG_SYMBOL_BYTES - 1) / IMG_SYMBOL_BYTES;
}
