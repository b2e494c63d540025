#include "net/status/feed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"

_Static_assert(FEED_LOG_BYTES >= FEED_EVENT_MAX, "the log holds any event");

void feed_init(struct feed *f, const struct room_snapshot *room)
{
    /* Every page of it is there from the start: what the core holds does not grow while a room is
     * watched. */
    memset(f, 0, sizeof *f);
    f->room = room;
}

typedef size_t write_json(const struct room_snapshot *, char *, size_t);

/* "event: change\nid: 17\ndata: {...}\n\n"; JSON of ours is one line. */
static size_t event(const struct feed *f, char *to, const char *name, write_json *json, size_t *at)
{
    size_t n = *at = (size_t)snprintf(to, FEED_EVENT_MAX, "event: %s\nid: %llu\ndata: ", name,
                                      (unsigned long long)f->room->seq);
    size_t text = json(f->room, to + n, FEED_EVENT_MAX - n - 2);

    MUST(text > 0);
    memcpy(to + n + text, "\n\n", 2);
    return n + text + 2;
}

static void log_append(struct feed *f, const char *bytes, size_t n)
{
    size_t at = (size_t)(f->end % FEED_LOG_BYTES),
           first = n < FEED_LOG_BYTES - at ? n : FEED_LOG_BYTES - at;

    memcpy(f->log + at, bytes, first);
    memcpy(f->log, bytes + first, n - first);
    f->end += n;
}

void feed_publish(struct feed *f)
{
    bool whole = f->room->lost_session; /* a change cannot say it */
    size_t json, n = event(f, f->scratch, whole ? "status" : "change",
                           whole ? status_json_whole : status_json_change, &json);

    log_append(f, f->scratch, n);
}

void feed_open(struct feed_reader *r)
{
    *r = (struct feed_reader){.slot = -1};
}

/* A slot with the room as it is now: one that holds it already, or one that nobody reads; -1: none
 * is free. */
static int slot_now(struct feed *f)
{
    int spare = -1;

    for (int i = 0; i < FEED_SLOTS; i++) {
        if (f->slot[i].seq == f->room->seq)
            return i;
        if (!f->slot[i].readers)
            spare = i;
    }
    if (spare < 0)
        return -1;
    f->slot[spare].n =
        event(f, f->slot[spare].text, "status", status_json_whole, &f->slot[spare].json);
    f->slot[spare].seq = f->room->seq;
    f->slot[spare].after = f->end;
    return spare;
}

static bool begin(struct feed *f, struct feed_reader *r)
{
    if (f->room->seq == 0)
        return false; /* there has been no refresh yet */
    r->slot = slot_now(f);
    if (r->slot < 0)
        return false;
    f->slot[r->slot].readers++;
    r->position = f->slot[r->slot].after;
    r->whole = true;
    return true;
}

int feed_next(struct feed *f, struct feed_reader *r, const char **bytes)
{
    uint64_t left;
    size_t at, n;

    if (!r->whole && !begin(f, r))
        return 0;
    if (f->end - r->position > FEED_LOG_BYTES) {
        f->given_up++;
        return -1;
    }
    if (r->slot >= 0) {
        *bytes = f->slot[r->slot].text + r->at;
        return (int)(f->slot[r->slot].n - r->at);
    }
    left = f->end - r->position;
    at = (size_t)(r->position % FEED_LOG_BYTES);
    n = left < FEED_LOG_BYTES - at ? (size_t)left : FEED_LOG_BYTES - at;
    *bytes = f->log + at;
    return n < INT_MAX ? (int)n : INT_MAX;
}

int feed_json(struct feed *f, struct feed_reader *r, const char **bytes)
{
    const struct feed_slot *slot;

    if (r->whole && r->slot < 0)
        return -1;
    if (!r->whole && !begin(f, r))
        return 0;
    slot = &f->slot[r->slot];
    r->at = r->at ? r->at : slot->json;
    *bytes = slot->text + r->at;
    if (r->at == slot->n - 2) {
        feed_close(f, r);
        return -1;
    }
    return (int)(slot->n - 2 - r->at);
}

void feed_take(struct feed *f, struct feed_reader *r, size_t n)
{
    if (r->slot < 0) {
        MUST(n <= f->end - r->position);
        r->position += n;
        return;
    }
    r->at += n;
    MUST(r->at <= f->slot[r->slot].n);
    if (r->at == f->slot[r->slot].n)
        feed_close(f, r);
}

void feed_close(struct feed *f, struct feed_reader *r)
{
    if (r->slot >= 0)
        f->slot[r->slot].readers--;
    r->slot = -1;
}
