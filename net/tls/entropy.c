/* Where PSA's keys and nonces come from: the kernel, and no generator of mbedTLS's own
 * (net/ip/mbedtls_config.h). */
#include "net/os/random.h"
#include "psa/crypto.h"

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t size, size_t *length)
{
    (void)context;
    random_fill(output, size);
    *length = size;
    return PSA_SUCCESS;
}
