/* What kinds of frames pass a line, counted: how a test sees that a machine asks for an address,
 * loads its boot file or takes a stream. */
#ifndef TESTS_BOOT_COUNT_H
#define TESTS_BOOT_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "net/wire/json.h"

#define COUNT_KINDS(X)                                                                             \
    X(arp)                                                                                         \
    X(dhcp)                                                                                        \
    X(tftp) /* requests; the transfers themselves are udp */                                       \
    X(igmp)                                                                                        \
    X(tcp)                                                                                         \
    X(group) /* UDP to a multicast group beyond 224.0.0.0/24: the ring */                          \
    X(udp)                                                                                         \
    X(ipv6)                                                                                        \
    X(other)

#define COUNT_NAME(kind) COUNT_##kind,
enum count_kind { COUNT_KINDS(COUNT_NAME) COUNT_ALL };
#undef COUNT_NAME

struct count {
    uint64_t frames[COUNT_ALL], bytes[COUNT_ALL];
};

enum count_kind count_kind(const uint8_t *frame, size_t n);
/* `key`: {frames, bytes, and each kind that occurred: frames} */
void count_report(const struct count *, const char *key, struct json *);

#endif
