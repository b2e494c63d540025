#include "imaging/receive/body.h"

#include <stdlib.h>
#include <string.h>

#include "imaging/receive/plan.h"
#include "net/wire/must.h"

#define T (1u << FEC_LG_T_DEFAULT)

int body_init(struct body_object *b, uint64_t bytes, struct err *err)
{
    uint64_t symbols = (bytes + IMG_SYMBOL_BYTES - 1) / IMG_SYMBOL_BYTES;

    memset(b, 0, sizeof *b);
    b->bytes = bytes;
    b->blocks = (uint32_t)((symbols + FEC_K_MAX - 1) / FEC_K_MAX);
    b->windows = calloc(b->blocks, sizeof *b->windows);
    b->track_memory = aligned_alloc(64, (track_bytes(b->blocks, b->blocks) + 63) & ~(size_t)63);
    b->symbols = calloc(symbols, IMG_SYMBOL_BYTES);
    b->repair = malloc((size_t)b->blocks * T * IMG_SYMBOL_BYTES);
    b->scratch = aligned_alloc(64, sizeof *b->scratch);
    if (!b->windows || !b->track_memory || !b->symbols || !b->repair || !b->scratch) {
        body_free(b);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for an image body of %llu bytes",
                       (unsigned long long)bytes);
    }
    for (uint32_t i = 0; i < b->blocks; i++) {
        uint64_t left = symbols - (uint64_t)i * FEC_K_MAX;

        b->windows[i] =
            (struct track_window){i, 1, (uint16_t)(left < FEC_K_MAX ? left : FEC_K_MAX)};
    }
    body_reset(b);
    return 0;
}

void body_reset(struct body_object *b)
{
    track_init(&b->track, b->windows, b->blocks, b->blocks, b->track_memory);
}

void body_free(struct body_object *b)
{
    free(b->windows);
    free(b->track_memory);
    free(b->symbols);
    free(b->repair);
    free(b->scratch);
    memset(b, 0, sizeof *b);
}

static uint8_t *source_at(const struct body_object *b, uint32_t sbn, uint32_t i)
{
    return b->symbols + ((size_t)sbn * FEC_K_MAX + i) * IMG_SYMBOL_BYTES;
}

static uint8_t *repair_at(const struct body_object *b, uint32_t sbn, uint32_t i)
{
    return b->repair + ((size_t)sbn * T + i) * IMG_SYMBOL_BYTES;
}

/* Absorbs all that is held of a block, recovers what is missing into its place. */
static void decode(struct body_object *b, uint32_t sbn, uint16_t k, const struct track_slot *slot,
                   uint8_t *sums)
{
    const uint8_t *symbols[T];
    uint64_t repair[T / 64] = {0};
    uint32_t nth = 0;
    int rc;

    fec_clear(sums, FEC_LG_T_DEFAULT);
    for (uint32_t at = 0, n; at < k; at += n) {
        n = k - at < T ? k - at : T;
        for (uint32_t i = 0; i < n; i++)
            symbols[i] = track_bit(slot, at + i) ? source_at(b, sbn, at + i) : NULL;
        fec_absorb_source(sums, FEC_LG_T_DEFAULT, at, n, symbols, b->scratch);
    }
    for (uint32_t i = 0; i < T; i++) {
        symbols[i] = track_bit(slot, k + i) ? repair_at(b, sbn, i) : NULL;
        if (symbols[i])
            repair[i / 64] |= UINT64_C(1) << (i % 64);
    }
    fec_absorb_repair(sums, FEC_LG_T_DEFAULT, 0, T, symbols, b->scratch);
    rc = fec_recover(sums, FEC_LG_T_DEFAULT, k, slot->bits, repair, NULL, b->scratch);
    MUST(rc >= 0);
    for (uint32_t i = 0; i < k; i++)
        if (!track_bit(slot, i))
            fec_recovered(sums, FEC_LG_T_DEFAULT, nth++, source_at(b, sbn, i));
}

bool body_symbol(struct body_object *b, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                 uint8_t lg_t, const uint8_t *symbol)
{
    struct track_act a;
    uint8_t *sums;

    if (lg_t != FEC_LG_T_DEFAULT)
        return false;
    a = track_symbol(&b->track, cci, sbn, k, esi, lg_t);
    if (a.verdict != TRACK_TAKE)
        return false;
    memcpy(esi < k ? source_at(b, sbn, esi) : repair_at(b, sbn, esi - k), symbol, IMG_SYMBOL_BYTES);
    if (!a.ready)
        return true;
    sums = aligned_alloc(64, fec_acc_bytes(FEC_LG_T_DEFAULT));
    if (!sums) {
        track_block_forget(&b->track, sbn); /* another round may find memory */
        return true;
    }
    decode(b, sbn, k, b->track.slots + a.slot, sums);
    free(sums);
    track_block_done(&b->track, sbn);
    return true;
}
