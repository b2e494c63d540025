#include "net/pxe/start.h"

#include <string.h>

static bool row_live(const struct boot_starts *s, const struct boot_start *r)
{
    return r->used && mono_sub(s->now, r->at) < BOOT_START_NS;
}

static bool row_chosen(const struct boot_start *r)
{
    return r->state == BOOT_START_CHOSEN || r->state == BOOT_START_PAST;
}

/* BOOT_STARTS_MAX: there is none. */
static unsigned row_index(const struct boot_starts *s, const uint8_t mac[6])
{
    unsigned i = 0;

    while (i < BOOT_STARTS_MAX && !(row_live(s, &s->row[i]) && memcmp(s->row[i].mac, mac, 6) == 0))
        i++;
    return i;
}

/* An unused row, or the oldest without a choice; NULL when all are choices. */
static struct boot_start *row_room(struct boot_starts *s)
{
    struct boot_start *oldest = NULL;

    for (struct boot_start *r = s->row; r < s->row + BOOT_STARTS_MAX; r++) {
        if (!row_live(s, r))
            return r;
        if (!row_chosen(r) && (!oldest || mono_sub(oldest->at, r->at) > 0))
            oldest = r;
    }
    return oldest;
}

static struct boot_start *row_for(struct boot_starts *s, const uint8_t mac[6])
{
    unsigned i = row_index(s, mac);

    return i < BOOT_STARTS_MAX ? &s->row[i] : row_room(s);
}

static void row_set(struct boot_starts *s, struct boot_start *r, const uint8_t mac[6],
                    enum boot_state state, unsigned entry)
{
    *r = (struct boot_start){.used = true, .state = state, .entry = entry, .at = s->now};
    memcpy(r->mac, mac, sizeof r->mac);
}

void boot_start_firmware(struct boot_starts *s, const uint8_t mac[6])
{
    struct boot_start *r = row_for(s, mac);

    if (r)
        row_set(s, r, mac, BOOT_START_OPEN, 0);
}

int boot_start_choose(struct boot_starts *s, const uint8_t mac[6], unsigned entry)
{
    struct boot_start *r = row_for(s, mac);

    if (!r)
        return PXE_EFULL;
    row_set(s, r, mac, BOOT_START_CHOSEN, entry);
    return 0;
}

void boot_start_told(struct boot_starts *s, const uint8_t mac[6])
{
    unsigned i = row_index(s, mac);

    if (i < BOOT_STARTS_MAX)
        s->row[i].told = true;
}

void boot_start_ipxe(struct boot_starts *s, const uint8_t mac[6])
{
    unsigned i = row_index(s, mac);

    if (i < BOOT_STARTS_MAX && s->row[i].state == BOOT_START_CHOSEN && s->row[i].told)
        s->row[i].state = BOOT_START_PAST;
}

enum boot_state boot_start_look(const struct boot_starts *s, const uint8_t mac[6], unsigned *entry)
{
    unsigned i = row_index(s, mac);

    *entry = 0;
    if (i == BOOT_STARTS_MAX)
        return mono_sub(s->now, s->began) < BOOT_START_NS ? BOOT_START_UNKNOWN : BOOT_START_OPEN;
    *entry = s->row[i].entry;
    return s->row[i].state;
}

bool boot_starts_any(const struct boot_starts *s)
{
    bool any = false;

    for (unsigned i = 0; i < BOOT_STARTS_MAX; i++)
        any |= row_live(s, &s->row[i]) && row_chosen(&s->row[i]);
    return any;
}
