/* Who has which address. Pure; one slot per address, so no address can be with two machines.
 *
 * A machine is its Ethernet address. Client identifiers (option 61) do not count here: disks imaged
 * from one source come up with the same identifier on every machine, and firmware, boot loader and
 * system of one machine with three different ones.
 *
 * Against starvation, three things. An offer is only a note: it never takes away what a slot says
 * of its owner, and when it has been overtaken by others a REQUEST for the address is still
 * granted, as long as nobody holds it. A slot keeps its owner after the lease ended, until the
 * address is needed. And a stranger (no reservation, never had a slot, not vouched for) is on
 * probation until a second exchange or until somebody vouches for it, which happens to machines
 * that boot within seconds and to invented ones never: while more than a quarter of a pool is held
 * on probation, strangers get neither what was another machine's nor the last sixteenth of the
 * rest. A room full of new machines that come up in the same second is served all the same, the
 * last of them at their second or third try. */
#ifndef NET_DHCP_LEASE_H
#define NET_DHCP_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/dhcp/errors.h"
#include "net/wire/err.h"
#include "net/wire/mono.h"

#define DHCP_POOLS_MAX 8
#define DHCP_POOL_ADDRESSES_MAX 4096 /* in all pools together */
#define DHCP_RESERVATIONS_MAX 1024
#define DHCP_SLOTS_MAX (DHCP_POOL_ADDRESSES_MAX + DHCP_RESERVATIONS_MAX)
#define DHCP_BUCKETS 4096

/* how long an offered address is kept for whom it was offered to */
#define DHCP_OFFER_NS (30 * MONO_S)
/* how long an address somebody else was found on is left alone */
#define DHCP_DECLINE_NS (600 * MONO_S)
/* how long a released one stays with its owner: machines that restart */
#define DHCP_RELEASE_NS (10 * MONO_S)
#define DHCP_PROBATION_S 120 /* a stranger's lease while a pool is short of addresses */
/* this part of a pool is kept from strangers while they are held back */
#define DHCP_SHARE 16

/* A subnet and the range of it that is given out. Pool 0 is the box's own; others serve relays
 * (giaddr within them). */
struct dhcp_pool {
    uint32_t first, last;
    uint32_t network; /* any address within it */
    uint8_t prefix;   /* 8 .. 30 */
    uint32_t router;  /* 0: none is told */
};

struct dhcp_reservation {
    uint8_t mac[6];
    uint32_t address; /* within a pool's subnet, inside or outside of its range */
};

enum dhcp_slot_state {
    DHCP_SLOT_NEW,      /* never had an owner, or a forgotten one */
    DHCP_SLOT_BOUND,    /* leased until `until` */
    DHCP_SLOT_PAST,     /* was leased until `until`; still the owner's unless somebody needs it */
    DHCP_SLOT_DECLINED, /* somebody else sits on it; left alone until `until` */
};

struct dhcp_slot {
    uint32_t address;
    uint8_t pool;
    bool reserved, probation, released;
    uint8_t reserved_for[6]; /* with `reserved` */
    uint8_t mac[6];          /* the owner, in BOUND and PAST */
    enum dhcp_slot_state state;
    uint32_t seconds; /* granted; 0: never */
    uint32_t xid;     /* of the exchange that granted it */
    struct mono until, acked;
    struct {
        uint8_t mac[6];
        bool known; /* not to be overtaken by strangers */
        uint32_t xid, seconds;
        struct mono until;
    } offer;
    uint16_t next;          /* in its bucket of owners */
    uint16_t next_reserved; /* in its bucket of reservations */
};

struct dhcp_pool_count {
    uint32_t size; /* addresses that are not reserved for somebody */
    /* of those; spare ones had no owner yet, or one who never came back */
    uint32_t spare, bound, declined;
    uint32_t probation; /* of those bound */
};

struct dhcp_leases {
    struct dhcp_pool pool[DHCP_POOLS_MAX];
    struct dhcp_pool_count count[DHCP_POOLS_MAX];
    unsigned pools, n;
    uint32_t key; /* keeps strangers from choosing their buckets */
    uint32_t lease_s;
    /* a pool's slots stand together */
    unsigned pool_first[DHCP_POOLS_MAX], pool_slots[DHCP_POOLS_MAX];
    /* index + 1; 0: the end of the chain */
    uint16_t owner[DHCP_BUCKETS], reservation[DHCP_BUCKETS];
    /* machines that had a slot until somebody needed it; the last of its bucket */
    uint8_t displaced[DHCP_BUCKETS][6];
    struct dhcp_slot slot[DHCP_SLOTS_MAX]; /* by address */
    /* Told of every change that a restart must know of; may be NULL. */
    void (*changed)(void *ctx, const struct dhcp_slot *);
    void *ctx;
};

/* Who asks. */
struct dhcp_asker {
    uint8_t mac[6];
    bool known; /* by somebody else: booted from us before */
    uint8_t pool;
    uint32_t xid;
    struct mono now;
};

struct dhcp_lease_plan {
    const struct dhcp_pool *pool;
    unsigned pools; /* 0: no addresses are given out */
    const struct dhcp_reservation *reservation;
    unsigned reservations;
    uint32_t own; /* never given out */
    uint32_t lease_s;
    uint32_t key; /* random */
};

/* `t` zeroed, `changed` and `ctx` set. The plan is copied. 0, or DHCP_EPOOL or DHCP_ERESERVE and a
 * sentence. */
int dhcp_leases_init(struct dhcp_leases *t, const struct dhcp_lease_plan *, struct err *);

struct dhcp_slot *dhcp_lease_at(struct dhcp_leases *, uint32_t address);
/* The pool whose subnet this address is in; -1: none. */
int dhcp_pool_of(const struct dhcp_leases *, uint32_t address);

/* What to offer; `wanted` (0: nothing) is given when nobody else has a claim to it. The slot then
 * carries the offer and the seconds in it. NULL: there is nothing for him now. */
struct dhcp_slot *dhcp_lease_offer(struct dhcp_leases *, const struct dhcp_asker *,
                                   uint32_t wanted);
/* Whether this address may be granted to him now. */
bool dhcp_lease_grantable(struct dhcp_leases *, const struct dhcp_asker *,
                          const struct dhcp_slot *);
/* Grants it, which dhcp_lease_grantable allowed; returns the seconds. The same xid gets the same
 * seconds. */
uint32_t dhcp_lease_bind(struct dhcp_leases *, const struct dhcp_asker *, struct dhcp_slot *);
/* He took another server's offer. */
void dhcp_lease_forget_offer(struct dhcp_leases *, const uint8_t mac[6], unsigned pool);
void dhcp_lease_release(struct dhcp_slot *, struct mono now);
/* The owner, or whom it was offered to, found somebody else on it. At most an eighth of a pool is
 * left alone at a time, then the oldest comes back. */
void dhcp_lease_decline(struct dhcp_leases *, struct dhcp_slot *, struct mono now);
/* This machine is real: off probation. */
void dhcp_lease_vouch(struct dhcp_leases *, const uint8_t mac[6]);
/* Leases that ended and quarantines that are over. At least once a second. */
void dhcp_lease_sweep(struct dhcp_leases *, struct mono now);

/* A slot as it stood before a restart; its lease counts anew from `now` in full, because no clock
 * tells how long we were away. False when it does not fit these pools and reservations any more. */
bool dhcp_lease_restore(struct dhcp_leases *, uint32_t address, const uint8_t mac[6],
                        uint32_t seconds, bool probation, bool bound, struct mono now);

/* Strangers are held back in this pool. */
static inline bool dhcp_pool_flooded(const struct dhcp_leases *t, unsigned pool)
{
    return t->count[pool].probation * 4 > t->count[pool].size;
}

#endif
