/* The code with its sizes as parameters: n points, T repair symbols, symbols of any multiple of 32
 * bytes. fec.h is this at one size; the tests run it at many, small enough to be checked against
 * arithmetic done another way.
 *
 * Points and cosets: the n = 2^lg_n points are numbered 0 ... n - 1. Repair symbol p is the value
 * at point p, source symbol i at point T + i. T consecutive points from a multiple of T are a
 * coset; coset 0 is the repair symbols.
 *
 * An accumulator is cut into slices: some columns of all T rows, so that a slice and its working
 * copy stay in the nearest caches through all levels of a transform. In memory, slice follows
 * slice, and in a slice row follows row. */
#ifndef IMAGING_FEC_CODE_H
#define IMAGING_FEC_CODE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CODE_LG_N_MAX = 14,
    CODE_LG_T_MIN = 2,
    CODE_LG_T_MAX = 12,
    CODE_SYMBOL_MAX = 1440,
    CODE_SLICE_MAX = 1 << 18, /* bytes of a slice at most */
};

struct code {
    unsigned lg_n;                          /* T <= n / 2 */
    unsigned symbol;                        /* bytes; a multiple of 32, at most CODE_SYMBOL_MAX */
    uint16_t log_walsh[1 << CODE_LG_N_MAX]; /* locator.c */
};

/* What one call may use up, in the shape the code gives to struct fec_scratch. */
struct __attribute__((may_alias)) workspace {
    alignas(64) uint8_t a[CODE_SLICE_MAX];
    alignas(64) uint8_t b[CODE_SLICE_MAX];
    union {
        const uint8_t *sym[1 << CODE_LG_T_MAX];
        struct {
            uint16_t locator[1 << CODE_LG_N_MAX];
            uint16_t target[1 << CODE_LG_T_MAX];
        };
    };
};

/* Some columns of an accumulator. */
struct slice {
    size_t column; /* first byte in a padded row */
    size_t width;  /* bytes of a row; 0: past the last slice */
    size_t used;   /* of them, bytes that a symbol has: width, or 32 less where the symbol ends in
                      half a unit */
    size_t next;   /* bytes of a symbol in the slice after this one */
};

struct slice code_slice(const struct code *c, unsigned lg_t, size_t column);

#define CODE_EACH_SLICE(s, c, lg_t)                                                                \
    for (struct slice s = code_slice(c, lg_t, 0); s.width;                                         \
         s = code_slice(c, lg_t, s.column + s.width))

static inline uint8_t *slice_of(uint8_t *acc, unsigned lg_t, struct slice s)
{
    return acc + (s.column << lg_t);
}

/* Between a symbol's columns and a row of a slice. */
void slice_from_symbol(struct slice s, uint8_t *row, const uint8_t *symbol);
void slice_to_symbol(struct slice s, uint8_t *symbol, const uint8_t *row);

/* gf_init and gf_select must have run. */
void code_init(struct code *c, unsigned lg_n, unsigned symbol);

size_t code_acc_bytes(const struct code *c, unsigned lg_t);

/* Absorbs the symbols at points first ... first + count - 1; NULL: absent. */
void code_absorb(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                 const uint8_t *const sym[], struct workspace *w);

/* See fec_repair, fec_recover, fec_recovered. */
void code_repair(const struct code *c, const uint8_t *acc, unsigned lg_t, unsigned first,
                 unsigned count, uint8_t *const out[], struct workspace *w);
int code_recover(const struct code *c, uint8_t *acc, unsigned lg_t, unsigned k,
                 const uint64_t *have_source, const uint64_t *have_repair, const uint64_t *want,
                 struct workspace *w);
void code_recovered(const struct code *c, const uint8_t *acc, unsigned lg_t, unsigned nth,
                    uint8_t *out);

/* locator.c: fills c->log_walsh; and turns erased[i] = 1 (point i erased) or 0, of n points, into
 * the logarithm of the erasure locator at point i, of its derivative where i is erased. */
void locator_init(struct code *c);
void locator_logs(const struct code *c, uint16_t *erased);

#endif
