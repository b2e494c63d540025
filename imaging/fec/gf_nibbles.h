/* Entries for byte shuffles: six tables of 16 bytes, indexed by a nibble of the input; two tables
 * are a linear map on bytes. With c = a + b beta_8 and v = lo + hi beta_8, and as beta_8^2 = beta_8
 * + beta_7, the product is after Karatsuba
 *
 *   low byte:   a lo + (b beta_7) hi
 *   high byte:  a lo + (a + b) (lo + hi)
 *
 * from three maps: own, times a; cross, times b beta_7; sum, times a + b. A constant below 256
 * needs `own` alone. */
#ifndef IMAGING_FEC_GF_NIBBLES_H
#define IMAGING_FEC_GF_NIBBLES_H

#include "imaging/fec/kernels.h"

enum { GF_OWN = 0, GF_CROSS = 2, GF_SUM = 4, GF_TABLES = 6 };

/* The two tables of the map that sends bit b to image[b] >> shift. */
static inline void gf_pack_tables(uint8_t *table, const gf_element image[8], unsigned shift)
{
    for (unsigned v = 0; v < 32; v++) {
        const gf_element *of = image + v / 16 * 4;
        unsigned sum = 0;

        for (unsigned b = 0; b < 4; b++)
            sum ^= v >> b & 1 ? of[b] : 0U;
        table[v] = (uint8_t)(sum >> shift);
    }
}

static inline void gf_pack_nibbles(uint8_t *entry, const gf_element column[16])
{
    gf_pack_tables(entry + 16 * GF_OWN, column, 0);
    gf_pack_tables(entry + 16 * GF_CROSS, column + 8, 0);
    gf_pack_tables(entry + 16 * GF_SUM, column + 8, 8);
}

#endif
