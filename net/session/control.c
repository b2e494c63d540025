#include "net/session/control.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/wire/must.h"

#define RATE_MOST ((UINT64_C(1) << 48) - 1) /* SPEC section 3 */
/* without a packet of the stream: perhaps the switch has forgotten us */
#define DEAF_NS (3 * MONO_S)
#define AGAIN_NS (200 * MONO_MS) /* the last beacon is repeated until it is acked */

struct session_control {
    struct ip_stack *stack;
    struct session_port *port;
    struct session_beacons beacons; /* the thread's, and so is what follows up to the lock */
    uint32_t seen; /* the stream's packets at the last look, and since when no more came */
    struct mono seen_at;
    uint32_t group;
    uint32_t *said; /* the caller's */
    int wake;       /* eventfd: something in the mailbox should not wait */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; held for copies only */
    struct session_facts facts;
    struct session_info about;
    bool described;
    struct session_ack news;
    struct mono heard, now;
    bool stop;
    bool told; /* the thread's: the last word was acked */
    int stop_ms;
};

/* Exchanges the mailbox with the thread's own state; returns whether the end was asked for. */
static bool mailbox(struct session_control *c, struct session_facts *facts, int *stop_ms)
{
    bool stop;

    pthread_mutex_lock(&c->lock);
    *facts = c->facts;
    if (c->described)
        session_beacons_about(&c->beacons, &c->about);
    c->described = false;
    c->news = c->beacons.news;
    c->heard = c->beacons.heard;
    c->now = ip_stack_now(c->stack);
    stop = c->stop;
    *stop_ms = c->stop_ms;
    pthread_mutex_unlock(&c->lock);
    return stop;
}

/* The last facts, until the server has them or the time is up. */
static void farewell(struct session_control *c, const struct session_facts *facts, int wait_ms)
{
    uint32_t first = c->beacons.counter + 1;
    struct mono end = mono_add(ip_stack_now(c->stack), wait_ms * MONO_MS), now;

    c->beacons.due = ip_stack_now(c->stack);
    do {
        session_port_tick(c->port, facts, ip_stack_now(c->stack));
        if (ip_stack_wait(c->stack, 20, -1))
            return;
        now = ip_stack_now(c->stack);
        if (mono_sub(now, c->beacons.sent) >= AGAIN_NS)
            c->beacons.due = now;
        c->told = c->beacons.news.counter >= first;
    } while (!c->told && mono_sub(end, now) > 0);
}

/* A cable that was pulled and plugged in again looks like silence, and a snooping switch forgets
 * who was behind it: who needs the stream and hears nothing of it says again that he is in the
 * group. */
static void knock(struct session_control *c, const struct session_facts *facts)
{
    struct mono now = ip_stack_now(c->stack);

    if (facts->heard != c->seen || facts->state > SESSION_RECEIVING) {
        c->seen = facts->heard;
        c->seen_at = now;
    }
    if (mono_sub(now, c->seen_at) < DEAF_NS)
        return;
    c->seen_at = now;
    ip_stack_report(c->stack);
}

static void *control_thread(void *arg)
{
    struct session_control *c = arg;
    struct session_facts facts;
    uint64_t woken;
    int stop_ms;

    ip_stack_adopt(c->stack);
    while (!mailbox(c, &facts, &stop_ms)) {
        session_port_tick(c->port, &facts, ip_stack_now(c->stack));
        if (ip_stack_wait(c->stack, 100, c->wake))
            break;
        (void)!read(c->wake, &woken, sizeof woken);
        knock(c, &facts);
    }
    if (stop_ms > 0)
        farewell(c, &facts, stop_ms);
    ip_stack_leave(c->stack, c->group);
    ip_stack_wait(c->stack, 0, -1); /* the leave is on its way */
    return NULL;
}

static void control_free(struct session_control *c)
{
    session_port_close(c->port);
    if (c->wake >= 0)
        close(c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int session_control_start(struct session_control **out, struct ip_stack *stack,
                          struct session_server_at at, const struct session_welcome *w,
                          const struct session_asker *asker, uint32_t *said, struct err *err)
{
    struct session_control *c = calloc(1, sizeof *c);
    int rc;

    *out = NULL;
    if (!c)
        return err_set(err, SESSION_EMEMORY, "out of memory");
    pthread_mutex_init(&c->lock, NULL);
    c->stack = stack;
    c->group = w->group;
    c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->facts.state = SESSION_MANIFEST;
    c->heard = c->now = c->seen_at = ip_stack_now(stack);
    session_beacons_init(&c->beacons, w, asker->id, ip_stack_mac(stack), c->now);
    c->beacons.person = asker->person;
    c->said = said;
    c->beacons.counter = *said;
    rc = c->wake < 0 ? err_set(err, SESSION_ETHREAD,
                               "the control thread cannot be started: no event descriptor")
                     : session_port_open(&c->port, stack, at, &c->beacons, err);
    if (rc == 0)
        rc = ip_stack_join(stack, w->group, w->port, err);
    if (rc == 0 && pthread_create(&c->thread, NULL, control_thread, c) != 0)
        rc = err_set(err, SESSION_ETHREAD, "the control thread cannot be started");
    if (rc) {
        control_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

static void wake(struct session_control *c)
{
    uint64_t one = 1;

    (void)!write(c->wake, &one, sizeof one);
}

/* Figures are measured, not counted on: what overshoots its field is told as the field's end. */
static struct session_facts tame(const struct session_facts *from)
{
    struct session_facts f = *from;

    f.done = f.done < 10000 ? f.done : 10000;
    f.loss_ppm = f.loss_ppm < 1000000 ? f.loss_ppm : 1000000;
    f.worst_ppm = f.worst_ppm < 1000000 ? f.worst_ppm : 1000000;
    f.disk_rate = f.disk_rate < RATE_MOST ? f.disk_rate : RATE_MOST;
    f.wanted_rate = f.wanted_rate < RATE_MOST ? f.wanted_rate : RATE_MOST;
    f.error = f.state != SESSION_FAIL ? 0 : f.error < 0 ? f.error : -1;
    return f;
}

void session_control_set(struct session_control *c, const struct session_facts *facts)
{
    bool changed;

    pthread_mutex_lock(&c->lock);
    changed = c->facts.state != facts->state;
    c->facts = tame(facts);
    pthread_mutex_unlock(&c->lock);
    if (changed)
        wake(c);
}

void session_control_about(struct session_control *c, const struct session_info *info)
{
    pthread_mutex_lock(&c->lock);
    c->about = *info;
    c->described = true;
    pthread_mutex_unlock(&c->lock);
}

void session_control_get(struct session_control *c, struct session_news *news)
{
    pthread_mutex_lock(&c->lock);
    news->ack = c->news;
    news->silent_ns = mono_sub(c->now, c->heard);
    pthread_mutex_unlock(&c->lock);
}

bool session_control_stop(struct session_control *c, const struct session_facts *last, int wait_ms)
{
    bool told;

    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    if (last)
        c->facts = tame(last);
    c->stop = true;
    c->stop_ms = last ? wait_ms : 0;
    pthread_mutex_unlock(&c->lock);
    wake(c);
    MUST(pthread_join(c->thread, NULL) == 0);
    ip_stack_adopt(c->stack);
    told = c->told;
    *c->said = c->beacons.counter;
    control_free(c);
    return told;
}
