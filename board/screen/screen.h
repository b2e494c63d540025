/* What a person in front of the box or of a target sees: one page at a time, drawn into the
 * framebuffer the firmware left, and said in plain lines on the serial port. No page is ever partly
 * old: what changed is copied row by row from a picture drawn beforehand. Without a framebuffer (or
 * with one of another depth than 16 or 32 bits) the lines are all there is. One thread, the one
 * that opened it.
 *
 * Texts are UTF-8 and may be foreign: control characters and broken sequences show as '?', so
 * nobody's disk or machine name moves the cursor of a terminal. */
#ifndef BOARD_SCREEN_SCREEN_H
#define BOARD_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/screen/wall.h"
#include "net/wire/err.h"

#define SCREEN_LINES 14

/* X(name, code, sentence) */
#define SCREEN_ERRORS(X)                                                                           \
    X(SCREEN_EOPEN, -2300, "the framebuffer cannot be opened")                                     \
    X(SCREEN_EFORMAT, -2301, "the framebuffer has a depth this program does not draw")

#define X(name, code, text) name = (code),
enum screen_error { SCREEN_ERRORS(X) };
#undef X

/* The shape says the same as the colour and the word, for eyes that see neither. It also picks the
 * page's colour. */
enum screen_shape {
    SCREEN_PLAIN, /* no shape, dark page */
    SCREEN_TICK,  /* green page */
    SCREEN_CROSS, /* red page */
    SCREEN_BAR,   /* yellow page: stopped, waits for a person */
};

struct screen_line {
    /* "disk", "Samsung SSD 870 1 TB, S5Y2NX0R"; a NULL value leaves the line out */
    const char *name, *value;
};

struct screen_page {
    const char *title; /* top line; NULL for none */
    /* a third of the screen high: "PASS"; up to 4 letters stay that high */
    const char *word;
    enum screen_shape shape; /* beside the word */
    /* what it means or what to do next; wrapped; NULL for none */
    const char *sentence;
    struct screen_line lines[SCREEN_LINES]; /* image, serial, MAC, disk, rate, time left ... */
    int percent;                            /* 0 .. 100 draws bar and number; negative: neither */
    /* the machine's: large in the upper right corner; NULL for none */
    const char *number;
    /* what a telephone takes over, on the right; NULL for none. Only in the picture */
    const char *qr;
    /* tiles in place of word, bar and lines; NULL for none. Only in the picture */
    const struct wall *wall;
    /* in place of the same: n_text lines, wrapped; the last ones are seen */
    const char *const *text;
    unsigned n_text;
    /* the bottom row; NULL for none. Only in the picture */
    const char *footer;
    /* the footer is a question to whoever stands there: it stands out */
    bool asks;
    /* alone on the page, as large as fits: which machine this is; NULL for none */
    const char *huge;
    bool inverted; /* ground and ink changed with each other, to blink */
};

struct screen;

/* Opens the framebuffer at `path` ("/dev/fb0"; NULL: none) and keeps `lines_fd` (negative: none)
 * for the lines; both may be missing. Always gives a screen, which the caller gives back to
 * screen_close; `err` (may be NULL) says why there is no picture. Takes the console out of text
 * mode, so that the cursor does not blink through the page. */
struct screen *screen_open(const char *path, int lines_fd, struct err *err);

/* True when there is a picture besides the lines. */
bool screen_has_picture(const struct screen *);

/* Shows a page; everything in it is borrowed for the call. A change of title, word or sentence is
 * said at once on the lines, a change of the other values with the next such change or step of 5
 * percent. Cheap enough for four calls a second. */
void screen_show(struct screen *, const struct screen_page *);

/* The picture stays as it is. */
void screen_close(struct screen *);

#endif
