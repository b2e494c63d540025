/* The HTTP server on one lwIP stack, our client and strangers on another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/tcp.h"
#include "net/http/server/bind.h"
#include "net/os/clock.h"
#include "tests/unit/http_support.h"

#define FILE_BYTES 1000001u

/* ---- the server, in the child ---- */

static uint8_t memory[FILE_BYTES];

static int disk_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    if (ctx && offset + n > FILE_BYTES / 2)
        return CONTENT_EREAD;
    memcpy(to, memory + offset, n);
    return 0;
}

static void disk_close(void *ctx)
{
    (void)ctx;
}

/* "memory", "disk", and "broken", which cannot be read to its end. */
static int give(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    (void)ctx;
    if (!mac || mac[5] != 1)
        return CONTENT_ENAME; /* the machine at 10.0.0.1 is known by ARP */
    if (strcmp(name, "memory") == 0)
        content_memory(out, memory, sizeof memory, "x/y");
    else if (strcmp(name, "disk") == 0 || strcmp(name, "broken") == 0)
        *out = (struct content){.size = sizeof memory,
                                .type = "x/y",
                                .ctx = name[0] == 'b' ? memory : NULL,
                                .read = disk_read,
                                .close = disk_close};
    else
        return CONTENT_ENAME;
    return 0;
}

static void serve(struct ip_stack *stack)
{
    static const struct http_bind_config config = {.source = {.open = give}};
    struct http_bind *b;

    for (size_t i = 0; i < sizeof memory; i++)
        memory[i] = byte_at(i);
    if (http_bind_open(&b, stack, &config, 80, NULL) != 0)
        abort();
    for (;;) {
        ip_stack_wait(stack, http_bind_pause(b), -1);
        http_bind_tick(b, ip_stack_now(stack));
    }
}

/* ---- the client ---- */

static void read_through(const char *url, unsigned loss)
{
    struct ip_pair pair;
    struct http_file *f;

    ip_pair_up(&pair, loss, 3, serve);
    f = http_opened(&pair, url, 10000, 0, NULL);
    assert_int_equal(http_size(f), FILE_BYTES);
    expect_bytes(f, 0, FILE_BYTES);
    expect_bytes(f, 400000, 5000);
    expect_bytes(f, FILE_BYTES - 1, 1);
    http_close(f);
    ip_pair_down(&pair);
}

static void contents_are_read_through(void **state)
{
    (void)state;
    read_through("http://10.0.0.2/memory", 0);
    read_through("http://10.0.0.2/disk", 0);
}

static void lossy_lines_too(void **state)
{
    (void)state;
    read_through("http://10.0.0.2/memory", 1);
    read_through("http://10.0.0.2/disk", 1);
}

static void what_is_not_there_is_said(void **state)
{
    struct ip_pair pair;
    struct http_file *f;
    uint8_t buf[1000];

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    http_opened(&pair, "http://10.0.0.2/nothing", 10000, HTTP_ESTATUS, NULL);
    f = http_opened(&pair, "http://10.0.0.2/broken", 10000, 0, NULL);
    assert_int_equal(http_read(f, 0, buf, sizeof buf, NULL), 0);
    http_close(f);
    ip_pair_down(&pair);
}

/* ---- strangers ---- */

static unsigned connected, ended;

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)err;
    connected++;
    return tcp_write(pcb, arg, (u16_t)strlen(arg), 0);
}

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (!p) {
        ended++;
        tcp_close(pcb);
        return ERR_OK;
    }
    pbuf_free(p); /* and no room is given back: it does not read */
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    (void)arg;
    (void)err;
    ended++;
}

static void stranger(const char *says)
{
    ip_addr_t address = {lwip_htonl(PAIR_CHILD)};
    struct tcp_pcb *pcb = tcp_new();

    assert_non_null(pcb);
    tcp_arg(pcb, (void *)(uintptr_t)says);
    tcp_recv(pcb, on_bytes);
    tcp_err(pcb, on_error);
    tcp_connect(pcb, &address, 80, on_connected);
}

static void wait_for(struct ip_pair *pair, const unsigned *n, unsigned value)
{
    struct mono end = mono_add(clock_now(), 20 * MONO_S);

    while (*n < value && mono_sub(end, clock_now()) > 0)
        ip_stack_wait(pair->stack, 50, -1);
    assert_true(*n >= value);
}

static void strangers_make_room(void **state)
{
    struct ip_pair pair;
    struct http_file *f;

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    connected = ended = 0;
    for (unsigned i = 1; i <= HTTP_SEATS + 40; i++) {
        stranger(i % 2 ? "GET /memory HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /memory HTTP/1.1\r\nHo");
        if (i % 20 == 0)
            wait_for(&pair, &connected, i);
    }
    wait_for(&pair, &ended, 30);
    f = http_opened(&pair, "http://10.0.0.2/disk", 10000, 0, NULL);
    expect_bytes(f, 0, FILE_BYTES);
    http_close(f);
    ip_pair_down(&pair);
}

static void what_is_malformed_is_answered_and_ended(void **state)
{
    struct ip_pair pair;

    (void)state;
    ip_pair_up(&pair, 0, 3, serve);
    connected = ended = 0;
    stranger("BREW / HTTP/1.1\r\n");
    stranger("GET / HTTP/3.0\r\n");
    stranger("\n");
    stranger("GET /memory HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    stranger("GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&pair, &ended, 5);
    ip_pair_down(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_are_read_through),
        cmocka_unit_test(lossy_lines_too),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(strangers_make_room),
        cmocka_unit_test(what_is_malformed_is_answered_and_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
