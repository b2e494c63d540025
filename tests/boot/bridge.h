/* The learning bridge: which ports does a frame go to? Pure; knows addresses and time, no sockets.
 */
#ifndef TESTS_BOOT_BRIDGE_H
#define TESTS_BOOT_BRIDGE_H

#include "tests/boot/snoop.h"

#define BRIDGE_PORTS SNOOP_PORTS
#define BRIDGE_ADDRESSES 4096 /* slots of the table, a power of two */
#define BRIDGE_PROBES 8       /* slots an address may be in; when all are in use, the oldest goes */
#define BRIDGE_AGE_NS (300 * MONO_S)
#define FRAME_MIN 14 /* QEMU pads nothing: an Ethernet header is the least */

struct bridge_entry {
    uint64_t mac; /* 0: free */
    unsigned port;
    struct mono seen;
};

struct bridge {
    struct snoop snoop;
    uint32_t up; /* ports with a machine on the line */
    struct bridge_entry table[BRIDGE_ADDRESSES];
    uint64_t moved; /* addresses that turned up at another port */
};

void bridge_init(struct bridge *, const struct snoop_config *);
void bridge_port_up(struct bridge *, unsigned port);
/* All that was learned at the port is forgotten. */
void bridge_port_down(struct bridge *, unsigned port);
/* The ports a frame of n >= FRAME_MIN bytes from `port` goes to; never the port itself, never one
 * that is down. */
uint32_t bridge_forward(struct bridge *, struct mono now, unsigned port, const uint8_t *frame,
                        size_t n);

#endif
