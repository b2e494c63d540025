/* Trees that are uploaded to the data partition: one thread that writes them, and control, which
 * hands out errands and takes up what became of them.
 *
 *   control ──errand──> thread: scan, open, write, finish, publish, remove ──> tree_shelf.h
 *           <──errand── result, the list of trees as it is now
 *
 * An errand is control's while it is IDLE or DONE, the thread's while it is BUSY. No call here
 * waits for the disk. A tree is given out when it has been published; what has come of an upload is
 * listed, and given out to nobody. */
#ifndef BOARD_BOX_LIBRARY_TREES_H
#define BOARD_BOX_LIBRARY_TREES_H

#include "board/box/library/tree_shelf.h"
#include "net/content/tree.h"

#define TREES_MAX 64    /* trees and uploads */
#define TREES_ERRANDS 8 /* files and orders at the same time */
#define TREES_BLOCK (256u << 10)

struct tree_facts {
    char name[TREE_NAME_MAX + 1];
    bool partial; /* an upload */
    struct tree_size size;
    char cause[160]; /* why it cannot be read in full; "" */
};

struct tree_list {
    unsigned n;
    struct tree_facts at[TREES_MAX];
};

enum errand_kind {
    ERRAND_SCAN,
    ERRAND_OPEN,
    ERRAND_WRITE,
    ERRAND_FINISH,
    ERRAND_DROP,
    ERRAND_PUBLISH,
    ERRAND_REMOVE,
    ERRAND_END
};

struct errand {
    enum errand_state { ERRAND_FREE, ERRAND_BUSY, ERRAND_IDLE, ERRAND_DONE } state;
    enum errand_kind kind;
    unsigned number;
    bool ended, abandoned; /* control's: what is to be done when the thread is through */
    /* control's: its upload has been published or deleted meanwhile, so the file does not come into
     * it */
    bool cut;
    /* what is wanted */
    char name[TREE_NAME_MAX + 1], path[TREE_PATH_MAX + 1];
    /* indexed: ERRAND_PUBLISH opens the tree for the offer */
    bool partial, replaces, hashed, indexed;
    struct tree_size announced;
    uint8_t sha256[TREE_HASH_BYTES];
    size_t n; /* in block */
    uint8_t *block;
    /* what became of it */
    struct err err;
    struct content_tree *tree; /* whoever takes it sets NULL */
    struct tree_intake intake;
    struct tree_list list;
};

struct trees;

/* `data`/trees. The thread first looks at what is there. */
int trees_open(struct trees **, const char *data, uint64_t reserve, struct err *);
/* Stops the thread; unfinished files go. Safe on NULL. */
void trees_close(struct trees *);
/* Takes up what the thread has done. */
void trees_tick(struct trees *);
/* NULL: they have not been looked at yet. */
const struct tree_list *trees_list(const struct trees *);

/* NULL: all errands are under way. Name and path have been checked. */
struct errand *trees_put_begin(struct trees *, const char *name, const char *path,
                               const uint8_t *sha256);
/* How many bytes were taken, perhaps none: the rest is to be offered again. LIBRARY_E...: it has
 * failed. */
long trees_put(struct trees *, struct errand *, const uint8_t *bytes, size_t n, struct err *);
/* All has been put. The errand is DONE when the file has its place, or err.code says why it has
 * not. */
void trees_put_end(struct trees *, struct errand *);
/* Fields of what is wanted are set on an errand that trees_order gave; DONE when it is over. Files
 * that are on their way into an upload that is published or deleted fail from trees_post on. */
struct errand *trees_order(struct trees *, enum errand_kind, const char *name);
void trees_post(struct trees *, struct errand *);
/* The one of that number, in any state. */
struct errand *trees_errand(struct trees *, unsigned number);
/* Nobody waits for it any more: in any state. */
void trees_let_go(struct trees *, struct errand *);

#endif
