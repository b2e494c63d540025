/* The golden packets of tests/golden/bsdp: each request, answered by the server, gives its reply to
 * the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/bsdp/server.h"
#include "tests/unit/golden.h"
#include "tests/unit/pxe_support.h"

static struct boot_entry entries[12];
static struct boot_plan plan;
static struct bsdp_server server;
static struct dhcp_reply reply;

static void entry_set(unsigned i, uint16_t attributes, uint16_t id, const char *name)
{
    entries[i] = (struct boot_entry){
        .kind = BOOT_TREE,
        .id = id,
        .attributes = attributes,
        .any_mac = true,
        .loader = {[BOOT_MAC] = "/private/tftpboot/NetBoot/NetBootSP0/Lab.nbi/i386/booter"},
        .root = "http://10.77.0.1/NetBoot/NetBootSP0/Lab.nbi/NetInstall.dmg"};
    snprintf(entries[i].name, sizeof entries[i].name, "%s", name);
}

static void start(unsigned n_entries)
{
    memset(&server, 0, sizeof server);
    plan = (struct boot_plan){.entries = entries, .n_entries = n_entries, .address = BOX_ADDRESS};
    server.plan = &plan;
    server.name = "netboot01";
}

static void start_with_three(void)
{
    entry_set(0, 0x0100, 0x1000, "Lab macOS 10.13");
    entry_set(1, 0x8100, 0x0089, "NetInstall 10.13.6");
    entry_set(2, 0x0300, 0x0009, "Diagnostics");
    start(3);
}

static void start_with_twelve(void)
{
    for (unsigned i = 0; i < 12; i++) {
        char name[40];

        snprintf(name, sizeof name, "Classroom image %02u of the set", i + 1);
        entry_set(i, i % 2 ? 0x8100 : 0x0100, (uint16_t)(0x1000 + i), name);
    }
    start(12);
}

static void bound_to(uint32_t image)
{
    uint8_t value[BSDP_RECORD_BYTES] = {1,
                                        (uint8_t)(image >> 24),
                                        (uint8_t)(image >> 16),
                                        (uint8_t)(image >> 8),
                                        (uint8_t)image,
                                        0,
                                        0,
                                        0,
                                        1};

    assert_int_equal(bsdp_server_restore(&server, some_mac, 6, value, sizeof value), 0);
}

static int answer(const char *request)
{
    struct golden g = golden_load("bsdp", request);
    struct dhcp_message m;

    assert_int_equal(dhcp_decode(g.bytes, g.n, &m), 0);
    memset(&reply, 0xA5, sizeof reply);
    return bsdp_server_handle(&server, (struct mono){MONO_S}, &m, &reply);
}

static void replies(const char *request, const char *expected, uint16_t port)
{
    struct golden g = golden_load("bsdp", expected);

    assert_int_equal(answer(request), DHCP_ANSWERED);
    assert_int_equal(reply.n, g.n);
    assert_memory_equal(reply.bytes, g.bytes, g.n);
    assert_int_equal(reply.way, DHCP_TO_ADDRESS);
    assert_int_equal(reply.address, 0x0A4D0032);
    assert_int_equal(reply.port, port);
    assert_int_equal(reply.from_port, 67);
}

static void lists(void **state)
{
    (void)state;
    start_with_three();
    replies("g01", "g03", 68);
    replies("g02", "g03", 646);
    replies("g11", "g12", 68);
}

static void a_list_for_a_bound_mac(void **state)
{
    (void)state;
    start_with_three();
    bound_to(0x81000089);
    replies("g01", "g04", 68);
}

static void selections(void **state)
{
    (void)state;
    start_with_three();
    replies("g05", "g06", 646);
    replies("g05b", "g06", 68);
    start_with_three();
    plan.n_entries = 1;
    replies("g05", "g08", 646);
    assert_null(bsdp_server_binding(&server, some_mac));
}

static void an_offer_beside_the_lease(void **state)
{
    struct golden g = golden_load("bsdp", "g10");

    (void)state;
    start_with_three();
    assert_int_equal(answer("g09"), DHCP_NOT_MINE);
    bound_to(0x81000089);
    assert_int_equal(answer("g09"), DHCP_ANSWERED_TOO);
    assert_int_equal(reply.n, g.n);
    assert_memory_equal(reply.bytes, g.bytes, g.n);
    assert_int_equal(reply.way, DHCP_TO_EVERYONE);
    assert_int_equal(reply.address, UINT32_MAX);
    assert_int_equal(reply.port, 68);
    assert_int_equal(reply.from_port, 67);
}

static void long_lists(void **state)
{
    (void)state;
    start_with_twelve();
    replies("g02", "g16", 646);
    replies("g01", "g17", 68);
}

static void netboot_1_0_firmware_is_passed_over(void **state)
{
    (void)state;
    start_with_three();
    assert_int_equal(answer("g13"), DHCP_CONSUMED);
}

/* Golden replies are no requests, whoever sends them. */
static void replies_are_not_answered(void **state)
{
    static const char *const names[] = {"g03", "g04", "g06", "g07", "g08",
                                        "g10", "g12", "g16", "g17"};

    (void)state;
    start_with_three();
    bound_to(0x81000089);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(answer(names[i]), DHCP_NOT_MINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(a_list_for_a_bound_mac),
        cmocka_unit_test(selections),
        cmocka_unit_test(an_offer_beside_the_lease),
        cmocka_unit_test(long_lists),
        cmocka_unit_test(netboot_1_0_firmware_is_passed_over),
        cmocka_unit_test(replies_are_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
