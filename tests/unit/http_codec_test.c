#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/http/codec.h"

static void urls_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        bool tls;
        const char *path;
    } c[] = {
        {"http://10.0.0.1/a.ring", "10.0.0.1", 80, false, "/a.ring"},
        {"http://box.local:8080/x?y=1", "box.local", 8080, false, "/x?y=1"},
        {"HTTP://box", "box", 80, false, "/"},
        {"http://box:1", "box", 1, false, "/"},
        {"https://box/a", "box", 443, true, "/a"},
        {"HTTPS://10.0.0.1:80", "10.0.0.1", 80, true, "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct http_url u;

        assert_int_equal(http_url_parse(c[i].text, &u, NULL), 0);
        assert_string_equal(u.host, c[i].host);
        assert_int_equal(u.port, c[i].port);
        assert_int_equal(u.tls, c[i].tls);
        assert_string_equal(u.path, c[i].path);
    }
}

static void other_urls_are_refused_in_words(void **state)
{
    static const char *const bad[] = {"",
                                      "box/a",
                                      "http:/",
                                      "http://",
                                      "http:///a",
                                      "ftp://a/b",
                                      "httpss://a/b",
                                      "http://a:0/",
                                      "http://a:65536/",
                                      "http://a:/",
                                      "http://a:1x/",
                                      "http://u@a/",
                                      "http://[::1]/a",
                                      "http://a/b c",
                                      "http://a/b#c",
                                      "http://a/\x80",
                                      "http://a\\b",
                                      "http://a:99999999999999999999/"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_url u;
        struct err err = {0};

        assert_int_equal(http_url_parse(bad[i], &u, &err), HTTP_EURL);
        assert_non_null(strstr(err.text, "expected "));
    }
}

static void long_parts_are_refused(void **state)
{
    char text[4000] = "http://";
    struct http_url u;

    (void)state;
    memset(text + 7, 'a', HTTP_HOST_MAX + 1);
    assert_int_equal(http_url_parse(text, &u, NULL), HTTP_EURL);
    text[7 + HTTP_HOST_MAX] = 0;
    assert_int_equal(http_url_parse(text, &u, NULL), 0);
    memcpy(text, "http://a/", 9);
    memset(text + 9, 'b', HTTP_PATH_MAX);
    text[9 + HTTP_PATH_MAX] = 0;
    assert_int_equal(http_url_parse(text, &u, NULL), HTTP_EURL);
    text[9 + HTTP_PATH_MAX - 1] = 0;
    assert_int_equal(http_url_parse(text, &u, NULL), 0);
}

static void requests_name_their_range(void **state)
{
    struct http_url u;
    char out[HTTP_REQUEST_MAX];
    size_t n;

    (void)state;
    assert_int_equal(http_url_parse("http://box:81/a", &u, NULL), 0);
    n = http_request(&u, 10, 20, out);
    assert_int_equal(n, strlen(out));
    assert_string_equal(
        out,
        "GET /a HTTP/1.1\r\nHost: box:81\r\nUser-Agent: ringcast\r\nAccept-Encoding: identity\r\n"
        "Connection: close\r\nRange: bytes=10-19\r\n\r\n");
    http_request(&u, 0, HTTP_TO_END, out);
    assert_non_null(strstr(out, "Range: bytes=0-\r\n"));
    assert_int_equal(http_url_parse("https://box:443/a", &u, NULL), 0);
    http_request(&u, 0, HTTP_TO_END, out);
    assert_non_null(strstr(out, "\r\nHost: box\r\n"));
    assert_int_equal(http_url_parse("https://box:80/a", &u, NULL), 0);
    http_request(&u, 0, HTTP_TO_END, out);
    assert_non_null(strstr(out, "\r\nHost: box:80\r\n"));
}

static void redirects_lead_where_they_say(void **state)
{
    static const struct {
        const char *from, *location, *host;
        unsigned port;
        bool tls;
        const char *path;
    } c[] = {
        {"http://a/x/y?q=/z", "http://b:81/c", "b", 81, false, "/c"},
        {"http://a/x/y", "https://b/c", "b", 443, true, "/c"},
        {"https://a/x/y", "https://b", "b", 443, true, "/"},
        {"https://a:8443/x/y", "/c?d=http://e", "a", 8443, true, "/c?d=http://e"},
        {"http://a/x/y", "//b/c", "b", 80, false, "/c"},
        {"https://a:1/x/y", "//b/c", "b", 443, true, "/c"},
        {"http://a/x/y?q=/z", "c", "a", 80, false, "/x/c"},
        {"http://a", "c.ring", "a", 80, false, "/c.ring"},
        {"http://a/x/y?q", "?r=1", "a", 80, false, "/x/y?r=1"},
        {"http://a/x", "/c#part", "a", 80, false, "/c"},
    };
    static const char *const bad[] = {"ftp://b/c", "http://",   "https://[::1]/c", "http://u:p@b/c",
                                      "/c d",      "/\xc3\xa4", "mailto:x"};
    struct http_url from, to;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(http_url_parse(c[i].from, &from, NULL), 0);
        if (http_redirect(&from, c[i].location, &to, &err))
            fail_msg("%s: %s", c[i].location, err.text);
        assert_string_equal(to.host, c[i].host);
        assert_string_equal(to.path, c[i].path);
        assert_true(to.port == c[i].port && to.tls == c[i].tls);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct err){0};
        assert_int_equal(http_redirect(&from, bad[i], &to, &err), HTTP_EURL);
        assert_non_null(strstr(err.text, "expected "));
    }
    assert_int_equal(http_url_parse("https://a/x", &from, NULL), 0);
    err = (struct err){0};
    assert_int_equal(http_redirect(&from, "http://a/x", &to, &err), HTTP_EREDIRECT);
    assert_string_equal(err.text,
                        "expected https:// to stay https://, got a redirect to \"http://a/x\"");
}

static void a_redirect_cut_anywhere_leads_nowhere_else(void **state)
{
    static const char location[] = "https://b.example:8443/images/debian.ring?token=abc";
    char cut[HTTP_URL_TEXT + 8];
    struct http_url from, to;

    (void)state;
    assert_int_equal(http_url_parse("https://a/x", &from, NULL), 0);
    for (size_t n = 0; n < sizeof location - 1; n++) {
        memcpy(cut, location, n);
        cut[n] = 0;
        if (http_redirect(&from, cut, &to, NULL) == 0)
            assert_true(to.tls && strlen(to.path) <= n + 2);
    }
    memset(cut, 'a', sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    assert_int_equal(http_redirect(&from, cut, &to, NULL), HTTP_EREDIRECT);
    cut[HTTP_URL_TEXT - 5] = 0;
    assert_int_equal(http_redirect(&from, cut, &to, NULL), HTTP_EREDIRECT);
    cut[HTTP_PATH_MAX] = 0;
    assert_int_equal(http_redirect(&from, cut, &to, NULL), HTTP_EURL);
    cut[HTTP_PATH_MAX - 1] = 0;
    assert_int_equal(http_redirect(&from, cut, &to, NULL), 0);
}

static int feed(const char *text, struct http_answer *a, size_t *used)
{
    static struct http_parser p;
    int rc;

    http_parser_init(&p);
    rc = http_parser_feed(&p, (const uint8_t *)text, strlen(text), used);
    *a = p.answer;
    return rc;
}

static const char good[] =
    "HTTP/1.1 206 Partial Content\r\nServer: x\r\nContent-Range: bytes 100-199/1000\r\n"
    "content-length: 100 \r\nETag: \"abc\"\r\nX-Empty:\r\n\r\nCONTENT";

static void answers_are_understood(void **state)
{
    struct http_answer a;
    size_t used;

    (void)state;
    assert_int_equal(feed(good, &a, &used), 1);
    assert_string_equal(good + used, "CONTENT");
    assert_int_equal(a.status, 206);
    assert_true(a.has_length && a.has_range && !a.chunked);
    assert_true(a.length == 100 && a.first == 100 && a.last == 199 && a.total == 1000);
    assert_string_equal(a.etag, "\"abc\"");
    assert_int_equal(
        feed("HTTP/1.1 100 Continue\r\nETag: a\r\n\r\nHTTP/1.0 200 OK\nContent-Length: 5\n\nx", &a,
             &used),
        1);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, 5);
    assert_string_equal(a.etag, "");
}

static void answers_may_come_in_any_pieces(void **state)
{
    static struct http_parser whole, pieces;
    size_t used, header = sizeof good - sizeof "CONTENT";

    (void)state;
    http_parser_init(&whole);
    assert_int_equal(http_parser_feed(&whole, (const uint8_t *)good, sizeof good - 1, &used), 1);
    for (size_t cut = 1; cut < header; cut++) {
        http_parser_init(&pieces);
        assert_int_equal(http_parser_feed(&pieces, (const uint8_t *)good, cut, &used), 0);
        assert_int_equal(used, cut);
        assert_int_equal(http_parser_feed(&pieces, (const uint8_t *)good + cut,
                                          sizeof good - 1 - cut, &used),
                         1);
        assert_int_equal(used, header - cut);
        assert_memory_equal(&whole.answer, &pieces.answer, sizeof whole.answer);
    }
}

static void malformed_answers_are_refused(void **state)
{
#define OK "HTTP/1.1 200 OK\r\n"
    static const struct {
        const char *text;
        int result;
    } c[] = {
        {"\r\n", HTTP_ESTATUSLINE},
        {"SSH-2.0-OpenSSH\r\n", HTTP_ESTATUSLINE},
        {"HTTP/2 200\r\n", HTTP_ESTATUSLINE},
        {"HTTP/1.1 20\r\n", 0},
        {"HTTP/1.1 2000 OK\r\n", HTTP_ESTATUSLINE},
        {"HTTP/1.1 600 OK\r\n", HTTP_ESTATUSLINE},
        {OK " folded\r\n", HTTP_EHEADER},
        {OK "no colon\r\n", HTTP_EHEADER},
        {OK ": no name\r\n", HTTP_EHEADER},
        {OK "a b: c\r\n", HTTP_EHEADER},
        {OK "a: \x01\r\n", HTTP_EHEADER},
        {OK "a: b\rc\r\n", HTTP_EHEADER},
        {OK "Content-Length: -1\r\n", HTTP_ELENGTH},
        {OK "Content-Length: 5, 5\r\n", HTTP_ELENGTH},
        {OK "Content-Length: 9999999999999999999\r\n", HTTP_ELENGTH},
        {OK "Content-Length: 5\r\nContent-Length: 5\r\n", HTTP_ELENGTH},
        {OK "Content-Range: bytes 5-4/10\r\n", HTTP_ERANGE},
        {OK "Content-Range: bytes 5-10/10\r\n", HTTP_ERANGE},
        {OK "Content-Range: lines 5-9/10\r\n", HTTP_ERANGE},
        {OK "Content-Range: bytes 5-9\r\n", HTTP_ERANGE},
        {OK "Content-Range: bytes 5-9/10x\r\n", HTTP_ERANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct http_answer a;
        size_t used;

        if (c[i].result)
            assert_int_equal(feed(c[i].text, &a, &used), c[i].result);
        else
            assert_true(feed(c[i].text, &a, &used) < 0);
    }
}

static void endless_headers_end(void **state)
{
    static struct http_parser p;
    static uint8_t a[HTTP_HEADER_MAX + 1];
    size_t used;

    (void)state;
    memset(a, 'a', sizeof a);
    http_parser_init(&p);
    assert_int_equal(http_parser_feed(&p, a, sizeof a, &used), HTTP_ETOOLONG);
    assert_int_equal(used, HTTP_LINE_MAX);
    memcpy(a, "HTTP/1.1 200 OK\n", 16);
    for (size_t i = 16; i + 4 <= sizeof a; i += 4)
        memcpy(a + i, "a:b\n", 4);
    http_parser_init(&p);
    assert_int_equal(http_parser_feed(&p, a, sizeof a, &used), HTTP_ETOOLONG);
    assert_int_equal(used, HTTP_HEADER_MAX + 1);
}

static int check(const char *text, uint64_t from, uint64_t to, uint64_t *end, uint64_t *total)
{
    struct http_answer a;
    size_t used;

    assert_int_equal(feed(text, &a, &used), 1);
    return http_answer_check(&a, from, to, end, total, NULL);
}

static void only_the_range_asked_for_is_taken(void **state)
{
    uint64_t end, total;

    (void)state;
    assert_int_equal(check(good, 100, HTTP_TO_END, &end, &total), 0);
    assert_true(end == 200 && total == 1000);
    assert_int_equal(check(good, 100, 200, &end, &total), 0);
    assert_int_equal(check(good, 100, 150, &end, &total), HTTP_ERANGE);
    assert_int_equal(check(good, 99, 200, &end, &total), HTTP_ERANGE);
    assert_int_equal(check(OK "Content-Length: 5\r\n\r\n", 0, HTTP_TO_END, &end, &total), 0);
    assert_true(end == 5 && total == 5);
    assert_int_equal(check(OK "Content-Length: 5\r\n\r\n", 1, HTTP_TO_END, &end, &total),
                     HTTP_ERANGE);
    assert_int_equal(check(OK "\r\n", 0, HTTP_TO_END, &end, &total), HTTP_ELENGTH);
    assert_int_equal(check(OK "Transfer-Encoding: chunked\r\n\r\n", 0, HTTP_TO_END, &end, &total),
                     HTTP_ECHUNKED);
    assert_int_equal(
        check("HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/20\r\nContent-Length: 11\r\n\r\n", 0, 10,
              &end, &total),
        HTTP_ELENGTH);
    assert_int_equal(check("HTTP/1.1 206 P\r\nContent-Length: 11\r\n\r\n", 0, 10, &end, &total),
                     HTTP_ERANGE);
    assert_int_equal(check("HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/*\r\n\r\n", 0, 10, &end,
                           &total),
                     HTTP_ERANGE);
    assert_int_equal(check("HTTP/1.1 416 R\r\nContent-Range: bytes */20\r\n\r\n", 30, 40, &end,
                           &total),
                     HTTP_ERANGE);
    assert_int_equal(check("HTTP/1.1 404 N\r\n\r\n", 0, 10, &end, &total), HTTP_ESTATUS);
    assert_int_equal(check("HTTP/1.1 302 F\r\n\r\n", 0, 10, &end, &total), HTTP_EREDIRECT);
}

static void redirects_are_known(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } c[] = {
        {"HTTP/1.1 301 M\r\nLocation: /b\r\n\r\n", true},
        {"HTTP/1.1 302 F\r\nlocation: /b\r\n\r\n", true},
        {"HTTP/1.1 303 S\r\nLocation: /b\r\n\r\n", true},
        {"HTTP/1.1 307 T\r\nLocation: /b\r\n\r\n", true},
        {"HTTP/1.1 308 P\r\nLocation: /b\r\n\r\n", true},
        {"HTTP/1.1 304 N\r\nLocation: /b\r\n\r\n", false},
        {"HTTP/1.1 300 C\r\nLocation: /b\r\n\r\n", false},
        {"HTTP/1.1 302 F\r\nLocation:\r\n\r\n", false},
        {"HTTP/1.1 200 O\r\nLocation: /b\r\n\r\n", false},
    };
    struct http_answer a;
    size_t used;

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(feed(c[i].text, &a, &used), 1);
        assert_int_equal(http_is_redirect(&a), c[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(other_urls_are_refused_in_words),
        cmocka_unit_test(long_parts_are_refused),
        cmocka_unit_test(requests_name_their_range),
        cmocka_unit_test(answers_are_understood),
        cmocka_unit_test(answers_may_come_in_any_pieces),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(endless_headers_end),
        cmocka_unit_test(only_the_range_asked_for_is_taken),
        cmocka_unit_test(redirects_lead_where_they_say),
        cmocka_unit_test(a_redirect_cut_anywhere_leads_nowhere_else),
        cmocka_unit_test(redirects_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
