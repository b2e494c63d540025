#include "imaging/receive/track.h"

#include <string.h>

#include "net/wire/must.h"

static size_t round8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

size_t track_bytes(uint32_t n_blocks, uint32_t n_slots)
{
    return n_slots * sizeof(struct track_slot) + round8(n_blocks * sizeof(uint16_t)) +
           round8(n_blocks);
}

void track_init(struct track *t, const struct track_window *windows, uint32_t n_windows,
                uint32_t n_slots, void *memory)
{
    const struct track_window *last = windows + n_windows - 1;
    uint8_t *m = memory;

    MUST(n_windows > 0 && n_slots > 0 && n_slots < TRACK_NO_SLOT);
    memset(t, 0, sizeof *t);
    t->windows = windows;
    t->n_windows = n_windows;
    t->n_blocks = last->first_sbn + last->blocks;
    t->lacking = t->n_blocks;
    t->n_slots = n_slots;
    t->share = 256;
    memset(m, 0, track_bytes(t->n_blocks, n_slots));
    t->slots = (struct track_slot *)(void *)m;
    m += n_slots * sizeof(struct track_slot);
    t->slot_of = (uint16_t *)(void *)m;
    m += round8(t->n_blocks * sizeof(uint16_t));
    t->state = m;
    memset(t->slot_of, 0xff, t->n_blocks * sizeof(uint16_t));
}

static void set_state(struct track *t, uint32_t sbn, enum track_state state)
{
    t->lacking -= t->state[sbn] == TRACK_OPEN;
    t->lacking += state == TRACK_OPEN;
    t->done += state == TRACK_DONE;
    t->state[sbn] = state;
}

/* Index of the window that holds the block; the one under way is by far the most likely. */
static uint32_t window_of(const struct track *t, uint32_t sbn)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t lo = 0, hi = t->n_windows;

    if (sbn - w->first_sbn < w->blocks)
        return t->window;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (t->windows[mid].first_sbn <= sbn)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static bool admitted(const struct track *t, uint32_t block)
{
    return t->admit[block / 64] >> (block % 64) & 1;
}

static void admit_block(struct track *t, uint32_t block, bool yes)
{
    uint64_t bit = UINT64_C(1) << (block % 64);

    if (yes)
        t->admit[block / 64] |= bit;
    else
        t->admit[block / 64] &= ~bit;
}

/* Worst loss of any block in the visit that ends, over the source rows it could have heard (which
 * repair rows were sent it cannot know). Parts of a visit scatter too much. */
static void note_loss(struct track *t)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t end = t->high_row < w->k ? t->high_row + 1u : w->k;
    uint32_t rows = t->first_row < end ? end - t->first_row : 0;
    uint32_t least = rows;

    if (rows < w->k - w->k / 16u)
        return;
    for (uint32_t d = 0; d < w->blocks; d++)
        if (t->got[d] < least)
            least = t->got[d];
    t->worst_ppm = (uint32_t)((uint64_t)(rows - least) * 1000000 / rows);
    if (t->worst_ppm == 0)
        t->worst_ppm = 1; /* 0 would say that nothing is known yet */
}

/* Chooses the blocks to take: those begun before first, so that their slots come free. */
static void choose_blocks(struct track *t)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t quota = (w->blocks * t->share + 255) / 256;

    memset(t->admit, 0, sizeof t->admit);
    for (int begun = 1; begun >= 0; begun--)
        for (uint32_t d = 0; d < w->blocks && quota > 0; d++) {
            uint32_t sbn = w->first_sbn + d;

            if (t->state[sbn] == TRACK_OPEN && (t->slot_of[sbn] != TRACK_NO_SLOT) == begun) {
                admit_block(t, d, true);
                quota--;
            }
        }
}

static void start_visit(struct track *t, uint32_t window, uint16_t row)
{
    if (t->started)
        note_loss(t);
    t->started = true;
    t->window = window;
    t->first_row = row;
    t->high_row = row;
    t->close_below = (uint16_t)(row / TRACK_RUN * TRACK_RUN);
    t->visits++;
    memset(t->got, 0, sizeof t->got);
    choose_blocks(t);
}

static void free_slot(struct track *t, uint16_t i)
{
    t->slot_of[t->slots[i].sbn] = TRACK_NO_SLOT;
    t->slots[i].used = false;
}

/* A slot for a block of the window under way, taken from another window if need be. */
static uint16_t take_slot(struct track *t, struct track_act *a, uint32_t sbn, uint8_t lg_t)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t best = t->n_slots, best_have = UINT32_MAX;
    struct track_slot *s;

    for (uint32_t i = 0; i < t->n_slots && best_have > 0; i++) {
        const struct track_slot *c = t->slots + i;
        bool here = c->sbn - w->first_sbn < w->blocks;
        uint32_t have = c->used ? c->have + 1u : 0;

        if (c->used && (here || t->state[c->sbn] != TRACK_OPEN))
            continue;
        if (have < best_have) {
            best = i;
            best_have = have;
        }
    }
    if (best == t->n_slots)
        return TRACK_NO_SLOT;
    s = t->slots + best;
    if (s->used) {
        a->evicted = s->sbn;
        free_slot(t, (uint16_t)best);
        t->evicted++;
    }
    memset(s, 0, sizeof *s);
    s->sbn = sbn;
    s->lg_t = lg_t;
    s->used = true;
    t->slot_of[sbn] = (uint16_t)best;
    return (uint16_t)best;
}

/* The slot for this symbol's block, made or renewed where that is better than what is held. */
static uint16_t slot_for(struct track *t, struct track_act *a, uint32_t sbn, uint16_t k,
                         uint8_t lg_t)
{
    uint16_t i = t->slot_of[sbn];

    if (i != TRACK_NO_SLOT && t->slots[i].lg_t != lg_t && t->slots[i].have < k / 2) {
        /* Sums for another T: this visit's repair symbols would be useless, so little is better
         * dropped. */
        free_slot(t, i);
        i = TRACK_NO_SLOT;
    }
    if (i == TRACK_NO_SLOT) {
        i = take_slot(t, a, sbn, lg_t);
        a->fresh = i != TRACK_NO_SLOT;
    }
    return i;
}

/* Whether the packet is the newest so far: by its number, or because so many in a row were too late
 * that the newest number cannot have been the sender's. */
static bool newest(struct track *t, uint32_t cci)
{
    return !t->started || (int32_t)(cci - t->last_cci) > 0 || t->behind >= TRACK_BEHIND;
}

/* Where the packet stands among the visits: moves on to its visit, or finds it too late (false).
 * Within a visit rows grow with the packet number, so an older packet with a higher row comes from
 * a visit before. The next visit begins with a source row. */
static bool place(struct track *t, struct track_act *a, uint32_t cci, uint32_t window, uint16_t row)
{
    bool newer = newest(t, cci);

    if (!newer && (window != t->window || row < t->close_below || row > t->high_row)) {
        t->behind++;
        return false;
    }
    if (!t->started || window != t->window || row < t->close_below) {
        a->new_visit = true;
        start_visit(t, window, row);
    }
    if (newer) {
        t->last_cci = cci;
        t->behind = 0;
    }
    if (row < t->first_row)
        t->first_row = row;
    if (row > t->high_row) {
        uint32_t run = row / TRACK_RUN;

        t->high_row = row;
        if (run > 0 && (run - 1) * TRACK_RUN > t->close_below)
            t->close_below = (uint16_t)((run - 1) * TRACK_RUN);
    }
    a->row = row;
    a->close_below = t->close_below;
    return true;
}

/* Holds the symbol if it is wanted. */
static void hold(struct track *t, struct track_act *a, uint32_t sbn, uint16_t k, uint16_t esi,
                 uint8_t lg_t)
{
    struct track_slot *s;

    a->verdict = TRACK_SKIP;
    if (!admitted(t, a->block))
        return;
    a->slot = slot_for(t, a, sbn, k, lg_t);
    if (a->slot == TRACK_NO_SLOT) {
        admit_block(t, a->block, false);
        return;
    }
    s = t->slots + a->slot;
    if (esi >= k && lg_t != s->lg_t)
        return;
    a->verdict = TRACK_DUP;
    if (track_bit(s, esi))
        return;
    s->bits[esi / 64] |= UINT64_C(1) << (esi % 64);
    s->have++;
    a->verdict = TRACK_TAKE;
    if (s->have >= k) {
        set_state(t, sbn, TRACK_READY);
        a->ready = true;
    }
}

struct track_act track_symbol(struct track *t, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                              uint8_t lg_t)
{
    struct track_act a = {.verdict = TRACK_BAD, .slot = TRACK_NO_SLOT, .evicted = TRACK_NONE};
    uint32_t window;

    if (sbn >= t->n_blocks || lg_t > 12 || esi >= TRACK_MAX_ESI || esi >= k + (1u << lg_t))
        return a;
    window = window_of(t, sbn);
    if (k != t->windows[window].k)
        return a;
    a.block = (uint16_t)(sbn - t->windows[window].first_sbn);
    a.verdict = TRACK_STALE;
    if (!place(t, &a, cci, window, esi))
        return a;
    t->got[a.block] = (uint16_t)(t->got[a.block] + (esi < k));
    a.verdict = TRACK_HAVE;
    if (t->state[sbn] == TRACK_OPEN)
        hold(t, &a, sbn, k, esi, lg_t);
    return a;
}

void track_new_numbers(struct track *t)
{
    t->behind = TRACK_BEHIND;
}

void track_block_done(struct track *t, uint32_t sbn)
{
    MUST(sbn < t->n_blocks && t->state[sbn] != TRACK_DONE);
    if (t->slot_of[sbn] != TRACK_NO_SLOT)
        free_slot(t, t->slot_of[sbn]);
    set_state(t, sbn, TRACK_DONE);
}

void track_block_forget(struct track *t, uint32_t sbn)
{
    MUST(sbn < t->n_blocks && t->state[sbn] != TRACK_DONE);
    if (t->slot_of[sbn] != TRACK_NO_SLOT)
        free_slot(t, t->slot_of[sbn]);
    set_state(t, sbn, TRACK_OPEN);
}

void track_refuse(struct track *t, uint32_t sbn, uint16_t esi)
{
    struct track_slot *s = t->slots + t->slot_of[sbn];

    MUST(t->slot_of[sbn] != TRACK_NO_SLOT && track_bit(s, esi));
    s->bits[esi / 64] &= ~(UINT64_C(1) << (esi % 64));
    s->have--;
    set_state(t, sbn, TRACK_OPEN);
    admit_block(t, sbn - t->windows[t->window].first_sbn, false);
}

uint32_t track_shed(struct track *t, uint32_t n)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t open, taken, shed = 0;

    track_open_blocks(t, &open, &taken);
    for (uint32_t d = w->blocks; d-- > 0 && shed < n && taken - shed > 1;)
        if (t->state[w->first_sbn + d] == TRACK_OPEN && admitted(t, d)) {
            admit_block(t, d, false);
            shed++;
        }
    return shed;
}

uint32_t track_admit(struct track *t, uint32_t n)
{
    const struct track_window *w = t->windows + t->window;
    uint32_t more = 0;

    for (uint32_t d = 0; d < w->blocks && more < n; d++)
        if (t->state[w->first_sbn + d] == TRACK_OPEN && !admitted(t, d)) {
            admit_block(t, d, true);
            more++;
        }
    return more;
}

void track_open_blocks(const struct track *t, uint32_t *open, uint32_t *taken)
{
    const struct track_window *w = t->windows + t->window;

    *open = *taken = 0;
    for (uint32_t d = 0; t->started && d < w->blocks; d++)
        if (t->state[w->first_sbn + d] == TRACK_OPEN) {
            (*open)++;
            *taken += admitted(t, d);
        }
}

void track_set_share(struct track *t, uint32_t share)
{
    MUST(share >= 1 && share <= 256);
    t->share = share;
    if (t->started)
        choose_blocks(t);
}
