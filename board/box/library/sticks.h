/* The USB sticks that PID 1 has mounted (rootfs/init/sticks.h), and which images are on them. For
 * place N of 0 .. STICKS_MAX - 1
 *
 *   FOLDER/N.note   is there while a stick is: what it is, in three lines
 *   FOLDER/N/       the stick, to be read: *.ring, *.img, *.raw, *.dd, *.iso in its root and in its
 *                   folder "images"
 *
 * A thread for each place looks after the note twice a second and then into the stick; a slow one
 * keeps nobody up but itself. One thread calls everything here, and nothing here waits. What a
 * stick says is foreign: names that are no plain text are left out, links are not followed. */
#ifndef BOARD_BOX_LIBRARY_STICKS_H
#define BOARD_BOX_LIBRARY_STICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/image.h"
#include "net/wire/err.h"

#define STICKS_MAX 4
#define STICK_FILES_MAX 64
#define STICK_NAME_MAX 200 /* bytes of a file's name */
#define STICK_PATH_MAX (STICK_NAME_MAX + 7)
#define STICK_TEXT_MAX 160
#define STICK_ROOT_MAX 512

struct stick_entry {
    char path[STICK_PATH_MAX + 1]; /* "NAME" or "images/NAME" */
    char name[IMG_NAME_MAX + 1];   /* for the image: the file's, without its ending */
    uint64_t bytes;
};

struct stick {
    char device[STICK_TEXT_MAX + 1]; /* "sdb1" */
    char label[STICK_TEXT_MAX + 1];  /* what its maker calls it; may be "" */
    char cause[STICK_TEXT_MAX + 1];  /* why it cannot be read; "" */
    bool looking;                    /* its files are not known yet */
    /* files listed, and those that are too many or have names that are no text */
    unsigned n, left_out;
    struct stick_entry file[STICK_FILES_MAX];
};

struct sticks;

/* Starts the threads; 0, LIBRARY_EMEMORY or LIBRARY_ETHREAD. */
int sticks_open(struct sticks **, const char *folder, struct err *);
/* Often. A bit for each place where something is otherwise than before. */
unsigned sticks_tick(struct sticks *);
/* NULL: nothing is plugged in there. Good until the next tick. */
const struct stick *sticks_at(const struct sticks *, unsigned place);
/* The file of that path, if the stick has it in its list. */
const struct stick_entry *stick_find(const struct stick *, const char *path);
/* FOLDER/N */
const char *sticks_root(const struct sticks *, unsigned place, char to[STICK_ROOT_MAX]);
/* Waits for no thread. Safe on NULL. */
void sticks_close(struct sticks *);

/* Opens what lies below the folder, by no link and never outside. -1 with errno. */
int stick_open_below(const char *root, const char *path, int flags);

#endif
