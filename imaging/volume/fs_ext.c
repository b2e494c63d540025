/* ext2, ext3 and ext4: the superblock at byte 1024 and its copies, the group descriptors, and one
 * bitmap a block group. All are read when the volume is opened, and each bitmap again when the
 * packing comes by. A group whose descriptor, checksum or count of free blocks does not fit its
 * bitmap makes the volume one that is packed whole: a file system that something else has been
 * written over shows it in some groups and not in others. The layout is that of the kernel's
 * fs/ext4/ext4.h; numbers are little-endian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/image/image.h"
#include "imaging/volume/fs.h"
#include "net/wire/reader.h"

#define SUPER_AT 1024
#define SUPER_BYTES 1024
#define MAGIC 0xEF53
#define MODE_TYPE 0xF000
#define MODE_DIRECTORY 0x4000
#define STATE_VALID 1
#define STATE_ERROR 2
#define BITMAP_MAX 65536 /* a bitmap is one block, and blocks end at 64 KiB */
#define NO_GROUP UINT32_MAX

#define COMPAT_SPARSE_SUPER2 0x200
#define INCOMPAT_RECOVER 0x4
#define INCOMPAT_JOURNAL_DEV 0x8
#define INCOMPAT_META_BG 0x10
#define INCOMPAT_64BIT 0x80
#define INCOMPAT_CSUM_SEED 0x2000
/* filetype recover meta_bg extents 64bit mmp flex_bg ea_inode dirdata csum_seed largedir
 * inline_data encrypt casefold: none of the others is known to leave the bitmaps as they are. */
#define INCOMPAT_KNOWN 0x3F7D6
#define RO_SPARSE_SUPER 0x1
#define RO_GDT_CSUM 0x10
#define RO_BIGALLOC 0x200
#define RO_METADATA_CSUM 0x400
/* all up to project quotas, shared blocks, verity and orphan files, but snapshots (0x80) and
 * bigalloc */
#define RO_KNOWN 0x1FD7F

#define BG_BLOCK_UNINIT 2

struct super {
    uint64_t blocks;
    uint32_t log2, first_data, per_group, inodes_per_group, inode_size, desc_size;
    uint32_t compat, incompat, ro, reserved_gdt, first_meta_bg, backup[2], seed;
    uint16_t magic, state;
    uint8_t uuid[16];
};

struct group {
    uint64_t bitmap, inode_bitmap, inode_table;
    uint32_t free, bitmap_csum, flags;
};

struct fs {
    struct readat volume;
    struct super sb;
    uint32_t groups, desc_blocks, table_blocks;
    uint32_t loaded; /* the group whose bitmap is in `bitmap`, or NO_GROUP */
    bool changed;    /* a group that was right before is not any more */
    struct {
        uint64_t from, end; /* bytes; empty: none */
        bool is_free;
    } run; /* what was said last */
    uint8_t bitmap[BITMAP_MAX];
};

static uint64_t le(const uint8_t *bytes, size_t at, size_t n)
{
    struct reader r = reader_on(bytes + at, n);

    return rd_le(&r, n);
}

static void decode_super(const uint8_t b[SUPER_BYTES], struct super *s)
{
    bool old = le(b, 76, 4) == 0; /* revision 0: no features, inodes of 128 bytes */

    memset(s, 0, sizeof *s);
    s->magic = (uint16_t)le(b, 56, 2);
    s->state = (uint16_t)le(b, 58, 2);
    s->blocks = le(b, 4, 4);
    s->first_data = (uint32_t)le(b, 20, 4);
    s->log2 = (uint32_t)le(b, 24, 4) + 10;
    s->per_group = (uint32_t)le(b, 32, 4);
    s->inodes_per_group = (uint32_t)le(b, 40, 4);
    s->inode_size = 128;
    s->desc_size = 32;
    if (old)
        return;
    s->inode_size = (uint32_t)le(b, 88, 2);
    s->compat = (uint32_t)le(b, 92, 4);
    s->incompat = (uint32_t)le(b, 96, 4);
    s->ro = (uint32_t)le(b, 100, 4);
    memcpy(s->uuid, b + 104, 16);
    s->reserved_gdt = (uint32_t)le(b, 206, 2);
    s->first_meta_bg = (uint32_t)le(b, 260, 4);
    s->backup[0] = (uint32_t)le(b, 0x24C, 4);
    s->backup[1] = (uint32_t)le(b, 0x250, 4);
    s->seed =
        s->incompat & INCOMPAT_CSUM_SEED ? (uint32_t)le(b, 0x270, 4) : crc32c(~0u, s->uuid, 16);
    if (s->incompat & INCOMPAT_64BIT) {
        s->blocks |= le(b, 0x150, 4) << 32;
        s->desc_size = (uint32_t)le(b, 254, 2);
    }
}

static bool geometry_legal(const struct super *s)
{
    uint32_t block = 1u << (s->log2 & 31);

    return s->log2 <= 16 && s->blocks > s->first_data && s->blocks <= IMG_MAX_RAW >> s->log2 &&
           s->first_data == (s->log2 == 10) && s->per_group != 0 && s->per_group <= 8 * block &&
           s->per_group % 8 == 0 && s->inode_size != 0 && s->inodes_per_group != 0 &&
           s->inodes_per_group <= 8 * block &&
           s->desc_size >= (s->incompat & INCOMPAT_64BIT ? 64u : 32u) && s->desc_size <= 1024 &&
           (s->desc_size & (s->desc_size - 1)) == 0;
}

/* Why the bitmaps cannot be trusted, or NULL. Features come before the geometry, which they change.
 */
static const char *super_fault(const struct super *s, const uint8_t b[SUPER_BYTES], uint64_t bytes)
{
    if (s->ro & RO_METADATA_CSUM && crc32c(~0u, b, SUPER_BYTES - 4) != le(b, SUPER_BYTES - 4, 4))
        return "its superblock has a wrong checksum";
    if (s->incompat & INCOMPAT_JOURNAL_DEV)
        return "it is the journal device of another one";
    if (s->incompat & ~(uint32_t)INCOMPAT_KNOWN || s->ro & ~(uint32_t)(RO_KNOWN | RO_BIGALLOC))
        return "it has features this program does not know";
    if (s->ro & RO_BIGALLOC)
        return "it is allocated in clusters (bigalloc)";
    if (!geometry_legal(s))
        return "its superblock is damaged";
    if (s->blocks << s->log2 > bytes)
        return "it is larger than its partition";
    if (s->incompat & INCOMPAT_RECOVER)
        return "its journal needs recovery (it is mounted, or was not unmounted)";
    if (!(s->state & STATE_VALID) || s->state & STATE_ERROR)
        return "it was not cleanly unmounted or has errors";
    return NULL;
}

/* ---- where a group keeps what ---- */

static uint64_t group_start(const struct fs *fs, uint32_t g)
{
    return fs->sb.first_data + (uint64_t)g * fs->sb.per_group;
}

/* Blocks in a group: the last one may be short. */
static uint32_t group_blocks(const struct fs *fs, uint32_t g)
{
    uint64_t left = fs->sb.blocks - group_start(fs, g);

    return left < fs->sb.per_group ? (uint32_t)left : fs->sb.per_group;
}

static bool power_of(uint32_t g, uint32_t base)
{
    while (g % base == 0)
        g /= base;
    return g == 1;
}

static bool has_super(const struct super *s, uint32_t g)
{
    if (g == 0)
        return true;
    if (s->compat & COMPAT_SPARSE_SUPER2)
        return g == s->backup[0] || g == s->backup[1];
    return !(s->ro & RO_SPARSE_SUPER) || g == 1 || power_of(g, 3) || power_of(g, 5) ||
           power_of(g, 7);
}

static uint32_t descs_per_block(const struct fs *fs)
{
    return (1u << fs->sb.log2) / fs->sb.desc_size;
}

/* Whether the descriptors of group g lie in its own meta group instead of behind the superblock. */
static bool in_meta_bg(const struct fs *fs, uint32_t g)
{
    return fs->sb.incompat & INCOMPAT_META_BG && g / descs_per_block(fs) >= fs->sb.first_meta_bg;
}

/* Byte offset of the descriptor of group g. */
static uint64_t desc_at(const struct fs *fs, uint32_t g)
{
    uint32_t per = descs_per_block(fs), nth = g / per;
    uint64_t block = (uint64_t)fs->sb.first_data + 1 + nth;

    if (in_meta_bg(fs, g))
        block = group_start(fs, nth * per) + has_super(&fs->sb, nth * per);
    return (block << fs->sb.log2) + (uint64_t)(g % per) * fs->sb.desc_size;
}

/* Blocks at the start of a group taken by superblock and descriptors. */
static uint32_t base_blocks(const struct fs *fs, uint32_t g)
{
    uint32_t per = descs_per_block(fs), super = has_super(&fs->sb, g);

    if (in_meta_bg(fs, g))
        return super + (g % per == 0 || g % per == 1 || g % per == per - 1);
    if (!super)
        return 0;
    return 1 + (fs->sb.incompat & INCOMPAT_META_BG ? fs->sb.first_meta_bg
                                                   : fs->desc_blocks + fs->sb.reserved_gdt);
}

/* ---- one group ---- */

static bool desc_sum_fits(const struct fs *fs, uint32_t g, uint8_t *d)
{
    uint16_t want = (uint16_t)le(d, 30, 2);
    uint8_t number[4] = {(uint8_t)g, (uint8_t)(g >> 8), (uint8_t)(g >> 16), (uint8_t)(g >> 24)};
    size_t size = fs->sb.desc_size;

    if (fs->sb.ro & RO_METADATA_CSUM) {
        memset(d + 30, 0, 2);
        return (crc32c(crc32c(fs->sb.seed, number, 4), d, size) & 0xFFFF) == want;
    }
    if (fs->sb.ro & RO_GDT_CSUM) {
        uint16_t crc = crc16(crc16(0xFFFF, fs->sb.uuid, 16), number, 4);

        crc = crc16(crc, d, 30);
        return (size > 32 ? crc16(crc, d + 32, size - 32) : crc) == want;
    }
    return true;
}

static bool read_group(const struct fs *fs, uint32_t g, struct group *out)
{
    uint8_t d[1024];
    bool wide = fs->sb.desc_size >= 64;
    uint64_t last = fs->sb.blocks - 1;

    if (readat(&fs->volume, desc_at(fs, g), d, fs->sb.desc_size) != 0 || !desc_sum_fits(fs, g, d))
        return false;
    out->bitmap = le(d, 0, 4) | (wide ? le(d, 32, 4) << 32 : 0);
    out->inode_bitmap = le(d, 4, 4) | (wide ? le(d, 36, 4) << 32 : 0);
    out->inode_table = le(d, 8, 4) | (wide ? le(d, 40, 4) << 32 : 0);
    out->free = (uint32_t)(le(d, 12, 2) | (wide ? le(d, 44, 2) << 16 : 0));
    out->bitmap_csum = (uint32_t)(le(d, 24, 2) | (wide ? le(d, 56, 2) << 16 : 0));
    out->flags = (uint32_t)(fs->sb.ro & (RO_GDT_CSUM | RO_METADATA_CSUM) ? le(d, 18, 2) : 0);
    return out->bitmap <= last && out->inode_bitmap <= last && out->inode_table <= last;
}

static void set_bits(struct fs *fs, uint32_t g, uint64_t block, uint64_t n)
{
    uint64_t start = group_start(fs, g), end = start + group_blocks(fs, g);

    for (; n && block < end; n--, block++)
        if (block >= start)
            fs->bitmap[(block - start) / 8] |= (uint8_t)(1 << (block - start) % 8);
}

/* The bitmap of a group that was never written to disk: its own records, and nothing else. */
static void make_bitmap(struct fs *fs, uint32_t g, const struct group *d)
{
    memset(fs->bitmap, 0, (size_t)1 << fs->sb.log2);
    set_bits(fs, g, group_start(fs, g), base_blocks(fs, g));
    set_bits(fs, g, d->bitmap, 1);
    set_bits(fs, g, d->inode_bitmap, 1);
    set_bits(fs, g, d->inode_table, fs->table_blocks);
}

static bool read_bitmap(struct fs *fs, const struct group *d)
{
    uint32_t crc, mask = fs->sb.desc_size >= 64 ? ~0u : 0xFFFF;

    if (readat(&fs->volume, d->bitmap << fs->sb.log2, fs->bitmap, (size_t)1 << fs->sb.log2) != 0)
        return false;
    if (!(fs->sb.ro & RO_METADATA_CSUM))
        return true;
    crc = crc32c(fs->sb.seed, fs->bitmap, fs->sb.per_group / 8);
    return (crc & mask) == (d->bitmap_csum & mask);
}

static bool block_used(const struct fs *fs, uint32_t i)
{
    return fs->bitmap[i / 8] >> i % 8 & 1;
}

static uint32_t count_free(const struct fs *fs, uint32_t g)
{
    uint32_t n = group_blocks(fs, g), used = 0, i = 0;

    for (uint64_t word; n - i >= 64; i += 64) {
        memcpy(&word, fs->bitmap + i / 8, sizeof word);
        used += (uint32_t)__builtin_popcountll(word);
    }
    for (; i < n; i++)
        used += block_used(fs, i);
    return n - used;
}

/* The block behind those from i on that are all used or all free, of a group of n. */
static uint32_t stretch_end(const struct fs *fs, uint32_t i, uint32_t n)
{
    bool used = block_used(fs, i);

    for (i++; i < n && block_used(fs, i) == used;)
        i += i % 8 == 0 && n - i > 8 && fs->bitmap[i / 8] == (used ? 0xFF : 0) ? 8 : 1;
    return i;
}

/* Fills `bitmap`; false when the group's records do not fit each other. */
static bool load_group(struct fs *fs, uint32_t g)
{
    struct group d;
    bool ok = read_group(fs, g, &d);

    fs->loaded = g;
    if (ok && d.flags & BG_BLOCK_UNINIT)
        make_bitmap(fs, g, &d);
    else
        ok = ok && read_bitmap(fs, &d);
    return ok && count_free(fs, g) == d.free;
}

/* ---- struct fs_kind ---- */

static struct fs *make(const struct readat *volume, const struct super *sb)
{
    struct fs *fs = malloc(sizeof *fs);
    uint64_t groups = (sb->blocks - sb->first_data + sb->per_group - 1) / sb->per_group;

    if (!fs || groups >= NO_GROUP) {
        free(fs);
        return NULL;
    }
    fs->volume = *volume;
    fs->sb = *sb;
    fs->groups = (uint32_t)groups;
    fs->desc_blocks = (fs->groups + descs_per_block(fs) - 1) / descs_per_block(fs);
    fs->table_blocks =
        (uint32_t)(((uint64_t)sb->inodes_per_group * sb->inode_size + (1u << sb->log2) - 1) >>
                   sb->log2);
    fs->loaded = NO_GROUP;
    fs->changed = false;
    memset(&fs->run, 0, sizeof fs->run);
    return fs;
}

/* Whether the copy of the superblock that group g has is one of this file system. */
static bool backup_fits(const struct fs *fs, uint32_t g)
{
    uint8_t b[SUPER_BYTES];
    struct super s;

    if (readat(&fs->volume, group_start(fs, g) << fs->sb.log2, b, sizeof b) != 0)
        return false;
    decode_super(b, &s);
    return s.magic == MAGIC && s.log2 == fs->sb.log2 && s.per_group == fs->sb.per_group &&
           s.inodes_per_group == fs->sb.inodes_per_group;
}

/* Inode 2 is the root directory of every ext file system. */
static bool root_is_there(struct fs *fs)
{
    struct group d;
    uint8_t inode[2];

    return read_group(fs, 0, &d) &&
           readat(&fs->volume, (d.inode_table << fs->sb.log2) + fs->sb.inode_size, inode,
                  sizeof inode) == 0 &&
           (le(inode, 0, 2) & MODE_TYPE) == MODE_DIRECTORY;
}

/* Looks at everything that will be believed; writes into `fault`, else "", why it must not be. */
static void check_all(struct fs *fs, char fault[FS_NOTE])
{
    fault[0] = 0;
    if (!root_is_there(fs))
        snprintf(fault, FS_NOTE, "its root directory is not where it belongs");
    for (uint32_t g = 0; g < fs->groups && !fault[0]; g++)
        if (!load_group(fs, g))
            snprintf(fault, FS_NOTE, "the records of its block group %u of %u do not fit", g,
                     fs->groups);
        else if (g && has_super(&fs->sb, g) && !backup_fits(fs, g))
            snprintf(fault, FS_NOTE, "the copy of its superblock in block group %u is not there",
                     g);
}

/* The object, or NULL and why not in `fault`. */
static struct fs *open_checked(const struct readat *volume, const struct super *sb,
                               char fault[FS_NOTE])
{
    struct fs *fs = make(volume, sb);

    if (!fs) {
        snprintf(fault, FS_NOTE, "its size is out of range");
        return NULL;
    }
    check_all(fs, fault);
    if (fault[0]) {
        free(fs);
        fs = NULL;
    }
    return fs;
}

static bool ext_probe(const struct readat *volume, uint64_t bytes, struct fs **out,
                      char note[FS_NOTE])
{
    uint8_t b[SUPER_BYTES];
    char why[FS_NOTE] = "";
    struct super sb;
    const char *fault;

    if (bytes < SUPER_AT + SUPER_BYTES || readat(volume, SUPER_AT, b, sizeof b) != 0)
        return false;
    decode_super(b, &sb);
    if (sb.magic != MAGIC)
        return false;
    fault = super_fault(&sb, b, bytes);
    *out = fault ? NULL : open_checked(volume, &sb, why);
    if (!*out)
        snprintf(note, FS_NOTE, "the ext file system's free blocks are packed too: %.100s",
                 fault ? fault : why);
    return true;
}

/* The stretch that holds `at`. */
static void find_run(struct fs *fs, uint64_t at)
{
    uint64_t block = at >> fs->sb.log2, start;
    uint32_t g, n, i;

    fs->run.from = at;
    fs->run.is_free = false;
    fs->run.end = UINT64_MAX;
    if (block >= fs->sb.blocks)
        return;
    fs->run.end = (uint64_t)fs->sb.first_data << fs->sb.log2;
    if (block < fs->sb.first_data)
        return;
    g = (uint32_t)((block - fs->sb.first_data) / fs->sb.per_group);
    start = group_start(fs, g);
    n = group_blocks(fs, g);
    fs->run.end = (start + n) << fs->sb.log2;
    if (fs->loaded != g && !load_group(fs, g)) {
        fs->changed = true;
        fs->loaded = NO_GROUP;
        return;
    }
    i = (uint32_t)(block - start);
    fs->run.is_free = !block_used(fs, i);
    fs->run.end = (start + stretch_end(fs, i, n)) << fs->sb.log2;
}

static bool ext_run(struct fs *fs, uint64_t at, uint64_t *end)
{
    if (at < fs->run.from || at >= fs->run.end)
        find_run(fs, at);
    *end = fs->run.end;
    return fs->run.is_free;
}

static bool ext_close(struct fs *fs)
{
    bool good = !fs->changed;

    free(fs);
    return good;
}

const struct fs_kind fs_ext = {IMG_FS_EXT, "ext", ext_probe, ext_run, ext_close};
