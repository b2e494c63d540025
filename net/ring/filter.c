#include "net/ring/filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net/wire/must.h"

#define AT_TYPE 12
#define AT_VERSION 14
#define AT_FRAGMENT 20
#define AT_PROTO 23
#define AT_TO 30
#define AT_PORT 36 /* without IP options */
#define PROTO_UDP 17
#define PASS 0x40000 /* bytes of a frame to let in: all of any */

struct program {
    struct sock_filter *code;
    size_t n;
};

static void put(struct program *p, uint16_t op, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    MUST(p->n < FILTER_MAX);
    p->code[p->n++] = (struct sock_filter){.code = op, .jt = if_true, .jf = if_false, .k = k};
}

static void load(struct program *p, uint16_t width, uint32_t at)
{
    put(p, BPF_LD | BPF_ABS | width, at, 0, 0);
}

static void verdict(struct program *p, bool pass)
{
    put(p, BPF_RET | BPF_K, pass ? PASS : 0, 0, 0);
}

/* Compares what was loaded; a frame that differs is dropped here. */
static void only(struct program *p, uint32_t value)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    verdict(p, false);
}

static void not_to_others(struct program *p)
{
    load(p, BPF_B, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, PACKET_OTHERHOST, 0, 1);
    verdict(p, false);
}

/* The kernel takes the tag of a VLAN off and keeps it beside the frame. Tagged frames are of
 * another network, except those of VLAN 0, which is a priority without a network (802.1Q). */
static void not_of_a_vlan(struct program *p)
{
    load(p, BPF_B, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0);
    load(p, BPF_H, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG));
    put(p, BPF_ALU | BPF_AND | BPF_K, 0x0fff, 0, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    verdict(p, false);
}

size_t filter_flow(const struct ring_flow *flow, struct sock_filter code[FILTER_MAX])
{
    struct program p = {code, 0};

    load(&p, BPF_W, AT_TO); /* first what differs most often */
    only(&p, flow->group);
    load(&p, BPF_H, AT_PORT);
    only(&p, flow->port);
    load(&p, BPF_H, AT_TYPE);
    only(&p, ETH_P_IP);
    load(&p, BPF_B, AT_VERSION);
    only(&p, 0x45);
    load(&p, BPF_B, AT_PROTO);
    only(&p, PROTO_UDP);
    load(&p, BPF_H, AT_FRAGMENT);
    put(&p, BPF_ALU | BPF_AND | BPF_K, 0x3fff, 0, 0);
    only(&p, 0);
    not_of_a_vlan(&p);
    verdict(&p, true);
    return p.n;
}

/* Five instructions: the frame is UDP without options here; not this flow continues behind them. */
static void drop_flow(struct program *p, const struct ring_flow *flow)
{
    load(p, BPF_W, AT_TO);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, flow->group, 0, 3);
    load(p, BPF_H, AT_PORT);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, flow->port, 0, 1);
    verdict(p, false);
}

size_t filter_control(const struct ring_flow *flows, size_t n, struct sock_filter code[FILTER_MAX])
{
    struct program p = {code, 0};

    MUST(n <= RING_CTL_SKIP_MAX);
    not_to_others(&p);
    not_of_a_vlan(&p);
    load(&p, BPF_H, AT_TYPE);
    put(&p, BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 1);
    verdict(&p, true);
    only(&p, ETH_P_IP);
    load(&p, BPF_B, AT_PROTO);
    put(&p, BPF_JMP | BPF_JEQ | BPF_K, PROTO_UDP, 1, 0);
    verdict(&p, true);
    load(&p, BPF_B, AT_VERSION);
    put(&p, BPF_JMP | BPF_JEQ | BPF_K, 0x45, 1, 0);
    verdict(&p, true);
    for (size_t i = 0; i < n; i++)
        drop_flow(&p, &flows[i]);
    verdict(&p, true);
    return p.n;
}
