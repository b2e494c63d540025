/* A sequence of frames to a claim, with time passing between them: a byte of length each, or 0 and
 * a byte of tenths of a second. What it sends is read back by another claim of the same address,
 * which takes it for a sign unless it holds the address and heard a probe. */
#include <stdlib.h>
#include <string.h>

#include "net/ip/claim.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"

static void step(struct ip_claim *c, struct mono now)
{
    static const uint8_t other[6] = {2, 0, 0, 0, 0, 2};
    uint8_t out[IP_ARP_FRAME_BYTES];
    char text[IP_CLAIM_TEXT];
    struct ip_claim twin;
    bool changed;
    size_t n = ip_claim_tick(c, now, out, &changed);

    MUST(n == 0 || n == sizeof out);
    if (n) {
        ip_claim_init(&twin, other, c->address, 1, now);
        MUST(ip_claim_hear(&twin, now, out, n) && twin.state == IP_CLAIM_LOST);
    }
    MUST(strlen(ip_claim_text(text, c)) < IP_CLAIM_TEXT);
    MUST(ip_claim_holds(c) || c->sent <= IP_CLAIM_PROBES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct reader r = reader_on(bytes, n);
    struct mono now = {0};
    struct ip_claim c;

    ip_claim_init(&c, mac, 0x0A4D0001, 7, now);
    while (r.left) {
        size_t length = rd_u8(&r);
        uint8_t *copy;

        if (!length)
            now = mono_add(now, rd_u8(&r) * 100 * MONO_MS);
        if (length > r.left)
            length = r.left;
        copy = malloc(length ? length : 1);
        rd_copy(&r, copy, length);
        if (length)
            ip_claim_hear(&c, now, copy, length);
        free(copy);
        step(&c, now);
    }
    return 0;
}
