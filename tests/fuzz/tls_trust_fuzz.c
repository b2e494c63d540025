/* A file of authorities: all of a text is taken or nothing, each within the memory, and what was
 * there before stays. */
#include <string.h>

#include "net/tls/trust.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tls_trust t = {0};
    uint8_t pin[TLS_PIN_BYTES];
    char text[100] = "";
    int rc = tls_trust_add(&t, "f", (const char *)data, n, n % 2 == 0, NULL);

    MUST((rc == 0) == (t.count > 0) && (rc == 0 || t.n == 0));
    for (unsigned i = 0; i < t.count; i++)
        MUST(t.authority[i].at + t.authority[i].n <= t.n && t.n <= n &&
             t.der[t.authority[i].at] == 0x30);
    tls_trust_close(&t);
    memcpy(text, data, n < sizeof text ? n : sizeof text - 1);
    if (tls_pin_parse(text, pin)) {
        char again[3 * TLS_PIN_BYTES];

        MUST(tls_pin_parse(tls_hex_text(again, pin, sizeof pin), pin));
    }
    return 0;
}
