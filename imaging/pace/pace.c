#include "imaging/pace/pace.h"

#include <string.h>

#include "net/wire/must.h"

#define COST (PACE_WIRE_BYTES * UINT64_C(1000000000)) /* of a packet, in the bucket's unit */
#define KEPT (PACE_WINDOW + PACE_GUARD)               /* how long a departure counts */

#define LEAD_MAX (2 * MONO_MS) /* so much earlier at most is a wake-up asked for */
#define NAP (50 * MONO_US)     /* and no sleep shorter than this: no spinning */

_Static_assert(KEPT / PACE_GRAIN + 2 < PACE_LOG, "the log holds a window");
_Static_assert(PACE_RATE_MAX < UINT64_MAX / 1000000000, "a second's fill fits");

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void expire(struct pace *p, struct mono now)
{
    while (p->used && mono_sub(now, p->log[p->head].last) >= KEPT) {
        p->in_log -= p->log[p->head].n;
        p->head = (p->head + 1) % PACE_LOG;
        p->used--;
    }
}

/* The bucket is filled for at most a second at once: longer than any depth needs. */
static void feed(struct pace *p, struct mono now)
{
    int64_t dt = mono_sub(now, p->fed);

    if (dt <= 0)
        return;
    p->credit = min_u64(p->credit + p->rate * min_u64((uint64_t)dt, MONO_S), p->depth);
    p->fed = now;
}

static void rate_take(struct pace *p, uint64_t rate)
{
    if (rate != PACE_UNLIMITED)
        rate = min_u64(max_u64(rate, PACE_RATE_MIN), PACE_RATE_MAX);
    p->rate = rate;
    p->cap = rate * (PACE_WINDOW / MONO_MS) / 1000 / PACE_WIRE_BYTES;
    p->depth = max_u64(PACE_BURST_PACKETS * COST, rate * PACE_BURST);
    p->credit = min_u64(p->credit, p->depth);
}

void pace_init(struct pace *p, uint64_t rate, struct mono now)
{
    memset(p, 0, sizeof *p);
    p->fed = now;
    rate_take(p, rate);
}

void pace_set_rate(struct pace *p, uint64_t rate, struct mono now)
{
    feed(p, now);
    p->fed = now;
    rate_take(p, rate);
}

/* How late wake-ups come, as a mean over the last dozen; a second's sleep somewhere says nothing
 * about the next. */
static void learn(struct pace *p, struct mono now)
{
    int64_t late = mono_sub(now, p->asked);

    if (!p->asleep)
        return;
    p->asleep = false;
    late = late < 0 ? 0 : late > LEAD_MAX ? LEAD_MAX : late;
    p->lead += (late - p->lead) / 8;
}

uint32_t pace_allow(struct pace *p, struct mono now)
{
    uint64_t n;

    if (p->rate == PACE_UNLIMITED)
        return UINT32_MAX;
    learn(p, now);
    expire(p, now);
    feed(p, now);
    n = min_u64(p->credit / COST, p->cap > p->in_log ? p->cap - p->in_log : 0);
    return (uint32_t)min_u64(n, UINT32_MAX);
}

static void log_add(struct pace *p, struct mono now, uint32_t n)
{
    struct pace_entry *e = &p->log[(p->head + p->used + PACE_LOG - 1) % PACE_LOG];

    if (p->used == 0 || mono_sub(now, e->first) >= PACE_GRAIN) {
        MUST(p->used < PACE_LOG);
        e = &p->log[(p->head + p->used++) % PACE_LOG];
        *e = (struct pace_entry){.first = now, .last = now};
    }
    e->last = now;
    e->n += n;
    p->in_log += n;
}

/* The bucket pays as of the time of pace_allow: the time spent in sending fills it like any other.
 */
void pace_spent(struct pace *p, struct mono now, uint32_t n)
{
    if (p->rate == PACE_UNLIMITED || n == 0)
        return;
    MUST(p->credit / COST >= n);
    p->credit -= n * COST;
    expire(p, now);
    log_add(p, now, n);
}

/* When enough old departures have left the window for n more packets. */
static struct mono window_frees(const struct pace *p, struct mono now, uint64_t n)
{
    uint64_t over = p->in_log + n > p->cap ? p->in_log + n - p->cap : 0;
    struct mono t = now;

    for (uint32_t i = 0; i < p->used && over > 0; i++) {
        const struct pace_entry *e = &p->log[(p->head + i) % PACE_LOG];

        t = mono_add(e->last, KEPT);
        over -= min_u64(over, e->n);
    }
    return t;
}

static uint64_t train(const struct pace *p)
{
    uint64_t n = max_u64(p->rate * PACE_QUANTUM / COST, 1);

    return min_u64(min_u64(n, PACE_TRAIN), p->cap);
}

/* When a train may leave: both bounds must allow it. A window frees packets as they went, train by
 * train: waiting for the last packet of a train that straddles two would make the others late, and
 * for good; those much shorter are joined. */
static struct mono due(const struct pace *p, struct mono now)
{
    uint64_t n = train(p), cost = n * COST;
    struct mono bucket = now, window = window_frees(p, now, (n + 1) / 2);

    if (cost > p->credit)
        bucket = mono_add(p->fed, (int64_t)((cost - p->credit + p->rate - 1) / p->rate));
    return mono_sub(window, bucket) > 0 ? window : bucket;
}

struct mono pace_next(struct pace *p, struct mono now)
{
    struct mono at, soonest = mono_add(now, NAP);

    if (p->rate == PACE_UNLIMITED)
        return now;
    at = due(p, now);
    if (mono_sub(at, now) <= 0)
        return now;
    if (mono_sub(at, soonest) > 0) {
        at = mono_add(at, -p->lead);
        at = mono_sub(at, soonest) > 0 ? at : soonest;
    }
    p->asked = at;
    p->asleep = true;
    return at;
}
