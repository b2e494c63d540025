#include "net/session/bind.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/udp.h"
#include "net/ip/tcp.h"
#include "net/os/clock.h"
#include "net/wire/must.h"

#define CONNECTIONS 64
#define PATIENCE_NS (5 * MONO_S) /* for one connection, at either end */
#define PAUSE_NS (300 * MONO_MS) /* before a receiver tries again */
#define TICK_NS (200 * MONO_MS)
#define HELLO_MAX (SESSION_FRAME_BYTES + 6 + SESSION_ID_BYTES + 1 + SESSION_NAME_MAX + 1)

/* ---- server ---- */

struct connection {
    struct session_bind *bind;
    struct tcp_pcb *pcb; /* NULL: free */
    struct mono since;
    size_t n;
    bool waits; /* `in` is whole, and its answer is being made */
    uint8_t in[HELLO_MAX];
};

struct session_bind {
    struct ip_stack *stack;
    struct session_server *server;
    struct tcp_pcb *listener;
    struct udp_pcb *udp;
    struct mono ticked;
    struct session_message reply;
    uint8_t out[SESSION_MESSAGE_MAX];
    struct connection connection[CONNECTIONS];
};

/* The reply and the end. */
static err_t connection_reply(struct connection *c)
{
    struct session_bind *b = c->bind;
    size_t n = session_message_encode(&b->reply, b->out);

    if (tcp_write(c->pcb, b->out, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        ip_tcp_abort(&c->pcb);
        return ERR_ABRT;
    }
    return ip_tcp_close(&c->pcb);
}

/* The hello is whole, or can no longer become one: answer and close, as soon as there is an answer.
 */
static err_t connection_answer(struct connection *c)
{
    struct session_bind *b = c->bind;
    uint32_t from = lwip_ntohl(ip4_addr_get_u32(&c->pcb->remote_ip));

    c->waits =
        !session_server_message(b->server, c->in, c->n, from, ip_stack_now(b->stack), &b->reply);
    return c->waits ? ERR_OK : connection_reply(c);
}

static void connection_again(struct connection *c)
{
    struct session_bind *b = c->bind;

    if (!session_server_again(b->server, c->in, c->n, &b->reply))
        return;
    c->waits = false;
    (void)connection_reply(c);
}

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct connection *c = arg;
    int length;

    (void)err;
    if (!p)
        return ip_tcp_close(&c->pcb);
    if (c->waits) { /* it has said all that it may */
        ip_tcp_abort(&c->pcb);
        pbuf_free(p);
        return ERR_ABRT;
    }
    c->n += pbuf_copy_partial(p, c->in + c->n, (u16_t)(sizeof c->in - c->n), 0);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    length = session_message_length(c->in, c->n);
    if (length == 0 || (length > 0 && (size_t)length > c->n && c->n < sizeof c->in))
        return ERR_OK;
    return connection_answer(c);
}

static void on_end(void *arg, err_t err)
{
    struct connection *c = arg;

    (void)err;
    c->pcb = NULL;
}

/* A free place; the oldest connection makes room for a new one, which is more likely to be in
 * earnest. */
static struct connection *connection_place(struct session_bind *b)
{
    struct connection *oldest = &b->connection[0];

    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &b->connection[i];

        if (!c->pcb)
            return c;
        if (mono_sub(oldest->since, c->since) > 0)
            oldest = c;
    }
    ip_tcp_abort(&oldest->pcb);
    return oldest;
}

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct session_bind *b = arg;
    struct connection *c;

    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    c = connection_place(b);
    c->bind = b;
    c->pcb = pcb;
    c->n = 0;
    c->waits = false;
    c->since = ip_stack_now(b->stack);
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_bytes);
    tcp_err(pcb, on_end);
    return ERR_OK;
}

static void on_beacon(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *from,
                      u16_t port)
{
    struct session_bind *b = arg;
    uint8_t in[SESSION_DATAGRAM_MAX + 1], ack[SESSION_ACK_BYTES];
    size_t n = pbuf_copy_partial(p, in, sizeof in, 0);

    pbuf_free(p);
    if (session_server_datagram(b->server, in, n, lwip_ntohl(ip4_addr_get_u32(from)),
                                ip_stack_now(b->stack), ack) != 1)
        return;
    p = pbuf_alloc(PBUF_TRANSPORT, sizeof ack, PBUF_RAM);
    if (!p)
        return; /* receivers live without acks */
    pbuf_take(p, ack, sizeof ack);
    udp_sendto(udp, p, from, port);
    pbuf_free(p);
}

static int bind_sockets(struct session_bind *b, uint16_t port)
{
    err_t err;

    b->udp = udp_new();
    if (!b->udp)
        return SESSION_EMEMORY;
    if (udp_bind(b->udp, IP_ADDR_ANY, port) != ERR_OK)
        return SESSION_EBIND;
    udp_recv(b->udp, on_beacon, b);
    err = ip_tcp_listen(&b->listener, port, on_connection, b);
    return err == ERR_OK ? 0 : err == ERR_USE ? SESSION_EBIND : SESSION_EMEMORY;
}

int session_bind_open(struct session_bind **out, struct ip_stack *stack,
                      struct session_server *server, uint16_t port, struct err *err)
{
    struct session_bind *b = calloc(1, sizeof *b);
    int rc = b ? bind_sockets(b, port) : SESSION_EMEMORY;

    *out = NULL;
    if (rc) {
        if (b && b->udp)
            udp_remove(b->udp);
        free(b);
        return err_set(err, rc, "cannot listen on session port %u: %s", port,
                       rc == SESSION_EBIND ? "it is in use" : "out of memory");
    }
    b->stack = stack;
    b->server = server;
    b->ticked = ip_stack_now(stack);
    *out = b;
    return 0;
}

void session_bind_tick(struct session_bind *b, struct mono now)
{
    for (int i = 0; i < CONNECTIONS; i++)
        if (b->connection[i].pcb && mono_sub(now, b->connection[i].since) > PATIENCE_NS)
            ip_tcp_abort(&b->connection[i].pcb);
        else if (b->connection[i].pcb && b->connection[i].waits)
            connection_again(&b->connection[i]);
    if (mono_sub(now, b->ticked) < TICK_NS)
        return;
    b->ticked = now;
    session_server_tick(b->server, now);
}

void session_bind_close(struct session_bind *b)
{
    if (!b)
        return;
    for (int i = 0; i < CONNECTIONS; i++)
        ip_tcp_abort(&b->connection[i].pcb);
    tcp_close(b->listener);
    udp_remove(b->udp);
    free(b);
}

/* ---- a receiver's handshake ---- */

enum join_state { JOIN_CONNECTING, JOIN_ASKED, JOIN_DONE, JOIN_FAILED };

struct join {
    enum join_state state;
    int failure; /* with JOIN_FAILED */
    struct tcp_pcb *pcb;
    size_t n;
    uint8_t hello[SESSION_MESSAGE_MAX];
    struct session_handshake handshake;
};

static void join_end(struct join *j, enum join_state state, int failure)
{
    ip_tcp_abort(&j->pcb);
    j->state = state;
    j->failure = failure;
}

static void on_join_error(void *arg, err_t err)
{
    struct join *j = arg;

    (void)err;
    j->pcb = NULL; /* lwIP has freed it */
    j->failure = j->state == JOIN_CONNECTING ? SESSION_ECONNECT : SESSION_ECLOSED;
    j->state = JOIN_FAILED;
}

static err_t on_join_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct join *j = arg;
    int rc = 0;

    (void)err;
    if (!p) {
        join_end(j, JOIN_FAILED, SESSION_ECLOSED);
        return ERR_ABRT;
    }
    for (struct pbuf *q = p; q && rc == 0; q = q->next)
        rc = session_handshake_input(&j->handshake, q->payload, q->len);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (rc == 0)
        return ERR_OK;
    /* The server has said all it says: a reset ends the connection without waiting states at either
     * end. */
    join_end(j, rc > 0 ? JOIN_DONE : JOIN_FAILED, rc);
    return ERR_ABRT;
}

static err_t on_join_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct join *j = arg;

    (void)err;
    j->state = JOIN_ASKED;
    if (tcp_write(pcb, j->hello, (u16_t)j->n, TCP_WRITE_FLAG_COPY) == ERR_OK) {
        tcp_output(pcb);
        return ERR_OK;
    }
    join_end(j, JOIN_FAILED, SESSION_EMEMORY);
    return ERR_ABRT;
}

static void join_begin(struct join *j, struct session_server_at at)
{
    ip_addr_t address = {lwip_htonl(at.address)};

    j->state = JOIN_CONNECTING;
    session_handshake_init(&j->handshake);
    j->pcb = tcp_new();
    if (!j->pcb) {
        join_end(j, JOIN_FAILED, SESSION_EMEMORY);
        return;
    }
    tcp_arg(j->pcb, j);
    tcp_recv(j->pcb, on_join_bytes);
    tcp_err(j->pcb, on_join_error);
    if (tcp_connect(j->pcb, &address, at.port, on_join_connected) != ERR_OK)
        join_end(j, JOIN_FAILED, SESSION_ECONNECT);
}

/* One attempt, until `end` at most. */
static int join_once(struct join *j, struct ip_stack *stack, struct session_server_at at,
                     struct mono end)
{
    join_begin(j, at);
    while (j->state < JOIN_DONE) {
        int64_t left = mono_sub(end, clock_now());
        int rc = left <= 0 ? SESSION_ETIMEOUT
                           : ip_stack_block(stack,
                                            left < 100 * MONO_MS ? (int)(left / MONO_MS) + 1 : 100);

        if (rc && j->state < JOIN_DONE)
            join_end(j, JOIN_FAILED, rc);
    }
    return j->state == JOIN_DONE ? 0 : j->failure;
}

static int join_failed(int failure, struct session_server_at at, struct err *err)
{
    const char *why = failure == SESSION_ECONNECT   ? "nothing listens there"
                      : failure == SESSION_ETIMEOUT ? "no answer"
                      : failure == SESSION_ECLOSED  ? "it closes the connection before it answers"
                      : failure == SESSION_EMEMORY
                          ? "out of memory"
                          : "it does not speak Ringcast's session protocol";
    char text[IP_TEXT];

    if (failure == IP_ESTOPPED || failure == IP_EPOLL)
        return ip_stack_failed(failure, err);
    return err_set(err, failure, "cannot join a session at %s port %u: %s",
                   ip_address_text(text, at.address), at.port, why);
}

static int pause_between(struct ip_stack *stack)
{
    struct mono end = mono_add(clock_now(), PAUSE_NS);
    int rc = 0;

    while (rc == 0 && mono_sub(end, clock_now()) > 0)
        rc = ip_stack_block(stack, 50);
    return rc;
}

/* Attempts until one succeeds or the time is up; the failure told then is the one that says most.
 */
static int join_until(struct join *j, struct ip_stack *stack, struct session_server_at at,
                      int timeout_ms)
{
    struct mono end = mono_add(clock_now(), timeout_ms * MONO_MS);
    int told = SESSION_ETIMEOUT;

    for (;;) {
        struct mono once = mono_add(clock_now(), PATIENCE_NS);
        int rc = join_once(j, stack, at, timeout_ms && mono_sub(once, end) > 0 ? end : once);

        if (rc != SESSION_ETIMEOUT)
            told = rc;
        if (rc == 0 || (timeout_ms && mono_sub(end, clock_now()) < PAUSE_NS))
            return told;
        rc = pause_between(stack);
        if (rc)
            return rc;
    }
}

int session_join(struct ip_stack *stack, struct session_server_at at,
                 const struct session_asker *asker, int timeout_ms, struct session_welcome *welcome,
                 struct err *err)
{
    struct session_message hello = {.type = SESSION_HELLO};
    struct join *j;
    int rc;

    if (!session_name_legal(asker->name))
        return err_set(err, SESSION_EFIELD,
                       "expected an image name of at most %d bytes, got \"%.80s\"",
                       SESSION_NAME_MAX, asker->name);
    j = calloc(1, sizeof *j);
    if (!j)
        return err_set(err, SESSION_EMEMORY, "out of memory");
    memcpy(hello.u.hello.mac, ip_stack_mac(stack), 6);
    memcpy(hello.u.hello.id, asker->id, SESSION_ID_BYTES);
    memcpy(hello.u.hello.name, asker->name, strlen(asker->name) + 1);
    hello.u.hello.person = asker->person;
    j->n = session_message_encode(&hello, j->hello);
    rc = join_until(j, stack, at, timeout_ms);
    rc = rc ? join_failed(rc, at, err) : session_handshake_result(&j->handshake, welcome, err);
    free(j);
    return rc;
}

int session_ask(struct ip_stack *stack, struct session_server_at at,
                const uint8_t id[SESSION_ID_BYTES], int timeout_ms, struct session_own *own,
                struct err *err)
{
    struct session_message ask = {.type = SESSION_ASK};
    struct join *j = calloc(1, sizeof *j);
    int rc;

    if (!j)
        return err_set(err, SESSION_EMEMORY, "out of memory");
    memcpy(ask.u.ask.mac, ip_stack_mac(stack), 6);
    memcpy(ask.u.ask.id, id, SESSION_ID_BYTES);
    j->n = session_message_encode(&ask, j->hello);
    rc = join_until(j, stack, at, timeout_ms);
    rc = rc ? join_failed(rc, at, err) : session_handshake_own(&j->handshake, own, err);
    free(j);
    return rc;
}

/* ---- a receiver's beacons ---- */

struct session_port {
    struct ip_stack *stack;
    struct session_server_at at;
    struct session_beacons *beacons;
    struct udp_pcb *udp;
};

static void on_ack(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *from,
                   u16_t port)
{
    struct session_port *sp = arg;
    uint8_t in[SESSION_ACK_BYTES + 1];
    size_t n = pbuf_copy_partial(p, in, sizeof in, 0);

    (void)udp;
    (void)port;
    pbuf_free(p);
    if (lwip_ntohl(ip4_addr_get_u32(from)) == sp->at.address)
        session_beacons_ack(sp->beacons, in, n, ip_stack_now(sp->stack));
}

int session_port_open(struct session_port **out, struct ip_stack *stack,
                      struct session_server_at at, struct session_beacons *beacons, struct err *err)
{
    struct session_port *sp = calloc(1, sizeof *sp);

    *out = NULL;
    if (sp)
        sp->udp = udp_new();
    if (!sp || !sp->udp || udp_bind(sp->udp, IP_ADDR_ANY, 0) != ERR_OK) {
        if (sp && sp->udp)
            udp_remove(sp->udp);
        free(sp);
        return err_set(err, SESSION_EMEMORY, "out of memory for the beacon's port");
    }
    sp->stack = stack;
    sp->at = at;
    sp->beacons = beacons;
    udp_recv(sp->udp, on_ack, sp);
    *out = sp;
    return 0;
}

static void port_send(struct session_port *sp, const uint8_t *bytes, size_t n)
{
    ip_addr_t to = {lwip_htonl(sp->at.address)};
    struct pbuf *p;

    if (!n)
        return;
    p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)n, PBUF_RAM);
    if (!p)
        return; /* the next one will make it */
    pbuf_take(p, bytes, (u16_t)n);
    udp_sendto(sp->udp, p, &to, sp->at.port);
    pbuf_free(p);
}

void session_port_tick(struct session_port *sp, const struct session_facts *facts, struct mono now)
{
    uint8_t out[SESSION_DATAGRAM_MAX];
    size_t n = session_beacons_next(sp->beacons, facts, now, out);

    if (!n)
        return;
    port_send(sp, out, n);
    port_send(sp, out, session_beacons_info(sp->beacons, out));
}

void session_port_close(struct session_port *sp)
{
    if (!sp)
        return;
    udp_remove(sp->udp);
    free(sp);
}
