#include "rootfs/init/bootdisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "rootfs/init/anew.h"
#include "rootfs/init/gpt.h"
#include "rootfs/init/say.h"

/* From <linux/ext4.h> of later kernels: grows a mounted ext4 to that many blocks, done at once when
 * it has them. */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

#define ANEW_LIST "/etc/ringcast/data"

/* 52494e47-4341-5354-424f-58000000000N as a disk stores it: "RINGCASTBOX", and the partition. */
#define BOX_GUID(n)                                                                                \
    {                                                                                              \
        0x47, 0x4e, 0x49, 0x52, 0x41, 0x43, 0x54, 0x53, 0x42, 0x4f, 0x58, 0, 0, 0, 0, n            \
    }
static const uint8_t boot_guid[GPT_GUID_BYTES] = BOX_GUID(1),
                     data_guid[GPT_GUID_BYTES] = BOX_GUID(4);

/* ---- a disk as gpt.h wants it ---- */

static int disk_read(void *ctx, uint64_t sector, void *to, unsigned n)
{
    ssize_t want = (ssize_t)n * GPT_SECTOR;

    return pread(*(int *)ctx, to, (size_t)want, (off_t)(sector * GPT_SECTOR)) == want ? 0 : -1;
}

static int disk_write(void *ctx, uint64_t sector, const void *from, unsigned n)
{
    ssize_t want = (ssize_t)n * GPT_SECTOR;
    int fd = *(int *)ctx;

    return pwrite(fd, from, (size_t)want, (off_t)(sector * GPT_SECTOR)) == want && fsync(fd) == 0
               ? 0
               : -1;
}

/* Opens /dev/NAME; false when it has no sectors of 512 bytes. */
static bool disk_open(struct gpt_disk *d, int *fd, const char *name, int flags)
{
    char path[48];
    uint64_t bytes = 0;
    int sector = 0;

    snprintf(path, sizeof path, "/dev/%.31s", name);
    *fd = open(path, flags | O_CLOEXEC);
    if (*fd < 0)
        return false;
    if (ioctl(*fd, BLKSSZGET, &sector) || sector != GPT_SECTOR ||
        ioctl(*fd, BLKGETSIZE64, &bytes)) {
        close(*fd);
        return false;
    }
    *d = (struct gpt_disk){.ctx = fd,
                           .read = disk_read,
                           .write = disk_write,
                           .sectors = bytes / GPT_SECTOR};
    return true;
}

/* ---- finding ---- */

static void partition_path(char *to, size_t cap, const char *disk, unsigned number)
{
    char last = disk[strlen(disk) - 1];

    snprintf(to, cap, "/dev/%.31s%s%u", disk, last >= '0' && last <= '9' ? "p" : "", number);
}

static bool is_ours(struct bootdisk *b, const char *name)
{
    static struct gpt table;
    struct gpt_disk d;
    uint64_t first, last;
    unsigned boot, data;
    bool found;
    int fd;

    if (!disk_open(&d, &fd, name, O_RDONLY))
        return false;
    found = gpt_read(&table, &d) == 0;
    close(fd);
    boot = found ? gpt_find(&table, boot_guid, &first, &last) : 0;
    data = found ? gpt_find(&table, data_guid, &first, &last) : 0;
    if (!boot)
        return false;
    snprintf(b->name, sizeof b->name, "%.31s", name);
    b->marked = !data || gpt_marked(&table, data_guid);
    b->lost[0] = 0;
    partition_path(b->boot, sizeof b->boot, name, boot);
    partition_path(b->data, sizeof b->data, name, data ? data : 4);
    return access(b->boot, F_OK) == 0; /* the kernel may not have read the table yet */
}

bool bootdisk_find(struct bootdisk *b)
{
    static const char *const never[] = {"loop", "ram", "zram", "sr", "fd", "md", "dm-", "nbd"};
    DIR *all = opendir("/sys/block");
    struct dirent *e;
    bool found = false;

    while (all && !found && (e = readdir(all))) {
        bool skip = e->d_name[0] == '.' || strlen(e->d_name) >= sizeof b->name;

        for (size_t i = 0; i < sizeof never / sizeof *never; i++)
            skip |= strncmp(e->d_name, never[i], strlen(never[i])) == 0;
        found = !skip && is_ours(b, e->d_name);
    }
    if (all)
        closedir(all);
    return found;
}

/* ---- growing ---- */

static uint64_t size_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = 0;

    if (fd >= 0 && ioctl(fd, BLKGETSIZE64, &bytes))
        bytes = 0;
    if (fd >= 0)
        close(fd);
    return bytes;
}

/* The kernel read the table before it grew. */
static void tell_kernel(const struct bootdisk *b, struct gpt_disk *d, int fd)
{
    static struct gpt table;
    struct blkpg_partition part = {0};
    struct blkpg_ioctl_arg arg = {.op = BLKPG_RESIZE_PARTITION,
                                  .datalen = sizeof part,
                                  .data = &part};
    uint64_t first, last;
    unsigned number = gpt_read(&table, d) ? 0 : gpt_find(&table, data_guid, &first, &last);

    if (!number || size_of(b->data) == (last - first + 1) * GPT_SECTOR)
        return;
    part.pno = (int)number;
    part.start = (long long)(first * GPT_SECTOR);
    part.length = (long long)((last - first + 1) * GPT_SECTOR);
    if (ioctl(fd, BLKPG, &arg))
        say("%s does not grow: %s; the next start will try again", b->data, strerror(errno));
}

void bootdisk_grow(const struct bootdisk *b)
{
    static const char *const why[] = {[-GPT_EREAD] = "it cannot be read",
                                      [-GPT_EWRITE] = "it cannot be written",
                                      [-GPT_ETABLE] = "its table is damaged",
                                      [-GPT_ELAYOUT] =
                                          "something else lies behind the data partition"};
    struct gpt_disk d;
    int fd, rc;

    if (!disk_open(&d, &fd, b->name, O_RDWR)) {
        say("%s cannot be opened for writing: its data partition stays as it is", b->name);
        return;
    }
    rc = gpt_grow(&d, data_guid);
    if (rc < 0)
        say("the data partition of %s stays as it is: %s", b->name, why[-rc]);
    if (rc == GPT_CHANGED)
        say("the data partition of %s takes the rest of the disk", b->name);
    tell_kernel(b, &d, fd);
    close(fd);
}

/* ---- mounting ---- */

static void grow_filesystem(const struct bootdisk *b)
{
    struct statfs s;
    int fd = open("/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t bytes = size_of(b->data), blocks;

    if (fd < 0)
        return;
    if (bytes && fstatfs(fd, &s) == 0 && s.f_bsize > 0) {
        blocks = bytes / (uint64_t)s.f_bsize;
        if (ioctl(fd, EXT4_IOC_RESIZE_FS, &blocks))
            say("the file system on %s does not grow: %s; the next start will try again", b->data,
                strerror(errno));
    }
    close(fd);
}

/* Whether what is mounted can be read at all. */
static bool data_readable(void)
{
    DIR *d = opendir("/data");
    int why;

    if (!d)
        return false;
    errno = 0;
    while (readdir(d))
        errno = 0;
    why = errno;
    closedir(d);
    errno = why;
    return why == 0;
}

void bootdisk_mount_data(struct bootdisk *b)
{
    bool there =
        mount(b->data, "/data", "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, "") == 0 ||
        errno == EBUSY;

    b->lost[0] = 0;
    if (!there)
        snprintf(b->lost, sizeof b->lost, "%s cannot be mounted: %s", b->data, strerror(errno));
    else if (!data_readable())
        snprintf(b->lost, sizeof b->lost, "%s cannot be read: %s", b->data, strerror(errno));
    if (there && b->lost[0])
        umount2("/data", MNT_DETACH);
    if (b->lost[0])
        say("%s", b->lost);
    else
        grow_filesystem(b);
}

bool bootdisk_mount(struct bootdisk *b)
{
    mkdir("/boot", 0755);
    mkdir("/data", 0755);
    if (mount(b->boot, "/boot", "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "") &&
        errno != EBUSY) {
        say("%s cannot be mounted: %s", b->boot, strerror(errno));
        return false;
    }
    bootdisk_mount_data(b);
    return true;
}

/* ---- used, and anew ---- */

static bool set_mark(const struct bootdisk *b, bool marked)
{
    struct gpt_disk d;
    int fd, rc;

    if (!disk_open(&d, &fd, b->name, O_RDWR))
        return false;
    rc = gpt_mark(&d, data_guid, marked);
    close(fd);
    return rc >= 0;
}

void bootdisk_mark(struct bootdisk *b)
{
    if (b->marked)
        return;
    if (!set_mark(b, true))
        say("%s takes no mark that the box keeps its memory on it", b->name);
    b->marked = true; /* not tried again before the next start */
}

static int block_write(void *ctx, uint64_t at, const uint8_t block[ANEW_BLOCK])
{
    return pwrite(*(int *)ctx, block, ANEW_BLOCK, (off_t)at) == ANEW_BLOCK ? 0 : -1;
}

static int block_sync(void *ctx)
{
    return fsync(*(int *)ctx);
}

/* The list of tools/image; its bytes, 0 when it cannot be read. */
static size_t read_list(uint8_t *to, size_t cap)
{
    int fd = open(ANEW_LIST, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0, more = 1;

    while (fd >= 0 && more > 0 && (size_t)n < cap) {
        more = read(fd, to + n, cap - (size_t)n);
        n += more > 0 ? more : 0;
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0 && more == 0 ? (size_t)n : 0;
}

static int write_anew(const struct bootdisk *b)
{
    static uint8_t list[ANEW_FILE_MAX];
    int fd = open(b->data, O_RDWR | O_EXCL | O_CLOEXEC), rc;
    struct anew_disk d = {.ctx = &fd,
                          .write = block_write,
                          .sync = block_sync,
                          .bytes = size_of(b->data)};

    if (fd < 0)
        return ANEW_EWRITE;
    rc = anew_write(&d, list, read_list(list, sizeof list));
    if (close(fd))
        rc = rc ? rc : ANEW_EWRITE;
    return rc;
}

void bootdisk_anew(struct bootdisk *b)
{
    static const char *const why[] = {[-ANEW_ELIST] = "the list of its blocks is damaged",
                                      [-ANEW_EROOM] = "it is too small",
                                      [-ANEW_EWRITE] = "it cannot be written"};
    int rc;

    say("a new file system for %s, as somebody at the box wants", b->data);
    umount2("/data", MNT_DETACH);
    if (!set_mark(b, false)) {
        snprintf(b->lost, sizeof b->lost,
                 "%s gets no new file system: the partition table of %s cannot be written", b->data,
                 b->name);
        return;
    }
    rc = write_anew(b);
    b->marked = false;
    if (rc)
        snprintf(b->lost, sizeof b->lost, "%s gets no new file system: %s", b->data, why[-rc]);
    else
        bootdisk_mount_data(b);
}
