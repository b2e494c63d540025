#include "rootfs/init/keep.h"

#include <string.h>

#define IDLE_NS MONO_S

void keep_init(struct keep *k, struct mono now)
{
    memset(k, 0, sizeof *k);
    k->start_at = now;
}

static void keep_line(struct keep *k, struct mono now)
{
    static const char *const word[] = {[WISH_REBOOT] = "reboot",
                                       [WISH_POWEROFF] = "poweroff",
                                       [WISH_DATA_AGAIN] = "data-again",
                                       [WISH_DATA_ANEW] = "data-anew"};

    for (unsigned i = WISH_REBOOT; i <= WISH_DATA_ANEW; i++)
        if (strcmp(k->line, word[i]) == 0)
            k->wish = (enum wish)i;
    k->kept |= strcmp(k->line, "kept") == 0;
    k->speaks |= strcmp(k->line, "alive") == 0;
    k->heard = now;
}

void keep_heard(struct keep *k, const char *bytes, size_t n, struct mono now)
{
    for (size_t i = 0; i < n; i++) {
        bool ends = bytes[i] == '\n';

        if (!ends && k->n < KEEP_LINE - 1)
            k->line[k->n++] = bytes[i];
        else
            k->too_long |= !ends;
        if (!ends)
            continue;
        k->line[k->n] = 0;
        if (!k->too_long)
            keep_line(k, now);
        k->n = 0;
        k->too_long = false;
    }
}

void keep_ended(struct keep *k, int code, struct mono now)
{
    k->running = k->speaks = k->kept = k->killed = k->too_long = false;
    k->n = 0;
    k->start_at = mono_add(now, KEEP_PAUSE_NS);
    k->over = code == 0 && k->wish != WISH_NONE;
    if (!k->over)
        k->wish = WISH_NONE;
}

enum keep_action keep_step(struct keep *k, struct mono now, int64_t *wait_ns)
{
    *wait_ns = IDLE_NS;
    if (k->over)
        return KEEP_END;
    if (!k->running && mono_sub(now, k->start_at) < 0) {
        *wait_ns = mono_sub(k->start_at, now);
        return KEEP_WAIT;
    }
    if (!k->running) {
        k->running = true;
        k->heard = now;
        return KEEP_START;
    }
    if (k->speaks && !k->killed && mono_sub(now, k->heard) > KEEP_SILENT_NS) {
        k->killed = true;
        return KEEP_KILL;
    }
    return KEEP_WAIT;
}
