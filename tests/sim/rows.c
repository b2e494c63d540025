#include "tests/sim/rows.h"

/* 1440-byte symbols. The body is that of an image that LZ4 halved: 35 bytes for every 64 KiB
 * stored. */
#define GB20                                                                                       \
    {                                                                                              \
        .windows = 9, .blocks = 128, .k = 12288, .last_blocks = 106, .body = 7420                  \
    }
#define GB7                                                                                        \
    {                                                                                              \
        .windows = 3, .blocks = 128, .k = 12288, .body = 2520                                      \
    }
#define DEMO                                                                                       \
    {                                                                                              \
        .windows = 1, .blocks = 15, .k = 12288, .body = 98                                         \
    } /* 265 MB in few blocks */
#define DEMO_WIDE                                                                                  \
    {                                                                                              \
        .windows = 1, .blocks = 128, .k = 1440, .body = 98                                         \
    } /* the same in many */

#define NONE                                                                                       \
    {                                                                                              \
        .loss = 0                                                                                  \
    }
#define RANDOM(p)                                                                                  \
    {                                                                                              \
        .loss = (p)                                                                                \
    }
#define BURSTS(p)                                                                                  \
    {                                                                                              \
        .loss = (p), .burst = 200                                                                  \
    }
#define STALLS(p)                                                                                  \
    {                                                                                              \
        .loss = (p), .stall = 60 * WORLD_RATE, .stalled = 0.2 * WORLD_RATE                         \
    }

#define GROUP(n, how, ...)                                                                         \
    {                                                                                              \
        .receivers = (n), .spec = {.channel = __VA_ARGS__, .knows_body = true}, .join = (how)      \
    }
#define NEEDY(n, how, ...)                                                                         \
    {                                                                                              \
        .receivers = (n), .spec = {.channel = __VA_ARGS__}, .join = (how)                          \
    }

/* Default repair, no feedback: the stream alone. */
#define FIXED(image, ...)                                                                          \
    {                                                                                              \
        .shape = image, .group = {GROUP(1000, JOIN_ANYWHERE, __VA_ARGS__)}, .max_lg_t = 8,         \
        .beacon = 2, .patience = 12, .wait_for = 1                                                 \
    }
/* Beacons every 2 s steer the repair. */
#define STEERED(image, ...)                                                                        \
    {                                                                                              \
        .shape = image, .group = {GROUP(1000, JOIN_ANYWHERE, __VA_ARGS__)}, .steered = true,       \
        .max_lg_t = 12, .beacon = 2, .patience = 12, .wait_for = 1                                 \
    }
#define GROUPS(image, most_lg_t, wait, ...)                                                        \
    {                                                                                              \
        .shape = image, .group = {__VA_ARGS__}, .steered = true, .max_lg_t = (most_lg_t),          \
        .beacon = 2, .patience = 12, .wait_for = (wait)                                            \
    }

#define BOUND(id, words, limit, short, ...)                                                        \
    {                                                                                              \
        .name = id, .what = words, .kind = ROW_BOUND, .goal = limit, .quick = short,               \
        .plan = __VA_ARGS__                                                                        \
    }
#define LATER(id, words, limit, short, ...)                                                        \
    {                                                                                              \
        .name = id, .what = words, .kind = ROW_LATER, .goal = limit, .quick = short,               \
        .plan = __VA_ARGS__                                                                        \
    }
#define SCALE(id, words, limit, short, ...)                                                        \
    {                                                                                              \
        .name = id, .what = words, .kind = ROW_SCALE, .goal = limit, .quick = short,               \
        .plan = __VA_ARGS__                                                                        \
    }

const struct row rows[] = {
    /* fixed repair, joins anywhere */
    BOUND("clean", "fixed, no loss", 1.02, 10, FIXED(GB20, NONE)),
    BOUND("random-0.01", "fixed, random 0.01 %", 1.02, 0, FIXED(GB7, RANDOM(0.0001))),
    BOUND("random-0.1", "fixed, random 0.1 %", 1.02, 0, FIXED(GB20, RANDOM(0.001))),
    BOUND("random-0.5", "fixed, random 0.5 %", 1.02, 0, FIXED(GB7, RANDOM(0.005))),
    BOUND("random-1", "fixed, random 1 %", 1.02, 40, FIXED(GB20, RANDOM(0.01))),
    BOUND("bursts-0.1", "fixed, bursts 0.1 %", 1.02, 0, FIXED(GB20, BURSTS(0.001))),
    BOUND("bursts-0.5", "fixed, bursts 0.5 %", 1.02, 0, FIXED(GB7, BURSTS(0.005))),
    BOUND("bursts-1", "fixed, bursts 1 %", 1.02, 40, FIXED(GB20, BURSTS(0.01))),
    BOUND("shuffled", "fixed, random 1 %, 1 % of packets late, 1 % twice", 1.02, 20,
          FIXED(GB7, {.loss = 0.01, .shuffle = 0.01, .twice = 0.01})),
    BOUND("stalls", "fixed, all lost for 200 ms once a minute", 0, 0, FIXED(GB7, STALLS(0))),
    BOUND("demo", "fixed, random 1 %, 15 blocks", 1.02, 200, FIXED(DEMO, RANDOM(0.01))),
    BOUND("demo-bursts", "fixed, bursts 0.1 %, 15 blocks", 0, 0, FIXED(DEMO, BURSTS(0.001))),
    BOUND("wide", "fixed, random 1 %, 128 short blocks", 0, 0, FIXED(DEMO_WIDE, RANDOM(0.01))),
    BOUND("wide-bursts", "fixed, bursts 0.1 %, 128 short blocks", 0, 0,
          FIXED(DEMO_WIDE, BURSTS(0.001))),
    BOUND("random-2", "fixed, random 2 %", 0, 0, FIXED(DEMO, RANDOM(0.02))),
    BOUND("random-5", "fixed, random 5 %", 0, 0, FIXED(DEMO, RANDOM(0.05))),
    BOUND("random-10", "fixed, random 10 %", 0, 0, FIXED(DEMO, RANDOM(0.10))),
    BOUND("random-20", "fixed, random 20 %", 0, 0, FIXED(DEMO, RANDOM(0.20))),

    /* repair steered by beacons, joins anywhere, the first one starts the stream */
    BOUND("steered-0.1", "steered, random 0.1 %", 1.02, 0, STEERED(GB7, RANDOM(0.001))),
    BOUND("steered-1", "steered, random 1 %", 1.02, 0, STEERED(GB20, RANDOM(0.01))),
    BOUND("steered-2", "steered, random 2 %", 1.02, 0, STEERED(GB7, RANDOM(0.02))),
    BOUND("steered-5", "steered, random 5 %", 1.02, 0, STEERED(GB7, RANDOM(0.05))),
    BOUND("steered-10", "steered, random 10 %", 1.02, 40, STEERED(GB20, RANDOM(0.10))),
    BOUND("steered-20", "steered, random 20 %", 0, 0, STEERED(GB7, RANDOM(0.20))),
    BOUND("steered-bursts-1", "steered, bursts 1 %", 1.02, 40, STEERED(GB20, BURSTS(0.01))),
    BOUND("steered-bursts-2", "steered, bursts 2 %", 0, 0, STEERED(GB7, BURSTS(0.02))),
    BOUND("steered-bursts-5", "steered, bursts 5 %", 0, 0, STEERED(GB7, BURSTS(0.05))),
    BOUND("steered-demo", "steered, random 1 %, 15 blocks", 1.02, 0, STEERED(DEMO, RANDOM(0.01))),

    /* many, slow, dead, lossy, late */
    SCALE("thousand", "1000 receivers / 1, all at the start, random 1 %", 1.02, 60,
          GROUPS(GB7, 12, 2, NEEDY(1, JOIN_START, RANDOM(0.01)),
                 NEEDY(999, JOIN_START, RANDOM(0.01)))),
    LATER("dead", "9 others beside 1 that dies", 1.01, 10,
          GROUPS(GB7, 12, 1, NEEDY(9, JOIN_START, RANDOM(0.001)),
                 {.receivers = 1,
                  .spec = {.channel = RANDOM(0.001)},
                  .join = JOIN_START,
                  .dying = 1})),
    LATER("slow-disk", "9 others beside 1 with a tenth of the disk speed", 1.01, 10,
          GROUPS(GB7, 12, 1, NEEDY(9, JOIN_START, RANDOM(0.001)),
                 {.receivers = 1,
                  .spec = {.channel = RANDOM(0.001), .share = 26},
                  .join = JOIN_START})),
    LATER("lossy", "99 others beside 1 that loses 20 %", 1.01, 10,
          GROUPS(GB7, 12, 1, NEEDY(99, JOIN_START, RANDOM(0.001)),
                 NEEDY(1, JOIN_START, RANDOM(0.20)))),
    LATER("storm", "20 others beside 1000 that join within 10 s", 1.005, 100,
          GROUPS(GB7, 12, 1, NEEDY(20, JOIN_START, RANDOM(0.001)),
                 NEEDY(1000, JOIN_STORM, RANDOM(0.001)))),
    BOUND("storm-itself", "1000 that join within 10 s, the wait for the body counted", 0, 0,
          GROUPS(GB7, 12, 1, NEEDY(1000, JOIN_STORM, RANDOM(0.001)),
                 NEEDY(1, JOIN_START, RANDOM(0.001)))),
    BOUND("joiners", "30 that join over a pass, the wait for the body counted", 0, 0,
          GROUPS(GB7, 12, 1, NEEDY(30, JOIN_ANYWHERE, RANDOM(0.001)))),
};

const unsigned n_rows = sizeof rows / sizeof *rows;
