/* What is plugged in gets a place, once the kernel has read its table; the box's own disk never
 * does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rootfs/init/sticks.h"

#define MUCH 100000

static struct stick_device room[32];
static unsigned n;

static void add(const char *name, const char *disk, uint64_t sequence, uint64_t sectors,
                bool outside)
{
    struct stick_device d = {.sequence = sequence, .sectors = sectors, .outside = outside};

    snprintf(d.name, sizeof d.name, "%s", name);
    snprintf(d.disk, sizeof d.disk, "%s", disk);
    room[n++] = d;
}

static void take_out(const char *disk)
{
    unsigned left = 0;

    for (unsigned i = 0; i < n; i++)
        if (strcmp(room[i].disk, disk) != 0)
            room[left++] = room[i];
    n = left;
}

static void expect_look(struct sticks *s, unsigned mount, unsigned clear, unsigned detach)
{
    struct stick_orders o = sticks_look(s, room, n);

    assert_int_equal(o.mount, mount);
    assert_int_equal(o.clear, clear);
    assert_int_equal(o.detach, detach);
}

/* A box that was started from a USB stick, and has an inner disk, a CD and a RAM disk. */
static void a_box(struct sticks *s)
{
    memset(s, 0, sizeof *s);
    strcpy(s->own, "sda");
    n = 0;
    add("sda", "sda", 1, MUCH, true);
    add("sda1", "sda", 1, MUCH, true);
    add("sda4", "sda", 1, MUCH, true);
    add("nvme0n1", "nvme0n1", 2, MUCH, false);
    add("nvme0n1p1", "nvme0n1", 2, MUCH, false);
    add("sr0", "sr0", 3, MUCH, true);
    add("ram0", "ram0", 4, MUCH, true);
    expect_look(s, 0, 0, 0);
    expect_look(s, 0, 0, 0);
}

static void a_stick_comes_and_goes(void **state)
{
    struct sticks s;

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, MUCH, true);
    expect_look(&s, 0, 0, 0);
    add("sdb1", "sdb", 9, MUCH, true); /* the table is read meanwhile */
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 1, 0, 0);
    assert_string_equal(s.place[0].name, "sdb1");
    assert_string_equal(s.place[0].disk, "sdb");
    expect_look(&s, 0, 0, 0); /* while the mounting is under way */
    sticks_ended(&s, 0, true);
    expect_look(&s, 0, 0, 0);
    take_out("sdb");
    expect_look(&s, 0, 1, 1);
    expect_look(&s, 0, 0, 0);
    sticks_ended(&s, 0, true);
    assert_int_equal(s.place[0].state, STICK_FREE);
}

static void a_whole_disk_is_a_file_system(void **state)
{
    struct sticks s;

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, MUCH, true);
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 1, 0, 0);
    assert_string_equal(s.place[0].name, "sdb");
}

static void what_cannot_be_read_keeps_its_place(void **state)
{
    struct sticks s;

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, MUCH, true);
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 1, 0, 0);
    sticks_ended(&s, 0, false);
    expect_look(&s, 0, 0, 0);
    take_out("sdb");
    expect_look(&s, 0, 1, 0);
    assert_int_equal(s.place[0].state, STICK_FREE);
}

/* Pulled out while it is being mounted; then another one that has its name. */
static void names_are_given_again(void **state)
{
    struct sticks s;

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, MUCH, true);
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 1, 0, 0);
    take_out("sdb");
    add("sdb", "sdb", 10, MUCH, true);
    expect_look(&s, 0, 0, 0);
    sticks_ended(&s, 0, true);
    expect_look(&s, 2, 1, 1);
    sticks_ended(&s, 0, true);
    sticks_ended(&s, 1, true);
    expect_look(&s, 0, 0, 0);
    assert_int_equal(s.place[0].state, STICK_FREE);
    assert_int_equal(s.place[1].sequence, 10);
}

static void places_are_few(void **state)
{
    struct sticks s;
    char name[8];

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, MUCH, true);
    for (unsigned i = 1; i <= 6; i++) {
        snprintf(name, sizeof name, "sdb%u", i);
        add(name, "sdb", 9, i == 2 ? STICK_LEAST_SECTORS - 1 : MUCH, true);
    }
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 15, 0, 0);
    assert_string_equal(s.place[1].name, "sdb3");
    for (unsigned i = 0; i < STICKS_MAX; i++)
        sticks_ended(&s, i, i != 2);
    expect_look(&s, 0, 0, 0);
    take_out("sdb");
    expect_look(&s, 0, 15, 11);
}

static void an_empty_reader_is_none(void **state)
{
    struct sticks s;

    (void)state;
    a_box(&s);
    add("sdb", "sdb", 9, 0, true);
    expect_look(&s, 0, 0, 0);
    expect_look(&s, 0, 0, 0);
    room[n - 1].sectors = MUCH;
    expect_look(&s, 1, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stick_comes_and_goes),
        cmocka_unit_test(a_whole_disk_is_a_file_system),
        cmocka_unit_test(what_cannot_be_read_keeps_its_place),
        cmocka_unit_test(names_are_given_again),
        cmocka_unit_test(places_are_few),
        cmocka_unit_test(an_empty_reader_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
