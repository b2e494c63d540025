/* Jobs: each runs once on another thread and is done on this one, in order; a full lane refuses; an
 * end in the middle waits for what runs and leaves out the rest. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/core/job.h"

#define MANY 5000

static struct jobs *jobs;
static pthread_t control;

struct sum {
    struct job job;
    unsigned number, ran; /* not atomic: the thread sanitizer judges the hand-over */
    unsigned done;
    bool on_control;
};

static unsigned finished;

static void run(void *ctx)
{
    struct sum *s = ctx;

    s->ran++;
    s->on_control = pthread_equal(pthread_self(), control);
}

static void done(void *ctx)
{
    struct sum *s = ctx;

    assert_true(pthread_equal(pthread_self(), control));
    assert_int_equal(s->number, finished++);
    s->done++;
}

static int begin(void **state)
{
    (void)state;
    control = pthread_self();
    finished = 0;
    return jobs_open(&jobs, NULL);
}

static int end(void **state)
{
    (void)state;
    jobs_close(jobs);
    jobs = NULL;
    return 0;
}

/* Until a job waits to be taken. */
static void wait_for_one(void)
{
    struct pollfd p = {.fd = jobs_fd(jobs), .events = POLLIN};

    assert_int_equal(poll(&p, 1, 20000), 1);
}

static void each_runs_elsewhere_and_is_done_here(void **state)
{
    static struct sum sums[MANY];
    unsigned posted = 0;

    (void)state;
    while (finished < MANY) {
        while (posted < MANY) {
            sums[posted].number = posted;
            if (!job_post(jobs, JOB_ANSWER, &sums[posted].job, run, done, &sums[posted]))
                break;
            posted++;
        }
        wait_for_one();
        jobs_take(jobs);
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(sums[i].ran, 1);
        assert_int_equal(sums[i].done, 1);
        assert_false(sums[i].on_control);
        assert_false(sums[i].job.under_way);
    }
}

/* ---- a lane that is held ---- */

static atomic_bool let, entered;

static void hold(void *ctx)
{
    struct sum *s = ctx;

    atomic_store(&entered, true);
    while (!atomic_load(&let))
        poll(NULL, 0, 1);
    s->ran++;
}

static void ignore(void *ctx)
{
    struct sum *s = ctx;

    s->done++;
}

static void occupy(struct sum *s)
{
    atomic_store(&let, false);
    atomic_store(&entered, false);
    assert_true(job_post(jobs, JOB_DISK, &s->job, hold, ignore, s));
    while (!atomic_load(&entered))
        poll(NULL, 0, 1);
}

static void a_full_lane_refuses_and_the_other_goes_on(void **state)
{
    static struct sum held, more[JOBS_WAITING], quick;

    (void)state;
    occupy(&held);
    for (unsigned i = 0; i < JOBS_WAITING; i++)
        assert_int_equal(job_post(jobs, JOB_DISK, &more[i].job, run, ignore, &more[i]),
                         i + 1 < JOBS_WAITING);
    assert_false(more[JOBS_WAITING - 1].job.under_way);
    assert_true(job_post(jobs, JOB_ANSWER, &quick.job, run, ignore, &quick));
    wait_for_one();
    jobs_take(jobs);
    assert_int_equal(quick.done, 1);
    assert_int_equal(held.done, 0);
    atomic_store(&let, true);
    while (!more[JOBS_WAITING - 2].done) {
        wait_for_one();
        jobs_take(jobs);
    }
    assert_true(job_post(jobs, JOB_DISK, &more[JOBS_WAITING - 1].job, run, ignore,
                         &more[JOBS_WAITING - 1]));
}

static void *let_go_later(void *arg)
{
    (void)arg;
    poll(NULL, 0, 50);
    atomic_store(&let, true);
    return NULL;
}

static void an_end_in_the_middle(void **state)
{
    static struct sum held, waits[8];
    pthread_t later;

    (void)state;
    occupy(&held);
    for (unsigned i = 0; i < 8; i++)
        assert_true(job_post(jobs, JOB_DISK, &waits[i].job, run, ignore, &waits[i]));
    assert_int_equal(pthread_create(&later, NULL, let_go_later, NULL), 0);
    jobs_close(jobs);
    jobs = NULL;
    pthread_join(later, NULL);
    assert_int_equal(held.ran, 1); /* it has touched its memory for the last time */
    assert_int_equal(held.done, 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(waits[i].ran, 0);
}

/* ---- a job that posts itself ---- */

static void again(void *ctx)
{
    struct sum *s = ctx;

    if (++s->done < 3)
        assert_true(job_post(jobs, JOB_ANSWER, &s->job, run, again, s));
}

static void done_may_post_again(void **state)
{
    static struct sum s;

    (void)state;
    assert_true(job_post(jobs, JOB_ANSWER, &s.job, run, again, &s));
    while (s.done < 3) {
        wait_for_one();
        jobs_take(jobs);
    }
    assert_int_equal(s.ran, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_runs_elsewhere_and_is_done_here, begin, end),
        cmocka_unit_test_setup_teardown(a_full_lane_refuses_and_the_other_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(an_end_in_the_middle, begin, end),
        cmocka_unit_test_setup_teardown(done_may_post_again, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
