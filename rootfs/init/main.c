/* PID 1 of the box and of its targets: mounts, links, role, USB sticks, and a core that is kept
 * running. It parses nothing that a stranger sends; what it reads is the partition tables of disks,
 * the kernel's own files, and the core's few words. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "net/os/clock.h"
#include "rootfs/init/bootdisk.h"
#include "rootfs/init/button.h"
#include "rootfs/init/core.h"
#include "rootfs/init/say.h"
#include "rootfs/init/setup.h"
#include "rootfs/init/stickmount.h"
#include "rootfs/init/watchdog.h"

#define IDENTITY "/etc/ringcast/box"
#define LOOK_AGAIN_MS 250
#define SAY_AGAIN 40            /* looks */
#define GOODBYE_NS (4 * MONO_S) /* for the core to end its sessions in good order */

#define BOX_CORE                                                                                   \
    "/ringcast", "box", "--config", "/boot/ringcast.conf", "--images", "/boot/images",             \
        "--payload", "/boot/payload", "--sticks", "/stick", "--data", "/data"
static char *const box_core[] = {BOX_CORE, NULL};
static char *const box_core_used[] = {BOX_CORE, "--data-grown-before", NULL};
static char *const target_core[] = {"/ringcast", "target", "--identity", IDENTITY, NULL};

/* SIGINT: Ctrl-Alt-Del. SIGTERM: whoever else may send it. */
static int watch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How the box's core starts, by what there is of the data partition. */
static char *const *box_role(struct bootdisk *disk)
{
    static char *lost[] = {BOX_CORE, "--data-lost", NULL, NULL};

    if (!disk->lost[0])
        return disk->marked ? box_core_used : box_core;
    lost[sizeof lost / sizeof *lost - 2] = disk->lost;
    return lost;
}

/* Who are we? The evidence is a file that only a box serves, or a disk that only a box is flashed
 * to. */
static char *const *find_role(int watchdog, struct stickmount *sticks, struct bootdisk *disk)
{

    if (access(IDENTITY, F_OK) == 0)
        return target_core;
    for (unsigned looks = 0;; looks++) {
        if (bootdisk_find(disk)) {
            bootdisk_grow(disk);
            if (bootdisk_mount(disk)) {
                stickmount_open(sticks, disk->name);
                return box_role(disk);
            }
        }
        if (looks % SAY_AGAIN == SAY_AGAIN / 2)
            say("no disk with Ringcast on it is there yet, and no box has started this machine; "
                "still looking");
        watchdog_feed(watchdog);
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

/* Waits until the core has ended or the time is over. */
static void gather(struct core *c, struct keep *k, struct stickmount *sticks, int64_t ns)
{
    struct mono end = mono_add(clock_now(), ns);

    do {
        core_reap(c, k, sticks, clock_now());
        poll(NULL, 0, 20);
    } while (c->pid && mono_sub(end, clock_now()) > 0);
}

static _Noreturn void shut_down(struct core *c, struct keep *k, struct stickmount *sticks,
                                int watchdog)
{
    bool off = k->wish == WISH_POWEROFF;

    say(off ? "switching off" : "starting again");
    k->over = true;
    kill(-1, SIGTERM);
    gather(c, k, sticks, GOODBYE_NS);
    kill(-1, SIGKILL);
    sync();
    umount2("/data", MNT_DETACH);
    umount2("/boot", MNT_DETACH);
    sync();
    if (off)
        watchdog_disarm(watchdog);
    reboot(off ? RB_POWER_OFF : RB_AUTOBOOT);
    say("the machine neither goes off nor starts again (%s): switch it off by hand",
        strerror(errno));
    for (;;)
        pause();
}

/* True when Ctrl-Alt-Del was pressed. */
static bool signalled(int fd)
{
    struct signalfd_siginfo s;
    bool leave = false;

    while (read(fd, &s, sizeof s) == sizeof s)
        leave |= s.ssi_signo != SIGCHLD;
    return leave;
}

/* Until something happens that PID 1 must look at. */
static void sleep_until_news(int signals, const struct core *core, const struct buttons *buttons,
                             int64_t wait)
{
    struct pollfd fd[2 + BUTTONS_MAX] = {{.fd = signals, .events = POLLIN},
                                         {.fd = core->wishes, .events = POLLIN}};

    for (unsigned i = 0; i < buttons->n; i++)
        fd[2 + i] = (struct pollfd){.fd = buttons->fd[i], .events = POLLIN};
    poll(fd, 2 + buttons->n, (int)(wait / MONO_MS) + 1);
}

/* What a person at the box has decided about the data partition, once the core has ended. */
static char *const *decide(struct bootdisk *disk, enum wish wish)
{
    if (wish == WISH_DATA_ANEW)
        bootdisk_anew(disk);
    else {
        umount2("/data", MNT_DETACH);
        bootdisk_mount_data(disk);
    }
    return box_role(disk);
}

static void keep_running(char *const *argv, struct bootdisk *disk, struct stickmount *sticks,
                         int signals, int watchdog)
{
    struct core core = {.wishes = -1};
    struct buttons buttons = {0};
    struct keep keep;
    int64_t wait;

    keep_init(&keep, clock_now());
    for (;;) {
        enum keep_action action = keep_step(&keep, clock_now(), &wait);

        if (action == KEEP_END && disk->name[0] &&
            (keep.wish == WISH_DATA_AGAIN || keep.wish == WISH_DATA_ANEW)) {
            argv = decide(disk, keep.wish);
            keep_init(&keep, clock_now());
            continue;
        }
        if (action == KEEP_END)
            shut_down(&core, &keep, sticks, watchdog);
        if (action == KEEP_START && !core_start(&core, argv))
            keep_ended(&keep, -1, clock_now());
        if (action == KEEP_KILL) {
            say("the core gives no sign of life; it is ended");
            kill(core.pid, SIGKILL);
        }
        setup_links();
        buttons_look(&buttons);
        stickmount_tick(sticks, clock_now());
        watchdog = watchdog < 0 ? watchdog_open() : watchdog;
        watchdog_feed(watchdog);
        sleep_until_news(signals, &core, &buttons, wait);
        core_listen(&core, &keep, clock_now());
        if (keep.kept && disk->name[0])
            bootdisk_mark(disk);
        if (signalled(signals)) {
            keep.wish = WISH_REBOOT;
            shut_down(&core, &keep, sticks, watchdog);
        }
        if (buttons_pressed(&buttons)) {
            keep.wish = WISH_POWEROFF;
            shut_down(&core, &keep, sticks, watchdog);
        }
        core_reap(&core, &keep, sticks, clock_now());
    }
}

int main(void)
{
    static struct stickmount sticks; /* of a box */
    static struct bootdisk disk;
    char *const *argv;
    int signals, watchdog;

    if (getpid() != 1) {
        say("this is PID 1 of the box, and nothing for other hands");
        return 1;
    }
    setup_mounts();
    setup_console();
    signals = watch_signals();
    reboot(RB_DISABLE_CAD);
    setup_links();
    watchdog = watchdog_open();
    argv = find_role(watchdog, &sticks, &disk);
    keep_running(argv, &disk, &sticks, signals, watchdog);
}
