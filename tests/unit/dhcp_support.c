#include "tests/unit/dhcp_support.h"

#include <string.h>

#include "net/wire/must.h"
#include "tests/unit/dhcp_recount.h"

void dhcp_lab_mac(uint8_t mac[6], uint32_t client)
{
    struct writer w = writer_on(mac, 6);

    wr_u16(&w, 0x0200);
    wr_u32(&w, client);
}

static void store(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue)
{
    struct dhcp_lab *lab = ctx;

    MUST(nkey == 4 && nvalue <= sizeof lab->record[0].value);
    lab->stored++;
    memcpy(lab->record[key[3]].value, value, nvalue);
    lab->record[key[3]].n = nvalue;
}

static bool known(void *ctx, const uint8_t mac[6])
{
    const struct dhcp_lab *lab = ctx;
    uint8_t limit[6];

    dhcp_lab_mac(limit, lab->known);
    return memcmp(mac, limit, 6) < 0;
}

static void tell(void *ctx, const struct dhcp_event *e)
{
    ((struct dhcp_lab *)ctx)->told[e->kind]++;
}

static bool boot(void *ctx, const struct dhcp_message *m, enum dhcp_boot_kind kind,
                 struct dhcp_boot *out)
{
    (void)ctx;
    if (!dhcp_option_begins(m, DHCP_O_CLASS, "PXEClient"))
        return false;
    out->siaddr = DHCP_LAB_ADDRESS;
    strcpy(out->file, "ringcast.efi");
    while (dhcp_option_begins(m, DHCP_O_CLASS, "PXEClient:large") &&
           dhcp_boot_put(out, DHCP_O_VENDOR, out->file, 98))
        ;
    if (kind != DHCP_BOOT_LEASE)
        dhcp_boot_put(out, DHCP_O_CLASS, "PXEClient", 9);
    return true;
}

static void start(struct dhcp_lab *lab, unsigned pool, const struct dhcp_reservation *r,
                  unsigned reservations)
{
    struct dhcp_pool p = {.first = DHCP_LAB_FIRST,
                          .last = DHCP_LAB_FIRST + pool - 1,
                          .network = DHCP_LAB_ADDRESS,
                          .prefix = 24,
                          .router = DHCP_LAB_ADDRESS};
    struct dhcp_pool pools[2] = {
        p, {.first = 0x0A4E0032, .last = 0x0A4E0035, .network = 0x0A4E0000, .prefix = 24}};
    struct dhcp_config c = {.mode = DHCP_MODE_SERVER,
                            .address = DHCP_LAB_ADDRESS,
                            .mac = {2, 0xff, 0, 0, 0, 1},
                            .pool = pools,
                            .pools = 2,
                            .reservation = r,
                            .reservations = reservations,
                            .lease_s = 3600,
                            .dns = {0x0A4D0001},
                            .key = 12345};
    struct dhcp_needs n = {
        .ctx = lab, .store = store, .known = known, .tell = tell, .boot = {lab, boot}};
    struct err err = {0};

    MUST(dhcp_server_init(&lab->server, &c, &n, &err) == 0);
}

void dhcp_lab_up(struct dhcp_lab *lab, unsigned pool, const struct dhcp_reservation *r,
                 unsigned reservations)
{
    memset(lab, 0, sizeof *lab);
    lab->now = (struct mono){1000 * MONO_S};
    start(lab, pool, r, reservations);
}

void dhcp_lab_again(struct dhcp_lab *lab, unsigned pool, const struct dhcp_reservation *r,
                    unsigned reservations)
{
    start(lab, pool, r, reservations);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t key[4] = {10, 77, 0, (uint8_t)i};

        if (lab->record[i].n)
            MUST(dhcp_server_restore(&lab->server, key, 4, lab->record[i].value, lab->record[i].n,
                                     lab->now) == 0);
    }
}

static size_t request(const struct dhcp_say *s, uint8_t *to)
{
    struct dhcp_message head = {.op = DHCP_REQUEST_OP,
                                .htype = 1,
                                .hlen = 6,
                                .xid = s->xid,
                                .flags = s->flags,
                                .ciaddr = s->ciaddr,
                                .giaddr = s->giaddr,
                                .type = s->type};
    struct dhcp_writer dw;
    uint8_t size[2] = {(uint8_t)(s->size >> 8), (uint8_t)s->size}, id[7] = {1};

    dhcp_lab_mac(head.chaddr, s->client);
    memcpy(id + 1, head.chaddr, 6);
    dhcp_write_start(&dw, to, 1472, &head);
    if (s->wanted)
        dhcp_put_u32(&dw, DHCP_O_ADDRESS, s->wanted);
    if (s->server)
        dhcp_put_u32(&dw, DHCP_O_SERVER, s->server);
    if (s->size)
        dhcp_put(&dw, DHCP_O_SIZE, size, 2);
    if (s->class)
        dhcp_put_text(&dw, DHCP_O_CLASS, s->class);
    dhcp_put(&dw, DHCP_O_CLIENT, id, sizeof id);
    if (s->giaddr)
        dhcp_put(&dw, DHCP_O_RELAY, "\1\4port", 6);
    return dhcp_write_end(&dw);
}

unsigned dhcp_lab_say(struct dhcp_lab *lab, const struct dhcp_say *s)
{
    static uint8_t bytes[1472];
    static struct dhcp_message m;
    struct dhcp_from from = {.address = s->from ? s->from : s->ciaddr,
                             .port = s->to_port ? s->to_port : 68,
                             .to_port = s->to_port ? s->to_port : 67};

    dhcp_lab_mac(from.mac, s->frame_mac ? s->frame_mac : s->client);
    MUST(dhcp_decode(bytes, request(s, bytes), &m) == 0);
    if (!dhcp_server_step(&lab->server, lab->now, &m, &from, &lab->reply))
        return 0;
    MUST(lab->reply.n >= DHCP_REPLY_MIN && lab->reply.n <= dhcp_reply_limit(&m, DHCP_FRAME_MAX));
    MUST(dhcp_decode(lab->reply.bytes, lab->reply.n, &lab->answer) == 0);
    MUST(lab->answer.op == DHCP_REPLY_OP && lab->answer.xid == m.xid &&
         lab->answer.giaddr == m.giaddr);
    MUST(memcmp(lab->answer.chaddr, m.chaddr, DHCP_CHADDR_BYTES) == 0);
    MUST(dhcp_option_u32(&lab->answer, DHCP_O_SERVER, 0) == DHCP_LAB_ADDRESS);
    return lab->answer.type;
}

uint32_t dhcp_lab_join(struct dhcp_lab *lab, uint32_t client, uint32_t xid)
{
    struct dhcp_say s = {.type = DHCP_DISCOVER, .client = client, .xid = xid};

    if (dhcp_lab_say(lab, &s) != DHCP_OFFER)
        return 0;
    s.type = DHCP_REQUEST;
    s.wanted = lab->answer.yiaddr;
    s.server = DHCP_LAB_ADDRESS;
    return dhcp_lab_say(lab, &s) == DHCP_ACK ? lab->answer.yiaddr : 0;
}

void dhcp_lab_pass(struct dhcp_lab *lab, int64_t seconds)
{
    lab->now = mono_add(lab->now, seconds * MONO_S);
    dhcp_server_tick(&lab->server, lab->now);
}

void dhcp_lab_audit(struct dhcp_lab *lab)
{
    struct dhcp_leases *t = &lab->server.leases;

    for (unsigned i = 0; i < t->n; i++) {
        struct dhcp_slot *s = &t->slot[i];
        bool owned = s->state == DHCP_SLOT_BOUND || s->state == DHCP_SLOT_PAST;

        MUST(i == 0 || t->slot[i - 1].address < s->address);
        MUST(!s->reserved || !s->probation);
        if (owned)
            for (unsigned k = 0; k < t->n; k++)
                MUST(k == i || memcmp(t->slot[k].mac, s->mac, 6) != 0);
    }
    dhcp_recount(t);
}
