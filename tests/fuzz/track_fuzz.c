/* The receiver's bookkeeping under any sequence of symbols: eight bytes a step, most of them nearly
 * legal. What it must never do is checked after each: hold what it did not take, count wrongly,
 * give one slot to two blocks. */
#include <stdlib.h>

#include "imaging/receive/track.h"
#include "net/wire/must.h"

#define SLOTS 5
#define STEP 8

static const struct track_window windows[] = {{0, 3, 40}, {3, 2, 300}, {5, 4, 1}};

static void recount(const struct track *t)
{
    uint32_t done = 0, lacking = 0;

    for (uint32_t i = 0; i < t->n_slots; i++) {
        const struct track_slot *s = t->slots + i;
        uint32_t have = 0;

        if (!s->used)
            continue;
        for (uint32_t w = 0; w < TRACK_MAX_ESI / 64; w++)
            have += (uint32_t)__builtin_popcountll(s->bits[w]);
        MUST(have == s->have);
        MUST(t->slot_of[s->sbn] == i && t->state[s->sbn] != TRACK_DONE);
    }
    for (uint32_t sbn = 0; sbn < t->n_blocks; sbn++) {
        done += t->state[sbn] == TRACK_DONE;
        lacking += t->state[sbn] == TRACK_OPEN;
        MUST(t->slot_of[sbn] == TRACK_NO_SLOT || t->slots[t->slot_of[sbn]].sbn == sbn);
    }
    MUST(done == t->done && lacking == t->lacking);
    MUST(!t->started || t->close_below <= t->high_row);
}

static void symbol(struct track *t, const uint8_t *d)
{
    uint32_t sbn = d[1] % 10,
             cci = t->last_cci + (uint32_t)(int8_t)d[2] * (d[0] & 1 ? 1u : 1u << 24);
    uint16_t k = sbn < 3 ? 40 : sbn < 5 ? 300 : 1, esi = (uint16_t)(d[3] << 8 | d[4]);
    uint8_t lg_t = d[0] & 2 ? 8 : d[5] % 14;
    struct track_act a;
    bool held;

    if (d[0] & 4)
        esi %= (uint16_t)(k + 256u);
    held = sbn < 9 && t->slot_of[sbn] != TRACK_NO_SLOT && esi < TRACK_MAX_ESI &&
           track_bit(t->slots + t->slot_of[sbn], esi);
    a = track_symbol(t, cci, sbn, d[0] & 8 ? k : (uint16_t)(k + d[6] % 3), esi, lg_t);
    if (a.verdict == TRACK_TAKE) {
        const struct track_slot *s = t->slots + a.slot;

        MUST(!held || a.fresh);
        MUST(s->used && s->sbn == sbn && track_bit(s, esi));
        MUST(a.block < 4 && a.row >= a.close_below && (a.ready == (s->have >= k)));
        MUST(!a.fresh || s->have == 1);
        if (d[7] % 16 == 1)
            track_refuse(t, sbn, esi);
    }
    MUST(a.verdict != TRACK_DUP || held);
    MUST(a.evicted == TRACK_NONE || t->slot_of[a.evicted] == TRACK_NO_SLOT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    void *memory = aligned_alloc(64, (track_bytes(9, SLOTS) + 63) & ~(size_t)63);
    struct track t;

    MUST(memory);
    track_init(&t, windows, 3, SLOTS, memory);
    for (; n >= STEP; data += STEP, n -= STEP) {
        uint32_t sbn = data[1] % 9;

        if (data[0] >= 240 && t.state[sbn] != TRACK_DONE)
            track_block_done(&t, sbn);
        else if (data[0] >= 224 && t.state[sbn] != TRACK_DONE)
            track_block_forget(&t, sbn);
        else if (data[0] >= 216)
            track_set_share(&t, 1u + data[1]);
        else
            symbol(&t, data);
        recount(&t);
    }
    free(memory);
    return 0;
}
