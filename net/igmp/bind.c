#include "net/igmp/bind.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/igmp.h"
#include "lwip/raw.h"

#define ALL_ROUTERS UINT32_C(0xE0000002)   /* where leaves go (RFC 2236 section 9); */
#define ALL_ROUTERS_3 UINT32_C(0xE0000016) /* and version 3 reports (RFC 3376 section 4.2.14) */
#define ETHERNET 14

struct igmp_bind {
    struct ip_stack *stack;
    struct raw_pcb *raw;
    struct igmp_querier querier;
};

/* lwIP's host part sees it too: 0 says that nothing was taken. */
static u8_t on_datagram(void *arg, struct raw_pcb *raw, struct pbuf *p, const ip_addr_t *from)
{
    struct igmp_bind *b = arg;
    uint8_t in[256];
    size_t n = pbuf_copy_partial(p, in, sizeof in, 0);

    (void)raw;
    (void)from;
    /* queries and leaves are short; only what is whole has a checksum */
    if (p->tot_len <= sizeof in)
        igmp_querier_input(&b->querier, ip_stack_now(b->stack), in, n);
    return 0;
}

/* As a whole frame: lwIP's own way out would choose TTL and options. */
static void send_query(const struct igmp_bind *b, const uint8_t *datagram, size_t n)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(ETHERNET + n), PBUF_RAM);
    uint8_t *frame;

    if (!p)
        return; /* asked again later */
    frame = p->payload;
    memcpy(frame, "\x01\x00\x5e", 3); /* RFC 1112 section 6.4 */
    frame[3] = datagram[17] & 0x7f;
    memcpy(frame + 4, datagram + 18, 2);
    memcpy(frame + 6, ip_stack_mac(b->stack), 6);
    memcpy(frame + 12, "\x08\x00", 2);
    memcpy(frame + ETHERNET, datagram, n);
    netif_default->linkoutput(netif_default, p);
    pbuf_free(p);
}

static bool join(uint32_t group)
{
    ip4_addr_t g = {lwip_htonl(group)};

    return igmp_joingroup_netif(netif_default, &g) == ERR_OK;
}

static void leave(uint32_t group)
{
    ip4_addr_t g = {lwip_htonl(group)};

    igmp_leavegroup_netif(netif_default, &g);
}

int igmp_bind_open(struct igmp_bind **out, struct ip_stack *stack, const struct igmp_timing *timing,
                   struct err *err)
{
    struct igmp_bind *b = calloc(1, sizeof *b);

    *out = NULL;
    if (b)
        b->raw = raw_new(IGMP_PROTOCOL);
    if (!b || !b->raw) {
        free(b);
        return err_set(err, IGMP_EMEMORY, "out of memory for the IGMP querier");
    }
    b->stack = stack;
    if (timing)
        b->querier.timing = *timing;
    raw_recv(b->raw, on_datagram, b);
    if (!join(ALL_ROUTERS) || !join(ALL_ROUTERS_3)) {
        igmp_bind_close(b);
        return err_set(err, IGMP_EMEMORY,
                       "the IGMP querier cannot listen to what is meant for routers");
    }
    igmp_querier_begin(&b->querier, ip_stack_now(stack));
    *out = b;
    return 0;
}

void igmp_bind_tick(struct igmp_bind *b, struct mono now)
{
    uint8_t out[IGMP_DATAGRAM_MAX];
    size_t n;

    b->querier.address = ip_stack_address(b->stack);
    while (igmp_querier_step(&b->querier, now, out, &n))
        send_query(b, out, n);
}

int igmp_bind_pause(const struct igmp_bind *b, struct mono now)
{
    return (int)(igmp_querier_pause(&b->querier, now) / MONO_MS) + 1;
}

const struct igmp_querier *igmp_bind_querier(const struct igmp_bind *b)
{
    return &b->querier;
}

void igmp_bind_close(struct igmp_bind *b)
{
    if (!b)
        return;
    leave(ALL_ROUTERS);
    leave(ALL_ROUTERS_3);
    raw_remove(b->raw);
    free(b);
}
