#include "imaging/receive/keep.h"

#include <stdlib.h>
#include <string.h>

#include "imaging/hash/sha256.h"

#define STEP 8u /* chunks read at once */

struct scan {
    struct plan *plan;
    struct store *store;
    uint8_t *buf;
};

static void keep_chunk(struct scan *s, uint32_t ordinal, const uint8_t *raw)
{
    struct plan *p = s->plan;
    const struct img_body *b = p->body;

    plan_set(p, ordinal, CHUNK_PROVEN);
    atomic_fetch_sub(&p->open[img_sbn_of_chunk(b, img_window_of_chunk(b, ordinal), ordinal)], 1);
    atomic_fetch_add(&p->counts.kept, 1);
    if (plan_edge(p, ordinal))
        store_keep_edge(s->store, ordinal, raw);
}

/* Looks at n neighbours from `ordinal` on; *right counts those that hash right, which are kept if
 * `keep`. What cannot be read is not right: writing it may well heal it, and read-back will tell.
 */
static void look(struct scan *s, uint32_t ordinal, uint32_t n, bool keep, uint32_t *right)
{
    struct plan *p = s->plan;
    const struct img_chunk *c = p->body->data + ordinal;
    uint32_t last = plan_raw_len(p, ordinal + n - 1);
    uint8_t hash[SHA256_BYTES];
    struct err ignored = {0};

    if (p->disk->ops->read(p->disk->ctx, s->buf, (size_t)(n - 1) * IMG_CHUNK_BYTES + last,
                           (uint64_t)c->number * IMG_CHUNK_BYTES, &ignored))
        return;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *raw = s->buf + (size_t)i * IMG_CHUNK_BYTES;

        chunk_hash(hash, raw, i + 1 < n ? IMG_CHUNK_BYTES : last);
        if (memcmp(hash, c[i].hash, sizeof hash))
            continue;
        (*right)++;
        if (keep)
            keep_chunk(s, ordinal + i, raw);
    }
}

static bool any_right(struct scan *s)
{
    uint32_t n = s->plan->body->ndata, samples = n < KEEP_SAMPLES ? n : KEEP_SAMPLES, right = 0;

    for (uint32_t i = 0; i < samples && right == 0; i++)
        look(s, (uint32_t)((uint64_t)i * n / samples), 1, false, &right);
    return right > 0;
}

static int scan_all(struct scan *s, keep_progress *progress, void *ctx, struct err *err)
{
    const struct img_body *b = s->plan->body;
    uint32_t right = 0;
    int rc = 0;

    for (uint32_t i = 0, n; i < b->ndata && !rc; i += n) {
        for (n = 1; n < STEP && i + n < b->ndata; n++)
            if (b->data[i + n].number != b->data[i].number + n)
                break;
        look(s, i, n, true, &right);
        if (progress && i % 64 < n && !progress(ctx, (unsigned)((uint64_t)i * 1000 / b->ndata)))
            rc = err_set(err, RECEIVE_EINTR, "interrupted");
    }
    return rc;
}

int keep_scan(struct plan *plan, struct store *store, keep_progress *progress, void *ctx,
              struct err *err)
{
    struct scan s = {plan, store, aligned_alloc(DISK_ALIGN, (size_t)STEP * IMG_CHUNK_BYTES)};
    int rc;

    if (plan->disk->blank || plan->body->ndata == 0) {
        free(s.buf);
        return 0;
    }
    if (!s.buf)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory to look at the target");
    rc = any_right(&s) ? scan_all(&s, progress, ctx, err) : 0;
    free(s.buf);
    return rc;
}
