/* What server.c and answer.c share, and nobody else. */
#ifndef NET_WEB_CONNECTION_H
#define NET_WEB_CONNECTION_H

#include "net/web/request.h"
#include "net/web/server.h"

#define WEB_BLOCK_BYTES 16368u
#define WEB_BLOCKS 256u /* 4 MB of answers under way */
#define WEB_BIG_BODIES 4u
#define WEB_SMALL_BYTES 2048u /* an answer that needs no block: every refusal is one */
#define WEB_OUT_BYTES 4096u
#define WEB_HEAD_BYTES (1024u + WEB_HEADERS_MAX)

struct web_block {
    struct web_block *next;
    uint32_t n;
    uint8_t bytes[WEB_BLOCK_BYTES];
};

enum web_state {
    WEB_READING, /* a request's header, or nothing yet */
    WEB_BODY,    /* its body */
    WEB_WAITING, /* for the handler */
    WEB_SENDING,
    WEB_LINGERING, /* answered early: what is still sent is thrown away */
    WEB_OVER
};

enum web_kind { WEB_NOTHING, WEB_MEMORY, WEB_CHAIN, WEB_PULLED };

struct web_connection {
    struct web_call call; /* the first member: a handler holds its address */
    struct web_server *server;
    struct wire_stream stream;
    bool used, known;
    bool ended; /* the client says no more */
    uint32_t address;
    enum web_state state;
    struct mono since; /* the state's begin, or its last progress */
    struct web_parser parser;
    size_t in_at, in_n;
    uint8_t in[4096];

    const struct web_route *route;
    void *ctx;
    struct auth_session *session;
    bool inside;         /* a call of the handler is under way, or will be: `gone` is due */
    const char *interim; /* what is left of "100 Continue" */
    uint64_t body_at;
    int big; /* which large body is ours; -1: none */
    uint8_t body[WEB_BODY_ANYONE];

    bool whole; /* the request's header has been understood to its end */
    bool answered, last, head_only, chunked;
    enum web_kind kind;
    size_t n_headers, head_at, head_n, out_at, out_n;
    bool made_all; /* no more content will be made */
    const uint8_t *memory;
    uint64_t left;                   /* of memory, or of a stated length */
    struct web_block *first, *block; /* kept, being sent */
    size_t block_at;
    web_pull *pull;
    char headers[WEB_HEADERS_MAX];
    char head[WEB_HEAD_BYTES];
    uint8_t small[WEB_SMALL_BYTES];
    uint8_t out[WEB_OUT_BYTES + 16];
};

struct web_server {
    const char *name;
    struct auth *auth;
    const struct web_routes *routes;
    struct web_counts counts;
    struct mono now; /* of the step under way */
    struct web_block *free;
    bool big_taken[WEB_BIG_BODIES];
    struct web_connection seat[WEB_SEATS];
    char scratch[WEB_ANSWER_MAX];
    uint8_t big[WEB_BIG_BODIES][WEB_BODY_MAX];
    struct web_block block[WEB_BLOCKS];
};

/* answer.c */
void web_answer_begin(struct web_connection *); /* a new request: nothing is answered yet */
void web_answer_drop(struct web_connection *);  /* gives back what the answer holds */
/* Sends what there is room for; true: something moved. Sets WEB_OVER on a broken stream, and
 * made_all with out_at == out_n at the end. */
bool web_answer_send(struct web_connection *);
bool web_answer_sent(const struct web_connection *);

#endif
