/* Beacons, acks and infos, sealed with the right tag so that their fields are looked at: what
 * decodes encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "mbedtls/md.h"
#include "net/session/codec.h"
#include "net/wire/must.h"

static const uint8_t key[SESSION_KEY_BYTES] = "sixteen bytes ok";

static void seal(uint8_t *bytes, size_t n)
{
    uint8_t tag[32];

    MUST(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, sizeof key, bytes,
                         n - SESSION_TAG_BYTES, tag) == 0);
    memcpy(bytes + n - SESSION_TAG_BYTES, tag, SESSION_TAG_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t bytes[SESSION_DATAGRAM_MAX] = "RING\x01", again[SESSION_DATAGRAM_MAX];
    size_t body =
        n < sizeof bytes - 6 - SESSION_TAG_BYTES ? n : sizeof bytes - 6 - SESSION_TAG_BYTES;
    struct session_beacon b;
    struct session_ack a;
    struct session_told t;

    session_beacon_decode(data, n, key, &b);
    session_ack_decode(data, n, key, &a);
    session_info_decode(data, n, key, &t);
    memcpy(bytes + 6, data, body);
    bytes[5] = SESSION_INFO;
    seal(bytes, 6 + body + SESSION_TAG_BYTES);
    if (session_info_decode(bytes, 6 + body + SESSION_TAG_BYTES, key, &t) == 0)
        MUST(session_info_encode(&t, key, again) == 6 + body + SESSION_TAG_BYTES &&
             memcmp(bytes, again, 6 + body + SESSION_TAG_BYTES) == 0);
    bytes[5] = SESSION_BEACON;
    seal(bytes, SESSION_BEACON_BYTES);
    if (session_beacon_decode(bytes, SESSION_BEACON_BYTES, key, &b) == 0) {
        session_beacon_encode(&b, key, again);
        MUST(memcmp(bytes, again, SESSION_BEACON_BYTES) == 0);
    }
    bytes[5] = SESSION_ACK;
    seal(bytes, SESSION_ACK_BYTES);
    if (session_ack_decode(bytes, SESSION_ACK_BYTES, key, &a) == 0) {
        session_ack_encode(&a, key, again);
        MUST(memcmp(bytes, again, SESSION_ACK_BYTES) == 0);
    }
    return 0;
}
