/* The web server, as pure steps over streams (net/wire/stream.h): requests in, routes asked,
 * answers out. TLS and TCP are its caller's.
 *
 *   stream ──> request.h ──> host, route, who (auth.h), CSRF ──> handler (route.h) ──> answer
 *           ──> stream
 *
 * A connection is a seat, 0 .. WEB_SEATS - 1, whose number the caller chooses; nothing is
 * allocated. One request is read at a time. Every answer carries the security headers (answer.c). A
 * request that nobody may make is answered 401 wherever below /api and /metrics it leads, so that a
 * stranger does not learn what is there. */
#ifndef NET_WEB_SERVER_H
#define NET_WEB_SERVER_H

#include "net/web/auth.h"
#include "net/web/route.h"
#include "net/wire/stream.h"

#define WEB_SEATS 64
#define WEB_IDLE_NS (30 * MONO_S)     /* between requests */
#define WEB_READING_NS (10 * MONO_S)  /* for a request's header, however many pieces it comes in */
#define WEB_BODY_NS (20 * MONO_S)     /* without a byte of the body */
#define WEB_WHOLE_NS (30 * MONO_S)    /* for a body that is collected */
#define WEB_WAITING_NS (120 * MONO_S) /* for a handler's answer */
#define WEB_SENDING_NS (20 * MONO_S)  /* without a byte taken */
#define WEB_LINGER_NS (2 * MONO_S)    /* for a client that still sends what nobody wants */

struct web_counts {
    uint64_t requests, refused, late;
};

struct web_server;

/* How many bytes a server takes; the memory is the caller's. Borrows name, auth and routes while it
 * is used. */
size_t web_server_bytes(void);
void web_server_init(struct web_server *, const char *name, struct auth *,
                     const struct web_routes *);

/* A connection takes a seat that is free. The stream is the caller's. */
void web_open(struct web_server *, unsigned seat, const struct wire_stream *, uint32_t address,
              struct mono now);
/* Reads, asks, answers, as far as it gets without waiting. False: the connection has ended, or
 * should: call web_close. */
bool web_step(struct web_server *, unsigned seat, struct mono now);
void web_close(struct web_server *, unsigned seat);
/* Has somebody proved here who he is? */
bool web_known(const struct web_server *, unsigned seat);
/* Is no request under way? */
bool web_rests(const struct web_server *, unsigned seat);

/* Ends every stream without a stated size (events): who listens comes again, and shows anew who he
 * is. */
void web_hang_up(struct web_server *);

/* Of a handler's call: the session that came with it, NULL with a token or without either. */
struct auth_session *web_call_session(struct web_call *);
const struct web_counts *web_server_counts(const struct web_server *);

#endif
