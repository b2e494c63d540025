/* One request to a box's API over TLS 1.3, by the kernel's sockets. The box is known by its
 * certificate's fingerprint and by nothing else: not one byte is sent to another. Blocks until the
 * answer is there or the time is up. */
#ifndef BOARD_CLI_API_H
#define BOARD_CLI_API_H

#include "board/cli/api_answer.h"
#include "board/cli/login.h"

#define CLI_ERRORS(X)                                                                              \
    X(CLI_EUSAGE, -3300, "a word of the command line is not what it should be")                    \
    X(CLI_ECONNECT, -3301, "the box cannot be reached")                                            \
    X(CLI_ETLS, -3302, "the box's TLS cannot be spoken to")                                        \
    X(CLI_EPIN, -3303, "the certificate is not the one that was pinned")                           \
    X(CLI_ETIMEOUT, -3304, "the box did not answer in time")                                       \
    X(CLI_EANSWER, -3305, "the answer is not one of a box")                                        \
    X(CLI_EREFUSED, -3306, "the box refused")                                                      \
    X(CLI_ELOGIN, -3307, "no login: neither a token nor the box's address is known")               \
    X(CLI_EFILE, -3308, "a login, token or password file cannot be used")                          \
    X(CLI_EMEMORY, -3309, "out of memory for the answer")                                          \
    X(CLI_ECONSENT, -3310, "the order was not confirmed")

#define X(name, code, sentence) name = code,
enum cli_error { CLI_ERRORS(X) };
#undef X

#define API_ANSWER_MAX (64u << 20)

struct api_request {
    const char *method, *path;
    const char *body; /* NULL: none */
    size_t n_body;    /* its bytes; 0: it is a text */
    /* NULL, or where the n_body bytes come from, in order: all n, or an error */
    int (*fill)(void *ctx, char *to, size_t n, struct err *);
    void *ctx;
    const char *type;    /* of the body; NULL: application/json */
    const char *headers; /* further lines, each with its end; NULL: none */
    int timeout_ms;      /* for everything */
};

/* The token goes along when there is one. The answer, whatever its status; its body is freed by
 * api_free. */
int api_ask(const struct login *, const struct api_request *, struct api_answer *, struct err *);
void api_free(struct api_answer *);
/* The same; another status than 2xx is CLI_EREFUSED (or CLI_ELOGIN) with the box's own sentence. */
int api_get(const struct login *, const struct api_request *, struct api_answer *, struct err *);
/* The fingerprint of whoever answers there. */
int api_fingerprint(const struct login *, int timeout_ms, uint8_t pin[LOGIN_PIN_BYTES],
                    struct err *);

#endif
