/* Many machines in one program, as the box hears them: each says hello, then sends beacons and
 * tells what it is, and hears acks. Over the kernel's sockets; they share an address, because the
 * box tells them apart by their ids and MACs.
 *
 *   crowd_tool ADDRESS MACHINES SECONDS [FROM]
 *
 * Before it says hello each asks what is its own, as a target does; with FROM from an address of
 * its own, the first of which that is: the box rations what one address asks. One JSON object on
 * stdout when the time is up:
 * {"machines":..,"own":..,"beacons":..,"acks":..,"told":..,"late_ms":[median, 99th, worst]}. On
 * stderr "all are in" once the last has joined. They end without a word, as if somebody had
 * switched them off. */
#include <inttypes.h>
#include <poll.h>

#include "tests/e2e/crowd.h"

#define LATE_MAX 1000000

struct machine {
    struct session_beacons beacons;
    struct session_facts facts;
    struct mono sent;
};

/* Whether it was told what is its own. */
static bool join(struct machine *m, const struct sockaddr_in *at, unsigned number, uint32_t from)
{
    struct session_hello hello = {0};
    struct session_welcome w;
    bool own;

    crowd_names(&hello, number);
    own = crowd_ask(at, from, &hello);
    w = crowd_join(at, 0, &hello);
    session_beacons_init(&m->beacons, &w, hello.id, hello.mac, crowd_now());
    m->facts = (struct session_facts){.state = SESSION_RECEIVING, .disk_rate = 41000000 + number};
    return own;
}

static void tell_about(struct machine *m, unsigned number)
{
    struct session_info info = {.link_mbps = number % 10 ? 1000 : 100,
                                .disk = "Samsung \"SSD\" 980"};

    snprintf(info.serial, sizeof info.serial, "=PF%u", number);
    snprintf(info.disk_serial, sizeof info.disk_serial, "S%u", number);
    session_beacons_about(&m->beacons, &info);
}

struct tally {
    uint64_t beacons, acks, told;
    unsigned n, own;
    uint32_t *late_us;
};

static void speak(struct machine *m, int fd, const struct sockaddr_in *at, struct tally *t)
{
    uint8_t out[SESSION_DATAGRAM_MAX];
    struct mono at_now = crowd_now();
    size_t n = session_beacons_next(&m->beacons, &m->facts, at_now, out);

    if (!n)
        return;
    m->sent = at_now;
    m->facts.done = m->facts.done < 9000 ? m->facts.done + 20 : 9000;
    m->facts.heard += 60000;
    m->facts.missed += 3;
    t->beacons += sendto(fd, out, n, 0, (const struct sockaddr *)at, sizeof *at) == (ssize_t)n;
    n = session_beacons_info(&m->beacons, out);
    if (n)
        t->told += sendto(fd, out, n, 0, (const struct sockaddr *)at, sizeof *at) == (ssize_t)n;
}

static void listen_once(struct machine *all, unsigned machines, int fd, struct tally *t)
{
    uint8_t in[SESSION_ACK_BYTES + 1];
    ssize_t n;

    while ((n = recv(fd, in, sizeof in, MSG_DONTWAIT)) == SESSION_ACK_BYTES) {
        unsigned number = (unsigned)in[8] | (unsigned)in[9] << 8;

        if (number >= machines ||
            session_beacons_ack(&all[number].beacons, in, (size_t)n, crowd_now()))
            continue;
        t->acks++;
        if (t->n < LATE_MAX)
            t->late_us[t->n++] = (uint32_t)(mono_sub(crowd_now(), all[number].sent) / MONO_US);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void print(struct tally *t, unsigned machines)
{
    qsort(t->late_us, t->n, sizeof *t->late_us, by_size);
    printf("{\"machines\":%u,\"own\":%u,\"beacons\":%" PRIu64 ",\"acks\":%" PRIu64
           ",\"told\":%" PRIu64 ",\"late_ms\":[%.3f,%.3f,%.3f]}\n",
           machines, t->own, t->beacons, t->acks, t->told, t->n ? t->late_us[t->n / 2] / 1e3 : 0,
           t->n ? t->late_us[(uint64_t)t->n * 99 / 100] / 1e3 : 0,
           t->n ? t->late_us[t->n - 1] / 1e3 : 0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(SESSION_PORT)};
    struct in_addr from = {0};
    unsigned machines = argc == 4 || argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct machine *all = calloc(machines ? machines : 1, sizeof *all);
    struct tally t = {.late_us = malloc(LATE_MAX * sizeof *t.late_us)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct mono end;

    if ((argc == 5 && inet_pton(AF_INET, argv[4], &from) != 1) || !machines || machines > 4000 ||
        inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 || fd < 0 || !all || !t.late_us) {
        fputs("usage: crowd_tool ADDRESS MACHINES SECONDS [FROM]\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < machines; i++) {
        t.own += join(&all[i], &at, i, argc == 5 ? ntohl(from.s_addr) + i : 0);
        tell_about(&all[i], i);
    }
    fputs("all are in\n", stderr);
    end = mono_add(crowd_now(), (int64_t)strtol(argv[3], NULL, 10) * MONO_S);
    while (mono_sub(end, crowd_now()) > 0) {
        for (unsigned i = 0; i < machines; i++) {
            speak(&all[i], fd, &at, &t);
            if (i % 16 == 0)
                listen_once(all, machines, fd, &t);
        }
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5);
        listen_once(all, machines, fd, &t);
    }
    print(&t, machines);
    return 0;
}
