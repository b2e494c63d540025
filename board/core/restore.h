/* The core of a restore, whoever asks for it: a technician (cmd_restore.c) or a machine that was
 * booted from the network (board/target/target.c). In order, and nothing is written before all the
 * rest is had:
 *
 *   source (its head known) → trust → which disk → open it → consent → body → last look → stream →
 *           proof → last word */
#ifndef BOARD_CORE_RESTORE_H
#define BOARD_CORE_RESTORE_H

#include <limits.h>

#include "board/core/source.h"
#include "board/core/watch.h"
#include "imaging/disk/disk.h"

#define RESTORE_KEYS_MAX 8

struct restore {
    struct source_options from;
    uint8_t key[RESTORE_KEYS_MAX][IMG_PUBKEY_BYTES]; /* whose signatures are trusted */
    unsigned n_keys;
    bool any_signer; /* trust everybody */
    bool noverify;
    bool create;          /* a file that does not exist is made */
    uint64_t write_limit; /* bytes/s; 0: none */
    uint64_t memory;      /* bytes for receiving; 0: as receive.h says */
    char disk[PATH_MAX];  /* what is erased: set before, or by pick */
    /* what the sender's board is told of this machine: set before, and by pick */
    struct session_info about;
    /* The caller's say, each NULL when it has none, with ctx. A code other than 0 ends the restore.
     */
    /* which disk */
    int (*pick)(void *ctx, const struct img_head *, char disk[PATH_MAX], struct err *);
    /* after it was opened */
    int (*consent)(void *ctx, const struct img_head *, const struct disk *, struct err *);
    /* what the source said besides the image (source.h: own) */
    int (*believe)(void *ctx, const struct source *, struct err *);
    int (*last_look)(void *ctx, struct err *); /* immediately before the first write */
    /* Every byte has been verified and the disk is closed: what is the machine's own is written,
     * before PASS. Not without verification. */
    int (*settle)(void *ctx, const char *disk, struct err *);
    /* from another thread, four times a second; NULL: on stderr */
    void (*show)(void *ctx, const struct watch_view *);
    void *ctx;
    /* What became of it */
    struct img_head head;
    struct err err;
    struct receive_counts counts; /* copied at the end */
    double seconds;
    uint32_t drops; /* packets the receive ring had no room for */
    bool passed;
    bool begun; /* the first write was about to be done: the target is not as it was */
    bool told;  /* the sender has heard how it ended */
};

/* Runs it to its end: 0, or r->err.code. */
int restore_run(struct restore *);

/* The command line's word for how it ended: an enum exit_code. */
int restore_exit(const struct restore *);

/* From now on SIGINT and SIGTERM end sources and receivers. */
void restore_catch_signals(void);

#endif
