/* The service on a stack whose wire is in memory: frames in, frames out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/dhcp/bind.h"
#include "tests/unit/udp_frame.h"

#define US UINT32_C(0x0A4D0001)
#define FRAMES 16

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, client[6] = {0, 0x25, 0, 0xaa, 0xbb, 0xcc},
                     router[6] = {2, 9, 9, 9, 9, 9};
static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct wire_frame {
    size_t n;
    uint8_t bytes[1514];
};

static struct wire_frame in[FRAMES], out[FRAMES];
static unsigned n_in, n_out;
static struct mono now;
static struct ip_stack *stack;
static struct dhcp_server server;
static struct dhcp_bind *bound;
static unsigned guard_changes;

/* ---- the wire ---- */

static int wire_receive(void *ctx, uint8_t *buf, size_t cap)
{
    size_t n;

    (void)ctx;
    if (!n_in)
        return 0;
    n = in[0].n;
    assert_true(n <= cap);
    memcpy(buf, in[0].bytes, n);
    memmove(in, in + 1, --n_in * sizeof *in);
    return (int)n;
}

static int wire_send(void *ctx, const uint8_t *frame, size_t n)
{
    (void)ctx;
    assert_true(n <= sizeof out->bytes);
    if (n_out < FRAMES) {
        out[n_out].n = n;
        memcpy(out[n_out++].bytes, frame, n);
    }
    return 0;
}

static void wire_close(void *ctx)
{
    (void)ctx;
}

/* A UDP datagram as a frame from `mac`, to everyone or, with a destination, to us. */
static void arrive(const uint8_t mac[6], uint32_t from, uint32_t to, uint16_t sport, uint16_t dport,
                   const void *bytes, size_t n)
{
    const struct udp_ends ends = {.mac = mac,
                                  .to_mac = to == US ? our_mac : everyone,
                                  .from = from,
                                  .to = to,
                                  .sport = sport,
                                  .dport = dport};
    struct wire_frame *f = &in[n_in++];

    f->n = udp_frame(f->bytes, sizeof f->bytes, &ends, bytes, n);
}

static void step(int64_t ms)
{
    now = mono_add(now, ms * MONO_MS);
    ip_stack_step(stack, now);
    dhcp_bind_tick(bound, now);
}

/* ---- messages ---- */

static size_t message(uint8_t *to, uint8_t op, uint8_t type, uint32_t ciaddr, uint32_t yiaddr,
                      uint32_t id)
{
    struct dhcp_message head = {.op = op,
                                .htype = 1,
                                .hlen = 6,
                                .xid = 77,
                                .ciaddr = ciaddr,
                                .yiaddr = yiaddr,
                                .type = type};
    struct dhcp_writer dw;

    memcpy(head.chaddr, client, 6);
    dhcp_write_start(&dw, to, 1472, &head);
    if (id)
        dhcp_put_u32(&dw, DHCP_O_SERVER, id);
    return dhcp_write_end(&dw);
}

static void ask(uint8_t type, uint32_t ciaddr, uint16_t dport)
{
    uint8_t bytes[1472];

    arrive(client, ciaddr, ciaddr ? US : UINT32_MAX, 68, dport, bytes,
           message(bytes, DHCP_REQUEST_OP, type, ciaddr, 0, 0));
    step(1);
}

static uint16_t folded(const uint8_t *at, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The frame that left is a whole datagram with good checksums; its payload decodes. */
static void sound(const struct wire_frame *f, struct dhcp_message *m)
{
    size_t udp = f->n - 34;

    assert_memory_equal(f->bytes + 6, our_mac, 6);
    assert_int_equal(f->bytes[16] << 8 | f->bytes[17], f->n - 14);
    assert_int_equal(f->bytes[38] << 8 | f->bytes[39], udp);
    assert_int_equal(folded(f->bytes + 14, 20, 0), 0xffff);
    assert_int_equal(folded(f->bytes + 26, 8 + udp, 17 + (uint32_t)udp), 0xffff);
    assert_int_equal(dhcp_decode(f->bytes + 42, f->n - 42, m), 0);
}

static uint32_t destination(const struct wire_frame *f)
{
    return (uint32_t)f->bytes[30] << 24 | (uint32_t)f->bytes[31] << 16 |
           (uint32_t)f->bytes[32] << 8 | f->bytes[33];
}

/* ---- life ---- */

static void on_guard(void *ctx, const struct dhcp_guard *g)
{
    (void)ctx;
    (void)g;
    guard_changes++;
}

static int handled;
static unsigned asked;

static int on_service(void *ctx, struct mono at, const struct dhcp_message *m,
                      struct dhcp_reply *reply)
{
    struct dhcp_message head;
    struct dhcp_writer dw;

    (void)ctx;
    (void)at;
    asked++;
    dhcp_reply_head(&head, m, DHCP_ACK);
    dhcp_write_start(&dw, reply->bytes, sizeof reply->bytes, &head);
    for (int i = 0; i < 20 && m->ciaddr; i++) /* larger than a frame */
        dhcp_put(&dw, DHCP_O_VENDOR, reply->bytes, 200);
    reply->n = dhcp_write_end(&dw);
    reply->way = m->ciaddr ? DHCP_TO_ADDRESS : DHCP_TO_EVERYONE;
    reply->address = m->ciaddr ? m->ciaddr : UINT32_MAX;
    reply->port = 646;
    reply->from_port = DHCP_SERVER_PORT;
    return handled;
}

static void up(bool guarded, bool serviced)
{
    struct ip_link link = {.fd = -1,
                           .receive = wire_receive,
                           .send = wire_send,
                           .close = wire_close};
    struct ip_config ip = {.address = US, .prefix = 24};
    struct dhcp_pool pool = {.first = US + 1, .last = US + 9, .network = US, .prefix = 24};
    struct dhcp_config c = {
        .mode = DHCP_MODE_SERVER, .address = US, .pool = &pool, .pools = 1, .lease_s = 3600};
    struct dhcp_bind_needs needs = {.guarded = on_guard, .unguarded = !guarded};

    now = (struct mono){MONO_S};
    n_in = guard_changes = asked = 0;
    memcpy(link.mac, our_mac, 6);
    memcpy(c.mac, our_mac, 6);
    if (serviced)
        needs.service.handle = on_service;
    assert_int_equal(ip_stack_open_link(&stack, &link, &ip, now, NULL), 0);
    assert_int_equal(dhcp_server_init(&server, &c, NULL, NULL), 0);
    assert_int_equal(dhcp_bind_open(&bound, stack, &server, &needs, NULL), 0);
    step(0);
    n_out = 0;
}

static void down(void)
{
    dhcp_bind_close(bound);
    ip_stack_close(stack);
}

/* ---- tests ---- */

static void a_machine_without_an_address_is_reached(void **state)
{
    struct dhcp_message m;

    (void)state;
    up(false, false);
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 1); /* no ARP before it */
    sound(&out[0], &m);
    assert_memory_equal(out[0].bytes, client, 6);
    assert_int_equal(destination(&out[0]), m.yiaddr);
    assert_int_equal(m.type, DHCP_OFFER);
    down();
}

static void a_renewal_goes_to_its_address(void **state)
{
    struct dhcp_message m;

    (void)state;
    up(false, false);
    ask(DHCP_REQUEST, US + 5, 67);
    assert_int_equal(n_out, 1);
    sound(&out[0], &m);
    assert_memory_equal(out[0].bytes, client, 6);
    assert_int_equal(destination(&out[0]), US + 5);
    assert_int_equal(m.type, DHCP_ACK);
    n_out = 0;
    ask(DHCP_REQUEST, US + 100, 67);
    sound(&out[0], &m);
    assert_memory_equal(out[0].bytes, everyone, 6);
    assert_int_equal(destination(&out[0]), UINT32_MAX);
    assert_int_equal(m.type, DHCP_NAK);
    down();
}

static void releases_by_others_are_not_believed(void **state)
{
    uint8_t bytes[1472];
    size_t n;

    (void)state;
    up(false, false);
    ask(DHCP_REQUEST, US + 5, 67);
    n = message(bytes, DHCP_REQUEST_OP, DHCP_RELEASE, US + 5, 0, US);
    arrive(router, US + 5, US, 68, 67, bytes, n);
    step(1);
    assert_int_equal(server.counters.released, 0);
    arrive(client, US + 5, US, 68, 67, bytes, n);
    step(1);
    assert_int_equal(server.counters.released, 1);
    down();
}

static void what_is_no_dhcp_is_counted(void **state)
{
    static uint8_t bytes[1472];

    (void)state;
    up(false, false);
    arrive(client, 0, UINT32_MAX, 68, 67, bytes, 0);
    arrive(client, 0, UINT32_MAX, 68, 67, bytes, sizeof bytes);
    arrive(client, 0, UINT32_MAX, 68, 4011, bytes, 240);
    step(1);
    assert_int_equal(server.counters.malformed, 3);
    assert_int_equal(n_out, 0);
    down();
}

static void the_service_is_asked_first(void **state)
{
    struct dhcp_message m;

    (void)state;
    up(false, true);
    handled = DHCP_NOT_MINE;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 1);
    handled = DHCP_CONSUMED;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 1);
    handled = DHCP_ANSWERED;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 2);
    sound(&out[1], &m);
    assert_int_equal(m.type, DHCP_ACK);
    handled = DHCP_ANSWERED_TOO;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 4);
    sound(&out[3], &m);
    assert_int_equal(m.type, DHCP_OFFER);
    assert_int_equal(asked, 4);
    ask(DHCP_REQUEST, US + 5, 4011);
    assert_int_equal(asked, 4);
    down();
}

/* More than a frame holds goes out in fragments, once ARP has found the machine. */
static void a_long_answer_is_fragmented(void **state)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0, 2};
    struct writer w;

    (void)state;
    up(false, true);
    handled = DHCP_ANSWERED;
    ask(DHCP_INFORM, US + 5, 67);
    assert_int_equal(out[0].bytes[13], 6);
    w = writer_on(in[0].bytes, 60);
    wr_copy(&w, our_mac, 6);
    wr_copy(&w, client, 6);
    wr_u16(&w, 0x0806);
    wr_copy(&w, head, sizeof head);
    wr_copy(&w, client, 6);
    wr_u32(&w, US + 5);
    wr_copy(&w, our_mac, 6);
    wr_u32(&w, US);
    wr_zero(&w, w.left);
    in[0].n = 60;
    n_in = 1;
    n_out = 0;
    step(1);
    assert_int_equal(n_out, 3);
    assert_memory_equal(out[2].bytes, client, 6);
    assert_int_equal(out[0].bytes[20] & 0x20, 0x20); /* more fragments */
    assert_int_equal(out[2].bytes[20] & 0x20, 0);
    down();
}

static void nothing_is_served_until_the_guard_is_content(void **state)
{
    uint8_t bytes[1472];
    struct dhcp_message m;
    unsigned probes = 0;
    size_t n;

    (void)state;
    up(true, true);
    handled = DHCP_ANSWERED;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(asked, 0);
    for (int i = 0; i < 45; i++) {
        step(100);
        for (; n_out; n_out--, probes++) {
            sound(&out[n_out - 1], &m);
            assert_int_equal(m.type, DHCP_DISCOVER);
            assert_memory_equal(m.chaddr, our_mac, 6);
        }
    }
    assert_in_range(probes, 1, 2);
    assert_int_equal(guard_changes, 1);
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 1);
    /* An OFFER to our own address, as to a probe: by unicast to an address that is not ours. */
    n = message(bytes, DHCP_REPLY_OP, DHCP_OFFER, 0, US + 77, US + 200);
    arrive(router, US + 200, US + 77, 67, 68, bytes, n);
    memcpy(in[n_in - 1].bytes, our_mac, 6);
    step(1);
    assert_int_equal(guard_changes, 2);
    assert_int_equal(dhcp_bind_guard(bound)->state, DHCP_GUARD_FOREIGN);
    assert_memory_equal(dhcp_guard_foreign(dhcp_bind_guard(bound))->mac, router, 6);
    n_out = 0;
    ask(DHCP_DISCOVER, 0, 67);
    assert_int_equal(n_out, 0);
    down();
}

static void off_is_silent(void **state)
{
    struct dhcp_config c = {.mode = DHCP_MODE_OFF, .address = US};

    (void)state;
    up(false, false);
    dhcp_bind_close(bound);
    assert_int_equal(dhcp_server_init(&server, &c, NULL, NULL), 0);
    assert_int_equal(dhcp_bind_open(&bound, stack, &server, NULL, NULL), 0);
    ask(DHCP_DISCOVER, 0, 67);
    step(5000);
    assert_int_equal(n_out, 0);
    assert_int_equal(dhcp_bind_guard(bound)->state, DHCP_GUARD_LISTENING);
    down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_without_an_address_is_reached),
        cmocka_unit_test(a_renewal_goes_to_its_address),
        cmocka_unit_test(releases_by_others_are_not_believed),
        cmocka_unit_test(what_is_no_dhcp_is_counted),
        cmocka_unit_test(the_service_is_asked_first),
        cmocka_unit_test(a_long_answer_is_fragmented),
        cmocka_unit_test(nothing_is_served_until_the_guard_is_content),
        cmocka_unit_test(off_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
