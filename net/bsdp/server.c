#include "net/bsdp/server.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

#define PRIORITY_MAX 32768
#define RECORD_VERSION 1

/* One request on its way through the server. */
struct turn {
    struct bsdp_server *s;
    struct mono now;
    const struct dhcp_message *m;
    struct bsdp_request q;
    unsigned offered[BOOT_ENTRIES_MAX]; /* entries for this Mac, the default first */
    unsigned n_offered;
};

static void tell(const struct turn *t, enum bsdp_happening what, int code,
                 const struct boot_entry *e, unsigned images, unsigned cut)
{
    struct bsdp_event event = {.what = what,
                               .code = code,
                               .model = t->q.model,
                               .name = e ? e->name : "",
                               .images = images,
                               .cut = cut};

    memcpy(event.mac, t->m->chaddr, sizeof event.mac);
    if (t->s->tell)
        t->s->tell(t->s->ctx, &event);
}

/* ---- bindings ---- */

/* BSDP_BINDINGS_MAX when there is none. */
static unsigned binding_index(const struct bsdp_server *s, const uint8_t mac[6])
{
    unsigned i = 0;

    while (i < BSDP_BINDINGS_MAX &&
           !(s->bindings[i].used && memcmp(s->bindings[i].mac, mac, 6) == 0))
        i++;
    return i;
}

static struct bsdp_binding *binding_find(struct bsdp_server *s, const uint8_t mac[6])
{
    unsigned i = binding_index(s, mac);

    return i < BSDP_BINDINGS_MAX ? &s->bindings[i] : NULL;
}

const struct bsdp_binding *bsdp_server_binding(const struct bsdp_server *s, const uint8_t mac[6])
{
    unsigned i = binding_index(s, mac);

    return i < BSDP_BINDINGS_MAX ? &s->bindings[i] : NULL;
}

/* Takes one write from the ration; false when it is used up. */
static bool ration(struct bsdp_server *s, struct mono now)
{
    struct mono earliest = mono_add(now, -BSDP_STORE_BURST * BSDP_STORE_NS);

    if (!s->store_began || mono_sub(earliest, s->store_from) > 0)
        s->store_from = earliest;
    s->store_began = true;
    if (mono_sub(now, s->store_from) < BSDP_STORE_NS)
        return false;
    s->store_from = mono_add(s->store_from, BSDP_STORE_NS);
    return true;
}

static void binding_store(struct bsdp_server *s, struct bsdp_binding *b, struct mono now)
{
    uint8_t value[BSDP_RECORD_BYTES];
    struct writer w = writer_on(value, sizeof value);

    b->stored = false;
    if (!s->store || !ration(s, now))
        return;
    wr_u8(&w, RECORD_VERSION);
    wr_u32(&w, b->image);
    wr_u32(&w, b->number);
    MUST(w.done == sizeof value);
    s->store(s->ctx, b->mac, value, sizeof value);
    b->stored = true;
}

static void binding_remove(struct bsdp_server *s, struct bsdp_binding *b)
{
    if (b->stored && s->store)
        s->store(s->ctx, b->mac, NULL, 0);
    memset(b, 0, sizeof *b);
    s->n_bindings--;
}

/* The row to give away: the longest unused, rows that are not stored first. */
static struct bsdp_binding *binding_oldest(struct bsdp_server *s)
{
    struct bsdp_binding *best = NULL;

    for (unsigned i = 0; i < BSDP_BINDINGS_MAX; i++) {
        struct bsdp_binding *b = &s->bindings[i];

        if (!best || b->stored < best->stored ||
            (b->stored == best->stored && mono_sub(best->at, b->at) > 0))
            best = b;
    }
    return best;
}

/* An empty row; NULL when all are taken by stored ones and the ration is used up. */
static struct bsdp_binding *binding_room(struct bsdp_server *s, struct mono now)
{
    struct bsdp_binding *b;

    for (unsigned i = 0; i < BSDP_BINDINGS_MAX; i++)
        if (!s->bindings[i].used)
            return &s->bindings[i];
    b = binding_oldest(s);
    if (b->stored && !ration(s, now))
        return NULL;
    binding_remove(s, b);
    return b;
}

static struct bsdp_binding *binding_new(struct bsdp_server *s, const uint8_t mac[6],
                                        struct mono now)
{
    struct bsdp_binding *b = binding_room(s, now);

    if (!b)
        return NULL;
    *b = (struct bsdp_binding){.used = true, .number = ++s->last_number, .at = now};
    memcpy(b->mac, mac, 6);
    s->n_bindings++;
    return b;
}

/* The Mac is bound to the image from now on. Its number; 0 when there was no room for it. */
static uint32_t bind(struct bsdp_server *s, const uint8_t mac[6], uint32_t image, struct mono now)
{
    struct bsdp_binding *b = binding_find(s, mac);

    if (!b)
        b = binding_new(s, mac, now);
    if (!b)
        return 0;
    b->at = now;
    if (b->image != image || !b->stored) {
        b->image = image;
        binding_store(s, b, now);
    }
    return b->number;
}

/* The image is what this start of the Mac boots, whatever its loader asks later. */
static int start_chosen(struct bsdp_server *s, const uint8_t mac[6], unsigned entry)
{
    struct boot_starts *starts = s->plan->starts;

    return starts && boot_start_choose(starts, mac, entry) ? BSDP_EFULL : 0;
}

static void start_begins(struct bsdp_server *s, const uint8_t mac[6])
{
    if (s->plan->starts)
        boot_start_firmware(s->plan->starts, mac);
}

/* A Mac that was bound before this box started may be on its way from its firmware to the loader.
 */
static void start_recall(struct bsdp_server *s, const struct bsdp_binding *b)
{
    for (unsigned i = 0; i < s->plan->n_entries; i++)
        if (boot_entry_image(&s->plan->entries[i]) == b->image)
            (void)start_chosen(s, b->mac, i);
}

int bsdp_server_restore(struct bsdp_server *s, const uint8_t *key, size_t nkey,
                        const uint8_t *value, size_t nvalue)
{
    struct reader r = reader_on(value, nvalue);
    uint8_t version = rd_u8(&r);
    uint32_t image = rd_u32(&r), number = rd_u32(&r);
    struct bsdp_binding *b;

    if (nkey != 6 || !rd_done(&r) || version != RECORD_VERSION || (image & 0xFFFF) == 0 ||
        number == 0)
        return BSDP_ERECORD;
    b = binding_find(s, key);
    if (!b) {
        b = binding_room(s, (struct mono){0});
        if (!b)
            return BSDP_ERECORD;
        s->n_bindings++;
    }
    *b = (struct bsdp_binding){.used = true, .stored = true, .image = image, .number = number};
    memcpy(b->mac, key, 6);
    if (number > s->last_number)
        s->last_number = number;
    start_recall(s, b);
    return 0;
}

/* ---- which images ---- */

static bool offers(const struct turn *t, unsigned entry)
{
    const struct boot_entry *e = &t->s->plan->entries[entry];

    return (e->any_mac || strcmp(t->q.arch, BSDP_ARCH_INTEL) == 0) &&
           boot_plan_offers(t->s->plan, entry, BOOT_MAC, t->m->chaddr, t->q.model);
}

static bool listed(const struct turn *t, unsigned entry)
{
    const struct boot_entry *e = &t->s->plan->entries[entry];

    return offers(t, entry) && (!e->hidden || t->q.has_filter) &&
           bsdp_filter_passes(&t->q, boot_entry_image(e));
}

/* What the Mac boots when nobody there chooses: the plan's choice, else the first tree that is
 * listed. The ring erases a disk, so it takes the place of nothing else (net/pxe/policy.h). Index,
 * or why there is none. */
static int default_of(const struct turn *t)
{
    const struct boot_plan *p = t->s->plan;
    int choice = boot_plan_choice(p, BOOT_MAC, t->m->chaddr, t->q.model, NULL);

    if (choice == PXE_EDONE)
        return BSDP_EDONE;
    if (choice < 0)
        return BSDP_ENOIMAGE;
    if (listed(t, (unsigned)choice))
        return choice;
    for (unsigned i = 0; i < p->n_entries; i++)
        if (p->entries[i].kind != BOOT_RING && listed(t, i))
            return (int)i;
    return BSDP_ENOIMAGE;
}

/* The entries for this Mac, the default in front. 0, or why there are none. */
static int gather(struct turn *t)
{
    int first = default_of(t);

    t->n_offered = 0;
    if (first < 0)
        return first;
    t->offered[t->n_offered++] = (unsigned)first;
    for (unsigned i = 0; i < t->s->plan->n_entries; i++)
        if ((int)i != first && listed(t, i))
            t->offered[t->n_offered++] = i;
    return 0;
}

/* Index of the entry with this image id that the Mac may have; -1 when there is none. */
static int entry_of(const struct turn *t, uint32_t image)
{
    const struct boot_plan *p = t->s->plan;

    for (unsigned i = 0; i < p->n_entries; i++)
        if (boot_entry_image(&p->entries[i]) == image && offers(t, i))
            return (int)i;
    return -1;
}

/* ---- replies ---- */

/* Fields and options that all replies share. `e`: whose boot file it carries; NULL: none. */
static void reply_start(const struct turn *t, struct dhcp_writer *w, enum dhcp_type type,
                        const struct boot_entry *e, struct dhcp_reply *out)
{
    struct dhcp_message head;
    size_t most = type == DHCP_OFFER ? DHCP_FRAME_MAX : sizeof out->bytes;

    dhcp_reply_head(&head, t->m, type);
    head.ciaddr = t->m->ciaddr;
    head.siaddr = t->s->plan->address;
    if (e) {
        snprintf(head.sname, sizeof head.sname, "%s", t->s->name);
        snprintf(head.file, sizeof head.file, "%s", e->loader[BOOT_MAC]);
    }
    dhcp_write_start(w, out->bytes, t->q.limit < most ? t->q.limit : most, &head);
    dhcp_put_u32(w, DHCP_O_SERVER, t->s->plan->address);
    dhcp_put_text(w, DHCP_O_CLASS, BSDP_CLASS);
    if (e && e->root[0])
        dhcp_put_text(w, DHCP_O_ROOT_PATH, e->root);
}

/* Where replies go: to the address the Mac has; an OFFER* to everyone on the wire, or back through
 * the relay it came by. */
static int reply_end(const struct turn *t, struct dhcp_writer *w, enum dhcp_type type,
                     struct dhcp_reply *out)
{
    out->n = dhcp_write_end(w);
    out->from_port = DHCP_SERVER_PORT;
    out->way = DHCP_TO_ADDRESS;
    out->address = t->m->ciaddr;
    out->port = t->q.port;
    memcpy(out->mac, t->m->chaddr, sizeof out->mac);
    if (type == DHCP_ACK)
        return DHCP_ANSWERED;
    out->port = DHCP_CLIENT_PORT;
    if (t->m->giaddr) {
        out->address = t->m->giaddr;
        out->port = DHCP_SERVER_PORT;
    } else {
        out->way = DHCP_TO_EVERYONE;
        out->address = UINT32_MAX;
    }
    return DHCP_ANSWERED_TOO;
}

static int reply_failed(struct turn *t, int why, struct dhcp_reply *out)
{
    struct dhcp_writer w;
    struct bsdp_vendor v = {.to = &w};

    reply_start(t, &w, DHCP_ACK, NULL, out);
    bsdp_put(&v, BSDP_O_MESSAGE, &(uint8_t){BSDP_FAILED}, 1);
    bsdp_put_end(&v);
    tell(t, BSDP_REFUSED, why, NULL, 0, 0);
    return reply_end(t, &w, DHCP_ACK, out);
}

/* ACK[SELECT], or OFFER*, which is the same without a message type. */
static int reply_image(struct turn *t, enum dhcp_type type, const struct boot_entry *e,
                       uint32_t number, struct dhcp_reply *out)
{
    struct dhcp_writer w;
    struct bsdp_vendor v = {.to = &w};
    char name[20];
    int length = snprintf(name, sizeof name, "NetBoot%03u", number);

    reply_start(t, &w, type, e, out);
    if (type == DHCP_ACK)
        bsdp_put(&v, BSDP_O_MESSAGE, &(uint8_t){BSDP_SELECT}, 1);
    bsdp_put_u32(&v, BSDP_O_SELECTED, boot_entry_image(e));
    bsdp_put(&v, BSDP_O_MACHINE_NAME, name, (size_t)length);
    bsdp_put_end(&v);
    tell(t, type == DHCP_ACK ? BSDP_SELECTED : BSDP_OFFERED, 0, e, 0, 0);
    return reply_end(t, &w, type, out);
}

/* ---- LIST ---- */

/* Fewer Macs bound, higher priority: clients spread over servers by it. The same for a request sent
 * again. */
static uint16_t priority_of(struct turn *t)
{
    struct bsdp_server *s = t->s;
    struct bsdp_recent *r;

    for (unsigned i = 0; i < BSDP_RECENT; i++) {
        r = &s->recent[i];
        if (r->used && r->xid == t->m->xid && memcmp(r->mac, t->m->chaddr, 6) == 0 &&
            mono_sub(t->now, r->at) < BSDP_RECENT_NS)
            return r->priority;
    }
    r = &s->recent[s->next_recent++ % BSDP_RECENT];
    *r = (struct bsdp_recent){.xid = t->m->xid, .used = true, .at = t->now};
    r->priority = (uint16_t)(PRIORITY_MAX - s->n_bindings);
    memcpy(r->mac, t->m->chaddr, 6);
    return r->priority;
}

/* Sub-option 8: the Mac's binding, when it still holds. */
static void put_selected(struct turn *t, struct bsdp_vendor *v)
{
    struct bsdp_binding *b = binding_find(t->s, t->m->chaddr);

    for (unsigned i = 0; b && i < t->n_offered; i++)
        if (boot_entry_image(&t->s->plan->entries[t->offered[i]]) == b->image)
            bsdp_put_u32(v, BSDP_O_SELECTED, b->image);
}

static unsigned put_list(struct turn *t, struct bsdp_vendor *v)
{
    struct bsdp_image image[BOOT_ENTRIES_MAX];

    for (unsigned i = 0; i < t->n_offered; i++) {
        const struct boot_entry *e = &t->s->plan->entries[t->offered[i]];

        image[i] = (struct bsdp_image){boot_entry_image(e), e->name};
    }
    return bsdp_put_images(v, image, t->n_offered);
}

static int handle_list(struct turn *t, struct dhcp_reply *out)
{
    const struct boot_entry *first;
    struct dhcp_writer w;
    struct bsdp_vendor v = {.to = &w};
    int why = gather(t);
    unsigned put = 0;

    if (why) {
        tell(t, BSDP_DROPPED, why, NULL, 0, 0);
        return DHCP_CONSUMED;
    }
    first = &t->s->plan->entries[t->offered[0]];
    reply_start(t, &w, DHCP_ACK, NULL, out);
    bsdp_put(&v, BSDP_O_MESSAGE, &(uint8_t){BSDP_LIST}, 1);
    bsdp_put_u16(&v, BSDP_O_PRIORITY, priority_of(t));
    bsdp_put_u32(&v, BSDP_O_DEFAULT, boot_entry_image(first));
    put_selected(t, &v);
    if (t->q.version != BSDP_VERSION_1_0)
        put = put_list(t, &v);
    bsdp_put_end(&v);
    tell(t, BSDP_LISTED, 0, first, put, t->q.version == BSDP_VERSION_1_0 ? 0 : t->n_offered - put);
    return reply_end(t, &w, DHCP_ACK, out);
}

/* ---- SELECT, DISCOVER ---- */

static int handle_select(struct turn *t, struct dhcp_reply *out)
{
    struct bsdp_server *s = t->s;
    struct bsdp_binding *b = binding_find(s, t->m->chaddr);
    int entry;

    if (!t->q.has_server) {
        tell(t, BSDP_DROPPED, BSDP_ESERVER, NULL, 0, 0);
        return DHCP_CONSUMED;
    }
    if (t->q.server != s->plan->address) {
        if (b)
            binding_remove(s, b);
        start_begins(s, t->m->chaddr);
        tell(t, BSDP_LEFT, BSDP_EOTHER, NULL, 0, 0);
        return DHCP_CONSUMED;
    }
    if (t->q.has_selected)
        entry = entry_of(t, t->q.selected);
    else
        entry = gather(t) == 0 ? (int)t->offered[0] : -1;
    if (entry < 0)
        return reply_failed(t, t->q.has_selected ? BSDP_EUNKNOWN : BSDP_ENOIMAGE, out);
    if (start_chosen(s, t->m->chaddr, (unsigned)entry))
        return reply_failed(t, BSDP_EFULL, out);
    return reply_image(t, DHCP_ACK, &s->plan->entries[entry],
                       bind(s, t->m->chaddr, boot_entry_image(&s->plan->entries[entry]), t->now),
                       out);
}

static int handle_discover(struct turn *t, struct dhcp_reply *out)
{
    struct bsdp_binding *b = binding_find(t->s, t->m->chaddr);
    int entry = b ? entry_of(t, b->image) : -1;

    start_begins(t->s, t->m->chaddr);
    if (entry < 0 || !bsdp_filter_passes(&t->q, b->image) ||
        start_chosen(t->s, t->m->chaddr, (unsigned)entry))
        return DHCP_NOT_MINE;
    b->at = t->now;
    return reply_image(t, DHCP_OFFER, &t->s->plan->entries[entry], b->number, out);
}

/* ---- the step ---- */

/* An address that a single machine may have, and not ours. */
static bool address_answerable(const struct bsdp_server *s, uint32_t a)
{
    uint32_t ours = s->plan->address, mask = s->netmask;

    if (a >> 24 == 0 || a >> 24 == 127 || a >> 28 >= 14 || a == ours)
        return false;
    return !mask || ((a ^ ours) & mask) || ((a & ~mask) != ~mask && (a & ~mask) != 0);
}

/* Whether the request's header names another server, by address or by name. */
static bool for_another(const struct bsdp_server *s, const struct dhcp_message *m)
{
    return (m->siaddr && m->siaddr != s->plan->address) ||
           (m->sname[0] && strcmp(m->sname, s->name) != 0);
}

int bsdp_server_handle(void *ctx, struct mono now, const struct dhcp_message *m,
                       struct dhcp_reply *out)
{
    struct bsdp_server *s = ctx;
    struct turn t = {.s = s, .now = now, .m = m};
    bool inform = m->type == DHCP_INFORM;
    int rc;

    if (m->op != DHCP_REQUEST_OP || !(inform || m->type == DHCP_DISCOVER) ||
        !dhcp_option_begins(m, DHCP_O_CLASS, BSDP_CLASS))
        return DHCP_NOT_MINE;
    rc = bsdp_decode(m, &t.q);
    if (rc == 0 && for_another(s, m))
        rc = BSDP_ENOTUS;
    if (rc == 0 && inform && !address_answerable(s, m->ciaddr))
        rc = BSDP_EADDRESS;
    if (rc && inform)
        tell(&t, BSDP_DROPPED, rc, NULL, 0, 0);
    if (rc)
        return inform ? DHCP_CONSUMED : DHCP_NOT_MINE;
    if (!inform)
        return handle_discover(&t, out);
    return t.q.type == BSDP_LIST ? handle_list(&t, out) : handle_select(&t, out);
}

/* ---- words ---- */

static const char *sentence(int code)
{
#define X(name, number, text) {number, text},
    static const struct {
        int code;
        const char *text;
    } rows[] = {BSDP_ERRORS(X)};
#undef X

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].text;
    return "";
}

void bsdp_event_text(const struct bsdp_event *e, char *to, size_t cap)
{
    char mac[DHCP_MAC_TEXT];
    const char *model = e->model[0] ? e->model : "a Mac";

    dhcp_mac_text(mac, e->mac);
    if (e->what == BSDP_LISTED && e->cut)
        snprintf(to, cap, "%s (%s) is shown %u images, %u more do not fit into what it takes", mac,
                 model, e->images, e->cut);
    else if (e->what == BSDP_LISTED)
        snprintf(to, cap, "%s (%s) is shown %u images, first \"%s\"", mac, model, e->images,
                 e->name);
    else if (e->what == BSDP_SELECTED || e->what == BSDP_OFFERED)
        snprintf(to, cap, "%s (%s) %s \"%s\"", mac, model,
                 e->what == BSDP_SELECTED ? "selects" : "is offered", e->name);
    else
        snprintf(to, cap, "%s (%s) %s: %s (%d)", mac, model,
                 e->what == BSDP_REFUSED ? "is refused"
                 : e->what == BSDP_LEFT  ? "has left"
                                         : "gets no answer",
                 sentence(e->code), e->code);
}
