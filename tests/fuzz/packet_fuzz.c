/* The datagram decoder: what it takes encodes to the same header again, and its tag is computed
 * without harm. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct mac_key key;
    static uint8_t ready;
    uint8_t header[PACKET_HEADER_BYTES], again[PACKET_BYTES];
    struct packet p;

    if (!ready) {
        mac_key_init(&key, (const uint8_t *)"packet fuzz key.");
        ready = 1;
    }
    if (n == PACKET_BYTES) {
        memcpy(again, bytes, n);
        mac_seal(&key, again);
        MUST(mac_check(&key, again));
    }
    if (packet_decode(bytes, n, &p) != 0)
        return 0;
    packet_header_encode(&p, header);
    MUST(memcmp(header, bytes, PACKET_TAG_OFFSET) == 0);
    MUST(memcmp(header + 24, bytes + 24, PACKET_HEADER_BYTES - 24) == 0);
    MUST(p.symbol == bytes + PACKET_HEADER_BYTES);
    return 0;
}
