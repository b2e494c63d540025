/* The one thing the IP stack needs of an interface: whole Ethernet frames in and out. net/ring
 * implements it on an AF_PACKET socket (link_packet.c adapts that), tests implement it in memory.
 */
#ifndef NET_IP_LINK_H
#define NET_IP_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

/* Large enough for what a local sender with segmentation offload hands over in one piece. */
#define IP_LINK_FRAME_MAX 65600

struct ip_link {
    void *ctx;
    /* readable when a frame may be waiting; -1: none, the stack is stepped by its caller alone */
    int fd;
    uint8_t mac[6];
    /* The next frame into buf: its length, 0 when none waits, or a negative error. Its checksums
     * are complete (a ring's business on virtual links). Frames longer than cap are dropped. All
     * multicast is seen. */
    int (*receive)(void *ctx, uint8_t *buf, size_t cap);
    /* Sends one frame; 0 or a negative error. A full queue is a lost frame: protocols live with
     * that. */
    int (*send)(void *ctx, const uint8_t *frame, size_t n);
    /* Keeps UDP datagrams to this group and port out of `receive`: the data path takes them from a
     * ring of its own. May be NULL. */
    int (*skip)(void *ctx, uint32_t group, uint16_t port, struct err *);
    void (*close)(void *ctx);
};

/* The link over an AF_PACKET control socket of net/ring. */
int ip_link_packet(struct ip_link *, const char *interface, struct err *);

#endif
