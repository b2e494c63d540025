#include "board/box/orders/room_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board/box/library/library.h"
#include "board/box/store/journal.h"
#include "board/errors/box.h"
#include "board/log/log.h"
#include "imaging/hash/crc.h"
#include "net/ip/stack.h"
#include "net/os/clock.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/units.h"
#include "net/wire/writer.h"
#include "net/wol/bind.h"

#define STEP_NS MONO_S

/* ---- time ---- */

struct plan_time room_now(const struct room *r)
{
    time_t clock = time(NULL);
    struct tm local = {0};

    localtime_r(&clock, &local);
    return (struct plan_time){clock_now(), clock > 0 ? (uint64_t)clock : 0,
                              r->needs.config->has_utc_offset ? r->needs.config->utc_offset_s
                                                              : (int32_t)local.tm_gmtoff};
}

/* A number that every run of the kernel has for itself; 0 where it does not say. */
static uint64_t boot_number(void)
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);

    if (fd >= 0)
        close(fd);
    return n > 0 ? (uint64_t)crc32_ieee(0, text, (size_t)n) << 32 | crc32_ieee(1, text, (size_t)n)
                 : 0;
}

/* ---- what the plan means for the streams ---- */

bool room_keep(struct room *r, uint8_t kind, const void *key, size_t nkey, const void *value,
               size_t nvalue)
{
    return !r->needs.store || r->needs.store(r->needs.ctx, kind, key, nkey, value, nvalue);
}

static bool holds(struct room *r, const char *image)
{
    const struct plan_session *s = plan_of_image(&r->plan, image);

    return !(s && s->state == PLAN_RUNNING);
}

void room_prepare(struct room *r, struct session_image *image)
{
    image->held = holds(r, image->name);
    image->stopped = !plan_of_image(&r->plan, image->name);
}

int room_uses(struct room *r, const char *image, struct err *err)
{
    const struct plan_session *s = plan_of_image(&r->plan, image);

    return s ? err_set(err, PLAN_EBUSY, "session %u gives out %s and is %s: stop the session first",
                       s->id, image, plan_state_word(s->state))
             : 0;
}

/* The rate that the session wishes, else the configured one. */
static void set_rate(struct room *r, struct stream *st)
{
    const struct config *c = &r->needs.serve->config;
    const struct plan_session *s = plan_of_image(&r->plan, st->session.name);
    uint64_t wish = s ? s->wish.rate : 0;

    st->steered = !wish && c->rate_auto;
    st->fixed = wish ? (wish < r->needs.serve->ceiling ? wish : r->needs.serve->ceiling) : c->rate;
}

static void apply(struct room *r)
{
    struct serve *s = r->needs.serve;

    for (unsigned i = 0; i < s->n_streams; i++) {
        if (!s->streams[i].session.name[0]) /* an empty place: its image was deleted */
            continue;
        session_server_hold(&s->server, i, holds(r, s->streams[i].session.name));
        session_server_stop(&s->server, i, !plan_of_image(&r->plan, s->streams[i].session.name));
        set_rate(r, &s->streams[i]);
    }
}

unsigned room_stream_of(const struct room *r, const char *image)
{
    const struct serve *s = r->needs.serve;
    unsigned i = 0;

    while (i < s->n_streams && (strcmp(s->streams[i].session.name, image) != 0 || !image[0]))
        i++;
    return i;
}

/* The image of those for whom nothing is named: the configured one, else the first. */
const char *room_preferred(const struct room *r)
{
    const struct serve *s = r->needs.serve;
    unsigned i = 0;

    if (r->needs.config->boot.image[0])
        return r->needs.config->boot.image;
    if (r->needs.first)
        return r->needs.first(r->needs.ctx);
    while (i < s->n_streams && !s->streams[i].session.name[0])
        i++;
    return i < s->n_streams ? s->streams[i].session.name : "";
}

static void look(void *ctx, const struct plan_session *s, struct plan_facts *f)
{
    struct room *r = ctx;
    unsigned at = room_stream_of(r, s->wish.image);

    if (at < r->needs.serve->n_streams) {
        f->ready = session_image_ready(&r->needs.serve->server, at, &f->joined);
        f->needing = r->needs.serve->streams[at].session.needing;
    }
    room_count(r, s, f);
}

static void on_change(void *ctx, const struct plan_session *s, const uint8_t *value, size_t n)
{
    struct room *r = ctx;
    const uint8_t key[PLAN_KEY_BYTES] = {(uint8_t)(s->id >> 24), (uint8_t)(s->id >> 16),
                                         (uint8_t)(s->id >> 8), (uint8_t)s->id};
    struct plan_time now = room_now(r);
    /* with the facts of this moment, which the plan itself sees at its next step */
    struct plan_session fresh = *s;
    char text[PLAN_SENTENCE];

    room_keep(r, JOURNAL_PLAN, key, sizeof key, value, n);
    memset(&fresh.facts, 0, sizeof fresh.facts);
    look(r, &fresh, &fresh.facts);
    if (n && !r->plan.quiet)
        log_line("session %u is %s: %s", s->id, plan_state_word(s->state),
                 plan_sentence(&fresh, &now, text));
}

/* The image that the machine is in the middle of; n_streams: none. */
unsigned room_in_hand(const struct room *r, const uint8_t mac[6])
{
    const struct serve *s = r->needs.serve;
    unsigned i = 0;

    while (i < s->n_streams && !session_image_has(&s->server, i, mac))
        i++;
    return i;
}

/* ---- what was kept ---- */

enum told room_restore(struct room *r, uint8_t kind, const uint8_t *key, size_t nkey,
                       const uint8_t *value, size_t nvalue)
{
    struct plan_time now = room_now(r);

    switch (kind) {
    case JOURNAL_PLAN:
        return plan_restore(&r->plan, key, nkey, value, nvalue, &now);
    case JOURNAL_EXPECTED:
        return room_restore_row(r, key, nkey, value, nvalue);
    case JOURNAL_LIST:
        return room_restore_list(r, value, nvalue);
    case JOURNAL_VISITOR:
        return room_restore_visitor(r, key, nkey, value, nvalue);
    case JOURNAL_LEFT:
        return room_restore_left(r, key, nkey, value, nvalue);
    default:
        return TOLD_NEWER; /* nobody's */
    }
}

/* ---- the session of ringcast.conf ---- */

/* Whether ringcast.conf has had its session of this image since the machine was switched on: what a
 * person stopped, or what is done, a restart of the core does not begin anew. */
static bool had_its_session(const struct room *r, const struct plan_wish *w)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &r->plan.session[i];

        if (s->id && s->of_config && (plan_is_active(s) || s->boot == r->plan.boot) &&
            plan_same(&s->wish, w))
            return true;
    }
    return false;
}

/* Machines of the list that still lack an image, or that one ("": any). */
static unsigned wake_list(struct room *r, const char *image)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->list->n; i++) {
        const struct expected_row *row = &r->list->row[i];
        bool meant =
            !image[0] || strcmp(row->image[0] ? row->image : room_preferred(r), image) == 0;

        if (meant &&
            (machine_wants_imaging(r->needs.machines, row->mac) || room_wants_imaging(r, row->mac)))
            n += wol_add(&r->wol, row->mac, clock_now()) == 0;
    }
    return n;
}

/* A session of ringcast.conf takes no machine that has passed before: one for a list of such
 * machines alone takes none. */
static void say_nobody(const struct plan_session *s)
{
    if (s->facts.listed && !s->facts.left)
        log_line("session %u of ringcast.conf takes no machine: all %u on the list have passed "
                 "before; arm them, make a session on the page, or "
                 "set rearm = yes in [boot]",
                 s->id, s->facts.listed);
}

static void config_began(struct room *r, struct plan_session *s)
{
    memset(&s->facts, 0, sizeof s->facts);
    look(r, s, &s->facts);
    say_nobody(s);
    if (r->needs.config->session.wake && s->wish.start != PLAN_AT)
        log_line("%u machines are woken for %s", wake_list(r, s->wish.image), s->wish.image);
}

static void plan_image(struct room *r, const char *image)
{
    struct plan_wish w = r->needs.config->session.wish;
    struct plan_session *there;
    struct plan_time now = room_now(r);
    struct err err = {0};
    uint32_t id;

    if (strcmp(image, room_preferred(r)) != 0)
        w.targets = PLAN_NAMED;
    memset(w.image, 0, sizeof w.image);
    memcpy(w.image, image, strlen(image));
    if (had_its_session(r, &w))
        return;
    there = plan_of_image(&r->plan, image);
    /* a person has planned otherwise */
    if (there ? !there->of_config : room_clash(r, &w, r->list) != NULL)
        return;
    if (there) /* by another ringcast.conf */
        (void)plan_stop(&r->plan, there->id, &now, NULL);
    if (plan_create(&r->plan, &w, true, &now, &id, &err))
        log_line("the session of ringcast.conf cannot be: %s (%d)", err.text, err.code);
    else
        config_began(r, plan_find(&r->plan, id));
}

/* Given out, or soon: machines may wait for it. */
static bool is_here(struct room *r, const char *image)
{
    char why[PLAN_SENTENCE];

    return image[0] && (room_stream_of(r, image) < r->needs.serve->n_streams ||
                        room_withholds(r, image, why, sizeof why) == LIBRARY_COMING);
}

/* The images that machines get: the one for those of whom nothing is said, and those that the list
 * names. One that is still being checked has its session: who boots meanwhile waits, and is not
 * sent to an old disk. */
static void plan_of_config(struct room *r)
{
    char first[SESSION_NAME_MAX + 1];

    if (!r->needs.config->session.planned)
        return;
    snprintf(first, sizeof first, "%s", room_preferred(r));
    if (is_here(r, first))
        plan_image(r, first);
    for (unsigned i = 0; i < r->list->n; i++)
        if (strcmp(r->list->row[i].image, first) != 0 && is_here(r, r->list->row[i].image))
            plan_image(r, r->list->row[i].image);
}

/* Those who sleep until the hour. */
static void wake_at_the_hour(struct room *r, const struct plan_session *before)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &r->plan.session[i];

        if (before[i].id == s->id && before[i].state == PLAN_WAITING && s->state == PLAN_RUNNING &&
            s->of_config && s->wish.start == PLAN_AT && r->needs.config->session.wake)
            log_line("%u machines are woken for %s", wake_list(r, s->wish.image), s->wish.image);
    }
}

/* ---- machines ---- */

void room_event(struct room *r, const struct session_event *e)
{
    struct expected_row *row = e->receiver ? expected_find(r->list, e->receiver->mac) : NULL;

    if (!row)
        return;
    row->came = true;
    if (e->what == SESSION_STATE && e->receiver->facts.state == SESSION_PASS)
        row->passed = true;
}

bool room_identifies(const struct room *r, const uint8_t mac[6])
{
    for (unsigned i = 0; i < r->n_identified; i++)
        if (memcmp(r->identified[i], mac, 6) == 0)
            return true;
    return false;
}

static int identify(struct room *r, const uint8_t mac[6], bool on, struct err *err)
{
    unsigned i = 0;

    while (i < r->n_identified && memcmp(r->identified[i], mac, 6) != 0)
        i++;
    if (on && i == ROOM_IDENTIFY_MAX)
        return err_set(err, PLAN_EVALUE, "expected at most %d machines that flash",
                       ROOM_IDENTIFY_MAX);
    if (on && i == r->n_identified)
        memcpy(r->identified[r->n_identified++], mac, 6);
    if (!on && i < r->n_identified)
        memmove(r->identified[i], r->identified[--r->n_identified], 6);
    return 0;
}

/* ---- orders ---- */

/* A session may wait for an image that is being checked or packed. */
static int check_absent(struct room *r, const char *image, struct err *err)
{
    char why[PLAN_SENTENCE] = "";

    switch (room_withholds(r, image, why, sizeof why)) {
    case 0:
        return err_set(err, PLAN_EIMAGE, "expected the name of an image of the box, got \"%.64s\"",
                       image);
    case LIBRARY_COMING:
        return 0;
    default:
        return err_set(err, PLAN_EIMAGE, "expected an image that can be given out: %s", why);
    }
}

static int create(struct room *r, const struct room_order *o, struct room_answer *a,
                  struct err *err)
{
    const struct plan_session *clash;
    struct plan_wish wish = o->wish;
    struct plan_time now = room_now(r);
    char text[PLAN_SENTENCE];
    int rc;

    rc = room_stream_of(r, o->wish.image) == r->needs.serve->n_streams
             ? check_absent(r, o->wish.image, err)
             : 0;
    if (rc)
        return rc;
    if (o->wish.targets != PLAN_ALL && r->list->n == 0)
        return err_set(err, PLAN_ENOLIST, "expected a list of machines first, there is none");
    clash = plan_of_image(&r->plan, o->wish.image) ? NULL : room_clash(r, &o->wish, r->list);
    if (clash)
        return err_set(err, PLAN_ESAME,
                       "session %u gives out %s to the same machines and is %s: stop it first, or "
                       "name the image of each machine in the list",
                       clash->id, clash->wish.image, plan_state_word(clash->state));
    if (!wish.idle_min)
        wish.idle_min = r->needs.config->session.wish.idle_min;
    rc = plan_create(&r->plan, &wish, false, &now, &a->session, err);
    if (rc)
        return rc;
    look(r, plan_find(&r->plan, a->session), &plan_find(&r->plan, a->session)->facts);
    snprintf(a->text, sizeof a->text, "%s",
             plan_sentence(plan_find(&r->plan, a->session), &now, text));
    return 0;
}

static int session_order(struct room *r, const struct room_order *o, struct room_answer *a,
                         struct err *err)
{
    int (*const does[])(struct plan *, uint32_t, const struct plan_time *,
                        struct err *) = {[ROOM_START] = plan_start,
                                         [ROOM_STOP] = plan_stop,
                                         [ROOM_SUSPEND] = plan_suspend,
                                         [ROOM_RESUME] = plan_resume};
    struct plan_time now = room_now(r);
    char text[PLAN_SENTENCE];
    int rc = does[o->kind](&r->plan, o->session, &now, err);

    if (rc == 0)
        snprintf(a->text, sizeof a->text, "%s",
                 plan_sentence(plan_find(&r->plan, o->session), &now, text));
    return rc;
}

static int wake(struct room *r, const struct room_order *o, struct room_answer *a, struct err *err)
{
    for (unsigned i = 0; i < o->n_macs; i++) {
        int rc = wol_add(&r->wol, o->macs[i], clock_now());

        if (rc)
            return err_set(err, rc,
                           rc == WOL_EFULL ? "expected at most %d machines to wake"
                                           : "expected the MACs of machines",
                           WOL_MAX);
    }
    a->n = o->n_macs;
    snprintf(a->text, sizeof a->text, "%u machine%s called three times", a->n,
             a->n == 1 ? " is" : "s are");
    return 0;
}

static int wake_expected(struct room *r, struct room_answer *a, struct err *err)
{
    if (r->list->n == 0)
        return err_set(err, PLAN_ENOLIST, "expected a list of machines first, there is none");
    a->n = wake_list(r, "");
    snprintf(a->text, sizeof a->text, "%u of %u listed machines are called; the others have passed",
             a->n, r->list->n);
    return 0;
}

static int arm(struct room *r, const struct room_order *o, struct room_answer *a, struct err *err)
{
    struct expected_row *row = expected_find(r->list, o->mac);
    char why[SESSION_SENTENCE_MAX + 1];

    if (!machine_arm(r->needs.machines, o->mac, (uint32_t)(clock_now().ns / MONO_S)))
        return err_set(err, PC_EFULL,
                       "expected room for one machine more, the box remembers %u and forgets none",
                       r->needs.machines->n);
    if (r->needs.disks)
        disks_named(r->needs.disks, o->mac);
    if (row)
        row->passed = false;
    if (room_why_not(r, o->mac, why))
        snprintf(a->text, sizeof a->text, "the machine is armed, but no session takes it now: %s",
                 why);
    else
        snprintf(a->text, sizeof a->text,
                 "the machine is imaged the next time it boots from the network");
    return 0;
}

static int obey(struct room *r, const struct room_order *o, struct room_answer *a, struct err *err)
{
    int rc = 0;

    switch (o->kind) {
    case ROOM_CREATE:
        return create(r, o, a, err);
    case ROOM_START:
    case ROOM_STOP:
    case ROOM_SUSPEND:
    case ROOM_RESUME:
        return session_order(r, o, a, err);
    case ROOM_ARM:
        return arm(r, o, a, err);
    case ROOM_IDENTIFY:
        rc = identify(r, o->mac, o->on, err);
        snprintf(a->text, sizeof a->text,
                 o->on ? "the machine's screen flashes" : "the machine's screen is as before");
        return rc;
    case ROOM_WAKE:
        return wake(r, o, a, err);
    case ROOM_WAKE_EXPECTED:
        return wake_expected(r, a, err);
    case ROOM_EXPECTED:
        rc = room_take_list(r, o->text, o->n, err);
        a->n = r->list->n;
        snprintf(a->text, sizeof a->text, "%u machines are expected", a->n);
        return rc;
    }
    return err_set(err, PLAN_EVALUE, "expected an order that the room knows");
}

int room_order(struct room *r, const struct room_order *o, struct room_answer *a)
{
    struct err err = {0};

    memset(a, 0, sizeof *a);
    a->code = obey(r, o, a, &err);
    if (a->code)
        snprintf(a->text, sizeof a->text, "%s", err.text);
    apply(r);
    return a->code;
}

struct plan *room_plan(struct room *r)
{
    return &r->plan;
}

const char *room_image(const struct room *r)
{
    return room_preferred(r);
}

const struct expected *room_expected(const struct room *r)
{
    return r->list;
}

const char *room_sentence(const struct room *r, char buf[PLAN_SENTENCE])
{
    const struct plan_session *first = NULL;
    struct plan_time now = room_now(r);
    unsigned more = 0;
    size_t n;

    buf[0] = 0;
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &r->plan.session[i];

        more += plan_is_active(s);
        if (plan_is_active(s) && (!first || s->id < first->id))
            first = s;
    }
    if (first)
        plan_sentence(first, &now, buf);
    else
        snprintf(buf, PLAN_SENTENCE,
                 "No session takes machines now: none is erased. One is armed on the page, or here "
                 "with S.");
    n = strlen(buf);
    if (more > 1)
        snprintf(buf + n, PLAN_SENTENCE - n, "; and %u more session%s", more - 1,
                 more == 2 ? "" : "s");
    return buf;
}

/* ---- life ---- */

struct room *room_make(const struct room_needs *needs)
{
    struct room *r = calloc(1, sizeof *r);
    struct room_owns *owns = r ? room_owns_make() : NULL;

    if (!owns) {
        free(r);
        return NULL;
    }
    r->owns = owns;
    r->needs = *needs;
    r->list = &r->half[0];
    r->other = &r->half[1];
    plan_init(&r->plan, on_change, r);
    r->plan.boot = boot_number();
    return r;
}

void room_open(struct room *r, struct ip_stack *stack, struct jobs *jobs)
{
    r->stack = stack;
    r->jobs = jobs;
    for (unsigned i = 0; i < r->list->n; i++)
        r->list->row[i].came = !machine_wants_imaging(r->needs.machines, r->list->row[i].mac);
    room_read_list(r);
}

void room_step(struct room *r, struct mono now)
{
    static struct plan_session before[PLAN_SESSIONS_MAX];
    struct plan_time time_now;

    wol_bind_tick(&r->wol, r->stack, now);
    /* ringcast.conf has had its say: a session of it goes on with who was in it */
    if (r->stepped.ns)
        apply(r);
    if (mono_sub(now, r->stepped) < STEP_NS)
        return;
    r->stepped = now;
    plan_of_config(r);
    memcpy(before, r->plan.session, sizeof before);
    time_now = room_now(r);
    plan_step(&r->plan, &time_now, look, r);
    wake_at_the_hour(r, before);
    apply(r);
}

void room_close(struct room *r)
{
    if (r)
        free(r->owns);
    free(r);
}
