/* Keys at the box: what a keyboard's codes and a serial line's bytes mean, and what each does.
 * Pure.
 *
 *   F1 or 1   status         F2 or 2   wall board      F3 or 3   log        F4 or 4   address
 *   R         forget the password       B  start the machine again          P  switch it off
 *   H         lift the hold (hold.h)            S  arm a session for all machines
 *   T         try the data partition again         N  make its file system anew: both only while it
 *                                                     cannot be read (lost.h), where
 *             R, H and S mean nothing
 *
 * The letters ask first and are done by Y within ten seconds; any other key takes the question
 * back. The same key pressed twice means what it means once: a machine without a serial port gives
 * us its keyboard both as a device and as a terminal, and a key that is held repeats. So noise on a
 * line would have to say R and then Y to do anything. */
#ifndef BOARD_BOX_CONSOLE_KEYS_H
#define BOARD_BOX_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

#define KEYS_ASK_NS (10 * MONO_S)

enum press {
    PRESS_NONE,
    PRESS_STATUS,
    PRESS_WALL,
    PRESS_LOG,
    PRESS_ADDRESS,
    PRESS_PASSWORD,
    PRESS_RESTART,
    PRESS_OFF,
    PRESS_HOLD,
    PRESS_ARM,
    PRESS_AGAIN,
    PRESS_ANEW,
    PRESS_YES,
    PRESS_OTHER
};

enum keys_view { VIEW_STATUS, VIEW_WALL, VIEW_LOG, VIEW_ADDRESS };

/* What is to be done, once. */
enum keys_order {
    ORDER_NONE,
    ORDER_SHOW,
    ORDER_PASSWORD,
    ORDER_RESTART,
    ORDER_OFF,
    ORDER_LIFT,
    ORDER_ARM,
    ORDER_DATA_AGAIN,
    ORDER_DATA_ANEW
};

#define KEYS_LOST "T try again  N start anew, erases what the box keeps  B restart  P off"

struct keys {
    enum keys_view view;
    bool lost;        /* the data cannot be read */
    enum press asked; /* PRESS_PASSWORD .. PRESS_ANEW: waits for Y; else PRESS_NONE */
    struct mono until;
};

/* Bytes of a terminal as keys: letters in either case, digits, and the sequences that xterm, the
 * Linux console and VT100s send for F1 to F4. Zeroed to begin with. */
struct keys_line {
    uint8_t seen[6]; /* how a sequence that has begun begins */
    uint8_t n;       /* bytes of it so far */
};
/* PRESS_NONE while a sequence goes on, and for ESC itself. A sequence ends after 16 bytes at the
 * latest. */
enum press keys_byte(struct keys_line *, uint8_t byte);

/* A code of linux/input-event-codes.h that was pressed. */
enum press keys_code(uint16_t code);

/* ORDER_SHOW: a view was asked for, perhaps the same one again. */
enum keys_order keys_step(struct keys *, enum press, struct mono now);
/* A question that nobody answered is forgotten. About once a second. */
void keys_tick(struct keys *, struct mono now);
/* The question that is open; NULL when none is. */
const char *keys_question(const struct keys *);

#endif
