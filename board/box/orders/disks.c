#include "board/box/orders/disks.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define VERSION 1
#define NAMED 1
#define STORE_PAUSE (10 * MONO_S) /* between two records of one machine */
#define STORES_A_SECOND 16

static const uint8_t no_marks[IMG_MARKS_BYTES];

/* ---- rows ---- */

static uint16_t *bucket_of(struct disks *d, const uint8_t mac[6])
{
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    return &d->bucket[(h ^ h >> 16) % (DISKS_ROWS_MAX / 2)];
}

static struct disks_row *row_find(const struct disks *d, const uint8_t mac[6])
{
    struct disks *all = (struct disks *)(uintptr_t)d;
    unsigned i = *bucket_of(all, mac);

    while (i && memcmp(all->row[i - 1].mac, mac, 6) != 0)
        i = all->row[i - 1].next;
    return i ? &all->row[i - 1] : NULL;
}

/* The row that may be given to another machine; NULL: none. */
static struct disks_row *row_spare(struct disks *d)
{
    struct disks_row *oldest = NULL;

    for (unsigned i = 0; i < d->n; i++)
        if (!d->row[i].n_written && !d->row[i].named &&
            (!oldest || d->row[i].changed < oldest->changed))
            oldest = &d->row[i];
    return oldest;
}

static void row_unlink(struct disks *d, const struct disks_row *row)
{
    uint16_t *at = bucket_of(d, row->mac);

    while (*at != 1 + (row - d->row))
        at = &d->row[*at - 1].next;
    *at = row->next;
}

/* The row that `mac` takes, its own or a free one; NULL: all are taken. */
static struct disks_row *row_take(struct disks *d, const uint8_t mac[6])
{
    struct disks_row *row = row_find(d, mac);
    uint16_t *bucket;

    if (row)
        return row;
    row = d->n < DISKS_ROWS_MAX ? &d->row[d->n++] : row_spare(d);
    if (!row)
        return NULL;
    if (d->n == DISKS_ROWS_MAX && row->changed) {
        row_unlink(d, row);
        d->dirty -= row->dirty;
        if (d->store)
            d->store(d->ctx, row->mac, NULL, 0);
    }
    memset(row, 0, sizeof *row);
    memcpy(row->mac, mac, 6);
    bucket = bucket_of(d, mac);
    row->next = *bucket;
    *bucket = (uint16_t)(1 + (row - d->row));
    row->changed = ++d->counter;
    return row;
}

static void row_touch(struct disks *d, struct disks_row *row)
{
    row->changed = ++d->counter;
    d->dirty += !row->dirty;
    row->dirty = true;
}

/* ---- values ---- */

static void text_write(struct writer *w, const char *s)
{
    wr_u8(w, strlen(s));
    wr_copy(w, s, strlen(s));
}

static bool text_read(struct reader *r, char to[DISK_SERIAL_MAX + 1])
{
    size_t n = rd_u8(r);
    const uint8_t *p = n <= DISK_SERIAL_MAX ? rd_bytes(r, n) : NULL;

    if (!p || !utf8_is_plain(p, n))
        return false;
    memcpy(to, p, n);
    to[n] = 0;
    return true;
}

static void row_store(struct disks *d, struct disks_row *row)
{
    uint8_t value[DISKS_VALUE_MAX];
    struct writer w = writer_on(value, sizeof value);

    wr_u8(&w, VERSION);
    wr_u8(&w, row->named ? NAMED : 0);
    wr_u32(&w, row->changed);
    wr_u8(&w, row->n_known);
    for (unsigned i = 0; i < row->n_known; i++) {
        wr_u64(&w, row->known[i].bytes);
        text_write(&w, row->known[i].text);
    }
    wr_u8(&w, row->n_written);
    for (unsigned i = 0; i < row->n_written; i++) {
        text_write(&w, row->written[i].serial);
        wr_copy(&w, row->written[i].marks, IMG_MARKS_BYTES);
    }
    MUST(!w.bad);
    d->dirty -= row->dirty;
    row->dirty = false;
    if (d->store)
        d->store(d->ctx, row->mac, value, w.done);
}

static bool row_read(struct disks_row *row, const uint8_t *value, size_t n)
{
    struct reader r = reader_on(value, n);
    unsigned version = rd_u8(&r), flags = rd_u8(&r);
    bool legal = version == VERSION && flags <= NAMED;

    row->named = flags & NAMED;
    row->changed = rd_u32(&r);
    row->n_known = rd_u8(&r);
    legal = legal && row->n_known <= OWN_KNOWN_MAX;
    for (unsigned i = 0; legal && i < row->n_known; i++) {
        row->known[i].bytes = rd_u64(&r);
        legal = text_read(&r, row->known[i].text);
    }
    row->n_written = rd_u8(&r);
    legal = legal && row->n_written <= DISKS_WRITTEN_MAX;
    for (unsigned i = 0; legal && i < row->n_written; i++) {
        legal = text_read(&r, row->written[i].serial);
        rd_copy(&r, row->written[i].marks, IMG_MARKS_BYTES);
    }
    return legal && rd_done(&r);
}

bool disks_restore(struct disks *d, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n)
{
    struct disks_row read = {0}, *row;

    if (nkey != DISKS_KEY_BYTES || !row_read(&read, value, n))
        return false;
    row = row_take(d, key);
    if (!row)
        return true;
    memcpy(read.mac, row->mac, 6);
    read.next = row->next;
    *row = read;
    d->counter = row->changed > d->counter ? row->changed : d->counter;
    return true;
}

/* ---- what happens ---- */

static bool same_disk(const struct disk_known *a, const struct disk_known *b)
{
    return a->bytes == b->bytes && strcmp(a->text, b->text) == 0;
}

/* How often the list has the disk: two disks may look alike. */
static unsigned count_of(const struct disk_known *list, unsigned n, const struct disk_known *disk)
{
    unsigned count = 0;

    for (unsigned i = 0; i < n; i++)
        count += same_disk(&list[i], disk);
    return count;
}

/* What is known stays known; what is new comes to it. */
static bool add_known(struct disks_row *row, const struct disk_known *told, unsigned n)
{
    bool more = false;

    for (unsigned i = 0; i < n && row->n_known < OWN_KNOWN_MAX; i++)
        if (count_of(told, i + 1, &told[i]) > count_of(row->known, row->n_known, &told[i])) {
            row->known[row->n_known++] = told[i];
            more = true;
        }
    return more;
}

static void on_told(struct disks *d, struct disks_row *row, const struct session_info *info)
{
    struct disk_known told[SESSION_INSIDE_MAX] = {{0}};

    for (unsigned i = 0; i < info->n_inside; i++) {
        told[i].bytes = info->inside[i].bytes;
        memcpy(told[i].text, info->inside[i].text, sizeof told[i].text);
    }
    memcpy(row->serial, info->disk_serial, sizeof row->serial);
    row->told = true;
    if (add_known(row, told, info->n_inside))
        row_touch(d, row);
}

/* The disk has the marks of this image now, and no others. */
static bool set_written(struct disks_row *row, const uint8_t marks[IMG_MARKS_BYTES])
{
    struct disk_written now = {0};
    unsigned at = 0;

    memcpy(now.serial, row->serial, sizeof now.serial);
    memcpy(now.marks, marks, sizeof now.marks);
    while (at < row->n_written && strcmp(row->written[at].serial, row->serial) != 0)
        at++;
    if (at < row->n_written && memcmp(row->written[at].marks, marks, IMG_MARKS_BYTES) == 0)
        return false;
    if (at < row->n_written)
        memmove(row->written + at, row->written + at + 1,
                (--row->n_written - at) * sizeof *row->written);
    else if (memcmp(marks, no_marks, IMG_MARKS_BYTES) == 0)
        return false;
    if (memcmp(marks, no_marks, IMG_MARKS_BYTES) == 0)
        return true;
    row->n_written -= row->n_written == DISKS_WRITTEN_MAX;
    memmove(row->written + 1, row->written, row->n_written * sizeof *row->written);
    row->written[0] = now;
    row->n_written++;
    return true;
}

static void on_pass(struct disks *d, struct disks_row *row, const uint8_t marks[IMG_MARKS_BYTES])
{
    bool was_named = row->named;

    row->named = false;
    if (set_written(row, marks) || was_named)
        row_touch(d, row);
}

void disks_event(struct disks *d, const struct session_event *e, const struct img_head *head)
{
    bool told = e->what == SESSION_TOLD && e->info->n_inside;
    struct disks_row *row;

    if (!e->receiver || (!told && e->what != SESSION_STATE))
        return;
    row = told ? row_take(d, e->receiver->mac) : row_find(d, e->receiver->mac);
    if (row && told)
        on_told(d, row, e->info);
    if (row && e->receiver->facts.state == SESSION_PASS && row->told)
        on_pass(d, row, head->info + IMG_INFO_MARKS);
}

void disks_named(struct disks *d, const uint8_t mac[6])
{
    struct disks_row *row = row_take(d, mac);

    if (!row)
        return;
    row->named = true;
    row->n_known = 0;
    row_touch(d, row);
}

void disks_tick(struct disks *d, struct mono now)
{
    unsigned stored = 0;

    if (!d->dirty || mono_sub(now, d->second) < MONO_S)
        return;
    d->second = now;
    for (unsigned i = 0; i < d->n && stored < STORES_A_SECOND && d->dirty; i++) {
        struct disks_row *row = &d->row[d->at = (d->at + 1) % d->n];

        if (!row->dirty || (row->stored.ns && mono_sub(now, row->stored) < STORE_PAUSE))
            continue;
        row->stored = now;
        row_store(d, row);
        stored++;
    }
}

void disks_flush(struct disks *d)
{
    for (unsigned i = 0; i < d->n && d->dirty; i++)
        if (d->row[i].dirty)
            row_store(d, &d->row[i]);
}

/* ---- what a machine is told ---- */

static void add_written(struct own *own, const char *serial, const uint8_t marks[IMG_MARKS_BYTES])
{
    struct disk_written *to = &own->written[own->n_written];

    if (own->n_written == OWN_WRITTEN_MAX || memcmp(marks, no_marks, IMG_MARKS_BYTES) == 0)
        return;
    memset(to, 0, sizeof *to);
    memcpy(to->serial, serial, strlen(serial));
    memcpy(to->marks, marks, IMG_MARKS_BYTES);
    own->n_written++;
}

void disks_own(const struct disks *d, const uint8_t mac[6], bool listed,
               const uint8_t (*marks)[IMG_MARKS_BYTES], unsigned n, struct own *own)
{
    const struct disks_row *row = row_find(d, mac);
    bool named = listed || (row && row->named);

    for (unsigned i = 0; row && i < row->n_written; i++)
        if (named || row->written[i].serial[0])
            add_written(own, named ? "" : row->written[i].serial, row->written[i].marks);
    for (unsigned i = 0; named && i < n; i++)
        add_written(own, "", marks[i]);
    own->n_known = row ? row->n_known : 0;
    if (row)
        memcpy(own->known, row->known, sizeof own->known);
}
