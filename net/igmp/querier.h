/* The querier of a wire that has none (RFC 2236 section 3, RFC 3376 section 6.6.2), as a pure step.
 *
 * Switches that snoop learn from the answers to general queries which ports want a group. Where
 * nobody asks they either flood the ring to all or, after some four minutes, cut it off. So we ask,
 * until somebody with a lower address does; when he has been silent for the other querier's
 * interval, we ask again. A switch that asks from 0.0.0.0 takes no part in the election, and is
 * left to it: such queries exist because switches know that there may be no querier.
 *
 * Both versions are asked, the second first: a host answers the version that it hears (RFC 3376
 * section 7.2.1), and switches that know the second alone are still about. lwIP answers both with
 * version 2 reports.
 *
 * Which ports want a group is not kept here: that is the switches' affair. But when a host leaves
 * one, whoever is left is asked about it, so that the switch need not wait for minutes. */
#ifndef NET_IGMP_QUERIER_H
#define NET_IGMP_QUERIER_H

#include "net/igmp/codec.h"
#include "net/wire/mono.h"

struct igmp_timing {
    unsigned query_s;     /* between general queries, 1 … 127; 0: IGMP_QUERY_INTERVAL */
    unsigned response_ds; /* tenths of a second that hosts may take to answer, 1 … 127; 0: 10 s */
};

struct igmp_counts {
    uint64_t queries; /* sent, of both versions */
    uint64_t foreign; /* heard, general, of others with an address */
    uint64_t reports, leaves;
    uint64_t malformed;
    uint64_t elected; /* times we became the querier, the start counted */
};

/* Groups that somebody left, and others may still want; more at once are left to the next general
 * query. */
#define IGMP_LEFT_MAX 8

struct igmp_left {
    uint32_t group;   /* 0: free */
    unsigned queries; /* still to be sent */
    struct mono due;
};

struct igmp_querier {
    /* set by the caller */
    struct igmp_timing timing;
    uint32_t address; /* ours; 0: not yet, and nothing is sent */
    /* kept here; zeroed by the caller */
    struct igmp_counts counts;
    bool asking;        /* we are the querier */
    bool third;         /* the version 2 query has left, its version 3 twin is next */
    uint32_t other;     /* who is, when it is not us */
    struct mono silent; /* when he will have been silent for too long */
    unsigned startup;   /* queries of the startup still to be sent */
    struct mono due;    /* when the next query leaves */
    struct igmp_left left[IGMP_LEFT_MAX];
};

/* Before anything else; from now on `address` may be set anew at any time. */
void igmp_querier_begin(struct igmp_querier *, struct mono now);
/* A datagram with protocol 2 from the wire, from its IP header on. */
void igmp_querier_input(struct igmp_querier *, struct mono now, const uint8_t *bytes, size_t n);
/* The next query that is due, as a datagram of *n bytes; false: none is. Call until then, about
 * once a second. */
bool igmp_querier_step(struct igmp_querier *, struct mono now, uint8_t out[IGMP_DATAGRAM_MAX],
                       size_t *n);
/* When to call it next, in nanoseconds from now; at most a second. */
int64_t igmp_querier_pause(const struct igmp_querier *, struct mono now);

#endif
