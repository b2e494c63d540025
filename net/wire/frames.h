/* Where packets leave and arrive, as the data path sees it: UDP payloads in slots, nothing of
 * Ethernet or sockets. net/ring implements both on AF_PACKET; the simulator and the tests implement
 * them in memory. */
#ifndef NET_WIRE_FRAMES_H
#define NET_WIRE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* Outgoing datagrams of one session, all of one size (DATAGRAM_BYTES), headers already in place. */
struct frame_sink {
    void *ctx;
    /* Up to `want` payload slots of DATAGRAM_BYTES each into out[]; returns how many there are now
     * (0: the ring is full, kick and try later). Slots are lent until the next kick. */
    size_t (*slots)(void *ctx, uint8_t **out, size_t want);
    /* Hands the first `n` lent slots to the wire, in order; slots lent beyond n are taken back
     * unsent. Returns 0 or a negative ring error; frames the kernel dropped are counted by the
     * ring. */
    int (*kick)(void *ctx, size_t n);
};

/* Incoming datagrams of one session. */
struct frame_in {
    const uint8_t *bytes; /* UDP payload */
    size_t n;
};

struct frame_source {
    void *ctx;
    /* Up to `max` datagrams, waiting at most timeout_ms (0: do not wait) for the first. Returns the
     * number, 0 on time-out, or a negative ring error. Payloads are lent until the next call. */
    int (*poll)(void *ctx, struct frame_in *out, int max, int timeout_ms);
    /* Percent of its memory that holds datagrams not yet polled; at 100 it loses what comes. NULL:
     * not known. */
    unsigned (*backlog)(void *ctx);
};

#define DATAGRAM_BYTES 1472

#endif
