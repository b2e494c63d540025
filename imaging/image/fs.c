#include "imaging/image/fs.h"

#include <stdio.h>
#include <string.h>

static const struct fs_kind *const kinds[] = {&fs_ext};

/* Marks of what else may own a volume. Making a new container does not always wipe the file system that was there before: its
 * superblock then looks alive, and its bitmaps would throw the container's data away. */
struct mark {
    uint64_t at;
    const char *bytes;
    size_t n;
    const char *of;
};

#define MARK(at, bytes, of)                                                                        \
    {                                                                                              \
        at, bytes, sizeof bytes - 1, of                                                            \
    }

static const struct mark marks[] = {
    MARK(0, "LUKS\xBA\xBE", "LUKS"),
    MARK(0, "XFSB", "XFS"),
    MARK(3, "NTFS    ", "NTFS"),
    MARK(3, "EXFAT   ", "exFAT"),
    MARK(3, "-FVE-FS-", "BitLocker"),
    MARK(54, "FAT", "FAT"),
    MARK(82, "FAT32", "FAT"),
    MARK(0, "LABELONE", "LVM"),
    MARK(512, "LABELONE", "LVM"),
    MARK(1024, "LABELONE", "LVM"),
    MARK(1536, "LABELONE", "LVM"),
    MARK(0, "\xFC\x4E\x2B\xA9", "a RAID"),
    MARK(4096, "\xFC\x4E\x2B\xA9", "a RAID"),
    MARK(4096 + 24, "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81", "bcache"),
    MARK(4086, "SWAPSPACE2", "swap"),
    MARK(4086, "SWAP-SPACE", "swap"),
    MARK(32768, "JFS1", "JFS"),
    MARK(65536 + 52, "ReIsEr", "ReiserFS"),
    MARK(65536 + 64, "_BHRfS_M", "btrfs"),
};

/* Whose mark the volume bears, or NULL. */
static const char *other_owner(const struct readat *volume)
{
    char got[16];

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (readat(volume, marks[i].at, got, marks[i].n) == 0 &&
            memcmp(got, marks[i].bytes, marks[i].n) == 0)
            return marks[i].of;
    return NULL;
}

const struct fs_kind *fs_find(const struct readat *volume, uint64_t bytes, struct fs **fs,
                              char note[FS_NOTE])
{
    const char *other;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *fs = NULL;
        note[0] = 0;
        if (!kinds[i]->probe(volume, bytes, fs, note))
            continue;
        other = *fs ? other_owner(volume) : NULL;
        if (!other)
            return kinds[i];
        kinds[i]->close(*fs, note);
        *fs = NULL;
        snprintf(note, FS_NOTE, "a volume bears marks of both %s and %s; all of it is packed",
                 kinds[i]->name, other);
        return NULL;
    }
    return NULL;
}
