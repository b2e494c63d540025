/* The room as a plain table: what it says, hostile texts, and a room too large for the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/status/plain.h"

static struct room_snapshot room;
static char text[PLAIN_LEAST + (1 << 16)];

static struct room_machine *given(unsigned number, enum room_state state)
{
    struct room_machine *m = &room.machine[room.n_machines++];

    *m = (struct room_machine){.mac = {0x52, 0x54, 0, 0, number >> 8, number & 255},
                               .number = (uint16_t)number,
                               .state = state,
                               .eta_s = -1};
    return m;
}

static int begin(void **state)
{
    (void)state;
    memset(&room, 0, sizeof room);
    snprintf(room.box.name, sizeof room.box.name, "ringcast");
    return 0;
}

static const char *written(void)
{
    text[plain_write(&room, text, sizeof text - 1)] = 0;
    return text;
}

static void machines_stand_in_order_with_what_is_known(void **state)
{
    struct room_machine *m = given(2, ROOM_RECEIVING);

    (void)state;
    m->done = 4120;
    m->rate = 780000000;
    m->loss_ppm = 120;
    m->disk_rate = 41000000;
    m->link_mbps = 1000;
    m->eta_s = 61;
    given(1, ROOM_PASS);
    assert_non_null(strstr(written(), "<td>receiving</td><td>41 %</td>"));
    assert_non_null(strstr(text, "<td>780 Mbit/s</td><td>0.01 %</td><td>41 MB/s</td><td>1000 "
                                 "Mb/s</td><td>2 min</td><td>52:54:00:00:00:02</td>"));
    assert_non_null(strstr(text, "<th scope=\"row\">1</th><td>PASS</td>"));
    assert_true(strstr(text, "row\">1<") < strstr(text, "row\">2<"));
    assert_string_equal(text + strlen(text) - 15, "</body></html>\n");
}

static void hostile_texts_are_words(void **state)
{
    struct room_machine *m = given(1, ROOM_FAIL);

    (void)state;
    snprintf(m->name, sizeof m->name, "</td></table><script>alert(1)</script>");
    snprintf(m->cause, sizeof m->cause, "\" onmouseover='x' &amp; \xe2\x80\xae");
    snprintf(room.box.guard_text, sizeof room.box.guard_text, "<img src=x>");
    assert_null(strstr(written(), "<script"));
    assert_null(strstr(text, "<img"));
    assert_non_null(
        strstr(text, "<bdi>&lt;/td&gt;&lt;/table&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"));
    assert_non_null(
        strstr(text, "<bdi>&quot; onmouseover=&#39;x&#39; &amp;amp; \xe2\x80\xae</bdi>"));
}

static void the_longest_row_has_room(void **state)
{
    struct room_machine *m = given(65535, ROOM_VERIFYING);
    size_t before;

    (void)state;
    room.n_machines = 0;
    before = strlen(written());
    room.n_machines = 1;
    memset(m->name, '"', sizeof m->name - 1);
    memset(m->cause, '"', sizeof m->cause - 1);
    memset(m->serial, '"', sizeof m->serial - 1);
    memset(m->position, '"', sizeof m->position - 1);
    m->rate = m->disk_rate = UINT64_MAX;
    m->link_mbps = m->loss_ppm = UINT32_MAX;
    m->eta_s = INT32_MAX - 60;
    assert_in_range(strlen(written()) - before, 1000, PLAIN_ROW_MAX);
}

static void a_room_too_large_says_so(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROOM_MACHINES_MAX; i++)
        given(ROOM_MACHINES_MAX - i, ROOM_RECEIVING);
    assert_non_null(strstr(written(), "There is no room here for "));
    assert_non_null(strstr(text, "row\">1<"));
    assert_null(strstr(text, "row\">2048<"));
    assert_string_equal(text + strlen(text) - 15, "</body></html>\n");
}

static void many_sessions_with_much_to_say_have_room(void **state)
{
    (void)state;
    room.n_sessions = ROOM_SESSIONS_MAX;
    for (unsigned i = 0; i < ROOM_SESSIONS_MAX; i++) {
        memset(room.session[i].image, '"', sizeof room.session[i].image - 1);
        memset(room.session[i].sentence, '"', sizeof room.session[i].sentence - 1);
        room.session[i].rate = UINT64_MAX;
    }
    memset(room.box.guard_text, '"', sizeof room.box.guard_text - 1);
    room.totals.expected = 1;
    assert_in_range(strlen(written()), 32 * 255 * 6, PLAIN_LEAST);
}

static void a_stranger_sees_a_form(void **state)
{
    (void)state;
    given(1, ROOM_PASS);
    text[plain_door(text, sizeof text - 1)] = 0;
    assert_non_null(strstr(text, "action=\"/plain/login\""));
    assert_null(strstr(text, "52:54"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(machines_stand_in_order_with_what_is_known, begin),
        cmocka_unit_test_setup(hostile_texts_are_words, begin),
        cmocka_unit_test_setup(the_longest_row_has_room, begin),
        cmocka_unit_test_setup(a_room_too_large_says_so, begin),
        cmocka_unit_test_setup(many_sessions_with_much_to_say_have_room, begin),
        cmocka_unit_test_setup(a_stranger_sees_a_form, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
