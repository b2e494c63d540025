#include "board/box/station.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/box/console/page.h"
#include "board/log/log.h"
#include "board/pc/link.h"
#include "board/supervisor/pid1.h"

#define CLAIM_MS 50

/* The picture is for the one who stands before the box; on somebody's Linux it would paint over his
 * desktop. Lines go to the log already. */
struct screen *station_screen(void)
{
    return screen_open(pid1_there() ? "/dev/fb0" : NULL, -1, NULL);
}

/* The folder is there before the first keyboard is, so that one that is plugged in later can be
 * opened too. */
struct keyboard *station_keyboard(void)
{
    if (!pid1_there())
        return keyboard_open(NULL, NULL);
    mkdir(STATION_KEYBOARDS, 0755);
    return keyboard_open(STATION_KEYBOARDS, "/dev/console");
}

/* Waits until a cable is plugged in. */
static int find_interface(struct box_config *c, const char *told, struct screen *screen,
                          const atomic_int *stop, struct err *err)
{
    char *interface = c->ring.interface;
    bool several = false, said = false;

    told = told ? told : interface;
    if (told[0] && strcmp(told, "auto") != 0) {
        if (told != interface)
            snprintf(interface, sizeof c->ring.interface, "%.15s", told);
        return 0;
    }
    while (!link_find(interface, &several)) {
        if (!said) {
            log_line("no network interface has a link");
            page_say(screen, c->name,
                     "No network interface has a link: plug in the cable to the switch.", true);
        }
        said = true;
        pid1_alive();
        usleep(250000);
        if (*stop)
            return err_set(err, PC_EINTERFACE, "no network interface has a link");
    }
    if (several)
        log_line("several network interfaces have a link; this one comes first: %s ('interface' "
                 "chooses)",
                 interface);
    return 0;
}

int station_network(struct ip_stack **stack, struct box_config *c, const char *told,
                    struct screen *screen, const atomic_int *stop, struct err *err)
{
    struct ip_config ip = {.address = c->address,
                           .prefix = c->prefix,
                           .claim = true,
                           .gateway = c->router,
                           .dns = {c->dns[0], c->dns[1]},
                           .hostname = c->name};
    int rc = find_interface(c, told, screen, stop, err);

    if (rc == 0)
        rc = ip_stack_open(stack, c->ring.interface, &ip, err);
    while (rc == 0 && ip_stack_claim(*stack)->state == IP_CLAIM_PROBING && !*stop)
        rc = ip_stack_wait(*stack, CLAIM_MS, -1);
    return rc;
}
