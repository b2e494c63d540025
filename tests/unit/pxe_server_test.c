#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/pxe/script.h"
#include "net/pxe/server.h"
#include "tests/unit/pxe_support.h"

#define UEFI "PXEClient:Arch:00007:UNDI:003000"
#define BIOS "PXEClient:Arch:00000:UNDI:002001"
#define HTTP "HTTPClient:Arch:00016:UNDI:003001"

static struct boot_entry entries[3];
static struct boot_plan plan;
static struct pxe_server server;
static struct dhcp_boot boot;
static struct request request;
static struct pxe_event event;
static char event_file[PXE_FILE_MAX + 1];
static unsigned events;

static void tell(void *ctx, const struct pxe_event *e)
{
    (void)ctx;
    event = *e;
    snprintf(event_file, sizeof event_file, "%s", e->file);
    event.file = event_file;
    events++;
}

static int setup(void **state)
{
    (void)state;
    entries[0] = boot_entry_ring("Image this machine", 1);
    entries[1] = (struct boot_entry){.name = "ESXi",
                                     .kind = BOOT_TREE,
                                     .id = 2,
                                     .loader = {"e/b", "e/u", ""}};
    plan = (struct boot_plan){.entries = entries, .n_entries = 2, .address = BOX_ADDRESS};
    memset(&server, 0, sizeof server);
    server.plan = &plan;
    server.tell = tell;
    events = 0;
    return 0;
}

static bool ask(uint8_t type, const char *class, unsigned arch, enum dhcp_boot_kind kind)
{
    request_rom(&request, type, some_mac, class, arch);
    return pxe_server_boot(&server, request_end(&request), kind, &boot);
}

/* The options of the answer as a client finds them. */
static const uint8_t *option(uint8_t code, size_t *n)
{
    for (size_t at = 0; at < boot.n; at += 2u + boot.options[at + 1])
        if (boot.options[at] == code) {
            *n = boot.options[at + 1];
            return boot.options + at + 2;
        }
    *n = 0;
    return NULL;
}

static bool option_is(uint8_t code, const char *bytes, size_t want)
{
    size_t n;
    const uint8_t *at = option(code, &n);

    return at && n == want && memcmp(at, bytes, n) == 0;
}

static bool has(uint8_t code)
{
    size_t n;

    return option(code, &n) != NULL;
}

static void a_lease_names_the_file_twice_and_has_no_class(void **state)
{
    (void)state;
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_LEASE));
    assert_int_equal(boot.siaddr, BOX_ADDRESS);
    assert_string_equal(boot.file, BOOT_PAYLOAD_EFI);
    assert_int_equal(boot.n, 2 + sizeof BOOT_PAYLOAD_EFI);
    /* with its NUL, and last */
    assert_true(option_is(DHCP_O_BOOT_FILE, BOOT_PAYLOAD_EFI, sizeof BOOT_PAYLOAD_EFI));
    assert_true(ask(DHCP_REQUEST, UEFI, 7, DHCP_BOOT_LEASE));
    assert_int_equal(events, 2);
    assert_true(event.again);
}

static void a_proxy_offer_has_class_and_uuid(void **state)
{
    (void)state;
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_PROXY));
    assert_true(option_is(DHCP_O_CLASS, "PXEClient", 9));
    assert_true(option_is(DHCP_O_UUID, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20", 17));
    assert_false(has(DHCP_O_VENDOR) || has(DHCP_O_BOOT_FILE) || boot.file[0]);
    assert_string_equal(event.what, "port 4011");
    assert_true(ask(DHCP_DISCOVER, BIOS, 0, DHCP_BOOT_PROXY));
    assert_true(option_is(DHCP_O_VENDOR, "\x06\x01\x08\xff", 4));
    assert_string_equal(boot.file, BOOT_PAYLOAD_IPXE);
    assert_true(ask(DHCP_DISCOVER, HTTP, 16, DHCP_BOOT_PROXY));
    assert_true(option_is(DHCP_O_CLASS, "HTTPClient", 10));
    assert_string_equal(boot.file, "http://10.77.0.1/" BOOT_PAYLOAD_EFI);
}

static void ipxe_is_sent_to_the_script(void **state)
{
    (void)state;
    request_rom(&request, DHCP_DISCOVER, some_mac, BIOS, 0);
    MUST(dhcp_put_text(&request.w, DHCP_O_USER_CLASS, "iPXE"));
    assert_true(pxe_server_boot(&server, request_end(&request), DHCP_BOOT_LEASE, &boot));
    assert_string_equal(boot.file, "http://10.77.0.1/boot.ipxe");
    assert_true(option_is(DHCP_O_IPXE, "\xb0\x01\x01", 3));
    request_rom(&request, DHCP_DISCOVER, some_mac, BIOS, 0); /* option 175 alone, without HTTP */
    MUST(dhcp_put(&request.w, DHCP_O_IPXE, "\xb1\x05\x01\x80\x86\x10\x0e\x15\x01\x01", 10));
    assert_true(pxe_server_boot(&server, request_end(&request), DHCP_BOOT_PROXY, &boot));
    assert_string_equal(boot.file, "tftp://10.77.0.1/boot.ipxe");
    assert_false(has(DHCP_O_IPXE));
}

static void firmware_that_forgets_itself_on_4011_is_remembered(void **state)
{
    (void)state;
    assert_true(ask(DHCP_REQUEST, "PXEClient", 0, DHCP_BOOT_BINL));
    assert_string_equal(boot.file, BOOT_PAYLOAD_IPXE);
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_PROXY));
    assert_true(ask(DHCP_REQUEST, "PXEClient", 0, DHCP_BOOT_BINL));
    assert_string_equal(boot.file, BOOT_PAYLOAD_EFI);
    assert_true(ask(DHCP_DISCOVER, BIOS, 0, DHCP_BOOT_PROXY)); /* switched to BIOS in its setup */
    assert_true(ask(DHCP_REQUEST, "PXEClient", 0, DHCP_BOOT_BINL));
    assert_string_equal(boot.file, BOOT_PAYLOAD_IPXE);
}

static void the_menu_fits_beside_class_and_uuid(void **state)
{
    char text[300], want[44];
    size_t n;

    (void)state;
    plan.menu_seconds = 5;
    memset(entries[0].name, 'a', BOOT_NAME_MAX);
    memset(entries[1].name, 'b', BOOT_NAME_MAX);
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_PROXY));
    assert_non_null(option(DHCP_O_VENDOR, &n));
    assert_true(n > 100 && has(DHCP_O_UUID) && has(DHCP_O_CLASS) && !has(DHCP_O_BOOT_FILE));
    assert_string_equal(event.what, "a menu");
    request_rom(&request, DHCP_REQUEST, some_mac, UEFI, 7);
    MUST(dhcp_put(&request.w, DHCP_O_VENDOR, "\x47\x04\x80\x02\x00\x00\xff", 7));
    assert_true(pxe_server_boot(&server, request_end(&request), DHCP_BOOT_BINL, &boot));
    assert_string_equal(boot.file, "e/u");
    memcpy(want, "00:25:00:aa:bb:cc (architecture 7) chooses \"", 44);
    pxe_event_text(&event, text, sizeof text);
    assert_memory_equal(text, want, 44);
    assert_non_null(strstr(text, "bbb\" in the firmware's menu, and is sent to the file: e/u"));
    assert_true(option_is(DHCP_O_VENDOR, "\x47\x04\x80\x02\x00\x00\xff", 7));
}

/* What iPXE on some_mac is told in its script, after a DISCOVER of its own. */
static bool ipxe_boots(const char *path)
{
    static char text[PXE_SCRIPT_MAX];

    request_rom(&request, DHCP_DISCOVER, some_mac, UEFI, 7);
    MUST(dhcp_put_text(&request.w, DHCP_O_USER_CLASS, "iPXE"));
    assert_true(pxe_server_boot(&server, request_end(&request), DHCP_BOOT_LEASE, &boot));
    pxe_script(&plan, some_mac, text);
    return strstr(text, path) != NULL;
}

static bool choose_item(const char *vendor)
{
    request_rom(&request, DHCP_REQUEST, some_mac, UEFI, 7);
    MUST(dhcp_put(&request.w, DHCP_O_VENDOR, vendor, 7));
    return pxe_server_boot(&server, request_end(&request), DHCP_BOOT_BINL, &boot);
}

static void the_item_follows_the_machine_until_its_firmware_starts_anew(void **state)
{
    static struct boot_starts starts;

    (void)state;
    memset(&starts, 0, sizeof starts);
    plan.starts = &starts;
    plan.menu_seconds = 5;
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_LEASE));
    assert_true(choose_item("\x47\x04\x80\x02\x00\x00\xff"));
    assert_true(ipxe_boots("chain ${box}/e/u "));
    assert_false(ipxe_boots("payload/"));
    assert_true(ask(DHCP_DISCOVER, HTTP, 16, DHCP_BOOT_LEASE));
    assert_true(ipxe_boots("choose --default e1"));
    for (unsigned i = 0; i < BOOT_STARTS_MAX; i++) /* others choose, as many as there is room for */
        boot_start_choose(&starts, (uint8_t[6]){2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 1);
    assert_false(choose_item("\x47\x04\x80\x02\x00\x00\xff"));
    assert_int_equal(event.verdict, PXE_EFULL);
    starts.now = (struct mono){BOOT_START_NS};
    assert_true(choose_item("\x47\x04\x80\x02\x00\x00\xff"));
    starts.now = (struct mono){2 * BOOT_START_NS};
    assert_true(ipxe_boots("choose --default e1")); /* too long ago */
}

/* No session wants the machine: firmware with HTTP boot gets iPXE, and iPXE a menu whose default is
 * the disk. */
static bool wants_nobody(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    (void)mac;
    return false;
}

static void http_boot_gets_the_menu_of_ipxe(void **state)
{
    static struct boot_starts starts;
    char text[300];

    (void)state;
    memset(&starts, 0, sizeof starts);
    plan.starts = &starts;
    plan.menu_seconds = 5;
    plan.ipxe_efi = plan.leaves = true;
    plan.wants_imaging = wants_nobody;
    assert_true(ask(DHCP_DISCOVER, HTTP, 16, DHCP_BOOT_LEASE));
    assert_string_equal(boot.file, "http://10.77.0.1/" BOOT_PAYLOAD_IPXE_EFI);
    pxe_event_text(&event, text, sizeof text);
    assert_string_equal(text, "00:25:00:aa:bb:cc (architecture 16) is sent to iPXE, for a menu: "
                              "http://10.77.0.1/" BOOT_PAYLOAD_IPXE_EFI);
    assert_true(ipxe_boots("choose --default disk"));
    assert_false(ipxe_boots("Image this machine"));
    plan.wants_imaging = NULL;
    assert_true(ask(DHCP_DISCOVER, HTTP, 16, DHCP_BOOT_LEASE));
    assert_true(ipxe_boots("choose --default e1"));
}

static void refusals_are_told_once_and_leave_no_trace(void **state)
{
    static const struct dhcp_boot none;
    char text[300];

    (void)state;
    assert_false(ask(DHCP_DISCOVER, "PXEClient:Arch:00011:UNDI:003000", 11, DHCP_BOOT_LEASE));
    assert_memory_equal(&boot, &none, sizeof none);
    assert_int_equal(event.verdict, PXE_EARM64);
    assert_false(event.again);
    pxe_event_text(&event, text, sizeof text);
    assert_string_equal(text, "00:25:00:aa:bb:cc (architecture 11) is given nothing to boot: the "
                              "machine is 64-bit ARM, for "
                              "which there is no payload (-1806)");
    assert_false(ask(DHCP_DISCOVER, "PXEClient:Arch:00011:UNDI:003000", 11, DHCP_BOOT_LEASE));
    assert_true(event.again);
    assert_true(ask(DHCP_DISCOVER, UEFI, 7, DHCP_BOOT_LEASE));
    assert_false(event.again);
    pxe_event_text(&event, text, sizeof text);
    assert_string_equal(
        text, "00:25:00:aa:bb:cc (architecture 7) is sent to the file: " BOOT_PAYLOAD_EFI);
}

static void those_who_do_not_ask_get_nothing(void **state)
{
    static const char *const classes[] = {"MSFT 5.0", "udhcp 1.36", "AAPLBSDPC/i386/iMac14,3", ""};

    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        assert_false(ask(DHCP_DISCOVER, classes[i], 7, DHCP_BOOT_LEASE));
    assert_int_equal(events, 0);
}

static void odd_uuids_are_left_out(void **state)
{
    (void)state;
    request_begin(&request, DHCP_DISCOVER, some_mac, 0);
    MUST(dhcp_put_text(&request.w, DHCP_O_CLASS, BIOS) &&
         dhcp_put(&request.w, DHCP_O_UUID, "\0ab", 3));
    assert_true(pxe_server_boot(&server, request_end(&request), DHCP_BOOT_PROXY, &boot));
    assert_false(has(DHCP_O_UUID));
    assert_true(has(DHCP_O_BOOT_FILE));
}

/* An iPXE request with everything in it, cut anywhere: read within its bytes, and every answer
 * holds together. */
static void every_truncation_is_survived(void **state)
{
    (void)state;
    request_rom(&request, DHCP_REQUEST, some_mac, UEFI, 7);
    MUST(dhcp_put_text(&request.w, DHCP_O_USER_CLASS, "\4iPXE") &&
         dhcp_put(&request.w, DHCP_O_IPXE, "\x13\x01\x01\xb1\x05\x01\x80\x86\x10\x0e", 10) &&
         dhcp_put(&request.w, DHCP_O_VENDOR, "\x47\x04\x80\x00\x00\x00\xff", 7));
    request_end(&request);
    for (size_t cut = 0; cut <= request.n; cut++)
        for (int kind = DHCP_BOOT_LEASE; kind <= DHCP_BOOT_BINL; kind++) {
            uint8_t *bytes = malloc(cut ? cut : 1);
            struct dhcp_message m;

            memcpy(bytes, request.bytes, cut);
            if (dhcp_decode(bytes, cut, &m) == 0)
                pxe_server_boot(&server, &m, (enum dhcp_boot_kind)kind, &boot);
            for (size_t at = 0; at < boot.n; at += 2u + boot.options[at + 1])
                assert_true(at + 2u + boot.options[at + 1] <= boot.n);
            free(bytes);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_lease_names_the_file_twice_and_has_no_class, setup),
        cmocka_unit_test_setup(a_proxy_offer_has_class_and_uuid, setup),
        cmocka_unit_test_setup(ipxe_is_sent_to_the_script, setup),
        cmocka_unit_test_setup(firmware_that_forgets_itself_on_4011_is_remembered, setup),
        cmocka_unit_test_setup(the_menu_fits_beside_class_and_uuid, setup),
        cmocka_unit_test_setup(the_item_follows_the_machine_until_its_firmware_starts_anew, setup),
        cmocka_unit_test_setup(http_boot_gets_the_menu_of_ipxe, setup),
        cmocka_unit_test_setup(refusals_are_told_once_and_leave_no_trace, setup),
        cmocka_unit_test_setup(those_who_do_not_ask_get_nothing, setup),
        cmocka_unit_test_setup(odd_uuids_are_left_out, setup),
        cmocka_unit_test_setup(every_truncation_is_survived, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
