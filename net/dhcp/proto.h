/* Numbers of RFC 2131, RFC 2132 and their registry: what stands where in a DHCP message. */
#ifndef NET_DHCP_PROTO_H
#define NET_DHCP_PROTO_H

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCP_BINL_PORT 4011 /* PXE: asked by unicast after the lease, answered from here */

/* op 1, htype 1, hlen 1, hops 1, xid 4, secs 2, flags 2, ciaddr 4, yiaddr 4, siaddr 4, giaddr 4,
 * chaddr 16, sname 64, file 128, cookie 4, options */
#define DHCP_CHADDR_BYTES 16
#define DHCP_SNAME_BYTES 64
#define DHCP_FILE_BYTES 128
#define DHCP_HEADER_BYTES 240 /* up to the options, with the cookie */
#define DHCP_COOKIE 0x63825363
#define DHCP_BROADCAST 0x8000 /* in flags */
/* replies are padded to this: old clients drop shorter ones (RFC 1542, 2.1) */
#define DHCP_REPLY_MIN 300
/* IP datagram that every client takes (RFC 2131, 2): UDP payload of 548 */
#define DHCP_SIZE_MIN 576
#define DHCP_IP_UDP_BYTES 28 /* what option 57 counts besides the payload */

enum dhcp_op { DHCP_REQUEST_OP = 1, DHCP_REPLY_OP = 2 };

enum dhcp_type {                 /* option 53 */
                 DHCP_BOOTP = 0, /* none: plain BOOTP */
                 DHCP_DISCOVER = 1,
                 DHCP_OFFER = 2,
                 DHCP_REQUEST = 3,
                 DHCP_DECLINE = 4,
                 DHCP_ACK = 5,
                 DHCP_NAK = 6,
                 DHCP_RELEASE = 7,
                 DHCP_INFORM = 8,
                 DHCP_TYPE_MAX =
                     18, /* the last of the registry; above INFORM nobody here answers */
};

enum dhcp_code {
    DHCP_O_PAD = 0,
    DHCP_O_MASK = 1,
    DHCP_O_ROUTER = 3,
    DHCP_O_DNS = 6,
    DHCP_O_HOSTNAME = 12,
    DHCP_O_ROOT_PATH = 17,
    DHCP_O_VENDOR = 43,
    DHCP_O_ADDRESS = 50, /* requested */
    DHCP_O_LEASE = 51,
    DHCP_O_OVERLOAD = 52,
    DHCP_O_TYPE = 53,
    DHCP_O_SERVER = 54,
    DHCP_O_PARAMETERS = 55,
    DHCP_O_MESSAGE = 56,
    DHCP_O_SIZE = 57,
    DHCP_O_RENEW = 58,
    DHCP_O_REBIND = 59,
    DHCP_O_CLASS = 60,
    DHCP_O_CLIENT = 61,
    DHCP_O_TFTP_SERVER = 66,
    DHCP_O_BOOT_FILE = 67,
    DHCP_O_USER_CLASS = 77,
    DHCP_O_RELAY = 82,
    DHCP_O_ARCHITECTURE = 93,
    DHCP_O_INTERFACE = 94,
    DHCP_O_UUID = 97,
    DHCP_O_IPXE = 175,
    DHCP_O_END = 255,
};

#endif
