#include "imaging/disk/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imaging/disk/disk.h"
#include "imaging/disk/probe.h"

#define ATTRIBUTE_MAX 512

/* One disk being looked at. */
struct look {
    const char *root;
    char dir[PATH_MAX]; /* of the disk in sysfs, links resolved, `root` included */
    struct disk_facts *f;
};

/* ---- small files ---- */

static int join(char path[PATH_MAX], const char *a, const char *b, const char *c)
{
    return snprintf(path, PATH_MAX, "%s%s%s", a, b, c) < PATH_MAX ? 0 : -1;
}

/* A sysfs attribute relative to the disk's own folder; 0 bytes when it is not there. */
static size_t attribute(const struct look *l, const char *name, uint8_t value[ATTRIBUTE_MAX])
{
    char path[PATH_MAX];
    ssize_t n = -1;
    int fd = join(path, l->dir, "/", name) ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        n = read(fd, value, ATTRIBUTE_MAX);
        close(fd);
    }
    return n > 0 ? (size_t)n : 0;
}

static uint64_t number(const struct look *l, const char *name, uint64_t otherwise)
{
    uint8_t value[ATTRIBUTE_MAX];
    uint64_t v;

    return facts_number(&v, value, attribute(l, name, value)) ? v : otherwise;
}

/* The first of the attributes (separated by blanks) that says something. */
static void text(const struct look *l, const char *names, char *to, size_t room)
{
    uint8_t value[ATTRIBUTE_MAX];
    char name[64];

    for (to[0] = 0; *names && !to[0]; names += strspn(names, " ")) {
        size_t n = strcspn(names, " ");

        snprintf(name, sizeof name, "%.*s", (int)n, names);
        facts_text(to, room, value, attribute(l, name, value));
        names += n;
    }
}

static bool says(const struct look *l, const char *name, const char *what)
{
    char value[32];

    text(l, name, value, sizeof value);
    return !strcmp(value, what);
}

/* Calls each(ctx, name) for the entries of a folder; one that is not there has none. False when it
 * cannot be read. */
static bool entries(const char *path, void (*each)(void *ctx, const char *name), void *ctx)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    bool whole;

    if (!dir)
        return errno == ENOENT;
    for (errno = 0; (e = readdir(dir)); errno = 0)
        if (e->d_name[0] != '.')
            each(ctx, e->d_name);
    whole = errno == 0;
    closedir(dir);
    return whole;
}

/* What cannot be looked at may be in use. */
static void bar_unknown(struct look *l, const char *what)
{
    facts_bar(l->f, DISK_BAR_UNREADABLE, "cannot be judged, its %s cannot be read", what);
}

/* ---- what sysfs says ---- */

static void look_identity(struct look *l)
{
    struct disk_facts *f = l->f;
    uint8_t value[ATTRIBUTE_MAX];
    size_t n;

    text(l, "device/model device/name", f->model, sizeof f->model);
    text(l, "wwid device/wwid device/cid", f->wwn, sizeof f->wwn);
    text(l, "serial device/serial", f->serial, sizeof f->serial);
    n = attribute(l, "device/vpd_pg80", value);
    if (!f->serial[0] && n)
        facts_page80(f->serial, sizeof f->serial, value, n);
    f->sequence = number(l, "diskseq", 0);
    n = attribute(l, "dev", value);
    facts_device(&f->major, &f->minor, value, n);
}

/* The kernel counts in units of 512 bytes whatever the sectors are. */
static void look_flags(struct look *l)
{
    struct disk_facts *f = l->f;
    uint64_t sectors = number(l, "size", 0);

    f->bytes = sectors <= UINT64_MAX / 512 ? sectors * 512 : 0;
    f->sector = (uint32_t)number(l, "queue/logical_block_size", 512);
    if (!f->bytes)
        facts_bar(f, DISK_BAR_NO_MEDIUM, "%s", "");
    if (number(l, "hidden", 0))
        facts_bar(f, DISK_BAR_HIDDEN, "%s", "");
    if (number(l, "removable", 1))
        facts_bar(f, DISK_BAR_REMOVABLE, "%s", "");
    if (number(l, "ro", 1))
        facts_bar(f, DISK_BAR_READ_ONLY, "%s", "");
    if (number(l, "device/type", 0) == 5)
        facts_bar(f, DISK_BAR_OPTICAL, "%s", "");
    if (!strncmp(f->name, "mmcblk", 6) && !says(l, "device/type", "MMC"))
        facts_bar(f, DISK_BAR_SD, "%s", "");
}

/* Ports that the firmware declares as reachable from outside (Thunderbolt) mark what hangs on them.
 */
static void look_outside(struct look *l, const char *dir)
{
    struct look up = *l;

    snprintf(up.dir, sizeof up.dir, "%s", dir);
    for (char *slash; (slash = strrchr(up.dir, '/')) != NULL && slash != up.dir; *slash = 0)
        if (says(&up, "removable", "removable"))
            facts_bar(l->f, DISK_BAR_EXTERNAL, "%s", "");
}

struct controllers {
    struct look *look;
    const char *dir;
    unsigned n;
};

/* nvme0, nvme1: the controllers of a subsystem. Their links lead to where the disk really sits. */
static void count_controller(void *ctx, const char *name)
{
    struct controllers *c = ctx;
    char path[PATH_MAX], real[PATH_MAX];
    struct look up;

    if (strncmp(name, "nvme", 4) || name[4 + strspn(name + 4, "0123456789")] ||
        join(path, c->dir, "/", name) || !realpath(path, real))
        return;
    up = *c->look;
    memcpy(up.dir, real, sizeof real);
    if (!says(&up, "transport", "pcie"))
        facts_bar(c->look->f, DISK_BAR_FABRIC, "%s", "");
    look_outside(c->look, real);
    c->n++;
}

/* An NVMe namespace hangs below its controller, or below a subsystem whose controllers are paths to
 * it. */
static void look_nvme(struct look *l)
{
    struct controllers c = {l, l->dir, 0};
    char up[PATH_MAX];
    bool ways = true;

    if (strncmp(l->f->name, "nvme", 4))
        return;
    snprintf(up, sizeof up, "%s", l->dir);
    *strrchr(up, '/') = 0;
    c.dir = up;
    if (strstr(l->f->place, "/nvme-subsystem/"))
        ways = entries(up, count_controller, &c);
    else if (!says(l, "device/transport", "pcie"))
        facts_bar(l->f, DISK_BAR_FABRIC, "%s", "");
    if (c.n > 1)
        facts_bar(l->f, DISK_BAR_MULTIPATH, "%s", "");
    if (!ways)
        bar_unknown(l, "controllers");
}

/* ---- who uses it ---- */

static void hold(void *ctx, const char *name)
{
    struct look *l = ctx;

    facts_bar(l->f, DISK_BAR_HELD, "is part of %s", name);
}

/* False when it is there and cannot be read. */
static bool each_line(struct look *l, const char *file,
                      void (*each)(struct look *, const char *line))
{
    char path[PATH_MAX], line[4096];
    FILE *f = join(path, l->root, "/proc/", file) ? NULL : fopen(path, "r");
    bool whole = f || errno == ENOENT;

    while (f && fgets(line, sizeof line, f))
        each(l, line);
    if (f) {
        whole = !ferror(f);
        fclose(f);
    }
    return whole;
}

static void mount_line(struct look *l, const char *line)
{
    uint8_t value[ATTRIBUTE_MAX];
    unsigned major, minor;
    char where[64];

    if (facts_device(&major, &minor, value, attribute(l, "dev", value)) &&
        facts_mount(line, major, minor, where, sizeof where))
        facts_bar(l->f, DISK_BAR_MOUNTED, "is mounted at %s", where);
}

/* "/dev/sda2    partition 8388604 0 -2": l->dir ends with the device's name. */
static void swap_line(struct look *l, const char *line)
{
    const char *name = strrchr(l->dir, '/') + 1;
    size_t n = strlen(name);

    if (!strncmp(line, "/dev/", 5) && !strncmp(line + 5, name, n) && strchr(" \t", line[5 + n]))
        facts_bar(l->f, DISK_BAR_MOUNTED, "is used as swap");
}

/* Of a disk or a partition: the folder of either looks alike. */
static void look_use(struct look *l)
{
    char path[PATH_MAX];

    if (join(path, l->dir, "/holders", "") || !entries(path, hold, l))
        bar_unknown(l, "holders");
    if (!each_line(l, "self/mountinfo", mount_line) || !each_line(l, "swaps", swap_line))
        bar_unknown(l, "mounts");
}

static void look_partition(void *ctx, const char *name)
{
    const struct look *l = ctx;
    struct look part = *l;

    if (!strncmp(name, l->f->name, strlen(l->f->name)) && !join(part.dir, l->dir, "/", name) &&
        number(&part, "partition", 0))
        look_use(&part);
}

/* ---- what its bytes say ---- */

static int read_fd(void *ctx, uint64_t at, void *buf, size_t n)
{
    return pread(*(int *)ctx, buf, n, (off_t)at) == (ssize_t)n ? 0 : -1;
}

/* Disks that are out of the question are left alone: an optical drive takes a minute to say that it
 * is empty. */
static void look_inside(struct look *l)
{
    const uint32_t alone = DISK_BIT(DISK_BAR_KIND) | DISK_BIT(DISK_BAR_HIDDEN) |
                           DISK_BIT(DISK_BAR_OPTICAL) | DISK_BIT(DISK_BAR_NO_MEDIUM) |
                           DISK_BIT(DISK_BAR_EMMC_AREA);
    struct parts *parts;
    struct readat at = {.read = read_fd};
    char path[PATH_MAX];
    int fd;

    if (l->f->bars & alone)
        return;
    parts = malloc(sizeof *parts);
    fd = join(path, l->root, "/dev/", l->f->name) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!parts || fd < 0) {
        facts_bar(l->f, DISK_BAR_UNREADABLE, "cannot be read: %s", strerror(errno));
    } else {
        at.ctx = &fd;
        probe_disk(l->f, &at, parts);
    }
    if (fd >= 0)
        close(fd);
    free(parts);
}

static int look_at(struct disk_facts *f, const char *root, const char *name, struct err *err)
{
    struct look l = {.root = root, .f = f};
    char path[PATH_MAX], base[PATH_MAX];

    memset(f, 0, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    if (strlen(name) >= sizeof f->name || join(path, root, "/sys/block/", name) ||
        !realpath(path, l.dir) || join(path, root, "/sys", "") || !realpath(path, base) ||
        strncmp(l.dir, base, strlen(base)) != 0)
        return err_set(err, DISK_EINVENTORY, "%s/sys/block/%.64s cannot be followed to its device",
                       root, name);
    facts_name(f);
    facts_place(f, l.dir + strlen(base));
    look_flags(&l);
    look_identity(&l);
    look_nvme(&l);
    look_outside(&l, l.dir);
    look_use(&l);
    if (!entries(l.dir, look_partition, &l))
        bar_unknown(&l, "partitions");
    look_inside(&l);
    return 0;
}

/* ---- all of them ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Devices of no disk's kind are kept for the record as long as they leave room: any machine has
 * dozens of loops. */
static int add_all(struct inventory *v, const char *root, struct dirent **names, int n,
                   struct err *err)
{
    struct disk_facts f;

    for (int i = 0; i < n; i++) {
        int rc = look_at(&f, root, names[i]->d_name, err);

        if (rc)
            return rc;
        if (f.bars & DISK_BIT(DISK_BAR_KIND) && v->n >= INVENTORY_MAX / 2)
            continue;
        if (v->n == INVENTORY_MAX)
            return err_set(err, DISK_EINVENTORY, "expected at most %d disks, this machine has more",
                           INVENTORY_MAX);
        v->disk[v->n++] = f;
    }
    return 0;
}

int inventory_read(struct inventory *v, const char *root, struct err *err)
{
    struct dirent **names;
    char path[PATH_MAX];
    int n = join(path, root, "/sys/block", "") ? -1 : scandir(path, &names, not_hidden, by_name);
    int rc;

    v->n = 0;
    if (n < 0)
        return err_set(err, DISK_EINVENTORY, "%s/sys/block cannot be read: %s", root,
                       strerror(errno));
    rc = add_all(v, root, names, n, err);
    while (n > 0)
        free(names[--n]);
    free(names);
    return rc;
}

int inventory_again(const struct disk_facts *was, const char *root, struct err *err)
{
    struct disk_facts now;
    int rc = look_at(&now, root, was->name, NULL);

    if (rc || !facts_same(was, &now))
        return err_set(
            err, DISK_EOTHER,
            "%s is not the disk any more that was chosen: expected %s serial %s, got %s serial %s",
            was->name, was->model, was->serial, rc ? "nothing" : now.model, rc ? "" : now.serial);
    if (now.bars & ~(was->bars & DISK_MARK_BARS) ||
        memcmp(now.marks, was->marks, sizeof now.marks) != 0)
        return err_set(err, DISK_EOTHER, "%s was free when it was chosen and now %s", was->name,
                       now.note[0] ? now.note : "is in use");
    return 0;
}
