#include "board/box/store/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "board/log/log.h"
#include "imaging/hash/crc.h"

/* ---- the hold, remembered ---- */

static void hold_keep(struct memory *m, enum hold_reason reason)
{
    uint8_t key = (uint8_t)reason, value[HOLD_VALUE_MAX];
    size_t n = hold_encode(&m->hold, reason, value);

    if (m->journal && journal_put(m->journal, JOURNAL_HOLD, &key, 1, value, n))
        log_line("the hold itself cannot be kept: the box finds out anew when it starts again");
}

static void hold_for(struct memory *m, enum hold_reason reason, const char *text)
{
    if (!hold_add(&m->hold, reason, text))
        return;
    log_line("on hold, nothing is erased until somebody decides on page or screen: %s", text);
    hold_keep(m, reason);
}

void memory_lift(struct memory *m, const char *by)
{
    if (!hold_lift(&m->hold))
        return;
    log_line("the hold is lifted at the %s: sessions erase machines again", by);
    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++)
        hold_keep(m, i);
}

/* ---- opening ---- */

/* Anything but a plain "there is none" counts as there. */
bool memory_had_key(const char *data)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof path, "%.4000s/identity.key", data);
    return stat(path, &st) == 0 || errno != ENOENT;
}

static void judge(struct memory *m, bool had_key, bool grown_before)
{
    struct journal_found found = journal_found(m->journal);
    char text[HOLD_TEXT];

    if (found.was == JOURNAL_NEW && had_key)
        hold_for(m, HOLD_LOST,
                 "the box's memory is gone, its key is not: it does not know which machines have "
                 "passed");
    else if (found.was == JOURNAL_NEW && grown_before)
        hold_for(m, HOLD_LOST,
                 "the data partition is empty and was not before: the box does not know which "
                 "machines have passed");
    else if (found.was == JOURNAL_LOST)
        hold_for(
            m, HOLD_LOST,
            "nothing of the box's memory can be read: it does not know which machines have passed");
    else if (found.was == JOURNAL_DAMAGED) {
        snprintf(
            text, sizeof text,
            "%zu bytes of the box's memory are lost: it may not know all machines that have passed",
            found.lost);
        hold_for(m, HOLD_DAMAGED, text);
    }
}

/* Reasons of earlier runs, which come before all else. */
static enum told recall_hold(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                             const uint8_t *value, size_t nvalue)
{
    struct memory *m = ctx;

    if (kind == JOURNAL_HOLD && nkey == 1 && hold_restore(&m->hold, key[0], value, nvalue) &&
        m->hold.why[key[0]].holds)
        log_line("still on hold, nothing is erased until somebody decides on page or screen: %s",
                 m->hold.why[key[0]].text);
    return TOLD_KNOWN;
}

static void give_up(struct memory *m, const struct err *err)
{
    char text[HOLD_TEXT];

    journal_close(m->journal);
    m->journal = NULL;
    snprintf(text, sizeof text, "%.180s (%d)", err->text, err->code);
    log_line("what the box learns is forgotten when it stops: %s", text);
    hold_for(m, err->code == PC_ENEWER ? HOLD_UNREAD : HOLD_UNKEPT, text);
}

void memory_open(struct memory *m, const char *data, bool had_key, bool grown_before)
{
    char path[PATH_MAX];
    struct err err = {0};

    *m = (struct memory){0};
    snprintf(path, sizeof path, "%.4000s/journal", data);
    if (journal_open(&m->journal, path, &err)) {
        give_up(m, &err);
        return;
    }
    journal_tell(m->journal, recall_hold, m);
    judge(m, had_key, grown_before);
    if (journal_begin(m->journal, &err))
        give_up(m, &err);
}

/* ---- telling ---- */

static enum told tell_one(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                          const uint8_t *value, size_t nvalue)
{
    struct memory *m = ctx;
    struct hold trial = {0};
    enum told told;

    if (kind == JOURNAL_HOLD)
        told = nkey == 1 && hold_restore(&trial, key[0], value, nvalue) ? TOLD_KNOWN : TOLD_NEWER;
    else
        told = m->each(m->ctx, kind, key, nkey, value, nvalue);
    if (told == TOLD_KNOWN)
        return told;
    m->newer += told == TOLD_NEWER;
    m->broken += told == TOLD_BROKEN;
    m->mark = crc32_ieee(crc32_ieee(crc32_ieee(m->mark, &kind, 1), key, nkey), value, nvalue);
    return told;
}

void memory_tell(struct memory *m, journal_each *each, void *ctx)
{
    char text[HOLD_TEXT];

    m->each = each;
    m->ctx = ctx;
    m->newer = m->broken = m->mark = 0;
    if (m->journal) {
        journal_tell(m->journal, tell_one, m);
        journal_run(m->journal);
    }
    if (m->newer + m->broken == 0)
        return;
    snprintf(text, sizeof text,
             "of the box's memory %u records are of a newer version and %u make no sense (%08x): "
             "it may not know all machines that have passed",
             m->newer, m->broken, m->mark);
    hold_for(m, HOLD_UNREAD, text);
}

/* ---- running ---- */

bool memory_put(struct memory *m, uint8_t kind, const void *key, size_t nkey, const void *value,
                size_t nvalue)
{
    int rc = m->journal ? journal_put(m->journal, kind, key, nkey, value, nvalue) : PC_EJOURNAL;

    if (rc && m->journal)
        hold_for(m, HOLD_UNKEPT,
                 rc == PC_EFULL ? "the box's memory is full: it cannot remember which machines pass"
                                : "the disk does not take what the box learns: it cannot remember "
                                  "which machines pass");
    return rc == 0;
}

bool memory_kept(struct memory *m, uint8_t kind, const void *key, size_t nkey)
{
    return !m->journal || journal_kept(m->journal, kind, key, nkey);
}

void memory_look(struct memory *m)
{
    if (m->journal && !journal_works(m->journal))
        hold_for(
            m, HOLD_UNKEPT,
            "the disk does not take what the box learns: it cannot remember which machines pass");
}

void memory_close(struct memory *m)
{
    journal_close(m->journal);
    m->journal = NULL;
}
