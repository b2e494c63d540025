/* ext2, ext3 and ext4: the superblock at byte 1024, the group descriptors, and one bitmap a block
 * group, read when the packing comes by. A group whose descriptor, checksum or count of free blocks
 * does not fit its bitmap is called used. The layout is that of the kernel's fs/ext4/ext4.h;
 * numbers are little-endian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/image/crc.h"
#include "imaging/image/fs.h"
#include "imaging/image/image.h"
#include "net/wire/reader.h"

#define SUPER_AT 1024
#define SUPER_BYTES 1024
#define MAGIC 0xEF53
#define STATE_VALID 1
#define STATE_ERROR 2
#define BITMAP_MAX 65536 /* a bitmap is one block, and blocks end at 64 KiB */
#define NO_GROUP UINT32_MAX

#define COMPAT_SPARSE_SUPER2 0x200
#define INCOMPAT_RECOVER 0x4
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
    uint32_t distrusted;
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

/* Why the bitmaps cannot be trusted, or NULL. */
static const char *super_fault(const struct super *s, const uint8_t b[SUPER_BYTES], uint64_t bytes)
{
    uint32_t block = 1u << (s->log2 & 31);

    if (s->log2 > 16 || s->blocks <= s->first_data || s->blocks > IMG_MAX_RAW >> s->log2 ||
        s->first_data != (s->log2 == 10) || s->per_group == 0 || s->per_group > 8 * block ||
        s->per_group % 8 != 0 || s->inode_size == 0 || s->inodes_per_group == 0 ||
        s->inodes_per_group > 8 * block ||
        s->desc_size < (s->incompat & INCOMPAT_64BIT ? 64u : 32u) || s->desc_size > 1024 ||
        (s->desc_size & (s->desc_size - 1)) != 0)
        return "its superblock is damaged";
    if (s->ro & RO_METADATA_CSUM && crc32c(~0u, b, SUPER_BYTES - 4) != le(b, SUPER_BYTES - 4, 4))
        return "its superblock has a wrong checksum";
    if (s->blocks << s->log2 > bytes)
        return "it is larger than its partition";
    if (s->ro & RO_BIGALLOC)
        return "it is allocated in clusters (bigalloc)";
    if (s->incompat & ~(uint32_t)INCOMPAT_KNOWN || s->ro & ~(uint32_t)RO_KNOWN)
        return "it has features this program does not know";
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
    memset(fs->bitmap, 0, sizeof fs->bitmap);
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

static uint32_t count_free(const struct fs *fs, uint32_t g)
{
    uint32_t n = group_blocks(fs, g), free_blocks = 0;

    for (uint32_t i = 0; i < n; i++)
        free_blocks += !(fs->bitmap[i / 8] >> i % 8 & 1);
    return free_blocks;
}

static void load_group(struct fs *fs, uint32_t g)
{
    struct group d;
    bool ok = read_group(fs, g, &d);

    fs->loaded = g;
    if (ok && d.flags & BG_BLOCK_UNINIT)
        make_bitmap(fs, g, &d);
    else
        ok = ok && read_bitmap(fs, &d);
    if (ok && count_free(fs, g) == d.free)
        return;
    fs->distrusted++;
    memset(fs->bitmap, 0xFF, sizeof fs->bitmap);
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
    fs->distrusted = 0;
    return fs;
}

/* A file system that something else has been written over keeps its first block more often than its second group. */
static bool backup_fits(const struct fs *fs)
{
    uint8_t b[SUPER_BYTES];
    struct super s;

    if (fs->groups < 2 || !has_super(&fs->sb, 1))
        return true;
    if (readat(&fs->volume, group_start(fs, 1) << fs->sb.log2, b, sizeof b) != 0)
        return false;
    decode_super(b, &s);
    return s.magic == MAGIC && s.log2 == fs->sb.log2 && s.per_group == fs->sb.per_group;
}

static bool ext_probe(const struct readat *volume, uint64_t bytes, struct fs **out,
                      char note[FS_NOTE])
{
    uint8_t b[SUPER_BYTES];
    struct super sb;
    const char *fault;

    if (bytes < SUPER_AT + SUPER_BYTES || readat(volume, SUPER_AT, b, sizeof b) != 0)
        return false;
    decode_super(b, &sb);
    if (sb.magic != MAGIC)
        return false;
    fault = super_fault(&sb, b, bytes);
    *out = fault ? NULL : make(volume, &sb);
    if (!fault && !*out)
        fault = "its size is out of range";
    if (*out && !backup_fits(*out)) {
        fault = "its second superblock is not where it belongs";
        free(*out);
        *out = NULL;
    }
    if (fault)
        snprintf(note, FS_NOTE, "the ext file system's free blocks are packed too: %s", fault);
    return true;
}

static bool ext_run(struct fs *fs, uint64_t at, uint64_t *end)
{
    uint64_t block = at >> fs->sb.log2, start;
    uint32_t g, i, n;
    bool used;

    if (block >= fs->sb.blocks) {
        *end = UINT64_MAX;
        return false;
    }
    if (block < fs->sb.first_data) {
        *end = (uint64_t)fs->sb.first_data << fs->sb.log2;
        return false;
    }
    g = (uint32_t)((block - fs->sb.first_data) / fs->sb.per_group);
    if (fs->loaded != g)
        load_group(fs, g);
    start = group_start(fs, g);
    n = group_blocks(fs, g);
    i = (uint32_t)(block - start);
    used = fs->bitmap[i / 8] >> i % 8 & 1;
    while (++i < n && (fs->bitmap[i / 8] >> i % 8 & 1) == used)
        ;
    *end = (start + i) << fs->sb.log2;
    return !used;
}

static void ext_close(struct fs *fs, char note[FS_NOTE])
{
    note[0] = 0;
    if (fs->distrusted)
        snprintf(note, FS_NOTE,
                 "%u of %u block groups of an ext file system are damaged; their free blocks are "
                 "packed too",
                 fs->distrusted, fs->groups);
    free(fs);
}

const struct fs_kind fs_ext = {IMG_FS_EXT, "ext", ext_probe, ext_run, ext_close};
