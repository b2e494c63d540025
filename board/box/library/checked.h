/* What has been read in full and found whole, and how the file looked then: so a start reads again
 * only what may be another file. Kept in DATA/checked, a text that is written anew under a second
 * name; one that cannot be read or is damaged means that nothing has been checked.
 *
 * A file is the same when size, inode, time of change and change time (both in nanoseconds) are. On
 * file systems where these do not last (FAT, and every kind that is not known here) that counts
 * only within one boot of the kernel. Calls are safe from any thread; they may wait for the disk.
 */
#ifndef BOARD_BOX_LIBRARY_CHECKED_H
#define BOARD_BOX_LIBRARY_CHECKED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "imaging/hash/sha256.h"

#define CHECKED_MAX 128 /* files; the oldest goes */
#define CHECKED_TEXT_MAX 32768
#define CHECKED_BOOT 36
#define CHECKED_PATH 512

struct checked_look {
    uint64_t size, inode;
    int64_t changed_ns, status_ns; /* mtime and ctime */
    bool lasts;
};

struct checked_entry {
    uint8_t path[16]; /* the first half of the path's SHA-256 */
    struct checked_look look;
    char boot[CHECKED_BOOT + 1]; /* "-": the look lasts */
};

struct checked {
    pthread_mutex_t lock;
    char file[CHECKED_PATH];
    char boot[CHECKED_BOOT + 1]; /* "": not known */
    unsigned n;
    struct checked_entry entry[CHECKED_MAX]; /* the oldest first */
};

/* Reads what is kept in `data`; boot: of this boot of the kernel, "" when it is not known. */
void checked_open(struct checked *, const char *data, const char *boot);
void checked_close(struct checked *);
/* The boot of the kernel by its own number, or "". */
void checked_boot(char boot[CHECKED_BOOT + 1]);

/* How an open file looks. False: it cannot be asked. */
bool checked_look(int fd, struct checked_look *);
/* The file at `path`, open as fd, has been checked and looks the same. */
bool checked_knows(struct checked *, const char *path, int fd);
/* It has been checked, and looked so before; now it is forgotten if it looks otherwise. What cannot
 * be kept is checked again, as is all else then. False: the disk refuses that, too, and the next
 * run may still know what is forgotten here. */
bool checked_note(struct checked *, const char *path, int fd, const struct checked_look *before);

/* The text of DATA/checked. Pure. Decode: false when it is damaged, and nothing is in it then. */
size_t checked_encode(const struct checked *, char text[CHECKED_TEXT_MAX]);
bool checked_decode(struct checked *, const char *text, size_t n);

#endif
