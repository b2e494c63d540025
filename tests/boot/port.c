/* A machine's end of the virtual switch's line, without the machine.
 *
 *   port SOCKET flood N SIZE [PPS]     sends N numbered frames of SIZE bytes to the group 239.1.2.3
 *                                      (0 PPS: as fast as it goes)
 *   port SOCKET count SECONDS [join]   counts them until none came for SECONDS; join: reports its
 *                                      membership first
 *
 * Results are one JSON object on stdout. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "net/wire/mono.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "tests/boot/outq.h"

#define HEADERS 42 /* Ethernet, IPv4, UDP */
#define BATCH_BYTES (128 * 1024)

static const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 1, 2, 3};
static const uint8_t group_ip[4] = {239, 1, 2, 3};
static uint8_t own_mac[6] = {0x52, 0x49, 0x4e, 0x47};

static struct mono now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

static int plug(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror(path);
        exit(1);
    }
    own_mac[4] = (uint8_t)(getpid() >> 8);
    own_mac[5] = (uint8_t)getpid();
    return fd;
}

static bool send_whole(int fd, const uint8_t *bytes, size_t n)
{
    for (ssize_t sent; n; bytes += sent, n -= (size_t)sent)
        if ((sent = send(fd, bytes, n, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

/* Ethernet and IPv4 in front of `payload` bytes; the address of the sender is made of its MAC. */
static void put_headers(struct writer *w, unsigned proto, size_t payload)
{
    wr_copy(w, group_mac, 6);
    wr_copy(w, own_mac, 6);
    wr_u16(w, 0x0800);
    wr_u16(w, 0x4500);
    wr_u16(w, 20 + payload);
    wr_u32(w, 0);
    wr_u8(w, 1);
    wr_u8(w, proto);
    wr_u16(w, 0); /* nobody on this line checks it */
    wr_u8(w, 10);
    wr_copy(w, own_mac + 3, 3);
    wr_copy(w, group_ip, 4);
}

/* One frame with its length in front, numbered after its headers. */
static void put_numbered(struct writer *w, size_t size, uint32_t number)
{
    wr_u32(w, size);
    put_headers(w, 17, size - 34);
    wr_u16(w, 7800);
    wr_u16(w, 7800);
    wr_u16(w, size - 34);
    wr_u16(w, 0);
    wr_u32(w, number);
    wr_zero(w, size - HEADERS - 4);
}

static int flood(int fd, uint32_t n, size_t size, double pps)
{
    static uint8_t batch[BATCH_BYTES];
    struct mono start = now();
    double seconds;
    uint32_t sent = 0;

    while (sent < n) {
        struct writer w = writer_on(batch, sizeof batch);
        uint32_t most = pps > 0 ? 16 : UINT32_MAX;

        for (uint32_t i = 0; i < most && sent < n && w.left >= size + 4; i++)
            put_numbered(&w, size, sent++);
        if (w.bad || !send_whole(fd, batch, w.done))
            break;
        if (pps > 0) {
            int64_t ahead = (int64_t)(sent / pps * 1e9) - mono_sub(now(), start);

            if (ahead > 0)
                nanosleep(&(struct timespec){ahead / MONO_S, ahead % MONO_S}, NULL);
        }
    }
    seconds = (double)mono_sub(now(), start) / 1e9;
    printf("{\"sent\":%u,\"seconds\":%.3f,\"pps\":%.0f}\n", sent, seconds, sent / seconds);
    return sent != n;
}

static bool join(int fd)
{
    uint8_t bytes[4 + 42];
    struct writer w = writer_on(bytes, sizeof bytes);

    wr_u32(&w, 42);
    put_headers(&w, 2, 8);
    wr_u16(&w, 0x1600);
    wr_u16(&w, 0xffff & ~((0x1600 + (239 << 8 | 1) + (2 << 8 | 3)) % 0xffff));
    wr_copy(&w, group_ip, 4);
    return send_whole(fd, bytes, w.done);
}

struct tally {
    uint64_t frames, ours, gaps;
    uint32_t next;
    struct mono first, last;
};

static size_t tally_frames(struct tally *t, const uint8_t *bytes, size_t n)
{
    struct reader r = reader_on(bytes, n);

    for (;;) {
        struct reader frame, head = r;
        size_t size = rd_u32(&head);

        frame = rd_sub(&head, size);
        if (frame.bad)
            return n - r.left;
        r = head;
        t->frames++;
        if (size < HEADERS + 4 || memcmp(frame.at, group_mac, 6) != 0 || frame.at[23] != 17)
            continue;
        rd_bytes(&frame, HEADERS);
        size = rd_u32(&frame);
        t->gaps += t->ours && size != t->next;
        t->next = (uint32_t)size + 1;
        if (!t->ours++)
            t->first = now();
        t->last = now();
    }
}

static int count(int fd, double patience)
{
    static uint8_t bytes[512 * 1024];
    struct tally t = {0};
    size_t have = 0, used;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    double seconds;

    while (poll(&p, 1, (int)(patience * 1000)) > 0) {
        ssize_t n = read(fd, bytes + have, sizeof bytes - have);

        if (n <= 0)
            break;
        have += (size_t)n;
        used = tally_frames(&t, bytes, have);
        have -= used;
        memmove(bytes, bytes + used, have);
    }
    seconds = (double)mono_sub(t.last, t.first) / 1e9;
    printf("{\"frames\":%llu,\"received\":%llu,\"gaps\":%llu,\"seconds\":%.3f,\"pps\":%.0f}\n",
           (unsigned long long)t.frames, (unsigned long long)t.ours, (unsigned long long)t.gaps,
           seconds, seconds > 0 ? (double)t.ours / seconds : 0);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 5 && !strcmp(argv[2], "flood")) {
        size_t size = strtoul(argv[4], NULL, 10);

        if (size >= HEADERS + 4 && size <= FRAME_MAX)
            return flood(plug(argv[1]), (uint32_t)strtoul(argv[3], NULL, 10), size,
                         argc > 5 ? atof(argv[5]) : 0);
    }
    if (argc >= 4 && !strcmp(argv[2], "count")) {
        int fd = plug(argv[1]);

        if (argc > 4 && !join(fd))
            return 1;
        return count(fd, atof(argv[3]));
    }
    fputs("usage: port SOCKET flood N SIZE [PPS] | port SOCKET count SECONDS [join]\n", stderr);
    return 2;
}
