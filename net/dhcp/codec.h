/* DHCP messages (RFC 2131) as bytes and as structs whose values are already legal. Pure. Addresses
 * are in host order.
 *
 * Options stay as they came: every instance on its own, in order, those of an overloaded `file` and
 * `sname` (option 52) behind those of the options field. Who wants a value of several instances
 * glued together (RFC 3396) asks for it; BSDP for one does not. */
#ifndef NET_DHCP_CODEC_H
#define NET_DHCP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dhcp/errors.h"
#include "net/dhcp/proto.h"
#include "net/wire/writer.h"

/* Firmware sends about a dozen, and a datagram without fragments has room for 616. */
#define DHCP_OPTIONS_MAX 128

struct dhcp_option {
    uint8_t code;      /* not DHCP_O_PAD, not DHCP_O_END */
    uint8_t n;         /* bytes; 0 is legal here */
    const uint8_t *at; /* borrowed from the datagram */
};

struct dhcp_message {
    uint8_t op;    /* enum dhcp_op */
    uint8_t htype; /* 1: Ethernet */
    uint8_t hlen;  /* 6 */
    uint8_t hops;
    uint32_t xid;
    uint16_t secs, flags;
    uint32_t ciaddr, yiaddr, siaddr, giaddr;
    /* the first six: a station's address, neither 0 nor a group */
    uint8_t chaddr[DHCP_CHADDR_BYTES];
    /* up to its NUL, which is always there; "" when it carries options */
    char sname[DHCP_SNAME_BYTES + 1];
    char file[DHCP_FILE_BYTES + 1];
    uint8_t type; /* enum dhcp_type */
    unsigned n;
    struct dhcp_option option[DHCP_OPTIONS_MAX];
};

/* Decodes a UDP payload, which must outlive the options in `out`. A missing END is forgiven, as is
 * anything behind it. 0 or a negative code. */
int dhcp_decode(const uint8_t *bytes, size_t n, struct dhcp_message *out);

/* The first instance of an option; NULL when there is none. */
const struct dhcp_option *dhcp_option(const struct dhcp_message *, uint8_t code);
/* The next of the same code, NULL after the last. */
const struct dhcp_option *dhcp_option_next(const struct dhcp_message *, const struct dhcp_option *);
/* All instances glued together (RFC 3396): how many bytes, DHCP_EABSENT, or DHCP_EROOM when it is
 * more than `cap`. */
int dhcp_option_joined(const struct dhcp_message *, uint8_t code, uint8_t *to, size_t cap);
/* The value of the first instance when it is exactly so long; `otherwise` when not. */
uint32_t dhcp_option_u32(const struct dhcp_message *, uint8_t code, uint32_t otherwise);
uint16_t dhcp_option_u16(const struct dhcp_message *, uint8_t code, uint16_t otherwise);
/* Whether the first instance begins with this text: class ids come without a NUL. */
bool dhcp_option_begins(const struct dhcp_message *, uint8_t code, const char *text);
/* UDP payload that the client can take: option 57 less IP and UDP headers, within 548 .. `most`;
 * 548 without the option. */
size_t dhcp_reply_limit(const struct dhcp_message *, size_t most);

/* A message under construction, in the caller's buffer. */
struct dhcp_writer {
    struct writer w;
    unsigned dropped; /* options that did not fit and were left out */
};

/* What a reply takes over from its request: xid, flags, giaddr, chaddr; op and type are set, all
 * else is 0. */
void dhcp_reply_head(struct dhcp_message *reply, const struct dhcp_message *request,
                     enum dhcp_type type);
/* Begins a message of at most `limit` (at least DHCP_REPLY_MIN) bytes: the fields of `head`, the
 * cookie, and option 53 unless `head->type` is 0. The option list of `head` is not read. */
void dhcp_write_start(struct dhcp_writer *, void *to, size_t limit,
                      const struct dhcp_message *head);
/* Appends one instance, whole or not at all; false when it does not fit (or is above 255 bytes). */
bool dhcp_put(struct dhcp_writer *, uint8_t code, const void *bytes, size_t n);
bool dhcp_put_u32(struct dhcp_writer *, uint8_t code, uint32_t value);
bool dhcp_put_text(struct dhcp_writer *, uint8_t code, const char *text); /* without its NUL */
/* Bytes that one more instance may hold; 0: not even an empty one that matters. */
size_t dhcp_room(const struct dhcp_writer *);
/* Ends and pads the message; its length. */
size_t dhcp_write_end(struct dhcp_writer *);

/* "00:25:00:aa:bb:cc" */
#define DHCP_MAC_TEXT 18
const char *dhcp_mac_text(char buf[DHCP_MAC_TEXT], const uint8_t mac[6]);

#endif
