/* TLS over any stream: mbedTLS with what this program asks of it. One thread.
 *
 * The server speaks TLS 1.3 alone, no tickets, no early data, no client certificates; X25519 or
 * P-256 for the key, AES-GCM or ChaCha20-Poly1305 for the bytes. The client, which meets servers of
 * other people, speaks 1.2 too, with ECDHE and the same ciphers. It takes any certificate whose key
 * the server has: the caller asks trust.h about it before the first byte of his goes out. */
#ifndef NET_TLS_TLS_H
#define NET_TLS_TLS_H

#include <stdbool.h>

#include "mbedtls/ssl.h"
#include "net/tls/identity.h"
#include "net/wire/stream.h"

struct tls_server {
    mbedtls_ssl_config config;
};

struct tls_client {
    mbedtls_ssl_config config;
};

struct tls_link {
    mbedtls_ssl_context ssl;
    struct wire_stream below;
    size_t pending; /* bytes of a write that mbedTLS holds until the stream below has room */
    bool open, broken;
    int failed; /* why the handshake is broken, as mbedTLS says it */
};

/* Keeps the identity, which must outlive the server. */
int tls_server_open(struct tls_server *, struct tls_identity *, struct err *);
void tls_server_close(struct tls_server *);

int tls_client_open(struct tls_client *, struct err *);
/* Which versions the next connections offer; at first both. */
void tls_client_offer(struct tls_client *, bool only_1_2);
void tls_client_close(struct tls_client *);

/* Takes the buffers of one connection, once (25 KB; a handshake takes 8 KB more, and what the
 * server's certificates need, at most 16 KB as they are sent); then it is used for one connection
 * after the other. */
int tls_link_make(struct tls_link *, struct tls_server *, struct err *);
int tls_link_make_client(struct tls_link *, struct tls_client *, struct err *);
/* A new connection over `below`. False: out of memory. */
bool tls_link_begin(struct tls_link *, const struct wire_stream *below);
/* The same for a client: `host` is told to the server when it is a name. */
bool tls_link_begin_client(struct tls_link *, const struct wire_stream *below, const char *host);
/* 0: it goes on; 1: done, tls_link_stream works; STREAM_END: failed. The step that answers the
 * other's hello takes some milliseconds. */
int tls_link_handshake(struct tls_link *);
/* After a handshake that failed: 0 when only the stream below has ended, else TLS_EPEER and its
 * sentence. */
int tls_link_cause(const struct tls_link *, const char *host, struct err *);
/* The server has chosen 1.2 and a signature that mbedTLS 3.6.6 offers and takes in 1.3 alone
 * (RSA-PSS): where only 1.2 is offered, it chooses another. Who changes bytes on the way can bring
 * this about as well; 1.2 as it is spoken here is weaker in nothing that is relied on. */
bool tls_link_wants_1_2(const struct tls_link *);
/* What the server has shown, its own certificate first; NULL when there is none. */
const mbedtls_x509_crt *tls_link_peer(const struct tls_link *);
struct wire_stream tls_link_stream(struct tls_link *);
/* Says goodbye, as far as there is room. */
void tls_link_end(struct tls_link *);
void tls_link_free(struct tls_link *);

#endif
