/* URLs and redirects: what is accepted makes a request of one line a header, and nothing slips into
 * it; none leads from https to http. */
#include <stdlib.h>
#include <string.h>

#include "net/http/codec.h"
#include "net/ip/stack.h"
#include "net/wire/must.h"

static void one_request(const struct http_url *u)
{
    char request[HTTP_REQUEST_MAX];
    size_t n = http_request(u, 1, HTTP_TO_END, request);
    unsigned lines = 0;

    MUST(n < sizeof request && strlen(request) == n);
    for (size_t i = 0; i < n; i++)
        lines += request[i] == '\n';
    MUST(lines == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct http_url plain = {"a", 80, false, "/x/y?z"},
                                 safe = {"a", 8443, true, "/x/y?z"};
    char *text = malloc(n + 1);
    struct http_url u;
    struct ip_config c;

    memcpy(text, data, n);
    text[n] = 0;
    ip_config_parse(&c, text, NULL);
    if (http_url_parse(text, &u, NULL) == 0)
        one_request(&u);
    if (http_redirect(&plain, text, &u, NULL) == 0)
        one_request(&u);
    if (http_redirect(&safe, text, &u, NULL) == 0) {
        one_request(&u);
        MUST(u.tls);
    }
    free(text);
    return 0;
}
