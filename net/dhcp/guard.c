#include "net/dhcp/guard.h"

#include <stdio.h>
#include <string.h>

/* From the start: two while listening, for one may be lost, then ever less often. */
static const int64_t early[] = {0, 1500 * MONO_MS, 8 * MONO_S, 15 * MONO_S, 35 * MONO_S};

void dhcp_guard_init(struct dhcp_guard *g, const uint8_t mac[6], uint32_t address, uint64_t seed,
                     struct mono now)
{
    *g = (struct dhcp_guard){.state = DHCP_GUARD_LISTENING,
                             .address = address,
                             .rng = {seed},
                             .began = now,
                             .next = now};
    memcpy(g->mac, mac, 6);
}

/* Up to a quarter more, so that two guards that see each other do not stay in step. */
static int64_t about(struct dhcp_guard *g, int64_t ns)
{
    return ns + (int64_t)rng_below(&g->rng, (uint64_t)ns / 4);
}

static struct mono next_probe(struct dhcp_guard *g, struct mono now)
{
    if (g->state == DHCP_GUARD_FOREIGN)
        return mono_add(now, about(g, DHCP_GUARD_FOREIGN_NS));
    if (g->sent < sizeof early / sizeof *early)
        return mono_add(g->began, early[g->sent]);
    return mono_add(now, about(g, DHCP_GUARD_WATCH_NS));
}

static size_t probe(struct dhcp_guard *g, uint8_t out[DHCP_REPLY_MIN])
{
    struct dhcp_message head = {.op = DHCP_REQUEST_OP,
                                .htype = 1,
                                .hlen = 6,
                                .flags = DHCP_BROADCAST,
                                .type = DHCP_DISCOVER};
    static const uint8_t parameters[] = {DHCP_O_MASK, DHCP_O_ROUTER, DHCP_O_SERVER};
    struct dhcp_writer dw;

    g->xid = head.xid = (uint32_t)rng_u64(&g->rng);
    memcpy(head.chaddr, g->mac, 6);
    dhcp_write_start(&dw, out, DHCP_REPLY_MIN, &head);
    dhcp_put(&dw, DHCP_O_PARAMETERS, parameters, sizeof parameters);
    return dhcp_write_end(&dw);
}

static void become(struct dhcp_guard *g, enum dhcp_guard_state state, struct mono now)
{
    g->state = state;
    g->sent = 0;
    g->began = now;
    if (state == DHCP_GUARD_CLEAR) {
        g->n = 0;
        g->sent = sizeof early / sizeof *early;
    }
    g->next = next_probe(g, now);
}

size_t dhcp_guard_tick(struct dhcp_guard *g, struct mono now, uint8_t out[DHCP_REPLY_MIN],
                       bool *changed)
{
    enum dhcp_guard_state was = g->state;
    size_t n;

    if (g->state == DHCP_GUARD_LISTENING && mono_sub(now, g->began) >= DHCP_GUARD_LISTEN_NS)
        g->state = DHCP_GUARD_CLEAR; /* the early probes go on */
    *changed = g->state != was;
    if (mono_sub(g->next, now) > 0)
        return 0;
    if (g->state == DHCP_GUARD_FOREIGN && g->sent >= DHCP_GUARD_SILENT) {
        become(g, DHCP_GUARD_CLEAR, now);
        *changed = true;
    }
    n = probe(g, out);
    g->sent++;
    g->next = next_probe(g, now);
    return n;
}

/* Whether this message is a sign of another server that gives out addresses. `server`: who it is.
 */
static bool foreign_sign(const struct dhcp_guard *g, const struct dhcp_message *m,
                         const uint8_t from_mac[6], uint32_t from_address, uint32_t *server)
{
    *server = dhcp_option_u32(m, DHCP_O_SERVER, 0);
    if (m->op == DHCP_REQUEST_OP)
        return m->type == DHCP_REQUEST && !m->giaddr && *server && *server != g->address;
    if (!*server)
        *server = from_address;
    if (memcmp(from_mac, g->mac, 6) == 0 || !*server)
        return false;
    if (*server == g->address && m->giaddr) /* ours, which a relay brings to its client */
        return false;
    return m->type == DHCP_NAK || ((m->type == DHCP_OFFER || m->type == DHCP_ACK) && m->yiaddr);
}

/* Its row, moved to the front; the one heard longest ago makes room. */
static struct dhcp_foreign *row_of(struct dhcp_guard *g, uint32_t server, struct mono now)
{
    struct dhcp_foreign row = {.address = server, .first = now};
    unsigned i = 0;

    while (i < g->n && g->foreign[i].address != server)
        i++;
    if (i < g->n)
        row = g->foreign[i];
    else if (g->n < DHCP_FOREIGN_MAX)
        g->n++;
    else
        i = g->n - 1;
    memmove(&g->foreign[1], &g->foreign[0], i * sizeof *g->foreign);
    g->foreign[0] = row;
    return &g->foreign[0];
}

bool dhcp_guard_hear(struct dhcp_guard *g, struct mono now, const struct dhcp_message *m,
                     const uint8_t from_mac[6], uint32_t from_address)
{
    struct dhcp_foreign *row;
    uint32_t server;

    if (!foreign_sign(g, m, from_mac, from_address, &server))
        return false;
    row = row_of(g, server, now);
    row->last = now;
    row->heard++;
    if (m->op == DHCP_REPLY_OP) {
        memcpy(row->mac, from_mac, 6);
        row->offered = m->yiaddr ? m->yiaddr : row->offered;
    }
    if (g->state == DHCP_GUARD_FOREIGN) {
        g->sent = 0;
        return false;
    }
    become(g, DHCP_GUARD_FOREIGN, now);
    return true;
}

static bool tells_what_to_boot(const struct dhcp_message *m)
{
    return dhcp_option_begins(m, DHCP_O_CLASS, "PXEClient") ||
           dhcp_option_begins(m, DHCP_O_CLASS, "HTTPClient") || m->file[0] ||
           dhcp_option(m, DHCP_O_BOOT_FILE);
}

static bool boots_known(const struct dhcp_guard *g, struct mono now)
{
    return g->boots.heard && mono_sub(now, g->boots.last) < DHCP_GUARD_BOOTS_NS;
}

bool dhcp_guard_hear_boots(struct dhcp_guard *g, struct mono now, const struct dhcp_message *m,
                           const uint8_t from_mac[6], uint32_t from_address)
{
    uint32_t server = dhcp_option_u32(m, DHCP_O_SERVER, from_address);
    bool known;

    if (m->op != DHCP_REPLY_OP || (m->type != DHCP_OFFER && m->type != DHCP_ACK) ||
        memcmp(from_mac, g->mac, 6) == 0 || m->giaddr || !server || !tells_what_to_boot(m))
        return false;
    known =
        boots_known(g, now) && g->boots.address == server && memcmp(g->boots.mac, from_mac, 6) == 0;
    if (!known)
        g->boots = (struct dhcp_foreign){.address = server, .first = now};
    memcpy(g->boots.mac, from_mac, 6);
    g->boots.heard++;
    g->boots.last = now;
    return !known;
}

const struct dhcp_foreign *dhcp_guard_foreign(const struct dhcp_guard *g)
{
    return g->n ? &g->foreign[0] : NULL;
}

static const char *address_text(char buf[16], uint32_t a)
{
    snprintf(buf, 16, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    return buf;
}

const char *dhcp_guard_text(char buf[DHCP_GUARD_TEXT], const struct dhcp_guard *g)
{
    static const uint8_t none[6];
    const struct dhcp_foreign *f = dhcp_guard_foreign(g);
    char a[16], b[16], mac[DHCP_MAC_TEXT];
    int n;

    if (!f) {
        snprintf(buf, DHCP_GUARD_TEXT,
                 g->state == DHCP_GUARD_LISTENING ? "listening for another DHCP server"
                                                  : "no other DHCP server answers here");
        return buf;
    }
    n = snprintf(buf, DHCP_GUARD_TEXT, "another DHCP server answers here: %s at %s%s",
                 address_text(a, f->address),
                 memcmp(f->mac, none, 6) ? dhcp_mac_text(mac, f->mac) : "a station not seen yet",
                 f->address == g->address ? ", this box's own address" : "");
    if (f->offered)
        snprintf(buf + n, DHCP_GUARD_TEXT - (size_t)n, ", it offered %s",
                 address_text(b, f->offered));
    return buf;
}

const char *dhcp_guard_boots_text(char buf[DHCP_GUARD_TEXT], const struct dhcp_guard *g,
                                  struct mono now)
{
    char a[16], mac[DHCP_MAC_TEXT];

    buf[0] = 0;
    if (boots_known(g, now))
        snprintf(buf, DHCP_GUARD_TEXT,
                 "another boot server answers here: %s at %s: machines may start from it instead "
                 "of from this box",
                 address_text(a, g->boots.address), dhcp_mac_text(mac, g->boots.mac));
    return buf;
}
