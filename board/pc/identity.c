#include "board/pc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/wire/must.h"

static void sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Under other names first: the key has its own when it is whole and on the disk. */
static int identity_make(struct sign_key *key, const char *folder, const char *path, struct err *err)
{
    char fresh[PATH_MAX], fresh_pub[PATH_MAX], pub[PATH_MAX];
    int rc;

    snprintf(fresh, sizeof fresh, "%.4000s/identity.key.new", folder);
    snprintf(fresh_pub, sizeof fresh_pub, "%.4000s/identity.pub.new", folder);
    snprintf(pub, sizeof pub, "%.4000s/identity.pub", folder);
    unlink(fresh);
    unlink(fresh_pub);
    rc = sign_key_make(key, err);
    if (rc == 0)
        rc = sign_key_write(key, fresh, fresh_pub, err);
    if (rc)
        return rc;
    sync_path(fresh);
    sync_path(fresh_pub);
    if (rename(fresh_pub, pub) || rename(fresh, path))
        return err_set(err, PC_EIDENTITY, "cannot make the box's key %s: %s", path, strerror(errno));
    sync_path(folder);
    return 0;
}

int identity_open(struct sign_key *key, const char *folder, struct err *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%.4000s/identity.key", folder);
    if (access(path, F_OK) == 0)
        return sign_key_read(key, path, err);
    return identity_make(key, folder, path, err);
}

void identity_page(const struct identity_page *p, uint8_t out[IDENTITY_BYTES])
{
    char text[IDENTITY_BYTES + 1], hex[2 * IMG_PUBKEY_BYTES + 1];
    int n;

    MUST(strlen(p->disk) <= IDENTITY_DISK_MAX);
    for (unsigned i = 0; i < IMG_PUBKEY_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", p->key[i]);
    n = snprintf(text, sizeof text, IDENTITY_MAGIC "address %u.%u.%u.%u\nsession-port %u\nkey %s\nafter-pass %s\ndisk %s\n",
                 p->address >> 24, p->address >> 16 & 255, p->address >> 8 & 255, p->address & 255, p->port, hex, p->after_pass,
                 p->disk);
    MUST(n > 0 && n <= IDENTITY_BYTES);
    memset(out, '\n', IDENTITY_BYTES);
    memcpy(out, text, (size_t)n);
}
