/* What a box has before it knows anything: its screen, its keys, its place on the network. */
#ifndef BOARD_BOX_STATION_H
#define BOARD_BOX_STATION_H

#include <stdatomic.h>

#include "board/box/config/box_config.h"
#include "board/box/console/keyboard.h"
#include "board/screen/screen.h"
#include "net/ip/stack.h"

#define STATION_KEYBOARDS "/dev/input"

struct screen *station_screen(void);
struct keyboard *station_keyboard(void);
/* The stack on the interface `told` (NULL: as configured); with "auto" the first that has a link,
 * whose name is then in the configuration. Waits until a cable is plugged in, and says so on the
 * screen; an error when *stop is set meanwhile. Then for IP_CLAIM_START_NS at most, until it is
 * known whether the address is the box's alone (net/ip/claim.h). */
int station_network(struct ip_stack **, struct box_config *, const char *told, struct screen *,
                    const atomic_int *stop, struct err *);

#endif
