#include "net/ip/link.h"

#include <string.h>

#include "net/ip/stack.h"
#include "net/os/clock.h"
#include "net/ring/ring.h"

/* A receiver joins one ring at a time, a server none: this many is never reached in earnest. */
struct packet_link {
    struct ring_ctl *ctl;
    struct ring_flow flow[RING_CTL_SKIP_MAX];
    size_t flows;
};

/* One stack, one link in a process. */
static struct packet_link the_link;

static int link_receive(void *ctx, uint8_t *buf, size_t cap)
{
    return ring_ctl_recv(((struct packet_link *)ctx)->ctl, buf, cap);
}

static int link_send(void *ctx, const uint8_t *frame, size_t n)
{
    return ring_ctl_send(((struct packet_link *)ctx)->ctl, frame, n);
}

static int link_skip(void *ctx, uint32_t group, uint16_t port, struct err *err)
{
    struct packet_link *l = ctx;

    if (l->flows == RING_CTL_SKIP_MAX) /* the oldest session is over long since */
        memmove(l->flow, l->flow + 1, --l->flows * sizeof *l->flow);
    l->flow[l->flows++] = (struct ring_flow){group, port};
    return ring_ctl_skip(l->ctl, l->flow, l->flows, err);
}

static void link_close(void *ctx)
{
    struct packet_link *l = ctx;

    ring_ctl_close(l->ctl);
    memset(l, 0, sizeof *l);
}

int ip_link_packet(struct ip_link *link, const char *interface, struct err *err)
{
    struct ring_if info;
    int rc = ring_if_info(interface, &info, err);

    if (rc)
        return rc;
    if (the_link.ctl)
        return err_set(err, IP_ETWICE, "expected one IP stack in this process, got a second");
    rc = ring_ctl_open(&the_link.ctl, interface, err);
    if (rc)
        return rc;
    *link = (struct ip_link){.ctx = &the_link,
                             .fd = ring_ctl_fd(the_link.ctl),
                             .receive = link_receive,
                             .send = link_send,
                             .skip = link_skip,
                             .close = link_close};
    memcpy(link->mac, info.mac, sizeof link->mac);
    return 0;
}

int ip_stack_open(struct ip_stack **out, const char *interface, const struct ip_config *c,
                  struct err *err)
{
    struct ip_link link;
    int rc = ip_link_packet(&link, interface, err);

    *out = NULL;
    return rc ? rc : ip_stack_open_link(out, &link, c, clock_now(), err);
}
