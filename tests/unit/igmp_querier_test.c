/* IGMP messages, and who asks on a wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/igmp/querier.h"

/* A general query of version 2 from 10.77.0.9, and a leave of 239.255.1.2; another program's
 * arithmetic. */
static const uint8_t bridge[] = {0x46, 0xc0, 0x00, 0x20, 0x00, 0x00, 0x40, 0x00, 0x01, 0x02, 0xf9,
                                 0xc0, 0x0a, 0x4d, 0x00, 0x09, 0xe0, 0x00, 0x00, 0x01, 0x94, 0x04,
                                 0x00, 0x00, 0x11, 0x64, 0xee, 0x9b, 0x00, 0x00, 0x00, 0x00};
static const uint8_t leave[] = {0x46, 0xc0, 0x00, 0x20, 0x00, 0x00, 0x40, 0x00, 0x01, 0x02, 0xf9,
                                0x8e, 0x0a, 0x4d, 0x00, 0x3a, 0xe0, 0x00, 0x00, 0x02, 0x94, 0x04,
                                0x00, 0x00, 0x17, 0x00, 0xf7, 0xfd, 0xef, 0xff, 0x01, 0x02};

static uint32_t sum16(const uint8_t *at, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(at[i] << 8 | at[i + 1]);
    return (sum & 0xffff) + (sum >> 16);
}

static void queries_are_as_the_rfcs_say(void **state)
{
    uint8_t out[IGMP_DATAGRAM_MAX];

    (void)state;
    assert_int_equal(igmp_query(out, 2, 0x0A4D0009, 0, 100, 125), sizeof bridge);
    assert_memory_equal(out, bridge, sizeof bridge);
    assert_int_equal(igmp_query(out, 3, 0x0A4D0009, 0, 100, 125), 36);
    assert_int_equal(sum16(out, 24), 0xffff);
    assert_int_equal(sum16(out + 24, 12), 0xffff);
    assert_memory_equal(out + 32, "\x02\x7d\x00\x00", 4);
    assert_int_equal(igmp_query(out, 2, 0x0A4D0009, 0xEFFF0102, 10, 125), 32);
    assert_memory_equal(out + 16, "\xef\xff\x01\x02", 4);
    assert_memory_equal(out + 28, "\xef\xff\x01\x02", 4);
}

static void messages_are_read(void **state)
{
    uint8_t third[IGMP_DATAGRAM_MAX];
    struct igmp_message m;

    (void)state;
    assert_int_equal(igmp_decode(bridge, sizeof bridge, &m), 0);
    assert_int_equal(m.type, IGMP_QUERY);
    assert_int_equal(m.from, 0x0A4D0009);
    assert_int_equal(m.group, 0);
    assert_int_equal(m.robustness, 0);
    assert_int_equal(igmp_decode(leave, sizeof leave, &m), 0);
    assert_int_equal(m.type, IGMP_LEAVE);
    assert_int_equal(m.group, 0xEFFF0102);
    assert_int_equal(igmp_decode(third, igmp_query(third, 3, 1, 0, 100, 60), &m), 0);
    assert_int_equal(m.robustness, IGMP_ROBUSTNESS);
    assert_int_equal(m.interval, 60);
}

static void every_truncation_is_refused(void **state)
{
    struct igmp_message m;

    (void)state;
    for (size_t n = 0; n < sizeof bridge; n++) {
        uint8_t *cut = malloc(n ? n : 1);

        memcpy(cut, bridge, n);
        assert_int_equal(igmp_decode(cut, n, &m), IGMP_EHEADER);
        free(cut);
    }
}

/* bytes[at] becomes value; the result is expected. */
static void changed(size_t at, uint8_t value, int expected)
{
    uint8_t copy[sizeof bridge];
    struct igmp_message m;

    memcpy(copy, bridge, sizeof copy);
    copy[at] = value;
    assert_int_equal(igmp_decode(copy, sizeof copy, &m), expected);
}

static void what_is_malformed_is_refused(void **state)
{
    struct igmp_message m;
    uint8_t padded[60] = {0};

    (void)state;
    changed(0, 0x56, IGMP_EHEADER); /* version */
    changed(0, 0x44, IGMP_EHEADER); /* four words of header */
    changed(0, 0x4f, IGMP_EHEADER); /* a header longer than the datagram */
    changed(0, 0x47, IGMP_ESHORT);  /* four bytes left for the message */
    changed(3, 23, IGMP_EHEADER);   /* a datagram shorter than its header */
    changed(3, 31, IGMP_ESHORT);
    changed(3, 33, IGMP_EHEADER);   /* longer than what came */
    changed(6, 0x20, IGMP_EHEADER); /* a fragment */
    changed(9, 17, IGMP_EHEADER);   /* UDP */
    changed(24, 0x12, IGMP_ECHECKSUM);
    memcpy(padded, bridge, sizeof bridge);
    assert_int_equal(igmp_decode(padded, sizeof padded, &m), 0);
    padded[24] = 0x13; /* DVMRP; the checksum made good */
    padded[26] = 0xec;
    assert_int_equal(igmp_decode(padded, sizeof padded, &m), IGMP_ETYPE);
}

/* ---- who asks ---- */

#define US 0x0A4D0005u

static struct mono at_s(double s)
{
    return (struct mono){(int64_t)(s * 1e9)};
}

static struct igmp_querier begun(void)
{
    struct igmp_querier q = {.address = US};

    igmp_querier_begin(&q, at_s(0));
    return q;
}

static void hear(struct igmp_querier *q, double s, unsigned version, uint32_t from, uint32_t group,
                 unsigned interval)
{
    uint8_t bytes[IGMP_DATAGRAM_MAX];

    igmp_querier_input(q, at_s(s), bytes, igmp_query(bytes, version, from, group, 100, interval));
}

/* The seconds at which we ask all between two times, by version: "0v2 0v3 31v2 ...". */
static const char *asked(struct igmp_querier *q, int from, int to)
{
    static char text[1000];

    text[0] = 0;
    for (int s = from; s < to; s++) {
        uint8_t out[IGMP_DATAGRAM_MAX];
        size_t n, used = strlen(text);

        while (igmp_querier_step(q, at_s(s), out, &n)) {
            struct igmp_message m;

            assert_int_equal(igmp_decode(out, n, &m), 0);
            assert_int_equal(m.from, US);
            snprintf(text + used, sizeof text - used, "%s%d%s", used ? " " : "", s,
                     m.group   ? "g"
                     : n == 36 ? "v3"
                               : "v2");
            used = strlen(text);
        }
    }
    return text;
}

static void a_wire_without_a_querier_gets_us(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    assert_string_equal(asked(&q, 0, 300), "0v2 0v3 32v2 32v3 157v2 157v3 282v2 282v3");
    assert_int_equal(q.counts.elected, 1);
}

static void without_an_address_nothing_is_said(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    q.address = 0;
    assert_string_equal(asked(&q, 0, 50), "");
    q.address = US;
    assert_string_equal(asked(&q, 50, 60), "50v2 50v3");
}

static void a_lower_address_wins_until_it_is_silent(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    assert_string_equal(asked(&q, 0, 10), "0v2 0v3");
    hear(&q, 10, 2, US - 1, 0, 0);
    assert_false(q.asking);
    assert_int_equal(q.other, US - 1);
    assert_string_equal(asked(&q, 10, 100), "");
    hear(&q, 100, 2, US - 1, 0, 0);
    assert_string_equal(asked(&q, 100, 360), "355v2 355v3"); /* 2 x 125 + 5 s after his last */
    assert_int_equal(q.counts.elected, 2);
    assert_int_equal(q.counts.foreign, 2);
}

static void others_do_not_win(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    asked(&q, 0, 5);
    hear(&q, 5, 2, US + 1, 0, 0);     /* a higher address */
    hear(&q, 5, 2, US, 0, 0);         /* our own */
    hear(&q, 5, 2, 0, 0, 0);          /* a switch without an address */
    hear(&q, 5, 2, 1, 0xEFFF0102, 0); /* about one group: that is no election */
    assert_true(q.asking);
    assert_string_equal(asked(&q, 5, 40), "32v2 32v3");
}

static void the_lowest_of_several_counts(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    hear(&q, 0, 2, 5, 0, 0);
    hear(&q, 1, 2, 3, 0, 0);
    assert_int_equal(q.other, 3);
    hear(&q, 200, 2, 5, 0, 0); /* he has not heard of 3 yet; it does not keep us from missing 3 */
    assert_int_equal(q.other, 3);
    assert_string_equal(asked(&q, 200, 260), "256v2 256v3");
}

static void version_3_says_how_long_to_wait(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    hear(&q, 0, 3, 1, 0, 20);
    assert_string_equal(asked(&q, 0, 50), "45v2 45v3"); /* 2 x 20 + 5 */
    q = begun();
    q.timing.query_s = 10;
    hear(&q, 0, 3, 1, 0, 127); /* at most eight times our own interval */
    assert_string_equal(asked(&q, 0, 90), "85v2 85v3 88v2 88v3");
}

static void who_stays_is_asked_when_somebody_leaves(void **state)
{
    struct igmp_querier q = begun();

    (void)state;
    asked(&q, 0, 5);
    igmp_querier_input(&q, at_s(5), leave, sizeof leave);
    igmp_querier_input(&q, at_s(5), leave, sizeof leave);
    assert_string_equal(asked(&q, 5, 20), "5g 6g");
    assert_int_equal(q.counts.leaves, 2);
    hear(&q, 20, 2, 1, 0, 0);
    igmp_querier_input(&q, at_s(21), leave, sizeof leave); /* the other's affair */
    assert_string_equal(asked(&q, 21, 30), "");
}

static void a_flood_of_leaves_is_a_few_queries(void **state)
{
    struct igmp_querier q = begun();
    uint8_t bytes[IGMP_DATAGRAM_MAX];
    unsigned n = 0;
    size_t length;

    (void)state;
    asked(&q, 0, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t sum;

        memcpy(bytes, leave, sizeof leave);
        bytes[30] = (uint8_t)(i >> 8);
        bytes[31] = (uint8_t)i;
        bytes[26] = bytes[27] = 0;
        sum = ~sum16(bytes + 24, 8);
        bytes[26] = (uint8_t)(sum >> 8);
        bytes[27] = (uint8_t)sum;
        igmp_querier_input(&q, at_s(1), bytes, sizeof leave);
    }
    assert_int_equal(q.counts.leaves, 1000);
    while (igmp_querier_step(&q, at_s(1), bytes, &length))
        n++;
    assert_int_equal(n, IGMP_LEFT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_as_the_rfcs_say),
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(a_wire_without_a_querier_gets_us),
        cmocka_unit_test(without_an_address_nothing_is_said),
        cmocka_unit_test(a_lower_address_wins_until_it_is_silent),
        cmocka_unit_test(others_do_not_win),
        cmocka_unit_test(the_lowest_of_several_counts),
        cmocka_unit_test(version_3_says_how_long_to_wait),
        cmocka_unit_test(who_stays_is_asked_when_somebody_leaves),
        cmocka_unit_test(a_flood_of_leaves_is_a_few_queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
