/* DNS service discovery: `_ringcast._tcp` on the wire, for avahi-browse, dns-sd and our own receivers' people.
 * lwIP's responder does the protocol; looking up NAME.local is ip_stack_resolve. */
#ifndef NET_MDNS_BIND_H
#define NET_MDNS_BIND_H

#include "net/ip/stack.h"

#define MDNS_ERRORS(X)                                                                             \
    X(MDNS_ESTART, -1400, "the mDNS responder cannot be started")                                  \
    X(MDNS_ETEXT, -1401, "a TXT item is longer than 255 bytes, or there are too many")

#define X(name, code, sentence) name = code,
enum mdns_error { MDNS_ERRORS(X) };
#undef X

#define MDNS_TXT_MAX 64

/* Advertises `instance` ("Ringcast on lab3") as _ringcast._tcp at `port`, with TXT items ("image0=debian 239.1.1.1").
 * The host name is the stack's. Copies everything. One advert in a process. */
int mdns_advertise(struct ip_stack *, const char *instance, uint16_t port, const char *const *txt, unsigned n_txt,
                   struct err *);
/* Says goodbye. */
void mdns_withdraw(struct ip_stack *);

#endif
