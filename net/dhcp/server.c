#include "net/dhcp/server.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

#define SWEEP_NS MONO_S
#define SAY_AGAIN_NS (60 * MONO_S)
#define RECORD_KEY_BYTES 4
#define RECORD_VALUE_BYTES 11 /* MAC 6, flags 1, seconds 4 */

enum record_flag { RECORD_BOUND = 1, RECORD_PROBATION = 2 };

/* One message under way. */
struct ask {
    struct dhcp_server *s;
    const struct dhcp_message *m;
    const struct dhcp_from *from;
    struct dhcp_asker who;
    struct dhcp_reply *out;
    struct dhcp_boot boot;
    bool boots;
};

static void tell(struct dhcp_server *s, enum dhcp_event_kind kind, const uint8_t mac[6],
                 uint32_t address)
{
    struct dhcp_event e = {.kind = kind, .address = address};

    if (!s->needs.tell)
        return;
    memcpy(e.mac, mac, 6);
    s->needs.tell(s->needs.ctx, &e);
}

/* ---- leases that outlive us ---- */

static void slot_changed(void *ctx, const struct dhcp_slot *slot)
{
    struct dhcp_server *s = ctx;
    uint8_t key[RECORD_KEY_BYTES], value[RECORD_VALUE_BYTES];
    struct writer k = writer_on(key, sizeof key), v = writer_on(value, sizeof value);
    bool kept = slot->state == DHCP_SLOT_BOUND || slot->state == DHCP_SLOT_PAST;

    if (!s->needs.store)
        return;
    wr_u32(&k, slot->address);
    wr_copy(&v, slot->mac, 6);
    wr_u8(&v, (slot->state == DHCP_SLOT_BOUND ? RECORD_BOUND : 0) |
                  (slot->probation ? RECORD_PROBATION : 0));
    wr_u32(&v, slot->seconds);
    s->needs.store(s->needs.ctx, key, sizeof key, value, kept ? sizeof value : 0);
}

int dhcp_server_restore(struct dhcp_server *s, const uint8_t *key, size_t nkey,
                        const uint8_t *value, size_t nvalue, struct mono now)
{
    struct reader k = reader_on(key, nkey), v = reader_on(value, nvalue);
    uint32_t address = rd_u32(&k), seconds;
    uint8_t mac[6], flags;

    rd_copy(&v, mac, 6);
    flags = rd_u8(&v);
    seconds = rd_u32(&v);
    if (!rd_done(&k) || !rd_done(&v) || mac[0] & 1 || flags > (RECORD_BOUND | RECORD_PROBATION) ||
        seconds < 1 || seconds > DHCP_LEASE_MAX_S)
        return DHCP_ERECORD;
    return dhcp_lease_restore(&s->leases, address, mac, seconds, flags & RECORD_PROBATION,
                              flags & RECORD_BOUND, now)
               ? 0
               : DHCP_ERECORD;
}

/* ---- replies ---- */

/* Where it goes (RFC 2131, 4.1). `head` is the reply's. */
static void direct(struct ask *a, const struct dhcp_message *head)
{
    struct dhcp_reply *out = a->out;

    out->port = DHCP_CLIENT_PORT;
    out->from_port = DHCP_SERVER_PORT;
    memcpy(out->mac, head->chaddr, 6);
    if (head->giaddr) {
        out->way = DHCP_TO_ADDRESS;
        out->address = head->giaddr;
        out->port = DHCP_SERVER_PORT;
    } else if (!head->ciaddr &&
               (head->flags & DHCP_BROADCAST || !head->yiaddr)) { /* every NAK among them */
        out->way = DHCP_TO_EVERYONE;
        out->address = UINT32_MAX;
    } else {
        out->address = head->ciaddr ? head->ciaddr : head->yiaddr;
        out->way =
            dhcp_pool_of(&a->s->leases, out->address) == 0 ? DHCP_TO_STATION : DHCP_TO_ADDRESS;
    }
}

static void start(struct ask *a, struct dhcp_writer *dw, const struct dhcp_message *head)
{
    direct(a, head);
    dhcp_write_start(dw, a->out->bytes, dhcp_reply_limit(a->m, DHCP_FRAME_MAX), head);
    dhcp_put_u32(dw, DHCP_O_SERVER, a->s->config.address);
}

/* What is in every reply goes last: the client's identifier (RFC 6842), and what its relay wants
 * back (RFC 3046). */
static void finish(struct ask *a, struct dhcp_writer *dw)
{
    static const uint8_t echoed[] = {DHCP_O_CLIENT, DHCP_O_RELAY};

    for (size_t i = 0; i < sizeof echoed; i++)
        for (const struct dhcp_option *o = dhcp_option(a->m, echoed[i]); o;
             o = dhcp_option_next(a->m, o))
            dhcp_put(dw, o->code, o->at, o->n);
    a->s->counters.cut += dw->dropped;
    a->out->n = dhcp_write_end(dw);
}

static void put_subnet(struct dhcp_writer *dw, const struct dhcp_config *c,
                       const struct dhcp_pool *pool)
{
    uint8_t dns[4 * DHCP_DNS_MAX];
    struct writer w = writer_on(dns, sizeof dns);

    dhcp_put_u32(dw, DHCP_O_MASK, ~UINT32_C(0) << (32 - pool->prefix));
    if (pool->router)
        dhcp_put_u32(dw, DHCP_O_ROUTER, pool->router);
    for (unsigned i = 0; i < DHCP_DNS_MAX; i++)
        if (c->dns[i])
            wr_u32(&w, c->dns[i]);
    if (w.done)
        dhcp_put(dw, DHCP_O_DNS, dns, w.done);
}

static bool ask_boot(struct ask *a, enum dhcp_boot_kind kind)
{
    const struct dhcp_boot_hook *h = &a->s->needs.boot;

    memset(&a->boot, 0, sizeof a->boot);
    a->boots = !a->s->quiet && h->boot && h->boot(h->ctx, a->m, kind, &a->boot);
    MUST(a->boot.n <= sizeof a->boot.options);
    return a->boots;
}

static void head_boot(const struct ask *a, struct dhcp_message *head)
{
    if (!a->boots)
        return;
    head->siaddr = a->boot.siaddr;
    memcpy(head->sname, a->boot.sname, DHCP_SNAME_BYTES);
    memcpy(head->file, a->boot.file, DHCP_FILE_BYTES);
}

static void put_boot(const struct ask *a, struct dhcp_writer *dw)
{
    struct reader r = reader_on(a->boot.options, a->boot.n);

    while (a->boots && r.left) {
        uint8_t code = rd_u8(&r);
        size_t n = rd_u8(&r);
        const uint8_t *at = rd_bytes(&r, n);

        MUST(!r.bad);
        dhcp_put(dw, code, at, n);
    }
}

/* OFFER or ACK of an address; `ciaddr` as RFC 2131's table 3 wants it. */
static bool reply_lease(struct ask *a, enum dhcp_type type, const struct dhcp_slot *slot,
                        uint32_t seconds)
{
    struct dhcp_message head;
    struct dhcp_writer dw;

    ask_boot(a, DHCP_BOOT_LEASE);
    dhcp_reply_head(&head, a->m, type);
    head.yiaddr = slot->address;
    head.ciaddr = type == DHCP_ACK ? a->m->ciaddr : 0;
    head_boot(a, &head);
    start(a, &dw, &head);
    dhcp_put_u32(&dw, DHCP_O_LEASE, seconds);
    put_subnet(&dw, &a->s->config, &a->s->leases.pool[slot->pool]);
    put_boot(a, &dw);
    finish(a, &dw);
    return true;
}

static bool reply_nak(struct ask *a, uint32_t address)
{
    struct dhcp_message head;
    struct dhcp_writer dw;

    a->s->counters.naks++;
    tell(a->s, DHCP_TELL_REFUSED, a->m->chaddr, address);
    dhcp_reply_head(&head, a->m, DHCP_NAK);
    if (head.giaddr)
        /* the client may not be reached any other way (RFC 2131, 4.3.2) */
        head.flags |= DHCP_BROADCAST;
    start(a, &dw, &head);
    finish(a, &dw);
    return true;
}

/* Boot fields alone: a proxy's OFFER, or an ACK from port 4011. */
static bool reply_boot(struct ask *a, enum dhcp_type type, enum dhcp_boot_kind kind)
{
    struct dhcp_message head;
    struct dhcp_writer dw;

    if (!ask_boot(a, kind)) {
        a->s->counters.unwanted++;
        return false;
    }
    dhcp_reply_head(&head, a->m, type);
    head.ciaddr = a->m->ciaddr;
    head_boot(a, &head);
    start(a, &dw, &head);
    put_boot(a, &dw);
    finish(a, &dw);
    a->s->counters.booted++;
    return true;
}

/* ---- requests ---- */

/* One machine, not many and not ourselves: whoever forges an address shall not aim our replies at
 * everybody. */
static bool answerable(const struct ask *a, uint32_t address)
{
    uint32_t net = address >> 24;

    return net && net != 127 && net < 224 && address != a->s->config.address;
}

static bool on_discover(struct ask *a)
{
    struct dhcp_server *s = a->s;
    struct dhcp_slot *slot =
        dhcp_lease_offer(&s->leases, &a->who, dhcp_option_u32(a->m, DHCP_O_ADDRESS, 0));

    if (slot) {
        s->counters.offers++;
        return reply_lease(a, DHCP_OFFER, slot, slot->offer.seconds);
    }
    if (dhcp_pool_flooded(&s->leases, a->who.pool))
        s->counters.held_back++;
    else
        s->counters.exhausted++;
    if (mono_sub(a->who.now, s->said_exhausted) >= SAY_AGAIN_NS) {
        s->said_exhausted = a->who.now;
        tell(s, DHCP_TELL_EXHAUSTED, a->m->chaddr, 0);
    }
    return false;
}

static bool grant(struct ask *a, struct dhcp_slot *slot)
{
    bool news = slot->state != DHCP_SLOT_BOUND || memcmp(slot->mac, a->who.mac, 6) != 0;
    uint32_t seconds = dhcp_lease_bind(&a->s->leases, &a->who, slot);

    a->s->counters.acks++;
    if (news)
        tell(a->s, DHCP_TELL_LEASE, a->who.mac, slot->address);
    return reply_lease(a, DHCP_ACK, slot, seconds);
}

/* The address a REQUEST is about, by the client's state (RFC 2131, 4.3.2); 0: it contradicts
 * itself. */
static uint32_t requested(const struct dhcp_message *m)
{
    uint32_t wanted = dhcp_option_u32(m, DHCP_O_ADDRESS, 0);

    return m->ciaddr ? m->ciaddr : wanted;
}

static bool on_request(struct ask *a)
{
    struct dhcp_server *s = a->s;
    uint32_t server = dhcp_option_u32(a->m, DHCP_O_SERVER, s->config.address),
             address = requested(a->m);
    struct dhcp_slot *slot = dhcp_lease_at(&s->leases, address);

    if (server != s->config.address) {
        s->counters.not_ours++;
        dhcp_lease_forget_offer(&s->leases, a->who.mac, a->who.pool);
        return false;
    }
    if (!address) {
        s->counters.malformed++;
        return false;
    }
    if (s->quiet &&
        !(slot && slot->state == DHCP_SLOT_BOUND && memcmp(slot->mac, a->who.mac, 6) == 0 &&
          dhcp_lease_grantable(&s->leases, &a->who, slot))) {
        s->counters.quiet++;
        return false;
    }
    return slot && dhcp_lease_grantable(&s->leases, &a->who, slot) ? grant(a, slot)
                                                                   : reply_nak(a, address);
}

/* Whether a message that takes something away comes from the machine it speaks of, as far as one
 * can see. */
static bool credible(const struct ask *a)
{
    return a->m->giaddr || dhcp_pool_of(&a->s->leases, a->from->address) > 0 ||
           memcmp(a->from->mac, a->m->chaddr, 6) == 0;
}

static bool for_us(const struct ask *a)
{
    return dhcp_option_u32(a->m, DHCP_O_SERVER, 0) == a->s->config.address;
}

static void on_release(struct ask *a)
{
    struct dhcp_slot *slot = dhcp_lease_at(&a->s->leases, a->m->ciaddr);

    if (!for_us(a)) {
        a->s->counters.not_ours++;
    } else if (!slot || slot->state != DHCP_SLOT_BOUND || memcmp(slot->mac, a->who.mac, 6) != 0 ||
               !credible(a)) {
        a->s->counters.unwanted++;
    } else {
        a->s->counters.released++;
        dhcp_lease_release(slot, a->who.now);
    }
}

static void on_decline(struct ask *a)
{
    uint32_t address = dhcp_option_u32(a->m, DHCP_O_ADDRESS, 0);
    struct dhcp_slot *slot = dhcp_lease_at(&a->s->leases, address);

    if (!for_us(a)) {
        a->s->counters.not_ours++;
    } else if (!slot || slot->state != DHCP_SLOT_BOUND || memcmp(slot->mac, a->who.mac, 6) != 0 ||
               !credible(a)) {
        a->s->counters.unwanted++;
    } else {
        a->s->counters.declined++;
        dhcp_lease_decline(&a->s->leases, slot, a->who.now);
        tell(a->s, DHCP_TELL_DECLINED, a->who.mac, address);
    }
}

/* Settings for a machine that has its address from elsewhere. */
static bool on_inform(struct ask *a)
{
    struct dhcp_message head;
    struct dhcp_writer dw;

    dhcp_reply_head(&head, a->m, DHCP_ACK);
    head.ciaddr = a->m->ciaddr ? a->m->ciaddr : a->from->address;
    if (!answerable(a, head.ciaddr) || dhcp_pool_of(&a->s->leases, head.ciaddr) < 0) {
        a->s->counters.malformed++;
        return false;
    }
    ask_boot(a, DHCP_BOOT_LEASE);
    head_boot(a, &head);
    start(a, &dw, &head);
    if (!a->m->giaddr || a->m->ciaddr) { /* the answer is for the machine, not for its relay */
        a->out->port = DHCP_CLIENT_PORT;
        a->out->address = head.ciaddr;
        a->out->way =
            dhcp_pool_of(&a->s->leases, head.ciaddr) == 0 ? DHCP_TO_STATION : DHCP_TO_ADDRESS;
    }
    put_subnet(&dw, &a->s->config, &a->s->leases.pool[a->who.pool]);
    put_boot(a, &dw);
    finish(a, &dw);
    a->s->counters.informed++;
    return true;
}

/* The subnet the client is in; false: we have none for it. */
static bool find_pool(struct ask *a)
{
    const struct dhcp_message *m = a->m;
    uint32_t at = m->giaddr ? m->giaddr : m->ciaddr;
    int pool = dhcp_pool_of(&a->s->leases, at);

    if (pool < 0 && !m->giaddr && a->s->leases.pools)
        pool = 0; /* on our own wire, wherever it thinks it is */
    a->who.pool = (uint8_t)(pool < 0 ? 0 : pool);
    a->s->counters.no_pool += pool < 0;
    return pool >= 0;
}

static bool as_server(struct ask *a)
{
    struct dhcp_server *s = a->s;

    if (!find_pool(a))
        return false;
    if (s->quiet && a->m->type != DHCP_REQUEST && a->m->type != DHCP_RELEASE) {
        s->counters.quiet++;
        return false;
    }
    switch (a->m->type) {
    case DHCP_DISCOVER:
        return on_discover(a);
    case DHCP_REQUEST:
        return on_request(a);
    case DHCP_INFORM:
        return on_inform(a);
    case DHCP_RELEASE:
        on_release(a);
        return false;
    case DHCP_DECLINE:
        on_decline(a);
        return false;
    default:
        s->counters.not_ours++;
        return false;
    }
}

static bool as_proxy(struct ask *a)
{
    if (a->s->quiet) {
        a->s->counters.quiet++;
        return false;
    }
    if (a->m->type == DHCP_DISCOVER && (!a->m->giaddr || answerable(a, a->m->giaddr)))
        return reply_boot(a, DHCP_OFFER, DHCP_BOOT_PROXY);
    a->s->counters.unwanted++;
    return false;
}

/* Port 4011: asked by a machine that has its address. The answer goes to where the question came
 * from. */
static bool as_boot_server(struct ask *a)
{
    uint32_t client = a->from->address;

    if ((a->m->type != DHCP_REQUEST && a->m->type != DHCP_INFORM) || !answerable(a, client) ||
        !a->from->port) {
        a->s->counters.unwanted++;
        return false;
    }
    if (!reply_boot(a, DHCP_ACK, DHCP_BOOT_BINL))
        return false;
    a->out->way = DHCP_TO_ADDRESS;
    a->out->address = client;
    a->out->port = a->from->port;
    a->out->from_port = DHCP_BINL_PORT;
    return true;
}

/* ---- the step ---- */

static void fill_asker(struct ask *a, struct mono now)
{
    const struct dhcp_needs *n = &a->s->needs;

    memcpy(a->who.mac, a->m->chaddr, 6);
    a->who.now = now;
    a->who.xid = a->m->xid;
    a->who.known = n->known && n->known(n->ctx, a->who.mac);
}

bool dhcp_server_step(struct dhcp_server *s, struct mono now, const struct dhcp_message *m,
                      const struct dhcp_from *from, struct dhcp_reply *out)
{
    struct ask a = {.s = s, .m = m, .from = from, .out = out};

    dhcp_server_tick(s, now);
    if (m->op != DHCP_REQUEST_OP || m->type == DHCP_BOOTP ||
        memcmp(m->chaddr, s->config.mac, 6) == 0) {
        s->counters.not_ours++;
        return false;
    }
    if (s->config.mode == DHCP_MODE_OFF) {
        s->counters.unwanted++;
        return false;
    }
    fill_asker(&a, now);
    if (from->to_port == DHCP_BINL_PORT) {
        s->counters.quiet += s->quiet;
        return !s->quiet && as_boot_server(&a);
    }
    return s->config.mode == DHCP_MODE_SERVER ? as_server(&a) : as_proxy(&a);
}

void dhcp_server_tick(struct dhcp_server *s, struct mono now)
{
    if (mono_sub(now, s->swept) < SWEEP_NS)
        return;
    s->swept = now;
    dhcp_lease_sweep(&s->leases, now);
}

int dhcp_server_init(struct dhcp_server *s, const struct dhcp_config *c,
                     const struct dhcp_needs *needs, struct err *err)
{
    struct dhcp_lease_plan plan = {.pool = c->pool,
                                   .pools = c->pools,
                                   .reservation = c->reservation,
                                   .reservations = c->reservations,
                                   .own = c->address,
                                   .lease_s = c->lease_s,
                                   .key = c->key};

    memset(s, 0, sizeof *s);
    s->config = *c;
    s->config.pool = NULL;
    s->config.reservation = NULL;
    if (needs)
        s->needs = *needs;
    s->leases.changed = slot_changed;
    s->leases.ctx = s;
    s->swept = s->said_exhausted = (struct mono){INT64_MIN / 2};
    if (c->mode != DHCP_MODE_SERVER)
        return 0;
    if (!c->pools)
        return err_set(err, DHCP_EPOOL,
                       "expected a pool of addresses for the DHCP server, got none");
    if (c->lease_s < DHCP_LEASE_MIN_S || c->lease_s > DHCP_LEASE_MAX_S)
        return err_set(err, DHCP_EPOOL, "expected leases of 1 minute to 30 days, got %u s",
                       c->lease_s);
    return dhcp_leases_init(&s->leases, &plan, err);
}

/* ---- what others ask ---- */

void dhcp_server_vouch(struct dhcp_server *s, const uint8_t mac[6])
{
    dhcp_lease_vouch(&s->leases, mac);
}

bool dhcp_server_who(struct dhcp_server *s, uint32_t address, uint8_t mac[6])
{
    const struct dhcp_slot *slot = dhcp_lease_at(&s->leases, address);

    if (!slot || slot->state != DHCP_SLOT_BOUND)
        return false;
    memcpy(mac, slot->mac, 6);
    return true;
}

void dhcp_server_fill(const struct dhcp_server *s, uint32_t *bound, uint32_t *left)
{
    *bound = *left = 0;
    for (unsigned i = 0; i < s->leases.pools; i++) {
        const struct dhcp_pool_count *c = &s->leases.count[i];

        *bound += c->bound;
        *left += c->size - c->bound - c->declined;
    }
}
