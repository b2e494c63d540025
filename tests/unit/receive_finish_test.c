/* The receiver from the target's side, on disks in memory: images of every shape, what is written
 * when, and that neither a failure nor a stop, at whichever call of the disk, lets an unproven
 * target pass or look complete. */
#include "imaging/receive/receive.h"

#include <stdio.h>

#include "tests/unit/made_image.h"
#include "tests/unit/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#define CHUNK ((uint64_t)IMG_CHUNK_BYTES)
#define MIB (UINT64_C(1) << 20)

static struct receive_options options = {
    .memory = RECEIVE_MEMORY, .verify = true, .patient = true, .threads = 1, .park_bytes = MIB};

/* An image that `wanted` approves of, from the first seed that makes one; say which, to be there at
 * once next time. */
static void image_like(struct made_image *m, uint64_t bytes, uint32_t windows, uint16_t d,
                       uint64_t first_seed, bool (*wanted)(const struct made_image *))
{
    for (uint64_t seed = first_seed;; seed++) {
        made_image(m, bytes, windows, d, seed);
        if (wanted(m)) {
            if (seed > first_seed + 10)
                print_message("seed %llu would do\n", (unsigned long long)seed);
            return;
        }
        made_free(m);
    }
}

static int fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                 struct err *err)
{
    const struct made_image *m = ctx;

    (void)err;
    return sink(sink_ctx, from, m->stream + (from - IMG_STREAM_OFFSET), to - from);
}

/* One restore; its result. `open` tells whether receive_open was already the end of it. */
static int run(struct made_image *m, struct disk *d, struct receive **keep, struct err *err)
{
    struct err why = {0};
    struct receive *r;
    int rc = receive_open(&r, &m->head, &m->body, d, &options, err);

    *keep = rc ? NULL : r;
    if (rc)
        return rc;
    if (receive_rows(r, fetch, m, &why))
        receive_stop(r, &why);
    return receive_finish(r, err);
}

static void assert_restored(const struct made_image *m, const struct memory_disk *d)
{
    for (uint32_t i = 0; i < m->body.nruns; i++) {
        const struct img_run *run = m->body.runs + i;
        uint64_t at = run->first * CHUNK, end = at + run->count * CHUNK;

        if (end > m->raw_bytes)
            end = m->raw_bytes;
        if (end > d->n)
            end = d->n;
        if (run->state != IMG_FREE && at < end)
            assert_memory_equal(d->bytes + at, m->raw + at, end - at);
    }
}

static bool zero_at(const struct memory_disk *d, uint64_t at, uint64_t end)
{
    for (; at < end; at++)
        if (d->bytes[at])
            return false;
    return true;
}

/* Neither end of image and disk holds anything. */
static bool looks_empty(const struct made_image *m, const struct memory_disk *d)
{
    uint64_t end = m->raw_bytes < d->n ? m->raw_bytes : d->n;

    return zero_at(d, 0, end < MIB ? end : MIB) && zero_at(d, end < MIB ? 0 : end - MIB, end) &&
           zero_at(d, d->n < MIB ? 0 : d->n - MIB, d->n);
}

static struct receive_counts must_pass(struct made_image *m, struct disk *d,
                                       const struct memory_disk *on)
{
    struct receive_counts counts;
    struct err err = {0};
    struct receive *r;

    if (run(m, d, &r, &err))
        fail_msg("%s", err.text);
    memcpy(&counts, receive_counts(r), sizeof counts);
    receive_close(r);
    assert_restored(m, on);
    return counts;
}

/* ---- shapes ---- */

static bool with_data(const struct made_image *m)
{
    return m->body.ndata > 0;
}

static void images_of_every_size_are_restored(void **state)
{
    static const uint64_t sizes[] = {512,           4608,    CHUNK,         CHUNK + 512,
                                     2 * MIB - 512, 2 * MIB, 2 * MIB + 512, 3 * MIB + 1536};

    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int larger = 0; larger < 2; larger++) {
            struct made_image m;
            struct memory_disk on;
            struct disk d;
            uint64_t n = sizes[i] + (larger ? 2 * MIB + 512 : 0);

            image_like(&m, sizes[i], 1, 3, 1, with_data);
            d = memory_disk(&on, n, 0x77);
            must_pass(&m, &d, &on);
            /* whatever table was at its own end */
            assert_true(!larger || zero_at(&on, n - MIB, n));
            memory_free(&on);
            made_free(&m);
        }
}

static bool without_data(const struct made_image *m)
{
    return m->body.ndata == 0 && m->body.runs[0].state == IMG_ZERO;
}

static void an_image_without_data_makes_zeros(void **state)
{
    struct receive_counts counts;
    struct made_image m;
    struct memory_disk on;
    struct disk d;

    (void)state;
    image_like(&m, 2 * CHUNK + 512, 1, 3, 133, without_data);
    assert_int_equal(m.body.nwindows, 0);
    d = memory_disk(&on, 4 * MIB, 0x77);
    counts = must_pass(&m, &d, &on);
    assert_int_equal(counts.written, 0);
    assert_true(looks_empty(&m, &on));
    memory_free(&on);
    made_free(&m);
}

static bool ends_in_zeros(const struct made_image *m)
{
    const struct img_run *last = m->body.runs + m->body.nruns - 1;

    return m->body.ndata > 12 && last->state == IMG_ZERO && last->count > 1;
}

static bool ends_in_free(const struct made_image *m)
{
    const struct img_run *last = m->body.runs + m->body.nruns - 1;

    return m->body.ndata > 12 && last->state == IMG_FREE && last->count > 1;
}

/* The smallest target that may take it: up to the last data chunk. */
static void a_target_smaller_than_the_image_is_enough_for_its_data(void **state)
{
    (void)state;
    for (int free_end = 0; free_end < 2; free_end++) {
        struct made_image m;
        struct memory_disk on;
        struct disk d;
        uint64_t end;

        image_like(&m, 6 * MIB, 2, 3, free_end ? 86 : 84, free_end ? ends_in_free : ends_in_zeros);
        end = (m.body.data[m.body.ndata - 1].number + 1) * CHUNK;
        for (uint64_t n = end; n < m.raw_bytes; n += CHUNK / 2) {
            d = memory_disk(&on, n, 0x77);
            must_pass(&m, &d, &on);
            memory_free(&on);
        }
        made_free(&m);
    }
}

/* ---- order ---- */

struct ledger {
    const struct made_image *image;
    uint32_t written, proven; /* chunks outside the edges */
    /* writes of something else than zeros in the edges; those that came too early */
    uint32_t edges, early;
};

static bool all_zero(const uint8_t *p, uint64_t n)
{
    while (n && *p == 0)
        p++, n--;
    return n == 0;
}

static bool at_edge(const struct made_image *m, uint64_t at, uint64_t n)
{
    return at < MIB || at + n + MIB > m->raw_bytes;
}

static uint32_t inner_chunks(const struct made_image *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->body.ndata; i++)
        n += !at_edge(m, m->body.data[i].number * CHUNK,
                      img_raw_len(m->raw_bytes, m->body.data[i].number));
    return n;
}

static int keep_ledger(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct ledger *l = ctx;
    bool edge = at_edge(l->image, at, n);

    if (op == MEMORY_WRITE && !edge)
        l->written++;
    if (op == MEMORY_READ && !edge)
        l->proven += (uint32_t)(n / CHUNK);
    if (op == MEMORY_WRITE && edge && !all_zero(bytes, n)) {
        l->edges++;
        l->early += l->written < inner_chunks(l->image) || l->proven < inner_chunks(l->image);
    }
    return 0;
}

static void the_edges_come_after_all_else_is_proven(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct ledger l = {&m, 0, 0, 0, 0};
    struct disk d;

    (void)state;
    image_like(&m, 8 * MIB + 512, 2, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0);
    on.watch = keep_ledger;
    on.ctx = &l;
    must_pass(&m, &d, &on);
    assert_int_equal(l.written, inner_chunks(&m));
    assert_true(l.edges > 0);
    assert_int_equal(l.early, 0);
    memory_free(&on);
    made_free(&m);
}

/* ---- trouble at every call ---- */

struct trouble {
    struct memory_disk *on;
    uint32_t at_call; /* counted from 1 */
    bool forever;     /* and at every later one */
    int code;         /* 0: stop the receiver instead */
    struct receive *r;
    bool struck;
};

static int strike(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct trouble *t = ctx;

    (void)bytes;
    (void)at;
    (void)n;
    if (op == MEMORY_DISCARD || t->on->calls < t->at_call ||
        (t->on->calls > t->at_call && !t->forever))
        return 0;
    t->struck = true;
    return t->code;
}

/* A call that fails: reads of the look at the target may, they heal; everything else must end in a
 * failure that leaves an empty look. */
static void a_failing_call_never_passes_and_leaves_the_target_blank(void **state)
{
    uint32_t passed = 0, failed = 0;
    struct made_image m;

    (void)state;
    image_like(&m, 4 * MIB + 512, 1, 3, 1, with_data);
    for (uint32_t call = 1;; call++) {
        struct memory_disk on;
        struct trouble t = {.on = &on, .at_call = call, .code = DISK_EFAULT};
        struct disk d = memory_disk(&on, m.raw_bytes, 0x77);
        struct err err = {0};
        struct receive *r;
        int rc;

        on.watch = strike;
        on.ctx = &t;
        rc = run(&m, &d, &r, &err);
        on.watch = NULL;
        if (rc) {
            assert_int_equal(rc, DISK_EFAULT);
            assert_int_equal(err.code, rc);
            assert_true(!r || looks_empty(&m, &on));
            failed++;
        } else {
            assert_restored(&m, &on);
            passed++;
        }
        receive_close(r);
        memory_free(&on);
        if (!t.struck)
            break;
    }
    print_message("%u failures, %u healed\n", failed, passed);
    assert_true(failed > 4);
    made_free(&m);
}

static void a_target_that_cannot_be_blanked_is_called_so(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct trouble t = {.on = &on, .forever = true, .code = DISK_EFAULT};
    struct disk d;
    struct err err = {0};
    struct receive *r;

    (void)state;
    image_like(&m, 6 * MIB, 1, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0);
    t.at_call = 40; /* some time after the edges were made blank and looked at */
    on.watch = strike;
    on.ctx = &t;
    assert_int_equal(run(&m, &d, &r, &err), DISK_EFAULT);
    assert_non_null(strstr(err.text, "may seem complete"));
    receive_close(r);
    memory_free(&on);
    made_free(&m);
}

/* What is on the medium when the power goes: all that was flushed, and of what was not any sectors.
 */
#define SECTOR UINT64_C(512)
#define OLD 0x77

struct power {
    const struct made_image *image;
    uint8_t *medium, *cut;
    uint64_t n;
    struct {
        uint64_t at, n;
        uint8_t *bytes; /* NULL: zeros */
    } pending[256];
    unsigned n_pending, cuts, whole;
    struct rng rng;
};

static void settle(const struct power *p, uint8_t *to, unsigned i, uint64_t sector)
{
    uint64_t from = sector * SECTOR,
             n = p->pending[i].n - from < SECTOR ? p->pending[i].n - from : SECTOR;

    if (p->pending[i].bytes)
        memcpy(to + p->pending[i].at + from, p->pending[i].bytes + from, n);
    else
        memset(to + p->pending[i].at + from, 0, n);
}

/* Without a first sector the disk is empty; with the image's it is whole; with the old one nothing
 * but the edges was touched. */
static void judge_cut(struct power *p)
{
    struct memory_disk on = {.bytes = p->cut, .n = p->n};

    p->cuts++;
    if (zero_at(&on, 0, SECTOR))
        return;
    if (memcmp(p->cut, p->image->raw, SECTOR) == 0) {
        assert_restored(p->image, &on);
        p->whole++;
        return;
    }
    for (uint64_t at = MIB; at < p->n - MIB; at++)
        assert_int_equal(p->cut[at], OLD);
}

/* odds: of 8 sectors so many made it. The first one does, sooner than its turn: nothing else is as
 * bad. */
static void cut_power(struct power *p, unsigned odds)
{
    memcpy(p->cut, p->medium, p->n);
    for (unsigned i = 0; i < p->n_pending; i++)
        for (uint64_t s = 0; s * SECTOR < p->pending[i].n; s++)
            if (p->pending[i].at + s == 0 || rng_below(&p->rng, 8) < odds)
                settle(p, p->cut, i, s);
    judge_cut(p);
}

static void settle_all(struct power *p)
{
    for (unsigned i = 0; i < p->n_pending; i++) {
        for (uint64_t s = 0; s * SECTOR < p->pending[i].n; s++)
            settle(p, p->medium, i, s);
        free(p->pending[i].bytes);
    }
    p->n_pending = 0;
}

static int note_power(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct power *p = ctx;
    uint8_t *copy = op == MEMORY_WRITE ? malloc(n) : NULL;

    if (op == MEMORY_READ)
        return 0;
    for (unsigned odds = 0; odds <= 8; odds += 2)
        cut_power(p, odds);
    if (op == MEMORY_FLUSH)
        settle_all(p);
    if (op != MEMORY_WRITE && op != MEMORY_ZERO)
        return 0;
    if (copy)
        memcpy(copy, bytes, n);
    MUST(p->n_pending < sizeof p->pending / sizeof *p->pending);
    p->pending[p->n_pending].at = at;
    p->pending[p->n_pending].n = n;
    p->pending[p->n_pending++].bytes = copy;
    return 0;
}

static bool begins_with_data(const struct made_image *m)
{
    return m->body.ndata > 12 && m->body.data[0].number == 0 && !all_zero(m->raw, SECTOR);
}

static void a_power_cut_at_any_time_leaves_a_disk_that_is_empty_or_whole(void **state)
{
    struct power p = {.rng = {5}};
    struct made_image m;
    struct memory_disk on;
    struct disk d;

    (void)state;
    image_like(&m, 4 * MIB + 512, 1, 3, 1, begins_with_data);
    d = memory_disk(&on, 5 * MIB, OLD);
    p.image = &m;
    p.n = on.n;
    p.medium = malloc(on.n);
    p.cut = malloc(on.n);
    memset(p.medium, OLD, on.n);
    on.watch = note_power;
    on.ctx = &p;
    must_pass(&m, &d, &on);
    cut_power(&p, 0); /* after PASS it is there, flushed */
    assert_memory_equal(p.cut, m.raw, SECTOR);
    print_message("%u cuts, %u of them left a whole disk\n", p.cuts, p.whole);
    assert_true(p.whole > 1);
    settle_all(&p);
    free(p.medium);
    free(p.cut);
    memory_free(&on);
    made_free(&m);
}

static int swallow(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct trouble *t = ctx;

    (void)bytes;
    (void)at;
    (void)n;
    if ((op != MEMORY_WRITE && op != MEMORY_ZERO) || t->on->calls != t->at_call)
        return 0;
    t->struck = true;
    return 1;
}

/* A disk that says yes and does nothing, at whichever write: with read-back it is found out, unless
 * nothing hung on it. */
static void a_swallowed_write_never_passes(void **state)
{
    uint32_t last = 0, failed = 0;
    struct made_image m;

    (void)state;
    image_like(&m, 4 * MIB + 512, 1, 3, 1, with_data);
    for (uint32_t call = 1; call < last + 40; call++) {
        struct memory_disk on;
        struct trouble t = {.on = &on, .at_call = call};
        struct disk d = memory_disk(&on, m.raw_bytes, 0x77);
        struct err err = {0};
        struct receive *r;
        int rc;

        on.watch = swallow;
        on.ctx = &t;
        rc = run(&m, &d, &r, &err);
        if (t.struck)
            last = call;
        if (rc == 0)
            assert_restored(&m, &on);
        else
            assert_int_equal(rc, RECEIVE_EREADBACK);
        assert_true(!rc || !r || looks_empty(&m, &on) || strstr(err.text, "may seem complete"));
        failed += rc != 0;
        receive_close(r);
        memory_free(&on);
    }
    assert_true(failed > 10);
    made_free(&m);
}

static int zero_nothing(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    (void)ctx;
    (void)bytes;
    (void)at;
    (void)n;
    return op == MEMORY_ZERO;
}

/* The old first sector would stay for as long as the rest comes in: a power cut would leave a disk
 * that starts with half of either. */
static void a_disk_that_keeps_its_edges_is_not_written(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct disk d;
    struct err err = {0};
    struct receive *r;

    (void)state;
    image_like(&m, 4 * MIB + 512, 1, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0x77);
    on.watch = zero_nothing;
    assert_int_equal(run(&m, &d, &r, &err), RECEIVE_EREADBACK);
    assert_null(r);
    for (uint64_t at = 0; at < on.n; at++)
        assert_int_equal(on.bytes[at], 0x77);
    memory_free(&on);
    made_free(&m);
}

/* A disk that has less room than it says: what is written far behind lands on what has been read
 * back already. */
struct overlap {
    const struct made_image *image;
    struct memory_disk *on;
    uint64_t from, end; /* of what is lost */
    bool written, read, gone;
};

static int overlap(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct overlap *o = ctx;
    bool there = at < o->end && o->from < at + n;

    (void)bytes;
    if (o->read && !o->gone) {
        memset(o->on->bytes + o->from, 0xab, o->end - o->from);
        o->gone = true;
    }
    o->written |= op == MEMORY_WRITE && there && n == CHUNK;
    o->read |= op == MEMORY_READ && there && o->written;
    return 0;
}

static void a_disk_that_overwrites_itself_never_passes(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct overlap o = {.image = &m, .on = &on};
    struct disk d;
    struct err err = {0};
    struct receive *r;

    (void)state;
    image_like(&m, 6 * MIB, 1, 3, 1, with_data);
    for (uint32_t i = 0; i < m.body.ndata && !o.end; i++)
        if (!at_edge(&m, m.body.data[i].number * CHUNK, CHUNK)) {
            o.from = m.body.data[i].number * CHUNK;
            o.end = o.from + CHUNK;
        }
    d = memory_disk(&on, m.raw_bytes, 0x77);
    on.watch = overlap;
    on.ctx = &o;
    assert_int_equal(run(&m, &d, &r, &err), RECEIVE_EREADBACK);
    assert_true(o.gone);
    assert_true(looks_empty(&m, &on));
    receive_close(r);
    memory_free(&on);
    made_free(&m);
}

/* ---- before the data ---- */

/* What has come when the first chunk is written. */
struct order {
    bool begun;                 /* a whole chunk has been written */
    bool late;                  /* something was discarded after that */
    unsigned discards, flushes; /* flushes: since the last discard */
};

static int keep_order(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct order *o = ctx;

    (void)bytes;
    (void)at;
    if (!o->begun && n != CHUNK)
        usleep(5000); /* a slow disk: the chunks are there long before it is ready */
    if (op == MEMORY_DISCARD) {
        o->late |= o->begun;
        o->discards++;
        o->flushes = 0;
    }
    o->flushes += op == MEMORY_FLUSH && !o->begun;
    o->begun |= op == MEMORY_WRITE && n == CHUNK;
    return 0;
}

static void all_is_discarded_and_flushed_before_the_data(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct order o = {0};
    struct disk d;

    (void)state;
    image_like(&m, 8 * MIB, 1, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0x77);
    on.watch = keep_order;
    on.ctx = &o;
    must_pass(&m, &d, &on);
    assert_true(o.begun && !o.late && o.discards > 0 && o.flushes > 0);
    o = (struct order){0};
    /* one chunk is to be written again, all others are kept */
    for (uint32_t i = 0; i < m.body.ndata; i++)
        if (!at_edge(&m, m.body.data[i].number * CHUNK, CHUNK)) {
            on.bytes[m.body.data[i].number * CHUNK] ^= 1;
            break;
        }
    assert_true(must_pass(&m, &d, &on).kept > 0);
    assert_true(o.begun);
    assert_int_equal(o.discards, 0);
    memory_free(&on);
    made_free(&m);
}

/* A disk that says it has twice the room: what is written to its second half lands in the first. */
static int folded_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct memory_disk *m = ctx;
    uint64_t from = at % m->n, left = m->n - from;
    size_t part = n < left ? n : (size_t)left;
    int rc = memory_read(ctx, to, part, from, err);

    return rc || part == n ? rc : folded_read(ctx, to + part, n - part, at + part, err);
}

static bool folded_begun; /* data have been written to it */

static int folded_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                        struct err *err)
{
    struct memory_disk *m = ctx;
    int rc = 0;

    for (int i = 0; i < n_parts && !rc; at += parts[i++].n) {
        folded_begun |= parts[i].n == CHUNK;
        rc = memory_write(ctx, parts + i, 1, at % m->n, err);
    }
    return rc;
}

static int folded_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct memory_disk *m = ctx;
    int rc = 0;

    for (uint64_t i = 0; i < n && !rc; i += 512)
        rc = memory_zero(ctx, (at + i) % m->n, n - i < 512 ? n - i : 512, err);
    return rc;
}

static void folded_discard(void *ctx, uint64_t at, uint64_t n)
{
    (void)ctx;
    (void)at;
    (void)n;
}

static void a_counterfeit_disk_is_named_before_data_is_written(void **state)
{
    static const struct disk_ops ops = {folded_read,  folded_write, folded_zero, folded_discard,
                                        memory_flush, memory_close, NULL};
    struct made_image m;
    struct memory_disk on;
    struct disk d;
    struct err err = {0};
    struct receive *r;

    (void)state;
    image_like(&m, 6 * MIB, 1, 3, 1, with_data);
    d = memory_disk(&on, 4 * MIB, 0x77);
    d.ops = &ops;
    d.bytes = 8 * MIB;
    folded_begun = false;
    assert_int_equal(run(&m, &d, &r, &err), RECEIVE_ECOUNTERFEIT);
    assert_non_null(strstr(err.text, "counterfeit"));
    assert_false(folded_begun);
    receive_close(r);
    memory_free(&on);
    made_free(&m);
}

/* Of the chunks, from the one that is told on. */
static int fail_chunks(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    unsigned *left = ctx;

    (void)bytes;
    (void)at;
    if (op != MEMORY_WRITE || n != CHUNK)
        return 0;
    return (*left)-- ? 0 : DISK_EWRITE;
}

/* The first flush behind data, which says once what the disk has refused. */
static int fail_flush(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    unsigned *chunks = ctx;

    (void)bytes;
    (void)at;
    *chunks += op == MEMORY_WRITE && n == CHUNK;
    if (op != MEMORY_FLUSH || *chunks == 0 || *chunks >= 1000)
        return 0;
    *chunks = 1000;
    return DISK_EWRITE;
}

static void without_read_back_a_failing_write_fails(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct disk d;

    (void)state;
    options.verify = false;
    image_like(&m, 6 * MIB, 1, 3, 1, with_data);
    for (unsigned at = 0; at < 4; at++) {
        struct err err = {0};
        struct receive *r;
        unsigned left = at < 3 ? at : 0;

        d = memory_disk(&on, m.raw_bytes, 0x77);
        on.watch = at < 3 ? fail_chunks : fail_flush;
        on.ctx = &left;
        assert_int_equal(run(&m, &d, &r, &err), DISK_EWRITE);
        receive_close(r);
        memory_free(&on);
    }
    made_free(&m);
    options.verify = true;
}

static int stop_there(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    struct trouble *t = ctx;
    struct err why = {0};

    (void)op;
    (void)bytes;
    (void)at;
    (void)n;
    if (t->r && t->on->calls >= t->at_call) {
        err_set(&why, RECEIVE_EINTR, "stopped by the test");
        receive_stop(t->r, &why);
        t->struck = true;
    }
    return 0;
}

static void a_stop_at_any_time_ends_it_and_leaves_the_target_blank(void **state)
{
    struct made_image m;
    bool struck = true;

    (void)state;
    image_like(&m, 4 * MIB + 512, 1, 3, 1, with_data);
    for (uint32_t call = 1; struck; call++) {
        struct memory_disk on;
        struct trouble t = {.on = &on};
        struct disk d = memory_disk(&on, m.raw_bytes, 0x77);
        struct err why = {0}, err = {0};

        assert_int_equal(receive_open(&t.r, &m.head, &m.body, &d, &options, &err), 0);
        pthread_mutex_lock(&on.lock);
        t.at_call = on.calls + call;
        on.ctx = &t;
        on.watch = stop_there;
        pthread_mutex_unlock(&on.lock);
        if (receive_rows(t.r, fetch, &m, &why))
            receive_stop(t.r, &why);
        if (receive_finish(t.r, &err)) {
            assert_int_equal(err.code, RECEIVE_EINTR);
            assert_true(looks_empty(&m, &on));
        } else {
            assert_restored(&m, &on);
        }
        struck = t.struck;
        receive_close(t.r);
        memory_free(&on);
    }
    made_free(&m);
}

static void without_read_back_nothing_is_read_back(void **state)
{
    struct receive_counts counts;
    struct made_image m;
    struct memory_disk on;
    struct disk d;

    (void)state;
    image_like(&m, 4 * MIB, 1, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0x77);
    options.verify = false;
    counts = must_pass(&m, &d, &on);
    options.verify = true;
    assert_int_equal(counts.proven, 0);
    assert_int_equal(counts.written, m.body.ndata);
    memory_free(&on);
    made_free(&m);
}

/* ---- what is there already ---- */

static int no_change(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    (void)bytes;
    (void)at;
    (void)n;
    if (op != MEMORY_READ && op != MEMORY_FLUSH && op != MEMORY_DISCARD)
        ++*(int *)ctx;
    return 0;
}

static void a_target_that_holds_it_all_is_only_read(void **state)
{
    struct receive_counts counts;
    struct made_image m;
    struct memory_disk on;
    struct disk d;
    int changes = 0;

    (void)state;
    image_like(&m, 5 * MIB + 512, 1, 3, 1, with_data);
    d = memory_disk(&on, m.raw_bytes, 0x77);
    memcpy(on.bytes, m.raw, m.raw_bytes);
    on.watch = no_change;
    on.ctx = &changes;
    counts = must_pass(&m, &d, &on);
    assert_int_equal(counts.kept, m.body.ndata);
    assert_int_equal(changes, 0);
    memory_free(&on);
    made_free(&m);
}

static bool with_an_inner_zero(const struct made_image *m)
{
    for (uint32_t i = 0; i < m->body.nruns; i++)
        if (m->body.runs[i].state == IMG_ZERO && m->body.runs[i].first > 16 &&
            m->body.runs[i].first < 24)
            return m->body.ndata > 0;
    return false;
}

static uint64_t inner_zero(const struct made_image *m)
{
    for (uint32_t i = 0; i < m->body.nruns; i++)
        if (m->body.runs[i].state == IMG_ZERO && m->body.runs[i].first > 16)
            return m->body.runs[i].first * CHUNK;
    return 0;
}

static int lose_zeroing(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    uint64_t where = *(uint64_t *)ctx;

    (void)bytes;
    return op == MEMORY_ZERO && where >= at && where < at + n;
}

static void a_zero_range_that_stays_dirty_fails_even_where_all_data_was_kept(void **state)
{
    struct made_image m;
    struct memory_disk on;
    struct disk d;
    struct err err = {0};
    struct receive *r;
    uint64_t where;

    (void)state;
    image_like(&m, 5 * MIB, 1, 3, 1, with_an_inner_zero);
    d = memory_disk(&on, m.raw_bytes, 0x77);
    memcpy(on.bytes, m.raw, m.raw_bytes);
    where = inner_zero(&m) + 5;
    on.bytes[where] = 1;
    must_pass(&m, &d, &on);
    on.bytes[where] = 1;
    on.watch = lose_zeroing;
    on.ctx = &where;
    assert_int_equal(run(&m, &d, &r, &err), RECEIVE_EREADBACK);
    assert_true(looks_empty(&m, &on));
    receive_close(r);
    memory_free(&on);
    made_free(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_every_size_are_restored),
        cmocka_unit_test(an_image_without_data_makes_zeros),
        cmocka_unit_test(a_target_smaller_than_the_image_is_enough_for_its_data),
        cmocka_unit_test(the_edges_come_after_all_else_is_proven),
        cmocka_unit_test(a_failing_call_never_passes_and_leaves_the_target_blank),
        cmocka_unit_test(a_target_that_cannot_be_blanked_is_called_so),
        cmocka_unit_test(a_power_cut_at_any_time_leaves_a_disk_that_is_empty_or_whole),
        cmocka_unit_test(a_swallowed_write_never_passes),
        cmocka_unit_test(a_disk_that_keeps_its_edges_is_not_written),
        cmocka_unit_test(a_disk_that_overwrites_itself_never_passes),
        cmocka_unit_test(all_is_discarded_and_flushed_before_the_data),
        cmocka_unit_test(a_counterfeit_disk_is_named_before_data_is_written),
        cmocka_unit_test(without_read_back_a_failing_write_fails),
        cmocka_unit_test(a_stop_at_any_time_ends_it_and_leaves_the_target_blank),
        cmocka_unit_test(without_read_back_nothing_is_read_back),
        cmocka_unit_test(a_target_that_holds_it_all_is_only_read),
        cmocka_unit_test(a_zero_range_that_stays_dirty_fails_even_where_all_data_was_kept),
    };

    fec_init(NULL);
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
