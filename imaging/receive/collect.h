/* From datagrams to symbols: length, tag, header, session; then the body or the stream. What is not ours is counted and
 * dropped before anything of it is believed. */
#ifndef IMAGING_RECEIVE_COLLECT_H
#define IMAGING_RECEIVE_COLLECT_H

#include "imaging/packet/mac.h"
#include "imaging/receive/body.h"
#include "imaging/receive/intake.h"
#include "net/wire/frames.h"

struct collect {
    struct mac_key key;
    uint16_t tsi;
    struct body_object *body; /* wanted while not complete */
    struct intake *intake;    /* NULL until the body is there */
    struct receive_counts *counts;
    uint64_t source_symbols;  /* of the whole image, for the bound; 0 while not known */
    bool begun, closed;       /* closed: the sender said the session ends */
    uint32_t last_cci;
    uint64_t seen, span;      /* authentic packets; packet numbers from the first to the newest */
};

/* Keeps body, intake and counts, copies the key. */
void collect_init(struct collect *c, const uint8_t key[MAC_KEY_BYTES], uint16_t tsi, struct body_object *body,
                  struct receive_counts *counts);

/* One datagram that arrived at now_ns (monotonic). Borrows it. */
void collect_datagram(struct collect *c, const uint8_t *bytes, size_t n, uint64_t now_ns);

/* Takes what the source has, waiting at most timeout_ms. Number of authentic packets, or the source's error. */
int collect_poll(struct collect *c, const struct frame_source *source, int timeout_ms);

#endif
