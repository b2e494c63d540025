/* The web server over memory: requests in any pieces, bodies, streams, and who is too slow. */
#include "tests/unit/web_room.h"

static void a_request_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 60; piece++) {
        client.piece = piece;
        assert_true(say("GET /", "Accept: */*\r\n", NULL));
        assert_int_equal(status(), 200);
        assert_string_equal(content(), "hello");
    }
    assert_non_null(strstr(client.out, "Connection: keep-alive"));
}

static void every_answer_is_guarded(void **state)
{
    static const char *const lines[] = {"GET /", "GET /nothing", "GET /api/v1/echo",
                                        "POST /api/v1/echo", "BREW /"};
    static const char *const want[] = {
        "Content-Security-Policy: default-src 'none'; script-src 'self';",
        "frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        say(lines[i], "", NULL);
        for (size_t k = 0; k < sizeof want / sizeof *want; k++)
            assert_non_null(strstr(client.out, want[k]));
        tear_down(state);
        set_up(state);
    }
}

static void other_hosts_are_turned_away(void **state)
{
    static const char *const ours[] = {"10.77.0.1",      "10.77.0.1:443",  "ringcast",
                                       "Ringcast.local", "localhost:8443", "127.0.0.1"};
    static const char *const others[] = {
        "evil.example", "ringcast.evil.example", "10.77.0.1.evil.example",     "",
        "[::1]",        "ringcast.localx",       "ringcast.local@evil.example"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[300];

        client.out_n = 0;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", others[i]);
        client_send(&client, text, strlen(text));
        assert_true(web_step(server, 0, now));
        assert_int_equal(status(), 421);
    }
    for (size_t i = 0; i < 6; i++) {
        char text[300];

        client.out_n = 0;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", ours[i]);
        client_send(&client, text, strlen(text));
        assert_true(web_step(server, 0, now));
        assert_int_equal(status(), 200);
    }
}

static void bodies_have_limits(void **state)
{
    char headers[500];

    (void)state;
    assert_true(say("POST /api/v1/open-echo", "", "abc"));
    assert_string_equal(content(), "abc");
    say("POST /api/v1/open-echo", "Content-Length: 4097\r\n", NULL);
    assert_int_equal(status(), 413);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: %u\r\n", cookie,
             csrf, WEB_BODY_MAX);
    assert_true(say("POST /api/v1/echo", headers, NULL));
    memset(client.in + client.in_n, 'x', WEB_BODY_MAX);
    client.in_n += WEB_BODY_MAX;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 200);
    assert_int_equal(strlen(content()), WEB_BODY_MAX);
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: %u\r\n", cookie,
             csrf, WEB_BODY_MAX + 1);
    say("POST /api/v1/echo", headers, NULL);
    assert_int_equal(status(), 413);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    say("POST /api/v1/open-echo", "Transfer-Encoding: chunked\r\n", NULL);
    assert_int_equal(status(), 411);
}

static void an_upload_comes_in_pieces(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nUpload-Offset: "
             "5\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n",
             cookie, csrf);
    takes_most = 700;
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL));
    assert_string_equal(client.out, "HTTP/1.1 100 Continue\r\n\r\n");
    memset(client.in + client.in_n, 'x', 100000);
    client.in_n += 100000;
    assert_true(web_step(server, 0, now));
    assert_int_equal(taken, 100000);
    assert_non_null(strstr(client.out, "HTTP/1.1 204"));
    assert_int_equal(gone, 1);
    assert_true(say("GET /", "", NULL)); /* the connection goes on */
    assert_int_equal(status(), 200);
}

static void an_upload_waits_for_its_handler(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 10000\r\n",
             cookie, csrf);
    takes_most = 0;
    say("PUT /api/v1/uploads/1", headers, NULL);
    memset(client.in + client.in_n, 'x', 10000);
    client.in_n += 10000;
    for (int i = 0; i < 100; i++) { /* a slow disk makes nobody late */
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
    }
    assert_int_equal(taken, 0);
    takes_most = SIZE_MAX;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 204);
}

static void an_upload_can_be_refused_early(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nUpload-Offset: "
             "6\r\nContent-Length: 300000\r\n",
             cookie, csrf);
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL));
    assert_int_equal(status(), 409);
    assert_non_null(strstr(client.out, "Connection: close"));
    memset(client.in + client.in_n, 'x', 300000);
    client.in_n += 300000;
    assert_true(web_step(server, 0, now)); /* thrown away, so that the answer is read */
    assert_int_equal(client.in_at, client.in_n);
    assert_int_equal(taken, 0);
    client.closed = true;
    assert_false(web_step(server, 0, now));
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 300000\r\n",
             cookie, csrf);
    say("PUT /api/v1/uploads/1", headers, NULL);
    memset(client.in + client.in_n, 'x', 300000);
    client.in_n += 300000;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 507); /* in the middle */
    now = mono_add(now, WEB_LINGER_NS + 1);
    web_step(server, 0, now);
    assert_false(web_step(server, 0, mono_add(now, WEB_LINGER_NS + 1)));
    assert_int_equal(gone, 1);
}

/* A client that wants no more than this answer reads to the end of the connection: it comes with
 * the answer, and not two seconds later. */
static void a_last_answer_ends_the_connection(void **state)
{
    (void)state;
    assert_false(say("GET /api/v1/health", "Connection: close\r\n", NULL));
    assert_int_equal(status(), 200);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    assert_false(say("POST /api/v1/open-echo", "Connection: close\r\n", "{}"));
    tear_down(state);
    set_up(state);
    /* something still comes */
    assert_true(say("POST /api/v1/nothing", "Connection: close\r\nContent-Length: 3\r\n", NULL));
}

static void answers_may_come_later(void **state)
{
    (void)state;
    assert_true(user_says("GET /api/v1/later", NULL));
    assert_int_equal(client.out_n, 0);
    assert_non_null(later);
    web_text(later, 200, "text/plain", "now", 3);
    assert_true(web_step(server, 0, now));
    assert_string_equal(content(), "now");
    assert_int_equal(gone, 1);
    assert_true(user_says("GET /api/v1/later", NULL));
    client.closed = true;
    assert_false(web_step(server, 0, now)); /* nobody waits any more */
}

static void large_answers_go_out_as_there_is_room(void **state)
{
    size_t before = 0;

    (void)state;
    client.room = 0;
    assert_true(user_says("GET /api/v1/large", NULL));
    for (int i = 0; i < 2000; i++) {
        client.room = 777;
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
        if (client.out_n == before)
            break;
        before = client.out_n;
    }
    assert_int_equal(status(), 200);
    assert_true(strlen(content()) > 500000);
    assert_int_equal(content()[strlen(content()) - 1], ']');
    /* All blocks are back: as many answers as there were before. */
    for (int i = 0; i < 50; i++) {
        client.room = SIZE_MAX;
        assert_true(user_says("GET /api/v1/large", NULL));
        assert_int_equal(status(), 200);
    }
}

static void streams_are_chunked(void **state)
{
    (void)state;
    pulls = 5;
    assert_true(user_says("GET /api/v1/events", NULL));
    for (int i = 0; i < 10; i++)
        assert_true(web_step(server, 0, now));
    assert_string_equal(content(), "000005\r\ndata\n\r\n000005\r\ndata\n\r\n0\r\n\r\n");
    assert_int_equal(gone, 1);
    pulls = 1000;
    assert_false(user_says("GET /api/v1/events", NULL)); /* broken off, and it can be seen */
    assert_null(strstr(content(), "0\r\n\r\n"));
    tear_down(state);
    set_up(state);
    pulls = 2;
    user_says("GET /api/v1/promised", NULL);
    assert_non_null(strstr(client.out, "Content-Length: 10\r\n"));
    web_step(server, 0, now);
    assert_false(web_step(server, 0, now)); /* five of ten bytes, and no more to come */
}

static void listeners_may_be_silent(void **state)
{
    (void)state;
    pulls = 2000; /* nothing to say */
    user_says("GET /api/v1/events", NULL);
    for (int i = 0; i < 100; i++) {
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
    }
    web_hang_up(server);
    assert_false(web_step(server, 0, now));
}

static void who_is_slow_is_let_go(void **state)
{
    static const char half[] = "GET / HTTP/1.1\r\nHost:";
    char headers[300];

    (void)state;
    assert_true(web_step(server, 0, mono_add(now, WEB_IDLE_NS)));
    assert_false(web_step(server, 0, mono_add(now, WEB_IDLE_NS + 1)));
    tear_down(state);
    set_up(state);
    client.piece = 1;
    for (size_t i = 0; i < sizeof half - 1; i++) { /* a byte a second: not one second more for it */
        client_send(&client, half + i, 1);
        now = mono_add(now, MONO_S);
        if (!web_step(server, 0, now))
            break;
        assert_true(i <= 11);
    }
    assert_int_equal(web_server_counts(server)->late, 1);
    tear_down(state);
    set_up(state);
    user_says("POST /api/v1/echo", NULL);
    say("POST /api/v1/open-echo", "Content-Length: 4000\r\n", NULL);
    for (int i = 0; i < 40; i++) { /* a body byte by byte */
        client_send(&client, "x", 1);
        now = mono_add(now, MONO_S);
        if (!web_step(server, 0, now))
            break;
        assert_true(i <= 31);
    }
    assert_int_equal(web_server_counts(server)->late, 1);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 100\r\n", cookie,
             csrf);
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL)); /* an upload that stops */
    assert_false(web_rests(server, 0));
    client_send(&client, "x", 1);
    assert_true(web_step(server, 0, mono_add(now, WEB_BODY_NS)));
    assert_true(web_step(server, 0, mono_add(now, 2 * WEB_BODY_NS)));
    assert_false(web_step(server, 0, mono_add(now, 2 * WEB_BODY_NS + 1)));
    assert_int_equal(gone, 0); /* that comes with web_close */
    tear_down(state);
    assert_int_equal(gone, 1);
    set_up(state);
    client.room = 10;
    say("GET /", "", NULL); /* who does not read */
    assert_true(web_step(server, 0, mono_add(now, WEB_SENDING_NS)));
    assert_false(web_step(server, 0, mono_add(now, WEB_SENDING_NS + 1)));
}

static void hostile_requests_are_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
    } wrong[] = {
        {"GET /%00 HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /a%2fb HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /api/../x HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /%ff HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET http://x/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"PATCH / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         411},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"PUT /x HTTP/1.1\r\nHost: a\r\nUpload-Offset: 1\r\nUpload-Offset: 2\r\n\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        client_send(&client, wrong[i].text, strlen(wrong[i].text));
        web_step(server, 0, now);
        if (status() != wrong[i].status)
            fail_msg("expected %u, got %u for %s", wrong[i].status, status(), wrong[i].text);
        assert_non_null(strstr(client.out, "Connection: close"));
        tear_down(state);
        set_up(state);
    }
}

static void every_truncation_is_no_request(void **state)
{
    static const char text[] = "POST /api/v1/open-echo?x HTTP/1.1\r\nHost: "
                               "10.77.0.1\r\nContent-Length: 3\r\nCookie: a\r\n\r\nabc";

    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        client_send(&client, text, n);
        assert_true(web_step(server, 0, now));
        assert_int_equal(client.out_n, 0);
        client.closed = true;
        assert_false(web_step(server, 0, now));
        tear_down(state);
        set_up(state);
    }
    client_send(&client, text, sizeof text - 1);
    web_step(server, 0, now);
    assert_int_equal(status(), 200);
}

/* ---- set-up and login ---- */

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_request_in_any_pieces),
        T(every_answer_is_guarded),
        T(other_hosts_are_turned_away),
        T(bodies_have_limits),
        T(an_upload_comes_in_pieces),
        T(an_upload_waits_for_its_handler),
        T(an_upload_can_be_refused_early),
        T(a_last_answer_ends_the_connection),
        T(answers_may_come_later),
        T(large_answers_go_out_as_there_is_room),
        T(streams_are_chunked),
        T(listeners_may_be_silent),
        T(who_is_slow_is_let_go),
        T(hostile_requests_are_refused),
        T(every_truncation_is_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
