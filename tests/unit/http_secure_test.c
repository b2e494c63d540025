/* The HTTP client over TLS against our own TLS server on a second lwIP stack: fingerprints,
 * connections that break, redirects between both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mbedtls/sha256.h"
#include "net/tls/bind.h"
#include "tests/unit/http_support.h"

#define FILE_BYTES 3000001u

/* ---- the server, in the child ---- */

static struct tls_identity identity;
static uint32_t break_after; /* content bytes a connection brings; 0: all */

static struct talk {
    struct wire_stream stream;
    char asked[2048];
    size_t n_asked;
    char head[512];
    size_t n_head, said;
    uint32_t at, end;
} talk[TLS_SEATS];

static void opened(void *ctx, unsigned seat, const struct wire_stream *s, uint32_t address,
                   struct mono now)
{
    (void)ctx;
    (void)address;
    (void)now;
    talk[seat] = (struct talk){.stream = *s};
}

static void answer(struct talk *t)
{
    unsigned from = 0, n;
    const char *path = t->asked + 4;

    sscanf(strstr(t->asked, "bytes="), "bytes=%u", &from);
    if (sscanf(path, "/hop%u", &n) == 1)
        snprintf(t->head, sizeof t->head, "HTTP/1.1 302 F\r\nLocation: /%s%u\r\n\r\n",
                 n > 1 ? "hop" : "a", n - 1);
    else if (strncmp(path, "/down", 5) == 0)
        snprintf(t->head, sizeof t->head, "HTTP/1.1 301 F\r\nLocation: http://10.0.0.2/a\r\n\r\n");
    else {
        t->at = from;
        t->end = break_after && FILE_BYTES - from > break_after ? from + break_after : FILE_BYTES;
        snprintf(t->head, sizeof t->head, "HTTP/1.1 206 P\r\nContent-Range: bytes %u-%u/%u\r\n\r\n",
                 from, FILE_BYTES - 1, FILE_BYTES);
    }
    t->n_head = strlen(t->head);
}

static bool step(void *ctx, unsigned seat, struct mono now)
{
    struct talk *t = &talk[seat];
    uint8_t piece[1400];
    int n;

    (void)ctx;
    (void)now;
    while (!t->n_head && (n = t->stream.read(t->stream.ctx, t->asked + t->n_asked,
                                             sizeof t->asked - 1 - t->n_asked)) > 0) {
        t->n_asked += (size_t)n;
        if (strstr(t->asked, "\r\n\r\n"))
            answer(t);
    }
    while (t->said < t->n_head &&
           (n = t->stream.write(t->stream.ctx, t->head + t->said, t->n_head - t->said)) > 0)
        t->said += (size_t)n;
    while (t->n_head && t->said == t->n_head && t->at < t->end) {
        uint32_t now_n = t->end - t->at < sizeof piece ? t->end - t->at : sizeof piece;

        for (uint32_t i = 0; i < now_n; i++)
            piece[i] = byte_at(t->at + i);
        n = t->stream.write(t->stream.ctx, piece, now_n);
        if (n <= 0)
            return n == 0;
        t->at += (uint32_t)n;
    }
    return !t->n_head || t->said < t->n_head || t->at < t->end;
}

static void closed(void *ctx, unsigned seat)
{
    (void)ctx;
    (void)seat;
}

static enum tls_standing standing(void *ctx, unsigned seat)
{
    (void)ctx;
    (void)seat;
    return TLS_BUSY;
}

static void serve(struct ip_stack *stack)
{
    static const struct tls_service service = {opened, step, closed, standing, NULL};
    struct tls_bind *b;

    if (tls_bind_open(&b, stack, &identity, &service, TLS_PORT, NULL))
        abort();
    for (;;) {
        ip_stack_wait(stack, tls_bind_pause(b), -1);
        tls_bind_tick(b, ip_stack_now(stack));
    }
}

/* ---- the client ---- */

static struct http_trust pinned(void)
{
    struct http_trust t = {.pinned = true};

    assert_true(tls_pin_parse(identity.fingerprint, t.pin));
    return t;
}

static struct http_file *open_url(struct ip_pair *pair, const char *url,
                                  const struct http_trust *trust, int result, struct err *err)
{
    struct http_file *f;
    struct http_url u;
    struct err why = {0};

    assert_int_equal(http_url_parse(url, &u, NULL), 0);
    if (http_open(&f, pair->stack, &u, trust, 5000, &why) != result)
        fail_msg("%s: %s (%d)", url, why.text, why.code);
    if (err)
        *err = why;
    return f;
}

static void a_file_is_read_through(void **state)
{
    const struct http_trust trust = pinned();

    (void)state;
    for (break_after = 0; break_after <= 800000; break_after += 800000) {
        struct ip_pair pair;
        struct http_file *f;

        ip_pair_up(&pair, 0, 3, serve);
        f = open_url(&pair, "https://10.0.0.2/a", &trust, 0, NULL);
        assert_int_equal(http_size(f), FILE_BYTES);
        for (uint32_t at = 0; at < FILE_BYTES; at += 100000)
            expect_bytes(f, at, FILE_BYTES - at < 100000 ? FILE_BYTES - at : 100000);
        expect_bytes(f, 1000, 5000);
        http_close(f);
        ip_pair_down(&pair);
    }
    break_after = 0;
}

static void a_lossy_line_is_read_through(void **state)
{
    const struct http_trust trust = pinned();
    struct ip_pair pair;
    struct http_file *f;

    (void)state;
    ip_pair_up(&pair, 1, 3, serve);
    f = open_url(&pair, "https://10.0.0.2/a", &trust, 0, NULL);
    expect_bytes(f, 0, FILE_BYTES);
    http_close(f);
    ip_pair_down(&pair);
}

/* Takes the file as it comes; its length, or the error. */
static long take_all(struct ip_pair *pair, const char *url, const struct http_trust *trust,
                     struct err *err)
{
    struct http_file *f;
    struct http_url u;
    uint64_t at = 0;
    long n;

    *err = (struct err){0};
    assert_int_equal(http_url_parse(url, &u, NULL), 0);
    n = http_begin(&f, pair->stack, &u, trust, 5000, err);
    while (n >= 0 && (http_size(f) == 0 || at < http_size(f))) {
        const uint8_t *bytes;

        assert_int_equal(ip_stack_wait(pair->stack, 5, -1), 0);
        while ((n = http_look(f, &bytes, err)) > 0) {
            for (long i = 0; i < n; i++)
                assert_int_equal(bytes[i], byte_at(at + (uint64_t)i));
            http_took(f, (size_t)n);
            at += (uint64_t)n;
        }
    }
    if (f)
        http_close(f);
    return n < 0 ? n : (long)at;
}

static void a_file_is_followed_without_waiting(void **state)
{
    const struct http_trust trust = pinned();
    struct err err;

    (void)state;
    for (break_after = 0; break_after <= 800000; break_after += 800000) {
        struct ip_pair pair;

        ip_pair_up(&pair, 0, 3, serve);
        assert_int_equal(take_all(&pair, "https://10.0.0.2/a", &trust, &err), FILE_BYTES);
        assert_int_equal(take_all(&pair, "https://10.0.0.2/hop5", &trust, &err), FILE_BYTES);
        ip_pair_down(&pair);
    }
    break_after = 0;
}

static void what_is_not_trusted_gets_no_request(void **state)
{
    struct http_trust wrong = pinned(), nobody = {0};
    struct ip_pair pair;
    struct err err;

    (void)state;
    wrong.pin[7] ^= 1;
    ip_pair_up(&pair, 0, 3, serve);
    assert_int_equal(take_all(&pair, "https://10.0.0.2/a", &wrong, &err), TLS_EPIN);
    assert_non_null(strstr(err.text, identity.fingerprint));
    open_url(&pair, "https://10.0.0.2/a", &wrong, TLS_EPIN, NULL);
    assert_int_equal(take_all(&pair, "https://10.0.0.2/a", &nobody, &err), TLS_EAUTHORITY);
    assert_non_null(strstr(err.text, identity.fingerprint));
    assert_int_equal(take_all(&pair, "https://10.0.0.2/a", NULL, &err), HTTP_ETRUST);
    wrong.pin[7] ^= 1;
    assert_int_equal(take_all(&pair, "http://10.0.0.2/a", &wrong, &err), HTTP_ETRUST);
    assert_string_equal(err.text, "expected https:// beside a fingerprint, got http://10.0.0.2");
    ip_pair_down(&pair);
}

static void redirects_are_followed_so_far(void **state)
{
    const struct http_trust trust = pinned();
    struct ip_pair pair;
    struct http_file *f;
    struct err err;

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    f = open_url(&pair, "https://10.0.0.2/hop5", &trust, 0, NULL);
    expect_bytes(f, 0, 100000);
    expect_bytes(f, 2000000, 1000);
    http_close(f);
    open_url(&pair, "https://10.0.0.2/hop6", &trust, HTTP_EREDIRECT, &err);
    assert_string_equal(err.text,
                        "expected the file after at most 5 redirects, got one more, to \"/a0\"");
    assert_int_equal(take_all(&pair, "https://10.0.0.2/hop6", &trust, &err), HTTP_EREDIRECT);
    assert_int_equal(take_all(&pair, "https://10.0.0.2/down", &trust, &err), HTTP_EREDIRECT);
    assert_string_equal(
        err.text, "expected https:// to stay https://, got a redirect to \"http://10.0.0.2/a\"");
    ip_pair_down(&pair);
}

static int make_identity(void **state)
{
    (void)state;
    return tls_identity_make(&identity, "images", 0x0A000002, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_through),
        cmocka_unit_test(a_lossy_line_is_read_through),
        cmocka_unit_test(a_file_is_followed_without_waiting),
        cmocka_unit_test(what_is_not_trusted_gets_no_request),
        cmocka_unit_test(redirects_are_followed_so_far),
    };

    return cmocka_run_group_tests(tests, make_identity, NULL);
}
