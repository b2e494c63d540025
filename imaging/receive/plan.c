#include "imaging/receive/plan.h"

#include <stdlib.h>
#include <string.h>

int plan_make(struct plan *p, const struct img_head *head, const struct img_body *body,
              struct disk *disk, bool verify, struct err *err)
{
    memset(p, 0, sizeof *p);
    p->head = head;
    p->body = body;
    p->disk = disk;
    p->verify = verify;
    p->moved_at = UINT64_MAX;
    p->ready = true;
    pthread_mutex_init(&p->fail_lock, NULL);
    p->chunk = calloc(body->ndata + 1u, sizeof *p->chunk);
    p->open = calloc(body->nblocks + 1u, sizeof *p->open);
    if (!p->chunk || !p->open) {
        plan_free(p);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for the states of %u chunks",
                       body->ndata);
    }
    for (uint32_t sbn = 0; sbn < body->nblocks; sbn++)
        p->open[sbn] = body->block_first[sbn + 1] - body->block_first[sbn];
    return 0;
}

void plan_free(struct plan *p)
{
    free(p->chunk);
    free(p->open);
    p->chunk = NULL;
    p->open = NULL;
    pthread_mutex_destroy(&p->fail_lock);
}

void plan_fail(struct plan *p, const struct err *why)
{
    pthread_mutex_lock(&p->fail_lock);
    if (!p->fail.code)
        p->fail = *why;
    pthread_mutex_unlock(&p->fail_lock);
    atomic_store(&p->stop, true);
}

int plan_why(struct plan *p, struct err *err)
{
    int code;

    pthread_mutex_lock(&p->fail_lock);
    code = p->fail.code;
    if (code)
        err_set(err, code, "%s", p->fail.text);
    else if (plan_stopped(p))
        code = err_set(err, RECEIVE_EINTR, "stopped");
    pthread_mutex_unlock(&p->fail_lock);
    return code;
}

bool plan_edge(const struct plan *p, uint32_t ordinal)
{
    uint64_t at = (uint64_t)p->body->data[ordinal].number * IMG_CHUNK_BYTES;
    uint64_t end = at + plan_raw_len(p, ordinal);

    return at < EDGE_BYTES || end + EDGE_BYTES > plan_end(p);
}

int plan_judge(const struct plan *p, bool edges, struct err *err)
{
    enum chunk_state least = p->verify ? CHUNK_PROVEN : CHUNK_WRITTEN;

    for (uint32_t i = 0; i < p->body->ndata; i++)
        if (plan_chunk(p, i) < least && (edges || !plan_edge(p, i)))
            return err_set(err, RECEIVE_EUNPROVEN, "chunk %u was not proven to be on the target",
                           p->body->data[i].number);
    return 0;
}
