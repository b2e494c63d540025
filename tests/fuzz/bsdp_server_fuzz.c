/* The BSDP server under any sequence of datagrams: each input is a row of {seconds 1, length 2,
 * datagram}. Whatever is answered reads back, fits what the client takes, and comes again for the
 * same bytes. */
#include <string.h>

#include "net/bsdp/server.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"

static struct boot_entry entries[14];
static struct boot_plan plan;
static struct bsdp_server server;
static struct dhcp_reply one, two;

static void store(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    static struct bsdp_server restored;

    (void)ctx;
    restored.plan = &plan;
    MUST(n == 0 ||
         (n == BSDP_RECORD_BYTES && bsdp_server_restore(&restored, mac, 6, value, n) == 0));
    memset(&restored, 0, sizeof restored);
}

static void tell(void *ctx, const struct bsdp_event *e)
{
    char text[200];

    (void)ctx;
    bsdp_event_text(e, text, sizeof text);
    for (const char *p = text; *p; p++)
        MUST((uint8_t)*p >= 0x20 && *p != 0x7F);
}

static void setup(void)
{
    static const struct boot_rule rule = {.kind = BOOT_NOT_MODEL, .model = "iMac14,3"};

    memset(&server, 0, sizeof server);
    entries[0] = boot_entry_ring("Image this machine", 1);
    for (unsigned i = 1; i < 14; i++) {
        entries[i] = (struct boot_entry){.kind = BOOT_TREE,
                                         .id = (uint16_t)(i + 1),
                                         .loader = {"b", "u", "m"},
                                         .any_mac = i % 3 == 0,
                                         .attributes = i % 4 ? 0x8100 : 0x0100,
                                         .hidden = i == 5};
        memset(entries[i].name, 'a' + (int)i, 4 * i);
    }
    entries[2].rules = &rule;
    entries[2].n_rules = 1;
    plan = (struct boot_plan){.entries = entries, .n_entries = 14, .address = 0x0A4D0001};
    server.plan = &plan;
    server.name = "ringcast";
    server.store = store;
    server.tell = tell;
}

/* Every sub-option lies whole inside its instance, and no image id is 0. */
static void judge(const struct dhcp_message *request, const struct dhcp_reply *r)
{
    static struct dhcp_message m;

    MUST(r->n >= DHCP_REPLY_MIN && r->n <= sizeof r->bytes);
    MUST(dhcp_decode(r->bytes, r->n, &m) == 0);
    MUST(m.xid == request->xid && m.yiaddr == 0 && m.op == DHCP_REPLY_OP);
    MUST(r->way != DHCP_TO_EVERYONE || r->n <= DHCP_FRAME_MAX);
    for (const struct dhcp_option *o = dhcp_option(&m, DHCP_O_VENDOR); o;
         o = dhcp_option_next(&m, o))
        for (size_t at = 0; at < o->n; at += 2u + o->at[at + 1])
            MUST(at + 2 <= o->n && at + 2u + o->at[at + 1] <= o->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct reader r = reader_on(data, n);
    struct mono now = {MONO_S};

    setup();
    while (r.left && !r.bad) {
        static struct dhcp_message m;
        size_t length;
        const uint8_t *bytes;
        int rc;

        now = mono_add(now, rd_u8(&r) * MONO_S);
        length = rd_u16(&r);
        if (length > r.left)
            length = r.left;
        bytes = rd_bytes(&r, length);
        if (r.bad || dhcp_decode(bytes, length, &m) != 0)
            continue;
        rc = bsdp_server_handle(&server, now, &m, &one);
        MUST(rc >= DHCP_NOT_MINE && rc <= DHCP_ANSWERED_TOO);
        if (rc < DHCP_ANSWERED)
            continue;
        judge(&m, &one);
        MUST(bsdp_server_handle(&server, now, &m, &two) == rc);
        MUST(one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0);
        MUST(server.n_bindings <= BSDP_BINDINGS_MAX);
    }
    return 0;
}
