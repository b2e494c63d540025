/* The sentence about a machine that is slow: true, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/status/cause.h"

static char text[ROOM_CAUSE_MAX + 1];

static enum room_culprit say(const struct cause_facts *f)
{
    return cause_say(f, text);
}

static void the_disk_is_named_only_where_it_is_slower(void **state)
{
    struct cause_facts f = {.state = ROOM_RECEIVING,
                            .link_mbps = 1000,
                            .stream_bits_s = 100000000,
                            .disk_limited = true,
                            .disk_bytes_s = 2000000,
                            .wanted_bits_s = 16000000};

    (void)state;
    assert_int_equal(say(&f), ROOM_DISK);
    assert_string_equal(text, "The disk writes 2 MB/s, the stream needs 12.5 MB/s");
    f.disk_bytes_s = 24000000; /* it could take more than there is */
    f.wanted_bits_s = 200000000;
    assert_int_equal(say(&f), ROOM_NOBODY);
    assert_string_equal(text, "");
    f.machine_limited = true;
    assert_int_equal(say(&f), ROOM_MACHINE);
}

static void what_the_machine_drops_is_no_loss(void **state)
{
    struct cause_facts f = {.state = ROOM_RECEIVING,
                            .link_mbps = 1000,
                            .stream_bits_s = 100000000,
                            .drop_ppm = 34000};

    (void)state;
    assert_int_equal(say(&f), ROOM_MACHINE);
    assert_string_equal(text,
                        "The machine is slower than the stream: it drops 3.4 % of the packets");
    f.drop_ppm = 0;
    f.loss_ppm = 31000;
    assert_int_equal(say(&f), ROOM_NETWORK);
    f.loss_ppm = CAUSE_LOSS_PPM - 1;
    assert_int_equal(say(&f), ROOM_NOBODY);
    f.state = ROOM_VERIFYING;
    f.drop_ppm = 34000;
    assert_int_equal(say(&f), ROOM_NOBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_is_named_only_where_it_is_slower),
        cmocka_unit_test(what_the_machine_drops_is_no_loss),
    };

    return cmocka_run_group_tests_name("cause", tests, NULL, NULL);
}
