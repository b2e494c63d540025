#include "tests/boot/impair.h"

#include <stdlib.h>
#include <string.h>

#include "net/wire/mono.h"

bool impair_none(const struct impair *i)
{
    return i->drop <= 0 && i->delay_ns <= 0 && i->jitter_ns <= 0 && i->late <= 0;
}

bool impair_frame(struct impair *i, int64_t *delay_ns)
{
    /* Every frame takes as many numbers from the generator, whatever becomes of it: a changed delay
     * loses the same. */
    double lose = rng_unit(&i->rng), late = rng_unit(&i->rng), jitter = rng_unit(&i->rng);

    *delay_ns =
        i->delay_ns + (int64_t)(jitter * (double)i->jitter_ns) + (late < i->late ? i->late_ns : 0);
    if (i->losing) {
        i->losing--;
        return false;
    }
    if (lose >= i->drop)
        return true;
    i->losing = i->burst > 1 ? i->burst - 1 : 0;
    return false;
}

/* A number and one of the units given, "name:scale" pairs; NAN-free, not negative. */
static bool scaled(const char *text, const char *const names[], const double scales[], double *out)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || !(v >= 0 && v < 1e15))
        return false;
    for (int i = 0; names[i]; i++)
        if (!strcmp(end, names[i])) {
            *out = v * scales[i];
            return true;
        }
    return false;
}

static bool share(const char *text, double *out)
{
    static const char *const names[] = {"", "%", NULL};
    static const double scales[] = {1, 0.01};

    return scaled(text, names, scales, out) && *out <= 1;
}

static bool span(const char *text, int64_t *ns)
{
    static const char *const names[] = {"us", "ms", "s", NULL};
    static const double scales[] = {1e3, 1e6, 1e9};
    double v;

    if (!scaled(text, names, scales, &v))
        return false;
    *ns = (int64_t)v;
    return true;
}

static bool whole(const char *text, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 0);
    return end != text && !*end;
}

static bool named(const char *setting, size_t n, const char *name)
{
    return strlen(name) == n && !memcmp(setting, name, n);
}

bool impair_set(struct impair *i, const char *setting)
{
    const char *v = strchr(setting, '=');
    size_t n = v ? (size_t)(v - setting) : 0;
    uint64_t number;

    if (!v++)
        return false;
    if (named(setting, n, "drop"))
        return share(v, &i->drop);
    if (named(setting, n, "late"))
        return share(v, &i->late);
    if (named(setting, n, "delay"))
        return span(v, &i->delay_ns);
    if (named(setting, n, "jitter"))
        return span(v, &i->jitter_ns);
    if (named(setting, n, "by"))
        return span(v, &i->late_ns);
    if (named(setting, n, "burst") && whole(v, &number) && number < 1000000) {
        i->burst = (unsigned)number;
        return true;
    }
    if (named(setting, n, "seed") && whole(v, &number)) {
        i->rng.state = number;
        return true;
    }
    return false;
}
