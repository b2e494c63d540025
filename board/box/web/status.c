#include "board/box/web/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "board/core/exit.h"
#include "board/errors/command.h"
#include "net/ip/stack.h"

#define REFRESH_NS MONO_S
#define MACHINE_NS (2 * MONO_MS) /* a refresh may not come sooner than this for each machine */

struct status {
    struct status_needs needs;
    struct mono began, now, refreshed;
    struct room_snapshot room;
    struct feed feed;
};

/* ---- the box ---- */

static uint64_t free_bytes(const char *path)
{
    struct statvfs v;

    return path && statvfs(path, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

static enum room_guard guard_of(enum dhcp_guard_state s)
{
    return s == DHCP_GUARD_FOREIGN     ? ROOM_GUARD_SILENT
           : s == DHCP_GUARD_LISTENING ? ROOM_GUARD_LISTENING
                                       : ROOM_GUARD_SERVING;
}

static void look_at_box(const struct status *s, struct room_box *b)
{
    const struct status_needs *n = &s->needs;
    char files[ROOM_SENTENCE_MAX + 1];
    bool warns;
    time_t clock = time(NULL);

    memset(b, 0, sizeof *b);
    session_info_text(b->name, ROOM_NAME_MAX, n->config->name);
    session_info_text(b->version, ROOM_LABEL_MAX, RINGCAST_VERSION);
    if (n->portal)
        session_info_text(b->fingerprint, sizeof b->fingerprint - 1, portal_fingerprint(n->portal));
    b->address = n->config->address;
    b->unix_s = clock > 0 ? (uint64_t)clock : 0;
    b->uptime_s = (uint64_t)(mono_sub(s->now, s->began) / MONO_S);
    b->data_free_bytes = free_bytes(n->data);
    b->guard = guard_of(services_guard(n->services));
    services_text(n->services, b->guard_text, sizeof b->guard_text, &warns, files, sizeof files);
    if (room_is_full(n->room))
        snprintf(
            b->guard_text, sizeof b->guard_text,
            "The table of machines is full: machines that the box does not know are not imaged.");
    b->refused = n->serve->server.refused;
    if (n->hold)
        hold_sentence(n->hold, b->hold);
}

/* ---- sessions ---- */

static void look_at_stream(const struct stream *st, struct room_session *to)
{
    struct send_stats now;
    const struct img_window *w = NULL;

    session_info_text(to->version, ROOM_LABEL_MAX, st->file.head.label);
    to->rate = st->session.running ? st->set * 8 : 0;
    to->rate_fixed = !st->steered;
    if (st->steered)
        rate_reason_text(&st->rate, to->rate_reason, sizeof to->rate_reason);
    else
        snprintf(to->rate_reason, sizeof to->rate_reason, "as it was set");
    send_stats(st->send, &now);
    if (now.window < st->file.body.nwindows)
        w = &st->file.body.windows[now.window];
    if (w && w->k && now.rows > w->k)
        to->repair_ppm = (uint32_t)((uint64_t)(now.rows - w->k) * 1000000 / w->k);
}

static enum room_session_state state_of(const struct plan_session *p)
{
    switch (p->state) {
    case PLAN_RUNNING:
        return ROOM_SESSION_RUNNING;
    case PLAN_SUSPENDED:
        return ROOM_SESSION_SUSPENDED;
    case PLAN_STOPPED:
        return ROOM_SESSION_STOPPED;
    case PLAN_DONE:
        return ROOM_SESSION_DONE;
    default:
        return ROOM_SESSION_WAITING;
    }
}

static enum room_start rule_of(enum plan_start s)
{
    return s == PLAN_READY   ? ROOM_START_READY
           : s == PLAN_AT    ? ROOM_START_AT
           : s == PLAN_QUIET ? ROOM_START_QUIET
                             : ROOM_START_NOW;
}

static const struct stream *stream_named(const struct serve *s, const char *name)
{
    for (unsigned i = 0; i < s->n_streams; i++)
        if (name[0] && strcmp(s->streams[i].session.name, name) == 0)
            return &s->streams[i];
    return NULL;
}

static void look_at_session(struct status *s, const struct plan_session *p,
                            const struct plan_time *now)
{
    const struct stream *st = stream_named(s->needs.serve, p->wish.image);
    struct room_session r = {.id = p->id,
                             .planned = true,
                             .state = state_of(p),
                             .rule = rule_of(p->wish.start),
                             .ready_n = p->wish.ready,
                             .at_minute = p->wish.at_min,
                             .quiet_minutes = p->wish.quiet_min,
                             .started = p->started,
                             .armed_until = p->armed_until};
    char sentence[PLAN_SENTENCE];

    snprintf(r.image, sizeof r.image, "%s", p->wish.image);
    session_info_text(r.sentence, ROOM_SENTENCE_MAX, plan_sentence(p, now, sentence));
    if (st && plan_is_active(p))
        look_at_stream(st, &r);
    snapshot_session(&s->room, &r);
}

/* The latest session, of an image or (NULL) of all; NULL: there is none. */
static const struct plan_session *latest(const struct status *s, const char *image)
{
    const struct plan *p = room_plan(s->needs.room);
    const struct plan_session *found = NULL;

    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *at = &p->session[i];

        if (at->id && (!found || at->id > found->id) &&
            (!image || strcmp(at->wish.image, image) == 0))
            found = at;
    }
    return found;
}

/* The session that an image's receivers are in: the latest of its name. */
static uint32_t session_of(const struct status *s, unsigned image)
{
    const struct plan_session *p = latest(s, s->needs.serve->streams[image].session.name);

    return p ? p->id : 0;
}

/* A session finds a clean board: who was through with this image before is in the report. Once a
 * session is over, any later one counts. */
static struct mono board_since(const struct status *s, unsigned image)
{
    const struct plan_session *own = latest(s, s->needs.serve->streams[image].session.name),
                              *last = latest(s, NULL);

    if (own && plan_is_active(own))
        return own->began;
    return last ? last->began : (struct mono){0};
}

static bool is_past(const struct session_receiver *r, struct mono since)
{
    return (r->gone || r->facts.state >= SESSION_PASS) && mono_sub(since, r->heard) > 0;
}

static void look_at_sessions(struct status *s)
{
    const struct plan *p = room_plan(s->needs.room);
    struct plan_time now = room_now(s->needs.room);

    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        if (p->session[i].id)
            look_at_session(s, &p->session[i], &now);
}

/* ---- machines ---- */

static void look_at_receivers(struct status *s, unsigned image)
{
    const struct stream *st = &s->needs.serve->streams[image];
    uint32_t id = session_of(s, image);
    struct mono since = board_since(s, image);

    for (uint32_t i = 0; i < st->session.used; i++) {
        const struct session_receiver *r = &st->session.rows[i];

        if (is_past(r, since))
            snapshot_forget(&s->room, r);
        else
            snapshot_receiver(&s->room, id, st->session.running ? st->set : 0, r,
                              r->facts.error ? error_sentence(r->facts.error) : NULL);
    }
}

static void on_passed(void *ctx, const uint8_t mac[6], uint32_t session)
{
    struct status *s = ctx;

    snapshot_recalled(&s->room, mac, &(struct room_recall){session, ROOM_PASS, 0, ""});
}

/* Who failed or was lost in a session that runs, before the core was started anew. */
static void on_attempt(void *ctx, const struct attempt *a)
{
    struct status *s = ctx;
    const struct plan_session *p = plan_find(room_plan(s->needs.room), a->session);
    enum room_state state = a->result == ATTEMPT_FAIL ? ROOM_FAIL : ROOM_LOST;

    if (p && plan_is_active(p) && (a->result == ATTEMPT_FAIL || a->result == ATTEMPT_LOST))
        snapshot_recalled(&s->room, a->mac,
                          &(struct room_recall){p->id, state, a->error,
                                                a->error ? error_sentence(a->error) : NULL});
}

/* Who asked for something to boot and is left out, for as long as that is so. */
static void on_left_out(void *ctx, const uint8_t mac[6], const char *why)
{
    struct status *s = ctx;

    snapshot_recalled(&s->room, mac, &(struct room_recall){0, ROOM_PASS, 0, why});
}

static void look_at_machines(struct status *s)
{
    const struct expected *list = room_expected(s->needs.room);

    for (unsigned i = 0; i < s->needs.serve->n_streams; i++)
        if (session_image_there(&s->needs.serve->server, i))
            look_at_receivers(s, i);
    room_recall(s->needs.room, on_passed, s);
    diary_recall(s->needs.diary, on_attempt, s);
    room_recall_left(s->needs.room, on_left_out, s);
    for (unsigned i = 0; i < s->room.n_machines; i++) {
        const struct room_machine *m = &s->room.machine[i];
        const struct expected_row *row = expected_look(list, m->mac);

        snapshot_named(&s->room, m->mac, row ? row->name : "", row ? row->asset : "",
                       row ? row->position : "");
        snapshot_identify(&s->room, m->mac, room_identifies(s->needs.room, m->mac));
    }
    snapshot_expected(&s->room, list->n, expected_missing(list));
}

static void refresh(struct status *s)
{
    struct room_box box;

    look_at_box(s, &box);
    snapshot_begin(&s->room, &box, s->now);
    look_at_sessions(s);
    look_at_machines(s);
    snapshot_end(&s->room);
    feed_publish(&s->feed);
    s->refreshed = s->now;
}

/* ---- all of it ---- */

struct status *status_make(const struct status_needs *needs, struct mono now)
{
    struct status *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    s->needs = *needs;
    s->began = s->now = now;
    s->refreshed = (struct mono){0};
    snapshot_init(&s->room);
    feed_init(&s->feed, &s->room);
    return s;
}

void status_step(struct status *s, struct mono now)
{
    int64_t pause = s->room.n_machines * MACHINE_NS;

    s->now = now;
    if (!s->refreshed.ns ||
        mono_sub(now, s->refreshed) >= (pause > REFRESH_NS ? pause : REFRESH_NS))
        refresh(s);
}

const struct steps *status_steps(const struct status *s)
{
    return s->needs.steps;
}

const struct room_snapshot *status_room(const struct status *s)
{
    return &s->room;
}

struct feed *status_feed(struct status *s)
{
    return &s->feed;
}

void status_event(struct status *s, const struct session_event *e)
{
    if (e->what == SESSION_TOLD)
        snapshot_about(&s->room, e->receiver->mac, e->info);
}

struct session_label status_label(const struct status *s, const uint8_t mac[6])
{
    const struct room_machine *m = snapshot_find(&s->room, mac);

    return (struct session_label){.number = m ? m->number : 0,
                                  .identify = room_identifies(s->needs.room, mac)};
}

void status_reader(struct status *s, uint32_t address)
{
    room_visitor(s->needs.room, address);
}

void status_boots(struct status *s, const uint8_t mac[6])
{
    if (room_wants_imaging(s->needs.room, mac))
        snapshot_booting(&s->room, mac, 0, s->now);
    else
        room_boots(s->needs.room, mac);
}

void status_close(struct status *s)
{
    free(s);
}
