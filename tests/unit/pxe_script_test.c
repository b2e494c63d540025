#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/pxe/script.h"
#include "net/wire/rng.h"

static const uint8_t anybody[6] = {2, 0, 0, 0, 0, 1}, chosen[6] = {2, 0, 0, 0, 0, 2},
                     imaged[6] = {2, 0, 0, 0, 0, 3};
static const struct boot_choice choices[] = {{{2, 0, 0, 0, 0, 2}, 1}};
static struct boot_entry entries[BOOT_ENTRIES_MAX];
static char text[PXE_SCRIPT_MAX];

static bool wants(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return memcmp(mac, imaged, 6) != 0;
}

static struct boot_plan plan_of(unsigned n)
{
    entries[0] = boot_entry_ring("Image this machine", 1);
    entries[1] = (struct boot_entry){.name = "ESXi 8",
                                     .kind = BOOT_TREE,
                                     .id = 2,
                                     .loader = {"esxi/pxelinux.0", "esxi/efi/bootx64.efi", ""}};
    entries[2] = (struct boot_entry){.name = "Debian",
                                     .kind = BOOT_TREE,
                                     .id = 3,
                                     .script = "debian/go.ipxe"};
    return (struct boot_plan){.entries = entries,
                              .n_entries = n,
                              .choices = choices,
                              .n_choices = n > 1,
                              .address = 0x0A4D0001,
                              .wants_imaging = wants};
}

static const char *script(const struct boot_plan *p, const uint8_t *mac)
{
    size_t n = pxe_script(p, mac, text);

    assert_int_equal(strlen(text), n);
    return text;
}

static const char *script_entry(const struct boot_plan *p, unsigned entry, const uint8_t *mac)
{
    size_t n = pxe_script_entry(p, entry, mac, text);

    assert_int_equal(strlen(text), n);
    return text;
}

static void one_entry_is_booted_at_once(void **state)
{
    struct boot_plan p = plan_of(1);
    static const char want[] =
        "#!ipxe\n"
        "set box http://10.77.0.1\n"
        "set files tftp://10.77.0.1\n"
        ":e1\n"
        "imgfree\n"
        "echo Ringcast: Image this machine\n"
        "iseq ${platform} efi && goto e1_efi ||\n"
        "kernel ${box}/payload/kernel console=ttyS0,115200 console=tty0 vga=791 || goto failed\n"
        "initrd ${box}/payload/initrd || goto failed\n"
        "boot || goto failed\n"
        "goto failed\n"
        ":e1_efi\n"
        "chain ${box}/payload/ringcast-x86_64.efi || goto failed\n"
        "goto failed\n"
        ":disk\n"
        "iseq ${platform} pcbios && sanboot --no-describe --drive 0x80 || exit\n"
        ":failed\n"
        "echo Ringcast: that did not work, asking the box again in 5 seconds\n"
        "sleep 5\n"
        "chain --replace ${box}/boot.ipxe || goto failed\n";

    (void)state;
    assert_string_equal(script(&p, anybody), want);
    assert_string_equal(script(&p, NULL), want);
}

static void several_are_a_menu_with_the_default_chosen(void **state)
{
    struct boot_plan p = plan_of(3);

    (void)state;
    /* no menu without seconds */
    assert_non_null(strstr(script(&p, anybody), "\nset files tftp://10.77.0.1\n:e1\n"));
    assert_null(strstr(text, ":e2\n"));
    p.menu_seconds = 9;
    assert_non_null(strstr(script(&p, anybody),
                           "menu Ringcast || goto e1\n"
                           "item e1 Image this machine\n"
                           "item e2 ESXi 8\n"
                           "item e3 Debian\n"
                           "item disk Start from the disk\n"
                           "choose --default e1 --timeout 9000 pick || goto disk\n"
                           "goto ${pick}\n"));
    assert_null(strstr(script(&p, chosen), "menu"));
    assert_non_null(strstr(script(&p, chosen), "\nset files tftp://10.77.0.1\n:e2\n"));
    assert_non_null(strstr(script(&p, NULL),
                           "\necho Ringcast: the box cannot tell which machine this is\n:disk\n"));
    p.n_choices = 0;
    assert_non_null(strstr(script(&p, NULL), "menu Ringcast"));
}

static void trees_bring_their_script_or_their_loaders(void **state)
{
    struct boot_plan p = plan_of(3);

    (void)state;
    p.menu_seconds = 1;
    assert_non_null(
        strstr(script(&p, anybody), ":e2\nchain --replace ${box}/boot-2.ipxe || goto failed\n"));
    assert_non_null(strstr(script_entry(&p, 1, anybody),
                           "iseq ${platform} efi && goto e2_efi ||\n"
                           "set 210:string ${files}/esxi/\n"
                           "chain ${box}/esxi/pxelinux.0 || goto failed\n"
                           "goto failed\n"
                           ":e2_efi\n"
                           "set 210:string ${files}/esxi/efi/\n"
                           "chain ${box}/esxi/efi/bootx64.efi || goto failed\n"));
    assert_non_null(strstr(script_entry(&p, 2, anybody),
                           "echo Ringcast: Debian\nchain ${box}/debian/go.ipxe || goto failed\n"));
    entries[1].loader[BOOT_UEFI][0] = 0;
    assert_non_null(strstr(script_entry(&p, 1, anybody),
                           ":e2_efi\necho Ringcast: nothing to load for ${platform}\n"));
}

static void imaged_machines_start_from_their_disk(void **state)
{
    struct boot_plan p = plan_of(3);

    (void)state;
    assert_non_null(
        strstr(script(&p, imaged), "echo Ringcast: this machine is not to be imaged now\n:disk\n"));
    p.menu_seconds = 9;
    assert_non_null(strstr(script(&p, imaged), "menu Ringcast || goto disk\nitem e2 ESXi 8\n"));
    assert_non_null(strstr(text, "choose --default disk "));
    assert_null(strstr(text, "e1"));
    assert_null(strstr(script_entry(&p, 0, imaged), BOOT_PAYLOAD_EFI));
    entries[0].loader[BOOT_BIOS][0] = entries[0].loader[BOOT_UEFI][0] = 0;
    p.n_entries = 1;
    p.n_choices = 0;
    assert_non_null(strstr(script(&p, anybody), "there is nothing to boot"));
}

#define RECEIVER "payload/"

/* The script that boots an entry, and nothing of the receiver. */
static void boots_only(const struct boot_plan *p, const uint8_t mac[6], const char *path)
{
    if (!strstr(script(p, mac), path) || strstr(text, RECEIVER) || strstr(text, "menu"))
        fail_msg("expected %s alone, got\n%s", path, text);
}

static void what_was_chosen_is_booted_and_not_asked_again(void **state)
{
    struct boot_plan p = plan_of(3);
    static struct boot_starts starts;

    (void)state;
    memset(&starts, 0, sizeof starts);
    starts.now = (struct mono){BOOT_START_NS};
    p.starts = &starts;
    for (unsigned menu = 0; menu < 2; menu++) {
        p.menu_seconds = (uint8_t)(9 * menu);
        boot_start_firmware(&starts, anybody);
        assert_int_equal(boot_start_choose(&starts, anybody, 1), 0);
        boots_only(&p, anybody, "esxi/pxelinux.0");
        boots_only(&p, anybody, "esxi/efi/bootx64.efi"); /* fetched again */
        boot_start_ipxe(&starts, anybody);               /* the loader was iPXE */
        assert_null(strstr(script(&p, anybody), RECEIVER));
        assert_int_equal(!strstr(text, "choose --default disk"), menu == 0);
        boot_start_firmware(&starts, anybody);
        assert_non_null(strstr(script(&p, anybody), menu ? "choose --default e1 " : RECEIVER));
    }
    script_entry(&p, 2, anybody); /* chosen in this menu */
    boots_only(&p, anybody, "debian/go.ipxe");
    assert_non_null(strstr(script(&p, NULL), "cannot tell"));
    /* which BSDP knew and iPXE does not */
    entries[2].rules = &(struct boot_rule){.kind = BOOT_ONLY_MODEL, .model = "iMac14,3"};
    entries[2].n_rules = 1;
    boots_only(&p, anybody, "debian/go.ipxe");
    boot_start_choose(&starts, anybody, 0); /* a person means it */
    assert_non_null(strstr(script(&p, anybody), BOOT_PAYLOAD_EFI));
    boot_start_choose(&starts, imaged, 0);
    assert_null(strstr(script(&p, imaged), RECEIVER)); /* but the ring must want it */
}

static void a_box_that_has_just_started_images_nobody_by_a_menus_default(void **state)
{
    struct boot_plan p = plan_of(3);
    static struct boot_starts starts;

    (void)state;
    memset(&starts, 0, sizeof starts);
    p.starts = &starts;
    p.menu_seconds = 9;
    assert_non_null(strstr(script(&p, anybody), "choose --default disk "));
    assert_non_null(strstr(script_entry(&p, 0, anybody), BOOT_PAYLOAD_EFI));
    boot_start_firmware(&starts, anybody);
    assert_non_null(strstr(script(&p, anybody), "choose --default e1 "));
    p.fallback = 1;
    assert_non_null(strstr(script(&p, (uint8_t[6]){2, 0, 0, 0, 0, 9}), "choose --default e2 "));
    p.fallback = 0;
    p.menu_seconds = 0;
    assert_non_null(strstr(script(&p, (uint8_t[6]){2, 0, 0, 0, 0, 9}), RECEIVER));
}

/* Every line must be one that the generator writes; what people named may stand only behind "item
 * eN " and "echo Ringcast: ". */
static void judge_line(const char *line)
{
    static const char *const begins[] = {"#!ipxe",
                                         "set box http://",
                                         "set files tftp://",
                                         "set 210:string ${files}/",
                                         "goto ",
                                         ":",
                                         "imgfree",
                                         "iseq ${platform} ",
                                         "kernel ${box}/payload/kernel ",
                                         "initrd ${box}/",
                                         "boot ",
                                         "chain ",
                                         "menu Ringcast",
                                         "choose --default e",
                                         "sleep 5"};
    const char *name = NULL;

    if (strncmp(line, "echo Ringcast: ", 15) == 0)
        name = line + 15;
    else if (strncmp(line, "item ", 5) == 0)
        name = strchr(line + 5, ' ') + 1;
    if (name && strcmp(name, "nothing to load for ${platform}") == 0)
        return;
    if (name) {
        assert_null(strpbrk(name, "${}&|;#\"\\`\r\t<>*"));
        assert_null(strstr(name, " -"));
        assert_true(name[0] != '-');
        return;
    }
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(line, begins[i], strlen(begins[i])) == 0)
            return;
    fail_msg("a line that is not ours: %s", line);
}

static void names_mean_nothing_to_ipxe(void **state)
{
    static const char *const hostile[] = {"${net0/mac}",
                                          "a && reboot",
                                          "a || shell",
                                          "; shell #",
                                          "--default x",
                                          "-x -y",
                                          "\"quoted\" 'and' `more`",
                                          "a\\nb",
                                          "%24%7B",
                                          "x ${shell:string}",
                                          "B\xC3\xBCro 2"};
    struct rng rng = {.state = 20261122};
    struct boot_plan p = plan_of(3);

    (void)state;
    p.menu_seconds = 1;
    for (unsigned round = 0; round < 2000; round++) {
        char *name = entries[1].name;

        if (round < sizeof hostile / sizeof *hostile) {
            strcpy(name, hostile[round]);
        } else {
            size_t n = 1 + rng_below(&rng, BOOT_NAME_MAX);

            for (size_t i = 0; i < n; i++)
                name[i] = (char)(' ' + rng_below(&rng, 95));
            name[n] = 0;
        }
        script(&p, anybody);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            judge_line(line);
    }
    strcpy(entries[1].name, "a && b-c - d");
    assert_non_null(strstr(script(&p, anybody), "item e2 a __ b-c _ d\n"));
}

static void the_longest_entries_fit(void **state)
{
    struct boot_plan p = plan_of(BOOT_ENTRIES_MAX);

    (void)state;
    p.menu_seconds = 255;
    for (unsigned i = 0; i < BOOT_ENTRIES_MAX; i++) {
        entries[i] = (struct boot_entry){.kind = BOOT_TREE, .id = (uint16_t)(60000 + i)};
        memset(entries[i].name, '$', BOOT_NAME_MAX);
        for (unsigned k = 0; k < BOOT_PLATFORMS; k++)
            memset(entries[i].loader[k], '$', BOOT_PATH_MAX);
        entries[i].loader[BOOT_UEFI][BOOT_PATH_MAX - 1] = '/';
    }
    assert_true(pxe_script(&p, anybody, text) < PXE_SCRIPT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_entry_is_booted_at_once),
        cmocka_unit_test(several_are_a_menu_with_the_default_chosen),
        cmocka_unit_test(trees_bring_their_script_or_their_loaders),
        cmocka_unit_test(imaged_machines_start_from_their_disk),
        cmocka_unit_test(what_was_chosen_is_booted_and_not_asked_again),
        cmocka_unit_test(a_box_that_has_just_started_images_nobody_by_a_menus_default),
        cmocka_unit_test(names_mean_nothing_to_ipxe),
        cmocka_unit_test(the_longest_entries_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
