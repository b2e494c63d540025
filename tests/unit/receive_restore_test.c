/* The receiving stages as a whole: images made in memory go by rows and by packets, with loss, in
 * any order, from any starting point, onto files and onto disks that lie; what comes out is the
 * source, or a failure that says so. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "imaging/receive/receive.h"
#include "tests/unit/made_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define RAW (UINT64_C(20) * 1024 * 1024 + 512)

static struct made_image image;
/* Patient, so that a busy machine does not leave out blocks: only the test of slow disks wants
 * that. */
static const struct receive_options by_default = {.verify = true,
                                                  .threads = 2,
                                                  .patient = true,
                                                  .memory = RECEIVE_MEMORY};

/* ---- a target in a file ---- */

struct target {
    char path[64];
    struct disk disk;
};

static void target_open(struct target *t)
{
    struct disk_want want = {image.raw_bytes, image.raw_bytes, 0, true};
    struct err err = {0};

    if (disk_target_open(&t->disk, t->path, &want, &err))
        fail_msg("%s", err.text);
}

static void target_make(struct target *t, int garbage)
{
    int fd;

    strcpy(t->path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/receive_restore_XXXXXX"
                                                  : "/tmp/receive_restore_XXXXXX");
    fd = mkstemp(t->path);
    assert_true(fd >= 0);
    for (uint64_t i = 0; garbage && i < image.raw_bytes + (3 << 20); i += 65536) {
        uint8_t junk[65536];

        memset(junk, garbage, sizeof junk);
        assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
    }
    close(fd);
    target_open(t);
}

static uint8_t *target_read(const struct target *t)
{
    uint8_t *bytes = malloc(image.raw_bytes);
    int fd = open(t->path, O_RDONLY);

    assert_int_equal(pread(fd, bytes, image.raw_bytes, 0), image.raw_bytes);
    close(fd);
    return bytes;
}

/* Data and zero chunks are as in the source; free ones may hold anything. */
static void assert_restored(const struct target *t)
{
    uint8_t *bytes = target_read(t);

    for (uint32_t r = 0; r < image.body.nruns; r++) {
        const struct img_run *run = image.body.runs + r;
        uint64_t at = (uint64_t)run->first * IMG_CHUNK_BYTES,
                 n = (uint64_t)run->count * IMG_CHUNK_BYTES;

        if (at + n > image.raw_bytes)
            n = image.raw_bytes - at;
        if (run->state != IMG_FREE)
            assert_memory_equal(bytes + at, image.raw + at, n);
    }
    free(bytes);
}

/* No partition table, no boot sector: zeros at both ends. */
static void assert_looks_empty(const struct target *t)
{
    uint8_t *bytes = target_read(t), *zeros = calloc(1, EDGE_BYTES);

    assert_memory_equal(bytes, zeros, EDGE_BYTES);
    assert_memory_equal(bytes + image.raw_bytes - (EDGE_BYTES - DISK_ALIGN), zeros,
                        EDGE_BYTES - DISK_ALIGN);
    free(bytes);
    free(zeros);
}

static void target_end(struct target *t)
{
    disk_close(&t->disk);
    unlink(t->path);
}

/* ---- the ring, without the wire ---- */

struct channel {
    uint64_t seed;
    double loss;
    unsigned shuffle; /* packets may come so many places too late */
    double duplicate;
    uint32_t start;      /* packets of the first pass that are not heard */
    uint32_t repair;     /* rows a visit */
    uint32_t passes;     /* give up after so many */
    uint32_t stop_after; /* symbols given; 0: no stop */
    uint64_t spoil;      /* the nth symbol given has one bit wrong; 0: none */
    uint64_t spoil_each; /* so has every nth of the first three passes; 0: none */
    uint32_t pause_us;   /* after every 1000 packets */
    /* a symbol of block 0 is always wrong in the same way: the sender's image is damaged */
    bool rot;
};

struct pending {
    uint32_t cci, sbn;
    uint16_t k, esi;
    const uint8_t *symbol;
};

struct ring {
    struct receive *r;
    struct channel ch;
    struct rng rng;
    struct pending late[64];
    uint32_t cci, heard;
    uint64_t given;
};

static void give(struct ring *g, struct intake *in, const struct pending *p)
{
    uint8_t bad[IMG_SYMBOL_BYTES];
    bool each = g->ch.spoil_each && g->given % g->ch.spoil_each == 0 &&
                g->given < 3 * image.head.stream_bytes / IMG_SYMBOL_BYTES;

    g->given++;
    if (g->given == g->ch.spoil || each || (g->ch.rot && p->sbn == 0 && p->esi == 5)) {
        memcpy(bad, p->symbol, sizeof bad);
        bad[100] ^= 4;
        intake_symbol(in, p->cci, p->sbn, p->k, p->esi, 8, bad);
    } else {
        intake_symbol(in, p->cci, p->sbn, p->k, p->esi, 8, p->symbol);
    }
    if (g->given % 64 == 0)
        receive_events(g->r);
    if (g->ch.pause_us && g->given % 1000 == 0)
        usleep(g->ch.pause_us);
}

static void channel(struct ring *g, struct intake *in, const struct pending *p)
{
    uint32_t i;

    if (g->heard++ < g->ch.start || rng_unit(&g->rng) < g->ch.loss)
        return;
    if (rng_unit(&g->rng) < g->ch.duplicate)
        give(g, in, p);
    if (!g->ch.shuffle) {
        give(g, in, p);
        return;
    }
    i = (uint32_t)rng_below(&g->rng, g->ch.shuffle);
    if (g->late[i].symbol)
        give(g, in, &g->late[i]);
    g->late[i] = *p;
}

static bool enough(const struct ring *g)
{
    return receive_complete(g->r) || receive_stopped(g->r) ||
           (g->ch.stop_after && g->given >= g->ch.stop_after);
}

static void visit(struct ring *g, struct intake *in, const struct img_window *w)
{
    for (uint32_t row = 0; row < w->k + g->ch.repair && !enough(g); row++)
        for (uint32_t d = 0; d < w->d; d++) {
            struct pending p = {g->cci++, w->first_sbn + d, w->k, (uint16_t)row,
                                made_symbol(&image, w, d, row)};

            channel(g, in, &p);
        }
}

/* Sends the ring round until the receiver has all, or as long as the channel says. Returns the
 * passes begun. */
static uint32_t go_round(struct receive *r, const struct channel *ch)
{
    struct ring g = {.r = r, .ch = *ch, .rng = {ch->seed}};
    struct collect c = {0};
    uint32_t pass;

    receive_attach(r, &c, NULL);
    for (pass = 0; c.intake && pass < ch->passes && !enough(&g); pass++)
        for (uint32_t w = 0; w < image.body.nwindows; w++)
            visit(&g, c.intake, image.body.windows + w);
    for (int i = 0; c.intake && i < 5000 && !enough(&g) && pass == ch->passes; i++) {
        usleep(1000);
        receive_events(r);
    }
    return pass;
}

static struct receive *open_on(struct target *t, const struct receive_options *opt)
{
    struct receive *r;
    struct err err = {0};

    if (receive_open(&r, &image.head, &image.body, &t->disk, opt, &err))
        fail_msg("%s", err.text);
    return r;
}

/* One restore over the channel that must pass. Returns how many passes it took; counts are left in
 * *counts. */
static uint32_t restore(struct target *t, const struct receive_options *opt,
                        const struct channel *ch, struct receive_counts *counts)
{
    struct receive *r = open_on(t, opt);
    uint32_t passes = go_round(r, ch);
    struct err err = {0};

    assert_true(receive_complete(r));
    if (receive_finish(r, &err))
        fail_msg("seed %llu: %s", (unsigned long long)ch->seed, err.text);
    if (counts)
        memcpy(counts, receive_counts(r), sizeof *counts);
    receive_close(r);
    return passes;
}

/* ---- the tests ---- */

static void a_clean_ring_restores_in_one_pass(void **state)
{
    struct channel ch = {.seed = 1, .passes = 1, .repair = 40};
    struct receive_counts counts;
    struct target t;

    (void)state;
    target_make(&t, 0);
    assert_int_equal(restore(&t, &by_default, &ch, &counts), 1);
    assert_int_equal(counts.proven, image.body.ndata);
    assert_int_equal(counts.decoded, 0);
    assert_restored(&t);
    target_end(&t);
}

static void what_was_on_the_target_is_gone(void **state)
{
    struct channel ch = {.seed = 2, .passes = 3, .repair = 40};
    struct target t;

    (void)state;
    target_make(&t, 0x5a);
    restore(&t, &by_default, &ch, NULL);
    assert_restored(&t);
    target_end(&t);
}

/* One pass of sealed datagrams, of which the body is there after `early`. */
static void sealed_pass(struct receive *r, struct collect *c, const struct mac_key *key,
                        uint32_t early)
{
    uint8_t datagram[PACKET_BYTES];
    uint32_t sent = 0;

    for (uint32_t i = 0; i < image.body.nwindows; i++) {
        const struct img_window *w = image.body.windows + i;

        for (uint32_t n = 0; n < w->k * w->d; n++) {
            struct packet p = {.cci = sent,
                               .tsi = 9,
                               .toi = PACKET_TOI_STREAM,
                               .sbn = w->first_sbn + n % w->d,
                               .k = w->k,
                               .esi = (uint16_t)(n / w->d),
                               .lg_t = 8};

            packet_header_encode(&p, datagram);
            memcpy(datagram + PACKET_HEADER_BYTES, made_symbol(&image, w, n % w->d, n / w->d),
                   PACKET_SYMBOL_BYTES);
            mac_seal(key, datagram);
            collect_datagram(c, datagram, PACKET_BYTES, ++sent);
            if (sent == early)
                receive_attach(r, c, NULL);
            receive_events(r);
        }
    }
}

static void what_came_before_the_body_is_not_lost(void **state)
{
    static const uint8_t secret[MAC_KEY_BYTES] = "sixteen bytes k";
    struct receive_counts before;
    struct collect c;
    struct mac_key key;
    struct target t;
    struct receive *r;
    struct err err = {0};

    (void)state;
    memset(&before, 0, sizeof before);
    before.foreign = 5;
    target_make(&t, 0);
    r = open_on(&t, &by_default);
    mac_key_init(&key, secret);
    collect_init(&c, secret, 9, NULL, &before);
    collect_keep(&c);
    sealed_pass(r, &c, &key, 4000);
    assert_true(receive_settle(r));
    assert_int_equal(receive_finish(r, &err), 0);
    assert_int_equal(receive_counts(r)->early, 0);
    assert_int_equal(receive_counts(r)->foreign, 5);
    assert_int_equal(receive_counts(r)->packets, c.source_symbols);
    assert_int_equal(receive_counts(r)->first_ns, 1);
    assert_restored(&t);
    collect_free(&c);
    receive_close(r);
    target_end(&t);
}

static void loss_is_decoded_within_the_pass(void **state)
{
    struct channel ch = {.seed = 3, .passes = 1, .repair = 200, .loss = 0.03};
    struct receive_counts counts;
    struct target t;

    (void)state;
    target_make(&t, 0);
    assert_int_equal(restore(&t, &by_default, &ch, &counts), 1);
    assert_int_equal(counts.decoded, image.body.nblocks);
    assert_true(counts.parked_ram > 0);
    assert_restored(&t);
    target_end(&t);
}

static void without_memory_incomplete_chunks_wait_on_the_target(void **state)
{
    struct channel ch = {.seed = 4, .passes = 1, .repair = 200, .loss = 0.03};
    struct receive_options opt = by_default;
    struct receive_counts counts;
    struct target t;

    (void)state;
    opt.park_bytes = 4096;
    target_make(&t, 0x5a);
    restore(&t, &opt, &ch, &counts);
    assert_true(counts.parked_disk > 0);
    assert_restored(&t);
    target_end(&t);
}

static void joins_anywhere_with_loss_disorder_and_duplicates(void **state)
{
    const char *fixed = getenv("RECEIVE_SEED");
    uint64_t first = fixed ? strtoull(fixed, NULL, 0) : 100;

    (void)state;
    for (uint64_t seed = first; seed < first + (fixed ? 1 : 12); seed++) {
        struct rng r = {seed};
        struct channel ch = {.seed = seed, .passes = 1000, .repair = (uint32_t)rng_below(&r, 100)};
        struct target t;

        ch.loss = rng_unit(&r) * 0.15;
        ch.shuffle = (unsigned)rng_below(&r, 64);
        ch.duplicate = rng_unit(&r) * 0.05;
        ch.start = (uint32_t)rng_below(&r, image.head.stream_bytes / IMG_SYMBOL_BYTES);
        print_message("RECEIVE_SEED=%llu\n", (unsigned long long)seed);
        target_make(&t, (int)rng_below(&r, 2));
        restore(&t, &by_default, &ch, NULL);
        assert_restored(&t);
        target_end(&t);
    }
}

static void a_wrong_symbol_never_reaches_the_disk(void **state)
{
    (void)state;
    for (uint64_t spoil = 1; spoil < 4000; spoil += 977) {
        struct channel ch = {
            .seed = spoil, .passes = 1000, .repair = 100, .loss = 0.01, .spoil = spoil};
        struct receive_counts counts;
        struct target t;

        target_make(&t, 0);
        restore(&t, &by_default, &ch, &counts);
        assert_true(counts.poisoned > 0);
        assert_restored(&t);
        target_end(&t);
    }
}

/* Wrong symbols all over, while blocks are being decoded and their slots go from hand to hand. */
static void many_wrong_symbols_cost_passes_and_nothing_else(void **state)
{
    uint64_t poisoned = 0; /* how often in each ring, the threads decide */

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct channel ch = {.seed = seed,
                             .passes = 1000,
                             .repair = 200,
                             .loss = 0.02,
                             .duplicate = 0.05,
                             .shuffle = 30,
                             .spoil_each = 150 + 100 * seed};
        struct receive_counts counts;
        struct target t;

        target_make(&t, 0);
        restore(&t, &by_default, &ch, &counts);
        assert_restored(&t);
        poisoned += counts.poisoned;
        target_end(&t);
    }
    assert_true(poisoned > 10);
}

/* What is damaged where it is given out comes wrong in the same way in every pass: the machine
 * fails, and says which chunk. */
static void a_damaged_image_of_the_sender_is_a_cause(void **state)
{
    struct channel ch = {.seed = 5, .passes = 1000, .rot = true};
    struct err err = {0};
    struct receive *r;
    struct target t;

    (void)state;
    target_make(&t, 0);
    r = open_on(&t, &by_default);
    assert_true(go_round(r, &ch) < 100);
    assert_false(receive_complete(r));
    assert_int_equal(receive_finish(r, &err), RECEIVE_ECHUNK);
    assert_non_null(
        strstr(err.text,
               "with the same wrong content: the image is damaged where it is given out"));
    receive_close(r);
    target_end(&t);
}

static void a_killed_receiver_goes_on_where_it_was(void **state)
{
    struct channel half = {.seed = 7,
                           .passes = 1,
                           .repair = 40,
                           .stop_after =
                               (uint32_t)(image.head.stream_bytes / IMG_SYMBOL_BYTES / 2)};
    struct channel rest = {.seed = 8, .passes = 2, .repair = 40};
    struct receive_counts counts;
    struct err why = {0}, err = {0};
    struct receive *r;
    struct target t;

    (void)state;
    target_make(&t, 0);
    r = open_on(&t, &by_default);
    go_round(r, &half);
    usleep(300000); /* the writer is let go on for a moment, as it would until a kill */
    err_set(&why, RECEIVE_EINTR, "killed");
    receive_stop(r, &why);
    assert_int_equal(receive_finish(r, &err), RECEIVE_EINTR);
    receive_close(r);
    assert_looks_empty(&t);
    disk_close(&t.disk);
    target_open(&t);
    restore(&t, &by_default, &rest, &counts);
    assert_true(counts.kept > 10);
    assert_restored(&t);
    disk_close(&t.disk);
    target_open(&t);
    /* And once more over the finished disk: nothing is missing, nothing is written. */
    r = open_on(&t, &by_default);
    assert_true(receive_complete(r));
    assert_int_equal(receive_finish(r, &err), 0);
    assert_int_equal(receive_counts(r)->kept, image.body.ndata);
    assert_int_equal(receive_counts(r)->write_bytes, 0);
    receive_close(r);
    assert_restored(&t);
    target_end(&t);
}

static void a_slow_disk_takes_more_passes_and_gets_it_right(void **state)
{
    struct channel ch = {.seed = 9, .passes = 1000, .repair = 40, .pause_us = 3000};
    struct receive_options opt = by_default;
    struct receive_counts counts;
    struct err err = {0};
    struct target t;

    (void)state;
    opt.patient = false;
    target_make(&t, 0);
    assert_int_equal(disk_limit(&t.disk, 12 << 20, &err), 0);
    restore(&t, &opt, &ch, &counts);
    assert_restored(&t);
    target_end(&t);
}

static void run_with_faults(const struct disk_faults *faults, int expected)
{
    struct channel ch = {.seed = 10, .passes = 2, .repair = 40};
    struct err err = {0};
    struct receive *r;
    struct target t;

    target_make(&t, 0);
    assert_int_equal(disk_fault(&t.disk, faults, &err), 0);
    if (receive_open(&r, &image.head, &image.body, &t.disk, &by_default, &err) == 0) {
        go_round(r, &ch);
        receive_finish(r, &err);
        receive_close(r);
    }
    assert_int_equal(err.code, expected);
    assert_true(err.text[0] != 0);
    assert_looks_empty(&t);
    target_end(&t);
}

/* A byte in the middle of a data chunk that is not at an edge. */
static uint64_t some_byte(void)
{
    for (uint32_t i = image.body.ndata / 2; i < image.body.ndata; i++)
        if (image.body.data[i].number > 16)
            return (uint64_t)image.body.data[i].number * IMG_CHUNK_BYTES + 1234;
    fail();
    return 0;
}

static void a_disk_that_fails_or_lies_is_found_out(void **state)
{
    struct disk_faults f = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

    (void)state;
    f.write_fails_at = some_byte();
    run_with_faults(&f, DISK_EFAULT);
    f = (struct disk_faults){UINT64_MAX, some_byte(), UINT64_MAX};
    run_with_faults(&f, RECEIVE_EREADBACK);
    f = (struct disk_faults){UINT64_MAX, UINT64_MAX, some_byte()};
    run_with_faults(&f, RECEIVE_EREADBACK);
    /* Also at the edge, which is found out before anything is written. */
    f = (struct disk_faults){UINT64_MAX, UINT64_MAX,
                             (uint64_t)image.body.data[0].number * IMG_CHUNK_BYTES + 77};
    run_with_faults(&f, RECEIVE_EREADBACK);
}

static int fetch_memory(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                        struct err *err)
{
    uint64_t spoil = *(uint64_t *)ctx;
    int rc = 0;

    (void)err;
    for (uint64_t n; from < to && !rc; from += n) {
        uint8_t bytes[5000];

        n = to - from < sizeof bytes ? to - from : sizeof bytes;
        memcpy(bytes, image.stream + (from - IMG_STREAM_OFFSET), n);
        if (spoil >= from && spoil < from + n)
            bytes[spoil - from] ^= 1;
        rc = sink(sink_ctx, from, bytes, n);
    }
    return rc;
}

static void rows_of_a_file_restore_and_one_wrong_bit_does_not(void **state)
{
    struct receive_options opt = by_default;
    uint64_t spoil = UINT64_MAX;
    struct err err = {0};
    struct receive *r;
    struct target t;

    (void)state;
    opt.patient = true;
    target_make(&t, 0x11);
    r = open_on(&t, &opt);
    assert_int_equal(receive_rows(r, fetch_memory, &spoil, &err), 0);
    assert_int_equal(receive_finish(r, &err), 0);
    receive_close(r);
    assert_restored(&t);
    target_end(&t);

    target_make(&t, 0x11);
    spoil = IMG_STREAM_OFFSET + 3000;
    r = open_on(&t, &opt);
    assert_int_equal(receive_rows(r, fetch_memory, &spoil, &err), RECEIVE_ECHUNK);
    receive_stop(r, &err);
    assert_int_equal(receive_finish(r, &err), RECEIVE_ECHUNK);
    receive_close(r);
    assert_looks_empty(&t);
    target_end(&t);
}

static int set_up(void **state)
{
    (void)state;
    fec_init(NULL);
    made_image(&image, RAW, 2, 6, 42);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    made_free(&image);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_ring_restores_in_one_pass),
        cmocka_unit_test(what_was_on_the_target_is_gone),
        cmocka_unit_test(what_came_before_the_body_is_not_lost),
        cmocka_unit_test(loss_is_decoded_within_the_pass),
        cmocka_unit_test(without_memory_incomplete_chunks_wait_on_the_target),
        cmocka_unit_test(joins_anywhere_with_loss_disorder_and_duplicates),
        cmocka_unit_test(a_wrong_symbol_never_reaches_the_disk),
        cmocka_unit_test(many_wrong_symbols_cost_passes_and_nothing_else),
        cmocka_unit_test(a_damaged_image_of_the_sender_is_a_cause),
        cmocka_unit_test(a_killed_receiver_goes_on_where_it_was),
        cmocka_unit_test(a_slow_disk_takes_more_passes_and_gets_it_right),
        cmocka_unit_test(a_disk_that_fails_or_lies_is_found_out),
        cmocka_unit_test(rows_of_a_file_restore_and_one_wrong_bit_does_not),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
