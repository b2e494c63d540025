#include "board/supervisor/pid1.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool pid1_there(void)
{
    return getenv("RINGCAST_INIT") != NULL;
}

void pid1_wish(const char *wish)
{
    const char *fd = getenv("RINGCAST_INIT");

    if (fd && dprintf(atoi(fd), "%s\n", wish) < 0)
        return; /* PID 1 has gone: nobody is left to ask */
}

void pid1_alive(void)
{
    pid1_wish("alive");
}
