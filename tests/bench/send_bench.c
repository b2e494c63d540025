/* Image to frames out: the whole sender on one core, into one end of a veth pair.
 *
 *   send_bench [IMAGE.ring]     without one, an image of random bytes is made in a file without a
 *                               name in the folder where it is called
 *                               (480 MB, its rows in the page cache)
 *
 * Makes a network namespace of its own (needs root), so nothing leaves the machine. Everything runs
 * on one core: reading ahead, the copies, the tags, the kernel's way down, and the peer's receive
 * path, which on veth is paid by the sender. No rate limit; the median of ROUNDS. Beside it bare
 * frames by the same way, with nothing copied, tagged or read: what the machine can do at all.
 *
 * Speed is Gbit of frames (1514 bytes a packet) a second of CPU time, so that others on the machine
 * weigh less; findings are in four columns for tests/bench/run, what was seen on the clock follows
 * on lines of their own. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "imaging/fec/fec.h"
#include "imaging/hash/sha256.h"
#include "imaging/pace/pace.h"
#include "imaging/send/send.h"
#include "net/ring/ring.h"
#include "net/wire/rng.h"

#define ROUNDS 9
#define SECONDS 0.5
#define FRAME 1514

static struct mono now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static char softirq_times[64]; /* /proc/N/schedstat of this core's ksoftirqd */

static void find_softirq_thread(int cpu)
{
    char want[32], name[32], path[64];
    glob_t g;

    snprintf(want, sizeof want, "ksoftirqd/%d\n", cpu);
    if (glob("/proc/[0-9]*/comm", 0, NULL, &g) != 0)
        return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        FILE *f = fopen(g.gl_pathv[i], "r");

        if (f && fgets(name, sizeof name, f) && !strcmp(name, want)) {
            snprintf(path, sizeof path, "%s", g.gl_pathv[i]);
            snprintf(softirq_times, sizeof softirq_times, "%.*s/schedstat",
                     (int)(strlen(path) - strlen("/comm")), path);
        }
        if (f)
            fclose(f);
    }
    globfree(&g);
}

/* Of the process; and of the kernel's thread that takes over the receive path when it is busy,
 * whoever made it so. */
static double cpu_seconds(void)
{
    unsigned long long softirq_ns = 0;
    struct rusage u;
    FILE *f = fopen(softirq_times, "r");

    if (f) {
        if (fscanf(f, "%llu", &softirq_ns) != 1)
            softirq_ns = 0;
        fclose(f);
    }
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6 + (double)softirq_ns * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "send_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must_run(const char *command)
{
    if (system(command) != 0)
        die(command);
}

/* A namespace with a veth pair; one core. */
static void prepare(void)
{
    int cpu = sched_getcpu();
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    find_softirq_thread(cpu);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        die("sched_setaffinity");
    if (unshare(CLONE_NEWNET) != 0) {
        fprintf(stderr, "send_bench: a network namespace cannot be made: not root\n");
        exit(77);
    }
    must_run("export PATH=$PATH:/usr/sbin:/sbin; ip link add bench0 type veth peer name bench1 && "
             "ip link set bench0 up && ip link set bench1 up");
    for (int i = 0; i < 200; i++) {
        struct ring_if itf;

        if (ring_if_info("bench0", &itf, NULL) == 0 && itf.up)
            return;
        usleep(10000);
    }
    die("the veth pair does not come up");
}

/* Two windows of 64 blocks, together 480 MB: more than any cache. */
static void make_image(struct img_file *f)
{
    static struct img_window w[2] = {{.d = 64, .k = 2560, .r = 64, .first_sbn = 0},
                                     {.d = 64, .k = 2560, .r = 64, .first_sbn = 64}};
    uint64_t bytes = (uint64_t)(2560 + 64) * 64 * IMG_SYMBOL_BYTES;
    struct rng rng = {1};
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    uint64_t *p;

    memset(f, 0, sizeof *f);
    w[0].offset = IMG_STREAM_OFFSET;
    w[1].offset = IMG_STREAM_OFFSET + bytes;
    f->fd = fd;
    f->head.stream_bytes = 2 * bytes;
    f->head.body_bytes = 1000000;
    f->bytes = IMG_STREAM_OFFSET + 2 * bytes + f->head.body_bytes;
    f->body.windows = w;
    f->body.nwindows = 2;
    if (fd < 0 || ftruncate(fd, (off_t)f->bytes) != 0)
        die("the image cannot be made");
    p = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        die("the image cannot be made");
    for (size_t i = 0; i < f->bytes / 8; i++)
        p[i] = rng_u64(&rng);
    sha256(f->head.body_hash, (uint8_t *)p + IMG_STREAM_OFFSET + 2 * bytes, f->head.body_bytes);
    munmap(p, f->bytes);
    if (fstat(fd, &st) != 0)
        die("the image cannot be made");
    f->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

struct result {
    double gbit, cpu;
};

/* A step of nothing but frames: what the way down itself costs. */
static int bare_step(struct frame_sink *sink)
{
    uint8_t *slot[352];
    size_t n = sink->slots(sink->ctx, slot, 352);

    return sink->kick(sink->ctx, n) < 0 ? -1 : (int)n;
}

/* Without a sender: bare frames. */
static struct result measure(struct send *s, struct frame_sink *sink)
{
    struct mono begin = now(), end = mono_add(begin, (int64_t)(SECONDS * 1e9)), t = begin;
    struct mono wake = begin;
    double cpu = cpu_seconds(), bytes, packets = 0;
    struct err err = {0};

    while (mono_sub(end, t) > 0) {
        int n = s ? send_step(s, &wake, &err) : bare_step(sink);

        if (n < 0) {
            fprintf(stderr, "send_bench: %s (%d)\n", err.text, err.code);
            exit(1);
        }
        packets += n;
        t = now();
        if (mono_sub(wake, t) > 0) {
            struct timespec ts = {wake.ns / MONO_S, wake.ns % MONO_S};

            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        }
    }
    bytes = packets * FRAME;
    return (struct result){bytes * 8 / (double)mono_sub(t, begin),
                           (cpu_seconds() - cpu) / bytes * 1e9};
}

static int by_cpu(const void *a, const void *b)
{
    const struct result *x = a, *y = b;

    return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static struct result median_of(struct send *s, struct frame_sink *sink)
{
    struct result r[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        r[i] = measure(s, sink);
    qsort(r, ROUNDS, sizeof *r, by_cpu);
    return r[ROUNDS / 2];
}

static void fail_with(const struct err *err)
{
    fprintf(stderr, "send_bench: %s (%d)\n", err->text, err->code);
    exit(1);
}

/* A goal that bare frames miss as well says something about the machine, not about the sender. */
static void finding(const char *name, double goal, struct result whole, struct result bare)
{
    double speed = 8 / whole.cpu, possible = 8 / bare.cpu;

    printf(
        "sender, one core, %s\t>= %.0f Gbit/s\t%.1f Gbit/s (%.3f CPU s/GB; bare frames %.1f)\t%s\n",
        name, goal, speed, whole.cpu, possible,
        speed >= goal     ? "pass"
        : possible < goal ? "machine"
                          : "FAIL");
    printf("  %s: %.1f Gbit/s on the clock, bare frames %.1f\n", name, whole.gbit, bare.gbit);
}

static void bench(const char *name, double goal, const struct img_file *image,
                  const struct ring_tx_options *opt)
{
    struct send_config config = {
        .image = image, .tsi = 1, .key = "bench bench key", .rate = PACE_UNLIMITED, .clock = now};
    struct result bare, whole;
    struct err err = {0};
    struct ring_tx *tx;
    struct send *s;

    if (ring_tx_open(&tx, "bench0", opt, &err))
        fail_with(&err);
    config.sink = ring_tx_sink(tx);
    bare = median_of(NULL, &config.sink);
    if (send_open(&s, &config, &err))
        fail_with(&err);
    send_start(s);
    whole = median_of(s, NULL);
    send_close(s);
    ring_tx_close(tx);
    finding(name, goal, whole, bare);
}

int main(int argc, char **argv)
{
    struct ring_tx_options opt = {.flow = {.group = 0xefff0102, .port = 7800},
                                  .source = 0xc0000201};
    struct img_file image;
    struct err err = {0};

    fec_init(NULL);
    if (argc > 1 && img_file_open(&image, argv[1], &err)) {
        fprintf(stderr, "send_bench: %s\n", err.text);
        return 1;
    }
    if (argc < 2)
        make_image(&image);
    prepare();
    bench("plain", 8, &image, &opt);
    opt.offload = RING_OFFLOAD_ON;
    bench("offload", 20, &image, &opt);
    if (system("PATH=$PATH:/usr/sbin:/sbin ethtool -K bench0 tx-udp-segmentation off") == 0)
        bench("offload, cut by the kernel", 8, &image, &opt);
    return 0;
}
