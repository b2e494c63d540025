/* A disk that is behind: how many blocks are left out, how many are taken again, and what the next
 * visit makes of it. Rows that are still in use are what a slow disk looks like from here; the test
 * holds them, and says how full the source is. */
#include <stdio.h>
#include <unistd.h>

#include "imaging/receive/intake.h"
#include "tests/unit/made_image.h"
#include "tests/unit/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BLOCKS 8

static struct made_image image;

struct scene {
    struct memory_disk memory;
    struct disk disk;
    struct plan plan;
    struct park *park;
    struct store *store;
    struct work *work;
    struct intake in;
    uint32_t cci;
    unsigned percent; /* of the source's memory in use */
    /* a job's hold on rows, let go after so many looks at the backlog */
    _Atomic uint16_t *held;
    unsigned looks;
};

static unsigned backlog(void *ctx)
{
    struct scene *s = ctx;

    if (s->held && --s->looks == 0) {
        atomic_fetch_sub(s->held, 1);
        s->held = NULL;
    }
    return s->percent;
}

/* A scene with so much memory for incomplete chunks. */
static struct scene *start_with(size_t park_bytes)
{
    struct scene *s = calloc(1, sizeof *s);
    struct err err = {0};

    s->disk = memory_disk(&s->memory, image.raw_bytes, 0);
    assert_int_equal(plan_make(&s->plan, &image.head, &image.body, &s->disk, false, &err), 0);
    assert_int_equal(store_open(&s->store, &s->plan, STORE_BUFFERS, &err), 0);
    assert_int_equal(park_open(&s->park, &s->plan, park_bytes, &err), 0);
    assert_int_equal(intake_init(&s->in, &s->plan, false, &err), 0);
    assert_int_equal(work_open(&s->work, &s->plan, &s->in.rows, s->park, s->store, 1, &err), 0);
    intake_start(&s->in, s->work);
    s->in.source = (struct frame_source){.ctx = s, .backlog = backlog};
    s->percent = 30; /* neither room nor need */
    return s;
}

static struct scene *start(void)
{
    return start_with(32u << 20);
}

static void end(struct scene *s)
{
    atomic_store(&s->plan.stop, true);
    work_close(s->work);
    store_close(s->store);
    park_close(s->park);
    intake_free(&s->in);
    plan_free(&s->plan);
    memory_free(&s->memory);
    free(s);
}

/* Rows [from, to) of a window, once the rows before are out of the workers' hands: so that nothing
 * is held but by the test. */
static void rows(struct scene *s, uint32_t window, uint32_t from, uint32_t to)
{
    const struct img_window *w = image.body.windows + window;

    for (uint32_t row = from; row < to; row++)
        for (uint32_t d = 0; d < w->d; d++) {
            while (!s->held && !work_idle(s->work))
                intake_events(&s->in, NULL);
            intake_symbol(&s->in, s->cci++, w->first_sbn + d, w->k, (uint16_t)row, 8,
                          made_symbol(&image, w, d, row));
        }
}

/* A job holds the rows of block d that `row` needs, for so many looks. */
static void hold(struct scene *s, uint32_t d, uint32_t row, unsigned looks)
{
    while (!work_idle(s->work))
        intake_events(&s->in, NULL);
    s->held = &s->in.rows.refs[d][row / TRACK_RUN % 2];
    s->looks = looks;
    atomic_fetch_add(s->held, 1);
}

static uint32_t taken(const struct scene *s)
{
    uint32_t open, n;

    track_open_blocks(&s->in.track, &open, &n);
    return n;
}

static void a_quarter_is_left_out_and_comes_back_by_quarters(void **state)
{
    struct scene *s = start();

    (void)state;
    rows(s, 0, 0, 256);
    assert_int_equal(taken(s), BLOCKS);
    /* Half full, and rows in use: a quarter goes, once, however often it is looked at in this run
     * and the next seven. */
    s->percent = INTAKE_SHED;
    hold(s, 0, 256, 5);
    rows(s, 0, 256, 257);
    assert_int_equal(taken(s), 6);
    assert_int_equal(s->plan.counts.shed, 2);
    hold(s, 0, 384, 5);
    rows(s, 0, 257, 385);
    assert_int_equal(taken(s), 6);
    /* Nearly empty: a quarter of those left out, at least one, with every run that closes. */
    s->percent = INTAKE_ROOM;
    rows(s, 0, 385, 513);
    assert_int_equal(taken(s), 7);
    rows(s, 0, 513, 641);
    assert_int_equal(taken(s), 8);
    assert_int_equal(s->in.visit_shed, 0);
    assert_int_equal(s->in.visit_taken, BLOCKS);
    /* What came back is not held against the disk. */
    rows(s, 1, 0, 1);
    assert_int_equal(s->in.track.share, 256);
    assert_int_equal(s->plan.counts.shed, 2);
    end(s);
}

static void a_full_source_costs_the_block_whose_rows_are_in_use(void **state)
{
    struct scene *s = start();

    (void)state;
    rows(s, 0, 0, 256);
    s->percent = INTAKE_FULL;
    hold(s, 3, 256, 1000);
    rows(s, 0, 256, 257);
    assert_int_equal(s->plan.counts.shed, 3); /* a quarter, and the one at hand */
    assert_int_equal(taken(s), 5);
    atomic_fetch_sub(s->held, 1);
    s->held = NULL;
    s->percent = 30;
    /* The next visit begins with as many as were taken at the end of this one. */
    rows(s, 1, 0, 1);
    assert_int_equal(s->in.track.share, 5 * 256 / BLOCKS);
    assert_int_equal(taken(s), 5);
    end(s);
}

static void a_visit_without_need_takes_a_quarter_more(void **state)
{
    struct scene *s = start();

    (void)state;
    rows(s, 0, 0, 1);
    track_set_share(&s->in.track, 64);
    rows(s, 0, 1, 300);
    rows(s, 1, 0, 1);
    assert_int_equal(s->in.track.share, 64 + 64 / 4 + 1);
    assert_int_equal(taken(s), 3);
    end(s);
}

static void who_could_take_all_at_last_begins_the_next_visit_with_all(void **state)
{
    struct scene *s = start();

    (void)state;
    rows(s, 0, 0, 1);
    s->in.all_from = UINT32_MAX;
    track_set_share(&s->in.track, 192);
    assert_int_equal(taken(s), 6);
    s->percent = INTAKE_ROOM;
    rows(s, 0, 1, image.body.windows[0].k);
    rows(s, 1, 0, 1);
    assert_int_equal(s->in.track.share, 256);
    assert_int_equal(taken(s), BLOCKS);
    end(s);
}

static int wait_to_write(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at,
                         uint64_t n)
{
    (void)bytes;
    (void)at;
    (void)n;
    while (op == MEMORY_WRITE && !atomic_load((atomic_bool *)ctx))
        usleep(1000);
    return 0;
}

/* A worker that is at work while larger sums are asked for and all is stopped: it keeps the sums it
 * has. */
static void sums_stay_where_they_are_while_a_worker_has_them(void **state)
{
    struct scene *s = start_with(0);
    const struct img_window *w = image.body.windows;
    const uint8_t *sums = s->in.sums;
    atomic_bool go = false;

    (void)state;
    s->memory.ctx = &go;
    s->memory.watch = wait_to_write;
    s->percent = INTAKE_FULL; /* rows that a worker has are not waited for */
    for (uint32_t row = 0; row < 257; row++)
        for (uint32_t d = 0; d < w->d; d++)
            /* all chunks stay incomplete, and there is no memory for them: they are written */
            if (row % 2 == 0)
                intake_symbol(&s->in, s->cci++, d, w->k, (uint16_t)row, 8,
                              made_symbol(&image, w, d, row));
    assert_false(work_idle(s->work));
    atomic_store(&s->plan.stop, true);
    intake_symbol(&s->in, s->cci++, 0, w->k, 257, 9, made_symbol(&image, w, 0, 257));
    assert_ptr_equal(s->in.sums, sums);
    atomic_store(&go, true);
    end(s);
}

static int make_image(void **state)
{
    (void)state;
    fec_init(NULL);
    made_image(&image, UINT64_C(40) << 20, 2, BLOCKS, 11);
    return image.body.windows[0].k > 700 ? 0 : -1;
}

static int free_image(void **state)
{
    (void)state;
    made_free(&image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_is_left_out_and_comes_back_by_quarters),
        cmocka_unit_test(a_full_source_costs_the_block_whose_rows_are_in_use),
        cmocka_unit_test(a_visit_without_need_takes_a_quarter_more),
        cmocka_unit_test(sums_stay_where_they_are_while_a_worker_has_them),
        cmocka_unit_test(who_could_take_all_at_last_begins_the_next_visit_with_all),
    };

    return cmocka_run_group_tests(tests, make_image, free_image);
}
