/* What the services beside the leases plug in: who answers first (BSDP), and what a machine is to
 * boot (PXE, HTTP). Pure types; all calls on the stack's owner thread, nothing is kept beyond the
 * call. */
#ifndef NET_DHCP_HOOK_H
#define NET_DHCP_HOOK_H

#include <string.h>

#include "net/dhcp/codec.h"
#include "net/wire/mono.h"

/* BSDP's lists may be long and go out in fragments; an answer to DISCOVER or REQUEST stays below
 * one frame. */
#define DHCP_MESSAGE_MAX 8192
#define DHCP_FRAME_MAX 1472 /* UDP payload of one frame */

/* A message on its way out, and where it goes. */
struct dhcp_reply {
    size_t n;
    uint8_t bytes[DHCP_MESSAGE_MAX];
    enum dhcp_way {
        /* one frame to `mac`, whose owner takes `address` for itself from this message on */
        DHCP_TO_STATION,
        DHCP_TO_EVERYONE, /* one frame to the broadcast address, to 255.255.255.255 */
        DHCP_TO_ADDRESS,  /* to `address`, as any datagram (ARP, a gateway, fragments) */
    } way;
    uint8_t mac[6];
    uint32_t address;
    uint16_t port;      /* to */
    uint16_t from_port; /* DHCP_SERVER_PORT or DHCP_BINL_PORT */
};

/* A service that sees every request to port 67 before the leases do. 0: not mine; 1: consumed, no
 * answer; 2: the answer is in `out`, all fields set by the service. In guard's refusal and in mode
 * off it is not asked. Of a client's DISCOVER it may answer the one part (BSDP's OFFER* with yiaddr
 * 0) and leave the lease to us: that is 3: the answer is in `out`, and not mine alone. */
struct dhcp_service {
    void *ctx;
    int (*handle)(void *ctx, struct mono now, const struct dhcp_message *request,
                  struct dhcp_reply *out);
};
enum dhcp_handled { DHCP_NOT_MINE, DHCP_CONSUMED, DHCP_ANSWERED, DHCP_ANSWERED_TOO };

/* In which reply the boot fields will stand. */
enum dhcp_boot_kind {
    DHCP_BOOT_LEASE, /* OFFER or ACK with an address, from port 67 */
    DHCP_BOOT_PROXY, /* OFFER without one, from port 67, beside somebody else's lease */
    DHCP_BOOT_BINL,  /* ACK from port 4011, in either mode */
};

struct dhcp_boot {
    uint32_t siaddr;
    char sname[DHCP_SNAME_BYTES]; /* a NUL is not needed after the last byte */
    char file[DHCP_FILE_BYTES];
    size_t n;
    uint8_t options[300]; /* code, length, value, ..., ready for the wire: dhcp_boot_put */
};

/* Appends an option (one instance); false when there is no room. */
static inline bool dhcp_boot_put(struct dhcp_boot *b, uint8_t code, const void *bytes, size_t n)
{
    if (n > 255 || sizeof b->options - b->n < n + 2)
        return false;
    b->options[b->n++] = code;
    b->options[b->n++] = (uint8_t)n;
    if (n)
        memcpy(b->options + b->n, bytes, n);
    b->n += n;
    return true;
}

/* Asked for each DISCOVER, REQUEST (and INFORM) that is going to be answered, `out` zeroed. False:
 * nothing is to be booted: a lease goes out without boot fields; a proxy offer or an answer from
 * 4011 does not go out at all. The answer must depend on the request and on settings alone, so that
 * a request sent again gets the same reply. */
struct dhcp_boot_hook {
    void *ctx;
    bool (*boot)(void *ctx, const struct dhcp_message *request, enum dhcp_boot_kind,
                 struct dhcp_boot *out);
};

#endif
