#include "board/core/loss.h"

static uint32_t ppm(uint64_t part, uint64_t whole)
{
    return whole ? (uint32_t)(part * 1000000 / whole) : 0;
}

void loss_init(struct loss *l)
{
    *l = (struct loss){.marks = 1};
}

static void note_window(struct loss *l, uint64_t seen, uint64_t lost, uint64_t window)
{
    const struct loss_mark *last = &l->mark[(l->marks - 1) % LOSS_MARKS];
    const struct loss_mark *first = &l->mark[l->marks < LOSS_MARKS ? 0 : l->marks % LOSS_MARKS];

    if (seen < last->seen || lost < first->lost) /* a late packet is no longer a lost one */
        return;
    if (seen - first->seen + lost - first->lost >= LOSS_LEAST)
        l->window_ppm = ppm(lost - first->lost, seen - first->seen + lost - first->lost);
    if (window && seen - last->seen >= window / LOSS_MARKS)
        l->mark[l->marks++ % LOSS_MARKS] = (struct loss_mark){seen, lost};
}

/* Blocks are interleaved, so what the ring dropped in a visit was about the same part of each. */
static void note_worst(struct loss *l, const struct loss_counts *c)
{
    uint64_t dropped = c->dropped > l->visit.dropped ? c->dropped - l->visit.dropped : 0;
    uint32_t own = ppm(dropped, c->seen - l->visit.seen + dropped);

    if (c->worst_ppm == l->visit.worst_ppm)
        return;
    /* 0 would say that nothing is known */
    l->worst_ppm = c->worst_ppm > own ? c->worst_ppm - own : 1;
    l->visit = *c;
}

void loss_note(struct loss *l, const struct loss_counts *c, uint64_t window)
{
    note_window(l, c->seen, c->missed > c->dropped ? c->missed - c->dropped : 0, window);
    note_worst(l, c);
}
