#include "imaging/disk/probe.h"

#include <string.h>

#include "imaging/volume/marks.h"
#include "imaging/volume/marks_id.h"

/* The box's partitions are 52494E47-4341-5354-424F-580000000001 to ...04. */
static const uint8_t box_part[15] = {0x47, 0x4E, 0x49, 0x52, 0x41, 0x43,
                                     0x54, 0x53, 0x42, 0x4F, 0x58};

/* A disk, or one of its partitions. */
struct area {
    struct disk_facts *f;
    struct readat at;
    uint64_t bytes;
    unsigned part; /* its number in the table from 1; 0: the whole disk */
};

static const enum disk_bar mark_bars[] = {
    [MARK_CLUSTER] = DISK_BAR_CLUSTER, [MARK_RAID] = DISK_BAR_RAID,
    [MARK_LVM] = DISK_BAR_LVM,         [MARK_ZFS] = DISK_BAR_ZFS,
    [MARK_BCACHE] = DISK_BAR_BCACHE,   [MARK_POOL] = DISK_BAR_POOL};

static void mark_found(void *ctx, enum mark_kind kind, const char *what)
{
    struct area *a = ctx;
    const char *verb = kind == MARK_LVM || kind == MARK_CLUSTER ? "holds" : "is a member of";

    if (kind == MARK_VOLUME)
        return; /* a volume that stands alone is there to be replaced */
    if (a->part)
        facts_bar(a->f, mark_bars[kind], "%s %s by its partition %u", verb, what, a->part);
    else
        facts_bar(a->f, mark_bars[kind], "%s %s", verb, what);
}

/* What the medium does not give speaks against the disk. */
static void mark_unreadable(void *ctx, uint64_t at)
{
    struct area *a = ctx;

    facts_bar(a->f, DISK_BAR_UNREADABLE, "cannot be read at byte %llu",
              (unsigned long long)(a->at.base + at));
}

static void get_sector(struct area *a, uint64_t at)
{
    uint8_t sector[512];

    if (readat(&a->at, at, sector, sizeof sector))
        mark_unreadable(a, at);
}

static void probe_area(struct area *a)
{
    struct mark_watcher to = {a, mark_found, mark_unreadable};

    marks_look(&a->at, a->bytes, &to);
}

static void probe_part(struct disk_facts *f, const struct readat *disk, const struct parts *p,
                       unsigned i)
{
    struct area a = {f, *disk, p->part[i].bytes, i + 1};
    struct mark_watcher to = {&a, mark_found, mark_unreadable};

    a.at.base += p->part[i].first;
    marks_type(p->table, p->part[i].type, &to);
    if (memcmp(p->unique[i], box_part, sizeof box_part) == 0)
        facts_bar(f, DISK_BAR_BOX, "%s", "");
    probe_area(&a);
}

void probe_disk(struct disk_facts *f, const struct readat *disk, struct parts *parts)
{
    struct area whole = {f, *disk, f->bytes, 0};

    if (f->bytes < 512)
        return;
    get_sector(&whole, 0);
    get_sector(&whole, f->bytes - 512);
    if (f->bars & DISK_BIT(DISK_BAR_UNREADABLE))
        return;
    probe_area(&whole);
    parts_read(parts, disk, f->bytes, 0);
    for (unsigned i = 0; i < parts->n; i++)
        probe_part(f, disk, parts, i);
    if (f->bars & DISK_MARK_BARS)
        marks_digest(f->marks, disk, f->bytes, parts);
}
