#include "imaging/fec/code.h"

#include "imaging/fec/kernels.h"
#include "imaging/fec/transform.h"
#include "net/wire/must.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Long enough to pay for loading a butterfly's constants, short enough for the slice of T = 256
 * rows and its working copy to stay in a small second-level cache; less where T is large. */
static size_t slice_width(unsigned lg_t)
{
    return least(384, (size_t)CODE_SLICE_MAX >> lg_t);
}

static size_t row_bytes(const struct code *c)
{
    return (c->symbol + 63) / 64 * 64;
}

struct slice code_slice(const struct code *c, unsigned lg_t, size_t column)
{
    size_t most = slice_width(lg_t), width = least(most, row_bytes(c) - column);
    size_t left = c->symbol - least(column, c->symbol), used = least(width, left);

    return (struct slice){.column = column,
                          .width = width,
                          .used = used,
                          .next = least(most, left - used)};
}

void slice_from_symbol(struct slice s, uint8_t *row, const uint8_t *symbol)
{
    size_t whole = s.used & ~(size_t)63;

    memcpy(row, symbol + s.column, whole);
    if (whole == s.used)
        return;
    memset(row + whole, 0, GF_UNIT);
    memcpy(row + whole, symbol + s.column + whole, GF_UNIT / 4);
    memcpy(row + whole + GF_UNIT / 2, symbol + s.column + whole + GF_UNIT / 4, GF_UNIT / 4);
}

void slice_to_symbol(struct slice s, uint8_t *symbol, const uint8_t *row)
{
    size_t whole = s.used & ~(size_t)63;

    memcpy(symbol + s.column, row, whole);
    if (whole == s.used)
        return;
    memcpy(symbol + s.column + whole, row + whole, GF_UNIT / 4);
    memcpy(symbol + s.column + whole + GF_UNIT / 4, row + whole + GF_UNIT / 2, GF_UNIT / 4);
}

void code_init(struct code *c, unsigned lg_n, unsigned symbol)
{
    MUST(lg_n > CODE_LG_T_MIN && lg_n <= CODE_LG_N_MAX);
    MUST(symbol && symbol % 32 == 0 && symbol <= CODE_SYMBOL_MAX);
    c->lg_n = lg_n;
    c->symbol = symbol;
    locator_init(c);
}

size_t code_acc_bytes(const struct code *c, unsigned lg_t)
{
    return row_bytes(c) << lg_t;
}

/* Where 2^lg points of a coset of 2^lg_t have symbols and the others have none, the transform's
 * remaining levels only multiply: block r of the result is factor[r] times the small transform.
 * Here for block `home` of the coset at `coset`: the inverse transform, level by level, of the
 * vector that is 1 there and 0 elsewhere. */
static void spread_factors(gf_element *factor, unsigned lg_t, unsigned lg, unsigned coset,
                           unsigned home)
{
    unsigned blocks = 1U << (lg_t - lg);

    memset(factor, 0, blocks * sizeof *factor);
    factor[home] = 1;
    for (unsigned d = 1, level = lg; d < blocks; d *= 2, level++)
        for (unsigned g = 0; g < blocks; g += 2 * d) {
            gf_element twiddle = gf_point((coset + (g << lg)) >> level);

            for (unsigned j = g; j < g + d; j++) {
                factor[j + d] ^= factor[j];
                factor[j] ^= gf_mul(twiddle, factor[j + d]);
            }
        }
}

/* The symbols w->sym at the 2^lg points from `block`, into a coset of which they are a part. */
static void absorb_part(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned block,
                        unsigned lg, struct workspace *w)
{
    unsigned coset = block >> lg_t << lg_t, blocks = 1U << (lg_t - lg);
    gf_element factor[1 << (CODE_LG_T_MAX - CODE_LG_T_MIN)];

    spread_factors(factor, lg_t, lg, coset, (block - coset) >> lg);
    for (unsigned r = 0; r < blocks; r++)
        gf_entry(w->b + r * GF_ENTRY_MAX, factor[r]);
    CODE_EACH_SLICE(s, c, lg_t)
    {
        const struct inputs in = {w->sym, s};
        uint8_t *row = slice_of(acc, lg_t, s);

        if (!transform_inverse_of(w->a, s.width, lg, block, &in))
            return;
        for (unsigned r = 0; r < blocks; r++, row += s.width << lg) {
            if (factor[r] == 1)
                gf->add(row, w->a, s.width << lg);
            else
                gf->multiply_add(row, w->a, s.width << lg, w->b + r * GF_ENTRY_MAX,
                                 factor[r] < 256);
        }
    }
}

static void absorb_coset(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned coset,
                         struct workspace *w)
{
    CODE_EACH_SLICE(s, c, lg_t)
    {
        const struct inputs in = {w->sym, s};

        transform_inverse_onto(slice_of(acc, lg_t, s), w->a, s.width, lg_t, coset, &in);
    }
}

/* The least aligned power of two of points, at least 4, that holds first ... last. */
static unsigned lg_around(unsigned first, unsigned last)
{
    unsigned lg = 2;

    while (first >> lg != last >> lg)
        lg++;
    return lg;
}

void code_absorb(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                 const uint8_t *const sym[], struct workspace *w)
{
    while (count) {
        unsigned left = (1U << lg_t) - (first & ((1U << lg_t) - 1)); /* in this coset */
        unsigned n = count < left ? count : left;
        unsigned lg = lg_around(first, first + n - 1), block = first >> lg << lg;

        memset(w->sym, 0, sizeof w->sym[0] << lg);
        memcpy(w->sym + (first - block), sym, n * sizeof sym[0]);
        if (lg == lg_t)
            absorb_coset(c, acc, lg_t, block, w);
        else
            absorb_part(c, acc, lg_t, block, lg, w);
        first += n;
        sym += n;
        count -= n;
    }
}

/* The parity of a block: its coefficients, evaluated on coset 0. */
void code_repair(const struct code *c, const uint8_t *acc, unsigned lg_t, unsigned first,
                 unsigned count, uint8_t *const out[], struct workspace *w)
{
    for (unsigned i = 0; i < count; i++)
        w->target[i] = (uint16_t)(first + i);
    CODE_EACH_SLICE(s, c, lg_t)
    {
        transform_forward(w->a, acc + (s.column << lg_t), s.width, lg_t, 0, w->target, count);
        for (unsigned i = 0; i < count; i++)
            slice_to_symbol(s, out[i], w->a + (first + i) * s.width);
    }
}
