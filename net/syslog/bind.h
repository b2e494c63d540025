/* Syslog over lwIP's UDP (RFC 5426). A message leaves at once or is lost and counted: UDP promises
 * nothing, and nobody waits for a log. All calls on the stack's owner thread. */
#ifndef NET_SYSLOG_BIND_H
#define NET_SYSLOG_BIND_H

#include "net/syslog/codec.h"

struct syslog_bind;

struct syslog_counts {
    uint64_t sent, failed;
};

int syslog_bind_open(struct syslog_bind **, uint32_t address, uint16_t port, struct err *);
void syslog_bind_send(struct syslog_bind *, const struct syslog_message *);
const struct syslog_counts *syslog_bind_counts(const struct syslog_bind *);
/* Safe on NULL. */
void syslog_bind_close(struct syslog_bind *);

#endif
