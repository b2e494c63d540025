#include "imaging/receive/park.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/receive/pages.h"
#include "net/wire/must.h"

#define CELL 4096u
#define RECORDS 131072u /* chunks parked at once: more than two windows hold */
#define EDGE_CELLS 768u /* kept back for the chunks of the edges, 24 of 32 cells */
#define NONE UINT32_MAX
#define ON_DISK (UINT32_MAX - 1)

struct record {
    struct park_mask mask;
    uint32_t cell; /* first one, or ON_DISK; of a free record: the next free one */
};

struct park {
    struct plan *plan;
    pthread_mutex_t lock; /* guards the two free lists */
    uint32_t *at;         /* by ordinal: record, or NONE */
    struct record *records;
    uint8_t *cells;
    uint32_t *next; /* by cell */
    uint32_t n_cells, free_cells, free_cell, free_record;
};

int park_open(struct park **out, struct plan *plan, size_t bytes, struct err *err)
{
    struct park *p = calloc(1, sizeof *p);

    *out = NULL;
    if (!p)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for incomplete chunks");
    p->plan = plan;
    p->n_cells = p->free_cells = (uint32_t)(bytes / CELL) + EDGE_CELLS;
    pthread_mutex_init(&p->lock, NULL);
    p->at = malloc((plan->body->ndata + 1u) * sizeof *p->at);
    p->records = malloc(RECORDS * sizeof *p->records);
    p->cells = pages_take((size_t)p->n_cells * CELL);
    p->next = malloc(p->n_cells * sizeof *p->next);
    if (!p->at || !p->records || !p->cells || !p->next) {
        park_close(p);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for incomplete chunks");
    }
    memset(p->at, 0xff, (plan->body->ndata + 1u) * sizeof *p->at);
    for (uint32_t i = 0; i < p->n_cells; i++)
        p->next[i] = i + 1 < p->n_cells ? i + 1 : NONE;
    for (uint32_t i = 0; i < RECORDS; i++)
        p->records[i].cell = i + 1 < RECORDS ? i + 1 : NONE;
    *out = p;
    return 0;
}

void park_close(struct park *p)
{
    if (!p)
        return;
    free(p->at);
    free(p->records);
    free(p->cells);
    free(p->next);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static uint32_t cells_of(const struct park *p, uint32_t ordinal)
{
    return (p->plan->body->data[ordinal].stored + CELL - 1) / CELL;
}

/* Bytes of a parked chunk on the disk: whole sectors, but nothing beyond the chunk's own place. */
static size_t disk_bytes(const struct park *p, uint32_t ordinal)
{
    size_t n = (size_t)cells_of(p, ordinal) * CELL;
    uint32_t raw = plan_raw_len(p->plan, ordinal);

    return n < raw ? n : raw;
}

static uint64_t place(const struct park *p, uint32_t ordinal)
{
    return (uint64_t)p->plan->body->data[ordinal].number * IMG_CHUNK_BYTES;
}

/* Takes n linked cells off the free list; NONE when there are too few. */
static uint32_t take_cells(struct park *p, uint32_t n, bool edge)
{
    uint32_t first = NONE, last;

    pthread_mutex_lock(&p->lock);
    if (p->free_cells >= n + (edge ? 0 : EDGE_CELLS)) {
        first = last = p->free_cell;
        for (uint32_t i = 1; i < n; i++)
            last = p->next[last];
        p->free_cell = p->next[last];
        p->next[last] = NONE;
        p->free_cells -= n;
    }
    pthread_mutex_unlock(&p->lock);
    return first;
}

static void give_cells(struct park *p, uint32_t first)
{
    uint32_t last = first, n = 1;

    pthread_mutex_lock(&p->lock);
    for (; p->next[last] != NONE; n++)
        last = p->next[last];
    p->next[last] = p->free_cell;
    p->free_cell = first;
    p->free_cells += n;
    pthread_mutex_unlock(&p->lock);
}

bool park_get(struct park *p, uint32_t ordinal, uint8_t *stored, struct park_mask *mask)
{
    const struct record *r;
    struct err err = {0};
    size_t at = 0;

    if (p->at[ordinal] == NONE)
        return false;
    r = p->records + p->at[ordinal];
    *mask = r->mask;
    if (r->cell == ON_DISK) {
        if (p->plan->disk->ops->read(p->plan->disk->ctx, stored, disk_bytes(p, ordinal),
                                     place(p, ordinal), &err))
            plan_fail(p->plan, &err);
        return true;
    }
    for (uint32_t c = r->cell; c != NONE; c = p->next[c], at += CELL)
        memcpy(stored + at, p->cells + (size_t)c * CELL, CELL);
    return true;
}

static uint32_t take_record(struct park *p)
{
    uint32_t i;

    pthread_mutex_lock(&p->lock);
    i = p->free_record;
    if (i != NONE)
        p->free_record = p->records[i].cell;
    pthread_mutex_unlock(&p->lock);
    return i;
}

static bool put_on_disk(struct park *p, uint32_t ordinal, uint8_t *stored)
{
    struct disk_part part = {stored, disk_bytes(p, ordinal)};
    uint32_t n = p->plan->body->data[ordinal].stored;
    struct err err = {0};

    while (!atomic_load(&p->plan->ready) && !plan_stopped(p->plan))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    memset(stored + n, 0, part.n - n);
    if (p->plan->disk->ops->write(p->plan->disk->ctx, &part, 1, place(p, ordinal), &err)) {
        plan_fail(p->plan, &err);
        return false;
    }
    atomic_fetch_add(&p->plan->counts.parked_disk, 1);
    return true;
}

bool park_put(struct park *p, uint32_t ordinal, uint8_t *stored, const struct park_mask *mask)
{
    bool edge = plan_edge(p->plan, ordinal);
    struct record *r;
    size_t at = 0;

    if (p->at[ordinal] == NONE) {
        uint32_t i = take_record(p);

        if (i == NONE)
            return false;
        p->at[ordinal] = i;
        r = p->records + i;
        r->cell = take_cells(p, cells_of(p, ordinal), edge);
        if (r->cell == NONE)
            r->cell = ON_DISK;
        else
            atomic_fetch_add(&p->plan->counts.parked_ram, 1);
    }
    r = p->records + p->at[ordinal];
    r->mask = *mask;
    if (r->cell == ON_DISK) {
        if (!edge && put_on_disk(p, ordinal, stored))
            return true;
        park_drop(p, ordinal);
        return false;
    }
    for (uint32_t c = r->cell; c != NONE; c = p->next[c], at += CELL)
        memcpy(p->cells + (size_t)c * CELL, stored + at, CELL);
    return true;
}

void park_drop(struct park *p, uint32_t ordinal)
{
    uint32_t i = p->at[ordinal];

    if (i == NONE)
        return;
    if (p->records[i].cell != ON_DISK)
        give_cells(p, p->records[i].cell);
    p->at[ordinal] = NONE;
    pthread_mutex_lock(&p->lock);
    p->records[i].cell = p->free_record;
    p->free_record = i;
    pthread_mutex_unlock(&p->lock);
}
