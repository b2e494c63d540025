#include "imaging/volume/fs.h"

#include <stdio.h>
#include <string.h>

#include "imaging/volume/marks.h"

static const struct fs_kind *const kinds[] = {&fs_ext};

/* What speaks against the volume's own records of free space. */
struct doubt {
    const char *other; /* whose mark it bears beside its own */
    bool unreadable;
    uint64_t at;
};

static void doubt_found(void *ctx, enum mark_kind kind, const char *what)
{
    struct doubt *d = ctx;

    (void)kind;
    d->other = d->other ? d->other : what;
}

static void doubt_unreadable(void *ctx, uint64_t at)
{
    struct doubt *d = ctx;

    d->unreadable = true;
    d->at = at;
}

/* Writes why the volume has to be packed whole, or "". Making a new container does not always wipe
 * the file system that was there before: its superblock then looks alive, and its bitmaps would
 * throw the container's data away. */
static void find_doubt(const struct readat *volume, const struct img_part *p, enum img_table table,
                       const char *kind, char note[FS_NOTE])
{
    struct doubt d = {0};
    struct mark_watcher to = {&d, doubt_found, doubt_unreadable};

    note[0] = 0;
    if (table != IMG_TABLE_NONE)
        marks_type(table, p->type, &to);
    marks_look(volume, p->bytes, &to);
    if (d.other)
        snprintf(note, FS_NOTE, "a volume bears marks of both %s and %s; all of it is packed", kind,
                 d.other);
    else if (d.unreadable)
        snprintf(note, FS_NOTE, "byte %llu of a volume with %s cannot be read; all of it is packed",
                 (unsigned long long)d.at, kind);
}

const struct fs_kind *fs_find(const struct readat *volume, const struct img_part *p,
                              enum img_table table, struct fs **fs, char note[FS_NOTE])
{
    char why[FS_NOTE];

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *fs = NULL;
        note[0] = 0;
        if (!kinds[i]->probe(volume, p->bytes, fs, note))
            continue;
        if (*fs)
            find_doubt(volume, p, table, kinds[i]->name, why);
        if (!*fs || !why[0])
            return kinds[i];
        kinds[i]->close(*fs);
        *fs = NULL;
        memcpy(note, why, sizeof why);
        return NULL;
    }
    return NULL;
}
