#include "rootfs/init/stickmount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rootfs/init/say.h"

#define WHERE "/stick"
#define BLOCK "/sys/class/block"
#define LOOK_NS MONO_S
#define NO_SYMLINKS 256ul /* MS_NOSYMFOLLOW, which C libraries do not know yet */
#define FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | NO_SYMLINKS | MS_SILENT)

/* ---- what is plugged in ---- */

/* The first line of a file of sysfs, without blanks around it; "" when it cannot be read. */
static void read_line(char *to, size_t cap, const char *name, const char *file)
{
    char path[128], *at = to;
    int fd;
    ssize_t n;

    snprintf(path, sizeof path, BLOCK "/%.31s/%s", name, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, to, cap - 1);
    if (fd >= 0)
        close(fd);
    to[n < 0 ? 0 : n] = 0;
    to[strcspn(to, "\n")] = 0;
    while (*at == ' ')
        at++;
    memmove(to, at, strlen(at) + 1);
    for (n = (ssize_t)strlen(to); n && to[n - 1] == ' '; n--)
        to[n - 1] = 0;
}

static uint64_t read_number(const char *name, const char *file)
{
    char text[32];

    read_line(text, sizeof text, name, file);
    return strtoull(text, NULL, 10);
}

/* Its place in the tree of devices: ".../usb2/2-1/.../block/sdb/sdb1". */
static bool look_at(struct stick_device *d, const char *name)
{
    char path[64], device[512], *disk, *end;
    ssize_t n;

    snprintf(path, sizeof path, BLOCK "/%.31s", name);
    n = readlink(path, device, sizeof device - 1);
    if (n < 0 || strlen(name) >= STICK_NAME)
        return false;
    device[n] = 0;
    disk = strstr(device, "/block/");
    if (!disk)
        return false;
    disk += strlen("/block/");
    *d = (struct stick_device){.sectors = read_number(name, "size")};
    snprintf(d->name, sizeof d->name, "%.31s", name);
    end = strchr(disk, '/');
    snprintf(d->disk, sizeof d->disk, "%.*s", end ? (int)(end - disk) : STICK_NAME - 1, disk);
    d->sequence = read_number(d->disk, "diskseq");
    d->outside = strstr(device, "/usb") || read_number(d->disk, "removable");
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stick_device *)a)->name, ((const struct stick_device *)b)->name);
}

static unsigned look(struct stick_device *all)
{
    DIR *d = opendir(BLOCK);
    struct dirent *e;
    unsigned n = 0;

    while (d && n < STICK_DEVICES_MAX && (e = readdir(d)))
        if (strncmp(e->d_name, "loop", 4) != 0 && strncmp(e->d_name, "ram", 3) != 0)
            n += look_at(&all[n], e->d_name);
    if (d)
        closedir(d);
    qsort(all, n, sizeof *all, by_name);
    return n;
}

/* ---- in a child ---- */

/* The errors= of a file system's own superblock may say that the kernel is to stop: ours goes
 * before it. */
static int mount_it(const char *device, const char *at)
{
    static const char *const kind[][2] = {{"vfat", "errors=continue"},
                                          {"exfat", "errors=continue"},
                                          {"ext4", "noload,errors=continue"}};
    int why = EINVAL;

    for (unsigned i = 0; i < 3 && (why == EINVAL || why == ENODEV); i++) {
        if (mount(device, at, kind[i][0], FLAGS, kind[i][1]) == 0)
            return 0;
        why = errno;
    }
    return why;
}

/* Mounts the place's device, or unmounts the place. Its exit code: 0, or why not. */
static pid_t start(const struct stick_place *p, unsigned place, bool mounts)
{
    char device[48], at[32];
    sigset_t none;
    pid_t pid = fork();

    if (pid)
        return pid;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(device, sizeof device, "/dev/%s", p->name);
    snprintf(at, sizeof at, WHERE "/%u", place);
    if (mounts)
        _exit(mount_it(device, at));
    _exit(umount2(at, MNT_DETACH) ? errno : 0);
}

/* ---- what the core reads ---- */

static void remove_note(unsigned place)
{
    char path[32];

    snprintf(path, sizeof path, WHERE "/%u.note", place);
    unlink(path);
}

/* Whole at once. What is no printable letter in the maker's words is left to the reader. */
static void write_note(const struct stick_place *p, unsigned place, const char *cause)
{
    char path[32], vendor[32], model[64], text[300];
    int fd = open(WHERE "/new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), n;

    read_line(vendor, sizeof vendor, p->disk, "device/vendor");
    read_line(model, sizeof model, p->disk, "device/model");
    n = snprintf(text, sizeof text, "%s\n%s%s%s\n%s\n", p->name, vendor,
                 vendor[0] && model[0] ? " " : "", model, cause);
    snprintf(path, sizeof path, WHERE "/%u.note", place);
    if (fd < 0 || write(fd, text, (size_t)n) != n || rename(WHERE "/new", path))
        say("%s is plugged in, and nobody can be told: %s", p->name, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* ---- all of it ---- */

static void begin(struct stickmount *m, unsigned place, bool mounts)
{
    m->child[place] = start(&m->sticks.place[place], place, mounts);
    if (m->child[place] > 0)
        return;
    m->child[place] = 0;
    say("no process for %s: %s", m->sticks.place[place].name, strerror(errno));
    sticks_ended(&m->sticks, place, false);
}

void stickmount_open(struct stickmount *m, const char *own_disk)
{
    char at[32];

    *m = (struct stickmount){.on = true};
    snprintf(m->sticks.own, sizeof m->sticks.own, "%.31s", own_disk);
    mkdir(WHERE, 0755);
    for (unsigned place = 0; place < STICKS_MAX; place++) {
        snprintf(at, sizeof at, WHERE "/%u", place);
        mkdir(at, 0755);
    }
}

void stickmount_tick(struct stickmount *m, struct mono now)
{
    static struct stick_device all[STICK_DEVICES_MAX];
    struct stick_orders o;

    if (!m->on || mono_sub(now, m->looked) < LOOK_NS)
        return;
    m->looked = now;
    o = sticks_look(&m->sticks, all, look(all));
    for (unsigned place = 0; place < STICKS_MAX; place++) {
        if (o.clear >> place & 1)
            remove_note(place);
        if ((o.detach | o.mount) >> place & 1)
            begin(m, place, o.mount >> place & 1);
    }
}

static void mounted(struct stickmount *m, unsigned place, int why)
{
    const struct stick_place *p = &m->sticks.place[place];
    char cause[96] = "";

    if (why == EINVAL || why == ENODEV)
        snprintf(
            cause, sizeof cause,
            "expected FAT32, exFAT or ext4, got another file system or none (NTFS is not read)");
    else if (why)
        snprintf(cause, sizeof cause, "it cannot be read: %s", strerror(why));
    write_note(p, place, cause);
}

void stickmount_ended(struct stickmount *m, pid_t pid, int status)
{
    int why = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;

    for (unsigned place = 0; place < STICKS_MAX; place++) {
        if (m->child[place] != pid)
            continue;
        m->child[place] = 0;
        if (m->sticks.place[place].state == STICK_MOUNTING)
            mounted(m, place, why);
        sticks_ended(&m->sticks, place, why == 0);
    }
}
