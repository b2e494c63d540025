#include "board/pc/target_nic.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/sockios.h>

#include "net/ring/ring.h"

static bool has(const char *name, const char *what)
{
    char path[300];

    snprintf(path, sizeof path, "/sys/class/net/%s/%s", name, what);
    return access(path, F_OK) == 0;
}

/* A card that is plugged in late is down until somebody switches it on; only then it can tell of a
 * link. */
static void switch_on(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof r.ifr_name, "%.15s", name);
    if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0 && !(r.ifr_flags & IFF_UP)) {
        r.ifr_flags |= IFF_UP;
        (void)!ioctl(fd, SIOCSIFFLAGS, &r);
    }
    if (fd >= 0)
        close(fd);
}

static bool usable(const char *name)
{
    struct ring_if info;

    if (strlen(name) >= TARGET_NIC_NAME || !strcmp(name, "lo") || has(name, "wireless") ||
        has(name, "bridge"))
        return false;
    if (ring_if_info(name, &info, NULL))
        return false;
    switch_on(name);
    return ring_if_info(name, &info, NULL) == 0 && info.up;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(a, b);
}

unsigned target_nics(char names[TARGET_NICS][TARGET_NIC_NAME])
{
    DIR *all = opendir("/sys/class/net");
    struct dirent *e;
    unsigned n = 0;

    while (all && n < TARGET_NICS && (e = readdir(all)))
        if (e->d_name[0] != '.' && usable(e->d_name))
            snprintf(names[n++], TARGET_NIC_NAME, "%.15s", e->d_name);
    if (all)
        closedir(all);
    qsort(names, n, TARGET_NIC_NAME, by_name);
    return n;
}
