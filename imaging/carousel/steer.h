/* How much repair does a visit carry? Pure: figures in, two numbers out; no clock, no heap,
 * integers only, so the simulator and the box decide alike.
 *
 * The need. A block of k symbols survives a visit when no more than r of its k + r symbols are
 * lost. For a mean loss p whose spread from block to block (as a variance) is V times that of
 * independent losses, steer_need returns the smallest r with
 *
 *     (k + r) p + 6 sqrt((k + r) p (1 - p) V) + 6  <=  r
 *
 * Six standard deviations and the skew of a binomial at that depth (6 symbols): one block in 10^9,
 * so that in 99.9 % of the passes none of a thousand receivers misses one of a thousand blocks.
 * k = 12288: p = 1 % -> 198 (1.6 %), 5 % -> 811, 10 % -> 1608, 20 % -> 3456. Less costs a receiver
 * a whole further pass, more costs everybody the difference: a cliff and no slope, hence the care.
 *
 * No reports: r = max(k * 244 / 12288, need at 1 %). 244 / 12288 keeps a clean receiver at 1.0199
 * of its bound; it covers random loss to 1.2 % and, with 128 blocks in the window, bursts to 1 %.
 * Small k needs relatively more (k = 1440: 44, 3 %), so that small images at 1 % loss finish in
 * their first visit as well.
 *
 * Reports: r = need(mean loss, V from the worst block), at least 0.5 % of k and the need at 0.02 %.
 * Is that more than half the default, then at least the default: between the two there is less to
 * gain than a burst may cost.
 *   - Raise: at the next visit, and within the running visit while its repair rows last and T
 *     allows.
 *   - Lower: the excess of the remembered figures over the present ones is halved once a pass.
 *   - No reporter for a whole pass: back to the default.
 * Figures of receivers that have not yet heard a whole visit are rough: while nobody has better
 * ones their median steers, but only above the default, and it is not remembered.
 *
 * T: 256 when the image stores enough rows (they cost the sender nothing; a tenth less than asked
 * for will do), else the smallest of 512 ... 2^max_lg_t that holds r + r/8, computed by the sender
 * from row 0 of the visit on. T holds for a whole visit, because it is part of every packet, and on
 * as long as r fits; it falls when r fits into three quarters of a smaller one: who joined amid a
 * visit cannot combine repair symbols of two T. When not even the largest T can hold the losses to
 * be expected in one visit, two visits (three ...) are planned for: r = need(p^2), as repair that
 * does not suffice would only delay everybody.
 *
 * Who counts. A receiver whose loss is out of the ordinary must not slow the others down:
 * steer_poll weighs what a larger r costs all receivers against the pass it saves those who need it
 * and takes the least total; beyond that, no minority makes the majority pay more than 3 % of a
 * pass. One machine at 2 % among forty is served, one at 5 % among four is left to its second pass.
 * Of those served the report tells the mean loss of the ninth of ten, and the worst block. */
#ifndef IMAGING_CAROUSEL_STEER_H
#define IMAGING_CAROUSEL_STEER_H

#include <stdint.h>

#define STEER_LG_T_STORED 8     /* T of the rows an image stores */
#define STEER_LG_T_LIMIT 12     /* largest T of the wire format: 4096 */
#define STEER_DEFAULT_NUM 244   /* repair without reports: 244 rows ... */
#define STEER_DEFAULT_DEN 12288 /* ... for blocks of 12288 */

/* What the receivers that count tell, in parts per million. */
struct steer_report {
    uint32_t mean_ppm;  /* packets lost of packets sent, over a receiver's last window's worth */
    uint32_t worst_ppm; /* the largest loss of one block in one visit; 0: rough, nobody has heard a
                           whole visit */
    uint32_t reporters; /* receivers behind the figures; 0: no reports */
};

/* The repair of one visit. */
struct steer_plan {
    uint16_t r;   /* repair rows, 0 ... 2^lg_t */
    uint8_t lg_t; /* code parameter of all packets of the visit */
};

/* Smallest r for one block as above. spread_q8: V in 1/256, at least 256. May exceed every T: up to
 * 65535. */
uint32_t steer_need(uint32_t k, uint32_t loss_ppm, uint32_t spread_q8);

/* ---- collecting beacons ---- */

#define STEER_BINS 192 /* of 0.2 % of r/k each */

/* One round of figures; fields are the module's own. 6 KB, caller's memory. */
struct steer_poll {
    struct steer_bins {
        uint32_t reporters;
        struct {
            uint64_t sum_ppm; /* of the means */
            uint32_t count, worst_ppm;
        } bin[STEER_BINS];
    } of[2]; /* rough figures; settled ones */
};

void steer_poll_reset(struct steer_poll *p);

/* The latest figures of one live receiver: its mean loss over the last window's worth of packets
 * (0 before it has seen 2048 of them), and the largest block loss in the last visit whose source
 * rows it heard from the first to the last (at least 1; 0: none yet, its figures are rough). Blocks
 * it skipped on purpose, for a slow disk, are not losses. Figures above 10^6 count as 10^6. */
void steer_poll_add(struct steer_poll *p, uint32_t mean_ppm, uint32_t worst_ppm);

/* The report to steer by. */
struct steer_report steer_poll_report(const struct steer_poll *p);

/* ---- the state ---- */

/* Fields are the module's own; caller's memory. */
struct steer {
    struct steer_report report;              /* latest */
    uint32_t mean_ppm, worst_ppm, reporters; /* remembered: the most of the settled reports */
    uint8_t max_lg_t;
    uint8_t lg_t;  /* of the visit before; 0: none */
    uint8_t fixed; /* no steering: always the default */
    uint8_t heard; /* a report since the pass began */
};

/* max_lg_t: 8 ... 12, the largest T that the sender's memory (128 blocks: 47 MB at 256, doubling)
 * and the receivers' allow; 8 leaves the stored rows only. fixed: ignore reports. */
void steer_init(struct steer *s, unsigned max_lg_t, int fixed);

/* New figures; they hold until replaced. reporters = 0 is "nobody reports any more". */
void steer_hear(struct steer *s, const struct steer_report *r);

/* A pass begins: lower. */
void steer_pass(struct steer *s);

/* The plan of a visit that begins now, of a window of `blocks` blocks of k symbols with `stored`
 * repair rows of T = 256 in the image. */
struct steer_plan steer_visit(struct steer *s, uint32_t k, uint32_t blocks, uint32_t stored);

/* The rows of a visit under way whose plan was `p`: p.r, or more if newer figures ask for it and T
 * (or, for T = 256, what is stored) allows. Never fewer. */
uint16_t steer_raise(struct steer *s, struct steer_plan p, uint32_t k, uint32_t blocks,
                     uint32_t stored);

#endif
