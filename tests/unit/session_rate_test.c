/* The rate against simulated rooms: a link that drops what it cannot carry, disks that take what
 * they can, lines that are simply bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/session/rate.h"

#define MB UINT64_C(1000000)
#define MANY 200

struct room {
    unsigned n;
    uint64_t carries;          /* what lies above is lost, for everybody */
    uint32_t bad_line[MANY];   /* loss that has nothing to do with the rate */
    uint64_t carries_to[MANY]; /* like `carries`, for this receiver; 0: no limit */
    uint64_t disk[MANY];       /* what its disk takes; 0: anything */
};

static struct room room;
static struct rate rate;
static struct mono now;
static uint64_t lowest, highest;

static void begin(uint64_t floor, uint64_t ceiling, uint64_t start, unsigned n)
{
    struct rate_config c = {floor, ceiling, start};

    memset(&room, 0, sizeof room);
    room.n = n;
    room.carries = UINT64_MAX;
    rate_init(&rate, &c);
    lowest = UINT64_MAX;
    highest = 0;
}

static uint32_t over(uint64_t carries)
{
    return carries && rate.now > carries ? (uint32_t)((rate.now - carries) * 1000000 / rate.now)
                                         : 0;
}

static void live(unsigned seconds)
{
    struct rate_sample s[MANY];

    while (seconds--) {
        for (unsigned i = 0; i < room.n; i++) {
            uint32_t loss = over(room.carries) + over(room.carries_to[i]) + room.bad_line[i];

            s[i] = (struct rate_sample){.recent_ppm = loss < 1000000 ? loss : 1000000,
                                        .wanted = room.disk[i] && room.disk[i] < rate.now
                                                      ? room.disk[i]
                                                      : 0};
        }
        rate_step(&rate, s, room.n, 1000, now);
        now = mono_add(now, MONO_S);
        lowest = rate.now < lowest ? rate.now : lowest;
        highest = rate.now > highest ? rate.now : highest;
        assert_in_range(rate.now, rate.config.floor, rate.config.ceiling);
    }
}

static void the_reason_is(const char *want)
{
    char text[100];

    assert_string_equal(rate_reason_text(&rate, text, sizeof text), want);
}

static void start_is_brought_within_bounds(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 1 * MB, 0);
    assert_int_equal(rate.now, 10 * MB);
    begin(10 * MB, 100 * MB, 900 * MB, 0);
    assert_int_equal(rate.now, 100 * MB);
    the_reason_is("no reports yet");
}

static void nobody_there_nothing_changes(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 60 * MB, 0);
    live(100);
    assert_int_equal(rate.now, 60 * MB);
}

static void without_complaints_it_reaches_the_ceiling(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 50 * MB, 10);
    live(30);
    the_reason_is("going up while nobody complains");
    live(150);
    assert_int_equal(rate.now, 100 * MB);
    the_reason_is("as fast as allowed");
}

static void a_link_that_overflows_is_found_and_kept_below(void **state)
{
    (void)state;
    begin(10 * MB, 110 * MB, 55 * MB, 10);
    room.carries = 80 * MB;
    live(300);
    assert_in_range(rate.now, 70 * MB, 84 * MB);
    lowest = UINT64_MAX;
    highest = 0;
    live(600);
    assert_in_range(lowest, 68 * MB, 80 * MB);
    assert_in_range(highest, 70 * MB, 84 * MB); /* probes go a little above, and come back */
}

static void bad_lines_do_not_slow_the_room(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 90 * MB, 20);
    for (unsigned i = 0; i < room.n; i++)
        room.bad_line[i] = 50000;
    live(200);
    assert_int_equal(rate.now, 100 * MB);
    assert_true(lowest >= 80 * MB); /* one look was taken */
}

static void the_slowest_few_do_not_set_the_pace(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 90 * MB, 100);
    for (unsigned i = 0; i < 5; i++)
        room.disk[i] = 15 * MB;
    room.carries_to[50] = 0;
    live(200);
    assert_int_equal(rate.now, 100 * MB);
    begin(10 * MB, 100 * MB, 90 * MB, 4);
    room.carries_to[0] = 20 * MB; /* one port at a tenth of the speed */
    live(200);
    assert_int_equal(rate.now, 100 * MB);
    assert_true(lowest >= 90 * MB);
}

static void the_disks_of_the_many_do(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 90 * MB, 100);
    for (unsigned i = 0; i < 40; i++)
        room.disk[i] = 60 * MB;
    room.disk[99] = 20 * MB;
    live(20);
    assert_in_range(rate.now, 59 * MB, 61 * MB);
    live(200);
    assert_in_range(rate.now, 59 * MB, 63 * MB);
    memset(room.disk, 0, sizeof room.disk); /* the compressible part is over */
    live(200);
    assert_int_equal(rate.now, 100 * MB);
}

static void two_receivers_both_count(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 90 * MB, 2);
    room.disk[1] = 30 * MB;
    live(20);
    assert_in_range(rate.now, 29 * MB, 31 * MB);
}

static void the_floor_holds(void **state)
{
    (void)state;
    begin(40 * MB, 100 * MB, 90 * MB, 10);
    room.carries = 15 * MB;
    live(100);
    assert_int_equal(rate.now, 40 * MB);
    begin(40 * MB, 100 * MB, 90 * MB, 10);
    for (unsigned i = 0; i < 10; i++)
        room.disk[i] = 15 * MB;
    live(100);
    assert_int_equal(rate.now, 40 * MB);
    the_reason_is("the floor, though receivers cannot follow");
}

static void it_does_not_flutter(void **state)
{
    unsigned changes = 0;
    uint64_t before = 0;

    (void)state;
    begin(10 * MB, 110 * MB, 55 * MB, 10);
    room.carries = 80 * MB;
    live(300);
    for (unsigned i = 0; i < 600; i++) {
        live(1);
        changes += rate.now != before;
        before = rate.now;
    }
    assert_true(changes < 120);
}

static void a_cut_in_the_network_heals(void **state)
{
    (void)state;
    begin(10 * MB, 100 * MB, 90 * MB, 10);
    live(60);
    for (unsigned i = 0; i < room.n; i++)
        room.bad_line[i] = 900000;
    live(10);
    memset(room.bad_line, 0, sizeof room.bad_line);
    live(300);
    assert_int_equal(rate.now, 100 * MB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_brought_within_bounds),
        cmocka_unit_test(nobody_there_nothing_changes),
        cmocka_unit_test(without_complaints_it_reaches_the_ceiling),
        cmocka_unit_test(a_link_that_overflows_is_found_and_kept_below),
        cmocka_unit_test(bad_lines_do_not_slow_the_room),
        cmocka_unit_test(the_slowest_few_do_not_set_the_pace),
        cmocka_unit_test(the_disks_of_the_many_do),
        cmocka_unit_test(two_receivers_both_count),
        cmocka_unit_test(the_floor_holds),
        cmocka_unit_test(it_does_not_flutter),
        cmocka_unit_test(a_cut_in_the_network_heals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
