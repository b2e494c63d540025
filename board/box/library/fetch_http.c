#include "board/box/library/fetch.h"

static uint64_t size(const void *file)
{
    return http_size(file);
}

static long look(void *file, const uint8_t **bytes, struct err *err)
{
    return http_look(file, bytes, err);
}

static void took(void *file, size_t n)
{
    http_took(file, n);
}

static void end(void *file)
{
    http_close(file);
}

struct fetch fetch_http(struct http_file *file)
{
    static const struct fetch_kind kind = {size, look, took, end};

    return (struct fetch){&kind, file};
}
