/* What is a machine's own (own.h): who asks gets a place here, its answer is gathered and signed by
 * a job, and the session server asks again until it is there. The control thread reads no file and
 * signs nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/box/orders/room_inside.h"
#include "board/core/own.h"
#include "board/errors/box.h"
#include "imaging/image/sign.h"
#include "net/os/clock.h"
#include "net/wire/must.h"

#define PLACES 64 /* as many as the session port has connections */
/* an answer is not given out later: as long as a connection is kept */
#define KEPT_NS (5 * MONO_S)
/* it is fetched in the same turn of the control thread, unless the machine has gone */
#define FETCH_NS (250 * MONO_MS)

enum place_state { PLACE_FREE, PLACE_UNDER_WAY, PLACE_READY };

struct place {
    struct job job;
    enum place_state state;
    struct mono since; /* READY */
    struct session_ask ask;
    const struct sign_key *key;
    char folder[512]; /* "": nowhere */
    struct own own;
    struct session_own answer;
    struct err err;
};

struct room_owns {
    struct place place[PLACES];
};

struct room_owns *room_owns_make(void)
{
    return calloc(1, sizeof(struct room_owns));
}

/* ---- the job ---- */

static int place_gather(struct place *p)
{
    int n = own_gather(&p->own, p->folder[0] ? p->folder : NULL, p->ask.mac, &p->err);

    if (n == 0)
        n = own_encode(&p->own, p->answer.bytes, sizeof p->answer.bytes);
    if (n == PC_EOWN)
        err_set(&p->err, n, "expected files for a machine of %d bytes in all", SESSION_OWN_MAX);
    return n;
}

static void place_run(void *ctx)
{
    struct place *p = ctx;
    uint8_t hash[IMG_HASH_BYTES];
    int n = place_gather(p);

    if (n < 0) {
        err_set(&p->err, n, "what is this machine's own cannot be told");
        return;
    }
    p->answer.n = (size_t)n;
    own_hash(&p->ask, p->answer.bytes, p->answer.n, hash);
    (void)sign_hash(p->key, hash, p->answer.signature, &p->err);
}

static void place_done(void *ctx)
{
    struct place *p = ctx;

    p->state = PLACE_READY;
    p->since = clock_now();
}

/* ---- who asks ---- */

static bool place_is_of(const struct place *p, const struct session_ask *a)
{
    return p->state != PLACE_FREE && memcmp(p->ask.mac, a->mac, sizeof a->mac) == 0 &&
           memcmp(p->ask.id, a->id, sizeof a->id) == 0;
}

static struct place *place_find(struct room_owns *o, const struct session_ask *a)
{
    for (struct place *p = o->place; p < o->place + PLACES; p++)
        if (place_is_of(p, a))
            return p;
    return NULL;
}

/* A free place, else the one whose answer has not been fetched for longest; NULL: all are under way
 * or about to be fetched. */
static struct place *place_spare(struct room_owns *o)
{
    struct mono now = clock_now();
    struct place *oldest = NULL;

    for (struct place *p = o->place; p < o->place + PLACES; p++) {
        if (p->state == PLACE_FREE)
            return p;
        if (p->state == PLACE_READY && mono_sub(now, p->since) > FETCH_NS &&
            (!oldest || mono_sub(oldest->since, p->since) > 0))
            oldest = p;
    }
    return oldest;
}

static void add_disks(const struct room *r, const uint8_t mac[6], bool listed, struct own *own)
{
    const struct serve *s = r->needs.serve;
    uint8_t marks[OWN_WRITTEN_MAX][IMG_MARKS_BYTES];
    unsigned n = 0;

    for (unsigned i = 0; i < s->n_streams && n < OWN_WRITTEN_MAX; i++)
        if (s->streams[i].session.name[0])
            memcpy(marks[n++], s->streams[i].file.head.info + IMG_INFO_MARKS, IMG_MARKS_BYTES);
    if (r->needs.disks)
        disks_own(r->needs.disks, mac, listed, (const uint8_t(*)[IMG_MARKS_BYTES])marks, n, own);
}

/* What the tables say is noted now, the rest is the job's. False: too many are under way. */
static bool place_begin(struct room *r, const struct session_ask *a)
{
    const struct expected_row *row = expected_look(r->list, a->mac);
    struct place *p = place_spare(r->owns);

    if (!p)
        return false;
    MUST(r->jobs);
    memset(p, 0, sizeof *p);
    p->ask = *a;
    p->key = r->needs.key;
    if (row)
        memcpy(p->own.host, row->host, sizeof p->own.host);
    add_disks(r, a->mac, row != NULL, &p->own);
    if (r->needs.config_path)
        room_beside(r, "personal", p->folder, sizeof p->folder);
    if (!job_post(r->jobs, JOB_ANSWER, &p->job, place_run, place_done, p))
        return false;
    p->state = PLACE_UNDER_WAY;
    return true;
}

int room_own_answer(struct room *r, const struct session_ask *a, struct session_own *answer,
                    struct err *err)
{
    struct place *p = place_find(r->owns, a);

    /* of facts that may have changed */
    if (p && p->state == PLACE_READY && mono_sub(clock_now(), p->since) > KEPT_NS) {
        p->state = PLACE_FREE;
        p = NULL;
    }
    if (!p && !place_begin(r, a))
        return err_set(err, PC_EFULL, "too many machines ask at this moment");
    if (!p || p->state == PLACE_UNDER_WAY)
        return SESSION_EWAIT;
    p->state = PLACE_FREE;
    if (p->err.code)
        return err_set(err, p->err.code, "%s", p->err.text);
    *answer = p->answer;
    return 0;
}
