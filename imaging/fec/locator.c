/* The erasure locator L(x) = product of (x - w_e) over the erased points, at all n points at once.
 *
 * Logarithms turn the product into log L(w_i) = sum over e of log(w_i + w_e), and since w_i + w_e =
 * w_(i xor e) that is a convolution over XOR: two Walsh-Hadamard transforms modulo 65535, the order
 * of the multiplicative group. With log 0 taken as 0 an erased point leaves its own factor out,
 * which is the derivative's value there.
 *
 * Numbers modulo 65535 are 16 bits with end-around carry; 0 and 65535 are the same number. */
#include "imaging/fec/code.h"

#include "imaging/fec/field.h"

#include <string.h>

typedef uint16_t lanes __attribute__((vector_size(16)));

enum { LANES = 8 };

static void butterfly(uint16_t *x, uint16_t *y)
{
    uint16_t sum = (uint16_t)(*x + *y), difference = (uint16_t)(*x - *y);

    sum = (uint16_t)(sum + (sum < *x));
    difference = (uint16_t)(difference - (*x < *y));
    *x = sum;
    *y = difference;
}

/* A comparison of lanes is all ones where true: minus one. */
static void butterflies(uint16_t *px, uint16_t *py)
{
    lanes x, y, sum, difference;

    memcpy(&x, px, sizeof x);
    memcpy(&y, py, sizeof y);
    sum = x + y;
    sum -= (lanes)(sum < x);
    difference = x - y;
    difference += (lanes)(x < y);
    memcpy(px, &sum, sizeof sum);
    memcpy(py, &difference, sizeof difference);
}

static void walsh_hadamard(uint16_t *v, unsigned n)
{
    for (unsigned d = 1; d < n; d *= 2)
        for (unsigned g = 0; g < n; g += 2 * d) {
            unsigned j = 0;

            for (; j + LANES <= d; j += LANES)
                butterflies(v + g + j, v + g + d + j);
            for (; j < d; j++)
                butterfly(v + g + j, v + g + d + j);
        }
}

static uint16_t times(uint16_t a, uint16_t b)
{
    uint32_t product = (uint32_t)a * b;

    product = (product & 0xFFFF) + (product >> 16);
    return (uint16_t)((product & 0xFFFF) + (product >> 16));
}

/* The transform is its own inverse up to 1/n, which is 2^(16 - lg n) since 2^16 = 1; it is folded
 * in here. */
void locator_init(struct code *c)
{
    unsigned n = 1U << c->lg_n;

    for (unsigned i = 0; i < n; i++)
        c->log_walsh[i] = gf_log[gf_point(i)];
    walsh_hadamard(c->log_walsh, n);
    for (unsigned i = 0; i < n; i++)
        c->log_walsh[i] = times(c->log_walsh[i], (uint16_t)(1U << (16 - c->lg_n)));
}

void locator_logs(const struct code *c, uint16_t *erased)
{
    unsigned n = 1U << c->lg_n;

    walsh_hadamard(erased, n);
    for (unsigned i = 0; i < n; i++)
        erased[i] = times(erased[i], c->log_walsh[i]);
    walsh_hadamard(erased, n);
}
