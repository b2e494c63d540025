#include "imaging/receive/edges.h"

#include <stdlib.h>
#include <string.h>

void edges_of(const struct plan *p, struct edge edge[3])
{
    uint64_t ends[2] = {plan_end(p), p->disk->bytes};

    edge[0] = (struct edge){0, EDGE_BYTES < p->disk->bytes ? EDGE_BYTES : p->disk->bytes};
    for (int i = 0; i < 2; i++)
        edge[i + 1] = (struct edge){ends[i] > EDGE_BYTES
                                        ? (ends[i] - EDGE_BYTES) & ~(uint64_t)(DISK_ALIGN - 1)
                                        : 0,
                                    ends[i]};
}

static int edge_check(struct plan *p, const struct edge *e, uint8_t *buf, struct err *err)
{
    int rc = 0;

    for (uint64_t at = e->at; at < e->end && !rc; at += IMG_CHUNK_BYTES) {
        size_t n = e->end - at < IMG_CHUNK_BYTES ? (size_t)(e->end - at) : IMG_CHUNK_BYTES;

        rc = p->disk->ops->read(p->disk->ctx, buf, n, at, err);
        if (!rc && (buf[0] || memcmp(buf, buf + 1, n - 1)))
            rc = err_set(err, RECEIVE_EREADBACK,
                         "the target does not return the zeros written at byte %llu",
                         (unsigned long long)at);
    }
    return rc;
}

/* A disk that says yes to zeros and keeps what it has would go on looking like a good one. */
int edges_check(struct plan *p, struct err *err)
{
    uint8_t *buf = p->verify ? aligned_alloc(DISK_ALIGN, IMG_CHUNK_BYTES) : NULL;
    struct edge edge[3];
    int rc = buf || !p->verify ? 0
                               : err_set(err, RECEIVE_EMEMORY,
                                         "not enough memory to look at the edges of the disk");

    edges_of(p, edge);
    for (int i = 0; i < 3 && p->verify && !rc; i++)
        rc = edge_check(p, &edge[i], buf, err);
    free(buf);
    return rc;
}

int edges_blank(struct plan *p, struct err *err)
{
    struct edge edge[3];
    int rc = 0;

    edges_of(p, edge);
    atomic_store(&p->touched, true);
    for (uint32_t i = 0; i < p->body->ndata; i++)
        if (plan_edge(p, i) && plan_finished(p, i))
            plan_set(p, i, CHUNK_RIGHT);
    for (int i = 0; i < 3 && !rc; i++)
        rc = p->disk->ops->zero(p->disk->ctx, edge[i].at, edge[i].end - edge[i].at, err);
    if (!rc)
        rc = p->disk->ops->flush(p->disk->ctx, err);
    return rc ? rc : edges_check(p, err);
}
