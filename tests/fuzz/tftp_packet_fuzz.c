/* Any packet to a TFTP server: what decodes is legal. */
#include <stdlib.h>
#include <string.h>

#include "net/tftp/codec.h"
#include "net/wire/must.h"

static void check_options(const struct tftp_options *o)
{
    uint8_t out[TFTP_PACKET_MAX];

    MUST(o->n <= TFTP_OPTIONS);
    for (unsigned i = 0; i < o->n; i++) {
        MUST(o->order[i] < TFTP_OPTIONS);
        for (unsigned j = 0; j < i; j++)
            MUST(o->order[i] != o->order[j]);
    }
    if (tftp_options_have(o, TFTP_BLKSIZE))
        MUST(o->value[TFTP_BLKSIZE] >= TFTP_BLKSIZE_MIN &&
             o->value[TFTP_BLKSIZE] <= TFTP_BLKSIZE_TOP);
    MUST(tftp_encode_oack(out, o) <= sizeof out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    struct tftp_packet p;

    memcpy(copy, bytes, n);
    if (tftp_decode(copy, n, &p) == 0) {
        if (p.opcode == TFTP_RRQ || p.opcode == TFTP_WRQ) {
            MUST(p.u.request.name_bytes < n &&
                 !memchr(p.u.request.name, 0, p.u.request.name_bytes));
            check_options(&p.u.request.options);
        } else if (p.opcode == TFTP_ERROR) {
            for (const char *c = p.u.error.text; *c; c++)
                MUST(*c >= ' ' && *c <= '~');
        } else {
            MUST(p.opcode == TFTP_ACK);
        }
    }
    free(copy);
    return 0;
}
