/* Facts of an interface. The ioctls are asked of a UNIX socket: they belong
 * to the device layer, and a kernel without INET answers them too. */
#include "net/ring/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>

static bool ask(int fd, struct ifreq *r, unsigned long what)
{
    return ioctl(fd, what, r) == 0;
}

static uint32_t link_speed(int fd, struct ifreq *r)
{
    struct ethtool_cmd cmd = {.cmd = ETHTOOL_GSET};
    uint32_t mbit;

    r->ifr_data = (char *)&cmd;
    if (!ask(fd, r, SIOCETHTOOL))
        return 0;
    mbit = ethtool_cmd_speed(&cmd);
    return mbit == (uint32_t)SPEED_UNKNOWN || mbit == 0xffff ? 0 : mbit;
}

static int facts(int fd, struct ifreq *r, struct ring_if *out, struct err *err)
{
    const char *name = r->ifr_name;

    if (!ask(fd, r, SIOCGIFINDEX))
        return err_set(err, RING_ERR_NO_IF, "there is no interface named %s", name);
    out->index = r->ifr_ifindex;
    if (!ask(fd, r, SIOCGIFHWADDR))
        return err_set(err, RING_ERR_SOCKET, "the interface %s does not tell its address: %s", name,
                       strerror(errno));
    if (r->ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return err_set(err, RING_ERR_NOT_ETHERNET, "the interface %s is not Ethernet", name);
    memcpy(out->mac, r->ifr_hwaddr.sa_data, sizeof out->mac);
    if (!ask(fd, r, SIOCGIFMTU))
        return err_set(err, RING_ERR_SOCKET, "the interface %s does not tell its MTU: %s", name,
                       strerror(errno));
    out->mtu = (unsigned)r->ifr_mtu;
    if (!ask(fd, r, SIOCGIFFLAGS))
        return err_set(err, RING_ERR_SOCKET, "the interface %s does not tell its state: %s", name,
                       strerror(errno));
    out->up = (r->ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
    out->mbit = link_speed(fd, r);
    return 0;
}

int ring_if_info(const char *ifname, struct ring_if *out, struct err *err)
{
    struct ifreq r;
    size_t n = strlen(ifname);
    int fd, e;

    memset(&r, 0, sizeof r);
    memset(out, 0, sizeof *out);
    if (n == 0 || n >= sizeof r.ifr_name)
        return err_set(err, RING_ERR_NO_IF, "there is no interface named %s", ifname);
    memcpy(r.ifr_name, ifname, n);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, RING_ERR_SOCKET, "the kernel refused a socket: %s", strerror(errno));
    e = facts(fd, &r, out, err);
    close(fd);
    return e;
}
