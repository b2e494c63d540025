/* Syslog messages as RFC 5424 has them, for RFC 5426's UDP. Pure.
 *
 *   <134>1 2026-11-22T11:50:00Z ringcast ringcast - ATTEMPT [attempt@32473 mac="52:49:4e:47:00:01"
 *   result="pass"] BOM text
 *
 * Foreign text stays where it is put: in the structured data '"', '\' and ']' get their backslash,
 * everywhere control characters and what is no UTF-8 become U+FFFD, so that a line is a line in
 * every log. Without a clock the time is "-", as the RFC wants it. 32473 is the enterprise number
 * that RFC 5612 keeps for documentation: the project has none of its own. */
#ifndef NET_SYSLOG_CODEC_H
#define NET_SYSLOG_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "net/syslog/errors.h"
#include "net/wire/err.h"

#define SYSLOG_PORT 514
/* bytes of a message: fits a frame; receivers should take 2048 (RFC 5424 section 6.1) */
#define SYSLOG_MAX 1400
#define SYSLOG_PARAMS_MAX 16
#define SYSLOG_VALUE_MAX 128 /* bytes of a value that are sent at most, before escapes */

enum syslog_severity { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_NOTICE = 5, SYSLOG_INFO = 6 };
#define SYSLOG_LOCAL0 16 /* facility */

struct syslog_message {
    enum syslog_severity severity;
    uint64_t unix_s;  /* 0: the sender has no clock */
    const char *host; /* our name; what RFC 5424 does not allow in it becomes '-' */
    const char *id;   /* MSGID, a literal of ours: printable ASCII without blanks */
    const char *data; /* SD-ID, likewise; NULL: no structured data */
    unsigned n;
    struct syslog_param {
        const char *name, *value; /* a literal of ours; any text. An empty value is left out */
    } param[SYSLOG_PARAMS_MAX];
    const char *text; /* any text; cut where the message would become too long */
};

/* Returns the length. Structured data that does not fit is left out whole from the first parameter
 * that does not. */
size_t syslog_encode(const struct syslog_message *, uint8_t out[SYSLOG_MAX]);

/* "10.77.0.5" or "10.77.0.5:514"; 0 or SYSLOG_EADDRESS. */
int syslog_address_parse(const char *text, uint32_t *address, uint16_t *port, struct err *);

#endif
