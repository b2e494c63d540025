/* The keyboards at the box and the terminal on its serial port: keys in, lines out, and nothing
 * ever waits. What keys mean is keys.h. Keyboards may come and go; a terminal is there or not. One
 * thread. */
#ifndef BOARD_BOX_CONSOLE_KEYBOARD_H
#define BOARD_BOX_CONSOLE_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "board/box/console/keys.h"

struct keyboard;

/* `devices`: the folder of event devices ("/dev/input"; NULL: none). `line`: a terminal
 * ("/dev/console"; NULL: none), which from now on gives each byte at once and echoes none. Always
 * gives a keyboard; what cannot be had is done without. */
struct keyboard *keyboard_open(const char *devices, const char *line);

/* Looks for keyboards that were plugged in. About once a second. */
void keyboard_look(struct keyboard *);

/* The next key that was pressed; PRESS_NONE when there is none left. */
enum press keyboard_next(struct keyboard *);

/* Writes text to the terminal as fast as it takes it, with the calls of keyboard_flush; what does
 * not fit behind what is still to be written (8 KB) is left out whole. False when it was. */
bool keyboard_say(struct keyboard *, const char *text, size_t n);
void keyboard_flush(struct keyboard *);

/* The terminal is as it was. Safe on NULL. */
void keyboard_close(struct keyboard *);

#endif
