/* The rest of the virtual switch's core: learning, bad lines, held frames, and what is queued for a
 * slow machine. */
#include "tests/boot/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/wire/writer.h"
#include "tests/boot/count.h"
#include "tests/boot/held.h"
#include "tests/boot/impair.h"
#include "tests/boot/outq.h"

#define P(port) (UINT32_C(1) << (port))

static struct bridge b;

static uint32_t give(double seconds, unsigned port, uint64_t to, uint64_t from)
{
    uint8_t frame[60] = {0};

    for (int i = 0; i < 6; i++) {
        frame[i] = (uint8_t)(to >> (40 - 8 * i));
        frame[6 + i] = (uint8_t)(from >> (40 - 8 * i));
    }
    return bridge_forward(&b, (struct mono){(int64_t)(seconds * 1e9)}, port, frame, sizeof frame);
}

static void addresses_are_learned_and_forgotten(void **state)
{
    (void)state;
    bridge_init(&b, &snoop_defaults);
    for (unsigned p = 0; p < 4; p++)
        bridge_port_up(&b, p);
    assert_int_equal(give(1, 0, 0x20, 0x10), P(1) | P(2) | P(3));
    assert_int_equal(give(2, 1, 0x10, 0x20), P(0));
    assert_int_equal(give(3, 0, 0x20, 0x10), P(1));
    assert_int_equal(give(3, 1, 0x20, 0x10), 0); /* the same port: it goes nowhere */
    assert_int_equal(b.moved, 1);
    assert_int_equal(give(200, 2, 0x10, 0x30), P(1));
    assert_int_equal(give(304, 3, 0x10, 0x40), P(0) | P(1) | P(2)); /* 300 s old */
    give(305, 1, 0x40, 0x10);
    bridge_port_down(&b, 1);
    assert_int_equal(give(306, 3, 0x10, 0x40), P(0) | P(2));
    assert_int_equal(give(306, 3, UINT64_C(0xffffffffffff), 0x40), P(0) | P(2));
    give(307, 0, 0x40, UINT64_C(0x010000000050)); /* no machine has a group's address */
    assert_int_equal(give(308, 3, UINT64_C(0x010000000050), 0x40), P(0) | P(2));
}

static void a_flood_of_addresses_takes_no_more_room(void **state)
{
    (void)state;
    bridge_init(&b, &snoop_defaults);
    bridge_port_up(&b, 0);
    bridge_port_up(&b, 1);
    for (unsigned i = 1; i < 100000; i++)
        give(i * 1e-6, 0, 0x2, UINT64_C(0x520000000000) + i);
    assert_int_equal(give(1, 1, UINT64_C(0x520000000000) + 99999, 0x2), P(0));
}

static void settings_of_a_line(void **state)
{
    struct impair i = {0};
    int64_t delay;
    unsigned lost = 0;

    (void)state;
    assert_true(impair_none(&i));
    assert_true(impair_set(&i, "drop=25%") && impair_set(&i, "burst=2") &&
                impair_set(&i, "delay=2ms") && impair_set(&i, "jitter=0.5ms") &&
                impair_set(&i, "late=0.5") && impair_set(&i, "by=1s") && impair_set(&i, "seed=7"));
    for (int n = 0; n < 100000; n++) {
        lost += !impair_frame(&i, &delay);
        assert_true((delay >= 2000000 && delay <= 2500000) ||
                    (delay >= 1002000000 && delay <= 1002500000));
    }
    assert_in_range(lost, 39000,
                    41000); /* a quarter of the others begins a run of two: 0.5 of 0.75 + 0.5 */
    assert_false(impair_set(&i, "drop") || impair_set(&i, "=1") || impair_set(&i, "d=1") ||
                 impair_set(&i, "drop=150%") || impair_set(&i, "delay=3") ||
                 impair_set(&i, "delay=-3ms") || impair_set(&i, "burst=x") ||
                 impair_set(&i, "drop=nan") || impair_set(&i, "seed="));
}

static void held_frames_come_by_time_then_by_arrival(void **state)
{
    struct held h = {0};
    struct held_frame f;
    struct mono last = {0};
    uint64_t order = 0;
    struct rng rng = {3};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(
            held_put(&h, (struct mono){(int64_t)rng_below(&rng, 100)}, 1, (const uint8_t *)&i, 4));
    assert_false(held_take(&h, (struct mono){-1}, &f));
    for (int i = 0; i < 1000; i++) {
        assert_true(held_take(&h, (struct mono){100}, &f));
        assert_true(f.due.ns > last.ns || i == 0 || (f.due.ns == last.ns && f.order > order));
        last = f.due;
        order = f.order;
        free(f.framed);
    }
    assert_null(held_first(&h));
    free(h.heap);
}

/* Frames of every size through a socket that takes little at a time: what arrives is whole frames
 * in order, and what is missing was counted. */
static void a_slow_reader_gets_whole_frames(void **state)
{
    static uint8_t batch[64 * 1024], got[8 << 20];
    struct outq q;
    struct rng rng = {11};
    int fd[2], small = 4096;
    size_t have = 0, at = 0;
    uint32_t number = 0, next = 0, missing = 0;

    (void)state;
    outq_init(&q, 20000);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    for (int round = 0; round < 300; round++) {
        struct writer w = writer_on(batch, sizeof batch);
        bool noted;

        for (int i = 0; i < 20; i++) {
            uint8_t *start = w.at;
            size_t n = 14 + rng_below(&rng, 2000);

            wr_u32(&w, n);
            wr_u32(&w, number++);
            wr_zero(&w, n - 4);
            missing += !outq_put(&q, start, n + 4, &noted);
            if (rng_below(&rng, 5) == 0) /* the next frame is not the neighbour of this one */
                wr_zero(&w, 1);
        }
        assert_true(outq_send(&q, fd[0]));
        memset(batch, 0xee, sizeof batch);
        for (uint64_t reads = rng_below(&rng, 12); reads; reads--) {
            ssize_t n = recv(fd[1], got + have, 5000, MSG_DONTWAIT);

            have += n > 0 ? (size_t)n : 0;
            assert_true(outq_send(&q, fd[0]));
        }
    }
    for (ssize_t n; (n = recv(fd[1], got + have, 5000, MSG_DONTWAIT)) > 0; outq_send(&q, fd[0]))
        have += (size_t)n;
    assert_int_equal(q.used, 0);
    for (uint32_t seen = 0; at < have; seen++) {
        uint32_t n = (uint32_t)got[at] << 24 | (uint32_t)got[at + 1] << 16 |
                     (uint32_t)got[at + 2] << 8 | got[at + 3];
        uint32_t which = (uint32_t)got[at + 4] << 24 | (uint32_t)got[at + 5] << 16 |
                         (uint32_t)got[at + 6] << 8 | got[at + 7];

        assert_true(n >= 14 && n < 2014 && which >= next && which < number);
        next = which + 1;
        at += 4 + n;
        if (at == have)
            assert_int_equal(seen + 1 + q.dropped, number);
    }
    assert_int_equal(at, have);
    assert_true(q.dropped > 0 && missing <= q.dropped);
    close(fd[0]);
    close(fd[1]);
    outq_end(&q);
}

static void frames_are_told_apart(void **state)
{
    uint8_t frame[60] = {[12] = 8, [14] = 0x45, [23] = 17, [30] = 239, [36] = 0, [37] = 67};

    (void)state;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_dhcp);
    frame[37] = 69;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_tftp);
    frame[37] = 1;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_group);
    frame[30] = 10;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_udp);
    frame[23] = 2;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_igmp);
    frame[23] = 6;
    assert_int_equal(count_kind(frame, sizeof frame), COUNT_tcp);
    assert_int_equal(count_kind(frame, 33), COUNT_other);
    frame[13] = 6;
    assert_int_equal(count_kind(frame, 14), COUNT_arp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_learned_and_forgotten),
        cmocka_unit_test(a_flood_of_addresses_takes_no_more_room),
        cmocka_unit_test(settings_of_a_line),
        cmocka_unit_test(held_frames_come_by_time_then_by_arrival),
        cmocka_unit_test(a_slow_reader_gets_whole_frames),
        cmocka_unit_test(frames_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
