/* Webhooks over lwIP's TCP: one connection at a time, and nobody waits for it. All calls on the
 * stack's owner thread. */
#ifndef NET_WEBHOOK_BIND_H
#define NET_WEBHOOK_BIND_H

#include "net/webhook/webhook.h"

struct webhook_bind;

struct webhook_config {
    struct http_url url; /* webhook_url_parse */
    uint32_t address;
    char secret[WEBHOOK_SECRET_MAX + 1];
    /* A call has ended: status 0 when no answer came. May be NULL. */
    void (*tell)(void *ctx, const char *delivery, unsigned status);
    void *ctx;
};

/* Large (half a megabyte). */
int webhook_bind_open(struct webhook_bind **, const struct webhook_config *, struct err *);
void webhook_bind_put(struct webhook_bind *, const char *delivery, const char *body, size_t n);
/* After each step of the stack, and some ten times a second. */
void webhook_bind_tick(struct webhook_bind *, struct mono now);
const struct webhook_counts *webhook_bind_counts(const struct webhook_bind *);
/* Safe on NULL. What has not been told is lost. */
void webhook_bind_close(struct webhook_bind *);

#endif
