#include "rootfs/init/sticks.h"

#include <string.h>

static const struct stick_device *find(const struct stick_device *all, unsigned n, const char *name,
                                       uint64_t sequence)
{
    for (unsigned i = 0; i < n; i++)
        if (all[i].sequence == sequence && strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static bool is_disk(const struct stick_device *d)
{
    return strcmp(d->name, d->disk) == 0;
}

static unsigned parts_of(const struct stick_device *all, unsigned n, const struct stick_device *d)
{
    unsigned parts = 0;

    for (unsigned i = 0; i < n; i++)
        parts += all[i].sequence == d->sequence && strcmp(all[i].disk, d->disk) == 0 &&
                 !is_disk(&all[i]);
    return parts;
}

/* The disk was there a look ago, with as many partitions, and this one among them. */
static bool is_settled(const struct sticks *s, const struct stick_device *all, unsigned n,
                       const struct stick_device *d)
{
    return find(s->last, s->n_last, d->name, d->sequence) &&
           parts_of(all, n, d) == parts_of(s->last, s->n_last, d);
}

static bool is_kind(const char *name)
{
    static const char *const never[] = {"loop", "ram", "zram", "sr", "fd", "md", "dm-", "nbd"};

    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        if (strncmp(name, never[i], strlen(never[i])) == 0)
            return false;
    return true;
}

static bool is_wanted(const struct sticks *s, const struct stick_device *all, unsigned n,
                      const struct stick_device *d)
{
    return d->outside && d->sectors >= STICK_LEAST_SECTORS && strcmp(d->disk, s->own) != 0 &&
           is_kind(d->disk) && (!is_disk(d) || parts_of(all, n, d) == 0) &&
           is_settled(s, all, n, d);
}

static struct stick_place *place_of(struct sticks *s, const struct stick_device *d)
{
    for (struct stick_place *p = s->place; p < s->place + STICKS_MAX; p++)
        if (p->state != STICK_FREE && p->sequence == d->sequence && strcmp(p->name, d->name) == 0)
            return p;
    return NULL;
}

static struct stick_place *free_place(struct sticks *s)
{
    for (struct stick_place *p = s->place; p < s->place + STICKS_MAX; p++)
        if (p->state == STICK_FREE)
            return p;
    return NULL;
}

/* What was taken and is not there any more. */
static void let_go(struct sticks *s, const struct stick_device *all, unsigned n,
                   struct stick_orders *o)
{
    for (unsigned i = 0; i < STICKS_MAX; i++) {
        struct stick_place *p = &s->place[i];

        if ((p->state != STICK_THERE && p->state != STICK_REFUSED) ||
            find(all, n, p->name, p->sequence))
            continue;
        o->clear |= 1u << i;
        if (p->state == STICK_THERE)
            o->detach |= 1u << i;
        p->state = p->state == STICK_THERE ? STICK_LEAVING : STICK_FREE;
    }
}

struct stick_orders sticks_look(struct sticks *s, const struct stick_device *all, unsigned n)
{
    struct stick_orders o = {0};

    n = n < STICK_DEVICES_MAX ? n : STICK_DEVICES_MAX;
    let_go(s, all, n, &o);
    for (unsigned i = 0; i < n; i++) {
        struct stick_place *p =
            is_wanted(s, all, n, &all[i]) && !place_of(s, &all[i]) ? free_place(s) : NULL;

        if (!p)
            continue;
        p->state = STICK_MOUNTING;
        memcpy(p->name, all[i].name, sizeof p->name);
        memcpy(p->disk, all[i].disk, sizeof p->disk);
        p->sequence = all[i].sequence;
        o.mount |= 1u << (p - s->place);
    }
    memcpy(s->last, all, n * sizeof *all);
    s->n_last = n;
    return o;
}

void sticks_ended(struct sticks *s, unsigned place, bool done)
{
    struct stick_place *p = &s->place[place];

    if (p->state == STICK_MOUNTING)
        p->state = done ? STICK_THERE : STICK_REFUSED;
    else if (p->state == STICK_LEAVING)
        p->state = STICK_FREE;
}
