/* IGMP snooping as an ordinary switch does it (RFC 4541), as a pure step: frames and time in, sets
 * of ports out.
 *
 * Reports of versions 1, 2 and 3 add their port to a group until the membership runs out; a leave
 * shortens that to the last member's time when there is a querier to ask again. Queries make their
 * port a router port, and somebody the querier, until both run out; so does a PIM hello. Reports
 * and leaves go to router ports alone, queries to all, groups of 224.0.0.0/24 to all, other groups
 * to their members and the router ports. What nobody joined is flooded or not, as `unknown` says;
 * IPv6 multicast is always flooded.
 *
 * The first frame of a group after its timers ran out finds it gone: nothing here needs to be
 * called by a clock. */
#ifndef TESTS_BOOT_SNOOP_H
#define TESTS_BOOT_SNOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/json.h"
#include "net/wire/mono.h"

#define SNOOP_PORTS 32 /* ports are numbered 0 .. 31; a set of them is a uint32_t */
#define SNOOP_GROUPS 256

enum snoop_unknown {
    SNOOP_UNTIL_QUERIER, /* flooded as long as there is no querier */
    SNOOP_FLOOD,
    /* to router ports only, querier or none: what cuts a stream on a network without one */
    SNOOP_DROP,
};

struct snoop_config {
    bool off; /* every multicast is flooded */
    enum snoop_unknown unknown;
    bool fast_leave;        /* a leave ends the port's membership at once */
    int64_t membership_ns;  /* RFC 3376 8.4: 260 s */
    int64_t querier_ns;     /* RFC 3376 8.5, also router ports: 255 s */
    int64_t last_member_ns; /* RFC 3376 8.8: 2 s */
};

extern const struct snoop_config snoop_defaults;

struct snoop_group {
    uint32_t group; /* 0: this entry is free */
    struct mono until[SNOOP_PORTS];
    uint32_t members; /* ports whose `until` is of use */
};

struct snoop {
    struct snoop_config config;
    struct snoop_group groups[SNOOP_GROUPS];
    struct mono router_until[SNOOP_PORTS];
    uint32_t routers;
    struct {
        uint32_t address; /* 0: none */
        unsigned port, version;
        struct mono until;
    } querier;
    uint64_t reports, leaves, queries, malformed, full; /* full: groups that found no entry */
};

void snoop_init(struct snoop *, const struct snoop_config *);

/* A frame (from its Ethernet header on) with a multicast destination, which came in at `port`: what
 * it teaches is learned, and the ports it goes to come back; `all` is the set of ports that are up.
 * The port it came from may be in the result: the caller knows better. */
uint32_t snoop_forward(struct snoop *, struct mono now, unsigned port, const uint8_t *frame,
                       size_t n, uint32_t all);

/* The port's line went down: its memberships end, it is no router port. */
void snoop_port_down(struct snoop *, unsigned port);

/* "igmp": {querier, router ports, groups with their ports and the seconds left, counters};
 * names[port] are the ports'. */
void snoop_report(const struct snoop *, struct mono now, const char *const names[SNOOP_PORTS],
                  struct json *);

#endif
