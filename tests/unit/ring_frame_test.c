/* Frames of the data path, checksums left to hardware, and the filters of the packet sockets, run
 * here by a small interpreter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/if_packet.h>

#include "net/ring/filter.h"
#include "net/ring/frame.h"
#include "net/wire/rng.h"

static const struct ring_flow flow = {.group = 0xeff51207, .port = 7800}; /* 239.245.18.7 */
static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
#define SOURCE 0x0a010203

static void a_frame(uint8_t f[FRAME_BYTES])
{
    memset(f, 0xa5, FRAME_BYTES);
    frame_header(&flow, mac, SOURCE, 4, DATAGRAM_BYTES, f);
}

/* The Internet checksum once more, the long way. */
static uint32_t ones_sum(const uint8_t *p, size_t n)
{
    uint32_t s = 0;

    for (size_t i = 0; i < n; i++)
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (s > 0xffff)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

static void golden_header(void **state)
{
    static const uint8_t want[FRAME_HEADER_BYTES] = {0x01, 0x00, 0x5e, 0x75, 0x12, 0x07, 2,
                                                     0,    0,    0,    0,    9,    0x08, 0x00,
                                                     0x45, 0x00, 0x05, 0xdc, 0x00, 0x00, 0x40,
                                                     0x00, 4,    17,   0x63, 0x11, 10,   1,
                                                     2,    3,    239,  245,  18,   7,    0x1e,
                                                     0x78, 0x1e, 0x78, 0x05, 0xc8, 0,    0};
    uint8_t f[FRAME_BYTES];

    (void)state;
    a_frame(f);
    assert_int_equal(ones_sum(f + 14, 20), 0xffff);
    assert_memory_equal(f, want, sizeof want);
}

/* In a heap block of exactly n bytes, so that the sanitizer sees a read past the end. */
static const uint8_t *parse(const uint8_t *f, size_t n, size_t *bytes, uint8_t **copy)
{
    *copy = malloc(n ? n : 1);
    assert_non_null(*copy);
    memcpy(*copy, f, n);
    return frame_payload(*copy, n, &flow, bytes);
}

static void every_truncation_is_refused(void **state)
{
    uint8_t f[FRAME_BYTES + 20], *copy;

    (void)state;
    memset(f, 0, sizeof f);
    a_frame(f);
    for (size_t n = 0; n <= sizeof f; n++) {
        size_t bytes = 0;
        const uint8_t *p = parse(f, n, &bytes, &copy);

        if (n < FRAME_BYTES) {
            assert_null(p);
        } else {
            assert_ptr_equal(p, copy + FRAME_HEADER_BYTES);
            assert_int_equal(bytes, DATAGRAM_BYTES);
        }
        free(copy);
    }
}

/* What a frame of ours never has: each alone. */
static void what_is_not_ours_is_refused(void **state)
{
    static const struct {
        int at;
        uint8_t v;
    } t[] = {{12, 0x86}, {13, 0x06}, {14, 0x46}, {14, 0x65}, {14, 0x44}, {16, 0x06},
             {17, 0x13}, {20, 0x60}, {21, 1},    {23, 6},    {30, 240},  {33, 8},
             {36, 0},    {37, 0},    {38, 6},    {39, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint8_t f[FRAME_BYTES], *copy;
        size_t bytes;

        a_frame(f);
        f[t[i].at] = t[i].v;
        if (t[i].at == 39)
            f[38] = 0;
        if (t[i].at == 17)
            f[16] = 0;
        assert_null(parse(f, sizeof f, &bytes, &copy));
        free(copy);
    }
}

static void random_bytes_do_no_harm(void **state)
{
    struct rng rng = {11};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t f[FRAME_BYTES], *copy;
        size_t bytes = 0, n = rng_below(&rng, 100);
        const uint8_t *p;

        a_frame(f);
        for (uint64_t k = rng_below(&rng, 6); k > 0; k--)
            f[12 + rng_below(&rng, 30)] = (uint8_t)rng_u64(&rng);
        p = parse(f, n, &bytes, &copy);
        if (p)
            assert_true(p >= copy && bytes <= n && p + bytes <= copy + n);
        frame_checksum(copy, n);
        free(copy);
    }
}

/* A frame as virtual links hand it over: the checksum field holds the pseudo-header's sum only. */
static void checksums_are_completed(void **state)
{
    struct rng rng = {12};

    (void)state;
    for (int i = 0; i < 500; i++) {
        uint8_t f[FRAME_BYTES], pseudo[12];
        uint8_t proto = i % 2 ? 6 : 17;
        size_t options = rng_below(&rng, 3) * 4, data = 20 + rng_below(&rng, 600);
        size_t header = 20 + options, segment = 14 + header, n = segment + data;
        uint32_t sum;

        memset(f, 0, sizeof f);
        for (size_t b = 26; b < n; b++)
            f[b] = (uint8_t)rng_u64(&rng);
        f[12] = 8;
        f[14] = (uint8_t)(0x40 | header / 4);
        f[16] = (uint8_t)((header + data) >> 8);
        f[17] = (uint8_t)(header + data);
        f[23] = proto;
        frame_checksum(f, n + rng_below(&rng, 20)); /* padding behind it does not count */
        memcpy(pseudo, f + 26, 8);
        memcpy(pseudo + 8, (uint8_t[4]){0, proto, (uint8_t)(data >> 8), (uint8_t)data}, 4);
        sum = ones_sum(pseudo, 12) + ones_sum(f + segment, data);
        assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}

static void the_pseudo_sum_is_what_offload_wants(void **state)
{
    uint8_t f[FRAME_BYTES];
    uint16_t partial;
    uint32_t sum;

    (void)state;
    a_frame(f);
    partial = frame_pseudo_sum(SOURCE, flow.group, DATAGRAM_BYTES + FRAME_UDP_BYTES);
    f[40] = (uint8_t)(partial >> 8);
    f[41] = (uint8_t)partial;
    sum = ~ones_sum(f + 34, FRAME_UDP_BYTES + DATAGRAM_BYTES) & 0xffff;
    memset(f + 40, 0, 2);
    frame_checksum(f, sizeof f);
    assert_int_equal(sum, f[40] << 8 | f[41]);
}

/* ---- filters ---- */

/* what the kernel took off the frame: priority and VLAN; -1: there was no tag */
static int tag = -1;

/* Runs a program as the kernel would: the instructions used in filter.c, nothing else. A load past
 * the end drops. */
static bool lets_in(const struct sock_filter *code, size_t n, const uint8_t *f, size_t len,
                    uint8_t type)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &code[pc];
        size_t width = BPF_SIZE(i->code) == BPF_W ? 4 : BPF_SIZE(i->code) == BPF_H ? 2 : 1;

        switch (i->code) {
        case BPF_LD | BPF_ABS | BPF_W:
        case BPF_LD | BPF_ABS | BPF_H:
        case BPF_LD | BPF_ABS | BPF_B:
            a = i->k == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)            ? type
                : i->k == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT) ? tag >= 0
                                                                           : (uint32_t)tag;
            if (i->k >= (uint32_t)SKF_AD_OFF)
                break;
            if (i->k + width > len)
                return false;
            a = 0;
            for (size_t b = 0; b < width; b++)
                a = a << 8 | f[i->k + b];
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k != 0;
        default:
            fail_msg("unknown instruction %#x", i->code);
        }
    }
    fail_msg("the program ends without a verdict");
    return false;
}

static void the_flow_filter_lets_in_what_parses(void **state)
{
    struct sock_filter code[FILTER_MAX];
    size_t n = filter_flow(&flow, code);
    struct rng rng = {13};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t f[FRAME_BYTES];
        size_t bytes;

        a_frame(f);
        for (uint64_t k = rng_below(&rng, 3); k > 0; k--)
            f[12 + rng_below(&rng, 26)] ^= (uint8_t)(1 << rng_below(&rng, 8));
        if (frame_payload(f, sizeof f, &flow, &bytes))
            assert_true(lets_in(code, n, f, sizeof f, PACKET_MULTICAST));
        if (!lets_in(code, n, f, sizeof f, PACKET_MULTICAST))
            assert_null(frame_payload(f, sizeof f, &flow, &bytes));
    }
    assert_false(lets_in(code, n, (const uint8_t *)"short", 5, PACKET_HOST));
}

static void the_control_filter_keeps_flows_out(void **state)
{
    struct ring_flow flows[RING_CTL_SKIP_MAX];
    struct sock_filter code[FILTER_MAX];
    uint8_t f[FRAME_BYTES];
    size_t n;

    (void)state;
    for (size_t i = 0; i < RING_CTL_SKIP_MAX; i++)
        flows[i] = (struct ring_flow){flow.group + (uint32_t)i, (uint16_t)(7800 + i)};
    n = filter_control(flows, RING_CTL_SKIP_MAX, code);
    for (size_t i = 0; i < RING_CTL_SKIP_MAX; i++) {
        struct ring_flow other = {flows[i].group, (uint16_t)(flows[i].port + 1)};

        frame_header(&flows[i], mac, SOURCE, 1, DATAGRAM_BYTES, f);
        assert_false(lets_in(code, n, f, sizeof f, PACKET_MULTICAST));
        f[23] = 6; /* the same addresses in TCP */
        assert_true(lets_in(code, n, f, sizeof f, PACKET_MULTICAST));
        frame_header(&other, mac, SOURCE, 1, DATAGRAM_BYTES, f);
        assert_true(lets_in(code, n, f, sizeof f, PACKET_MULTICAST));
        assert_false(lets_in(code, n, f, sizeof f, PACKET_OTHERHOST));
    }
    f[13] = 6; /* ARP */
    assert_true(lets_in(code, n, f, 60, PACKET_BROADCAST));
    f[13] = 0xdd; /* anything else */
    assert_false(lets_in(code, n, f, 60, PACKET_BROADCAST));
    n = filter_control(NULL, 0, code);
    frame_header(&flow, mac, SOURCE, 1, DATAGRAM_BYTES, f);
    assert_true(lets_in(code, n, f, sizeof f, PACKET_MULTICAST));
}

static void frames_of_other_vlans_are_not_ours(void **state)
{
    static const struct {
        int tag;
        bool ours;
    } c[] = {{-1, true},           {0, true},    {5 << 13, true}, {20, false},
             {5 << 13 | 1, false}, {4095, false}};
    struct sock_filter code[FILTER_MAX], control[FILTER_MAX];
    size_t n = filter_flow(&flow, code), m = filter_control(NULL, 0, control);
    uint8_t f[FRAME_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        tag = c[i].tag;
        frame_header(&flow, mac, SOURCE, 1, DATAGRAM_BYTES, f);
        assert_int_equal(lets_in(code, n, f, sizeof f, PACKET_MULTICAST), c[i].ours);
        assert_int_equal(lets_in(control, m, f, sizeof f, PACKET_MULTICAST), c[i].ours);
        f[13] = 6; /* ARP */
        assert_int_equal(lets_in(control, m, f, 60, PACKET_BROADCAST), c[i].ours);
    }
    tag = -1;
}

static void interfaces_that_do_not_exist(void **state)
{
    struct ring_if itf;
    struct err err = {0};

    (void)state;
    assert_int_equal(ring_if_info("no-such-if0", &itf, &err), RING_ERR_NO_IF);
    assert_int_equal(ring_if_info("", &itf, NULL), RING_ERR_NO_IF);
    assert_int_equal(ring_if_info("a-name-that-is-far-too-long", &itf, NULL), RING_ERR_NO_IF);
    assert_string_equal(err.text, "there is no interface named no-such-if0");
    assert_int_equal(ring_if_info("lo", &itf, NULL), RING_ERR_NOT_ETHERNET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_header),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(checksums_are_completed),
        cmocka_unit_test(the_pseudo_sum_is_what_offload_wants),
        cmocka_unit_test(the_flow_filter_lets_in_what_parses),
        cmocka_unit_test(the_control_filter_keeps_flows_out),
        cmocka_unit_test(frames_of_other_vlans_are_not_ours),
        cmocka_unit_test(interfaces_that_do_not_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
