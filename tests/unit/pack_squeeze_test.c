/* The ordered threads: every job comes out once, in order, right; however few of them need work. */
#include "imaging/pack/squeeze.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imaging/hash/sha256.h"
#include "imaging/image/chunk.h"
#include "net/wire/rng.h"

#define RAW 2000

static void fill_job(struct squeeze_job *j, uint64_t n, bool data)
{
    struct rng r = {n};

    j->state = data ? IMG_DATA : IMG_FREE;
    j->raw_len = RAW;
    j->stored_len = (uint32_t)n;
    for (size_t i = 0; i < RAW; i++)
        j->raw[i] = n % 3 ? (uint8_t)(rng_u64(&r) & (n % 2 ? 0xFF : 3)) : 0;
}

static void check_job(const struct squeeze_job *j, uint64_t n, bool data)
{
    static uint8_t raw[RAW];
    uint8_t hash[IMG_HASH_BYTES];

    if (!data) {
        assert_int_equal(j->state, IMG_FREE);
        assert_int_equal(j->stored_len, (uint32_t)n);
        return;
    }
    assert_int_equal(j->state, n % 3 ? IMG_DATA : IMG_ZERO);
    if (n % 3 == 0)
        return;
    assert_int_equal(img_chunk_unpack(raw, RAW, j->stored, j->stored_len), 0);
    assert_memory_equal(raw, j->raw, RAW);
    chunk_hash(hash, raw, RAW);
    assert_memory_equal(hash, j->hash, sizeof hash);
    assert_true(n % 2 ? j->stored_len == RAW : j->stored_len < RAW);
}

/* Gives `jobs` jobs, of which one in `every` is data, with as many under way as there is room for.
 */
static void run(unsigned threads, uint64_t jobs, unsigned every)
{
    struct squeeze q;
    uint64_t given = 0, taken = 0;

    assert_int_equal(squeeze_start(&q, threads, 3, NULL), 0);
    while (taken < jobs) {
        struct squeeze_job *j = given < jobs ? squeeze_slot(&q) : NULL;

        if (j) {
            fill_job(j, given, given % every == 0);
            squeeze_give(&q);
            given++;
            continue;
        }
        j = squeeze_take(&q);
        assert_non_null(j);
        check_job(j, taken, taken % every == 0);
        squeeze_drop(&q);
        taken++;
    }
    assert_null(squeeze_take(&q));
    squeeze_stop(&q);
}

static void all_come_out_in_order(void **state)
{
    (void)state;
    run(1, 300, 1);
    run(4, 3000, 1);
}

static void few_need_work(void **state)
{
    (void)state;
    run(4, 30000, 7);
    run(3, 30000, 101);
    run(3, 5000, 5000);
}

static void may_stop_with_jobs_under_way(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct squeeze q;

        assert_int_equal(squeeze_start(&q, 4, 3, NULL), 0);
        for (struct squeeze_job *j; (j = squeeze_slot(&q)) != NULL; squeeze_give(&q))
            fill_job(j, 1, true);
        squeeze_stop(&q);
        squeeze_stop(&q); /* and once more, which does nothing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_out_in_order),
        cmocka_unit_test(few_need_work),
        cmocka_unit_test(may_stop_with_jobs_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
