/* Who the box's page is: a P-256 key and a certificate signed by itself, made on the first start
 * and kept. Browsers warn of it once; what can be trusted is the fingerprint, which the box's own
 * screen shows. */
#ifndef NET_TLS_IDENTITY_H
#define NET_TLS_IDENTITY_H

#include <stdint.h>

#include "mbedtls/pk.h"
#include "mbedtls/x509_crt.h"
#include "net/tls/errors.h"
#include "net/wire/err.h"

#define TLS_FINGERPRINT_TEXT                                                                       \
    (32 * 3) /* "AB:CD:..", NUL in it: SHA-256 of the certificate (DER)                            \
              */

struct tls_identity {
    mbedtls_pk_context key;
    mbedtls_x509_crt certificate;
    char fingerprint[TLS_FINGERPRINT_TEXT];
};

/* FOLDER/identity; made when there is none (ENOENT). What cannot be read, or is damaged, stays as
 * it is and is an error (TLS_EFILE): another certificate in its place would shut out everybody who
 * pinned it. A power cut while they are made leaves none, or a whole one. `name` and the IPv4
 * `address` (host order) go into a new certificate, which counts until 2099: a box has no clock one
 * could rely on. Gives back nothing on errors; else tls_identity_close. */
int tls_identity_open(struct tls_identity *, const char *folder, const char *name, uint32_t address,
                      struct err *);
/* The same for this run only, without files. */
int tls_identity_make(struct tls_identity *, const char *name, uint32_t address, struct err *);
void tls_identity_close(struct tls_identity *);

#endif
