/* Which machine is erased. The boot answer, the handshake and the question for a machine's own all
 * ask machine_is_taken. */
#include <stdio.h>
#include <string.h>

#include "board/box/library/library.h"
#include "board/box/orders/room_inside.h"
#include "board/errors/box.h"

static int say_no(const struct room *r, bool listed, const char *image, char *why)
{
    bool only_listed = false;

    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        only_listed |=
            plan_is_active(&r->plan.session[i]) && r->plan.session[i].wish.targets == PLAN_EXPECTED;
    if (image[0])
        snprintf(why, SESSION_SENTENCE_MAX + 1,
                 "this machine is to get %s, and no session of it takes machines now", image);
    else if (only_listed && !listed)
        snprintf(why, SESSION_SENTENCE_MAX + 1,
                 "this machine is not on the list of expected machines");
    else
        snprintf(why, SESSION_SENTENCE_MAX + 1,
                 "no session takes machines now; one can be started at the box");
    return PLAN_ESTATE;
}

static const char *const says[] = {
    [STANDS_PASSED] =
        "this machine has been imaged in this session, and nobody has armed it again at the box",
    [STANDS_HAS] = "this machine has been imaged before, and nobody has armed it again at the box",
    [STANDS_VISITS] = "this machine has read the box's page: a session for all machines takes it "
                      "when the list or an order names it",
    [STANDS_UNKNOWN] = "this machine is new to the box, whose table of machines is full",
};

/* The session that erases this machine when it boots from the network, as *session; or a code and
 * the sentence why none does. `asked`: the image that it names itself, or "". */
static int machine_is_taken(struct room *r, const uint8_t mac[6], const char *asked,
                            const struct plan_session **session, char *why)
{
    const struct expected_row *row = expected_look(r->list, mac);
    const char *image = asked[0] ? asked : row ? row->image : "";
    struct plan_time now = room_now(r);
    enum standing stands;

    *session = NULL;
    if (r->needs.hold && hold_is(r->needs.hold)) {
        snprintf(
            why, SESSION_SENTENCE_MAX + 1,
            "the box is on hold: it erases nothing until somebody decides on its page or screen");
        return PC_EHOLD;
    }
    *session = plan_for(&r->plan, row != NULL, image, room_preferred(r), &now);
    if (!*session)
        return say_no(r, row != NULL, image, why);
    stands = room_standing(r, *session, mac);
    if (stands == STANDS_WANTED)
        return 0;
    *session = NULL;
    snprintf(why, SESSION_SENTENCE_MAX + 1, "%s", says[stands]);
    return PLAN_EDONE;
}

const char *room_left_out_of(struct room *r, const uint8_t mac[6], uint32_t *session)
{
    const struct expected_row *row = expected_look(r->list, mac);
    struct plan_time now = room_now(r);
    const struct plan_session *s =
        plan_for(&r->plan, row != NULL, row ? row->image : "", room_preferred(r), &now);
    enum standing stands = s ? room_standing(r, s, mac) : STANDS_WANTED;

    *session = s ? s->id : 0;
    return stands == STANDS_HAS || stands == STANDS_VISITS ? says[stands] : NULL;
}

const char *room_left_out(struct room *r, const uint8_t mac[6])
{
    uint32_t session;

    return room_left_out_of(r, mac, &session);
}

int room_why_not(struct room *r, const uint8_t mac[6], char *why)
{
    const struct plan_session *s;

    return machine_is_taken(r, mac, "", &s, why);
}

/* The session that gives out the image, else the last one that did: receivers that have all of it
 * finish after its end. */
static const struct plan_session *session_of(struct room *r, const char *image)
{
    const struct plan_session *last = plan_of_image(&r->plan, image);

    for (unsigned i = 0; (!last || !plan_is_active(last)) && i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &r->plan.session[i];

        if (s->id && strcmp(s->wish.image, image) == 0 && (!last || s->id > last->id))
            last = s;
    }
    return last;
}

struct machine_got room_got(struct room *r, unsigned image)
{
    const struct stream *st = &r->needs.serve->streams[image];
    const struct plan_session *s = session_of(r, st->session.name);
    struct machine_got got = {.session = s ? s->id : 0};

    memcpy(got.image, st->file.head.root, sizeof got.image);
    return got;
}

bool room_is_full(const struct room *r)
{
    return machines_are_full(r->needs.machines);
}

bool room_wants_imaging(struct room *r, const uint8_t mac[6])
{
    char why[SESSION_SENTENCE_MAX + 1];
    const struct plan_session *s;

    return machine_is_taken(r, mac, "", &s, why) == 0;
}

int room_withholds(struct room *r, const char *image, char *to, size_t cap)
{
    return r->needs.withheld ? r->needs.withheld(r->needs.ctx, image, to, cap) : 0;
}

/* A person at the machine has said which disk is erased: the box only finds the image. */
static int choose_for_person(struct room *r, const struct session_hello *h, unsigned *at, char *why)
{
    const struct expected_row *row = expected_look(r->list, h->mac);
    struct plan_time now = room_now(r);
    const char *image = row ? row->image : "";
    const struct plan_session *s = plan_for(&r->plan, row != NULL, image, room_preferred(r), &now);
    unsigned n = r->needs.serve->n_streams, found = room_stream_of(r, s ? s->wish.image : image);

    int wait = h->name[0] && room_stream_of(r, h->name) < n
                   ? 0
                   : room_withholds(r,
                                    h->name[0] ? h->name
                                    : s        ? s->wish.image
                                               : image,
                                    why, SESSION_SENTENCE_MAX + 1);

    if (wait)
        return wait == LIBRARY_COMING ? SESSION_EWAIT : PLAN_EIMAGE;
    if (h->name[0] || (!s && !image[0]))
        /* as the server found it: the one that was named, the only one, or a list to choose from */
        return 0;
    if (found == n) {
        snprintf(why, SESSION_SENTENCE_MAX + 1,
                 "this machine is to get %s, which the box does not have",
                 s ? s->wish.image : image);
        return PLAN_EIMAGE;
    }
    *at = found;
    return 0;
}

int room_choose(struct room *r, const struct session_hello *h, unsigned *at, char *why)
{
    unsigned n = r->needs.serve->n_streams, held = room_in_hand(r, h->mac);
    const struct plan_session *s;
    int rc;

    if (h->person)
        return choose_for_person(r, h, at, why);
    rc = machine_is_taken(r, h->mac, h->name, &s, why);
    /* a machine in the middle of an image is let in again */
    *at = rc == 0 ? room_stream_of(r, s->wish.image) : held;
    if (*at < n)
        return 0;
    if (rc)
        return rc;
    snprintf(why, SESSION_SENTENCE_MAX + 1, "the image %s is not there yet", s->wish.image);
    return room_withholds(r, s->wish.image, why, SESSION_SENTENCE_MAX + 1) == LIBRARY_COMING
               ? SESSION_EWAIT
               : PLAN_ESTATE;
}

int room_own(struct room *r, const struct session_ask *a, struct session_own *answer, char *why)
{
    const struct plan_session *s;
    struct err err = {0};
    int rc = machine_is_taken(r, a->mac, "", &s, why);

    if (rc && room_in_hand(r, a->mac) == r->needs.serve->n_streams)
        return rc;
    rc = room_own_answer(r, a, answer, &err);
    if (err.code)
        snprintf(why, SESSION_SENTENCE_MAX + 1, "%.200s", err.text);
    return rc;
}
