/* The room as JSON, as events and as metrics: what it says, that hostile texts stay inside their
 * strings, that the largest room fits, and that pages see everything once and in order however
 * slowly they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/status/feed.h"
#include "net/status/metrics.h"
#include "net/wire/json_read.h"
#include "net/wire/rng.h"

static const struct steps steps;
static struct room_snapshot *room;
static struct feed *feed;
static char *text;
static struct mono now;

static int begin(void **state)
{
    (void)state;
    room = malloc(sizeof *room);
    feed = malloc(sizeof *feed);
    text = malloc(METRICS_MAX > FEED_EVENT_MAX ? METRICS_MAX : FEED_EVENT_MAX);
    snapshot_init(room);
    feed_init(feed, room);
    now = (struct mono){1000 * MONO_S};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(room);
    free(feed);
    free(text);
    return 0;
}

static const char *const hostile[] = {
    "\"}],\"machines\":[{\"mac\":\"evil",
    "</script><script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "a\nb\r\nc",
    "\033[2J\033]0;x\007",
    "\xC0\x80\xFF\xFE",
    "\\\\\\\"",
    "\xE2\x80\xAEgpj.exe",
    "{mac=\"x\"} 1",
    "%s%n%s%n",
};
#define HOSTILE (sizeof hostile / sizeof *hostile)

static struct session_receiver receiver(unsigned i)
{
    struct session_receiver r = {.mac = {0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
                                 .used = true,
                                 .counter = 1,
                                 .address = 0x0A4D0000 + i,
                                 .joined = {500 * MONO_S},
                                 .heard = now,
                                 .facts = {.state = SESSION_RECEIVING,
                                           .done = 4123,
                                           .disk_rate = 41000000},
                                 .loss_ppm = 120};

    return r;
}

static void refresh(unsigned machines, bool with_session)
{
    struct room_box box = {.name = "ringcast",
                           .version = "1.0",
                           .address = 0x0A4D0001,
                           .unix_s = 1795348200,
                           .uptime_s = 1234,
                           .guard_text = "12 leased, 30 free",
                           .data_free_bytes = 5};
    struct room_session s = {.id = 1,
                             .image = "debian \"12\"",
                             .state = ROOM_SESSION_RUNNING,
                             .rule = ROOM_START_AT,
                             .at_minute = 22 * 60 + 5,
                             .sentence = "sends",
                             .rate = 800000000,
                             .repair_ppm = 15000};

    snapshot_begin(room, &box, now);
    if (with_session)
        snapshot_session(room, &s);
    for (unsigned i = 0; i < machines; i++) {
        struct session_receiver r = receiver(i);
        struct session_info info = {.link_mbps = 1000};
        const char *t = hostile[i % HOSTILE];

        session_info_text(info.serial, SESSION_INFO_MAX, t);
        session_info_text(info.disk, SESSION_INFO_MAX, t);
        session_info_text(info.disk_serial, SESSION_INFO_MAX, t);
        snapshot_receiver(room, 1, 100000000, &r, NULL);
        snapshot_about(room, r.mac, &info);
        snapshot_named(room, r.mac, t, t, t);
    }
    snapshot_expected(room, 201, 1);
    snapshot_end(room);
}

static void the_whole_is_what_the_api_promises(void **state)
{
    static const char want[] =
        "{\"seq\":1,\"box\":{\"name\":\"ringcast\",\"version\":\"1.0\",\"address\":\"10.77.0.1\","
        "\"time\":\"2026-11-22T11:50:00Z\","
        "\"uptime_s\":1234,\"guard\":\"serving\",\"guard_text\":\"12 leased, 30 "
        "free\",\"hold\":null,\"data_free_bytes\":5,\"fingerprint\":null},"
        "\"totals\":{\"machines\":1,\"waiting\":0,\"imaging\":1,\"verifying\":0,\"passed\":0,"
        "\"failed\":0,\"lost\":0,\"expected\":201,"
        "\"never_came\":1},"
        "\"sessions\":[{\"id\":1,\"planned\":false,\"image\":\"debian "
        "\\\"12\\\"\",\"version\":\"\",\"state\":\"running\",\"start\":{\"rule\":\"at\","
        "\"at\":\"22:05\"},\"sentence\":\"sends\",\"rate_bits_s\":800000000,\"rate_fixed\":false,"
        "\"rate_reason\":\"\",\"repair_ppm\":15000,"
        "\"machines\":1,\"passed\":0,\"failed\":0,\"eta_s\":null,\"started\":null,\"armed_until\":"
        "null}],"
        "\"machines\":[{\"mac\":\"52:54:00:00:00:00\",\"number\":1,\"name\":\"\\\"}],"
        "\\\"machines\\\":[{\\\"mac\\\":\\\"evil\","
        "\"asset\":\"\\\"}],\\\"machines\\\":[{\\\"mac\\\":\\\"evil\",\"position\":\"\\\"}],"
        "\\\"machines\\\":[{\\\"mac\\\":\\\"evil\","
        "\"serial\":\"\\\"}],\\\"machines\\\":[{\\\"mac\\\":\\\"evil\",\"address\":\"10.77.0.0\","
        "\"session\":1,\"state\":\"receiving\","
        "\"percent\":41.2,\"rate_bits_s\":0,\"loss_ppm\":120,\"dropped_ppm\":0,\"disk_bytes_s\":"
        "41000000,\"link_mbps\":1000,\"eta_s\":null,\"cause\":\"\","
        "\"disk\":\"\\\"}],\\\"machines\\\":[{\\\"mac\\\":\\\"evil\",\"disk_serial\":\"\\\"}],"
        "\\\"machines\\\":[{\\\"mac\\\":\\\"evil\","
        "\"identify\":false}]}";
    size_t n;

    (void)state;
    refresh(1, true);
    n = status_json_whole(room, text, STATUS_JSON_MAX);
    assert_string_equal(text, want);
    assert_int_equal(n, sizeof want - 1);
    for (size_t cap = 1; cap <= n; cap++)
        assert_int_equal(status_json_whole(room, text, cap), 0);
}

static void a_change_holds_what_changed(void **state)
{
    (void)state;
    refresh(3, true);
    refresh(3, true);
    assert_true(status_json_change(room, text, STATUS_JSON_MAX) > 0);
    assert_non_null(strstr(text, "\"sessions\":[],\"machines\":[],\"gone\":[]}"));
    now = mono_add(now, MONO_S);
    snapshot_identify(room, (const uint8_t[6]){0x52, 0x54, 0, 0, 0, 1}, true);
    snapshot_booting(room, (const uint8_t[6]){0x52, 0x54, 0, 0, 9, 9}, 0, now);
    refresh(3, true);
    assert_true(status_json_change(room, text, STATUS_JSON_MAX) > 0);
    assert_non_null(
        strstr(text, "\"machines\":[{\"mac\":\"52:54:00:00:00:01\",\"number\":2,\"identify\":true},"
                     "{\"mac\":\"52:54:00:00:09:09\",\"number\":4,\"name\":\"\",\"asset\":\"\""));
    now = mono_add(now, 3600 * MONO_S);
    refresh(3, true);
    assert_true(status_json_change(room, text, STATUS_JSON_MAX) > 0);
    assert_non_null(strstr(text, "\"gone\":[\"52:54:00:00:09:09\"]}"));
}

/* Every text comes back out of a foreign reader as it went into the snapshot, and no byte that
 * moves a cursor is left. */
static void hostile_texts_stay_in_their_strings(void **state)
{
    static struct json_doc doc;
    char got[256];
    size_t n;
    int machines, m = JSON_NONE;

    (void)state;
    refresh(HOSTILE, true);
    n = status_json_whole(room, text, STATUS_JSON_MAX);
    assert_int_equal(json_read(&doc, text, n), 0);
    machines = json_get(&doc, JSON_ROOT, "machines");
    for (unsigned i = 0; i < HOSTILE; i++) {
        m = json_next(&doc, machines, m);
        assert_true(json_get_str(&doc, m, "name", got, sizeof got) >= 0);
        assert_string_equal(got, room->machine[i].name);
        assert_true(json_get_str(&doc, m, "disk", got, sizeof got) >= 0);
        assert_string_equal(got, room->machine[i].disk);
    }
    assert_int_equal(json_next(&doc, machines, m), JSON_NONE);
    for (size_t i = 0; i < n; i++)
        assert_true((uint8_t)text[i] >= 0x20);
    n = metrics_write(room, &steps, text, METRICS_MAX);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        assert_true((uint8_t)text[i] >= 0x20 || text[i] == '\n');
    text[n] = 0;
    assert_non_null(
        strstr(text, ",name=\"\\\"}],\\\"machines\\\":[{\\\"mac\\\":\\\"evil\",asset="));
    assert_non_null(strstr(text, ",name=\"\\\\\\\\\\\\\\\"\",asset="));
}

/* Each field as long and as costly as it can be. */
static void the_largest_room_fits(void **state)
{
    char worst[600];

    (void)state;
    memset(worst, '"', sizeof worst);
    worst[sizeof worst - 1] = 0;
    refresh(ROOM_MACHINES_MAX, true);
    for (unsigned i = 0; i < ROOM_MACHINES_MAX; i++) {
        struct room_machine *m = &room->machine[i];

        snapshot_named(room, m->mac, worst, worst, worst);
        memset(m->serial, '\\', ROOM_SERIAL_MAX);
        memset(m->disk, '\\', ROOM_SERIAL_MAX);
        memset(m->disk_serial, '\\', ROOM_SERIAL_MAX);
        memset(m->cause, 'x', ROOM_CAUSE_MAX);
        m->rate = m->disk_rate = UINT64_MAX;
        m->loss_ppm = m->drop_ppm = m->link_mbps = m->session = m->address = UINT32_MAX;
        m->eta_s = INT32_MAX;
        m->fresh = UINT32_MAX;
    }
    assert_true(status_json_whole(room, text, STATUS_JSON_MAX) > 2 * 1000 * 1000);
    assert_true(status_json_change(room, text, STATUS_JSON_MAX) > 2 * 1000 * 1000);
    assert_true(metrics_write(room, &steps, text, METRICS_MAX) > 0);
    assert_int_equal(metrics_write(room, &steps, text, 100000), 0);
    feed_publish(feed);
}

static void times_are_those_of_the_calendar(void **state)
{
    static const struct {
        uint64_t s;
        const char *text;
    } c[] = {{1, "1970-01-01T00:00:01Z"},          {951782400, "2000-02-29T00:00:00Z"},
             {1709251199, "2024-02-29T23:59:59Z"}, {4107542400, "2100-03-01T00:00:00Z"},
             {1795348200, "2026-11-22T11:50:00Z"}, {UINT64_MAX, "9999-12-31T23:59:59Z"}};
    char to[STATUS_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        assert_string_equal(status_time_text(to, c[i].s), c[i].text);
}

/* ---- events ---- */

/* What a page has been sent; it reads at most so many bytes at a time. */
struct page {
    struct feed_reader reader;
    char *got;
    size_t n;
};

static int page_read(struct page *p, size_t most)
{
    const char *bytes;
    int n = feed_next(feed, &p->reader, &bytes);

    if (n <= 0)
        return n;
    if ((size_t)n > most)
        n = (int)most;
    p->got = realloc(p->got, p->n + (size_t)n + 1);
    memcpy(p->got + p->n, bytes, (size_t)n);
    p->n += (size_t)n;
    p->got[p->n] = 0;
    feed_take(feed, &p->reader, (size_t)n);
    return n;
}

/* The events of a page: the first is a status, the rest are changes, numbers follow each other.
 * Returns the last. */
static unsigned long long events_hold(const struct page *p)
{
    const char *at = p->got;
    unsigned n = 0;
    unsigned long long before = 0, seq;

    while (at && *at) {
        const char *stop = strstr(at, "\n\n");

        assert_non_null(stop);
        assert_int_equal(strncmp(at, n ? "event: change\nid: " : "event: status\nid: ", 18), 0);
        seq = strtoull(at + 18, NULL, 10);
        assert_true(!n || seq == before + 1);
        assert_memory_equal(strstr(at, "\ndata: "), "\ndata: {\"seq\":", 14);
        before = seq;
        at = stop + 2;
        n++;
    }
    return before;
}

static void pages_read_at_their_own_pace(void **state)
{
    struct rng rng = {7};
    struct page page[50] = {0};
    const char *bytes;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        feed_open(&page[i].reader);
    assert_int_equal(feed_next(feed, &page[0].reader, &bytes), 0); /* nothing is known yet */
    for (unsigned s = 0; s < 40; s++) {
        now = mono_add(now, MONO_S);
        refresh(20 + s, true);
        feed_publish(feed);
        for (unsigned i = 0; i < 50; i++)
            if (i <= s) /* they come one after the other */
                page_read(&page[i], 1 + rng_below(&rng, i % 2 ? 100000 : 4000));
    }
    for (unsigned i = 0; i < 40; i++) {
        while (page_read(&page[i], 100000) > 0) {
        }
        assert_int_equal(events_hold(&page[i]), 40);
    }
    for (unsigned i = 0; i < 50; i++) {
        feed_close(feed, &page[i].reader);
        free(page[i].got);
    }
    for (unsigned i = 0; i < FEED_SLOTS; i++)
        assert_int_equal(feed->slot[i].readers, 0);
}

static void who_is_too_slow_is_given_up(void **state)
{
    struct page slow = {0}, quick = {0};
    int rc = 1;

    (void)state;
    feed_open(&slow.reader);
    feed_open(&quick.reader);
    refresh(100, true);
    feed_publish(feed);
    assert_true(page_read(&slow, 10) == 10);
    for (unsigned s = 0; s < 3000 && rc > 0; s++) {
        now = mono_add(now, MONO_S);
        refresh(100, true);
        for (unsigned i = 0; i < 100; i++)
            room->machine[i].fresh = 1 << ROOM_BIT_RATE;
        feed_publish(feed);
        rc = page_read(&slow, 10);
        while (page_read(&quick, 1000000) > 0) {
        }
        quick.n = 0;
    }
    assert_int_equal(rc, -1);
    assert_int_equal(feed->given_up, 1);
    feed_close(feed, &slow.reader);
    feed_close(feed, &quick.reader);
    free(slow.got);
    free(quick.got);
}

static void a_slot_is_shared_and_waits_for_its_readers(void **state)
{
    struct page page[5] = {0};
    const char *a, *b;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        feed_open(&page[i].reader);
    refresh(1, true);
    assert_true(feed_next(feed, &page[0].reader, &a) > 0);
    assert_true(feed_next(feed, &page[1].reader, &b) > 0);
    assert_ptr_equal(a, b);
    for (unsigned i = 2; i < 4; i++) {
        refresh(1, true);
        assert_true(feed_next(feed, &page[i].reader, &a) > 0);
    }
    refresh(1, true);
    assert_int_equal(feed_next(feed, &page[4].reader, &a), 0); /* all are being sent */
    feed_close(feed, &page[2].reader);
    assert_true(feed_next(feed, &page[4].reader, &a) > 0);
}

/* The JSON alone, for who asks once. */
static void the_whole_is_given_without_an_event(void **state)
{
    struct feed_reader r;
    const char *bytes;
    char got[8192];
    size_t n = 0, all;
    int some;

    (void)state;
    feed_open(&r);
    refresh(1, true);
    while ((some = feed_json(feed, &r, &bytes)) > 0) {
        some = some < 100 ? some : 100;
        assert_true(n + (size_t)some < sizeof got);
        memcpy(got + n, bytes, (size_t)some);
        n += (size_t)some;
        feed_take(feed, &r, (size_t)some);
    }
    assert_int_equal(some, -1);
    assert_int_equal(feed_json(feed, &r, &bytes), -1);
    all = status_json_whole(room, text, STATUS_JSON_MAX);
    assert_int_equal(n, all);
    assert_memory_equal(got, text, all);
    for (unsigned i = 0; i < FEED_SLOTS; i++)
        assert_int_equal(feed->slot[i].readers, 0);
}

/* A change cannot take a session away: all is said again. */
static void a_session_that_is_gone_is_said(void **state)
{
    struct page page = {0};

    (void)state;
    feed_open(&page.reader);
    refresh(1, true);
    feed_publish(feed);
    while (page_read(&page, 100000) > 0) {
    }
    page.n = 0;
    refresh(1, false);
    feed_publish(feed);
    while (page_read(&page, 100000) > 0) {
    }
    assert_int_equal(strncmp(page.got, "event: status\nid: 2\n", 20), 0);
    assert_non_null(strstr(page.got, "\"sessions\":[],"));
    free(page.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_whole_is_what_the_api_promises, begin, end),
        cmocka_unit_test_setup_teardown(a_change_holds_what_changed, begin, end),
        cmocka_unit_test_setup_teardown(hostile_texts_stay_in_their_strings, begin, end),
        cmocka_unit_test_setup_teardown(the_largest_room_fits, begin, end),
        cmocka_unit_test_setup_teardown(times_are_those_of_the_calendar, begin, end),
        cmocka_unit_test_setup_teardown(pages_read_at_their_own_pace, begin, end),
        cmocka_unit_test_setup_teardown(who_is_too_slow_is_given_up, begin, end),
        cmocka_unit_test_setup_teardown(a_slot_is_shared_and_waits_for_its_readers, begin, end),
        cmocka_unit_test_setup_teardown(the_whole_is_given_without_an_event, begin, end),
        cmocka_unit_test_setup_teardown(a_session_that_is_gone_is_said, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
