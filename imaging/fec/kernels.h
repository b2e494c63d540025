/* The work on symbols: what runs once per byte, in one version for each instruction set.
 *
 * Kernels see memory as *units* of 64 bytes: the low bytes of 32 elements, then their high bytes.
 * All lengths are multiples of 64; pointers need no alignment. Destinations may be their own
 * sources, exactly (not shifted).
 *
 * A constant reaches a kernel as an *entry*: the 16 x 16 bit matrix of "multiply by c" in whatever
 * form the instruction set likes. Every form is linear in c, so the entry of c is the XOR of the
 * entries of its bits. Constants below 256 act on both bytes alike; `sub` tells a kernel that all
 * of its constants are such. */
#ifndef IMAGING_FEC_KERNELS_H
#define IMAGING_FEC_KERNELS_H

#include <stdbool.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/fec/field.h"

enum { GF_UNIT = 64, GF_ENTRY_MAX = 128 };

/* The constants of a radix-4 butterfly: two levels of the transform at once. `a` joins rows 0 and
 * 1, `b` rows 2 and 3, `c` rows 0 and 2 as well as 1 and 3. */
struct gf_twiddles {
    const uint8_t *a, *b, *c;
    bool sub;
};

struct gf_kernels {
    const char *name;
    bool (*usable)(void); /* does this CPU have it? */
    size_t entry;         /* bytes of an entry, a multiple of 8, at most GF_ENTRY_MAX */

    /* The entry of the constant whose product with tower bit b is column[b]. */
    void (*pack)(uint8_t *entry, const gf_element column[16]);

    /* Radix-4 inverse butterfly of four arrays of `quarter` bytes, from src[0 ... 3] to dst, dst +
     * quarter, ... */
    void (*inverse4)(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                     const struct gf_twiddles *tw);
    /* The same, XORed onto dst. */
    void (*inverse4_onto)(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                          const struct gf_twiddles *tw);
    /* Radix-4 forward butterfly; src as dst: four arrays in a row. */
    void (*forward4)(uint8_t *dst, const uint8_t *src, size_t quarter,
                     const struct gf_twiddles *tw);
    /* One level: dst and dst + half from src and src + half. */
    void (*inverse2)(uint8_t *rows, size_t half, const uint8_t *entry, bool sub);
    void (*forward2)(uint8_t *dst, const uint8_t *src, size_t half, const uint8_t *entry, bool sub);

    /* dst ^= src; dst = c src; dst ^= c src; of n bytes */
    void (*add)(uint8_t *dst, const uint8_t *src, size_t n);
    void (*multiply)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry);
    void (*multiply_add)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry,
                         bool sub);
};

extern const struct gf_kernels gf_portable, gf_ssse3, gf_avx2, gf_gfni, gf_avx512;

/* Those in use, after gf_select. */
extern const struct gf_kernels *gf;

/* Chooses the kernels (NULL: the fastest usable) and builds their entries; gf_init must have run.
 * False: no such kernels on this CPU. */
bool gf_select(const char *name);

/* The entry of omega_index; index even, below 2^14. */
const uint8_t *gf_twiddle(unsigned index);

/* Writes the entry of any constant. */
void gf_entry(uint8_t *entry, gf_element c);

#endif
