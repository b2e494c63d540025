#include "net/ip/stack.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lwip/acd.h"
#include "lwip/autoip.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/prot/autoip.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "net/os/clock.h"
#include "net/os/random.h"
#include "net/wire/must.h"

/* Frames taken in one step: a flood must not keep the timers from running. */
#define STEP_FRAMES 256
#define CLAIM_STEP_MS 100 /* how often a claim is looked at */
#define ASKER_NS MONO_S   /* so long a found name waits for who asked */

struct ip_stack {
    bool open;
    struct netif netif;
    struct ip_link link;
    struct mono now;
    bool (*stop)(void); /* may be NULL */
    bool down, back;    /* the link fails; it works again, and lwIP is to know */
    struct ip_config config;
    struct ip_claim claim; /* of config.address, with config.claim */
    struct {
        char name[DNS_MAX_NAME_LENGTH]; /* "": nobody asks */
        bool done;                      /* since `since`, and the asker has not been told yet */
        struct mono since;
        uint32_t address; /* 0: not found */
    } lookup;
    uint8_t in[IP_LINK_FRAME_MAX];
    uint8_t out[1514];
};

/* lwIP is a singleton, and so is this. */
static struct ip_stack the_stack;
static pthread_t owner;

/* ---- what lwIP calls ---- */

void ip_assert_thread(void)
{
    MUST(pthread_equal(owner, pthread_self()));
}

u32_t sys_now(void)
{
    return (u32_t)(the_stack.now.ns / MONO_MS);
}

void sys_init(void)
{
}

/* What the link's calls say of its state. */
static void note_link(struct ip_stack *s, bool works)
{
    s->back |= works && s->down;
    s->down = !works;
}

static err_t stack_output(struct netif *netif, struct pbuf *p)
{
    struct ip_stack *s = netif->state;
    int rc;

    if (p->tot_len > sizeof s->out)
        return ERR_BUF;
    pbuf_copy_partial(p, s->out, p->tot_len, 0);
    rc = s->link.send(s->link.ctx, s->out, p->tot_len);
    note_link(s, rc == 0);
    return rc ? ERR_IF : ERR_OK;
}

static err_t stack_netif_init(struct netif *netif)
{
    struct ip_stack *s = netif->state;

    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, s->link.mac, 6);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
    netif->output = etharp_output;
    netif->linkoutput = stack_output;
    return ERR_OK;
}

/* ---- open and close ---- */

static void stack_address_set(struct ip_stack *s, const struct ip_config *c)
{
    ip4_addr_t address, mask, gateway;

    ip4_addr_set_u32(&address, lwip_htonl(c->address));
    ip4_addr_set_u32(&mask, lwip_htonl(~UINT32_C(0) << (32 - c->prefix)));
    ip4_addr_set_u32(&gateway, lwip_htonl(c->gateway));
    netif_set_addr(&s->netif, &address, &mask, &gateway);
}

static void claim_begin(struct ip_stack *s)
{
    uint64_t seed;

    random_fill(&seed, sizeof seed);
    ip_claim_init(&s->claim, s->link.mac, s->config.address, seed, s->now);
}

static void claim_changed(struct ip_stack *s)
{
    bool holds = ip_claim_holds(&s->claim);

    if (holds && !ip_stack_address(s))
        stack_address_set(s, &s->config);
    if (!holds && ip_stack_address(s))
        netif_set_addr(&s->netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

static void claim_step(struct ip_stack *s)
{
    uint8_t frame[IP_ARP_FRAME_BYTES];
    bool changed;
    size_t n;

    if (!s->config.claim)
        return;
    n = ip_claim_tick(&s->claim, s->now, frame, &changed);
    if (changed)
        claim_changed(s);
    if (n)
        note_link(s, s->link.send(s->link.ctx, frame, n) == 0);
}

/* A server has answered while a link-local address was being tried: that must not take the lease's
 * place some seconds later. */
static void stack_end_autoip(struct ip_stack *s)
{
    struct autoip *autoip = netif_autoip_data(&s->netif);

    if (!autoip || autoip->state == AUTOIP_STATE_OFF || !dhcp_supplied_address(&s->netif))
        return;
    acd_stop(&autoip->acd);
    autoip_stop(&s->netif);
}

static void stack_address_up(struct ip_stack *s, const struct ip_config *c)
{
    for (u8_t i = 0; i < IP_DNS_MAX; i++) {
        ip_addr_t server = {lwip_htonl(c->address ? c->dns[i] : 0)};

        dns_setserver(i, &server);
    }
    if (!c->address) {
        dhcp_start(&s->netif);
        return;
    }
    if (c->claim)
        claim_begin(s);
    else
        stack_address_set(s, c);
}

int ip_stack_open_link(struct ip_stack **out, const struct ip_link *link, const struct ip_config *c,
                       struct mono now, struct err *err)
{
    static bool lwip_ready;
    struct ip_stack *s = &the_stack;

    *out = NULL;
    MUST(!c->address || (c->prefix >= 1 && c->prefix <= 32));
    if (s->open) {
        link->close(link->ctx);
        return err_set(err, IP_ETWICE, "expected one IP stack in this process, got a second");
    }
    owner = pthread_self();
    *s = (struct ip_stack){.open = true, .link = *link, .now = now, .config = *c};
    MUST(!c->claim || c->address);
    if (!lwip_ready)
        lwip_init();
    lwip_ready = true;
    MUST(netif_add_noaddr(&s->netif, s, stack_netif_init, netif_input));
    netif_set_hostname(&s->netif, c->hostname ? c->hostname : "ringcast");
    netif_set_default(&s->netif);
    netif_set_link_up(&s->netif);
    netif_set_up(&s->netif);
    stack_address_up(s, c);
    *out = s;
    return 0;
}

void ip_stack_close(struct ip_stack *s)
{
    if (!s)
        return;
    dhcp_release_and_stop(&s->netif);
    dhcp_cleanup(&s->netif);
    autoip_stop(&s->netif);
    netif_set_down(&s->netif);
    netif_remove(&s->netif);
    s->link.close(s->link.ctx);
    s->open = false;
}

void ip_stack_adopt(struct ip_stack *s)
{
    MUST(s->open);
    owner = pthread_self();
}

/* ---- running ---- */

/* A frame into lwIP's pool; without room it is lost, as on any full interface. */
static void stack_take(struct ip_stack *s, size_t n)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_POOL);

    if (s->config.claim && ip_claim_hear(&s->claim, s->now, s->in, n))
        claim_changed(s);
    if (!p)
        return;
    pbuf_take(p, s->in, (u16_t)n);
    if (s->netif.input(p, &s->netif) != ERR_OK)
        pbuf_free(p);
}

/* Whoever is at the other end now may have forgotten us: groups are reported, the lease and the
 * names confirmed again. */
static void stack_reconnect(struct ip_stack *s)
{
    s->back = false;
    netif_set_link_down(&s->netif);
    netif_set_link_up(&s->netif);
}

int ip_stack_step(struct ip_stack *s, struct mono now)
{
    int n = 0, taken = 0;

    ip_assert_thread();
    s->now = now;
    while (taken < STEP_FRAMES && (n = s->link.receive(s->link.ctx, s->in, sizeof s->in)) > 0) {
        taken++;
        note_link(s, true);
        if (n >= 14 && n <= UINT16_MAX)
            stack_take(s, (size_t)n);
    }
    if (n < 0)
        note_link(s, false);
    if (s->back)
        stack_reconnect(s);
    claim_step(s);
    sys_check_timeouts();
    stack_end_autoip(s);
    return taken == STEP_FRAMES
               ? 0
               : (int)LWIP_MIN(sys_timeouts_sleeptime(), s->config.claim ? CLAIM_STEP_MS : 1000);
}

int ip_stack_wait(struct ip_stack *s, int max_ms, int wake_fd)
{
    struct pollfd fd[2] = {{.fd = s->link.fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    int left = ip_stack_step(s, clock_now());

    if (left && max_ms) {
        if (poll(fd, 2, LWIP_MIN(left, max_ms)) < 0 && errno != EINTR)
            return IP_EPOLL;
        ip_stack_step(s, clock_now());
    }
    return 0;
}

int ip_stack_block(struct ip_stack *s, int max_ms)
{
    int rc = ip_stack_wait(s, max_ms, -1);

    return rc == 0 && s->stop && s->stop() ? IP_ESTOPPED : rc;
}

void ip_stack_stop_when(struct ip_stack *s, bool (*stop)(void))
{
    s->stop = stop;
}

int ip_stack_failed(int code, struct err *err)
{
    return err_set(err, code,
                   code == IP_ESTOPPED ? "interrupted"
                                       : "waiting for the network interface failed");
}

struct mono ip_stack_now(const struct ip_stack *s)
{
    return s->now;
}

uint32_t ip_stack_address(const struct ip_stack *s)
{
    return lwip_ntohl(ip4_addr_get_u32(netif_ip4_addr(&s->netif)));
}

uint32_t ip_stack_wanted(const struct ip_stack *s)
{
    return s->config.claim ? s->config.address : ip_stack_address(s);
}

const struct ip_claim *ip_stack_claim(const struct ip_stack *s)
{
    return s->config.claim ? &s->claim : NULL;
}

const uint8_t *ip_stack_mac(const struct ip_stack *s)
{
    return s->link.mac;
}

bool ip_stack_mac_of(const struct ip_stack *s, uint32_t address, uint8_t mac[6])
{
    ip4_addr_t wanted = {lwip_htonl(address)};
    const ip4_addr_t *at;
    struct eth_addr *found;

    if (etharp_find_addr((struct netif *)(uintptr_t)&s->netif, &wanted, &found, &at) < 0)
        return false;
    memcpy(mac, found->addr, 6);
    return true;
}

int ip_stack_wait_address(struct ip_stack *s, int timeout_ms, struct err *err)
{
    struct mono end = mono_add(clock_now(), timeout_ms * MONO_MS);
    int rc = 0;

    while (!ip_stack_address(s) && !rc && mono_sub(end, clock_now()) > 0)
        rc = ip_stack_block(s, 100);
    if (rc)
        return ip_stack_failed(rc, err);
    if (!ip_stack_address(s))
        return err_set(err, IP_ENOADDRESS, "no address after %d s: no DHCP server answered",
                       timeout_ms / 1000);
    return 0;
}

/* ---- names ---- */

static void stack_found(const char *name, const ip_addr_t *address, void *arg)
{
    struct ip_stack *s = arg;

    if (strcasecmp(name, s->lookup.name) != 0)
        return; /* somebody asked, and has given up since */
    s->lookup.done = true;
    s->lookup.since = s->now;
    s->lookup.address = address ? lwip_ntohl(ip4_addr_get_u32(address)) : 0;
}

/* Starts, unless another name is on its way: what has been found for an asker who does not come
 * back makes room after a while. */
int ip_stack_lookup_begin(struct ip_stack *s, const char *host, struct err *err)
{
    ip_addr_t address;
    err_t started;
    uint32_t known;

    if (ip_address_parse(host, &known) == 0)
        return 0;
    if (s->lookup.name[0] && (!s->lookup.done || mono_sub(s->now, s->lookup.since) < ASKER_NS))
        return 0;
    if (strlen(host) >= sizeof s->lookup.name)
        return err_set(err, IP_ENAME, "expected a name of at most %zu characters, got \"%.100s\"",
                       sizeof s->lookup.name - 1, host);
    s->lookup.done = false;
    s->lookup.address = 0;
    memcpy(s->lookup.name, host, strlen(host) + 1);
    started = dns_gethostbyname(host, &address, stack_found, s);
    if (started == ERR_OK)
        stack_found(host, &address, s);
    if (started == ERR_OK || started == ERR_INPROGRESS)
        return 0;
    s->lookup.name[0] = 0;
    return started == ERR_MEM ? 0 /* tried again by who asks */
                              : err_set(err, IP_ENAME,
                                        "cannot look up \"%.100s\": no DNS server is known here "
                                        "(an address or NAME.local works)",
                                        host);
}

int ip_stack_lookup(struct ip_stack *s, const char *host, uint32_t *out, struct err *err)
{
    int rc;

    if (ip_address_parse(host, out) == 0)
        return 1;
    if (strcmp(s->lookup.name, host) != 0) {
        rc = ip_stack_lookup_begin(s, host, err);
        if (rc)
            return rc;
    }
    if (strcmp(s->lookup.name, host) != 0 || !s->lookup.done)
        return 0;
    s->lookup.name[0] = 0;
    if (!s->lookup.address)
        return err_set(err, IP_ENAME, "nobody answers to the name \"%.100s\"", host);
    *out = s->lookup.address;
    return 1;
}

int ip_stack_resolve(struct ip_stack *s, const char *host, int timeout_ms, uint32_t *out,
                     struct err *err)
{
    struct mono end = mono_add(clock_now(), timeout_ms * MONO_MS);
    int rc = ip_stack_lookup_begin(s, host, err);

    while (rc == 0 && (rc = ip_stack_lookup(s, host, out, err)) == 0) {
        if (mono_sub(end, clock_now()) <= 0) {
            s->lookup.name[0] = 0;
            return err_set(err, IP_ENAME, "nobody answers to the name \"%.100s\"", host);
        }
        rc = ip_stack_block(s, 100);
        if (rc)
            return ip_stack_failed(rc, err);
    }
    return rc > 0 ? 0 : rc;
}

/* ---- groups ---- */

int ip_stack_join(struct ip_stack *s, uint32_t group, uint16_t port, struct err *err)
{
    ip4_addr_t g = {lwip_htonl(group)};
    char text[IP_TEXT];
    int rc = s->link.skip ? s->link.skip(s->link.ctx, group, port, err) : 0;

    if (rc)
        return rc;
    if (igmp_joingroup_netif(&s->netif, &g) != ERR_OK)
        return err_set(err, IP_EGROUP, "cannot join the group %s", ip_address_text(text, group));
    return 0;
}

void ip_stack_leave(struct ip_stack *s, uint32_t group)
{
    ip4_addr_t g = {lwip_htonl(group)};

    igmp_leavegroup_netif(&s->netif, &g);
}

void ip_stack_report(struct ip_stack *s)
{
    igmp_report_groups(&s->netif);
}
