/* What a box says to one request of its API (HTTP/1.1, "Connection: close"), all of it in memory.
 * Reads nothing but its arguments. */
#ifndef BOARD_CLI_API_ANSWER_H
#define BOARD_CLI_API_ANSWER_H

#include <stddef.h>

#include "net/wire/err.h"

#define API_COOKIE_MAX 255
#define API_REASON_MAX 255

struct api_answer {
    unsigned status;
    char *body; /* within the bytes that were read; body[n] is 0 */
    size_t n;
    char *bytes;                     /* what was read; freed by api_free */
    char cookie[API_COOKIE_MAX + 1]; /* NAME=VALUE of the last Set-Cookie; "" */
};

/* The n bytes a connection brought until its end, and room for one more: the body is put together
 * in place. 0, or a negative code: cut short, chunks that are none, a header that is none. */
int api_answer_read(struct api_answer *, char *bytes, size_t n, struct err *);
/* Why the box says no (RFC 9457's detail, or its title), fit for a terminal; a sentence of ours
 * when it does not say. */
const char *api_answer_reason(const struct api_answer *, char out[API_REASON_MAX + 1]);

#endif
