#include "imaging/pack/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imaging/image/errors.h"
#include "net/os/file.h"

/* ".NAME.XXXXXX" in the directory of path. */
static int temp_name(char temp[PATH_MAX], const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int n = snprintf(temp, PATH_MAX, "%.*s.%s.XXXXXX", (int)(name - path), path, name);

    return n > 0 && n < PATH_MAX ? 0
                                 : err_set(e, IMG_EOUTPUT, "the name of the output is too long");
}

static int make_temp(char temp[PATH_MAX], const char *path, struct err *e)
{
    int fd, rc = temp_name(temp, path, e);

    if (rc)
        return rc;
    fd = mkostemp(temp, O_CLOEXEC);
    return fd >= 0 ? fd
                   : err_set(e, IMG_EOUTPUT, "no file can be made beside %s: %s", path,
                             strerror(errno));
}

int outfile_open(struct outfile *f, const char *path, bool force, struct err *e)
{
    mode_t mask = umask(0);
    struct stat st;

    umask(mask);
    f->fd = -1;
    f->force = force;
    f->temp[0] = 0;
    if (stat(path, &st) == 0 && (!force || !S_ISREG(st.st_mode)))
        return S_ISREG(st.st_mode)
                   ? err_set(e, IMG_EEXISTS, "%s exists already; --force replaces it", path)
                   : err_set(e, IMG_EEXISTS, "%s exists and is not a file", path);
    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path)
        return err_set(e, IMG_EOUTPUT, "the name of the output is too long");
    f->fd = make_temp(f->temp, path, e);
    if (f->fd < 0) {
        f->temp[0] = 0;
        return f->fd;
    }
    fchmod(f->fd, 0666 & ~mask);
    return 0;
}

/* Without --force the name must still be free, which link() settles; file systems without links get
 * a rename. */
static int give_name(struct outfile *f, struct err *e)
{
    if (!f->force && link(f->temp, f->path) == 0) {
        unlink(f->temp);
        return 0;
    }
    if (!f->force && errno == EEXIST)
        return err_set(e, IMG_EEXISTS, "%s has come to exist meanwhile; --force would replace it",
                       f->path);
    if (rename(f->temp, f->path) != 0)
        return err_set(e, IMG_EOUTPUT, "%s cannot get its name: %s", f->path, strerror(errno));
    return 0;
}

static int sync_directory(const char *path, struct err *e)
{
    /* some network file systems have no such call */
    if (file_sync_name(path) == 0 || errno == EINVAL)
        return 0;
    return err_set(e, IMG_EOUTPUT,
                   "%s is written, but its name may not be on the disk: its folder cannot be "
                   "synced: %s",
                   path, strerror(errno));
}

int outfile_publish(struct outfile *f, struct err *e)
{
    int rc;

    if (fsync(f->fd) != 0)
        return err_set(e, IMG_EOUTPUT, "%s cannot be written: %s", f->path, strerror(errno));
    rc = give_name(f, e);
    if (rc)
        return rc;
    f->temp[0] = 0;
    return sync_directory(f->path, e);
}

void outfile_close(struct outfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->temp[0])
        unlink(f->temp);
    f->fd = -1;
    f->temp[0] = 0;
}

int write_all(int fd, uint64_t at, const void *buf, size_t n, struct err *e)
{
    if (file_write_at(fd, buf, n, at) == 0)
        return 0;
    return err_set(e, IMG_EOUTPUT, "the image cannot be written: %s", strerror(errno));
}

int scratch_file(const char *beside, struct err *e)
{
    char temp[PATH_MAX];
    int fd = make_temp(temp, beside, e);

    if (fd >= 0)
        unlink(temp);
    return fd;
}
