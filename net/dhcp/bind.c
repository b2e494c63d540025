#include "net/dhcp/bind.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/udp.h"
#include "net/os/random.h"
#include "net/wire/must.h"

#define ETHERNET_BYTES 14
#define IP_BYTES 20
#define UDP_BYTES 8
#define REQUEST_MAX 2048 /* clients send at most 1500; what is longer is none of theirs */
#define TTL 64           /* RFC 1700 */

struct dhcp_bind {
    struct ip_stack *stack;
    struct dhcp_server *server;
    struct dhcp_bind_needs needs;
    struct dhcp_guard guard;
    bool guarding;
    struct udp_pcb *requests, *binl, *replies; /* 67, 4011, 68; NULL: not bound */
    struct dhcp_message message;
    struct dhcp_from from;
    struct dhcp_reply reply;
    uint8_t in[REQUEST_MAX];
};

/* ---- out ---- */

struct frame {
    uint8_t mac[6]; /* to */
    uint32_t source, destination;
    uint16_t from_port, port;
};

static void write_headers(struct writer *w, const struct dhcp_bind *b, const struct frame *f,
                          size_t n)
{
    wr_copy(w, f->mac, 6);
    wr_copy(w, ip_stack_mac(b->stack), 6);
    wr_u16(w, 0x0800);
    wr_u8(w, 0x45); /* version 4, 5 words */
    wr_u8(w, 0);
    wr_u16(w, IP_BYTES + UDP_BYTES + n);
    wr_u32(w, 0); /* never fragmented: no identification */
    wr_u8(w, TTL);
    wr_u8(w, IP_PROTO_UDP);
    wr_u16(w, 0);
    wr_u32(w, f->source);
    wr_u32(w, f->destination);
    wr_u16(w, f->from_port);
    wr_u16(w, f->port);
    wr_u16(w, UDP_BYTES + n);
    wr_u16(w, 0);
}

/* Both checksums, which lwIP hands over as they are to stand in memory. */
static void write_checksums(struct pbuf *p, const struct frame *f)
{
    ip4_addr_t source = {lwip_htonl(f->source)}, destination = {lwip_htonl(f->destination)};
    uint8_t *ip = (uint8_t *)p->payload + ETHERNET_BYTES;
    uint16_t sum = inet_chksum(ip, IP_BYTES);

    memcpy(ip + 10, &sum, sizeof sum);
    pbuf_remove_header(p, ETHERNET_BYTES + IP_BYTES);
    sum = ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, &source, &destination);
    memcpy(ip + IP_BYTES + 6, &sum, sizeof sum);
    pbuf_add_header(p, ETHERNET_BYTES + IP_BYTES);
}

/* A datagram as one frame, past ARP and past our own address. False: lost. */
static bool send_frame(struct dhcp_bind *b, const struct frame *f, const uint8_t *bytes, size_t n)
{
    struct pbuf *p =
        pbuf_alloc(PBUF_RAW, (u16_t)(ETHERNET_BYTES + IP_BYTES + UDP_BYTES + n), PBUF_RAM);
    struct writer w;
    bool sent;

    if (!p)
        return false;
    w = writer_on(p->payload, p->len);
    write_headers(&w, b, f, n);
    wr_copy(&w, bytes, n);
    MUST(!w.bad && w.left == 0);
    write_checksums(p, f);
    sent = netif_default->linkoutput(netif_default, p) == ERR_OK;
    pbuf_free(p);
    return sent;
}

static bool send_datagram(struct udp_pcb *pcb, const struct dhcp_reply *r)
{
    struct pbuf *p = pcb ? pbuf_alloc(PBUF_TRANSPORT, (u16_t)r->n, PBUF_RAM) : NULL;
    ip_addr_t to = {lwip_htonl(r->address)};
    bool sent;

    if (!p)
        return false;
    pbuf_take(p, r->bytes, (u16_t)r->n);
    sent = udp_sendto(pcb, p, &to, r->port) == ERR_OK;
    pbuf_free(p);
    return sent;
}

static void send_reply(struct dhcp_bind *b)
{
    const struct dhcp_reply *r = &b->reply;
    struct frame f = {.source = b->server->config.address,
                      .destination = r->address,
                      .from_port = r->from_port,
                      .port = r->port};
    bool sent;

    MUST(r->n && r->n <= sizeof r->bytes);
    memset(f.mac, 0xff, 6);
    if (r->way == DHCP_TO_STATION)
        memcpy(f.mac, r->mac, 6);
    else
        f.destination = UINT32_MAX;
    if (r->way == DHCP_TO_ADDRESS || (r->way == DHCP_TO_STATION && r->n > DHCP_FRAME_MAX))
        sent = send_datagram(r->from_port == DHCP_BINL_PORT ? b->binl : b->requests, r);
    else
        sent = r->n <= DHCP_FRAME_MAX && send_frame(b, &f, r->bytes, r->n);
    b->server->counters.unsent += !sent;
}

/* ---- in ---- */

/* Where the datagram under way came from. Its frame lies in one piece of lwIP's pool, the Ethernet
 * header right before the IP header (net/ip/stack.c puts it there). */
static void note_source(struct dhcp_bind *b, const ip_addr_t *address, u16_t port, uint16_t to_port)
{
    const uint8_t *ip = (const uint8_t *)ip4_current_header();

    b->from = (struct dhcp_from){.address = lwip_ntohl(ip4_addr_get_u32(address)),
                                 .port = port,
                                 .to_port = to_port};
    memcpy(b->from.mac, ip - ETHERNET_BYTES + 6, 6);
}

/* The datagram into b->message; false: it is none of DHCP's, and counted. Frees it. */
static bool take(struct dhcp_bind *b, struct pbuf *p)
{
    size_t n = pbuf_copy_partial(p, b->in, sizeof b->in, 0);
    bool whole = n == p->tot_len;

    pbuf_free(p);
    if (whole && dhcp_decode(b->in, n, &b->message) == 0)
        return true;
    b->server->counters.malformed++;
    return false;
}

/* Whether our address is ours: else nothing may be said from it. */
static bool address_held(const struct dhcp_bind *b)
{
    const struct ip_claim *claim = ip_stack_claim(b->stack);

    return !claim || ip_claim_holds(claim);
}

static void set_quiet(struct dhcp_bind *b)
{
    const struct ip_claim *claim = ip_stack_claim(b->stack);

    b->server->quiet = (b->guarding && b->guard.state != DHCP_GUARD_CLEAR) ||
                       (claim && claim->state != IP_CLAIM_HELD);
}

static void guard_changed(struct dhcp_bind *b)
{
    set_quiet(b);
    if (b->needs.guarded)
        b->needs.guarded(b->needs.ctx, &b->guard);
}

static void guard_hears(struct dhcp_bind *b)
{
    if (dhcp_guard_hear_boots(&b->guard, ip_stack_now(b->stack), &b->message, b->from.mac,
                              b->from.address) &&
        b->needs.boots)
        b->needs.boots(b->needs.ctx, &b->guard);
    if (b->guarding && dhcp_guard_hear(&b->guard, ip_stack_now(b->stack), &b->message, b->from.mac,
                                       b->from.address))
        guard_changed(b);
}

/* Whether the message is the service's alone; an answer of its has left by then. */
static bool served(struct dhcp_bind *b)
{
    const struct dhcp_service *s = &b->needs.service;
    int handled;

    if (!s->handle || b->server->quiet || b->message.op != DHCP_REQUEST_OP)
        return false;
    handled = s->handle(s->ctx, ip_stack_now(b->stack), &b->message, &b->reply);
    if (handled == DHCP_ANSWERED || handled == DHCP_ANSWERED_TOO)
        send_reply(b);
    return handled == DHCP_CONSUMED || handled == DHCP_ANSWERED;
}

static void on_request(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *address,
                       u16_t port)
{
    struct dhcp_bind *b = arg;

    note_source(b, address, port, pcb->local_port);
    if (!take(b, p))
        return;
    guard_hears(b);
    set_quiet(b);
    if (!address_held(b)) {
        b->server->counters.quiet++;
        return;
    }
    if (pcb == b->requests && served(b))
        return;
    if (dhcp_server_step(b->server, ip_stack_now(b->stack), &b->message, &b->from, &b->reply))
        send_reply(b);
}

static void on_reply(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *address,
                     u16_t port)
{
    struct dhcp_bind *b = arg;

    note_source(b, address, port, pcb->local_port);
    if (take(b, p) && b->message.op == DHCP_REPLY_OP)
        guard_hears(b);
}

/* ---- life ---- */

static int listen_on(struct dhcp_bind *b, struct udp_pcb **pcb, uint16_t port, udp_recv_fn receive)
{
    *pcb = udp_new();
    if (!*pcb)
        return DHCP_EMEMORY;
    ip_set_option(*pcb, SOF_BROADCAST);
    if (udp_bind(*pcb, IP_ADDR_ANY, port) != ERR_OK)
        return DHCP_EBIND;
    udp_recv(*pcb, receive, b);
    return 0;
}

static int listen_all(struct dhcp_bind *b)
{
    int rc = 0;

    if (b->server->config.mode == DHCP_MODE_OFF)
        return 0;
    rc = listen_on(b, &b->requests, DHCP_SERVER_PORT, on_request);
    rc = rc ? rc : listen_on(b, &b->binl, DHCP_BINL_PORT, on_request);
    if (rc || b->needs.unguarded)
        return rc;
    return listen_on(b, &b->replies, DHCP_CLIENT_PORT, on_reply);
}

static void guard_begin(struct dhcp_bind *b)
{
    uint64_t seed;

    random_fill(&seed, sizeof seed);
    b->guarding = b->server->config.mode == DHCP_MODE_SERVER && !b->needs.unguarded;
    dhcp_guard_init(&b->guard, ip_stack_mac(b->stack), b->server->config.address, seed,
                    ip_stack_now(b->stack));
    set_quiet(b);
}

int dhcp_bind_open(struct dhcp_bind **out, struct ip_stack *stack, struct dhcp_server *server,
                   const struct dhcp_bind_needs *needs, struct err *err)
{
    struct dhcp_bind *b = calloc(1, sizeof *b);
    int rc = DHCP_EMEMORY;

    *out = NULL;
    if (b) {
        b->stack = stack;
        b->server = server;
        if (needs)
            b->needs = *needs;
        guard_begin(b);
        rc = listen_all(b);
    }
    if (rc) {
        dhcp_bind_close(b);
        return err_set(err, rc, "cannot listen on the DHCP ports: %s",
                       rc == DHCP_EBIND ? "one is in use" : "out of memory");
    }
    *out = b;
    return 0;
}

void dhcp_bind_tick(struct dhcp_bind *b, struct mono now)
{
    struct frame f = {.mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                      .destination = UINT32_MAX,
                      .from_port = DHCP_CLIENT_PORT,
                      .port = DHCP_SERVER_PORT};
    uint8_t probe[DHCP_REPLY_MIN];
    bool changed;
    size_t n;

    dhcp_server_tick(b->server, now);
    set_quiet(b);
    if (!b->guarding)
        return;
    n = dhcp_guard_tick(&b->guard, now, probe, &changed);
    if (n)
        b->server->counters.unsent += !send_frame(b, &f, probe, n);
    if (changed)
        guard_changed(b);
}

const struct dhcp_guard *dhcp_bind_guard(const struct dhcp_bind *b)
{
    return &b->guard;
}

void dhcp_bind_close(struct dhcp_bind *b)
{
    if (!b)
        return;
    if (b->requests)
        udp_remove(b->requests);
    if (b->binl)
        udp_remove(b->binl);
    if (b->replies)
        udp_remove(b->replies);
    free(b);
}
