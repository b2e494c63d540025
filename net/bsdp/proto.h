/* Numbers of Apple's Boot Server Discovery Protocol 1.1 (BSDP.doc 1.0.8, sections 3.4.x). */
#ifndef NET_BSDP_PROTO_H
#define NET_BSDP_PROTO_H

/* Option 60: "AAPLBSDPC/i386/iMac14,3" from clients, these nine bytes alone from servers. */
#define BSDP_CLASS "AAPLBSDPC"
#define BSDP_ARCH_INTEL "i386" /* 64-bit ones too */

#define BSDP_VERSION_1_0 0x0100 /* no image list in its LIST: the default alone */
#define BSDP_VERSION_1_1 0x0101
#define BSDP_VERSION_NONE 0 /* taken for 1.1, as Apple's server does */

/* Sub-options of option 43; all integers big-endian. Each lies wholly inside one instance: Macs
 * parse each on its own. */
enum bsdp_code {
    BSDP_O_PAD = 0,
    BSDP_O_MESSAGE = 1,       /* 1 byte, enum bsdp_type */
    BSDP_O_VERSION = 2,       /* 2, client */
    BSDP_O_SERVER = 3,        /* 4, client in SELECT */
    BSDP_O_PRIORITY = 4,      /* 2, server in LIST: higher wins */
    BSDP_O_PORT = 5,          /* 2, client: below 1024 */
    BSDP_O_DEFAULT = 7,       /* 4, server in LIST */
    BSDP_O_SELECTED = 8,      /* 4, both */
    BSDP_O_IMAGES = 9,        /* {id 4, length 1, name}..., server in LIST */
    BSDP_O_OLD_FIRMWARE = 10, /* 0 or 1, client */
    BSDP_O_FILTER = 11,       /* 2 a word, client */
    BSDP_O_SIZE = 12,         /* 2, client: goes before option 57 */
    BSDP_O_MACHINE_NAME = 130,
    BSDP_O_END = 255,
};

enum bsdp_type { BSDP_LIST = 1, BSDP_SELECT = 2, BSDP_FAILED = 3 };

#define BSDP_PORT_MAX 1023
/* Datagram sizes, IP and UDP headers (28) included. Without any word from the client Apple's server
 * counts 548 as the datagram, which leaves 520; clients are known to live with that. */
#define BSDP_SIZE_MIN 548
#define BSDP_SIZE_MAX 8192

#endif
