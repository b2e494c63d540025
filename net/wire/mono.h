/* Monotonic time as a type of its own, so that it cannot be mixed up with wall-clock time or with a
 * plain number. Pure code receives it as an argument; only board/ and the rims read a clock. */
#ifndef NET_WIRE_MONO_H
#define NET_WIRE_MONO_H

#include <stdint.h>

/* Nanoseconds since an arbitrary start that lies in the past; never wraps within 292 years. */
struct mono {
    int64_t ns;
};

#define MONO_US INT64_C(1000)
#define MONO_MS INT64_C(1000000)
#define MONO_S INT64_C(1000000000)

static inline struct mono mono_add(struct mono t, int64_t ns)
{
    return (struct mono){t.ns + ns};
}

/* Nanoseconds from `from` to `to`; negative when `to` is earlier. */
static inline int64_t mono_sub(struct mono to, struct mono from)
{
    return to.ns - from.ns;
}

#endif
