/* Repair steering: see steer.h for the policy and its reasons. */
#include "imaging/carousel/steer.h"

#include <stdbool.h>
#include <string.h>
#include "net/wire/must.h"

#define PPM UINT32_C(1000000)
#define DEEP 6         /* standard deviations kept clear */
#define SKEW 6         /* symbols: (DEEP^2 - 1) / 6, what a binomial has beyond a normal there */
#define SPREAD_ONE 256 /* V = 1 */
#define SPREAD_MAX (1024 * 256)
#define NEED_MAX 65535
#define BLIND_PPM 10000 /* loss covered without reports */
#define QUIET_PPM 200   /* and with reports of none */
#define NOMINAL_K 12288 /* the block that polls are weighed with */
#define NOMINAL_BLOCKS 128
#define BIN_PARTS 512    /* bins a pass: r/k in steps of 0.2 % */
#define QUIET_BINS 2     /* what is sent anyway */
#define MINORITY_BINS 15 /* 3 % of a pass */

static uint32_t root(uint64_t n)
{
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((r | bit) * (r | bit) <= n)
            r |= bit;
    return (uint32_t)r;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Symbols of n to prepare for losing, in thousandths. */
static uint64_t prepare_milli(uint32_t n, uint32_t ppm, uint32_t spread_q8)
{
    uint64_t variance =
        (uint64_t)n * ppm / 1000 * (PPM - ppm) / 1000 * spread_q8 / SPREAD_ONE; /* in 10^-6 */
    return (uint64_t)n * ppm / 1000 + root(DEEP * DEEP * variance) + SKEW * 1000;
}

uint32_t steer_need(uint32_t k, uint32_t loss_ppm, uint32_t spread_q8)
{
    if (loss_ppm > PPM / 2)
        return NEED_MAX;
    uint32_t r = 0;
    for (;;) { /* from below to the least fixed point: every step is a lower bound of it */
        uint64_t next = (prepare_milli(k + r, loss_ppm, spread_q8) + 999) / 1000;
        if (next >= NEED_MAX)
            return NEED_MAX;
        if (next <= r)
            return r;
        r = (uint32_t)next;
    }
}

/* How many standard deviations (in 1/100) the largest of 2^i independent normal values lies above
 * the mean: its expectation plus one half, about its standard deviation. */
static const uint16_t largest_of[] = {50,  106, 153, 192, 227, 257, 284, 310, 333, 354, 374,
                                      393, 411, 428, 444, 460, 475, 489, 503, 516, 529};

static uint32_t largest_expected(uint64_t n)
{
    unsigned i = 0;
    while (n >> (i + 1) && i + 1 < sizeof largest_of / sizeof *largest_of)
        i++;
    return largest_of[i];
}

/* V: how much wider blocks spread about the mean than independent losses would, from the worst of n
 * blocks. */
static uint32_t spread(uint32_t k, uint32_t mean, uint32_t worst, uint64_t n)
{
    if (worst <= mean || mean >= PPM)
        return SPREAD_ONE;
    uint64_t excess = (uint64_t)(worst - mean) * k / largest_expected(n) * 100 /
                      1000; /* one deviation, 10^-3 symbols */
    uint64_t independent =
        (uint64_t)k * mean / 1000 * (PPM - mean) / 1000 + 1; /* its square, 10^-6 */
    uint64_t v = excess * excess * SPREAD_ONE / independent;
    return v < SPREAD_ONE ? SPREAD_ONE : v > SPREAD_MAX ? SPREAD_MAX : (uint32_t)v;
}

/* ---- polls ---- */

void steer_poll_reset(struct steer_poll *p)
{
    memset(p, 0, sizeof *p);
}

static uint32_t bin_of(uint32_t mean, uint32_t worst)
{
    uint32_t v = spread(NOMINAL_K, mean, worst, NOMINAL_BLOCKS);
    uint32_t bin = steer_need(NOMINAL_K, mean, v) * BIN_PARTS / NOMINAL_K;
    return bin < STEER_BINS ? bin : STEER_BINS - 1;
}

void steer_poll_add(struct steer_poll *p, uint32_t mean_ppm, uint32_t worst_ppm)
{
    uint32_t mean = mean_ppm < PPM ? mean_ppm : PPM;
    uint32_t worst = worst_ppm < PPM ? worst_ppm : PPM;
    struct steer_bins *of = &p->of[worst != 0];
    uint32_t b = bin_of(mean, worst);
    of->reporters++;
    of->bin[b].count++;
    of->bin[b].sum_ppm += mean;
    of->bin[b].worst_ppm = max32(of->bin[b].worst_ppm, worst);
}

/* The bin up to which receivers are served. Serving up to bin b costs each of n receivers b /
 * BIN_PARTS of a pass; not serving costs those above about a whole one. */
static uint32_t served_up_to(const struct steer_bins *of)
{
    uint64_t best = UINT64_MAX;
    uint32_t chosen = 0, below = 0, majority = 0;
    for (uint32_t b = 0; b < STEER_BINS; b++) {
        below += of->bin[b].count;
        if (2 * (uint64_t)below <= of->reporters)
            majority = b + 1;
        if (b > majority + MINORITY_BINS)
            break;
        uint64_t cost = (uint64_t)of->reporters * max32(b, QUIET_BINS) +
                        (uint64_t)(of->reporters - below) * BIN_PARTS;
        if (of->bin[b].count && cost <= best) {
            best = cost;
            chosen = b;
        }
    }
    return chosen;
}

/* The bin that holds the nth receiver (from 1) in rising order of need. */
static uint32_t bin_of_nth(const struct steer_bins *of, uint64_t n)
{
    uint32_t b = 0;
    uint64_t below = of->bin[0].count;
    while (below < n)
        below += of->bin[++b].count;
    return b;
}

static uint32_t mean_of_bin(const struct steer_bins *of, uint32_t b)
{
    return (uint32_t)(of->bin[b].sum_ppm / of->bin[b].count);
}

/* Rough figures scatter to both sides: the median. */
static struct steer_report rough_report(const struct steer_bins *of)
{
    uint32_t b = bin_of_nth(of, ((uint64_t)of->reporters + 1) / 2);
    return (struct steer_report){.mean_ppm = mean_of_bin(of, b), .reporters = of->reporters};
}

/* Of those served the mean of the ninth of ten, and the worst block. Not the largest mean: where
 * bursts come, the receivers' means scatter themselves, and a margin on top of the largest would
 * count that twice. */
static struct steer_report settled_report(const struct steer_bins *of)
{
    struct steer_report r = {0, 0, 0};
    uint32_t last = served_up_to(of);
    for (uint32_t b = 0; b <= last; b++) {
        r.reporters += of->bin[b].count;
        r.worst_ppm = max32(r.worst_ppm, of->bin[b].worst_ppm);
    }
    r.mean_ppm = mean_of_bin(of, bin_of_nth(of, ((uint64_t)r.reporters * 9 + 9) / 10));
    return r;
}

struct steer_report steer_poll_report(const struct steer_poll *p)
{
    if (p->of[1].reporters)
        return settled_report(&p->of[1]);
    if (p->of[0].reporters)
        return rough_report(&p->of[0]);
    return (struct steer_report){0, 0, 0};
}

/* ---- state ---- */

void steer_init(struct steer *s, unsigned max_lg_t, int fixed)
{
    MUST(max_lg_t >= STEER_LG_T_STORED && max_lg_t <= STEER_LG_T_LIMIT);
    *s = (struct steer){.max_lg_t = (uint8_t)max_lg_t, .fixed = fixed != 0};
}

void steer_hear(struct steer *s, const struct steer_report *r)
{
    s->report = *r;
    if (!r->reporters)
        return;
    s->heard = 1;
    if (r->worst_ppm) {
        s->mean_ppm = max32(s->mean_ppm, r->mean_ppm);
        s->worst_ppm = max32(s->worst_ppm, r->worst_ppm);
        s->reporters = max32(s->reporters, r->reporters);
    }
}

static uint32_t halfway(uint32_t held, uint32_t now)
{
    return now < held ? now + (held - now) / 2 : now;
}

void steer_pass(struct steer *s)
{
    if (!s->heard) {
        s->report = (struct steer_report){0, 0, 0};
        s->mean_ppm = s->worst_ppm = s->reporters = 0;
        s->lg_t = 0;
        return;
    }
    s->heard = 0;
    if (s->report.worst_ppm) {
        s->mean_ppm = halfway(s->mean_ppm, s->report.mean_ppm);
        s->worst_ppm = halfway(s->worst_ppm, s->report.worst_ppm);
        s->reporters = halfway(s->reporters, s->report.reporters);
    }
}

static uint32_t default_rows(uint32_t k)
{
    uint32_t share = (k * STEER_DEFAULT_NUM + STEER_DEFAULT_DEN - 1) / STEER_DEFAULT_DEN;
    return max32(share, steer_need(k, BLIND_PPM, SPREAD_ONE));
}

/* Rows that one visit should carry if `most` could be had. */
static uint32_t wanted_rows(const struct steer *s, uint32_t k, uint32_t blocks, uint32_t most)
{
    if (s->fixed || !s->report.reporters)
        return default_rows(k);
    bool settled = s->worst_ppm != 0;
    uint32_t mean = settled ? s->mean_ppm : s->report.mean_ppm;
    uint32_t v = spread(k, mean, s->worst_ppm, (uint64_t)s->reporters * blocks);
    if (mean > PPM / 2)
        mean = PPM / 2;
    while ((uint64_t)(k + most) * mean > (uint64_t)most * PPM) /* hopeless in one visit */
        mean = (uint32_t)((uint64_t)mean * mean / PPM);
    uint32_t least = max32((k + 199) / 200, steer_need(k, QUIET_PPM, SPREAD_ONE));
    uint32_t r = max32(least, steer_need(k, mean, v));
    return settled && r <= default_rows(k) / 2 ? r : max32(r, default_rows(k));
}

static uint32_t rows_to_be_had(const struct steer *s, uint32_t stored)
{
    return s->max_lg_t > STEER_LG_T_STORED ? 1u << s->max_lg_t : stored;
}

/* Whether a visit of that T carries r rows. Where the image stores them, a tenth less than asked
 * for will do: that costs one receiver in some hundreds a further pass, a larger T costs everybody.
 */
static bool carries(unsigned lg_t, uint32_t r, uint32_t stored)
{
    return lg_t == STEER_LG_T_STORED ? r <= stored + stored / 10 : r <= 1u << lg_t;
}

/* The T of a visit of r rows. It stays while they fit, rises with room to grow, falls with room to
 * spare: a receiver that joined amid a visit cannot combine repair symbols of two T. */
static unsigned choose_lg_t(const struct steer *s, uint32_t r, uint32_t stored)
{
    unsigned lg = STEER_LG_T_STORED;
    while (lg < s->lg_t && !carries(lg, r + r / 3, stored))
        lg++;
    if (carries(lg, r, stored))
        return lg;
    while (lg < s->max_lg_t && (lg == STEER_LG_T_STORED || !carries(lg, r + r / 8, stored)))
        lg++;
    return lg;
}

struct steer_plan steer_visit(struct steer *s, uint32_t k, uint32_t blocks, uint32_t stored)
{
    uint32_t r = wanted_rows(s, k, blocks, rows_to_be_had(s, stored));
    unsigned lg = choose_lg_t(s, r, stored);
    uint32_t limit = lg == STEER_LG_T_STORED ? stored : 1u << lg;
    s->lg_t = (uint8_t)lg;
    return (struct steer_plan){.r = (uint16_t)(r < limit ? r : limit), .lg_t = (uint8_t)lg};
}

uint16_t steer_raise(struct steer *s, struct steer_plan p, uint32_t k, uint32_t blocks,
                     uint32_t stored)
{
    uint32_t limit = p.lg_t == STEER_LG_T_STORED ? stored : 1u << p.lg_t;
    uint32_t r = wanted_rows(s, k, blocks, rows_to_be_had(s, stored));
    if (r > limit)
        r = limit;
    return (uint16_t)max32(r, p.r);
}
