/* TFTP's numbers: RFC 1350 (packets), 2347 (options), 2348 (blksize), 2349 (timeout, tsize), 7440
 * (windowsize). */
#ifndef NET_TFTP_PROTO_H
#define NET_TFTP_PROTO_H

#define TFTP_PORT 69

/* RFC 1350 section 5, RFC 2347: the first two bytes. */
enum tftp_opcode {
    TFTP_RRQ = 1,   /* name NUL mode NUL (option NUL value NUL)... */
    TFTP_WRQ = 2,   /* the same */
    TFTP_DATA = 3,  /* block number, at most blksize bytes; fewer: the last */
    TFTP_ACK = 4,   /* block number */
    TFTP_ERROR = 5, /* code, text NUL */
    TFTP_OACK = 6   /* (option NUL value NUL)... */
};

/* RFC 1350 appendix, RFC 2347. */
enum tftp_code {
    TFTP_CODE_OTHER = 0,
    TFTP_CODE_NOT_FOUND = 1,
    TFTP_CODE_ACCESS = 2,
    TFTP_CODE_ILLEGAL = 4,
    TFTP_CODE_OPTIONS = 8
};

#define TFTP_HEADER_BYTES 4
#define TFTP_BLKSIZE_DEFAULT 512 /* RFC 1350 */
#define TFTP_BLKSIZE_MIN 8       /* RFC 2348 */
#define TFTP_BLKSIZE_TOP 65464   /* RFC 2348: asked for; */
/* given: an Ethernet frame, less IP, UDP and our header; nothing is ever fragmented */
#define TFTP_BLKSIZE_MAX 1468
/* blocks given at most (RFC 7440): 24 KB fit the buffers of any switch port */
#define TFTP_WINDOW_MAX 16
#define TFTP_TIMEOUT_MAX 20   /* seconds taken from a client at most (RFC 2349 allows 255) */
#define TFTP_REQUEST_MAX 1024 /* bytes of a request; RFC 2347 says 512 */
#define TFTP_PACKET_MAX (TFTP_HEADER_BYTES + TFTP_BLKSIZE_MAX)
#define TFTP_TEXT_MAX 120 /* bytes of an error's text that are kept */

#endif
