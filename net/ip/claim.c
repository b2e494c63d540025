#include "net/ip/claim.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define TYPE_ARP 0x0806
#define TYPE_IPV4 0x0800
#define HARDWARE_ETHERNET 1

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

/* From HELD on; then every IP_CLAIM_ANNOUNCE_NS. */
static const int64_t early[] = {0, 2 * MONO_S, 8 * MONO_S, 15 * MONO_S, 35 * MONO_S};

struct arp {
    uint16_t operation;
    uint8_t sender[6];
    uint32_t sender_address, target_address;
};

/* False: it is no ARP for IPv4 over Ethernet. */
static bool arp_decode(const uint8_t *frame, size_t n, struct arp *a)
{
    struct reader r = reader_on(frame, n);
    uint16_t type, hardware, protocol;
    uint8_t hardware_bytes, protocol_bytes;

    (void)rd_bytes(&r, 12); /* stations of the frame */
    type = rd_u16(&r);
    hardware = rd_u16(&r);
    protocol = rd_u16(&r);
    hardware_bytes = rd_u8(&r);
    protocol_bytes = rd_u8(&r);
    a->operation = rd_u16(&r);
    rd_copy(&r, a->sender, sizeof a->sender);
    a->sender_address = rd_u32(&r);
    (void)rd_bytes(&r, 6); /* target */
    a->target_address = rd_u32(&r);
    return !r.bad && type == TYPE_ARP && hardware == HARDWARE_ETHERNET && protocol == TYPE_IPV4 &&
           hardware_bytes == 6 && protocol_bytes == 4 &&
           (a->operation == ARP_REQUEST || a->operation == ARP_REPLY);
}

/* A question for the address: a probe comes from nobody, an announcement from the address itself.
 */
static size_t arp_encode(const struct ip_claim *c, uint32_t sender, uint8_t out[IP_ARP_FRAME_BYTES])
{
    struct writer w = writer_on(out, IP_ARP_FRAME_BYTES);

    wr_u32(&w, UINT32_MAX); /* to everybody */
    wr_u16(&w, UINT16_MAX);
    wr_copy(&w, c->mac, 6);
    wr_u16(&w, TYPE_ARP);
    wr_u16(&w, HARDWARE_ETHERNET);
    wr_u16(&w, TYPE_IPV4);
    wr_u8(&w, 6);
    wr_u8(&w, 4);
    wr_u16(&w, ARP_REQUEST);
    wr_copy(&w, c->mac, 6);
    wr_u32(&w, sender);
    wr_u32(&w, 0); /* whose station is asked for */
    wr_u16(&w, 0);
    wr_u32(&w, c->address);
    MUST(!w.bad && w.done == IP_ARP_FRAME_BYTES);
    return w.done;
}

void ip_claim_init(struct ip_claim *c, const uint8_t mac[6], uint32_t address, uint64_t seed,
                   struct mono now)
{
    *c = (struct ip_claim){.state = IP_CLAIM_PROBING,
                           .address = address,
                           .rng = {seed},
                           .began = now,
                           .next = now,
                           .quick = IP_CLAIM_PROBES};
    memcpy(c->mac, mac, sizeof c->mac);
}

bool ip_claim_holds(const struct ip_claim *c)
{
    return c->state == IP_CLAIM_HELD || c->state == IP_CLAIM_DISPUTED;
}

static void become(struct ip_claim *c, enum ip_claim_state state, struct mono now)
{
    c->state = state;
    c->began = now;
    c->sent = 0;
}

static struct mono retry(struct ip_claim *c, struct mono now)
{
    return mono_add(now, IP_CLAIM_RETRY_NS + (int64_t)rng_below(&c->rng, IP_CLAIM_RETRY_NS / 4));
}

/* ---- in ---- */

/* Another station uses it, or, while it is not ours yet, probes for it as we do. */
static bool is_sign(const struct ip_claim *c, const struct arp *a)
{
    static const uint8_t nobody[6];
    bool probe =
        a->operation == ARP_REQUEST && a->sender_address == 0 && a->target_address == c->address;

    if (memcmp(a->sender, c->mac, 6) == 0 || memcmp(a->sender, nobody, 6) == 0)
        return false;
    return a->sender_address == c->address || (probe && !ip_claim_holds(c));
}

/* Defended once; a station that goes on after that keeps it. */
static void dispute(struct ip_claim *c, struct mono now)
{
    if (c->defended && mono_sub(now, c->defended_at) < IP_CLAIM_DEFEND_NS) {
        become(c, IP_CLAIM_LOST, now);
        c->next = retry(c, now);
        return;
    }
    c->state = IP_CLAIM_DISPUTED;
    c->defended = true;
    c->defended_at = c->next = now;
}

bool ip_claim_hear(struct ip_claim *c, struct mono now, const uint8_t *frame, size_t n)
{
    enum ip_claim_state was = c->state;
    struct arp a;

    if (!arp_decode(frame, n, &a) || !is_sign(c, &a))
        return false;
    memcpy(c->other, a.sender, sizeof c->other);
    c->heard = now;
    if (ip_claim_holds(c)) {
        dispute(c, now);
    } else {
        c->state = IP_CLAIM_LOST;
        c->sent = 0; /* they are counted anew */
    }
    return c->state != was;
}

/* ---- out ---- */

static void take(struct ip_claim *c, struct mono now)
{
    become(c, IP_CLAIM_HELD, now);
    c->defended = false;
    c->next = now;
    memset(c->other, 0, sizeof c->other);
}

static size_t send_probe(struct ip_claim *c, struct mono now, uint8_t out[IP_ARP_FRAME_BYTES])
{
    if (c->quick)
        c->quick--;
    else
        c->sent++;
    if (c->quick)
        c->next = mono_add(now, IP_CLAIM_SPACING_NS +
                                    (int64_t)rng_below(&c->rng, IP_CLAIM_SPACING_NS / 3));
    else
        c->next = c->state == IP_CLAIM_PROBING ? mono_add(now, IP_CLAIM_WAIT_NS) : retry(c, now);
    return arp_encode(c, 0, out);
}

static size_t send_announcement(struct ip_claim *c, struct mono now,
                                uint8_t out[IP_ARP_FRAME_BYTES])
{
    if (c->sent < sizeof early / sizeof *early)
        c->sent++;
    c->next = c->sent < sizeof early / sizeof *early ? mono_add(c->began, early[c->sent])
                                                     : mono_add(now, IP_CLAIM_ANNOUNCE_NS);
    if (mono_sub(c->next, now) <= 0)
        c->next = mono_add(now, 2 * MONO_S);
    return arp_encode(c, c->address, out);
}

size_t ip_claim_tick(struct ip_claim *c, struct mono now, uint8_t out[IP_ARP_FRAME_BYTES],
                     bool *changed)
{
    enum ip_claim_state was = c->state;

    if (c->state == IP_CLAIM_DISPUTED && mono_sub(now, c->heard) >= IP_CLAIM_QUIET_NS) {
        c->state = IP_CLAIM_HELD;
        memset(c->other, 0, sizeof c->other);
    }
    if (!ip_claim_holds(c) && !c->quick &&
        (c->state == IP_CLAIM_PROBING || c->sent == IP_CLAIM_PROBES) && mono_sub(c->next, now) <= 0)
        take(c, now);
    *changed = c->state != was;
    if (mono_sub(c->next, now) > 0)
        return 0;
    return ip_claim_holds(c) ? send_announcement(c, now, out) : send_probe(c, now, out);
}

/* ---- words ---- */

const char *ip_claim_text(char buf[IP_CLAIM_TEXT], const struct ip_claim *c)
{
    static const uint8_t nobody[6];
    const uint8_t *m = c->other;
    uint32_t a = c->address;

    buf[0] = 0;
    if (c->state == IP_CLAIM_HELD || memcmp(m, nobody, 6) == 0)
        return buf;
    snprintf(
        buf, IP_CLAIM_TEXT,
        "another station, %02x:%02x:%02x:%02x:%02x:%02x, has this box's address %u.%u.%u.%u%s",
        m[0], m[1], m[2], m[3], m[4], m[5], a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
        c->state == IP_CLAIM_LOST
            ? ": this box does not use it; give one of them another (ringcast.conf, [box] address)"
            : " too: give one of them another (ringcast.conf, [box] address)");
    return buf;
}
