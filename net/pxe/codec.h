/* What a netbooting machine says of itself, out of its DHCP message; and option 43 as PXE has it.
 * Pure. Addresses are in host order. */
#ifndef NET_PXE_CODEC_H
#define NET_PXE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/pxe/errors.h"
#include "net/pxe/proto.h"
#include "net/wire/writer.h"

#define PXE_VENDOR_MAX 255 /* one instance of option 43: firmware looks at the first alone */

/* Where the answer will stand. */
enum pxe_stage {
    PXE_LEASE, /* an OFFER or ACK that carries an address */
    PXE_PROXY, /* an OFFER without one, beside somebody else's */
    PXE_BINL   /* the answer on port 4011 */
};

struct pxe_facts {
    uint8_t mac[6];
    enum pxe_class { PXE_CLASS_NONE, PXE_CLASS_PXE, PXE_CLASS_HTTP_BOOT } class_id;
    bool has_arch;
    /* option 93's first code that means something here, else its first; else what option 60 says */
    uint16_t arch;
    bool ipxe;       /* user class iPXE, or option 175 */
    bool ipxe_http;  /* it can load from HTTP, or does not say */
    bool bad_vendor; /* option 43 is malformed */
    bool has_item;
    uint16_t item, layer; /* 43.71 */
};

/* Sub-options of a PXE client's option 43. Unknown ones are stepped over, the last of a kind
 * counts; a missing end is forgiven. 0 or PXE_EVENDOR. */
int pxe_vendor_decode(const uint8_t *bytes, size_t n, struct pxe_facts *);
/* "PXEClient:Arch:00007:UNDI:003000", n bytes without NUL: the class, and the architecture when it
 * is said. */
void pxe_class_decode(const uint8_t *bytes, size_t n, struct pxe_facts *);
/* Option 93. An odd byte at the end is left alone. */
void pxe_arch_decode(const uint8_t *bytes, size_t n, struct pxe_facts *);
/* Option 77: whether it names iPXE, plain or as RFC 3004 wraps it. */
void pxe_user_class_decode(const uint8_t *bytes, size_t n, struct pxe_facts *);
/* Option 175 (iPXE's encapsulated options). */
void pxe_ipxe_decode(const uint8_t *bytes, size_t n, struct pxe_facts *);

/* One line of PXE's menu. */
struct pxe_item {
    uint16_t type;
    const char *name; /* UTF-8; cut at a whole character when there is no room */
};

/* Option 43: "boot the file of this packet". Returns its length, at most 4. */
size_t pxe_vendor_file(uint8_t out[PXE_VENDOR_MAX]);
/* Option 43 with control, servers, menu and prompt: as many items, in order, as fit into one
 * instance, each served by `server` except PXE_ITEM_DISK. */
size_t pxe_vendor_menu(const struct pxe_item *, unsigned n, uint32_t server, uint8_t seconds,
                       uint8_t out[PXE_VENDOR_MAX]);
/* Option 43 that gives the chosen item back. */
size_t pxe_vendor_item(uint16_t type, uint16_t layer, uint8_t out[PXE_VENDOR_MAX]);

#endif
