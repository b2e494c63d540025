/* The receiver's side of a session as pure steps: the handshake's bytes, then beacons when they are
 * due. The caller owns the struct, passes time in, and carries bytes (bind.h does it over lwIP). */
#ifndef NET_SESSION_CLIENT_H
#define NET_SESSION_CLIENT_H

#include "net/session/codec.h"
#include "net/wire/err.h"
#include "net/wire/mono.h"
#include "net/wire/rng.h"

/* ---- handshake: one message out, one message in ---- */
struct session_handshake {
    struct session_message reply; /* once session_handshake_input returned 1 */
    size_t n;
    uint8_t got[SESSION_MESSAGE_MAX];
};

void session_handshake_init(struct session_handshake *);
/* Bytes as they arrive: 0 more is needed, 1 the reply is whole, negative: the connection is of no
 * use. */
int session_handshake_input(struct session_handshake *, const uint8_t *bytes, size_t n);
/* What the reply means for somebody who wants a session: 0 and `welcome` filled, or a negative code
 * and the sentence (the server's own, or the names it offers). */
int session_handshake_result(const struct session_handshake *, struct session_welcome *welcome,
                             struct err *);

/* The same for somebody who asked what is his own. */
int session_handshake_own(const struct session_handshake *, struct session_own *own, struct err *);

/* ---- beacons ---- */
struct session_beacons {
    uint8_t id[SESSION_ID_BYTES], mac[6], key[SESSION_KEY_BYTES];
    uint16_t tsi;
    bool person;              /* as in the hello; set by the caller after session_beacons_init */
    uint32_t counter;         /* of the last beacon */
    uint32_t interval_ms;     /* as the server wishes */
    struct mono due, sent;    /* the next beacon, the last one */
    enum session_state state; /* of the last one */
    struct rng rng;           /* spreads the beacons of a class that booted together */
    struct session_told told; /* what the server is to know; revision 0: nothing */
    /* counter of the next beacon behind which it goes out, and of how many the one after */
    uint32_t told_at, told_gap;
    /* what acks brought */
    struct session_ack news; /* tsi 0: none yet */
    struct mono heard;
};

void session_beacons_init(struct session_beacons *, const struct session_welcome *,
                          const uint8_t id[SESSION_ID_BYTES], const uint8_t mac[6],
                          struct mono now);
/* The next beacon into out if one is due now (a changed state is due at once, but no more than one
 * in 100 ms): SESSION_BEACON_BYTES or 0. */
size_t session_beacons_next(struct session_beacons *, const struct session_facts *, struct mono now,
                            uint8_t out[SESSION_BEACON_BYTES]);
/* What the machine says of itself from now on. */
void session_beacons_about(struct session_beacons *, const struct session_info *);
/* After session_beacons_next has given a beacon: the info that goes out behind it, or 0 when none
 * is due. */
size_t session_beacons_info(struct session_beacons *, uint8_t out[SESSION_INFO_BYTES]);
/* A datagram from the server: 0, or a negative code (dropped). */
int session_beacons_ack(struct session_beacons *, const uint8_t *bytes, size_t n, struct mono now);

#endif
