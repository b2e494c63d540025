/* Netboot requests as firmware sends them, for tests of BSDP and PXE. */
#ifndef TESTS_UNIT_PXE_SUPPORT_H
#define TESTS_UNIT_PXE_SUPPORT_H

#include <string.h>

#include "net/dhcp/codec.h"
#include "net/wire/must.h"

static const uint8_t some_mac[6] = {0x00, 0x25, 0x00, 0xaa, 0xbb, 0xcc};
#define BOX_ADDRESS 0x0A4D0001

/* A request under construction; the message is decoded from its bytes, as on the wire. */
struct request {
    uint8_t bytes[1500];
    size_t n;
    struct dhcp_writer w;
    struct dhcp_message message;
};

static inline void request_begin(struct request *r, uint8_t type, const uint8_t mac[6],
                                 uint32_t ciaddr)
{
    struct dhcp_message head = {.op = DHCP_REQUEST_OP,
                                .htype = 1,
                                .hlen = 6,
                                .xid = 0xb5d9,
                                .ciaddr = ciaddr,
                                .type = type};

    memcpy(head.chaddr, mac, 6);
    dhcp_write_start(&r->w, r->bytes, sizeof r->bytes, &head);
}

static inline const struct dhcp_message *request_end(struct request *r)
{
    r->n = dhcp_write_end(&r->w);
    MUST(dhcp_decode(r->bytes, r->n, &r->message) == 0);
    return &r->message;
}

/* DISCOVER of a PXE or HTTP boot ROM: class text and option 93. */
static inline void request_rom(struct request *r, uint8_t type, const uint8_t mac[6],
                               const char *class, unsigned arch)
{
    uint8_t code[2] = {(uint8_t)(arch >> 8), (uint8_t)arch};
    static const uint8_t uuid[17] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

    request_begin(r, type, mac, 0);
    MUST(dhcp_put_text(&r->w, DHCP_O_CLASS, class) &&
         dhcp_put(&r->w, DHCP_O_ARCHITECTURE, code, 2) &&
         dhcp_put(&r->w, DHCP_O_INTERFACE, "\1\3\0", 3) &&
         dhcp_put(&r->w, DHCP_O_UUID, uuid, sizeof uuid));
}

#endif
