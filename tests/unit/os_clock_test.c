/* The clock goes forward; a wait ends at its time, or when the condition is signalled. */
#include "net/os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct pair {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool said;
};

static void goes_forward(void **state)
{
    struct mono before = clock_now();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct mono now = clock_now();

        assert_true(mono_sub(now, before) >= 0);
        before = now;
    }
}

static void a_wait_ends_at_its_time_and_not_before(void **state)
{
    struct pair p = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct mono end = mono_add(clock_now(), 20 * MONO_MS);

    (void)state;
    clock_cond_init(&p.cond);
    pthread_mutex_lock(&p.lock);
    while (clock_cond_wait(&p.cond, &p.lock, end))
        ;
    pthread_mutex_unlock(&p.lock);
    assert_true(mono_sub(clock_now(), end) >= 0);
    pthread_cond_destroy(&p.cond);
}

static void *say(void *arg)
{
    struct pair *p = arg;

    pthread_mutex_lock(&p->lock);
    p->said = true;
    pthread_cond_signal(&p->cond);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void a_signal_ends_it_early(void **state)
{
    struct pair p = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct mono end = mono_add(clock_now(), 3600 * MONO_S);
    pthread_t other;
    bool more = true;

    (void)state;
    clock_cond_init(&p.cond);
    pthread_mutex_lock(&p.lock);
    assert_int_equal(pthread_create(&other, NULL, say, &p), 0);
    while (more && !p.said)
        more = clock_cond_wait(&p.cond, &p.lock, end);
    pthread_mutex_unlock(&p.lock);
    assert_true(more && p.said);
    pthread_join(other, NULL);
    pthread_cond_destroy(&p.cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_forward),
        cmocka_unit_test(a_wait_ends_at_its_time_and_not_before),
        cmocka_unit_test(a_signal_ends_it_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
