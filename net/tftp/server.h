/* A TFTP server as a pure step: hundreds of transfers from one content_source, none to it.
 *
 *   datagram ──> tftp_server_input
 *           ──> a refusal to send at once, or a transfer that has something to say
 *   time ──────> tftp_server_tick ──> transfers that must repeat themselves, or are given up
 *   room ──────> tftp_server_output ──> the next packet to send, until there is none
 *
 * A transfer is known by the client's address and port and by which of our `locals` ports it runs
 * on. The same request from the same port, name and options alike, is the first one repeated; any
 * other starts anew. Whole windows leave in turn, transfer after transfer, and no more than
 * TFTP_IN_FLIGHT blocks are under way in all: what is not sent yet waits here, where it takes no
 * memory, and not in a queue that overflows.
 *
 * Nothing that comes twice makes us send twice (the Sorcerer's Apprentice): an acknowledgement
 * brings the transfer on, or shows a hole half a round trip or more after the window left and then
 * once only, or it is dropped.
 *
 * Strangers: a client that never acknowledged anything makes room first, then one of the same
 * address beyond TFTP_PER_ADDRESS, then one that has been silent for TFTP_SILENT_NS. If there is
 * none the request is dropped: the client will ask again.
 *
 * Memory is the caller's, time an argument. What happened is told to one callback, for logs: rates
 * are the log's business. */
#ifndef NET_TFTP_SERVER_H
#define NET_TFTP_SERVER_H

#include "net/content/content.h"
#include "net/tftp/codec.h"
#include "net/wire/mono.h"

#define TFTP_TRANSFERS_MAX 512
#define TFTP_PER_ADDRESS 8
#define TFTP_IN_FLIGHT 768 /* blocks; below the 1000 frames that an interface's queue holds */
#define TFTP_BUCKETS 1024
#define TFTP_RTO_FIRST_NS (1 * MONO_S)
#define TFTP_RTO_MIN_NS (200 * MONO_MS) /* firmware takes its time */
#define TFTP_RTO_MAX_NS (4 * MONO_S)
#define TFTP_SILENT_NS (3 * MONO_S)
/* without progress; and three times the client's own timeout */
#define TFTP_PATIENCE_NS (30 * MONO_S)

struct tftp_client {
    uint32_t address;
    uint16_t port;
};

struct tftp_transfer {
    bool used;
    bool confirmed; /* the client has acknowledged something: his address is his own */
    bool queued;    /* waits for its turn to send */
    bool repeated;  /* the window has left more than once: its round trip says nothing */
    bool rewound;   /* a hole at its beginning has been answered */
    struct tftp_client client;
    uint16_t local; /* index of our port */
    char name[CONTENT_NAME_MAX + 1];
    struct content content;
    struct tftp_options asked, options; /* options: as granted */
    uint32_t blksize, window;
    uint64_t blocks;          /* in all; the last is shorter than blksize, perhaps empty */
    uint64_t base, next;      /* first block not acknowledged; the next to send. 0 is the OACK */
    uint64_t top, high;       /* end of what may leave now; of what has ever left */
    struct mono began, heard; /* heard: the last progress */
    struct mono sent;         /* when the window left */
    int64_t rto, srtt, rttvar;
    unsigned tries;        /* windows repeated since the last progress */
    unsigned timeout;      /* seconds, as negotiated; 0: ours */
    uint16_t chain, after; /* next of the same bucket, next in turn: index + 1 */
};

enum tftp_happening {
    TFTP_BEGUN,
    TFTP_DONE,    /* all acknowledged, or all but the last block: some firmware does not care to */
    TFTP_PROBED,  /* ended by the client before any data: it wanted to know the size */
    TFTP_BROKEN,  /* ended by the client in the middle: `text` says why */
    TFTP_LEFT,    /* the client fell silent, or asked for something else, or made room */
    TFTP_REFUSED, /* `text` is what the client was told */
    TFTP_UNREADABLE /* the content failed */
};

struct tftp_event {
    enum tftp_happening what;
    struct tftp_client client;
    const char *name, *text;              /* printable; text may be "" */
    const struct tftp_transfer *transfer; /* NULL with TFTP_REFUSED; lent for the call */
};

struct tftp_counts {
    uint64_t begun, done, probed, broken, left, refused, unreadable;
    uint64_t malformed;        /* packets that are none */
    uint64_t stray;            /* packets of no transfer: late, or forged */
    uint64_t full;             /* requests dropped for lack of room */
    uint64_t blocks, repeated; /* data packets that left; those of them that had left before */
};

struct tftp_server {
    /* set by the caller, then read-only */
    struct content_source source;
    uint16_t locals;                                    /* 1 …: ports to run transfers on */
    void (*tell)(void *ctx, const struct tftp_event *); /* may be NULL */
    void *ctx;
    /* kept here; zeroed by the caller before the first call */
    struct tftp_counts counts;
    unsigned live;
    uint64_t in_flight;
    uint16_t next_local;
    uint16_t first, last; /* transfers in turn: index + 1 */
    struct mono ticked;
    uint16_t buckets[TFTP_BUCKETS];
    struct tftp_transfer transfers[TFTP_TRANSFERS_MAX];
    uint8_t out[TFTP_PACKET_MAX];
};

/* A packet to send; bytes are lent until the next call. */
struct tftp_out {
    struct tftp_client to;
    uint16_t local;
    const uint8_t *bytes;
    size_t n;
};

/* The local index of the port that requests come to. */
#define TFTP_LISTENING UINT16_MAX

/* A datagram to our port `local`. `mac` of its sender, NULL when not known. True: `reply` is to be
 * sent. */
bool tftp_server_input(struct tftp_server *, struct mono now, struct tftp_client from,
                       uint16_t local, const uint8_t *mac, const uint8_t *bytes, size_t n,
                       struct tftp_out *reply);
/* The next packet to send; false when there is none now. Call until then after every input and
 * tick. */
bool tftp_server_output(struct tftp_server *, struct mono now, struct tftp_out *);
/* Time passes: call at least every 50 ms while there are transfers. */
void tftp_server_tick(struct tftp_server *, struct mono now);
/* Closes what is open; nobody is told. */
void tftp_server_end(struct tftp_server *);

#endif
