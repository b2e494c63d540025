/* Computers that have read the page or given orders: a technician's own. A session for all machines
 * leaves them out unless somebody names them. */
#include <string.h>

#include "board/box/orders/room_inside.h"
#include "board/box/store/journal.h"
#include "net/ip/stack.h"

static unsigned visitor_at(const struct room *r, const uint8_t mac[6])
{
    unsigned i = 0;

    while (i < r->n_visitors && memcmp(r->visitor[i], mac, 6) != 0)
        i++;
    return i;
}

bool room_is_visitor(const struct room *r, const uint8_t mac[6])
{
    return visitor_at(r, mac) < r->n_visitors;
}

/* The one that came longest ago makes room. */
static void visitor_add(struct room *r, const uint8_t mac[6], bool keep)
{
    const uint8_t yes = 1;

    if (r->n_visitors == ROOM_VISITORS_MAX) {
        room_keep(r, JOURNAL_VISITOR, r->visitor[0], 6, NULL, 0);
        memmove(r->visitor[0], r->visitor[1], sizeof r->visitor - sizeof r->visitor[0]);
        r->n_visitors--;
    }
    memcpy(r->visitor[r->n_visitors++], mac, 6);
    if (keep)
        room_keep(r, JOURNAL_VISITOR, mac, 6, &yes, 1);
}

void room_visitor(struct room *r, uint32_t address)
{
    uint8_t mac[6];

    if (r->stack && ip_stack_mac_of(r->stack, address, mac))
        room_visitor_mac(r, mac);
}

void room_visitor_mac(struct room *r, const uint8_t mac[6])
{
    if (!room_is_visitor(r, mac))
        visitor_add(r, mac, true);
}

enum told room_restore_visitor(struct room *r, const uint8_t *key, size_t nkey,
                               const uint8_t *value, size_t n)
{
    if (nkey != 6 || n < 1)
        return TOLD_BROKEN;
    if (n != 1 || value[0] != 1)
        return TOLD_NEWER;
    if (!room_is_visitor(r, key))
        visitor_add(r, key, false);
    return TOLD_KNOWN;
}
