/* A page (screen.h) as text for a terminal: what the picture shows, in lines, with the code as half
 * blocks and the wall as rows of numbers and words. Pure. Control characters of foreign texts
 * become '?', so the only sequences of a terminal in it are the code's colours. */
#ifndef BOARD_SCREEN_SCREEN_TEXT_H
#define BOARD_SCREEN_SCREEN_TEXT_H

#include "board/screen/screen.h"

#define SCREEN_TEXT_COLUMNS 80
#define SCREEN_TEXT_ROWS 40 /* of tiles */

/* Up to n bytes (n > 0) at `to`, ended by 0; lines end in "\r\n". Returns the length. A code that
 * does not fit is left out. */
size_t screen_text(char *to, size_t n, const struct screen_page *);

#endif
