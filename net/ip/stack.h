/* lwIP as one object: opened on an interface, stepped by one thread, on time the caller passes in.
 *
 *   frames ──> link ──> stack ──> lwIP ──> a bind.c's callbacks ──> its protocol's pure step
 *
 * lwIP keeps its state in globals: one stack in a process, and only its owner thread may call
 * anything here or in lwIP (asserted on every call; ip_stack_adopt moves ownership). The interface
 * usually has no address in the kernel: lwIP answers ARP and ping itself. Nothing blocks but
 * ip_stack_wait and the helpers that say so.
 *
 * Addresses in this project's own interfaces are uint32_t in host order: 10.0.0.1 is 0x0A000001. */
#ifndef NET_IP_STACK_H
#define NET_IP_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip/claim.h"
#include "net/ip/errors.h"
#include "net/ip/link.h"
#include "net/wire/err.h"
#include "net/wire/mono.h"

struct ip_stack;

#define IP_DNS_MAX 2

struct ip_config {
    uint32_t address; /* 0: DHCP, then link-local (RFC 3927) when nobody answers */
    uint8_t prefix;   /* 1 .. 32, with an address */
    /* the address is taken when no other station has it, and dropped when one keeps it (claim.h) */
    bool claim;
    uint32_t gateway;         /* 0: none; not with DHCP, nor what follows */
    uint32_t dns[IP_DNS_MAX]; /* name servers, those that are 0 left out */
    /* for DHCP and mDNS, NULL: "ringcast"; borrowed while the stack is open */
    const char *hostname;
};

/* "10.0.0.1/24", "10.0.0.1" (prefix 24) or "dhcp" into address and prefix; 0 or IP_EADDRESS. */
int ip_config_parse(struct ip_config *, const char *text, struct err *);
/* Dotted quad and nothing else; 0 or IP_EADDRESS. */
int ip_address_parse(const char *text, uint32_t *out);
#define IP_TEXT 16
const char *ip_address_text(char buf[IP_TEXT], uint32_t address);

/* Opens the stack on an AF_PACKET control socket of the interface. */
int ip_stack_open(struct ip_stack **, const char *interface, const struct ip_config *,
                  struct err *);
/* The same on a link of the caller's, on the caller's time. Takes the link over, on errors too. */
int ip_stack_open_link(struct ip_stack **, const struct ip_link *, const struct ip_config *,
                       struct mono now, struct err *);
void ip_stack_close(struct ip_stack *);

/* Takes in what has arrived (at most 256 frames) and runs the timers that are due. Returns the
 * milliseconds until it must be called again unless a frame comes first; 0: frames are still
 * waiting. */
int ip_stack_step(struct ip_stack *, struct mono now);
/* One step on the system's clock, then sleeps until a frame comes, a timer is due or max_ms have
 * passed, then steps again. wake_fd (-1: none) ends the sleep too. 0, or IP_EPOLL. */
int ip_stack_wait(struct ip_stack *, int max_ms, int wake_fd);
/* The same for helpers that block for long: ends with IP_ESTOPPED once `stop` (ip_stack_stop_when)
 * says so. */
int ip_stack_block(struct ip_stack *, int max_ms);
/* What ends blocking calls early: asked several times a second, and when a signal came. NULL (at
 * first): nothing. */
void ip_stack_stop_when(struct ip_stack *, bool (*stop)(void));
/* err_set for a code that ip_stack_wait or ip_stack_block returned. */
int ip_stack_failed(int code, struct err *);
/* The time of the step under way. */
struct mono ip_stack_now(const struct ip_stack *);
/* From now on the calling thread owns the stack. The former owner must not touch it any more. */
void ip_stack_adopt(struct ip_stack *);

/* Our address; 0 while there is none. */
uint32_t ip_stack_address(const struct ip_stack *);
/* The same, or the one that is claimed and not held. */
uint32_t ip_stack_wanted(const struct ip_stack *);
/* With `claim`: how it stands; else NULL. It is PROBING for IP_CLAIM_START_NS at most. */
const struct ip_claim *ip_stack_claim(const struct ip_stack *);
const uint8_t *ip_stack_mac(const struct ip_stack *);
/* The MAC of a neighbour, as ARP knows it at this moment. */
bool ip_stack_mac_of(const struct ip_stack *, uint32_t address, uint8_t mac[6]);
/* Twice what DHCP and then link-local addressing take: the switch's port may wake up late. */
#define IP_ADDRESS_MS 40000
/* Steps until there is an address, at most timeout_ms. Blocks. 0, IP_ENOADDRESS or IP_ESTOPPED. */
int ip_stack_wait_address(struct ip_stack *, int timeout_ms, struct err *);
/* A dotted quad, NAME.local by mDNS, or a name known to the DHCP server's resolver. Blocks. 0,
 * IP_ENAME or IP_ESTOPPED. */
int ip_stack_resolve(struct ip_stack *, const char *host, int timeout_ms, uint32_t *out,
                     struct err *);

/* The same without blocking: begin, then ask until it is said. 0 not yet, 1 *out is the address,
 * IP_ENAME there is none. Names of several askers are looked up one after the other. */
int ip_stack_lookup_begin(struct ip_stack *, const char *host, struct err *);
int ip_stack_lookup(struct ip_stack *, const char *host, uint32_t *out, struct err *);

/* IGMP membership, so that switches forward the group to this port. The data (UDP to `port`) is
 * left to a ring and does not come up here. */
int ip_stack_join(struct ip_stack *, uint32_t group, uint16_t port, struct err *);
void ip_stack_leave(struct ip_stack *, uint32_t group);
/* Reports all memberships again, unasked: a switch that lost its table may not ask for two minutes.
 */
void ip_stack_report(struct ip_stack *);

#endif
