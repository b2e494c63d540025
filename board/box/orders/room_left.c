/* Machines that boot and that a session leaves out: they have a tile that says why, until that
 * session ends, over a restart of the core too. */
#include <string.h>

#include "board/box/orders/room_inside.h"
#include "board/box/store/journal.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define FORMAT 1
#define LEFT_VALUE 5

static struct left *left_find(struct room *r, const uint8_t mac[6])
{
    unsigned i = 0;

    while (i < r->n_left && memcmp(r->left[i].mac, mac, 6) != 0)
        i++;
    return i < r->n_left ? &r->left[i] : NULL;
}

static bool left_is_over(const struct room *r, const struct left *l)
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++)
        if (r->plan.session[i].id == l->session)
            return !plan_is_active(&r->plan.session[i]);
    return true;
}

static void left_drop(struct room *r, struct left *l)
{
    room_keep(r, JOURNAL_LEFT, l->mac, 6, NULL, 0);
    *l = r->left[--r->n_left];
}

static void drop_those_over(struct room *r)
{
    for (unsigned i = r->n_left; i-- > 0;)
        if (left_is_over(r, &r->left[i]))
            left_drop(r, &r->left[i]);
}

static void left_note(struct room *r, const uint8_t mac[6], uint32_t session)
{
    struct left *l = left_find(r, mac);
    uint8_t value[LEFT_VALUE];
    struct writer w = writer_on(value, sizeof value);

    if (l && l->session == session)
        return;
    if (!l && r->n_left == ROOM_LEFT_MAX)
        return;
    l = l ? l : &r->left[r->n_left++];
    memcpy(l->mac, mac, 6);
    l->session = session;
    wr_u8(&w, FORMAT);
    wr_u32(&w, session);
    room_keep(r, JOURNAL_LEFT, mac, 6, value, w.done);
}

void room_boots(struct room *r, const uint8_t mac[6])
{
    uint32_t session;

    drop_those_over(r);
    if (room_left_out_of(r, mac, &session))
        left_note(r, mac, session);
}

void room_recall_left(struct room *r,
                      void (*tell)(void *ctx, const uint8_t mac[6], const char *why), void *ctx)
{
    drop_those_over(r);
    for (unsigned i = 0; i < r->n_left; i++) {
        const char *why = room_left_out(r, r->left[i].mac);

        if (why)
            tell(ctx, r->left[i].mac, why);
    }
}

enum told room_restore_left(struct room *r, const uint8_t *key, size_t nkey, const uint8_t *value,
                            size_t n)
{
    struct reader at = reader_on(value, n);
    unsigned format = rd_u8(&at);
    uint32_t session = rd_u32(&at);

    if (n && format > FORMAT)
        return TOLD_NEWER;
    if (nkey != 6 || !rd_done(&at) || format != FORMAT || session == 0)
        return TOLD_BROKEN;
    if (!left_find(r, key) && r->n_left < ROOM_LEFT_MAX) {
        memcpy(r->left[r->n_left].mac, key, 6);
        r->left[r->n_left++].session = session;
    }
    return TOLD_KNOWN;
}
