/* Any bytes as a request to the HTTP server, in two pieces: what is understood is legal, and
 * answered within bounds. The first byte says where it is cut. */
#include <stdlib.h>
#include <string.h>

#include "net/http/server/server.h"
#include "net/wire/must.h"

static int give(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    char again[CONTENT_NAME_MAX + 1];

    (void)ctx;
    (void)mac;
    MUST(content_name(name, strlen(name), again) == 0 && strcmp(name, again) == 0);
    content_memory(out, "0123456789", (uint8_t)name[0] % 11, "x/y");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct content_source source = {.open = give};
    static struct http_exchange x;
    size_t cut;

    if (!n)
        return 0;
    cut = bytes[0] < n ? bytes[0] : n - 1;
    http_exchange_begin(&x, NULL);
    if (http_exchange_feed(&x, &source, NULL, bytes + 1, cut) ||
        http_exchange_feed(&x, &source, NULL, bytes + 1 + cut, n - 1 - cut)) {
        MUST(x.header_n > 12 && x.header_n <= HTTP_REPLY_MAX &&
             memcmp(x.header, "HTTP/1.1 ", 9) == 0);
        MUST(x.at <= x.to && x.to <= 10);
        MUST(x.reply.status < 400 || x.at == x.to);
        http_exchange_end(&x);
    }
    return 0;
}
