/* The authorities a box believes when it fetches by https: the owner's own, and the public ones that Debian's ca-certificates lists, which
 * the firmware carries; on somebody's Linux, those of the system. */
#ifndef BOARD_PC_AUTHORITIES_H
#define BOARD_PC_AUTHORITIES_H

#include "net/tls/trust.h"

/* `own` (may be "") is relative to the folder of the configuration file (may be NULL). Before the box gives up its files. What cannot be had is said in
 * the log and done without. */
void authorities_load(struct tls_trust *, const char *config, const char *own);

#endif
