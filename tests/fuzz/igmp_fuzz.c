/* A sequence of datagrams to the querier, with time passing between them: a byte of length each, or
 * 0 and a byte of seconds. What it sends can be read by itself, and is never much. */
#include <stdlib.h>
#include <string.h>

#include "net/igmp/querier.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"

static void step(struct igmp_querier *q, struct mono now)
{
    uint8_t out[IGMP_DATAGRAM_MAX];
    struct igmp_message m;
    unsigned sent = 0;
    size_t n;

    while (igmp_querier_step(q, now, out, &n)) {
        MUST(n <= sizeof out && igmp_decode(out, n, &m) == 0 && m.type == IGMP_QUERY &&
             m.from == q->address);
        MUST(++sent <= 2 + IGMP_LEFT_MAX);
    }
    MUST(igmp_querier_pause(q, now) >= 0 && igmp_querier_pause(q, now) <= MONO_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct igmp_querier q = {.address = 0x0A000005};
    struct reader r = reader_on(bytes, n);
    struct mono now = {0};

    igmp_querier_begin(&q, now);
    while (r.left) {
        size_t length = rd_u8(&r);
        uint8_t *copy;

        if (!length)
            now = mono_add(now, rd_u8(&r) * MONO_S);
        if (length > r.left)
            length = r.left;
        copy = malloc(length ? length : 1);
        rd_copy(&r, copy, length);
        if (length)
            igmp_querier_input(&q, now, copy, length);
        free(copy);
        step(&q, now);
    }
    return 0;
}
