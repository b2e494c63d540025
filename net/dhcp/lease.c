#include "net/dhcp/lease.h"

#include <stdio.h>
#include <string.h>

#define ANOTHER_EXCHANGE_NS MONO_S /* after an ACK: sooner it is the same one, sent again */

/* ---- small things ---- */

static uint64_t mix(const uint8_t mac[6], uint64_t key)
{
    uint64_t z = key;

    for (int i = 0; i < 6; i++)
        z = z << 8 | (z >> 56 ^ mac[i]);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static unsigned bucket_of(const struct dhcp_leases *t, const uint8_t mac[6])
{
    return (unsigned)(mix(mac, t->key) % DHCP_BUCKETS);
}

static bool same(const uint8_t a[6], const uint8_t b[6])
{
    return memcmp(a, b, 6) == 0;
}

static uint32_t mask_of(unsigned prefix)
{
    return ~UINT32_C(0) << (32 - prefix);
}

static const char *text(char buf[16], uint32_t a)
{
    snprintf(buf, 16, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    return buf;
}

static bool offered(const struct dhcp_slot *slot, struct mono now)
{
    return mono_sub(slot->offer.until, now) > 0;
}

static bool offered_to(const struct dhcp_slot *slot, const struct dhcp_asker *a)
{
    return offered(slot, a->now) && same(slot->offer.mac, a->mac);
}

/* ---- owners ---- */

static bool has_owner(const struct dhcp_slot *slot)
{
    return slot->state == DHCP_SLOT_BOUND || slot->state == DHCP_SLOT_PAST;
}

static void owner_link(struct dhcp_leases *t, struct dhcp_slot *slot)
{
    uint16_t *head = &t->owner[bucket_of(t, slot->mac)];

    slot->next = *head;
    *head = (uint16_t)(slot - t->slot + 1);
}

static void owner_unlink(struct dhcp_leases *t, struct dhcp_slot *slot)
{
    uint16_t *at = &t->owner[bucket_of(t, slot->mac)];

    while (*at != (uint16_t)(slot - t->slot + 1))
        at = &t->slot[*at - 1].next;
    *at = slot->next;
}

static struct dhcp_slot *owned_by(struct dhcp_leases *t, const uint8_t mac[6])
{
    for (unsigned i = t->owner[bucket_of(t, mac)]; i; i = t->slot[i - 1].next)
        if (same(t->slot[i - 1].mac, mac))
            return &t->slot[i - 1];
    return NULL;
}

static struct dhcp_slot *reserved_for(struct dhcp_leases *t, const uint8_t mac[6])
{
    for (unsigned i = t->reservation[bucket_of(t, mac)]; i; i = t->slot[i - 1].next_reserved)
        if (same(t->slot[i - 1].reserved_for, mac))
            return &t->slot[i - 1];
    return NULL;
}

/* ---- states: all changes go through here, and so do the counts ---- */

static void count(struct dhcp_leases *t, const struct dhcp_slot *slot, uint32_t by)
{
    struct dhcp_pool_count *c = &t->count[slot->pool];

    if (slot->reserved)
        return;
    switch (slot->state) {
    case DHCP_SLOT_NEW:
        c->spare += by;
        break;
    case DHCP_SLOT_BOUND:
        c->bound += by;
        c->probation += slot->probation ? by : 0;
        break;
    case DHCP_SLOT_DECLINED:
        c->declined += by;
        break;
    case DHCP_SLOT_PAST:
        c->spare += slot->probation ? by : 0;
        break;
    }
}

static void set(struct dhcp_leases *t, struct dhcp_slot *slot, enum dhcp_slot_state state,
                bool probation)
{
    count(t, slot, UINT32_MAX);
    slot->state = state;
    slot->probation = probation;
    count(t, slot, 1);
}

static void changed(struct dhcp_leases *t, const struct dhcp_slot *slot)
{
    if (t->changed)
        t->changed(t->ctx, slot);
}

/* Nobody's any more. */
static void forget(struct dhcp_leases *t, struct dhcp_slot *slot, enum dhcp_slot_state state)
{
    bool had = has_owner(slot);

    if (had)
        owner_unlink(t, slot);
    set(t, slot, state, false);
    memset(slot->mac, 0, sizeof slot->mac);
    slot->seconds = slot->xid = 0;
    if (had)
        changed(t, slot);
}

static void own(struct dhcp_leases *t, struct dhcp_slot *slot, const uint8_t mac[6])
{
    struct dhcp_slot *old = owned_by(t, mac);

    if (old)
        forget(t, old, DHCP_SLOT_NEW);
    if (has_owner(slot)) {
        if (!slot->probation)
            memcpy(t->displaced[bucket_of(t, slot->mac)], slot->mac, 6);
        owner_unlink(t, slot);
    }
    memcpy(slot->mac, mac, 6);
    owner_link(t, slot);
    slot->seconds = slot->xid = 0;
}

/* ---- the plan ---- */

static bool inside(const struct dhcp_pool *p, uint32_t address)
{
    uint32_t mask = mask_of(p->prefix);

    return (address & mask) == (p->network & mask) && (address & ~mask) != 0 &&
           (address | mask) != UINT32_MAX;
}

int dhcp_pool_of(const struct dhcp_leases *t, uint32_t address)
{
    for (unsigned i = 0; i < t->pools; i++)
        if (inside(&t->pool[i], address))
            return (int)i;
    return -1;
}

/* Where the address stands, or would stand. */
static unsigned place(const struct dhcp_leases *t, uint32_t address)
{
    unsigned low = 0, high = t->n;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (t->slot[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dhcp_slot *dhcp_lease_at(struct dhcp_leases *t, uint32_t address)
{
    unsigned i = place(t, address);

    return i < t->n && t->slot[i].address == address ? &t->slot[i] : NULL;
}

static struct dhcp_slot *add(struct dhcp_leases *t, uint32_t address, unsigned pool)
{
    unsigned i = place(t, address);

    memmove(&t->slot[i + 1], &t->slot[i], (t->n++ - i) * sizeof *t->slot);
    t->slot[i] = (struct dhcp_slot){.address = address, .pool = (uint8_t)pool};
    return &t->slot[i];
}

static int add_pool(struct dhcp_leases *t, const struct dhcp_lease_plan *plan, unsigned i,
                    struct err *err)
{
    const struct dhcp_pool *p = &plan->pool[i];
    char a[16], b[16];

    if (p->prefix < 8 || p->prefix > 30)
        return err_set(err, DHCP_EPOOL, "expected a subnet of 8 to 30 bits for the pool, got /%u",
                       p->prefix);
    if (p->first > p->last || !inside(p, p->first) || !inside(p, p->last))
        return err_set(err, DHCP_EPOOL,
                       "expected a pool FIRST-LAST within the box's subnet /%u, got %s-%s",
                       p->prefix, text(a, p->first), text(b, p->last));
    if (p->last - p->first >= DHCP_POOL_ADDRESSES_MAX - t->n)
        return err_set(err, DHCP_EPOOL, "expected at most %d addresses in all pools, got more",
                       DHCP_POOL_ADDRESSES_MAX);
    for (unsigned k = 0; k < t->pools; k++)
        if (inside(&t->pool[k], p->first) || inside(p, t->pool[k].first))
            return err_set(err, DHCP_EPOOL, "expected pools in different subnets, got %s twice",
                           text(a, p->first));
    t->pool[t->pools++] = *p;
    for (uint32_t address = p->first; address - p->first <= p->last - p->first; address++)
        if (address != plan->own && address != p->router)
            add(t, address, i);
    return 0;
}

static int add_reservation(struct dhcp_leases *t, const struct dhcp_lease_plan *plan,
                           const struct dhcp_reservation *r, struct err *err)
{
    int pool = dhcp_pool_of(t, r->address);
    struct dhcp_slot *slot;
    char a[16];

    if (pool < 0 || r->address == plan->own || r->address == t->pool[pool].router)
        return err_set(err, DHCP_ERESERVE,
                       "expected to reserve a machine's address within the box's subnet, got %s",
                       text(a, r->address));
    slot = dhcp_lease_at(t, r->address);
    if (!slot)
        slot = add(t, r->address, (unsigned)pool);
    if (slot->reserved)
        return err_set(err, DHCP_ERESERVE,
                       "expected to reserve an address for one machine, got %s twice",
                       text(a, r->address));
    slot->reserved = true;
    memcpy(slot->reserved_for, r->mac, 6);
    return 0;
}

/* Everybody is in place: counts, and the way from a MAC to its reservation. */
static int index_slots(struct dhcp_leases *t, struct err *err)
{
    for (unsigned i = t->n; i-- > 0;) {
        struct dhcp_slot *slot = &t->slot[i];
        uint16_t *head = &t->reservation[bucket_of(t, slot->reserved_for)];

        t->pool_first[slot->pool] = i;
        t->pool_slots[slot->pool]++;
        t->count[slot->pool].size += !slot->reserved;
        count(t, slot, 1);
        if (!slot->reserved)
            continue;
        if (reserved_for(t, slot->reserved_for))
            return err_set(err, DHCP_ERESERVE,
                           "expected one reservation a machine, got two for the machine of %s",
                           text((char[16]){0}, slot->address));
        slot->next_reserved = *head;
        *head = (uint16_t)(i + 1);
    }
    return 0;
}

int dhcp_leases_init(struct dhcp_leases *t, const struct dhcp_lease_plan *plan, struct err *err)
{
    int rc = 0;

    t->key = plan->key;
    t->lease_s = plan->lease_s;
    if (plan->pools > DHCP_POOLS_MAX)
        return err_set(err, DHCP_EPOOL, "expected at most %d pools, got %u", DHCP_POOLS_MAX,
                       plan->pools);
    if (plan->reservations > DHCP_RESERVATIONS_MAX)
        return err_set(err, DHCP_ERESERVE, "expected at most %d reservations, got %u",
                       DHCP_RESERVATIONS_MAX, plan->reservations);
    for (unsigned i = 0; i < plan->pools && rc == 0; i++)
        rc = add_pool(t, plan, i, err);
    for (unsigned i = 0; i < plan->reservations && rc == 0; i++)
        rc = add_reservation(t, plan, &plan->reservation[i], err);
    return rc ? rc : index_slots(t, err);
}

/* ---- who gets what ---- */

static struct dhcp_slot *usable_reservation(struct dhcp_leases *t, const uint8_t mac[6])
{
    struct dhcp_slot *slot = reserved_for(t, mac);

    if (!slot || slot->state == DHCP_SLOT_DECLINED ||
        (slot->state == DHCP_SLOT_BOUND && !same(slot->mac, mac)))
        return NULL;
    return slot;
}

static struct dhcp_slot *mine(struct dhcp_leases *t, const struct dhcp_asker *a)
{
    struct dhcp_slot *slot = usable_reservation(t, a->mac);

    if (!slot || slot->pool != a->pool)
        slot = owned_by(t, a->mac);
    return slot && slot->pool == a->pool ? slot : NULL;
}

static bool stranger(struct dhcp_leases *t, const struct dhcp_asker *a)
{
    const struct dhcp_slot *slot = owned_by(t, a->mac);

    return !a->known && !(slot && !slot->probation) && !reserved_for(t, a->mac) &&
           !same(t->displaced[bucket_of(t, a->mac)], a->mac);
}

static uint32_t unbound(const struct dhcp_pool_count *c)
{
    return c->size - c->bound - c->declined;
}

/* While strangers are held back they get neither what was somebody's nor the last of what was
 * nobody's. */
static bool held_back(const struct dhcp_leases *t, const struct dhcp_slot *slot)
{
    const struct dhcp_pool_count *c = &t->count[slot->pool];

    if (!dhcp_pool_flooded(t, slot->pool))
        return false;
    return (slot->state == DHCP_SLOT_PAST && !slot->probation) || c->spare <= c->size / DHCP_SHARE;
}

/* How gladly this address, which is not his, is given to him; 0: not at all. */
static int gladness(const struct dhcp_leases *t, const struct dhcp_slot *slot,
                    const struct dhcp_asker *a, bool strange, uint32_t wanted)
{
    int g = slot->state == DHCP_SLOT_NEW ? 3 : slot->probation ? 2 : 1;

    if (slot->reserved || slot->state == DHCP_SLOT_BOUND || slot->state == DHCP_SLOT_DECLINED)
        return 0;
    if (strange && held_back(t, slot))
        return 0;
    if (offered_to(slot, a))
        return 9;
    if (offered(slot, a->now))
        return slot->offer.known ? 0 : g;
    return g > 1 && slot->address == wanted ? g + 5 : g + 3;
}

/* Of two equally good ones: the older offer, then the older history. */
static bool better(const struct dhcp_slot *x, const struct dhcp_slot *than, struct mono now)
{
    if (offered(x, now) && offered(than, now))
        return mono_sub(than->offer.until, x->offer.until) > 0;
    return x->state == DHCP_SLOT_PAST && than->state == DHCP_SLOT_PAST &&
           mono_sub(than->until, x->until) > 0;
}

/* Everybody begins the search at a place of his own, which stays the same when all memory is lost.
 */
static struct dhcp_slot *choose(struct dhcp_leases *t, const struct dhcp_asker *a, bool strange,
                                uint32_t wanted)
{
    unsigned n = t->pool_slots[a->pool], first = t->pool_first[a->pool];
    unsigned start = n ? (unsigned)(mix(a->mac, 0) % n) : 0;
    struct dhcp_slot *best = NULL;
    int most = 0;

    for (unsigned i = 0; i < n; i++) {
        struct dhcp_slot *slot = &t->slot[first + (start + i) % n];
        int g = gladness(t, slot, a, strange, wanted);

        if (g > most || (g && g == most && better(slot, best, a->now))) {
            most = g;
            best = slot;
        }
    }
    return best;
}

/* A stranger's first lease is short while addresses are scarce. */
static uint32_t seconds_for(struct dhcp_leases *t, const struct dhcp_asker *a,
                            const struct dhcp_slot *slot, bool strange)
{
    const struct dhcp_pool_count *c = &t->count[slot->pool];
    bool scarce = !slot->reserved && unbound(c) < c->size / 4;

    if (has_owner(slot) && same(slot->mac, a->mac) && !slot->probation)
        strange = false;
    return strange && scarce && t->lease_s > DHCP_PROBATION_S ? DHCP_PROBATION_S : t->lease_s;
}

struct dhcp_slot *dhcp_lease_offer(struct dhcp_leases *t, const struct dhcp_asker *a,
                                   uint32_t wanted)
{
    struct dhcp_slot *slot = mine(t, a);
    bool strange = stranger(t, a);

    if (!slot)
        slot = choose(t, a, strange, wanted);
    if (!slot)
        return NULL;
    if (!offered_to(slot, a) || slot->offer.xid != a->xid)
        slot->offer.seconds = seconds_for(t, a, slot, strange);
    memcpy(slot->offer.mac, a->mac, 6);
    slot->offer.known = !strange;
    slot->offer.xid = a->xid;
    slot->offer.until = mono_add(a->now, DHCP_OFFER_NS);
    return slot;
}

bool dhcp_lease_grantable(struct dhcp_leases *t, const struct dhcp_asker *a,
                          const struct dhcp_slot *slot)
{
    const struct dhcp_slot *his = mine(t, a);
    bool strange = stranger(t, a);

    if (slot->pool != a->pool)
        return false;
    if (his)
        return his == slot;
    /* Nobody takes what is another machine's history by naming it: it must have been offered, if to
     * somebody else. */
    if (strange && slot->state == DHCP_SLOT_PAST && !slot->probation && !offered(slot, a->now))
        return false;
    return gladness(t, slot, a, strange, 0) > 0;
}

uint32_t dhcp_lease_bind(struct dhcp_leases *t, const struct dhcp_asker *a, struct dhcp_slot *slot)
{
    bool strange = stranger(t, a), owner = has_owner(slot) && same(slot->mac, a->mac);
    bool again = owner && slot->state == DHCP_SLOT_BOUND && slot->xid == a->xid && slot->seconds;
    struct dhcp_slot was = *slot;

    if (owner && slot->xid != a->xid && mono_sub(a->now, slot->acked) >= ANOTHER_EXCHANGE_NS)
        strange = false;
    if (!owner)
        own(t, slot, a->mac);
    if (!again) {
        slot->seconds = seconds_for(t, a, slot, strange);
        slot->acked = a->now;
        slot->xid = a->xid;
    }
    set(t, slot, DHCP_SLOT_BOUND, strange && !slot->reserved);
    slot->until = mono_add(a->now, slot->seconds * MONO_S);
    slot->offer.until = a->now;
    slot->released = false;
    if (!owner || was.state != slot->state || was.probation != slot->probation ||
        was.seconds != slot->seconds)
        changed(t, slot);
    return slot->seconds;
}

void dhcp_lease_forget_offer(struct dhcp_leases *t, const uint8_t mac[6], unsigned pool)
{
    for (unsigned i = 0; i < t->pool_slots[pool]; i++) {
        struct dhcp_slot *slot = &t->slot[t->pool_first[pool] + i];

        if (same(slot->offer.mac, mac))
            slot->offer.until = (struct mono){INT64_MIN / 2};
    }
}

void dhcp_lease_release(struct dhcp_slot *slot, struct mono now)
{
    struct mono end = mono_add(now, DHCP_RELEASE_NS);

    if (slot->state != DHCP_SLOT_BOUND)
        return;
    slot->released = true;
    if (mono_sub(slot->until, end) > 0)
        slot->until = end;
}

/* The quarantine that began first is over. */
static void oldest_back(struct dhcp_leases *t, unsigned pool)
{
    struct dhcp_slot *oldest = NULL;

    for (unsigned i = 0; i < t->pool_slots[pool]; i++) {
        struct dhcp_slot *slot = &t->slot[t->pool_first[pool] + i];

        if (slot->state == DHCP_SLOT_DECLINED && !slot->reserved &&
            (!oldest || mono_sub(oldest->until, slot->until) > 0))
            oldest = slot;
    }
    if (oldest)
        forget(t, oldest, DHCP_SLOT_NEW);
}

void dhcp_lease_decline(struct dhcp_leases *t, struct dhcp_slot *slot, struct mono now)
{
    const struct dhcp_pool_count *c = &t->count[slot->pool];

    if (!slot->reserved && c->declined >= c->size / 8 + 1)
        oldest_back(t, slot->pool);
    forget(t, slot, DHCP_SLOT_DECLINED);
    slot->until = mono_add(now, DHCP_DECLINE_NS);
    slot->offer.until = now;
}

void dhcp_lease_vouch(struct dhcp_leases *t, const uint8_t mac[6])
{
    struct dhcp_slot *slot = owned_by(t, mac);

    if (!slot || !slot->probation)
        return;
    set(t, slot, slot->state, false);
    changed(t, slot);
}

/* A lease that runs out while nothing is wrong was a real machine's. */
void dhcp_lease_sweep(struct dhcp_leases *t, struct mono now)
{
    bool flooded[DHCP_POOLS_MAX];

    for (unsigned i = 0; i < t->pools; i++)
        flooded[i] = dhcp_pool_flooded(t, i);
    for (unsigned i = 0; i < t->n; i++) {
        struct dhcp_slot *slot = &t->slot[i];

        if (mono_sub(slot->until, now) > 0)
            continue;
        if (slot->state == DHCP_SLOT_BOUND) {
            set(t, slot, DHCP_SLOT_PAST,
                slot->probation && (slot->released || flooded[slot->pool]));
            changed(t, slot);
        } else if (slot->state == DHCP_SLOT_DECLINED) {
            forget(t, slot, DHCP_SLOT_NEW);
        }
    }
}

bool dhcp_lease_restore(struct dhcp_leases *t, uint32_t address, const uint8_t mac[6],
                        uint32_t seconds, bool probation, bool bound, struct mono now)
{
    struct dhcp_slot *slot = dhcp_lease_at(t, address);
    void (*tell)(void *, const struct dhcp_slot *) = t->changed;

    if (!slot || (slot->reserved && !same(slot->reserved_for, mac)))
        return false;
    t->changed = NULL; /* who restores knows, and may not write while he reads */
    own(t, slot, mac);
    t->changed = tell;
    slot->seconds = seconds;
    slot->acked = now;
    slot->until = bound ? mono_add(now, seconds * MONO_S) : now;
    set(t, slot, bound ? DHCP_SLOT_BOUND : DHCP_SLOT_PAST, probation && !slot->reserved);
    return true;
}
