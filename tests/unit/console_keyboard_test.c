/* A terminal (a pseudo one) as the box's keyboard: bytes become keys, lines go out without ever
 * waiting. Event devices need a kernel's keyboard: tests/boot presses keys in a virtual machine. */
#include "board/box/console/keyboard.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static int far;
static struct keyboard *k;
static char name[64];

static int setup(void **state)
{
    (void)state;
    far = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(far >= 0 && grantpt(far) == 0 && unlockpt(far) == 0 &&
                ptsname_r(far, name, sizeof name) == 0);
    k = keyboard_open("/nowhere", name);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyboard_close(k);
    close(far);
    return 0;
}

static void keys_come_from_a_terminal(void **state)
{
    char echo[16];

    (void)state;
    assert_int_equal(keyboard_next(k), PRESS_NONE);
    assert_int_equal(write(far, "2\x1bOSr\x03", 6), 6); /* no key ends the program */
    assert_int_equal(keyboard_next(k), PRESS_WALL);
    assert_int_equal(keyboard_next(k), PRESS_ADDRESS);
    assert_int_equal(keyboard_next(k), PRESS_PASSWORD);
    assert_int_equal(keyboard_next(k), PRESS_OTHER);
    assert_int_equal(keyboard_next(k), PRESS_NONE);
    assert_true(read(far, echo, sizeof echo) < 0); /* and none is echoed */
}

static void lines_go_out(void **state)
{
    char got[64] = "";

    (void)state;
    assert_true(keyboard_say(k, "hello\r\n", 7));
    assert_int_equal(read(far, got, sizeof got), 8); /* the terminal makes \r\n of \n once more */
    assert_int_equal(strncmp(got, "hello\r", 6), 0);
}

/* Control S, or noise that looks like it. */
static void no_byte_stops_the_terminal(void **state)
{
    char got[64] = "";

    (void)state;
    assert_int_equal(write(far, "\x13", 1), 1);
    assert_int_equal(keyboard_next(k), PRESS_OTHER);
    assert_true(keyboard_say(k, "hello", 5));
    assert_int_equal(read(far, got, sizeof got), 5);
}

/* Nobody reads: what fits is kept, what does not is left out whole, and once somebody reads it
 * comes in order. */
static void a_terminal_that_is_not_read_stops_nothing(void **state)
{
    static char line[1000], got[65536];
    size_t n = 0, said = 0;
    ssize_t r;

    (void)state;
    for (int i = 0; i < 100; i++) {
        memset(line, 'a' + i % 26, sizeof line);
        said += keyboard_say(k, line, sizeof line) ? sizeof line : 0;
    }
    assert_in_range(said, 8000, 99000);
    for (int i = 0; i < 100 && n < said; i++) {
        while ((r = read(far, got + n, sizeof got - n)) > 0)
            n += (size_t)r;
        keyboard_flush(k);
        usleep(1000);
    }
    assert_int_equal(n, said);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], got[i / sizeof line * sizeof line]);
    assert_false(keyboard_say(k, got, 9000));
}

static void without_a_terminal_nothing_happens(void **state)
{
    struct keyboard *none = keyboard_open(NULL, NULL), *file = keyboard_open(NULL, "/dev/null");

    (void)state;
    keyboard_look(none);
    assert_int_equal(keyboard_next(none), PRESS_NONE);
    assert_true(keyboard_say(none, "x", 1));
    assert_int_equal(keyboard_next(file), PRESS_NONE);
    keyboard_close(none);
    keyboard_close(file);
    keyboard_close(NULL);
}

/* The terminal is given back as it was. */
static void a_terminal_is_given_back(void **state)
{
    int fd = open(name, O_RDWR | O_NOCTTY);
    struct termios during, after;

    (void)state;
    assert_int_equal(tcgetattr(fd, &during), 0);
    assert_false(during.c_lflag & (ICANON | ECHO));
    keyboard_close(k);
    k = NULL;
    assert_int_equal(tcgetattr(fd, &after), 0);
    assert_true(after.c_lflag & ICANON && after.c_lflag & ECHO);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_come_from_a_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_go_out, setup, teardown),
        cmocka_unit_test_setup_teardown(no_byte_stops_the_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_terminal_that_is_not_read_stops_nothing, setup, teardown),
        cmocka_unit_test(without_a_terminal_nothing_happens),
        cmocka_unit_test_setup_teardown(a_terminal_is_given_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
