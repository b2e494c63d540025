/* The receiver on one core: from datagrams in memory to a verified, read-back target.
 *
 *     receive_bench IMAGE.ring TARGET [LOSS-PERCENT] [SECONDS-OF-PACING-OFF]
 *
 * The image's stream is sealed into datagrams beforehand; then they are given to the receiver as
 * fast as it takes them, the whole process on CPU 0, TARGET (written over) preferably on a RAM
 * disk. It is filled beforehand, because a virtual machine may have to ask its host for every page
 * that a file touches first. Says Gbit/s of wire (1538 bytes a datagram) and CPU seconds per GB of
 * wire. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "imaging/image/file.h"
#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "imaging/receive/receive.h"
#include "net/wire/rng.h"

#define WIRE_BYTES 1538.0
#define REPAIR 244u
#define BATCH 256

struct bench {
    struct img_file image;
    struct mac_key key;
    uint8_t secret[MAC_KEY_BYTES];
    uint8_t *datagrams;
    uint64_t n, room;
    struct rng rng;
    double loss;
};

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One visit of a window as the carousel would send it, less what is lost. */
static void seal_window(struct bench *b, const struct img_window *w, uint32_t *cci)
{
    for (uint32_t row = 0; row < w->k + REPAIR; row++)
        for (uint32_t d = 0; d < w->d; d++) {
            struct packet p = {.cci = (*cci)++,
                               .sbn = w->first_sbn + d,
                               .tsi = 1,
                               .toi = PACKET_TOI_STREAM,
                               .k = w->k,
                               .esi = (uint16_t)row,
                               .lg_t = 8};
            uint8_t *at = b->datagrams + b->n * PACKET_BYTES;

            if (rng_unit(&b->rng) < b->loss)
                continue;
            packet_header_encode(&p, at);
            if (img_file_read(&b->image, img_row_at(w, row) + (uint64_t)d * PACKET_SYMBOL_BYTES,
                              at + PACKET_HEADER_BYTES, PACKET_SYMBOL_BYTES, NULL))
                exit(1);
            mac_seal(&b->key, at);
            b->n++;
        }
}

static void seal(struct bench *b)
{
    const struct img_body *body = &b->image.body;
    uint32_t cci = 1;

    for (uint32_t w = 0; w < body->nwindows; w++)
        b->room += (uint64_t)(body->windows[w].k + REPAIR) * body->windows[w].d;
    b->datagrams = malloc(b->room * PACKET_BYTES);
    if (!b->datagrams) {
        fprintf(stderr, "receive_bench: no memory for %llu datagrams\n",
                (unsigned long long)b->room);
        exit(1);
    }
    for (uint32_t w = 0; w < body->nwindows; w++)
        seal_window(b, body->windows + w, &cci);
}

/* Gives datagrams until the receiver has all; it is waited for where the ring would wait in the
 * kernel's buffer. */
static uint64_t give(struct bench *b, struct receive *r)
{
    struct collect c;
    uint64_t i = 0;

    collect_init(&c, b->secret, 1, NULL, receive_counts(r));
    receive_attach(r, &c, NULL);
    if (!c.intake) {
        fputs("receive_bench: the target holds the image already: remove it first\n", stderr);
        exit(1);
    }
    c.intake->patient = true;
    while (i < b->n && !receive_complete(r) && !receive_stopped(r)) {
        for (uint64_t end = i + BATCH < b->n ? i + BATCH : b->n; i < end; i++)
            collect_datagram(&c, b->datagrams + i * PACKET_BYTES, PACKET_BYTES, 1);
        receive_events(r);
    }
    while (!receive_complete(r) && !receive_stopped(r) && i == b->n)
        receive_events(r);
    return i;
}

static void fill(const char *path, uint64_t bytes)
{
    static uint8_t junk[1 << 20];
    FILE *f = fopen(path, "w");

    memset(junk, 0x55, sizeof junk);
    for (uint64_t n; f && bytes > 0; bytes -= n) {
        n = bytes < sizeof junk ? bytes : sizeof junk;
        if (fwrite(junk, 1, n, f) != n)
            break;
    }
    if (!f || fclose(f) || bytes > 0) {
        fprintf(stderr, "receive_bench: %s cannot be filled\n", path);
        exit(1);
    }
}

static void fail(const struct err *err)
{
    fprintf(stderr, "receive_bench: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct receive_options opt = {.verify = true, .threads = 1, .memory = RECEIVE_MEMORY};
    struct receive *r;
    struct disk disk;
    struct disk_want want = {0};
    struct err err = {0};
    struct rusage use;
    cpu_set_t cpu;
    double wall, used, bytes;
    uint64_t given;

    if (argc < 3) {
        fputs("usage: receive_bench IMAGE.ring TARGET [LOSS-PERCENT]\n", stderr);
        return 2;
    }
    CPU_ZERO(&cpu);
    CPU_SET(0, &cpu);
    sched_setaffinity(0, sizeof cpu, &cpu);
    fec_init(NULL);
    b.loss = argc > 3 ? atof(argv[3]) / 100 : 0.01;
    b.rng.state = 1;
    mac_key_init(&b.key, b.secret);
    if (img_file_open(&b.image, argv[1], &err))
        fail(&err);
    seal(&b);
    fill(argv[2], b.image.head.raw_bytes);
    want.min_bytes = want.make_bytes = b.image.head.raw_bytes;
    want.create = true;
    if (disk_target_open(&disk, argv[2], &want, &err))
        fail(&err);
    wall = now_s(CLOCK_MONOTONIC);
    used = now_s(CLOCK_PROCESS_CPUTIME_ID);
    if (receive_open(&r, &b.image.head, &b.image.body, &disk, &opt, &err))
        fail(&err);
    given = give(&b, r);
    if (receive_finish(r, &err))
        fail(&err);
    wall = now_s(CLOCK_MONOTONIC) - wall;
    used = now_s(CLOCK_PROCESS_CPUTIME_ID) - used;
    bytes = (double)given * WIRE_BYTES;
    getrusage(RUSAGE_SELF, &use);
    printf("%.2f Gbit/s of wire on one core, %.2f CPU s per GB of wire (%.0f MB, LZ4 %.2f:1, loss "
           "%.1f %%, %llu blocks "
           "decoded, %.1f s, fec %s)\n",
           bytes * 8e-9 / wall, used / (bytes * 1e-9), bytes * 1e-6,
           (double)b.image.head.data_bytes / (double)b.image.head.stream_bytes *
               (1 + 256.0 / 12288),
           b.loss * 100, (unsigned long long)atomic_load(&receive_counts(r)->decoded), wall,
           fec_isa());
    receive_close(r);
    disk_close(&disk);
    img_file_close(&b.image);
    free(b.datagrams);
    return 0;
}
