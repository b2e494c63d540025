/* Every request is a line, in memory and on the disk, whatever the disk does; the thread that adds
 * lines waits for neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/boot/access_log.h"
#include "net/web/server.h"
#include "tests/unit/fault_files.h"

static char folder[] = "/tmp/pc_access_log.XXXXXX", path[64], older[64];
static struct access_log *a;
static const uint8_t mac[6] = {0x52, 0x49, 0x4e, 0x47, 0, 1};
static struct access_entry entry = {.protocol = "http",
                                    .result = "200",
                                    .address = 0x0a4d0032,
                                    .mac = mac,
                                    .machine = "lab 1",
                                    .bytes = 1234,
                                    .file = "t/m1.gz"};

static int begin(void **state)
{
    (void)state;
    fault_set(FAULT_NONE, "", 0);
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/access.log", folder);
    snprintf(older, sizeof older, "%s/access.log.1", folder);
    return access_log_open(&a, folder, NULL);
}

static int end(void **state)
{
    char command[64];

    (void)state;
    fault_set(FAULT_NONE, "", 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* The file as a text; "" when there is none. */
static char *text_of(const char *name)
{
    static char text[ACCESS_FILE_MAX + 1];
    FILE *f = fopen(name, "r");
    size_t n = f ? fread(text, 1, ACCESS_FILE_MAX, f) : 0;

    text[n] = 0;
    if (f)
        fclose(f);
    return text;
}

static unsigned lines_of(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void each_request_is_a_line(void **state)
{
    struct access_entry stranger = {.protocol = "tftp",
                                    .result = "refused",
                                    .address = 0x0a4d0033,
                                    .file = "a\nb\x1b[2J\xff\"c"};

    (void)state;
    access_log_add(a, &entry, 1796128000);
    access_log_add(a, &stranger, 1796128001);
    access_log_close(a);
    assert_string_equal(
        text_of(path),
        "2026-12-01 12:26:40 http 10.77.0.50 52:49:4e:47:00:01 \"lab 1\" 200 1234 t/m1.gz\n"
        "2026-12-01 12:26:41 tftp 10.77.0.51 - - refused 0 a?b?[2J??c\n");
}

static void the_files_are_bounded(void **state)
{
    struct access_counts c;
    struct stat st;
    char name[200];

    (void)state;
    memset(name, 'x', 150);
    name[150] = 0;
    entry.file = name;
    for (unsigned i = 0; i < 60000; i++) { /* 13 MB: more than the burst */
        struct timespec pause = {.tv_nsec = 200000};

        access_log_add(a, &entry, 1796128000);
        if (i % 64 == 0)
            nanosleep(&pause, NULL);
    }
    access_log_close(a);
    entry.file = "t/m1.gz";
    assert_int_equal(stat(path, &st), 0);
    assert_in_range(st.st_size, 1, ACCESS_FILE_MAX);
    assert_int_equal(stat(older, &st), 0);
    assert_in_range(st.st_size, ACCESS_FILE_MAX / 2, ACCESS_FILE_MAX);
    assert_int_equal(lines_of(text_of(path)) > 0, 1);
    assert_int_equal(access_log_open(&a, folder, NULL), 0); /* the next start goes on */
    access_log_add(a, &entry, 1796128000);
    c = access_log_counts(a);
    assert_int_equal(c.lines, 1);
    access_log_close(a);
}

/* Waits until the thread has met the fault. */
static void until_hit(void)
{
    struct timespec pause = {.tv_nsec = 1000000};

    for (unsigned i = 0; i < 10000 && !*(volatile unsigned *)&fault.hits; i++)
        nanosleep(&pause, NULL);
    assert_true(fault.hits);
}

static void a_full_disk_costs_lines_and_nothing_else(void **state)
{
    const char *text;

    (void)state;
    access_log_close(a);
    fault_set(FAULT_OPEN, "access.log", ENOSPC);
    assert_int_equal(access_log_open(&a, folder, NULL), 0);
    access_log_add(a, &entry, 1796128000);
    until_hit();
    /* more than memory holds: the oldest give way and are counted */
    for (unsigned i = 0; i < 20000; i++)
        access_log_add(a, &entry, 1796128000);
    assert_true(access_log_counts(a).lost > 0);
    assert_int_equal(access_log_counts(a).lines, 20001);
    fault_set(FAULT_NONE, "", 0);
    access_log_close(a); /* tries once more */
    text = text_of(path);
    assert_int_equal(text[0], '(');
    assert_non_null(strstr(text, " lines are missing here)\n2026-12-01 "));
    assert_int_equal(lines_of(text) - 1 + strtoul(text + 1, NULL, 10), 20001);
}

static void a_line_that_was_cut_is_ended(void **state)
{
    FILE *f;

    (void)state;
    access_log_close(a);
    f = fopen(path, "w");
    fputs("2026-12-01 12:2", f);
    fclose(f);
    assert_int_equal(access_log_open(&a, folder, NULL), 0);
    access_log_add(a, &entry, 1796128000);
    access_log_close(a);
    assert_non_null(strstr(text_of(path), "12:2\n2026-12-01 12:26:40 http"));
}

static void memory_alone_is_enough(void **state)
{
    (void)state;
    access_log_close(a);
    assert_int_equal(access_log_open(&a, NULL, NULL), 0);
    for (unsigned i = 0; i < 20000; i++)
        access_log_add(a, &entry, 1796128000);
    assert_int_equal(access_log_counts(a).lines, 20000);
    assert_int_equal(access_log_counts(a).lost, 0);
    access_log_close(a);
    access_log_add(NULL, &entry, 0);
    access_log_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_request_is_a_line, begin, end),
        cmocka_unit_test_setup_teardown(the_files_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_lines_and_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(a_line_that_was_cut_is_ended, begin, end),
        cmocka_unit_test_setup_teardown(memory_alone_is_enough, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
