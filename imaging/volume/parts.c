/* Sector 0 is an MBR: 446 bytes of code, four entries of 16 bytes { status, CHS, type, CHS, first
 * sector (4, LE), sectors (4, LE) }, 55 AA. An entry of type EE says that a GPT follows: header in
 * sector 1, copy in the last sector (UEFI 2.10, section 5). An entry of an extended type holds a
 * chain of sectors like it, each with one logical partition and the place of the next. */
#include "imaging/volume/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"

#define ENTRIES_AT 446
#define SECTOR 512 /* an MBR is this long whatever the sector size */
#define GPT_BYTES 92
#define GPT_TABLE_MAX (256 * 1024)
#define TYPE_GPT 0xEE

struct mbr_entry {
    uint8_t status, type;
    uint64_t first, bytes;
};

struct gpt_header {
    uint64_t table_lba;
    uint32_t entries, entry_bytes, table_crc;
};

static void note(struct parts *p, const char *text)
{
    if (!p->note[0])
        snprintf(p->note, sizeof p->note, "%s", text);
}

/* Adds a partition that lies on the disk; others only leave a note. */
static struct img_part *add(struct parts *p, uint64_t first, uint64_t bytes, uint64_t raw_bytes)
{
    struct img_part *part;

    if (bytes == 0 || first > raw_bytes || bytes > raw_bytes - first) {
        note(p, "a partition reaches beyond the end of the disk and is not looked into");
        return NULL;
    }
    if (p->n == IMG_MAX_PARTS) {
        note(p, "there are more than 255 partitions; the last ones are not looked into");
        return NULL;
    }
    part = &p->part[p->n++];
    memset(part, 0, sizeof *part);
    part->first = first;
    part->bytes = bytes;
    return part;
}

/* ---- GPT ---- */

static bool gpt_header_decode(uint8_t *bytes, size_t sector, uint64_t lba, struct gpt_header *h)
{
    struct reader r = reader_on(bytes, sector);
    const uint8_t *signature = rd_bytes(&r, 8);
    uint32_t crc, size;

    rd_le(&r, 4); /* revision */
    size = (uint32_t)rd_le(&r, 4);
    crc = (uint32_t)rd_le(&r, 4);
    if (memcmp(signature, "EFI PART", 8) != 0 || size < GPT_BYTES || size > sector)
        return false;
    memset(bytes + 16, 0, 4);
    if (crc32_ieee(0, bytes, size) != crc)
        return false;
    rd_le(&r, 4);
    if (rd_le(&r, 8) != lba)
        return false;
    rd_bytes(&r, 8 + 8 + 8 + 16); /* the other copy, usable range, disk GUID */
    h->table_lba = rd_le(&r, 8);
    h->entries = (uint32_t)rd_le(&r, 4);
    h->entry_bytes = (uint32_t)rd_le(&r, 4);
    h->table_crc = (uint32_t)rd_le(&r, 4);
    return !r.bad && h->entry_bytes >= 128 && h->entry_bytes % 8 == 0 &&
           h->entry_bytes <= GPT_TABLE_MAX && h->entries <= GPT_TABLE_MAX / h->entry_bytes;
}

/* UTF-16LE into plain UTF-8: unpaired surrogates become U+FFFD, control characters vanish. */
static void gpt_name(char to[256], struct reader r)
{
    size_t n = 0;

    while (r.left >= 2) {
        uint32_t cp = (uint32_t)rd_le(&r, 2);
        uint8_t utf8[4];
        size_t len;

        if (cp == 0)
            break;
        if (cp >= 0xD800 && cp <= 0xDBFF && r.left >= 2 && (r.at[1] & 0xFC) == 0xDC)
            cp = 0x10000 + ((cp & 0x3FF) << 10 | ((uint32_t)rd_le(&r, 2) & 0x3FF));
        else if (cp >= 0xD800 && cp <= 0xDFFF)
            cp = 0xFFFD;
        len = utf8_write(utf8, cp);
        if (!utf8_is_control(cp) && n + len < 256) {
            memcpy(to + n, utf8, len);
            n += len;
        }
    }
    to[n] = 0;
}

static void gpt_entry(struct parts *p, struct reader r, unsigned log2, uint64_t raw_bytes)
{
    static const uint8_t unused[16];
    const uint8_t *type = rd_bytes(&r, 16), *unique = rd_bytes(&r, 16);
    uint64_t first, last;
    struct img_part *part;

    first = rd_le(&r, 8);
    last = rd_le(&r, 8);
    rd_bytes(&r, 8);
    if (r.bad || memcmp(type, unused, 16) == 0)
        return;
    if (last < first || last >= raw_bytes >> log2)
        first = last = UINT64_MAX >> log2;
    part = add(p, first << log2, (last - first + 1) << log2, raw_bytes);
    if (part) {
        memcpy(part->type, type, 16);
        memcpy(p->unique[p->n - 1], unique, 16);
        gpt_name(part->name, rd_sub(&r, 72));
    }
}

/* One copy of the GPT, whose header is in sector lba; false when it is damaged or not there. */
static bool gpt_read(struct parts *p, const struct readat *disk, uint64_t raw_bytes, unsigned log2,
                     uint64_t lba)
{
    uint8_t sector[4096], *table;
    struct gpt_header h;
    size_t n;
    bool ok;

    if (readat(disk, lba << log2, sector, (size_t)1 << log2) != 0 ||
        !gpt_header_decode(sector, (size_t)1 << log2, lba, &h) || h.table_lba > raw_bytes >> log2)
        return false;
    n = (size_t)h.entries * h.entry_bytes;
    table = malloc(n + 1);
    ok = table && readat(disk, h.table_lba << log2, table, n) == 0 &&
         crc32_ieee(0, table, n) == h.table_crc;
    if (ok) {
        struct reader r = reader_on(table, n);

        for (uint32_t i = 0; i < h.entries; i++)
            gpt_entry(p, rd_sub(&r, h.entry_bytes), log2, raw_bytes);
        p->table = IMG_TABLE_GPT;
        p->sector_log2 = (uint8_t)log2;
    }
    free(table);
    return ok;
}

/* Primaries first, at every sector size that may be; then the backups. */
static bool gpt_find(struct parts *p, const struct readat *disk, uint64_t raw_bytes,
                     uint8_t sector_log2)
{
    for (int backup = 0; backup < 2; backup++)
        for (unsigned log2 = 9; log2 <= 12; log2 += 3) {
            uint64_t sectors = raw_bytes >> log2;

            if ((sector_log2 && sector_log2 != log2) || sectors < 3 ||
                raw_bytes % (1u << log2) != 0)
                continue;
            if (gpt_read(p, disk, raw_bytes, log2, backup ? sectors - 1 : 1)) {
                if (backup)
                    note(p,
                         "the primary GPT is damaged; the backup at the end of the disk was used");
                return true;
            }
        }
    return false;
}

/* ---- MBR ---- */

static bool mbr_decode(const uint8_t sector[SECTOR], unsigned log2, struct mbr_entry out[4])
{
    struct reader r = reader_on(sector, SECTOR);

    rd_bytes(&r, ENTRIES_AT);
    for (int i = 0; i < 4; i++) {
        out[i].status = rd_u8(&r);
        rd_bytes(&r, 3);
        out[i].type = rd_u8(&r);
        rd_bytes(&r, 3);
        out[i].first = rd_le(&r, 4) << log2;
        out[i].bytes = rd_le(&r, 4) << log2;
    }
    return rd_u16(&r) == 0x55AA;
}

/* The first sector of a FAT or NTFS volume ends in 55 AA too, with text where the entries would be.
 */
static bool looks_like_volume(const uint8_t sector[SECTOR])
{
    return memcmp(sector + 3, "NTFS    ", 8) == 0 || memcmp(sector + 3, "EXFAT   ", 8) == 0 ||
           memcmp(sector + 54, "FAT", 3) == 0 || memcmp(sector + 82, "FAT32", 5) == 0;
}

static bool plausible(const struct mbr_entry e[4])
{
    unsigned used = 0;

    for (int i = 0; i < 4; i++) {
        if (e[i].status & 0x7F || (e[i].type && (e[i].bytes == 0 || e[i].first == 0)))
            return false;
        used += e[i].type != 0;
    }
    return used > 0;
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0F || type == 0x85;
}

/* The chain of an extended partition. Each link's own partition counts from the link, its successor
 * from the start of the extended one. A chain that runs in a circle ends when the list is full. */
static void mbr_logicals(struct parts *p, const struct readat *disk, uint64_t raw_bytes,
                         const struct mbr_entry *ext)
{
    uint64_t at = ext->first;

    for (int links = 0; links < IMG_MAX_PARTS; links++) {
        uint8_t sector[SECTOR];
        struct mbr_entry e[4];
        struct img_part *part;

        if (at >= raw_bytes || readat(disk, at, sector, SECTOR) != 0 ||
            !mbr_decode(sector, p->sector_log2, e)) {
            note(p, "the chain of logical partitions is broken; those behind the break are not "
                    "looked into");
            return;
        }
        if (e[0].type && (part = add(p, at + e[0].first, e[0].bytes, raw_bytes)) != NULL)
            part->type[0] = e[0].type;
        if (!is_extended(e[1].type))
            return;
        at = ext->first + e[1].first;
    }
    note(p, "the chain of logical partitions does not end; it was cut off");
}

static void mbr_list(struct parts *p, const struct readat *disk, uint64_t raw_bytes,
                     const struct mbr_entry e[4])
{
    struct img_part *part;

    p->table = IMG_TABLE_MBR;
    for (int i = 0; i < 4; i++)
        if (e[i].type && !is_extended(e[i].type) &&
            (part = add(p, e[i].first, e[i].bytes, raw_bytes)) != NULL)
            part->type[0] = e[i].type;
    for (int i = 0; i < 4; i++)
        if (is_extended(e[i].type))
            mbr_logicals(p, disk, raw_bytes, &e[i]);
}

static bool any_overlap(const struct parts *p)
{
    for (unsigned i = 0; i < p->n; i++)
        for (unsigned j = 0; j < i; j++)
            if (p->part[i].first < p->part[j].first + p->part[j].bytes &&
                p->part[j].first < p->part[i].first + p->part[i].bytes)
                return true;
    return false;
}

void parts_read(struct parts *p, const struct readat *disk, uint64_t raw_bytes, uint8_t sector_log2)
{
    uint8_t sector[SECTOR];
    struct mbr_entry e[4];
    bool gpt = false;

    memset(p, 0, sizeof *p);
    p->sector_log2 = sector_log2 ? sector_log2 : 9;
    if (raw_bytes < SECTOR || readat(disk, 0, sector, SECTOR) != 0 ||
        !mbr_decode(sector, p->sector_log2, e))
        return;
    for (int i = 0; i < 4; i++)
        gpt |= e[i].type == TYPE_GPT;
    /* A whole GPT wins over a file system's name that the boot code of a former owner has kept. */
    if (!gpt || !gpt_find(p, disk, raw_bytes, sector_log2)) {
        if (looks_like_volume(sector) || !plausible(e))
            return;
        if (gpt) {
            p->table = IMG_TABLE_GPT;
            note(p, "both copies of the GPT are damaged; no partition is looked into");
        } else {
            mbr_list(p, disk, raw_bytes, e);
        }
    }
    p->overlap = any_overlap(p);
    if (p->overlap)
        note(p, "partitions overlap; none is looked into");
}
