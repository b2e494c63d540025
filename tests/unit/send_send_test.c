/* The joined sending stages over an image in memory and a sink that opens every datagram: its tag,
 * its header, and its symbol against the image's bytes or against an encoder of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "imaging/fec/fec.h"
#include "imaging/hash/sha256.h"
#include "imaging/pace/pace.h"
#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "imaging/send/send.h"
#include "net/wire/rng.h"

#define SYMBOL IMG_SYMBOL_BYTES
#define BODY_BYTES 300000 /* 209 symbols, the last one short */
#define BODY_K 209
#define TSI 77
#define WINDOWS 2

static const uint8_t secret[16] = "send test secret";

/* ---- an image ---- */

static const struct img_window shape[WINDOWS] = {
    {.d = 3, .k = 700, .r = 60, .first_sbn = 0},
    {.d = 2, .k = 300, .r = 60, .first_sbn = 3},
};

static struct img_window windows[WINDOWS];
static struct img_file image; /* in a file that has no name */
static uint8_t *map;
static struct mac_key key;
static struct fec_scratch scratch;

static uint8_t *stream_at(const struct img_window *w, unsigned row, unsigned block)
{
    return map + img_row_at(w, row) + (size_t)block * SYMBOL;
}

/* Repair symbols first … first + n - 1 of a block of the stream, by one straightforward encoding.
 */
static void encode(const struct img_window *w, unsigned block, unsigned lg_t, unsigned first,
                   unsigned n, uint8_t *to)
{
    uint8_t *acc = aligned_alloc(64, fec_acc_bytes(lg_t));
    uint8_t *out[1 << FEC_LG_T_MAX];

    assert_non_null(acc);
    fec_clear(acc, lg_t);
    for (unsigned i = 0; i < w->k; i++) {
        const uint8_t *sym = stream_at(w, i, block);

        fec_absorb_source(acc, lg_t, i, 1, &sym, &scratch);
    }
    for (unsigned i = 0; i < n; i++)
        out[i] = to + (size_t)i * SYMBOL;
    fec_repair(acc, lg_t, first, n, out, &scratch);
    free(acc);
}

static void make_parity(const struct img_window *w)
{
    uint8_t *repair = malloc((size_t)w->r * SYMBOL);

    assert_non_null(repair);
    for (unsigned b = 0; b < w->d; b++) {
        encode(w, b, 8, 0, w->r, repair);
        for (unsigned i = 0; i < w->r; i++)
            memcpy(stream_at(w, w->k + i, b), repair + (size_t)i * SYMBOL, SYMBOL);
    }
    free(repair);
}

static void as_it_is_now(struct img_file *f)
{
    struct stat st;

    assert_int_equal(fstat(f->fd, &st), 0);
    f->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

static int make_image(void **state)
{
    struct rng rng = {5};
    uint64_t offset = IMG_STREAM_OFFSET;

    (void)state;
    fec_init(NULL);
    mac_key_init(&key, secret);
    for (int i = 0; i < WINDOWS; i++) {
        windows[i] = shape[i];
        windows[i].offset = offset;
        offset += (uint64_t)(shape[i].k + shape[i].r) * shape[i].d * SYMBOL;
    }
    image.head.stream_bytes = offset - IMG_STREAM_OFFSET;
    image.head.body_bytes = BODY_BYTES;
    image.bytes = offset + BODY_BYTES;
    image.fd = memfd_create("send_test", 0);
    assert_int_equal(ftruncate(image.fd, (off_t)image.bytes), 0);
    map = mmap(NULL, image.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, image.fd, 0);
    assert_true(map != MAP_FAILED);
    for (size_t i = 0; i < image.bytes; i++)
        map[i] = (uint8_t)rng_u64(&rng);
    sha256(image.head.body_hash, map + offset, BODY_BYTES);
    image.body.windows = windows;
    image.body.nwindows = WINDOWS;
    for (int i = 0; i < WINDOWS; i++)
        make_parity(&windows[i]);
    as_it_is_now(&image);
    return 0;
}

static int free_image(void **state)
{
    (void)state;
    close(image.fd);
    return munmap(map, image.bytes);
}

/* ---- a clock, and a sink that checks ---- */

static struct mono clock_now;

static struct mono fake_clock(void)
{
    return clock_now;
}

#define SLOTS 100

static struct {
    uint8_t slot[SLOTS][DATAGRAM_BYTES];
    size_t lent, room; /* room: slots the sink has at most */
    uint64_t packets, source[2], repair[2], close;
    uint32_t cci;
    bool gap;         /* packets that were filled have not left */
    uint8_t *seen[8]; /* by SBN: how often each source symbol came, modulo 256 */
    uint8_t *fresh;   /* computed repair as the test makes it, of one visit's block */
    uint32_t fresh_sbn;
    unsigned fresh_lg_t;
    unsigned lg_t; /* largest met */
    uint32_t next_row_of[8];
} sink;

static void check_stream(const struct packet *p)
{
    const struct img_window *w = &windows[p->sbn >= windows[1].first_sbn];
    unsigned block = p->sbn - w->first_sbn;

    assert_true(block < w->d);
    assert_int_equal(p->k, w->k);
    if (p->esi < p->k) {
        assert_memory_equal(p->symbol, stream_at(w, p->esi, block), SYMBOL);
        sink.seen[p->sbn][p->esi]++;
        return;
    }
    if (p->lg_t == 8) {
        assert_true(p->esi - p->k < w->r);
        assert_memory_equal(p->symbol, stream_at(w, p->esi, block), SYMBOL);
        return;
    }
    if (block != 0) /* one block's computed symbols are enough */
        return;
    if (sink.fresh_sbn != p->sbn || sink.fresh_lg_t != p->lg_t) {
        encode(w, block, p->lg_t, 0, 1u << p->lg_t, sink.fresh);
        sink.fresh_sbn = p->sbn;
        sink.fresh_lg_t = p->lg_t;
    }
    assert_memory_equal(p->symbol, sink.fresh + (size_t)(p->esi - p->k) * SYMBOL, SYMBOL);
}

static void check_body(const struct packet *p)
{
    uint8_t want[SYMBOL] = {0};
    size_t at = (size_t)p->esi * SYMBOL;

    assert_int_equal(p->sbn, 0);
    assert_int_equal(p->k, BODY_K);
    assert_int_equal(p->lg_t, 8);
    if (p->esi >= p->k)
        return; /* body_repair_is_the_codes looks at those */
    memcpy(want, map + IMG_STREAM_OFFSET + image.head.stream_bytes + at,
           BODY_BYTES - at < SYMBOL ? BODY_BYTES - at : SYMBOL);
    assert_memory_equal(p->symbol, want, SYMBOL);
}

static void check(const uint8_t *d)
{
    struct packet p;

    assert_true(mac_check(&key, d));
    assert_int_equal(packet_decode(d, DATAGRAM_BYTES, &p), 0);
    assert_true(sink.gap ? p.cci >= sink.cci : p.cci == sink.cci);
    sink.gap = false;
    sink.cci = p.cci + 1;
    assert_int_equal(p.tsi, TSI);
    sink.packets++;
    sink.close += p.close;
    sink.lg_t = p.lg_t > sink.lg_t ? p.lg_t : sink.lg_t;
    if (p.esi < p.k)
        sink.source[p.toi]++;
    else
        sink.repair[p.toi]++;
    if (p.toi == PACKET_TOI_STREAM)
        check_stream(&p);
    else
        check_body(&p);
}

static size_t sink_slots(void *ctx, uint8_t **out, size_t want)
{
    (void)ctx;
    sink.lent = want < sink.room ? want : sink.room;
    for (size_t i = 0; i < sink.lent; i++)
        out[i] = sink.slot[i];
    return sink.lent;
}

static int sink_kick(void *ctx, size_t n)
{
    (void)ctx;
    assert_true(n <= sink.lent);
    for (size_t i = 0; i < n; i++)
        check(sink.slot[i]);
    return 0;
}

static struct {
    unsigned loops, stalls;
} told;

static void tell(void *ctx, enum send_event what, uint64_t value)
{
    (void)ctx, (void)value;
    told.loops += what == SEND_LOOP;
    told.stalls += what == SEND_STALL;
}

static struct send *open_sender(uint64_t rate, uint64_t memory)
{
    struct send_config config = {.image = &image,
                                 .sink = {.slots = sink_slots, .kick = sink_kick},
                                 .tsi = TSI,
                                 .rate = rate,
                                 .memory = memory,
                                 .clock = fake_clock,
                                 .tell = tell};
    struct err err = {0};
    struct send *s;

    memcpy(config.key, secret, sizeof secret);
    memset(&sink, 0, sizeof sink);
    memset(&told, 0, sizeof told);
    sink.room = SLOTS;
    sink.fresh = malloc((size_t)SYMBOL << FEC_LG_T_MAX);
    sink.fresh_sbn = UINT32_MAX;
    for (size_t i = 0; i < 8; i++)
        sink.seen[i] = calloc(1, 12288);
    clock_now = (struct mono){MONO_S};
    assert_int_equal(send_open(&s, &config, &err), 0);
    return s;
}

static void close_sender(struct send *s)
{
    send_close(s);
    free(sink.fresh);
    for (size_t i = 0; i < 8; i++)
        free(sink.seen[i]);
}

/* Steps until `packets` more are out; the clock goes on to each wake-up. While the sender waits for
 * one of its threads, really so. */
static void run(struct send *s, uint64_t packets)
{
    uint64_t end = sink.packets + packets;
    int idle = 0;

    while (sink.packets < end) {
        struct err err = {0};
        struct mono wake;
        int n = send_step(s, &wake, &err);

        assert_true(n >= 0);
        idle = n > 0 ? 0 : idle + 1;
        assert_true(idle < 20000);
        if (idle > 1)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        clock_now = mono_sub(wake, clock_now) > 0 ? wake : clock_now;
    }
}

/* ---- tests ---- */

static void suspended_sends_nothing(void **state)
{
    struct send *s = open_sender(PACE_UNLIMITED, 1);
    struct mono wake;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(send_step(s, &wake, NULL), 0);
        assert_true(mono_sub(wake, clock_now) > 0);
    }
    send_start(s);
    run(s, 500);
    send_suspend(s);
    assert_int_equal(send_step(s, &wake, NULL), 0);
    assert_int_equal(send_step(s, &wake, NULL), 0);
    close_sender(s);
}

/* Three passes: each source symbol three times (those of the last, unfinished pass aside), in step
 * with the loops told. */
static void each_pass_sends_every_symbol_once(void **state)
{
    struct send *s = open_sender(PACE_UNLIMITED, 1);
    struct send_stats stats;

    (void)state;
    send_start(s);
    while (told.loops < 4)
        run(s, 1);
    for (unsigned sbn = 0; sbn < 5; sbn++) {
        const struct img_window *w = &windows[sbn >= 3];

        for (unsigned i = 0; i < w->k; i++)
            assert_in_range(sink.seen[sbn][i], 3, 4);
    }
    assert_true(sink.repair[1] > 0 && sink.repair[0] > 0);
    assert_true(sink.source[0] >= BODY_K);
    send_stats(s, &stats);
    assert_int_equal(stats.packets, sink.packets);
    assert_int_equal(stats.body, sink.source[0] + sink.repair[0]);
    assert_int_equal(stats.repair, sink.repair[1]);
    assert_int_equal(stats.computed, 0);
    assert_int_equal(stats.pass, 4);
    assert_int_equal(stats.lg_t_max, 8);
    assert_true(stats.running);
    close_sender(s);
}

/* A sink with little room, and a pick longer than what it lends. */
static void a_small_sink_changes_nothing(void **state)
{
    struct send *s = open_sender(PACE_UNLIMITED, 1);

    (void)state;
    sink.room = 1;
    send_start(s);
    run(s, 1500);
    sink.room = 7;
    run(s, 4000);
    close_sender(s);
}

/* Reports of heavy loss: larger T, rows made by the encoder's thread; the body of every packet is
 * still checked. */
static void steered_repair_is_the_codes(void **state)
{
    static const uint32_t losses[] = {60000, 150000, 250000};

    (void)state;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        struct send *s = open_sender(PACE_UNLIMITED, UINT64_C(1) << 30);
        struct steer_report r = {.mean_ppm = losses[i],
                                 .worst_ppm = losses[i] + 30000,
                                 .reporters = 3};
        struct send_stats stats;

        send_report(s, &r);
        send_start(s);
        while (told.loops < 3) {
            run(s, 1);
            send_report(s, &r);
        }
        send_stats(s, &stats);
        assert_true(sink.lg_t > 8);
        assert_true(stats.computed > 1000);
        assert_int_equal(stats.lg_t_max, 12);
        close_sender(s);
    }
}

/* Restarted amid computed rows: the encoder drops the visit and begins anew. */
static void restarts_amid_a_steered_visit(void **state)
{
    struct send *s = open_sender(PACE_UNLIMITED, UINT64_C(1) << 30);
    struct steer_report r = {.mean_ppm = 200000, .worst_ppm = 230000, .reporters = 1};
    struct mono wake;

    (void)state;
    for (int i = 0; i < 12; i++) {
        send_report(s, &r);
        send_start(s);
        run(s, 300 + (uint64_t)i * 300);
        send_suspend(s);
        assert_int_equal(send_step(s, &wake, NULL), 0);
    }
    assert_true(sink.lg_t > 8);
    close_sender(s);
}

static void memory_limits_t(void **state)
{
    static const struct {
        uint64_t memory;
        unsigned lg_t;
    } t[] = {{1, 8},         {6000000, 8},   {6400000, 9},
             {11500000, 10}, {21000000, 11}, {UINT64_C(1) << 30, 12}};

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct send *s = open_sender(1, t[i].memory);
        struct send_stats stats;

        send_stats(s, &stats);
        assert_int_equal(stats.lg_t_max, t[i].lg_t);
        close_sender(s);
    }
}

/* 10 MB/s for two seconds of the fake clock, then a change of rate. */
static void the_rate_is_kept(void **state)
{
    struct send *s = open_sender(10000000, 1);
    struct mono from = clock_now;
    double rate;

    (void)state;
    send_start(s);
    run(s, 13000);
    rate = 13000 * 1538e9 / (double)mono_sub(clock_now, from);
    assert_true(rate > 9.9e6 && rate <= 10.0e6);
    send_set_rate(s, 50000000);
    run(s, 1000);
    from = clock_now;
    run(s, 65000);
    rate = 65000 * 1538e9 / (double)mono_sub(clock_now, from);
    assert_true(rate > 49.5e6 && rate <= 50.5e6);
    close_sender(s);
}

static void finishing_is_said_and_ends(void **state)
{
    struct send *s = open_sender(PACE_UNLIMITED, 1);
    struct mono wake;

    (void)state;
    send_start(s);
    run(s, 777);
    assert_int_equal(sink.close, 0);
    send_finish(s);
    while (!send_finished(s))
        assert_true(send_step(s, &wake, NULL) >= 0);
    assert_in_range(sink.close, 3, 20);
    assert_int_equal(send_step(s, &wake, NULL), 0);
    close_sender(s);
}

/* ---- a disk that fails, waits, or cannot be asked without waiting ---- */

static _Atomic int no_nowait, late, bad; /* bad: the errno of every read */

ssize_t preadv2(int fd, const struct iovec *to, int n, off_t at, int flags)
{
    if (no_nowait && flags) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (bad || (flags && late && late-- > 0)) {
        errno = bad ? bad : EAGAIN;
        return -1;
    }
    /* memory files of older kernels do not know flags */
    return syscall(SYS_preadv2, fd, to, n, (long)at, 0L, 0);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (bad) {
        errno = bad;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, n, at);
}

static void expect_a_pass(void)
{
    struct send *s = open_sender(PACE_UNLIMITED, 1);

    send_start(s);
    run(s, 5000);
    assert_true(sink.source[0] + sink.source[1] > 2700);
    close_sender(s);
}

static void a_late_disk_is_waited_for(void **state)
{
    (void)state;
    late = 40;
    expect_a_pass();
    late = 0;
}

static void a_file_system_that_only_waits_is_read_ahead(void **state)
{
    (void)state;
    no_nowait = 1;
    expect_a_pass();
    no_nowait = 0;
}

/* Runs the sender until it says that the image cannot be read. */
static void expect_unreadable(struct img_file *f, void (*harm)(struct img_file *), const char *why)
{
    struct send_config config = {.image = f,
                                 .sink = {.slots = sink_slots, .kick = sink_kick},
                                 .tsi = TSI,
                                 .memory = 1,
                                 .clock = fake_clock};
    struct err err = {0};
    struct mono wake;
    struct send *s;
    int n = 0;

    memset(&sink, 0, sizeof sink);
    sink.room = SLOTS;
    for (size_t i = 0; i < 8; i++)
        sink.seen[i] = calloc(1, 12288);
    memcpy(config.key, secret, sizeof secret);
    assert_int_equal(send_open(&s, &config, &err), 0);
    send_start(s);
    for (int i = 0; i < 20000 && n >= 0; i++) {
        n = send_step(s, &wake, &err);
        clock_now = mono_add(clock_now, MONO_MS);
        if (i == 5)
            harm(f);
        if (i > 5)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(n, SEND_ERR_READ);
    assert_int_equal(err.code, SEND_ERR_READ);
    assert_non_null(strstr(err.text, why));
    sink.gap = true;
    send_finish(s); /* whoever listens is told all the same */
    for (int i = 0; i < 100 && !send_finished(s); i++)
        assert_true(send_step(s, &wake, &err) >= 0);
    assert_in_range(sink.close, 3, 20);
    send_close(s);
    for (size_t i = 0; i < 8; i++)
        free(sink.seen[i]);
}

static void cannot_be_read(struct img_file *f)
{
    (void)f;
    bad = EIO;
}

static void an_unreadable_image_is_an_error(void **state)
{
    (void)state;
    expect_unreadable(&image, cannot_be_read, "Input/output error");
    bad = 0;
}

static struct img_file copy_of_image(void)
{
    struct img_file f = image;

    f.fd = memfd_create("send_test_copy", 0);
    assert_int_equal(write(f.fd, map, f.bytes), f.bytes);
    as_it_is_now(&f);
    return f;
}

static void cut_short(struct img_file *f)
{
    assert_int_equal(ftruncate(f->fd, IMG_STREAM_OFFSET + 100000), 0);
}

/* cp over it: as long as it was, and other bytes. */
static void overwritten(struct img_file *f)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 4000000000}};

    assert_int_equal(pwrite(f->fd, "other", 5, IMG_STREAM_OFFSET + 100), 5);
    assert_int_equal(futimens(f->fd, times), 0); /* clocks of memory files are coarse */
}

static void a_file_that_changes_is_not_sent(void **state)
{
    struct img_file f = copy_of_image();

    (void)state;
    expect_unreadable(&f, cut_short, "was changed while it was given out");
    close(f.fd);
    f = copy_of_image();
    expect_unreadable(&f, overwritten, "was changed while it was given out");
    close(f.fd);
}

/* Nobody takes anything just now: it is known all the same. */
static void a_suspended_sender_looks_at_its_file(void **state)
{
    struct img_file f = copy_of_image();
    struct send_config config = {.image = &f,
                                 .sink = {.slots = sink_slots, .kick = sink_kick},
                                 .tsi = TSI,
                                 .memory = 1,
                                 .clock = fake_clock};
    struct err err = {0};
    struct mono wake;
    struct send *s;
    int n = 0;

    (void)state;
    assert_int_equal(send_open(&s, &config, &err), 0);
    assert_int_equal(send_step(s, &wake, &err), 0);
    cut_short(&f);
    for (int i = 0; i < 20000 && n >= 0; i++) {
        n = send_step(s, &wake, &err);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(n, SEND_ERR_READ);
    send_close(s);
    close(f.fd);
}

/* The body that goes out is the one the head states. */
static void another_body_is_not_opened(void **state)
{
    struct img_file f = copy_of_image();
    struct send_config config = {.image = &f,
                                 .sink = {.slots = sink_slots, .kick = sink_kick},
                                 .tsi = TSI,
                                 .memory = 1,
                                 .clock = fake_clock};
    struct send *s;

    (void)state;
    assert_int_equal(pwrite(f.fd, "other", 5, (off_t)(f.bytes - 100)), 5);
    assert_int_equal(send_open(&s, &config, NULL), IMG_EBODYHASH);
    close(f.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suspended_sends_nothing),
        cmocka_unit_test(each_pass_sends_every_symbol_once),
        cmocka_unit_test(a_small_sink_changes_nothing),
        cmocka_unit_test(steered_repair_is_the_codes),
        cmocka_unit_test(restarts_amid_a_steered_visit),
        cmocka_unit_test(memory_limits_t),
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(finishing_is_said_and_ends),
        cmocka_unit_test(a_late_disk_is_waited_for),
        cmocka_unit_test(a_file_system_that_only_waits_is_read_ahead),
        cmocka_unit_test(an_unreadable_image_is_an_error),
        cmocka_unit_test(a_file_that_changes_is_not_sent),
        cmocka_unit_test(a_suspended_sender_looks_at_its_file),
        cmocka_unit_test(another_body_is_not_opened),
    };

    return cmocka_run_group_tests(tests, make_image, free_image);
}
