#include "board/core/limit.h"

#define WRITING 0.6 /* part of its time in which a disk is written that blocks are left out for */
#define ALWAYS_WRITING 0.9

void limit_note(struct limit *l, struct mono now, uint64_t written_ns, bool left_out)
{
    const struct limit_mark *last = &l->mark[(l->marks - 1) % LIMIT_MARKS];
    const struct limit_mark *first = &l->mark[l->marks < LIMIT_MARKS ? 0 : l->marks % LIMIT_MARKS];

    if (l->marks && mono_sub(now, last->at) < MONO_S)
        return;
    if (l->marks && written_ns >= first->written_ns) {
        double busy = (double)(written_ns - first->written_ns) / (double)mono_sub(now, first->at);

        l->disk = busy > (left_out ? WRITING : ALWAYS_WRITING);
        l->machine = left_out && !l->disk;
    }
    l->mark[l->marks++ % LIMIT_MARKS] = (struct limit_mark){now, written_ns};
}
