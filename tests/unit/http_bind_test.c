/* The HTTP client against a small server on a second lwIP stack: ranges, jumps, connections that
 * break, lines that lose frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/tcp.h"
#include "tests/unit/http_support.h"

#define FILE_BYTES 3000001u

/* ---- the server, in the child ---- */

static uint32_t break_after; /* content bytes a connection brings; 0: all */

struct reply {
    uint32_t at, end;
};

static void push(struct reply *r, struct tcp_pcb *pcb)
{
    uint8_t piece[1400];

    while (r->at < r->end && tcp_sndbuf(pcb) >= sizeof piece) {
        uint32_t n = r->end - r->at < sizeof piece ? r->end - r->at : sizeof piece;

        for (uint32_t i = 0; i < n; i++)
            piece[i] = byte_at(r->at + i);
        if (tcp_write(pcb, piece, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        r->at += n;
    }
    tcp_output(pcb);
    if (r->at == r->end) {
        tcp_arg(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_close(pcb);
        free(r);
    }
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    (void)n;
    if (arg)
        push(arg, pcb);
    return ERR_OK;
}

static void on_lost(void *arg, err_t err)
{
    (void)err;
    free(arg);
}

static err_t on_request(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct reply *r = arg;
    char text[512] = "", header[256];
    unsigned from = 0;

    (void)err;
    if (!p) {
        tcp_arg(pcb, NULL);
        free(arg);
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    pbuf_copy_partial(p, text, sizeof text - 1, 0);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    sscanf(strstr(text, "bytes=") ? strstr(text, "bytes=") : "bytes=0", "bytes=%u", &from);
    r->at = from;
    r->end = break_after && FILE_BYTES - from > break_after ? from + break_after : FILE_BYTES;
    snprintf(header, sizeof header,
             "HTTP/1.1 206 Partial\r\nContent-Range: bytes %u-%u/%u\r\nContent-Length: %u\r\nETag: "
             "x\r\n\r\n",
             from, FILE_BYTES - 1, FILE_BYTES, FILE_BYTES - from);
    if (strstr(text, "/missing"))
        strcpy(header, "HTTP/1.1 404 Not Found\r\n\r\n");
    tcp_write(pcb, header, (u16_t)strlen(header), TCP_WRITE_FLAG_COPY);
    push(r, pcb);
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_arg(pcb, calloc(1, sizeof(struct reply)));
    tcp_recv(pcb, on_request);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_lost);
    return ERR_OK;
}

static void serve(struct ip_stack *stack)
{
    struct tcp_pcb *pcb = tcp_new();

    tcp_bind(pcb, IP_ADDR_ANY, 80);
    tcp_accept(tcp_listen(pcb), on_accept);
    for (;;)
        ip_stack_wait(stack, 50, -1);
}

static err_t on_accept_in_silence(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)pcb;
    return err;
}

static void be_silent(struct ip_stack *stack)
{
    struct tcp_pcb *pcb = tcp_new();

    tcp_bind(pcb, IP_ADDR_ANY, 80);
    tcp_accept(tcp_listen(pcb), on_accept_in_silence);
    for (;;)
        ip_stack_wait(stack, 50, -1);
}

/* ---- the client ---- */

static void read_through(unsigned loss, uint32_t broken)
{
    struct ip_pair pair;
    struct http_file *f;

    break_after = broken;
    ip_pair_up(&pair, loss, 3, serve);
    f = http_opened(&pair, "http://10.0.0.2/a.ring", 3000, 0, NULL);
    assert_int_equal(http_size(f), FILE_BYTES);
    for (uint32_t at = 0; at < FILE_BYTES; at += 100000)
        expect_bytes(f, at, FILE_BYTES - at < 100000 ? FILE_BYTES - at : 100000);
    http_close(f);
    ip_pair_down(&pair);
}

static void a_file_is_read_through(void **state)
{
    (void)state;
    read_through(0, 0);
}

static void broken_connections_go_on_where_they_were(void **state)
{
    (void)state;
    read_through(0, 700000);
}

static void a_lossy_line_is_read_through(void **state)
{
    (void)state;
    read_through(1, 0);
}

static void jumps_are_new_requests(void **state)
{
    struct ip_pair pair;
    struct http_file *f;
    uint8_t byte;
    struct err err = {0};

    (void)state;
    break_after = 0;
    ip_pair_up(&pair, 0, 3, serve);
    f = http_opened(&pair, "http://10.0.0.2/a.ring", 3000, 0, NULL);
    expect_bytes(f, FILE_BYTES - 1000, 1000);
    expect_bytes(f, 0, 5000);
    expect_bytes(f, 100000, 5000);
    expect_bytes(f, 2000000, 5000);
    assert_int_equal(http_read(f, FILE_BYTES, &byte, 1, &err), HTTP_ERANGE);
    http_close(f);
    ip_pair_down(&pair);
}

static void failures_are_said_in_words(void **state)
{
    struct ip_pair pair;
    struct err err = {0};

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    http_opened(&pair, "http://10.0.0.2/missing", 3000, HTTP_ESTATUS, &err);
    assert_string_equal(err.text, "the server answers 404 (no such file)");
    err = (struct err){0};
    http_opened(&pair, "http://10.0.0.2:81/a", 3000, HTTP_ECONNECT, &err);
    assert_string_equal(err.text, "cannot reach the web server at 10.0.0.2 port 81");
    ip_pair_down(&pair);
}

static void silence_is_not_for_ever(void **state)
{
    struct ip_pair pair;
    struct err err = {0};

    (void)state;
    ip_pair_up(&pair, 0, 3, be_silent);
    http_opened(&pair, "http://10.0.0.2/a", 200, HTTP_ETIMEOUT, &err);
    ip_pair_down(&pair);
}

/* Takes the file as it comes, `most` bytes at a time; its length, or the error. */
static long follow(struct ip_pair *pair, const char *url, size_t most, struct err *err)
{
    struct http_file *f;
    struct http_url u;
    uint64_t at = 0;
    long n = 0;

    assert_int_equal(http_url_parse(url, &u, NULL), 0);
    assert_int_equal(http_begin(&f, pair->stack, &u, NULL, 3000, err), 0);
    assert_int_equal(http_size(f), 0);
    while (n >= 0 && (http_size(f) == 0 || at < http_size(f))) {
        const uint8_t *bytes;

        assert_int_equal(ip_stack_wait(pair->stack, 5, -1), 0);
        n = http_look(f, &bytes, err);
        if (n <= 0)
            continue;
        n = (size_t)n > most ? (long)most : n;
        for (long i = 0; i < n; i++)
            assert_int_equal(bytes[i], byte_at(at + (uint64_t)i));
        http_took(f, (size_t)n);
        at += (uint64_t)n;
    }
    http_close(f);
    return n < 0 ? n : (long)at;
}

static void a_file_is_followed_without_waiting(void **state)
{
    struct ip_pair pair;

    (void)state;
    for (unsigned cut = 0; cut <= 700000; cut += 700000) {
        break_after = cut;
        ip_pair_up(&pair, 0, 3, serve);
        assert_int_equal(follow(&pair, "http://10.0.0.2/a.ring", cut ? 100000 : 999, NULL),
                         FILE_BYTES);
        ip_pair_down(&pair);
    }
}

static void failures_without_waiting(void **state)
{
    struct ip_pair pair;
    struct err err = {0};
    struct http_file *f;
    struct http_url u;

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    assert_int_equal(follow(&pair, "http://10.0.0.2/missing", 999, &err), HTTP_ESTATUS);
    assert_string_equal(err.text, "the server answers 404 (no such file)");
    err = (struct err){0};
    assert_int_equal(follow(&pair, "http://10.0.0.2:81/a", 999, &err), HTTP_ECONNECT);
    assert_int_equal(http_url_parse("http://nowhere/a", &u, NULL), 0);
    assert_int_equal(http_begin(&f, pair.stack, &u, NULL, 3000, &err), IP_ENAME);
    assert_null(f);
    ip_pair_down(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_through),
        cmocka_unit_test(broken_connections_go_on_where_they_were),
        cmocka_unit_test(a_lossy_line_is_read_through),
        cmocka_unit_test(jumps_are_new_requests),
        cmocka_unit_test(failures_are_said_in_words),
        cmocka_unit_test(silence_is_not_for_ever),
        cmocka_unit_test(a_file_is_followed_without_waiting),
        cmocka_unit_test(failures_without_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
