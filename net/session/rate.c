#include "net/session/rate.h"

#include <stdio.h>

/* loss above the ambient that is worth slowing down for */
#define MARGIN_PPM 10000
/* how long the rate stays below the one at which loss set in */
#define TROUBLE_NS (60 * MONO_S)
/* and where disks held it: what they take changes with the image */
#define DISKS_NS (30 * MONO_S)
#define STEPS_UP 50 /* of the ceiling, one a decision */

void rate_init(struct rate *r, const struct rate_config *c)
{
    *r = (struct rate){.config = *c, .now = c->start, .reason = RATE_START};
    if (r->now < c->floor)
        r->now = c->floor;
    if (r->now > c->ceiling)
        r->now = c->ceiling;
}

/* How many are left out: the slowest twentieth, one at least where there are four. */
static unsigned left_out(unsigned n)
{
    return n < 4 ? 0 : n < 20 ? 1 : n / 20;
}

/* The loss that all but those left out stay at or below. By bisection: no memory, no order. */
static uint32_t loss_of_many(const struct rate_sample *s, unsigned n)
{
    uint32_t low = 0, high = 1000000;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        unsigned above = 0;

        for (unsigned i = 0; i < n; i++)
            above += s[i].recent_ppm > middle;
        if (above > left_out(n))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static unsigned slower_than(const struct rate_sample *s, unsigned n, uint64_t rate)
{
    unsigned slower = 0;

    for (unsigned i = 0; i < n; i++)
        slower += s[i].wanted && s[i].wanted < rate;
    return slower;
}

/* The rate that the disks of all but those left out can take, at most the ceiling. */
static uint64_t disks_of_many(const struct rate *r, const struct rate_sample *s, unsigned n)
{
    uint64_t low = 0, high = r->config.ceiling;

    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;

        if (slower_than(s, n, middle) > left_out(n))
            high = middle - 1;
        else
            low = middle;
    }
    return low;
}

/* Sets the rate within its bounds, and says what holds it there. */
static void rate_set(struct rate *r, uint64_t rate, enum rate_reason reason, uint32_t figure)
{
    r->reason = reason;
    r->figure = figure;
    if (rate <= r->config.floor) {
        if (rate < r->config.floor)
            r->reason = RATE_FLOOR;
        rate = r->config.floor;
    } else if (rate >= r->config.ceiling) {
        r->reason = RATE_CEILING;
        rate = r->config.ceiling;
    }
    r->now = rate;
}

/* Lower by as much as is lost, between a tenth and a half, and look whether the loss follows. */
static void rate_test(struct rate *r, uint32_t loss)
{
    uint32_t cut = loss < 100000 ? 100000 : loss > 500000 ? 500000 : loss;

    r->tested_rate = r->now;
    r->tested_ppm = loss;
    rate_set(r, r->now - r->now / 1000 * (cut / 1000), RATE_LOSS, loss);
    r->testing = r->now < r->tested_rate;
}

/* The reports on a lower rate are in. A line that overflows would now lose 1 - (1 - loss) * old /
 * new. True when the loss is nearer to what it was than to that: then it is none of the rate's
 * doing. */
static bool rate_judge(struct rate *r, uint32_t loss, struct mono now)
{
    double through = (1e6 - r->tested_ppm) * (double)r->tested_rate / (double)r->now;
    double overflow = through < 1e6 ? 1e6 - through : 0;

    r->testing = false;
    if (loss > (r->tested_ppm + overflow) / 2) {
        r->ambient_ppm = loss;
        r->trouble = 0;
        rate_set(r, r->tested_rate, RATE_PROBING, 0);
        return true;
    }
    r->trouble = r->tested_rate;
    r->trouble_until = mono_add(now, TROUBLE_NS);
    return false;
}

static void rate_raise(struct rate *r, uint64_t disks, uint32_t slow, struct mono now)
{
    uint64_t step = r->config.ceiling / STEPS_UP, most = r->config.ceiling;
    enum rate_reason reason = RATE_PROBING;

    if (r->trouble && mono_sub(r->trouble_until, now) > 0 && r->trouble - r->trouble / 20 < most) {
        most = r->trouble - r->trouble / 20;
        reason = RATE_HOLDING;
    }
    if (disks < most) {
        most = disks;
        reason = RATE_DISKS;
    }
    if (r->now + step + step / 4 < most) /* no last step that is a sliver */
        rate_set(r, r->now + step, RATE_PROBING, 0);
    else if (r->now < most)
        rate_set(r, most, reason, slow);
    else
        rate_set(r, r->now, reason, slow);
}

static void rate_decide(struct rate *r, const struct rate_sample *s, unsigned n, struct mono now)
{
    uint32_t loss = loss_of_many(s, n);
    uint64_t disks = disks_of_many(r, s, n);
    uint32_t slow = slower_than(s, n, r->now + r->now / 50);

    if (r->testing && rate_judge(r, loss, now))
        return;
    if (disks < r->now - r->now / 50) {
        rate_set(r, disks, RATE_DISKS, slow);
        r->disks = disks;
        r->disks_until = mono_add(now, DISKS_NS);
        return;
    }
    if (r->disks && r->disks < disks && mono_sub(r->disks_until, now) > 0) {
        disks = r->disks;
        slow = r->reason == RATE_DISKS ? r->figure : slow;
    }
    if (loss > r->ambient_ppm + MARGIN_PPM) {
        rate_test(r, loss);
        return;
    }
    if (loss < r->ambient_ppm)
        r->ambient_ppm -= (r->ambient_ppm - loss + 3) / 4;
    rate_raise(r, disks, slow, now);
}

bool rate_step(struct rate *r, const struct rate_sample *s, unsigned n, uint32_t beacon_ms,
               struct mono now)
{
    uint64_t before = r->now;
    enum rate_reason reason = r->reason;

    if (!r->started)
        rate_resume(r, now);
    if (n == 0 || mono_sub(now, r->next) < 0)
        return false;
    r->next = mono_add(now, 2 * (int64_t)beacon_ms * MONO_MS + MONO_S);
    rate_decide(r, s, n, now);
    return r->now != before || r->reason != reason;
}

void rate_resume(struct rate *r, struct mono now)
{
    r->started = true;
    r->testing = false;
    r->next = mono_add(now, 4 * MONO_S);
}

const char *rate_reason_text(const struct rate *r, char *text, unsigned cap)
{
    unsigned tenths = (r->figure + 500) / 1000;

    switch (r->reason) {
    case RATE_START:
        snprintf(text, cap, "no reports yet");
        break;
    case RATE_CEILING:
        snprintf(text, cap, "as fast as allowed");
        break;
    case RATE_FLOOR:
        snprintf(text, cap, "the floor, though receivers cannot follow");
        break;
    case RATE_DISKS:
        snprintf(text, cap, "the disks of %u receiver%s", r->figure, r->figure == 1 ? "" : "s");
        break;
    case RATE_LOSS:
        snprintf(text, cap, "%u.%u %% lost on the way", tenths / 10, tenths % 10);
        break;
    case RATE_PROBING:
        snprintf(text, cap, "going up while nobody complains");
        break;
    case RATE_HOLDING:
        snprintf(text, cap, "just below where loss set in");
        break;
    }
    return text;
}
