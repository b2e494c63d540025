/* The one thing the IP stack needs of an interface: whole Ethernet frames in and out. net/ring implements it on an
 * AF_PACKET socket (link_packet.c adapts that), tests implement it in memory. */
#ifndef NET_IP_LINK_H
#define NET_IP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Large enough for what a local sender with segmentation offload hands over in one piece. */
#define IP_LINK_FRAME_MAX 65600

struct ip_link {
    void *ctx;
    int fd; /* readable when a frame may be waiting; -1: none, the stack is stepped by its caller alone */
    uint8_t mac[6];
    /* The next frame into buf: its length, 0 when none waits, or a negative ip or ring error. *no_sum says that the
     * sender left the transport checksum to hardware that was never passed (veth, virtio): it is not to be
     * checked. Frames longer than cap are dropped. */
    int (*receive)(void *ctx, uint8_t *buf, size_t cap, bool *no_sum);
    /* Sends one frame; 0 or a negative error. A full queue is a lost frame: protocols live with that. */
    int (*send)(void *ctx, const uint8_t *frame, size_t n);
    /* Lets frames to a group's MAC address through the NIC's filter, or stops that; counted per address. */
    int (*group)(void *ctx, const uint8_t mac[6], bool join);
    void (*close)(void *ctx);
};

#endif
