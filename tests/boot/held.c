#include "tests/boot/held.h"

#include <stdlib.h>
#include <string.h>

#include "net/wire/must.h"

static bool before(const struct held_frame *a, const struct held_frame *b)
{
    int64_t d = mono_sub(a->due, b->due);

    return d < 0 || (d == 0 && a->order < b->order);
}

static void swap(struct held_frame *a, struct held_frame *b)
{
    struct held_frame t = *a;

    *a = *b;
    *b = t;
}

bool held_put(struct held *h, struct mono due, uint32_t ports, const uint8_t *framed, size_t n)
{
    size_t i;

    if (!h->heap) {
        h->heap = calloc(HELD_FRAMES, sizeof *h->heap);
        MUST(h->heap);
    }
    if (h->count == HELD_FRAMES || n > HELD_BYTES - h->bytes) {
        h->dropped++;
        return false;
    }
    i = h->count++;
    h->bytes += n;
    h->heap[i] = (struct held_frame){
        .due = due, .order = h->order++, .ports = ports, .n = n, .framed = malloc(n)};
    MUST(h->heap[i].framed);
    memcpy(h->heap[i].framed, framed, n);
    for (; i && before(&h->heap[i], &h->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&h->heap[i], &h->heap[(i - 1) / 2]);
    return true;
}

const struct held_frame *held_first(const struct held *h)
{
    return h->count ? &h->heap[0] : NULL;
}

bool held_take(struct held *h, struct mono now, struct held_frame *out)
{
    size_t i = 0, least;

    if (!h->count || mono_sub(h->heap[0].due, now) > 0)
        return false;
    *out = h->heap[0];
    h->bytes -= out->n;
    h->heap[0] = h->heap[--h->count];
    for (;; i = least) {
        least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < h->count; child++)
            if (before(&h->heap[child], &h->heap[least]))
                least = child;
        if (least == i)
            return true;
        swap(&h->heap[i], &h->heap[least]);
    }
}
