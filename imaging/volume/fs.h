/* Which bytes of a volume its file system calls free. One file a file system (fs_ext.c); a new one
 * is a new file and a row in fs.c. All of it reads foreign bytes, and all records are looked at
 * before the first byte is called free: one that looks wrong, or one mark of another owner
 * (marks.h), and the whole volume is called used, which is always right. */
#ifndef IMAGING_VOLUME_FS_H
#define IMAGING_VOLUME_FS_H

#include <stdbool.h>

#include "imaging/image/image.h"
#include "imaging/volume/readat.h"

#define FS_NOTE 160

struct fs;

struct fs_kind {
    uint8_t id; /* enum img_fs */
    const char *name;
    /* Whether the volume of `bytes` bytes holds such a file system. If so *fs is a new object, or
     * NULL with a note when its records of free space cannot be trusted. The volume is read through
     * `volume`, whose copy the object keeps. */
    bool (*probe)(const struct readat *volume, uint64_t bytes, struct fs **fs, char note[FS_NOTE]);
    /* True when [at, *end) is free, false when it is used; *end > at. at counts from the start of
     * the volume. */
    bool (*run)(struct fs *fs, uint64_t at, uint64_t *end);
    /* Frees the object. False when records of free space that were right at first were not any
     * more when `run` came by: the volume changes, and what was called free may not be. */
    bool (*close)(struct fs *fs);
};

extern const struct fs_kind fs_ext;

/* The kind of the volume, of which p->bytes and, where there is a table, p->type are known; NULL
 * when it is not known or may belong to another owner. */
const struct fs_kind *fs_find(const struct readat *volume, const struct img_part *p, enum img_table,
                              struct fs **fs, char note[FS_NOTE]);

#endif
