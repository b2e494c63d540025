/* The additive Fourier transform of Lin, Chung and Han, on 2^lg rows of `width` bytes lying one
 * after another; each column of elements is transformed by itself. `point`, a multiple of 2^lg, is
 * the index of the first row's point.
 *
 * Inverse: values at the points point ... point + 2^lg - 1 -> coefficients. Forward: back. SPEC.md
 * section 4. */
#ifndef IMAGING_FEC_TRANSFORM_H
#define IMAGING_FEC_TRANSFORM_H

#include "imaging/fec/code.h"

/* The symbols that go into an inverse transform: 2^lg pointers, NULL where there is none
 * (zeros). */
struct inputs {
    const uint8_t *const *sym;
    struct slice slice; /* the columns to take */
};

/* In place. lg >= 2. */
void transform_inverse(uint8_t *rows, size_t width, unsigned lg, unsigned point);

/* Of the symbols `in`, the result in `rows`. Whole stretches without a symbol cost nothing. False:
 * there was none at all, and `rows` is not written. */
bool transform_inverse_of(uint8_t *rows, size_t width, unsigned lg, unsigned point,
                          const struct inputs *in);

/* Likewise, and the result is XORed onto `onto`; `rows` is working memory. */
void transform_inverse_onto(uint8_t *onto, uint8_t *rows, size_t width, unsigned lg, unsigned point,
                            const struct inputs *in);

/* Forward from src to dst (may be the same), exact only at the `count` points in `target`
 * (ascending); the other rows of dst are left with intermediate values. */
void transform_forward(uint8_t *dst, const uint8_t *src, size_t width, unsigned lg, unsigned point,
                       const uint16_t *target, unsigned count);

#endif
