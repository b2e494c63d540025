/* BSDP: tells netbooting Macs which images there are, and gives them the one they choose. Pure
 * step, called by the DHCP server before its leases (net/dhcp/hook.h). One thread. The caller owns
 * all memory.
 *
 * What is answered when
 *   INFORM[LIST]      ACK[LIST]: priority, default, the binding if there is one, all images for
 *                     this Mac (model, address, filter; the
 *                     default first), cut at a whole image when the Mac takes no more bytes.
 *                     Protocol 1.0: without the list.
 *                     No image for it, or it has been imaged and the ring is its choice: nothing.
 *                     Nor is the ring the default when
 *                     the plan's choice does not fit or the filter hides it: nobody chose to have a
 *                     disk erased.
 *   INFORM[SELECT]    names this server, the image is on offer: the binding is kept, ACK[SELECT]
 *                     with the boot file. Another
 *                     image: ACK[FAILED]; no image named: the default. Another server: nothing, and
 *                     the binding goes.
 *                     The choice is kept for this start of the Mac (net/pxe/start.h); one that
 *                     cannot be kept: ACK[FAILED].
 *   DISCOVER          of a bound Mac whose image is still on offer: OFFER* with yiaddr 0, beside
 *                     the lease.
 *   else              nothing: bad lengths, unknown version, NetBoot 1.0 firmware, reply ports
 *                     above 1023, no address,
 *                     a server name or address in the header that is not ours.
 * A request sent again gets the same bytes: all but the priority depends on the request, the plan
 * and the Mac's own binding, and the last priorities are remembered by MAC and xid for a minute.
 *
 * Macs that are not Intel are offered only entries that say `any_mac`. Sub-options 128 and 129
 * (shadow files for diskless macOS) are not sent; NetBoot 1.0 (plain BOOTP with options 220, 221)
 * is not spoken.
 *
 * Bindings: a row a Mac; the longest unused goes when all rows are taken, those not stored first.
 * Writing them down is rationed, so that invented Macs neither wear the disk nor push out stored
 * rows at the rate of the wire; a binding that was not written works until the next start. */
#ifndef NET_BSDP_SERVER_H
#define NET_BSDP_SERVER_H

#include "net/bsdp/codec.h"
#include "net/dhcp/hook.h"
#include "net/pxe/policy.h"

#define BSDP_BINDINGS_MAX 1024
#define BSDP_RECENT 256 /* lists whose priority is remembered */
#define BSDP_RECENT_NS (60 * MONO_S)
#define BSDP_STORE_BURST 64 /* bindings written at once, then one every BSDP_STORE_NS */
#define BSDP_STORE_NS (MONO_S / 4)
#define BSDP_RECORD_BYTES 9 /* version 1, image 4, number 4 */

struct bsdp_binding {
    uint8_t mac[6];
    bool used, stored;
    uint32_t image;
    uint32_t number; /* machine name "NetBoot001": from 1, never given twice */
    struct mono at;  /* of its last SELECT or OFFER* */
};

enum bsdp_happening {
    BSDP_LISTED,
    BSDP_SELECTED,
    BSDP_OFFERED,
    BSDP_REFUSED /* ACK[FAILED] */,
    BSDP_LEFT /* for another */,
    BSDP_DROPPED
};

struct bsdp_event {
    enum bsdp_happening what;
    int code; /* REFUSED, LEFT, DROPPED: a BSDP_E* code */
    uint8_t mac[6];
    const char *model;    /* "" when it could not be read */
    const char *name;     /* of the entry: selected, offered, or the list's default; "" none */
    unsigned images, cut; /* LISTED: in the list; left out because the Mac takes no more bytes */
};

struct bsdp_server {
    /* set by the caller, zero elsewhere */
    const struct boot_plan *plan; /* borrowed; its address is the server's identifier */
    const char *name;             /* of the box, in `sname`; borrowed */
    uint32_t netmask;             /* of the box's network; 0 when not known */
    /* Keeps the value under the Mac's address over restarts; n 0: forget it. May be NULL. */
    void (*store)(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n);
    void (*tell)(void *ctx, const struct bsdp_event *); /* lent for the call; may be NULL */
    void *ctx;
    /* kept by the server */
    struct bsdp_binding bindings[BSDP_BINDINGS_MAX];
    unsigned n_bindings;
    uint32_t last_number;
    struct bsdp_recent {
        uint8_t mac[6];
        uint32_t xid;
        uint16_t priority;
        bool used;
        struct mono at;
    } recent[BSDP_RECENT];
    unsigned next_recent;
    struct mono store_from; /* the ration: writes up to now were at this pace */
    bool store_began;
};

/* A value stored by an earlier run; before the first request. 0 or BSDP_ERECORD, and nothing is
 * taken. */
int bsdp_server_restore(struct bsdp_server *, const uint8_t *key, size_t nkey, const uint8_t *value,
                        size_t nvalue);
/* struct dhcp_service's function; ctx is a struct bsdp_server. */
int bsdp_server_handle(void *server, struct mono now, const struct dhcp_message *,
                       struct dhcp_reply *out);
/* The Mac's row; NULL when it is not bound. */
const struct bsdp_binding *bsdp_server_binding(const struct bsdp_server *, const uint8_t mac[6]);
/* One line for the log. */
void bsdp_event_text(const struct bsdp_event *, char *to, size_t cap);

#endif
