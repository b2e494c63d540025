#include "tests/unit/ip_pair.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/os/clock.h"
#include "net/wire/must.h"
#include "net/wire/rng.h"

struct line {
    int fd;
    unsigned loss;
    struct rng rng;
};

static struct line the_line;

static int line_receive(void *ctx, uint8_t *buf, size_t cap)
{
    ssize_t n = recv(((struct line *)ctx)->fd, buf, cap, MSG_DONTWAIT);

    return n > 0 ? (int)n : 0;
}

static int line_send(void *ctx, const uint8_t *frame, size_t n)
{
    struct line *l = ctx;

    if (rng_below(&l->rng, 100) >= l->loss)
        (void)!send(l->fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return 0;
}

static void line_close(void *ctx)
{
    close(((struct line *)ctx)->fd);
}

static struct ip_stack *stack_on(int fd, uint32_t address, unsigned loss, uint64_t seed)
{
    struct ip_link link = {.ctx = &the_line,
                           .fd = fd,
                           .receive = line_receive,
                           .send = line_send,
                           .close = line_close};
    struct ip_config config = {.address = address, .prefix = 24};
    struct ip_stack *stack;

    the_line = (struct line){.fd = fd, .loss = loss, .rng = {seed ^ address}};
    memcpy(link.mac, "\x52\x49\x4e\x47\x00", 5);
    link.mac[5] = (uint8_t)address;
    MUST(ip_stack_open_link(&stack, &link, &config, clock_now(), NULL) == 0);
    return stack;
}

void ip_pair_up(struct ip_pair *p, unsigned loss, uint64_t seed, void (*child)(struct ip_stack *))
{
    int fd[2], room = 1 << 20;

    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
    for (int i = 0; i < 2; i++)
        setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    p->child = fork();
    MUST(p->child >= 0);
    if (p->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fd[0]);
        child(stack_on(fd[1], PAIR_CHILD, loss, seed));
        _exit(0);
    }
    close(fd[1]);
    p->stack = stack_on(fd[0], PAIR_PARENT, loss, seed);
}

void ip_pair_down(struct ip_pair *p)
{
    kill(p->child, SIGKILL);
    while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR)
        ;
    ip_stack_close(p->stack);
}
