/* Whether an address is ours alone (RFC 5227): it is probed by ARP before it is taken, defended
 * while it is held, and dropped when another station keeps it. A station is known by its MAC. Pure:
 * says what to send, is told what is heard.
 *
 *   PROBING   from the start: three probes, IP_CLAIM_START_NS in all; nothing is sent from the
 *             address yet. RFC 5227 takes seven seconds;
 *             a box has its room waiting, and hears later what it did not hear then
 *   HELD      announced, often at first (a switch port may wake up late), then once a minute
 *   DISPUTED  another station used it; it was defended once. Back to HELD after IP_CLAIM_QUIET_NS
 *             without a sign
 *   LOST      another station has it, or wants it at the same time, or went on after the defence:
 *             not ours. Probes go on until three in a
 *             row were not answered. Two that start together stay here both, until one of them is
 *             gone */
#ifndef NET_IP_CLAIM_H
#define NET_IP_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/mono.h"
#include "net/wire/rng.h"

#define IP_ARP_FRAME_BYTES 42
#define IP_CLAIM_PROBES 3
#define IP_CLAIM_SPACING_NS (300 * MONO_MS) /* between the first probes; a third more by chance */
#define IP_CLAIM_WAIT_NS (500 * MONO_MS)    /* after the last of them */
#define IP_CLAIM_START_NS (2 * MONO_S)      /* at most, from the start to HELD or LOST */
#define IP_CLAIM_RETRY_NS (8 * MONO_S)
#define IP_CLAIM_DEFEND_NS (10 * MONO_S) /* RFC 5227's DEFEND_INTERVAL */
#define IP_CLAIM_QUIET_NS (60 * MONO_S)
#define IP_CLAIM_ANNOUNCE_NS (60 * MONO_S)

enum ip_claim_state { IP_CLAIM_PROBING, IP_CLAIM_HELD, IP_CLAIM_DISPUTED, IP_CLAIM_LOST };

struct ip_claim {
    enum ip_claim_state state;
    uint8_t mac[6];
    uint32_t address;
    struct rng rng;
    struct mono began, next; /* next: when a frame is due */
    /* probes of the start that are left: they go out after a sign too, so that the other station
     * hears us */
    unsigned quick;
    unsigned sent;     /* probes without an answer, or announcements */
    uint8_t other[6];  /* who has it too; all 0: nobody yet */
    struct mono heard; /* from `other` */
    bool defended;
    struct mono defended_at;
};

/* Our own station and the address; the seed is random. */
void ip_claim_init(struct ip_claim *, const uint8_t mac[6], uint32_t address, uint64_t seed,
                   struct mono now);
/* A whole Ethernet frame of n bytes that came in, of any kind. True: the state changed. */
bool ip_claim_hear(struct ip_claim *, struct mono now, const uint8_t *frame, size_t n);
/* Call several times a second. *changed: whether the state did. Returns the length of a frame to
 * send, 0: none is due. */
size_t ip_claim_tick(struct ip_claim *, struct mono now, uint8_t out[IP_ARP_FRAME_BYTES],
                     bool *changed);
/* Whether it is ours to use. */
bool ip_claim_holds(const struct ip_claim *);
/* "another station, 00:11:22:33:44:55, has this box's address 10.77.0.1: ..."; "" while nobody else
 * has it. */
#define IP_CLAIM_TEXT 200
const char *ip_claim_text(char buf[IP_CLAIM_TEXT], const struct ip_claim *);

#endif
