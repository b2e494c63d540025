#include "rootfs/init/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rootfs/init/say.h"

static const struct {
    const char *kind, *at, *options;
    unsigned long flags;
} mounts[] = {
    {"proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"sysfs", "/sys", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC},
    {"tmpfs", "/tmp", "mode=1777,size=25%", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"tmpfs", "/run", "mode=0755,size=16m", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

void setup_mounts(void)
{
    umask(022);
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        mkdir(mounts[i].at, 0755);
        if (mount(mounts[i].kind, mounts[i].at, mounts[i].kind, mounts[i].flags,
                  mounts[i].options) &&
            errno != EBUSY)
            say("%s is not mounted: %s", mounts[i].at, strerror(errno));
    }
}

void setup_console(void)
{
    int fd = open("/dev/console", O_RDWR | O_NOCTTY);

    if (fd < 0)
        fd = open("/dev/null", O_RDWR);
    for (int i = 0; fd >= 0 && i < 3; i++)
        if (fd != i)
            dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void link_up(int s, const char *name)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof r.ifr_name, "%.15s", name);
    if (ioctl(s, SIOCGIFHWADDR, &r) || r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return;
    if (ioctl(s, SIOCGIFFLAGS, &r) || r.ifr_flags & IFF_UP)
        return;
    r.ifr_flags |= IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &r))
        say("%s cannot be set up: %s", name, strerror(errno));
    else
        say("%s is up", name);
}

void setup_links(void)
{
    DIR *all = opendir("/sys/class/net");
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct dirent *e;

    while (all && s >= 0 && (e = readdir(all)))
        if (e->d_name[0] != '.' && strlen(e->d_name) < IFNAMSIZ)
            link_up(s, e->d_name);
    if (all)
        closedir(all);
    if (s >= 0)
        close(s);
}
