/* Handshake messages: what decodes encodes to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "net/session/client.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct session_message m;
    static struct session_handshake h;
    static uint8_t out[SESSION_MESSAGE_MAX];
    struct session_welcome w;
    struct err err = {0};
    int length = session_message_length(data, n);

    if (session_message_decode(data, n, &m) == 0) {
        MUST(length == (int)n);
        MUST(session_message_encode(&m, out) == n && memcmp(out, data, n) == 0);
    }
    session_handshake_init(&h);
    for (size_t at = 0; at < n; at += 100)
        if (session_handshake_input(&h, data + at, n - at < 100 ? n - at : 100) != 0)
            break;
    if (session_message_decode(h.got, h.n, &h.reply) == 0 && h.reply.type != SESSION_HELLO)
        session_handshake_result(&h, &w, &err);
    return 0;
}
