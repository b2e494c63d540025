/* A disk's bytes: the input is its beginning, then its end; between them it reads as zeros, and a
 * part of it cannot be read. */
#include <string.h>

#include "imaging/disk/probe.h"
#include "net/wire/must.h"

#define BYTES (UINT64_C(3) << 20)

struct memory {
    const uint8_t *bytes;
    size_t n;
    uint64_t bad; /* a sector that gives nothing */
};

static int read_memory(void *ctx, uint64_t at, void *buf, size_t n)
{
    const struct memory *m = ctx;
    uint64_t half = m->n / 2;

    if (at > BYTES || n > BYTES - at || (at <= m->bad && m->bad < at + n))
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint64_t b = at + i;

        ((uint8_t *)buf)[i] = b < half            ? m->bytes[b]
                              : b >= BYTES - half ? m->bytes[half + (b - (BYTES - half))]
                                                  : 0;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct parts parts;
    struct memory m = {data, n, UINT64_MAX};
    struct readat at = {.ctx = &m, .read = read_memory};
    struct disk_facts f = {.bytes = BYTES, .sector = 512};

    if (n > 1000000)
        return 0;
    probe_disk(&f, &at, &parts);
    MUST(memchr(f.note, 0, sizeof f.note) != NULL);
    MUST(!f.note[0] || f.bars & DISK_BIT(f.noted));
    MUST(f.bars < DISK_BIT(DISK_BAR_UNPICKED));
    m.bad = 0;
    probe_disk(&f, &at, &parts);
    MUST(f.bars & DISK_BIT(DISK_BAR_UNREADABLE));
    return 0;
}
