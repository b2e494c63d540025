#include "net/igmp/codec.h"

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

/* RFC 1071, in host order; 0 over bytes that hold their own checksum. */
static uint16_t checksum(const uint8_t *at, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)at[i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* RFC 3376 sections 4.1.1 and 4.1.7: 128 and up are a mantissa and an exponent. */
static unsigned coded(uint8_t v)
{
    return v < 128 ? v : ((v & 15u) | 16u) << ((v >> 4 & 7) + 3);
}

/* The datagram's IP header; what it carries remains in r. */
static int ip_header(struct reader *r, struct igmp_message *m)
{
    const uint8_t *start = r->at;
    unsigned first = rd_u8(r), total, fragment, protocol;
    size_t header = (first & 15) * 4u, n = r->left + 1;

    rd_u8(r);
    total = rd_u16(r);
    rd_u16(r);
    fragment = rd_u16(r);
    rd_u8(r);
    protocol = rd_u8(r);
    rd_u16(r);
    m->from = rd_u32(r);
    rd_u32(r);
    if (r->bad || first >> 4 != 4 || header < 20 || total < header || total > n ||
        fragment & 0x3fff || protocol != IGMP_PROTOCOL)
        return IGMP_EHEADER;
    *r = reader_on(start + header, total - header);
    return 0;
}

int igmp_decode(const uint8_t *bytes, size_t n, struct igmp_message *m)
{
    struct reader r = reader_on(bytes, n);
    int rc;

    *m = (struct igmp_message){0};
    rc = ip_header(&r, m);
    if (rc)
        return rc;
    if (r.left < IGMP_BYTES)
        return IGMP_ESHORT;
    if (checksum(r.at, r.left) != 0)
        return IGMP_ECHECKSUM;
    m->type = (enum igmp_type)rd_u8(&r);
    rd_bytes(&r, 3);
    m->group = rd_u32(&r);
    switch (m->type) {
    case IGMP_QUERY:
        if (r.left >= 4) {
            m->robustness = rd_u8(&r) & 7;
            m->interval = coded(rd_u8(&r));
        }
        return 0;
    case IGMP_REPORT_1:
    case IGMP_REPORT_2:
    case IGMP_LEAVE:
        return 0;
    case IGMP_REPORT_3:
        m->group = 0;
        return 0;
    default:
        return IGMP_ETYPE;
    }
}

size_t igmp_query(uint8_t out[IGMP_DATAGRAM_MAX], unsigned version, uint32_t from, uint32_t group,
                  unsigned response, unsigned interval)
{
    size_t payload = version == 3 ? IGMP_QUERY_3_BYTES : IGMP_BYTES;
    struct writer w = writer_on(out, IGMP_DATAGRAM_MAX);
    uint16_t sum;

    MUST((version == 2 || version == 3) && response <= 127 && interval <= 127);
    /* six words; precedence "internetwork control", as RFC 3376 section 4 asks */
    wr_u16(&w, 0x46c0);
    wr_u16(&w, 24 + payload);
    wr_u32(&w, 0x00004000);             /* never a fragment */
    wr_u16(&w, 1 << 8 | IGMP_PROTOCOL); /* TTL 1 */
    wr_u16(&w, 0);
    wr_u32(&w, from);
    wr_u32(&w, group ? group : IGMP_ALL_SYSTEMS);
    wr_u32(&w, 0x94040000); /* router alert */
    wr_u8(&w, IGMP_QUERY);
    wr_u8(&w, response);
    wr_u16(&w, 0);
    wr_u32(&w, group);
    if (version == 3) {
        wr_u8(&w, IGMP_ROBUSTNESS);
        wr_u8(&w, interval);
        wr_u16(&w, 0); /* no sources */
    }
    MUST(!w.bad);
    sum = checksum(out, 24);
    out[10] = (uint8_t)(sum >> 8);
    out[11] = (uint8_t)sum;
    sum = checksum(out + 24, payload);
    out[26] = (uint8_t)(sum >> 8);
    out[27] = (uint8_t)sum;
    return w.done;
}
