#include "net/igmp/querier.h"

#include <string.h>

#include "net/wire/must.h"

static int64_t query_ns(const struct igmp_querier *q)
{
    return (int64_t)q->timing.query_s * MONO_S;
}

static int64_t response_ns(const struct igmp_querier *q)
{
    return (int64_t)q->timing.response_ds * 100 * MONO_MS;
}

/* RFC 3376 section 8.6 and 8.7: a quarter of the interval, so many times. */
static void become_querier(struct igmp_querier *q, struct mono now)
{
    q->asking = true;
    q->other = 0;
    q->startup = IGMP_STARTUP_COUNT;
    q->due = now;
    q->counts.elected++;
}

void igmp_querier_begin(struct igmp_querier *q, struct mono now)
{
    if (!q->timing.query_s)
        q->timing.query_s = IGMP_QUERY_INTERVAL;
    if (!q->timing.response_ds)
        q->timing.response_ds = IGMP_RESPONSE_INTERVAL * 10;
    MUST(q->timing.query_s <= 127 && q->timing.response_ds <= 127);
    become_querier(q, now);
}

/* RFC 3376 section 8.5: what he says of his robustness and interval, or ours, and half a response
 * interval. */
static int64_t patience_ns(const struct igmp_querier *q, const struct igmp_message *m)
{
    int64_t robustness = m->robustness ? m->robustness : IGMP_ROBUSTNESS;
    int64_t interval = m->interval ? (int64_t)m->interval * MONO_S : query_ns(q),
            wait = robustness * interval;

    /* One forged query must not silence us for hours. */
    if (wait > 8 * query_ns(q))
        wait = 8 * query_ns(q);
    return wait + response_ns(q) / 2;
}

static void hear_query(struct igmp_querier *q, struct mono now, const struct igmp_message *m)
{
    bool lower = m->from < q->address || !q->address;

    if (m->group || !m->from || m->from == q->address)
        return;
    q->counts.foreign++;
    if (!lower || (!q->asking && m->from > q->other))
        return;
    q->asking = q->third = false;
    memset(q->left, 0, sizeof q->left);
    q->other = m->from;
    q->silent = mono_add(now, patience_ns(q, m));
}

/* Somebody left a group: twice, a second apart, those who stay are asked to say so. */
static void hear_leave(struct igmp_querier *q, struct mono now, uint32_t group)
{
    struct igmp_left *spare = NULL;

    q->counts.leaves++;
    if (group >> 28 != 14 || group >> 8 == 0xE00000) /* no group, or one that every switch floods */
        return;
    for (unsigned i = 0; i < IGMP_LEFT_MAX; i++) {
        if (q->left[i].group == group)
            return;
        if (!q->left[i].group)
            spare = &q->left[i];
    }
    if (spare && q->asking)
        *spare = (struct igmp_left){group, IGMP_LAST_MEMBER_COUNT, now};
}

void igmp_querier_input(struct igmp_querier *q, struct mono now, const uint8_t *bytes, size_t n)
{
    struct igmp_message m;

    if (igmp_decode(bytes, n, &m) != 0) {
        q->counts.malformed++;
        return;
    }
    if (m.type == IGMP_QUERY)
        hear_query(q, now, &m);
    else if (m.type == IGMP_LEAVE)
        hear_leave(q, now, m.group);
    else
        q->counts.reports++;
}

/* A query about a group that somebody left; 0 when none is due. */
static size_t ask_group(struct igmp_querier *q, struct mono now, uint8_t out[IGMP_DATAGRAM_MAX])
{
    for (unsigned i = 0; i < IGMP_LEFT_MAX; i++) {
        struct igmp_left *l = &q->left[i];
        uint32_t group = l->group;

        if (!group || mono_sub(now, l->due) < 0)
            continue;
        l->due = mono_add(now, IGMP_LAST_MEMBER_DS * 100 * MONO_MS);
        if (--l->queries == 0)
            l->group = 0;
        return igmp_query(out, 2, q->address, group, IGMP_LAST_MEMBER_DS, q->timing.query_s);
    }
    return 0;
}

/* The general query of either version; 0 when none is due. */
static size_t ask_all(struct igmp_querier *q, struct mono now, uint8_t out[IGMP_DATAGRAM_MAX])
{
    if (q->third) {
        q->third = false;
        return igmp_query(out, 3, q->address, 0, q->timing.response_ds, q->timing.query_s);
    }
    if (mono_sub(now, q->due) < 0)
        return 0;
    if (q->startup)
        q->startup--;
    q->due = mono_add(now, q->startup ? query_ns(q) / 4 : query_ns(q));
    q->third = true;
    return igmp_query(out, 2, q->address, 0, q->timing.response_ds, q->timing.query_s);
}

bool igmp_querier_step(struct igmp_querier *q, struct mono now, uint8_t out[IGMP_DATAGRAM_MAX],
                       size_t *n)
{
    if (!q->asking && mono_sub(now, q->silent) >= 0)
        become_querier(q, now);
    if (!q->asking || !q->address)
        return false;
    *n = ask_all(q, now, out);
    if (!*n)
        *n = ask_group(q, now, out);
    q->counts.queries += *n > 0;
    return *n > 0;
}

int64_t igmp_querier_pause(const struct igmp_querier *q, struct mono now)
{
    int64_t pause = MONO_S, until = mono_sub(q->asking ? q->due : q->silent, now);

    if (until < pause)
        pause = until;
    for (unsigned i = 0; i < IGMP_LEFT_MAX; i++)
        if (q->left[i].group && mono_sub(q->left[i].due, now) < pause)
            pause = mono_sub(q->left[i].due, now);
    return pause > 0 ? pause : 0;
}
