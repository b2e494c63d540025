#include "rootfs/init/anew.h"

#include <stdbool.h>
#include <string.h>

#include "net/wire/reader.h"

static const uint8_t magic[8] = {'R', 'C', 'D', 'A', 'T', 'A', '1', '\n'};
static const uint8_t zeros[ANEW_BLOCK];

/* The next block of the list; false at its end, and when it is damaged. */
static bool list_next(struct reader *r, uint64_t *at, const uint8_t **block)
{
    if (rd_done(r))
        return false;
    *at = rd_le(r, 8);
    *block = rd_bytes(r, ANEW_BLOCK);
    return !r->bad;
}

/* The list behind its head; *bytes: of the file system. */
static bool list_open(struct reader *r, const uint8_t *list, size_t n, uint64_t *bytes)
{
    const uint8_t *head;
    uint64_t blocks;

    *r = reader_on(list, n);
    head = rd_bytes(r, sizeof magic);
    *bytes = rd_le(r, 8);
    blocks = rd_le(r, 8);
    return !r->bad && memcmp(head, magic, sizeof magic) == 0 && *bytes > 0 &&
           *bytes % ANEW_BLOCK == 0 && blocks <= ANEW_FILE_MAX / ANEW_BLOCK &&
           r->left == blocks * (8 + ANEW_BLOCK);
}

/* Whole blocks inside of the file system in a growing order, the first of them block 0. */
static bool list_is_right(const uint8_t *list, size_t n, uint64_t *bytes)
{
    struct reader r;
    const uint8_t *block;
    uint64_t at, least = 0;
    bool right = list_open(&r, list, n, bytes), first = true;

    for (; right && list_next(&r, &at, &block); first = false) {
        right = at >= least && at < *bytes && at % ANEW_BLOCK == 0 && (!first || at == 0);
        least = at + ANEW_BLOCK;
    }
    return right && !first && rd_done(&r);
}

int anew_write(const struct anew_disk *d, const uint8_t *list, size_t n)
{
    struct reader r;
    const uint8_t *block, *super;
    uint64_t bytes, at, next;

    if (!list_is_right(list, n, &bytes))
        return ANEW_ELIST;
    if (bytes > d->bytes)
        return ANEW_EROOM;
    if (d->write(d->ctx, 0, zeros) || d->sync(d->ctx))
        return ANEW_EWRITE;
    (void)list_open(&r, list, n, &bytes);
    (void)list_next(&r, &at, &super);
    for (next = ANEW_BLOCK; list_next(&r, &at, &block); next = at + ANEW_BLOCK) {
        for (; next < at; next += ANEW_BLOCK)
            if (d->write(d->ctx, next, zeros))
                return ANEW_EWRITE;
        if (d->write(d->ctx, at, block))
            return ANEW_EWRITE;
    }
    for (; next < bytes; next += ANEW_BLOCK)
        if (d->write(d->ctx, next, zeros))
            return ANEW_EWRITE;
    return d->sync(d->ctx) || d->write(d->ctx, 0, super) || d->sync(d->ctx) ? ANEW_EWRITE
                                                                            : ANEW_DONE;
}
