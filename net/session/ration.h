/* How often each address may ask for something that costs this side work. Pure: a bucket for each
 * address, and the one that has rested longest makes room for another. */
#ifndef NET_SESSION_RATION_H
#define NET_SESSION_RATION_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

#define SESSION_RATION_ROWS 256 /* addresses that are told apart */
#define SESSION_RATION_WAYS 4
#define SESSION_ASKS 8              /* at once */
#define SESSION_ASK_NS (MONO_S / 2) /* and for each more */

/* Zeroed to begin with. */
struct session_ration {
    struct {
        uint32_t address; /* 0: free */
        struct mono full; /* when its bucket is full again */
    } row[SESSION_RATION_ROWS];
};

/* Takes one of the address's; false: it has none left now. */
bool session_ration_take(struct session_ration *, uint32_t address, struct mono now);

#endif
