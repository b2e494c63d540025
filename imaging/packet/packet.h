/* One datagram of the ring: ALC/LCT header and encoding symbol, to and from a struct. Layout,
 * ranges and their reasons: SPEC.md beside this file. Pure: no clock, socket or heap; it borrows
 * the caller's bytes.
 *
 * Receiver: mac_check first (mac.h), packet_decode then; a datagram that fails either is counted
 * and dropped. Sender: put the symbol at PACKET_HEADER_BYTES, packet_header_encode, then mac_seal
 * over the whole. */
#ifndef IMAGING_PACKET_PACKET_H
#define IMAGING_PACKET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER_BYTES 32
#define PACKET_SYMBOL_BYTES 1440
#define PACKET_BYTES (PACKET_HEADER_BYTES + PACKET_SYMBOL_BYTES)
#define PACKET_TAG_OFFSET 16

#define PACKET_K_MAX 12288
#define PACKET_LG_T_MIN 8
#define PACKET_LG_T_MAX 12

#define PACKET_TOI_BODY 0   /* the image's body: manifest */
#define PACKET_TOI_STREAM 1 /* the image's stream of windows */

/* X(name, code, sentence): why a datagram is not a packet of ours. */
#define PACKET_ERRORS(X)                                                                           \
    X(PACKET_ERR_LENGTH, -300, "the datagram is not 1472 bytes long")                              \
    X(PACKET_ERR_FLAGS, -301, "the LCT flags are not those of this version")                       \
    X(PACKET_ERR_HDR_LEN, -302, "the LCT header is not 6 words long")                              \
    X(PACKET_ERR_LG_T, -303, "the code's repair parameter is out of range")                        \
    X(PACKET_ERR_TSI, -304, "the session identifier is 0")                                         \
    X(PACKET_ERR_TOI, -305, "the object is neither body nor stream")                               \
    X(PACKET_ERR_EXT, -306, "the header extension is not EXT_AUTH of our shape")                   \
    X(PACKET_ERR_K, -307, "the source block length is out of range")                               \
    X(PACKET_ERR_ESI, -308, "the symbol identifier lies beyond source and repair symbols")

enum packet_error {
#define PACKET_X(name, code, text) name = (code),
    PACKET_ERRORS(PACKET_X)
#undef PACKET_X
};

struct packet {
    uint32_t cci;          /* packet number of the session, wrapping */
    uint32_t sbn;          /* source block number within the object */
    uint16_t tsi;          /* not 0 */
    uint16_t toi;          /* PACKET_TOI_* */
    uint16_t k;            /* source symbols of this block, 1 … PACKET_K_MAX */
    uint16_t esi;          /* below k: source symbol; else repair symbol esi - k, below 2^lg_t */
    uint8_t lg_t;          /* PACKET_LG_T_MIN … PACKET_LG_T_MAX */
    bool close;            /* the session ends with this packet */
    const uint8_t *symbol; /* PACKET_SYMBOL_BYTES, borrowed; not used when encoding */
};

/* Reads a UDP payload. 0, and *out holds legal values only; or the code of the first thing found
 * wrong, and *out is untouched. The tag is not looked at. */
int packet_decode(const uint8_t *bytes, size_t n, struct packet *out);

/* Writes the header with a zero tag in front of a symbol. Every field of *p must be legal (checked,
 * MUST). */
void packet_header_encode(const struct packet *p, uint8_t header[PACKET_HEADER_BYTES]);

#endif
