#include "net/webhook/webhook.h"

#include <string.h>

#include "net/wire/must.h"

void webhook_init(struct webhook *w)
{
    memset(w, 0, sizeof *w);
}

static struct webhook_event *event_at(struct webhook *w, unsigned i)
{
    return &w->queue[(w->first + i) % WEBHOOK_QUEUE_MAX];
}

/* The one that is being sent stays: the next one goes in its stead. */
static void drop_oldest(struct webhook *w)
{
    if (w->calling)
        *event_at(w, 1) = *event_at(w, 0);
    w->first = (w->first + 1) % WEBHOOK_QUEUE_MAX;
    w->n--;
    w->counts.dropped++;
}

void webhook_put(struct webhook *w, const char *delivery, const char *body, size_t n)
{
    struct webhook_event *e;

    MUST(n <= WEBHOOK_BODY_MAX && strlen(delivery) <= WEBHOOK_DELIVERY_MAX);
    if (w->n == WEBHOOK_QUEUE_MAX)
        drop_oldest(w);
    e = event_at(w, w->n++);
    memcpy(e->delivery, delivery, strlen(delivery) + 1);
    memcpy(e->body, body, n);
    e->n = n;
}

enum webhook_now webhook_step(struct webhook *w, struct mono now)
{
    if (w->calling) {
        if (mono_sub(now, w->since) < WEBHOOK_ANSWER_NS)
            return WEBHOOK_WAIT;
        webhook_answer(w, 0, now);
        return WEBHOOK_GIVE_UP;
    }
    if (w->n == 0 || (w->pause_ns && mono_sub(now, w->since) < w->pause_ns))
        return WEBHOOK_WAIT;
    w->calling = true;
    w->since = now;
    return WEBHOOK_CALL;
}

const struct webhook_event *webhook_first(const struct webhook *w)
{
    MUST(w->n && w->calling);
    return &w->queue[w->first];
}

static bool may_pass(unsigned status)
{
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

bool webhook_answer(struct webhook *w, unsigned status, struct mono now)
{
    MUST(w->n && w->calling);
    w->calling = false;
    w->since = now;
    if (may_pass(status)) {
        w->counts.failed++;
        w->pause_ns = w->pause_ns ? 2 * w->pause_ns : MONO_S;
        if (w->pause_ns > WEBHOOK_PAUSE_MAX_NS)
            w->pause_ns = WEBHOOK_PAUSE_MAX_NS;
        return false;
    }
    if (status / 100 == 2)
        w->counts.delivered++;
    else
        w->counts.refused++;
    w->pause_ns = 0;
    w->first = (w->first + 1) % WEBHOOK_QUEUE_MAX;
    w->n--;
    return true;
}
