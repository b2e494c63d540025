/* From the room's snapshot to the wall board: order, states, totals. */
#include "board/box/console/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct wall_tile tiles[ROOM_MACHINES_MAX];

static void tiles_are_in_order(void **state)
{
    static const enum wall_state want[ROOM_STATE_COUNT] = {[ROOM_BOOTING] = WALL_WAITING,
                                                           [ROOM_JOINED] = WALL_WAITING,
                                                           [ROOM_MANIFEST] = WALL_WAITING,
                                                           [ROOM_RECEIVING] = WALL_RECEIVING,
                                                           [ROOM_VERIFYING] = WALL_VERIFYING,
                                                           [ROOM_PASS] = WALL_PASS,
                                                           [ROOM_FAIL] = WALL_FAIL,
                                                           [ROOM_LEFT] = WALL_LEFT,
                                                           [ROOM_LOST] = WALL_LOST};
    struct room_snapshot *room = calloc(1, sizeof *room);

    (void)state;
    assert_non_null(room);
    assert_int_equal(page_tiles(tiles, room), 0);
    room->n_machines = ROOM_MACHINES_MAX;
    for (unsigned i = 0; i < ROOM_MACHINES_MAX; i++) {
        struct room_machine *m = &room->machine[(i * 7 + 3) % ROOM_MACHINES_MAX];

        m->number = (uint16_t)(i + 1);
        m->state = (enum room_state)(i % ROOM_STATE_COUNT);
        m->done = (uint16_t)(i % 10001);
        m->identify = i == 5;
    }
    assert_int_equal(page_tiles(tiles, room), ROOM_MACHINES_MAX);
    for (unsigned i = 0; i < ROOM_MACHINES_MAX; i++) {
        assert_int_equal(tiles[i].number, i + 1);
        assert_int_equal(tiles[i].state, want[i % ROOM_STATE_COUNT]);
        assert_int_equal(tiles[i].percent, i % 10001 / 100);
        assert_int_equal(tiles[i].marked, i == 5);
    }
    free(room);
}

static void totals_say_what_there_is(void **state)
{
    struct room_totals t = {.machines = 0};
    char text[PAGE_TEXT], little[12];

    (void)state;
    page_totals(text, sizeof text, &t);
    assert_string_equal(text, "0 machines");
    t = (struct room_totals){
        .machines = 200, .imaging = 188, .passed = 10, .failed = 1, .lost = 1, .never_came = 2};
    page_totals(text, sizeof text, &t);
    assert_string_equal(text,
                        "200 machines  188 imaging  10 passed  1 failed  1 lost  2 never came");
    page_totals(little, sizeof little, &t);
    assert_string_equal(little, "200 machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_in_order),
        cmocka_unit_test(totals_say_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
