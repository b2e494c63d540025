/* Whether a file is in a FAT volume: just enough to see if an EFI system partition holds what a
 * firmware starts by itself. FAT12, FAT16 and FAT32; short names, which those files have. Foreign
 * bytes: everything is bounded, chains that run in a circle end. */
#ifndef IMAGING_VOLUME_FAT_H
#define IMAGING_VOLUME_FAT_H

#include "imaging/volume/readat.h"

#define FAT_NAME 11 /* as a directory stores it: "BOOTX64 EFI" */

/* `path` is one name after the other, the last one of a file, the others of folders. 1: the file is
 * there and not empty; 0: it is not; -1: the volume of `bytes` bytes is no FAT, cannot be read or
 * makes no sense. */
int fat_has(const struct readat *volume, uint64_t bytes, const char (*path)[FAT_NAME + 1],
            unsigned names);

#endif
