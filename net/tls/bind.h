/* TLS over lwIP's TCP: seats for connections, and who keeps one when all are taken. All calls on
 * the stack's owner thread.
 *
 *   TCP ──> 64 KB a seat ──> handshake, rationed ──> service.open, step, close over a stream
 *
 * What a connection may hold of this box is fixed: one of TLS_SEATS seats, its buffers,
 * TLS_INPUT_BYTES of what it sent, a share of the segments under way. A handshake costs the thread
 * some milliseconds, so they are rationed, and a connection waits its turn (seat.h). When all seats
 * are taken a newcomer gets that of the address with most seats among those of the lowest standing:
 * strangers first, then users' connections that rest (seat.h); a seat without a finished handshake
 * is free again after TLS_HANDSHAKE_NS. */
#ifndef NET_TLS_BIND_H
#define NET_TLS_BIND_H

#include "net/ip/stack.h"
#include "net/tls/seat.h"
#include "net/tls/tls.h"
#include "net/wire/stream.h"

#define TLS_SEATS 64
#define TLS_PORT 443
#define TLS_INPUT_BYTES 65536
#define TLS_HANDSHAKE_NS (10 * MONO_S)
#define TLS_RATION_BURST 16 /* handshakes at once */
/* and for each more: a fifth of the thread's time at 8 ms each */
#define TLS_RATION_NS (40 * MONO_MS)

/* Who speaks over the connections; `seat` names one. */
struct tls_service {
    /* The handshake is through; the stream works until close. */
    void (*open)(void *ctx, unsigned seat, const struct wire_stream *, uint32_t address,
                 struct mono now);
    /* Bytes came, or were taken, or 20 ms have passed. False: this connection ends. */
    bool (*step)(void *ctx, unsigned seat, struct mono now);
    /* After open, exactly once. */
    void (*close)(void *ctx, unsigned seat);
    enum tls_standing (*standing)(void *ctx, unsigned seat);
    void *ctx;
};

struct tls_counts {
    uint64_t connections, handshakes, failed; /* failed: handshakes */
    uint64_t cleared, late;
};

struct tls_bind;

/* Listens on TCP `port`, takes all memory. Keeps the stack, the identity and the service. 0 or a
 * negative code. */
int tls_bind_open(struct tls_bind **, struct ip_stack *, struct tls_identity *,
                  const struct tls_service *, uint16_t port, struct err *);
/* Call after every ip_stack_step, and at least every tls_bind_pause milliseconds. */
void tls_bind_tick(struct tls_bind *, struct mono now);
/* 20 while there are connections, else 1000. */
int tls_bind_pause(const struct tls_bind *);
const struct tls_counts *tls_bind_counts(const struct tls_bind *);
/* Safe on NULL. */
void tls_bind_close(struct tls_bind *);

#endif
