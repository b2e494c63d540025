/* Which disk is taken on recorded machines (tests/layouts), and that every rule is what decides
 * somewhere: with the cause gone, or the rule switched off, another outcome. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imaging/disk/disk.h"
#include "imaging/disk/inventory.h"
#include "tests/unit/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LAYOUTS_LEAST 60

static glob_t files;
static struct inventory seen;

static int find_layouts(void **state)
{
    (void)state;
    return glob("tests/layouts/*.txt", 0, NULL, &files);
}

static int drop_layouts(void **state)
{
    (void)state;
    globfree(&files);
    return 0;
}

static void check(const char *path, bool control)
{
    struct err err = {0}, why = {0};
    struct layout l;
    const char *got;

    layout_make(&l, path, control);
    if (inventory_read(&seen, l.root, &err))
        fail_msg("%s: %s", l.name, err.text);
    got = layout_outcome(&seen, &l.need, &why);
    if (strcmp(got, control ? l.control : l.expect) != 0)
        fail_msg("%s: expected %s, got %s: %s", l.name, control ? l.control : l.expect, got,
                 why.text);
    if (!control && l.says[0] && !strstr(why.text, l.says))
        fail_msg("%s: expected the refusal to say \"%s\", got: %s", l.name, l.says, why.text);
    layout_free(&l);
}

static void every_machine_comes_out_as_expected(void **state)
{
    (void)state;
    assert_true(files.gl_pathc >= LAYOUTS_LEAST);
    for (size_t i = 0; i < files.gl_pathc; i++)
        check(files.gl_pathv[i], false);
}

static void without_the_cause_a_machine_comes_out_as_its_control_says(void **state)
{
    unsigned controls = 0;
    struct layout l;

    (void)state;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        layout_make(&l, files.gl_pathv[i], true);
        layout_free(&l);
        if (l.control[0]) {
            check(files.gl_pathv[i], true);
            controls++;
        }
    }
    assert_true(controls >= DISK_BAR_COUNT);
}

/* The machine as a program without that rule would see it. */
static void switch_off(enum disk_bar bar, struct inventory *v, struct disk_need *need)
{
    for (unsigned i = 0; i < v->n; i++) {
        v->disk[i].bars &= ~DISK_BIT(bar);
        if (bar == DISK_BAR_MULTIPATH)
            v->disk[i].wwn[0] = v->disk[i].serial[0] = 0;
    }
    if (bar == DISK_BAR_UNPICKED)
        memset(&need->pick, 0, sizeof need->pick);
    if (bar == DISK_BAR_SMALL)
        need->min_bytes = 0;
    if (bar == DISK_BAR_SECTOR)
        need->sector = 0;
}

/* Notes the rules without which this machine would come out otherwise. */
static void note_deciding(const char *path, bool decides[DISK_BAR_COUNT])
{
    static struct inventory without;
    struct err err = {0};
    struct layout l;

    layout_make(&l, path, false);
    assert_int_equal(inventory_read(&seen, l.root, &err), 0);
    layout_free(&l);
    for (enum disk_bar bar = 0; bar < DISK_BAR_COUNT; bar++) {
        struct disk_need need = l.need;
        struct err ignored = {0};

        without = seen;
        switch_off(bar, &without, &need);
        decides[bar] |= strcmp(layout_outcome(&without, &need, &ignored), l.expect) != 0;
    }
}

static void every_rule_alone_decides_about_some_machine(void **state)
{
#define X(name, text) #name,
    static const char *const names[] = {DISK_BARS(X)};
#undef X
    bool decides[DISK_BAR_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < files.gl_pathc; i++)
        note_deciding(files.gl_pathv[i], decides);
    for (enum disk_bar bar = 0; bar < DISK_BAR_COUNT; bar++)
        if (!decides[bar])
            fail_msg("no machine comes out otherwise without the rule %s", names[bar]);
}

/* ---- the choice by itself ---- */

static struct disk_facts facts(const char *name, uint64_t bytes, const char *serial)
{
    struct disk_facts f = {.bytes = bytes, .sector = 512};

    snprintf(f.name, sizeof f.name, "%s", name);
    snprintf(f.serial, sizeof f.serial, "%s", serial);
    snprintf(f.model, sizeof f.model, "Samsung SSD 980 PRO 1TB");
    snprintf(f.wwn, sizeof f.wwn, "eui.%s", serial);
    snprintf(f.place, sizeof f.place, "/devices/pci0000:00/0000:00:1d.0/nvme/%s", name);
    return f;
}

static void rules_pick_by_each_key(void **state)
{
    static const char *const rules[] = {"serial=s2",
                                        "wwn=EUI.S2",
                                        "path=/dev/nvme1n1",
                                        "path=nvme/nvme1n1",
                                        "size=1TB",
                                        "model=980 pro, serial=S2, size=1TB",
                                        "size=1000GB,path=1d.0/nvme/nvme1n1"};
    struct inventory v = {2,
                          {facts("nvme0n1", 512110190592, "S1"),
                           facts("nvme1n1", 1000204886016, "S2")}};

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct disk_need need = {.min_bytes = 1};
        struct err err = {0};

        assert_int_equal(disk_rule_parse(&need.pick, rules[i], &err), 0);
        if (disk_choose(&v, &need, &err) != 1)
            fail_msg("%s: %s", rules[i], err.text);
    }
}

/* The first port's disk is dead today; the tenth's is not meant by its name. */
static void a_part_of_a_path_ends_where_a_word_ends(void **state)
{
    static const struct {
        const char *rule;
        int picked;
    } cases[] = {{"path=ata10", 0},
                 {"path=ata1", DISK_ENONE},
                 {"path=ta10", DISK_ENONE},
                 {"path=host9", 0},
                 {"path=sdaa", 0},
                 {"path=sda", DISK_ENONE},
                 {"path=0000:00:1f.2", 0},
                 {"path=1f.2/ata10/host9", 0},
                 {"path=1f", 0},
                 {"path=target9:0:1", DISK_ENONE},
                 {"path=target9:0:10", 0},
                 {"path=9:0:10:0", 0},
                 {"path=/devices", 0},
                 {"path=block/", 0}};
    struct inventory v = {1, {facts("sdaa", 512110190592, "S1")}};

    (void)state;
    strcpy(v.disk[0].place,
           "/devices/pci0000:00/0000:00:1f.2/ata10/host9/target9:0:10/9:0:10:0/block/sdaa");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct disk_need need = {.min_bytes = 1};

        assert_int_equal(disk_rule_parse(&need.pick, cases[i].rule, NULL), 0);
        if (disk_choose(&v, &need, NULL) != cases[i].picked)
            fail_msg("%s", cases[i].rule);
    }
}

static void rules_that_make_no_sense_are_refused(void **state)
{
    static const char *const rules[] = {"",
                                        "Auto",
                                        "serial",
                                        "serial=",
                                        "size=big",
                                        "size=0B",
                                        "serial=a,serial=b",
                                        "disk=sda",
                                        "serial=a,",
                                        ",",
                                        "size=1TB,size=1TB",
                                        "auto,serial=a"};
    char big[400];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    memcpy(big, "model=", 6);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct disk_pick pick;
        struct err err = {0};

        if (disk_rule_parse(&pick, rules[i], &err) != DISK_ERULE)
            fail_msg("taken for a rule: %s", rules[i]);
    }
    for (size_t n = 70; n < sizeof big; n += 90) {
        struct disk_pick pick;
        struct err err = {0};

        big[n] = 0;
        assert_int_equal(disk_rule_parse(&pick, big, &err), DISK_ERULE);
        big[n] = 'x';
    }
}

static void what_is_needed_is_needed_to_the_byte(void **state)
{
    struct inventory v = {1, {facts("nvme0n1", 512110190592, "S1")}};
    struct disk_need need = {.min_bytes = 512110190592, .sector = 512};

    (void)state;
    assert_int_equal(disk_bars(&v, 0, &need), 0);
    need.min_bytes++;
    assert_int_equal(disk_bars(&v, 0, &need), DISK_BIT(DISK_BAR_SMALL));
    need = (struct disk_need){.sector = 4096};
    assert_int_equal(disk_bars(&v, 0, &need), DISK_BIT(DISK_BAR_SECTOR));
    need = (struct disk_need){.pick = {.size = 502068814306}}; /* 2 % less, and a byte */
    assert_int_equal(disk_bars(&v, 0, &need), 0);
    need.pick.size -= 1000;
    assert_int_equal(disk_bars(&v, 0, &need), DISK_BIT(DISK_BAR_UNPICKED));
    need.pick.size = 522561418971; /* 2 % more */
    assert_int_equal(disk_bars(&v, 0, &need), 0);
    need.pick.size += 1000;
    assert_int_equal(disk_bars(&v, 0, &need), DISK_BIT(DISK_BAR_UNPICKED));
}

static void a_rule_never_makes_a_barred_disk_eligible(void **state)
{
    (void)state;
    for (enum disk_bar bar = 0; bar < DISK_BAR_UNPICKED; bar++) {
        struct inventory v = {1, {facts("nvme0n1", 512110190592, "S1")}};
        struct disk_need need = {.min_bytes = 1};
        struct err err = {0};

        assert_int_equal(disk_rule_parse(&need.pick, "serial=S1", &err), 0);
        assert_int_equal(disk_choose(&v, &need, &err), 0);
        facts_bar(&v.disk[0], bar, "%s", "");
        assert_int_equal(disk_choose(&v, &need, &err), DISK_ENONE);
        assert_true(disk_refusal(err.code));
    }
}

static void a_refusal_names_every_disk_and_why(void **state)
{
    struct inventory v = {4,
                          {facts("loop0", 1, ""), facts("nvme0n1", 512110190592, "S1"),
                           facts("sda", 1000204886016, "S2"), facts("sdb", 4000000, "S3")}};
    struct disk_need need = {.min_bytes = 1000000000};
    struct err err = {0}, none = {0};
    char line[DISK_LINE_MAX];

    (void)state;
    facts_bar(&v.disk[0], DISK_BAR_KIND, "%s", "");
    assert_int_equal(disk_choose(&v, &need, &err), DISK_ESEVERAL);
    assert_non_null(
        strstr(err.text,
               "found 3; nvme0n1 is a candidate; sda is a candidate; sdb is smaller than"));
    assert_null(strstr(err.text, "loop0"));
    facts_bar(&v.disk[1], DISK_BAR_LVM, "holds an LVM physical volume by its partition %d", 3);
    facts_bar(&v.disk[2], DISK_BAR_USB, "%s", "");
    assert_int_equal(disk_choose(&v, &need, &none), DISK_ENONE);
    assert_non_null(strstr(
        none.text,
        "nvme0n1 holds an LVM physical volume by its partition 3; sda is connected by USB; sdb"));
    disk_line(line, sizeof line, &v, 1, &need);
    assert_string_equal(line, "nvme0n1 holds an LVM physical volume by its partition 3 (512.1 GB, "
                              "Samsung SSD 980 PRO 1TB, "
                              "serial S1)");
}

/* A disk inside that is barred for whatever cause still counts, unless the rule does not fit it;
 * those outside and drives without a medium do not. */
static void a_barred_disk_inside_counts(void **state)
{
    const uint32_t outside = DISK_BIT(DISK_BAR_KIND) | DISK_BIT(DISK_BAR_HIDDEN) |
                             DISK_BIT(DISK_BAR_EMMC_AREA) | DISK_BIT(DISK_BAR_OPTICAL) |
                             DISK_BIT(DISK_BAR_USB) | DISK_BIT(DISK_BAR_SD) |
                             DISK_BIT(DISK_BAR_EXTERNAL) | DISK_BIT(DISK_BAR_FABRIC);

    (void)state;
    for (enum disk_bar bar = 0; bar < DISK_BAR_UNPICKED; bar++) {
        struct inventory v = {2,
                              {facts("nvme0n1", 256060514304, "S1"),
                               facts("nvme1n1", 1000204886016, "S2")}};
        struct disk_need need = {.min_bytes = 1};

        facts_bar(&v.disk[0], bar, "%s", "");
        if (disk_choose(&v, &need, NULL) != (outside & DISK_BIT(bar) ? 1 : DISK_ESEVERAL))
            fail_msg("bar %d: got %d", bar, disk_choose(&v, &need, NULL));
        assert_int_equal(disk_rule_parse(&need.pick, "serial=S2", NULL), 0);
        assert_int_equal(disk_choose(&v, &need, NULL), 1);
        assert_int_equal(disk_rule_parse(&need.pick, "model=980 PRO", NULL), 0); /* fits both */
        assert_int_equal(disk_choose(&v, &need, NULL), outside & DISK_BIT(bar) ? 1 : DISK_ESEVERAL);
    }
}

static void a_drive_without_a_medium_counts_only_inside(void **state)
{
    struct inventory v = {2, {facts("sda", 0, "S1"), facts("sdb", 1000204886016, "S2")}};
    struct disk_need need = {.min_bytes = 1};

    (void)state;
    facts_bar(&v.disk[0], DISK_BAR_NO_MEDIUM, "%s", "");
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ESEVERAL);
    facts_bar(&v.disk[0], DISK_BAR_REMOVABLE, "%s", "");
    assert_int_equal(disk_choose(&v, &need, NULL), 1);
}

/* ---- what the box says of a machine's disks ---- */

/* Its own marks alone, on the disk of that serial number, or on any where a person has named the
 * machine. */
static void marks_that_an_image_laid_there_are_overruled(void **state)
{
    struct inventory v = {1, {facts("nvme0n1", 512110190592, "S1")}};
    struct disk_written w = {"S1", "marks-1"};
    struct disk_need need = {.min_bytes = 1, .written = &w, .n_written = 1};

    (void)state;
    facts_bar(&v.disk[0], DISK_BAR_LVM, "holds an LVM physical volume by its partition %d", 2);
    /* which volume it is, is not known */
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
    memcpy(v.disk[0].marks, "marks-1", 8);
    assert_int_equal(disk_choose(&v, &need, NULL), 0);
    memcpy(v.disk[0].marks, "marks-2", 8); /* somebody else's */
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
    memcpy(w.marks, "marks-2", 8);
    assert_int_equal(disk_choose(&v, &need, NULL), 0);
    strcpy(w.serial, "S2");
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
    strcpy(w.serial, "S");
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
    strcpy(w.serial, "");
    assert_int_equal(disk_choose(&v, &need, NULL), 0);
    facts_bar(&v.disk[0], DISK_BAR_READ_ONLY, "%s", ""); /* whatever is no mark stays */
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
    v.disk[0].bars = DISK_BIT(DISK_BAR_LVM);
    memset(v.disk[0].marks, 0, 8);
    memset(w.marks, 0, 8);
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ENONE);
}

static void a_disk_that_was_there_and_is_gone_holds_the_others_back(void **state)
{
    static const struct {
        const char *rule;
        int chosen;
    } rules[] = {{"auto", DISK_EGONE},     {"model=980 pro", DISK_EGONE},
                 {"serial=S2", 0},         {"size=1TB", 0},
                 {"wwn=eui.S2", 0},        {"path=/dev/nvme1n1", 0},
                 {"serial=S1", DISK_ENONE}};
    struct disk_known known[] = {{1000204886016, "S2"}, {512110190592, "S1"}};
    struct inventory v = {1, {facts("nvme1n1", 1000204886016, "S2")}};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct disk_need need = {.min_bytes = 1, .known = known, .n_known = 2};

        assert_int_equal(disk_rule_parse(&need.pick, rules[i].rule, NULL), 0);
        memset(&err, 0, sizeof err);
        if (disk_choose(&v, &need, &err) != rules[i].chosen)
            fail_msg("%s: %s", rules[i].rule, err.text);
        if (rules[i].chosen == DISK_EGONE)
            assert_non_null(strstr(err.text, "expected the disk S1 (512.1 GB) as at the last "
                                             "attempt, it is gone; nvme1n1 is a candidate"));
    }
    assert_true(disk_refusal(DISK_EGONE));
}

static void known_disks_are_told_apart_by_serial_and_size(void **state)
{
    struct disk_known known[3];
    struct inventory v = {3,
                          {facts("sda", 1000, ""), facts("sdb", 1000, ""),
                           facts("sdc", 1000, "USB")}};
    struct disk_need need = {.min_bytes = 1, .known = known, .n_known = 2};

    (void)state;
    facts_bar(&v.disk[2], DISK_BAR_USB, "%s", "");
    facts_bar(&v.disk[1], DISK_BAR_READ_ONLY, "%s", "");
    v.disk[0].wwn[0] = v.disk[1].wwn[0] = 0;
    assert_int_equal(disk_inside(&v, known, 3), 2);
    assert_string_equal(known[0].text, "Samsung SSD 980 PRO 1TB");
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_ESEVERAL);
    v.n = 1; /* two that look alike, and one of them is gone */
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_EGONE);
    need.n_known = 1;
    assert_int_equal(disk_choose(&v, &need, NULL), 0);
    known[0].bytes++;
    assert_int_equal(disk_choose(&v, &need, NULL), DISK_EGONE);
}

/* What the kernel says of a disk's use and cannot be read is not "in no use". */
static void a_disk_whose_use_cannot_be_read_is_barred(void **state)
{
    static const char *const as_file[] = {"sys/block/nvme0n1/holders",
                                          "sys/block/nvme0n1/nvme0n1p1/holders"},
                             *const as_folder[] = {"proc/self/mountinfo", "proc/swaps"};
    char path[400];
    struct layout l;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};

        layout_make(&l, "tests/layouts/laptop-nvme.txt", false);
        snprintf(path, sizeof path, "%s/%s", l.root, i < 2 ? as_file[i] : as_folder[i - 2]);
        (void)unlink(path);
        if (i < 2 ? close(open(path, O_WRONLY | O_CREAT, 0600)) : mkdir(path, 0700))
            fail_msg("%s cannot be made", path);
        assert_int_equal(inventory_read(&seen, l.root, &err), 0);
        if (disk_choose(&seen, &l.need, &err) != DISK_ENONE ||
            !strstr(err.text, "cannot be judged"))
            fail_msg("%s cannot be read, and the disk is chosen: %s", path, err.text);
        layout_free(&l);
    }
}

/* ---- the second look ---- */

static void a_disk_that_changed_since_is_not_the_same(void **state)
{
    static const char *const changes[] = {"device/serial", "device/model", "wwid",     "diskseq",
                                          "dev",           "ro",           "removable"};
    char path[400];
    struct layout l;
    struct err err = {0};
    int chosen;
    FILE *f;

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        layout_make(&l, "tests/layouts/laptop-nvme.txt", false);
        assert_int_equal(inventory_read(&seen, l.root, &err), 0);
        chosen = disk_choose(&seen, &l.need, &err);
        assert_true(chosen >= 0);
        assert_int_equal(inventory_again(&seen.disk[chosen], l.root, &err), 0);
        snprintf(path, sizeof path, "%s/sys/block/nvme0n1/%s", l.root, changes[i]);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs("9\n", f);
        fclose(f);
        if (inventory_again(&seen.disk[chosen], l.root, &err) != DISK_EOTHER)
            fail_msg("another %s was not noticed", changes[i]);
        memset(&err, 0, sizeof err);
        layout_free(&l);
    }
}

static void a_disk_that_is_gone_is_not_the_same(void **state)
{
    char path[400];
    struct layout l;
    struct err err = {0};
    int chosen;

    (void)state;
    layout_make(&l, "tests/layouts/laptop-nvme.txt", false);
    assert_int_equal(inventory_read(&seen, l.root, &err), 0);
    chosen = disk_choose(&seen, &l.need, &err);
    assert_true(chosen >= 0);
    snprintf(path, sizeof path, "%s/sys/block/nvme0n1", l.root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(inventory_again(&seen.disk[chosen], l.root, &err), DISK_EOTHER);
    layout_free(&l);
}

static void more_disks_than_can_be_seen_are_refused(void **state)
{
    char path[400], name[64], link[400];
    struct layout l;
    struct err err = {0};

    (void)state;
    layout_make(&l, "tests/layouts/laptop-nvme.txt", false);
    for (int i = 0; i < INVENTORY_MAX; i++) {
        snprintf(name, sizeof name, "sd%c%c", 'a' + i / 26, 'a' + i % 26);
        snprintf(path, sizeof path, "%s/sys/devices/%s", l.root, name);
        snprintf(link, sizeof link, "%s/sys/block/%s", l.root, name);
        assert_int_equal(mkdir(path, 0777), 0);
        assert_int_equal(symlink(path, link), 0);
    }
    assert_int_equal(inventory_read(&seen, l.root, &err), DISK_EINVENTORY);
    layout_free(&l);
    assert_int_equal(inventory_read(&seen, "/nowhere", &err), DISK_EINVENTORY);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_comes_out_as_expected),
        cmocka_unit_test(without_the_cause_a_machine_comes_out_as_its_control_says),
        cmocka_unit_test(every_rule_alone_decides_about_some_machine),
        cmocka_unit_test(rules_pick_by_each_key),
        cmocka_unit_test(a_part_of_a_path_ends_where_a_word_ends),
        cmocka_unit_test(rules_that_make_no_sense_are_refused),
        cmocka_unit_test(what_is_needed_is_needed_to_the_byte),
        cmocka_unit_test(a_rule_never_makes_a_barred_disk_eligible),
        cmocka_unit_test(a_refusal_names_every_disk_and_why),
        cmocka_unit_test(a_barred_disk_inside_counts),
        cmocka_unit_test(a_drive_without_a_medium_counts_only_inside),
        cmocka_unit_test(marks_that_an_image_laid_there_are_overruled),
        cmocka_unit_test(a_disk_that_was_there_and_is_gone_holds_the_others_back),
        cmocka_unit_test(known_disks_are_told_apart_by_serial_and_size),
        cmocka_unit_test(a_disk_whose_use_cannot_be_read_is_barred),
        cmocka_unit_test(a_disk_that_changed_since_is_not_the_same),
        cmocka_unit_test(a_disk_that_is_gone_is_not_the_same),
        cmocka_unit_test(more_disks_than_can_be_seen_are_refused),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, find_layouts, drop_layouts);
}
