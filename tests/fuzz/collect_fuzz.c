/* Datagrams of a member of the group, who holds the key: honest packets of a small image in their
 * order, and among them any other. Sealed ones go through collect and intake with everything behind
 * it. Whatever comes, a receiver that says it has all has the source, and one that has not leaves a
 * target that looks empty. */
#include <stdio.h>

#include "imaging/receive/receive.h"
#include "tests/unit/made_image.h"
#include "tests/unit/memory_disk.h"

#define RAW (UINT64_C(5) << 18) /* small: what a run costs is its packets */
#define TSI 7
#define STEP 8

static const uint8_t secret[MAC_KEY_BYTES] = "sixteen bytes k";
static struct made_image image;
static struct mac_key key;

/* The honest sender's place in its round. */
struct sender {
    struct collect c;
    uint32_t cci, window, row, block;
};

static void advance(struct sender *s)
{
    const struct img_window *w = image.body.windows + s->window;

    s->cci++;
    if (++s->block < w->d)
        return;
    s->block = 0;
    if (++s->row < w->k + MADE_REPAIR)
        return;
    s->row = 0;
    s->window = (s->window + 1) % image.body.nwindows;
}

static struct packet honest(const struct sender *s)
{
    const struct img_window *w = image.body.windows + s->window;

    return (struct packet){.cci = s->cci,
                           .tsi = TSI,
                           .toi = PACKET_TOI_STREAM,
                           .sbn = w->first_sbn + s->block,
                           .k = w->k,
                           .esi = (uint16_t)s->row,
                           .lg_t = 8,
                           .symbol = made_symbol(&image, w, s->block, s->row)};
}

static void send_sealed(struct sender *s, const struct packet *p, uint8_t spoil)
{
    uint8_t datagram[PACKET_BYTES];

    packet_header_encode(p, datagram);
    memcpy(datagram + PACKET_HEADER_BYTES, p->symbol, PACKET_SYMBOL_BYTES);
    datagram[PACKET_HEADER_BYTES + 5 * spoil] ^= spoil;
    mac_seal(&key, datagram);
    collect_datagram(&s->c, datagram, sizeof datagram, s->cci);
}

/* One packet as the bytes want it, legal in form; its symbol is that of the honest place, with a
 * fault in it perhaps. */
static void send_strange(struct sender *s, const uint8_t *d)
{
    struct packet p = honest(s);

    p.cci += (uint32_t)(int8_t)d[1] * (d[0] & 1 ? 1u : 1u << 24);
    if (d[0] & 2)
        p.sbn = d[2] & 0x80 ? UINT32_MAX - d[2] : d[2] % 8u;
    if (d[0] & 4)
        p.lg_t = (uint8_t)(8 + d[3] % 5);
    if (d[0] & 8)
        p.k = (uint16_t)(1 + (d[4] << 8 | d[5]) % PACKET_K_MAX);
    p.esi = (uint16_t)((d[6] << 8 | d[7]) % (p.k + (1u << p.lg_t)));
    if (d[0] & 16)
        p.toi = PACKET_TOI_BODY;
    send_sealed(s, &p, d[0] & 32 ? d[2] : 0);
}

static void step(struct sender *s, const uint8_t *d)
{
    struct packet p;
    uint32_t n = 1u + (d[1] << 8 | d[2]) % 512u;

    if (d[0] >= 128)
        send_strange(s, d);
    else if (d[0] >= 126)
        collect_datagram(&s->c, d, d[1] % STEP, 1);
    for (; d[0] < 126 && n > 0; n--) {
        if (d[0] < 64 || d[3 + n % 5] % 32) { /* some are lost */
            p = honest(s);
            send_sealed(s, &p, 0);
        }
        advance(s);
    }
}

static void judge(struct receive *r, const struct memory_disk *m)
{
    static const uint8_t zeros[EDGE_BYTES];
    struct err err = {0};

    if (!receive_settle(r)) {
        receive_stop(r, &(struct err){.code = RECEIVE_EINTR, .text = "enough"});
        MUST(receive_finish(r, &err) == RECEIVE_EINTR);
        MUST(!memcmp(m->bytes, zeros, EDGE_BYTES));
        return;
    }
    MUST(receive_finish(r, &err) == 0);
    for (uint32_t i = 0; i < image.body.ndata; i++) {
        uint64_t at = (uint64_t)image.body.data[i].number * IMG_CHUNK_BYTES;

        MUST(!memcmp(m->bytes + at, image.raw + at, img_raw_len(RAW, image.body.data[i].number)));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fec_init(NULL);
    mac_key_init(&key, secret);
    made_image(&image, RAW, 2, 2, 3);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct sender s; /* its key wants alignment */
    struct receive_options opt = {.verify = true,
                                  .patient = true,
                                  .threads = 1,
                                  .memory = RECEIVE_MEMORY,
                                  .park_bytes = 1 << 20};
    struct receive_counts before;
    struct memory_disk m;
    struct disk disk = memory_disk(&m, RAW, 0);
    struct receive *r;
    struct err err = {0};
    size_t half = n / STEP / 4;

    memset(&s, 0, sizeof s);
    memset(&before, 0, sizeof before);
    MUST(receive_open(&r, &image.head, &image.body, &disk, &opt, &err) == 0);
    collect_init(&s.c, secret, TSI, NULL, &before);
    collect_keep(&s.c);
    for (size_t i = 0; i < n / STEP; i++) {
        if (i == half)
            receive_attach(r, &s.c, NULL);
        step(&s, data + i * STEP);
        if (s.c.intake)
            receive_events(r);
    }
    judge(r, &m);
    collect_free(&s.c);
    receive_close(r);
    memory_free(&m);
    return 0;
}
