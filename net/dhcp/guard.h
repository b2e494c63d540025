/* The look-out for another DHCP server on the wire. Pure: says what to send, is told what is heard.
 *
 *   LISTENING  from the start: probes go out, nothing may be served yet
 *   CLEAR      nobody answered; probes go on, quickly at first (a switch port may wake up late),
 *              then once a minute
 *   FOREIGN    somebody did, or was overheard; probes every 8 s, until three in a row went without
 *              an answer
 *
 * A probe is a DISCOVER of our own with a new xid each time; its OFFER is never taken up. What
 * counts against a server is a reply that hands out an address or refuses one: proxies (PXE, BSDP)
 * stand beside a server and do not change the state. A client that REQUESTs somebody else's offer
 * counts as well: then the address is known and the MAC is not.
 *
 * We are a station (MAC), not an address: a reply that names our address and comes from another
 * station is another box with this one's address, the worst case. Our own replies come back from
 * another station only through a relay, which leaves its address in them.
 *
 * Boot servers are looked for too: who tells machines what to load (PXE, HTTP boot) draws them away
 * from the box, with a lease or beside one. The last one heard is named; it is forgotten after
 * DHCP_GUARD_BOOTS_NS. */
#ifndef NET_DHCP_GUARD_H
#define NET_DHCP_GUARD_H

#include "net/dhcp/codec.h"
#include "net/wire/mono.h"
#include "net/wire/rng.h"

/* a server that pings an address before it offers it takes 3 s */
#define DHCP_GUARD_LISTEN_NS (4 * MONO_S)
#define DHCP_GUARD_WATCH_NS (60 * MONO_S)
#define DHCP_GUARD_FOREIGN_NS (8 * MONO_S)
#define DHCP_GUARD_SILENT 3 /* probes without an answer until a foreign server is gone */
#define DHCP_FOREIGN_MAX 4
#define DHCP_GUARD_BOOTS_NS (600 * MONO_S)

enum dhcp_guard_state { DHCP_GUARD_LISTENING, DHCP_GUARD_CLEAR, DHCP_GUARD_FOREIGN };

struct dhcp_foreign {
    uint32_t address; /* its server identifier, or where its reply came from */
    uint8_t mac[6];   /* of its frames; all 0: only heard of */
    uint32_t offered; /* an address it gave out; 0: none seen */
    uint64_t heard;   /* times */
    struct mono first, last;
};

struct dhcp_guard {
    enum dhcp_guard_state state;
    uint8_t mac[6];
    uint32_t address;
    struct rng rng;
    struct mono began, next; /* next: when a probe is due */
    unsigned sent;           /* probes since the start or since a foreign server was last heard */
    uint32_t xid;            /* of the last probe */
    unsigned n;              /* foreign servers, the last heard first */
    struct dhcp_foreign foreign[DHCP_FOREIGN_MAX];
    struct dhcp_foreign boots; /* the boot server that was heard last; heard 0: none */
};

/* Our own station and address; the seed is random. */
void dhcp_guard_init(struct dhcp_guard *, const uint8_t mac[6], uint32_t address, uint64_t seed,
                     struct mono now);
/* A message of either kind that came in, and the station and address its frame came from. True: the
 * state changed. */
bool dhcp_guard_hear(struct dhcp_guard *, struct mono now, const struct dhcp_message *,
                     const uint8_t from_mac[6], uint32_t from_address);
/* The same for boot servers. True: it is one that was not known yet. */
bool dhcp_guard_hear_boots(struct dhcp_guard *, struct mono now, const struct dhcp_message *,
                           const uint8_t from_mac[6], uint32_t from_address);
/* Call several times a second. *changed: whether the state did. Returns the length of a probe to
 * broadcast from port 68 to 67, 0: none is due. */
size_t dhcp_guard_tick(struct dhcp_guard *, struct mono now, uint8_t out[DHCP_REPLY_MIN],
                       bool *changed);

/* The server that was heard last; NULL when there is none. */
const struct dhcp_foreign *dhcp_guard_foreign(const struct dhcp_guard *);
/* "another DHCP server answers here: 10.0.0.1 at 00:11:22:33:44:55, it offered 10.0.0.77" */
#define DHCP_GUARD_TEXT 160
const char *dhcp_guard_text(char buf[DHCP_GUARD_TEXT], const struct dhcp_guard *);
/* "another boot server answers here: 10.0.0.9 at 00:11:22:33:44:66: ..."; "" when none has been
 * heard lately. */
const char *dhcp_guard_boots_text(char buf[DHCP_GUARD_TEXT], const struct dhcp_guard *,
                                  struct mono now);

#endif
