/* What lies in the two folders where a person puts images by hand: the .ring files as they are, raw
 * images to be packed to DATA/packed.
 *
 *   folder, DATA/images ──> *.ring
 *                       └─> *.img *.raw *.dd *.iso ──pack──> DATA/packed/NAME.ring
 *
 * A raw image is packed once, and again when the source is another file than it was.
 * A raw image that is none by its bytes (a qcow2 disk under a name in .img) and a file with another
 * ending are passed over with a line in the log.
 *
 * Whoever could put a file there held the FAT partition or the data partition in his hands: the
 * owner. */
#ifndef BOARD_BOX_LIBRARY_LIBRARY_FOLDER_H
#define BOARD_BOX_LIBRARY_LIBRARY_FOLDER_H

#include "board/box/library/shelf.h"

struct folder_file {
    bool writable; /* the box may remove it */
    uint64_t bytes;
    char path[SHELF_PATH_MAX];   /* the .ring that is there, or will be */
    char source[SHELF_PATH_MAX]; /* the raw image it is packed from; "": path is there */
    char name[IMG_NAME_MAX + 1]; /* of what is packed; of a .ring until its own is known */
};

/* Tells of each: first all .ring, those of `folder` (NULL: none) before those of DATA/images, then
 * the raw ones; each by name. A folder that is not there holds nothing. LIBRARY_EDISK: a folder
 * could not be read whole, the log says which; nothing is told of its files. */
int folder_list(const char *folder, const char *data,
                void (*each)(void *ctx, const struct folder_file *), void *ctx);

/* What the file is by its first and last bytes: RECORD_RING, RECORD_RAW, LIBRARY_EKIND or
 * LIBRARY_EDISK. */
int folder_look(const char *path, struct err *err);

/* Whether the file's name is one of an image, and how the image is called then: without the ending,
 * or "image". */
bool folder_takes(const char *file);
void folder_name(char to[IMG_NAME_MAX + 1], const char *file);

#endif
