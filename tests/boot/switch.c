/* The virtual switch: machines in QEMU plug in through stream sockets, one port a machine. Needs no
 * privilege.
 *
 *   switch --dir DIR [OPTION...] PORT...     makes DIR/PORT for each port and DIR/control, prints
 *                                            "ready", runs until
 *                                            told to quit, or until who started it is gone
 *   qemu-system-x86_64 -netdev stream,id=n,server=off,addr.type=unix,addr.path=DIR/PORT -device
 *   virtio-net,netdev=n
 *
 *   --pcap DIR          a capture a port: DIR/PORT.pcap       --pcap-limit SIZE   each at most so
 *                                                             large (256MB)
 *   --pcap-streams no   without UDP to groups                 (a ring fills a disk)
 *   --queue SIZE        what waits for a slow port (4MB)      --snooping off      every multicast
 *                                                             goes everywhere
 *   --unknown WORD      groups nobody joined: until-querier (flooded as long as there is none),
 *                       flood, drop
 *   --membership S, --querier S, --last-member S              IGMP's timers in seconds (260, 255,
 *                                                             2)
 *   --fast-leave        a leave is believed at once
 *   --to PORT:WHAT      what the line does to frames towards the machine; --from PORT:WHAT: from
 *                       it. WHAT is a list such as
 *                       drop=1%,burst=8,delay=2ms,jitter=500us,late=5%,by=3ms,seed=7
 *
 * DIR/control takes lines and answers each with one line of JSON:
 *   stats | impair PORT to|from WHAT | clear PORT | cable PORT in|out | quit
 *
 * A port may be plugged in again when its machine is gone; what was learned there is forgotten with
 * it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "net/wire/units.h"
#include "tests/boot/bridge.h"
#include "tests/boot/capture.h"
#include "tests/boot/count.h"
#include "tests/boot/held.h"
#include "tests/boot/impair.h"
#include "tests/boot/outq.h"

#define READ_BYTES (256 * 1024)
#define LINE_BYTES 512
#define STATS_BYTES (256 * 1024)

struct port {
    const char *name;
    int listener, fd; /* fd < 0: nobody is plugged in */
    bool unplugged;   /* the cable is out: frames are lost, both ways */
    bool watching;    /* epoll tells when fd takes more */
    uint8_t *bytes;   /* what came in; FRAMES begin at its start */
    size_t have;
    struct outq out;
    struct impair to, from;
    struct count sent, received; /* as the machine sees it: sent by it, received by it */
    uint64_t impaired;           /* frames the line lost */
    uint64_t connections;
    struct capture capture;
};

struct client { /* of the control socket, one at a time */
    int fd;
    char line[LINE_BYTES];
    size_t n;
};

static struct {
    const char *dir, *pcap;
    uint64_t pcap_limit, queue;
    bool no_streams; /* in captures */
    struct snoop_config snoop;
    struct port ports[BRIDGE_PORTS];
    const char *names[SNOOP_PORTS];
    unsigned n_ports;
    struct bridge bridge;
    struct held held;
    int epoll, control;
    struct client client;
    bool quit;
} sw = {.pcap_limit = 256000000, .queue = 4000000, .client.fd = -1};

/* What an epoll event is about: a kind, and a port's number. */
enum { EV_LISTENER = 0x100, EV_PORT = 0x200, EV_CONTROL = 0x300, EV_CLIENT = 0x400 };

_Noreturn static void die(const char *what, const char *about)
{
    fprintf(stderr, "switch: %s: %s\n", about, what);
    exit(1);
}

static struct mono now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static void watch(int fd, uint32_t events, uint64_t what, int op)
{
    struct epoll_event e = {.events = events, .data.u64 = what};

    if (epoll_ctl(sw.epoll, op, fd, &e) != 0)
        die(strerror(errno), "epoll");
}

static unsigned number_of(const struct port *p)
{
    return (unsigned)(p - sw.ports);
}

static void plug_out(struct port *p)
{
    close(p->fd);
    p->fd = -1;
    p->have = 0;
    p->watching = false;
    outq_clear(&p->out);
    bridge_port_down(&sw.bridge, number_of(p));
    capture_flush(&p->capture);
}

static void plug_in(struct port *p)
{
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), size = 1 << 20;

    if (fd < 0)
        return;
    if (p->fd >= 0) /* the machine was started anew before the old one was seen to go */
        plug_out(p);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    p->fd = fd;
    p->connections++;
    watch(fd, EPOLLIN, EV_PORT | number_of(p), EPOLL_CTL_ADD);
    if (!p->unplugged)
        bridge_port_up(&sw.bridge, number_of(p));
}

/* The port's sending end: sends, and asks to be told when the rest can go. */
static void send_out(struct port *p)
{
    if (p->fd < 0)
        return;
    if (!outq_send(&p->out, p->fd)) {
        plug_out(p);
        return;
    }
    if (outq_waiting(&p->out) != p->watching) {
        p->watching = !p->watching;
        watch(p->fd, EPOLLIN | (p->watching ? EPOLLOUT : 0), EV_PORT | number_of(p), EPOLL_CTL_MOD);
    }
}

static void send_all(void)
{
    for (unsigned i = 0; i < sw.n_ports; i++)
        if (sw.ports[i].out.n_pieces)
            send_out(&sw.ports[i]);
}

static void capture(struct port *p, const uint8_t *frame, size_t n, enum count_kind kind)
{
    if (kind != COUNT_group || !sw.no_streams)
        capture_frame(&p->capture, frame, n);
}

/* A frame reaches the machine's end of the line. `lent`: its bytes stay where they are until the
 * next send_all. */
static void arrive(struct port *p, const uint8_t *framed, size_t n, bool lent)
{
    bool noted;
    enum count_kind kind = count_kind(framed + 4, n - 4);

    if (p->fd < 0 || p->unplugged)
        return;
    if (p->out.n_pieces == OUTQ_PIECES)
        send_out(p);
    if (p->fd < 0 || !outq_put(&p->out, framed, n, &noted))
        return;
    p->received.frames[kind]++;
    p->received.bytes[kind] += n - 4;
    capture(p, framed + 4, n - 4, kind);
    if (noted && !lent)
        send_out(p);
}

/* A frame enters the lines towards the machines of a set of ports, `late` after now: the dice of
 * all lines it passes are cast when it comes in. */
static void spread(struct mono t, int64_t late, uint32_t ports, const uint8_t *framed, size_t n)
{
    for (unsigned i = 0; ports; ports &= ~(UINT32_C(1) << i), i++) {
        struct port *p = &sw.ports[i];
        int64_t delay = 0;

        if (!(ports >> i & 1))
            continue;
        if (!impair_none(&p->to) && !impair_frame(&p->to, &delay))
            p->impaired++;
        else if (late + delay)
            held_put(&sw.held, mono_add(t, late + delay), UINT32_C(1) << i, framed, n);
        else
            arrive(p, framed, n, true);
    }
}

/* A frame from a machine. */
static void enter(struct port *p, struct mono t, const uint8_t *framed, size_t n)
{
    enum count_kind kind = count_kind(framed + 4, n - 4);
    int64_t delay = 0;

    p->sent.frames[kind]++;
    p->sent.bytes[kind] += n - 4;
    capture(p, framed + 4, n - 4, kind);
    if (p->unplugged)
        return;
    if (!impair_none(&p->from) && !impair_frame(&p->from, &delay)) {
        p->impaired++;
        return;
    }
    spread(t, delay, bridge_forward(&sw.bridge, t, number_of(p), framed + 4, n - 4), framed, n);
}

/* Frames whose time has come. */
static void release(struct mono t)
{
    struct held_frame f;

    while (held_take(&sw.held, t, &f)) {
        for (unsigned i = 0; i < sw.n_ports; i++)
            if (f.ports >> i & 1)
                arrive(&sw.ports[i], f.framed, f.n, false);
        free(f.framed);
    }
}

static uint32_t length_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* All whole frames that are there. False: the machine speaks nonsense. */
static bool take_frames(struct port *p, struct mono t)
{
    size_t at = 0;

    while (p->have - at >= 4) {
        size_t n = length_at(p->bytes + at);

        if (n > FRAME_MAX || n < FRAME_MIN)
            return false;
        if (p->have - at - 4 < n)
            break;
        enter(p, t, p->bytes + at, n + 4);
        if (p->fd < 0)
            return true;
        at += n + 4;
    }
    send_all(); /* from here on the bytes move */
    p->have -= at;
    memmove(p->bytes, p->bytes + at, p->have);
    return true;
}

static void read_port(struct port *p, struct mono t)
{
    ssize_t n = read(p->fd, p->bytes + p->have, READ_BYTES - p->have);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        plug_out(p);
        return;
    }
    p->have += (size_t)n;
    if (!take_frames(p, t)) {
        send_all();
        fprintf(stderr, "switch: %s: a frame of impossible length; its line goes down\n", p->name);
        plug_out(p);
    }
}

/*
 * Control
 */

static void report_port(const struct port *p, struct json *j)
{
    json_open(j, p->name, '{');
    json_bool(j, "plugged", p->fd >= 0 && !p->unplugged);
    json_u64(j, "connections", p->connections);
    count_report(&p->sent, "sent", j);
    count_report(&p->received, "received", j);
    json_u64(j, "queued", p->out.used);
    json_u64(j, "queue_dropped", p->out.dropped);
    json_u64(j, "line_lost", p->impaired);
    json_u64(j, "capture_missed", p->capture.missed);
    json_close(j);
}

static const char *report(void)
{
    static char text[STATS_BYTES];
    struct json j = json_on(text, sizeof text);
    const char *whole;

    json_open(&j, NULL, '{');
    json_open(&j, "ports", '{');
    for (unsigned i = 0; i < sw.n_ports; i++) {
        report_port(&sw.ports[i], &j);
        capture_flush(&sw.ports[i].capture);
    }
    json_close(&j);
    snoop_report(&sw.bridge.snoop, now(), sw.names, &j);
    json_u64(&j, "addresses_moved", sw.bridge.moved);
    json_u64(&j, "held", sw.held.count);
    json_u64(&j, "held_dropped", sw.held.dropped);
    json_close(&j);
    whole = json_text(&j);
    return whole ? whole : "{\"error\":\"too much to say\"}";
}

static struct port *port_named(const char *name)
{
    for (unsigned i = 0; name && i < sw.n_ports; i++)
        if (!strcmp(sw.ports[i].name, name))
            return &sw.ports[i];
    return NULL;
}

static bool impair_all(struct impair *line, char *what)
{
    char *save;

    for (char *one = strtok_r(what, ",", &save); one; one = strtok_r(NULL, ",", &save))
        if (!impair_set(line, one))
            return false;
    return true;
}

static bool do_impair(struct port *p, const char *way, char *what)
{
    struct impair *line = !way                   ? NULL
                          : !strcmp(way, "to")   ? &p->to
                          : !strcmp(way, "from") ? &p->from
                                                 : NULL;

    return line && what && impair_all(line, what);
}

static bool do_cable(struct port *p, const char *where)
{
    if (!where || (strcmp(where, "in") && strcmp(where, "out")))
        return false;
    p->unplugged = !strcmp(where, "out");
    if (p->unplugged)
        bridge_port_down(&sw.bridge, number_of(p));
    else if (p->fd >= 0)
        bridge_port_up(&sw.bridge, number_of(p));
    return true;
}

static const char *obey(char *line)
{
    char *save, *word = strtok_r(line, " ", &save), *name = strtok_r(NULL, " ", &save);
    char *third = strtok_r(NULL, " ", &save), *fourth = strtok_r(NULL, " ", &save);
    struct port *p = port_named(name);
    bool done = false;

    if (!word)
        return "{\"error\":\"expected a command\"}";
    if (!strcmp(word, "stats"))
        return report();
    if (!strcmp(word, "quit"))
        sw.quit = done = true;
    else if (p && !strcmp(word, "impair"))
        done = do_impair(p, third, fourth);
    else if (p && !strcmp(word, "cable"))
        done = do_cable(p, third);
    else if (p && !strcmp(word, "clear"))
        p->to = p->from = (struct impair){.drop = 0}, done = true;
    return done ? "{\"ok\":true}"
                : "{\"error\":\"expected stats, quit, impair PORT to|from WHAT, clear PORT or "
                  "cable PORT in|out\"}";
}

/* Answers are waited for: who asks is a test on the same machine. */
static bool answer(int fd, const char *text)
{
    size_t n = strlen(text);

    for (ssize_t sent; n; text += sent, n -= (size_t)sent)
        if ((sent = send(fd, text, n, MSG_NOSIGNAL)) <= 0)
            return false;
    return send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
}

static void client_gone(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    *c = (struct client){.fd = -1};
}

static void client_comes(struct client *c)
{
    int fd = accept4(sw.control, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    client_gone(c);
    c->fd = fd;
    watch(fd, EPOLLIN, EV_CLIENT, EPOLL_CTL_ADD);
}

static void client_speaks(struct client *c)
{
    ssize_t n = recv(c->fd, c->line + c->n, sizeof c->line - 1 - c->n, MSG_DONTWAIT);
    char *end;

    if (n <= 0) {
        client_gone(c);
        return;
    }
    c->n += (size_t)n;
    c->line[c->n] = '\0';
    while (c->fd >= 0 && (end = strchr(c->line, '\n'))) {
        size_t used = (size_t)(end + 1 - c->line);

        *end = '\0';
        if (!answer(c->fd, obey(c->line))) {
            client_gone(c);
            return;
        }
        c->n -= used;
        memmove(c->line, c->line + used, c->n + 1);
    }
    if (c->n == sizeof c->line - 1)
        client_gone(c);
}

/*
 * Life
 */

static int listen_at(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if ((size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", sw.dir, name) >= sizeof a.sun_path)
        die("the path is too long for a socket", name);
    unlink(a.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4) != 0)
        die(strerror(errno), a.sun_path);
    return fd;
}

static void make_port(struct port *p)
{
    char path[4096];

    p->fd = -1;
    p->listener = listen_at(p->name);
    p->bytes = malloc(READ_BYTES);
    if (!p->bytes)
        die("no memory", p->name);
    outq_init(&p->out, sw.queue);
    watch(p->listener, EPOLLIN, EV_LISTENER | number_of(p), EPOLL_CTL_ADD);
    if (!sw.pcap)
        return;
    snprintf(path, sizeof path, "%s/%s.pcap", sw.pcap, p->name);
    if (!capture_open(&p->capture, path, sw.pcap_limit))
        die(strerror(errno), path);
}

/* Milliseconds until the next held frame is due; -1: there is none. */
static int patience(void)
{
    const struct held_frame *first = held_first(&sw.held);
    int64_t left = first ? mono_sub(first->due, now()) : 0;

    return !first ? -1 : left <= 0 ? 0 : (int)((left + MONO_MS - 1) / MONO_MS);
}

static void handle(const struct epoll_event *e, struct mono t)
{
    struct port *p = &sw.ports[e->data.u64 & 0xff];

    switch (e->data.u64 & 0xf00) {
    case EV_LISTENER:
        plug_in(p);
        break;
    case EV_PORT:
        if (p->fd >= 0 && e->events & EPOLLOUT)
            send_out(p);
        if (p->fd >= 0 && e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_port(p, t);
        break;
    case EV_CONTROL:
        client_comes(&sw.client);
        break;
    case EV_CLIENT:
        if (sw.client.fd >= 0)
            client_speaks(&sw.client);
        break;
    }
}

static void run(void)
{
    struct epoll_event events[BRIDGE_PORTS * 2 + 2];

    while (!sw.quit) {
        int n = epoll_wait(sw.epoll, events, sizeof events / sizeof *events, patience());
        struct mono t = now();

        if (n < 0 && errno != EINTR)
            die(strerror(errno), "epoll_wait");
        release(t);
        for (int i = 0; i < n; i++)
            handle(&events[i], t);
    }
}

static void on_signal(int signal)
{
    (void)signal;
    sw.quit = true;
}

_Noreturn static void usage(void)
{
    fputs("usage: switch --dir DIR [--pcap DIR] [--pcap-limit SIZE] [--queue SIZE] [--snooping "
          "on|off]\n"
          "              [--unknown until-querier|flood|drop] [--membership S] [--querier S] "
          "[--last-member S]\n"
          "              [--fast-leave] [--to PORT:WHAT] [--from PORT:WHAT] PORT...\n",
          stderr);
    exit(2);
}

static bool set_unknown(const char *v)
{
    static const char *const words[] = {
        [SNOOP_UNTIL_QUERIER] = "until-querier", [SNOOP_FLOOD] = "flood", [SNOOP_DROP] = "drop"};

    for (int i = 0; i <= SNOOP_DROP; i++)
        if (!strcmp(v, words[i])) {
            sw.snoop.unknown = (enum snoop_unknown)i;
            return true;
        }
    return false;
}

static bool set_seconds(const char *v, int64_t *ns)
{
    char *end;
    double s = strtod(v, &end);

    *ns = (int64_t)(s * 1e9);
    return end != v && !*end && s > 0 && s < 1e6;
}

static bool set_option(const char *name, const char *v)
{
    if (!strcmp(name, "--dir"))
        return (sw.dir = v) != NULL;
    if (!strcmp(name, "--pcap"))
        return (sw.pcap = v) != NULL;
    if (!strcmp(name, "--pcap-limit"))
        return units_size(v, &sw.pcap_limit) == 0;
    if (!strcmp(name, "--pcap-streams"))
        return (sw.no_streams = !strcmp(v, "no")) || !strcmp(v, "yes");
    if (!strcmp(name, "--queue"))
        return units_size(v, &sw.queue) == 0 && sw.queue >= FRAME_ROOM && sw.queue < 1u << 30;
    if (!strcmp(name, "--snooping"))
        return (sw.snoop.off = !strcmp(v, "off")) || !strcmp(v, "on");
    if (!strcmp(name, "--unknown"))
        return set_unknown(v);
    if (!strcmp(name, "--membership"))
        return set_seconds(v, &sw.snoop.membership_ns);
    if (!strcmp(name, "--querier"))
        return set_seconds(v, &sw.snoop.querier_ns);
    if (!strcmp(name, "--last-member"))
        return set_seconds(v, &sw.snoop.last_member_ns);
    return false;
}

/* "PORT:WHAT" after --to and --from; the ports are known by then. */
static void set_line(const char *way, char *v)
{
    char *what = strchr(v, ':');
    struct port *p;

    if (!what)
        usage();
    *what++ = '\0';
    p = port_named(v);
    if (!p || !do_impair(p, way, what))
        die("expected PORT:drop=1%,burst=8,delay=2ms,jitter=500us,late=5%,by=3ms,seed=7", way);
}

static void take_arguments(int argc, char **argv)
{
    int lines[64], n_lines = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--fast-leave")) {
            sw.snoop.fast_leave = true;
        } else if (argv[i][0] != '-') {
            if (sw.n_ports == BRIDGE_PORTS || !strcmp(argv[i], "control") || strchr(argv[i], '/'))
                usage();
            sw.names[sw.n_ports] = argv[i];
            sw.ports[sw.n_ports++].name = argv[i];
        } else if (i + 1 == argc) {
            usage();
        } else if ((!strcmp(argv[i], "--to") || !strcmp(argv[i], "--from")) && n_lines < 64) {
            lines[n_lines++] = i++;
        } else if (!set_option(argv[i], argv[i + 1])) {
            usage();
        } else {
            i++;
        }
    }
    if (!sw.dir || !sw.n_ports)
        usage();
    for (int i = 0; i < n_lines; i++)
        set_line(argv[lines[i]] + 2, argv[lines[i] + 1]);
}

int main(int argc, char **argv)
{
    sw.snoop = snoop_defaults;
    take_arguments(argc, argv);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sw.epoll = epoll_create1(EPOLL_CLOEXEC);
    bridge_init(&sw.bridge, &sw.snoop);
    for (unsigned i = 0; i < sw.n_ports; i++)
        make_port(&sw.ports[i]);
    sw.control = listen_at("control");
    watch(sw.control, EPOLLIN, EV_CONTROL, EPOLL_CTL_ADD);
    puts("ready");
    fflush(stdout);
    run();
    puts(report());
    for (unsigned i = 0; i < sw.n_ports; i++)
        capture_close(&sw.ports[i].capture);
    return 0;
}
