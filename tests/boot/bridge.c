#include "tests/boot/bridge.h"

#include <string.h>

#include "net/wire/must.h"

void bridge_init(struct bridge *b, const struct snoop_config *config)
{
    memset(b, 0, sizeof *b);
    snoop_init(&b->snoop, config);
}

void bridge_port_up(struct bridge *b, unsigned port)
{
    MUST(port < BRIDGE_PORTS);
    b->up |= UINT32_C(1) << port;
}

void bridge_port_down(struct bridge *b, unsigned port)
{
    MUST(port < BRIDGE_PORTS);
    b->up &= ~(UINT32_C(1) << port);
    snoop_port_down(&b->snoop, port);
    for (size_t i = 0; i < BRIDGE_ADDRESSES; i++)
        if (b->table[i].port == port)
            b->table[i].mac = 0;
}

static uint64_t mac_at(const uint8_t *p)
{
    uint64_t mac = 0;

    for (int i = 0; i < 6; i++)
        mac = mac << 8 | p[i];
    return mac;
}

/* The slot that holds the address, or the one it would get. */
static struct bridge_entry *slot(struct bridge *b, uint64_t mac)
{
    size_t start = (size_t)((mac * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
    struct bridge_entry *best = NULL;

    for (size_t i = 0; i < BRIDGE_PROBES; i++) {
        struct bridge_entry *e = &b->table[(start + i) % BRIDGE_ADDRESSES];

        if (e->mac == mac)
            return e;
        if (!best || (best->mac && (!e->mac || mono_sub(best->seen, e->seen) > 0)))
            best = e;
    }
    return best;
}

static void learn(struct bridge *b, struct mono now, unsigned port, uint64_t mac)
{
    struct bridge_entry *e = slot(b, mac);

    b->moved += e->mac == mac && e->port != port;
    *e = (struct bridge_entry){.mac = mac, .port = port, .seen = now};
}

uint32_t bridge_forward(struct bridge *b, struct mono now, unsigned port, const uint8_t *frame,
                        size_t n)
{
    uint64_t to = mac_at(frame), from = mac_at(frame + 6);
    uint32_t others = b->up & ~(UINT32_C(1) << port);
    const struct bridge_entry *e;

    MUST(port < BRIDGE_PORTS && n >= FRAME_MIN);
    if (from && !(frame[6] & 1)) /* a group cannot have sent it */
        learn(b, now, port, from);
    if (to == UINT64_C(0xffffffffffff))
        return others;
    if (frame[0] & 1)
        return snoop_forward(&b->snoop, now, port, frame, n, b->up) & others;
    e = slot(b, to);
    if (e->mac == to && mono_sub(now, e->seen) < BRIDGE_AGE_NS)
        return others & UINT32_C(1) << e->port;
    return others;
}
