/* Trees on the disk: DATA/trees, and nothing besides.
 *
 *   NAME                    a tree that is given out when an entry names it
 *   .NAME                   what has come of an upload; not given out
 *   .NAME/dir/.ringcast-N   a file that is on its way
 *   ~NAME                   what is being removed: gone at the next sweep
 *
 * A file has its name in .NAME when all of it, and the folders above it, are on the disk. A tree
 * has its name by one renaming, when what lies in .NAME is as many files and bytes as were
 * announced. A power cut leaves the older tree or the newer one, and what has come of an upload.
 * Folders are opened without following links. All calls block. */
#ifndef BOARD_BOX_LIBRARY_TREE_SHELF_H
#define BOARD_BOX_LIBRARY_TREE_SHELF_H

#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stdint.h>

#include "board/box/library/tree_path.h"

#define TREE_HASH_BYTES 32

struct tree_shelf {
    int fd;           /* of DATA/trees; -1: closed */
    uint64_t reserve; /* of the disk: so much stays free */
};

struct tree_size {
    uint64_t files, bytes;
};

/* Makes the folder when it is not there. */
int tree_shelf_open(struct tree_shelf *, const char *folder, struct err *);
void tree_shelf_close(struct tree_shelf *);
/* Removes what ends with "being removed". */
int tree_shelf_sweep(const struct tree_shelf *, struct err *);
/* Tells of each tree and each upload. why->code != 0: it cannot be read in full. `tidy`: nothing is
 * being written, so unfinished files go. */
typedef void tree_shelf_each(void *ctx, const char *name, bool partial, const struct tree_size *,
                             const struct err *why);
int tree_shelf_scan(const struct tree_shelf *, bool tidy, tree_shelf_each *, void *ctx,
                    struct err *);

/* A file that is being written. */
struct tree_intake {
    int dir, fd; /* fd -1: closed */
    char temporary[24], base[TREE_PATH_MAX + 1];
    uint64_t at;
    /* after tree_intake_finish: the file whose place it took; zeros: none */
    struct tree_size before;
    mbedtls_sha256_context hash;
};

/* Makes .NAME and the folders that the path names. `number` differs between files that are written
 * at the same time. LIBRARY_EEXISTS: a file is where the path needs a folder, or there is a name
 * that differs in the case of its letters alone. */
int tree_intake_open(const struct tree_shelf *, const char *name, const char *path, unsigned number,
                     struct tree_intake *, struct err *);
/* LIBRARY_ESPACE: the disk is full, or only the reserve is free. */
int tree_intake_write(const struct tree_shelf *, struct tree_intake *, const void *bytes, size_t n,
                      struct err *);
/* All has come: the file takes its place, or that of an earlier one. sha256 NULL: none was
 * announced. Closes the intake, in any case. */
int tree_intake_finish(struct tree_intake *, const uint8_t *sha256, struct err *);
void tree_intake_drop(struct tree_intake *);

/* .NAME becomes NAME, without its unfinished files. LIBRARY_EPARTIAL: it is not `announced`;
 * LIBRARY_EEXISTS: there is a tree of that name, and it is not to be replaced. */
int tree_shelf_publish(const struct tree_shelf *, const char *name,
                       const struct tree_size *announced, bool replaces, struct err *);
/* It is gone for good, even though the next sweep frees its room. */
int tree_shelf_remove(const struct tree_shelf *, const char *name, bool partial, struct err *);

#endif
