#include "board/box/resume.h"

#include <string.h>

#include "net/os/random.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define VALUE_BYTES (2 + 4 + SESSION_KEY_BYTES)

enum told resume_restore(struct resume *r, const uint8_t *key, size_t nkey, const uint8_t *value,
                         size_t nvalue)
{
    struct resume_session s = {0};
    struct reader in = reader_on(value, nvalue);

    s.tsi = rd_u16(&in);
    s.group = rd_u32(&in);
    rd_copy(&in, s.key, sizeof s.key);
    if (!rd_done(&in) || nkey != IMG_HASH_BYTES || !s.tsi || s.group >> 28 != 14)
        return TOLD_BROKEN;
    if (r->n == RESUME_MAX) /* a session more than there can be: it is begun anew */
        return TOLD_KNOWN;
    memcpy(s.image, key, sizeof s.image);
    r->session[r->n++] = s;
    return TOLD_KNOWN;
}

/* By a stream that is there: the one that is being made may stand in an empty place among the
 * others. */
static bool tsi_in_use(uint16_t tsi, const struct stream *others, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (others[i].send && others[i].session.welcome.tsi == tsi)
            return true;
    return tsi == 0;
}

static bool group_in_use(uint32_t group, const struct stream *others, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (others[i].send && others[i].session.welcome.group == group)
            return true;
    return false;
}

/* Waits for its stream, which may still be being packed. */
static bool is_reserved(const struct resume *r, uint16_t tsi, uint32_t group)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->session[i].group == group || r->session[i].tsi == tsi)
            return true;
    return false;
}

static void put_down(struct resume *r, struct journal *j, const struct resume_session *s)
{
    uint8_t value[VALUE_BYTES];
    struct writer w = writer_on(value, sizeof value);

    wr_u16(&w, s->tsi);
    wr_u32(&w, s->group);
    wr_copy(&w, s->key, sizeof s->key);
    MUST(!w.bad);
    if (r->n < RESUME_MAX)
        r->session[r->n++] = *s;
    if (j)
        (void)journal_put(j, JOURNAL_SESSION, s->image, sizeof s->image, value, sizeof value);
}

/* The session of the last run; NULL when there is none, or when its group lies outside of what is
 * configured now. */
static struct resume_session *last_of(struct resume *r, const struct stream *st,
                                      uint32_t first_group)
{
    for (unsigned i = 0; i < r->n; i++)
        if (!r->session[i].taken && memcmp(r->session[i].image, st->file.id, IMG_HASH_BYTES) == 0 &&
            r->session[i].group - first_group < CONFIG_IMAGES_MAX)
            return &r->session[i];
    return NULL;
}

/* A group and a TSI that the others do not have, and better not the sessions still to be resumed
 * either. */
static void make_new(const struct resume *r, struct session_welcome *w, const struct stream *others,
                     unsigned n, uint32_t first_group)
{
    for (unsigned i = 0; i < 2 * CONFIG_IMAGES_MAX; i++) {
        w->group = first_group + i % CONFIG_IMAGES_MAX;
        if (!group_in_use(w->group, others, n) &&
            (i >= CONFIG_IMAGES_MAX || !is_reserved(r, 0, w->group)))
            break;
    }
    while (tsi_in_use(w->tsi, others, n) || is_reserved(r, w->tsi, 0))
        random_fill(&w->tsi, sizeof w->tsi);
}

void resume_stream(struct resume *r, struct journal *j, struct stream *st,
                   const struct stream *others, unsigned n, uint32_t first_group)
{
    struct session_welcome *w = &st->session.welcome;
    struct resume_session *last = last_of(r, st, first_group);
    struct resume_session fresh = {.taken = true};

    if (last && !tsi_in_use(last->tsi, others, n) && !group_in_use(last->group, others, n)) {
        last->taken = true;
        w->tsi = last->tsi;
        w->group = last->group;
        memcpy(w->key, last->key, sizeof w->key);
        return;
    }
    make_new(r, w, others, n, first_group);
    fresh.tsi = w->tsi;
    fresh.group = w->group;
    memcpy(fresh.image, st->file.id, sizeof fresh.image);
    memcpy(fresh.key, w->key, sizeof fresh.key);
    put_down(r, j, &fresh);
}

void resume_forget(struct resume *r, struct journal *j)
{
    for (unsigned i = 0; j && i < r->n; i++)
        (void)journal_put(j, JOURNAL_SESSION, r->session[i].image, IMG_HASH_BYTES, NULL, 0);
    r->n = 0;
}

void resume_drop(struct resume *r, struct journal *j, const struct stream *st)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (memcmp(r->session[i].image, st->file.id, IMG_HASH_BYTES) != 0)
            continue;
        if (j)
            (void)journal_put(j, JOURNAL_SESSION, st->file.id, IMG_HASH_BYTES, NULL, 0);
        r->session[i] = r->session[--r->n];
        return;
    }
}
