#include "board/box/boot/services.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board/box/store/journal.h"
#include "board/log/log.h"
#include "net/bsdp/server.h"
#include "net/dhcp/bind.h"
#include "net/http/server/bind.h"
#include "net/igmp/bind.h"
#include "net/os/random.h"
#include "net/pxe/server.h"
#include "net/tftp/bind.h"

#define LOG_BURST 60 /* lines at once, then one every */
#define LOG_EVERY_NS (MONO_S / 4)

struct services {
    struct services_needs needs;
    struct dhcp_pool pool;
    struct dhcp_reservation reserve[BOX_RESERVES_MAX];
    struct dhcp_server dhcp;
    struct dhcp_bind *dhcp_bind;
    struct bsdp_server bsdp;
    struct pxe_server pxe;
    struct tftp_bind *tftp;
    struct http_bind *http;
    struct igmp_bind *igmp;
    struct mono now;
    enum ip_claim_state claim; /* as it was told last */
    /* lines that may still be written */
    unsigned lines;
    uint64_t unwritten;
    struct mono lines_at;
    char home[16 + IP_TEXT]; /* where browsers are sent that ask for "/" on port 80 */
};

/* ---- the log ---- */

/* What strangers cause is written at a bounded rate, and counted beyond. */
static void note(struct services *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct services *s, const char *fmt, ...)
{
    char line[400];
    va_list ap;

    for (; s->lines < LOG_BURST && mono_sub(s->now, s->lines_at) >= LOG_EVERY_NS; s->lines++)
        s->lines_at = mono_add(s->lines_at, LOG_EVERY_NS);
    if (s->lines == LOG_BURST)
        s->lines_at = s->now;
    if (s->lines == 0) {
        s->unwritten++;
        return;
    }
    s->lines--;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (s->unwritten)
        log_line("(%llu lines left out)", (unsigned long long)s->unwritten);
    s->unwritten = 0;
    log_line("%s", line);
}

static const char *mac_text(char to[18], const uint8_t mac[6])
{
    snprintf(to, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
    return to;
}

/* ---- dhcp ---- */

static void store_lease(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value,
                        size_t nvalue)
{
    struct services *s = ctx;

    s->needs.store(s->needs.ctx, JOURNAL_LEASE, key, nkey, value, nvalue);
}

static bool known(void *ctx, const uint8_t mac[6])
{
    struct services *s = ctx;

    return s->needs.known(s->needs.ctx, mac);
}

static void on_dhcp(void *ctx, const struct dhcp_event *e)
{
    static const char *const what[] = {[DHCP_TELL_LEASE] = "has the address",
                                       [DHCP_TELL_REFUSED] = "is refused the address",
                                       [DHCP_TELL_DECLINED] = "found somebody else on the address",
                                       [DHCP_TELL_EXHAUSTED] = "gets no address: none is left"};
    char mac[18], address[IP_TEXT] = "";

    if (e->kind != DHCP_TELL_EXHAUSTED)
        ip_address_text(address, e->address);
    note(ctx, "dhcp: %s %s %s", mac_text(mac, e->mac), what[e->kind], address);
}

static void on_guard(void *ctx, const struct dhcp_guard *guard)
{
    char text[DHCP_GUARD_TEXT];

    (void)ctx;
    log_line("dhcp: %s", guard->state == DHCP_GUARD_FOREIGN
                             ? dhcp_guard_text(text, guard)
                             : "no other DHCP server answers: addresses are handed out");
}

static void on_boot_server(void *ctx, const struct dhcp_guard *guard)
{
    struct services *s = ctx;
    char text[DHCP_GUARD_TEXT];

    note(s, "dhcp: %s", dhcp_guard_boots_text(text, guard, s->now));
}

/* The address is another station's too, or it is ours again. */
static void look_at_claim(struct services *s)
{
    const struct ip_claim *claim = ip_stack_claim(s->needs.stack);
    char text[IP_CLAIM_TEXT], address[IP_TEXT];

    if (!claim || claim->state == s->claim)
        return;
    s->claim = claim->state;
    if (claim->state == IP_CLAIM_HELD)
        log_line("the address %s is this box's alone", ip_address_text(address, claim->address));
    else if (claim->state != IP_CLAIM_PROBING)
        log_line("%s. Nothing is leased, and nobody is told what to boot.",
                 ip_claim_text(text, claim));
}

static void boots(const struct services *s, const uint8_t mac[6])
{
    if (s->needs.boots)
        s->needs.boots(s->needs.ctx, mac);
}

static void on_pxe(void *ctx, const struct pxe_event *e)
{
    char text[300];

    boots(ctx, e->mac);
    if (e->again)
        return;
    pxe_event_text(e, text, sizeof text);
    note(ctx, "pxe: %s", text);
}

static void on_bsdp(void *ctx, const struct bsdp_event *e)
{
    char text[300];

    boots(ctx, e->mac);
    bsdp_event_text(e, text, sizeof text);
    note(ctx, "bsdp: %s", text);
}

static void store_binding(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    struct services *s = ctx;

    s->needs.store(s->needs.ctx, JOURNAL_BINDING, mac, 6, value, n);
}

static enum dhcp_mode mode_of(enum box_dhcp_mode m)
{
    return m == BOX_DHCP_SERVER  ? DHCP_MODE_SERVER
           : m == BOX_DHCP_PROXY ? DHCP_MODE_PROXY
                                 : DHCP_MODE_OFF;
}

static int make_dhcp(struct services *s, struct err *err)
{
    const struct box_config *c = s->needs.config;
    struct dhcp_config d = {.mode = mode_of(c->dhcp.mode),
                            .address = c->address,
                            .pool = &s->pool,
                            .pools = 1,
                            .reservation = s->reserve,
                            .reservations = c->dhcp.n_reserve,
                            .lease_s = c->dhcp.lease_s};
    struct dhcp_needs needs = {.ctx = s, .store = store_lease, .known = known, .tell = on_dhcp};

    if (s->needs.offer->n_entries)
        needs.boot = (struct dhcp_boot_hook){.ctx = &s->pxe, .boot = pxe_server_boot};
    memcpy(d.mac, ip_stack_mac(s->needs.stack), 6);
    memcpy(d.dns, c->dhcp.dns, sizeof d.dns);
    random_fill(&d.key, sizeof d.key);
    s->pool = (struct dhcp_pool){.first = c->dhcp.first,
                                 .last = c->dhcp.last,
                                 .network = c->address,
                                 .prefix = c->prefix,
                                 .router = c->dhcp.router};
    for (unsigned i = 0; i < c->dhcp.n_reserve; i++) {
        memcpy(s->reserve[i].mac, c->dhcp.reserve[i].mac, 6);
        s->reserve[i].address = c->dhcp.reserve[i].address;
    }
    return dhcp_server_init(&s->dhcp, &d, &needs, err);
}

static int open_dhcp(struct services *s, struct err *err)
{
    struct dhcp_bind_needs needs = {.ctx = s, .guarded = on_guard, .boots = on_boot_server};

    if (s->needs.offer->n_entries)
        needs.service = (struct dhcp_service){.ctx = &s->bsdp, .handle = bsdp_server_handle};
    return dhcp_bind_open(&s->dhcp_bind, s->needs.stack, &s->dhcp, &needs, err);
}

/* ---- files ---- */

/* By our lease; else, beside another server's leases, by ARP. */
static bool mac_of(void *ctx, uint32_t address, uint8_t mac[6])
{
    struct services *s = ctx;

    return dhcp_server_who(&s->dhcp, address, mac) || ip_stack_mac_of(s->needs.stack, address, mac);
}

/* Who it is, by its lease or as ARP knows it. */
static bool find_mac(struct services *s, uint32_t address, uint8_t mac[6])
{
    return dhcp_server_who(&s->dhcp, address, mac) || ip_stack_mac_of(s->needs.stack, address, mac);
}

static void note_access(struct services *s, const char *protocol, uint32_t address,
                        const char *result, uint64_t bytes, const char *file)
{
    uint8_t mac[6];
    bool found = find_mac(s, address, mac);
    const struct access_entry e = {.protocol = protocol,
                                   .result = result,
                                   .address = address,
                                   .mac = found ? mac : NULL,
                                   .machine = found && s->needs.called
                                                  ? s->needs.called(s->needs.ctx, mac)
                                                  : NULL,
                                   .bytes = bytes,
                                   .file = file};

    access_log_add(s->needs.access, &e, (uint64_t)time(NULL));
}

static bool is_receiver(const char *name)
{
    return strcmp(name, BOOT_PAYLOAD_EFI) == 0 || strcmp(name, BOOT_PAYLOAD_INITRD) == 0;
}

/* Who loads something has shown to be a machine; who has the receiver with a lease from here, or
 * where others lease, has the proof of it (machines.h). */
static void vouch_address(struct services *s, uint32_t address, const char *name)
{
    uint8_t mac[6];
    bool leased = dhcp_server_who(&s->dhcp, address, mac);

    if (leased)
        dhcp_server_vouch(&s->dhcp, mac);
    if (s->needs.loaded && is_receiver(name) &&
        (leased || (s->needs.config->dhcp.mode != BOX_DHCP_SERVER &&
                    ip_stack_mac_of(s->needs.stack, address, mac))))
        s->needs.loaded(s->needs.ctx, mac);
}

static void on_tftp(void *ctx, const struct tftp_event *e)
{
    static const char *const what[] = {
        [TFTP_BEGUN] = "loads",           [TFTP_DONE] = "has",
        [TFTP_PROBED] = "asked about",    [TFTP_BROKEN] = "gave up",
        [TFTP_LEFT] = "fell silent over", [TFTP_REFUSED] = "is refused",
        [TFTP_UNREADABLE] = "cannot have"};
    static const char *const result[] = {
        [TFTP_DONE] = "done",   [TFTP_PROBED] = "size",     [TFTP_BROKEN] = "broken",
        [TFTP_LEFT] = "silent", [TFTP_REFUSED] = "refused", [TFTP_UNREADABLE] = "unreadable"};
    const struct tftp_transfer *t = e->transfer;
    char address[IP_TEXT];

    if (e->what != TFTP_BEGUN)
        note_access(ctx, "tftp", e->client.address, result[e->what],
                    !t || e->what == TFTP_PROBED ? 0
                    : e->what == TFTP_DONE       ? t->content.size
                                                 : t->base * t->blksize,
                    e->name);
    if (e->what == TFTP_DONE)
        vouch_address(ctx, e->client.address, e->name);
    if (e->what == TFTP_PROBED)
        return; /* firmware asks for the size first, and means no harm */
    note(ctx, "tftp: %s %s %s%s%s", ip_address_text(address, e->client.address), what[e->what],
         e->name, e->text[0] ? ": " : "", e->text);
}

static int open_tftp(struct services *s, struct err *err)
{
    struct tftp_bind_config c = {.source = s->needs.offer->source,
                                 .mac_of = mac_of,
                                 .tell = on_tftp,
                                 .ctx = s};

    return tftp_bind_open(&s->tftp, s->needs.stack, &c, err);
}

static void on_http(void *ctx, const struct http_event *e)
{
    char address[IP_TEXT], status[16];

    snprintf(status, sizeof status, "%u%s", e->status, e->cut ? "-cut" : "");
    note_access(ctx, "http", e->address, status, e->bytes, e->name);
    if (e->status < 400 && !e->cut && e->bytes)
        /* a piece of it is no proof */
        vouch_address(ctx, e->address, e->status == 200 ? e->name : "");
    note(ctx, "http: %s %s %s: %u%s", ip_address_text(address, e->address),
         e->status < 400 ? "has" : "is refused", e->name, e->status, e->cut ? ", cut short" : "");
}

static int open_http(struct services *s, struct err *err)
{
    struct http_bind_config c = {.source = s->needs.offer->source,
                                 .mac_of = mac_of,
                                 .tell = on_http,
                                 .home = s->home,
                                 .ctx = s};
    char address[IP_TEXT];

    snprintf(s->home, sizeof s->home, "https://%s/",
             ip_address_text(address, s->needs.config->address));
    return http_bind_open(&s->http, s->needs.stack, &c, HTTP_PORT, err);
}

/* ---- all of them ---- */

int services_make(struct services **out, const struct services_needs *needs, struct err *err)
{
    struct services *s = calloc(1, sizeof *s);

    *out = s;
    if (!s)
        return err_set(err, PC_EMEMORY, "out of memory");
    s->needs = *needs;
    s->lines = LOG_BURST;
    s->now = ip_stack_now(needs->stack);
    s->claim = IP_CLAIM_HELD;
    if (needs->offer->plan.starts)
        needs->offer->plan.starts->began = needs->offer->plan.starts->now = s->now;
    s->pxe = (struct pxe_server){.plan = &needs->offer->plan, .tell = on_pxe, .ctx = s};
    s->bsdp.plan = &needs->offer->plan;
    s->bsdp.name = needs->name;
    s->bsdp.netmask = ~(UINT32_MAX >> needs->config->prefix);
    s->bsdp.store = store_binding;
    s->bsdp.tell = on_bsdp;
    s->bsdp.ctx = s;
    return make_dhcp(s, err);
}

void services_restore(struct services *s, uint8_t kind, const uint8_t *key, size_t nkey,
                      const uint8_t *value, size_t nvalue)
{
    if (kind == JOURNAL_LEASE)
        /* of other settings: not wanted any more */
        (void)dhcp_server_restore(&s->dhcp, key, nkey, value, nvalue, s->now);
    if (kind == JOURNAL_BINDING)
        (void)bsdp_server_restore(&s->bsdp, key, nkey, value, nvalue);
}

int services_open(struct services *s, struct err *err)
{
    int rc = open_dhcp(s, err);

    if (rc == 0)
        rc = open_tftp(s, err);
    if (rc == 0)
        rc = open_http(s, err);
    return rc ? rc : igmp_bind_open(&s->igmp, s->needs.stack, NULL, err);
}

void services_tick(struct services *s, struct mono now)
{
    s->now = now;
    look_at_claim(s);
    if (s->needs.offer->plan.starts)
        s->needs.offer->plan.starts->now = now;
    dhcp_bind_tick(s->dhcp_bind, now);
    tftp_bind_tick(s->tftp, now);
    http_bind_tick(s->http, now);
    igmp_bind_tick(s->igmp, now);
}

int services_pause(const struct services *s)
{
    int tftp = tftp_bind_pause(s->tftp), http = http_bind_pause(s->http);

    return tftp < http ? tftp : http;
}

void services_vouch(struct services *s, const uint8_t mac[6])
{
    dhcp_server_vouch(&s->dhcp, mac);
}

enum dhcp_guard_state services_guard(const struct services *s)
{
    const struct dhcp_guard *guard = dhcp_bind_guard(s->dhcp_bind);
    const struct ip_claim *claim = ip_stack_claim(s->needs.stack);

    if (claim && claim->state != IP_CLAIM_HELD)
        return claim->state == IP_CLAIM_PROBING ? DHCP_GUARD_LISTENING : DHCP_GUARD_FOREIGN;
    return s->dhcp.config.mode == DHCP_MODE_SERVER && guard ? guard->state : DHCP_GUARD_CLEAR;
}

/* Whether another station or server keeps the box from its work; who that is. */
static bool kept_back(const struct services *s, const struct dhcp_guard *guard, char *text,
                      size_t n)
{
    const struct ip_claim *claim = ip_stack_claim(s->needs.stack);
    char one[IP_CLAIM_TEXT], other[DHCP_GUARD_TEXT];
    bool foreign =
        s->dhcp.config.mode == DHCP_MODE_SERVER && guard && guard->state == DHCP_GUARD_FOREIGN;

    if (claim && ip_claim_text(one, claim)[0])
        snprintf(text, n, "%s", one);
    else if (foreign)
        snprintf(text, n, "%s", dhcp_guard_text(other, guard));
    else
        return false;
    return true;
}

void services_text(const struct services *s, char *dhcp, size_t n, bool *warns, char *files,
                   size_t n_files)
{
    const struct dhcp_guard *guard = dhcp_bind_guard(s->dhcp_bind);
    const struct tftp_counts *t = tftp_bind_counts(s->tftp);
    const struct http_counts *h = http_bind_counts(s->http);
    char text[DHCP_GUARD_TEXT];
    uint32_t bound, left;

    dhcp_server_fill(&s->dhcp, &bound, &left);
    *warns = kept_back(s, guard, dhcp, n);
    if (*warns)
        ; /* said */
    else if (guard && dhcp_guard_boots_text(text, guard, s->now)[0])
        snprintf(dhcp, n, "%s", text);
    else if (s->dhcp.config.mode == DHCP_MODE_OFF)
        snprintf(dhcp, n, "off");
    else if (s->dhcp.config.mode == DHCP_MODE_PROXY)
        snprintf(dhcp, n, "beside another server (proxy)");
    else if (guard && guard->state == DHCP_GUARD_LISTENING)
        snprintf(dhcp, n, "listening for other servers first");
    else
        snprintf(dhcp, n, "%u leased, %u free", bound, left);
    snprintf(files, n_files, "%u under way by TFTP, %llu done; %llu by HTTP",
             tftp_bind_live(s->tftp), (unsigned long long)t->done,
             (unsigned long long)(h->answers - h->refused));
}

void services_close(struct services *s)
{
    if (!s)
        return;
    if (s->igmp)
        igmp_bind_close(s->igmp);
    if (s->http)
        http_bind_close(s->http);
    if (s->tftp)
        tftp_bind_close(s->tftp);
    dhcp_bind_close(s->dhcp_bind);
    free(s);
}
