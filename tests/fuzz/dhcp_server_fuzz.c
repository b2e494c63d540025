/* The DHCP server under any sequence of messages, time and restarts: five bytes an event. What
 * clients were told is remembered, and no address may be with two of them; the table's counts are
 * recounted after each event. */
#include <string.h>

#include "tests/unit/dhcp_recount.h"

#define US UINT32_C(0x0A000001)
#define POOL 6
#define CLIENTS 16

static struct dhcp_server server;
static struct mono now;
static struct belief {
    uint32_t address;
    struct mono until;
} told[CLIENTS];
static uint8_t record[16][11];
static size_t recorded[16];

static void store(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue)
{
    (void)ctx;
    MUST(nkey == 4 && key[3] < 8 && nvalue <= 11);
    memcpy(record[8 * key[2] + key[3]], value, nvalue);
    recorded[8 * key[2] + key[3]] = nvalue;
}

static bool known(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return mac[5] == 3;
}

static bool boot(void *ctx, const struct dhcp_message *m, enum dhcp_boot_kind kind,
                 struct dhcp_boot *out)
{
    (void)ctx;
    memset(out->file, 'f', sizeof out->file);
    while (dhcp_boot_put(out, DHCP_O_VENDOR, out->file, 100))
        ;
    return m->secs & 1 || kind == DHCP_BOOT_BINL;
}

static void start(enum dhcp_mode mode)
{
    struct dhcp_pool pool[2] = {
        {.first = US + 1, .last = US + POOL, .network = US, .prefix = 28, .router = US + 14},
        {.first = 0x0A000101, .last = 0x0A000103, .network = 0x0A000100, .prefix = 24}};
    struct dhcp_reservation r[1] = {{{2, 0, 0, 0, 0, 1}, US + 2}};
    struct dhcp_config c = {.mode = mode,
                            .address = US,
                            .mac = {2, 9},
                            .pool = pool,
                            .pools = 2,
                            .reservation = r,
                            .reservations = 1,
                            .lease_s = 600,
                            .dns = {1, 0, 2}};
    struct dhcp_needs n = {.store = store, .known = known, .boot = {NULL, boot}};

    MUST(dhcp_server_init(&server, &c, &n, NULL) == 0);
    for (uint8_t i = 0; i < 16; i++)
        if (recorded[i] && mode == DHCP_MODE_SERVER)
            dhcp_server_restore(&server, (uint8_t[]){10, 0, i / 8, i % 8}, 4, record[i],
                                recorded[i], now);
}

static void recount(void)
{
    struct dhcp_leases *t = &server.leases;

    for (unsigned i = 0; i < t->n; i++) {
        struct dhcp_slot *s = &t->slot[i];
        uint8_t mac[6];

        MUST(dhcp_server_who(&server, s->address, mac) == (s->state == DHCP_SLOT_BOUND));
    }
    dhcp_recount(t);
}

/* A client has been told that it has this address now. */
static void believe(unsigned who, uint32_t address, uint32_t seconds)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        MUST(i == who || told[i].address != address || mono_sub(told[i].until, now) <= 0);
    told[who].address = address;
    told[who].until = mono_add(now, seconds * MONO_S);
}

static uint32_t some_address(uint8_t pick, unsigned who)
{
    return pick < 10    ? US + pick
           : pick < 14  ? 0x0A000100 + pick % 4
           : pick < 200 ? told[who].address
                        : pick * 7919u;
}

static void say(const uint8_t d[5])
{
    static struct dhcp_message m, reply;
    static struct dhcp_reply out;
    uint8_t wanted[4], id[4] = {10, 0, 0, d[3] & 64 ? 2 : 1};
    unsigned who = d[1] % CLIENTS;
    uint32_t address = some_address(d[2], who);
    struct dhcp_from from = {.address = d[3] & 32 ? address : 0,
                             .port = 68,
                             .to_port = d[3] & 16 ? 4011 : 67,
                             .mac = {2, 0, 0, 0, 0, (uint8_t)who}};

    m = (struct dhcp_message){.op = DHCP_REQUEST_OP,
                              .htype = 1,
                              .hlen = 6,
                              .xid = d[4],
                              .secs = d[4] & 1,
                              .type = d[0] % 10,
                              .chaddr = {2, 0, 0, 0, 0, (uint8_t)who}};
    m.flags = d[3] & 1 ? DHCP_BROADCAST : 0;
    m.ciaddr = d[3] & 2 ? address : 0;
    m.giaddr = d[3] & 128 ? 0x0A000164 : 0;
    for (int i = 0; i < 4; i++)
        wanted[i] = (uint8_t)(address >> (24 - 8 * i));
    if (d[3] & 4)
        m.option[m.n++] = (struct dhcp_option){DHCP_O_ADDRESS, 4, wanted};
    if (d[3] & 8)
        m.option[m.n++] = (struct dhcp_option){DHCP_O_SERVER, 4, id};
    if (m.type == DHCP_RELEASE || m.type == DHCP_DECLINE)
        told[who].address = told[who].address == address ? 0 : told[who].address;
    if (!dhcp_server_step(&server, now, &m, &from, &out))
        return;
    MUST(out.n >= DHCP_REPLY_MIN && out.n <= 548 && out.port && out.address);
    MUST(dhcp_decode(out.bytes, out.n, &reply) == 0 && reply.op == DHCP_REPLY_OP &&
         reply.xid == m.xid);
    if (reply.type == DHCP_ACK && m.type == DHCP_REQUEST && reply.yiaddr)
        believe(who, reply.yiaddr, dhcp_option_u32(&reply, DHCP_O_LEASE, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    memset(told, 0, sizeof told);
    memset(recorded, 0, sizeof recorded);
    now = (struct mono){0};
    start(n % 8 == 7 ? DHCP_MODE_PROXY : DHCP_MODE_SERVER);
    for (; n >= 5; data += 5, n -= 5) {
        if (data[0] < 200)
            say(data);
        else if (data[0] < 245)
            dhcp_server_tick(&server,
                             now = mono_add(now, data[1] * (data[2] & 1 ? 10 : 1) * MONO_S));
        else if (data[0] < 248)
            server.quiet = data[1] & 1;
        else if (data[0] < 252)
            dhcp_server_vouch(&server, (uint8_t[]){2, 0, 0, 0, 0, data[1] % CLIENTS});
        else if (server.config.mode == DHCP_MODE_SERVER)
            start(DHCP_MODE_SERVER);
        recount();
    }
    return 0;
}
