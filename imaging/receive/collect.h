/* From datagrams to symbols: length, tag, header, session; then the body or the stream. What is not
 * ours is counted and dropped before anything of it is believed.
 *
 * Until the body is there, symbols of the stream have no meaning yet. The first of them are kept,
 * so that a receiver whose body came late does not have to wait for them for a whole pass. */
#ifndef IMAGING_RECEIVE_COLLECT_H
#define IMAGING_RECEIVE_COLLECT_H

#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "imaging/receive/body.h"
#include "imaging/receive/intake.h"
#include "net/wire/frames.h"

/* packet numbers: a larger gap is an outage, or a lie, and is not counted as loss */
#define COLLECT_GAP (1u << 20)
/* so many packets in a row behind the newest number, and it was a lie */
#define COLLECT_BEHIND 1000u
#define COLLECT_EARLY 32768u /* packets kept: 48 MB, 1.3 s at 300 Mbit/s */

struct collect_early {
    uint64_t at_ns;
    uint8_t bytes[PACKET_BYTES];
};

struct collect {
    struct mac_key key;
    uint16_t tsi;
    struct body_object *body; /* wanted while not complete */
    struct intake *intake;    /* NULL until the body is there */
    struct receive_counts *counts;
    uint64_t source_symbols;   /* of the whole image, for the bound; 0 while not known */
    bool begun, closed;        /* closed: the sender said the session ends */
    uint32_t last_cci, behind; /* behind: packets in a row that were older than that */
    uint64_t seen, span;       /* authentic packets; packet numbers from the first to the newest */
    struct collect_early *early; /* NULL: none are kept */
    uint32_t n_early;
};

/* Keeps body, intake and counts, copies the key. */
void collect_init(struct collect *c, const uint8_t key[MAC_KEY_BYTES], uint16_t tsi,
                  struct body_object *body, struct receive_counts *counts);

/* From now until collect_attach packets of the stream are kept, if there is memory for them. */
void collect_keep(struct collect *c);

/* The body is there: symbols go to `intake` (NULL: nowhere), those kept first, and are counted in
 * `counts`, which take over what was counted before. Keeps both. */
void collect_attach(struct collect *c, struct intake *intake, struct receive_counts *counts,
                    uint64_t source_symbols);

/* The same image comes in another session from now on. What was received of it stays. */
void collect_session(struct collect *c, const uint8_t key[MAC_KEY_BYTES], uint16_t tsi);

/* Frees what was kept. */
void collect_free(struct collect *c);

/* One datagram that arrived at now_ns (monotonic). Borrows it. */
void collect_datagram(struct collect *c, const uint8_t *bytes, size_t n, uint64_t now_ns);

/* Takes what the source has, waiting at most timeout_ms. Number of authentic packets, or the
 * source's error. */
int collect_poll(struct collect *c, const struct frame_source *source, int timeout_ms);

#endif
