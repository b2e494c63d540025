/* The TFTP server on one lwIP stack, clients on another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lwip/udp.h"
#include "net/os/clock.h"
#include "net/tftp/bind.h"
#include "tests/unit/ip_pair.h"
#include "tests/unit/tftp_client.h"

#define CLIENTS 8 /* as many as one address may have */
#define FILE_BYTES 200000

static int made_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        to[i] = tftp_byte(offset + i);
    return 0;
}

/* What is asked for must come from a machine that ARP knows. */
static int give(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    (void)ctx;
    *out = (struct content){.size = FILE_BYTES, .read = made_read};
    return mac && mac[5] == 1 && strcmp(name, "dir/file") == 0 ? 0 : CONTENT_ENAME;
}

static void serve(struct ip_stack *stack)
{
    static const struct tftp_bind_config config = {.source = {.open = give}};
    struct tftp_bind *b;

    if (tftp_bind_open(&b, stack, &config, NULL) != 0)
        abort();
    for (;;) {
        ip_stack_wait(stack, tftp_bind_pause(b), -1);
        tftp_bind_tick(b, ip_stack_now(stack));
    }
}

struct client {
    struct udp_pcb *udp;
    struct tftp_sim_client sim;
};

static void say(struct client *c)
{
    ip_addr_t to = {lwip_htonl(PAIR_CHILD)};
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)c->sim.out_n, PBUF_RAM);

    pbuf_take(p, c->sim.out, (u16_t)c->sim.out_n);
    udp_sendto(c->udp, p, &to, c->sim.state == CLIENT_ASKING ? TFTP_PORT : c->sim.server);
    pbuf_free(p);
}

static void on_packet(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *from,
                      u16_t port)
{
    struct client *c = arg;
    uint8_t in[1500];
    size_t n = pbuf_copy_partial(p, in, sizeof in, 0);

    (void)udp;
    (void)from;
    pbuf_free(p);
    if (sim_client_input(&c->sim, clock_now(), port, in, n))
        say(c);
}

static void fetch(unsigned loss, const char *name, enum tftp_client_state expected)
{
    struct mono end = mono_add(clock_now(), 60 * MONO_S);
    static struct client clients[CLIENTS];
    struct ip_pair pair;
    unsigned left = CLIENTS;

    ip_pair_up(&pair, loss, 7, serve);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];

        c->udp = udp_new();
        assert_non_null(c->udp);
        assert_int_equal(udp_bind(c->udp, IP_ADDR_ANY, 0), ERR_OK);
        udp_recv(c->udp, on_packet, c);
        c->sim = (struct tftp_sim_client){.name = name,
                                          .blksize = 1468,
                                          .window = i % 5,
                                          .timeout = MONO_S};
        sim_client_ask(&c->sim, clock_now());
        say(c);
    }
    while (left && mono_sub(end, clock_now()) > 0) {
        ip_stack_wait(pair.stack, 20, -1);
        left = 0;
        for (unsigned i = 0; i < CLIENTS; i++) {
            left += clients[i].sim.state < CLIENT_DONE;
            if (sim_client_tick(&clients[i].sim, clock_now()))
                say(&clients[i]);
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(clients[i].sim.state, expected);
        assert_int_equal(clients[i].sim.wrong, 0);
        udp_remove(clients[i].udp);
    }
    ip_pair_down(&pair);
}

static void several_fetch_at_once(void **state)
{
    (void)state;
    fetch(0, "/dir\\file", CLIENT_DONE);
}

static void several_fetch_over_a_lossy_line(void **state)
{
    (void)state;
    fetch(3, "dir/file", CLIENT_DONE);
}

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    fetch(0, "dir/../file", CLIENT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_fetch_at_once),
        cmocka_unit_test(several_fetch_over_a_lossy_line),
        cmocka_unit_test(what_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
