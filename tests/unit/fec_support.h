/* What the tests of the erasure code share: random bytes and bits, and single elements of a
 * symbol. */
#ifndef TESTS_UNIT_FEC_SUPPORT_H
#define TESTS_UNIT_FEC_SUPPORT_H

#include "net/wire/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A new seed each run, or FEC_SEED; said at the start, so that a failure can be had again. */
static inline struct rng seeded(const char *program)
{
    const char *given = getenv("FEC_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    printf("again: FEC_SEED=%llu %s\n", (unsigned long long)seed, program);
    fflush(stdout);
    return (struct rng){seed};
}

static inline void fill_random(struct rng *r, void *to, size_t n)
{
    uint8_t *p = to;
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++, v >>= 8) {
        if (i % 8 == 0)
            v = rng_u64(r);
        p[i] = (uint8_t)v;
    }
}

static inline bool bit_get(const uint64_t *bits, unsigned i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static inline void bit_clear(uint64_t *bits, unsigned i)
{
    bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* Sets the first `set` of n bits (a multiple of 64), clears the others. */
static inline void bits_first(uint64_t *bits, unsigned n, unsigned set)
{
    for (unsigned i = 0; i < n / 64; i++)
        bits[i] = set >= 64 * (i + 1) ? ~UINT64_C(0)
                  : set <= 64 * i     ? 0
                                      : (UINT64_C(1) << set % 64) - 1;
}

/* Where element e of a symbol of n bytes has its low byte, and how far on its high byte is. */
static inline size_t element_at(size_t n, unsigned e, size_t *apart)
{
    size_t unit = e / 32 * 64;

    *apart = n - unit < 64 ? 16 : 32;
    return unit + e % 32;
}

static inline uint16_t element_get(const uint8_t *symbol, size_t n, unsigned e)
{
    size_t apart, at = element_at(n, e, &apart);

    return (uint16_t)(symbol[at] | symbol[at + apart] << 8);
}

static inline void element_set(uint8_t *symbol, size_t n, unsigned e, uint16_t v)
{
    size_t apart, at = element_at(n, e, &apart);

    symbol[at] = (uint8_t)v;
    symbol[at + apart] = (uint8_t)(v >> 8);
}

#endif
