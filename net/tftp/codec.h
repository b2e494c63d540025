/* TFTP packets as a server reads and writes them. Pure.
 *
 * A decoded packet is legal: strings end, numbers are in range, texts are printable ASCII. Options
 * that are unknown, given twice or out of range are left out one by one, as RFC 2347 wants it; the
 * rest of the request stands. */
#ifndef NET_TFTP_CODEC_H
#define NET_TFTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/tftp/errors.h"
#include "net/tftp/proto.h"

enum tftp_option { TFTP_BLKSIZE, TFTP_TSIZE, TFTP_TIMEOUT, TFTP_WINDOWSIZE, TFTP_OPTIONS };

struct tftp_options {
    unsigned n;                           /* how many there are, */
    enum tftp_option order[TFTP_OPTIONS]; /* in the client's order */
    uint64_t value[TFTP_OPTIONS];         /* of those that are there */
};

bool tftp_options_have(const struct tftp_options *, enum tftp_option);
/* One more at the end; it must not be there yet. */
void tftp_options_add(struct tftp_options *, enum tftp_option, uint64_t value);

struct tftp_packet {
    /* RRQ, WRQ, ACK or ERROR: what clients send to a server that only gives */
    enum tftp_opcode opcode;
    union {
        struct {
            const char *name; /* in the packet, without its NUL; any bytes but NUL */
            size_t name_bytes;
            bool octet; /* the mode; any other is false */
            struct tftp_options options;
        } request;
        uint16_t block; /* ACK */
        struct {
            uint16_t code;
            char text[TFTP_TEXT_MAX + 1]; /* printable; "" when there is none */
        } error;
    } u;
};

/* 0, or TFTP_ESHORT, TFTP_EOPCODE, TFTP_ESTRING. Borrows the bytes as long as the packet is used.
 */
int tftp_decode(const uint8_t *bytes, size_t n, struct tftp_packet *);

/* The header of a data packet; its bytes follow. */
void tftp_encode_data(uint8_t out[TFTP_HEADER_BYTES], uint16_t block);
/* Into out (TFTP_PACKET_MAX bytes); the length. */
size_t tftp_encode_oack(uint8_t *out, const struct tftp_options *);
size_t tftp_encode_error(uint8_t *out, enum tftp_code, const char *text);

/* n foreign bytes as printable ASCII, others as '?'; cut to fit cap with its NUL. */
void tftp_printable(char *out, size_t cap, const void *bytes, size_t n);

#endif
