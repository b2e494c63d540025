/* The TFTP server over lwIP: the only file of this room that knows it. All calls on the stack's
 * owner thread. */
#ifndef NET_TFTP_BIND_H
#define NET_TFTP_BIND_H

#include "net/ip/stack.h"
#include "net/tftp/server.h"

struct tftp_bind;

struct tftp_bind_config {
    struct content_source source;
    /* Which machine has this address? NULL, or false: as ARP says. */
    bool (*mac_of)(void *ctx, uint32_t address, uint8_t mac[6]);
    void (*tell)(void *ctx, const struct tftp_event *); /* may be NULL */
    void *ctx;                                          /* of both */
};

/* Takes requests on UDP port 69, and runs transfers on a few ports of chance. Keeps the stack. 0,
 * TFTP_EBIND or TFTP_EMEMORY. */
int tftp_bind_open(struct tftp_bind **, struct ip_stack *, const struct tftp_bind_config *,
                   struct err *);
/* Call after every ip_stack_step, and at least every tftp_bind_pause milliseconds. */
void tftp_bind_tick(struct tftp_bind *, struct mono now);
/* 20 while there are transfers, else 1000. */
int tftp_bind_pause(const struct tftp_bind *);
const struct tftp_counts *tftp_bind_counts(const struct tftp_bind *);
/* Transfers under way. */
unsigned tftp_bind_live(const struct tftp_bind *);
void tftp_bind_close(struct tftp_bind *);

#endif
