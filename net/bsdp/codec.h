/* A Mac's BSDP request out of its DHCP message, and option 43 of replies. Pure. Addresses are in
 * host order. */
#ifndef NET_BSDP_CODEC_H
#define NET_BSDP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/bsdp/errors.h"
#include "net/bsdp/proto.h"
#include "net/dhcp/codec.h"

#define BSDP_ARCH_MAX 15
#define BSDP_MODEL_MAX 31
#define BSDP_FILTER_MAX 127 /* what one sub-option holds */

struct bsdp_request {
    char arch[BSDP_ARCH_MAX + 1];   /* "i386", "ppc" */
    char model[BSDP_MODEL_MAX + 1]; /* "iMac14,3" */
    uint8_t type;                   /* BSDP_LIST, BSDP_SELECT; 0 in a DISCOVER */
    uint16_t version;
    uint16_t port;     /* where the reply goes */
    bool old_firmware; /* sub-option 10 */
    bool has_server, has_selected;
    uint32_t server, selected;
    bool has_filter;
    unsigned n_filter;
    uint16_t filter[BSDP_FILTER_MAX];
    unsigned seen; /* which sub-options came; the codec's own */
    /* UDP payload that the client takes: BSDP_SIZE_MIN .. BSDP_SIZE_MAX less the headers */
    size_t limit;
};

/* "AAPLBSDPC/<arch>/<model>", n bytes. 0 or BSDP_ECLASS; the bare class comes from servers, and is
 * refused too. */
int bsdp_class_decode(const uint8_t *bytes, size_t n, struct bsdp_request *);
/* One instance of option 43. Of a sub-option that comes twice the first counts; unknown ones are
 * stepped over. */
int bsdp_vendor_decode(const uint8_t *bytes, size_t n, struct bsdp_request *);
/* A DISCOVER or INFORM of a Mac; type, version and port are legal afterwards. 0 or the first
 * objection. */
int bsdp_decode(const struct dhcp_message *, struct bsdp_request *);
/* Whether the client's attribute filter lets this image id pass; without a filter all pass. */
bool bsdp_filter_passes(const struct bsdp_request *, uint32_t image);

/* Option 43 under construction: whole sub-options, and a new instance when one is full. */
struct bsdp_vendor {
    struct dhcp_writer *to;
    size_t n;
    uint8_t bytes[255];
};
struct bsdp_image {
    uint32_t id;
    const char *name; /* borrowed; at most 246 bytes */
};

/* Appends one sub-option; false when it fits into no further instance. */
bool bsdp_put(struct bsdp_vendor *, uint8_t code, const void *bytes, size_t n);
bool bsdp_put_u16(struct bsdp_vendor *, uint8_t code, uint16_t value);
bool bsdp_put_u32(struct bsdp_vendor *, uint8_t code, uint32_t value);
/* Appends the images as sub-options 9, each description whole; how many of them fitted. */
unsigned bsdp_put_images(struct bsdp_vendor *, const struct bsdp_image *, unsigned n);
/* Hands the last instance over. Whatever was put fits. */
void bsdp_put_end(struct bsdp_vendor *);

#endif
