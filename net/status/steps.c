#include "net/status/steps.h"

const uint32_t steps_bound_us[STEPS_CLASSES] = {100,  250,  500,   1000,  2000,  3000,  4000,
                                                5000, 7500, 10000, 25000, 50000, 100000};

void steps_turn(struct steps *s, struct mono worked)
{
    if (s->worked.ns)
        steps_add(s, mono_sub(worked, s->worked));
    s->worked = worked;
}

void steps_add(struct steps *s, int64_t ns)
{
    unsigned i = 0;

    while (i < STEPS_CLASSES && ns > (int64_t)steps_bound_us[i] * 1000)
        i++;
    s->n[i]++;
    s->all++;
    s->sum_ns += ns;
    if (ns > s->most_ns)
        s->most_ns = ns;
}
