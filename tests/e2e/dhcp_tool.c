/* DHCP over real frames, for the scripts beside this file.
 *
 *   dhcp_tool serve IF ADDRESS/PREFIX server|proxy|off FIRST LAST [OPTION=VALUE...]
 *       relay=ADDRESS/PREFIX@FIRST (ten addresses for the subnet behind a relay)  gateway=ADDRESS
 *       (towards it)
 *       lease=SECONDS  reserve=MAC@ADDRESS  known=MAC  file=NAME (told to PXE clients)
 *                                                      journal=FILE  guard=off
 *       says what happens on stderr until it is ended, its counters at the end
 *   dhcp_tool flood IF SECONDS RATE ask|take     invented machines, RATE a second
 *   dhcp_tool join IF FIRST COUNT                machines 02:00:FIRST.. one after another; the
 *                                                slowest on stdout, in ms
 */
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/dhcp/bind.h"
#include "net/os/clock.h"
#include "net/os/random.h"
#include "tests/unit/udp_frame.h"

static volatile sig_atomic_t ended;

static void end(int sig)
{
    (void)sig;
    ended = 1;
}

static void die(const char *why)
{
    fprintf(stderr, "dhcp_tool: %s\n", why);
    exit(1);
}

static uint32_t address(const char *text)
{
    uint32_t a;

    if (ip_address_parse(text, &a))
        die("not an address");
    return a;
}

static void mac_parse(uint8_t mac[6], const char *text)
{
    if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
               &mac[5]) != 6)
        die("not a MAC address");
}

/* ---- serve ---- */

static struct dhcp_server server;
static const char *boot_file;
static uint8_t known_mac[6];
static FILE *journal;

static void on_event(void *ctx, const struct dhcp_event *e)
{
    static const char *const what[] = {"lease", "refused", "declined", "exhausted"};
    char mac[DHCP_MAC_TEXT], ip[IP_TEXT];

    (void)ctx;
    fprintf(stderr, "%s %s %s\n", what[e->kind], dhcp_mac_text(mac, e->mac),
            ip_address_text(ip, e->address));
}

static void on_guard(void *ctx, const struct dhcp_guard *g)
{
    char text[DHCP_GUARD_TEXT];

    (void)ctx;
    fprintf(stderr, "guard: %s\n", dhcp_guard_text(text, g));
}

static void on_store(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value,
                     size_t nvalue)
{
    uint8_t n[2] = {(uint8_t)nkey, (uint8_t)nvalue};

    (void)ctx;
    if (!journal)
        return;
    fwrite(n, 1, 2, journal);
    fwrite(key, 1, nkey, journal);
    fwrite(value, 1, nvalue, journal);
    fflush(journal);
}

static void restore(const char *path, struct mono now)
{
    FILE *f = fopen(path, "rb");
    uint8_t n[2], key[255], value[255];

    while (f && fread(n, 1, 2, f) == 2 && fread(key, 1, n[0], f) == n[0] &&
           fread(value, 1, n[1], f) == n[1])
        if (n[1])
            dhcp_server_restore(&server, key, n[0], value, n[1], now);
    if (f)
        fclose(f);
    journal = fopen(path, "ab");
}

static bool on_known(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return memcmp(mac, known_mac, 6) == 0;
}

static bool on_boot(void *ctx, const struct dhcp_message *m, enum dhcp_boot_kind kind,
                    struct dhcp_boot *out)
{
    const struct dhcp_option *id = dhcp_option(m, DHCP_O_UUID);

    (void)ctx;
    if (!boot_file || !dhcp_option_begins(m, DHCP_O_CLASS, "PXEClient"))
        return false;
    out->siaddr = server.config.address;
    strncpy(out->file, boot_file, sizeof out->file - 1);
    if (kind != DHCP_BOOT_LEASE)
        dhcp_boot_put(out, DHCP_O_CLASS, "PXEClient", 9);
    if (kind != DHCP_BOOT_LEASE && id)
        dhcp_boot_put(out, DHCP_O_UUID, id->at, id->n);
    return true;
}

static void say_counters(void)
{
    const struct dhcp_counters *c = &server.counters;

    fprintf(stderr,
            "offers %lu acks %lu naks %lu informed %lu booted %lu released %lu declined %lu "
            "malformed %lu exhausted %lu held "
            "back %lu quiet %lu unsent %lu\n",
            c->offers, c->acks, c->naks, c->informed, c->booted, c->released, c->declined,
            c->malformed, c->exhausted, c->held_back, c->quiet, c->unsent);
}

/* "10.79.0.1/24@10.79.0.50" */
static struct dhcp_pool relayed(char *text)
{
    char *at = strchr(text, '@');
    struct dhcp_pool p = {.first = address(at + 1), .last = address(at + 1) + 9};
    struct ip_config net = {0};

    *at = 0;
    if (ip_config_parse(&net, text, NULL))
        die("not a subnet");
    p.network = p.router = net.address;
    p.prefix = net.prefix;
    return p;
}

static int serve(int argc, char **argv)
{
    static struct dhcp_reservation reserve[64];
    struct ip_config ip = {0};
    struct dhcp_pool pool[2] = {{.first = address(argv[5]), .last = address(argv[6])}};
    struct dhcp_config c = {.pool = pool, .pools = 1, .reservation = reserve, .lease_s = 3600};
    struct dhcp_needs needs = {.store = on_store,
                               .known = on_known,
                               .tell = on_event,
                               .boot = {NULL, on_boot}};
    struct dhcp_bind_needs bind_needs = {.guarded = on_guard};
    const char *path = NULL;
    struct dhcp_bind *bind;
    struct ip_stack *stack;
    struct err err = {0};

    if (ip_config_parse(&ip, argv[3], &err))
        die(err.text);
    c.mode = strcmp(argv[4], "server") == 0  ? DHCP_MODE_SERVER
             : strcmp(argv[4], "proxy") == 0 ? DHCP_MODE_PROXY
                                             : DHCP_MODE_OFF;
    c.address = pool[0].network = pool[0].router = ip.address;
    pool[0].prefix = ip.prefix;
    for (int i = 7; i < argc; i++) {
        const char *value = strchr(argv[i], '=') ? strchr(argv[i], '=') + 1 : "";

        if (strncmp(argv[i], "lease=", 6) == 0)
            c.lease_s = (uint32_t)atoi(value);
        else if (strncmp(argv[i], "reserve=", 8) == 0 && c.reservations < 64 &&
                 strchr(value, '@')) {
            mac_parse(reserve[c.reservations].mac, value);
            reserve[c.reservations++].address = address(strchr(value, '@') + 1);
        } else if (strncmp(argv[i], "known=", 6) == 0)
            mac_parse(known_mac, value);
        else if (strncmp(argv[i], "gateway=", 8) == 0)
            ip.gateway = address(value);
        else if (strncmp(argv[i], "relay=", 6) == 0 && c.pools == 1 && strchr(value, '@'))
            pool[c.pools++] = relayed(argv[i] + 6);
        else if (strncmp(argv[i], "file=", 5) == 0)
            boot_file = value;
        else if (strncmp(argv[i], "journal=", 8) == 0)
            path = value;
        else if (strcmp(argv[i], "guard=off") == 0)
            bind_needs.unguarded = true;
        else
            die("what is that option?");
    }
    if (ip_stack_open(&stack, argv[2], &ip, &err))
        die(err.text);
    memcpy(c.mac, ip_stack_mac(stack), 6);
    random_fill(&c.key, sizeof c.key);
    if (dhcp_server_init(&server, &c, &needs, &err) ||
        dhcp_bind_open(&bind, stack, &server, &bind_needs, &err))
        die(err.text);
    if (path)
        restore(path, clock_now());
    fprintf(stderr, "serving\n");
    while (!ended && ip_stack_wait(stack, 100, -1) == 0)
        dhcp_bind_tick(bind, clock_now());
    say_counters();
    dhcp_bind_close(bind);
    ip_stack_close(stack);
    return 0;
}

/* ---- machines that are not there ---- */

static int line;

static void line_open(const char *interface)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = 0x0300 /* all, network order */};
    int size = 4 << 20;

    line = socket(AF_PACKET, SOCK_RAW, at.sll_protocol);
    at.sll_ifindex = (int)if_nametoindex(interface);
    if (line < 0 || !at.sll_ifindex || bind(line, (struct sockaddr *)&at, sizeof at))
        die("cannot open the interface");
    setsockopt(line, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void send_from(const uint8_t mac[6], const uint8_t *bytes, size_t n)
{
    static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct udp_ends ends = {
        .mac = mac, .to_mac = everyone, .to = UINT32_MAX, .sport = 68, .dport = 67};
    uint8_t frame[1514];
    size_t whole = udp_frame(frame, sizeof frame, &ends, bytes, n);

    if (!whole || send(line, frame, whole, 0) < 0)
        return; /* a full queue loses frames, as a wire does */
}

static void machine_mac(uint8_t mac[6], uint32_t machine)
{
    struct writer w = writer_on(mac, 6);

    wr_u16(&w, 0x0200);
    wr_u32(&w, machine);
}

static void say(uint32_t machine, uint8_t type, uint32_t wanted, uint32_t from)
{
    struct dhcp_message head = {
        .op = DHCP_REQUEST_OP, .htype = 1, .hlen = 6, .xid = machine, .type = type};
    struct dhcp_writer dw;
    uint8_t bytes[548];

    machine_mac(head.chaddr, machine);
    dhcp_write_start(&dw, bytes, sizeof bytes, &head);
    if (wanted)
        dhcp_put_u32(&dw, DHCP_O_ADDRESS, wanted);
    if (from)
        dhcp_put_u32(&dw, DHCP_O_SERVER, from);
    send_from(head.chaddr, bytes, dhcp_write_end(&dw));
}

/* The next reply on the line within `ms`; false: none. */
static bool hear(struct dhcp_message *m, int ms)
{
    static uint8_t frame[2048];
    struct mono until = mono_add(clock_now(), ms * MONO_MS);

    for (;;) {
        int64_t left = mono_sub(until, clock_now());
        struct pollfd fd = {.fd = line, .events = POLLIN};
        ssize_t n;

        if (poll(&fd, 1, left > 0 ? (int)(left / MONO_MS) : 0) <= 0)
            return false;
        n = recv(line, frame, sizeof frame, 0);
        if (n > 42 && frame[12] == 8 && frame[23] == 17 && frame[37] == 68 &&
            dhcp_decode(frame + 42, (size_t)n - 42, m) == 0 && m->op == DHCP_REPLY_OP)
            return true;
    }
}

static int flood(char **argv)
{
    struct mono began = clock_now(), stop = mono_add(began, atoi(argv[3]) * MONO_S);
    int rate = atoi(argv[4]);
    bool take = strcmp(argv[5], "take") == 0;
    uint32_t sent = 0, first, taken = 0;
    static struct dhcp_message m;

    line_open(argv[2]);
    random_fill(&first, sizeof first);
    first |= 0x80000000;
    while (!ended && mono_sub(stop, clock_now()) > 0) {
        while (mono_sub(clock_now(), began) * rate / MONO_S > sent)
            say(first + sent++, DHCP_DISCOVER, 0, 0);
        while (hear(&m, 1))
            if (take && m.type == DHCP_OFFER && m.xid >= first && m.xid - first < sent)
                say(m.xid, DHCP_REQUEST, m.yiaddr, dhcp_option_u32(&m, DHCP_O_SERVER, 0));
            else
                taken += m.type == DHCP_ACK;
    }
    printf("%u %u\n", sent, taken);
    return 0;
}

/* DISCOVER to ACK, asked again twice a second; nanoseconds, negative: not within 10 s. */
static int64_t join_one(uint32_t machine)
{
    struct mono began = clock_now(), asked = {0};
    static struct dhcp_message m;

    while (mono_sub(clock_now(), began) < 10 * MONO_S) {
        if (mono_sub(clock_now(), asked) > 500 * MONO_MS) {
            asked = clock_now();
            say(machine, DHCP_DISCOVER, 0, 0);
        }
        if (!hear(&m, 10) || m.xid != machine)
            continue;
        if (m.type == DHCP_ACK)
            return mono_sub(clock_now(), began);
        if (m.type == DHCP_OFFER)
            say(machine, DHCP_REQUEST, m.yiaddr, dhcp_option_u32(&m, DHCP_O_SERVER, 0));
    }
    return -1;
}

static int join(char **argv)
{
    uint32_t first = (uint32_t)atoi(argv[3]), count = (uint32_t)atoi(argv[4]);
    int64_t slowest = 0;

    line_open(argv[2]);
    for (uint32_t i = 0; i < count && !ended; i++) {
        int64_t took = join_one(first + i);

        if (took < 0)
            die("a machine was not served within 10 s");
        slowest = took > slowest ? took : slowest;
    }
    printf("%ld\n", (long)(slowest / MONO_MS));
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGTERM, end);
    signal(SIGINT, end);
    if (argc >= 7 && strcmp(argv[1], "serve") == 0)
        return serve(argc, argv);
    if (argc == 6 && strcmp(argv[1], "flood") == 0)
        return flood(argv);
    if (argc == 5 && strcmp(argv[1], "join") == 0)
        return join(argv);
    die("see the top of tests/e2e/dhcp_tool.c");
}
