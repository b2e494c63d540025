/* Wake-on-LAN: whom to wake, and when the next frame is due. Pure: time is an argument, memory the
 * caller's.
 *
 *   macs ──> wol_add ──> queue ──> wol_next (one every 20 ms) ──> wol_frame ──> bind.h
 *
 * A magic packet is six bytes of ones and sixteen times the MAC, anywhere in a frame (AMD, Magic
 * Packet Technology, 20213). It goes out as a broadcast of EtherType 0x0842, because a machine that
 * sleeps has no IP address and a card looks at the bytes alone. Each machine is called three times,
 * a second or more apart: nobody acknowledges. One frame in 20 ms: power supplies of a whole room
 * switched on in one instant trip its fuse. */
#ifndef NET_WOL_WOL_H
#define NET_WOL_WOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/mono.h"
#include "net/wol/errors.h"

#define WOL_MAX 2048 /* machines at once */
#define WOL_FRAME_BYTES 116
#define WOL_GAP_NS (20 * MONO_MS)
#define WOL_AGAIN_NS MONO_S
#define WOL_TIMES 3

struct wol {
    uint8_t mac[WOL_MAX][6];
    unsigned n, at;         /* at: the next one of this round */
    unsigned round;         /* 0 .. WOL_TIMES - 1 */
    struct mono due, began; /* the next frame, this round */
};

/* Calls the machine from `now` on; one that is in the queue already is called anew with the others.
 * 0, WOL_EFULL, WOL_EMAC. */
int wol_add(struct wol *, const uint8_t mac[6], struct mono now);
/* Whom to call now; false: nobody. */
bool wol_next(struct wol *, struct mono now, uint8_t mac[6]);
/* The whole frame that `from` sends. */
void wol_frame(const uint8_t mac[6], const uint8_t from[6], uint8_t frame[WOL_FRAME_BYTES]);

#endif
