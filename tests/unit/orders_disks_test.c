/* What the box remembers of machines' disks: what was inside stays until a person names the
 * machine; what was written there is known by serial number and marks; values come back; invented
 * machines push out none that was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/box/orders/disks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, marks[1][IMG_MARKS_BYTES] = {"marks-1"},
                     others[1][IMG_MARKS_BYTES] = {"marks-2"};

static struct disks *disks, *again;
static unsigned stored;
static size_t forgotten;

/* What a restart would find. */
static void store(void *ctx, const uint8_t at[6], const uint8_t *value, size_t n)
{
    (void)ctx;
    stored++;
    forgotten += n == 0;
    assert_true(n <= DISKS_VALUE_MAX);
    if (n)
        assert_true(disks_restore(again, at, 6, value, n));
    for (size_t cut = 0; cut < n && stored < 20; cut++) {
        struct disks *none = calloc(1, sizeof *none);

        assert_false(disks_restore(none, at, 6, value, cut));
        free(none);
    }
}

static int begin(void **state)
{
    (void)state;
    disks = calloc(1, sizeof *disks);
    again = calloc(1, sizeof *again);
    disks->store = store;
    stored = 0;
    forgotten = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(disks);
    free(again);
    return 0;
}

/* The core was started anew. */
static void restart(void)
{
    disks_flush(disks);
    free(disks);
    disks = again;
    again = calloc(1, sizeof *again);
    disks->store = store;
}

static void told_of(const uint8_t at[6], const char *serial, unsigned n, const char *const inside[])
{
    struct session_receiver r = {.facts = {.state = SESSION_RECEIVING}};
    struct session_info info = {.n_inside = (uint8_t)n};
    struct session_event e = {.what = SESSION_TOLD, .receiver = &r, .info = &info};
    struct img_head head = {0};

    memcpy(r.mac, at, 6);
    strcpy(info.disk_serial, serial);
    for (unsigned i = 0; i < n; i++) {
        info.inside[i].bytes = 1000 + strlen(inside[i]);
        strcpy(info.inside[i].text, inside[i]);
    }
    disks_event(disks, &e, &head);
}

static void told(const char *serial, unsigned n, const char *const inside[])
{
    told_of(mac, serial, n, inside);
}

static void passed(const uint8_t image[IMG_MARKS_BYTES])
{
    struct session_receiver r = {.facts = {.state = SESSION_PASS}};
    struct session_event e = {.what = SESSION_STATE, .receiver = &r};
    struct img_head head = {0};

    memcpy(r.mac, mac, 6);
    memcpy(head.info + IMG_INFO_MARKS, image, IMG_MARKS_BYTES);
    disks_event(disks, &e, &head);
}

static struct own own_of(const uint8_t at[6], bool listed)
{
    struct own own = {0};

    disks_own(disks, at, listed, others, 1, &own);
    return own;
}

static void what_was_inside_is_known_until_a_person_names_the_machine(void **state)
{
    struct own own;

    (void)state;
    assert_int_equal(own_of(mac, false).n_known, 0);
    told("S1", 2, (const char *[]){"S1", "S2"});
    told("S2", 1, (const char *[]){"S2"}); /* the first one has failed: it is still known */
    passed(marks[0]);
    restart();
    own = own_of(mac, false);
    assert_int_equal(own.n_known, 2);
    assert_string_equal(own.known[0].text, "S1");
    assert_int_equal(own.known[0].bytes, 1002);
    disks_named(disks, mac);
    restart();
    assert_int_equal(own_of(mac, false).n_known, 0);
    told("S2", 1, (const char *[]){"S2"});
    assert_int_equal(own_of(mac, false).n_known, 1);
}

static void two_disks_may_look_alike(void **state)
{
    (void)state;
    told("", 2, (const char *[]){"QEMU", "QEMU"});
    told("", 1, (const char *[]){"QEMU"});
    told("", 2, (const char *[]){"QEMU", "QEMU"});
    assert_int_equal(own_of(mac, false).n_known, 2);
}

static void what_was_written_is_known_by_serial_and_marks(void **state)
{
    struct own own;

    (void)state;
    passed(marks[0]); /* of a machine that never told */
    assert_int_equal(own_of(mac, false).n_written, 0);
    told("S1", 1, (const char *[]){"S1"});
    assert_int_equal(own_of(mac, false).n_written, 0);
    passed(marks[0]);
    restart();
    own = own_of(mac, false);
    assert_int_equal(own.n_written, 1);
    assert_string_equal(own.written[0].serial, "S1");
    assert_memory_equal(own.written[0].marks, marks[0], IMG_MARKS_BYTES);
    told("S1", 1, (const char *[]){"S1"});
    passed(others[0]); /* another image lies there now */
    own = own_of(mac, false);
    assert_int_equal(own.n_written, 1);
    assert_memory_equal(own.written[0].marks, others[0], IMG_MARKS_BYTES);
    passed((const uint8_t[IMG_MARKS_BYTES]){0}); /* one without marks */
    assert_int_equal(own_of(mac, false).n_written, 0);
}

static void the_newest_four_are_known(void **state)
{
    struct own own;
    char serial[16];

    (void)state;
    for (int i = 1; i <= 6; i++) {
        snprintf(serial, sizeof serial, "S%d", i);
        told(serial, 1, (const char *[]){serial});
        passed(marks[0]);
    }
    own = own_of(mac, false);
    assert_int_equal(own.n_written, DISKS_WRITTEN_MAX);
    assert_string_equal(own.written[0].serial, "S6");
    assert_string_equal(own.written[3].serial, "S3");
}

/* Then the serial number is not asked for, and the images of the box count too. */
static void a_machine_that_is_named_may_bear_any_of_our_marks(void **state)
{
    struct own own;

    (void)state;
    told("", 1, (const char *[]){"QEMU"});
    passed(marks[0]);
    /* a disk without a serial number proves nothing */
    assert_int_equal(own_of(mac, false).n_written, 0);
    own = own_of(mac, true);
    assert_int_equal(own.n_written, 2);
    assert_string_equal(own.written[0].serial, "");
    assert_memory_equal(own.written[1].marks, others[0], IMG_MARKS_BYTES);
    disks_named(disks, mac);
    restart();
    assert_int_equal(own_of(mac, false).n_written, 2);
    told("", 1, (const char *[]){"QEMU"});
    passed(marks[0]); /* the order has been carried out */
    assert_int_equal(own_of(mac, false).n_written, 0);
}

static void an_order_is_kept_for_a_machine_never_seen(void **state)
{
    (void)state;
    disks_named(disks, mac);
    restart();
    assert_int_equal(own_of(mac, false).n_written, 1);
    assert_int_equal(own_of((const uint8_t[]){2, 0, 0, 0, 0, 2}, false).n_written, 0);
}

static void invented_machines_push_out_none_that_was_written(void **state)
{
    uint8_t at[6] = {4, 0, 0, 0, 0, 0};

    (void)state;
    told("S1", 1, (const char *[]){"S1"});
    passed(marks[0]);
    for (unsigned i = 0; i < DISKS_ROWS_MAX + 300; i++) {
        at[4] = (uint8_t)(i >> 8);
        at[5] = (uint8_t)i;
        at[3] = (uint8_t)(i >> 16);
        told_of(at, "X", 1, (const char *[]){"X"});
        assert_int_equal(own_of(at, false).n_known, 1);
    }
    assert_int_equal(disks->n, DISKS_ROWS_MAX);
    assert_int_equal(own_of(mac, false).n_written, 1);
    assert_int_equal(forgotten, 301);
}

static void records_are_rationed(void **state)
{
    uint8_t at[6] = {4, 0, 0, 0, 0, 0};
    struct mono now = {.ns = 1000 * MONO_S};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        at[5] = (uint8_t)i;
        told_of(at, "X", 1, (const char *[]){"X"});
    }
    disks_tick(disks, now);
    assert_int_equal(stored, 16);
    disks_tick(disks, now);
    assert_int_equal(stored, 16);
    for (unsigned i = 1; i < 7; i++)
        disks_tick(disks, mono_add(now, i * MONO_S));
    assert_int_equal(stored, 100);
    assert_int_equal(disks->dirty, 0);
    told_of(at, "X", 2, (const char *[]){"X", "Y"});
    disks_tick(disks, mono_add(now, 9 * MONO_S));
    assert_int_equal(stored, 100);
    disks_tick(disks, mono_add(now, 30 * MONO_S));
    assert_int_equal(stored, 101);
}

static void values_that_make_no_sense_are_told(void **state)
{
    static const uint8_t newer[] = {2, 0, 0, 0, 0, 1, 0, 0}, flags[] = {1, 2, 0, 0, 0, 1, 0, 0},
                         many[] = {1, 0, 0, 0, 0, 1, 9, 0}, longer[] = {1, 0, 0, 0, 0, 1, 0, 0, 0},
                         good[] = {1, 0, 0, 0, 0, 1, 0, 0};

    (void)state;
    assert_false(disks_restore(disks, mac, 6, newer, sizeof newer));
    assert_false(disks_restore(disks, mac, 6, flags, sizeof flags));
    assert_false(disks_restore(disks, mac, 6, many, sizeof many));
    assert_false(disks_restore(disks, mac, 6, longer, sizeof longer));
    assert_false(disks_restore(disks, mac, 5, good, sizeof good));
    assert_int_equal(disks->n, 0);
    assert_true(disks_restore(disks, mac, 6, good, sizeof good));
    assert_int_equal(disks->n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_inside_is_known_until_a_person_names_the_machine,
                                        begin, end),
        cmocka_unit_test_setup_teardown(two_disks_may_look_alike, begin, end),
        cmocka_unit_test_setup_teardown(what_was_written_is_known_by_serial_and_marks, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_four_are_known, begin, end),
        cmocka_unit_test_setup_teardown(a_machine_that_is_named_may_bear_any_of_our_marks, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_order_is_kept_for_a_machine_never_seen, begin, end),
        cmocka_unit_test_setup_teardown(invented_machines_push_out_none_that_was_written, begin,
                                        end),
        cmocka_unit_test_setup_teardown(records_are_rationed, begin, end),
        cmocka_unit_test_setup_teardown(values_that_make_no_sense_are_told, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
