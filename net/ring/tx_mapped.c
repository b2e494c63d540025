/* One frame a datagram, from a ring mapped into our memory (TPACKET_V2): the payload is written
 * where the NIC fetches it. All headers of a flow are the same, so they are written once, when the
 * ring is made.
 *
 * A slot is handed over with status SEND_REQUEST and comes back with AVAILABLE. On virtual links it
 * comes back as soon as the peer's queue has it, and the peer may still be reading: the ring must
 * therefore be larger than such queues, 1000 frames, or a slow peer would see slots overwritten. */
#include "net/ring/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include "net/ring/frame.h"
#include "net/ring/socket.h"
#include "net/wire/must.h"

#define SLOTS_DEFAULT 4096
#define SLOTS_MAX 65536

/* The payload starts on a cache line, and so does its symbol's copy in whole vectors. */
#define PAYLOAD_AT 128
#define FRAME_AT (PAYLOAD_AT - FRAME_HEADER_BYTES)
#define SLOT_BYTES 1664 /* PAYLOAD_AT + DATAGRAM_BYTES, rounded up to 64 */
#define BLOCK_BYTES 65536
#define BLOCK_SLOTS (BLOCK_BYTES / SLOT_BYTES)

_Static_assert(SLOT_BYTES % 64 == 0 && SLOT_BYTES >= PAYLOAD_AT + DATAGRAM_BYTES, "slots");
_Static_assert(FRAME_AT >= (int)(TPACKET2_HDRLEN - sizeof(struct sockaddr_ll)), "header fits");

struct tx_way {
    uint8_t *map;
    size_t map_bytes;
    uint32_t slots, head; /* head: the next slot to lend */
    uint32_t lent;
    bool pending; /* the kernel left slots behind: the next kick pushes them first */
};

static struct tpacket2_hdr *slot_at(const struct tx_way *w, uint32_t i)
{
    uint8_t *p = w->map + (size_t)(i / BLOCK_SLOTS) * BLOCK_BYTES + (i % BLOCK_SLOTS) * SLOT_BYTES;

    return (struct tpacket2_hdr *)(void *)p;
}

static uint8_t *payload_of(struct tpacket2_hdr *slot)
{
    return (uint8_t *)slot + PAYLOAD_AT;
}

static void slots_prepare(struct ring_tx *tx)
{
    struct tx_way *w = tx->way;
    uint8_t header[FRAME_HEADER_BYTES];

    frame_header(&tx->opt.flow, tx->itf.mac, tx->opt.source, tx->opt.ttl, DATAGRAM_BYTES, header);
    for (uint32_t i = 0; i < w->slots; i++) {
        struct tpacket2_hdr *slot = slot_at(w, i);

        slot->tp_len = FRAME_BYTES;
        slot->tp_mac = FRAME_AT; /* PACKET_TX_HAS_OFF: where the frame starts */
        memcpy((uint8_t *)slot + FRAME_AT, header, sizeof header);
    }
}

static int map_ring(struct ring_tx *tx, struct err *err)
{
    struct tx_way *w = tx->way;
    uint32_t blocks = (w->slots + BLOCK_SLOTS - 1) / BLOCK_SLOTS;
    struct tpacket_req req = {.tp_block_size = BLOCK_BYTES,
                              .tp_block_nr = blocks,
                              .tp_frame_size = SLOT_BYTES,
                              .tp_frame_nr = blocks * BLOCK_SLOTS};
    int e;

    e = socket_option(tx->fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof req, "PACKET_TX_RING", err);
    if (e)
        return e;
    w->slots = req.tp_frame_nr;
    w->map_bytes = (size_t)blocks * BLOCK_BYTES;
    w->map = mmap(NULL, w->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, tx->fd, 0);
    if (w->map == MAP_FAILED) {
        w->map = NULL;
        return err_set(err, RING_ERR_MEMORY, "the transmit ring cannot be mapped: %s",
                       strerror(errno));
    }
    return 0;
}

static int mapped_open(struct ring_tx *tx, struct err *err)
{
    uint32_t slots = tx->opt.slots ? tx->opt.slots : SLOTS_DEFAULT;
    int e = socket_flag(tx->fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "TPACKET_V2", err);

    if (!e)
        e = socket_flag(tx->fd, SOL_PACKET, PACKET_TX_HAS_OFF, 1, "PACKET_TX_HAS_OFF", err);
    if (e)
        return e;
    tx->way = calloc(1, sizeof *tx->way);
    if (!tx->way)
        return err_set(err, RING_ERR_MEMORY, "there is no memory for a transmit ring");
    tx->way->slots = slots < SLOTS_MAX ? slots : SLOTS_MAX;
    e = map_ring(tx, err);
    if (!e)
        slots_prepare(tx);
    return e;
}

static size_t mapped_slots(struct ring_tx *tx, uint8_t **out, size_t want)
{
    struct tx_way *w = tx->way;
    size_t n = 0;

    for (uint32_t i = w->head; n < want && n < w->slots; n++, i = i + 1 == w->slots ? 0 : i + 1) {
        struct tpacket2_hdr *slot = slot_at(w, i);

        /* Acquire: the kernel is done reading before we write. */
        if (__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
            break;
        out[n] = payload_of(slot);
    }
    w->lent = (uint32_t)n;
    return n;
}

/* Slots the kernel could not take keep SEND_REQUEST, and it starts with them next time: nothing is
 * lost. */
static int mapped_push(struct ring_tx *tx)
{
    tx->counts.kicks++;
    tx->way->pending = send(tx->fd, NULL, 0, MSG_DONTWAIT) < 0;
    return tx->way->pending ? tx_errno(tx, errno) : 0;
}

static int mapped_kick(struct ring_tx *tx, size_t n)
{
    struct tx_way *w = tx->way;

    MUST(n <= w->lent);
    w->lent = 0;
    for (size_t i = 0; i < n; i++) {
        /* Release: the payload is written before the kernel sees the request. */
        __atomic_store_n(&slot_at(w, w->head)->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
        w->head = w->head + 1 == w->slots ? 0 : w->head + 1;
    }
    tx->counts.datagrams += n;
    return n > 0 || w->pending ? mapped_push(tx) : 0;
}

static void mapped_close(struct ring_tx *tx)
{
    if (tx->way && tx->way->map)
        munmap(tx->way->map, tx->way->map_bytes);
    free(tx->way);
}

const struct tx_ops tx_mapped = {.open = mapped_open,
                                 .slots = mapped_slots,
                                 .kick = mapped_kick,
                                 .close = mapped_close};
