/* IGMP as a querier reads and writes it: whole IPv4 datagrams. Pure. */
#ifndef NET_IGMP_CODEC_H
#define NET_IGMP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/igmp/errors.h"
#include "net/igmp/proto.h"

struct igmp_message {
    uint32_t from; /* the sender's address; 0: a snooping switch without one */
    enum igmp_type type;
    uint32_t group;      /* of a query: 0 in a general one; of a version 3 report: 0 */
    unsigned robustness; /* of a version 3 query, 0 when it says none; */
    unsigned interval;   /* its query interval in seconds, likewise */
};

/* A datagram from its IP header on; bytes behind its end (padding) are allowed. 0, or IGMP_EHEADER,
 * IGMP_ESHORT, IGMP_ECHECKSUM, IGMP_ETYPE. */
int igmp_decode(const uint8_t *bytes, size_t n, struct igmp_message *);

#define IGMP_DATAGRAM_MAX (24 + IGMP_QUERY_3_BYTES)

/* A query with TTL 1 and router alert, from `from`: to `group` about it, or with 0 to all systems
 * about all groups. version 2 or 3; response in tenths of a second, at most 127; interval in
 * seconds, at most 127 (both as RFC 3376 codes them without an exponent). The length. */
size_t igmp_query(uint8_t out[IGMP_DATAGRAM_MAX], unsigned version, uint32_t from, uint32_t group,
                  unsigned response, unsigned interval);

#endif
