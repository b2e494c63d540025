/* The library's own view of itself, for its four files: library.c (images, their serving, what the
 * threads have done), library_start.c (what is there at the start), library_intake.c (uploads and
 * pulls) and library_sticks.c (copies from sticks). */
#ifndef BOARD_BOX_LIBRARY_LIBRARY_INSIDE_H
#define BOARD_BOX_LIBRARY_LIBRARY_INSIDE_H

#include "board/box/library/fetch.h"
#include "board/box/library/library.h"
#include "board/box/library/library_work.h"

#define LIBRARY_TASKS 256 /* under way in each thread: a block each, and a few of each image */
#define NO_BLOCK UINT32_MAX

_Static_assert(LIBRARY_BLOCKS + 4 * LIBRARY_MAX < LIBRARY_TASKS, "a task always finds room");

struct item {
    struct library_image is;
    bool used;
    bool leaving;    /* hidden; dropped as soon as the working thread is through with it */
    bool forgotten;  /* dropped, and free when that is done; else it stays to say why it failed */
    bool busy;       /* the working thread has a task of it */
    bool finishing;  /* TASK_FINISH is under way */
    bool to_serve;   /* its opened file waits for a place on the wire */
    bool supersedes; /* it waits for machines that are in the middle of the one it replaces */
    bool named;      /* of the folders: its name is the one that the image has */
    /* its record cannot be read: what it is, and whether it is whole, nobody knows */
    bool unread;
    bool raw;         /* what comes begins like no .ring, so it will be packed */
    uint64_t written; /* of the upload, on the disk or on its way there */
    int stall;        /* the disk failed since the last piece: its code */
    uint32_t block;   /* being filled; NO_BLOCK */
    size_t filled;
    unsigned blocks;   /* under way */
    unsigned writing;  /* tasks of the writing thread under way, those of blocks among them */
    struct mono ended; /* when it failed */
    struct fetch from; /* of what the box gets by itself */
    unsigned stick;    /* where from: 1 + its place; 0: none */
};

struct library {
    struct library_needs needs;
    struct shelf shelf;
    struct library_threads threads;
    struct item item[LIBRARY_MAX];
    struct work work[LIBRARY_MAX];
    bool block_used[LIBRARY_BLOCKS];
    uint32_t next_id;
    unsigned skipped; /* files of the folders */
    uint64_t free;
    /* a folder could not be read whole: there may be more images than are listed */
    bool unlisted;
    /* code != 0: the shelf could not be read, so no number is known to be free and nothing is taken
     * in */
    struct err shut;
    struct mono now, looked;
    uint64_t tried[STICKS_MAX]; /* a bit for each file that was taken, or could not be */
    struct checked checked;
};

static inline struct work *work_of(struct library *l, const struct item *i)
{
    return &l->work[i - l->item];
}

/* NULL: there is no place. */
struct item *library_new_item(struct library *, enum library_origin, enum library_state,
                              const struct record *);
/* By number, and by name among the listed or the others; not those that leave. */
struct item *library_item(struct library *, uint32_t id);
struct item *library_item_named(struct library *, const char *name, bool listed);
void library_free_item(struct library *, struct item *);
/* It is in this state until the task is done. */
void library_work_on(struct library *, struct item *, enum task_kind, enum library_state);
/* A doubt about what is on the shelf deletes nothing: it is shown, with the reason, and not given
 * out. */
void library_set_unread(struct library *, struct item *, const struct err *why);
/* Takes up what lies in the folders and on the shelf. */
void library_start(struct library *);
void library_post(struct library *, struct item *, enum task_kind, uint64_t at);
/* Takes up what the threads have done. */
void library_collect(struct library *);
/* Its files go, and then it, unless it is to say why it failed. */
void library_drop(struct library *, struct item *, bool forget);
void library_fail(struct library *, struct item *, const struct err *);
/* Its block, with what is in it, is free. */
void library_give_block(struct library *, struct item *);
/* What is in its block goes to the writing thread. */
void library_flush(struct library *, struct item *);
void library_step_pull(struct library *, struct item *);

/* Whether an image of this description may begin to come, from wherever. Whether there is room:
 * library_check_space. */
int library_check_newcomer(struct library *, const struct record *, struct err *);
/* After both: it begins to come. Takes `from` over. */
struct item *library_fetch(struct library *, const struct record *, struct fetch from);

bool library_is_import(const struct record *);
/* All of it has been read from its stick. */
void library_copied(struct library *, const struct item *);
/* Says what has been plugged in and pulled out, and takes what is to be taken. */
void library_step_sticks(struct library *);

#endif
