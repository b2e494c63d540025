/* A sequence of packets from a few clients, with time passing: the server's table stays whole, what
 * it sends fits, and all it opened is closed. Each step is a byte: 0xf0 and up let time pass;
 * others choose client and port, and a packet follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tftp/server.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"

static int open_now;

static int zero_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    (void)ctx;
    memset(to, 0, n);
    return offset > 3000000 ? CONTENT_EREAD : 0;
}

static void zero_close(void *ctx)
{
    (void)ctx;
    open_now--;
}

static int zero_open(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    static const uint64_t sizes[] = {0, 5, 512, 40000, 4000000, UINT64_MAX / 2};

    (void)ctx;
    (void)mac;
    if (*name < 'a' || *name > 'f')
        return *name == 'z' ? CONTENT_EBUSY : CONTENT_ENAME;
    open_now++;
    *out = (struct content){.size = sizes[*name - 'a'], .read = zero_read, .close = zero_close};
    return 0;
}

static void drain(struct tftp_server *s, struct mono now)
{
    struct tftp_out out;
    unsigned n = 0;

    while (tftp_server_output(s, now, &out)) {
        MUST(out.n >= 4 && out.n <= TFTP_PACKET_MAX && out.local < s->locals);
        MUST(++n <= TFTP_TRANSFERS_MAX * TFTP_WINDOW_MAX);
    }
    MUST(s->in_flight < TFTP_IN_FLIGHT + TFTP_WINDOW_MAX);
}

static void packet(struct tftp_server *s, struct mono now, unsigned who, struct reader *r)
{
    struct tftp_client from = {1 + who % 3, (uint16_t)(1 + who / 3 % 4)};
    size_t n = rd_u8(r);
    struct tftp_out reply;
    const uint8_t *bytes = rd_bytes(r, n < r->left ? n : r->left);

    if (bytes &&
        tftp_server_input(s, now, from, who / 12 % 3 ? TFTP_LISTENING : (uint16_t)(who / 36 % 2),
                          NULL, bytes, (size_t)(r->at - bytes), &reply))
        MUST(reply.n >= 5 && reply.n <= TFTP_PACKET_MAX && reply.local < s->locals);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct tftp_server s;
    struct reader r = reader_on(bytes, n);
    struct mono now = {0};

    memset(&s, 0, sizeof s);
    s.source.open = zero_open;
    s.locals = 2;
    for (unsigned step = 0; r.left && step < 300; step++) {
        unsigned what = rd_u8(&r);

        if (what >= 0xf0)
            now = mono_add(now, (int64_t)(MONO_MS << (what & 15)));
        else
            packet(&s, now, what, &r);
        drain(&s, now);
        tftp_server_tick(&s, now);
        drain(&s, now);
    }
    tftp_server_end(&s);
    MUST(open_now == 0 && s.live == 0 && s.in_flight == 0 && s.first == 0);
    return 0;
}
