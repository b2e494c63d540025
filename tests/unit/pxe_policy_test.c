#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/pxe/policy.h"

enum { RING, ESXI, NETINST, MAC_ONLY, ENTRIES };

static const uint8_t anybody[6] = {2, 0, 0, 0, 0, 1}, chosen[6] = {2, 0, 0, 0, 0, 2},
                     imaged[6] = {2, 0, 0, 0, 0, 3}, banned[6] = {2, 0, 0, 0, 0, 4},
                     imaged_chosen[6] = {2, 0, 0, 0, 0, 5};
static const struct boot_rule not_banned[] = {{.kind = BOOT_NOT_MAC, .mac = {2, 0, 0, 0, 0, 4}}};
static const struct boot_rule one_model[] = {{.kind = BOOT_ONLY_MODEL, .model = "iMac14,3"}};
static const struct boot_choice choices[] = {{{2, 0, 0, 0, 0, 2}, ESXI},
                                             {{2, 0, 0, 0, 0, 5}, NETINST}};
static struct boot_entry entries[ENTRIES];

static bool wants(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return memcmp(mac, imaged, 6) != 0 && memcmp(mac, imaged_chosen, 6) != 0;
}

static struct boot_plan plan_of(void)
{
    entries[RING] = boot_entry_ring("Image this machine", 1);
    entries[RING].rules = not_banned;
    entries[RING].n_rules = 1;
    entries[ESXI] = (struct boot_entry){.name = "ESXi 8",
                                        .kind = BOOT_TREE,
                                        .id = 2,
                                        .loader = {"esxi/mboot.c32", "esxi/bootx64.efi", ""}};
    entries[NETINST] = (struct boot_entry){.name = "Debian",
                                           .kind = BOOT_TREE,
                                           .id = 3,
                                           .loader = {"", "debian/shim.efi", ""},
                                           .script = "debian/go.ipxe"};
    entries[MAC_ONLY] = (struct boot_entry){.name = "Mac tree",
                                            .kind = BOOT_TREE,
                                            .id = 4,
                                            .loader = {"m", "m", "m"},
                                            .rules = one_model,
                                            .n_rules = 1};
    return (struct boot_plan){.entries = entries,
                              .n_entries = ENTRIES,
                              .choices = choices,
                              .n_choices = 2,
                              .address = 0x0A4D0001,
                              .wants_imaging = wants};
}

static struct pxe_facts rom(const uint8_t mac[6], enum pxe_class class_id, uint16_t arch)
{
    struct pxe_facts f = {.class_id = class_id, .has_arch = true, .arch = arch, .ipxe_http = true};

    memcpy(f.mac, mac, 6);
    return f;
}

#define ECHO_FILE "\x06\x01\x08\xff"

static void each_machine_gets_what_the_table_says(void **state)
{
    static const struct {
        enum pxe_class class_id;
        uint16_t arch;
        bool ipxe;
        const uint8_t *mac;
        enum pxe_stage stage;
        int verdict;
        const char *class_out, *file, *vendor;
    } c[] = {
        {PXE_CLASS_PXE, 0, 0, anybody, PXE_LEASE, 0, NULL, "payload/undionly.kpxe", ""},
        {PXE_CLASS_PXE, 0, 0, anybody, PXE_PROXY, 0, "PXEClient", "payload/undionly.kpxe",
         ECHO_FILE},
        {PXE_CLASS_PXE, 0, 0, anybody, PXE_BINL, 0, "PXEClient", "payload/undionly.kpxe", ""},
        {PXE_CLASS_PXE, 0, 0, chosen, PXE_LEASE, 0, NULL, "esxi/mboot.c32", ""},
        {PXE_CLASS_PXE, 0, 0, imaged_chosen, PXE_LEASE, 0, NULL, "payload/undionly.kpxe", ""},
        {PXE_CLASS_PXE, 0, 1, anybody, PXE_LEASE, 0, NULL, "http://10.77.0.1/boot.ipxe", ""},
        {PXE_CLASS_PXE, 0, 1, anybody, PXE_PROXY, 0, "PXEClient", "http://10.77.0.1/boot.ipxe", ""},
        {PXE_CLASS_NONE, 0, 1, anybody, PXE_LEASE, 0, NULL, "http://10.77.0.1/boot.ipxe", ""},
        {PXE_CLASS_PXE, 7, 1, anybody, PXE_BINL, 0, "PXEClient", "http://10.77.0.1/boot.ipxe", ""},
        {PXE_CLASS_PXE, 7, 0, anybody, PXE_LEASE, 0, NULL, BOOT_PAYLOAD_EFI, ""},
        {PXE_CLASS_PXE, 9, 0, anybody, PXE_LEASE, 0, NULL, BOOT_PAYLOAD_EFI, ""},
        {PXE_CLASS_PXE, 7, 0, anybody, PXE_PROXY, 0, "PXEClient", "", ""},
        {PXE_CLASS_PXE, 7, 0, anybody, PXE_BINL, 0, "PXEClient", BOOT_PAYLOAD_EFI, ""},
        {PXE_CLASS_PXE, 7, 0, chosen, PXE_BINL, 0, "PXEClient", "esxi/bootx64.efi", ""},
        {PXE_CLASS_HTTP_BOOT, 16, 0, anybody, PXE_LEASE, 0, "HTTPClient",
         "http://10.77.0.1/" BOOT_PAYLOAD_EFI, ""},
        {PXE_CLASS_HTTP_BOOT, 16, 0, chosen, PXE_PROXY, 0, "HTTPClient",
         "http://10.77.0.1/esxi/bootx64.efi", ""},
        {PXE_CLASS_HTTP_BOOT, 16, 0, anybody, PXE_BINL, PXE_EHTTP4011, NULL, "", ""},
        {PXE_CLASS_PXE, 11, 0, anybody, PXE_LEASE, PXE_EARM64, NULL, "", ""},
        {PXE_CLASS_HTTP_BOOT, 19, 0, anybody, PXE_LEASE, PXE_EARM64, NULL, "", ""},
        {PXE_CLASS_PXE, 11, 1, anybody, PXE_LEASE, PXE_EARM64, NULL, "", ""},
        {PXE_CLASS_PXE, 6, 0, anybody, PXE_LEASE, PXE_EIA32, NULL, "", ""},
        {PXE_CLASS_HTTP_BOOT, 15, 0, anybody, PXE_LEASE, PXE_EIA32, NULL, "", ""},
        {PXE_CLASS_PXE, 27, 0, anybody, PXE_LEASE, PXE_EARCH, NULL, "", ""},
        {PXE_CLASS_NONE, 7, 0, anybody, PXE_LEASE, PXE_ENOTASKED, NULL, "", ""},
        {PXE_CLASS_PXE, 7, 0, imaged, PXE_LEASE, PXE_EDONE, NULL, "", ""},
        {PXE_CLASS_PXE, 7, 0, imaged, PXE_BINL, PXE_EDONE, NULL, "", ""},
        {PXE_CLASS_PXE, 0, 1, imaged, PXE_LEASE, PXE_EDONE, NULL, "", ""},
        {PXE_CLASS_PXE, 7, 0, imaged_chosen, PXE_LEASE, 0, NULL, "debian/shim.efi", ""},
        {PXE_CLASS_PXE, 7, 0, banned, PXE_LEASE, 0, NULL, "esxi/bootx64.efi", ""},
    };
    struct boot_plan p = plan_of();

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct pxe_facts f = rom(c[i].mac, c[i].class_id, c[i].arch);
        struct pxe_answer a;

        f.ipxe = c[i].ipxe;
        if (pxe_decide(&p, &f, c[i].stage, &a) != c[i].verdict)
            fail_msg("row %zu: verdict %d", i, pxe_decide(&p, &f, c[i].stage, &a));
        if (c[i].verdict)
            continue;
        if (strcmp(a.file, c[i].file) != 0 || a.n_vendor != strlen(c[i].vendor) ||
            memcmp(a.vendor, c[i].vendor, a.n_vendor) != 0 || !a.class_id != !c[i].class_out ||
            (a.class_id && strcmp(a.class_id, c[i].class_out) != 0))
            fail_msg("row %zu: class %s, file %s, %zu bytes of 43", i,
                     a.class_id ? a.class_id : "none", a.file, a.n_vendor);
        assert_int_equal(a.no_proxy, c[i].ipxe && c[i].stage == PXE_LEASE);
    }
}

/* UEFI that is given nothing asks for minutes; BIOS and iPXE go on by themselves. */
static void an_imaged_machine_with_uefi_is_sent_on_to_its_disk(void **state)
{
    static const struct {
        enum pxe_class class_id;
        uint16_t arch;
        bool ipxe;
        enum pxe_stage stage;
        int verdict;
        const char *class_out, *file;
    } c[] = {
        {PXE_CLASS_PXE, 7, false, PXE_LEASE, 0, NULL, BOOT_PAYLOAD_LEAVE},
        {PXE_CLASS_PXE, 7, false, PXE_PROXY, 0, "PXEClient", ""},
        {PXE_CLASS_PXE, 7, false, PXE_BINL, 0, "PXEClient", BOOT_PAYLOAD_LEAVE},
        {PXE_CLASS_HTTP_BOOT, 16, false, PXE_LEASE, 0, "HTTPClient",
         "http://10.77.0.1/" BOOT_PAYLOAD_LEAVE},
        {PXE_CLASS_PXE, 0, false, PXE_LEASE, PXE_EDONE, NULL, ""},
        {PXE_CLASS_PXE, 7, true, PXE_LEASE, PXE_EDONE, NULL, ""},
    };
    struct boot_plan p = plan_of();

    (void)state;
    p.leaves = true;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct pxe_facts f = rom(imaged, c[i].class_id, c[i].arch);
        struct pxe_answer a;

        f.ipxe = c[i].ipxe;
        assert_int_equal(pxe_decide(&p, &f, c[i].stage, &a), c[i].verdict);
        assert_int_equal(a.leaves, c[i].verdict == 0);
        if (c[i].verdict)
            continue;
        assert_string_equal(a.file, c[i].file);
        assert_int_equal(!a.class_id, !c[i].class_out);
        assert_int_equal(a.n_vendor, 0);
    }
}

/* Where the ring wants the machine it may be the default of a menu; elsewhere the disk is, and the
 * entries are still there. */
static void the_ring_is_no_menus_default_unless_it_wants_the_machine(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts uefi = rom(imaged, PXE_CLASS_PXE, 7), bios = rom(imaged, PXE_CLASS_PXE, 0),
                     ipxe = rom(imaged, PXE_CLASS_PXE, 7),
                     http = rom(imaged, PXE_CLASS_HTTP_BOOT, 16);
    struct pxe_answer a;

    (void)state;
    p.leaves = true;
    p.menu_seconds = 5;
    ipxe.ipxe = true;
    assert_int_equal(pxe_decide(&p, &uefi, PXE_LEASE, &a), 0);
    assert_int_equal(a.entry, -1);
    assert_false(a.leaves);
    assert_string_equal(a.file, "");
    /* first in the menu */
    assert_non_null(memmem(a.vendor, a.n_vendor, "\0\0\x13Start from the disk\x80\x02", 24));
    assert_null(memmem(a.vendor, a.n_vendor, "Image this machine", 18));
    assert_int_equal(pxe_decide(&p, &uefi, PXE_BINL, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_LEAVE);
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), 0);
    assert_true(a.leaves);
    p.ipxe_efi = true;
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), 0); /* iPXE shows it */
    assert_string_equal(a.file, "http://10.77.0.1/" BOOT_PAYLOAD_IPXE_EFI);
    assert_string_equal(a.class_id, "HTTPClient");
    assert_false(a.leaves);
    assert_int_equal(pxe_decide(&p, &bios, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_IPXE);
    assert_int_equal(pxe_decide(&p, &ipxe, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, "http://10.77.0.1/boot.ipxe");
    p.n_entries = 1;
    p.n_choices = 0;
    assert_int_equal(pxe_decide(&p, &uefi, PXE_LEASE, &a), 0);
    assert_true(a.leaves);
    assert_int_equal(pxe_decide(&p, &bios, PXE_LEASE, &a), PXE_EDONE);
    assert_int_equal(pxe_decide(&p, &ipxe, PXE_LEASE, &a), PXE_EDONE);
}

/* What was chosen for this start is the script's to say, also where the plan has nothing for the
 * machine. */
static void ipxe_of_a_machine_that_has_chosen_asks_the_script(void **state)
{
    struct boot_plan p = plan_of();
    struct boot_starts starts = {.now = {BOOT_START_NS}};
    struct pxe_facts ipxe = rom(imaged, PXE_CLASS_PXE, 7);
    struct pxe_answer a;

    (void)state;
    p.starts = &starts;
    ipxe.ipxe = true;
    assert_int_equal(pxe_decide(&p, &ipxe, PXE_LEASE, &a), PXE_EDONE);
    assert_int_equal(boot_start_choose(&starts, imaged, ESXI), 0);
    assert_int_equal(pxe_decide(&p, &ipxe, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, "http://10.77.0.1/boot.ipxe");
    boot_start_told(&starts, imaged);
    boot_start_ipxe(&starts, imaged);
    assert_int_equal(pxe_decide(&p, &ipxe, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, "http://10.77.0.1/boot.ipxe");
}

static int item(const struct boot_plan *p, const uint8_t mac[6], uint16_t arch, uint16_t type,
                struct pxe_answer *a);

static void uefi_gets_to_scripts_by_ipxe(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(imaged_chosen, PXE_CLASS_PXE, 7),
                     http = rom(imaged_chosen, PXE_CLASS_HTTP_BOOT, 16);
    struct pxe_answer a;

    (void)state;
    entries[NETINST].loader[BOOT_UEFI][0] = 0; /* a script alone */
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), PXE_ENOENTRY);
    p.ipxe_efi = true;
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_IPXE_EFI);
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, "http://10.77.0.1/" BOOT_PAYLOAD_IPXE_EFI);
    assert_int_equal(item(&p, anybody, 7, 0x8003, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_IPXE_EFI);
}

static void uefi_may_be_given_the_file_at_once(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(anybody, PXE_CLASS_PXE, 7);
    struct pxe_answer a;

    (void)state;
    p.uefi_direct = true;
    assert_int_equal(pxe_decide(&p, &f, PXE_PROXY, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_EFI);
    assert_int_equal(a.n_vendor, 4);
    assert_memory_equal(a.vendor, ECHO_FILE, 4);
}

static void a_menu_is_shown_where_there_is_a_choice(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(anybody, PXE_CLASS_PXE, 7), own = rom(chosen, PXE_CLASS_PXE, 7),
                     bios = rom(anybody, PXE_CLASS_PXE, 0),
                     http = rom(anybody, PXE_CLASS_HTTP_BOOT, 16);
    struct pxe_answer a;

    (void)state;
    p.menu_seconds = 5;
    for (int stage = PXE_LEASE; stage <= PXE_PROXY; stage++) {
        assert_int_equal(pxe_decide(&p, &f, (enum pxe_stage)stage, &a), 0);
        assert_string_equal(a.class_id, "PXEClient");
        assert_string_equal(a.file, "");
        assert_true(a.n_vendor > 60);
        /* three servers, the default first */
        assert_memory_equal(a.vendor, "\x06\x01\x07\x08\x15\x80\x01", 7);
    }
    assert_int_equal(pxe_decide(&p, &own, PXE_LEASE, &a), 0); /* the plan has chosen */
    assert_int_equal(a.n_vendor, 0);
    assert_int_equal(pxe_decide(&p, &bios, PXE_LEASE, &a), 0); /* iPXE shows it */
    assert_int_equal(a.n_vendor, 0);
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), 0);
    assert_int_equal(a.n_vendor, 0);
    assert_string_equal(a.file, "http://10.77.0.1/" BOOT_PAYLOAD_EFI);
    p.ipxe_efi = true;
    for (int stage = PXE_LEASE; stage <= PXE_PROXY; stage++) {
        assert_int_equal(pxe_decide(&p, &http, (enum pxe_stage)stage, &a), 0);
        assert_string_equal(a.file, "http://10.77.0.1/" BOOT_PAYLOAD_IPXE_EFI);
        assert_int_equal(a.n_vendor, 0);
        assert_int_equal(a.entry, -1);
    }
    http = rom(chosen, PXE_CLASS_HTTP_BOOT, 16);
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), 0); /* the plan has chosen */
    assert_string_equal(a.file, "http://10.77.0.1/esxi/bootx64.efi");
    p.n_entries = 1;
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), 0);
    assert_int_equal(a.n_vendor, 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_EFI);
}

static int item(const struct boot_plan *p, const uint8_t mac[6], uint16_t arch, uint16_t type,
                struct pxe_answer *a)
{
    struct pxe_facts f = rom(mac, PXE_CLASS_PXE, arch);

    f.has_item = true;
    f.item = type;
    return pxe_decide(p, &f, PXE_BINL, a);
}

static void an_item_chosen_is_served_on_4011(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_answer a;

    (void)state;
    p.menu_seconds = 5;
    assert_int_equal(item(&p, anybody, 7, 0x8002, &a), 0);
    assert_string_equal(a.file, "esxi/bootx64.efi");
    assert_memory_equal(a.vendor, "\x47\x04\x80\x02\0\0\xff", 7);
    assert_int_equal(a.entry, ESXI);
    assert_int_equal(item(&p, anybody, 0, 0x8002, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_IPXE);
    assert_int_equal(item(&p, anybody, 7, 0x8004, &a), PXE_EITEM); /* for another model */
    assert_int_equal(item(&p, anybody, 7, 0x8009, &a), PXE_EITEM);
    assert_int_equal(item(&p, anybody, 7, 2, &a), PXE_EITEM);
    assert_int_equal(item(&p, anybody, 7, PXE_ITEM_DISK, &a), PXE_EITEM);
    assert_int_equal(item(&p, imaged, 7, 0x8001, &a), PXE_EITEM); /* no second time */
    assert_int_equal(item(&p, imaged, 7, 0x8002, &a), 0);
    assert_int_equal(item(&p, banned, 7, 0x8001, &a), PXE_EITEM);
}

static void malformed_vendor_options_stop_4011_alone(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(anybody, PXE_CLASS_PXE, 7);
    struct pxe_answer a;

    (void)state;
    f.bad_vendor = true;
    assert_int_equal(pxe_decide(&p, &f, PXE_BINL, &a), PXE_EVENDOR);
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), 0);
}

static void machines_without_an_architecture_are_old_bios(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(anybody, PXE_CLASS_PXE, 0),
                     http = rom(anybody, PXE_CLASS_HTTP_BOOT, 0);
    struct pxe_answer a;

    (void)state;
    f.has_arch = http.has_arch = false;
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, BOOT_PAYLOAD_IPXE);
    assert_int_equal(pxe_decide(&p, &http, PXE_LEASE, &a), PXE_EARCH);
}

static void ipxe_without_http_gets_a_tftp_url(void **state)
{
    struct boot_plan p = plan_of();
    struct pxe_facts f = rom(anybody, PXE_CLASS_PXE, 0);
    struct pxe_answer a;

    (void)state;
    f.ipxe = true;
    f.ipxe_http = false;
    assert_int_equal(pxe_decide(&p, &f, PXE_LEASE, &a), 0);
    assert_string_equal(a.file, "tftp://10.77.0.1/boot.ipxe");
}

static void urls_are_escaped_and_bounded(void **state)
{
    struct boot_plan p = plan_of();
    char url[PXE_FILE_MAX + 1];

    (void)state;
    p.http_port = 8080;
    assert_int_equal(boot_plan_url(&p, "a b/${x}&c%\xC3\xBC", url, sizeof url), 0);
    assert_string_equal(url, "http://10.77.0.1:8080/a%20b/%24%7Bx%7D%26c%25%C3%BC");
    p.http_port = 80;
    assert_int_equal(boot_plan_url(&p, "", url, sizeof url), 0);
    assert_string_equal(url, "http://10.77.0.1/");
    for (size_t cap = 1; cap < 18; cap++)
        assert_int_equal(boot_plan_url(&p, "x", url, cap), cap < 19 ? PXE_EROOM : 0);
    assert_int_equal(boot_plan_url(&p, "x", url, 19), 0);
    assert_int_equal(boot_plan_url(&p, "%%%%%", url, 20), PXE_EROOM);
}

static void rules_say_for_whom(void **state)
{
    static const struct boot_rule lists[] = {
        {.kind = BOOT_ONLY_MAC, .mac = {2, 0, 0, 0, 0, 1}},
        {.kind = BOOT_ONLY_MAC, .mac = {2, 0, 0, 0, 0, 4}},
        {.kind = BOOT_NOT_MAC, .mac = {2, 0, 0, 0, 0, 4}},
        {.kind = BOOT_NOT_MODEL, .model = "Macmini7,1"},
    };
    struct boot_entry e = {.loader = {"b", "u", "m"}, .rules = lists};

    (void)state;
    e.n_rules = 0;
    assert_true(boot_entry_fits(&e, BOOT_MAC, chosen, ""));
    e.n_rules = 4;
    assert_true(boot_entry_fits(&e, BOOT_MAC, anybody, ""));
    assert_false(boot_entry_fits(&e, BOOT_MAC, chosen, ""));
    assert_false(boot_entry_fits(&e, BOOT_MAC, banned, ""));
    assert_false(boot_entry_fits(&e, BOOT_MAC, anybody, "Macmini7,1"));
    e.rules = one_model;
    e.n_rules = 1;
    assert_true(boot_entry_fits(&e, BOOT_MAC, chosen, "iMac14,3"));
    assert_false(boot_entry_fits(&e, BOOT_MAC, chosen, "iMac14,30"));
    assert_false(boot_entry_fits(&e, BOOT_UEFI, chosen, ""));
    e.loader[BOOT_MAC][0] = 0;
    assert_false(boot_entry_fits(&e, BOOT_MAC, chosen, "iMac14,3"));
}

static int check_with(void (*spoil)(struct boot_entry *), struct err *err)
{
    struct boot_entry two[2] = {boot_entry_ring("a", 1), boot_entry_ring("b", 2)};

    memset(err, 0, sizeof *err);
    spoil(two);
    return boot_entries_check(two, 2, err);
}

static void nothing(struct boot_entry *e)
{
    (void)e;
}
static void same_name(struct boot_entry *e)
{
    strcpy(e[1].name, "a");
}
static void same_id(struct boot_entry *e)
{
    e[1].id = 1;
}
static void no_id(struct boot_entry *e)
{
    e[1].id = 0;
}
static void no_name(struct boot_entry *e)
{
    e[1].name[0] = 0;
}
static void bell(struct boot_entry *e)
{
    strcpy(e[1].name, "a\a");
}
static void upwards(struct boot_entry *e)
{
    strcpy(e[1].loader[BOOT_BIOS], "a/../b");
}
static void absolute(struct boot_entry *e)
{
    strcpy(e[1].script, "/etc/passwd");
}
static void nothing_to_load(struct boot_entry *e)
{
    memset(e[1].loader, 0, sizeof e[1].loader);
}

static void entries_are_checked(void **state)
{
    struct err err;
    static const char *const bad[] = {"",     "/a",  "a//b", "a/",   ".",   "..",
                                      "a/..", "./a", "a\\b", "a\nb", "\xC0"};

    (void)state;
    assert_int_equal(check_with(nothing, &err), 0);
    assert_int_equal(check_with(same_name, &err), PXE_ENAME);
    assert_int_equal(check_with(same_id, &err), PXE_EID);
    assert_string_equal(err.text, "expected each entry's number once, got 1 for \"a\" and \"b\"");
    assert_int_equal(check_with(no_id, &err), PXE_EID);
    assert_int_equal(check_with(no_name, &err), PXE_ENAME);
    assert_int_equal(check_with(bell, &err), PXE_ENAME);
    assert_int_equal(check_with(upwards, &err), PXE_EPATH);
    assert_int_equal(check_with(absolute, &err), PXE_EPATH);
    assert_int_equal(check_with(nothing_to_load, &err), PXE_ELOADER);
    assert_int_equal(boot_entries_check(entries, 0, &err), PXE_ECOUNT);
    assert_int_equal(boot_entries_check(entries, BOOT_ENTRIES_MAX + 1, &err), PXE_ECOUNT);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(boot_path_legal(bad[i]));
    assert_true(boot_path_legal("a/b.c/..d/e"));
}

/* A disk is erased because somebody chose that, never because what was chosen does not fit the
 * machine. */
static void the_ring_takes_the_place_of_nothing(void **state)
{
    struct boot_plan p = plan_of();
    bool own = false;

    (void)state;
    entries[ESXI].loader[BOOT_BIOS][0] = 0;
    assert_int_equal(boot_plan_choice(&p, BOOT_BIOS, chosen, "", &own), PXE_ENOENTRY);
    assert_true(own);
    assert_int_equal(boot_plan_choice(&p, BOOT_UEFI, chosen, "", &own), ESXI);
    p.fallback = ESXI;
    assert_int_equal(boot_plan_choice(&p, BOOT_BIOS, anybody, "", &own), NETINST);
    p.n_entries = NETINST;
    assert_int_equal(boot_plan_choice(&p, BOOT_BIOS, anybody, "", &own), PXE_ENOENTRY);
    assert_int_equal(boot_plan_choice(&p, BOOT_UEFI, anybody, "", &own), ESXI);
    p.fallback = RING;
    assert_int_equal(boot_plan_choice(&p, BOOT_BIOS, anybody, "", &own), RING);
    assert_int_equal(boot_plan_choice(&p, BOOT_BIOS, banned, "", &own), PXE_ENOENTRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_machine_gets_what_the_table_says),
        cmocka_unit_test(an_imaged_machine_with_uefi_is_sent_on_to_its_disk),
        cmocka_unit_test(the_ring_is_no_menus_default_unless_it_wants_the_machine),
        cmocka_unit_test(ipxe_of_a_machine_that_has_chosen_asks_the_script),
        cmocka_unit_test(uefi_gets_to_scripts_by_ipxe),
        cmocka_unit_test(uefi_may_be_given_the_file_at_once),
        cmocka_unit_test(a_menu_is_shown_where_there_is_a_choice),
        cmocka_unit_test(an_item_chosen_is_served_on_4011),
        cmocka_unit_test(malformed_vendor_options_stop_4011_alone),
        cmocka_unit_test(machines_without_an_architecture_are_old_bios),
        cmocka_unit_test(ipxe_without_http_gets_a_tftp_url),
        cmocka_unit_test(urls_are_escaped_and_bounded),
        cmocka_unit_test(rules_say_for_whom),
        cmocka_unit_test(entries_are_checked),
        cmocka_unit_test(the_ring_takes_the_place_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
