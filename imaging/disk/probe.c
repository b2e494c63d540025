#include "imaging/disk/probe.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/reader.h"

/* As stored on disk: the first three fields little-endian. */
#define GUID(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                                        \
    {(a) & 255, (a) >> 8 & 255, (a) >> 16 & 255, (a) >> 24 & 255, (b) & 255, (b) >> 8, (c) & 255, (c) >> 8, \
     d0, d1, d2, d3, d4, d5, d6, d7}

struct part_type {
    enum disk_bar bar;
    const char *what;
    uint8_t guid[16];
};

static const struct part_type gpt_types[] = {
    {DISK_BAR_CLUSTER, "GPFS", GUID(0x37AFFC90u, 0xEF7D, 0x4E96, 0x91, 0xC3, 0x2D, 0x7A, 0xE0, 0x55, 0xB1, 0x74)},
    {DISK_BAR_CLUSTER, "VMware VMFS", GUID(0xAA31E02Au, 0x400F, 0x11DB, 0x95, 0x90, 0x00, 0x0C, 0x29, 0x11, 0xD1, 0xB8)},
    {DISK_BAR_CLUSTER, "VMware vSAN", GUID(0x381CFCCCu, 0x7288, 0x11E0, 0x92, 0xEE, 0x00, 0x0C, 0x29, 0x11, 0xD0, 0xB2)},
    {DISK_BAR_RAID, "Linux RAID", GUID(0xA19D880Fu, 0x05FC, 0x4D3B, 0xA0, 0x06, 0x74, 0x3F, 0x0F, 0x84, 0x91, 0x1E)},
    {DISK_BAR_RAID, "Apple RAID", GUID(0x52414944u, 0x0000, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {DISK_BAR_RAID, "Apple RAID", GUID(0x52414944u, 0x5F4F, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {DISK_BAR_LVM, "LVM", GUID(0xE6D6D379u, 0xF507, 0x44C2, 0xA2, 0x3C, 0x23, 0x8F, 0x2A, 0x3D, 0xF9, 0x28)},
    {DISK_BAR_ZFS, "ZFS", GUID(0x6A898CC3u, 0x1DD2, 0x11B2, 0x99, 0xA6, 0x08, 0x00, 0x20, 0x73, 0x66, 0x31)},
    {DISK_BAR_ZFS, "ZFS", GUID(0x516E7CBAu, 0x6ECF, 0x11D6, 0x8F, 0xF8, 0x00, 0x02, 0x2D, 0x09, 0x71, 0x2B)},
    {DISK_BAR_POOL, "a Windows dynamic disk", GUID(0x5808C8AAu, 0x7E8F, 0x42E0, 0x85, 0xD2, 0xE1, 0xE9, 0x04, 0x34, 0xCF, 0xB3)},
    {DISK_BAR_POOL, "a Windows dynamic disk", GUID(0xAF9B60A0u, 0x1431, 0x4F62, 0xBC, 0x68, 0x33, 0x11, 0x71, 0x4A, 0x69, 0xAD)},
    {DISK_BAR_POOL, "Windows storage spaces", GUID(0xE75CAF8Fu, 0xF680, 0x4CEE, 0xAF, 0xA3, 0xB0, 0x01, 0xE5, 0x6E, 0xFC, 0x2D)},
};

static const struct part_type mbr_types[] = {
    {DISK_BAR_CLUSTER, "VMware VMFS", {0xFB}},
    {DISK_BAR_RAID, "Linux RAID", {0xFD}},
    {DISK_BAR_LVM, "LVM", {0x8E}},
    {DISK_BAR_POOL, "a Windows dynamic disk", {0x42}},
};

/* The box's partitions are 52494E47-4341-5354-424F-580000000001 to ...04. */
static const uint8_t box_part[15] = {0x47, 0x4E, 0x49, 0x52, 0x41, 0x43, 0x54, 0x53, 0x42, 0x4F, 0x58};

struct signature {
    enum disk_bar bar;
    const char *what;
    int64_t at; /* from the beginning; negative: from the end */
    uint8_t n;
    char bytes[25];
};

static const struct signature signatures[] = {
    {DISK_BAR_CLUSTER, "GFS2", 65536, 8, "\x01\x16\x19\x70\0\0\0\x01"},
    {DISK_BAR_CLUSTER, "OCFS2", 1024, 6, "OCFSV2"},
    {DISK_BAR_CLUSTER, "OCFS2", 2048, 6, "OCFSV2"},
    {DISK_BAR_CLUSTER, "OCFS2", 4096, 6, "OCFSV2"},
    {DISK_BAR_CLUSTER, "OCFS2", 8192, 6, "OCFSV2"},
    {DISK_BAR_CLUSTER, "Oracle ASM", 32, 8, "ORCLDISK"},
    {DISK_BAR_CLUSTER, "VMware VMFS", 0x100000, 4, "\x0D\xD0\x01\xC0"},
    {DISK_BAR_CLUSTER, "VMware VMFS", 0x200000, 4, "\x5E\xF1\xAB\x2F"},
    {DISK_BAR_CLUSTER, "VMware VMFS", 0x200000, 4, "\x5F\xF1\xAB\x2F"},
    {DISK_BAR_RAID, "Linux RAID", 0, 4, "\xFC\x4E\x2B\xA9"},
    {DISK_BAR_RAID, "Linux RAID", 4096, 4, "\xFC\x4E\x2B\xA9"},
    {DISK_BAR_RAID, "Intel RAID", -1024, 24, "Intel Raid ISM Cfg Sig. "},
    {DISK_BAR_RAID, "Intel RAID", -8192, 24, "Intel Raid ISM Cfg Sig. "},
    {DISK_BAR_RAID, "a DDF RAID", -512, 4, "\xDE\x11\xDE\x11"},
    {DISK_BAR_RAID, "a DDF RAID", -4096, 4, "\xDE\x11\xDE\x11"},
    {DISK_BAR_RAID, "a DDF RAID", -131584, 4, "\xDE\x11\xDE\x11"},
    {DISK_BAR_RAID, "an NVIDIA RAID", -1024, 8, "NVIDIA  "},
    {DISK_BAR_RAID, "an LSI RAID", -512, 6, "$XIDE$"},
    {DISK_BAR_BCACHE, "bcache", 4120, 16, "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81"},
    {DISK_BAR_POOL, "bcachefs", 4120, 16, "\xC6\x85\x73\xF6\x66\xCE\x90\xA9\xD9\x6A\x60\xCF\x80\x3D\xF7\xEF"},
    {DISK_BAR_POOL, "a Windows dynamic disk", 3072, 8, "PRIVHEAD"},
    {DISK_BAR_POOL, "Ceph", 0, 22, "bluestore block device"},
    {DISK_BAR_POOL, "VDO", 0, 8, "dmvdo001"},
    {DISK_BAR_POOL, "Stratis", 516, 9, "!Stra0tis"},
};

/* A disk, or one of its partitions. */
struct area {
    struct disk_facts *f;
    struct readat at;
    uint64_t bytes;
    unsigned part; /* its number in the table from 1; 0: the whole disk */
};

static void found(struct area *a, enum disk_bar bar, const char *what)
{
    const char *verb = bar == DISK_BAR_RAID || bar == DISK_BAR_POOL || bar == DISK_BAR_ZFS || bar == DISK_BAR_BCACHE
                           ? "is a member of"
                           : "holds";

    if (a->part)
        facts_bar(a->f, bar, "%s %s by its partition %u", verb, what, a->part);
    else
        facts_bar(a->f, bar, "%s %s", verb, what);
}

/* n bytes at `at`; false where the area has none. What the medium does not give speaks against the disk. */
static bool get(struct area *a, uint64_t at, void *to, size_t n)
{
    if (at > a->bytes || n > a->bytes - at)
        return false;
    if (readat(&a->at, at, to, n) == 0)
        return true;
    facts_bar(a->f, DISK_BAR_UNREADABLE, "cannot be read at byte %llu", (unsigned long long)(a->at.base + at));
    return false;
}

static bool has(struct area *a, uint64_t at, const char *bytes, size_t n)
{
    uint8_t there[32];

    return get(a, at, there, n) && memcmp(there, bytes, n) == 0;
}

static void probe_fixed(struct area *a)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct signature *s = &signatures[i];

        if (s->at < 0 && a->bytes < (uint64_t)-s->at)
            continue;
        if (has(a, s->at < 0 ? a->bytes - (uint64_t)-s->at : (uint64_t)s->at, s->bytes, s->n))
            found(a, s->bar, s->what);
    }
}

/* Formats 1.0 (8 to 12 KiB before the end) and 0.90 (64 to 128 KiB before it, in either byte order). */
static void probe_md(struct area *a)
{
    uint64_t v1 = a->bytes >= 16384 ? (a->bytes - 8192) & ~UINT64_C(4095) : UINT64_MAX;
    uint64_t v0 = a->bytes >= 131072 ? (a->bytes & ~UINT64_C(65535)) - 65536 : UINT64_MAX;

    if (has(a, v1, "\xFC\x4E\x2B\xA9", 4) || has(a, v0, "\xFC\x4E\x2B\xA9", 4) || has(a, v0, "\xA9\x2B\x4E\xFC", 4))
        found(a, DISK_BAR_RAID, "Linux RAID");
}

/* Promise's controllers put theirs in one of these sectors, counted from the end. */
static void probe_promise(struct area *a)
{
    static const uint16_t sectors[] = {63, 255, 256, 16, 399, 591, 675, 735, 911, 974, 991, 951, 3087};

    for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++)
        if (a->bytes >= sectors[i] * UINT64_C(512) && has(a, a->bytes - sectors[i] * UINT64_C(512), "Promise Technology, Inc.", 24))
            found(a, DISK_BAR_RAID, "a Promise RAID");
}

static void probe_lvm(struct area *a)
{
    for (uint64_t at = 0; at < 2048; at += 512)
        if (has(a, at, "LABELONE", 8) && has(a, at + 24, "LVM2 001", 8))
            found(a, DISK_BAR_LVM, "an LVM physical volume");
}

/* A label is 256 KiB, two at the beginning and two at the end; its second half is a ring of uberblocks. */
static void probe_zfs(struct area *a)
{
    static const uint64_t label = 262144, half = 131072;
    uint64_t end = a->bytes & ~(label - 1);
    uint64_t rings[] = {half, end >= label ? end - half : UINT64_MAX};

    for (size_t i = 0; i < 2; i++)
        for (uint64_t at = rings[i]; at != UINT64_MAX && at < rings[i] + half; at += 1024)
            if (has(a, at, "\x0C\xB1\xBA\0\0\0\0\0", 8) || has(a, at, "\0\0\0\0\0\xBA\xB1\x0C", 8)) {
                found(a, DISK_BAR_ZFS, "a ZFS pool");
                return;
            }
}

static void probe_btrfs(struct area *a)
{
    uint8_t devices[8];
    struct reader r = reader_on(devices, sizeof devices);

    if (has(a, 65536 + 64, "_BHRfS_M", 8) && get(a, 65536 + 0x88, devices, sizeof devices) && rd_le(&r, 8) > 1)
        found(a, DISK_BAR_POOL, "a btrfs over several disks");
}

static void probe_area(struct area *a)
{
    probe_fixed(a);
    probe_md(a);
    probe_promise(a);
    probe_lvm(a);
    probe_zfs(a);
    probe_btrfs(a);
}

static void probe_type(struct area *a, const struct part_type *types, size_t n, const uint8_t type[16])
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(types[i].guid, type, 16) == 0)
            found(a, types[i].bar, types[i].what);
}

static void probe_part(struct disk_facts *f, const struct readat *disk, const struct parts *p, unsigned i)
{
    struct area a = {f, *disk, p->part[i].bytes, i + 1};

    a.at.base += p->part[i].first;
    if (p->table == IMG_TABLE_GPT)
        probe_type(&a, gpt_types, sizeof gpt_types / sizeof *gpt_types, p->part[i].type);
    else
        probe_type(&a, mbr_types, sizeof mbr_types / sizeof *mbr_types, p->part[i].type);
    if (memcmp(p->unique[i], box_part, sizeof box_part) == 0)
        facts_bar(f, DISK_BAR_BOX, "%s", "");
    probe_area(&a);
}

void probe_disk(struct disk_facts *f, const struct readat *disk, struct parts *parts)
{
    struct area whole = {f, *disk, f->bytes, 0};
    uint8_t sector[512];

    if (f->bytes < sizeof sector)
        return;
    get(&whole, 0, sector, sizeof sector);
    get(&whole, f->bytes - sizeof sector, sector, sizeof sector);
    if (f->bars & DISK_BIT(DISK_BAR_UNREADABLE))
        return;
    probe_area(&whole);
    parts_read(parts, disk, f->bytes, 0);
    for (unsigned i = 0; i < parts->n; i++)
        probe_part(f, disk, parts, i);
}
