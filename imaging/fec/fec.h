/* The erasure code of the ring: from any k of a block's k source and T repair symbols, all of it.
 *
 * It is a systematic Reed-Solomon code over GF(2^16) (SPEC.md), so "any k" is meant exactly.
 * Everything is done on an *accumulator*: T rows that hold the sum of a linear map over all symbols
 * given so far, in whatever order they came.
 *
 * Sender: fec_clear, fec_absorb_source of all k symbols, fec_repair for any of the T repair
 * symbols.
 *
 * Receiver: fec_clear, fec_absorb_source and fec_absorb_repair of what arrives as it arrives; when
 * k distinct symbols are in, fec_recover, then fec_recovered for each missing source symbol. It
 * keeps T rows a block (2 % of it at T = 256) and never looks at a received symbol twice.
 *
 * ABSORB EACH SYMBOL ONCE: a symbol absorbed twice cancels itself, and the block decodes to
 * rubbish. The caller's bitmap of what has arrived is the judge. Nothing here can detect a wrong
 * symbol either: check before absorbing.
 *
 * Memory is the caller's: accumulators (fec_acc_bytes, 64-byte aligned, the same to the bit on
 * every CPU) and one struct fec_scratch a thread. Nothing allocates or reads a clock. After
 * fec_init all functions may run on any number of threads; one accumulator belongs to one thread at
 * a time.
 *
 * Arguments are the caller's own, not foreign bytes: ranges outside a block are bugs and end in
 * MUST. */
#ifndef IMAGING_FEC_FEC_H
#define IMAGING_FEC_FEC_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FEC_SYMBOL = 1440, /* bytes of a symbol */
    FEC_K_MAX = 12288, /* source symbols of a block: 1 ... FEC_K_MAX */
    FEC_LG_T_MIN = 8,  /* T = 1 << lg_t repair symbols exist; T is also the accumulator's rows */
    FEC_LG_T_MAX = 12,
    FEC_LG_T_DEFAULT = 8,
    FEC_RUN = 128,  /* the run of source symbols a receiver should collect before absorbing */
    FEC_ROW = 1472, /* bytes of an accumulator row: a symbol, padded */
};

#define FEC_ERRORS(X)                                                                              \
    X(FEC_E_ISA, -200, "this CPU lacks the instruction set asked for, or its name is unknown")     \
    X(FEC_E_FEW, -201, "fewer than k symbols of the block have been absorbed")

#define FEC_ERROR_ENUM(name, code, text) name = (code),
enum { FEC_ERRORS(FEC_ERROR_ENUM) };
#undef FEC_ERROR_ENUM

/* Working memory of one call; contents mean nothing between calls. */
struct fec_scratch {
    alignas(64) uint8_t bytes[552 * 1024];
};

/* NULL: builds the tables (a few ms) for the best instruction set this CPU has, the first time;
 * later calls change nothing and may come from any thread while others work. Call it before any
 * other function here. One of "avx512", "gfni", "avx2", "ssse3", "portable" builds them anew for
 * that set: for tests, while no other thread works; results stay the same to the bit. Returns 0 or
 * FEC_E_ISA. */
int fec_init(const char *isa);

/* The instruction set in use. */
const char *fec_isa(void);

/* Bytes of an accumulator: (1 << lg_t) * FEC_ROW. */
size_t fec_acc_bytes(unsigned lg_t);

/* An empty accumulator: all zeros, so memory fresh from the kernel needs no clearing. */
void fec_clear(uint8_t *acc, unsigned lg_t);

/* Absorbs source symbols first ... first + count - 1; sym[i] is symbol first + i, any alignment,
 * borrowed for the call. NULL: absent. first + count <= FEC_K_MAX. Every call touches all T rows,
 * so collect runs: cheapest are whole multiples of T from a multiple of T (the sender); aligned
 * runs of T / 2 cost a fifth more a symbol (the receiver, FEC_RUN at T = 256), of T / 4 a half
 * more; a single symbol costs as much as fifty in a run. */
void fec_absorb_source(uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                       const uint8_t *const sym[], struct fec_scratch *scratch);

/* Likewise repair symbols first ... first + count - 1; first + count <= T. */
void fec_absorb_repair(uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                       const uint8_t *const sym[], struct fec_scratch *scratch);

/* Repair symbols first ... first + count - 1 of the source symbols in acc, into out[0],
 * out[1], ... acc stays as it is, so further ones can be made later; but one call for many costs
 * far less than many calls. first + count <= T. */
void fec_repair(const uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                uint8_t *const out[], struct fec_scratch *scratch);

/* Recovers the missing source symbols of a block of k. have_source (k bits) and have_repair (T
 * bits) say what has been absorbed: symbol i is bit i % 64 of word i / 64; bits beyond k are
 * ignored. Of the missing, only those with their bit set in `want` (k bits) are recovered; NULL
 * means all. acc is consumed: it now holds the recovered symbols, ascending. Returns how many, or
 * FEC_E_FEW, leaving acc untouched. */
int fec_recover(uint8_t *acc, unsigned lg_t, unsigned k, const uint64_t *have_source,
                const uint64_t *have_repair, const uint64_t *want, struct fec_scratch *scratch);

/* Copies the nth recovered symbol (from 0, ascending) out of acc after fec_recover. */
void fec_recovered(const uint8_t *acc, unsigned lg_t, unsigned nth, uint8_t out[FEC_SYMBOL]);

#endif
