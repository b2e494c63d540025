/* How machines stand to sessions: counted for sentences, and compared for sessions that want the
 * same ones. */
#include <string.h>

#include "board/box/orders/room_inside.h"

/* Whether what the machine got may be the image. A doubt is a yes: then it is not erased. */
static bool may_have(const struct room *r, const struct machine *row, const char *image)
{
    static const uint8_t unknown[MACHINE_IMAGE_BYTES];
    unsigned at = room_stream_of(r, image);

    return at == r->needs.serve->n_streams ||
           memcmp(row->got.image, unknown, sizeof unknown) == 0 ||
           memcmp(row->got.image, r->needs.serve->streams[at].file.head.root, sizeof unknown) == 0;
}

enum standing room_standing(const struct room *r, const struct plan_session *s,
                            const uint8_t mac[6])
{
    const struct machine *row = machine_look(r->needs.machines, mac);

    if (s->wish.targets == PLAN_ALL && !(row && row->named) && !expected_look(r->list, mac) &&
        room_is_visitor(r, mac))
        return STANDS_VISITS;
    if (machine_wants_imaging(r->needs.machines, mac))
        return STANDS_WANTED;
    if (!row || !row->done)
        return STANDS_UNKNOWN;
    if (row->got.session == s->id)
        return STANDS_PASSED;
    if (s->of_config || (!s->wish.include && may_have(r, row, s->wish.image)))
        return STANDS_HAS;
    return STANDS_WANTED;
}

/* Whether a session for machines of the list is for this one. `others`: it takes those whose line
 * names no image. */
static bool is_for(const struct expected_row *row, const struct plan_wish *w, bool others)
{
    return row->image[0] ? strcmp(row->image, w->image) == 0 : others && w->targets != PLAN_NAMED;
}

static void count_listed(struct room *r, const struct plan_session *s, struct plan_facts *f)
{
    struct plan_time now = room_now(r);
    const struct plan_session *takes = plan_for(&r->plan, true, "", room_preferred(r), &now);

    for (unsigned i = 0; i < r->list->n; i++) {
        const struct expected_row *row = &r->list->row[i];
        enum standing stands;

        if (!is_for(row, &s->wish, !takes || takes->id == s->id))
            continue;
        stands = room_standing(r, s, row->mac);
        f->listed++;
        f->left += stands == STANDS_WANTED;
        f->passed += stands == STANDS_PASSED;
        f->have += stands == STANDS_HAS;
    }
}

/* Machines that have it stay counted where the session takes them along. */
static void count_have(struct room *r, const struct plan_session *s, struct plan_facts *f)
{
    for (unsigned i = 0; i < MACHINES_MAX; i++) {
        const struct machine *row = &r->needs.machines->row[i];
        const struct expected_row *line;

        if (!row->used || !row->done || row->got.session == s->id || r->needs.machines->rearm)
            continue;
        line = expected_look(r->list, row->mac);
        if (s->wish.targets == PLAN_ALL
                ? line && line->image[0] && strcmp(line->image, s->wish.image) != 0
                : !line || !s->wish.include)
            continue;
        f->have += s->of_config || may_have(r, row, s->wish.image);
    }
}

void room_count(struct room *r, const struct plan_session *s, struct plan_facts *f)
{
    if (s->wish.targets != PLAN_ALL)
        count_listed(r, s, f);
    if (s->wish.targets == PLAN_ALL || s->wish.include)
        count_have(r, s, f);
}

/* An active session, or the last one since the box was switched on: whoever made a later one found
 * a clean board. */
static bool is_on_the_board(const struct room *r, const struct plan_session *s)
{
    return plan_is_active(s) || (s->id == r->plan.last_id && s->boot == r->plan.boot);
}

void room_recall(struct room *r, void (*passed)(void *ctx, const uint8_t mac[6], uint32_t session),
                 void *ctx)
{
    for (unsigned i = 0; i < MACHINES_MAX; i++) {
        const struct machine *row = &r->needs.machines->row[i];
        const struct plan_session *s = row->used ? plan_find(&r->plan, row->got.session) : NULL;

        if (s && is_on_the_board(r, s))
            passed(ctx, row->mac, s->id);
    }
}

static bool names_no_image(const struct expected *list)
{
    for (unsigned i = 0; i < list->n; i++)
        if (!list->row[i].image[0])
            return true;
    return false;
}

/* A machine whose line names an image is for the sessions of that one alone. */
static bool want_the_same(const struct plan_wish *a, const struct plan_wish *b,
                          const struct expected *list)
{
    if (a->targets == PLAN_NAMED || b->targets == PLAN_NAMED || strcmp(a->image, b->image) == 0)
        return false;
    return (a->targets == PLAN_ALL && b->targets == PLAN_ALL) || names_no_image(list);
}

const struct plan_session *room_clash(const struct room *r, const struct plan_wish *w,
                                      const struct expected *list)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        if (plan_is_active(&r->plan.session[i]) && want_the_same(w, &r->plan.session[i].wish, list))
            return &r->plan.session[i];
    return NULL;
}

int room_list_clash(const struct room *r, const struct expected *list, struct err *err)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &r->plan.session[i],
                                  *other = plan_is_active(s) ? room_clash(r, &s->wish, list) : NULL;

        if (other)
            return err_set(err, PLAN_ESAME,
                           "expected an image in each line: sessions %u (%s) and %u (%s) both want "
                           "machines without one",
                           s->id, s->wish.image, other->id, other->wish.image);
    }
    return 0;
}
