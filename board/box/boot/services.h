/* The services of the box on its stack: addresses (dhcp), what to boot (bsdp, pxe), files (tftp,
 * http), the querier (igmp). Each is told what it needs here and says what happens in the box's
 * log, at a limited rate, because strangers cause much of it. */
#ifndef BOARD_BOX_BOOT_SERVICES_H
#define BOARD_BOX_BOOT_SERVICES_H

#include "board/box/boot/access_log.h"
#include "board/box/boot/offer.h"
#include "board/box/config/box_config.h"
#include "net/dhcp/guard.h"
#include "net/ip/stack.h"

struct services;

struct services_needs {
    const struct box_config *config;
    struct ip_stack *stack;
    const struct offer *offer;
    const char *name;
    /* Keeps a value under a key of one kind (journal.h) over restarts. */
    void (*store)(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                  size_t nvalue);
    /* Whether the machine is known although it has no lease. */
    bool (*known)(void *ctx, const uint8_t mac[6]);
    /* Every file that was asked for is noted here; NULL: nowhere. */
    struct access_log *access;
    /* What the machine is called; NULL: nothing. May be NULL. */
    const char *(*called)(void *ctx, const uint8_t mac[6]);
    /* It asks for something to boot from. May be NULL. */
    void (*boots)(void *ctx, const uint8_t mac[6]);
    /* It has loaded the receiver to its end. May be NULL. */
    void (*loaded)(void *ctx, const uint8_t mac[6]);
    void *ctx;
};

/* Takes memory and makes ready; nothing is bound yet, so that what is remembered can come first. */
int services_make(struct services **, const struct services_needs *, struct err *);
/* A value that `store` was given in an earlier run. */
void services_restore(struct services *, uint8_t kind, const uint8_t *key, size_t nkey,
                      const uint8_t *value, size_t nvalue);
/* What cannot be bound is an error: the box is no box without it. */
int services_open(struct services *, struct err *);
/* After each step of the stack, and again after services_pause milliseconds at the latest. */
void services_tick(struct services *, struct mono now);
int services_pause(const struct services *);
/* The machine is real: it has loaded something, or joined a session. */
void services_vouch(struct services *, const uint8_t mac[6]);
/* Two lines for the screen: who hands out addresses (*warns: somebody else does, and we may not),
 * and what is under way. */
void services_text(const struct services *, char *dhcp, size_t n, bool *warns, char *files,
                   size_t n_files);
enum dhcp_guard_state services_guard(const struct services *);
/* Safe on NULL. */
void services_close(struct services *);

#endif
