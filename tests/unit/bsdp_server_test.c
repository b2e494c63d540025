#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/bsdp/server.h"
#include "net/pxe/script.h"
#include "net/wire/rng.h"
#include "tests/unit/golden.h"
#include "tests/unit/pxe_support.h"

#define CLIENT 0x0A4D0032u
#define RING_IMAGE 0x81000001u
#define TREE_IMAGE 0x01000002u
#define HIDDEN_IMAGE 0x03000003u

static struct boot_entry entries[3];
static struct boot_plan plan;
static struct bsdp_server server;
static struct dhcp_reply reply;
static struct request request;
static struct bsdp_event event;
static unsigned events;
static struct mono now;
static bool imaged; /* all Macs */

/* What the store holds: a row a Mac. */
struct row {
    uint8_t mac[6], value[BSDP_RECORD_BYTES];
    bool used;
};
static struct row rows[4096];
static unsigned writes;

static void store(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    unsigned i = 0;

    (void)ctx;
    writes++;
    while (i < 4096 && !(rows[i].used && memcmp(rows[i].mac, mac, 6) == 0))
        i++;
    for (unsigned k = 0; i == 4096 && k < 4096; k++)
        if (!rows[k].used)
            i = k;
    assert_true(i < 4096 && (n == 0 || n == BSDP_RECORD_BYTES));
    rows[i].used = n > 0;
    memcpy(rows[i].mac, mac, 6);
    if (n)
        memcpy(rows[i].value, value, n);
}

static void tell(void *ctx, const struct bsdp_event *e)
{
    char text[300];

    (void)ctx;
    event = *e;
    events++;
    bsdp_event_text(e, text, sizeof text);
    assert_true(strlen(text) > 20);
}

static bool wants(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    (void)mac;
    return !imaged;
}

static void restart(void)
{
    memset(&server, 0, sizeof server);
    server.plan = &plan;
    server.name = "ringcast";
    server.netmask = 0xFFFFFF00;
    server.store = store;
    server.tell = tell;
    for (unsigned i = 0; i < 4096; i++)
        if (rows[i].used)
            assert_int_equal(bsdp_server_restore(&server, rows[i].mac, 6, rows[i].value,
                                                 BSDP_RECORD_BYTES),
                             0);
}

static int setup(void **state)
{
    (void)state;
    entries[0] = boot_entry_ring("Image this machine", 1);
    entries[1] = (struct boot_entry){.name = "Tree",
                                     .kind = BOOT_TREE,
                                     .id = 2,
                                     .attributes = 0x0100,
                                     .loader = {"", "", "tree/boot.efi"}};
    entries[2] = (struct boot_entry){.name = "Hidden",
                                     .kind = BOOT_TREE,
                                     .id = 3,
                                     .attributes = 0x0300,
                                     .hidden = true,
                                     .loader = {"", "", "hidden.efi"}};
    plan = (struct boot_plan){.entries = entries,
                              .n_entries = 3,
                              .address = BOX_ADDRESS,
                              .wants_imaging = wants};
    imaged = false;
    memset(rows, 0, sizeof rows);
    writes = events = 0;
    now = (struct mono){MONO_S};
    restart();
    return 0;
}

struct ask {
    uint8_t dhcp, type; /* BSDP type 0: none */
    const uint8_t *mac; /* NULL: some_mac */
    uint32_t xid, server, selected, ciaddr;
    bool no_server, has_selected, to_nobody;
    const char *class, *filter, *sname;
    uint32_t siaddr, giaddr;
};

static const struct dhcp_message *build(const struct ask *a)
{
    struct dhcp_message head = {.op = DHCP_REQUEST_OP,
                                .htype = 1,
                                .hlen = 6,
                                .xid = a->xid ? a->xid : 7,
                                .ciaddr = a->to_nobody || a->dhcp == DHCP_DISCOVER ? 0
                                          : a->ciaddr                              ? a->ciaddr
                                                                                   : CLIENT,
                                .siaddr = a->siaddr,
                                .giaddr = a->giaddr,
                                .type = a->dhcp ? a->dhcp : DHCP_INFORM};
    uint8_t vendor[255] = "\x02\x02\x01\x01";
    struct writer w = writer_on(vendor + 4, sizeof vendor - 4);

    memcpy(head.chaddr, a->mac ? a->mac : some_mac, 6);
    if (a->sname)
        snprintf(head.sname, sizeof head.sname, "%s", a->sname);
    dhcp_write_start(&request.w, request.bytes, sizeof request.bytes, &head);
    if (a->type)
        wr_copy(&w, (uint8_t[]){BSDP_O_MESSAGE, 1, a->type}, 3);
    if (a->type == BSDP_SELECT && !a->no_server) {
        wr_copy(&w, "\x03\x04", 2);
        wr_u32(&w, a->server ? a->server : BOX_ADDRESS);
    }
    if (a->has_selected) {
        wr_copy(&w, "\x08\x04", 2);
        wr_u32(&w, a->selected);
    }
    if (a->filter) {
        wr_copy(&w, "\x0b\x02", 2);
        wr_copy(&w, a->filter, 2);
    }
    MUST(dhcp_put(&request.w, DHCP_O_VENDOR, vendor, 4 + w.done));
    MUST(dhcp_put_text(&request.w, DHCP_O_CLASS, a->class ? a->class : "AAPLBSDPC/i386/iMac14,3"));
    return request_end(&request);
}

static int ask(const struct ask *a)
{
    const struct dhcp_message *m = build(a);

    memset(&reply, 0xA5, sizeof reply);
    return bsdp_server_handle(&server, now, m, &reply);
}

#define ASK(...) ask(&(struct ask){__VA_ARGS__})

/* What a Mac reads out of the reply. */
struct seen {
    int type; /* -1: none */
    uint32_t first, selected;
    uint16_t priority;
    unsigned images;
    char name[64], file[129];
};

static struct seen see(void)
{
    struct seen s = {.type = -1};
    struct dhcp_message m;

    assert_int_equal(dhcp_decode(reply.bytes, reply.n, &m), 0);
    assert_int_equal(m.yiaddr, 0);
    assert_int_equal(m.siaddr, BOX_ADDRESS);
    snprintf(s.file, sizeof s.file, "%s", m.file);
    for (const struct dhcp_option *o = dhcp_option(&m, DHCP_O_VENDOR); o;
         o = dhcp_option_next(&m, o))
        for (size_t at = 0; at < o->n; at += 2u + o->at[at + 1]) {
            const uint8_t *v = o->at + at + 2;
            unsigned n = o->at[at + 1];

            if (o->at[at] == BSDP_O_MESSAGE)
                s.type = v[0];
            else if (o->at[at] == BSDP_O_PRIORITY)
                s.priority = (uint16_t)(v[0] << 8 | v[1]);
            else if (o->at[at] == BSDP_O_DEFAULT)
                s.first = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
            else if (o->at[at] == BSDP_O_SELECTED)
                s.selected =
                    (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
            else if (o->at[at] == BSDP_O_MACHINE_NAME)
                snprintf(s.name, sizeof s.name, "%.*s", (int)n, (const char *)v);
            else if (o->at[at] == BSDP_O_IMAGES)
                for (size_t i = 0; i < n; i += 5u + v[i + 4])
                    s.images++;
        }
    return s;
}

#define SELECT(image, ...)                                                                         \
    ASK(.type = BSDP_SELECT, .has_selected = true, .selected = (image), ##__VA_ARGS__)

static void the_ring_is_listed_first_and_selected(void **state)
{
    struct seen s;

    (void)state;
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    s = see();
    assert_true(s.type == BSDP_LIST && s.first == RING_IMAGE && s.images == 2 && s.selected == 0);
    assert_int_equal(event.what, BSDP_LISTED);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    s = see();
    assert_true(s.type == BSDP_SELECT && s.selected == RING_IMAGE);
    assert_string_equal(s.file, BOOT_PAYLOAD_EFI);
    assert_string_equal(s.name, "NetBoot001");
    assert_int_equal(bsdp_server_binding(&server, some_mac)->image, RING_IMAGE);
}

static void the_plans_choice_is_the_default(void **state)
{
    static struct boot_choice choice = {{0x00, 0x25, 0x00, 0xaa, 0xbb, 0xcc}, 1};

    (void)state;
    plan.choices = &choice;
    plan.n_choices = 1;
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_int_equal(see().first, TREE_IMAGE);
    assert_int_equal(ASK(.type = BSDP_SELECT), DHCP_ANSWERED); /* names none */
    assert_int_equal(see().selected, TREE_IMAGE);
}

static void filters_choose_what_is_listed(void **state)
{
    struct seen s;

    (void)state;
    assert_int_equal(ASK(.type = BSDP_LIST, .filter = "\x01\x00"), DHCP_ANSWERED);
    s = see();
    assert_true(s.first == TREE_IMAGE && s.images == 1);
    assert_int_equal(ASK(.type = BSDP_LIST, .filter = "\x03\x00"), DHCP_ANSWERED);
    s = see();
    assert_true(s.first == HIDDEN_IMAGE && s.images == 1);
    assert_int_equal(ASK(.type = BSDP_LIST, .filter = "\x02\x00"), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_ENOIMAGE);
    assert_int_equal(SELECT(HIDDEN_IMAGE), DHCP_ANSWERED); /* filters do not touch SELECT */
    assert_int_equal(see().type, BSDP_SELECT);
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED); /* bound to a hidden one: not shown */
    assert_int_equal(see().selected, 0);
    assert_int_equal(ASK(.type = BSDP_LIST, .filter = "\x03\x00"), DHCP_ANSWERED);
    assert_int_equal(see().selected, HIDDEN_IMAGE);
}

static void rules_choose_for_whom(void **state)
{
    static const struct boot_rule model = {.kind = BOOT_ONLY_MODEL, .model = "Macmini7,1"};

    (void)state;
    entries[0].rules = &model;
    entries[0].n_rules = 1;
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_int_equal(see().first, TREE_IMAGE);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(see().type, BSDP_FAILED);
    assert_int_equal(event.code, BSDP_EUNKNOWN);
    assert_int_equal(ASK(.type = BSDP_LIST, .class = "AAPLBSDPC/i386/Macmini7,1"), DHCP_ANSWERED);
    assert_int_equal(see().images, 2);
    assert_int_equal(ASK(.type = BSDP_LIST, .class = "AAPLBSDPC/ppc/Macmini7,1"), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_ENOIMAGE);
}

static void the_ring_is_nobodys_default_by_accident(void **state)
{
    static struct boot_choice choice = {{0x00, 0x25, 0x00, 0xaa, 0xbb, 0xcc}, 1};

    (void)state;
    plan.fallback = 1;
    /* the ring alone passes */
    assert_int_equal(ASK(.type = BSDP_LIST, .filter = "\x81\x00"), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_ENOIMAGE);
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_int_equal(see().first, TREE_IMAGE);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED); /* chosen by hand */
    assert_int_equal(see().type, BSDP_SELECT);
    plan.fallback = 0;
    plan.choices = &choice;
    plan.n_choices = 1;
    entries[1].loader[BOOT_MAC][0] = 0; /* its own choice is not for Macs */
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_CONSUMED);
    assert_int_equal(ASK(.type = BSDP_SELECT), DHCP_ANSWERED); /* names none */
    assert_int_equal(see().type, BSDP_FAILED);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(see().type, BSDP_SELECT);
}

static void imaged_macs_start_from_their_disk(void **state)
{
    (void)state;
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_ANSWERED_TOO);
    imaged = true;
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_NOT_MINE);
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_EDONE);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(see().type, BSDP_FAILED);
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    assert_int_equal(see().type, BSDP_SELECT);
    imaged = false; /* armed again */
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
}

/* Whether iPXE on some_mac is told this tree's loader, and nothing of the receiver. */
static bool ipxe_boots_the_tree(void)
{
    static char text[PXE_SCRIPT_MAX];

    pxe_script(&plan, some_mac, text);
    return strstr(text, "tree/mboot.efi") && !strstr(text, "payload/");
}

static void what_a_mac_selects_follows_it_to_its_loader(void **state)
{
    static struct boot_starts starts;

    (void)state;
    memset(&starts, 0, sizeof starts);
    starts.now = (struct mono){BOOT_START_NS};
    plan.starts = &starts;
    memcpy(entries[1].loader[BOOT_UEFI], "tree/mboot.efi", 15);
    assert_false(ipxe_boots_the_tree());
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    assert_true(ipxe_boots_the_tree());
    starts.now = (struct mono){3 * BOOT_START_NS};
    assert_false(ipxe_boots_the_tree());                             /* another start, long after */
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_ANSWERED_TOO); /* bound */
    assert_true(ipxe_boots_the_tree());
    memset(&starts, 0, sizeof starts);
    restart(); /* between firmware and loader */
    assert_true(ipxe_boots_the_tree());
    assert_int_equal(SELECT(TREE_IMAGE, .server = 1), DHCP_CONSUMED); /* it left for another */
    assert_false(ipxe_boots_the_tree());
    for (unsigned i = 0; i < BOOT_STARTS_MAX; i++)
        boot_start_choose(&starts, (uint8_t[6]){2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 1);
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    assert_int_equal(see().type, BSDP_FAILED);
    assert_int_equal(event.code, BSDP_EFULL);
}

static void selecting_another_server_unbinds(void **state)
{
    (void)state;
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(writes, 1);
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(writes, 1); /* nothing new to write */
    assert_int_equal(SELECT(RING_IMAGE, .server = 0x0A4D0009), DHCP_CONSUMED);
    assert_int_equal(event.what, BSDP_LEFT);
    assert_null(bsdp_server_binding(&server, some_mac));
    assert_int_equal(server.n_bindings, 0);
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_NOT_MINE);
    restart();
    assert_null(bsdp_server_binding(&server, some_mac));
    assert_int_equal(ASK(.type = BSDP_SELECT, .no_server = true), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_ESERVER);
}

static void bindings_and_numbers_survive_a_restart(void **state)
{
    uint8_t other[6] = {2, 0, 0, 0, 0, 9};

    (void)state;
    assert_int_equal(SELECT(RING_IMAGE, .mac = other), DHCP_ANSWERED);
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    assert_string_equal(see().name, "NetBoot002");
    assert_int_equal(SELECT(TREE_IMAGE, .mac = other, .server = 1), DHCP_CONSUMED);
    restart();
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_ANSWERED_TOO);
    assert_true(see().type == -1 && see().selected == TREE_IMAGE);
    assert_string_equal(see().name, "NetBoot002");
    assert_string_equal(see().file, "tree/boot.efi");
    assert_int_equal(SELECT(RING_IMAGE, .mac = other), DHCP_ANSWERED);
    assert_string_equal(see().name, "NetBoot003"); /* numbers are not given twice */
}

static void stored_values_are_not_believed(void **state)
{
    uint8_t good[BSDP_RECORD_BYTES] = {1, 0x81, 0, 0, 1, 0, 0, 0, 5}, bad[BSDP_RECORD_BYTES + 1];

    (void)state;
    for (size_t n = 0; n <= sizeof bad; n++) {
        memcpy(bad, good, sizeof good);
        assert_int_equal(bsdp_server_restore(&server, some_mac, 6, bad, n),
                         n == sizeof good ? 0 : BSDP_ERECORD);
    }
    assert_int_equal(bsdp_server_restore(&server, some_mac, 5, good, sizeof good), BSDP_ERECORD);
    good[0] = 2;
    assert_int_equal(bsdp_server_restore(&server, some_mac, 6, good, sizeof good), BSDP_ERECORD);
    good[0] = 1;
    good[8] = 0;
    assert_int_equal(bsdp_server_restore(&server, some_mac, 6, good, sizeof good), BSDP_ERECORD);
    assert_int_equal(server.n_bindings, 1);
    assert_int_equal(server.last_number, 5);
}

static void requests_for_others_are_passed_over(void **state)
{
    static const uint32_t nobodies[] = {0x7F000001, 0xE0000001, 0xFFFFFFFF, BOX_ADDRESS,
                                        0x0A4D00FF, 0x0A4D0000, 1};

    (void)state;
    for (size_t i = 0; i < sizeof nobodies / sizeof *nobodies; i++) {
        assert_int_equal(ASK(.type = BSDP_LIST, .ciaddr = nobodies[i]), DHCP_CONSUMED);
        assert_int_equal(event.code, BSDP_EADDRESS);
    }
    assert_int_equal(ASK(.type = BSDP_LIST, .to_nobody = true), DHCP_CONSUMED);
    /* behind a relay */
    assert_int_equal(ASK(.type = BSDP_LIST, .ciaddr = 0x0B0000FF), DHCP_ANSWERED);
    assert_int_equal(ASK(.type = BSDP_LIST, .siaddr = 0x0A4D0009), DHCP_CONSUMED);
    assert_int_equal(event.code, BSDP_ENOTUS);
    assert_int_equal(ASK(.type = BSDP_LIST, .sname = "other"), DHCP_CONSUMED);
    assert_int_equal(ASK(.type = BSDP_LIST, .siaddr = BOX_ADDRESS, .sname = "ringcast"),
                     DHCP_ANSWERED);
    assert_int_equal(ASK(.type = BSDP_LIST, .class = "PXEClient"), DHCP_NOT_MINE);
    assert_int_equal(ASK(.dhcp = DHCP_REQUEST, .type = BSDP_LIST), DHCP_NOT_MINE);
}

static void offers_go_back_through_the_relay(void **state)
{
    (void)state;
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER, .giaddr = 0x0A4E0001), DHCP_ANSWERED_TOO);
    assert_true(reply.way == DHCP_TO_ADDRESS && reply.address == 0x0A4E0001 && reply.port == 67);
    assert_int_equal(ASK(.type = BSDP_LIST, .giaddr = 0x0A4E0001, .ciaddr = 0x0A4E0032),
                     DHCP_ANSWERED);
    assert_true(reply.address == 0x0A4E0032 && reply.port == 68);
}

static void a_request_sent_again_gets_the_same_reply(void **state)
{
    static struct dhcp_reply first;
    uint8_t other[6] = {2, 0, 0, 0, 0, 9};

    (void)state;
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_int_equal(see().priority, 32768);
    first = reply;
    assert_int_equal(SELECT(RING_IMAGE, .mac = other, .xid = 99), DHCP_ANSWERED);
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_memory_equal(&first, &reply, sizeof reply);
    assert_int_equal(ASK(.type = BSDP_LIST, .xid = 8), DHCP_ANSWERED);
    assert_int_equal(see().priority, 32767);
    now = mono_add(now, 2 * BSDP_RECENT_NS);
    assert_int_equal(ASK(.type = BSDP_LIST), DHCP_ANSWERED);
    assert_int_equal(see().priority, 32767);
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    first = reply;
    assert_int_equal(SELECT(TREE_IMAGE), DHCP_ANSWERED);
    assert_memory_equal(&first, &reply, sizeof reply);
    assert_int_equal(SELECT(5), DHCP_ANSWERED);
    first = reply;
    assert_int_equal(SELECT(5), DHCP_ANSWERED);
    assert_memory_equal(&first, &reply, sizeof reply);
}

static void invented_macs_neither_wear_the_disk_nor_push_out_the_known(void **state)
{
    uint8_t mac[6] = {2, 1};
    unsigned at_start;

    (void)state;
    assert_int_equal(SELECT(RING_IMAGE), DHCP_ANSWERED);
    for (unsigned i = 0; i < 20000; i++) {
        now = mono_add(now, MONO_MS);
        mac[2] = (uint8_t)(i >> 16);
        mac[3] = (uint8_t)(i >> 8);
        mac[4] = (uint8_t)i;
        assert_int_equal(SELECT(RING_IMAGE, .mac = mac), DHCP_ANSWERED);
        assert_int_equal(see().type, BSDP_SELECT);
        assert_true(server.n_bindings <= BSDP_BINDINGS_MAX);
    }
    assert_true(writes < BSDP_STORE_BURST + 20 * 4 + 2);
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_ANSWERED_TOO);
    at_start = server.last_number;
    restart();
    assert_int_equal(ASK(.dhcp = DHCP_DISCOVER), DHCP_ANSWERED_TOO);
    assert_true(server.last_number <= at_start);
}

static void a_full_table_of_stored_rows_gives_way_slowly(void **state)
{
    uint8_t value[BSDP_RECORD_BYTES] = {1, 0x81, 0, 0, 1, 0, 0, 0, 1}, mac[6] = {2, 7};
    unsigned kept = 0;

    (void)state;
    for (unsigned i = 0; i < BSDP_BINDINGS_MAX; i++) {
        mac[4] = (uint8_t)(i >> 8);
        mac[5] = (uint8_t)i;
        assert_int_equal(bsdp_server_restore(&server, mac, 6, value, sizeof value), 0);
    }
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t invented[6] = {2, 8, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};

        /* bound or not, it boots */
        assert_int_equal(SELECT(RING_IMAGE, .mac = invented), DHCP_ANSWERED);
        assert_int_equal(see().type, BSDP_SELECT);
    }
    for (unsigned i = 0; i < BSDP_BINDINGS_MAX; i++)
        kept += server.bindings[i].used && server.bindings[i].mac[1] == 7;
    assert_true(kept >= BSDP_BINDINGS_MAX - BSDP_STORE_BURST - 1);
}

/* ---- a day in a room: many Macs, requests sent again, restarts, other servers ---- */

#define MACS 60

struct mac_model { /* what the Mac, and we, believe */
    uint8_t mac[6];
    uint32_t bound; /* 0: not */
};

/* One step of one Mac; the reply must follow from what is known of it, and come again for the same
 * bytes. */
static void step(struct rng *rng, struct mac_model *m, uint32_t xid)
{
    static const uint32_t images[] = {RING_IMAGE, TREE_IMAGE, HIDDEN_IMAGE, 0x81000077};
    static struct dhcp_reply first;
    uint32_t image = images[rng_below(rng, 4)];
    unsigned what = (unsigned)rng_below(rng, 10);
    struct ask a = {.mac = m->mac, .xid = xid, .ciaddr = CLIENT + m->mac[5]};
    int rc;

    if (what < 4) {
        a.type = BSDP_LIST;
    } else if (what < 7) {
        a.type = BSDP_SELECT;
        a.has_selected = true;
        a.selected = image;
    } else if (what < 8) {
        a.type = BSDP_SELECT;
        a.server = 0x0A4D0009;
    } else {
        a.dhcp = DHCP_DISCOVER;
        a.ciaddr = 0;
    }
    rc = ask(&a);
    if (what < 4) {
        assert_int_equal(rc, DHCP_ANSWERED);
        assert_int_equal(see().selected, m->bound == HIDDEN_IMAGE ? 0 : m->bound);
        assert_int_equal(see().images, 2);
    } else if (what < 7) {
        assert_int_equal(rc, DHCP_ANSWERED);
        assert_int_equal(see().type, image == 0x81000077 ? BSDP_FAILED : BSDP_SELECT);
        m->bound = image == 0x81000077 ? m->bound : image;
    } else if (what < 8) {
        assert_int_equal(rc, DHCP_CONSUMED);
        m->bound = 0;
    } else {
        assert_int_equal(rc, m->bound ? DHCP_ANSWERED_TOO : DHCP_NOT_MINE);
        assert_true(!m->bound || see().selected == m->bound);
    }
    if (rc != DHCP_ANSWERED && rc != DHCP_ANSWERED_TOO)
        return;
    first = reply;
    if (rng_below(rng, 2)) {
        uint8_t other[6] = {9, 9, 9, 9, 9, 9};

        other[0] = 2;
        SELECT(RING_IMAGE, .mac = other, .xid = xid); /* somebody else in between */
        if (rng_below(rng, 2))
            SELECT(RING_IMAGE, .mac = other, .server = 3);
    }
    assert_int_equal(ask(&a), rc);
    assert_memory_equal(&first, &reply, sizeof reply);
}

static void a_room_of_macs_over_restarts(void **state)
{
    const char *given = getenv("SEED");
    uint64_t from = given ? strtoull(given, NULL, 0) : 1, to = given ? from : 6;

    for (uint64_t seed = from; seed <= to; seed++) {
        struct rng rng = {.state = seed};
        struct mac_model macs[MACS];

        printf("# again: SEED=%llu build/unit/bsdp_server_test\n", (unsigned long long)seed);
        setup(state);
        for (unsigned i = 0; i < MACS; i++)
            macs[i] = (struct mac_model){.mac = {0, 0x25, 0, 1, 2, (uint8_t)(i + 1)}};
        for (unsigned i = 0; i < 3000; i++) {
            now = mono_add(now, (int64_t)rng_below(&rng, 2 * MONO_S));
            step(&rng, &macs[rng_below(&rng, MACS)], 1000 + i);
            if (rng_below(&rng, 200) == 0)
                restart();
        }
        for (unsigned i = 0; i < MACS; i++) {
            const struct bsdp_binding *b = bsdp_server_binding(&server, macs[i].mac);

            assert_int_equal(b ? b->image : 0, macs[i].bound);
        }
    }
}

/* Every truncation of a SELECT, with its options in the order of Macs and with the class first. */
static void every_truncation_is_survived(void **state)
{
    static const char *const names[] = {"g01", "g02", "g05", "g05b", "g09"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct golden g = golden_load("bsdp", names[i]);

        for (size_t cut = 0; cut <= g.n; cut++) {
            uint8_t *bytes = malloc(cut ? cut : 1);
            struct dhcp_message m;

            memcpy(bytes, g.bytes, cut);
            if (dhcp_decode(bytes, cut, &m) == 0 &&
                bsdp_server_handle(&server, now, &m, &reply) >= DHCP_ANSWERED)
                see();
            free(bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_ring_is_listed_first_and_selected, setup),
        cmocka_unit_test_setup(the_plans_choice_is_the_default, setup),
        cmocka_unit_test_setup(filters_choose_what_is_listed, setup),
        cmocka_unit_test_setup(rules_choose_for_whom, setup),
        cmocka_unit_test_setup(the_ring_is_nobodys_default_by_accident, setup),
        cmocka_unit_test_setup(imaged_macs_start_from_their_disk, setup),
        cmocka_unit_test_setup(what_a_mac_selects_follows_it_to_its_loader, setup),
        cmocka_unit_test_setup(selecting_another_server_unbinds, setup),
        cmocka_unit_test_setup(bindings_and_numbers_survive_a_restart, setup),
        cmocka_unit_test_setup(stored_values_are_not_believed, setup),
        cmocka_unit_test_setup(requests_for_others_are_passed_over, setup),
        cmocka_unit_test_setup(offers_go_back_through_the_relay, setup),
        cmocka_unit_test_setup(a_request_sent_again_gets_the_same_reply, setup),
        cmocka_unit_test_setup(invented_macs_neither_wear_the_disk_nor_push_out_the_known, setup),
        cmocka_unit_test_setup(a_full_table_of_stored_rows_gives_way_slowly, setup),
        cmocka_unit_test_setup(a_room_of_macs_over_restarts, setup),
        cmocka_unit_test_setup(every_truncation_is_survived, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
