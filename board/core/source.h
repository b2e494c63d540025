/* Where a restore takes its image from: a file, an HTTP server, or the ring. Each kind is one file
 * with one table of functions; cmd_restore.c drives them alike:
 *
 *     open (head known) → trust, target, consent → body → feed → end
 */
#ifndef BOARD_CORE_SOURCE_H
#define BOARD_CORE_SOURCE_H

#include <stdatomic.h>

#include "imaging/image/image.h"
#include "imaging/receive/receive.h"
#include "net/session/codec.h"

/* How a HOST_ESTOPPED ends after the first byte was written, unless worse is to be said of the
 * disk. */
#define SOURCE_UNUSABLE "the disk is not usable"

struct source_options {
    const char *where;       /* file name or URL */
    const char *interface;   /* NULL: the only one there is */
    const char *address;     /* CIDR or "dhcp" */
    const char *trust;       /* https: a file of authorities beside the public ones; NULL: none */
    const char *fingerprint; /* https: of the server's certificate; NULL: authorities count */
    int timeout_s;           /* without anything arriving; 0: for ever */
    int join_s;              /* until the ring lets us in; 0: as long as timeout_s */
    /* the ring: a person gave the order at this machine; else it was netbooted, and a session must
     * want it */
    bool person;
    /* the ring: what is this machine's own is asked for, before a session is joined */
    bool ask_own;
    /* PASS is repeated until the sender has it, at most so long; 0: two seconds */
    int farewell_s;
};

struct source {
    const struct source_ops *ops;
    void *ctx;
    struct img_head head;
    struct img_body body; /* after body() */
    bool owns_body;       /* to be freed with the source; else the file's own */
    bool told;            /* the sender has the last word: after close() */
    /* with ask_own, after open(): the question and the answer, whose signature nobody has checked
     * yet */
    struct session_ask asked;
    struct session_own own;
    /* the sender holds the stream: nothing will come until somebody lets it go */
    atomic_bool waits;
};

struct source_ops {
    /* Reaches the source and fills s->head and s->ctx. */
    int (*open)(struct source *s, const struct source_options *opt, struct err *err);
    /* Fetches and checks the body into s->body. */
    int (*body)(struct source *s, struct receive_counts *counts, struct err *err);
    /* Brings everything the receiver still needs. */
    int (*feed)(struct source *s, struct receive *r, struct err *err);
    /* Tells the sender how it stands; called a few times a second from one other thread. May be
     * NULL. */
    void (*tell)(struct source *s, const struct session_facts *facts);
    /* Packets that the receive ring had to drop; may be NULL. */
    uint64_t (*drops)(struct source *s);
    /* The last word to the sender, and the end of ctx. */
    void (*close)(struct source *s, const struct session_facts *last);
    /* What this machine is, for the sender's board: from now on. From the thread that opened the
     * source. May be NULL. */
    void (*about)(struct source *s, const struct session_info *info);
    /* What the sender's board says of this machine. From the thread that tells. May be NULL. */
    struct session_label (*label)(struct source *s);
};

extern const struct source_ops source_file, source_http, source_ring;

/* The kind that the form of `where` asks for. */
const struct source_ops *source_for(const char *where);

/* Set by a signal handler of the command: every wait of a source ends with RECEIVE_EINTR soon
 * after. */
extern _Atomic int source_interrupted;
/* Whether it is set: for calls that block on the network. */
bool source_stopped(void);

/* Reads exactly n bytes at `offset` of the image file. */
typedef int source_reader(void *ctx, uint64_t offset, uint8_t *buf, size_t n, struct err *err);
/* A fetch (receive.h) made of reads. */
int source_fetch(source_reader *read, void *ctx, uint64_t from, uint64_t to, receive_sink *sink,
                 void *sink_ctx, struct err *err);

/* The interface to use: `wanted`, or the only one besides loopback. Fills name[16]; 0 or an error.
 */
int source_interface(char name[16], const char *wanted, struct err *err);

#endif
