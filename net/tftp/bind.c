#include "net/tftp/bind.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/udp.h"

/* Transfers share these: a client is told apart by his own address and port. Several, so that what
 * is left of a transfer that was given up does not reach the one after it. */
#define PORTS 8

struct port {
    struct tftp_bind *bind;
    struct udp_pcb *udp;
    uint16_t local;
};

struct tftp_bind {
    struct ip_stack *stack;
    struct tftp_bind_config config;
    struct port ports[PORTS], listening;
    struct tftp_server server;
};

static void send_packet(struct tftp_bind *b, const struct tftp_out *out)
{
    ip_addr_t to = {lwip_htonl(out->to.address)};
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)out->n, PBUF_RAM);

    if (!p)
        return; /* a lost packet is sent again */
    pbuf_take(p, out->bytes, (u16_t)out->n);
    udp_sendto(b->ports[out->local].udp, p, &to, out->to.port);
    pbuf_free(p);
}

static void send_all(struct tftp_bind *b)
{
    struct tftp_out out;

    while (tftp_server_output(&b->server, ip_stack_now(b->stack), &out))
        send_packet(b, &out);
}

static bool machine_of(struct tftp_bind *b, uint32_t address, uint8_t mac[6])
{
    return (b->config.mac_of && b->config.mac_of(b->config.ctx, address, mac)) ||
           ip_stack_mac_of(b->stack, address, mac);
}

static void on_datagram(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *address,
                        u16_t port)
{
    struct port *at = arg;
    struct tftp_bind *b = at->bind;
    struct tftp_client from = {lwip_ntohl(ip4_addr_get_u32(address)), port};
    uint8_t in[TFTP_REQUEST_MAX + 1], mac[6];
    size_t n = pbuf_copy_partial(p, in, sizeof in, 0);
    struct tftp_out reply;
    bool known;

    (void)udp;
    pbuf_free(p);
    /* A machine's folder is looked up by what it asks for, so only requests need the MAC. */
    known = at->local == TFTP_LISTENING && machine_of(b, from.address, mac);
    if (tftp_server_input(&b->server, ip_stack_now(b->stack), from, at->local, known ? mac : NULL,
                          in, n, &reply))
        send_packet(b, &reply);
    send_all(b);
}

static int port_open(struct tftp_bind *b, struct port *at, uint16_t local, uint16_t number)
{
    at->bind = b;
    at->local = local;
    at->udp = udp_new();
    if (!at->udp)
        return TFTP_EMEMORY;
    if (udp_bind(at->udp, IP_ADDR_ANY, number) != ERR_OK)
        return TFTP_EBIND;
    udp_recv(at->udp, on_datagram, at);
    return 0;
}

int tftp_bind_open(struct tftp_bind **out, struct ip_stack *stack,
                   const struct tftp_bind_config *config, struct err *err)
{
    struct tftp_bind *b = calloc(1, sizeof *b);
    int rc;

    *out = NULL;
    if (!b)
        return err_set(err, TFTP_EMEMORY, "out of memory for the TFTP server");
    b->stack = stack;
    b->config = *config;
    b->server.source = config->source;
    b->server.locals = PORTS;
    b->server.tell = config->tell;
    b->server.ctx = config->ctx;
    rc = port_open(b, &b->listening, TFTP_LISTENING, TFTP_PORT);
    for (uint16_t i = 0; rc == 0 && i < PORTS; i++)
        rc = port_open(b, &b->ports[i], i, 0);
    if (rc) {
        tftp_bind_close(b);
        return err_set(err, rc, "cannot listen on TFTP port %u: %s", TFTP_PORT,
                       rc == TFTP_EBIND ? "it is in use" : "out of memory");
    }
    *out = b;
    return 0;
}

void tftp_bind_tick(struct tftp_bind *b, struct mono now)
{
    tftp_server_tick(&b->server, now);
    send_all(b);
}

int tftp_bind_pause(const struct tftp_bind *b)
{
    return b->server.live ? 20 : 1000;
}

const struct tftp_counts *tftp_bind_counts(const struct tftp_bind *b)
{
    return &b->server.counts;
}

unsigned tftp_bind_live(const struct tftp_bind *b)
{
    return b->server.live;
}

void tftp_bind_close(struct tftp_bind *b)
{
    if (!b)
        return;
    tftp_server_end(&b->server);
    for (int i = 0; i < PORTS; i++)
        if (b->ports[i].udp)
            udp_remove(b->ports[i].udp);
    if (b->listening.udp)
        udp_remove(b->listening.udp);
    free(b);
}
