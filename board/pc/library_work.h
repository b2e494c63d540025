/* The library's two threads. Control hands out tasks and takes up what became of them; neither side ever waits for the other.
 *
 *   control ──tasks──> writing thread: begin, write, finish, drop     in the order they were given
 *           ──tasks──> working thread: check, pack, verify            minutes each
 *           <──done─── both
 *
 * What a thread needs of an image is in its struct work, which control leaves alone while a task of the image is under way. An image
 * has at most one task of the working thread, and is dropped only when it has none. */
#ifndef BOARD_PC_LIBRARY_WORK_H
#define BOARD_PC_LIBRARY_WORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdatomic.h>

#include "board/host/stream.h"
#include "board/pc/shelf.h"
#include "imaging/image/file.h"
#include "imaging/image/sign.h"
#include "imaging/receive/queue.h"

enum task_kind { TASK_BEGIN, TASK_WRITE, TASK_FINISH, TASK_DROP, TASK_CHECK, TASK_PACK, TASK_VERIFY, TASK_END };

struct work {
    uint32_t id;                          /* on the shelf; 0: it is not there, path and source say where it is */
    struct record record;                 /* name and version count for all, the rest for the shelf's */
    char path[SHELF_PATH_MAX];            /* the .ring that is or will be there; not of uploads, which the shelf knows */
    char source[SHELF_PATH_MAX];          /* the raw image it is packed from; "" */
    char label[IMG_LABEL_MAX + 1];        /* put into what is packed: its version, or of which source it is */
    atomic_int stop;           /* control sets it: the working thread gives this image up */
    atomic_uint percent;
    struct shelf_intake intake;           /* the writing thread's */
    struct stream_source proved;               /* after a working thread's task that went well: the image, control's from then on */
    struct stream_source opened;               /* control's: what waits to be served */
};

struct task {
    enum task_kind kind;
    unsigned image, block; /* block: of TASK_WRITE, comes back */
    uint64_t at;           /* where the block belongs; of TASK_FINISH: where the upload has to stand */
    size_t n;
};

struct done {
    struct task task;
    struct err err;                /* err.code 0: done. LIBRARY_EOFFSET: an earlier write had failed, this one was left out */
    uint64_t at;                   /* where the upload stands */
    enum shelf_kind became;        /* TASK_CHECK: SHELF_RING (opened) or SHELF_RAW */
    uint8_t sha256[IMG_HASH_BYTES]; /* TASK_FINISH */
};

struct library_threads {
    const struct shelf *shelf;
    const struct sign_key *key;
    struct work *work;       /* by image, */
    unsigned images;         /* so many */
    uint8_t *blocks;
    size_t block;            /* bytes of one */
    struct queue write_in, write_out, work_in, work_out;
    pthread_t writer, worker;
    bool writing, working;   /* the threads are there */
};

/* `shelf`, `key`, `work`, `images`, `blocks` and `block` are set, the rest is zero; at most `tasks` (a power of two) are under way in each thread. */
int threads_start(struct library_threads *, uint32_t tasks, struct err *);
void threads_post(struct library_threads *, const struct task *);
/* False: nothing has become of anything. */
bool threads_take(struct library_threads *, struct done *);
/* What is under way is stopped, what waits is left undone but for writing. */
void threads_stop(struct library_threads *);

#endif
