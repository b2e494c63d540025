#include "rootfs/init/watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rootfs/init/say.h"

#define SECONDS 60 /* a disk that hangs for half a minute is no reason to start again */

int watchdog_open(void)
{
    int seconds = SECONDS, fd = open("/dev/watchdog", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    /* some have a fixed one: it is fed every second anyway */
    ioctl(fd, WDIOC_SETTIMEOUT, &seconds);
    say("the watchdog starts the machine again after %d s without a sign of life", seconds);
    return fd;
}

void watchdog_feed(int fd)
{
    if (fd >= 0)
        ioctl(fd, WDIOC_KEEPALIVE, 0);
}

void watchdog_disarm(int fd)
{
    if (fd >= 0 && write(fd, "V", 1) == 1)
        close(fd);
}
