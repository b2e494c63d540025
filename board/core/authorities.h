/* The public authorities: those that Debian's ca-certificates lists, which the firmware of the box
 * carries; on somebody's Linux, those of the system. */
#ifndef BOARD_CORE_AUTHORITIES_H
#define BOARD_CORE_AUTHORITIES_H

#include "net/tls/trust.h"

/* Adds them. 0 too where there are none; TLS_ETRUST, TLS_EMEMORY. Before the box gives up its
 * files. */
int authorities_public(struct tls_trust *, struct err *);

#endif
