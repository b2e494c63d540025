/* A room of machines that fetch one file by TFTP at the same time, simulated over real frames.
 *
 *   tftp_clients IF SERVER FILE NAME N BLKSIZE WINDOW
 *
 * The N of them have addresses from SERVER + 100 on, which must be on the server's link, each a MAC
 * of its own, and answer ARP. FILE is what NAME must be, byte for byte. Prints one JSON object:
 * seconds (of the whole), mbit (payload of all in that time), first, last (when the first and the
 * last had it), failed. Exit 1 unless all have it. */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net/content/content.h"
#include "net/ip/stack.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "tests/unit/tftp_client.h"

#define CLIENTS_MAX 1000
#define PORT 2070
#define PATIENCE_S 300
#define BATCH 64

static struct tftp_sim_client clients[CLIENTS_MAX];
static double ended[CLIENTS_MAX];
static unsigned n_clients, live;
static uint32_t server;
static uint8_t server_mac[6];
static int line; /* a packet socket that takes frames to any station */

static struct mono now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static void mac_of(unsigned i, uint8_t mac[6])
{
    memcpy(mac, "\x52\x49\x4e\x48", 4);
    mac[4] = (uint8_t)(i >> 8);
    mac[5] = (uint8_t)i;
}

static uint32_t address_of(unsigned i)
{
    return server + 100 + i;
}

static void ethernet(struct writer *w, const uint8_t *to, unsigned from, unsigned type)
{
    uint8_t mac[6];

    mac_of(from, mac);
    wr_copy(w, to, 6);
    wr_copy(w, mac, 6);
    wr_u16(w, type);
}

/* RFC 826: 1 asks, 2 answers. */
static void send_arp(unsigned from, unsigned op, const uint8_t *to)
{
    uint8_t frame[60] = {0}, mac[6];
    struct writer w = writer_on(frame, sizeof frame);

    mac_of(from, mac);
    ethernet(&w, to, from, 0x0806);
    wr_u64(&w, UINT64_C(0x0001080006040000) | op);
    wr_copy(&w, mac, 6);
    wr_u32(&w, address_of(from));
    wr_copy(&w, to, 6);
    wr_u32(&w, server);
    (void)!send(line, frame, sizeof frame, 0);
}

static uint16_t ip_sum(const uint8_t *at)
{
    uint32_t sum = 0;

    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(at[i] << 8 | at[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void send_client(unsigned i)
{
    const struct tftp_sim_client *c = &clients[i];
    uint8_t frame[700] = {0};
    struct writer w = writer_on(frame, sizeof frame);
    uint16_t sum;

    ethernet(&w, server_mac, i, 0x0800);
    wr_u16(&w, 0x4500);
    wr_u16(&w, 28 + c->out_n);
    wr_u64(&w, UINT64_C(0x0000400040110000)); /* no identification, DF, TTL 64, UDP */
    wr_u32(&w, address_of(i));
    wr_u32(&w, server);
    wr_u16(&w, PORT);
    wr_u16(&w, c->state == CLIENT_ASKING ? TFTP_PORT : c->server);
    wr_u16(&w, 8 + c->out_n);
    wr_u16(&w, 0);
    wr_copy(&w, c->out, c->out_n);
    sum = ip_sum(frame + 14);
    frame[24] = (uint8_t)(sum >> 8);
    frame[25] = (uint8_t)sum;
    (void)!send(line, frame, w.done < 60 ? 60 : w.done, 0);
}

static void take_arp(struct reader *r)
{
    unsigned op = (unsigned)(rd_u64(r) & 0xffff);
    const uint8_t *from_mac = rd_bytes(r, 6);
    uint32_t from = rd_u32(r), to;

    rd_bytes(r, 6);
    to = rd_u32(r);
    if (r->bad || from != server)
        return;
    memcpy(server_mac, from_mac, 6);
    if (op == 1 && to - address_of(0) < n_clients)
        send_arp(to - address_of(0), 2, server_mac);
}

static void take_ip(struct reader *r, double since)
{
    const uint8_t *ip = rd_bytes(r, 20), *udp = rd_bytes(r, 8);
    struct reader at;
    uint16_t port;
    unsigned i;

    if (r->bad || ip[9] != 17)
        return;
    at = reader_on(ip + 16, 4);
    i = rd_u32(&at) - address_of(0);
    port = (uint16_t)(udp[0] << 8 | udp[1]);
    if (i >= n_clients || (udp[2] << 8 | udp[3]) != PORT)
        return;
    if (sim_client_input(&clients[i], now(), port, r->at, (size_t)(udp[4] << 8 | udp[5]) - 8))
        send_client(i);
    if (clients[i].state >= CLIENT_DONE && !ended[i]) {
        ended[i] = (double)now().ns / 1e9 - since;
        live--;
    }
}

static void take_frame(const uint8_t *frame, size_t n, double since)
{
    struct reader r = reader_on(frame, n);
    unsigned type;

    rd_bytes(&r, 12);
    type = rd_u16(&r);
    if (type == ETH_P_ARP)
        take_arp(&r);
    else if (type == ETH_P_IP)
        take_ip(&r, since);
}

static void take_frames(double since)
{
    static uint8_t frames[BATCH][2048];
    static struct iovec parts[BATCH];
    static struct mmsghdr msgs[BATCH];
    int n;

    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){frames[i], sizeof frames[i]};
        msgs[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    n = recvmmsg(line, msgs, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        take_frame(frames[i], msgs[i].msg_len, since);
}

static bool open_line(const char *interface)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_ALL),
                             .sll_ifindex = (int)if_nametoindex(interface)};
    int on = 1, room = 32 << 20;

    line = socket(AF_PACKET, SOCK_RAW, 0);
    setsockopt(line, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    setsockopt(line, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return line >= 0 && bind(line, (struct sockaddr *)&at, sizeof at) == 0;
}

static void wait_frames(int ms)
{
    struct pollfd fd = {.fd = line, .events = POLLIN};

    poll(&fd, 1, ms);
}

/* Until the server's MAC is known, and it has heard of every client. */
static void meet(void)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, unknown[6];

    for (int tries = 0; tries < 50 && memcmp(server_mac, unknown, 6) == 0; tries++) {
        send_arp(0, 1, all);
        wait_frames(100);
        take_frames(0);
    }
    for (unsigned i = 0; i < n_clients; i++)
        send_arp(i, 1, all);
}

static int report(double seconds, size_t bytes)
{
    double first = 1e9, last = 0;
    unsigned failed = 0, timeouts = 0;

    for (unsigned i = 0; i < n_clients; i++) {
        const struct tftp_sim_client *c = &clients[i];

        timeouts += c->timeouts;
        if (c->state != CLIENT_DONE || c->wrong || c->bytes != bytes) {
            failed++;
            continue;
        }
        first = ended[i] < first ? ended[i] : first;
        last = ended[i] > last ? ended[i] : last;
    }
    printf("{\"clients\": %u, \"failed\": %u, \"seconds\": %.2f, \"mbit\": %.0f, \"first\": %.2f, "
           "\"last\": %.2f, "
           "\"timeouts\": %u}\n",
           n_clients, failed, seconds,
           (double)(n_clients - failed) * (double)bytes * 8e-6 / seconds, first, last, timeouts);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct content file;
    struct err err = {0};
    double since;

    if (argc != 8)
        return fprintf(stderr, "usage: tftp_clients IF SERVER FILE NAME N BLKSIZE WINDOW\n"), 2;
    n_clients = live = (unsigned)atoi(argv[5]);
    if (n_clients > CLIENTS_MAX || ip_address_parse(argv[2], &server) != 0 ||
        content_load(&file, argv[3], 64 << 20, "", &err) != 0 || !open_line(argv[1]))
        return fprintf(stderr, "tftp_clients: the interface or the file cannot be opened: %s\n",
                       err.text),
               2;
    meet();
    since = (double)now().ns / 1e9;
    for (unsigned i = 0; i < n_clients; i++) {
        clients[i] = (struct tftp_sim_client){.name = argv[4],
                                              .blksize = (unsigned)atoi(argv[6]),
                                              .window = (unsigned)atoi(argv[7]),
                                              .tsize = true,
                                              .timeout = 4 * MONO_S,
                                              .expected = file.bytes,
                                              .expected_bytes = file.size};
        sim_client_ask(&clients[i], now());
        send_client(i);
    }
    while (live && (double)now().ns / 1e9 - since < PATIENCE_S) {
        wait_frames(10);
        take_frames(since);
        for (unsigned i = 0; i < n_clients; i++)
            if (sim_client_tick(&clients[i], now()))
                send_client(i);
    }
    return report((double)now().ns / 1e9 - since, file.size);
}
