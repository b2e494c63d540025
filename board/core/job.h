/* Work that may take longer than a millisecond, done by a thread beside the control thread.
 *
 *   control ──job_post──> lane: a thread ──run──> control: jobs_take ──done──> the owner
 *
 * There are two lanes, each with one thread: JOB_ANSWER for what a machine or a person waits for
 * (milliseconds), JOB_DISK for all that reads a lot (seconds). The jobs of a lane run one after the
 * other, in the order they were posted.
 *
 * The memory of a job is its owner's, and stays where it is until `done` was called or jobs_close
 * has returned. `run` touches what the owner gave it and nothing else of the control thread.
 * Nothing is allocated for a job. One thread, the control thread, calls everything here. */
#ifndef BOARD_CORE_JOB_H
#define BOARD_CORE_JOB_H

#include <stdbool.h>

#include "net/wire/err.h"

#define JOBS_WAITING 256 /* in each lane, the one that runs among them */

enum job_lane { JOB_ANSWER, JOB_DISK, JOB_LANES };

/* The fields are of job.c. */
struct job {
    void (*run)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
    bool under_way; /* from job_post until just before `done` */
};

struct jobs;

/* Starts the threads. 0, PC_EMEMORY or PC_ETHREAD. */
int jobs_open(struct jobs **, struct err *);
/* `run` is called by the lane's thread, then `done` by the next jobs_take. False: JOBS_WAITING are
 * under way, nothing is posted. The job is not under way already. */
bool job_post(struct jobs *, enum job_lane, struct job *, void (*run)(void *ctx),
              void (*done)(void *ctx), void *ctx);
/* Calls `done` of the jobs that have run; it may post again. */
void jobs_take(struct jobs *);
/* A descriptor that can be read while a job waits for jobs_take: ends the sleep of the control
 * thread. */
int jobs_fd(const struct jobs *);
/* Ends the threads: waits for the jobs that run, and those that wait do not run. No `done` is
 * called. Safe on NULL. */
void jobs_close(struct jobs *);

#endif
