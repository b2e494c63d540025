/* Entries for byte shuffles: eight tables of 16 bytes, indexed by a nibble of the input.
 *
 *   0, 1: low byte -> low byte, by the input's low and high nibble     2, 3: low -> high
 *   4, 5: high byte -> low byte                                        6, 7: high -> high
 *
 * A constant below 256 needs tables 0 and 1 alone. */
#ifndef IMAGING_FEC_GF_NIBBLES_H
#define IMAGING_FEC_GF_NIBBLES_H

#include "imaging/fec/kernels.h"

static inline void gf_pack_nibbles(uint8_t *entry, const gf_element column[16])
{
    for (unsigned table = 0; table < 8; table++) {
        const gf_element *of = column + table / 4 * 8 + table % 2 * 4;
        unsigned shift = table / 2 % 2 * 8;

        for (unsigned v = 0; v < 16; v++) {
            unsigned product = 0;

            for (unsigned b = 0; b < 4; b++)
                product ^= v >> b & 1 ? of[b] : 0U;
            entry[table * 16 + v] = (uint8_t)(product >> shift);
        }
    }
}

#endif
