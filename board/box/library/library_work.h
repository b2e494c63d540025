/* The library's three threads. Control hands out tasks and takes up what became of them; neither
 * side ever waits for the other.
 *
 *   control ──tasks──> writing thread: begin, write, finish, drop     in the order they were given
 *           ──tasks──> working thread: check, pack, verify            minutes each
 *           ──tasks──> opening thread: open, forget                   seconds at most
 *           <──done─── all three
 *
 * What a thread needs of an image is in its struct work, which control leaves alone while a task of
 * the image is under way. An image has at most one task of the working and the opening thread, and
 * is dropped only when it has none.
 *
 * An image is opened when it has been read in full, by the working thread just now or, as `checked`
 * remembers, earlier. Opening makes it ready for the wire: its facts, its head signed by the box,
 * its body encoded. So control neither reads nor signs nor encodes. */
#ifndef BOARD_BOX_LIBRARY_LIBRARY_WORK_H
#define BOARD_BOX_LIBRARY_LIBRARY_WORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "board/box/library/checked.h"
#include "board/box/library/library.h"
#include "imaging/image/file.h"
#include "imaging/image/sign.h"
#include "imaging/queue/queue.h"

enum task_kind {
    TASK_BEGIN,
    TASK_WRITE,
    TASK_FINISH,
    TASK_DROP,
    TASK_CHECK,
    TASK_PACK,
    TASK_VERIFY,
    TASK_OPEN,
    TASK_FORGET,
    TASK_END
};

struct work {
    /* on the shelf; 0: it is not there, path and source say where it is */
    uint32_t id;
    /* name and version count for all, the rest for the shelf's */
    struct record record;
    /* the .ring that is or will be there; not of uploads, which the shelf knows */
    char path[SHELF_PATH_MAX];
    char source[SHELF_PATH_MAX]; /* the raw image it is packed from; "" */
    /* put into what is packed: its version, or of which source it is */
    char label[IMG_LABEL_MAX + 1];
    /* N.raw is there still beside N.ring: it goes when that is opened */
    bool leftover;
    struct library_facts facts; /* TASK_OPEN: of the image as it was found */
    /* control sets it: the working thread gives this image up */
    atomic_int stop;
    atomic_uint percent;
    /* the working thread's: packing is given up, because control wants it or the disk is full */
    atomic_int halt;
    const struct shelf *shelf;  /* the same: whose room is looked at */
    struct shelf_intake intake; /* the writing thread's */
    /* what has been read in full; after TASK_OPEN ready for the wire */
    struct stream_source proved;
    struct stream_source opened; /* control's: what waits to be served */
};

struct task {
    enum task_kind kind;
    unsigned image, block; /* block: of TASK_WRITE, comes back */
    /* where the block belongs; of TASK_FINISH: where the upload has to stand */
    uint64_t at;
    size_t n;
};

struct done {
    struct task task;
    /* err.code 0: done. LIBRARY_EOFFSET: an earlier write had failed, this one was left out */
    struct err err;
    uint64_t at;                    /* where the upload stands */
    enum shelf_kind became;         /* TASK_CHECK: SHELF_RING (opened) or SHELF_RAW */
    uint8_t sha256[IMG_HASH_BYTES]; /* TASK_FINISH */
    /* TASK_OPEN: it has been read in full. False: that is to be done, nothing is open */
    bool known;
    char name[IMG_NAME_MAX + 1], version[IMG_LABEL_MAX + 1]; /* TASK_OPEN: as the image has them */
};

struct library_threads {
    const struct shelf *shelf;
    const struct sign_key *key;
    struct checked *checked;
    struct work *work; /* by image, */
    unsigned images;   /* so many */
    uint8_t *blocks;
    size_t block; /* bytes of one */
    struct queue write_in, write_out, work_in, work_out, open_in, open_out;
    pthread_t writer, worker, opener;
    bool writing, working, opening; /* the threads are there */
};

/* `shelf`, `key`, `checked`, `work`, `images`, `blocks` and `block` are set, the rest is zero; at
 * most `tasks` (a power of two) are under way in each thread. */
int threads_start(struct library_threads *, uint32_t tasks, struct err *);
void threads_post(struct library_threads *, const struct task *);
/* False: nothing has become of anything. */
bool threads_take(struct library_threads *, struct done *);
/* What is under way is stopped, what waits is left undone but for writing. */
void threads_stop(struct library_threads *);

#endif
