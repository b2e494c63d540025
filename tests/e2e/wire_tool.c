/* Datagrams over real frames, for the scripts beside this file.
 *
 *   wire_tool send IF SECONDS BYTES_PER_SECOND [offload|bypass]   sealed, numbered datagrams (0: no
 *                                                                 rate limit), for SECONDS or until
 *                                           SIGTERM; says on stderr when it sends, and when the
 *                                           link goes down or comes back
 *   wire_tool recv IF [STALL_MS]            counts them until SIGTERM and what has arrived by then;
 *                                           stalls once after 1000 of them
 *                                           (-1: until SIGTERM); says on stderr when it hears some
 *                                           again, and when none came for 0.1 s
 *   wire_tool write FILE N                  N random legal datagrams, back to back
 *   wire_tool accept FILE                   checks tag and header of each datagram of a file
 *   wire_tool stream IMAGE FILE [PPM]       a pass of the image's ring; PPM: the loss that is
 *                                           reported, to steer the repair
 *   wire_tool control IF SECONDS            counts frames of the control socket that keeps the flow
 *                                           out
 *
 * Results are one JSON object on stdout. The flow, the key and the session are the constants below.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>

#include "imaging/fec/fec.h"
#include "imaging/pace/pace.h"
#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "imaging/send/send.h"
#include "net/ring/ring.h"
#include "net/wire/rng.h"

static const struct ring_flow flow = {.group = 0xefff0102 /* 239.255.1.2 */, .port = 7800};
static const uint8_t secret[MAC_KEY_BYTES] = "ring test secret";
static struct mac_key key;

static volatile sig_atomic_t ended;

static void on_term(int signal)
{
    (void)signal;
    ended = 1;
}

#define TSI 0x5249
#define K 12288
#define BATCH 64

static struct mono now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static void sleep_until(struct mono t)
{
    struct timespec ts = {t.ns / MONO_S, t.ns % MONO_S};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int failed(const struct err *err)
{
    fprintf(stderr, "wire_tool: %s (%d)\n", err->text, err->code);
    return 1;
}

static void datagram_fill(uint8_t *d, uint32_t number)
{
    struct packet p = {.cci = number,
                       .sbn = number / K,
                       .tsi = TSI,
                       .toi = PACKET_TOI_STREAM,
                       .k = K,
                       .esi = (uint16_t)(number % K),
                       .lg_t = 8};

    packet_header_encode(&p, d);
    memset(d + PACKET_HEADER_BYTES, (int)(number & 0xff), PACKET_SYMBOL_BYTES);
    mac_seal(&key, d);
}

/* A link that is down may come back. */
static int send_paced(struct frame_sink *sink, struct pace *pace, double seconds, uint32_t *number)
{
    struct mono end = mono_add(now(), (int64_t)(seconds * 1e9)), t;
    uint8_t *slot[BATCH];
    bool down = false;

    fprintf(stderr, "sends\n");
    while (!ended && mono_sub(end, t = now()) > 0) {
        uint32_t allowed = pace_allow(pace, t);
        size_t n = sink->slots(sink->ctx, slot, allowed < BATCH ? allowed : BATCH);
        int e;

        for (size_t i = 0; i < n; i++)
            datagram_fill(slot[i], (*number)++);
        e = sink->kick(sink->ctx, n);
        if (e && e != RING_ERR_DOWN)
            return e;
        if (down != (e != 0))
            fprintf(stderr, e ? "down\n" : "up\n");
        down = e != 0;
        t = e ? mono_add(now(), 10 * MONO_MS) : now();
        sleep_until(t);
        pace_spent(pace, t, (uint32_t)n);
        if (n == 0)
            sleep_until(pace_next(pace, t));
    }
    return 0;
}

static int send_main(const char *ifname, double seconds, uint64_t rate, const char *how)
{
    static struct pace pace;
    struct ring_tx_options opt = {.flow = flow,
                                  .source = 0xc0000201,
                                  .ttl = 4,
                                  .offload = how && !strcmp(how, "offload") ? RING_OFFLOAD_ON
                                                                            : RING_OFFLOAD_OFF,
                                  .bypass = how && !strcmp(how, "bypass")};
    struct ring_tx_counts c;
    struct frame_sink sink;
    struct ring_tx *tx;
    struct err err = {0};
    uint32_t number = 0;
    int e;

    if (ring_tx_open(&tx, ifname, &opt, &err))
        return failed(&err);
    sink = ring_tx_sink(tx);
    (void)sched_setscheduler(0, SCHED_FIFO,
                             &(struct sched_param){.sched_priority = 1}); /* as the box does */
    pace_init(&pace, rate, now());
    e = send_paced(&sink, &pace, seconds, &number);
    for (int i = 0; i < 1000 && !e; i++) { /* what the kernel had no room for */
        sleep_until(mono_add(now(), MONO_MS));
        e = sink.kick(sink.ctx, 0);
    }
    ring_tx_counts(tx, &c);
    printf("{\"sent\": %" PRIu32 ", \"accepted\": %" PRIu64 ", \"kicks\": %" PRIu64
           ", \"busy\": %" PRIu64 ", \"error\": %d}\n",
           number, c.datagrams, c.kicks, c.busy, e);
    ring_tx_close(tx);
    return e != 0;
}

struct tally {
    uint64_t good, bad, twice, backward;
    uint32_t last, most;
};

static void count(struct tally *t, const struct frame_in *in)
{
    struct packet p;

    if (in->n != PACKET_BYTES || !mac_check(&key, in->bytes) ||
        packet_decode(in->bytes, in->n, &p)) {
        t->bad++;
        return;
    }
    t->backward += t->good > 0 && p.cci < t->last;
    t->twice += t->good > 0 && p.cci == t->last;
    t->last = p.cci;
    t->most = p.cci > t->most ? p.cci : t->most;
    t->good++;
}

static int recv_main(const char *ifname, int stall_ms)
{
    struct frame_in in[BATCH];
    struct ring_rx_counts c;
    struct frame_source source;
    struct ring_rx *rx;
    struct err err = {0};
    struct tally t = {0};
    bool hears = false;
    int n, empty = 0;

    if (ring_rx_open(&rx, ifname, &flow, 0, &err))
        return failed(&err);
    source = ring_rx_source(rx);
    fprintf(stderr, "ready\n");
    /* the sender has ended by then: an empty ring stays empty; the signal itself ends one look
     * early */
    while (!ended || empty < 2) {
        n = source.poll(source.ctx, in, BATCH, 100);
        for (int i = 0; i < n; i++)
            count(&t, &in[i]);
        empty = ended && n <= 0 ? empty + 1 : 0;
        if (hears != (n > 0))
            fprintf(stderr, n > 0 ? "hears\n" : "silent\n");
        hears = n > 0;
        for (int ms = 0; t.good > 1000 && (stall_ms < 0 ? !ended : ms < stall_ms); ms += 10)
            sleep_until(mono_add(now(), 10 * MONO_MS));
        if (t.good > 1000)
            stall_ms = 0;
    }
    ring_rx_counts(rx, &c);
    printf("{\"good\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"twice\": %" PRIu64
           ", \"backward\": %" PRIu64 ", \"span\": %" PRIu32 ", \"dropped\": %" PRIu64
           ", \"malformed\": %" PRIu64 "}\n",
           t.good, t.bad, t.twice, t.backward, t.good ? t.most + 1 : 0, c.dropped, c.malformed);
    ring_rx_close(rx);
    return 0;
}

static int write_main(const char *path, int n)
{
    FILE *f = fopen(path, "wb");
    struct rng rng = {42};

    for (int i = 0; f && i < n; i++) {
        uint8_t d[PACKET_BYTES];
        struct packet p = {.cci = (uint32_t)rng_u64(&rng),
                           .sbn = (uint32_t)rng_u64(&rng),
                           .tsi = (uint16_t)(1 + rng_below(&rng, 65535)),
                           .toi = (uint16_t)rng_below(&rng, 2),
                           .k = (uint16_t)(1 + rng_below(&rng, K)),
                           .lg_t = (uint8_t)(8 + rng_below(&rng, 5)),
                           .close = rng_below(&rng, 2)};

        p.esi = (uint16_t)rng_below(&rng, p.k + (1u << p.lg_t));
        packet_header_encode(&p, d);
        for (int b = PACKET_HEADER_BYTES; b < PACKET_BYTES; b++)
            d[b] = (uint8_t)rng_u64(&rng);
        mac_seal(&key, d);
        fwrite(d, sizeof d, 1, f);
    }
    return !f || fclose(f) != 0;
}

static int accept_main(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t d[PACKET_BYTES];
    int good = 0, bad = 0;

    while (f && fread(d, sizeof d, 1, f) == 1) {
        struct packet p;

        if (mac_check(&key, d) && packet_decode(d, sizeof d, &p) == 0)
            good++;
        else
            bad++;
    }
    printf("{\"good\": %d, \"bad\": %d}\n", good, bad);
    return !f || fclose(f) != 0;
}

/* A sink that is a file. */
static struct {
    FILE *f;
    uint8_t slot[BATCH][DATAGRAM_BYTES];
    unsigned loops;
} file_sink;

static size_t file_slots(void *ctx, uint8_t **out, size_t want)
{
    size_t n = want < BATCH ? want : BATCH;

    (void)ctx;
    for (size_t i = 0; i < n; i++)
        out[i] = file_sink.slot[i];
    return n;
}

static int file_kick(void *ctx, size_t n)
{
    (void)ctx;
    return fwrite(file_sink.slot, DATAGRAM_BYTES, n, file_sink.f) != n;
}

static void count_loops(void *ctx, enum send_event what, uint64_t value)
{
    (void)ctx, (void)value;
    file_sink.loops += what == SEND_LOOP;
}

static int stream_main(const char *image_path, const char *path, uint32_t ppm)
{
    struct steer_report report = {.mean_ppm = ppm, .worst_ppm = ppm + ppm / 2, .reporters = 1};
    struct send_config config = {.sink = {.slots = file_slots, .kick = file_kick},
                                 .tsi = TSI,
                                 .memory = UINT64_C(1) << 30,
                                 .clock = now,
                                 .tell = count_loops};
    struct img_file image;
    struct err err = {0};
    struct mono wake;
    struct send *s;
    int n = 0;

    fec_init(NULL);
    memcpy(config.key, secret, sizeof config.key);
    config.image = &image;
    file_sink.f = fopen(path, "wb");
    if (!file_sink.f || img_file_open(&image, image_path, &err) || send_open(&s, &config, &err))
        return failed(&err);
    if (ppm)
        send_report(s, &report);
    send_start(s);
    while (n >= 0 && file_sink.loops < 2) {
        n = send_step(s, &wake, &err);
        sleep_until(wake);
    }
    send_close(s);
    img_file_close(&image);
    return fclose(file_sink.f) != 0 || n < 0;
}

/* Whether the checksum of a TCP segment in an IPv4 frame is right, once more and the long way. */
static bool tcp_sum_right(const uint8_t *f, int n)
{
    int header = (f[14] & 15) * 4, total = f[16] << 8 | f[17], segment = total - header;
    uint32_t sum = 6 + (uint32_t)segment;

    if (header < 20 || segment < 20 || 14 + total > n)
        return false;
    for (int i = 26; i < 34; i++)
        sum += i % 2 ? f[i] : (uint32_t)f[i] << 8;
    for (int i = 0; i < segment; i++)
        sum += i % 2 ? f[14 + header + i] : (uint32_t)f[14 + header + i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* Counts by EtherType and IP protocol; TCP segments whose checksum does not fit are `broken`. */
static int control_main(const char *ifname, double seconds)
{
    static uint8_t frame[RING_CTL_FRAME_MAX];
    struct mono end = mono_add(now(), (int64_t)(seconds * 1e9));
    struct ring_ctl *ctl;
    struct err err = {0};
    int arp = 0, tcp = 0, udp = 0, other = 0, broken = 0, n;

    if (ring_ctl_open(&ctl, ifname, &err) || ring_ctl_skip(ctl, &flow, 1, &err))
        return failed(&err);
    fprintf(stderr, "ready\n");
    while (mono_sub(end, now()) > 0) {
        struct pollfd p = {.fd = ring_ctl_fd(ctl), .events = POLLIN};

        (void)poll(&p, 1, 50);
        while ((n = ring_ctl_recv(ctl, frame, sizeof frame)) > 0) {
            bool ip = frame[12] == 8 && frame[13] == 0;

            arp += frame[12] == 8 && frame[13] == 6;
            tcp += ip && frame[23] == 6;
            broken += ip && frame[23] == 6 && !tcp_sum_right(frame, n);
            udp += ip && frame[23] == 17;
            other +=
                !(frame[12] == 8 && frame[13] == 6) && !(ip && (frame[23] == 6 || frame[23] == 17));
        }
    }
    printf("{\"arp\": %d, \"tcp\": %d, \"udp\": %d, \"other\": %d, \"broken\": %d}\n", arp, tcp,
           udp, other, broken);
    ring_ctl_close(ctl);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";

    mac_key_init(&key, secret);
    signal(SIGTERM, on_term);
    if (!strcmp(what, "send") && argc >= 5)
        return send_main(argv[2], atof(argv[3]), strtoull(argv[4], NULL, 10), argv[5]);
    if (!strcmp(what, "recv"))
        return recv_main(argv[2], argc > 3 ? atoi(argv[3]) : 0);
    if (!strcmp(what, "write") && argc == 4)
        return write_main(argv[2], atoi(argv[3]));
    if (!strcmp(what, "accept") && argc == 3)
        return accept_main(argv[2]);
    if (!strcmp(what, "stream") && argc >= 4)
        return stream_main(argv[2], argv[3], argv[4] ? (uint32_t)atoi(argv[4]) : 0);
    if (!strcmp(what, "control") && argc == 4)
        return control_main(argv[2], atof(argv[3]));
    fprintf(stderr, "usage: see the head of tests/e2e/wire_tool.c\n");
    return 2;
}
