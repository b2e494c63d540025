#include "board/pc/machines.h"

#include <string.h>

#include "net/wire/reader.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

/* One slot stays free, so that a search always ends. */
#define ROWS (MACHINES_MAX - 1)

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

/* Frees row i and moves those up that stood behind it only because it was taken. */
static void row_remove(struct machines *m, unsigned i)
{
    m->done -= m->row[i].done;
    m->row[i].used = false;
    m->n--;
    for (unsigned at = (i + 1) % MACHINES_MAX; m->row[at].used; at = (at + 1) % MACHINES_MAX) {
        struct machine moved = m->row[at];

        m->row[at].used = false;
        m->row[place_of(m, moved.mac)] = moved;
    }
}

static void make_room(struct machines *m)
{
    unsigned oldest = MACHINES_MAX;

    for (unsigned i = 0; i < MACHINES_MAX; i++)
        if (m->row[i].used && (oldest == MACHINES_MAX || m->row[i].changed < m->row[oldest].changed))
            oldest = i;
    MUST(oldest < MACHINES_MAX);
    if (m->store)
        m->store(m->ctx, m->row[oldest].mac, NULL, 0);
    row_remove(m, oldest);
}

static struct machine *row_of(struct machines *m, const uint8_t mac[6])
{
    unsigned i = place_of(m, mac);

    if (m->row[i].used)
        return &m->row[i];
    if (m->n == ROWS) {
        make_room(m);
        i = place_of(m, mac);
    }
    memset(&m->row[i], 0, sizeof m->row[i]);
    memcpy(m->row[i].mac, mac, 6);
    m->row[i].used = true;
    m->n++;
    return &m->row[i];
}

void machines_init(struct machines *m, bool rearm, void (*store)(void *, const uint8_t *, const uint8_t *, size_t), void *ctx)
{
    memset(m, 0, sizeof *m);
    m->rearm = rearm;
    m->store = store;
    m->ctx = ctx;
}

#define DONE 1
#define NAMED 2
#define GOT 4

/* value: flags (1) | changed (8) | with GOT: session (4), image (8) | entry. Earlier versions know DONE alone. */
enum told machines_restore(struct machines *m, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue)
{
    struct reader r = reader_on(value, nvalue);
    uint8_t flags = rd_u8(&r);
    uint64_t changed = rd_u64(&r);
    struct machine_got got = {0};
    struct machine *row;
    size_t n;

    if (flags & ~(DONE | NAMED | GOT))
        return TOLD_NEWER;
    if (flags & GOT) {
        got.session = rd_u32(&r);
        rd_copy(&r, got.image, sizeof got.image);
    }
    n = r.left;
    if (r.bad || nkey != MACHINE_KEY_BYTES || n > MACHINE_ENTRY_MAX || !utf8_is_plain(r.at, n))
        return TOLD_BROKEN;
    row = row_of(m, key);
    m->done -= row->done;
    row->done = flags & DONE;
    row->named = flags & NAMED;
    row->got = got;
    m->done += row->done;
    row->changed = changed;
    memcpy(row->entry, r.at, n);
    row->entry[n] = 0;
    return TOLD_KNOWN;
}

static bool has_got(const struct machine *row)
{
    static const struct machine_got nothing;

    return row->got.session || memcmp(row->got.image, nothing.image, sizeof nothing.image) != 0;
}

static void row_store(struct machines *m, struct machine *row, uint64_t unix_now)
{
    uint8_t value[MACHINE_VALUE_MAX];
    struct writer w = writer_on(value, sizeof value);

    row->changed = unix_now;
    wr_u8(&w, (row->done ? DONE : 0) | (row->named ? NAMED : 0) | (has_got(row) ? GOT : 0));
    wr_u64(&w, row->changed);
    if (has_got(row)) {
        wr_u32(&w, row->got.session);
        wr_copy(&w, row->got.image, sizeof row->got.image);
    }
    wr_copy(&w, row->entry, strlen(row->entry));
    MUST(!w.bad);
    if (m->store)
        m->store(m->ctx, row->mac, value, w.done);
}

bool machine_wants_imaging(const struct machines *m, const uint8_t mac[6])
{
    const struct machine *row = &m->row[place_of(m, mac)];

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

bool machine_done(struct machines *m, const uint8_t mac[6], const struct machine_got *got, uint64_t unix_now)
{
    struct machine *row = row_of(m, mac);

    if (row->done && same_got(&row->got, got))
        return false;
    m->done += !row->done;
    row->done = true;
    row->named = false;
    row->got = *got;
    row_store(m, row, unix_now);
    return true;
}

void machine_again(struct machines *m, const uint8_t mac[6])
{
    struct machine *row = &m->row[place_of(m, mac)];

    if (row->used)
        row_store(m, row, row->changed);
}

void machine_arm(struct machines *m, const uint8_t mac[6], uint64_t unix_now)
{
    struct machine *row = row_of(m, mac);

    if (row->named)
        return;
    m->done -= row->done;
    row->done = false;
    row->named = true;
    row_store(m, row, unix_now);
}

void machine_choose(struct machines *m, const uint8_t mac[6], const char *entry, uint64_t unix_now)
{
    struct machine *row;
    size_t n = strlen(entry);

    if (n > MACHINE_ENTRY_MAX || strcmp(machine_entry(m, mac), entry) == 0)
        return;
    row = row_of(m, mac);
    memcpy(row->entry, entry, n + 1);
    row_store(m, row, unix_now);
}

const char *machine_entry(const struct machines *m, const uint8_t mac[6])
{
    const struct machine *row = &m->row[place_of(m, mac)];

    return row->used ? row->entry : "";
}
