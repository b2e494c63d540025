/* A stranger on the segment: forged packets of a running stream, as fast as the kernel takes them.
 *
 *   forge INTERFACE COUNT
 *
 * Waits for one genuine packet (an IPv4 multicast datagram that fills the MTU) and keeps its IP,
 * UDP and LCT headers, so that everything a receiver can check for free is right. Sends COUNT
 * copies with random packet numbers, symbol numbers, tags and content, from a station of its own:
 * with the server's address the switch would look for the server here, and the bench measure that
 * instead. Prints how many it sent, in how many seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    FRAME = 1514,
    DATAGRAM = 14 + 20 + 8, /* where the UDP payload starts */
    CCI = DATAGRAM + 4,     /* packet number */
    TAG = DATAGRAM + 16,    /* 8 bytes of group MAC, then the block number */
    ESI = DATAGRAM + 30,
    SYMBOL = DATAGRAM + 32,
    BATCH = 64
};

static const uint8_t own_address[6] = {2, 'f', 'o', 'r', 'g', 'e'};
static uint64_t random_state = 88172645463325252;

static uint64_t next_random(void) /* xorshift64 */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_interface(const char *name)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP)), one = 1;
    struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};

    at.sll_ifindex = promiscuous.mr_ifindex = (int)if_nametoindex(name);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at))
        die(name);
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one))
        die("setsockopt");
    return fd;
}

static void catch_genuine(int fd, uint8_t *frame)
{
    for (;;) {
        ssize_t n = recv(fd, frame, FRAME, 0);

        if (n < 0)
            die("recv");
        if (n == FRAME && frame[23] == IPPROTO_UDP && (frame[30] & 0xF0) == 0xE0)
            break;
    }
    memcpy(frame + 6, own_address, sizeof own_address);
}

static void forge(uint8_t *frame)
{
    uint64_t r = next_random(), tag = next_random();

    memcpy(frame + CCI, &r, 4);
    memcpy(frame + TAG, &tag, 8);
    frame[TAG + 11] ^= (uint8_t)(r >> 32); /* a block near the genuine one */
    memcpy(frame + ESI, (uint8_t *)&r + 6, 2);
    frame[ESI] &= 0x1F; /* below most blocks' length, so it is plausible */
    for (int at = SYMBOL; at < FRAME; at += 160)
        memcpy(frame + at, &r, 8);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long send_forged(int fd, const uint8_t *genuine, long count)
{
    static uint8_t frames[BATCH][FRAME];
    struct iovec parts[BATCH];
    struct mmsghdr batch[BATCH];
    long sent = 0;

    memset(batch, 0, sizeof batch);
    for (int i = 0; i < BATCH; i++) {
        memcpy(frames[i], genuine, FRAME);
        parts[i] = (struct iovec){frames[i], FRAME};
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    while (sent < count) {
        unsigned todo = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
        int n;

        for (unsigned i = 0; i < todo; i++)
            forge(frames[i]);
        n = sendmmsg(fd, batch, todo, 0);
        if (n < 0 && errno != ENOBUFS && errno != EINTR)
            die("sendmmsg");
        sent += n > 0 ? n : 0;
    }
    return sent;
}

int main(int argc, char **argv)
{
    uint8_t genuine[FRAME];
    double began;
    long sent;
    int fd;

    if (argc != 3) {
        fprintf(stderr, "usage: forge INTERFACE COUNT\n");
        return 2;
    }
    fd = open_interface(argv[1]);
    catch_genuine(fd, genuine);
    began = seconds();
    sent = send_forged(fd, genuine, atol(argv[2]));
    printf("%ld %.3f\n", sent, seconds() - began);
    return 0;
}
