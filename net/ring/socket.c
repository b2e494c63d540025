#include "net/ring/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

int socket_open(struct err *err)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        return fd;
    if (errno == EPERM || errno == EACCES)
        return err_set(err, RING_ERR_PERMISSION,
                       "raw packets need root or the capability CAP_NET_RAW");
    return err_set(err, RING_ERR_SOCKET, "the kernel refused a packet socket: %s", strerror(errno));
}

int socket_bind(int fd, const struct ring_if *itf, uint16_t protocol, struct err *err)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = itf->index};

    at.sll_protocol = (uint16_t)(protocol << 8 | protocol >> 8);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return 0;
    return err_set(err, RING_ERR_SOCKET, "the packet socket cannot be bound to the interface: %s",
                   strerror(errno));
}

int socket_option(int fd, int level, int option, const void *value, size_t n, const char *name,
                  struct err *err)
{
    if (setsockopt(fd, level, option, value, (socklen_t)n) == 0)
        return 0;
    return err_set(err, errno == ENOMEM ? RING_ERR_MEMORY : RING_ERR_SOCKET,
                   "the kernel refused %s on a packet socket: %s", name, strerror(errno));
}

int socket_flag(int fd, int level, int option, int value, const char *name, struct err *err)
{
    return socket_option(fd, level, option, &value, sizeof value, name, err);
}

int socket_join(int fd, const struct ring_if *itf, const uint8_t mac[6], struct err *err)
{
    struct packet_mreq m = {.mr_ifindex = itf->index, .mr_type = PACKET_MR_ALLMULTI};

    if (mac) {
        m.mr_type = PACKET_MR_MULTICAST;
        m.mr_alen = 6;
        memcpy(m.mr_address, mac, 6);
    }
    return socket_option(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m,
                         "PACKET_ADD_MEMBERSHIP", err);
}

int socket_filter(int fd, const struct sock_filter *code, size_t n, struct err *err)
{
    struct sock_filter copy[BPF_MAXINSNS < 256 ? BPF_MAXINSNS : 256];
    struct sock_fprog prog = {.len = (unsigned short)n, .filter = copy};

    memcpy(copy, code, n * sizeof *code); /* the kernel's interface is not const */
    return socket_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog, "SO_ATTACH_FILTER",
                         err);
}

void socket_send_buffer(int fd, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int socket_interface(const char *ifname, struct ring_if *out, struct err *err)
{
    int e = ring_if_info(ifname, out, err);

    if (e)
        return e;
    if (!out->up)
        return err_set(err, RING_ERR_DOWN, "the interface %s is down or has no link", ifname);
    if (out->mtu < 1500)
        return err_set(err, RING_ERR_MTU, "the interface %s has an MTU of %u, 1500 is needed",
                       ifname, out->mtu);
    return 0;
}
