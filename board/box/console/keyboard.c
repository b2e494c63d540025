#include "board/box/console/keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "net/wire/must.h"

#define DEVICES 32 /* beyond these a keyboard goes unheard */
#define KEYBOARDS 8
#define OUT_BYTES 8192

struct keyboard {
    const char *folder;
    int device[KEYBOARDS];
    unsigned n;
    uint32_t looked; /* a bit for each device that was asked what it is */
    int line;
    struct termios before;
    struct keys_line bytes;
    char out[OUT_BYTES];
    size_t first, used; /* of out: written up to, filled up to */
};

static bool has_letters(int fd)
{
    unsigned char keys[KEY_MAX / 8 + 1] = {0};

    return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0 && keys[KEY_Y / 8] >> KEY_Y % 8 & 1;
}

void keyboard_look(struct keyboard *k)
{
    for (unsigned i = 0; k->folder && i < DEVICES && k->n < KEYBOARDS; i++) {
        char path[256];
        int fd;

        snprintf(path, sizeof path, "%.200s/event%u", k->folder, i);
        if (k->looked >> i & 1 || (fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
            continue;
        k->looked |= UINT32_C(1) << i;
        if (has_letters(fd))
            k->device[k->n++] = fd;
        else
            close(fd);
    }
}

/* One was pulled out: all are looked for anew, because their numbers may be others' now. */
static void forget_all(struct keyboard *k)
{
    while (k->n)
        close(k->device[--k->n]);
    k->looked = 0;
}

static bool is_gone(ssize_t n)
{
    return n < 0 && errno == ENODEV;
}

/* Pressed alone: neither let go nor repeated. */
static enum press next_of_devices(struct keyboard *k)
{
    struct input_event e;

    for (unsigned i = 0; i < k->n; i++) {
        ssize_t n;

        while ((n = read(k->device[i], &e, sizeof e)) == sizeof e)
            if (e.type == EV_KEY && e.value == 1)
                return keys_code(e.code);
        if (is_gone(n)) {
            forget_all(k);
            break;
        }
    }
    return PRESS_NONE;
}

static enum press next_of_line(struct keyboard *k)
{
    enum press key = PRESS_NONE;
    uint8_t byte;

    while (key == PRESS_NONE && k->line >= 0 && read(k->line, &byte, 1) == 1)
        key = keys_byte(&k->bytes, byte);
    return key;
}

enum press keyboard_next(struct keyboard *k)
{
    enum press key = next_of_devices(k);

    return key != PRESS_NONE ? key : next_of_line(k);
}

static void open_line(struct keyboard *k, const char *path)
{
    struct termios now;

    k->line = path ? open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    if (k->line < 0)
        return;
    if (tcgetattr(k->line, &k->before)) {
        close(k->line);
        k->line = -1;
        return;
    }
    now = k->before;
    /* or a byte of noise stops whoever writes there */
    now.c_iflag &= ~(tcflag_t)(IXON | IXANY | IXOFF);
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    tcsetattr(k->line, TCSANOW, &now);
}

struct keyboard *keyboard_open(const char *devices, const char *line)
{
    struct keyboard *k = calloc(1, sizeof *k);

    MUST(k);
    k->folder = devices;
    open_line(k, line);
    keyboard_look(k);
    return k;
}

bool keyboard_say(struct keyboard *k, const char *text, size_t n)
{
    if (k->line < 0)
        return true; /* nobody listens */
    memmove(k->out, k->out + k->first, k->used - k->first);
    k->used -= k->first;
    k->first = 0;
    if (n > sizeof k->out - k->used)
        return false;
    memcpy(k->out + k->used, text, n);
    k->used += n;
    keyboard_flush(k);
    return true;
}

void keyboard_flush(struct keyboard *k)
{
    while (k->first < k->used) {
        ssize_t n = write(k->line, k->out + k->first, k->used - k->first);

        if (n <= 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            k->first = k->used; /* nobody reads it any more */
        if (n <= 0)
            return;
        k->first += (size_t)n;
    }
}

void keyboard_close(struct keyboard *k)
{
    if (!k)
        return;
    forget_all(k);
    if (k->line >= 0) {
        tcsetattr(k->line, TCSANOW, &k->before);
        close(k->line);
    }
    free(k);
}
