#include "imaging/pack/squeeze.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/sha256.h"
#include "imaging/image/chunk.h"
#include "net/wire/must.h"

/* A few jobs a thread: enough that none waits while the reader or the writer is busy for a moment.
 */
#define JOBS_PER_THREAD 4

/* LZ4's state, with room for the next thread's to start on a cache line of its own. */
static size_t workspace_bytes(void)
{
    return (img_chunk_pack_workspace() + 127) & ~(size_t)63;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void work_on(struct squeeze_job *j, int level, void *workspace)
{
    if (all_zero(j->raw, j->raw_len)) {
        j->state = IMG_ZERO;
        return;
    }
    chunk_hash(j->hash, j->raw, j->raw_len);
    j->stored_len = (uint32_t)img_chunk_pack(j->stored, j->raw, j->raw_len, level, workspace);
}

/* The next job for a worker; NULL when it is time to end. Called and left under the lock. */
static struct squeeze_job *next_job(struct squeeze *q)
{
    while (!q->stop) {
        struct squeeze_job *j;

        if (q->started == q->given) {
            pthread_cond_wait(&q->work, &q->lock);
            continue;
        }
        j = &q->job[q->started++ % q->jobs];
        if (!j->done)
            return j;
    }
    return NULL;
}

static void *worker(void *arg)
{
    struct squeeze *q = arg;
    struct squeeze_job *j;
    uint8_t *workspace;

    pthread_mutex_lock(&q->lock);
    workspace = q->workspace + q->workers++ * workspace_bytes();
    while ((j = next_job(q)) != NULL) {
        pthread_mutex_unlock(&q->lock);
        work_on(j, q->level, workspace);
        pthread_mutex_lock(&q->lock);
        j->done = true;
        pthread_cond_signal(&q->result);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* The program's signals belong to the thread that gives and takes. */
static int start_threads(struct squeeze *q, unsigned threads)
{
    sigset_t all, before;
    int rc = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (q->threads = 0; q->threads < threads && rc == 0; q->threads += rc == 0)
        rc = pthread_create(&q->thread[q->threads], NULL, worker, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int squeeze_start(struct squeeze *q, unsigned threads, int level, struct err *e)
{
    int rc;

    MUST(threads >= 1 && threads <= SQUEEZE_THREADS_MAX);
    memset(q, 0, sizeof *q);
    q->level = level;
    q->jobs = threads * JOBS_PER_THREAD;
    q->job = malloc(q->jobs * sizeof *q->job);
    q->workspace = malloc(threads * workspace_bytes());
    if (!q->job || !q->workspace) {
        free(q->job);
        free(q->workspace);
        q->job = NULL;
        return err_set(e, IMG_EMEMORY, "no memory for %u chunks under compression", q->jobs);
    }
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->work, NULL);
    pthread_cond_init(&q->result, NULL);
    rc = start_threads(q, threads);
    if (rc == 0)
        return 0;
    squeeze_stop(q);
    return err_set(e, IMG_ETHREAD, "a worker thread cannot be started: %s", strerror(rc));
}

void squeeze_stop(struct squeeze *q)
{
    if (!q->job)
        return;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->work);
    pthread_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < q->threads; i++)
        pthread_join(q->thread[i], NULL);
    pthread_cond_destroy(&q->result);
    pthread_cond_destroy(&q->work);
    pthread_mutex_destroy(&q->lock);
    free(q->workspace);
    free(q->job);
    q->job = NULL;
}

struct squeeze_job *squeeze_slot(struct squeeze *q)
{
    return q->given - q->taken < q->jobs ? &q->job[q->given % q->jobs] : NULL;
}

void squeeze_give(struct squeeze *q)
{
    struct squeeze_job *j = squeeze_slot(q);

    MUST(j);
    pthread_mutex_lock(&q->lock);
    j->done = j->state != IMG_DATA; /* a terabyte of holes wakes nobody */
    q->given++;
    if (!j->done)
        pthread_cond_signal(&q->work);
    pthread_mutex_unlock(&q->lock);
}

struct squeeze_job *squeeze_take(struct squeeze *q)
{
    struct squeeze_job *j = &q->job[q->taken % q->jobs];

    if (q->taken == q->given)
        return NULL;
    pthread_mutex_lock(&q->lock);
    while (!j->done)
        pthread_cond_wait(&q->result, &q->lock);
    pthread_mutex_unlock(&q->lock);
    return j;
}

void squeeze_drop(struct squeeze *q)
{
    MUST(q->taken < q->given);
    pthread_mutex_lock(&q->lock);
    q->taken++;
    if (q->started <
        q->taken) /* jobs that needed no work: no worker may look at their slots any more */
        q->started = q->taken;
    pthread_mutex_unlock(&q->lock);
}
