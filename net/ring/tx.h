/* Between tx.c and its two ways of sending; nobody else's business. */
#ifndef NET_RING_TX_H
#define NET_RING_TX_H

#include "net/ring/ring.h"

struct ring_tx {
    int fd;
    struct ring_tx_counts counts;
    struct ring_if itf;
    struct ring_tx_options opt;
    struct tx_way *way; /* the state of the way chosen */
    const struct tx_ops *ops;
};

/* A way of sending: as frame_sink, on an open and bound socket. */
struct tx_ops {
    int (*open)(struct ring_tx *tx, struct err *err);
    size_t (*slots)(struct ring_tx *tx, uint8_t **out, size_t want);
    int (*kick)(struct ring_tx *tx, size_t n);
    void (*close)(struct ring_tx *tx);
};

extern const struct tx_ops tx_mapped;    /* tx_mapped.c */
extern const struct tx_ops tx_segmented; /* tx_segmented.c */

/* What an errno of a send means: 0 when it passes (busy is counted), else a ring error. */
int tx_errno(struct ring_tx *tx, int e);

#endif
