#include "imaging/fec/field.h"

#define POLYNOMIAL 0x1002DU /* x^16 + x^5 + x^3 + x^2 + 1, primitive */

uint16_t gf_log[65536];
gf_element gf_exp[65536];

/* Cantor's basis in the polynomial representation: beta_0 = 1, beta_{i+1}^2 + beta_{i+1} = beta_i;
 * of the two roots the one with bit 0 clear. */
static const gf_element cantor[16] = {
    0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
    0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E,
};

static gf_element tower_basis[16];  /* polynomial representation of tower bit b */
static gf_element tower_of_bit[16]; /* tower representation of polynomial bit b */
static gf_element point_of_bit[16]; /* tower representation of beta_b */

static gf_element times_x(gf_element a)
{
    return (gf_element)(a << 1 ^ (a >> 15) * POLYNOMIAL);
}

static gf_element polynomial_mul(gf_element a, gf_element b)
{
    gf_element sum = 0;

    for (; b; b >>= 1, a = times_x(a))
        if (b & 1)
            sum ^= a;
    return sum;
}

/* The linear map that sends bit b to image[b]. */
static gf_element apply(const gf_element image[16], unsigned bits)
{
    gf_element sum = 0;

    for (unsigned b = 0; bits >> b; b++)
        if (bits >> b & 1)
            sum ^= image[b];
    return sum;
}

/* Gauss-Jordan on the columns of `map`; it is invertible because it maps a basis to a basis. */
static void invert(const gf_element map[16], gf_element inverse[16])
{
    gf_element left[16];

    for (unsigned b = 0; b < 16; b++) {
        left[b] = map[b];
        inverse[b] = (gf_element)(1U << b);
    }
    for (unsigned b = 0; b < 16; b++) {
        unsigned pivot = b;

        while (!(left[pivot] >> b & 1))
            pivot++;
        gf_element l = left[pivot], r = inverse[pivot];
        left[pivot] = left[b], inverse[pivot] = inverse[b];
        left[b] = l, inverse[b] = r;
        for (unsigned i = 0; i < 16; i++)
            if (i != b && left[i] >> b & 1)
                left[i] ^= l, inverse[i] ^= r;
    }
}

void gf_init(void)
{
    gf_element power = 1;

    for (unsigned b = 0; b < 8; b++) {
        tower_basis[b] = cantor[b];
        tower_basis[b + 8] = polynomial_mul(cantor[b], cantor[8]);
    }
    invert(tower_basis, tower_of_bit);
    for (unsigned b = 0; b < 16; b++)
        point_of_bit[b] = gf_from_polynomial(cantor[b]);
    for (unsigned e = 0; e < GF_ORDER; e++, power = times_x(power)) {
        gf_exp[e] = gf_from_polynomial(power);
        gf_log[gf_exp[e]] = (uint16_t)e;
    }
    gf_exp[GF_ORDER] = gf_exp[0];
    gf_log[0] = 0;
}

gf_element gf_mul(gf_element a, gf_element b)
{
    if (!a || !b)
        return 0;
    return gf_exp[((unsigned)gf_log[a] + gf_log[b]) % GF_ORDER];
}

gf_element gf_inverse(gf_element a)
{
    return gf_exp[GF_ORDER - gf_log[a]];
}

gf_element gf_point(unsigned index)
{
    return apply(point_of_bit, index);
}

gf_element gf_to_polynomial(gf_element tower)
{
    return apply(tower_basis, tower);
}

gf_element gf_from_polynomial(gf_element polynomial)
{
    return apply(tower_of_bit, polynomial);
}
