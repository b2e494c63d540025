/* The queue between two threads: order, fullness, waiting, and no item lost or seen twice under
 * pressure. */
#include "imaging/queue/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MANY 30000u

struct item {
    uint32_t n;
    uint8_t filling[13]; /* cells of an odd size */
};

static struct item item(uint32_t n)
{
    struct item i = {.n = n};

    memset(i.filling, (int)(n % 251), sizeof i.filling);
    return i;
}

static bool right(const struct item *i, uint32_t n)
{
    struct item want = item(n);

    return i->n == n && memcmp(i->filling, want.filling, sizeof want.filling) == 0;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void items_come_out_in_order_and_a_full_queue_refuses(void **state)
{
    struct queue q;
    struct item i;
    uint32_t in = 0, out = 0;

    (void)state;
    assert_int_equal(queue_init(&q, 8, sizeof i), 0);
    q.head = q.tail = UINT32_MAX - 20; /* the counters wrap on the way */
    assert_false(queue_pop(&q, &i));
    for (int turn = 0; turn < 10; turn++) {
        while (i = item(in), queue_push(&q, &i))
            in++;
        assert_int_equal(in - out, 8);
        for (int k = 0; k < 5; k++) {
            assert_true(queue_pop(&q, &i));
            assert_true(right(&i, out++));
        }
    }
    while (queue_pop(&q, &i))
        assert_true(right(&i, out++));
    assert_int_equal(in, out);
    queue_free(&q);
}

static void waiting_ends_at_its_time(void **state)
{
    struct queue q;
    struct item i = item(1);
    double start = seconds();

    (void)state;
    assert_int_equal(queue_init(&q, 4, sizeof i), 0);
    assert_false(queue_pop_wait(&q, &i, 0));
    assert_false(queue_pop_wait(&q, &i, 30));
    assert_true(seconds() - start >= 0.03);
    assert_true(queue_push(&q, &i));
    assert_true(queue_pop_wait(&q, &i, 0));
    queue_free(&q);
}

struct two {
    struct queue there, back;
};

static void *echo(void *arg)
{
    struct two *t = arg;
    struct item i;

    for (uint32_t n = 0; n < MANY; n++) {
        if (!queue_pop_wait(&t->there, &i, -1) || !right(&i, n))
            return "out of order";
        queue_push_wait(&t->back, &i);
    }
    return NULL;
}

static void two_threads_lose_nothing(void **state)
{
    struct two t;
    struct item i;
    pthread_t other;
    uint32_t in = 0, out = 0;
    void *said;

    (void)state;
    assert_int_equal(queue_init(&t.there, 256, sizeof i) | queue_init(&t.back, 128, sizeof i), 0);
    assert_int_equal(pthread_create(&other, NULL, echo, &t), 0);
    while (out < MANY) {
        i = item(in);
        if (in < MANY && queue_push(&t.there, &i))
            in++;
        else if (queue_pop_wait(&t.back, &i, in < MANY ? 0 : 5000))
            assert_true(right(&i, out++));
        else if (in == MANY)
            fail_msg("item %u did not come", out);
    }
    pthread_join(other, &said);
    assert_null(said);
    queue_free(&t.there);
    queue_free(&t.back);
}

/* One item at a time with a sleeper at the other end: a wake-up that got lost would be seen as a
 * second's wait. */
static void *answer(void *arg)
{
    struct two *t = arg;
    struct item i;

    for (uint32_t n = 0; n < 3000; n++) {
        if (!queue_pop_wait(&t->there, &i, 1000))
            return "slept on";
        queue_push_wait(&t->back, &i);
    }
    return NULL;
}

static void no_wake_up_is_lost(void **state)
{
    struct two t;
    struct item i;
    pthread_t other;
    void *said;

    (void)state;
    assert_int_equal(queue_init(&t.there, 2, sizeof i) | queue_init(&t.back, 2, sizeof i), 0);
    assert_int_equal(pthread_create(&other, NULL, answer, &t), 0);
    for (uint32_t n = 0; n < 3000; n++) {
        i = item(n);
        assert_true(queue_push(&t.there, &i));
        assert_true(queue_pop_wait(&t.back, &i, 1000));
        assert_true(right(&i, n));
    }
    pthread_join(other, &said);
    assert_null(said);
    queue_free(&t.there);
    queue_free(&t.back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order_and_a_full_queue_refuses),
        cmocka_unit_test(waiting_ends_at_its_time),
        cmocka_unit_test(two_threads_lose_nothing),
        cmocka_unit_test(no_wake_up_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
