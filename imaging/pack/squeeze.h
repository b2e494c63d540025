/* Chunks in order through several threads: each is looked at (all zeros?), hashed and compressed,
 * and comes out in the order it went in. One thread gives and takes; the ring between bounds the
 * memory. */
#ifndef IMAGING_PACK_SQUEEZE_H
#define IMAGING_PACK_SQUEEZE_H

#include <pthread.h>
#include <stdbool.h>

#include "imaging/image/image.h"

#define SQUEEZE_THREADS_MAX 64

struct squeeze_job {
    enum img_state state; /* in: IMG_DATA is worked on, others pass; out: IMG_DATA or IMG_ZERO */
    uint32_t raw_len, stored_len;
    uint8_t hash[IMG_HASH_BYTES];
    uint8_t raw[IMG_CHUNK_BYTES], stored[IMG_CHUNK_BYTES];
    bool done; /* under the lock */
};

struct squeeze {
    struct squeeze_job *job; /* a ring of `jobs` */
    unsigned jobs;
    uint64_t given, started, taken; /* counts; job n lies in slot n % jobs */
    int level;
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t work, result;
    uint8_t *workspace; /* LZ4's, one a thread */
    unsigned threads, workers;
    pthread_t thread[SQUEEZE_THREADS_MAX];
};

/* threads = 1 .. SQUEEZE_THREADS_MAX, LZ4 HC level 1 .. 12. 0, IMG_EMEMORY or IMG_ETHREAD; on error
 * nothing is left. */
int squeeze_start(struct squeeze *, unsigned threads, int level, struct err *);
/* Ends the threads, finished or not. */
void squeeze_stop(struct squeeze *);

/* The slot for the next job, to be filled in (state, raw_len, raw); NULL while the ring is full. */
struct squeeze_job *squeeze_slot(struct squeeze *);
void squeeze_give(struct squeeze *);
/* The oldest job, waited for; NULL when none is under way. It stays until squeeze_drop. */
struct squeeze_job *squeeze_take(struct squeeze *);
void squeeze_drop(struct squeeze *);

#endif
