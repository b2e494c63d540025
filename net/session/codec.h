/* Session messages as bytes and as structs whose values are already legal (SPEC.md). Pure. */
#ifndef NET_SESSION_CODEC_H
#define NET_SESSION_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/session/errors.h"
#include "net/session/proto.h"

struct session_hello {
    uint8_t mac[6];
    uint8_t id[SESSION_ID_BYTES]; /* random, new for every run of a receiver */
    /* a person gave the order at the machine; else it was booted from the network and asks by
     * itself */
    bool person;
    char name[SESSION_NAME_MAX + 1]; /* image wanted; "" when the server has but one */
};

struct session_welcome {
    uint16_t tsi;    /* not 0 */
    uint32_t group;  /* multicast address, host order */
    uint32_t source; /* address the stream comes from */
    uint16_t port;   /* UDP port of the stream, and of beacons at the server */
    uint8_t ttl;     /* of the stream, not 0 */
    uint8_t key[SESSION_KEY_BYTES];
    uint64_t rate;                    /* bytes per second on the wire at this moment */
    uint32_t beacon_ms;               /* beacon interval, 250 .. 60000 */
    uint32_t sbn;                     /* a source block the stream is now at: a hint */
    uint8_t head[SESSION_HEAD_BYTES]; /* of the image, not looked into here */
};

struct session_refuse {
    uint16_t code; /* enum session_refusal; others pass, the sentence speaks */
    char sentence[SESSION_SENTENCE_MAX + 1];
};

struct session_list {
    unsigned n;
    struct session_offer {
        uint64_t raw_bytes;
        char name[SESSION_NAME_MAX + 1];
    } image[SESSION_LIST_MAX];
};

/* SPEC section 7: a machine asks what is its own; the answer is signed, its content not looked into
 * here. */
struct session_ask {
    uint8_t mac[6];
    uint8_t id[SESSION_ID_BYTES];
};

struct session_own {
    uint8_t signature[SESSION_SIGNATURE_BYTES];
    size_t n;
    uint8_t bytes[SESSION_OWN_MAX];
};

/* Any message of the TCP side. */
struct session_message {
    enum session_type type;
    union {
        struct session_hello hello;
        struct session_welcome welcome;
        struct session_refuse refuse;
        struct session_list list;
        struct session_ask ask;
        struct session_own own;
    } u;
};

/* Looks at the start of what has arrived: the whole message's length (> 0), 0 when n bytes do not
 * say yet, or a negative code when this cannot become a message. */
int session_message_length(const uint8_t *bytes, size_t n);
/* Decodes exactly one message of n bytes; 0 or a negative code. */
int session_message_decode(const uint8_t *bytes, size_t n, struct session_message *);
/* Encodes into out (SESSION_MESSAGE_MAX bytes); returns the length. A message of our own that
 * breaks a rule is a broken invariant. */
size_t session_message_encode(const struct session_message *, uint8_t *out);
/* Whether an image may be called that: 0 .. 64 bytes of UTF-8 without control characters. */
bool session_name_legal(const char *name);

/* What a receiver is doing. The stream is needed by those up to SESSION_RECEIVING. */
enum session_state {
    SESSION_JOINED = 0,   /* server side only: said hello, no beacon yet */
    SESSION_MANIFEST = 1, /* waiting for the image's body */
    SESSION_RECEIVING = 2,
    SESSION_VERIFYING = 3, /* has everything, reads it back */
    SESSION_PASS = 4,
    SESSION_FAIL = 5,
    SESSION_LEAVING = 6, /* stopped on request before the end */
    SESSION_STATES
};
/* "receiving" and so on. */
const char *session_state_name(enum session_state);

/* A receiver's facts: what a beacon carries. */
struct session_facts {
    enum session_state state; /* SESSION_MANIFEST .. SESSION_LEAVING */
    bool disk_limited;        /* the disk, not the network, keeps it from taking all */
    bool machine_limited;     /* the machine does, and not its disk */
    bool unread;              /* it was told not to read back what it writes */
    uint16_t done;            /* 0 .. 10000: hundredths of a per cent */
    uint32_t loss_ppm;        /* lost on the way during the last window, parts per million */
    uint32_t worst_ppm;       /* the largest loss of one block in the last few windows */
    uint64_t disk_rate;       /* bytes per second written */
    uint64_t wanted_rate;     /* wire bytes per second its disk could take; 0: no wish */
    uint32_t open_blocks;     /* begun and not decoded */
    uint32_t drops;           /* packets its own ring lost, since the start; part of `missed` */
    /* packets of the session since the start, by their numbers; wrapping */
    uint32_t heard, missed;
    /* symbols that repair symbols stood in for, since the start; wrapping */
    uint32_t repaired;
    int32_t error; /* with SESSION_FAIL: the negative code, else 0 */
};

/* Loss as every screen, report and API states it: packets lost on the way of all that did not end
 * in the receiver's own ring, parts per million. 0 where there were none. */
uint32_t session_loss_ppm(uint64_t heard, uint64_t missed, uint64_t drops);

struct session_beacon {
    uint16_t tsi;
    uint8_t id[SESSION_ID_BYTES], mac[6];
    uint32_t counter; /* grows with every beacon of a receiver, from 1 */
    bool person;      /* as in its hello */
    struct session_facts facts;
};

struct session_ack {
    uint16_t tsi;
    uint8_t id[SESSION_ID_BYTES];
    uint32_t counter;   /* of the beacon answered */
    uint32_t beacon_ms; /* 250 .. 60000 */
    uint64_t rate;      /* wire bytes per second; 0: suspended */
    uint32_t receivers; /* that need the stream now */
    uint32_t sbn;       /* where the stream is */
    bool closing;       /* the server is stopping */
    /* 0 towards a receiver of which the server has no info: SPEC section 4 */
    bool identify;   /* somebody looks for this machine */
    bool stopped;    /* the session it is in was stopped: nothing it still lacks will come */
    uint8_t info;    /* revision of its info that the server has; 0: none */
    uint16_t number; /* of the machine; 0: none */
};

/* What the acks to a machine say of it. */
struct session_label {
    uint16_t number; /* 0: none */
    bool identify;
};

/* What a machine says of itself; all "" and 0 where it does not know. */
struct session_info {
    uint32_t link_mbps; /* at most SESSION_LINK_MAX */
    char serial[SESSION_INFO_MAX + 1], disk[SESSION_INFO_MAX + 1],
        disk_serial[SESSION_INFO_MAX + 1];
    uint8_t n_inside; /* 0: it does not say */
    struct session_disk {
        uint64_t bytes;
        char text[SESSION_INFO_MAX + 1]; /* serial number, or the model where it tells none */
    } inside[SESSION_INSIDE_MAX];
};

struct session_told {
    uint16_t tsi;
    uint8_t id[SESSION_ID_BYTES];
    uint8_t revision; /* not 0 */
    struct session_info info;
};

/* The tag is HMAC-SHA-256 under the group key, truncated. Encoders fill exactly *_BYTES. */
void session_beacon_encode(const struct session_beacon *, const uint8_t key[SESSION_KEY_BYTES],
                           uint8_t out[SESSION_BEACON_BYTES]);
void session_ack_encode(const struct session_ack *, const uint8_t key[SESSION_KEY_BYTES],
                        uint8_t out[SESSION_ACK_BYTES]);
/* Into out; returns the length. */
size_t session_info_encode(const struct session_told *, const uint8_t key[SESSION_KEY_BYTES],
                           uint8_t out[SESSION_INFO_BYTES]);
/* Foreign text as far as a field takes it: UTF-8 without control characters, what is neither
 * becomes '?'. Into `to` of `max` + 1 bytes. */
void session_info_text(char *to, size_t max, const char *from);
/* The TSI a datagram claims, by which the key to check it with is found; 0 when it is none of ours.
 */
uint16_t session_datagram_tsi(const uint8_t *bytes, size_t n, enum session_type type);
/* Checks the tag before anything else is believed. 0 or a negative code. */
int session_beacon_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                          struct session_beacon *);
int session_ack_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                       struct session_ack *);
int session_info_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                        struct session_told *);

#endif
