/* What the packet sockets of this room have in common. */
#ifndef NET_RING_SOCKET_H
#define NET_RING_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

#include "net/ring/ring.h"

/* A packet socket that is not yet bound and so sees nothing. >= 0, or a negative ring error. */
int socket_open(struct err *err);

/* Binds to the interface for one protocol (host order; 0: to send only). */
int socket_bind(int fd, const struct ring_if *itf, uint16_t protocol, struct err *err);

/* setsockopt at SOL_PACKET and SOL_SOCKET; RING_ERR_SOCKET with the option's name on failure. */
int socket_option(int fd, int level, int option, const void *value, size_t n, const char *name,
                  struct err *err);
int socket_flag(int fd, int level, int option, int value, const char *name, struct err *err);

/* Joins on the link layer: PACKET_MR_MULTICAST with an address, or PACKET_MR_ALLMULTI with NULL. */
int socket_join(int fd, const struct ring_if *itf, const uint8_t mac[6], struct err *err);

/* Attaches or replaces the filter. */
int socket_filter(int fd, const struct sock_filter *code, size_t n, struct err *err);

/* As large a send buffer as we may have, at most `bytes`. */
void socket_send_buffer(int fd, int bytes);

/* ring_if_info, and refused unless it is up and takes our frames. */
int socket_interface(const char *ifname, struct ring_if *out, struct err *err);

#endif
