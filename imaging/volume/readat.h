/* Bytes of a disk by offset, wherever they come from: a file, a device, a test's memory. */
#ifndef IMAGING_VOLUME_READAT_H
#define IMAGING_VOLUME_READAT_H

#include <stddef.h>
#include <stdint.h>

struct readat {
    void *ctx;
    uint64_t base; /* added to every offset: where the partition begins that is being looked at */
    /* All n bytes at `at` into buf: 0; anything else: they cannot be had. */
    int (*read)(void *ctx, uint64_t at, void *buf, size_t n);
};

static inline int readat(const struct readat *r, uint64_t at, void *buf, size_t n)
{
    return at > UINT64_MAX - r->base ? -1 : r->read(r->ctx, r->base + at, buf, n);
}

#endif
