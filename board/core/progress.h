/* Progress of a long command on stderr: a bar that is redrawn where stderr is a terminal, one line
 * per 5 % otherwise (per 10 s when the end is not known). Percent, rate, time left and a note of
 * the caller's. */
#ifndef BOARD_CORE_PROGRESS_H
#define BOARD_CORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

struct progress {
    const char *verb;
    uint64_t total;
    struct mono start, shown;
    unsigned step; /* the next 5 % line */
    bool tty, quiet;
};

/* Borrows `verb` ("packing") until the end. total in bytes, 0: not known. quiet prints nothing at
 * all. */
void progress_start(struct progress *, const char *verb, uint64_t total, bool quiet);
/* May be called as often as one likes. `note` follows the figures, NULL for none; borrowed for the
 * call. */
void progress_at(struct progress *, uint64_t done, const char *note);
/* Ends the bar's line; what is said next on stderr starts on a line of its own. */
void progress_end(struct progress *);

#endif
