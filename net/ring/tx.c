#include "net/ring/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>

#include "net/ring/socket.h"

/* The kernel counts a packet's memory against the socket until the NIC is done with it: a whole
 * ring may be under way. */
#define SEND_BUFFER (16 << 20)

int tx_errno(struct ring_tx *tx, int e)
{
    switch (e) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case EINTR:
        tx->counts.busy++;
        return 0;
    case ENETDOWN:
    case ENXIO:
        return RING_ERR_DOWN;
    default:
        return RING_ERR_SEND;
    }
}

static size_t sink_slots(void *ctx, uint8_t **out, size_t want)
{
    struct ring_tx *tx = ctx;

    return tx->ops->slots(tx, out, want);
}

static int sink_kick(void *ctx, size_t n)
{
    struct ring_tx *tx = ctx;

    return tx->ops->kick(tx, n);
}

struct frame_sink ring_tx_sink(struct ring_tx *tx)
{
    return (struct frame_sink){.ctx = tx, .slots = sink_slots, .kick = sink_kick};
}

static int open_all(struct ring_tx *tx, const char *ifname, struct err *err)
{
    int e = socket_interface(ifname, &tx->itf, err);

    if (e)
        return e;
    tx->fd = socket_open(err);
    if (tx->fd < 0)
        return tx->fd;
    socket_send_buffer(tx->fd, SEND_BUFFER);
    if (tx->opt.bypass)
        e = socket_flag(tx->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS", err);
    if (!e)
        e = socket_bind(tx->fd, &tx->itf, 0, err);
    return e ? e : tx->ops->open(tx, err);
}

int ring_tx_open(struct ring_tx **out, const char *ifname, const struct ring_tx_options *opt,
                 struct err *err)
{
    struct ring_tx *tx;
    int e;

    *out = NULL;
    if (opt->flow.group >> 28 != 14)
        return err_set(err, RING_ERR_GROUP, "the group address is not in 224.0.0.0/4");
    tx = calloc(1, sizeof *tx);
    if (!tx)
        return err_set(err, RING_ERR_MEMORY, "there is no memory for a transmit ring");
    tx->fd = -1;
    tx->opt = *opt;
    tx->opt.ttl = opt->ttl ? opt->ttl : 1;
    tx->ops = opt->offload == RING_OFFLOAD_ON ? &tx_segmented : &tx_mapped;
    e = open_all(tx, ifname, err);
    if (e)
        ring_tx_close(tx);
    else
        *out = tx;
    return e;
}

void ring_tx_counts(const struct ring_tx *tx, struct ring_tx_counts *out)
{
    *out = tx->counts;
}

void ring_tx_close(struct ring_tx *tx)
{
    if (!tx)
        return;
    tx->ops->close(tx);
    if (tx->fd >= 0)
        close(tx->fd);
    free(tx);
}
