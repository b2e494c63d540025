#include "net/ring/frame.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define ETHERTYPE_IPV4 0x0800
#define IP_DF 0x4000
#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */
#define PROTO_TCP 6
#define PROTO_UDP 17

/* Ones' complement sum (RFC 1071) of big-endian words, not yet inverted. An odd last byte is a high
 * half. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
    uint64_t s = sum;

    for (; n >= 2; p += 2, n -= 2)
        s += (uint32_t)(p[0] << 8 | p[1]);
    if (n)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint32_t)s;
}

static void group_mac_write(struct writer *w, uint32_t group)
{
    wr_u24(w, 0x01005e);
    wr_u24(w, group & 0x7fffff);
}

void frame_group_mac(uint32_t group, uint8_t mac[6])
{
    struct writer w = writer_on(mac, 6);

    group_mac_write(&w, group);
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

void frame_header(const struct ring_flow *flow, const uint8_t mac[6], uint32_t source, uint8_t ttl,
                  size_t payload, uint8_t out[FRAME_HEADER_BYTES])
{
    struct writer w = writer_on(out, FRAME_HEADER_BYTES);

    group_mac_write(&w, flow->group);
    wr_copy(&w, mac, 6);
    wr_u16(&w, ETHERTYPE_IPV4);
    wr_u16(&w, 0x4500);
    wr_u16(&w, FRAME_IP_BYTES + FRAME_UDP_BYTES + payload);
    wr_u16(&w, 0);
    wr_u16(&w, IP_DF);
    wr_u8(&w, ttl);
    wr_u8(&w, PROTO_UDP);
    wr_u16(&w, 0);
    wr_u32(&w, source);
    wr_u32(&w, flow->group);
    wr_u16(&w, flow->port);
    wr_u16(&w, flow->port);
    wr_u16(&w, FRAME_UDP_BYTES + payload);
    wr_u16(&w, 0);
    MUST(!w.bad && w.left == 0);
    put16(out + FRAME_ETH_BYTES + 10, ~sum16(0, out + FRAME_ETH_BYTES, FRAME_IP_BYTES));
}

uint16_t frame_pseudo_sum(uint32_t source, uint32_t group, size_t udp_bytes)
{
    uint8_t pseudo[12];
    struct writer w = writer_on(pseudo, sizeof pseudo);

    wr_u32(&w, source);
    wr_u32(&w, group);
    wr_u16(&w, PROTO_UDP);
    wr_u16(&w, udp_bytes);
    return (uint16_t)sum16(0, pseudo, w.done);
}

/* The IPv4 datagram's content after a header without options; n is what is left of the frame. */
static struct reader ip_content(struct reader *r, uint8_t *proto, uint32_t *to)
{
    uint16_t version = rd_u16(r), total = rd_u16(r), fragment;

    (void)rd_u16(r);
    fragment = rd_u16(r);
    (void)rd_u8(r);
    *proto = rd_u8(r);
    (void)rd_u16(r);
    (void)rd_u32(r);
    *to = rd_u32(r);
    if (version >> 8 != 0x45 || fragment & IP_FRAGMENT || total < FRAME_IP_BYTES)
        r->bad = true;
    return rd_sub(r, (size_t)total - FRAME_IP_BYTES);
}

const uint8_t *frame_payload(const uint8_t *frame, size_t n, const struct ring_flow *flow,
                             size_t *payload_bytes)
{
    struct reader r = reader_on(frame, n), udp;
    uint32_t to;
    uint16_t type, port, bytes;
    uint8_t proto;
    const uint8_t *payload;

    (void)rd_bytes(&r, 12);
    type = rd_u16(&r);
    udp = ip_content(&r, &proto, &to);
    (void)rd_u16(&udp);
    port = rd_u16(&udp);
    bytes = rd_u16(&udp);
    (void)rd_u16(&udp);
    if (bytes < FRAME_UDP_BYTES)
        return NULL;
    payload = rd_bytes(&udp, (size_t)bytes - FRAME_UDP_BYTES);
    if (type != ETHERTYPE_IPV4 || proto != PROTO_UDP || to != flow->group || port != flow->port)
        return NULL;
    *payload_bytes = (size_t)bytes - FRAME_UDP_BYTES;
    return payload;
}

/* Where TCP and UDP keep their checksum; 0: we do not know the protocol. */
static size_t checksum_offset(uint8_t proto)
{
    return proto == PROTO_TCP ? 16 : proto == PROTO_UDP ? FRAME_UDP_CHECKSUM_OFFSET : 0;
}

void frame_checksum(uint8_t *frame, size_t n)
{
    uint8_t *ip = frame + FRAME_ETH_BYTES, *segment;
    size_t header, total, at;
    uint32_t sum;

    if (n < FRAME_ETH_BYTES + FRAME_IP_BYTES || frame[12] != 0x08 || frame[13] != 0 ||
        ip[0] >> 4 != 4)
        return;
    header = (size_t)(ip[0] & 15) * 4;
    total = (size_t)(ip[2] << 8 | ip[3]);
    at = checksum_offset(ip[9]);
    if (at == 0 || header < FRAME_IP_BYTES || total > n - FRAME_ETH_BYTES ||
        total < header + at + 2)
        return;
    segment = ip + header;
    put16(segment + at, 0);
    sum = sum16(ip[9] + (uint32_t)(total - header), ip + 12, 8);
    sum = ~sum16(sum, segment, total - header) & 0xffff;
    put16(segment + at, sum == 0 && ip[9] == PROTO_UDP ? 0xffff : sum);
}
