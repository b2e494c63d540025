/* A file of made-up bytes on a web server, and what a client reads of it. */
#ifndef TESTS_UNIT_HTTP_SUPPORT_H
#define TESTS_UNIT_HTTP_SUPPORT_H

#include <stdint.h>
#include <stdlib.h>

#include "net/http/bind.h"
#include "tests/unit/ip_pair.h"

static inline uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 13);
}

/* http_open, whose result is `result`. */
static inline struct http_file *http_opened(struct ip_pair *pair, const char *url, int idle_ms,
                                            int result, struct err *err)
{
    struct http_file *f;
    struct http_url u;

    assert_int_equal(http_url_parse(url, &u, NULL), 0);
    assert_int_equal(http_open(&f, pair->stack, &u, NULL, idle_ms, err), result);
    return f;
}

static inline void expect_bytes(struct http_file *f, uint32_t offset, uint32_t n)
{
    uint8_t *buf = malloc(n);
    struct err err = {0};

    if (http_read(f, offset, buf, n, &err))
        fail_msg("at %u: %s", offset, err.text);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(buf[i], byte_at(offset + i));
    free(buf);
}

#endif
