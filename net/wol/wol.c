#include "net/wol/wol.h"

#include <string.h>

static bool is_queued(const struct wol *w, const uint8_t mac[6])
{
    for (unsigned i = 0; i < w->n; i++)
        if (memcmp(w->mac[i], mac, 6) == 0)
            return true;
    return false;
}

/* From the first machine on, for all that are in the queue. */
static void begin(struct wol *w, struct mono now)
{
    w->at = w->round = 0;
    w->due = w->began = now;
}

int wol_add(struct wol *w, const uint8_t mac[6], struct mono now)
{
    if ((mac[0] & 1) || memcmp(mac, (uint8_t[6]){0}, 6) == 0)
        return WOL_EMAC;
    if (!is_queued(w, mac)) {
        if (w->n == WOL_MAX)
            return WOL_EFULL;
        memcpy(w->mac[w->n++], mac, 6);
        if (w->round == 0 && w->n > 1)
            return 0; /* this round comes to it */
    }
    begin(w, now);
    return 0;
}

/* The round is through: the next one, or the end. */
static void turn(struct wol *w)
{
    struct mono again = mono_add(w->began, WOL_AGAIN_NS);

    w->at = 0;
    if (++w->round == WOL_TIMES)
        w->n = w->round = 0;
    w->due = mono_sub(again, w->due) > 0 ? again : w->due;
    w->began = w->due;
}

bool wol_next(struct wol *w, struct mono now, uint8_t mac[6])
{
    if (w->at == w->n || mono_sub(now, w->due) < 0)
        return false;
    memcpy(mac, w->mac[w->at++], 6);
    w->due = mono_add(now, WOL_GAP_NS);
    if (w->at == w->n)
        turn(w);
    return true;
}

void wol_frame(const uint8_t mac[6], const uint8_t from[6], uint8_t frame[WOL_FRAME_BYTES])
{
    memset(frame, 0xff, 6);
    memcpy(frame + 6, from, 6);
    memcpy(frame + 12, "\x08\x42", 2);
    memset(frame + 14, 0xff, 6);
    for (unsigned i = 0; i < 16; i++)
        memcpy(frame + 20 + 6 * i, mac, 6);
}
