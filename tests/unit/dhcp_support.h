/* A DHCP server with simulated time, and clients that speak to it in bytes. */
#ifndef TESTS_UNIT_DHCP_SUPPORT_H
#define TESTS_UNIT_DHCP_SUPPORT_H

#include "net/dhcp/server.h"

#define DHCP_LAB_ADDRESS UINT32_C(0x0A4D0001) /* 10.77.0.1/24 */
#define DHCP_LAB_FIRST UINT32_C(0x0A4D0032)   /* .50 */

struct dhcp_lab {
    struct dhcp_server server;
    struct mono now;
    struct dhcp_reply reply;    /* the last one, */
    struct dhcp_message answer; /* decoded */
    uint32_t known;             /* machines below this number are known to the box */
    unsigned stored, told[4];   /* by dhcp_event_kind */
    struct {
        uint8_t value[16];
        size_t n;
    } record[256]; /* by the last byte of the address */
};

/* What a client puts into a message; 0: left out. */
struct dhcp_say {
    uint8_t type;
    uint32_t client; /* its number: MAC 02:00:n */
    uint32_t xid, ciaddr, giaddr, wanted, server;
    uint16_t flags, size;
    const char *class;
    uint16_t to_port;
    uint32_t from;      /* its IP address */
    uint32_t frame_mac; /* another station sent the frame */
};

void dhcp_lab_mac(uint8_t mac[6], uint32_t client);
/* A server of `pool` addresses from DHCP_LAB_FIRST, leases of an hour; `c` may be NULL. */
void dhcp_lab_up(struct dhcp_lab *, unsigned pool, const struct dhcp_reservation *,
                 unsigned reservations);
/* restart */
void dhcp_lab_again(struct dhcp_lab *, unsigned pool, const struct dhcp_reservation *,
                    unsigned reservations);
/* The type of the answer, 0: none. */
unsigned dhcp_lab_say(struct dhcp_lab *, const struct dhcp_say *);
/* DISCOVER and REQUEST of a new machine; the address it has then, 0: none. */
uint32_t dhcp_lab_join(struct dhcp_lab *, uint32_t client, uint32_t xid);
void dhcp_lab_pass(struct dhcp_lab *, int64_t seconds);
/* Counts of the table against the slots; a slot has one owner, a machine one slot. */
void dhcp_lab_audit(struct dhcp_lab *);

#endif
