/* Requests as the HTTP server reads them, what it answers, and who keeps a seat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/http/server/server.h"

static int feed(struct http_head_parser *p, const char *text, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1); /* the sanitizer guards its end */
    size_t used = 0;
    int rc;

    memcpy(copy, text, n);
    http_head_init(p);
    rc = http_head_feed(p, copy, n, &used);
    if (rc == 0)
        assert_int_equal(used, n);
    free(copy);
    return rc;
}

static int status_of(const char *text)
{
    struct http_head_parser p;

    return feed(&p, text, strlen(text));
}

#define HOST "Host: 10.77.0.1\r\n"

/* What UEFI firmware sends. */
static const char uefi[] =
    "HEAD /payload/ringcast%2Dx86_64.efi?a=b HTTP/1.1\r\nHost: 10.77.0.1\r\nAccept: */*\r\n"
    "User-Agent: UefiHttpBoot/1.0\r\n\r\n";

static void a_request_is_understood(void **state)
{
    struct http_head_parser p;

    (void)state;
    assert_int_equal(feed(&p, uefi, sizeof uefi - 1), 1);
    assert_true(p.head.head_only);
    assert_true(p.head.keep_alive);
    assert_true(p.head.named);
    assert_string_equal(p.head.name, "payload/ringcast-x86_64.efi");
    assert_int_equal(p.head.range, HTTP_WHOLE);
}

static void every_truncation_goes_on(void **state)
{
    struct http_head_parser p;

    (void)state;
    for (size_t n = 0; n < sizeof uefi - 1; n++)
        assert_int_equal(feed(&p, uefi, n), 0);
}

static void a_request_may_come_in_any_pieces(void **state)
{
    struct http_head_parser p;
    size_t used;

    (void)state;
    for (size_t cut = 1; cut < sizeof uefi - 1; cut++) {
        http_head_init(&p);
        assert_int_equal(http_head_feed(&p, (const uint8_t *)uefi, cut, &used), 0);
        assert_int_equal(http_head_feed(&p, (const uint8_t *)uefi + cut, sizeof uefi - 1 - cut,
                                        &used),
                         1);
        assert_string_equal(p.head.name, "payload/ringcast-x86_64.efi");
    }
}

static void what_has_two_meanings_is_refused(void **state)
{
    static const struct {
        int status;
        const char *text;
    } c[] = {
        {1, "GET / HTTP/1.1\r\n" HOST "\r\n"},
        {1, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"},
        {1, "GET http://box/x HTTP/1.1\r\n" HOST "\r\n"},
        {1, "GET / HTTP/1.0\r\n\r\n"},
        {1, "GET / HTTP/1.9\r\n" HOST "\r\n"},
        {1, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "a: b\r\n c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "ab\r\n\r\n"},
        {400, "GET / HTTP/1.1\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\n\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: \x01\r\n\r\n"},
        {400, "GET /\r\n"},
        {400, "GET  / HTTP/1.1\r\n"},
        {400, "GET / HTTP/1.1 \r\n"},
        {400, "GET / HTTP/1.10\r\n"},
        {400, "GET / http/1.1\r\n"},
        {400, "GET x HTTP/1.1\r\n"},
        {400, "GET * HTTP/1.1\r\n"},
        {400, "GET http://box HTTP/1.1\r\n"},
        {400, "GET /%zz HTTP/1.1\r\n"},
        {400, "GET /% HTTP/1.1\r\n"},
        {400, "GET /a#b HTTP/1.1\r\n"},
        {400, "G(T / HTTP/1.1\r\n"},
        {400, " / HTTP/1.1\r\n"},
        {405, "POST / HTTP/1.1\r\n"},
        {405, "get / HTTP/1.1\r\n"},
        {405, "GETX / HTTP/1.1\r\n"},
        {405, "CONNECT a:1 HTTP/1.1\r\n"},
        {505, "GET / HTTP/2.0\r\n"},
        {505, "GET / HTTP/0.9\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        if (status_of(c[i].text) != c[i].status)
            fail_msg("expected %d, got %d: %s", c[i].status, status_of(c[i].text), c[i].text);
}

static void names_that_lead_elsewhere_are_not_names(void **state)
{
    static const char *const bad[] = {"/",      "/..",  "/%2e%2e/etc/passwd", "/a/..%2fb",
                                      "/a%00b", "/%0a", "/a/%5c..",           "//"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_head_parser p;
        char text[200];

        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", bad[i]);
        assert_int_equal(feed(&p, text, strlen(text)), 1);
        assert_false(p.head.named);
    }
}

static void everything_has_an_end(void **state)
{
    static char text[20000];
    struct http_head_parser p;

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(feed(&p, text, sizeof text), 414);
    assert_int_equal(p.lines.n, HTTP_HEAD_LINE_MAX - 1);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(feed(&p, text, sizeof text), 431);
    for (size_t i = 16; i + 5 <= sizeof text; i += 5)
        memcpy(text + i, "a:b\r\n", 5);
    assert_int_equal(feed(&p, text, sizeof text), 431);
    assert_int_equal(p.lines.lines, HTTP_HEAD_LINES_MAX + 1);
    for (size_t i = 16; i + 1000 <= sizeof text; i += 1000) {
        memset(text + i, 'a', 1000);
        memcpy(text + i, "a:", 2);
        memcpy(text + i + 998, "\r\n", 2);
    }
    assert_int_equal(feed(&p, text, sizeof text), 431);
    assert_int_equal(p.lines.total, HTTP_HEAD_MAX + 1);
    memset(text, '\r', sizeof text);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '\n';
    assert_int_equal(feed(&p, text, sizeof text), 431);
}

static bool keeps(const char *version, const char *connection)
{
    struct http_head_parser p;
    char text[200];

    snprintf(text, sizeof text, "GET /a HTTP/%s\r\n" HOST "%s\r\n", version, connection);
    assert_int_equal(feed(&p, text, strlen(text)), 1);
    return p.head.keep_alive;
}

static void connections_are_kept_as_asked(void **state)
{
    (void)state;
    assert_true(keeps("1.1", ""));
    assert_true(keeps("1.1", "Connection: keep-alive\r\n"));
    assert_false(keeps("1.1", "Connection: close\r\n"));
    assert_false(keeps("1.1", "connection: Keep-Alive, CLOSE\r\n"));
    assert_false(keeps("1.0", ""));
    assert_true(keeps("1.0", "Connection: x, Keep-Alive\r\n"));
}

static struct http_reply range(const char *value, uint64_t size)
{
    struct http_head_parser p;
    struct http_reply r = {0};
    char text[300];

    snprintf(text, sizeof text, "GET /a HTTP/1.1\r\n" HOST "Range: %s\r\n\r\n", value);
    assert_int_equal(feed(&p, text, strlen(text)), 1);
    http_head_range(&p.head, size, &r);
    return r;
}

static void ranges_are_cut_to_the_content(void **state)
{
    static const struct {
        const char *value;
        unsigned status;
        uint64_t from, to;
    } c[] = {
        {"bytes=0-99", 206, 0, 100},
        {"bytes=900-", 206, 900, 1000},
        {"bytes=-100", 206, 900, 1000},
        {"bytes=-5000", 206, 0, 1000},
        {"bytes=999-999", 206, 999, 1000},
        {"bytes=10-99999999", 206, 10, 1000},
        {"BYTES=0-0", 206, 0, 1},
        {"bytes=1000-", 416, 1000, 1000},
        {"bytes=-0", 416, 1000, 1000},
        {"bytes=5-4", 200, 0, 1000},
        {"bytes=0-1,5-6", 200, 0, 1000},
        {"bytes=", 200, 0, 1000},
        {"bytes=-", 200, 0, 1000},
        {"bytes=a-b", 200, 0, 1000},
        {"lines=0-1", 200, 0, 1000},
        {"bytes=0-9 ", 206, 0, 10},
        {"bytes=0x1-2", 200, 0, 1000},
        {"bytes=99999999999999999999-", 200, 0, 1000},
        {"bytes=0-9\r\nRange: bytes=0-9", 200, 0, 1000},
        {"bytes=0-9\r\nIf-Range: \"x\"", 200, 0, 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct http_reply r = range(c[i].value, 1000);

        if (r.status != c[i].status ||
            (r.status != 416 && (r.from != c[i].from || r.to != c[i].to)))
            fail_msg("%s: got %u, [%llu, %llu)", c[i].value, r.status, (unsigned long long)r.from,
                     (unsigned long long)r.to);
    }
    assert_int_equal(range("bytes=0-", 0).status, 416);
    assert_int_equal(range("bytes=-1", 0).status, 416);
}

/* ---- exchanges ---- */

static unsigned open_now;

static void note_close(void *ctx)
{
    (void)ctx;
    open_now--;
}

static int ten(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    (void)ctx;
    (void)mac;
    if (strcmp(name, "ten") != 0)
        return strcmp(name, "busy") == 0  ? CONTENT_EBUSY
               : strcmp(name, "bad") == 0 ? CONTENT_EREAD
                                          : CONTENT_ENAME;
    content_memory(out, "0123456789", 10, "x/y");
    out->close = note_close;
    open_now++;
    return 0;
}

static void answers(const char *request, const char *header, uint64_t at, uint64_t to, bool last)
{
    static const struct content_source source = {.open = ten};
    struct http_exchange x;

    http_exchange_begin(&x, NULL);
    assert_true(http_exchange_feed(&x, &source, NULL, (const uint8_t *)request, strlen(request)));
    assert_int_equal(x.header_n, strlen(header));
    assert_memory_equal(x.header, header, x.header_n);
    assert_int_equal(x.at, at);
    assert_int_equal(x.to, to);
    assert_int_equal(x.last, last);
    http_exchange_end(&x);
    assert_int_equal(open_now, 0);
}

static void home_sends_browsers_elsewhere(void **state)
{
    static const char want[] =
        "HTTP/1.1 303 See Other\r\nContent-Type: text/plain\r\nContent-Length: "
        "10\r\nAccept-Ranges: bytes\r\n"
        "Location: https://10.77.0.1/\r\nConnection: keep-alive\r\n\r\nSee Other\n";
    static const char request[] = "GET /?a HTTP/1.1\r\n" HOST "\r\n";
    static const struct content_source source = {.open = ten};
    struct http_exchange x;

    (void)state;
    http_exchange_begin(&x, "https://10.77.0.1/");
    assert_true(
        http_exchange_feed(&x, &source, NULL, (const uint8_t *)request, sizeof request - 1));
    assert_int_equal(x.header_n, sizeof want - 1);
    assert_memory_equal(x.header, want, sizeof want - 1);
    assert_true(x.at == x.to && !x.last);
    http_exchange_end(&x);
}

static void answers_are_whole(void **state)
{
    (void)state;
    answers("GET /ten HTTP/1.1\r\n" HOST "\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: 10\r\nAccept-Ranges: "
            "bytes\r\nConnection: keep-alive\r\n\r\n",
            0, 10, false);
    answers("HEAD /ten HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: 10\r\nAccept-Ranges: "
            "bytes\r\nConnection: close\r\n\r\n",
            0, 0, true);
    answers("GET /ten HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\n\r\n",
            "HTTP/1.1 206 Partial Content\r\nContent-Type: x/y\r\nContent-Length: "
            "3\r\nAccept-Ranges: bytes\r\n"
            "Content-Range: bytes 2-4/10\r\nConnection: keep-alive\r\n\r\n",
            2, 5, false);
    answers("GET /ten HTTP/1.1\r\n" HOST "Range: bytes=10-\r\n\r\n",
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Type: text/plain\r\nContent-Length: "
            "22\r\nAccept-Ranges: bytes\r\n"
            "Content-Range: bytes */10\r\nConnection: keep-alive\r\n\r\nRange Not Satisfiable\n",
            0, 0, false);
    answers("GET /nine HTTP/1.1\r\n" HOST "\r\n",
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: "
            "10\r\nAccept-Ranges: bytes\r\n"
            "Connection: keep-alive\r\n\r\nNot Found\n",
            0, 0, false);
    answers("HEAD /nine HTTP/1.1\r\n" HOST "\r\n",
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: "
            "10\r\nAccept-Ranges: bytes\r\n"
            "Connection: keep-alive\r\n\r\n",
            0, 0, false);
    answers("GET /busy HTTP/1.1\r\n" HOST "\r\n",
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: "
            "20\r\nAccept-Ranges: bytes\r\n"
            "Connection: keep-alive\r\n\r\nService Unavailable\n",
            0, 0, false);
    answers("PUT /ten HTTP/1.1\r\n" HOST "\r\nbody",
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nContent-Length: "
            "19\r\nAccept-Ranges: bytes\r\n"
            "Allow: GET, HEAD\r\nConnection: close\r\n\r\nMethod Not Allowed\n",
            0, 0, true);
}

static void what_follows_too_early_ends_the_connection(void **state)
{
    (void)state;
    answers("GET /ten HTTP/1.1\r\n" HOST "\r\nGET /ten HTTP/1.1\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: 10\r\nAccept-Ranges: "
            "bytes\r\nConnection: close\r\n\r\n",
            0, 10, true);
}

/* ---- seats ---- */

#define SEATS 8

static struct mono at(int64_t s)
{
    return (struct mono){s * MONO_S};
}

static void who_holds_most_makes_room(void **state)
{
    struct http_seat seats[SEATS] = {0};

    (void)state;
    for (unsigned i = 0; i < SEATS; i++) {
        assert_int_equal(http_seat_for(seats, SEATS, 9, at(i)), i);
        seats[i] = (struct http_seat){.used = true,
                                      .state = HTTP_READING,
                                      .address = i == 4 ? 7 : 9,
                                      .since = at(20 - i)};
    }
    /* 9 has seven of eight: whoever comes, it loses the seat that has waited longest. */
    assert_int_equal(http_seat_for(seats, SEATS, 5, at(30)), 7);
    assert_int_equal(http_seat_for(seats, SEATS, 9, at(30)), 7);
    seats[7].since = at(30);
    assert_int_equal(http_seat_for(seats, SEATS, 5, at(30)), 6);
    for (unsigned i = 0; i < SEATS; i++)
        seats[i].address = i;
    /* Everybody has one: a newcomer takes the one that has waited longest, a second connection
     * one's own. */
    assert_int_equal(http_seat_for(seats, SEATS, 50, at(30)), 6);
    assert_int_equal(http_seat_for(seats, SEATS, 3, at(30)), 3);
}

static void nobody_stays_for_ever(void **state)
{
    struct http_seat s = {.used = true, .state = HTTP_READING, .since = at(0)};

    (void)state;
    assert_false(http_seat_late(&s, at(10)));
    assert_true(http_seat_late(&s, at(11)));
    s.state = HTTP_IDLE;
    assert_false(http_seat_late(&s, at(15)));
    assert_true(http_seat_late(&s, at(16)));
    s.state = HTTP_SENDING;
    assert_false(http_seat_late(&s, at(20)));
    assert_true(http_seat_late(&s, at(21)));
    s.used = false;
    assert_false(http_seat_late(&s, at(100)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_understood),
        cmocka_unit_test(every_truncation_goes_on),
        cmocka_unit_test(a_request_may_come_in_any_pieces),
        cmocka_unit_test(what_has_two_meanings_is_refused),
        cmocka_unit_test(names_that_lead_elsewhere_are_not_names),
        cmocka_unit_test(everything_has_an_end),
        cmocka_unit_test(connections_are_kept_as_asked),
        cmocka_unit_test(ranges_are_cut_to_the_content),
        cmocka_unit_test(home_sends_browsers_elsewhere),
        cmocka_unit_test(answers_are_whole),
        cmocka_unit_test(what_follows_too_early_ends_the_connection),
        cmocka_unit_test(who_holds_most_makes_room),
        cmocka_unit_test(nobody_stays_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
