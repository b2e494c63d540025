/* What still has to be told to a webhook, and when it is tried: the decisions as pure steps.
 *
 *   webhook_put ──> queue of 128 ──> webhook_step says: call now ──> bind.c ──> webhook_answer
 *
 * Events go one after the other, in order, each until the receiver has taken it (2xx): a receiver
 * that is away for the night hears in the morning what fits the queue; what does not (the oldest)
 * is dropped and counted. Without an answer, or with 408, 425, 429 or 5xx, the same request comes
 * again after 1, 2, 4 ... 300 seconds. Any other answer is a refusal for good: that event is
 * counted and left. The queue is gone when the program ends: the report remembers. */
#ifndef NET_WEBHOOK_WEBHOOK_H
#define NET_WEBHOOK_WEBHOOK_H

#include "net/webhook/codec.h"
#include "net/wire/mono.h"

#define WEBHOOK_QUEUE_MAX 128
#define WEBHOOK_ANSWER_NS (10 * MONO_S) /* from the first packet to the answer's header */
#define WEBHOOK_PAUSE_MAX_NS (300 * MONO_S)

struct webhook_event {
    char delivery[WEBHOOK_DELIVERY_MAX + 1];
    size_t n;
    char body[WEBHOOK_BODY_MAX];
};

struct webhook_counts {
    uint64_t delivered, refused, dropped, failed; /* failed: tries */
};

enum webhook_now {
    WEBHOOK_WAIT,   /* nothing to do */
    WEBHOOK_CALL,   /* connect and send webhook_first's request; then webhook_answer */
    WEBHOOK_GIVE_UP /* no answer came in time, which counts as one: drop the connection */
};

struct webhook {
    bool calling;
    struct mono since; /* the call under way, or the end of the last one */
    int64_t pause_ns;  /* after it; 0: none */
    unsigned first, n;
    struct webhook_counts counts;
    struct webhook_event queue[WEBHOOK_QUEUE_MAX];
};

/* Zeroes. */
void webhook_init(struct webhook *);
/* One more event; n at most WEBHOOK_BODY_MAX. */
void webhook_put(struct webhook *, const char *delivery, const char *body, size_t n);
/* Call often. */
enum webhook_now webhook_step(struct webhook *, struct mono now);
/* The event to send while a call is under way. */
const struct webhook_event *webhook_first(const struct webhook *);
/* How the call ended: the answer's status, 0 when none came. True when that event is done with,
 * taken or refused. */
bool webhook_answer(struct webhook *, unsigned status, struct mono now);

#endif
