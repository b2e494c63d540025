#include "net/pxe/codec.h"

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"

/* ---- what the client says ---- */

/* The next sub-option of an encapsulated list; false at its end, with r->bad when it is malformed.
 */
static bool suboption(struct reader *r, uint8_t *code, struct reader *value)
{
    while (r->left && !r->bad) {
        *code = rd_u8(r);
        if (*code == PXE_O_PAD)
            continue;
        if (*code == PXE_O_END)
            return false;
        *value = rd_sub(r, rd_u8(r));
        return !r->bad;
    }
    return false;
}

int pxe_vendor_decode(const uint8_t *bytes, size_t n, struct pxe_facts *f)
{
    struct reader r = reader_on(bytes, n), value;
    uint8_t code;

    while (suboption(&r, &code, &value)) {
        if (code != PXE_O_ITEM)
            continue;
        f->item = rd_u16(&value);
        f->layer = rd_u16(&value);
        f->has_item = !value.bad;
        if (value.bad)
            return PXE_EVENDOR;
    }
    return r.bad ? PXE_EVENDOR : 0;
}

static bool starts(const uint8_t *bytes, size_t n, const char *text)
{
    size_t length = strlen(text);

    return n >= length && memcmp(bytes, text, length) == 0;
}

void pxe_class_decode(const uint8_t *bytes, size_t n, struct pxe_facts *f)
{
    static const char tag[] = ":Arch:";
    uint32_t code = 0;
    size_t at = sizeof PXE_CLASS - 1 + (starts(bytes, n, PXE_CLASS_HTTP) ? 1 : 0), end;

    if (starts(bytes, n, PXE_CLASS))
        f->class_id = PXE_CLASS_PXE;
    else if (starts(bytes, n, PXE_CLASS_HTTP))
        f->class_id = PXE_CLASS_HTTP_BOOT;
    else
        return;
    if (f->has_arch || !starts(bytes + at, n - at, tag))
        return;
    at += sizeof tag - 1;
    for (end = at; end < n && end - at < 5 && bytes[end] >= '0' && bytes[end] <= '9'; end++)
        code = code * 10 + (bytes[end] - '0');
    f->has_arch = end - at == 5 && code <= UINT16_MAX;
    f->arch = f->has_arch ? (uint16_t)code : 0;
}

static bool means_something(uint16_t arch)
{
    return arch == PXE_ARCH_BIOS || arch == PXE_ARCH_X64 || arch == PXE_ARCH_EBC ||
           arch == PXE_ARCH_HTTP_X64;
}

void pxe_arch_decode(const uint8_t *bytes, size_t n, struct pxe_facts *f)
{
    struct reader r = reader_on(bytes, n);

    while (r.left >= 2 && !(f->has_arch && means_something(f->arch))) {
        uint16_t code = rd_u16(&r);

        if (!f->has_arch || means_something(code))
            f->arch = code;
        f->has_arch = true;
    }
}

void pxe_user_class_decode(const uint8_t *bytes, size_t n, struct pxe_facts *f)
{
    static const char ipxe[] = PXE_USER_CLASS_IPXE;
    struct reader r = reader_on(bytes, n);

    f->ipxe |= n == sizeof ipxe - 1 && starts(bytes, n, ipxe);
    while (r.left && !r.bad) {
        struct reader class = rd_sub(&r, rd_u8(&r));

        f->ipxe |= class.left == sizeof ipxe - 1 && starts(class.at, class.left, ipxe);
    }
}

void pxe_ipxe_decode(const uint8_t *bytes, size_t n, struct pxe_facts *f)
{
    struct reader r = reader_on(bytes, n), value;
    bool http = false, any = false;
    uint8_t code;

    f->ipxe = true;
    while (suboption(&r, &code, &value)) {
        any = true;
        http |= code == PXE_IPXE_HTTP && rd_u8(&value) != 0;
    }
    f->ipxe_http = http || !any;
}

/* ---- option 43 of replies ---- */

size_t pxe_vendor_file(uint8_t out[PXE_VENDOR_MAX])
{
    static const uint8_t bytes[] = {PXE_O_CONTROL, 1, PXE_FILE_GIVEN, PXE_O_END};

    memcpy(out, bytes, sizeof bytes);
    return sizeof bytes;
}

/* The longest beginning of a text that fits and ends with a whole character. */
static size_t text_cut(const char *text, size_t most)
{
    size_t n = strlen(text);

    if (n <= most)
        return n;
    for (n = most; n > 0 && ((uint8_t)text[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

#define ITEM_HEAD 3    /* type 2, length 1 */
#define SERVER_BYTES 7 /* type 2, count 1, address 4 */
#define MENU_NAME_MAX 32
#define MENU_PROMPT "Press F8 for the boot menu"

/* How many items fit beside everything else, and the lengths of both lists. */
static unsigned items_fit(const struct pxe_item *item, unsigned n, size_t *menu, size_t *servers)
{
    /* control 3, headers of servers, menu and prompt 2 each, prompt's seconds and text, end 1 */
    size_t left = PXE_VENDOR_MAX - 3 - 3 * 2 - 1 - (sizeof MENU_PROMPT - 1) - 1;
    unsigned count = 0;

    *menu = *servers = 0;
    for (; count < n; count++) {
        size_t line = ITEM_HEAD + text_cut(item[count].name, MENU_NAME_MAX);
        size_t server = item[count].type != PXE_ITEM_DISK ? SERVER_BYTES : 0;

        if (line + server > left)
            break;
        left -= line + server;
        *menu += line;
        *servers += server;
    }
    return count;
}

static void servers_write(struct writer *w, const struct pxe_item *item, unsigned n,
                          uint32_t server, uint8_t bytes)
{
    wr_u8(w, PXE_O_SERVERS);
    wr_u8(w, bytes);
    for (unsigned i = 0; i < n; i++) {
        if (item[i].type == PXE_ITEM_DISK)
            continue;
        wr_u16(w, item[i].type);
        wr_u8(w, 1);
        wr_u32(w, server);
    }
}

static void menu_write(struct writer *w, const struct pxe_item *item, unsigned n, uint8_t bytes)
{
    wr_u8(w, PXE_O_MENU);
    wr_u8(w, bytes);
    for (unsigned i = 0; i < n; i++) {
        size_t length = text_cut(item[i].name, MENU_NAME_MAX);

        wr_u16(w, item[i].type);
        wr_u8(w, length);
        wr_copy(w, item[i].name, length);
    }
}

static void prompt_write(struct writer *w, uint8_t seconds)
{
    wr_u8(w, PXE_O_PROMPT);
    wr_u8(w, sizeof MENU_PROMPT);
    wr_u8(w, seconds);
    wr_copy(w, MENU_PROMPT, sizeof MENU_PROMPT - 1);
}

size_t pxe_vendor_menu(const struct pxe_item *item, unsigned n, uint32_t server, uint8_t seconds,
                       uint8_t out[PXE_VENDOR_MAX])
{
    static const uint8_t control[] = {PXE_O_CONTROL, 1,
                                      PXE_NO_BROADCAST | PXE_NO_MULTICAST | PXE_ONLY_LISTED};
    size_t menu, servers;
    unsigned count = items_fit(item, n, &menu, &servers);
    struct writer w = writer_on(out + sizeof control, PXE_VENDOR_MAX - sizeof control);

    memcpy(out, control, sizeof control);
    servers_write(&w, item, count, server, (uint8_t)servers);
    menu_write(&w, item, count, (uint8_t)menu);
    prompt_write(&w, seconds);
    wr_u8(&w, PXE_O_END);
    MUST(!w.bad);
    return sizeof control + w.done;
}

size_t pxe_vendor_item(uint16_t type, uint16_t layer, uint8_t out[PXE_VENDOR_MAX])
{
    struct writer w = writer_on(out, PXE_VENDOR_MAX);

    wr_u8(&w, PXE_O_ITEM);
    wr_u8(&w, 4);
    wr_u16(&w, type);
    wr_u16(&w, layer);
    wr_u8(&w, PXE_O_END);
    return w.done;
}
