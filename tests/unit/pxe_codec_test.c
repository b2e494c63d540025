#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/pxe/codec.h"
#include "tests/unit/exact.h"

static struct pxe_facts class_of(const char *text)
{
    struct pxe_facts f = {0};

    pxe_class_decode(exact(text, strlen(text)), strlen(text), &f);
    return f;
}

static void classes_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum pxe_class class_id;
        int arch; /* -1: not said */
    } c[] = {
        {"PXEClient:Arch:00007:UNDI:003000", PXE_CLASS_PXE, 7},
        {"PXEClient:Arch:00000:UNDI:002001", PXE_CLASS_PXE, 0},
        {"HTTPClient:Arch:00016:UNDI:003001", PXE_CLASS_HTTP_BOOT, 16},
        {"PXEClient", PXE_CLASS_PXE, -1},
        {"PXEClient:Arch:", PXE_CLASS_PXE, -1},
        {"PXEClient:Arch:0007", PXE_CLASS_PXE, -1},
        {"PXEClient:Arch:65535", PXE_CLASS_PXE, 65535},
        {"PXEClient:Arch:65536", PXE_CLASS_PXE, -1},
        {"PXEClient:Arch:99999", PXE_CLASS_PXE, -1},
        {"PXEClient:Arch:-0007", PXE_CLASS_PXE, -1},
        {"HTTPClient", PXE_CLASS_HTTP_BOOT, -1},
        {"PXEClien", PXE_CLASS_NONE, -1},
        {"pxeclient:Arch:00007", PXE_CLASS_NONE, -1},
        {"AAPLBSDPC/i386/iMac14,3", PXE_CLASS_NONE, -1},
        {"MSFT 5.0", PXE_CLASS_NONE, -1},
        {"", PXE_CLASS_NONE, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct pxe_facts f = class_of(c[i].text);

        assert_int_equal(f.class_id, c[i].class_id);
        assert_int_equal(f.has_arch ? (int)f.arch : -1, c[i].arch);
    }
}

static void every_truncation_of_a_class_is_read_within_its_bytes(void **state)
{
    static const char text[] = "HTTPClient:Arch:00016:UNDI:003001";

    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct pxe_facts f = {0};

        pxe_class_decode(exact(text, cut), cut, &f);
        assert_int_equal(f.class_id, cut >= 10 ? PXE_CLASS_HTTP_BOOT : PXE_CLASS_NONE);
        assert_int_equal(f.has_arch, cut >= 21);
    }
}

static int arch_of(const void *bytes, size_t n)
{
    struct pxe_facts f = {0};

    pxe_arch_decode(exact(bytes, n), n, &f);
    return f.has_arch ? (int)f.arch : -1;
}

static void the_first_architecture_with_a_meaning_counts(void **state)
{
    (void)state;
    assert_int_equal(arch_of("", 0), -1);
    assert_int_equal(arch_of("\0", 1), -1);
    assert_int_equal(arch_of("\0\7", 2), 7);
    assert_int_equal(arch_of("\0\7\0", 3), 7);
    assert_int_equal(arch_of("\0\x0b", 2), 11);
    assert_int_equal(arch_of("\0\x0b\0\7", 4), 7);
    assert_int_equal(arch_of("\0\7\0\0", 4), 7);
    assert_int_equal(arch_of("\0\6\0\x0b", 4), 6);
    assert_int_equal(arch_of("\0\0\0\7", 4), 0);
}

static bool user_class(const void *bytes, size_t n)
{
    struct pxe_facts f = {0};

    pxe_user_class_decode(exact(bytes, n), n, &f);
    return f.ipxe;
}

static void ipxe_is_known_by_its_user_class(void **state)
{
    (void)state;
    assert_true(user_class("iPXE", 4));
    assert_true(user_class("\4iPXE", 5));
    assert_true(user_class("\2ab\4iPXE", 8));
    assert_false(user_class("iPX", 3));
    assert_false(user_class("iPXE2", 5));
    assert_false(user_class("\5iPXE", 5));
    assert_false(user_class("gPXE", 4));
    assert_false(user_class("", 0));
    assert_false(user_class("\0\0\0", 3));
}

static void ipxe_says_whether_it_knows_http(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        bool http;
    } c[] = {
        {"", 0, true},
        {"\xb1\x05\x01\x80\x86\x10\x0e\xeb\x03\x01\x00\x00\x13\x01\x01\x17\x01\x01", 18, true},
        {"\xb1\x05\x01\x80\x86\x10\x0e\x15\x01\x01", 10, false},
        {"\x13\x01\x00", 3, false},
        {"\x13\x00", 2, false},
        {"\x15\x01\x01\xff\x13\x01\x01", 7, false},
        {"\x13\x01", 2, true}, /* cut short before it said anything */
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct pxe_facts f = {.ipxe_http = true};

        pxe_ipxe_decode(exact(c[i].bytes, c[i].n), c[i].n, &f);
        assert_true(f.ipxe);
        assert_int_equal(f.ipxe_http, c[i].http);
    }
}

/* As iPXE sent it to port 4011. */
static const uint8_t boot_item[] = {0x47, 0x04, 0x80, 0x00, 0x00, 0x00, 0xff};

static void a_boot_item_is_read(void **state)
{
    struct pxe_facts f = {0};

    (void)state;
    assert_int_equal(pxe_vendor_decode(boot_item, sizeof boot_item, &f), 0);
    assert_true(f.has_item && f.item == 0x8000 && f.layer == 0);
    for (size_t cut = 0; cut < sizeof boot_item; cut++) {
        memset(&f, 0, sizeof f);
        assert_int_equal(pxe_vendor_decode(exact(boot_item, cut), cut, &f),
                         cut == 0 || cut == 6 ? 0 : PXE_EVENDOR);
        assert_int_equal(f.has_item, cut == 6);
    }
}

static void malformed_vendor_options_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int result;
    } c[] = {
        {"\0\0\0", 3, 0},
        {"\xff", 1, 0},
        {"\xff\x47\x09", 3, 0},
        {"\x01\x00\x47\x04\x80\x01\0\0", 8, 0},
        {"\x47\x03\x80\0\0", 5, PXE_EVENDOR},
        {"\x47\x00", 2, PXE_EVENDOR},
        {"\x06\xff\x08", 3, PXE_EVENDOR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct pxe_facts f = {0};

        assert_int_equal(pxe_vendor_decode(exact(c[i].bytes, c[i].n), c[i].n, &f), c[i].result);
        assert_int_equal(f.has_item, i == 3);
    }
}

static void a_menu_is_control_servers_menu_and_prompt(void **state)
{
    static const struct pxe_item item[] = {{0x8001, "Image"},
                                           {0x8002, "ESXi"},
                                           {PXE_ITEM_DISK, "Disk"}};
    static const uint8_t want[] = {6,    1,   7,   8,   14,  0x80, 1,   1,  10,  77,   0,   1,
                                   0x80, 2,   1,   10,  77,  0,    1,   9,  22,  0x80, 1,   5,
                                   'I',  'm', 'a', 'g', 'e', 0x80, 2,   4,  'E', 'S',  'X', 'i',
                                   0,    0,   4,   'D', 'i', 's',  'k', 10, 27,  5};
    uint8_t out[PXE_VENDOR_MAX];
    size_t n = pxe_vendor_menu(item, 3, 0x0A4D0001, 5, out);

    (void)state;
    assert_memory_equal(out, want, sizeof want);
    assert_int_equal(n, sizeof want + 26 + 1);
    assert_memory_equal(out + sizeof want, "Press F8 for the boot menu", 26);
    assert_int_equal(out[n - 1], PXE_O_END);
}

/* Steps through a menu as firmware does, and counts lines. */
static unsigned lines_of(const uint8_t *bytes, size_t n)
{
    unsigned lines = 0;

    for (size_t at = 0; at < n && bytes[at] != PXE_O_END; at += 2u + bytes[at + 1]) {
        assert_true(at + 2u + bytes[at + 1] <= n);
        for (size_t line = 0; bytes[at] == PXE_O_MENU && line < bytes[at + 1]; lines++) {
            line += 3u + bytes[at + 2 + line + 2];
            assert_true(line <= bytes[at + 1]);
        }
    }
    return lines;
}

static void a_menu_never_outgrows_one_instance(void **state)
{
    static char names[17][64];
    struct pxe_item item[17];
    uint8_t out[PXE_VENDOR_MAX];

    (void)state;
    for (unsigned length = 1; length < 64; length++)
        for (unsigned n = 0; n <= 17; n++) {
            for (unsigned i = 0; i < n; i++) {
                memset(names[i], 'a' + (int)i, length);
                names[i][length] = 0;
                item[i] = (struct pxe_item){(uint16_t)(i == 16 ? 0 : 0x8000 + i), names[i]};
            }
            size_t bytes = pxe_vendor_menu(item, n, 1, 5, out);
            unsigned lines = lines_of(out, bytes);

            assert_true(bytes <= sizeof out && out[bytes - 1] == PXE_O_END);
            assert_true(lines <= n && lines >= (n < 5 ? n : 5));
        }
}

static void names_are_cut_at_whole_characters(void **state)
{
    static const struct pxe_item item = {0x8001, "0123456789012345678901234567890\xE6\x95\x99"};
    uint8_t out[PXE_VENDOR_MAX];

    (void)state;
    pxe_vendor_menu(&item, 1, 1, 5, out);
    assert_int_equal(out[3 + 2 + 7], PXE_O_MENU);
    assert_int_equal(out[3 + 2 + 7 + 1], 3 + 31);
}

static void files_and_items_are_said_in_a_few_bytes(void **state)
{
    uint8_t out[PXE_VENDOR_MAX];

    (void)state;
    assert_int_equal(pxe_vendor_file(out), 4);
    assert_memory_equal(out, "\x06\x01\x08\xff", 4);
    assert_int_equal(pxe_vendor_item(0x8000, 0, out), sizeof boot_item);
    assert_memory_equal(out, boot_item, sizeof boot_item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_told_apart),
        cmocka_unit_test(every_truncation_of_a_class_is_read_within_its_bytes),
        cmocka_unit_test(the_first_architecture_with_a_meaning_counts),
        cmocka_unit_test(ipxe_is_known_by_its_user_class),
        cmocka_unit_test(ipxe_says_whether_it_knows_http),
        cmocka_unit_test(a_boot_item_is_read),
        cmocka_unit_test(malformed_vendor_options_are_refused),
        cmocka_unit_test(a_menu_is_control_servers_menu_and_prompt),
        cmocka_unit_test(a_menu_never_outgrows_one_instance),
        cmocka_unit_test(names_are_cut_at_whole_characters),
        cmocka_unit_test(files_and_items_are_said_in_a_few_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
