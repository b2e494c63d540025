#include "board/box/store/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/os/file.h"
#include "net/wire/must.h"

/* Under other names first: the key has its own when it is whole and on the disk. sign_key_write has
 * synced both files. */
static int identity_make(struct sign_key *key, const char *folder, const char *path,
                         struct err *err)
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
    if (rename(fresh_pub, pub) || rename(fresh, path) || file_sync_folder(folder))
        return err_set(err, PC_EIDENTITY, "cannot make the box's key %s: %s", path,
                       strerror(errno));
    return 0;
}

int identity_open(struct sign_key *key, const char *folder, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof path, "%.4000s/identity.key", folder);
    if (lstat(path, &st) == 0)
        return sign_key_read(key, path, err);
    if (errno == ENOENT)
        return identity_make(key, folder, path, err);
    return err_set(err, PC_EIDENTITY,
                   "expected to read the box's key %s: %s; no other is made in its place", path,
                   strerror(errno));
}

void identity_page(const struct identity_page *p, uint8_t out[IDENTITY_BYTES])
{
    char text[IDENTITY_BYTES + 1], hex[2 * IMG_PUBKEY_BYTES + 1];
    int n;

    MUST(strlen(p->disk) <= IDENTITY_DISK_MAX);
    for (unsigned i = 0; i < IMG_PUBKEY_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", p->key[i]);
    n = snprintf(text, sizeof text,
                 IDENTITY_MAGIC
                 "address %u.%u.%u.%u\nsession-port %u\nkey %s\nafter-pass %s\ndisk %s\n",
                 p->address >> 24, p->address >> 16 & 255, p->address >> 8 & 255, p->address & 255,
                 p->port, hex, p->after_pass, p->disk);
    MUST(n > 0 && n <= IDENTITY_BYTES);
    memset(out, '\n', IDENTITY_BYTES);
    memcpy(out, text, (size_t)n);
}
