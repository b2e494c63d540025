#include "net/ring/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net/ring/filter.h"
#include "net/ring/frame.h"
#include "net/ring/socket.h"

#define SOCKET_BUFFER (4 << 20)

struct ring_ctl {
    int fd;
    struct ring_if itf;
};

int ring_ctl_skip(struct ring_ctl *ctl, const struct ring_flow *flows, size_t n, struct err *err)
{
    struct sock_filter code[FILTER_MAX];

    return socket_filter(ctl->fd, code, filter_control(flows, n, code), err);
}

static int open_all(struct ring_ctl *ctl, const char *ifname, struct err *err)
{
    int e = socket_interface(ifname, &ctl->itf, err), size = SOCKET_BUFFER;

    if (e)
        return e;
    ctl->fd = socket_open(err);
    if (ctl->fd < 0)
        return ctl->fd;
    socket_send_buffer(ctl->fd, SOCKET_BUFFER);
    if (setsockopt(ctl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(ctl->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    e = ring_ctl_skip(ctl, NULL, 0, err);
    if (!e)
        e = socket_flag(ctl->fd, SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA", err);
    if (!e)
        e = socket_flag(ctl->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING",
                        err);
    if (!e)
        e = socket_join(ctl->fd, &ctl->itf, NULL, err);
    return e ? e : socket_bind(ctl->fd, &ctl->itf, ETH_P_ALL, err);
}

int ring_ctl_open(struct ring_ctl **out, const char *ifname, struct err *err)
{
    struct ring_ctl *ctl = calloc(1, sizeof *ctl);
    int e;

    *out = NULL;
    if (!ctl)
        return err_set(err, RING_ERR_MEMORY, "there is no memory for a packet socket");
    ctl->fd = -1;
    e = open_all(ctl, ifname, err);
    if (e)
        ring_ctl_close(ctl);
    else
        *out = ctl;
    return e;
}

int ring_ctl_fd(const struct ring_ctl *ctl)
{
    return ctl->fd;
}

/* Whether the sender left the checksum to hardware: so the kernel says beside the frame. */
static bool checksum_missing(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        struct tpacket_auxdata aux;

        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
            c->cmsg_len < CMSG_LEN(sizeof aux))
            continue;
        memcpy(&aux, CMSG_DATA(c), sizeof aux);
        return (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
    }
    return false;
}

int ring_ctl_recv(struct ring_ctl *ctl, uint8_t *frame, size_t room)
{
    for (;;) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
        } control;
        struct iovec part = {.iov_base = frame, .iov_len = room};
        struct msghdr msg = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
        ssize_t n = recvmsg(ctl->fd, &msg, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0)
            return errno == ENETDOWN ? RING_ERR_DOWN : RING_ERR_RECV;
        if (n < FRAME_ETH_BYTES || msg.msg_flags & MSG_TRUNC)
            continue;
        if (checksum_missing(&msg))
            frame_checksum(frame, (size_t)n);
        return (int)n;
    }
}

int ring_ctl_send(struct ring_ctl *ctl, const uint8_t *frame, size_t n)
{
    if (n > FRAME_ETH_BYTES + ctl->itf.mtu)
        return RING_ERR_FRAME;
    if (send(ctl->fd, frame, n, MSG_DONTWAIT) >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case EINTR:
        return 0;
    case ENETDOWN:
    case ENXIO:
        return RING_ERR_DOWN;
    default:
        return RING_ERR_SEND;
    }
}

void ring_ctl_close(struct ring_ctl *ctl)
{
    if (!ctl)
        return;
    if (ctl->fd >= 0)
        close(ctl->fd);
    free(ctl);
}
