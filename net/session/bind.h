/* Sessions over lwIP: the only file of this room that knows it. All calls on the stack's owner
 * thread. */
#ifndef NET_SESSION_BIND_H
#define NET_SESSION_BIND_H

#include "net/ip/stack.h"
#include "net/session/client.h"
#include "net/session/server.h"

/* ---- server ---- */
struct session_bind;

/* Listens on TCP `port` and takes beacons on UDP `port`. At most 64 connections, each closed 5 s
 * after it began; when all are taken the oldest makes room. Keeps stack and server. */
int session_bind_open(struct session_bind **, struct ip_stack *, struct session_server *,
                      uint16_t port, struct err *);
/* Time-outs and session_server_tick: call after every ip_stack_step. */
void session_bind_tick(struct session_bind *, struct mono now);
void session_bind_close(struct session_bind *);

/* ---- client ---- */
struct session_server_at {
    uint32_t address;
    uint16_t port;
};

struct session_asker {
    const char *name;  /* of the image; "": the server decides */
    const uint8_t *id; /* SESSION_ID_BYTES */
    bool person;       /* as in struct session_hello */
};

/* The whole handshake. Blocks: steps the stack until there is a reply, trying again when a
 * connection fails, at most timeout_ms (0: for ever). 0 or a negative code and its sentence. */
int session_join(struct ip_stack *, struct session_server_at, const struct session_asker *,
                 int timeout_ms, struct session_welcome *, struct err *);

/* Asks what is this machine's own, in the same way. The signature is the caller's to check. */
int session_ask(struct ip_stack *, struct session_server_at, const uint8_t id[SESSION_ID_BYTES],
                int timeout_ms, struct session_own *, struct err *);

/* Where beacons leave and acks arrive. */
struct session_port;
int session_port_open(struct session_port **, struct ip_stack *, struct session_server_at,
                      struct session_beacons *, struct err *);
/* Sends the beacon that is due, if one is, and behind it the info, if that is due. */
void session_port_tick(struct session_port *, const struct session_facts *, struct mono now);
void session_port_close(struct session_port *);

#endif
