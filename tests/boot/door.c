/* A browser's way onto the virtual switch: a machine there, with a stack of its own, that carries
 * TCP connections of this computer's loopback interface to one machine on the switch. Needs no
 * privilege.
 *
 *   door SOCKET HOST PORT     plugs in at SOCKET, asks for an address as any laptop does, listens
 *                             on 127.0.0.1, prints the
 *                             port in one line, runs until who started it is gone
 *
 *   browser ──127.0.0.1:N── door ──lwIP── switch ── HOST:PORT
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "net/ip/stack.h"
#include "net/ip/tcp.h"
#include "net/os/clock.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define PIPES 64
#define LINE_BYTES (256 * 1024)
#define WAITING 64 /* pieces that came from there, before lwIP has to keep them */
#define STEP_MS 50

/* ---- the line to the switch: frames with their length in front ---- */

static struct line {
    int fd;
    uint8_t bytes[LINE_BYTES];
    size_t at, have;
} line;

static void fill(struct line *l)
{
    ssize_t n;

    memmove(l->bytes, l->bytes + l->at, l->have -= l->at);
    l->at = 0;
    n = recv(l->fd, l->bytes + l->have, sizeof l->bytes - l->have, MSG_DONTWAIT);
    if (n == 0)
        exit(0); /* the switch is gone */
    if (n > 0)
        l->have += (size_t)n;
}

static struct reader next_frame(struct line *l)
{
    struct reader r = reader_on(l->bytes + l->at, l->have - l->at);
    size_t size = rd_u32(&r);

    return rd_sub(&r, size);
}

static int line_receive(void *ctx, uint8_t *buf, size_t cap)
{
    struct line *l = ctx;
    struct reader frame = next_frame(l);
    size_t n;

    if (frame.bad) {
        fill(l);
        frame = next_frame(l);
    }
    if (frame.bad)
        return 0;
    n = frame.left;
    l->at += 4 + n;
    if (n > cap)
        return line_receive(ctx, buf, cap);
    memcpy(buf, frame.at, n);
    return (int)n;
}

/* Whole or not at all: half a frame would spoil the line. */
static int line_send(void *ctx, const uint8_t *frame, size_t n)
{
    const struct line *l = ctx;
    static uint8_t out[4 + IP_LINK_FRAME_MAX];
    struct writer w = writer_on(out, sizeof out);
    size_t at = 0;

    wr_u32(&w, n);
    wr_copy(&w, frame, n);
    while (at < w.done) {
        ssize_t sent = send(l->fd, out + at, w.done - at, MSG_NOSIGNAL);

        if (sent <= 0)
            exit(0);
        at += (size_t)sent;
    }
    return 0;
}

static void line_close(void *ctx)
{
    close(((struct line *)ctx)->fd);
}

static struct ip_link plug(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct ip_link link = {.ctx = &line,
                           .receive = line_receive,
                           .send = line_send,
                           .close = line_close};
    const uint8_t mac[6] = {0x52, 0x49, 0x4e, 0x47, 0x77, 0xf0};

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    link.fd = line.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line.fd < 0 || connect(line.fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror(path);
        exit(1);
    }
    memcpy(link.mac, mac, 6);
    return link;
}

/* ---- one connection ---- */

static struct pipe {
    bool used, connected, here_ended, there_ended;
    int fd;
    struct tcp_pcb *pcb;      /* NULL: lwIP has let go of it */
    struct pbuf *in[WAITING]; /* came from there, not yet given to fd */
    unsigned first, n;
} pipes[PIPES];

static void pipe_drop(struct pipe *p)
{
    ip_tcp_abort(&p->pcb);
    for (; p->n; p->n--)
        pbuf_free(p->in[p->first++ % WAITING]);
    close(p->fd);
    *p = (struct pipe){0};
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    ((struct pipe *)arg)->connected = true;
    return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *b, err_t err)
{
    struct pipe *p = arg;

    (void)pcb;
    (void)err;
    if (b && p->n == WAITING)
        return ERR_MEM; /* it comes again */
    if (b)
        p->in[(p->first + p->n++) % WAITING] = b;
    else
        p->there_ended = true;
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct pipe *p = arg;

    (void)err;
    p->pcb = NULL;
    p->there_ended = true;
}

static void pipe_open(int fd, uint32_t host, uint16_t port)
{
    struct pipe *p = pipes;
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(host));

    while (p < pipes + PIPES && p->used)
        p++;
    if (p == pipes + PIPES) {
        close(fd);
        return;
    }
    *p = (struct pipe){.used = true, .fd = fd, .pcb = tcp_new()};
    if (!p->pcb) {
        pipe_drop(p);
        return;
    }
    tcp_arg(p->pcb, p);
    tcp_recv(p->pcb, on_received);
    tcp_err(p->pcb, on_error);
    if (tcp_connect(p->pcb, &to, port, on_connected) != ERR_OK)
        pipe_drop(p);
}

/* What came from there goes to the browser, as much as it takes. */
static void bring(struct pipe *p)
{
    while (p->n) {
        struct pbuf **b = &p->in[p->first % WAITING];
        ssize_t n = send(p->fd, (*b)->payload, (*b)->len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            pipe_drop(p);
            return;
        }
        if (p->pcb)
            tcp_recved(p->pcb, (uint16_t)n);
        *b = pbuf_free_header(*b, (uint16_t)n);
        if (*b)
            continue;
        p->first++;
        p->n--;
    }
}

/* What the browser says goes there, as much as lwIP has room for. */
static void take(struct pipe *p)
{
    uint8_t bytes[16 * 1024];
    size_t most = tcp_sndbuf(p->pcb) < sizeof bytes ? tcp_sndbuf(p->pcb) : sizeof bytes;
    ssize_t n;

    if (most == 0 || tcp_sndqueuelen(p->pcb) + 16 > TCP_SND_QUEUELEN)
        return;
    n = recv(p->fd, bytes, most, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    p->here_ended = n <= 0;
    if (n > 0 && tcp_write(p->pcb, bytes, (uint16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
        pipe_drop(p);
    else
        tcp_output(p->pcb);
}

static void pipe_step(struct pipe *p)
{
    bring(p);
    if (p->used && p->pcb && p->connected && !p->here_ended)
        take(p);
    if (!p->used || !(p->here_ended || (p->there_ended && !p->n)))
        return;
    if (p->pcb) {
        tcp_arg(p->pcb, NULL);
        tcp_recv(p->pcb, NULL);
        tcp_err(p->pcb, NULL);
        (void)ip_tcp_close(&p->pcb);
    }
    pipe_drop(p);
}

/* ---- all of it ---- */

static int listen_here(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, PIPES) ||
        getsockname(fd, (struct sockaddr *)&a, &n)) {
        perror("127.0.0.1");
        exit(1);
    }
    printf("%u\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

/* Sleeps until something can be done: a frame, a newcomer, a browser that speaks or takes. */
static void rest(int listener, int most_ms)
{
    struct pollfd f[2 + PIPES] = {{.fd = line.fd, .events = POLLIN},
                                  {.fd = listener, .events = POLLIN}};
    nfds_t n = 2;

    for (struct pipe *p = pipes; p < pipes + PIPES; p++)
        if (p->used && (p->n || (p->connected && !p->here_ended && p->pcb && tcp_sndbuf(p->pcb))))
            f[n++] = (struct pollfd){p->fd,
                                     (short)((p->n ? POLLOUT : 0) |
                                             (p->connected && !p->here_ended ? POLLIN : 0)),
                                     0};
    (void)poll(f, n, most_ms);
}

static void serve(struct ip_stack *stack, uint32_t host, uint16_t port)
{
    int listener = listen_here(), fd, pause;

    for (;;) {
        pause = ip_stack_step(stack, clock_now());
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
            pipe_open(fd, host, port);
        for (struct pipe *p = pipes; p < pipes + PIPES; p++)
            if (p->used)
                pipe_step(p);
        rest(listener, pause < STEP_MS ? pause : STEP_MS);
    }
}

int main(int argc, char **argv)
{
    struct ip_config config = {.hostname = "laptop"};
    struct ip_stack *stack;
    struct ip_link link;
    struct err err = {0};
    uint32_t host;

    if (argc != 4 || ip_address_parse(argv[2], &host)) {
        fprintf(stderr, "usage: door SOCKET HOST PORT\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    link = plug(argv[1]);
    if (ip_stack_open_link(&stack, &link, &config, clock_now(), &err) ||
        ip_stack_wait_address(stack, IP_ADDRESS_MS, &err)) {
        fprintf(stderr, "door: %s\n", err.text);
        return 1;
    }
    serve(stack, host, (uint16_t)atoi(argv[3]));
}
