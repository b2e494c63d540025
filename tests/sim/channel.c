#include "tests/sim/channel.h"

#include <math.h>

#define FOREVER (UINT64_C(1) << 62)

double channel_exponential(struct rng *rng, double mean)
{
    return -mean * log1p(-rng_unit(rng));
}

uint64_t channel_geometric(struct rng *rng, double mean)
{
    if (mean <= 1)
        return 1;
    return 1 + (uint64_t)(log1p(-rng_unit(rng)) / log1p(-1 / mean));
}

/* Mean lengths of the runs; with independent losses a run of losses ends as soon as one packet
 * comes. */
static double mean_run(const struct channel *c, bool bad)
{
    if (c->burst > 0)
        return bad ? c->burst : c->burst * (1 - c->loss) / c->loss;
    return 1 / (bad ? 1 - c->loss : c->loss);
}

static void next_run(struct channel *c)
{
    c->bad = !c->bad;
    c->run = channel_geometric(&c->rng, mean_run(c, c->bad));
}

static void next_stall(struct channel *c)
{
    c->to_stall = c->stall > 0 ? (uint64_t)channel_exponential(&c->rng, c->stall) + 1 : FOREVER;
    c->in_stall = 0;
}

void channel_init(struct channel *c, const struct channel_spec *spec, uint64_t seed)
{
    *c = (struct channel){.rng = {seed},
                          .loss = spec->loss,
                          .burst = spec->burst,
                          .stall = spec->stall,
                          .stalled = spec->stalled};
    c->run = FOREVER;
    if (c->loss >
        0) { /* the runs have no memory, so what is left of one is as long as a whole one */
        c->bad = rng_unit(&c->rng) >= c->loss;
        next_run(c);
    }
    next_stall(c);
}

static uint32_t lesser(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

uint32_t channel_take(struct channel *c, uint32_t n, bool *lost)
{
    if (c->to_stall == 0 && c->in_stall == 0)
        c->in_stall = (uint64_t)c->stalled;
    n = lesser(c->run, lesser(c->in_stall ? c->in_stall : c->to_stall, n));
    *lost = c->bad || c->in_stall;
    c->run -= n;
    if (c->run == 0)
        next_run(c);
    if (!c->in_stall) {
        c->to_stall -= n;
    } else {
        c->in_stall -= n;
        if (c->in_stall == 0)
            next_stall(c);
    }
    return n;
}
