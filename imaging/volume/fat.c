/* The boot sector: 11 bytes a sector, 13 sectors a cluster, 14 reserved sectors, 16 FATs, 17
 * entries of the root, 19 or 32 sectors, 22 or 36 sectors a FAT, 44 the root's first cluster
 * (FAT32). The type follows from the number of clusters alone. A directory entry has 32 bytes: 0
 * name, 11 attributes, 20 and 26 first cluster, 28 size. Little-endian. */
#include "imaging/volume/fat.h"

#include <stdbool.h>
#include <string.h>

#include "net/wire/reader.h"

#define SECTOR 512
#define ENTRY 32
#define ENTRIES_MAX 65536 /* of one folder: a FAT holds no more */
#define ATTR_LONG 0x0F
#define ATTR_VOLUME 0x08
#define ATTR_FOLDER 0x10
#define DELETED 0xE5

enum { ABSENT = 0, FOUND = 1, BROKEN = -1 };

struct fat {
    const struct readat *volume;
    unsigned bits; /* 12, 16 or 32 */
    uint64_t fat_at, root_at, data_at, cluster_bytes;
    uint32_t clusters, root_entries, root_cluster;
};

struct entry {
    uint8_t attributes;
    uint32_t cluster, bytes;
};

static uint64_t le(const uint8_t *at, size_t n)
{
    struct reader r = reader_on(at, n);

    return rd_le(&r, n);
}

static bool power_of_two(uint64_t v)
{
    return v && !(v & (v - 1));
}

static bool boot_decode(struct fat *f, const uint8_t b[SECTOR], uint64_t bytes)
{
    uint64_t sector = le(b + 11, 2), each = b[13], reserved = le(b + 14, 2), fats = b[16],
             root = le(b + 17, 2);
    uint64_t total = le(b + 19, 2) ? le(b + 19, 2) : le(b + 32, 4),
             per_fat = le(b + 22, 2) ? le(b + 22, 2) : le(b + 36, 4), data;

    if (b[510] != 0x55 || b[511] != 0xAA || !power_of_two(sector) || sector < 512 ||
        sector > 4096 || !power_of_two(each) || !reserved || !fats || !per_fat)
        return false;
    data = reserved + fats * per_fat + (root * ENTRY + sector - 1) / sector;
    if (total <= data || total > bytes / sector || (total - data) / each > 0x0FFFFFF4)
        return false;
    f->clusters = (uint32_t)((total - data) / each);
    f->bits = f->clusters < 4085 ? 12 : f->clusters < 65525 ? 16 : 32;
    f->fat_at = reserved * sector;
    f->root_at = (reserved + fats * per_fat) * sector;
    f->data_at = data * sector;
    f->cluster_bytes = each * sector;
    f->root_entries = (uint32_t)root;
    f->root_cluster = (uint32_t)le(b + 44, 4);
    return per_fat * sector * 8 / f->bits >= (uint64_t)f->clusters + 2 &&
           (f->bits == 32) == (root == 0);
}

/* The cluster behind `cluster`, or 0 at the end of its chain or where that is broken. */
static uint32_t next_cluster(const struct fat *f, uint32_t cluster)
{
    uint64_t at = f->bits == 12 ? cluster + cluster / 2 : (uint64_t)cluster * f->bits / 8;
    size_t n = f->bits == 32 ? 4 : 2;
    uint8_t bytes[4];
    uint32_t next;

    if (readat(f->volume, f->fat_at + at, bytes, n) != 0)
        return 0;
    next = (uint32_t)le(bytes, n);
    if (f->bits == 12)
        next = cluster & 1 ? next >> 4 : next & 0xFFF;
    next &= 0x0FFFFFFF;
    return next >= 2 && next - 2 < f->clusters ? next : 0;
}

/* Looks for `name` in n bytes of a folder at `at`. ABSENT and *last: the folder ends here. */
static int search_bytes(const struct fat *f, uint64_t at, uint64_t n, const char *name,
                        struct entry *found, bool *last)
{
    uint8_t sector[SECTOR];

    for (uint64_t done = 0; done < n; done += ENTRY) {
        const uint8_t *e = sector + done % SECTOR;

        if (done % SECTOR == 0 && readat(f->volume, at + done, sector,
                                         n - done < SECTOR ? (size_t)(n - done) : SECTOR) != 0)
            return BROKEN;
        if (e[0] == 0) {
            *last = true;
            return ABSENT;
        }
        if (e[0] == DELETED || (e[11] & 0x3F) == ATTR_LONG || e[11] & ATTR_VOLUME ||
            memcmp(e, name, FAT_NAME) != 0)
            continue;
        *found = (struct entry){e[11], (uint32_t)(le(e + 20, 2) << 16 | le(e + 26, 2)),
                                (uint32_t)le(e + 28, 4)};
        return FOUND;
    }
    return ABSENT;
}

/* In the folder that begins with `cluster`; 0: the root of FAT12 and FAT16. */
static int search(const struct fat *f, uint32_t cluster, const char *name, struct entry *found)
{
    uint64_t entries = 0;
    bool last = false;
    int rc = ABSENT;

    if (cluster == 0)
        return search_bytes(f, f->root_at, (uint64_t)f->root_entries * ENTRY, name, found, &last);
    if (cluster < 2 || cluster - 2 >= f->clusters)
        return BROKEN;
    while (cluster && rc == ABSENT && !last && entries < ENTRIES_MAX) {
        rc = search_bytes(f, f->data_at + (uint64_t)(cluster - 2) * f->cluster_bytes,
                          f->cluster_bytes, name, found, &last);
        entries += f->cluster_bytes / ENTRY;
        cluster = next_cluster(f, cluster);
    }
    return rc;
}

int fat_has(const struct readat *volume, uint64_t bytes, const char (*path)[FAT_NAME + 1],
            unsigned names)
{
    struct fat f = {.volume = volume};
    uint8_t boot[SECTOR];
    struct entry e = {.attributes = ATTR_FOLDER};
    int rc = FOUND;

    if (bytes < SECTOR || readat(volume, 0, boot, sizeof boot) != 0 ||
        !boot_decode(&f, boot, bytes))
        return BROKEN;
    e.cluster = f.bits == 32 ? f.root_cluster : 0;
    for (unsigned i = 0; i < names && rc == FOUND; i++) {
        if (!(e.attributes & ATTR_FOLDER) || (i && e.cluster == 0))
            return ABSENT;
        rc = search(&f, e.cluster, path[i], &e);
    }
    return rc == FOUND && !(e.attributes & ATTR_FOLDER) && e.bytes == 0 ? ABSENT : rc;
}
