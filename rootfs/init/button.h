/* The power button, as the kernel's input devices tell of it. */
#ifndef ROOTFS_INIT_BUTTON_H
#define ROOTFS_INIT_BUTTON_H

#include <stdbool.h>

#define BUTTONS_MAX 4 /* of the case, and of keyboards that have one */

struct buttons {
    int fd[BUTTONS_MAX]; /* not blocking; n of them */
    unsigned n;
    unsigned long looked; /* a bit a device: /dev/input/event0 ... */
};

/* Takes in devices that are new. Cheap enough to be called every second. */
void buttons_look(struct buttons *);
/* Whether one has been pressed since the last call. */
bool buttons_pressed(struct buttons *);

#endif
