/* Ethernet frames in and out of an interface through AF_PACKET: the data path's transmit and
 * receive rings, and the plain socket that the IP stack of the control path lives on. Linux only;
 * needs CAP_NET_RAW. Nothing here knows what a datagram holds. IPv4 addresses and ports are numbers
 * in host byte order.
 *
 * One thread a ring. `*_open` allocates, `*_close` frees; in between nothing is allocated. */
#ifndef NET_RING_RING_H
#define NET_RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"
#include "net/wire/frames.h"

/* X(name, code, sentence) */
#define RING_ERRORS(X)                                                                             \
    X(RING_ERR_NO_IF, -1000, "there is no such interface")                                         \
    X(RING_ERR_NOT_ETHERNET, -1001, "the interface is not Ethernet")                               \
    X(RING_ERR_MTU, -1002, "the interface's MTU is below 1500")                                    \
    X(RING_ERR_DOWN, -1003, "the interface is down")                                               \
    X(RING_ERR_PERMISSION, -1004, "raw packets need CAP_NET_RAW")                                  \
    X(RING_ERR_SOCKET, -1005, "the kernel refused a packet socket or an option of it")             \
    X(RING_ERR_MEMORY, -1006, "there is not enough memory for the ring")                           \
    X(RING_ERR_OFFLOAD, -1007, "the kernel does not segment UDP for packet sockets")               \
    X(RING_ERR_SEND, -1008, "the kernel refused frames for a reason that does not pass")           \
    X(RING_ERR_RECV, -1009, "the packet socket failed while receiving")                            \
    X(RING_ERR_GROUP, -1010, "the group is not an IPv4 multicast address")                         \
    X(RING_ERR_FRAME, -1011, "the frame is longer than the interface can send")

enum ring_error {
#define RING_X(name, code, text) name = (code),
    RING_ERRORS(RING_X)
#undef RING_X
};

struct ring_if {
    int index;
    unsigned mtu;
    uint32_t mbit; /* link speed; 0 when the driver does not say */
    uint8_t mac[6];
    bool up; /* administratively up and carrier present */
};

/* Facts of an interface. 0, RING_ERR_NO_IF, RING_ERR_NOT_ETHERNET or RING_ERR_SOCKET. */
int ring_if_info(const char *ifname, struct ring_if *out, struct err *err);

/* Where a session's datagrams go. */
struct ring_flow {
    uint32_t group; /* multicast address, 224.0.0.0/4 */
    uint16_t port;
};

/* ---- transmit: a frame_sink ---- */

enum ring_offload {
    RING_OFFLOAD_OFF, /* one frame a datagram, from a mapped ring */
    RING_OFFLOAD_ON   /* super-frames that kernel or NIC cuts; needs a kernel with INET */
};

#define RING_GSO_DATAGRAMS 44 /* 44 · 1472 + headers stay below 65535 */

struct ring_tx_options {
    struct ring_flow flow;
    uint32_t source; /* IPv4 source address */
    uint8_t ttl;     /* 0 counts as 1 */
    enum ring_offload offload;
    bool bypass;    /* skip the queueing discipline (PACKET_QDISC_BYPASS) */
    uint32_t slots; /* datagrams the ring holds; 0: 4096. Not used with offload */
};

struct ring_tx_counts {
    uint64_t datagrams; /* handed to the kernel and accepted */
    uint64_t kicks;     /* system calls */
    uint64_t busy;      /* times the kernel had no room: tried again later, nothing lost */
};

struct ring_tx;

/* Opens the transmit ring on an interface. *out is to be closed by the caller. */
int ring_tx_open(struct ring_tx **out, const char *ifname, const struct ring_tx_options *opt,
                 struct err *err);

/* The sink; valid until ring_tx_close. `kick` returns 0 when the kernel has taken the frames, and
 * also when it has no room (counted as busy): then they stay in the ring, and the next kick,
 * perhaps with 0 new ones, pushes them first. On RING_ERR_DOWN they stay likewise: the link may
 * come back. RING_ERR_SEND does not pass. */
struct frame_sink ring_tx_sink(struct ring_tx *tx);
void ring_tx_counts(const struct ring_tx *tx, struct ring_tx_counts *out);
void ring_tx_close(struct ring_tx *tx);

/* ---- receive: a frame_source ---- */

#define RING_RX_BYTES_MIN (64u << 20) /* holds 200 ms of 1 Gbit/s several times over */

struct ring_rx_counts {
    uint64_t datagrams; /* delivered */
    uint64_t bytes;     /* their UDP payload */
    uint64_t dropped;   /* frames the kernel lost as the ring was full; joined datagrams are one */
    uint64_t malformed; /* refused here: IP options, fragments, lengths that do not fit */
};

struct ring_rx;

/* Opens a receive ring of at least ring_bytes (less than RING_RX_BYTES_MIN counts as that) that
 * takes UDP datagrams to flow's group and port only, and joins the group on the link layer. (IGMP
 * is the control path's business.) */
int ring_rx_open(struct ring_rx **out, const char *ifname, const struct ring_flow *flow,
                 size_t ring_bytes, struct err *err);

/* The source; valid until ring_rx_close. */
struct frame_source ring_rx_source(struct ring_rx *rx);

void ring_rx_counts(struct ring_rx *rx, struct ring_rx_counts *out);
void ring_rx_close(struct ring_rx *rx);

/* ---- control: whole Ethernet frames for the IP stack ---- */

/* Peers on the same host may send segments of 64 KiB. */
#define RING_CTL_FRAME_MAX (65535 + 14 + 4)
#define RING_CTL_SKIP_MAX 16

struct ring_ctl;

/* Opens a non-blocking packet socket that sees every frame for us, all multicast included, except
 * what we send ourselves. */
int ring_ctl_open(struct ring_ctl **out, const char *ifname, struct err *err);

/* From now on UDP datagrams to these flows (at most RING_CTL_SKIP_MAX) stay out of it: the data
 * path has its own ring. Replaces the earlier list. */
int ring_ctl_skip(struct ring_ctl *ctl, const struct ring_flow *flows, size_t n, struct err *err);

/* Readable when a frame waits. */
int ring_ctl_fd(const struct ring_ctl *ctl);

/* Takes one frame. Returns its length (14 … RING_CTL_FRAME_MAX), 0 when none waits, or a negative
 * ring error. Frames whose TCP or UDP checksum the sender left to hardware that it does not have
 * (peers on virtual links) come out with the checksum completed; frames longer than `room` are
 * dropped. */
int ring_ctl_recv(struct ring_ctl *ctl, uint8_t *frame, size_t room);

/* Sends one whole frame without FCS. 0; or a negative ring error: the frame is dropped, as Ethernet
 * may. A kernel without room counts as sent: TCP repeats. */
int ring_ctl_send(struct ring_ctl *ctl, const uint8_t *frame, size_t n);
void ring_ctl_close(struct ring_ctl *ctl);

#endif
