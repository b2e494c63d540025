#include "net/status/cause.h"

#include <stdio.h>
#include <string.h>

#define SLOW_MBPS 100 /* a cable of four wires, or a bad one: never what was meant */

/* "800 Mbit/s", "1.2 Gbit/s" */
static const char *bits_text(char to[32], uint64_t bits)
{
    if (bits >= 1000000000)
        snprintf(to, 32, "%.3g Gbit/s", (double)bits / 1e9);
    else
        snprintf(to, 32, "%.3g Mbit/s", (double)bits / 1e6);
    return to;
}

static bool works(enum room_state s)
{
    return s == ROOM_MANIFEST || s == ROOM_RECEIVING;
}

static bool cable_is_slow(const struct cause_facts *f)
{
    uint64_t link = (uint64_t)f->link_mbps * 1000000;

    return link && (f->link_mbps <= SLOW_MBPS || link < f->stream_bits_s);
}

static void say_cable(const struct cause_facts *f, char *to)
{
    char link[32], stream[32];

    bits_text(link, (uint64_t)f->link_mbps * 1000000);
    if (f->stream_bits_s)
        snprintf(to, ROOM_CAUSE_MAX + 1, "The cable runs at %s; the stream goes at %s", link,
                 bits_text(stream, f->stream_bits_s));
    else
        snprintf(to, ROOM_CAUSE_MAX + 1, "The cable runs at %s", link);
}

/* The receiver says which stream its disk could follow: at the same compression the one that goes
 * out needs so much of a disk. */
static void say_disk(const struct cause_facts *f, char *to)
{
    double writes = (double)f->disk_bytes_s / 1e6, needs = 0;

    if (f->wanted_bits_s)
        needs = writes * (double)f->stream_bits_s / (double)f->wanted_bits_s;
    if (needs > writes)
        snprintf(to, ROOM_CAUSE_MAX + 1, "The disk writes %.3g MB/s, the stream needs %.3g MB/s",
                 writes, needs);
    else
        snprintf(to, ROOM_CAUSE_MAX + 1, "The disk is slower than the stream: it writes %.3g MB/s",
                 writes);
}

static void say_failure(const struct cause_facts *f, char *to)
{
    if (f->failure)
        snprintf(to, ROOM_CAUSE_MAX + 1, "Failed: %.150s (error %d)", f->failure, (int)f->error);
    else
        snprintf(to, ROOM_CAUSE_MAX + 1, "Failed with error %d; its own screen says more",
                 (int)f->error);
}

static void say_machine(const struct cause_facts *f, char *to)
{
    if (f->drop_ppm >= CAUSE_LOSS_PPM)
        snprintf(to, ROOM_CAUSE_MAX + 1,
                 "The machine is slower than the stream: it drops %.2g %% of the packets",
                 f->drop_ppm / 1e4);
    else
        snprintf(to, ROOM_CAUSE_MAX + 1,
                 "The machine is slower than the stream: it takes a part of it in each pass");
}

static enum room_culprit working(const struct cause_facts *f, char *to)
{
    if (cable_is_slow(f)) {
        say_cable(f, to);
        return ROOM_CABLE;
    }
    if (!works(f->state))
        return ROOM_NOBODY;
    if (f->disk_limited && !(f->stream_bits_s && f->wanted_bits_s >= f->stream_bits_s)) {
        say_disk(f, to);
        return ROOM_DISK;
    }
    if (f->machine_limited || f->drop_ppm >= CAUSE_LOSS_PPM) {
        say_machine(f, to);
        return ROOM_MACHINE;
    }
    if (f->loss_ppm < CAUSE_LOSS_PPM)
        return ROOM_NOBODY;
    snprintf(to, ROOM_CAUSE_MAX + 1,
             "%.2g %% of the packets are lost on the way: look at the cable and the switch port",
             f->loss_ppm / 1e4);
    return ROOM_NETWORK;
}

enum room_culprit cause_say(const struct cause_facts *f, char to[ROOM_CAUSE_MAX + 1])
{
    to[0] = 0;
    switch (f->state) {
    case ROOM_FAIL:
        say_failure(f, to);
        return ROOM_ERROR;
    case ROOM_LOST:
        snprintf(to, ROOM_CAUSE_MAX + 1, "It fell silent: is it switched off, or its cable out?");
        return ROOM_SILENCE;
    case ROOM_LEFT:
        snprintf(to, ROOM_CAUSE_MAX + 1, "Stopped by somebody at the machine");
        return ROOM_NOBODY;
    case ROOM_PASS:
        return ROOM_NOBODY;
    default:
        return working(f, to);
    }
}
