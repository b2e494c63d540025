#include "net/bsdp/codec.h"

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

/* ---- requests ---- */

/* Up to `end` or the slash before it; false when it is too long or holds what ends a text or a
 * line. */
static bool text_take(struct reader *r, char *to, size_t max, bool to_slash)
{
    size_t n = 0;

    while (r->left) {
        uint8_t c = rd_u8(r);

        if (to_slash && c == '/') {
            to[n] = 0;
            return true;
        }
        if (c < 0x20 || c >= 0x7F || n == max)
            return false;
        to[n++] = (char)c;
    }
    to[n] = 0;
    return !to_slash;
}

int bsdp_class_decode(const uint8_t *bytes, size_t n, struct bsdp_request *q)
{
    struct reader r = reader_on(bytes, n);
    const uint8_t *class = rd_bytes(&r, sizeof BSDP_CLASS - 1);

    if (!class || memcmp(class, BSDP_CLASS, sizeof BSDP_CLASS - 1) != 0 || rd_u8(&r) != '/')
        return BSDP_ECLASS;
    if (!text_take(&r, q->arch, BSDP_ARCH_MAX, true) ||
        !text_take(&r, q->model, BSDP_MODEL_MAX, false))
        return BSDP_ECLASS;
    return 0;
}

/* What was seen of the client's sub-options, over all instances. */
enum { SEEN_MESSAGE = 1, SEEN_VERSION = 2, SEEN_PORT = 4, SEEN_SIZE = 8 };

static void filter_take(struct reader *r, struct bsdp_request *q)
{
    if (q->has_filter)
        return;
    q->has_filter = true;
    while (r->left >= 2) /* an odd byte at the end is left alone */
        q->filter[q->n_filter++] = rd_u16(r);
}

/* The value of a fixed length that counts when it is the first: its bytes are taken in any case. */
#define TAKE(seen_before, field, reading)                                                          \
    do {                                                                                           \
        uint32_t value = reading;                                                                  \
        if (!(seen_before))                                                                        \
            field = value;                                                                         \
    } while (0)

static int suboption_take(uint8_t code, struct reader *r, struct bsdp_request *q)
{
    switch (code) {
    case BSDP_O_MESSAGE:
        TAKE(q->seen & SEEN_MESSAGE, q->type, rd_u8(r));
        q->seen |= SEEN_MESSAGE;
        break;
    case BSDP_O_VERSION:
        TAKE(q->seen & SEEN_VERSION, q->version, rd_u16(r));
        q->seen |= SEEN_VERSION;
        break;
    case BSDP_O_SERVER:
        TAKE(q->has_server, q->server, rd_u32(r));
        q->has_server = true;
        break;
    case BSDP_O_PORT:
        TAKE(q->seen & SEEN_PORT, q->port, rd_u16(r));
        q->seen |= SEEN_PORT;
        break;
    case BSDP_O_SELECTED:
        TAKE(q->has_selected, q->selected, rd_u32(r));
        q->has_selected = true;
        break;
    case BSDP_O_SIZE:
        TAKE(q->seen & SEEN_SIZE, q->limit, rd_u16(r));
        q->seen |= SEEN_SIZE;
        break;
    case BSDP_O_OLD_FIRMWARE:
        q->old_firmware = true; /* a flag; 0 bytes in the code of the time, 1 in the document */
        return r->left <= 1 ? 0 : BSDP_EMALFORMED;
    case BSDP_O_FILTER:
        filter_take(r, q);
        return 0;
    default:
        return 0;
    }
    return rd_done(r) ? 0 : BSDP_EMALFORMED;
}

int bsdp_vendor_decode(const uint8_t *bytes, size_t n, struct bsdp_request *q)
{
    struct reader r = reader_on(bytes, n);
    int rc = 0;

    while (r.left && rc == 0) {
        uint8_t code = rd_u8(&r);
        struct reader value;

        if (code == BSDP_O_PAD)
            continue;
        if (code == BSDP_O_END)
            break;
        value = rd_sub(&r, rd_u8(&r));
        rc = r.bad ? BSDP_EMALFORMED : suboption_take(code, &value, q);
    }
    return rc;
}

/* Sub-option 12, else option 57, else the least; in bytes of UDP payload. */
static size_t limit_of(const struct dhcp_message *m, const struct bsdp_request *q)
{
    size_t size = q->seen & SEEN_SIZE ? q->limit : dhcp_option_u16(m, DHCP_O_SIZE, BSDP_SIZE_MIN);

    if (size < BSDP_SIZE_MIN)
        size = BSDP_SIZE_MIN;
    if (size > BSDP_SIZE_MAX)
        size = BSDP_SIZE_MAX;
    return size - DHCP_IP_UDP_BYTES;
}

static int legal(const struct dhcp_message *m, struct bsdp_request *q)
{
    if (!(q->seen & SEEN_VERSION) ||
        (q->version != BSDP_VERSION_1_1 && q->version != BSDP_VERSION_1_0 &&
         q->version != BSDP_VERSION_NONE))
        return BSDP_EVERSION;
    if (q->old_firmware)
        return BSDP_EOLDFIRMWARE;
    if (!(q->seen & SEEN_PORT))
        q->port = DHCP_CLIENT_PORT;
    if (q->port < 1 || q->port > BSDP_PORT_MAX)
        return BSDP_EPORT;
    if (m->type == DHCP_DISCOVER)
        q->type = 0;
    else if (q->type != BSDP_LIST && q->type != BSDP_SELECT)
        return BSDP_EMESSAGE;
    return 0;
}

int bsdp_decode(const struct dhcp_message *m, struct bsdp_request *q)
{
    const struct dhcp_option *o = dhcp_option(m, DHCP_O_CLASS);
    int rc;

    memset(q, 0, sizeof *q);
    rc = o ? bsdp_class_decode(o->at, o->n, q) : BSDP_ECLASS;
    for (o = dhcp_option(m, DHCP_O_VENDOR); o && rc == 0; o = dhcp_option_next(m, o))
        rc = bsdp_vendor_decode(o->at, o->n, q);
    if (rc == 0)
        rc = legal(m, q);
    q->limit = limit_of(m, q);
    return rc;
}

bool bsdp_filter_passes(const struct bsdp_request *q, uint32_t image)
{
    for (unsigned i = 0; i < q->n_filter; i++)
        if (q->filter[i] == image >> 16)
            return true;
    return !q->has_filter;
}

/* ---- replies ---- */

/* How many bytes the instance under construction may still take. */
static size_t instance_room(const struct bsdp_vendor *v)
{
    size_t room = dhcp_room(v->to);

    return room > v->n ? room - v->n : 0;
}

/* Room for n bytes in this instance, or in a new one. */
static bool instance_for(struct bsdp_vendor *v, size_t n)
{
    if (instance_room(v) >= n)
        return true;
    bsdp_put_end(v);
    return instance_room(v) >= n;
}

bool bsdp_put(struct bsdp_vendor *v, uint8_t code, const void *bytes, size_t n)
{
    if (n > sizeof v->bytes - 2 || !instance_for(v, 2 + n))
        return false;
    v->bytes[v->n++] = code;
    v->bytes[v->n++] = (uint8_t)n;
    memcpy(v->bytes + v->n, bytes, n);
    v->n += n;
    return true;
}

bool bsdp_put_u16(struct bsdp_vendor *v, uint8_t code, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    return bsdp_put(v, code, bytes, sizeof bytes);
}

bool bsdp_put_u32(struct bsdp_vendor *v, uint8_t code, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};

    return bsdp_put(v, code, bytes, sizeof bytes);
}

/* As many descriptions as this instance has room for, as one sub-option. */
static unsigned images_here(struct bsdp_vendor *v, const struct bsdp_image *image, unsigned n)
{
    size_t room = instance_room(v);
    struct writer w = writer_on(v->bytes + v->n + 2, room > 2 ? room - 2 : 0);
    unsigned done = 0;

    for (; done < n; done++) {
        size_t length = strlen(image[done].name);

        MUST(length <= 246);
        if (w.left < 5 + length)
            break;
        wr_u32(&w, image[done].id);
        wr_u8(&w, length);
        wr_copy(&w, image[done].name, length);
    }
    if (done == 0)
        return 0;
    v->bytes[v->n] = BSDP_O_IMAGES;
    v->bytes[v->n + 1] = (uint8_t)w.done;
    v->n += 2 + w.done;
    return done;
}

unsigned bsdp_put_images(struct bsdp_vendor *v, const struct bsdp_image *image, unsigned n)
{
    unsigned done = 0;

    while (done < n) {
        unsigned here = images_here(v, image + done, n - done);

        if (here == 0 && v->n == 0)
            break; /* not even into an empty instance */
        done += here;
        if (done < n)
            bsdp_put_end(v);
    }
    return done;
}

void bsdp_put_end(struct bsdp_vendor *v)
{
    if (v->n)
        MUST(dhcp_put(v->to, DHCP_O_VENDOR, v->bytes, v->n));
    v->n = 0;
}
