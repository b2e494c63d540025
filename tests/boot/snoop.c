#include "tests/boot/snoop.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

#define ETHERTYPE_IPV4 0x0800
#define PROTO_IGMP 2
#define PROTO_PIM 103
#define ALL_PIM_ROUTERS 0xe000000d

enum {
    IGMP_QUERY = 0x11,
    IGMP_V1_REPORT = 0x12,
    IGMP_V2_REPORT = 0x16,
    IGMP_LEAVE = 0x17,
    IGMP_V3_REPORT = 0x22,
};

/* RFC 3376 4.2.12 */
enum { MODE_INCLUDE = 1, MODE_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK };

const struct snoop_config snoop_defaults = {
    .unknown = SNOOP_UNTIL_QUERIER,
    .membership_ns = 260 * MONO_S,
    .querier_ns = 255 * MONO_S,
    .last_member_ns = 2 * MONO_S,
};

void snoop_init(struct snoop *s, const struct snoop_config *config)
{
    *s = (struct snoop){.config = *config};
}

static bool local_group(uint32_t group)
{
    return group >> 8 == 0xe00000;
}

static bool alive(struct mono until, struct mono now)
{
    return mono_sub(until, now) > 0;
}

/* What has run out is forgotten when it is looked at. */
static uint32_t still(uint32_t *set, const struct mono until[SNOOP_PORTS], struct mono now)
{
    for (unsigned p = 0; p < SNOOP_PORTS; p++)
        if (*set >> p & 1 && !alive(until[p], now))
            *set &= ~(UINT32_C(1) << p);
    return *set;
}

static uint32_t routers(struct snoop *s, struct mono now)
{
    return still(&s->routers, s->router_until, now);
}

static bool have_querier(const struct snoop *s, struct mono now)
{
    return s->querier.address && alive(s->querier.until, now);
}

static struct snoop_group *find(struct snoop *s, struct mono now, uint32_t group)
{
    for (size_t i = 0; i < SNOOP_GROUPS; i++) {
        struct snoop_group *g = &s->groups[i];

        if (g->group == group)
            return still(&g->members, g->until, now) ? g : NULL;
    }
    return NULL;
}

static struct snoop_group *make(struct snoop *s, struct mono now, uint32_t group)
{
    struct snoop_group *g = find(s, now, group);

    for (size_t i = 0; !g && i < SNOOP_GROUPS; i++) {
        struct snoop_group *e = &s->groups[i];

        if (e->group == group || !e->group || !still(&e->members, e->until, now)) {
            *e = (struct snoop_group){.group = group};
            g = e;
        }
    }
    s->full += !g;
    return g;
}

static void join(struct snoop *s, struct mono now, unsigned port, uint32_t group)
{
    struct snoop_group *g;

    if (group >> 28 != 0xe || local_group(group) || !(g = make(s, now, group)))
        return;
    s->reports++;
    g->members |= UINT32_C(1) << port;
    g->until[port] = mono_add(now, s->config.membership_ns);
}

/* A port's membership ends at `end`, if it lasted longer. */
static void shorten(struct snoop_group *g, unsigned port, struct mono end)
{
    if (g->members >> port & 1 && mono_sub(g->until[port], end) > 0)
        g->until[port] = end;
}

static void leave(struct snoop *s, struct mono now, unsigned port, uint32_t group)
{
    struct snoop_group *g = find(s, now, group);

    s->leaves++;
    if (!g)
        return;
    if (s->config.fast_leave)
        g->members &= ~(UINT32_C(1) << port);
    else if (have_querier(s, now))
        shorten(g, port, mono_add(now, s->config.last_member_ns));
}

static void router_port(struct snoop *s, struct mono now, unsigned port)
{
    s->routers |= UINT32_C(1) << port;
    s->router_until[port] = mono_add(now, s->config.querier_ns);
}

/* The lowest address is the querier (RFC 2236 3). A query without an address is a switch's own
 * question: it is passed on and makes nobody a querier (RFC 4541 2.1.1). */
static void query(struct snoop *s, struct mono now, unsigned port, uint32_t from, struct reader r,
                  unsigned version)
{
    uint32_t group = rd_u32(&r);
    bool suppress = version == 3 && rd_u8(&r) & 8;
    bool sources = version == 3 && (rd_u8(&r), rd_u16(&r)) != 0;

    s->queries++;
    if (group && !suppress && !sources) { /* who stays silent is out soon */
        struct snoop_group *g = find(s, now, group);

        for (unsigned p = 0; g && p < SNOOP_PORTS; p++)
            shorten(g, p, mono_add(now, s->config.last_member_ns));
    }
    if (!from)
        return;
    router_port(s, now, port);
    if (have_querier(s, now) && s->querier.address < from)
        return;
    s->querier.address = from;
    s->querier.port = port;
    s->querier.version = version;
    s->querier.until = mono_add(now, s->config.querier_ns);
}

static void report_v3(struct snoop *s, struct mono now, unsigned port, struct reader r)
{
    unsigned records;

    rd_u16(&r); /* reserved; the type and the checksum are read */
    records = rd_u16(&r);
    while (records-- && !r.bad) {
        unsigned type = rd_u8(&r), aux = rd_u8(&r), sources = rd_u16(&r);
        uint32_t group = rd_u32(&r);

        rd_bytes(&r, 4 * (size_t)sources + 4 * (size_t)aux);
        if (r.bad)
            break;
        if (type == MODE_EXCLUDE || type == TO_EXCLUDE || (sources && type != BLOCK))
            join(s, now, port, group);
        else if (type == TO_INCLUDE || type == MODE_INCLUDE)
            leave(s, now, port, group);
    }
    s->malformed += r.bad;
}

static uint16_t checksum(const uint8_t *at, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Where an IGMP message goes: reports and leaves to those who route, so that hosts do not silence
 * each other; before anybody routes, to all. */
static uint32_t igmp(struct snoop *s, struct mono now, unsigned port, uint32_t from,
                     struct reader r, uint32_t all)
{
    size_t n = r.left;
    unsigned type, code;
    uint32_t group, up;

    if (n < 8 || checksum(r.at, n) != 0) {
        s->malformed++;
        return all;
    }
    type = rd_u8(&r);
    code = rd_u8(&r);
    rd_u16(&r);
    if (type == IGMP_V3_REPORT) {
        report_v3(s, now, port, r);
    } else {
        if (type == IGMP_QUERY) {
            query(s, now, port, from, r, n >= 12 ? 3 : code ? 2 : 1);
            return all;
        }
        group = rd_u32(&r);
        if (type == IGMP_V1_REPORT || type == IGMP_V2_REPORT)
            join(s, now, port, group);
        else if (type == IGMP_LEAVE)
            leave(s, now, port, group);
        else
            return all;
    }
    up = routers(s, now) & all;
    return up ? up : all;
}

static uint32_t to_group(struct snoop *s, struct mono now, uint32_t group, uint32_t all)
{
    const struct snoop_group *g;

    if (local_group(group))
        return all;
    g = find(s, now, group);
    if (!g && (s->config.unknown == SNOOP_FLOOD ||
               (s->config.unknown == SNOOP_UNTIL_QUERIER && !have_querier(s, now))))
        return all;
    return ((g ? g->members : 0) | routers(s, now)) & all;
}

uint32_t snoop_forward(struct snoop *s, struct mono now, unsigned port, const uint8_t *frame,
                       size_t n, uint32_t all)
{
    struct reader r = reader_on(frame, n), payload;
    uint32_t from, to;
    unsigned head, length, proto;

    MUST(port < SNOOP_PORTS);
    rd_bytes(&r, 12);
    if (s->config.off || rd_u16(&r) != ETHERTYPE_IPV4 || r.bad)
        return all;
    head = rd_u8(&r);
    rd_u8(&r);
    length = rd_u16(&r);
    rd_bytes(&r, 5);
    proto = rd_u8(&r);
    rd_u16(&r);
    from = rd_u32(&r);
    to = rd_u32(&r);
    if (r.bad || head >> 4 != 4 || (head & 15) < 5 || length < (head & 15) * 4 || to >> 28 != 0xe)
        return all;
    rd_bytes(&r, (head & 15) * 4 - 20);
    payload = rd_sub(&r, length - (head & 15) * 4);
    if (proto == PROTO_IGMP && !payload.bad)
        return igmp(s, now, port, from, payload, all);
    if (proto == PROTO_PIM && to == ALL_PIM_ROUTERS)
        router_port(s, now, port);
    return to_group(s, now, to, all);
}

void snoop_port_down(struct snoop *s, unsigned port)
{
    MUST(port < SNOOP_PORTS);
    for (size_t i = 0; i < SNOOP_GROUPS; i++)
        s->groups[i].members &= ~(UINT32_C(1) << port);
    s->routers &= ~(UINT32_C(1) << port);
    if (s->querier.port == port)
        s->querier.address = 0;
}

static void json_address(struct json *j, const char *key, uint32_t a)
{
    char text[16], *at = text;

    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned v = a >> shift & 255;

        if (v >= 100)
            *at++ = (char)('0' + v / 100);
        if (v >= 10)
            *at++ = (char)('0' + v / 10 % 10);
        *at++ = (char)('0' + v % 10);
        *at++ = shift ? '.' : '\0';
    }
    json_str(j, key, text);
}

static void json_ports(struct json *j, const char *key, uint32_t set, const struct mono *until,
                       struct mono now, const char *const names[SNOOP_PORTS])
{
    json_open(j, key, '{');
    for (unsigned p = 0; p < SNOOP_PORTS; p++)
        if (set >> p & 1 && alive(until[p], now))
            json_fixed(j, names[p], (double)mono_sub(until[p], now) / 1e9, 1);
    json_close(j);
}

void snoop_report(const struct snoop *s, struct mono now, const char *const names[SNOOP_PORTS],
                  struct json *j)
{
    json_open(j, "igmp", '{');
    if (have_querier(s, now)) {
        json_open(j, "querier", '{');
        json_address(j, "address", s->querier.address);
        json_str(j, "port", names[s->querier.port]);
        json_u64(j, "version", s->querier.version);
        json_close(j);
    }
    json_ports(j, "routers", s->routers, s->router_until, now, names);
    json_open(j, "groups", '[');
    for (size_t i = 0; i < SNOOP_GROUPS; i++) {
        const struct snoop_group *g = &s->groups[i];

        if (!g->members)
            continue;
        json_open(j, NULL, '{');
        json_address(j, "group", g->group);
        json_ports(j, "ports", g->members, g->until, now, names);
        json_close(j);
    }
    json_close(j);
    json_u64(j, "reports", s->reports);
    json_u64(j, "leaves", s->leaves);
    json_u64(j, "queries", s->queries);
    json_u64(j, "malformed", s->malformed);
    json_u64(j, "full", s->full);
    json_close(j);
}
