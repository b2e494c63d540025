/* A file of a stick, read from its first byte to its last by a thread of its own: a stick may be
 * slow, or silent for half a minute before it fails, and may be pulled out at any instant. Nothing
 * of it is mapped. Two MiB are read ahead, and what has been read leaves the kernel's cache again,
 * where images that are being served want to stay. */
#ifndef BOARD_BOX_LIBRARY_STICK_FILE_H
#define BOARD_BOX_LIBRARY_STICK_FILE_H

#include "board/box/library/fetch.h"

/* The file `path` below the folder `root`, which has to have that many bytes. Returns at once; what
 * is wrong with the file the first looks say: LIBRARY_ESTICK. No link is followed. Closing waits
 * for nobody: a thread that hangs in the stick lets go of everything when it comes back. 0,
 * LIBRARY_EMEMORY or LIBRARY_ETHREAD. */
int fetch_stick(struct fetch *, const char *root, const char *path, uint64_t bytes, struct err *);

#endif
