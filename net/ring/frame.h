/* The 42 bytes in front of a datagram: Ethernet II, IPv4 without options, UDP. Pure. */
#ifndef NET_RING_FRAME_H
#define NET_RING_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "net/ring/ring.h"

#define FRAME_ETH_BYTES 14
#define FRAME_IP_BYTES 20
#define FRAME_UDP_BYTES 8
#define FRAME_HEADER_BYTES (FRAME_ETH_BYTES + FRAME_IP_BYTES + FRAME_UDP_BYTES)
#define FRAME_BYTES (FRAME_HEADER_BYTES + DATAGRAM_BYTES)
#define FRAME_UDP_CHECKSUM_OFFSET 6 /* within the UDP header */

/* 01:00:5E and the low 23 bits of the group (RFC 1112). */
void frame_group_mac(uint32_t group, uint8_t mac[6]);

/* Headers of a datagram with `payload` bytes from source:port to the flow. DF is set and the
 * identification is 0: a datagram that is never fragmented needs none (RFC 6864), and so all frames
 * of a flow have the same headers. The UDP checksum is 0: none. */
void frame_header(const struct ring_flow *flow, const uint8_t mac[6], uint32_t source, uint8_t ttl,
                  size_t payload, uint8_t out[FRAME_HEADER_BYTES]);

/* The UDP checksum field as checksum offload wants to find it: the sum of the pseudo-header, not
 * inverted. */
uint16_t frame_pseudo_sum(uint32_t source, uint32_t group, size_t udp_bytes);

/* The UDP payload of a received frame, in place. NULL when it is not a whole, unfragmented IPv4
 * datagram without IP options to the flow, or when a length does not fit. Bytes after the datagram
 * (padding) are allowed. */
const uint8_t *frame_payload(const uint8_t *frame, size_t n, const struct ring_flow *flow,
                             size_t *payload_bytes);

/* Completes the TCP or UDP checksum of an IPv4 frame whose sender left it to hardware. Anything
 * else, malformed frames included, stays as it is. */
void frame_checksum(uint8_t *frame, size_t n);

#endif
