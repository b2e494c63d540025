/* The DHCP server (RFC 2131) as a pure step: a message and the time in, at most one reply out.
 * Leases are in lease.h.
 *
 *   server  addresses and boot fields: DISCOVER, REQUEST in all four states of a client, DECLINE,
 *           RELEASE, INFORM
 *   proxy   boot fields alone, beside somebody else's server: an OFFER without an address, and port
 *           4011
 *   off     nothing
 *
 * The box is the only server on its wire (guard.h sees to that), so it says NAK to what cannot be,
 * at once, and grants what an earlier box forgot. While the guard sees another server, this one is
 * `quiet`: it renews what it has granted, so that work under way goes on, and says nothing else;
 * nobody is told what to boot.
 *
 * Not done: BOOTP without DHCP, pools chosen by anything but the subnet, a ping before an offer
 * (clients probe and DECLINE), RFC 3011 and RFC 5107. */
#ifndef NET_DHCP_SERVER_H
#define NET_DHCP_SERVER_H

#include "net/dhcp/hook.h"
#include "net/dhcp/lease.h"

enum dhcp_mode { DHCP_MODE_OFF, DHCP_MODE_SERVER, DHCP_MODE_PROXY };

#define DHCP_DNS_MAX 3
#define DHCP_LEASE_MIN_S 60
#define DHCP_LEASE_MAX_S (30 * 24 * 3600)

struct dhcp_config {
    enum dhcp_mode mode;
    uint32_t address; /* the box's own */
    uint8_t mac[6];
    const struct dhcp_pool *pool; /* in server mode; [0] is the box's own subnet */
    unsigned pools;
    const struct dhcp_reservation *reservation;
    unsigned reservations;
    uint32_t dns[DHCP_DNS_MAX]; /* 0: none */
    uint32_t lease_s;           /* DHCP_LEASE_MIN_S .. DHCP_LEASE_MAX_S */
    uint32_t key;               /* random */
};

/* Where a message came from. */
struct dhcp_from {
    uint32_t address; /* 0.0.0.0 for a machine without one */
    uint16_t port, to_port;
    uint8_t mac[6]; /* the frame's, which is a router's when it was relayed or routed */
};

struct dhcp_counters {
    /* replies; booted: of these without an address, proxy and 4011 */
    uint64_t offers, acks, naks, informed, booted;
    uint64_t released, declined;
    uint64_t malformed; /* not decoded, or contradicting itself */
    /* replies, BOOTP, our own probes, clients that took another server's offer */
    uint64_t not_ours;
    uint64_t unwanted;  /* nothing to be said in this mode, or to this client */
    uint64_t no_pool;   /* from a subnet without one */
    uint64_t exhausted; /* no address left for a known machine */
    uint64_t held_back; /* no address for a stranger */
    uint64_t quiet;     /* because of another server, or of another station with our address */
    uint64_t cut;       /* options that a client has no room for */
    uint64_t unsent;    /* replies without memory or without a way */
};

enum dhcp_event_kind {
    DHCP_TELL_LEASE,     /* a machine has an address it did not have before */
    DHCP_TELL_REFUSED,   /* NAK */
    DHCP_TELL_DECLINED,  /* somebody else sits on this address */
    DHCP_TELL_EXHAUSTED, /* no address left; once a minute at most */
};

struct dhcp_event {
    enum dhcp_event_kind kind;
    uint8_t mac[6];
    uint32_t address;
};

/* What the server asks of others; each may be NULL. */
struct dhcp_needs {
    void *ctx;
    /* A lease to be kept (nvalue 0: removed). Called before the reply that promises it is returned;
     * seldom more than once a lease and machine: renewals change nothing. */
    void (*store)(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue);
    /* Whether this machine is one of ours although it has no lease: it was imaged here, or is in
     * the settings. */
    bool (*known)(void *ctx, const uint8_t mac[6]);
    void (*tell)(void *ctx, const struct dhcp_event *);
    struct dhcp_boot_hook boot;
};

/* Large (about half a MB): the caller's memory, taken once. */
struct dhcp_server {
    struct dhcp_config config; /* its pointers are not kept */
    struct dhcp_needs needs;
    struct dhcp_leases leases;
    struct dhcp_counters counters;
    bool quiet; /* set by the bind, which runs the guard */
    struct mono swept, said_exhausted;
};

/* Everything of `s` is set here. 0, DHCP_EPOOL or DHCP_ERESERVE with its sentence. */
int dhcp_server_init(struct dhcp_server *s, const struct dhcp_config *, const struct dhcp_needs *,
                     struct err *);
/* A lease that `store` was given by an earlier run, in the order of storing; its time counts anew
 * from now. 0, or DHCP_ERECORD: not for these settings, and to be ignored. */
int dhcp_server_restore(struct dhcp_server *, const uint8_t *key, size_t nkey, const uint8_t *value,
                        size_t nvalue, struct mono now);

/* A decoded message. True: the reply is in `out`. */
bool dhcp_server_step(struct dhcp_server *, struct mono now, const struct dhcp_message *,
                      const struct dhcp_from *, struct dhcp_reply *out);
/* Call about once a second. */
void dhcp_server_tick(struct dhcp_server *, struct mono now);

/* The machine has shown to be real (it loaded its payload, joined a session): it is known from now
 * on. */
void dhcp_server_vouch(struct dhcp_server *, const uint8_t mac[6]);
/* Who holds this address now; false: nobody by our leases. */
bool dhcp_server_who(struct dhcp_server *, uint32_t address, uint8_t mac[6]);
/* Leases in force, and addresses that could be given out besides, in all pools. */
void dhcp_server_fill(const struct dhcp_server *, uint32_t *bound, uint32_t *left);

#endif
