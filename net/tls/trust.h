/* Whom a TLS client believes: the certificates of authorities, and what speaks against a server's
 * own.
 *
 *   PEM files ──> DER, side by side ──a server's chain names some──> those alone are parsed
 *           ──> mbedTLS follows the chain
 *
 * A fingerprint, where one is given, decides by itself: names, dates and authorities do not count
 * then. An authority is found by its name, byte for byte, as RFC 5280 has it written; revocation is
 * not asked about. Dates count when the clock does: one that shows a time before TLS_CLOCK_SINCE
 * has lost it, and then a certificate is as good as it ever was (net/THREATS.md). */
#ifndef NET_TLS_TRUST_H
#define NET_TLS_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbedtls/x509_crt.h"
#include "net/tls/errors.h"
#include "net/wire/err.h"

#define TLS_PIN_BYTES 32
#define TLS_TRUST_MAX 512                 /* authorities; Debian knows about 150 */
#define TLS_TRUST_FILE_MAX (1024u * 1024) /* bytes */
#define TLS_CLOCK_SINCE 1767225600        /* 2026-01-01: this program is younger than that */

struct tls_trust {
    uint8_t *der; /* of all, one behind the other */
    size_t n;
    struct {
        uint32_t at, n;
    } authority[TLS_TRUST_MAX];
    unsigned count;
};

/* What a server has to be. */
struct tls_wanted {
    const char *host;   /* a name or a dotted quad */
    const uint8_t *pin; /* SHA-256 of its certificate; NULL: authorities, name and dates count */
    int64_t now;        /* seconds since 1970 */
};

/* All zeros is a trust in nobody. Adds the certificates of a text in PEM; whatever stands between
 * them is a remark. `file` is for messages. All are added, or none (TLS_ETRUST); not `all`: those
 * that mbedTLS cannot read, of kinds of keys that are not spoken here, are left out. */
int tls_trust_add(struct tls_trust *, const char *file, const char *text, size_t n, bool all,
                  struct err *);
/* The same of a file. */
int tls_trust_load(struct tls_trust *, const char *path, bool all, struct err *);
void tls_trust_close(struct tls_trust *);

/* The chain of a finished handshake, the server's own certificate first. 0; or TLS_EPIN,
 * EAUTHORITY, ENAME, EDATE, EWEAK and a sentence. Takes a few milliseconds, and allocates what
 * mbedTLS needs for at most sixteen certificates, until it returns. */
int tls_trust_judge(const struct tls_trust *, const mbedtls_x509_crt *chain,
                    const struct tls_wanted *, struct err *);

/* "AB:CD:..." of n bytes; `out` holds 3 * n. */
char *tls_hex_text(char *out, const uint8_t *bytes, size_t n);
/* 64 hexadecimal digits of either case, colons between bytes allowed. False: it is something else.
 */
bool tls_pin_parse(const char *text, uint8_t pin[TLS_PIN_BYTES]);

#endif
