#include "board/pc/authorities.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board/host/serve_log.h"
#include "board/pc/shelf.h"

#define CARRIED "/etc/ringcast/authorities.pem"
#define SYSTEM "/etc/ssl/certs/ca-certificates.crt"

static void load(struct tls_trust *t, const char *path)
{
    struct err err = {0};

    if (tls_trust_load(t, path, &err))
        serve_log("authorities are left out: %s (%d)", err.text, err.code);
}

void authorities_load(struct tls_trust *t, const char *config, const char *own)
{
    const char *slash = config ? strrchr(config, '/') : NULL;
    char path[SHELF_PATH_MAX];

    if (own[0]) {
        snprintf(path, sizeof path, "%.*s%.200s", slash ? (int)(slash - config) + 1 : 0, slash ? config : "", own);
        load(t, path);
    }
    if (access(CARRIED, R_OK) == 0)
        load(t, CARRIED);
    else if (access(SYSTEM, R_OK) == 0)
        load(t, SYSTEM);
}
