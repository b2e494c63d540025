/* Recovery from the accumulator alone.
 *
 * Let e(x) be the polynomial with the missing symbols' values at their points and zero at all
 * others, L(x) the erasure locator, s(x) the polynomial that vanishes on all n points. The
 * accumulator holds the syndrome S: the top T coefficients of e (received and missing parts of a
 * codeword sum to top coefficients of zero). e L vanishes on all points, so e L = q s, and q has a
 * degree below T; differentiated at a missing point, with s' = 1: e L' = q. And q needs S only: it
 * is the upper half of S L, a polynomial of degree below 2T, in the basis of the transform (SPEC.md
 * section 6). So:
 *
 *   1. L at all points, in logarithms (locator.c)
 *   2. S at the points 0 ... 2T - 1, times L, back to coefficients: their upper T are q
 *   3. q at the missing points, divided by L' */
#include "imaging/fec/code.h"

#include "imaging/fec/fec.h"
#include "imaging/fec/kernels.h"
#include "imaging/fec/transform.h"

#include <string.h>

struct loss {
    unsigned lg_t, k;
    const uint64_t *have_source, *have_repair, *want;
};

static bool bit(const uint64_t *bits, unsigned i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static bool erased(const struct loss *l, unsigned point)
{
    unsigned t = 1U << l->lg_t;

    if (point < t)
        return !bit(l->have_repair, point);
    return point - t < l->k && !bit(l->have_source, point - t);
}

/* Marks all erased points for the locator and lists those to be recovered. Returns the number
 * listed, or -1 when there are more than T unknowns. */
static int take_stock(const struct code *c, const struct loss *l, struct workspace *w)
{
    unsigned t = 1U << l->lg_t, unknown = 0, wanted = 0;

    memset(w->locator, 0, sizeof w->locator[0] << c->lg_n);
    for (unsigned p = 0; p < t + l->k; p++) {
        if (!erased(l, p))
            continue;
        if (++unknown > t)
            return -1;
        w->locator[p] = 1;
        if (p >= t && (!l->want || bit(l->want, p - t)))
            w->target[wanted++] = (uint16_t)p;
    }
    return (int)wanted;
}

/* One half of step 2: `rows` becomes the share of q from the T points at `point`. */
static void share_of_q(const struct loss *l, uint8_t *rows, const uint8_t *syndrome, size_t width,
                       unsigned point, const struct workspace *w)
{
    unsigned t = 1U << l->lg_t;
    uint16_t all[1 << CODE_LG_T_MAX];
    alignas(64) uint8_t entry[GF_ENTRY_MAX];

    for (unsigned i = 0; i < t; i++)
        all[i] = (uint16_t)(point + i);
    transform_forward(rows, syndrome, width, l->lg_t, point, all, t);
    for (unsigned i = 0; i < t; i++) {
        if (erased(l, point + i)) {
            memset(rows + i * width, 0, width);
            continue;
        }
        gf_entry(entry, gf_exp[w->locator[point + i]]);
        gf->multiply(rows + i * width, rows + i * width, width, entry);
    }
    transform_inverse(rows, width, l->lg_t, point);
}

/* Step 3: q in w->a; the recovered symbols go into `rows`, one after another. */
static void evaluate(const struct loss *l, uint8_t *rows, size_t width, unsigned count,
                     struct workspace *w)
{
    unsigned t = 1U << l->lg_t;
    alignas(64) uint8_t entry[GF_ENTRY_MAX];

    for (unsigned i = 0, n; i < count; i += n) {
        unsigned coset = w->target[i] & ~(t - 1);

        for (n = 1; i + n < count && w->target[i + n] < coset + t; n++)
            ;
        transform_forward(w->b, w->a, width, l->lg_t, coset, w->target + i, n);
        for (unsigned j = i; j < i + n; j++) {
            gf_entry(entry, gf_exp[GF_ORDER - w->locator[w->target[j]]]);
            gf->multiply(rows + j * width, w->b + (w->target[j] - coset) * width, width, entry);
        }
    }
}

int code_recover(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned k,
                 const uint64_t *have_source, const uint64_t *have_repair, const uint64_t *want,
                 struct workspace *w)
{
    const struct loss l = {lg_t, k, have_source, have_repair, want};
    int count = take_stock(c, &l, w);

    if (count < 0)
        return FEC_E_FEW;
    if (!count)
        return 0;
    locator_logs(c, w->locator);
    CODE_EACH_SLICE(s, c, lg_t)
    {
        uint8_t *rows = slice_of(acc, lg_t, s);

        share_of_q(&l, w->a, rows, s.width, 0, w);
        share_of_q(&l, w->b, rows, s.width, 1U << lg_t, w);
        gf->add(w->a, w->b, s.width << lg_t);
        evaluate(&l, rows, s.width, (unsigned)count, w);
    }
    return count;
}

void code_recovered(const struct code *c, const uint8_t *acc, unsigned lg_t, unsigned nth,
                    uint8_t *out)
{
    CODE_EACH_SLICE(s, c, lg_t)
    slice_to_symbol(s, out, acc + (s.column << lg_t) + nth * s.width);
}
