#include "imaging/fec/kernels.h"

#include <stdalign.h>
#include <string.h>

enum { TWIDDLES = 1 << 13 }; /* even indices below 2^14 */

const struct gf_kernels *gf = &gf_portable;

/* Fastest first. */
static const struct gf_kernels *const kernels[] = {
#if defined(__x86_64__)
    &gf_avx512,   &gf_gfni, &gf_avx2, &gf_ssse3,
#endif
    &gf_portable,
};

static alignas(64) uint8_t twiddles[TWIDDLES * GF_ENTRY_MAX];
static alignas(64) uint8_t nibbles[4][16][GF_ENTRY_MAX]; /* entries of v << 4 i */

static const struct gf_kernels *find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if ((!name || !strcmp(name, kernels[i]->name)) && kernels[i]->usable())
            return kernels[i];
    return NULL;
}

static void entry_add(uint8_t *entry, const uint8_t *other)
{
    for (size_t i = 0; i < gf->entry; i++)
        entry[i] ^= other[i];
}

/* The entry of each single bit by the kernels' own packing, the others as sums. */
static void build_nibbles(void)
{
    memset(nibbles, 0, sizeof nibbles);
    for (unsigned bit = 0; bit < 16; bit++) {
        gf_element column[16];
        unsigned v = 1U << bit % 4;

        for (unsigned b = 0; b < 16; b++)
            column[b] = gf_mul((gf_element)(1U << bit), (gf_element)(1U << b));
        gf->pack(nibbles[bit / 4][v], column);
        for (unsigned below = 1; below < v; below++) {
            memcpy(nibbles[bit / 4][v + below], nibbles[bit / 4][v], gf->entry);
            entry_add(nibbles[bit / 4][v + below], nibbles[bit / 4][below]);
        }
    }
}

void gf_entry(uint8_t *entry, gf_element c)
{
    const uint8_t *n0 = nibbles[0][c & 15], *n1 = nibbles[1][c >> 4 & 15];
    const uint8_t *n2 = nibbles[2][c >> 8 & 15], *n3 = nibbles[3][c >> 12];

    for (size_t i = 0; i < gf->entry; i += 8) {
        uint64_t w0, w1, w2, w3;

        memcpy(&w0, n0 + i, 8);
        memcpy(&w1, n1 + i, 8);
        memcpy(&w2, n2 + i, 8);
        memcpy(&w3, n3 + i, 8);
        w0 ^= w1 ^ w2 ^ w3;
        memcpy(entry + i, &w0, 8);
    }
}

bool gf_select(const char *name)
{
    const struct gf_kernels *found = find(name);

    if (!found)
        return false;
    gf = found;
    build_nibbles();
    for (unsigned i = 0; i < TWIDDLES; i++)
        gf_entry(twiddles + i * gf->entry, gf_point(2 * i));
    return true;
}

const uint8_t *gf_twiddle(unsigned index)
{
    return twiddles + (index >> 1) * gf->entry;
}
