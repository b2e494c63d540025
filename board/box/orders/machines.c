#include "board/box/orders/machines.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

/* One slot stays free, so that a search always ends. */
#define ROWS (MACHINES_MAX - 1)

#define STATION_MINUTE 4 /* new rows a minute for one address */

enum worth { WORTH_PROOF, WORTH_CLAIM, WORTH_KEPT }; /* machines.h: whom a row is given away to */

static unsigned home_of(const uint8_t mac[6])
{
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    return (h ^ h >> 16) % MACHINES_MAX;
}

/* Its row, or the free one where it would go. */
static unsigned place_of(const struct machines *m, const uint8_t mac[6])
{
    unsigned i = home_of(mac);

    while (m->row[i].used && memcmp(m->row[i].mac, mac, 6) != 0)
        i = (i + 1) % MACHINES_MAX;
    return i;
}

static enum worth worth_of(const struct machine *row)
{
    if (row->named || row->entry[0] || (row->done && row->proven))
        return WORTH_KEPT;
    return row->done ? WORTH_CLAIM : WORTH_PROOF;
}

/* Frees row i and moves those up that stood behind it only because it was taken. */
static void row_remove(struct machines *m, unsigned i)
{
    m->done -= m->row[i].done;
    m->of_worth[worth_of(&m->row[i])]--;
    m->row[i].used = false;
    m->n--;
    for (unsigned at = (i + 1) % MACHINES_MAX; m->row[at].used; at = (at + 1) % MACHINES_MAX) {
        struct machine moved = m->row[at];

        m->row[at].used = false;
        m->row[place_of(m, moved.mac)] = moved;
    }
}

/* The row of that worth that changed longest ago and has been known for `age` seconds is given
 * away. */
static bool row_give(struct machines *m, enum worth worth, uint32_t age, uint32_t up_s)
{
    unsigned oldest = MACHINES_MAX;

    for (unsigned i = 0; m->of_worth[worth] && i < MACHINES_MAX; i++) {
        const struct machine *row = &m->row[i];

        if (row->used && worth_of(row) == worth && up_s - row->born >= age &&
            (oldest == MACHINES_MAX || row->order < m->row[oldest].order))
            oldest = i;
    }
    if (oldest == MACHINES_MAX)
        return false;
    if (m->store)
        m->store(m->ctx, m->row[oldest].mac, NULL, 0);
    row_remove(m, oldest);
    return true;
}

/* A free row for a machine with proof (or an order), or for one without. */
static bool row_find_room(struct machines *m, bool proven, uint32_t up_s)
{
    if (!proven && m->of_worth[WORTH_CLAIM] >= MACHINES_CLAIMED &&
        !row_give(m, WORTH_CLAIM, MACHINES_WEEK_S, up_s))
        return false;
    if (m->n < ROWS || row_give(m, WORTH_PROOF, 0, up_s))
        return true;
    return row_give(m, WORTH_CLAIM, proven ? 0 : MACHINES_WEEK_S, up_s);
}

static struct machine *row_make(struct machines *m, const uint8_t mac[6], uint32_t up_s)
{
    struct machine *row = &m->row[place_of(m, mac)];

    memset(row, 0, sizeof *row);
    memcpy(row->mac, mac, 6);
    row->used = true;
    row->born = up_s;
    m->n++;
    m->of_worth[worth_of(row)]++;
    return row;
}

/* NULL: the table is full for it. */
static struct machine *row_of(struct machines *m, const uint8_t mac[6], bool proven, uint32_t up_s)
{
    struct machine *row = &m->row[place_of(m, mac)];

    if (row->used)
        return row;
    if (row_find_room(m, proven, up_s))
        return row_make(m, mac, up_s);
    m->refused++;
    return NULL;
}

void machines_init(struct machines *m, bool rearm,
                   void (*store)(void *, const uint8_t *, const uint8_t *, size_t), void *ctx)
{
    memset(m, 0, sizeof *m);
    m->rearm = rearm;
    m->store = store;
    m->ctx = ctx;
}

#define DONE 1
#define NAMED 2
#define GOT 4
#define PROVEN 8
#define TELLS_PROOF 16 /* rows of earlier versions, which knew of no proof, count as proven */

/* value: flags (1) | order (8) | with GOT: session (4), image (8) | entry. In earlier versions the
 * order was the time in seconds. */
enum told machines_restore(struct machines *m, const uint8_t *key, size_t nkey,
                           const uint8_t *value, size_t nvalue)
{
    struct reader r = reader_on(value, nvalue);
    uint8_t flags = rd_u8(&r);
    uint64_t order = rd_u64(&r);
    struct machine_got got = {0};
    struct machine *row;
    size_t n;

    if (flags & ~(DONE | NAMED | GOT | PROVEN | TELLS_PROOF))
        return TOLD_NEWER;
    if (flags & GOT) {
        got.session = rd_u32(&r);
        rd_copy(&r, got.image, sizeof got.image);
    }
    n = r.left;
    if (r.bad || nkey != MACHINE_KEY_BYTES || n > MACHINE_ENTRY_MAX || !utf8_is_plain(r.at, n))
        return TOLD_BROKEN;
    row = &m->row[place_of(m, key)];
    if (!row->used && m->n == ROWS) /* more than there is room for: none is forgotten for that */
        return TOLD_BROKEN;
    if (!row->used)
        row = row_make(m, key, 0);
    m->of_worth[worth_of(row)]--;
    m->done -= row->done;
    row->done = flags & DONE;
    row->named = flags & NAMED;
    row->proven = flags & PROVEN || !(flags & TELLS_PROOF);
    row->got = got;
    row->order = order;
    memcpy(row->entry, r.at, n);
    row->entry[n] = 0;
    m->of_worth[worth_of(row)]++;
    m->done += row->done;
    m->order = order > m->order ? order : m->order;
    return TOLD_KNOWN;
}

static bool has_got(const struct machine *row)
{
    static const struct machine_got nothing;

    return row->got.session || memcmp(row->got.image, nothing.image, sizeof nothing.image) != 0;
}

static void row_tell(struct machines *m, struct machine *row)
{
    uint8_t value[MACHINE_VALUE_MAX];
    struct writer w = writer_on(value, sizeof value);

    wr_u8(&w, (row->done ? DONE : 0) | (row->named ? NAMED : 0) | (has_got(row) ? GOT : 0) |
                  (row->proven ? PROVEN : 0) | TELLS_PROOF);
    wr_u64(&w, row->order);
    if (has_got(row)) {
        wr_u32(&w, row->got.session);
        wr_copy(&w, row->got.image, sizeof row->got.image);
    }
    wr_copy(&w, row->entry, strlen(row->entry));
    MUST(!w.bad);
    if (m->store)
        m->store(m->ctx, row->mac, value, w.done);
}

/* After a change; `before`: what it was worth. */
static void row_store(struct machines *m, struct machine *row, enum worth before)
{
    m->of_worth[before]--;
    m->of_worth[worth_of(row)]++;
    row->order = ++m->order;
    row_tell(m, row);
}

bool machines_are_full(const struct machines *m)
{
    return m->n == ROWS && !m->of_worth[WORTH_PROOF] && !m->of_worth[WORTH_CLAIM];
}

bool machine_wants_imaging(const struct machines *m, const uint8_t mac[6])
{
    const struct machine *row = &m->row[place_of(m, mac)];

    if (!row->used && machines_are_full(m)) /* its PASS could not be remembered */
        return false;
    return m->rearm || !row->used || !row->done;
}

bool machine_known(const struct machines *m, const uint8_t mac[6])
{
    return m->row[place_of(m, mac)].used;
}

const struct machine *machine_look(const struct machines *m, const uint8_t mac[6])
{
    const struct machine *row = &m->row[place_of(m, mac)];

    return row->used ? row : NULL;
}

static bool same_got(const struct machine_got *a, const struct machine_got *b)
{
    return a->session == b->session && memcmp(a->image, b->image, sizeof a->image) == 0;
}

void machine_prove(struct machines *m, const uint8_t mac[6], uint32_t up_s)
{
    struct machine *row = row_of(m, mac, true, up_s);
    enum worth before = row ? worth_of(row) : WORTH_PROOF;

    if (!row || row->proven)
        return;
    row->proven = true;
    row_store(m, row, before);
}

/* n rows in `seconds`, then it waits. */
static bool ration_take(struct machine_ration *r, uint32_t most, uint32_t seconds, uint32_t up_s)
{
    uint32_t since = (up_s - r->since) / seconds;

    r->n = r->n > since ? r->n - since : 0;
    r->since += since * seconds;
    if (r->n >= most)
        return false;
    r->n++;
    return true;
}

bool machine_may_claim(struct machines *m, const uint8_t mac[6], uint32_t from, uint32_t up_s)
{
    struct machine_ration *r = &m->ration[(from ^ from >> 8 ^ from >> 16) % MACHINES_STATIONS];

    if (machine_known(m, mac))
        return true;
    if (r->who != from && r->n == 0)
        *r = (struct machine_ration){.who = from, .since = up_s};
    return ration_take(r, STATION_MINUTE, 60 / STATION_MINUTE, up_s) &&
           ration_take(&m->ration[MACHINES_STATIONS], MACHINES_BURST, 1, up_s);
}

bool machine_done(struct machines *m, const uint8_t mac[6], const struct machine_got *got,
                  uint32_t up_s)
{
    struct machine *row = row_of(m, mac, false, up_s);
    enum worth before = row ? worth_of(row) : WORTH_PROOF;

    if (!row || (row->done && same_got(&row->got, got)))
        return false;
    m->done += !row->done;
    row->done = true;
    row->named = false;
    row->got = *got;
    row_store(m, row, before);
    return true;
}

void machine_again(struct machines *m, const uint8_t mac[6])
{
    struct machine *row = &m->row[place_of(m, mac)];

    if (row->used)
        row_tell(m, row);
}

bool machine_arm(struct machines *m, const uint8_t mac[6], uint32_t up_s)
{
    struct machine *row = row_of(m, mac, true, up_s);
    enum worth before = row ? worth_of(row) : WORTH_PROOF;

    if (!row || row->named)
        return row != NULL;
    m->done -= row->done;
    row->done = false;
    row->named = true;
    row_store(m, row, before);
    return true;
}

void machine_choose(struct machines *m, const uint8_t mac[6], const char *entry, uint32_t up_s)
{
    struct machine *row;
    enum worth before;
    size_t n = strlen(entry);

    if (n > MACHINE_ENTRY_MAX || strcmp(machine_entry(m, mac), entry) == 0)
        return;
    row = row_of(m, mac, true, up_s);
    if (!row)
        return;
    before = worth_of(row);
    memcpy(row->entry, entry, n + 1);
    row_store(m, row, before);
}

const char *machine_entry(const struct machines *m, const uint8_t mac[6])
{
    const struct machine *row = &m->row[place_of(m, mac)];

    return row->used ? row->entry : "";
}
