/* Numbers of PXE 2.1, RFC 4578, of the registry of processor architectures, and of iPXE. */
#ifndef NET_PXE_PROTO_H
#define NET_PXE_PROTO_H

/* Class identifier, option 60. Clients go on with ":Arch:00007:UNDI:003000". */
#define PXE_CLASS "PXEClient"
#define PXE_CLASS_HTTP "HTTPClient"
#define PXE_USER_CLASS_IPXE "iPXE" /* option 77, with or without RFC 3004's length in front */

/* Option 93: 16-bit codes, the client's first wish first (RFC 4578, 2.1, and the registry of
 * processor architectures). */
enum pxe_arch {
    PXE_ARCH_BIOS = 0x00,
    PXE_ARCH_IA32 = 0x06,
    PXE_ARCH_X64 = 0x07, /* what firmware sends */
    PXE_ARCH_EBC = 0x09, /* x64 in RFC 4578's text, which had 7 and 9 the wrong way round */
    PXE_ARCH_ARM32 = 0x0A,
    PXE_ARCH_ARM64 = 0x0B,
    PXE_ARCH_HTTP_IA32 = 0x0F,
    PXE_ARCH_HTTP_X64 = 0x10,
    PXE_ARCH_HTTP_ARM32 = 0x12,
    PXE_ARCH_HTTP_ARM64 = 0x13,
    PXE_ARCH_UBOOT_ARM64 = 0x16,
};

/* Sub-options of option 43 under PXEClient (PXE 2.1, table 2-1). */
enum pxe_code {
    PXE_O_PAD = 0,
    PXE_O_CONTROL = 6,
    PXE_O_SERVERS = 8, /* {type 2, count 1, addresses} */
    PXE_O_MENU = 9,    /* {type 2, length 1, text} */
    PXE_O_PROMPT = 10, /* seconds 1, text */
    PXE_O_ITEM = 71,   /* type 2, layer 2 */
    PXE_O_END = 255,
};
enum pxe_control {
    PXE_NO_BROADCAST = 1,
    PXE_NO_MULTICAST = 2,
    PXE_ONLY_LISTED = 4,
    PXE_FILE_GIVEN = 8, /* no discovery: boot the file of this packet */
};
/* Menu item types: 0 is the local disk; those with the top bit are free for servers like us. */
#define PXE_ITEM_DISK 0
#define PXE_ITEM_OURS 0x8000
/* Entry numbers below this have an item. */
#define PXE_MENU_IDS 4096
#define PXE_PROMPT_NOW 255 /* menu without waiting for a key */

/* Sub-options of iPXE's option 175. */
#define PXE_IPXE_NO_PROXY 0xB0
#define PXE_IPXE_HTTP 0x13

#endif
