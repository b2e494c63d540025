#include "net/status/snapshot.h"

#include <string.h>

#include "net/status/cause.h"
#include "net/wire/must.h"

#define SLOTS (2 * ROOM_MACHINES_MAX)
#define WIRE_BITS (1538 * 8)            /* of a packet, preamble and gap counted */
#define RATE_NS (900 * MONO_MS)         /* between two looks at a machine's counts, at least */
#define BOOT_KEEP_NS (15 * 60 * MONO_S) /* a machine that booted and never joined is forgotten */
#define SMOOTH 0.25
#define PERCENT_ALL 10000

#define X(name, word) word,
static const char *const state_words[] = {ROOM_STATES(X)};
#undef X

_Static_assert(ROOM_FIELD_COUNT <= 32, "a bit for each field");

const char *room_state_word(enum room_state s)
{
    MUST(s < ROOM_STATE_COUNT);
    return state_words[s];
}

/* ---- rows ---- */

/* Sets a field and remembers that it is another. */
#define SET(m, field, value, BIT)                                                                  \
    do {                                                                                           \
        if ((m)->field != (value)) {                                                               \
            (m)->field = (value);                                                                  \
            (m)->pending |= UINT32_C(1) << ROOM_BIT_##BIT;                                         \
        }                                                                                          \
    } while (0)

/* The same for a text, made harmless on its way. */
static void set_text(struct room_machine *m, char *field, size_t max, const char *from,
                     enum room_field bit)
{
    char clean[ROOM_CAUSE_MAX + 1];

    MUST(max < sizeof clean);
    session_info_text(clean, max, from);
    if (strcmp(clean, field) == 0)
        return;
    memcpy(field, clean, strlen(clean) + 1);
    m->pending |= UINT32_C(1) << bit;
}

static unsigned home_of(const uint8_t mac[6])
{
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    return (h ^ h >> 15) % SLOTS;
}

/* Its slot of the index, or the empty one where it would go. */
static unsigned slot_of(const struct room_snapshot *s, const uint8_t mac[6])
{
    unsigned at = home_of(mac);

    while (s->index[at] && memcmp(s->machine[s->index[at] - 1].mac, mac, 6) != 0)
        at = (at + 1) % SLOTS;
    return at;
}

const struct room_machine *snapshot_find(const struct room_snapshot *s, const uint8_t mac[6])
{
    unsigned row = s->index[slot_of(s, mac)];

    return row ? &s->machine[row - 1] : NULL;
}

static struct room_machine *find(struct room_snapshot *s, const uint8_t mac[6])
{
    unsigned row = s->index[slot_of(s, mac)];

    return row ? &s->machine[row - 1] : NULL;
}

static void index_anew(struct room_snapshot *s)
{
    memset(s->index, 0, sizeof s->index);
    for (unsigned i = 0; i < s->n_machines; i++)
        s->index[slot_of(s, s->machine[i].mac)] = (uint16_t)(i + 1);
}

/* The row goes, the last one takes its place. */
static void row_remove(struct room_snapshot *s, struct room_machine *m)
{
    if (s->n_leaving < ROOM_GONE_MAX)
        memcpy(s->leaving[s->n_leaving++], m->mac, 6);
    s->n_invented -= !m->proven;
    *m = s->machine[--s->n_machines];
    index_anew(s);
}

static bool is_cheap(const struct room_machine *m)
{
    return !m->proven || m->state == ROOM_BOOTING;
}

/* Who makes room for a machine of a session: who only booted or said hello, else who is through; of
 * these whoever was silent for longest. */
static struct room_machine *row_spare(struct room_snapshot *s)
{
    struct room_machine *best = NULL;

    for (unsigned i = 0; i < s->n_machines; i++) {
        struct room_machine *m = &s->machine[i];
        bool cheap = is_cheap(m);

        if (!cheap && m->state < ROOM_PASS)
            continue;
        if (!best || cheap > is_cheap(best) ||
            (cheap == is_cheap(best) && mono_sub(best->heard, m->heard) > 0))
            best = m;
    }
    return best;
}

/* A new row in state ROOM_BOOTING; the table has room. */
static struct room_machine *row_new(struct room_snapshot *s, const uint8_t mac[6])
{
    struct room_machine *m = &s->machine[s->n_machines++];

    memset(m, 0, sizeof *m);
    memcpy(m->mac, mac, 6);
    s->last_number += 1 + (s->last_number == UINT16_MAX);
    m->number = s->last_number;
    m->eta_s = -1;
    m->pending = UINT32_MAX >> (32 - ROOM_FIELD_COUNT);
    s->index[slot_of(s, mac)] = (uint16_t)s->n_machines;
    s->n_invented++;
    return m;
}

/* The row of a machine that has joined a session; NULL when the table is full of such. */
static struct room_machine *row_of(struct room_snapshot *s, const uint8_t mac[6])
{
    struct room_machine *m = find(s, mac), *spare;

    if (m || s->n_machines < ROOM_MACHINES_MAX)
        return m ? m : row_new(s, mac);
    /* a row that goes is told; when no more can be told in this refresh, the newcomer waits for the
     * next */
    spare = s->n_leaving < ROOM_GONE_MAX ? row_spare(s) : NULL;
    if (!spare) {
        s->unseen++;
        return NULL;
    }
    row_remove(s, spare);
    return row_new(s, mac);
}

static void prove(struct room_snapshot *s, struct room_machine *m)
{
    s->n_invented -= !m->proven;
    m->proven = true;
}

/* Nobody makes room for who may be invented. */
static bool has_room(struct room_snapshot *s)
{
    bool room = s->n_invented < ROOM_INVENTED_MAX && s->n_machines < ROOM_MACHINES_MAX;

    s->unseen += !room;
    return room;
}

/* ---- a refresh ---- */

void snapshot_init(struct room_snapshot *s)
{
    memset(s, 0, sizeof *s);
}

void snapshot_begin(struct room_snapshot *s, const struct room_box *box, struct mono now)
{
    s->box = *box;
    s->now = now;
    s->n_told = 0;
    s->totals.expected = s->totals.never_came = 0;
}

static bool session_same(const struct room_session *a, const struct room_session *b)
{
    return strcmp(a->image, b->image) == 0 && strcmp(a->version, b->version) == 0 &&
           a->state == b->state && a->planned == b->planned && a->rule == b->rule &&
           a->ready_n == b->ready_n && a->at_minute == b->at_minute &&
           a->quiet_minutes == b->quiet_minutes && strcmp(a->sentence, b->sentence) == 0 &&
           a->rate == b->rate && a->rate_fixed == b->rate_fixed &&
           strcmp(a->rate_reason, b->rate_reason) == 0 && a->repair_ppm == b->repair_ppm &&
           a->started == b->started && a->armed_until == b->armed_until &&
           a->machines == b->machines && a->passed == b->passed && a->failed == b->failed &&
           a->eta_s == b->eta_s;
}

/* Rows are told in the same order as in the refresh before, or count as changed. */
void snapshot_session(struct room_snapshot *s, const struct room_session *told)
{
    struct room_session *at = &s->session[s->n_told], now = *told;

    MUST(told->id);
    if (s->n_told == ROOM_SESSIONS_MAX)
        return;
    /* what snapshot_end counts is not told anew */
    if (s->n_told < s->n_sessions && at->id == now.id) {
        now.machines = at->machines;
        now.passed = at->passed;
        now.failed = at->failed;
        now.eta_s = at->eta_s;
        now.fresh = !session_same(at, &now);
    } else {
        now.fresh = true;
    }
    *at = now;
    s->n_told++;
}

static enum room_state state_of(const struct session_receiver *r)
{
    static const enum room_state of[SESSION_STATES] = {
        [SESSION_JOINED] = ROOM_JOINED,       [SESSION_MANIFEST] = ROOM_MANIFEST,
        [SESSION_RECEIVING] = ROOM_RECEIVING, [SESSION_VERIFYING] = ROOM_VERIFYING,
        [SESSION_PASS] = ROOM_PASS,           [SESSION_FAIL] = ROOM_FAIL,
        [SESSION_LEAVING] = ROOM_LEFT};
    bool final = r->facts.state >= SESSION_PASS;

    return r->gone && !final ? ROOM_LOST : of[r->facts.state];
}

/* What it hears a second, from the counts of two beacons. Counts that went back were begun anew. */
static void note_rate(struct room_machine *m, const struct session_receiver *r)
{
    int64_t ns = mono_sub(r->heard, m->base_at);
    uint32_t packets = r->facts.heard - m->base_heard;

    if (r->counter == 0 || (m->base_at.ns && ns < RATE_NS))
        return;
    if (m->base_at.ns && packets <= INT32_MAX)
        SET(m, rate, (uint64_t)((double)packets * WIRE_BITS * 1e9 / (double)ns), RATE);
    m->base_heard = r->facts.heard;
    m->base_at = r->heard;
}

/* How long it still takes at the pace of the last beacons. */
static void note_eta(struct room_machine *m, const struct session_receiver *r)
{
    int64_t ns = mono_sub(r->heard, m->done_at);
    double pace;
    int32_t eta = -1;

    if (m->done_at.ns && ns < RATE_NS)
        return;
    if (m->done_at.ns && r->facts.done >= m->base_done) {
        pace = (r->facts.done - m->base_done) * 1e9 / (double)ns;
        m->pace = m->pace > 0 ? m->pace + SMOOTH * (pace - m->pace) : pace;
    }
    m->base_done = r->facts.done;
    m->done_at = r->heard;
    if (m->state == ROOM_RECEIVING && m->pace > 0.01)
        eta = (int32_t)((PERCENT_ALL - r->facts.done) / m->pace + 0.5);
    SET(m, eta_s, eta, ETA);
}

static void still(struct room_machine *m)
{
    SET(m, rate, 0, RATE);
    SET(m, eta_s, -1, ETA);
    m->base_at = m->done_at = (struct mono){0};
    m->pace = 0;
}

static void say_cause(struct room_machine *m, uint64_t stream_rate, const char *failure)
{
    const struct cause_facts f = {.state = m->state,
                                  .error = m->error,
                                  .failure = failure,
                                  .link_mbps = m->link_mbps,
                                  .stream_bits_s = stream_rate * 8,
                                  .disk_limited = m->disk_limited,
                                  .disk_bytes_s = m->disk_rate,
                                  .wanted_bits_s = m->wanted,
                                  .loss_ppm = m->loss_ppm,
                                  .machine_limited = m->machine_limited,
                                  .drop_ppm = m->drop_ppm};
    char text[ROOM_CAUSE_MAX + 1];

    m->culprit = cause_say(&f, text);
    set_text(m, m->cause, ROOM_CAUSE_MAX, text, ROOM_BIT_CAUSE);
}

/* Another run of the machine begins: what the one before measured means nothing for it. */
static void begin_run(struct room_machine *m, const struct session_receiver *r)
{
    if (m->joined.ns != r->joined.ns)
        still(m);
    m->joined = r->joined;
}

void snapshot_receiver(struct room_snapshot *s, uint32_t id, uint64_t rate,
                       const struct session_receiver *r, const char *failure)
{
    struct room_machine *m = find(s, r->mac);

    if (m && (mono_sub(m->joined, r->joined) > 0 || mono_sub(m->booted, r->heard) > 0))
        return; /* an earlier run, or one before it was switched on again */
    if (!m && !r->counter && (r->gone || !has_room(s)))
        return; /* whom nobody ever heard but for his hello */
    m = m ? m : row_of(s, r->mac);
    if (!m)
        return;
    if (r->counter)
        prove(s, m);
    m->recalled = false;
    begin_run(m, r);
    SET(m, state, state_of(r), STATE);
    SET(m, session, id, SESSION);
    SET(m, address, r->address, ADDRESS);
    SET(m, done, r->facts.state == SESSION_PASS ? PERCENT_ALL : r->facts.done, PERCENT);
    SET(m, loss_ppm, r->loss_ppm, LOSS);
    SET(m, drop_ppm, r->drop_ppm, DROPPED);
    SET(m, disk_rate, r->facts.disk_rate, DISK_RATE);
    m->wanted = r->facts.wanted_rate * 8;
    m->disk_limited = r->facts.disk_limited;
    m->machine_limited = r->facts.machine_limited;
    m->error = r->facts.error;
    m->heard = r->heard;
    if (m->state == ROOM_MANIFEST || m->state == ROOM_RECEIVING) {
        note_rate(m, r);
        note_eta(m, r);
    } else {
        still(m);
    }
    say_cause(m, rate, failure);
}

void snapshot_recalled(struct room_snapshot *s, const uint8_t mac[6], const struct room_recall *r)
{
    struct room_machine *m = find(s, mac);

    MUST(r->state == ROOM_PASS || r->state == ROOM_FAIL || r->state == ROOM_LOST);
    if (m && (!m->recalled || m->again))
        return; /* what it does now says more */
    if (!m && s->n_machines == ROOM_MACHINES_MAX) {
        s->unseen++;
        return;
    }
    m = m ? m : row_new(s, mac);
    prove(s, m);
    m->recalled = m->again = true;
    m->heard = s->now;
    m->error = r->error;
    SET(m, state, r->state, STATE);
    SET(m, session, r->id, SESSION);
    SET(m, done, r->state == ROOM_PASS ? PERCENT_ALL : 0, PERCENT);
    if (r->state == ROOM_PASS)
        set_text(m, m->cause, ROOM_CAUSE_MAX, r->why, ROOM_BIT_CAUSE);
    else
        say_cause(m, 0, r->why);
}

static void forget_recalled(struct room_snapshot *s)
{
    for (unsigned i = s->n_machines; i-- > 0 && s->n_leaving < ROOM_GONE_MAX;) {
        if (s->machine[i].recalled && !s->machine[i].again)
            row_remove(s, &s->machine[i]);
        else
            s->machine[i].again = false;
    }
}

void snapshot_forget(struct room_snapshot *s, const struct session_receiver *r)
{
    struct room_machine *m = find(s, r->mac);

    if (m && m->state >= ROOM_PASS && m->joined.ns == r->joined.ns && s->n_leaving < ROOM_GONE_MAX)
        row_remove(s, m);
}

void snapshot_booting(struct room_snapshot *s, const uint8_t mac[6], uint32_t address,
                      struct mono now)
{
    struct room_machine *m = find(s, mac);

    if (!m && !has_room(s))
        return;
    m = m ? m : row_new(s, mac);
    if (m->state > ROOM_BOOTING && m->state < ROOM_PASS &&
        mono_sub(now, m->heard) < SESSION_SILENT_NS)
        return; /* it is at work: somebody else speaks in its name */
    m->recalled = false;
    SET(m, state, ROOM_BOOTING, STATE);
    m->booted = m->heard = now;
    if (address)
        SET(m, address, address, ADDRESS);
    SET(m, session, 0, SESSION);
    SET(m, done, 0, PERCENT);
    SET(m, loss_ppm, 0, LOSS);
    SET(m, drop_ppm, 0, DROPPED);
    SET(m, disk_rate, 0, DISK_RATE);
    still(m);
    say_cause(m, 0, NULL);
}

void snapshot_about(struct room_snapshot *s, const uint8_t mac[6], const struct session_info *info)
{
    struct room_machine *m = row_of(s, mac);

    if (!m)
        return;
    SET(m, link_mbps, info->link_mbps, LINK);
    set_text(m, m->serial, ROOM_SERIAL_MAX, info->serial, ROOM_BIT_SERIAL);
    set_text(m, m->disk, ROOM_SERIAL_MAX, info->disk, ROOM_BIT_DISK);
    set_text(m, m->disk_serial, ROOM_SERIAL_MAX, info->disk_serial, ROOM_BIT_DISK_SERIAL);
}

void snapshot_named(struct room_snapshot *s, const uint8_t mac[6], const char *name,
                    const char *asset, const char *position)
{
    struct room_machine *m = find(s, mac);

    if (!m)
        return;
    set_text(m, m->name, ROOM_NAME_MAX, name, ROOM_BIT_NAME);
    set_text(m, m->asset, ROOM_LABEL_MAX, asset, ROOM_BIT_ASSET);
    set_text(m, m->position, ROOM_LABEL_MAX, position, ROOM_BIT_POSITION);
}

void snapshot_expected(struct room_snapshot *s, uint32_t expected, uint32_t never_came)
{
    s->totals.expected = expected;
    s->totals.never_came = never_came;
}

bool snapshot_identify(struct room_snapshot *s, const uint8_t mac[6], bool on)
{
    struct room_machine *m = find(s, mac);

    if (!m)
        return false;
    SET(m, identify, on, IDENTIFY);
    return true;
}

/* ---- the end of a refresh ---- */

static void forget_strangers(struct room_snapshot *s)
{
    for (unsigned i = s->n_machines; i-- > 0 && s->n_leaving < ROOM_GONE_MAX;)
        if (is_cheap(&s->machine[i]) && mono_sub(s->now, s->machine[i].heard) > BOOT_KEEP_NS)
            row_remove(s, &s->machine[i]);
}

static void count_machine(struct room_totals *t, enum room_state state)
{
    t->machines++;
    t->waiting += state <= ROOM_MANIFEST;
    t->imaging += state == ROOM_RECEIVING;
    t->verifying += state == ROOM_VERIFYING;
    t->passed += state == ROOM_PASS;
    t->failed += state == ROOM_FAIL;
    t->lost += state >= ROOM_LEFT;
}

static void count_session(struct room_session *at, const struct room_snapshot *s)
{
    bool over = at->state == ROOM_SESSION_STOPPED || at->state == ROOM_SESSION_DONE;
    struct room_session was = *at;

    at->machines = at->passed = at->failed = 0;
    at->eta_s = -1;
    for (unsigned i = 0; i < s->n_machines; i++) {
        const struct room_machine *m = &s->machine[i];

        if (m->session != at->id)
            continue;
        at->machines++;
        at->passed += m->state == ROOM_PASS;
        at->failed += m->state == ROOM_FAIL;
        at->eta_s = m->eta_s > at->eta_s ? m->eta_s : at->eta_s;
    }
    if (over && at->machines < was.machines) {
        at->machines = was.machines;
        at->passed = was.passed;
        at->failed = was.failed;
    }
    at->fresh |= !session_same(at, &was);
}

static void tell_gone(struct room_snapshot *s)
{
    s->n_gone = 0;
    for (unsigned i = 0; i < s->n_leaving; i++)
        if (!find(s, s->leaving[i]))
            memcpy(s->gone[s->n_gone++], s->leaving[i], 6);
    s->n_leaving = 0;
}

static bool session_there(const struct room_snapshot *s, uint32_t id)
{
    bool found = false;

    for (unsigned i = 0; i < s->n_sessions; i++)
        found |= s->session[i].id == id;
    return found;
}

static void tell_sessions(struct room_snapshot *s)
{
    unsigned before = s->n_sessions;

    s->n_sessions = s->n_told;
    s->lost_session = false;
    for (unsigned i = 0; i < before; i++)
        s->lost_session |= !session_there(s, s->told[i]);
    for (unsigned i = 0; i < s->n_sessions; i++)
        s->told[i] = s->session[i].id;
}

void snapshot_end(struct room_snapshot *s)
{
    struct room_totals t = {.expected = s->totals.expected, .never_came = s->totals.never_came};

    forget_strangers(s);
    forget_recalled(s);
    tell_gone(s);
    tell_sessions(s);
    for (unsigned i = 0; i < s->n_machines; i++) {
        struct room_machine *m = &s->machine[i];

        m->fresh = m->pending;
        m->pending = 0;
        count_machine(&t, m->state);
    }
    for (unsigned i = 0; i < s->n_sessions; i++)
        count_session(&s->session[i], s);
    s->totals = t;
    s->seq++;
}
