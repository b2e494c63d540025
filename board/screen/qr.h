/* QR codes (ISO/IEC 18004), by Debian's qrcodegen: made from a text, drawn into a canvas, written
 * as lines of half blocks. Pure: no device, no allocation. A telephone reads them from a screen
 * when modules are whole pixels, dark on light, with four light modules around; all three hold
 * here. */
#ifndef BOARD_SCREEN_QR_H
#define BOARD_SCREEN_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/screen/draw.h"

#define QR_VERSION_MAX 15 /* 77 modules a side: 4 pixels each on 1024x768 beside a page of text */
#define QR_QUIET 4        /* modules of light around it */
#define QR_TEXT_MAX 412   /* bytes that always fit, at the error correction used (medium) */
#define QR_LINES_BYTES ((size_t)45 * (85 * 3 + 16)) /* what qr_lines needs at the most */

struct qr {
    uint8_t code[(77 * 77 + 7) / 8 + 1]; /* as qrcodegen keeps it */
    /* modules a side without the quiet ones; 0: nothing fits or nothing was asked */
    int size;
};

/* At least medium error correction. NULL, "" or more than fits (QR_TEXT_MAX always does): size 0,
 * and drawing does nothing. */
void qr_make(struct qr *, const char *text);

/* One module, 0 <= x, y < size: true for dark. Everything outside is light. */
bool qr_dark(const struct qr *, int x, int y);

/* As large as whole pixels a module allow, in the square's upper right corner, with its quiet zone.
 * Returns the side in pixels; 0 and nothing drawn when not even one pixel a module fits. */
int qr_draw(const struct draw_canvas *, struct draw_rect square, const struct qr *);

/* For a terminal: two rows of modules a line, bright white on black whatever the terminal's colours
 * are, each line ended by "\r\n". UTF-8, n bytes of room (QR_LINES_BYTES suffices); ended by 0.
 * Returns the length; 0 when it does not fit whole. */
size_t qr_lines(char *to, size_t n, const struct qr *);

#endif
