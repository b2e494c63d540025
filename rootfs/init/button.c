#include "rootfs/init/button.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICES 32 /* beyond these a button goes unheard */

static bool has_power_key(int fd)
{
    unsigned char keys[KEY_MAX / 8 + 1] = {0};

    return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0 &&
           keys[KEY_POWER / 8] >> KEY_POWER % 8 & 1;
}

void buttons_look(struct buttons *b)
{
    for (unsigned i = 0; i < DEVICES && b->n < BUTTONS_MAX; i++) {
        char path[32];
        int fd;

        snprintf(path, sizeof path, "/dev/input/event%u", i);
        if (b->looked >> i & 1 || (fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
            continue;
        b->looked |= 1ul << i;
        if (has_power_key(fd))
            b->fd[b->n++] = fd;
        else
            close(fd);
    }
}

/* A keyboard was pulled out: all are looked for anew, because their numbers may be others' now. */
static void forget_all(struct buttons *b)
{
    while (b->n)
        close(b->fd[--b->n]);
    b->looked = 0;
}

bool buttons_pressed(struct buttons *b)
{
    struct input_event e;
    bool pressed = false, gone = false;

    for (unsigned i = 0; i < b->n; i++) {
        ssize_t n;

        while ((n = read(b->fd[i], &e, sizeof e)) == sizeof e)
            pressed |= e.type == EV_KEY && e.code == KEY_POWER && e.value == 1;
        gone |= n < 0 && errno == ENODEV;
    }
    if (gone)
        forget_all(b);
    return pressed;
}
