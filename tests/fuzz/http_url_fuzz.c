/* URLs: what is accepted makes a request of one line a header, and nothing slips into it. */
#include <stdlib.h>
#include <string.h>

#include "net/http/codec.h"
#include "net/ip/stack.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1), request[HTTP_REQUEST_MAX];
    struct http_url u;
    struct ip_config c;
    unsigned lines = 0;

    memcpy(text, data, n);
    text[n] = 0;
    ip_config_parse(&c, text, NULL);
    if (http_url_parse(text, &u, NULL) == 0) {
        n = http_request(&u, 1, HTTP_TO_END, request);
        MUST(n < sizeof request && strlen(request) == n);
        for (size_t i = 0; i < n; i++)
            lines += request[i] == '\n';
        MUST(lines == 7);
    }
    free(text);
    return 0;
}
