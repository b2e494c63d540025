/* The rows of the table: what is simulated, and what must come out. */
#ifndef TESTS_SIM_ROWS_H
#define TESTS_SIM_ROWS_H

#include "tests/sim/world.h"

enum row_kind {
    ROW_BOUND, /* completion / erasure bound of the receivers waited for */
    ROW_LATER, /* group 0's completion with all groups / that without the others, receiver by
                  receiver */
    ROW_SCALE  /* the last completion of all groups / that of group 0 alone */
};

struct row {
    const char *name; /* as in --row */
    const char *what; /* a person's words */
    enum row_kind kind;
    struct world_plan plan;
    double goal;    /* the last one's ratio must not exceed it; 0: for information */
    uint32_t quick; /* part of --quick, its groups cut to this many receivers; 0: not */
};

extern const struct row rows[];
extern const unsigned n_rows;

#endif
