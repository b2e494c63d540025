#include "net/http/server/bind.h"

#include <stdlib.h>
#include <string.h>

#include "net/ip/tcp.h"

/* Segments of content under way in all: fewer than an interface's queue holds, and lwIP's pools
 * have room for others beside them. Each connection has its part. */
#define SEGMENTS 768
#define SEGMENTS_MIN 4           /* below that, delayed acknowledgements would stop the clock */
#define READ_BYTES (4 * TCP_MSS) /* read from a disk in one piece */

struct connection {
    struct http_bind *bind;
    struct tcp_pcb *pcb; /* NULL: free */
    size_t under_way;    /* bytes handed to TCP and not acknowledged */
    uint64_t sent;       /* bytes of this answer's content */
    struct http_exchange x;
};

struct http_bind {
    struct ip_stack *stack;
    struct http_bind_config config;
    struct tcp_pcb *listener;
    struct http_counts counts;
    size_t live;
    struct http_seat seats[HTTP_SEATS];
    struct connection connections[HTTP_SEATS];
    uint8_t piece[READ_BYTES];
};

static struct http_seat *seat_of(struct connection *c)
{
    return &c->bind->seats[c - c->bind->connections];
}

static void take_state(struct connection *c, enum http_state state)
{
    seat_of(c)->state = state;
    seat_of(c)->since = ip_stack_now(c->bind->stack);
}

/* ---- the end of answers and connections ---- */

/* The answer is through, or will never be. */
static void answer_ended(struct connection *c, bool cut)
{
    struct http_bind *b = c->bind;
    struct http_event e = {.address = seat_of(c)->address,
                           .name = c->x.parser.head.named ? c->x.parser.head.name : "",
                           .status = c->x.reply.status,
                           .cut = cut,
                           .bytes = c->sent};

    http_exchange_end(&c->x);
    b->counts.answers++;
    b->counts.cut += cut;
    b->counts.refused += c->x.reply.status >= 400;
    b->counts.bytes += c->sent;
    if (b->config.tell)
        b->config.tell(b->config.ctx, &e);
    c->sent = 0;
}

/* The connection has no pcb any more: its seat is free. */
static void connection_gone(struct connection *c)
{
    if (seat_of(c)->state == HTTP_SENDING)
        answer_ended(c, true);
    seat_of(c)->used = false;
    c->bind->live--;
}

static void connection_abort(struct connection *c)
{
    ip_tcp_abort(&c->pcb);
    connection_gone(c);
}

static err_t connection_close(struct connection *c)
{
    err_t err = ip_tcp_close(&c->pcb);

    connection_gone(c);
    return err;
}

/* ---- sending ---- */

/* How many bytes more may be under way on this connection. */
static size_t room(const struct connection *c)
{
    size_t segments = SEGMENTS / c->bind->live, most, buffer = tcp_sndbuf(c->pcb);

    most = (segments < SEGMENTS_MIN ? SEGMENTS_MIN : segments) * TCP_MSS;
    if (c->under_way >= most)
        return 0;
    return most - c->under_way < buffer ? most - c->under_way : buffer;
}

static err_t write_header(struct connection *c)
{
    size_t n = c->x.header_n - c->x.header_at;
    u8_t flags = TCP_WRITE_FLAG_COPY | (c->x.at < c->x.to ? TCP_WRITE_FLAG_MORE : 0);
    err_t err;

    if (n > tcp_sndbuf(c->pcb))
        return ERR_MEM;
    err = tcp_write(c->pcb, c->x.header + c->x.header_at, (u16_t)n, flags);
    if (err == ERR_OK) {
        c->x.header_at += n;
        c->under_way += n;
    }
    return err;
}

/* The next bytes of the content, at most n: in place when they stay as long as TCP may want to
 * repeat them. NULL: they cannot be read. */
static const uint8_t *next_piece(struct connection *c, size_t *n, u8_t *flags)
{
    const struct content *content = &c->x.content;
    uint64_t left = c->x.to - c->x.at;
    const uint8_t *bytes;
    size_t lent;

    if (*n > left)
        *n = (size_t)left;
    *flags = 0;
    bytes = content->close ? NULL : content_lend(content, c->x.at, &lent);
    if (bytes) {
        *n = lent < *n ? lent : *n;
    } else {
        *n = *n < READ_BYTES ? *n : READ_BYTES;
        *flags = TCP_WRITE_FLAG_COPY;
        bytes = content_read(content, c->x.at, c->bind->piece, *n) == 0 ? c->bind->piece : NULL;
    }
    *flags |= *n < left ? TCP_WRITE_FLAG_MORE : 0;
    return bytes;
}

/* ERR_ABRT: the content failed in the middle, and the connection with it. */
static err_t write_content(struct connection *c)
{
    while (c->x.at < c->x.to) {
        size_t n = room(c);
        const uint8_t *bytes;
        u8_t flags;
        err_t err;

        if (n < TCP_MSS && n < c->x.to - c->x.at)
            return ERR_MEM; /* whole segments only */
        bytes = next_piece(c, &n, &flags);
        if (!bytes) {
            connection_abort(c);
            return ERR_ABRT;
        }
        err = tcp_write(c->pcb, bytes, (u16_t)n, flags);
        if (err != ERR_OK)
            return ERR_MEM;
        c->x.at += n;
        c->under_way += n;
        c->sent += n;
    }
    return ERR_OK;
}

/* Sends what there is room for; at the answer's end waits for the next request, or closes. */
static err_t push(struct connection *c)
{
    err_t err = ERR_OK;

    if (c->x.header_at < c->x.header_n)
        err = write_header(c);
    if (err == ERR_OK)
        err = write_content(c);
    if (err == ERR_ABRT)
        return err;
    tcp_output(c->pcb);
    if (!http_exchange_sent(&c->x))
        return ERR_OK; /* goes on when something is acknowledged, or with the next tick */
    answer_ended(c, false);
    take_state(c, HTTP_IDLE);
    if (c->x.last)
        return connection_close(c);
    http_exchange_begin(&c->x, c->bind->config.home);
    return ERR_OK;
}

/* ---- what lwIP calls ---- */

static bool machine_of(struct http_bind *b, uint32_t address, uint8_t mac[6])
{
    return (b->config.mac_of && b->config.mac_of(b->config.ctx, address, mac)) ||
           ip_stack_mac_of(b->stack, address, mac);
}

/* Bytes of a request, or of one too early. */
static err_t take_bytes(struct connection *c, const uint8_t *bytes, size_t n)
{
    struct http_seat *seat = seat_of(c);
    uint8_t mac[6];
    bool known;

    if (seat->state == HTTP_SENDING) {
        c->x.last = true;
        return ERR_OK;
    }
    if (seat->state == HTTP_IDLE)
        take_state(c, HTTP_READING);
    known = machine_of(c->bind, seat->address, mac);
    if (!http_exchange_feed(&c->x, &c->bind->config.source, known ? mac : NULL, bytes, n))
        return ERR_OK;
    take_state(c, HTTP_SENDING);
    return push(c);
}

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct connection *c = arg;

    (void)err;
    if (!p) { /* the client says no more; it may still listen */
        c->x.last = true;
        return seat_of(c)->state == HTTP_SENDING ? ERR_OK : connection_close(c);
    }
    err = ERR_OK;
    tcp_recved(pcb, p->tot_len);
    for (const struct pbuf *q = p; q && err == ERR_OK && c->pcb == pcb; q = q->next)
        err = take_bytes(c, q->payload, q->len);
    pbuf_free(p);
    return err;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct connection *c = arg;

    (void)pcb;
    c->under_way -= n < c->under_way ? n : c->under_way;
    if (seat_of(c)->state != HTTP_SENDING)
        return ERR_OK;
    take_state(c, HTTP_SENDING);
    return push(c);
}

static void on_end(void *arg, err_t err)
{
    struct connection *c = arg;

    (void)err;
    c->pcb = NULL; /* lwIP has freed it */
    connection_gone(c);
}

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct http_bind *b = arg;
    struct mono now = ip_stack_now(b->stack);
    struct connection *c;
    uint32_t address;
    size_t i;

    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    address = lwip_ntohl(ip4_addr_get_u32(&pcb->remote_ip));
    i = http_seat_for(b->seats, HTTP_SEATS, address, now);
    c = &b->connections[i];
    if (b->seats[i].used) {
        b->counts.cleared++;
        connection_abort(c);
    }
    b->seats[i] = (struct http_seat){.used = true, .address = address, .since = now};
    c->bind = b;
    c->pcb = pcb;
    c->under_way = 0;
    c->sent = 0;
    http_exchange_begin(&c->x, c->bind->config.home);
    b->live++;
    b->counts.connections++;
    tcp_setprio(pcb, TCP_PRIO_MIN); /* sessions go first when connections run out */
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_bytes);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_end);
    return ERR_OK;
}

/* ---- open, tick, close ---- */

int http_bind_open(struct http_bind **out, struct ip_stack *stack,
                   const struct http_bind_config *config, uint16_t port, struct err *err)
{
    struct http_bind *b = calloc(1, sizeof *b);
    err_t e;

    *out = NULL;
    if (!b)
        return err_set(err, HTTP_EMEMORY, "out of memory for the HTTP server");
    b->stack = stack;
    b->config = *config;
    e = ip_tcp_listen(&b->listener, port, on_connection, b);
    if (e != ERR_OK) {
        free(b);
        return err_set(err, e == ERR_USE ? HTTP_EBIND : HTTP_EMEMORY,
                       "cannot listen on HTTP port %u: %s", port,
                       e == ERR_USE ? "it is in use" : "out of memory");
    }
    *out = b;
    return 0;
}

void http_bind_tick(struct http_bind *b, struct mono now)
{
    for (size_t i = 0; b->live && i < HTTP_SEATS; i++) {
        if (http_seat_late(&b->seats[i], now)) {
            b->counts.late++;
            connection_abort(&b->connections[i]);
        } else if (b->seats[i].used && b->seats[i].state == HTTP_SENDING) {
            push(&b->connections[i]);
        }
    }
}

int http_bind_pause(const struct http_bind *b)
{
    return b->live ? 20 : 1000;
}

const struct http_counts *http_bind_counts(const struct http_bind *b)
{
    return &b->counts;
}

void http_bind_close(struct http_bind *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < HTTP_SEATS; i++)
        if (b->seats[i].used)
            connection_abort(&b->connections[i]);
    tcp_close(b->listener);
    free(b);
}
