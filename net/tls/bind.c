#include "net/tls/bind.h"

#include <stdlib.h>
#include <string.h>

#include "net/ip/tcp.h"
#include "net/wire/must.h"

/* Segments under way in all; each connection has its part. What lwIP copies for them fits beside
 * the HTTP server's (lwipopts.h). */
#define SEGMENTS 512
#define SEGMENTS_MIN 8
/* What a peer may have sent that we have not read: it fits the ring, whole segments. */
#define WINDOW (TLS_INPUT_BYTES / TCP_MSS * TCP_MSS)

enum connection_state { WAITING, SHAKING, OPEN }; /* for a turn to shake hands; shaking; through */

struct connection {
    struct tls_bind *bind;
    struct tcp_pcb *pcb; /* NULL: free */
    enum connection_state state;
    bool ended;       /* the peer says no more */
    size_t under_way; /* bytes handed to TCP and not acknowledged */
    size_t at, n;     /* of the ring: where the unread begins, and how much it is */
    struct tls_link link;
    uint8_t ring[TLS_INPUT_BYTES];
};

struct tls_bind {
    struct ip_stack *stack;
    struct tls_service service;
    struct tls_server server;
    struct tcp_pcb *listener;
    struct tls_counts counts;
    struct tls_ration ration;
    size_t live;
    struct tls_seat seats[TLS_SEATS];
    struct connection connections[TLS_SEATS];
};

static unsigned seat_of(const struct connection *c)
{
    return (unsigned)(c - c->bind->connections);
}

/* ---- TCP as a stream ---- */

static int tcp_stream_read(void *ctx, void *to, size_t n)
{
    struct connection *c = ctx;
    size_t first;

    if (c->n == 0)
        return c->ended || !c->pcb ? STREAM_END : 0;
    n = c->n < n ? c->n : n;
    first = TLS_INPUT_BYTES - c->at < n ? TLS_INPUT_BYTES - c->at : n;
    memcpy(to, c->ring + c->at, first);
    memcpy((uint8_t *)to + first, c->ring, n - first);
    c->at = (c->at + n) % TLS_INPUT_BYTES;
    c->n -= n;
    if (c->pcb)
        tcp_recved(c->pcb, (u16_t)n);
    return (int)n;
}

static size_t room(const struct connection *c)
{
    size_t segments = SEGMENTS / c->bind->live, most, buffer = tcp_sndbuf(c->pcb);

    most = (segments < SEGMENTS_MIN ? SEGMENTS_MIN : segments) * TCP_MSS;
    if (c->under_way >= most)
        return 0;
    return most - c->under_way < buffer ? most - c->under_way : buffer;
}

static int tcp_stream_write(void *ctx, const void *from, size_t n)
{
    struct connection *c = ctx;
    size_t most;

    if (!c->pcb)
        return STREAM_END;
    most = room(c);
    n = n < most ? n : most;
    if (n == 0 || tcp_write(c->pcb, from, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0;
    c->under_way += n;
    return (int)n;
}

/* ---- the end of connections ---- */

static void forget(struct connection *c)
{
    struct tls_bind *b = c->bind;

    if (c->state == OPEN)
        b->service.close(b->service.ctx, seat_of(c));
    else if (c->state == SHAKING)
        b->counts.failed++;
    c->state = WAITING;
    b->seats[seat_of(c)].used = false;
    b->live--;
}

static void connection_abort(struct connection *c)
{
    forget(c);
    ip_tcp_abort(&c->pcb);
}

/* lwIP takes a window that is not all open for unread bytes, and would answer them with a reset
 * instead of an end. */
static err_t connection_close(struct connection *c)
{
    if (c->state == OPEN)
        tls_link_end(&c->link);
    forget(c);
    c->pcb->rcv_wnd = TCP_WND_MAX(c->pcb);
    return ip_tcp_close(&c->pcb);
}

/* ---- steps ---- */

/* The first step of a handshake costs some milliseconds, and is rationed. Whoever's turn it is may
 * not be the one that asks: he takes his step with the next tick. */
static void give_turns(struct tls_bind *b, struct mono now)
{
    size_t i;

    while ((i = tls_seat_turn(b->seats, TLS_SEATS)) < TLS_SEATS &&
           tls_ration_take(&b->ration, TLS_RATION_BURST, TLS_RATION_NS, now)) {
        b->seats[i].waits = false;
        b->connections[i].state = SHAKING;
    }
}

/* Whether it goes on. */
static bool shake(struct connection *c, struct mono now)
{
    struct tls_bind *b = c->bind;
    struct wire_stream stream;
    int rc;

    if (c->state == WAITING) {
        b->seats[seat_of(c)].waits = c->n > 0;
        give_turns(b, now);
        if (c->state == WAITING)
            return !c->ended;
    }
    rc = tls_link_handshake(&c->link);
    if (rc <= 0)
        return rc == 0;
    b->counts.handshakes++;
    c->state = OPEN;
    stream = tls_link_stream(&c->link);
    b->service.open(b->service.ctx, seat_of(c), &stream, b->seats[seat_of(c)].address, now);
    return true;
}

/* ERR_ABRT: the connection was aborted, which lwIP wants to hear. */
static err_t step(struct connection *c, struct mono now)
{
    struct tls_bind *b = c->bind;
    bool goes_on = c->state == OPEN || shake(c, now);

    if (goes_on && c->state == OPEN) {
        goes_on = b->service.step(b->service.ctx, seat_of(c), now);
        b->seats[seat_of(c)].standing = b->service.standing(b->service.ctx, seat_of(c));
    }
    if (!goes_on)
        return connection_close(c);
    tcp_output(c->pcb);
    return ERR_OK;
}

/* ---- what lwIP calls ---- */

/* The window keeps a peer from sending more than the ring takes; who sends more all the same loses
 * it. */
static bool keep_bytes(struct connection *c, const struct pbuf *p)
{
    if (p->tot_len > TLS_INPUT_BYTES - c->n)
        return false;
    for (; p; p = p->next)
        for (size_t done = 0; done < p->len;) {
            size_t end = (c->at + c->n) % TLS_INPUT_BYTES, n = TLS_INPUT_BYTES - end;

            n = p->len - done < n ? p->len - done : n;
            memcpy(c->ring + end, (const uint8_t *)p->payload + done, n);
            c->n += n;
            done += n;
        }
    return true;
}

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct connection *c = arg;
    bool kept = true;

    (void)pcb;
    (void)err;
    if (p) {
        kept = keep_bytes(c, p);
        pbuf_free(p);
    } else {
        c->ended = true;
    }
    if (kept)
        return step(c, ip_stack_now(c->bind->stack));
    connection_abort(c);
    return ERR_ABRT;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct connection *c = arg;

    (void)pcb;
    c->under_way -= n < c->under_way ? n : c->under_way;
    return step(c, ip_stack_now(c->bind->stack));
}

static void on_end(void *arg, err_t err)
{
    struct connection *c = arg;

    (void)err;
    c->pcb = NULL; /* lwIP has freed it */
    forget(c);
}

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tls_bind *b = arg;
    const struct wire_stream tcp = {.read = tcp_stream_read, .write = tcp_stream_write};
    struct wire_stream below = tcp;
    struct connection *c;
    uint32_t address;
    size_t i;

    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    address = lwip_ntohl(ip4_addr_get_u32(&pcb->remote_ip));
    i = tls_seat_for(b->seats, TLS_SEATS, address);
    c = &b->connections[i];
    if (b->seats[i].used) {
        b->counts.cleared++;
        connection_abort(c);
    }
    below.ctx = c;
    if (!tls_link_begin(&c->link, &below))
        return ERR_MEM;
    b->seats[i] =
        (struct tls_seat){.used = true, .address = address, .since = ip_stack_now(b->stack)};
    c->pcb = pcb;
    c->state = WAITING;
    c->ended = false;
    c->under_way = c->at = c->n = 0;
    b->live++;
    b->counts.connections++;
    /* of what was announced with the SYN a few bytes are taken back */
    pcb->rcv_wnd = pcb->rcv_ann_wnd = WINDOW;
    tcp_setprio(pcb, TCP_PRIO_MIN); /* sessions go first when connections run out */
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_bytes);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_end);
    return ERR_OK;
}

/* ---- open, tick, close ---- */

static int make_links(struct tls_bind *b, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < TLS_SEATS && rc == 0; i++) {
        b->connections[i].bind = b;
        rc = tls_link_make(&b->connections[i].link, &b->server, err);
    }
    return rc;
}

static int listen_on(struct tls_bind *b, uint16_t port, struct err *err)
{
    switch (ip_tcp_listen(&b->listener, port, on_connection, b)) {
    case ERR_OK:
        return 0;
    case ERR_USE:
        return err_set(err, TLS_EBIND, "cannot listen on HTTPS port %u: it is in use", port);
    default:
        return err_set(err, TLS_EMEMORY, "cannot listen on HTTPS port %u: out of memory", port);
    }
}

int tls_bind_open(struct tls_bind **out, struct ip_stack *stack, struct tls_identity *id,
                  const struct tls_service *service, uint16_t port, struct err *err)
{
    struct tls_bind *b = *out = calloc(1, sizeof *b);
    int rc;

    if (!b)
        return err_set(err, TLS_EMEMORY, "out of memory for the HTTPS server");
    b->stack = stack;
    b->service = *service;
    b->ration.full = ip_stack_now(stack);
    rc = tls_server_open(&b->server, id, err);
    if (rc == 0)
        rc = make_links(b, err);
    if (rc == 0)
        rc = listen_on(b, port, err);
    if (rc) {
        tls_bind_close(b);
        *out = NULL;
    }
    return rc;
}

void tls_bind_tick(struct tls_bind *b, struct mono now)
{
    for (size_t i = 0; b->live && i < TLS_SEATS; i++) {
        struct connection *c = &b->connections[i];

        if (!b->seats[i].used)
            continue;
        if (c->state != OPEN && mono_sub(now, b->seats[i].since) > TLS_HANDSHAKE_NS) {
            b->counts.late++;
            connection_abort(c);
        } else {
            (void)step(c, now); /* not in a callback: nobody wants to hear of an abort */
        }
    }
}

int tls_bind_pause(const struct tls_bind *b)
{
    return b->live ? 20 : 1000;
}

const struct tls_counts *tls_bind_counts(const struct tls_bind *b)
{
    return &b->counts;
}

void tls_bind_close(struct tls_bind *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < TLS_SEATS; i++) {
        if (b->seats[i].used)
            connection_abort(&b->connections[i]);
        if (b->connections[i].bind)
            tls_link_free(&b->connections[i].link);
    }
    if (b->listener)
        tcp_close(b->listener);
    tls_server_close(&b->server);
    free(b);
}
