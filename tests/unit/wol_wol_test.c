/* Whom to wake, how often, and what the frame looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/wol/wol.h"

static struct wol w;
static struct mono now = {1000 * MONO_S};

static void mac_of(unsigned i, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[6]){0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 6);
}

static int add(unsigned i)
{
    uint8_t mac[6];

    mac_of(i, mac);
    return wol_add(&w, mac, now);
}

/* Runs until nothing is left; how often each was called, and that nothing came too fast. Returns
 * the seconds it took. */
static double run(unsigned *calls, unsigned n)
{
    struct mono began = now, last = {0};
    unsigned idle = 0;
    uint8_t mac[6];

    memset(calls, 0, n * sizeof *calls);
    for (; idle < 3000; now = mono_add(now, MONO_MS)) {
        idle++;
        while (wol_next(&w, now, mac)) {
            unsigned i = (unsigned)mac[4] << 8 | mac[5];

            assert_true(i < n);
            assert_true(!last.ns || mono_sub(now, last) >= WOL_GAP_NS);
            last = now;
            calls[i]++;
            idle = 0;
        }
    }
    return (double)mono_sub(last, began) / 1e9;
}

static void everybody_is_called_three_times(void **state)
{
    static unsigned calls[WOL_MAX];
    double seconds;

    (void)state;
    memset(&w, 0, sizeof w);
    assert_int_equal(add(0), 0);
    seconds = run(calls, 1);
    assert_int_equal(calls[0], 3);
    assert_true(seconds >= 2 && seconds < 2.1);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(add(i), 0);
    seconds = run(calls, 200);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(calls[i], 3);
    assert_true(seconds > 11.9 && seconds < 12.5);
    for (unsigned i = 0; i < WOL_MAX; i++)
        assert_int_equal(add(i), 0);
    assert_int_equal(add(WOL_MAX), WOL_EFULL);
    assert_int_equal(add(3), 0);
}

static void one_more_on_the_way(void **state)
{
    unsigned calls[3];
    uint8_t mac[6];

    (void)state;
    memset(&w, 0, sizeof w);
    add(0);
    assert_true(wol_next(&w, now, mac));
    assert_false(wol_next(&w, now, mac));
    now = mono_add(now, MONO_S);
    assert_true(wol_next(&w, now, mac));
    add(1); /* in the middle of the second round: all begin anew, at once */
    now = mono_add(now, WOL_GAP_NS);
    run(calls, 2);
    assert_int_equal(calls[0], 3);
    assert_int_equal(calls[1], 3);
}

static void no_machine_has_that(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    assert_int_equal(wol_add(&w, (const uint8_t[6]){1, 0, 0x5e, 0, 0, 1}, now), WOL_EMAC);
    assert_int_equal(wol_add(&w, (const uint8_t[6]){0}, now), WOL_EMAC);
    assert_int_equal(w.n, 0);
}

static void the_frame(void **state)
{
    static const uint8_t mac[6] = {0x52, 0x49, 0x4e, 0x47, 0, 2},
                         box[6] = {0x52, 0x49, 0x4e, 0x47, 0, 1};
    uint8_t want[WOL_FRAME_BYTES], got[WOL_FRAME_BYTES];

    (void)state;
    memset(want, 0xff, 6);
    memcpy(want + 6, box, 6);
    memcpy(want + 12, "\x08\x42", 2);
    memset(want + 14, 0xff, 6);
    for (unsigned i = 0; i < 16; i++)
        memcpy(want + 20 + 6 * i, mac, 6);
    wol_frame(mac, box, got);
    assert_memory_equal(got, want, sizeof got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_called_three_times),
        cmocka_unit_test(one_more_on_the_way),
        cmocka_unit_test(no_machine_has_that),
        cmocka_unit_test(the_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
