/* A simulated machine's way to the box over the kernel's sockets, for the programs beside this
 * file. What goes wrong ends the program. */
#ifndef TESTS_E2E_CROWD_H
#define TESTS_E2E_CROWD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/session/client.h"

static inline struct mono crowd_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static inline void crowd_give_up(const char *what)
{
    perror(what);
    exit(1);
}

/* Who machine `number` says it is, in every run. */
static inline void crowd_names(struct session_hello *h, unsigned number)
{
    memcpy(h->mac, (const uint8_t[6]){0x52, 0x54, 1, 0, (uint8_t)(number >> 8), (uint8_t)number},
           6);
    memcpy(h->id,
           (const uint8_t[8]){(uint8_t)number, (uint8_t)(number >> 8), 'c', 'r', 'o', 'w', 'd',
                              '!'},
           8);
}

/* Connected to the box from an address of this computer (host order; 0: any). The port is chosen by
 * connect: bind would draw one that the box still remembers as just closed, sooner or later, and
 * that is refused. */
static inline int crowd_connect(const struct sockaddr_in *at, uint32_t from)
{
    const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    const int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) ||
        bind(fd, (const struct sockaddr *)&own, sizeof own) ||
        connect(fd, (const struct sockaddr *)at, sizeof *at))
        crowd_give_up("connect");
    return fd;
}

/* The message and its whole answer, blocking. */
static inline struct session_handshake crowd_say(const struct sockaddr_in *at, uint32_t from,
                                                 const struct session_message *m)
{
    struct session_handshake h;
    uint8_t bytes[SESSION_MESSAGE_MAX];
    int fd = crowd_connect(at, from), rc = 0;
    size_t n = session_message_encode(m, bytes);

    if (write(fd, bytes, n) != (ssize_t)n)
        crowd_give_up("hello");
    session_handshake_init(&h);
    while (rc == 0) {
        ssize_t got = read(fd, bytes, sizeof bytes);

        if (got <= 0)
            crowd_give_up("answer");
        rc = session_handshake_input(&h, bytes, (size_t)got);
    }
    close(fd);
    if (rc < 0) {
        fprintf(stderr, "the answer is none: %d\n", rc);
        exit(1);
    }
    return h;
}

static inline struct session_welcome crowd_join(const struct sockaddr_in *at, uint32_t from,
                                                const struct session_hello *hello)
{
    struct session_message m = {.type = SESSION_HELLO, .u.hello = *hello};
    struct session_handshake h = crowd_say(at, from, &m);
    struct session_welcome w;
    struct err err = {0};

    if (session_handshake_result(&h, &w, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return w;
}

/* What is its own: whether the box has told it, and not refused. */
static inline bool crowd_ask(const struct sockaddr_in *at, uint32_t from,
                             const struct session_hello *hello)
{
    struct session_message m = {.type = SESSION_ASK};
    struct session_handshake h;
    struct session_own own;

    memcpy(m.u.ask.mac, hello->mac, sizeof m.u.ask.mac);
    memcpy(m.u.ask.id, hello->id, sizeof m.u.ask.id);
    h = crowd_say(at, from, &m);
    return session_handshake_own(&h, &own, NULL) == 0;
}

#endif
