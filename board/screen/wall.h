/* The wall board: one tile a machine, as large as all of them fit, state by colour and by letter or
 * shape. Pure. */
#ifndef BOARD_SCREEN_WALL_H
#define BOARD_SCREEN_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wall_state {
    WALL_WAITING,   /* grey, W */
    WALL_RECEIVING, /* blue, its percentage and a strip as long as it */
    WALL_VERIFYING, /* violet, V */
    WALL_PASS,      /* green, a tick */
    WALL_FAIL,      /* red, a cross */
    WALL_LOST,      /* yellow, a question mark */
    WALL_LEFT,      /* as dark as the page, a dash */
    WALL_STATES
};

struct wall_tile {
    uint16_t number; /* 0 .. 65535, as on the machine's own screen */
    uint8_t state;   /* enum wall_state */
    uint8_t percent; /* 0 .. 100, of the state it is in */
    bool marked;     /* somebody looks for it: a white frame */
};

struct wall {
    const struct wall_tile *tiles; /* borrowed */
    unsigned n;
    unsigned turn; /* which page of them, counted on by the caller, where not all fit: any number */
};

struct draw_canvas;
struct draw_rect;

/* How the tiles lie in an area. */
struct wall_grid {
    unsigned columns, rows; /* both 0 when not even one fits */
    int scale;              /* of the letters */
    unsigned pages;         /* at least 1 */
};
struct wall_grid wall_fit(int width, int height, const struct wall *);

/* Draws the page of tiles whose turn it is. */
void wall_draw(const struct draw_canvas *, struct draw_rect, const struct wall *);

/* The word for a state: "waiting" ... */
const char *wall_state_name(enum wall_state);

#endif
