/* IGMP snooping as a story told in seconds: reports of all versions, leaves, queriers that come,
 * win and go. */
#include "tests/boot/snoop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "net/wire/rng.h"
#include "net/wire/writer.h"

#define RING 0xef010203
#define HOSTS 0xe0000001
#define V3_ROUTERS 0xe0000016
#define ALL UINT32_C(0xf)
#define P(port) (UINT32_C(1) << (port))

static struct snoop s;
static double t; /* seconds since the start */

static struct mono at(double seconds)
{
    return (struct mono){(int64_t)(seconds * 1e9) + 5};
}

static size_t packet(uint8_t *frame, unsigned proto, uint32_t from, uint32_t to,
                     const uint8_t *payload, size_t n)
{
    struct writer w = writer_on(frame, 256);

    wr_u24(&w, 0x01005e);
    wr_u24(&w, to & 0x7fffff);
    wr_copy(&w, "RING\0\1", 6);
    wr_u16(&w, 0x0800);
    wr_u16(&w, 0x4600); /* with an option: the router alert that IGMP carries */
    wr_u16(&w, 24 + n);
    wr_zero(&w, 5);
    wr_u8(&w, proto);
    wr_u16(&w, 0);
    wr_u32(&w, from);
    wr_u32(&w, to);
    wr_u32(&w, 0x94040000);
    wr_copy(&w, payload, n);
    assert_false(w.bad);
    return w.done;
}

static size_t igmp(uint8_t *frame, uint32_t from, uint32_t to, uint8_t *body, size_t n)
{
    uint32_t sum = 0;

    body[2] = body[3] = 0;
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)body[i] << 8 | body[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    body[2] = (uint8_t)(~sum >> 8);
    body[3] = (uint8_t)~sum;
    return packet(frame, 2, from, to, body, n);
}

static size_t simple(uint8_t *frame, unsigned type, unsigned code, uint32_t from, uint32_t to,
                     uint32_t group)
{
    uint8_t body[8];
    struct writer w = writer_on(body, sizeof body);

    wr_u8(&w, type);
    wr_u24(&w, code << 16);
    wr_u32(&w, group);
    return igmp(frame, from, to, body, sizeof body);
}

static uint32_t give(unsigned port, unsigned type, unsigned code, uint32_t from, uint32_t to,
                     uint32_t group)
{
    uint8_t frame[256];
    size_t n = simple(frame, type, code, from, to, group);

    return snoop_forward(&s, at(t), port, frame, n, ALL);
}

static uint32_t report(unsigned port)
{
    return give(port, 0x16, 0, 0x0a000000 + port, RING, RING);
}

static uint32_t query(unsigned port, uint32_t from)
{
    return give(port, 0x11, 100, from, HOSTS, 0);
}

static uint32_t v3(unsigned port, unsigned type, unsigned sources)
{
    uint8_t body[64] = {0x22, 0, 0, 0, 0, 0, 0, 1}, frame[256];
    struct writer w = writer_on(body + 8, sizeof body - 8);

    wr_u8(&w, type);
    wr_u8(&w, 0);
    wr_u16(&w, sources);
    wr_u32(&w, RING);
    wr_zero(&w, 4 * sources);
    return snoop_forward(&s, at(t), port, frame, igmp(frame, 1, V3_ROUTERS, body, 8 + w.done), ALL);
}

static uint32_t stream_to(uint32_t group)
{
    uint8_t frame[256], payload[16] = {0};

    return snoop_forward(&s, at(t), 0, frame,
                         packet(frame, 17, 0x0a000001, group, payload, sizeof payload), ALL);
}

static int start(void **state)
{
    (void)state;
    snoop_init(&s, &snoop_defaults);
    t = 0;
    return 0;
}

static void unknown_groups_are_flooded_until_a_querier_is_seen(void **state)
{
    (void)state;
    assert_int_equal(stream_to(RING), ALL);
    assert_int_equal(query(0, 0x0a000001), ALL);
    assert_int_equal(stream_to(RING), P(0));
    assert_int_equal(stream_to(0xe00000fb), ALL);
    t = 256; /* the querier was not heard again */
    assert_int_equal(stream_to(RING), ALL);
    s.config.unknown = SNOOP_DROP;
    assert_int_equal(stream_to(RING), 0);
    s.config.unknown = SNOOP_FLOOD;
    query(0, 1);
    assert_int_equal(stream_to(RING), ALL);
}

static void a_membership_lasts_260_seconds(void **state)
{
    (void)state;
    query(0, 0x0a000001);
    assert_int_equal(report(2), P(0));
    assert_int_equal(stream_to(RING), P(0) | P(2));
    t = 250;
    query(0, 0x0a000001);
    assert_int_equal(stream_to(RING), P(0) | P(2));
    t = 261;
    assert_int_equal(stream_to(RING), P(0));
    give(1, 0x12, 0, 1, RING, RING); /* version 1 */
    assert_int_equal(stream_to(RING), P(0) | P(1));
}

static void a_leave_is_believed_when_nobody_answers(void **state)
{
    (void)state;
    query(0, 0x0a000001);
    report(1);
    report(2);
    assert_int_equal(give(1, 0x17, 0, 1, 0xe0000002, RING), P(0));
    assert_int_equal(stream_to(RING), P(0) | P(1) | P(2));
    assert_int_equal(give(0, 0x11, 10, 0x0a000001, RING, RING), ALL); /* is there anybody else? */
    t = 1;
    report(2);
    t = 2.1;
    assert_int_equal(stream_to(RING), P(0) | P(2));
    s.config.fast_leave = true;
    give(2, 0x17, 0, 1, 0xe0000002, RING);
    assert_int_equal(stream_to(RING), P(0));
}

static void without_a_querier_a_leave_waits_for_the_timer(void **state)
{
    (void)state;
    report(2);
    give(2, 0x17, 0, 1, 0xe0000002, RING);
    t = 10;
    assert_int_equal(stream_to(RING), P(2));
}

static void version_3_records(void **state)
{
    (void)state;
    query(0, 0x0a000001);
    v3(1, 4, 0); /* to exclude nothing: join */
    v3(2, 2, 0); /* excludes nothing */
    v3(3, 5, 1); /* allows a source */
    assert_int_equal(stream_to(RING), ALL);
    v3(1, 3, 0); /* to include nothing: leave */
    v3(2, 6, 1); /* blocks one source: says nothing about the others */
    t = 3;
    assert_int_equal(stream_to(RING), P(0) | P(2) | P(3));
}

static void the_lowest_address_is_the_querier(void **state)
{
    (void)state;
    query(2, 0x0a000005);
    assert_int_equal(s.querier.port, 2);
    query(1, 0x0a000009);
    assert_int_equal(s.querier.port, 2);
    query(3, 0x0a000001);
    assert_int_equal(s.querier.port, 3);
    assert_int_equal(stream_to(RING), P(1) | P(2) | P(3));
    query(0, 0); /* a switch's own question: not a router, not a querier */
    assert_int_equal(stream_to(RING), P(1) | P(2) | P(3));
    snoop_port_down(&s, 3);
    assert_int_equal(s.querier.address, 0);
    assert_int_equal(stream_to(RING), ALL);
}

static void a_pim_hello_makes_a_router_port(void **state)
{
    uint8_t frame[256], payload[8] = {0x20};

    (void)state;
    query(0, 0x0a000001);
    snoop_forward(&s, at(t), 3, frame, packet(frame, 103, 9, 0xe000000d, payload, sizeof payload),
                  ALL);
    assert_int_equal(stream_to(RING), P(0) | P(3));
}

static void a_full_table_is_counted_and_freed_by_time(void **state)
{
    (void)state;
    query(0, 0x0a000001);
    for (uint32_t g = 0; g < SNOOP_GROUPS; g++)
        give(1, 0x16, 0, 1, RING + g, RING + g);
    assert_int_equal(s.full, 0);
    give(1, 0x16, 0, 1, RING - 1, RING - 1);
    assert_int_equal(s.full, 1);
    t = 261;
    query(0, 0x0a000001);
    give(1, 0x16, 0, 1, RING - 1, RING - 1);
    assert_int_equal(s.full, 1);
    assert_int_equal(stream_to(RING - 1), P(0) | P(1));
}

/* Every truncation of each message, and noise: nothing is read past the end, nothing joins. */
static void cut_and_changed_frames_teach_nothing(void **state)
{
    uint8_t frame[256], *copy;
    size_t n = simple(frame, 0x16, 0, 1, RING, RING);
    struct rng rng = {7};

    (void)state;
    for (size_t k = 14; k < n; k++) {
        copy = test_malloc(k);
        memcpy(copy, frame, k);
        snoop_forward(&s, at(0), 1, copy, k, ALL);
        test_free(copy);
    }
    frame[n - 1] ^= 1; /* the checksum is wrong now */
    snoop_forward(&s, at(0), 1, frame, n, ALL);
    assert_int_equal(s.reports, 0);
    for (int i = 0; i < 200000; i++) {
        size_t k = 38 + rng_below(&rng, 60);

        copy = test_malloc(k);
        for (size_t b = 0; b < k; b++)
            copy[b] = b < n - 8 ? frame[b] : (uint8_t)rng_u64(&rng);
        copy[17] = (uint8_t)(k - 14 - rng_below(&rng, 3));
        snoop_forward(&s, at(0), (unsigned)rng_below(&rng, SNOOP_PORTS), copy, k, ALL);
        test_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unknown_groups_are_flooded_until_a_querier_is_seen, start),
        cmocka_unit_test_setup(a_membership_lasts_260_seconds, start),
        cmocka_unit_test_setup(a_leave_is_believed_when_nobody_answers, start),
        cmocka_unit_test_setup(without_a_querier_a_leave_waits_for_the_timer, start),
        cmocka_unit_test_setup(version_3_records, start),
        cmocka_unit_test_setup(the_lowest_address_is_the_querier, start),
        cmocka_unit_test_setup(a_pim_hello_makes_a_router_port, start),
        cmocka_unit_test_setup(a_full_table_is_counted_and_freed_by_time, start),
        cmocka_unit_test_setup(cut_and_changed_frames_teach_nothing, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
