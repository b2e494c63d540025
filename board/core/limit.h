/* What keeps a receiver from taking all it hears: its disk, the machine itself, or nothing. Pure:
 * counts in, two flags out.
 *
 * A disk that was written without a pause for the last seconds is the limit, whether blocks are
 * left out or wait in memory. If blocks are left out and the disk has time, the machine is. Looks
 * once a second, over the last few. */
#ifndef BOARD_CORE_LIMIT_H
#define BOARD_CORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

#define LIMIT_MARKS 5

struct limit {
    bool disk, machine; /* never both */
    /* its own */
    struct limit_mark {
        struct mono at;
        uint64_t written_ns;
    } mark[LIMIT_MARKS]; /* one a second; the newest is at (marks - 1) % LIMIT_MARKS */
    uint32_t marks;
};

/* Call now and then, on a limit that is zero at first. written_ns: time that the disk has spent in
 * writes until now, the one under way counted. left_out: blocks are left out now. */
void limit_note(struct limit *, struct mono now, uint64_t written_ns, bool left_out);

#endif
