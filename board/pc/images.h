/* The images the box serves: the .ring files of its folders as they are, raw images packed to /data in the background.
 *
 *   folder ──> *.ring ─────────────────────────> serve
 *          └─> *.img *.raw *.dd *.iso ──> pack ──^   (DATA/packed/NAME.ring, once; anew when size or date of the source change)
 *
 * Whoever could put a file there held the FAT partition or the data partition in his hands: the owner. So every image is signed
 * anew with the box's own key, in memory, because that is the key targets believe. What is no image is said and skipped.
 * One thread calls; packing has a thread of its own. */
#ifndef BOARD_PC_IMAGES_H
#define BOARD_PC_IMAGES_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "board/host/serve.h"
#include "imaging/image/sign.h"

#define IMAGES_PATH_MAX 512
#define IMAGES_RAW_MAX 16

struct images_raw {
    char source[IMAGES_PATH_MAX], packed[IMAGES_PATH_MAX];
    char name[IMG_NAME_MAX + 1], label[IMG_LABEL_MAX + 1]; /* label: what tells whether the packed one is of this source */
};

struct images {
    const struct sign_key *key;
    struct serve *serve;
    unsigned skipped; /* files that could not be served */
    struct images_raw raw[IMAGES_RAW_MAX];
    unsigned n_raw;
    /* the packing thread */
    pthread_t thread;
    bool running;
    volatile sig_atomic_t stop;
    atomic_uint packed;             /* raw[0 .. packed) are done, one way or the other */
    bool failed[IMAGES_RAW_MAX];    /* written before `packed` */
    _Atomic(const char *) packing;  /* name under way, NULL: none */
    atomic_uint percent;
    unsigned taken;                 /* of `packed`: already served or skipped */
};

/* Serves what is there and starts packing the rest. `folder` may be NULL or missing. Keeps key and serve. */
void images_open(struct images *, const char *folder, const char *data, const struct sign_key *, struct serve *);
/* Serves what has been packed meanwhile. */
void images_tick(struct images *);
/* Stops packing; nothing half done is left. */
void images_close(struct images *);

/* For serve's `prepare`: the head, signed by the box. */
void images_sign(struct stream *, const struct sign_key *);

#endif
