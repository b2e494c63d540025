#include "imaging/volume/marks.h"

#include <string.h>

#include "net/wire/reader.h"

/* As stored on disk: the first three fields little-endian. */
#define GUID(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                              \
    {                                                                                              \
        (a) & 255, (a) >> 8 & 255, (a) >> 16 & 255, (a) >> 24 & 255, (b)&255, (b) >> 8, (c)&255,   \
            (c) >> 8, d0, d1, d2, d3, d4, d5, d6, d7                                               \
    }

struct part_type {
    enum mark_kind kind;
    const char *what;
    uint8_t guid[16];
};

static const struct part_type gpt_types[] = {
    {MARK_CLUSTER, "GPFS",
     GUID(0x37AFFC90u, 0xEF7D, 0x4E96, 0x91, 0xC3, 0x2D, 0x7A, 0xE0, 0x55, 0xB1, 0x74)},
    {MARK_CLUSTER, "VMware VMFS",
     GUID(0xAA31E02Au, 0x400F, 0x11DB, 0x95, 0x90, 0x00, 0x0C, 0x29, 0x11, 0xD1, 0xB8)},
    {MARK_CLUSTER, "VMware vSAN",
     GUID(0x381CFCCCu, 0x7288, 0x11E0, 0x92, 0xEE, 0x00, 0x0C, 0x29, 0x11, 0xD0, 0xB2)},
    {MARK_RAID, "Linux RAID",
     GUID(0xA19D880Fu, 0x05FC, 0x4D3B, 0xA0, 0x06, 0x74, 0x3F, 0x0F, 0x84, 0x91, 0x1E)},
    {MARK_RAID, "Apple RAID",
     GUID(0x52414944u, 0x0000, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {MARK_RAID, "Apple RAID",
     GUID(0x52414944u, 0x5F4F, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {MARK_LVM, "an LVM physical volume",
     GUID(0xE6D6D379u, 0xF507, 0x44C2, 0xA2, 0x3C, 0x23, 0x8F, 0x2A, 0x3D, 0xF9, 0x28)},
    {MARK_ZFS, "a ZFS pool",
     GUID(0x6A898CC3u, 0x1DD2, 0x11B2, 0x99, 0xA6, 0x08, 0x00, 0x20, 0x73, 0x66, 0x31)},
    {MARK_ZFS, "a ZFS pool",
     GUID(0x516E7CBAu, 0x6ECF, 0x11D6, 0x8F, 0xF8, 0x00, 0x02, 0x2D, 0x09, 0x71, 0x2B)},
    {MARK_POOL, "a Windows dynamic disk",
     GUID(0x5808C8AAu, 0x7E8F, 0x42E0, 0x85, 0xD2, 0xE1, 0xE9, 0x04, 0x34, 0xCF, 0xB3)},
    {MARK_POOL, "a Windows dynamic disk",
     GUID(0xAF9B60A0u, 0x1431, 0x4F62, 0xBC, 0x68, 0x33, 0x11, 0x71, 0x4A, 0x69, 0xAD)},
    {MARK_POOL, "Windows storage spaces",
     GUID(0xE75CAF8Fu, 0xF680, 0x4CEE, 0xAF, 0xA3, 0xB0, 0x01, 0xE5, 0x6E, 0xFC, 0x2D)},
    {MARK_VOLUME, "UFS",
     GUID(0x516E7CB6u, 0x6ECF, 0x11D6, 0x8F, 0xF8, 0x00, 0x02, 0x2D, 0x09, 0x71, 0x2B)},
    {MARK_VOLUME, "APFS",
     GUID(0x7C3457EFu, 0x0000, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {MARK_VOLUME, "HFS+",
     GUID(0x48465300u, 0x0000, 0x11AA, 0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC)},
    {MARK_VOLUME, "LUKS",
     GUID(0xCA7D7CCBu, 0x63ED, 0x4C53, 0x86, 0x1C, 0x17, 0x42, 0x53, 0x60, 0x59, 0xCC)},
};

static const struct part_type mbr_types[] = {
    {MARK_CLUSTER, "VMware VMFS", {0xFB}},
    {MARK_RAID, "Linux RAID", {0xFD}},
    {MARK_LVM, "an LVM physical volume", {0x8E}},
    {MARK_POOL, "a Windows dynamic disk", {0x42}},
    {MARK_VOLUME, "FreeBSD", {0xA5}},
    {MARK_VOLUME, "OpenBSD", {0xA6}},
    {MARK_VOLUME, "NetBSD", {0xA9}},
    {MARK_VOLUME, "HFS+", {0xAF}},
};

struct signature {
    enum mark_kind kind;
    const char *what;
    int64_t at; /* from the beginning; negative: from the end */
    uint8_t n;
    char bytes[25];
};

/* UFS1 and UFS2 in both byte orders: the magic lies at byte 1372 of a superblock. */
#define UFS(super)                                                                                 \
    {MARK_VOLUME, "UFS", (super) + 1372, 4, "\x54\x19\x01\0"},                                     \
        {MARK_VOLUME, "UFS", (super) + 1372, 4, "\0\x01\x19\x54"},                                 \
        {MARK_VOLUME, "UFS", (super) + 1372, 4, "\x19\x01\x54\x19"},                               \
    {                                                                                              \
        MARK_VOLUME, "UFS", (super) + 1372, 4, "\x19\x54\x01\x19"                                  \
    }
/* Swap's mark ends its first page. */
#define SWAP(page)                                                                                 \
    {MARK_VOLUME, "swap", (page)-10, 10, "SWAPSPACE2"},                                            \
    {                                                                                              \
        MARK_VOLUME, "swap", (page)-10, 10, "SWAP-SPACE"                                           \
    }

/* FreeBSD keeps its records in the last sector. */
#define GEOM(at)                                                                                   \
    {MARK_RAID, "a FreeBSD mirror", at, 12, "GEOM::MIRROR"},                                       \
        {MARK_RAID, "a FreeBSD stripe", at, 12, "GEOM::STRIPE"},                                   \
        {MARK_RAID, "a FreeBSD RAID", at, 10, "GEOM::RAID"},                                       \
    {                                                                                              \
        MARK_VOLUME, "GELI", at, 9, "GEOM::ELI"                                                    \
    }

static const struct signature signatures[] = {
    {MARK_CLUSTER, "GFS2", 65536, 8, "\x01\x16\x19\x70\0\0\0\x01"},
    {MARK_CLUSTER, "OCFS2", 1024, 6, "OCFSV2"},
    {MARK_CLUSTER, "OCFS2", 2048, 6, "OCFSV2"},
    {MARK_CLUSTER, "OCFS2", 4096, 6, "OCFSV2"},
    {MARK_CLUSTER, "OCFS2", 8192, 6, "OCFSV2"},
    {MARK_CLUSTER, "Oracle ASM", 32, 8, "ORCLDISK"},
    {MARK_CLUSTER, "VMware VMFS", 0x100000, 4, "\x0D\xD0\x01\xC0"},
    {MARK_CLUSTER, "VMware VMFS", 0x200000, 4, "\x5E\xF1\xAB\x2F"},
    {MARK_CLUSTER, "VMware VMFS", 0x200000, 4, "\x5F\xF1\xAB\x2F"},
    {MARK_RAID, "Linux RAID", 0, 4, "\xFC\x4E\x2B\xA9"},
    {MARK_RAID, "Linux RAID", 4096, 4, "\xFC\x4E\x2B\xA9"},
    {MARK_RAID, "Intel RAID", -1024, 24, "Intel Raid ISM Cfg Sig. "},
    {MARK_RAID, "Intel RAID", -8192, 24, "Intel Raid ISM Cfg Sig. "},
    {MARK_RAID, "a DDF RAID", -512, 4, "\xDE\x11\xDE\x11"},
    {MARK_RAID, "a DDF RAID", -4096, 4, "\xDE\x11\xDE\x11"},
    {MARK_RAID, "a DDF RAID", -131584, 4, "\xDE\x11\xDE\x11"},
    {MARK_RAID, "an NVIDIA RAID", -1024, 8, "NVIDIA  "},
    {MARK_RAID, "an LSI RAID", -512, 6, "$XIDE$"},
    {MARK_RAID, "an OpenBSD softraid", 8192, 8, "marcCRAM"},
    GEOM(-512),
    GEOM(-4096),
    {MARK_LVM, "an LVM physical volume", 0, 8, "LABELONE"},
    {MARK_LVM, "an LVM physical volume", 512, 8, "LABELONE"},
    {MARK_LVM, "an LVM physical volume", 1024, 8, "LABELONE"},
    {MARK_LVM, "an LVM physical volume", 1536, 8, "LABELONE"},
    {MARK_BCACHE, "bcache", 4120, 16,
     "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81"},
    {MARK_POOL, "bcachefs", 4120, 16,
     "\xC6\x85\x73\xF6\x66\xCE\x90\xA9\xD9\x6A\x60\xCF\x80\x3D\xF7\xEF"},
    {MARK_POOL, "a Windows dynamic disk", 3072, 8, "PRIVHEAD"},
    {MARK_POOL, "Ceph", 0, 22, "bluestore block device"},
    {MARK_POOL, "VDO", 0, 8, "dmvdo001"},
    {MARK_POOL, "Stratis", 516, 9, "!Stra0tis"},
    {MARK_VOLUME, "LUKS", 0, 6, "LUKS\xBA\xBE"},
    /* the second header, where it lies by default */
    {MARK_VOLUME, "LUKS", 16384, 6, "SKUL\xBA\xBE"},
    {MARK_VOLUME, "XFS", 0, 4, "XFSB"},
    {MARK_VOLUME, "NTFS", 3, 8, "NTFS    "},
    {MARK_VOLUME, "exFAT", 3, 8, "EXFAT   "},
    {MARK_VOLUME, "BitLocker", 3, 8, "-FVE-FS-"},
    {MARK_VOLUME, "ReFS", 3, 8, "ReFS\0\0\0\0"},
    {MARK_VOLUME, "FAT", 54, 3, "FAT"},
    {MARK_VOLUME, "FAT", 82, 5, "FAT32"},
    {MARK_VOLUME, "APFS", 32, 4, "NXSB"},
    {MARK_VOLUME, "SquashFS", 0, 4, "hsqs"},
    {MARK_VOLUME, "dm-integrity", 0, 8, "integrt\0"},
    {MARK_VOLUME, "dm-verity", 0, 8, "verity\0\0"},
    {MARK_VOLUME, "a snapshot store", 0, 4, "SnAp"},
    {MARK_VOLUME, "HAMMER", 0, 8, "\x31\x30\x52\xC5\x4D\x4D\x41\xC8"},
    {MARK_VOLUME, "HAMMER2", 0, 8, "\x11\x20\x17\x05\x32\x4D\x41\x48"},
    {MARK_VOLUME, "ISO 9660", 32769, 5, "CD001"},
    {MARK_VOLUME, "UDF", 32769, 5, "BEA01"},
    {MARK_VOLUME, "JFS", 32768, 4, "JFS1"},
    {MARK_VOLUME, "ReiserFS", 8192 + 52, 6, "ReIsEr"},
    {MARK_VOLUME, "ReiserFS", 65536 + 52, 6, "ReIsEr"},
    {MARK_VOLUME, "Reiser4", 65536, 7, "ReIsEr4"},
    SWAP(4096),
    SWAP(8192),
    SWAP(16384),
    SWAP(32768),
    SWAP(65536),
    UFS(0),
    UFS(8192),
    UFS(65536),
    UFS(262144),
};

struct look {
    const struct readat *volume;
    uint64_t bytes;
    const struct mark_watcher *to;
};

/* n bytes at `at`; false where the volume has none. */
static bool look_get(const struct look *l, uint64_t at, void *to, size_t n)
{
    if (at > l->bytes || n > l->bytes - at)
        return false;
    if (readat(l->volume, at, to, n) == 0)
        return true;
    l->to->unreadable(l->to->ctx, at);
    return false;
}

static bool look_has(const struct look *l, uint64_t at, const char *bytes, size_t n)
{
    uint8_t there[32];

    return look_get(l, at, there, n) && memcmp(there, bytes, n) == 0;
}

static void look_found(const struct look *l, enum mark_kind kind, const char *what)
{
    l->to->found(l->to->ctx, kind, what);
}

static void look_fixed(const struct look *l)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct signature *s = &signatures[i];

        if (s->at < 0 && l->bytes < (uint64_t)-s->at)
            continue;
        if (look_has(l, s->at < 0 ? l->bytes - (uint64_t)-s->at : (uint64_t)s->at, s->bytes, s->n))
            look_found(l, s->kind, s->what);
    }
}

/* Formats 1.0 (8 to 12 KiB before the end) and 0.90 (64 to 128 KiB before it, in either byte
 * order). */
static void look_md(const struct look *l)
{
    uint64_t v1 = l->bytes >= 16384 ? (l->bytes - 8192) & ~UINT64_C(4095) : UINT64_MAX;
    uint64_t v0 = l->bytes >= 131072 ? (l->bytes & ~UINT64_C(65535)) - 65536 : UINT64_MAX;

    if (look_has(l, v1, "\xFC\x4E\x2B\xA9", 4) || look_has(l, v0, "\xFC\x4E\x2B\xA9", 4) ||
        look_has(l, v0, "\xA9\x2B\x4E\xFC", 4))
        look_found(l, MARK_RAID, "Linux RAID");
}

/* Promise's controllers put theirs in one of these sectors, counted from the end. */
static void look_promise(const struct look *l)
{
    static const uint16_t sectors[] = {63,  255, 256, 16,  399, 591, 675,
                                       735, 911, 974, 991, 951, 3087};

    for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++)
        if (l->bytes >= sectors[i] * UINT64_C(512) &&
            look_has(l, l->bytes - sectors[i] * UINT64_C(512), "Promise Technology, Inc.", 24))
            look_found(l, MARK_RAID, "a Promise RAID");
}

/* A label is 256 KiB, two at the beginning and two at the end; its second half is a ring of
 * uberblocks. */
static void look_zfs(const struct look *l)
{
    static const uint64_t label = 262144, half = 131072;
    uint64_t end = l->bytes & ~(label - 1);
    uint64_t rings[] = {half, label + half, end >= 2 * label ? end - label - half : UINT64_MAX,
                        end >= label ? end - half : UINT64_MAX};

    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        for (uint64_t at = rings[i]; at != UINT64_MAX && at < rings[i] + half; at += 1024)
            if (look_has(l, at, "\x0C\xB1\xBA\0\0\0\0\0", 8) ||
                look_has(l, at, "\0\0\0\0\0\xBA\xB1\x0C", 8)) {
                look_found(l, MARK_ZFS, "a ZFS pool");
                return;
            }
}

static void look_btrfs(const struct look *l)
{
    uint8_t devices[8];
    struct reader r = reader_on(devices, sizeof devices);

    if (!look_has(l, 65536 + 64, "_BHRfS_M", 8))
        return;
    if (look_get(l, 65536 + 0x88, devices, sizeof devices) && rd_le(&r, 8) > 1)
        look_found(l, MARK_POOL, "a btrfs over several disks");
    else
        look_found(l, MARK_VOLUME, "btrfs");
}

void marks_look(const struct readat *volume, uint64_t bytes, const struct mark_watcher *to)
{
    struct look l = {volume, bytes, to};

    look_fixed(&l);
    look_md(&l);
    look_promise(&l);
    look_zfs(&l);
    look_btrfs(&l);
}

void marks_type(enum img_table table, const uint8_t type[16], const struct mark_watcher *to)
{
    bool gpt = table == IMG_TABLE_GPT;
    const struct part_type *types = gpt ? gpt_types : mbr_types;
    size_t n = gpt ? sizeof gpt_types / sizeof *gpt_types : sizeof mbr_types / sizeof *mbr_types;

    for (size_t i = 0; i < n; i++)
        if (memcmp(types[i].guid, type, 16) == 0)
            to->found(to->ctx, types[i].kind, types[i].what);
}
