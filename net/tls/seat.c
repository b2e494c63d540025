#include "net/tls/seat.h"

static size_t seats_of(const struct tls_seat *s, size_t n, enum tls_standing standing,
                       uint32_t address)
{
    size_t of = 0;

    for (size_t i = 0; i < n; i++)
        of += s[i].used && s[i].standing == standing && s[i].address == address;
    return of;
}

static size_t to_clear(const struct tls_seat *s, size_t n, enum tls_standing standing,
                       uint32_t address)
{
    size_t most = 0, pick = n;

    for (size_t i = 0; i < n; i++) {
        size_t of;

        if (s[i].standing != standing)
            continue;
        of = seats_of(s, n, standing, s[i].address) + (s[i].address == address);
        if (of > most || (of == most && mono_sub(s[pick].since, s[i].since) > 0)) {
            most = of;
            pick = i;
        }
    }
    return pick;
}

size_t tls_seat_for(const struct tls_seat *s, size_t n, uint32_t address)
{
    enum tls_standing lowest = TLS_BUSY;

    for (size_t i = 0; i < n; i++) {
        if (!s[i].used)
            return i;
        lowest = s[i].standing < lowest ? s[i].standing : lowest;
    }
    return to_clear(s, n, lowest, address);
}

static size_t waiting_of(const struct tls_seat *s, size_t n, uint32_t address)
{
    size_t of = 0;

    for (size_t i = 0; i < n; i++)
        of += s[i].used && s[i].waits && s[i].address == address;
    return of;
}

size_t tls_seat_turn(const struct tls_seat *s, size_t n)
{
    size_t fewest = n + 1, pick = n;

    for (size_t i = 0; i < n; i++) {
        size_t of;

        if (!s[i].used || !s[i].waits)
            continue;
        of = waiting_of(s, n, s[i].address);
        if (of < fewest || (of == fewest && mono_sub(s[pick].since, s[i].since) > 0)) {
            fewest = of;
            pick = i;
        }
    }
    return pick;
}

bool tls_ration_take(struct tls_ration *r, unsigned burst, int64_t each_ns, struct mono now)
{
    if (mono_sub(now, r->full) > 0)
        r->full = now;
    if (mono_sub(r->full, now) > (int64_t)(burst - 1) * each_ns)
        return false;
    r->full = mono_add(r->full, each_ns);
    return true;
}
