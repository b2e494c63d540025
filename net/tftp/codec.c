#include "net/tftp/codec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

static const struct {
    const char *name;
    uint64_t least, most;
} options[TFTP_OPTIONS] = {
    [TFTP_BLKSIZE] = {"blksize", TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_TOP},
    [TFTP_TSIZE] = {"tsize", 0, UINT64_MAX},
    [TFTP_TIMEOUT] = {"timeout", 1, 255},
    [TFTP_WINDOWSIZE] = {"windowsize", 1, 65535},
};

bool tftp_options_have(const struct tftp_options *o, enum tftp_option option)
{
    for (unsigned i = 0; i < o->n; i++)
        if (o->order[i] == option)
            return true;
    return false;
}

void tftp_options_add(struct tftp_options *o, enum tftp_option option, uint64_t value)
{
    MUST(o->n < TFTP_OPTIONS && !tftp_options_have(o, option));
    o->order[o->n++] = option;
    o->value[option] = value;
}

void tftp_printable(char *out, size_t cap, const void *bytes, size_t n)
{
    const uint8_t *in = bytes;
    size_t i;

    for (i = 0; i < n && i + 1 < cap; i++)
        out[i] = in[i] >= ' ' && in[i] <= '~' ? (char)in[i] : '?';
    out[i] = 0;
}

/* ---- requests ---- */

/* Bytes up to a NUL, which is taken too. NULL and r->bad when there is none. */
static const char *string(struct reader *r, size_t *n)
{
    const uint8_t *end = r->bad || !r->left ? NULL : memchr(r->at, 0, r->left);

    if (!end) {
        r->bad = true;
        return NULL;
    }
    *n = (size_t)(end - r->at);
    return (const char *)rd_bytes(r, *n + 1);
}

/* A decimal number and nothing else. */
static bool number(const char *text, size_t n, uint64_t *out)
{
    uint64_t v = 0;

    if (n == 0 || n > 19)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    *out = v;
    return true;
}

/* One option as it came; left out unless it is known, new and in its range. */
static void take_option(struct tftp_options *o, const char *name, const char *value,
                        size_t value_bytes)
{
    uint64_t v;

    for (int i = 0; i < TFTP_OPTIONS; i++) {
        if (strcasecmp(name, options[i].name) != 0)
            continue;
        if (number(value, value_bytes, &v) && v >= options[i].least && v <= options[i].most &&
            !tftp_options_have(o, (enum tftp_option)i))
            tftp_options_add(o, (enum tftp_option)i, v);
    }
}

static int decode_request(struct reader *r, struct tftp_packet *p)
{
    size_t mode_bytes, name_bytes, value_bytes;
    const char *mode;

    p->u.request.name = string(r, &p->u.request.name_bytes);
    mode = string(r, &mode_bytes);
    if (r->bad)
        return TFTP_ESTRING;
    p->u.request.octet = strcasecmp(mode, "octet") == 0;
    while (r->left) {
        const char *name = string(r, &name_bytes), *value;

        if (name && name_bytes == 0)
            return 0; /* some ROMs pad their requests */
        value = string(r, &value_bytes);
        if (r->bad)
            return TFTP_ESTRING;
        take_option(&p->u.request.options, name, value, value_bytes);
    }
    return 0;
}

/* ---- packets ---- */

int tftp_decode(const uint8_t *bytes, size_t n, struct tftp_packet *p)
{
    struct reader r = reader_on(bytes, n);
    unsigned opcode = rd_u16(&r);
    const uint8_t *end;

    memset(p, 0, sizeof *p);
    if (r.bad)
        return TFTP_ESHORT;
    p->opcode = (enum tftp_opcode)opcode;
    switch (opcode) {
    case TFTP_RRQ:
    case TFTP_WRQ:
        return n > TFTP_REQUEST_MAX ? TFTP_ESTRING : decode_request(&r, p);
    case TFTP_ACK:
        p->u.block = rd_u16(&r);
        return r.bad ? TFTP_ESHORT : 0;
    case TFTP_ERROR:
        p->u.error.code = rd_u16(&r);
        if (r.bad)
            return TFTP_ESHORT;
        end = r.left ? memchr(r.at, 0, r.left) : NULL; /* many leave the NUL out */
        tftp_printable(p->u.error.text, sizeof p->u.error.text, r.at,
                       end ? (size_t)(end - r.at) : r.left);
        return 0;
    default:
        return TFTP_EOPCODE;
    }
}

void tftp_encode_data(uint8_t out[TFTP_HEADER_BYTES], uint16_t block)
{
    struct writer w = writer_on(out, TFTP_HEADER_BYTES);

    wr_u16(&w, TFTP_DATA);
    wr_u16(&w, block);
}

size_t tftp_encode_oack(uint8_t *out, const struct tftp_options *o)
{
    struct writer w = writer_on(out, TFTP_PACKET_MAX);
    char value[24];

    wr_u16(&w, TFTP_OACK);
    for (unsigned i = 0; i < o->n; i++) {
        const char *name = options[o->order[i]].name;
        int n = snprintf(value, sizeof value, "%llu", (unsigned long long)o->value[o->order[i]]);

        wr_copy(&w, name, strlen(name) + 1);
        wr_copy(&w, value, (size_t)n + 1);
    }
    MUST(!w.bad);
    return w.done;
}

size_t tftp_encode_error(uint8_t *out, enum tftp_code code, const char *text)
{
    struct writer w = writer_on(out, TFTP_PACKET_MAX);

    wr_u16(&w, TFTP_ERROR);
    wr_u16(&w, code);
    wr_copy(&w, text, strnlen(text, TFTP_TEXT_MAX));
    wr_u8(&w, 0);
    MUST(!w.bad);
    return w.done;
}
