/* DNS service discovery: `_ringcast._tcp` on the wire, for avahi-browse, dns-sd and whoever stands
 * at a target. lwIP's responder does the protocol (RFC 6762, 6763); looking up NAME.local is
 * ip_stack_resolve. All calls on the stack's owner thread. */
#ifndef NET_MDNS_BIND_H
#define NET_MDNS_BIND_H

#include "net/ip/stack.h"

#define MDNS_ERRORS(X) X(MDNS_ESTART, -1400, "the mDNS responder cannot be started")

#define X(name, code, sentence) name = code,
enum mdns_error { MDNS_ERRORS(X) };
#undef X

#define MDNS_TEXT_MAX 63     /* bytes of a name or of a TXT item (what lwIP can hold) */
#define MDNS_ITEMS_BYTES 255 /* of all items, a length byte each */

/* Advertises `instance` as _ringcast._tcp at `port`, with TXT items such as "image0=239.82.67.0
 * debian". The host is called as the stack is; a name that somebody else has gets a number. Items
 * beyond MDNS_ITEMS_BYTES are left out, longer texts cut between characters. Copies everything. One
 * advert in a process. */
int mdns_advertise(struct ip_stack *, const char *instance, uint16_t port, const char *const *items,
                   unsigned n, struct err *);
/* Answers no more; what others remember expires by itself within two minutes. Before
 * ip_stack_close. */
void mdns_withdraw(struct ip_stack *);

#endif
