/* GF(2^16) as the code uses it: the arithmetic of single elements (SPEC.md section 2).
 *
 * An element is 16 bits in the tower representation: low byte + high byte * beta_8, both bytes
 * GF(256) in Cantor's basis. Why not the polynomial basis: a product with a constant below 256 then
 * acts on the two bytes alike, which halves the work of most of the transform's levels.
 *
 * Only tables and set-up use these functions; symbols are multiplied by the kernels (kernels.h). */
#ifndef IMAGING_FEC_FIELD_H
#define IMAGING_FEC_FIELD_H

#include <stdint.h>

typedef uint16_t gf_element;

enum { GF_ORDER = 65535 }; /* of the multiplicative group: exponents count modulo this */

/* Discrete logarithm to the base x (0 for the element 0) and its inverse; gf_exp[GF_ORDER] =
 * gf_exp[0]. */
extern uint16_t gf_log[65536];
extern gf_element gf_exp[65536];

/* Fills the two tables. */
void gf_init(void);

gf_element gf_mul(gf_element a, gf_element b);
gf_element gf_inverse(gf_element a); /* a != 0 */

/* The element omega_i, that is, the evaluation point (and the twiddle factor) of index i. */
gf_element gf_point(unsigned index);

/* Polynomial representation of a tower element and back: the SPEC's vectors are stated in it. */
gf_element gf_to_polynomial(gf_element tower);
gf_element gf_from_polynomial(gf_element polynomial);

#endif
