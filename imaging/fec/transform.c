#include "imaging/fec/transform.h"

#include "imaging/fec/kernels.h"

#include <string.h>

/* Recursion splits in four as long as it can: each block is finished, in all its levels, before the
 * next one is begun, so that small blocks live in the first-level cache whatever the size of the
 * whole. */

static const uint8_t no_symbol[CODE_SYMBOL_MAX];

/* The constants that join the quarters of the 2^lg points from `point`: lg - 2, lg - 1. */
static struct gf_twiddles twiddles(unsigned lg, unsigned point)
{
    unsigned a = point >> (lg - 2);

    return (struct gf_twiddles){gf_twiddle(a), gf_twiddle(a + 2), gf_twiddle(a / 2),
                                .sub = a + 2 < 256};
}

/* Radix 4 on rows that lie one after another. */
static void inverse4(uint8_t *dst, const uint8_t *rows, size_t quarter, unsigned lg, unsigned point,
                     bool onto)
{
    const uint8_t *const src[4] = {rows, rows + quarter, rows + 2 * quarter, rows + 3 * quarter};
    const struct gf_twiddles tw = twiddles(lg, point);

    (onto ? gf->inverse4_onto : gf->inverse4)(dst, src, quarter, &tw);
}

static void inverse2(uint8_t *rows, size_t half, unsigned lg, unsigned point)
{
    unsigned index = point >> (lg - 1);

    gf->inverse2(rows, half, gf_twiddle(index), index < 256);
}

/* Symbols lie anywhere in memory and are read a slice at a time, which no hardware prefetcher
 * foresees: when one slice of a symbol is read, ask for the next. (A tenth to a fifth of all time,
 * on sources larger than the caches.) */
static void prefetch_next(const uint8_t *symbol, struct slice s)
{
    for (size_t i = 0; i < s.next; i += 64)
        __builtin_prefetch(symbol + s.column + s.width + i);
}

/* A symbol that ends in half a unit is unfolded into the rows first; other columns are read where
 * they are. */
static bool load4(uint8_t *rows, size_t width, unsigned point, const struct inputs *in, unsigned at)
{
    const uint8_t *const *sym = in->sym + at;
    const uint8_t *src[4];
    const struct gf_twiddles tw = twiddles(2, point);

    if (!sym[0] && !sym[1] && !sym[2] && !sym[3])
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *symbol = sym[i] ? sym[i] : no_symbol;

        src[i] = symbol + in->slice.column;
        prefetch_next(symbol, in->slice);
        if (in->slice.used < width) {
            slice_from_symbol(in->slice, rows + i * width, symbol);
            src[i] = rows + i * width;
        }
    }
    gf->inverse4(rows, src, width, &tw);
    return true;
}

static bool inverse(uint8_t *rows, size_t width, unsigned lg, unsigned point,
                    const struct inputs *in, unsigned at);

/* The parts of a block, before they are joined; parts without symbols are cleared unless all are
 * so. */
static bool inverse_parts(uint8_t *rows, size_t width, unsigned lg, unsigned point,
                          const struct inputs *in, unsigned at, unsigned lg_part)
{
    unsigned parts = 1U << (lg - lg_part), any = 0;

    for (unsigned i = 0; i < parts; i++) {
        unsigned offset = i << lg_part;

        if (inverse(rows + offset * width, width, lg_part, point + offset, in, at + offset))
            any |= 1U << i;
    }
    for (unsigned i = 0; any && i < parts; i++)
        if (!(any >> i & 1))
            memset(rows + (i << lg_part) * width, 0, width << lg_part);
    return any;
}

static bool inverse(uint8_t *rows, size_t width, unsigned lg, unsigned point,
                    const struct inputs *in, unsigned at)
{
    if (lg == 2 && in)
        return load4(rows, width, point, in, at);
    if (lg % 2) {
        if (!inverse_parts(rows, width, lg, point, in, at, lg - 1))
            return false;
        inverse2(rows, width << (lg - 1), lg, point);
        return true;
    }
    if (lg > 2 && !inverse_parts(rows, width, lg, point, in, at, lg - 2))
        return false;
    inverse4(rows, rows, width << (lg - 2), lg, point, false);
    return true;
}

void transform_inverse(uint8_t *rows, size_t width, unsigned lg, unsigned point)
{
    inverse(rows, width, lg, point, NULL, 0);
}

bool transform_inverse_of(uint8_t *rows, size_t width, unsigned lg, unsigned point,
                          const struct inputs *in)
{
    return inverse(rows, width, lg, point, in, 0);
}

void transform_inverse_onto(uint8_t *onto, uint8_t *rows, size_t width, unsigned lg, unsigned point,
                            const struct inputs *in)
{
    if (lg % 2 || lg == 2) {
        if (inverse(rows, width, lg, point, in, 0))
            gf->add(onto, rows, width << lg);
    } else if (inverse_parts(rows, width, lg, point, in, 0, lg - 2)) {
        inverse4(onto, rows, width << (lg - 2), lg, point, true);
    }
}

/* How many of the leading targets lie below `end`. */
static unsigned leading(const uint16_t *target, unsigned count, unsigned end)
{
    unsigned n = 0;

    while (n < count && target[n] < end)
        n++;
    return n;
}

void transform_forward(uint8_t *dst, const uint8_t *src, size_t width, unsigned lg, unsigned point,
                       const uint16_t *target, unsigned count)
{
    unsigned lg_part = lg % 2 ? lg - 1 : lg - 2;

    if (!count)
        return;
    if (lg % 2) {
        unsigned index = point >> lg_part;

        gf->forward2(dst, src, width << lg_part, gf_twiddle(index), index < 256);
    } else {
        const struct gf_twiddles tw = twiddles(lg, point);

        gf->forward4(dst, src, width << lg_part, &tw);
    }
    for (unsigned i = 0; lg_part && i < 1U << (lg - lg_part); i++) {
        unsigned offset = i << lg_part;
        unsigned here = leading(target, count, point + offset + (1U << lg_part));

        transform_forward(dst + offset * width, dst + offset * width, width, lg_part,
                          point + offset, target, here);
        target += here;
        count -= here;
    }
}
