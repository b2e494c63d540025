/* DHCP over lwIP: the only file of this room that knows it. All calls on the stack's owner thread.
 *
 *   port 67 ──> service (BSDP) ──> server
 *           ──> reply: a frame to the station, a broadcast, or an ordinary datagram
 *   port 4011 ────────────────────> server
 *   port 68 ──> guard ──> server.quiet (server mode)
 *
 * A machine without an address cannot answer ARP, so its replies leave as whole frames to the
 * station in chaddr. */
#ifndef NET_DHCP_BIND_H
#define NET_DHCP_BIND_H

#include "net/dhcp/guard.h"
#include "net/dhcp/server.h"
#include "net/ip/stack.h"

struct dhcp_bind;

struct dhcp_bind_needs {
    struct dhcp_service service; /* handle may be NULL */
    void *ctx;
    /* The guard's state has changed (it begins with LISTENING, which is not told). May be NULL. */
    void (*guarded)(void *ctx, const struct dhcp_guard *);
    /* Another boot server was heard for the first time, in server and in proxy mode. May be NULL.
     */
    void (*boots)(void *ctx, const struct dhcp_guard *);
    bool unguarded; /* tests and those who know better: serve from the start, look for nobody */
};

/* Binds the ports that the server's mode needs; with mode off none, and nothing is ever sent. Keeps
 * stack and server. In server mode nothing is served for DHCP_GUARD_LISTEN_NS, nor while there is
 * another server; in no mode while the stack's address is not held alone (net/ip/claim.h): renewals
 * alone while it is disputed, nothing at all while it is lost. 0, DHCP_EMEMORY or DHCP_EBIND. */
int dhcp_bind_open(struct dhcp_bind **, struct ip_stack *, struct dhcp_server *,
                   const struct dhcp_bind_needs *, struct err *);
/* Probes and time-outs: call after every ip_stack_step, at least several times a second. */
void dhcp_bind_tick(struct dhcp_bind *, struct mono now);
const struct dhcp_guard *dhcp_bind_guard(const struct dhcp_bind *);
/* Safe on NULL. */
void dhcp_bind_close(struct dhcp_bind *);

#endif
