/* The header (UEFI 2.10, table 5-5), little-endian: 0 signature, 8 revision, 12 size, 16 sum of the
 * header with zeros here, 24 own sector, 32 the copy's sector, 40 first and 48 last usable sector,
 * 56 disk GUID, 72 sector of the table, 80 entries, 84 bytes of each, 88 sum of the table. An
 * entry: 0 type, 16 GUID, 32 first and 40 last sector. */
#include "imaging/volume/gpt_move.h"

#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/image/errors.h"
#include "net/wire/reader.h"

#define HEADER_BYTES 92
#define MBR_ENTRY 446
#define MBR_TYPE_GPT 0xEE

static uint64_t le(const uint8_t *at, size_t n)
{
    struct reader r = reader_on(at, n);

    return rd_le(&r, n);
}

static void put_le(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t header_sum(const uint8_t *header, size_t n)
{
    static const uint8_t none[4];
    uint32_t sum = crc32_ieee(0, header, 16);

    sum = crc32_ieee(sum, none, sizeof none);
    return crc32_ieee(sum, header + 20, n - 20);
}

/* The header is whole and its table lies in the bytes at hand. */
static bool whole(struct gpt_move *m, const uint8_t *head, size_t n)
{
    const uint8_t *h = head + m->sector;
    uint64_t table = le(h + 72, 8), entries = le(h + 80, 4), each = le(h + 84, 4),
             room = n / m->sector;

    m->header_bytes = (size_t)le(h + 12, 4);
    if (memcmp(h, "EFI PART", 8) || m->header_bytes < HEADER_BYTES || m->header_bytes > m->sector ||
        header_sum(h, m->header_bytes) != le(h + 16, 4) || le(h + 24, 8) != 1)
        return false;
    if (each < 128 || each % 8 || entries == 0 || entries > GPT_MOVE_TAIL_MAX ||
        each > GPT_MOVE_TAIL_MAX || entries * each > GPT_MOVE_TAIL_MAX - m->sector || table < 2 ||
        table >= room)
        return false;
    m->table_at = (size_t)table * m->sector;
    m->table_bytes = (size_t)(entries * each);
    return m->table_bytes <= n - m->table_at &&
           crc32_ieee(0, head + m->table_at, m->table_bytes) == le(h + 88, 4);
}

/* The sector behind the last one that a partition takes. */
static uint64_t partitions_end(const struct gpt_move *m, const uint8_t *head)
{
    static const uint8_t unused[16];
    uint64_t end = 0, each = le(head + m->sector + 84, 4);

    for (size_t at = 0; at < m->table_bytes; at += each) {
        const uint8_t *e = head + m->table_at + at;
        uint64_t last = le(e + 40, 8);

        if (memcmp(e, unused, sizeof unused) && last >= end)
            end = last == UINT64_MAX ? last : last + 1;
    }
    return end;
}

/* A hybrid MBR describes partitions of its own: it is not ours to change. */
static bool single_protective(const uint8_t *mbr)
{
    if (mbr[510] != 0x55 || mbr[511] != 0xAA || mbr[MBR_ENTRY + 4] != MBR_TYPE_GPT ||
        le(mbr + MBR_ENTRY + 8, 4) != 1)
        return false;
    for (int i = 1; i < 4; i++)
        if (mbr[MBR_ENTRY + 16 * i + 4])
            return false;
    return true;
}

static int plan_any(struct gpt_move *m, const uint8_t *head, size_t n, unsigned sector_log2,
                    uint64_t disk_bytes, bool anyway, struct err *err)
{
    uint64_t sectors = disk_bytes >> sector_log2, first_usable, copy;

    memset(m, 0, sizeof *m);
    m->sector = (size_t)1 << sector_log2;
    if (n < 3 * m->sector || !whole(m, head, n))
        return err_set(err, IMG_EGPT,
                       "the image's partition table is damaged or unusual: its copy stays where "
                       "the image has it");
    m->last = sectors - 1;
    if (!anyway && sectors && le(head + m->sector + 32, 8) == m->last)
        return 0;
    copy = (m->table_bytes + m->sector - 1) / m->sector + 1;
    first_usable = le(head + m->sector + 40, 8);
    if (sectors < copy || sectors - copy < first_usable || sectors - copy < partitions_end(m, head))
        return err_set(
            err, IMG_EGPT,
            "a partition lies where the copy of the partition table would have to go on this disk");
    m->tail_at = (sectors - copy) << sector_log2;
    m->tail_bytes = (size_t)copy << sector_log2;
    m->protective = single_protective(head);
    return 1;
}

int gpt_move_plan(struct gpt_move *m, const uint8_t *head, size_t n, unsigned sector_log2,
                  uint64_t disk_bytes, struct err *err)
{
    return plan_any(m, head, n, sector_log2, disk_bytes, false, err);
}

int gpt_move_make(struct gpt_move *m, const uint8_t *head, size_t n, unsigned sector_log2,
                  uint64_t disk_bytes, struct err *err)
{
    return plan_any(m, head, n, sector_log2, disk_bytes, true, err);
}

/* A header for this disk, standing in `own`, its copy in `other`, its table in `table`. */
static void put_header(const struct gpt_move *m, uint8_t *h, uint64_t own, uint64_t other,
                       uint64_t table)
{
    put_le(h + 24, own, 8);
    put_le(h + 32, other, 8);
    put_le(h + 48, m->tail_at / m->sector - 1, 8);
    put_le(h + 72, table, 8);
    put_le(h + 16, header_sum(h, m->header_bytes), 4);
}

void gpt_move_tail(const struct gpt_move *m, const uint8_t *head, uint8_t *tail)
{
    uint8_t *header = tail + m->tail_bytes - m->sector;

    memset(tail, 0, m->tail_bytes);
    memcpy(tail, head + m->table_at, m->table_bytes);
    memcpy(header, head + m->sector, m->sector);
    put_header(m, header, m->last, 1, m->tail_at / m->sector);
}

void gpt_move_head(const struct gpt_move *m, uint8_t *head)
{
    put_header(m, head + m->sector, 1, m->last, m->table_at / m->sector);
    if (m->protective)
        put_le(head + MBR_ENTRY + 12, m->last < UINT32_MAX ? m->last : UINT32_MAX, 4);
}
