#include "imaging/volume/marks_id.h"

#include <string.h>

#include "imaging/hash/sha256.h"
#include "imaging/volume/marks.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define IDENTITY_MAX 32
#define ALIKE (-1) /* no identity that could be read */

struct fold {
    struct readat at; /* of the area that is looked at: the disk, then each partition */
    uint64_t bytes;
    unsigned part; /* from 1; 0: the whole disk */
    bool by_type;  /* the partition's type says so, its bytes follow */
    bool any, alike;
    uint8_t state[SHA256_BYTES];
};

/* n bytes of the area; false: it has none there. */
static bool fold_read(const struct fold *f, uint64_t at, void *to, size_t n)
{
    return at <= f->bytes && n <= f->bytes - at && readat(&f->at, at, to, n) == 0;
}

/* The UUID behind the label, which lies in one of the first four sectors. */
static int lvm_identity(const struct fold *f, uint8_t id[IDENTITY_MAX])
{
    uint8_t label[64];

    for (uint64_t at = 0; at < 2048; at += 512)
        if (fold_read(f, at, label, sizeof label) && memcmp(label, "LABELONE", 8) == 0) {
            memcpy(id, label + 32, 32);
            return 32;
        }
    return ALIKE;
}

/* The set's UUID of format 1, at any of its three places. */
static int md_identity(const struct fold *f, uint8_t id[IDENTITY_MAX])
{
    const uint64_t end = f->bytes >= 16384 ? (f->bytes - 8192) & ~UINT64_C(4095) : UINT64_MAX;
    const uint64_t places[] = {0, 4096, end};
    uint8_t super[32];

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (fold_read(f, places[i], super, sizeof super) &&
            memcmp(super, "\xFC\x4E\x2B\xA9\x01\0\0\0", 8) == 0) {
            memcpy(id, super + 16, 16);
            return 16;
        }
    return ALIKE;
}

/* The pool's GUID among the name and value pairs of the first label, in XDR. */
static int zfs_identity(const struct fold *f, uint8_t id[IDENTITY_MAX])
{
    static const char pair[] = "\0\0\0\x09pool_guid\0\0\0\0\0\0\x08\0\0\0\x01";
    const size_t n = sizeof pair - 1;
    uint8_t pairs[4096];

    if (!fold_read(f, 16384, pairs, sizeof pairs))
        return ALIKE;
    for (size_t i = 0; i + n + 8 <= sizeof pairs; i++)
        if (memcmp(pairs + i, pair, n) == 0) {
            memcpy(id, pairs + i + n, 8);
            return 8;
        }
    return ALIKE;
}

static int btrfs_identity(const struct fold *f, uint8_t id[IDENTITY_MAX])
{
    return fold_read(f, 65536 + 32, id, 16) ? 16 : ALIKE;
}

static int identity(const struct fold *f, enum mark_kind kind, const char *what,
                    uint8_t id[IDENTITY_MAX])
{
    bool known = kind == MARK_LVM || kind == MARK_ZFS || strcmp(what, "Linux RAID") == 0;

    if (f->by_type) /* what the type announces has a mark of its own, or is not there */
        return known ? 0 : ALIKE;
    if (kind == MARK_LVM)
        return lvm_identity(f, id);
    if (kind == MARK_ZFS)
        return zfs_identity(f, id);
    if (strcmp(what, "Linux RAID") == 0)
        return md_identity(f, id);
    return strcmp(what, "a btrfs over several disks") == 0 ? btrfs_identity(f, id) : ALIKE;
}

static void fold_mark(void *ctx, enum mark_kind kind, const char *what)
{
    struct fold *f = ctx;
    uint8_t id[IDENTITY_MAX], bytes[SHA256_BYTES + 4 + IDENTITY_MAX];
    struct writer w = writer_on(bytes, sizeof bytes);
    int n;

    if (kind == MARK_VOLUME)
        return;
    n = identity(f, kind, what, id);
    f->any = true;
    if (n == ALIKE) {
        f->alike = true;
        return;
    }
    wr_copy(&w, f->state, sizeof f->state);
    wr_u8(&w, kind);
    wr_u16(&w, f->part);
    wr_u8(&w, f->by_type);
    wr_copy(&w, id, (size_t)n);
    sha256(f->state, bytes, w.done);
}

static void fold_unreadable(void *ctx, uint64_t at)
{
    struct fold *f = ctx;

    (void)at;
    f->alike = true;
}

bool marks_digest(uint8_t digest[IMG_MARKS_BYTES], const struct readat *disk, uint64_t bytes,
                  struct parts *parts)
{
    struct fold f = {.at = *disk, .bytes = bytes};
    const struct mark_watcher to = {&f, fold_mark, fold_unreadable};
    bool known;

    marks_look(disk, bytes, &to);
    parts_read(parts, disk, bytes, 0);
    for (unsigned i = 0; i < parts->n; i++) {
        f.at.base = disk->base + parts->part[i].first;
        f.bytes = parts->part[i].bytes;
        f.part = i + 1;
        f.by_type = true;
        marks_type(parts->table, parts->part[i].type, &to);
        f.by_type = false;
        marks_look(&f.at, f.bytes, &to);
    }
    known = f.any && !f.alike;
    memset(digest, 0, IMG_MARKS_BYTES);
    if (known)
        memcpy(digest, f.state, IMG_MARKS_BYTES);
    return known;
}
