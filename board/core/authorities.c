#include "board/core/authorities.h"

#include <unistd.h>

#define CARRIED "/etc/ringcast/authorities.pem"
#define SYSTEM "/etc/ssl/certs/ca-certificates.crt"

int authorities_public(struct tls_trust *t, struct err *err)
{
    if (access(CARRIED, R_OK) == 0)
        return tls_trust_load(t, CARRIED, false, err);
    return access(SYSTEM, R_OK) == 0 ? tls_trust_load(t, SYSTEM, false, err) : 0;
}
