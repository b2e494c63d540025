/* A disk in memory for the fuzz targets of imaging/image, and numbers in its bytes. */
#ifndef TESTS_FUZZ_IMAGE_SUPPORT_H
#define TESTS_FUZZ_IMAGE_SUPPORT_H

#include <string.h>

#include "net/wire/reader.h"

struct memory {
    uint8_t *bytes;
    size_t n;
};

static inline int read_memory(void *ctx, uint64_t at, void *buf, size_t n)
{
    const struct memory *m = ctx;

    if (at > m->n || n > m->n - at)
        return -1;
    memcpy(buf, m->bytes + at, n);
    return 0;
}

static inline uint64_t le(const uint8_t *p, size_t n)
{
    struct reader r = reader_on(p, n);

    return rd_le(&r, n);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

#endif
