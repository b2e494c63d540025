/* A receive ring of the kernel's third kind (TPACKET_V3): it fills blocks with frames back to back
 * and hands a block over when it is full or a few milliseconds old, so that waking up costs little
 * per frame. */
#include "net/ring/ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net/ring/filter.h"
#include "net/ring/frame.h"
#include "net/ring/socket.h"

/* A block is also handed over by age, however little is in it. A reader's stall is therefore
 * covered for blocks times age, here at least ten seconds, or until the bytes are full: memory, not
 * age, is to be the limit at any rate above 50 Mbit/s. What a slow stream brings is looked at so
 * much later. A block must hold a super-frame of 64 KiB. */
#define BLOCK_BYTES (256u << 10)
#define BLOCK_AGE_MS 40
#define FRAME_HINT 2048 /* TPACKET_V3 packs frames; the number only has to be plausible */

struct ring_rx {
    int fd;
    struct ring_flow flow;
    uint8_t *map;
    size_t map_bytes;
    uint32_t blocks, at; /* at: the block being read or waited for */
    bool open;           /* block `at` is ours */
    uint32_t frames;     /* not yet looked at in it */
    const uint8_t *frame;
    const uint8_t *rest; /* datagrams left of a super-frame, back to back */
    size_t rest_bytes;
    struct ring_rx_counts counts;
};

static struct tpacket_block_desc *block_at(const struct ring_rx *rx)
{
    return (struct tpacket_block_desc *)(void *)(rx->map + (size_t)rx->at * BLOCK_BYTES);
}

/* Acquire: the kernel's frames are written before its status. */
static bool block_take(struct ring_rx *rx)
{
    struct tpacket_block_desc *b = block_at(rx);

    if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
        return false;
    rx->open = true;
    rx->frames = b->hdr.bh1.num_pkts;
    rx->frame = (const uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;
    return true;
}

/* Release: we are done reading before the kernel may write. */
static void block_return(struct ring_rx *rx)
{
    __atomic_store_n(&block_at(rx)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    rx->at = rx->at + 1 == rx->blocks ? 0 : rx->at + 1;
    rx->open = false;
}

/* Takes the next frame of the block apart; leaves its datagrams in rest. */
static void frame_take(struct ring_rx *rx)
{
    const struct tpacket3_hdr *h = (const struct tpacket3_hdr *)(const void *)rx->frame;
    size_t n = 0;
    const uint8_t *payload = NULL;

    if (h->tp_snaplen == h->tp_len)
        payload = frame_payload(rx->frame + h->tp_mac, h->tp_snaplen, &rx->flow, &n);
    /* Senders on the same host and receive offload join datagrams; ours are all of one size. */
    if (!payload || n == 0 || (n > DATAGRAM_BYTES && n % DATAGRAM_BYTES != 0)) {
        rx->counts.malformed++;
        n = 0;
    }
    rx->rest = payload;
    rx->rest_bytes = n;
    rx->frames--;
    rx->frame += h->tp_next_offset;
}

static bool next_datagram(struct ring_rx *rx, struct frame_in *out)
{
    while (rx->rest_bytes == 0) {
        if (rx->frames == 0)
            return false;
        frame_take(rx);
    }
    out->bytes = rx->rest;
    out->n = rx->rest_bytes < DATAGRAM_BYTES ? rx->rest_bytes : DATAGRAM_BYTES;
    rx->rest += out->n;
    rx->rest_bytes -= out->n;
    return true;
}

static int wait_readable(struct ring_rx *rx, int timeout_ms)
{
    struct pollfd p = {.fd = rx->fd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms), e = 0;
    socklen_t size = sizeof e;

    if (n < 0)
        return errno == EINTR ? 0 : RING_ERR_RECV;
    if (n > 0 && p.revents & POLLERR) {
        (void)getsockopt(rx->fd, SOL_SOCKET, SO_ERROR, &e, &size);
        if (e == ENETDOWN)
            return RING_ERR_DOWN;
        return e ? RING_ERR_RECV : 0;
    }
    return 0;
}

static int source_poll(void *ctx, struct frame_in *out, int max, int timeout_ms)
{
    struct ring_rx *rx = ctx;
    int n = 0;

    /* Everything lent from the last block has been read by now. */
    if (rx->open && rx->frames == 0 && rx->rest_bytes == 0)
        block_return(rx);
    if (!rx->open && !block_take(rx)) {
        int e = timeout_ms == 0 ? 0 : wait_readable(rx, timeout_ms);

        if (e || !block_take(rx))
            return e;
    }
    while (n < max && next_datagram(rx, &out[n]))
        rx->counts.bytes += out[n++].n;
    rx->counts.datagrams += (uint64_t)n;
    return n;
}

/* Blocks are filled in order, so those that wait lie one after another from the one being read on.
 */
static unsigned rx_backlog(void *ctx)
{
    struct ring_rx *rx = ctx;
    uint32_t n = 0, at = rx->at;

    for (; n < rx->blocks; n++) {
        struct tpacket_block_desc *b = (void *)(rx->map + (size_t)at * BLOCK_BYTES);

        if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_RELAXED) & TP_STATUS_USER))
            break;
        at = at + 1 == rx->blocks ? 0 : at + 1;
    }
    return n * 100 / rx->blocks;
}

struct frame_source ring_rx_source(struct ring_rx *rx)
{
    return (struct frame_source){.ctx = rx, .poll = source_poll, .backlog = rx_backlog};
}

static int map_ring(struct ring_rx *rx, size_t bytes, struct err *err)
{
    struct tpacket_req3 req = {.tp_block_size = BLOCK_BYTES,
                               .tp_block_nr = (unsigned)((bytes + BLOCK_BYTES - 1) / BLOCK_BYTES),
                               .tp_frame_size = FRAME_HINT,
                               .tp_retire_blk_tov = BLOCK_AGE_MS};
    int e;

    req.tp_frame_nr = req.tp_block_nr * (BLOCK_BYTES / FRAME_HINT);
    e = socket_option(rx->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req, "PACKET_RX_RING", err);
    if (e)
        return e;
    rx->blocks = req.tp_block_nr;
    rx->map_bytes = (size_t)rx->blocks * BLOCK_BYTES;
    rx->map = mmap(NULL, rx->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rx->fd, 0);
    if (rx->map == MAP_FAILED) {
        rx->map = NULL;
        return err_set(err, RING_ERR_MEMORY, "the receive ring cannot be mapped: %s",
                       strerror(errno));
    }
    return 0;
}

/* Bound to IPv4 and not to everything: such a socket stands behind the ingress hook and sees none
 * of our own frames. The filter is in place before the first frame can come. */
static int open_all(struct ring_rx *rx, const char *ifname, size_t bytes, struct err *err)
{
    struct sock_filter code[FILTER_MAX];
    struct ring_if itf;
    uint8_t mac[6];
    int e = socket_interface(ifname, &itf, err);

    if (e)
        return e;
    rx->fd = socket_open(err);
    if (rx->fd < 0)
        return rx->fd;
    e = socket_flag(rx->fd, SOL_PACKET, PACKET_VERSION, TPACKET_V3, "TPACKET_V3", err);
    if (!e)
        e = map_ring(rx, bytes, err);
    if (!e)
        e = socket_filter(rx->fd, code, filter_flow(&rx->flow, code), err);
    frame_group_mac(rx->flow.group, mac);
    if (!e)
        e = socket_join(rx->fd, &itf, mac, err);
    return e ? e : socket_bind(rx->fd, &itf, ETH_P_IP, err);
}

int ring_rx_open(struct ring_rx **out, const char *ifname, const struct ring_flow *flow,
                 size_t ring_bytes, struct err *err)
{
    struct ring_rx *rx;
    int e;

    *out = NULL;
    if (flow->group >> 28 != 14)
        return err_set(err, RING_ERR_GROUP, "the group address is not in 224.0.0.0/4");
    rx = calloc(1, sizeof *rx);
    if (!rx)
        return err_set(err, RING_ERR_MEMORY, "there is no memory for a receive ring");
    rx->fd = -1;
    rx->flow = *flow;
    e = open_all(rx, ifname, ring_bytes < RING_RX_BYTES_MIN ? RING_RX_BYTES_MIN : ring_bytes, err);
    if (e)
        ring_rx_close(rx);
    else
        *out = rx;
    return e;
}

void ring_rx_counts(struct ring_rx *rx, struct ring_rx_counts *out)
{
    struct tpacket_stats_v3 s;
    socklen_t n = sizeof s;

    /* Reading the kernel's counter sets it to zero. */
    if (getsockopt(rx->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) == 0)
        rx->counts.dropped += s.tp_drops;
    *out = rx->counts;
}

void ring_rx_close(struct ring_rx *rx)
{
    if (!rx)
        return;
    if (rx->map)
        munmap(rx->map, rx->map_bytes);
    if (rx->fd >= 0)
        close(rx->fd);
    free(rx);
}
