#include "imaging/pack/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/volume/gpt_move.h"
#include "imaging/volume/marks.h"
#include "imaging/volume/marks_id.h"
#include "imaging/volume/startable.h"

/* The first and the last bytes of a partition are never free: there lie the marks of RAIDs, pools
 * and file systems (ZFS takes 512 KiB at either end), and one that a former owner of the target
 * left there would come alive again. */
#define EDGE_BYTES (UINT64_C(1) << 20)

static void tell(struct usage *u, const char *text)
{
    if (text[0])
        u->note(u->ctx, text);
}

static int by_place(const void *a, const void *b)
{
    const struct img_part *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

static void look_into(struct usage *u, unsigned i)
{
    struct readat volume = input_readat(u->src);
    struct img_part *p = &u->parts.part[i];
    char text[FS_NOTE];

    volume.base = p->first;
    u->volume[i].kind = fs_find(&volume, p, u->parts.table, &u->volume[i].fs, text);
    tell(u, text);
    p->fs = u->volume[i].kind ? u->volume[i].kind->id : IMG_FS_UNKNOWN;
}

/* A disk without a table may be one volume; the image states it as one partition if it is a known
 * one. */
static void whole_disk(struct usage *u)
{
    u->parts.part[0] = (struct img_part){.bytes = u->src->bytes};
    look_into(u, 0);
    u->parts.n = u->volume[0].kind != NULL;
}

/* A volume that stands alone (FAT's name in the code of sector 0) says nothing of the partitions.
 */
static void disk_mark(void *ctx, enum mark_kind kind, const char *what)
{
    const char **owner = ctx;

    if (kind != MARK_VOLUME && !*owner)
        *owner = what;
}

static void disk_unreadable(void *ctx, uint64_t at)
{
    (void)ctx;
    (void)at; /* its sectors are packed, and cannot be */
}

/* Whether the disk as a whole belongs to someone for whom the partitions are but bytes. */
static bool disk_is_owned(struct usage *u, const struct readat *disk)
{
    const char *owner = NULL;
    struct mark_watcher to = {&owner, disk_mark, disk_unreadable};
    char text[FS_NOTE];

    marks_look(disk, u->src->bytes, &to);
    if (!owner)
        return false;
    snprintf(text, sizeof text,
             "the disk bears marks of both a partition table and %s; all of it is packed", owner);
    tell(u, text);
    return true;
}

static void tell_startable(struct usage *u, const struct readat *disk)
{
    char text[200];

    startable_note(&u->parts, disk, text, sizeof text);
    tell(u, text);
}

/* The copy of the table at the end is no data where a restorer would make the very same: a smaller
 * disk can take the image then. */
static void find_copy(struct usage *u, const struct readat *disk)
{
    size_t n = u->src->bytes < IMG_CHUNK_BYTES ? (size_t)u->src->bytes : IMG_CHUNK_BYTES;
    struct {
        uint8_t head[IMG_CHUNK_BYTES], made[IMG_CHUNK_BYTES], tail[GPT_MOVE_TAIL_MAX],
            made_tail[GPT_MOVE_TAIL_MAX];
    } *b = malloc(sizeof *b);
    struct gpt_move m;

    if (b && u->parts.table == IMG_TABLE_GPT && !readat(disk, 0, b->head, n) &&
        gpt_move_make(&m, b->head, n, u->parts.sector_log2, u->src->bytes, NULL) == 1 &&
        !readat(disk, m.tail_at, b->tail, m.tail_bytes)) {
        memcpy(b->made, b->head, n);
        gpt_move_head(&m, b->made);
        gpt_move_tail(&m, b->head, b->made_tail);
        if (!memcmp(b->made, b->head, n) && !memcmp(b->tail, b->made_tail, m.tail_bytes)) {
            u->copy_at = m.tail_at;
            u->copy_bytes = m.tail_bytes;
        }
    }
    free(b);
}

void usage_open(struct usage *u, struct input *src, void (*note)(void *ctx, const char *text),
                void *ctx)
{
    struct readat disk = input_readat(src);

    memset(u, 0, sizeof *u);
    u->src = src;
    u->note = note;
    u->ctx = ctx;
    tell(u, src->note);
    if (src->seekable)
        marks_digest(u->marks, &disk, src->bytes, &u->parts);
    parts_read(&u->parts, &disk, src->seekable ? src->bytes : IMG_MAX_RAW, src->sector_log2);
    u->sector_known = src->sector_log2 && u->parts.table == IMG_TABLE_NONE;
    tell(u, u->parts.note);
    qsort(u->parts.part, u->parts.n, sizeof *u->parts.part, by_place);
    if (!src->seekable) {
        tell(u, "the source is a stream: its free blocks are packed too (unpack it to a file to "
                "leave them out)");
        return;
    }
    tell_startable(u, &disk);
    find_copy(u, &disk);
    if (u->parts.table == IMG_TABLE_NONE)
        whole_disk(u);
    else if (!u->parts.overlap && !disk_is_owned(u, &disk))
        for (unsigned i = 0; i < u->parts.n; i++)
            look_into(u, i);
}

int usage_close(struct usage *u, struct err *e)
{
    bool good = true;

    for (unsigned i = 0; i < u->parts.n; i++)
        if (u->volume[i].fs)
            good &= u->volume[i].kind->close(u->volume[i].fs);
    u->parts.n = 0;
    return good ? 0
                : err_set(e, IMG_EEXT,
                          "the source's records of free blocks changed while it was packed: "
                          "unmount it and pack again");
}

bool usage_set_size(struct usage *u, uint64_t raw_bytes)
{
    unsigned kept = 0, n = u->parts.n;

    for (unsigned i = 0; i < u->parts.n; i++) {
        const struct img_part *p = &u->parts.part[i];

        if (p->first <= raw_bytes && p->bytes <= raw_bytes - p->first)
            u->parts.part[kept++] = *p;
    }
    u->parts.n = kept;
    if (kept < n)
        tell(u, "a partition reaches beyond the end of the source: it may be cut short");
    return kept == n;
}

/* True when [at, *end) is free. */
static bool free_run(struct usage *u, uint64_t at, uint64_t *end)
{
    unsigned low = 0, high = u->parts.n; /* the first partition that ends behind `at` */
    const struct img_part *p;
    bool is_free = false;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (u->parts.part[mid].first + u->parts.part[mid].bytes <= at)
            low = mid + 1;
        else
            high = mid;
    }
    *end = UINT64_MAX;
    if (low == u->parts.n || u->parts.overlap)
        return false;
    p = &u->parts.part[low];
    if (at < p->first) {
        *end = p->first;
        return false;
    }
    if (u->volume[low].fs)
        is_free = u->volume[low].kind->run(u->volume[low].fs, at - p->first, end);
    *end = *end > p->bytes ? p->first + p->bytes : p->first + *end;
    return is_free;
}

static bool all_free(struct usage *u, uint64_t at, uint64_t stop)
{
    while (at < stop)
        if (!free_run(u, at, &at))
            return false;
    return true;
}

/* Whether [at, stop) reaches into the first or last bytes of a partition. */
static bool is_edge(const struct usage *u, uint64_t at, uint64_t stop)
{
    for (unsigned i = 0; i < u->parts.n; i++) {
        const struct img_part *p = &u->parts.part[i];
        uint64_t end = p->first + p->bytes, edge = p->bytes < EDGE_BYTES ? p->bytes : EDGE_BYTES;

        if ((at < p->first + edge && stop > p->first) || (at < end && stop > end - edge))
            return true;
    }
    return false;
}

enum img_state usage_state(struct usage *u, uint32_t number)
{
    uint64_t at = (uint64_t)number * IMG_CHUNK_BYTES;
    uint32_t len = img_raw_len(u->src->bytes, number);

    if (all_free(u, at, at + len))
        return is_edge(u, at, at + len) ? IMG_ZERO : IMG_FREE;
    return input_hole(u->src, at) >= len ? IMG_ZERO : IMG_DATA;
}

void usage_mask(struct usage *u, uint64_t at, uint8_t *raw, size_t n)
{
    uint64_t end, stop = at + n;

    for (uint64_t from = at; from < stop; from = end) {
        bool is_free = free_run(u, from, &end);

        end = end < stop ? end : stop;
        if (is_free)
            memset(raw + (from - at), 0, (size_t)(end - from));
    }
    if (u->copy_bytes && at < u->copy_at + u->copy_bytes && stop > u->copy_at) {
        uint64_t from = at > u->copy_at ? at : u->copy_at, to = u->copy_at + u->copy_bytes;

        memset(raw + (from - at), 0, (size_t)((to < stop ? to : stop) - from));
    }
}

uint64_t usage_min_target(const struct usage *u, uint64_t raw_bytes, uint64_t data_end)
{
    uint64_t end = data_end;

    if (u->parts.table == IMG_TABLE_NONE || u->parts.n == 0)
        return raw_bytes;
    for (unsigned i = 0; i < u->parts.n; i++) {
        const struct img_part *p = &u->parts.part[i];

        if (p->first + p->bytes > end)
            end = p->first + p->bytes;
    }
    return end + u->copy_bytes < raw_bytes ? end + u->copy_bytes : raw_bytes;
}
