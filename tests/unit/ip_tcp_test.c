/* Listening, and both ends of a connection: what was written before a close arrives, what was let
 * go calls nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/ip/tcp.h"
#include "net/os/clock.h"
#include "tests/unit/ip_pair.h"

#define PORT 7

static unsigned heard, ended, broken, calls;

/* ---- the child: says three bytes and closes, or aborts the connection it is asked for on the next
 * port ---- */

static err_t say_and_close(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_write(pcb, "abc", 3, 0);
    return ip_tcp_close(&pcb);
}

static err_t abort_it(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    ip_tcp_abort(&pcb);
    return ERR_ABRT;
}

static void serve(struct ip_stack *stack)
{
    struct tcp_pcb *listener[2];

    ip_tcp_listen(&listener[0], PORT, say_and_close, NULL);
    ip_tcp_listen(&listener[1], PORT + 1, abort_it, NULL);
    for (;;)
        ip_stack_wait(stack, 50, -1);
}

/* ---- the other end ---- */

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)err;
    assert_ptr_equal(arg, &heard);
    calls++;
    if (!p) {
        ended++;
        return ip_tcp_close(&pcb);
    }
    heard += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    (void)arg;
    (void)err;
    broken++;
}

static struct tcp_pcb *dial(uint16_t port)
{
    ip_addr_t address = {lwip_htonl(PAIR_CHILD)};
    struct tcp_pcb *pcb = tcp_new();

    assert_non_null(pcb);
    tcp_arg(pcb, &heard);
    tcp_recv(pcb, on_bytes);
    tcp_err(pcb, on_error);
    tcp_connect(pcb, &address, port, NULL);
    return pcb;
}

static void wait_for(struct ip_pair *pair, const unsigned *n)
{
    struct mono end = mono_add(clock_now(), 20 * MONO_S);

    while (!*n && mono_sub(end, clock_now()) > 0)
        ip_stack_wait(pair->stack, 50, -1);
    assert_int_equal(*n, 1);
}

static void what_was_written_arrives_before_the_end(void **state)
{
    struct ip_pair pair;

    (void)state;
    heard = ended = 0;
    ip_pair_up(&pair, 0, 1, serve);
    dial(PORT);
    wait_for(&pair, &ended);
    assert_int_equal(heard, 3);
    ip_pair_down(&pair);
}

static void an_abort_is_seen_at_the_other_end(void **state)
{
    struct ip_pair pair;

    (void)state;
    broken = 0;
    ip_pair_up(&pair, 0, 1, serve);
    dial(PORT + 1);
    wait_for(&pair, &broken);
    ip_pair_down(&pair);
}

/* Aborted while its answer is under way, and while only the request is: neither calls anybody, nor
 * twice does harm. */
static void who_let_go_is_not_called(void **state)
{
    struct ip_pair pair;
    struct tcp_pcb *pcb;

    (void)state;
    calls = broken = ended = 0;
    ip_pair_up(&pair, 0, 1, serve);
    pcb = dial(PORT);
    ip_tcp_abort(&pcb);
    assert_null(pcb);
    ip_tcp_abort(&pcb);
    assert_int_equal(ip_tcp_close(&pcb), ERR_OK);
    pcb = dial(PORT);
    assert_int_equal(ip_tcp_close(&pcb), ERR_OK);
    assert_null(pcb);
    dial(PORT); /* by its end all that was under way before has come */
    wait_for(&pair, &ended);
    assert_in_range(calls, 2, 4);
    assert_int_equal(broken, 0);
    ip_pair_down(&pair);
}

static void a_port_is_taken_once(void **state)
{
    struct tcp_pcb *first, *second;
    struct ip_pair pair;

    (void)state;
    ip_pair_up(&pair, 0, 1, serve);
    assert_int_equal(ip_tcp_listen(&first, PORT, say_and_close, NULL), ERR_OK);
    assert_int_equal(ip_tcp_listen(&second, PORT, say_and_close, NULL), ERR_USE);
    assert_null(second);
    tcp_close(first);
    assert_int_equal(ip_tcp_listen(&first, PORT, say_and_close, NULL), ERR_OK);
    tcp_close(first);
    ip_pair_down(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_arrives_before_the_end),
        cmocka_unit_test(an_abort_is_seen_at_the_other_end),
        cmocka_unit_test(who_let_go_is_not_called),
        cmocka_unit_test(a_port_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
