/* The box: one lwIP stack on one interface, and on it everything a machine needs from its first
 * DHCP request to its PASS.
 *
 *   frames ──> stack ──> dhcp (bsdp first, pxe's answers in its leases), tftp, http ──> offer.h
 *                   └──> igmp querier
 *                   └──> tls, web ──> portal.h
 *                   └──> sessions ──> serve (library.h) ──> PASS ──> machines.h ──> journal.h
 *
 * One control thread does all of it; packing and sending have threads of their own. What cannot be
 * had (a folder, a journal, a payload) is said on screen and log and done without: a box without
 * images still hands out addresses. Nothing that comes from the network ends it. */
#ifndef BOARD_BOX_BOX_H
#define BOARD_BOX_BOX_H

#include <stdatomic.h>

#include "board/box/config/box_config.h"

struct box_paths {
    const char *config;    /* ringcast.conf */
    const char *images;    /* NULL: only DATA/images */
    const char *data;      /* journal, identity, packed images */
    const char *payload;   /* NULL: targets cannot boot from this box */
    const char *sticks;    /* where PID 1 mounts USB sticks (sticks.h); NULL: none are looked at */
    const char *interface; /* NULL: as configured */
    const char *data_lost; /* why `data` cannot be used, as PID 1 says (lost.h); NULL: it can */
    /* an earlier start has kept its memory in `data`: where there is none, it is lost */
    bool data_grown_before;
};

/* Runs until *stop is set (0), or until it cannot go on (a negative code): then starting again may
 * help. */
int box_run(const struct box_config *, const struct box_paths *, const atomic_int *stop,
            struct err *);

/* While no box runs on this data: the machine is imaged again at its next boot from the network. */
int box_arm(const char *data, const uint8_t mac[6], struct err *);
/* A configuration that cannot be understood: under PID 1 the screen says so until somebody mends
 * it, because half a configuration might answer DHCP where it must not. Elsewhere it returns at
 * once. */
void box_refuse(const struct err *, const atomic_int *stop);

#endif
