/* Entries for the Galois field instructions: four 8 x 8 bit matrices as GF2P8AFFINEQB takes them,
 * eight bytes each. With c = a + b beta_8 they multiply a byte by a (own), a + b (sum), b beta_7
 * (cross) and b (other); gf_nibbles.h says how a product is made of the first three. A constant
 * below 256 has a = a + b and nothing else. */
#ifndef IMAGING_FEC_GF_AFFINE_H
#define IMAGING_FEC_GF_AFFINE_H

#include "imaging/fec/kernels.h"

/* Byte 7 - i of a matrix says which input bits bit i of the output sums. */
static inline void gf_pack_matrix(uint8_t *matrix, const gf_element column[8], unsigned shift)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned row = 0;

        for (unsigned b = 0; b < 8; b++)
            row |= (column[b] >> (shift + i) & 1U) << b;
        matrix[7 - i] = (uint8_t)row;
    }
}

static inline void gf_pack_affine(uint8_t *entry, const gf_element column[16])
{
    gf_pack_matrix(entry, column, 0);
    gf_pack_matrix(entry + 8, column + 8, 8);
    gf_pack_matrix(entry + 16, column + 8, 0);
    gf_pack_matrix(entry + 24, column, 8);
}

#endif
