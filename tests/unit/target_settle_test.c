/* A machine's own onto an ext4 that the kernel mounts from a loop device: written, read back, and
 * nothing beside it. Skipped where nobody may mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/errors/box.h"
#include "board/target/settle.h"

static char folder[] = "/tmp/target_settle_test.XXXXXX";
static char node[2][64];
static struct own own;

/* The command's first line, without its end; false: it failed. */
static bool run(char *line, size_t n, const char *fmt, ...)
{
    char command[1000];
    va_list ap;
    FILE *f;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    f = popen(command, "r");
    line[0] = 0;
    if (f && fgets(line, (int)n, f))
        line[strcspn(line, "\n")] = 0;
    return f && pclose(f) == 0;
}

static bool is_there(const char *path, const char *text)
{
    char line[200];

    return run(line, sizeof line, "PATH=$PATH:/sbin debugfs -R 'cat %s' %s/disk 2>/dev/null", path,
               folder) &&
           strcmp(line, text) == 0;
}

/* The first "partition" is none, the second an ext4 with an etc, a link that leads out, and an old
 * host name. */
static int begin(void **state)
{
    char line[200];

    (void)state;
    memset(node, 0, sizeof node);
    memset(&own, 0, sizeof own);
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    if (geteuid() != 0 ||
        !run(line, sizeof line,
             "cd %s && PATH=$PATH:/sbin && mkdir -p tree/etc tree/var && echo old "
             ">tree/etc/hostname && ln -s /etc tree/out && "
             "ln -s ../../../../../../tmp tree/up && truncate -s 1M none && mke2fs -q -t ext4 -d "
             "tree disk 16M 2>/dev/null",
             folder) ||
        !run(node[0], sizeof node[0], "PATH=$PATH:/sbin losetup -f --show %s/none 2>/dev/null",
             folder) ||
        !run(node[1], sizeof node[1], "PATH=$PATH:/sbin losetup -f --show %s/disk 2>/dev/null",
             folder))
        node[1][0] = 0;
    return 0;
}

static int end(void **state)
{
    char line[200];

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        if (node[i][0])
            run(line, sizeof line, "PATH=$PATH:/sbin losetup -d %s", node[i]);
    run(line, sizeof line, "rm -r %s", folder);
    return 0;
}

static void need_mounts(void)
{
    char line[200];

    if (!node[1][0] || !run(line, sizeof line, "cd %s && mkdir m && mount -t ext4 %s m && umount m",
                            folder, node[1])) {
        print_message("# nobody may mount here\n");
        skip();
    }
}

static void add(enum own_where where, const char *path, const char *text)
{
    struct own_file *f = &own.file[own.n++];

    f->where = where;
    strcpy(f->path, path);
    f->bytes = (const uint8_t *)text;
    f->n = strlen(text);
}

static void name_and_files(void **state)
{
    struct err err = {0};
    char line[200];

    (void)state;
    need_mounts();
    strcpy(own.host, "desk-1");
    add(OWN_EXT4, "etc/motd", "welcome");
    add(OWN_EXT4, "opt/new/folder/file", "deep");
    add(OWN_EXT4, "out/issue", "by a link");      /* /etc of the partition, not of this machine */
    add(OWN_EXT4, "up/pc_settle_leak", "inside"); /* as far up as the partition's root */
    if (settle_partitions(node, 2, &own, &err) && !strstr(err.text, "up/pc_settle_leak"))
        fail_msg("%s", err.text);
    assert_int_not_equal(access("/tmp/pc_settle_leak", F_OK), 0);
    own.n = 3;
    memset(&err, 0, sizeof err);
    if (settle_partitions(node, 2, &own, &err))
        fail_msg("%s", err.text);
    run(line, sizeof line, "sync");
    assert_true(is_there("/etc/hostname", "desk-1"));
    assert_true(is_there("/etc/motd", "welcome"));
    assert_true(is_there("/opt/new/folder/file", "deep"));
    assert_true(is_there("/etc/issue", "by a link"));
    assert_false(
        run(line, sizeof line,
            "PATH=$PATH:/sbin debugfs -R 'ls -p /etc' %s/disk 2>/dev/null | grep ringcast-new",
            folder));
    assert_true(
        run(line, sizeof line, "PATH=$PATH:/sbin e2fsck -fn %s/disk >/dev/null 2>&1", folder));
    assert_true(run(line, sizeof line, "! grep -q %s /proc/mounts", node[1]));
}

static void no_place_is_a_failure(void **state)
{
    struct err err = {0};

    (void)state;
    need_mounts();
    add(OWN_FAT, "config.txt", "x=1");
    assert_int_equal(settle_partitions(node, 2, &own, &err), PC_ESETTLE);
    assert_string_equal(err.text, "the image has no FAT partition for what is this machine's own: "
                                  "expected one among its 2 partitions");
    memset(&err, 0, sizeof err);
    own.n = 0;
    strcpy(own.host, "desk-1");
    assert_int_equal(settle_partitions(node, 1, &own, &err), PC_ESETTLE);
    assert_non_null(strstr(err.text, "no ext4 partition with a folder etc"));
    memset(&err, 0, sizeof err);
    add(OWN_EXT4, "etc/hostname/below/a/file", "x");
    assert_int_equal(settle_partitions(node, 2, &own, &err), PC_ESETTLE);
    assert_non_null(strstr(err.text, "etc/hostname/below/a/file"));
}

static void what_is_no_disk_is_left_alone(void **state)
{
    struct err err = {0};
    char path[100];

    (void)state;
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(settle_disk(path, &own, &err), 0); /* nothing to do: not even looked at */
    strcpy(own.host, "desk-1");
    assert_int_equal(settle_disk(path, &own, &err), PC_ESETTLE);
    assert_non_null(strstr(err.text, "to be a block device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(name_and_files, begin, end),
        cmocka_unit_test_setup_teardown(no_place_is_a_failure, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_disk_is_left_alone, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
