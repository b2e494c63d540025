#include "net/dhcp/codec.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

enum overload { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

/* ---- decoding ---- */

/* One field of options onto the list. Each step takes at least a byte. */
static int take_options(struct reader r, struct dhcp_message *m)
{
    while (r.left) {
        struct dhcp_option o = {.code = rd_u8(&r)};

        if (o.code == DHCP_O_PAD)
            continue;
        if (o.code == DHCP_O_END)
            return 0;
        o.n = rd_u8(&r);
        o.at = rd_bytes(&r, o.n);
        if (r.bad)
            return DHCP_EOPTION;
        if (m->n == DHCP_OPTIONS_MAX)
            return DHCP_EMANY;
        m->option[m->n++] = o;
    }
    return 0;
}

/* Option 52, which counts in the options field alone: 0 when it is not there, or a negative code.
 */
static int take_overload(const struct dhcp_message *m)
{
    const struct dhcp_option *o = dhcp_option(m, DHCP_O_OVERLOAD);

    if (!o)
        return 0;
    if (o->n != 1 || o->at[0] < 1 || o->at[0] > (OVERLOAD_FILE | OVERLOAD_SNAME) ||
        dhcp_option_next(m, o))
        return DHCP_EOVERLOAD;
    return o->at[0];
}

static int take_type(struct dhcp_message *m)
{
    const struct dhcp_option *o = dhcp_option(m, DHCP_O_TYPE);

    if (!o)
        return 0;
    if (o->n != 1 || o->at[0] < DHCP_DISCOVER || o->at[0] > DHCP_TYPE_MAX || dhcp_option_next(m, o))
        return DHCP_ETYPE;
    m->type = o->at[0];
    return 0;
}

/* The fixed fields up to chaddr. */
static int take_head(struct reader *r, struct dhcp_message *m)
{
    static const uint8_t none[6];

    m->op = rd_u8(r);
    m->htype = rd_u8(r);
    m->hlen = rd_u8(r);
    m->hops = rd_u8(r);
    m->xid = rd_u32(r);
    m->secs = rd_u16(r);
    m->flags = rd_u16(r);
    m->ciaddr = rd_u32(r);
    m->yiaddr = rd_u32(r);
    m->siaddr = rd_u32(r);
    m->giaddr = rd_u32(r);
    rd_copy(r, m->chaddr, sizeof m->chaddr);
    if (r->bad)
        return DHCP_ESHORT;
    if (m->op != DHCP_REQUEST_OP && m->op != DHCP_REPLY_OP)
        return DHCP_EOP;
    if (m->htype != 1 || m->hlen != 6 || m->chaddr[0] & 1 || memcmp(m->chaddr, none, 6) == 0)
        return DHCP_EHARDWARE;
    return 0;
}

int dhcp_decode(const uint8_t *bytes, size_t n, struct dhcp_message *m)
{
    struct reader r = reader_on(bytes, n), sname, file;
    int overload, rc;

    memset(m, 0, sizeof *m);
    rc = take_head(&r, m);
    if (rc)
        return rc;
    sname = rd_sub(&r, DHCP_SNAME_BYTES);
    file = rd_sub(&r, DHCP_FILE_BYTES);
    rc = rd_u32(&r) != DHCP_COOKIE ? DHCP_ECOOKIE : 0;
    if (r.bad)
        return DHCP_ESHORT;
    rc = rc ? rc : take_options(r, m);
    overload = rc ? rc : take_overload(m);
    if (overload < 0)
        return overload;
    if (overload & OVERLOAD_FILE)
        rc = take_options(file, m);
    else
        memcpy(m->file, file.at, file.left);
    if (rc == 0 && overload & OVERLOAD_SNAME)
        rc = take_options(sname, m);
    else
        memcpy(m->sname, sname.at, sname.left);
    return rc ? rc : take_type(m);
}

/* ---- options of a decoded message ---- */

static const struct dhcp_option *find(const struct dhcp_message *m, unsigned from, uint8_t code)
{
    for (unsigned i = from; i < m->n; i++)
        if (m->option[i].code == code)
            return &m->option[i];
    return NULL;
}

const struct dhcp_option *dhcp_option(const struct dhcp_message *m, uint8_t code)
{
    return find(m, 0, code);
}

const struct dhcp_option *dhcp_option_next(const struct dhcp_message *m,
                                           const struct dhcp_option *o)
{
    return find(m, (unsigned)(o - m->option) + 1, o->code);
}

int dhcp_option_joined(const struct dhcp_message *m, uint8_t code, uint8_t *to, size_t cap)
{
    const struct dhcp_option *o = dhcp_option(m, code);
    size_t n = 0;

    if (!o)
        return DHCP_EABSENT;
    for (; o; o = dhcp_option_next(m, o)) {
        if (o->n > cap - n)
            return DHCP_EROOM;
        memcpy(to + n, o->at, o->n);
        n += o->n;
    }
    return (int)n;
}

static uint32_t option_number(const struct dhcp_message *m, uint8_t code, size_t n,
                              uint32_t otherwise)
{
    const struct dhcp_option *o = dhcp_option(m, code);
    struct reader r;

    if (!o || o->n != n)
        return otherwise;
    r = reader_on(o->at, o->n);
    return (uint32_t)rd_be(&r, n);
}

uint32_t dhcp_option_u32(const struct dhcp_message *m, uint8_t code, uint32_t otherwise)
{
    return option_number(m, code, 4, otherwise);
}

uint16_t dhcp_option_u16(const struct dhcp_message *m, uint8_t code, uint16_t otherwise)
{
    return (uint16_t)option_number(m, code, 2, otherwise);
}

bool dhcp_option_begins(const struct dhcp_message *m, uint8_t code, const char *text)
{
    const struct dhcp_option *o = dhcp_option(m, code);
    size_t n = strlen(text);

    return o && o->n >= n && memcmp(o->at, text, n) == 0;
}

size_t dhcp_reply_limit(const struct dhcp_message *m, size_t most)
{
    uint16_t size = dhcp_option_u16(m, DHCP_O_SIZE, DHCP_SIZE_MIN);
    size_t limit = (size < DHCP_SIZE_MIN ? DHCP_SIZE_MIN : size) - DHCP_IP_UDP_BYTES;

    return limit < most ? limit : most;
}

/* ---- encoding ---- */

void dhcp_reply_head(struct dhcp_message *reply, const struct dhcp_message *request,
                     enum dhcp_type type)
{
    memset(reply, 0, sizeof *reply);
    reply->op = DHCP_REPLY_OP;
    reply->htype = request->htype;
    reply->hlen = request->hlen;
    reply->xid = request->xid;
    reply->flags = request->flags;
    reply->giaddr = request->giaddr;
    memcpy(reply->chaddr, request->chaddr, sizeof reply->chaddr);
    reply->type = (uint8_t)type;
}

void dhcp_write_start(struct dhcp_writer *dw, void *to, size_t limit,
                      const struct dhcp_message *head)
{
    struct writer *w = &dw->w;

    MUST(limit >= DHCP_REPLY_MIN);
    *dw = (struct dhcp_writer){.w = writer_on(to, limit)};
    wr_u8(w, head->op);
    wr_u8(w, head->htype);
    wr_u8(w, head->hlen);
    wr_u8(w, head->hops);
    wr_u32(w, head->xid);
    wr_u16(w, head->secs);
    wr_u16(w, head->flags);
    wr_u32(w, head->ciaddr);
    wr_u32(w, head->yiaddr);
    wr_u32(w, head->siaddr);
    wr_u32(w, head->giaddr);
    wr_copy(w, head->chaddr, sizeof head->chaddr);
    wr_copy(w, head->sname, DHCP_SNAME_BYTES);
    wr_copy(w, head->file, DHCP_FILE_BYTES);
    wr_u32(w, DHCP_COOKIE);
    if (head->type)
        dhcp_put(dw, DHCP_O_TYPE, &head->type, 1);
}

size_t dhcp_room(const struct dhcp_writer *dw)
{
    size_t left = dw->w.left; /* code, length, and the END of the message */

    return left <= 3 ? 0 : left - 3 > 255 ? 255 : left - 3;
}

bool dhcp_put(struct dhcp_writer *dw, uint8_t code, const void *bytes, size_t n)
{
    if (n > 255 || dw->w.left < n + 3) {
        dw->dropped++;
        return false;
    }
    wr_u8(&dw->w, code);
    wr_u8(&dw->w, n);
    if (n)
        wr_copy(&dw->w, bytes, n);
    return true;
}

bool dhcp_put_u32(struct dhcp_writer *dw, uint8_t code, uint32_t value)
{
    uint8_t bytes[4];
    struct writer w = writer_on(bytes, sizeof bytes);

    wr_u32(&w, value);
    return dhcp_put(dw, code, bytes, sizeof bytes);
}

bool dhcp_put_text(struct dhcp_writer *dw, uint8_t code, const char *text)
{
    return dhcp_put(dw, code, text, strlen(text));
}

size_t dhcp_write_end(struct dhcp_writer *dw)
{
    wr_u8(&dw->w, DHCP_O_END);
    if (dw->w.done < DHCP_REPLY_MIN)
        wr_zero(&dw->w, DHCP_REPLY_MIN - dw->w.done);
    MUST(!dw->w.bad);
    return dw->w.done;
}

const char *dhcp_mac_text(char buf[DHCP_MAC_TEXT], const uint8_t mac[6])
{
    snprintf(buf, DHCP_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    return buf;
}
