/* Classic BPF programs: what a packet socket lets in. They see frames from the Ethernet header on,
 * VLAN tags already taken off by the kernel: frames of tagged VLANs do not pass, those of VLAN 0
 * do. */
#ifndef NET_RING_FILTER_H
#define NET_RING_FILTER_H

#include <stddef.h>

#include <linux/filter.h>

#include "net/ring/ring.h"

#define FILTER_MAX 128

/* Unfragmented UDP/IPv4 without options to one flow. Returns the number of instructions. */
size_t filter_flow(const struct ring_flow *flow, struct sock_filter code[FILTER_MAX]);

/* ARP and IPv4, except frames to other stations and UDP to one of n flows (at most
 * RING_CTL_SKIP_MAX). */
size_t filter_control(const struct ring_flow *flows, size_t n, struct sock_filter code[FILTER_MAX]);

#endif
