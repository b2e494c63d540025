/* TLS 1.3 for a server, over any stream: mbedTLS with what this program asks of it. TLS 1.3 alone, no tickets, no early data, no client
 * certificates; X25519 or P-256 for the key, AES-GCM or ChaCha20-Poly1305 for the bytes. One thread. */
#ifndef NET_TLS_TLS_H
#define NET_TLS_TLS_H

#include <stdbool.h>

#include "mbedtls/ssl.h"
#include "net/tls/identity.h"
#include "net/wire/stream.h"

struct tls_server {
    mbedtls_ssl_config config;
};

struct tls_link {
    mbedtls_ssl_context ssl;
    struct wire_stream below;
    size_t pending; /* bytes of a write that mbedTLS holds until the stream below has room */
    bool open, broken;
};

/* Keeps the identity, which must outlive the server. */
int tls_server_open(struct tls_server *, struct tls_identity *, struct err *);
void tls_server_close(struct tls_server *);

/* Takes the buffers of one connection, once; then it is used for one connection after the other. */
int tls_link_make(struct tls_link *, struct tls_server *, struct err *);
/* A new connection over `below`. False: out of memory. */
bool tls_link_begin(struct tls_link *, const struct wire_stream *below);
/* 0: it goes on; 1: done, tls_link_stream works; STREAM_END: failed. The step that answers the client's hello takes some milliseconds. */
int tls_link_handshake(struct tls_link *);
struct wire_stream tls_link_stream(struct tls_link *);
/* Says goodbye, as far as there is room. */
void tls_link_end(struct tls_link *);
void tls_link_free(struct tls_link *);

#endif
