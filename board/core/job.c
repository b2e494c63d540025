#include "board/core/job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "board/errors/box.h"
#include "imaging/queue/queue.h"
#include "net/wire/must.h"

#define NICE 10 /* the ring and the control thread go first */

/* What travels is the address of a job; NULL ends the thread. */
struct lane {
    struct jobs *all;
    struct queue in, out;
    unsigned under_way; /* the control thread's */
    pthread_t thread;
    bool started;
};

struct jobs {
    struct lane lane[JOB_LANES];
    atomic_bool stop;
    int ready; /* eventfd */
};

static void *lane_thread(void *arg)
{
    struct lane *l = arg;
    const uint64_t one = 1;
    struct job *job;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
    while (queue_pop_wait(&l->in, &job, -1) && job) {
        if (atomic_load(&l->all->stop))
            continue;
        job->run(job->ctx);
        MUST(queue_push(&l->out, &job)); /* it has room for all that are under way */
        (void)!write(l->all->ready, &one, sizeof one);
    }
    return NULL;
}

static int lane_open(struct jobs *j, struct lane *l, struct err *err)
{
    l->all = j;
    if (queue_init(&l->in, 2 * JOBS_WAITING, sizeof(struct job *)) ||
        queue_init(&l->out, JOBS_WAITING, sizeof(struct job *)))
        return err_set(err, PC_EMEMORY, "out of memory");
    l->started = pthread_create(&l->thread, NULL, lane_thread, l) == 0;
    return l->started ? 0
                      : err_set(err, PC_ETHREAD,
                                "the box's thread for files and signatures cannot be started");
}

int jobs_open(struct jobs **out, struct err *err)
{
    struct jobs *j = calloc(1, sizeof *j);
    int rc = 0;

    *out = NULL;
    if (!j)
        return err_set(err, PC_EMEMORY, "out of memory");
    j->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (j->ready < 0)
        rc = err_set(
            err, PC_ETHREAD,
            "the box's thread for files and signatures cannot be started: no event descriptor");
    for (unsigned i = 0; rc == 0 && i < JOB_LANES; i++)
        rc = lane_open(j, &j->lane[i], err);
    if (rc) {
        jobs_close(j);
        return rc;
    }
    *out = j;
    return 0;
}

bool job_post(struct jobs *j, enum job_lane lane, struct job *job, void (*run)(void *ctx),
              void (*done)(void *ctx), void *ctx)
{
    struct lane *l = &j->lane[lane];

    MUST(!job->under_way);
    if (l->under_way == JOBS_WAITING)
        return false;
    *job = (struct job){run, done, ctx, true};
    l->under_way++;
    MUST(queue_push(&l->in, &job));
    return true;
}

void jobs_take(struct jobs *j)
{
    uint64_t ready;
    struct job *job;

    /* before the queues: what comes later wakes again */
    (void)!read(j->ready, &ready, sizeof ready);
    for (unsigned i = 0; i < JOB_LANES; i++)
        for (unsigned n = 0; n < JOBS_WAITING && queue_pop(&j->lane[i].out, &job); n++) {
            j->lane[i].under_way--;
            job->under_way = false;
            job->done(job->ctx);
        }
}

int jobs_fd(const struct jobs *j)
{
    return j->ready;
}

void jobs_close(struct jobs *j)
{
    struct job *end = NULL;

    if (!j)
        return;
    atomic_store(&j->stop, true);
    for (unsigned i = 0; i < JOB_LANES; i++) {
        if (j->lane[i].started) {
            MUST(queue_push(&j->lane[i].in, &end)); /* it has room for one more than JOBS_WAITING */
            MUST(pthread_join(j->lane[i].thread, NULL) == 0);
        }
        queue_free(&j->lane[i].in);
        queue_free(&j->lane[i].out);
    }
    if (j->ready >= 0)
        close(j->ready);
    free(j);
}
