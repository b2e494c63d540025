#include "board/box/console/keys.h"

#include <stddef.h>

#define ESC 0x1b
#define SEQUENCE_MAX 16

/* linux/input-event-codes.h calls its own codes KEY_...; those that mean something here, by number.
 */
static const struct {
    uint16_t code;
    enum press key;
} codes[] = {
    {59, PRESS_STATUS},
    {60, PRESS_WALL},
    {61, PRESS_LOG},
    {62, PRESS_ADDRESS}, /* F1 .. F4 */
    /* the row of digits */
    {2, PRESS_STATUS},
    {3, PRESS_WALL},
    {4, PRESS_LOG},
    {5, PRESS_ADDRESS},
    /* the block of digits */
    {79, PRESS_STATUS},
    {80, PRESS_WALL},
    {81, PRESS_LOG},
    {75, PRESS_ADDRESS},
    /* R, B, P, H, S: at the same place on QWERTZ and AZERTY */
    {19, PRESS_PASSWORD},
    {48, PRESS_RESTART},
    {25, PRESS_OFF},
    {35, PRESS_HOLD},
    {31, PRESS_ARM},
    {20, PRESS_AGAIN},
    {49, PRESS_ANEW}, /* T, N */
    /* Y, and where QWERTZ has it */
    {21, PRESS_YES},
    {44, PRESS_YES},
};

enum press keys_code(uint16_t code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return codes[i].key;
    return PRESS_OTHER;
}

static enum press letter(uint8_t byte)
{
    switch (byte | 0x20) {
    case 'r':
        return PRESS_PASSWORD;
    case 'b':
        return PRESS_RESTART;
    case 'p':
        return PRESS_OFF;
    case 'h':
        return PRESS_HOLD;
    case 's':
        return PRESS_ARM;
    case 't':
        return PRESS_AGAIN;
    case 'n':
        return PRESS_ANEW;
    case 'y':
        return PRESS_YES;
    }
    return byte >= '1' && byte <= '4' ? (enum press)(PRESS_STATUS + byte - '1') : PRESS_OTHER;
}

/* One of four in a row, or another key. */
static enum press of_four(uint8_t byte, char first)
{
    return byte >= first && byte <= first + 3 ? (enum press)(PRESS_STATUS + byte - first)
                                              : PRESS_OTHER;
}

/* The n-th byte of a sequence. F1 to F4 are ESC O P..S, ESC [ 1 1..4 ~ and ESC [ [ A..D; of others
 * only the end is looked for. */
static enum press sequence(const uint8_t *s, unsigned n, uint8_t byte)
{
    if (byte < 0x20 || n > SEQUENCE_MAX)
        return PRESS_OTHER;
    if (n == 2)
        return byte == 'O' || byte == '[' ? PRESS_NONE : PRESS_OTHER;
    if (s[1] == 'O')
        return of_four(byte, 'P');
    if (n == 3 && byte == '[')
        return PRESS_NONE;
    if (s[2] == '[')
        return of_four(byte, 'A');
    if (byte < 0x40)
        return PRESS_NONE;
    return n == 5 && s[2] == '1' && byte == '~' ? of_four(s[3], '1') : PRESS_OTHER;
}

enum press keys_byte(struct keys_line *l, uint8_t byte)
{
    enum press key;

    if (byte == ESC) { /* a new one begins, whatever was before */
        l->n = 1;
        return PRESS_NONE;
    }
    if (l->n == 0)
        return letter(byte);
    if (l->n < sizeof l->seen)
        l->seen[l->n] = byte;
    l->n++;
    key = sequence(l->seen, l->n, byte);
    if (key != PRESS_NONE)
        l->n = 0;
    return key;
}

static enum keys_order order_of(enum press asked)
{
    switch (asked) {
    case PRESS_PASSWORD:
        return ORDER_PASSWORD;
    case PRESS_RESTART:
        return ORDER_RESTART;
    case PRESS_HOLD:
        return ORDER_LIFT;
    case PRESS_ARM:
        return ORDER_ARM;
    case PRESS_AGAIN:
        return ORDER_DATA_AGAIN;
    case PRESS_ANEW:
        return ORDER_DATA_ANEW;
    default:
        return ORDER_OFF;
    }
}

/* What asks, as things are. */
static bool key_asks(const struct keys *k, enum press key)
{
    if (key == PRESS_PASSWORD || key == PRESS_HOLD || key == PRESS_ARM)
        return !k->lost;
    return key == PRESS_RESTART || key == PRESS_OFF ||
           (k->lost && (key == PRESS_AGAIN || key == PRESS_ANEW));
}

enum keys_order keys_step(struct keys *k, enum press key, struct mono now)
{
    enum press asked;

    keys_tick(k, now);
    asked = k->asked;
    if (key == PRESS_NONE)
        return ORDER_NONE;
    k->asked = PRESS_NONE;
    if (key_asks(k, key)) {
        k->asked = key;
        if (asked != key)
            k->until = mono_add(now, KEYS_ASK_NS);
        return ORDER_NONE;
    }
    switch (key) {
    case PRESS_STATUS:
    case PRESS_WALL:
    case PRESS_LOG:
    case PRESS_ADDRESS:
        k->view = (enum keys_view)(VIEW_STATUS + (key - PRESS_STATUS));
        return ORDER_SHOW;
    case PRESS_YES:
        return asked != PRESS_NONE ? order_of(asked) : ORDER_NONE;
    default:
        return ORDER_NONE;
    }
}

void keys_tick(struct keys *k, struct mono now)
{
    if (k->asked != PRESS_NONE && mono_sub(now, k->until) >= 0)
        k->asked = PRESS_NONE;
}

const char *keys_question(const struct keys *k)
{
    switch (k->asked) {
    case PRESS_PASSWORD:
        return "Forget the password, and end who is logged in? Y: yes, any other key: no";
    case PRESS_RESTART:
        return "Start the box again? Y: yes, any other key: no";
    case PRESS_OFF:
        return "Switch the box off? Y: yes, any other key: no";
    case PRESS_HOLD:
        return "Lift the hold, so that sessions may erase machines again? Y: yes, any other key: "
               "no";
    case PRESS_ARM:
        return "Arm a session, which ERASES every machine that boots from this switch? Y: yes, any "
               "other key: no";
    case PRESS_AGAIN:
        return "Try the data partition again? Y: yes, any other key: no";
    case PRESS_ANEW:
        return "ERASE the box's key, password, images and who has passed, and start anew? Y: yes, "
               "any other key: no";
    default:
        return NULL;
    }
}
