/* The stack as an object: one in a process, one thread, names, calls that block and can be stopped,
 * frames of any kind. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/ip/hooks.h"
#include "net/ip/stack.h"
#include "net/mdns/bind.h"
#include "net/os/clock.h"
#include "net/wire/rng.h"
#include "tests/unit/ip_pair.h"
#include "tests/unit/udp_frame.h"

/* ---- a link in memory ---- */

struct memory_link {
    uint8_t asked[600]; /* the last message to DHCP servers */
    uint8_t frame[2000];
    size_t n; /* 0: nothing waits */
    unsigned sent;
    bool closed;
};

static struct memory_link memory;

static int memory_receive(void *ctx, uint8_t *buf, size_t cap)
{
    struct memory_link *m = ctx;
    size_t n = m->n;

    assert_true(cap >= sizeof m->frame);
    memcpy(buf, m->frame, n);
    m->n = 0;
    return (int)n;
}

static int memory_send(void *ctx, const uint8_t *frame, size_t n)
{
    struct memory_link *m = ctx;

    assert_in_range(n, 14, 1514);
    if (n > 42 + 240 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17 && frame[37] == 67)
        memcpy(m->asked, frame + 42, n - 42 < sizeof m->asked ? n - 42 : sizeof m->asked);
    m->sent++;
    return 0;
}

static void memory_close(void *ctx)
{
    ((struct memory_link *)ctx)->closed = true;
}

static const struct ip_link memory_link = {.ctx = &memory,
                                           .fd = -1,
                                           .mac = {0x52, 0x49, 0x4e, 0x47, 0, 1},
                                           .receive = memory_receive,
                                           .send = memory_send,
                                           .close = memory_close};

static struct ip_stack *open_memory(struct mono now)
{
    struct ip_config c = {.address = 0x0A000001, .prefix = 24};
    struct ip_stack *s;

    memset(&memory, 0, sizeof memory);
    assert_int_equal(ip_stack_open_link(&s, &memory_link, &c, now, NULL), 0);
    return s;
}

/* An ARP request of another station for `target`; `sender` 0: a probe. */
static void memory_arp(uint32_t sender, uint32_t target)
{
    static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6,
                                   0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0, 0, 0, 9};

    memset(memory.frame, 0, sizeof memory.frame);
    memcpy(memory.frame, head, sizeof head);
    for (unsigned i = 0; i < 4; i++) {
        memory.frame[28 + i] = (uint8_t)(sender >> (24 - 8 * i));
        memory.frame[38 + i] = (uint8_t)(target >> (24 - 8 * i));
    }
    memory.n = 42;
}

static struct mono steps(struct ip_stack *s, struct mono now, int64_t ns)
{
    for (struct mono end = mono_add(now, ns); mono_sub(end, now) > 0;
         now = mono_add(now, 50 * MONO_MS))
        ip_stack_step(s, now);
    return now;
}

static void a_claimed_address_is_had_when_it_is_free_and_dropped_when_it_is_not(void **state)
{
    struct ip_config c = {.address = 0x0A000001, .prefix = 24, .claim = true};
    struct mono now = {MONO_S};
    struct ip_stack *s;

    (void)state;
    memset(&memory, 0, sizeof memory);
    assert_int_equal(ip_stack_open_link(&s, &memory_link, &c, now, NULL), 0);
    assert_int_equal(ip_stack_address(s), 0);
    assert_int_equal(ip_stack_wanted(s), 0x0A000001);
    now = steps(s, now, IP_CLAIM_START_NS);
    assert_int_equal(ip_stack_claim(s)->state, IP_CLAIM_HELD);
    assert_int_equal(ip_stack_address(s), 0x0A000001);
    for (unsigned i = 0; i < 2; i++) { /* it goes on after it was told */
        memory_arp(0x0A000001, 0x0A000005);
        now = steps(s, now, MONO_S);
    }
    assert_int_equal(ip_stack_claim(s)->state, IP_CLAIM_LOST);
    assert_int_equal(ip_stack_address(s), 0);
    now = steps(s, now, 50 * MONO_S);
    assert_int_equal(ip_stack_address(s), 0x0A000001); /* it is gone */
    ip_stack_close(s);
    memset(&memory, 0, sizeof memory);
    assert_int_equal(ip_stack_open_link(&s, &memory_link, &c, now, NULL), 0);
    now = steps(s, now, 200 * MONO_MS);
    memory_arp(0, 0x0A000001); /* another one starts now */
    steps(s, now, IP_CLAIM_START_NS);
    assert_int_equal(ip_stack_claim(s)->state, IP_CLAIM_LOST);
    assert_int_equal(ip_stack_address(s), 0);
    ip_stack_close(s);
}

/* A DHCP server's reply of that type to the last message: 10.0.0.7 of 10.0.0.9. */
static void memory_lease(uint8_t type)
{
    static const uint8_t server[6] = {2, 0, 0, 0, 0, 9};
    const struct udp_ends ends = {server, memory_link.mac, 0x0A000009, 0x0A000007, 67, 68};
    const uint8_t options[] = {53, 1, type, 54, 4, 10, 0,   0,   9,   51, 4,
                               0,  1, 0,    0,  1, 4,  255, 255, 255, 0,  255};
    uint8_t reply[300];

    memcpy(reply, memory.asked, sizeof reply);
    reply[0] = 2;
    memcpy(reply + 16, (const uint8_t[]){10, 0, 0, 7}, 4);
    memset(reply + 240, 0, sizeof reply - 240);
    memcpy(reply + 240, options, sizeof options);
    memory.n = udp_frame(memory.frame, sizeof memory.frame, &ends, reply, sizeof reply);
}

/* The server answers when a link-local address is being tried already: the lease stays. */
static void a_lease_is_not_replaced(void **state)
{
    struct ip_config c = {0};
    struct mono now = {MONO_S};
    struct ip_stack *s;

    (void)state;
    memset(&memory, 0, sizeof memory);
    assert_int_equal(ip_stack_open_link(&s, &memory_link, &c, now, NULL), 0);
    now = steps(s, now, 7 * MONO_S);
    memory_lease(2);
    now = steps(s, now, 100 * MONO_MS);
    memory_lease(5);
    now = steps(s, now, 100 * MONO_MS);
    assert_int_equal(ip_stack_address(s), 0x0A000007);
    now = steps(s, now, 30 * MONO_S);
    assert_int_equal(ip_stack_address(s), 0x0A000007);
    ip_stack_close(s);
    memset(&memory, 0, sizeof memory);
    assert_int_equal(ip_stack_open_link(&s, &memory_link, &c, now, NULL), 0);
    steps(s, now, 30 * MONO_S); /* nobody answers: a link-local address it is */
    assert_int_equal(ip_stack_address(s) >> 16, 0xA9FE);
    ip_stack_close(s);
}

static void there_is_one_in_a_process(void **state)
{
    struct mono now = {MONO_S};
    struct ip_stack *s = open_memory(now), *second;
    struct ip_config c = {0};

    (void)state;
    assert_int_equal(ip_stack_address(s), 0x0A000001);
    assert_int_equal(ip_stack_open_link(&second, &memory_link, &c, now, NULL), IP_ETWICE);
    assert_true(memory.closed); /* it was handed over */
    assert_null(second);
    ip_stack_close(s);
    s = open_memory(now);
    ip_stack_close(s);
}

static void *touch(void *arg)
{
    ip_stack_step(arg, (struct mono){2 * MONO_S});
    return NULL;
}

static void *adopt_and_touch(void *arg)
{
    ip_stack_adopt(arg);
    return touch(arg);
}

/* Whether a second thread survives calling into the stack. */
static bool survives(void *(*thread)(void *))
{
    struct ip_stack *s = open_memory((struct mono){MONO_S});
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        pthread_t t;

        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        pthread_create(&t, NULL, thread, s);
        pthread_join(t, NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ip_stack_close(s);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void it_belongs_to_one_thread(void **state)
{
    (void)state;
    assert_false(survives(touch));
    assert_true(survives(adopt_and_touch));
}

/* Whatever comes in from the wire: it is dropped or answered, never more. Most of the noise wears a
 * header that gets it past the first checks. */
static void any_frame_is_survived(void **state)
{
    static const uint8_t start[] = {0x52, 0x49, 0x4e, 0x47, 0, 1,  0x52, 0x49, 0x4e, 0x47, 0,  2,
                                    0x08, 0x00, 0x45, 0x00, 0, 64, 0,    0,    0,    0,    64, 17,
                                    0,    0,    10,   0,    0, 2,  10,   0,    0,    1};
    struct mono now = {MONO_S};
    struct ip_stack *s = open_memory(now);
    struct rng rng = {1};

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        size_t n = 1 + rng_below(&rng, i % 16 ? 200 : sizeof memory.frame);

        for (size_t b = 0; b < n; b++)
            memory.frame[b] = (uint8_t)rng_u64(&rng);
        if (i % 8 && n > sizeof start) {
            memcpy(memory.frame, start, sizeof start);
            memory.frame[23] = (const uint8_t[]){1, 2, 6, 17}[i / 8 % 4];
            memory.frame[16] = (uint8_t)((n - 14) >> 8);
            memory.frame[17] = (uint8_t)(n - 14);
            if (i % 5 == 0)
                memory.frame[13] = 0x06;
        }
        memory.n = n;
        now = mono_add(now, 10 * MONO_MS);
        ip_stack_step(s, now);
    }
    assert_int_equal(ip_stack_address(s), 0x0A000001);
    ip_stack_close(s);
}

static void sequence_numbers_differ_by_connection_and_time(void **state)
{
    struct ip_stack *s = open_memory((struct mono){MONO_S});
    ip_addr_t a = {1}, b = {2};
    u32_t first = ip_tcp_isn(&a, 1, &b, 2);

    (void)state;
    assert_int_not_equal(first, ip_tcp_isn(&a, 1, &b, 3));
    assert_int_not_equal(first, ip_tcp_isn(&b, 1, &a, 2));
    assert_int_equal(first, ip_tcp_isn(&a, 1, &b, 2));
    ip_stack_step(s, (struct mono){2 * MONO_S});
    assert_int_equal(ip_tcp_isn(&a, 1, &b, 2) - first, 250000); /* 4 us a step */
    ip_stack_close(s);
}

/* ---- names, over a line ---- */

static void be_called_box(struct ip_stack *stack)
{
    static const char *const item[] = {"image0=239.1.1.1 debian"};

    if (mdns_advertise(stack, "Ringcast on box", 7800, item, 1, NULL))
        return;
    for (;;)
        ip_stack_wait(stack, 50, -1);
}

static bool stop_at_once(void)
{
    return true;
}

static void names_are_looked_up(void **state)
{
    struct ip_pair pair;
    uint32_t address;
    struct err err = {0};
    struct mono start = clock_now();

    (void)state;
    ip_pair_up(&pair, 0, 1, be_called_box);
    assert_int_equal(ip_stack_resolve(pair.stack, "10.9.8.7", 0, &address, NULL), 0);
    assert_int_equal(address, 0x0A090807);
    assert_int_equal(ip_stack_resolve(pair.stack, "ringcast.local", 10000, &address, NULL), 0);
    assert_int_equal(address, PAIR_CHILD);
    assert_int_equal(ip_stack_resolve(pair.stack, "nobody.local", 300, &address, &err), IP_ENAME);
    assert_string_equal(err.text, "nobody answers to the name \"nobody.local\"");
    err = (struct err){0};
    assert_int_equal(ip_stack_resolve(pair.stack, "box.example", 10000, &address, &err), IP_ENAME);
    assert_non_null(strstr(err.text, "no DNS server is known"));
    ip_stack_stop_when(pair.stack, stop_at_once);
    assert_int_equal(ip_stack_resolve(pair.stack, "else.local", 60000, &address, NULL),
                     IP_ESTOPPED);
    assert_true(mono_sub(clock_now(), start) < 30 * MONO_S);
    ip_pair_down(&pair);
}

/* Two who ask at once: neither gets the other's address. */
static void askers_wait_for_each_other(void **state)
{
    struct mono end = mono_add(clock_now(), 10 * MONO_S);
    uint32_t address = 0, other;
    struct ip_pair pair;
    int rc = 0;

    (void)state;
    ip_pair_up(&pair, 0, 1, be_called_box);
    assert_int_equal(ip_stack_lookup_begin(pair.stack, "ringcast.local", NULL), 0);
    assert_int_equal(ip_stack_lookup_begin(pair.stack, "nobody.local", NULL), 0);
    while (rc == 0 && mono_sub(end, clock_now()) > 0) {
        assert_int_equal(ip_stack_lookup(pair.stack, "nobody.local", &other, NULL), 0);
        assert_int_equal(ip_stack_lookup(pair.stack, "10.9.8.7", &other, NULL), 1);
        rc = ip_stack_lookup(pair.stack, "ringcast.local", &address, NULL);
        assert_int_equal(ip_stack_wait(pair.stack, 20, -1), 0);
    }
    assert_int_equal(rc, 1);
    assert_int_equal(address, PAIR_CHILD);
    assert_int_equal(ip_stack_lookup(pair.stack, "nobody.local", &other, NULL), 0);
    ip_pair_down(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_not_replaced),
        cmocka_unit_test(there_is_one_in_a_process),
        cmocka_unit_test(a_claimed_address_is_had_when_it_is_free_and_dropped_when_it_is_not),
        cmocka_unit_test(it_belongs_to_one_thread),
        cmocka_unit_test(any_frame_is_survived),
        cmocka_unit_test(sequence_numbers_differ_by_connection_and_time),
        cmocka_unit_test(names_are_looked_up),
        cmocka_unit_test(askers_wait_for_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
