#include "rootfs/init/gpt.h"

#include <string.h>

#include "imaging/hash/crc.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define HEADER_BYTES 92
#define HEADER_AT 1
#define TABLE_AT 2
/* where the table stands while its usual place is written */
#define SPARE_AT (TABLE_AT + GPT_TABLE_SECTORS)
#define FIRST_FREE (SPARE_AT + GPT_TABLE_SECTORS)
#define TAIL_SECTORS (GPT_TABLE_SECTORS + 1) /* the backup: table, then header */
#define REVISION 0x00010000

#define ENTRY_GUID 16
#define ENTRY_FIRST 32
#define ENTRY_LAST 40
#define ENTRY_MARK 54 /* the byte of the attributes that bit 48 is the lowest of */

#define MBR_ENTRY 446
#define MBR_TYPE (MBR_ENTRY + 4)
#define MBR_SECTORS (MBR_ENTRY + 12)
#define MBR_PROTECTIVE 0xEE

static const uint8_t signature[8] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};

/* ---- bytes ---- */

static uint32_t table_crc(const struct gpt *g)
{
    return crc32_ieee(0, g->table, sizeof g->table);
}

static void wr_le(struct writer *w, uint64_t v, size_t n)
{
    uint8_t *p = wr_room(w, n);

    for (size_t i = 0; p && i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* The header that stands in sector `at` and whose twin stands in `twin`, for a table in sector
 * `table_at`. */
static void header_encode(const struct gpt *g, uint64_t at, uint64_t twin, uint64_t table_at,
                          uint8_t out[GPT_SECTOR])
{
    struct writer w = writer_on(out, GPT_SECTOR), sum = writer_on(out + 16, 4);

    memset(out, 0, GPT_SECTOR);
    wr_copy(&w, signature, sizeof signature);
    wr_le(&w, REVISION, 4);
    wr_le(&w, HEADER_BYTES, 4);
    wr_zero(&w, 8); /* the header's checksum, and a reserved field */
    wr_le(&w, at, 8);
    wr_le(&w, twin, 8);
    wr_le(&w, g->first_usable, 8);
    wr_le(&w, g->last_usable, 8);
    wr_copy(&w, g->disk_guid, GPT_GUID_BYTES);
    wr_le(&w, table_at, 8);
    wr_le(&w, GPT_ENTRIES, 4);
    wr_le(&w, GPT_ENTRY_BYTES, 4);
    wr_le(&w, table_crc(g), 4);
    wr_le(&sum, crc32_ieee(0, out, HEADER_BYTES), 4);
}

/* 0 when the sector is a header of ours for sector 1; *crc is what its table must sum up to. */
static int header_decode(struct gpt *g, const uint8_t sector[GPT_SECTOR], uint32_t *crc)
{
    uint8_t copy[HEADER_BYTES];
    struct reader r = reader_on(sector, HEADER_BYTES);
    const uint8_t *sign = rd_bytes(&r, 8);
    bool fits = memcmp(sign, signature, sizeof signature) == 0;
    uint32_t sum;

    fits &= rd_le(&r, 4) == REVISION;
    fits &= rd_le(&r, 4) == HEADER_BYTES;
    sum = (uint32_t)rd_le(&r, 4);
    memcpy(copy, sector, sizeof copy);
    memset(copy + 16, 0, 4);
    fits &= crc32_ieee(0, copy, sizeof copy) == sum;
    rd_le(&r, 4);
    fits &= rd_le(&r, 8) == HEADER_AT;
    g->alternate = rd_le(&r, 8);
    g->first_usable = rd_le(&r, 8);
    g->last_usable = rd_le(&r, 8);
    rd_copy(&r, g->disk_guid, GPT_GUID_BYTES);
    g->table_at = rd_le(&r, 8);
    fits &= rd_le(&r, 4) == GPT_ENTRIES;
    fits &= rd_le(&r, 4) == GPT_ENTRY_BYTES;
    *crc = (uint32_t)rd_le(&r, 4);
    fits &= g->table_at == TABLE_AT || g->table_at == SPARE_AT;
    return fits && rd_done(&r) ? GPT_DONE : GPT_ETABLE;
}

static uint64_t entry_field(const uint8_t *entry, size_t at)
{
    struct reader r = reader_on(entry + at, 8);

    return rd_le(&r, 8);
}

/* An unused entry has no type. */
static bool entry_used(const uint8_t *entry)
{
    static const uint8_t none[GPT_GUID_BYTES];

    return memcmp(entry, none, sizeof none) != 0;
}

/* ---- reading ---- */

int gpt_read(struct gpt *g, const struct gpt_disk *d)
{
    uint8_t sector[GPT_SECTOR];
    uint32_t crc;

    if (d->sectors < FIRST_FREE + TAIL_SECTORS || d->read(d->ctx, HEADER_AT, sector, 1))
        return GPT_EREAD;
    if (header_decode(g, sector, &crc))
        return GPT_ETABLE;
    if (d->read(d->ctx, g->table_at, g->table, GPT_TABLE_SECTORS))
        return GPT_EREAD;
    return table_crc(g) == crc ? GPT_DONE : GPT_ETABLE;
}

unsigned gpt_find(const struct gpt *g, const uint8_t guid[GPT_GUID_BYTES], uint64_t *first,
                  uint64_t *last)
{
    for (unsigned i = 0; i < GPT_ENTRIES; i++) {
        const uint8_t *entry = g->table + i * GPT_ENTRY_BYTES;

        if (!entry_used(entry) || memcmp(entry + ENTRY_GUID, guid, GPT_GUID_BYTES) != 0)
            continue;
        *first = entry_field(entry, ENTRY_FIRST);
        *last = entry_field(entry, ENTRY_LAST);
        return *first <= *last ? i + 1 : 0;
    }
    return 0;
}

bool gpt_marked(const struct gpt *g, const uint8_t guid[GPT_GUID_BYTES])
{
    uint64_t first, last;
    unsigned number = gpt_find(g, guid, &first, &last);

    return number && g->table[(number - 1) * GPT_ENTRY_BYTES + ENTRY_MARK] & 1;
}

/* ---- growing ---- */

/* Nothing behind the partition that grows, nothing where the spare table goes, and nothing that
 * would shrink. */
static bool layout_fits(const struct gpt *g, const struct gpt_disk *d, uint64_t first,
                        uint64_t last)
{
    uint64_t end = d->sectors - TAIL_SECTORS;

    for (unsigned i = 0; i < GPT_ENTRIES; i++) {
        const uint8_t *entry = g->table + i * GPT_ENTRY_BYTES;
        uint64_t begin = entry_field(entry, ENTRY_FIRST);

        if (entry_used(entry) && (begin < FIRST_FREE || begin > first))
            return false;
    }
    return last < end;
}

/* What the table is to be. */
static void grown(struct gpt *want, const struct gpt *now, const struct gpt_disk *d,
                  unsigned number)
{
    struct writer w;

    *want = *now;
    want->alternate = d->sectors - 1;
    want->last_usable = d->sectors - TAIL_SECTORS - 1;
    want->first_usable = now->first_usable < FIRST_FREE ? FIRST_FREE : now->first_usable;
    w = writer_on(want->table + (number - 1) * GPT_ENTRY_BYTES + ENTRY_LAST, 8);
    wr_le(&w, want->last_usable, 8);
}

/* Writes what differs from what is there. GPT_DONE, GPT_CHANGED or an error. */
static int put(const struct gpt_disk *d, uint64_t at, const void *bytes, unsigned n)
{
    uint8_t there[GPT_TABLE_SECTORS * GPT_SECTOR];

    if (d->read(d->ctx, at, there, n))
        return GPT_EREAD;
    if (memcmp(there, bytes, (size_t)n * GPT_SECTOR) == 0)
        return GPT_DONE;
    return d->write(d->ctx, at, bytes, n) ? GPT_EWRITE : GPT_CHANGED;
}

static int put_header(const struct gpt_disk *d, const struct gpt *want, uint64_t table_at)
{
    uint8_t header[GPT_SECTOR];

    header_encode(want, HEADER_AT, want->alternate, table_at, header);
    return put(d, HEADER_AT, header, 1);
}

static int put_backup(const struct gpt_disk *d, const struct gpt *want)
{
    uint8_t header[GPT_SECTOR];
    uint64_t table_at = want->alternate - GPT_TABLE_SECTORS;
    int table = put(d, table_at, want->table, GPT_TABLE_SECTORS), rc;

    if (table < 0)
        return table;
    header_encode(want, want->alternate, HEADER_AT, table_at, header);
    rc = put(d, want->alternate, header, 1);
    return rc < 0 ? rc : table | rc;
}

/* The table into the sectors that the header does not point to, then the header to there. */
static int put_primary(const struct gpt_disk *d, const struct gpt *want, uint64_t table_at)
{
    int table = put(d, table_at, want->table, GPT_TABLE_SECTORS), rc;

    if (table < 0)
        return table;
    rc = put_header(d, want, table_at);
    return rc < 0 ? rc : table | rc;
}

static int put_mbr(const struct gpt_disk *d)
{
    uint8_t mbr[GPT_SECTOR];
    uint64_t n = d->sectors - 1 > UINT32_MAX ? UINT32_MAX : d->sectors - 1;
    struct writer w = writer_on(mbr + MBR_SECTORS, 4);

    if (d->read(d->ctx, 0, mbr, 1))
        return GPT_EREAD;
    if (mbr[MBR_TYPE] != MBR_PROTECTIVE)
        return GPT_DONE; /* somebody's hybrid table: firmware that reads it knows why */
    wr_le(&w, n, 4);
    return put(d, 0, mbr, 1);
}

/* Steps 2 to 5. */
static int switch_over(const struct gpt_disk *d, const struct gpt *now, const struct gpt *want)
{
    bool differs = memcmp(now->table, want->table, sizeof now->table) != 0;
    int rc = GPT_DONE, back;

    if (differs && now->table_at == TABLE_AT)
        rc = put_primary(d, want, SPARE_AT);
    if (rc < 0)
        return rc;
    back = put_primary(d, want, TABLE_AT);
    return back < 0 ? back : rc | back;
}

int gpt_grow(const struct gpt_disk *d, const uint8_t guid[GPT_GUID_BYTES])
{
    static struct gpt now, want;
    uint64_t first, last;
    unsigned number;
    int rc = gpt_read(&now, d), steps[3];

    if (rc)
        return rc;
    number = gpt_find(&now, guid, &first, &last);
    if (!number || !layout_fits(&now, d, first, last))
        return GPT_ELAYOUT;
    grown(&want, &now, d, number);
    steps[0] = put_backup(d, &want);
    steps[1] = steps[0] < 0 ? steps[0] : switch_over(d, &now, &want);
    steps[2] = steps[1] < 0 ? steps[1] : put_mbr(d);
    return steps[2] < 0 ? steps[2] : steps[0] | steps[1] | steps[2];
}

/* The spare table and the backup have their places to themselves. */
static bool mark_fits(const struct gpt *g, const struct gpt_disk *d)
{
    if (g->alternate >= d->sectors || g->alternate < FIRST_FREE + GPT_TABLE_SECTORS)
        return false;
    for (unsigned i = 0; i < GPT_ENTRIES; i++) {
        const uint8_t *entry = g->table + i * GPT_ENTRY_BYTES;

        if (entry_used(entry) &&
            (entry_field(entry, ENTRY_FIRST) < FIRST_FREE ||
             entry_field(entry, ENTRY_LAST) >= g->alternate - GPT_TABLE_SECTORS))
            return false;
    }
    return true;
}

int gpt_mark(const struct gpt_disk *d, const uint8_t guid[GPT_GUID_BYTES], bool marked)
{
    static struct gpt now, want;
    uint64_t first, last;
    unsigned number;
    uint8_t *byte;
    int rc = gpt_read(&now, d), backup;

    if (rc)
        return rc;
    number = gpt_find(&now, guid, &first, &last);
    if (!number || !mark_fits(&now, d))
        return GPT_ELAYOUT;
    want = now;
    byte = want.table + (number - 1) * GPT_ENTRY_BYTES + ENTRY_MARK;
    *byte = (uint8_t)((*byte & ~1) | marked);
    backup = put_backup(d, &want);
    rc = backup < 0 ? backup : switch_over(d, &now, &want);
    return rc < 0 ? rc : rc | backup;
}
