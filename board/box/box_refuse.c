/* A box that may not start says so until somebody mends its configuration. */
#include <stdio.h>
#include <unistd.h>

#include "board/box/box.h"
#include "board/box/console/page.h"
#include "board/box/station.h"
#include "board/log/log.h"
#include "board/supervisor/pid1.h"

void box_refuse(const struct err *err, const atomic_int *stop)
{
    struct screen *screen;
    char text[400];

    if (!pid1_there())
        return;
    screen = station_screen();
    snprintf(text, sizeof text, "%s (%d). Mend ringcast.conf on the box's disk and start again.",
             err->text, err->code);
    log_line("%s", text);
    page_say(screen, "ringcast", text, true);
    while (!*stop) {
        pid1_alive();
        usleep(500000);
    }
    screen_close(screen);
}
