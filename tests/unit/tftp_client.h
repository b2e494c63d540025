/* A TFTP client as RFC 1350 and 7440 describe it, without sockets or clocks: what scenarios and the
 * bench measure the server with. It checks every byte against tftp_byte. */
#ifndef TESTS_UNIT_TFTP_CLIENT_H
#define TESTS_UNIT_TFTP_CLIENT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tftp/proto.h"
#include "net/wire/mono.h"

static inline uint8_t tftp_byte(uint64_t offset)
{
    return (uint8_t)(offset * UINT64_C(0x9E3779B97F4A7C15) >> 37);
}

enum tftp_client_state { CLIENT_ASKING, CLIENT_TAKING, CLIENT_DONE, CLIENT_FAILED };

struct tftp_sim_client {
    /* set by the user */
    const char *name;
    unsigned blksize, window; /* asked for; 0: not */
    bool tsize;
    /* acknowledges every data packet again that it has seen before, as old clients do */
    bool naive;
    int64_t timeout;
    const uint8_t *expected; /* the file's bytes, NULL: tftp_byte */
    size_t expected_bytes;
    /* kept here */
    enum tftp_client_state state;
    unsigned got_blksize, got_window;
    uint64_t next;  /* block expected */
    uint64_t bytes; /* taken */
    uint64_t tsize_said;
    unsigned in_window;
    bool gap;        /* one has been reported */
    uint16_t server; /* its port, 0: not known */
    struct mono last;
    unsigned wrong, timeouts;
    uint8_t out[600];
    size_t out_n;
};

static inline void sim_client_ack(struct tftp_sim_client *c, uint64_t block)
{
    c->out[0] = 0;
    c->out[1] = TFTP_ACK;
    c->out[2] = (uint8_t)(block >> 8);
    c->out[3] = (uint8_t)block;
    c->out_n = 4;
}

static inline void sim_client_option(struct tftp_sim_client *c, const char *name, unsigned value)
{
    c->out_n += (size_t)sprintf((char *)c->out + c->out_n, "%s", name) + 1;
    c->out_n += (size_t)sprintf((char *)c->out + c->out_n, "%u", value) + 1;
}

/* The request, in c->out. */
static inline void sim_client_ask(struct tftp_sim_client *c, struct mono now)
{
    c->out[0] = 0;
    c->out[1] = TFTP_RRQ;
    c->out_n = 2;
    c->out_n += (size_t)sprintf((char *)c->out + c->out_n, "%s", c->name) + 1;
    c->out_n += (size_t)sprintf((char *)c->out + c->out_n, "octet") + 1;
    if (c->tsize)
        sim_client_option(c, "tsize", 0);
    if (c->blksize)
        sim_client_option(c, "blksize", c->blksize);
    if (c->window)
        sim_client_option(c, "windowsize", c->window);
    c->last = now;
    c->got_blksize = TFTP_BLKSIZE_DEFAULT;
    c->got_window = 1;
    c->next = 1;
    c->state = CLIENT_ASKING;
}

static inline void sim_client_oack(struct tftp_sim_client *c, const uint8_t *bytes, size_t n)
{
    for (const char *at = (const char *)bytes + 2, *end = (const char *)bytes + n; at < end;) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, "blksize") == 0)
            c->got_blksize = (unsigned)atoi(value);
        else if (strcmp(at, "windowsize") == 0)
            c->got_window = (unsigned)atoi(value);
        else if (strcmp(at, "tsize") == 0)
            c->tsize_said = strtoull(value, NULL, 10);
        else
            c->wrong++;
        at = value + strlen(value) + 1;
    }
    c->state = CLIENT_TAKING;
    sim_client_ack(c, 0);
}

static inline void sim_client_take(struct tftp_sim_client *c, struct mono now, const uint8_t *bytes,
                                   size_t n)
{
    c->last = now; /* what it has already does not keep it waiting */
    if (c->expected)
        c->wrong +=
            c->bytes + n > c->expected_bytes || memcmp(bytes, c->expected + c->bytes, n) != 0;
    for (size_t i = 0; i < n && !c->expected; i++)
        c->wrong += bytes[i] != tftp_byte(c->bytes + i);
    c->bytes += n;
    c->gap = false;
    c->in_window++;
    if (n < c->got_blksize)
        c->state = CLIENT_DONE;
    if (c->in_window == c->got_window || c->state == CLIENT_DONE) {
        sim_client_ack(c, c->next);
        c->in_window = 0;
    }
    c->next++;
}

static inline void sim_client_data(struct tftp_sim_client *c, struct mono now, const uint8_t *bytes,
                                   size_t n)
{
    uint16_t block = (uint16_t)(bytes[2] << 8 | bytes[3]);
    int16_t ahead = (int16_t)(block - (uint16_t)c->next);

    c->state = CLIENT_TAKING;
    if (n - TFTP_HEADER_BYTES > c->got_blksize) {
        c->wrong++;
    } else if (ahead == 0) {
        sim_client_take(c, now, bytes + TFTP_HEADER_BYTES, n - TFTP_HEADER_BYTES);
    } else if (ahead > 0 && !c->gap) {
        c->gap = true;
        c->in_window = 0;
        sim_client_ack(c, c->next - 1);
    } else if (ahead < 0 && (c->naive || (ahead == -1 && c->in_window == 0))) {
        sim_client_ack(c, block); /* our acknowledgement may have been lost */
    }
}

/* A packet from the server's port; true: c->out is to be sent. */
static inline bool sim_client_input(struct tftp_sim_client *c, struct mono now, uint16_t port,
                                    const uint8_t *bytes, size_t n)
{
    c->out_n = 0;
    if (c->state >= CLIENT_DONE &&
        !(c->state == CLIENT_DONE && n >= 4 && bytes[1] == TFTP_DATA && c->naive))
        return false;
    if (c->server && c->server != port)
        return false;
    c->server = port;
    if (n < 4 || bytes[0]) {
        c->wrong++;
    } else if (bytes[1] == TFTP_OACK && c->next == 1 && c->state <= CLIENT_TAKING && !c->bytes) {
        sim_client_oack(c, bytes, n);
    } else if (bytes[1] == TFTP_DATA) {
        if (c->state == CLIENT_DONE)
            sim_client_ack(c, (uint64_t)(bytes[2] << 8 | bytes[3]));
        else
            sim_client_data(c, now, bytes, n);
    } else if (bytes[1] == TFTP_ERROR) {
        c->state = CLIENT_FAILED;
    }
    return c->out_n > 0;
}

/* Time passes; true: c->out is to be sent. */
static inline bool sim_client_tick(struct tftp_sim_client *c, struct mono now)
{
    if (c->state >= CLIENT_DONE || mono_sub(now, c->last) < c->timeout)
        return false;
    c->timeouts++;
    if (c->state == CLIENT_ASKING) {
        sim_client_ask(c, now);
    } else {
        c->last = now;
        c->in_window = 0;
        c->gap = false;
        sim_client_ack(c, c->next - 1);
    }
    return true;
}

#endif
