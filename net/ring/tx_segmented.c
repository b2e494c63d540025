/* Up to 44 datagrams a system call as one super-frame (PACKET_VNET_HDR, UDP segmentation offload):
 * kernel or NIC cut it into frames on the way out, so the stack is walked once for 44. The kernel
 * copies a super-frame when it is sent: what is lent here is one buffer, used again and again, and
 * so always in the cache.
 *
 * Segmentation insists on a UDP checksum, so these datagrams carry a right one instead of none. */
#include "net/ring/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <linux/virtio_net.h>

#include "net/ring/frame.h"
#include "net/ring/socket.h"
#include "net/wire/must.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define BATCH (8 * RING_GSO_DATAGRAMS) /* datagrams lent at most */
#define UDP_AT (FRAME_ETH_BYTES + FRAME_IP_BYTES)

/* What stands in front of a super-frame's payloads. */
struct super_head {
    struct virtio_net_hdr vnet;
    uint8_t frame[FRAME_HEADER_BYTES];
};

struct tx_way {
    uint8_t *payload;    /* BATCH datagrams, one behind the other */
    size_t filled, sent; /* datagrams handed over by kick; of these, taken by the kernel */
    size_t lent;
    struct super_head whole; /* of RING_GSO_DATAGRAMS, prepared once */
    bool single;             /* this kernel does not know UDP segmentation after all */
};

static struct super_head super_head(const struct ring_tx *tx, size_t datagrams)
{
    struct super_head h = {.vnet = {.hdr_len = FRAME_HEADER_BYTES}};
    size_t payload = datagrams * DATAGRAM_BYTES;
    uint16_t sum;

    frame_header(&tx->opt.flow, tx->itf.mac, tx->opt.source, tx->opt.ttl, payload, h.frame);
    if (datagrams == 1)
        return h;
    sum = frame_pseudo_sum(tx->opt.source, tx->opt.flow.group, payload + FRAME_UDP_BYTES);
    h.frame[UDP_AT + FRAME_UDP_CHECKSUM_OFFSET] = (uint8_t)(sum >> 8);
    h.frame[UDP_AT + FRAME_UDP_CHECKSUM_OFFSET + 1] = (uint8_t)sum;
    h.vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h.vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    h.vnet.gso_size = DATAGRAM_BYTES;
    h.vnet.csum_start = UDP_AT;
    h.vnet.csum_offset = FRAME_UDP_CHECKSUM_OFFSET;
    return h;
}

/* Without INET the kernel takes super-frames and cuts none: they would vanish without an error. */
static int kernel_has_inet(struct err *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, RING_ERR_OFFLOAD,
                       "this kernel is built without INET and cannot segment UDP");
    close(fd);
    return 0;
}

static int segmented_open(struct ring_tx *tx, struct err *err)
{
    int e = kernel_has_inet(err);

    if (!e)
        e = socket_flag(tx->fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR", err);
    if (e)
        return e;
    tx->way = calloc(1, sizeof *tx->way);
    if (tx->way)
        tx->way->payload = aligned_alloc(64, (size_t)BATCH * DATAGRAM_BYTES);
    if (!tx->way || !tx->way->payload)
        return err_set(err, RING_ERR_MEMORY, "there is no memory for a transmit buffer");
    tx->way->whole = super_head(tx, RING_GSO_DATAGRAMS);
    return 0;
}

/* One super-frame of n datagrams from position `at`. */
static int send_super(struct ring_tx *tx, size_t at, size_t n)
{
    struct super_head other;
    struct iovec part[2] = {{.iov_base = &tx->way->whole, .iov_len = sizeof tx->way->whole},
                            {.iov_base = tx->way->payload + at * DATAGRAM_BYTES,
                             .iov_len = n * DATAGRAM_BYTES}};
    struct msghdr msg = {.msg_iov = part, .msg_iovlen = 2};

    if (n != RING_GSO_DATAGRAMS) {
        other = super_head(tx, n);
        part[0].iov_base = &other;
    }
    tx->counts.kicks++;
    return sendmsg(tx->fd, &msg, MSG_DONTWAIT) < 0 ? errno : 0;
}

static int push(struct ring_tx *tx)
{
    struct tx_way *w = tx->way;

    while (w->sent < w->filled) {
        size_t most = w->single ? 1 : RING_GSO_DATAGRAMS;
        size_t n = w->filled - w->sent < most ? w->filled - w->sent : most;
        int e = send_super(tx, w->sent, n);

        if (e == EINVAL && !w->single && n > 1) {
            w->single = true;
            continue;
        }
        if (e)
            return tx_errno(tx, e);
        w->sent += n;
        tx->counts.datagrams += n;
    }
    w->sent = w->filled = 0;
    return 0;
}

static size_t segmented_slots(struct ring_tx *tx, uint8_t **out, size_t want)
{
    struct tx_way *w = tx->way;
    size_t n = want < BATCH ? want : BATCH;

    if (w->filled > 0) /* an earlier batch is still waiting */
        n = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = w->payload + i * DATAGRAM_BYTES;
    w->lent = n;
    return n;
}

static int segmented_kick(struct ring_tx *tx, size_t n)
{
    struct tx_way *w = tx->way;

    MUST(n <= w->lent);
    w->lent = 0;
    w->filled += n;
    return push(tx);
}

static void segmented_close(struct ring_tx *tx)
{
    if (tx->way)
        free(tx->way->payload);
    free(tx->way);
}

const struct tx_ops tx_segmented = {.open = segmented_open,
                                    .slots = segmented_slots,
                                    .kick = segmented_kick,
                                    .close = segmented_close};
