/* A room at work, as the box hears it: machines that ask for what to boot, join, receive, verify,
 * and end as machines end. Each has its own name, MAC and address; what it is to become is drawn
 * from SEED. Nothing is received: a machine says what one would say whose stream runs as fast as
 * the box's acks tell. What the room looks like is the box's judgement of that.
 *
 *   room_tool BOX FIRST MACHINES SEED     FIRST: the address of the first machine here, the others
 *                                         follow it; all are eth0's
 *
 * First a line on stdout, how many there will be in each state in the end:
 * {"booting":4,"joined":3,..}. Machines come at 25 a second; half a minute later every one is and
 * stays in its last state, until the program is ended. */
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>

#include "imaging/disk/disk.h"
#include "imaging/receive/plan.h"
#include "net/dhcp/codec.h"
#include "net/pxe/proto.h"
#include "tests/e2e/crowd.h"

#define COME_NS (40 * MONO_MS)   /* from one machine to the next */
#define BOOT_NS (1500 * MONO_MS) /* from the question of its firmware to its hello */
/* and to the same question, and from hello to hello of one who never gets further */
#define AGAIN_NS (5 * MONO_S)
#define MANIFEST_NS (1 * MONO_S)
#define VERIFY_NS (2500 * MONO_MS)
#define STAY_NS (3 * MONO_S) /* after its last word, before it is switched off */
#define ALL 10000            /* hundredths of a per cent */
/* the same, a second: who is in the middle stays there while somebody looks */
#define CREEP 15
#define PACKET 1538
#define CABLE_BYTES 11860000 /* a second, of 100 Mbit/s */
#define GROWS 2.4            /* bytes on the disk for one of the stream */
#define SLOW 0.35            /* of what the stream needs */

enum act { PLAYS, BOOTS_ONLY, JOINS_ONLY, FALLS_SILENT };
enum trouble { NO_TROUBLE, SLOW_CABLE, SLOW_DISK, LOSSES, SLOW_MACHINE };

/* Who is in the room; all others pass. */
static const struct part {
    unsigned machines;
    const char *shown; /* the API's word for what it is in the end */
    enum act act;
    enum session_state end;
    enum trouble trouble;
    int32_t error;
    uint16_t goal; /* how far it gets; 0: drawn */
} parts[] = {
    {4, "booting", BOOTS_ONLY, SESSION_JOINED, NO_TROUBLE, 0, 0},
    {3, "joined", JOINS_ONLY, SESSION_JOINED, NO_TROUBLE, 0, 0},
    {4, "manifest", PLAYS, SESSION_MANIFEST, NO_TROUBLE, 0, 0},
    {41, "receiving", PLAYS, SESSION_RECEIVING, NO_TROUBLE, 0, 0},
    {4, "receiving", PLAYS, SESSION_RECEIVING, SLOW_CABLE, 0, 0},
    {3, "receiving", PLAYS, SESSION_RECEIVING, SLOW_DISK, 0, 0},
    {3, "receiving", PLAYS, SESSION_RECEIVING, LOSSES, 0, 0},
    {1, "receiving", PLAYS, SESSION_RECEIVING, SLOW_MACHINE, 0, 0},
    {15, "verifying", PLAYS, SESSION_VERIFYING, NO_TROUBLE, 0, ALL},
    {2, "fail", PLAYS, SESSION_FAIL, NO_TROUBLE, RECEIVE_EREADBACK, ALL},
    {2, "fail", PLAYS, SESSION_FAIL, NO_TROUBLE, DISK_EWRITE, 0},
    {1, "fail", PLAYS, SESSION_FAIL, LOSSES, RECEIVE_ETIMEOUT, 0},
    {2, "left", PLAYS, SESSION_LEAVING, NO_TROUBLE, 0, 0},
    {4, "lost", FALLS_SILENT, SESSION_RECEIVING, NO_TROUBLE, 0, 0},
    {0, "pass", PLAYS, SESSION_PASS, NO_TROUBLE, 0, ALL},
};
#define PARTS (sizeof parts / sizeof parts[0])

struct machine {
    const struct part *part;
    struct session_hello names;
    struct session_beacons beacons;
    struct session_facts facts;
    uint32_t address;
    struct mono came, asked, joined, moved; /* ns 0: not yet */
    int64_t ramp;                           /* ns from nothing to its goal */
    double goal, luck;                      /* hundredths of a per cent; 0 .. 1 */
    double heard, missed, drops;            /* packets */
    uint64_t rate;                          /* of the stream, bytes a second on the wire */
};

static struct room {
    struct sockaddr_in box;
    int boot, fd; /* sockets: DHCP's, and the beacons' */
    unsigned n;
    struct machine *all;
} room;

/* ---- who is who ---- */

static void cast(uint32_t first, uint64_t seed)
{
    struct rng rng = {seed};
    unsigned at = 0;

    for (unsigned p = 0; p < PARTS; p++)
        for (unsigned i = 0; at < room.n && (i < parts[p].machines || p == PARTS - 1); i++)
            room.all[at++].part = &parts[p];
    for (unsigned i = room.n - 1; i > 0; i--) {
        unsigned other = (unsigned)rng_below(&rng, i + 1);
        const struct part *was = room.all[i].part;

        room.all[i].part = room.all[other].part;
        room.all[other].part = was;
    }
    for (unsigned i = 0; i < room.n; i++) {
        struct machine *m = &room.all[i];

        crowd_names(&m->names, i);
        m->address = first + i;
        m->luck = rng_unit(&rng);
        m->ramp = (int64_t)((4 + 5 * rng_unit(&rng)) * MONO_S);
        m->goal = m->part->goal ? m->part->goal : 800 + 7200 * rng_unit(&rng);
    }
}

static void print_cast(void)
{
    const char *comma = "{";

    for (unsigned p = 0; p < PARTS; p++) {
        unsigned n = 0;

        if (p && strcmp(parts[p].shown, parts[p - 1].shown) == 0)
            continue;
        for (unsigned i = 0; i < room.n; i++)
            n += strcmp(room.all[i].part->shown, parts[p].shown) == 0;
        printf("%s\"%s\":%u", comma, parts[p].shown, n);
        comma = ",";
    }
    puts("}");
    fflush(stdout);
}

/* ---- before it is in ---- */

/* What UEFI's network boot asks. */
static void ask_boot(struct machine *m, struct mono now)
{
    static const uint8_t arch[] = {0, PXE_ARCH_X64}, interface[] = {1, 3, 16}, uuid[17] = {0},
                         wants[] = {DHCP_O_MASK,  DHCP_O_ROUTER,      DHCP_O_VENDOR,
                                    DHCP_O_CLASS, DHCP_O_TFTP_SERVER, DHCP_O_BOOT_FILE};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(DHCP_SERVER_PORT),
                                   .sin_addr.s_addr = INADDR_BROADCAST};
    struct dhcp_message head = {.op = DHCP_REQUEST_OP,
                                .htype = 1,
                                .hlen = 6,
                                .flags = DHCP_BROADCAST,
                                .type = DHCP_DISCOVER};
    struct dhcp_writer w;
    uint8_t bytes[DHCP_SIZE_MIN - DHCP_IP_UDP_BYTES];
    size_t n;

    memcpy(head.chaddr, m->names.mac, sizeof m->names.mac);
    head.xid = 0x52000000 | m->address;
    dhcp_write_start(&w, bytes, sizeof bytes, &head);
    dhcp_put_text(&w, DHCP_O_CLASS, PXE_CLASS ":Arch:00007:UNDI:003016");
    dhcp_put(&w, DHCP_O_ARCHITECTURE, arch, sizeof arch);
    dhcp_put(&w, DHCP_O_INTERFACE, interface, sizeof interface);
    dhcp_put(&w, DHCP_O_UUID, uuid, sizeof uuid);
    dhcp_put(&w, DHCP_O_PARAMETERS, wants, sizeof wants);
    n = dhcp_write_end(&w);
    if (sendto(room.boot, bytes, n, 0, (const struct sockaddr *)&to, sizeof to) != (ssize_t)n)
        crowd_give_up("DISCOVER");
    m->asked = now;
}

static void tell_about(struct machine *m, unsigned number)
{
    static const char *const disks[] = {"SATA SSD 256 GB", "NVMe SSD 512 GB", "NVMe SSD 1 TB"};
    struct session_info info = {.link_mbps = m->part->trouble == SLOW_CABLE ? 100 : 1000};

    snprintf(info.serial, sizeof info.serial, "PF%04u", 2001 + 7 * number);
    snprintf(info.disk, sizeof info.disk, "%s",
             m->part->trouble == SLOW_DISK ? "SATA HDD 500 GB" : disks[(unsigned)(3 * m->luck)]);
    snprintf(info.disk_serial, sizeof info.disk_serial, "D%05u", 30011 + 13 * number);
    session_beacons_about(&m->beacons, &info);
}

static void join(struct machine *m, struct mono now)
{
    struct session_welcome w = crowd_join(&room.box, m->address, &m->names);

    session_beacons_init(&m->beacons, &w, m->names.id, m->names.mac, now);
    tell_about(m, (unsigned)(m - room.all));
    m->rate = w.rate;
    m->joined = m->moved = now;
}

/* ---- at work ---- */

/* What it is `age` ns after its hello. */
static enum session_state state_at(const struct machine *m, int64_t age)
{
    const struct part *p = m->part;
    int64_t verify = MANIFEST_NS + m->ramp,
            end = verify + (m->goal == ALL && p->end != SESSION_VERIFYING ? VERIFY_NS : 0);

    if (age < MANIFEST_NS || p->end == SESSION_MANIFEST)
        return SESSION_MANIFEST;
    if (age < verify || p->end == SESSION_RECEIVING)
        return SESSION_RECEIVING;
    return age < end ? SESSION_VERIFYING : p->end;
}

static double done_at(const struct machine *m, int64_t age)
{
    double since = (double)(age - MANIFEST_NS);

    if (since <= 0 || m->part->end == SESSION_MANIFEST)
        return 0;
    return since < (double)m->ramp ? m->goal * since / (double)m->ramp : m->goal;
}

/* What came and what did not in `seconds` of the stream. */
static void hear(struct machine *m, double seconds)
{
    double sent = (double)m->rate * seconds / PACKET, lost = m->luck * 80e-6, share = 1;

    if (m->part->trouble == LOSSES)
        lost = 0.02 + 0.03 * m->luck;
    if (m->part->trouble == SLOW_CABLE && m->rate > CABLE_BYTES)
        lost = 1 - (double)CABLE_BYTES / (double)m->rate;
    if (m->part->trouble == SLOW_MACHINE) {
        m->drops += sent * 0.04;
        m->missed += sent * 0.04;
        m->heard -= sent * 0.04;
    }
    if (m->part->trouble == SLOW_DISK)
        share = SLOW * (0.9 + 0.2 * m->luck);
    m->heard += sent * (1 - lost);
    m->missed += sent * lost;
    m->facts.disk_limited = m->part->trouble == SLOW_DISK;
    m->facts.wanted_rate = share < 1 ? (uint64_t)((double)m->rate * share) : 0;
    m->facts.disk_rate = (uint64_t)((double)m->rate * GROWS * share * (1 - lost));
    m->facts.loss_ppm = m->facts.worst_ppm = (uint32_t)(lost * 1e6);
}

static void move(struct machine *m, struct mono now)
{
    struct session_facts *f = &m->facts;
    int64_t age = mono_sub(now, m->joined), creeps = age - MANIFEST_NS - m->ramp;
    double done = done_at(m, age);

    f->state = state_at(m, age);
    if (f->state == SESSION_RECEIVING && creeps > 0)
        done += (double)creeps / MONO_S * CREEP;
    if (m->beacons.news.tsi)
        m->rate = m->beacons.news.rate;
    if (f->state == SESSION_RECEIVING)
        hear(m, (double)mono_sub(now, m->moved) / MONO_S);
    else
        f->disk_rate = 0;
    f->done = (uint16_t)(done < ALL ? done : ALL);
    f->heard = (uint32_t)m->heard;
    f->missed = f->repaired = (uint32_t)m->missed;
    f->drops = (uint32_t)m->drops;
    f->error = f->state == SESSION_FAIL ? m->part->error : 0;
    m->moved = now;
}

static bool has_gone(const struct machine *m, struct mono now)
{
    int64_t since = mono_sub(now, m->joined) - MANIFEST_NS - m->ramp;

    return (m->part->act == FALLS_SILENT && since > 0) ||
           (m->part->end >= SESSION_PASS && since > VERIFY_NS + STAY_NS);
}

/* From the machine's own address. */
static void send_from(const struct machine *m, uint8_t *bytes, size_t n)
{
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.room = {0}};
    struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(m->address)};
    struct iovec iov = {bytes, n};
    struct msghdr msg = {.msg_name = &room.box,
                         .msg_namelen = sizeof room.box,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};

    control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof from),
                                    .cmsg_level = IPPROTO_IP,
                                    .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(&control.head), &from, sizeof from);
    if (n)
        sendmsg(room.fd, &msg, 0); /* the network may lose it */
}

static void speak(struct machine *m, struct mono now)
{
    uint8_t out[SESSION_DATAGRAM_MAX];
    size_t n;

    move(m, now);
    n = session_beacons_next(&m->beacons, &m->facts, now, out);
    if (!n)
        return;
    send_from(m, out, n);
    send_from(m, out, session_beacons_info(&m->beacons, out));
}

static void live(struct machine *m, struct mono now)
{
    bool only_boots = m->part->act == BOOTS_ONLY;

    if (!m->asked.ns || (only_boots && mono_sub(now, m->asked) > AGAIN_NS))
        ask_boot(m, now);
    if (only_boots || mono_sub(now, m->came) < BOOT_NS)
        return;
    if (!m->joined.ns || (m->part->act == JOINS_ONLY && mono_sub(now, m->joined) > AGAIN_NS))
        join(m, now);
    if (m->part->act != JOINS_ONLY && !has_gone(m, now))
        speak(m, now);
}

static void listen_once(void)
{
    uint8_t in[SESSION_ACK_BYTES + 1];
    ssize_t n;

    while ((n = recv(room.fd, in, sizeof in, MSG_DONTWAIT)) == SESSION_ACK_BYTES) {
        unsigned number = (unsigned)in[8] | (unsigned)in[9] << 8;

        if (number < room.n)
            session_beacons_ack(&room.all[number].beacons, in, (size_t)n, crowd_now());
    }
}

/* ---- all of it ---- */

static void open_sockets(void)
{
    const struct sockaddr_in boot = {.sin_family = AF_INET, .sin_port = htons(DHCP_CLIENT_PORT)};
    const int yes = 1;

    room.fd = socket(AF_INET, SOCK_DGRAM, 0);
    room.boot = socket(AF_INET, SOCK_DGRAM, 0);
    if (room.fd < 0 || room.boot < 0 ||
        setsockopt(room.boot, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) ||
        setsockopt(room.boot, SOL_SOCKET, SO_BINDTODEVICE, "eth0", sizeof "eth0") ||
        bind(room.boot, (const struct sockaddr *)&boot, sizeof boot))
        crowd_give_up("sockets");
}

int main(int argc, char **argv)
{
    struct in_addr first;
    struct mono begin;

    room.box = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(SESSION_PORT)};
    room.n = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    room.all = calloc(room.n ? room.n : 1, sizeof *room.all);
    if (!room.n || room.n > 4000 || !room.all ||
        inet_pton(AF_INET, argv[1], &room.box.sin_addr) != 1 ||
        inet_pton(AF_INET, argv[2], &first) != 1) {
        fputs("usage: room_tool BOX FIRST MACHINES SEED\n", stderr);
        return 2;
    }
    open_sockets();
    cast(ntohl(first.s_addr), strtoull(argv[4], NULL, 10));
    print_cast();
    begin = crowd_now();
    for (unsigned i = 0; i < room.n; i++)
        room.all[i].came = mono_add(begin, i * COME_NS);
    for (;;) {
        for (unsigned i = 0; i < room.n && mono_sub(crowd_now(), room.all[i].came) >= 0; i++) {
            live(&room.all[i], crowd_now());
            if (i % 16 == 0)
                listen_once();
        }
        poll(&(struct pollfd){.fd = room.fd, .events = POLLIN}, 1, 20);
        listen_once();
    }
}
