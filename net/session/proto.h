/* Numbers of the session protocol; SPEC.md beside this file says what they mean. */
#ifndef NET_SESSION_PROTO_H
#define NET_SESSION_PROTO_H

#define SESSION_PORT 7800 /* the default, that of Apple's asr */
#define SESSION_VERSION 1

/* SPEC section 2: messages on TCP. */
#define SESSION_FRAME_BYTES 8 /* magic, version, type, length */
#define SESSION_BODY_MAX 4096
#define SESSION_MESSAGE_MAX (SESSION_FRAME_BYTES + SESSION_BODY_MAX)
#define SESSION_NAME_MAX 64 /* as in the image's head */
#define SESSION_SENTENCE_MAX 200
#define SESSION_ASKER_PERSON 1 /* the byte that may follow the name in a HELLO */
#define SESSION_LIST_MAX 56    /* images a server offers: 56 entries of 73 bytes fit a body */
#define SESSION_HEAD_BYTES 512
#define SESSION_KEY_BYTES 16
#define SESSION_ID_BYTES 8
#define SESSION_SIGNATURE_BYTES 64
#define SESSION_OWN_MAX (SESSION_BODY_MAX - SESSION_SIGNATURE_BYTES)

enum session_type {
    SESSION_HELLO = 1,
    SESSION_WELCOME = 2,
    SESSION_REFUSE = 3,
    SESSION_LIST = 4,
    SESSION_BEACON = 5, /* UDP, SPEC section 3 */
    SESSION_ACK = 6,    /* UDP, SPEC section 4 */
    SESSION_INFO = 7,   /* UDP, SPEC section 6 */
    SESSION_ASK = 8,    /* TCP, SPEC section 7 */
    SESSION_OWN = 9,    /* the same */
};

enum session_refusal {
    SESSION_REFUSE_UNKNOWN = 1, /* no image of that name */
    SESSION_REFUSE_FULL = 2,    /* the receiver table is full */
    SESSION_REFUSE_CLOSING = 3, /* the server is stopping */
    SESSION_REFUSE_BROKEN = 4,  /* the request could not be understood */
    SESSION_REFUSE_PLAN = 5,    /* no session takes this machine now */
    SESSION_REFUSE_WAIT = 6,    /* its image is being checked or packed: it may ask again */
};

/* SPEC sections 3, 4 and 6: datagrams. */
#define SESSION_TAG_BYTES 16
#define SESSION_BEACON_BYTES 96
#define SESSION_ACK_BYTES 60
#define SESSION_INFO_MAX 56  /* bytes of each of its three texts */
#define SESSION_INSIDE_MAX 8 /* disks inside the machine that it names */
#define SESSION_INFO_BYTES                                                                         \
    (24 + 3 * (1 + SESSION_INFO_MAX) + 1 + SESSION_INSIDE_MAX * (9 + SESSION_INFO_MAX) +           \
     SESSION_TAG_BYTES) /* at most */
#define SESSION_DATAGRAM_MAX SESSION_INFO_BYTES
#define SESSION_REVISION_MAX 255
#define SESSION_LINK_MAX 1000000 /* Mbit/s */
/* A beacon and its ack on the wire, Ethernet preamble and gap counted: what the 1 % is reckoned
 * with. */
#define SESSION_EXCHANGE_WIRE_BYTES (SESSION_BEACON_BYTES + SESSION_ACK_BYTES + 2 * 66)

#endif
