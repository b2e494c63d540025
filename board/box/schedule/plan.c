#include "board/box/schedule/plan.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define VERSION 3 /* 1 was without in_s and start, 2 without include, idle_min and busy */
#define DAY_S 86400
#define MADE_S UINT64_C(1767225600) /* 2026: a clock before that has not been set */
#define JUMP_S 30                   /* the clock was set, it did not drift */
#define BUSY_S 600                  /* how often it is kept that machines need it */
#define MISSED_S 3600               /* a start that the box slept through by less is made up for */

static const char *const start_word[PLAN_STARTS] = {"now", "ready", "at", "quiet"};
static const char *const targets_word[PLAN_TARGETS] = {"all", "expected", "named"};
static const char *const state_word[PLAN_STATES] = {"",          "waiting", "running",
                                                    "suspended", "stopped", "done"};

/* ---- words ---- */

enum plan_targets plan_targets_parse(const char *word)
{
    enum plan_targets t = PLAN_ALL;

    while (t < PLAN_TARGETS && strcmp(targets_word[t], word) != 0)
        t++;
    return t;
}

const char *plan_targets_word(enum plan_targets t)
{
    return t < PLAN_TARGETS ? targets_word[t] : "";
}

enum plan_start plan_start_parse(const char *word)
{
    enum plan_start s = PLAN_NOW;

    while (s < PLAN_STARTS && strcmp(start_word[s], word) != 0)
        s++;
    return s;
}

const char *plan_start_word(enum plan_start s)
{
    return s < PLAN_STARTS ? start_word[s] : "";
}

const char *plan_state_word(enum plan_state s)
{
    return s < PLAN_STATES ? state_word[s] : "";
}

int plan_clock_parse(const char *t)
{
    int hours, minutes;

    for (unsigned i = 0; i < 5; i++)
        if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
            return -1;
    hours = (t[0] - '0') * 10 + t[1] - '0';
    minutes = (t[3] - '0') * 10 + t[4] - '0';
    return !t[5] && hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

bool plan_clock_is_set(const struct plan_time *now)
{
    return now->unix_s >= MADE_S;
}

/* ---- sessions ---- */

bool plan_is_active(const struct plan_session *s)
{
    return s->id &&
           (s->state == PLAN_WAITING || s->state == PLAN_RUNNING || s->state == PLAN_SUSPENDED);
}

bool plan_is_armed(const struct plan_session *s, const struct plan_time *now)
{
    return plan_is_active(s) && (!s->disarm.ns || mono_sub(s->disarm, now->mono) > 0);
}

struct plan_session *plan_find(struct plan *p, uint32_t id)
{
    for (unsigned i = 0; id && i < PLAN_SESSIONS_MAX; i++)
        if (p->session[i].id == id)
            return &p->session[i];
    return NULL;
}

struct plan_session *plan_of_image(struct plan *p, const char *image)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        if (plan_is_active(&p->session[i]) && strcmp(p->session[i].wish.image, image) == 0)
            return &p->session[i];
    return NULL;
}

/* How well it suits; 0: it does not take the machine. */
static unsigned suits(const struct plan_session *s, bool listed, const char *image,
                      const char *preferred, const struct plan_time *now)
{
    if (!plan_is_armed(s, now) || (s->wish.targets != PLAN_ALL && !listed) ||
        (s->wish.targets == PLAN_NAMED && !image[0]) ||
        (image[0] && strcmp(s->wish.image, image) != 0))
        return 0;
    return 1 + (s->wish.targets != PLAN_ALL) + 2 * (strcmp(s->wish.image, preferred) == 0);
}

struct plan_session *plan_for(struct plan *p, bool listed, const char *image, const char *preferred,
                              const struct plan_time *now)
{
    struct plan_session *best = NULL;
    unsigned most = 0;

    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        struct plan_session *s = &p->session[i];
        unsigned good = suits(s, listed, image, preferred, now);

        if (good > most || (good && good == most && s->id < best->id)) {
            best = s;
            most = good;
        }
    }
    return best;
}

/* ---- what is kept ---- */

/* version (1), state (1), end (1), of_config (1), targets (1), start (1), ready (2), at (2), quiet
 * (2), arm (4), rate (8), boot (8), made (8), started (8), ended (8), due (8), armed until (8), in
 * (4), start (8), include (1), idle (2), busy (8), image */
static size_t encode(const struct plan_session *s, uint8_t value[PLAN_VALUE_MAX])
{
    struct writer w = writer_on(value, PLAN_VALUE_MAX);

    wr_u8(&w, VERSION);
    wr_u8(&w, s->state);
    wr_u8(&w, s->end);
    wr_u8(&w, s->of_config);
    wr_u8(&w, s->wish.targets);
    wr_u8(&w, s->wish.start);
    wr_u16(&w, s->wish.ready);
    wr_u16(&w, s->wish.at_min);
    wr_u16(&w, s->wish.quiet_min);
    wr_u32(&w, s->wish.arm_min);
    wr_u64(&w, s->wish.rate);
    wr_u64(&w, s->boot);
    wr_u64(&w, s->made);
    wr_u64(&w, s->started);
    wr_u64(&w, s->ended);
    wr_u64(&w, s->due);
    wr_u64(&w, s->armed_until);
    wr_u32(&w, s->wish.in_s);
    wr_u64(&w, (uint64_t)s->start.ns);
    wr_u8(&w, s->wish.include);
    wr_u16(&w, s->wish.idle_min);
    wr_u64(&w, s->busy);
    wr_copy(&w, s->wish.image, strlen(s->wish.image));
    MUST(!w.bad);
    return w.done;
}

static const char *wish_wrong(const struct plan_wish *w)
{
    size_t n = strlen(w->image);

    if (n == 0 || n > SESSION_NAME_MAX || !utf8_is_plain(w->image, n))
        return "expected an image's name of 1 to 64 bytes";
    if (w->targets >= PLAN_TARGETS)
        return "expected targets all, expected or named";
    if (w->start >= PLAN_STARTS)
        return "expected a start rule now, ready, at or quiet";
    if (w->start == PLAN_READY && (w->ready < 1 || w->ready > PLAN_READY_MAX))
        return "expected 1 to 4096 machines to be ready";
    if (w->start == PLAN_AT && w->at_min >= DAY_S / 60)
        return "expected a time from 00:00 to 23:59";
    if (w->in_s && (w->start != PLAN_AT || w->in_s > PLAN_IN_MAX))
        return "expected a start in at most 7 days";
    if (w->start == PLAN_QUIET && (w->quiet_min < 1 || w->quiet_min > PLAN_QUIET_MAX))
        return "expected 1 to 1440 minutes after the last machine";
    if (w->idle_min > PLAN_IDLE_MAX)
        return "expected an end after at most 7 days without a machine";
    if (w->arm_min > PLAN_ARM_MAX)
        return "expected an arming of at most 30 days";
    return NULL;
}

static unsigned idle_of(const struct plan_wish *w)
{
    return w->idle_min ? w->idle_min : PLAN_IDLE_MIN;
}

bool plan_same(const struct plan_wish *a, const struct plan_wish *b)
{
    return strcmp(a->image, b->image) == 0 && a->targets == b->targets && a->start == b->start &&
           a->ready == b->ready && a->at_min == b->at_min && a->in_s == b->in_s &&
           a->quiet_min == b->quiet_min && a->arm_min == b->arm_min && a->rate == b->rate &&
           a->include == b->include && idle_of(a) == idle_of(b);
}

static bool decode(struct plan_session *s, const uint8_t *value, size_t n)
{
    struct reader r = reader_on(value, n);
    unsigned version = rd_u8(&r), include;

    memset(s, 0, sizeof *s);
    s->state = rd_u8(&r);
    s->end = rd_u8(&r);
    s->of_config = rd_u8(&r);
    s->wish.targets = rd_u8(&r);
    s->wish.start = rd_u8(&r);
    s->wish.ready = rd_u16(&r);
    s->wish.at_min = rd_u16(&r);
    s->wish.quiet_min = rd_u16(&r);
    s->wish.arm_min = rd_u32(&r);
    s->wish.rate = rd_u64(&r);
    s->boot = rd_u64(&r);
    s->made = rd_u64(&r);
    s->started = rd_u64(&r);
    s->ended = rd_u64(&r);
    s->due = rd_u64(&r);
    s->armed_until = rd_u64(&r);
    if (version >= 2) {
        s->wish.in_s = rd_u32(&r);
        s->start.ns = (int64_t)rd_u64(&r);
    }
    include = version >= 3 ? rd_u8(&r) : 0;
    s->wish.include = include;
    s->wish.idle_min = version >= 3 ? rd_u16(&r) : PLAN_IDLE_MIN;
    s->busy = version >= 3 ? rd_u64(&r) : 0;
    if (r.bad || r.left > SESSION_NAME_MAX || memchr(r.at, 0, r.left))
        return false;
    memcpy(s->wish.image, r.at, r.left);
    return version >= 1 && version <= VERSION && include <= 1 && s->wish.idle_min &&
           s->state >= PLAN_WAITING && s->state < PLAN_STATES && s->end < PLAN_ENDS &&
           !wish_wrong(&s->wish);
}

static void changed(struct plan *p, const struct plan_session *s)
{
    uint8_t value[PLAN_VALUE_MAX];

    if (p->changed)
        p->changed(p->ctx, s, value, encode(s, value));
}

void plan_init(struct plan *p,
               void (*told)(void *, const struct plan_session *, const uint8_t *, size_t),
               void *ctx)
{
    memset(p, 0, sizeof *p);
    p->changed = told;
    p->ctx = ctx;
}

/* A free place, else that of the session that was over first; NULL: all are active. */
static struct plan_session *place(struct plan *p)
{
    struct plan_session *oldest = NULL;

    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        struct plan_session *s = &p->session[i];

        if (!s->id)
            return s;
        if (!plan_is_active(s) && (!oldest || s->id < oldest->id))
            oldest = s;
    }
    return oldest;
}

/* The next time the box's clock shows that, by the same clock. */
static uint64_t next_time(uint16_t at_min, const struct plan_time *now)
{
    int64_t local = (int64_t)now->unix_s + now->offset_s, due = local - local % DAY_S + at_min * 60;

    return (uint64_t)((due > local ? due : due + DAY_S) - now->offset_s);
}

/* Never 0, which means never. */
static struct mono after(struct mono t, uint64_t seconds)
{
    struct mono end = mono_add(t, (int64_t)seconds * MONO_S);

    return end.ns ? end : (struct mono){1};
}

/* A start in so many seconds. Within one run of the kernel the clock goes on; over a longer pause
 * the box's own has to tell. */
static void wind_up_start(const struct plan *p, struct plan_session *s, bool sane,
                          const struct plan_time *now)
{
    if (s->boot == p->boot && p->boot &&
        mono_sub(s->start, now->mono) <= (int64_t)PLAN_IN_MAX * MONO_S)
        return;
    s->missed = !sane || !plan_clock_is_set(now) || now->unix_s > s->due + MISSED_S ||
                s->due > now->unix_s + PLAN_IN_MAX;
    s->start = after(now->mono, !s->missed && s->due > now->unix_s ? s->due - now->unix_s : 0);
}

static uint64_t latest_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Over a pause in which the box was off for longer than a session may be without a machine it ends,
 * if the clock can tell. */
static void wind_up_idle(const struct plan *p, struct plan_session *s, const struct plan_time *now)
{
    uint64_t last = latest_of(latest_of(s->made, s->started), s->busy),
             limit = s->wish.idle_min * UINT64_C(60);

    if (s->boot != p->boot && plan_clock_is_set(now) && now->unix_s > last + limit + BUSY_S &&
        s->wish.start != PLAN_AT)
        s->idle = mono_add(now->mono, -(int64_t)limit * MONO_S);
}

/* How long the box was away only its clock tells; one that went back tells nothing, and then what
 * is armed is so no more. */
static void wind_up(const struct plan *p, struct plan_session *s, const struct plan_time *now)
{
    bool sane = now->unix_s >= s->made && now->unix_s - s->made <= UINT64_C(366) * DAY_S;
    uint64_t left = sane && s->armed_until > now->unix_s ? s->armed_until - now->unix_s : 0;

    if (s->armed_until)
        s->disarm = after(now->mono, left <= PLAN_ARM_MAX * 60 ? left : 0);
    if (s->wish.in_s && s->state == PLAN_WAITING)
        wind_up_start(p, s, sane, now);
    else if (s->wish.start == PLAN_AT && s->state == PLAN_WAITING &&
             (!sane || now->unix_s > s->due + MISSED_S))
        s->due = next_time(s->wish.at_min, now);
    wind_up_idle(p, s, now);
}

enum told plan_restore(struct plan *p, const uint8_t *key, size_t nkey, const uint8_t *value,
                       size_t nvalue, const struct plan_time *now)
{
    struct reader r = reader_on(key, nkey);
    uint32_t id = rd_u32(&r);
    struct plan_session s, *to = plan_find(p, id);

    if (rd_done(&r) && id > p->last_id) /* what is not understood keeps its number */
        p->last_id = id;
    if (nvalue && value[0] > VERSION)
        return TOLD_NEWER;
    if (!rd_done(&r) || !id || !decode(&s, value, nvalue))
        return TOLD_BROKEN;
    s.id = id;
    wind_up(p, &s, now);
    if (!to)
        to = place(p);
    if (!to || (plan_is_active(&s) && plan_of_image(p, s.wish.image) &&
                plan_of_image(p, s.wish.image) != to))
        return TOLD_BROKEN;
    *to = s;
    return TOLD_KNOWN;
}

/* ---- orders ---- */

static void finish(struct plan *p, struct plan_session *s, enum plan_state state, enum plan_end end,
                   const struct plan_time *now)
{
    s->state = state;
    s->end = end;
    s->ended = now->unix_s;
    changed(p, s);
}

static void go(struct plan *p, struct plan_session *s, const struct plan_time *now)
{
    s->state = PLAN_RUNNING;
    if (!s->started)
        s->started = now->unix_s;
    changed(p, s);
}

int plan_create(struct plan *p, const struct plan_wish *wish, bool of_config,
                const struct plan_time *now, uint32_t *id, struct err *err)
{
    const char *wrong = wish_wrong(wish);
    struct plan_session *s = wrong ? NULL : plan_of_image(p, wish->image);

    if (wrong)
        return err_set(err, PLAN_EVALUE, "%s", wrong);
    if (s)
        return err_set(err, PLAN_EBUSY, "expected an image without a session, %s has session %u",
                       wish->image, s->id);
    s = place(p);
    if (!s)
        return err_set(err, PLAN_EFULL, "expected at most %d sessions at once: stop one",
                       PLAN_SESSIONS_MAX);
    if (s->id && p->changed)
        p->changed(p->ctx, s, NULL, 0);
    *s = (struct plan_session){.id = ++p->last_id,
                               .wish = *wish,
                               .state = PLAN_WAITING,
                               .of_config = of_config,
                               .boot = p->boot,
                               .began = now->mono,
                               .made = now->unix_s};
    s->wish.idle_min = (uint16_t)idle_of(wish);
    if (wish->arm_min) {
        s->armed_until = now->unix_s + (uint64_t)wish->arm_min * 60;
        s->disarm = after(now->mono, (uint64_t)wish->arm_min * 60);
    }
    if (wish->start == PLAN_AT)
        s->due = wish->in_s ? now->unix_s + wish->in_s : next_time(wish->at_min, now);
    if (wish->in_s)
        s->start = after(now->mono, wish->in_s);
    *id = s->id;
    if (wish->start == PLAN_NOW)
        go(p, s, now);
    else
        changed(p, s);
    return 0;
}

/* The session, in one of these states (bits); else NULL and the sentence. */
static struct plan_session *in_state(struct plan *p, uint32_t id, unsigned states, const char *what,
                                     struct err *err)
{
    struct plan_session *s = plan_find(p, id);

    if (!s) {
        err_set(err, PLAN_EUNKNOWN, "expected the number of a session, got %u", id);
        return NULL;
    }
    if (!(states >> s->state & 1)) {
        err_set(err, PLAN_ESTATE, "expected a session that is %s, session %u is %s", what, id,
                plan_state_word(s->state));
        return NULL;
    }
    return s;
}

static int refusal(struct plan *p, uint32_t id)
{
    return plan_find(p, id) ? PLAN_ESTATE : PLAN_EUNKNOWN;
}

int plan_start(struct plan *p, uint32_t id, const struct plan_time *now, struct err *err)
{
    struct plan_session *s = in_state(p, id, 1u << PLAN_WAITING, "waiting", err);

    if (!s)
        return refusal(p, id);
    go(p, s, now);
    return 0;
}

int plan_stop(struct plan *p, uint32_t id, const struct plan_time *now, struct err *err)
{
    struct plan_session *s =
        in_state(p, id, 1u << PLAN_WAITING | 1u << PLAN_RUNNING | 1u << PLAN_SUSPENDED, "not over",
                 err);

    if (!s)
        return refusal(p, id);
    finish(p, s, PLAN_STOPPED, PLAN_END_ORDER, now);
    return 0;
}

int plan_suspend(struct plan *p, uint32_t id, const struct plan_time *now, struct err *err)
{
    struct plan_session *s = in_state(p, id, 1u << PLAN_RUNNING, "running", err);

    (void)now;
    if (!s)
        return refusal(p, id);
    s->state = PLAN_SUSPENDED;
    changed(p, s);
    return 0;
}

int plan_resume(struct plan *p, uint32_t id, const struct plan_time *now, struct err *err)
{
    struct plan_session *s = in_state(p, id, 1u << PLAN_SUSPENDED, "suspended", err);

    if (!s)
        return refusal(p, id);
    go(p, s, now);
    return 0;
}

/* ---- time ---- */

static bool rule_met(const struct plan_session *s, const struct plan_time *now)
{
    const struct plan_facts *f = &s->facts;

    switch (s->wish.start) {
    case PLAN_READY:
        return f->ready >= s->wish.ready;
    case PLAN_AT:
        return s->wish.in_s ? mono_sub(now->mono, s->start) >= 0 : now->unix_s >= s->due;
    case PLAN_QUIET:
        return f->ready && f->joined.ns &&
               mono_sub(now->mono, f->joined) >= (int64_t)s->wish.quiet_min * 60 * MONO_S;
    default:
        return true;
    }
}

/* Minds when machines need it; for a person nothing has changed. */
static void note_busy(struct plan *p, struct plan_session *s, const struct plan_time *now)
{
    bool waits = s->state == PLAN_WAITING && s->wish.start == PLAN_AT;

    if (s->facts.needing || waits || !s->idle.ns)
        s->idle = now->mono;
    if (!s->facts.needing || (s->busy && now->unix_s >= s->busy && now->unix_s - s->busy < BUSY_S))
        return;
    s->busy = now->unix_s;
    p->quiet = true;
    changed(p, s);
    p->quiet = false;
}

static int64_t idle_left_ns(const struct plan_session *s, const struct plan_time *now)
{
    int64_t idle = s->idle.ns ? mono_sub(now->mono, s->idle) : 0;

    return (int64_t)s->wish.idle_min * 60 * MONO_S - idle;
}

static void step_session(struct plan *p, struct plan_session *s, const struct plan_time *now)
{
    bool armed = plan_is_armed(s, now), idle;

    note_busy(p, s, now);
    idle = s->wish.targets == PLAN_ALL && idle_left_ns(s, now) <= 0;
    if (s->missed && s->state == PLAN_WAITING)
        finish(p, s, PLAN_STOPPED, PLAN_END_MISSED, now);
    else if (!armed && s->state == PLAN_WAITING)
        finish(p, s, PLAN_STOPPED, PLAN_END_EXPIRED, now);
    else if (!armed && !s->facts.needing)
        finish(p, s, PLAN_DONE, PLAN_END_EXPIRED, now);
    else if (idle)
        finish(p, s, s->started ? PLAN_DONE : PLAN_STOPPED, PLAN_END_IDLE, now);
    else if (s->state == PLAN_RUNNING && s->wish.targets != PLAN_ALL && s->facts.passed &&
             !s->facts.left && !s->facts.needing)
        finish(p, s, PLAN_DONE, PLAN_END_COMPLETE, now);
    else if (s->state == PLAN_WAITING && rule_met(s, now))
        go(p, s, now);
}

/* The clock was set by so many seconds: stamps made by it move along, HH:MM is looked for anew. */
static void clock_set(struct plan *p, struct plan_session *s, int64_t by,
                      const struct plan_time *now)
{
    s->made += (uint64_t)by;
    s->started += s->started ? (uint64_t)by : 0;
    s->armed_until += s->armed_until ? (uint64_t)by : 0;
    if (s->wish.start == PLAN_AT && s->state == PLAN_WAITING)
        s->due = s->wish.in_s ? s->due + (uint64_t)by : next_time(s->wish.at_min, now);
    changed(p, s);
}

static int64_t jump_of(const struct plan_time *last, const struct plan_time *now)
{
    int64_t by = (int64_t)(now->unix_s - last->unix_s) - mono_sub(now->mono, last->mono) / MONO_S;

    return last->mono.ns && (by > JUMP_S || by < -JUMP_S) ? by : 0;
}

void plan_step(struct plan *p, const struct plan_time *now,
               void (*look)(void *, const struct plan_session *, struct plan_facts *), void *ctx)
{
    int64_t by = jump_of(&p->last, now);

    p->last = *now;
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        struct plan_session *s = &p->session[i];

        if (!plan_is_active(s))
            continue;
        if (by)
            clock_set(p, s, by, now);
        memset(&s->facts, 0, sizeof s->facts);
        look(ctx, s, &s->facts);
        step_session(p, s, now);
    }
}

/* ---- sentences ---- */

static const char *many(unsigned n)
{
    return n == 1 ? "" : "s";
}

/* "7 h 57 min", "3 min", "20 s" */
static const char *span(char buf[32], int64_t seconds)
{
    if (seconds >= 3600)
        snprintf(buf, 32, "%d h %d min", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    else if (seconds >= 60)
        snprintf(buf, 32, "%d min", (int)(seconds / 60));
    else
        snprintf(buf, 32, "%d s", seconds > 0 ? (int)seconds : 0);
    return buf;
}

static void say_whom(const struct plan_session *s, char *to, size_t n)
{
    if (s->wish.targets == PLAN_ALL)
        snprintf(to, n, "the disk of every machine that boots from this switch");
    else if (s->wish.targets == PLAN_NAMED)
        snprintf(to, n, "the disks of the %u machine%s that the list names it for", s->facts.listed,
                 many(s->facts.listed));
    else
        snprintf(to, n, "the disks of the %u machine%s of the list that boot from this switch",
                 s->facts.listed, many(s->facts.listed));
}

static void say_at(const struct plan_session *s, const struct plan_time *now, char *to, size_t n)
{
    int64_t local = ((int64_t)now->unix_s + now->offset_s) % DAY_S / 60;
    char left[32];

    if (s->wish.in_s) {
        snprintf(to, n, "starts in %s, at %02u:%02u by the clock of whoever planned it",
                 span(left, mono_sub(s->start, now->mono) / MONO_S), s->wish.at_min / 60u,
                 s->wish.at_min % 60u);
        return;
    }
    snprintf(to, n, "starts at %02u:%02u, in %s by the box's clock, which shows %02u:%02u%s",
             s->wish.at_min / 60u, s->wish.at_min % 60u,
             span(left, (int64_t)(s->due - now->unix_s)), (unsigned)(local / 60),
             (unsigned)(local % 60), plan_clock_is_set(now) ? "" : " and has never been set");
}

static void say_quiet(const struct plan_session *s, const struct plan_time *now, char *to, size_t n)
{
    int64_t left = (int64_t)s->wish.quiet_min * 60 - mono_sub(now->mono, s->facts.joined) / MONO_S;
    char text[32];

    if (s->facts.joined.ns && s->facts.ready)
        snprintf(to, n, "starts in %s, %u minute%s after the last machine has joined; %u %s there",
                 span(text, left), s->wish.quiet_min, many(s->wish.quiet_min), s->facts.ready,
                 s->facts.ready == 1 ? "is" : "are");
    else
        snprintf(to, n, "starts %u minute%s after the last machine has joined; none is there yet",
                 s->wish.quiet_min, many(s->wish.quiet_min));
}

/* Who is left out, or not. */
static void say_have(const struct plan_session *s, char *to, size_t n)
{
    const char *what = s->of_config ? "passed before" : "this image already";
    unsigned have = s->facts.have;

    to[0] = 0;
    if (have && s->wish.include)
        snprintf(to, n, "; also the %u that %s it already", have, have == 1 ? "has" : "have");
    else if (have)
        snprintf(to, n, "; %u that %s %s %s left out", have, have == 1 ? "has" : "have", what,
                 have == 1 ? "is" : "are");
}

/* Until when it takes machines. */
static void say_until(const struct plan_session *s, const struct plan_time *now, char *to, size_t n)
{
    int64_t left = s->disarm.ns ? mono_sub(s->disarm, now->mono) : INT64_MAX;
    bool all = s->wish.targets == PLAN_ALL,
         busy = s->facts.needing || (s->state == PLAN_WAITING && s->wish.start == PLAN_AT);
    char text[32];

    to[0] = 0;
    if (s->disarm.ns && (!all || left <= idle_left_ns(s, now)))
        snprintf(to, n, "; it takes machines for %s", span(text, left / MONO_S));
    else if (all && busy)
        snprintf(to, n, "; it ends %s after the last machine",
                 span(text, s->wish.idle_min * INT64_C(60)));
    else if (all)
        snprintf(to, n, "; idle, it ends in %s", span(text, idle_left_ns(s, now) / MONO_S));
}

static void say_waiting(const struct plan_session *s, const struct plan_time *now, char *to,
                        size_t n)
{
    char when[160], whom[96], have[64], until[64];

    say_whom(s, whom, sizeof whom);
    if (s->wish.start == PLAN_AT)
        say_at(s, now, when, sizeof when);
    else if (s->wish.start == PLAN_QUIET)
        say_quiet(s, now, when, sizeof when);
    else
        snprintf(when, sizeof when, "starts when %u machine%s ready, %u %s there", s->wish.ready,
                 s->wish.ready == 1 ? " is" : "s are", s->facts.ready,
                 s->facts.ready == 1 ? "is" : "are");
    say_have(s, have, sizeof have);
    say_until(s, now, until, sizeof until);
    snprintf(to, n, "%s: %s; then it erases %s%s%s", s->wish.image, when, whom, have, until);
}

static void say_running(const struct plan_session *s, const struct plan_time *now, char *to,
                        size_t n)
{
    char whom[96], left[64] = "", have[64], until[64];

    say_whom(s, whom, sizeof whom);
    say_have(s, have, sizeof have);
    say_until(s, now, until, sizeof until);
    if (s->wish.targets != PLAN_ALL)
        snprintf(left, sizeof left, "; %u still to pass", s->facts.left);
    if (!plan_is_armed(s, now))
        snprintf(
            to, n,
            "%s: finishes the %u machine%s it has and takes no more, because its arming has ended",
            s->wish.image, s->facts.needing, many(s->facts.needing));
    else
        snprintf(to, n, "%s: erases %s%s%s%s", s->wish.image, whom, left, have, until);
}

static void say_over(const struct plan_session *s, char *to, size_t n)
{
    static const char *const why[PLAN_ENDS] = {
        "",
        "was stopped",
        "was stopped: its arming ended before it could start",
        "is done: every machine of the list has passed",
        "was stopped: the box was off, and its time went by or its clock cannot tell",
        "is closed: no machine has needed it for so long"};
    const char *text = s->end == PLAN_END_EXPIRED && s->state == PLAN_DONE
                           ? "is done: its arming has ended"
                           : why[s->end];

    snprintf(to, n, "%s: %s", s->wish.image, text);
}

const char *plan_sentence(const struct plan_session *s, const struct plan_time *now,
                          char buf[PLAN_SENTENCE])
{
    switch (s->state) {
    case PLAN_WAITING:
        say_waiting(s, now, buf, PLAN_SENTENCE);
        break;
    case PLAN_RUNNING:
        say_running(s, now, buf, PLAN_SENTENCE);
        break;
    case PLAN_SUSPENDED:
        snprintf(buf, PLAN_SENTENCE, "%s: suspended; %u machine%s wait%s for it to go on",
                 s->wish.image, s->facts.needing, many(s->facts.needing),
                 s->facts.needing == 1 ? "s" : "");
        break;
    default:
        say_over(s, buf, PLAN_SENTENCE);
    }
    return buf;
}
