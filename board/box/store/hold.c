#include "board/box/store/hold.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

#define VERSION 1

static const struct {
    const char *word;
    bool anew;
} reason_of[HOLD_REASON_COUNT] = {
#define X(name, word, anew) {word, anew},
    HOLD_REASONS(X)
#undef X
};

bool hold_add(struct hold *h, enum hold_reason reason, const char *text)
{
    char said[HOLD_TEXT];

    MUST(reason < HOLD_REASON_COUNT && text[0]);
    snprintf(said, sizeof said, "%s", text);
    if (h->why[reason].holds || (h->why[reason].agreed && strcmp(h->why[reason].text, said) == 0))
        return false;
    memcpy(h->why[reason].text, said, sizeof said);
    h->why[reason].holds = true;
    h->why[reason].agreed = false;
    return true;
}

bool hold_is(const struct hold *h)
{
    bool holds = false;

    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++)
        holds |= h->why[i].holds;
    return holds;
}

bool hold_lift(struct hold *h)
{
    bool held = hold_is(h);

    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++) {
        if (!h->why[i].holds)
            continue;
        h->why[i].holds = false;
        h->why[i].agreed = reason_of[i].anew;
    }
    return held;
}

const char *hold_sentence(const struct hold *h, char buf[HOLD_SENTENCE])
{
    size_t n = 0;

    buf[0] = 0;
    for (unsigned i = 0; i < HOLD_REASON_COUNT && n < HOLD_SENTENCE; i++)
        if (h->why[i].holds)
            n += (size_t)snprintf(buf + n, HOLD_SENTENCE - n, "%s%s.",
                                  n ? " " : "On hold, nothing is erased: ", h->why[i].text);
    return buf;
}

const char *hold_word(enum hold_reason reason)
{
    return reason_of[reason].word;
}

/* version (1), bit 0: holds, bit 1: agreed (1), text */
size_t hold_encode(const struct hold *h, enum hold_reason reason, uint8_t value[HOLD_VALUE_MAX])
{
    size_t n = strlen(h->why[reason].text);

    if (!h->why[reason].holds && !h->why[reason].agreed)
        return 0;
    value[0] = VERSION;
    value[1] = (uint8_t)(h->why[reason].holds | h->why[reason].agreed << 1);
    memcpy(value + 2, h->why[reason].text, n);
    return 2 + n;
}

bool hold_restore(struct hold *h, unsigned reason, const uint8_t *value, size_t n)
{
    if (reason >= HOLD_REASON_COUNT || n < 3 || n >= 2 + HOLD_TEXT || value[0] != VERSION ||
        value[1] < 1 || value[1] > 2 || !utf8_is_plain(value + 2, n - 2))
        return false;
    memcpy(h->why[reason].text, value + 2, n - 2);
    h->why[reason].text[n - 2] = 0;
    h->why[reason].holds = value[1] & 1;
    h->why[reason].agreed = value[1] >> 1;
    return true;
}
