#include "imaging/packet/packet.h"

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

/* First header byte: V = 1, no congestion-control or protocol-specific bits. Second: H = 1 (TSI and
 * TOI are 16 bits), and perhaps A. */
#define LCT_FLAGS 0x1010
#define LCT_CLOSE 0x0002
#define HDR_WORDS 6
#define EXT_AUTH 0x01030000 /* HET 1, HEL 3, ASID 0 */

static int fields_check(const struct packet *p)
{
    if (p->lg_t < PACKET_LG_T_MIN || p->lg_t > PACKET_LG_T_MAX)
        return PACKET_ERR_LG_T;
    if (p->tsi == 0)
        return PACKET_ERR_TSI;
    if (p->toi > PACKET_TOI_STREAM)
        return PACKET_ERR_TOI;
    if (p->k == 0 || p->k > PACKET_K_MAX)
        return PACKET_ERR_K;
    if (p->esi >= p->k + (1u << p->lg_t))
        return PACKET_ERR_ESI;
    return 0;
}

int packet_decode(const uint8_t *bytes, size_t n, struct packet *out)
{
    struct reader r = reader_on(bytes, n);
    uint16_t flags = rd_u16(&r);
    uint8_t words = rd_u8(&r);
    struct packet p = {.lg_t = rd_u8(&r), .close = (flags & LCT_CLOSE) != 0};
    uint32_t ext;
    int err;

    p.cci = rd_u32(&r);
    p.tsi = rd_u16(&r);
    p.toi = rd_u16(&r);
    ext = rd_u32(&r);
    (void)rd_u64(&r); /* the tag: mac_check's business */
    p.sbn = rd_u32(&r);
    p.k = rd_u16(&r);
    p.esi = rd_u16(&r);
    p.symbol = rd_bytes(&r, PACKET_SYMBOL_BYTES);
    if (!rd_done(&r))
        return PACKET_ERR_LENGTH;
    if ((flags & ~LCT_CLOSE) != LCT_FLAGS)
        return PACKET_ERR_FLAGS;
    if (words != HDR_WORDS)
        return PACKET_ERR_HDR_LEN;
    if (ext != EXT_AUTH)
        return PACKET_ERR_EXT;
    err = fields_check(&p);
    if (!err)
        *out = p;
    return err;
}

void packet_header_encode(const struct packet *p, uint8_t header[PACKET_HEADER_BYTES])
{
    struct writer w = writer_on(header, PACKET_HEADER_BYTES);

    MUST(fields_check(p) == 0);
    wr_u16(&w, LCT_FLAGS | (p->close ? LCT_CLOSE : 0));
    wr_u8(&w, HDR_WORDS);
    wr_u8(&w, p->lg_t);
    wr_u32(&w, p->cci);
    wr_u16(&w, p->tsi);
    wr_u16(&w, p->toi);
    wr_u32(&w, EXT_AUTH);
    wr_zero(&w, 8);
    wr_u32(&w, p->sbn);
    wr_u16(&w, p->k);
    wr_u16(&w, p->esi);
    MUST(!w.bad && w.left == 0);
}
