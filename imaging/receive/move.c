#include "imaging/receive/move.h"

#include <string.h>

bool move_may_be(const struct plan *p)
{
    return p->head->table == IMG_TABLE_GPT &&
           (p->disk->bytes != p->head->raw_bytes || p->head->info[IMG_INFO_COPY] == 1);
}

void move_plan(struct move *m, struct plan *p, const uint8_t *first_chunk, uint32_t n)
{
    struct err why = {0};
    int rc;

    memset(m, 0, sizeof *m);
    m->plan = p;
    if (!move_may_be(p))
        return;
    rc = (p->head->info[IMG_INFO_COPY] == 1
              ? gpt_move_make
              : gpt_move_plan)(&m->gpt, first_chunk, n, p->head->sector_log2, p->disk->bytes, &why);
    m->wanted = rc == 1;
    if (m->wanted)
        p->moved_at = m->gpt.tail_at;
    if (rc < 0 || (rc && p->disk->bytes != p->head->raw_bytes))
        atomic_store(&p->counts.table, rc == 1 ? TABLE_MOVED : TABLE_LEFT);
}

/* The disk from `at` to its end: what is there, with the copy laid over it. */
static int with_tail(struct move *m, const uint8_t *first_chunk, uint64_t at, uint8_t *bytes,
                     size_t n, struct err *err)
{
    const struct disk *d = m->plan->disk;
    int rc = d->ops->read(d->ctx, bytes, n, at, err);

    if (!rc)
        gpt_move_tail(&m->gpt, first_chunk, bytes + (m->gpt.tail_at - at));
    return rc;
}

int move_tail(struct move *m, const uint8_t *first_chunk, uint8_t *a, uint8_t *b, struct err *err)
{
    const struct disk *d = m->plan->disk;
    uint64_t at = m->gpt.tail_at & ~(uint64_t)(DISK_ALIGN - 1);
    size_t n = (size_t)(d->bytes - at);
    struct disk_part part = {a, n};
    int rc = n > IMG_CHUNK_BYTES
                 ? err_set(err, RECEIVE_EREADBACK, "the end of the disk is not where it was")
                 : with_tail(m, first_chunk, at, a, n, err);

    if (!rc)
        rc = d->ops->write(d->ctx, &part, 1, at, err);
    if (!rc)
        rc = d->ops->flush(d->ctx, err);
    if (!rc && m->plan->verify)
        rc = d->ops->read(d->ctx, b, n, at, err);
    if (!rc && m->plan->verify && memcmp(a, b, n))
        rc = err_set(err, RECEIVE_EREADBACK,
                     "the target returns another partition table than was written at byte %llu",
                     (unsigned long long)m->gpt.tail_at);
    return rc;
}

void move_head(struct move *m, uint8_t *first_chunk)
{
    memcpy(m->image, first_chunk, 2 * m->gpt.sector);
    gpt_move_head(&m->gpt, first_chunk);
}

bool move_undo(const struct move *m, uint8_t *back, const uint8_t *first_chunk)
{
    if (memcmp(back, first_chunk, 2 * m->gpt.sector))
        return false;
    memcpy(back, m->image, 2 * m->gpt.sector);
    return true;
}
