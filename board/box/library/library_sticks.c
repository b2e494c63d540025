#include <stdio.h>
#include <string.h>
#include <time.h>

#include "board/box/library/library_inside.h"
#include "board/box/library/stick_file.h"
#include "board/log/log.h"

#define SCHEME "stick:" /* of a record's url: "stick:0/images/debian.ring" */
#define LIST_MAX 150    /* bytes of names in a line of the log */

/* ---- one image is copied ---- */

bool library_is_import(const struct record *r)
{
    return strncmp(r->url, SCHEME, sizeof SCHEME - 1) == 0;
}

void library_import_url(struct record *r, unsigned stick, const char *path)
{
    snprintf(r->url, sizeof r->url, SCHEME "%u/%s", stick, path);
}

/* The file the record speaks of, which must be in the list of its stick: so no path leads anywhere
 * else. */
static const struct stick_entry *find(const struct library *l, const struct record *r,
                                      unsigned *place, struct err *err)
{
    const char *at = r->url + sizeof SCHEME - 1;
    bool told = library_is_import(r) && at[0] >= '0' && at[0] <= '9' && at[1] == '/';
    const struct stick *s = l->needs.sticks && told
                                ? sticks_at(l->needs.sticks, *place = (unsigned)(at[0] - '0'))
                                : NULL;
    const struct stick_entry *e = s ? stick_find(s, at + 2) : NULL;

    if (!s)
        err_set(err, LIBRARY_ESTICK, "expected the number of a stick that is plugged in");
    else if (!e)
        err_set(err, LIBRARY_ESTICK, "expected a file of the stick's list");
    return e;
}

int library_import(struct library *l, const struct record *r, uint32_t *id, struct err *err)
{
    unsigned place = 0;
    const struct stick_entry *e = find(l, r, &place, err);
    char root[STICK_ROOT_MAX];
    struct fetch from = {0};
    struct item *i;
    int rc = e ? library_check_newcomer(l, r, err) : LIBRARY_ESTICK;

    if (rc == 0)
        rc = library_check_space(l, e->bytes, err);
    if (rc == 0)
        rc = fetch_stick(&from, sticks_root(l->needs.sticks, place, root), e->path, e->bytes, err);
    if (rc)
        return rc;
    i = library_fetch(l, r, from);
    i->stick = place + 1;
    *id = i->is.id;
    log_line("stick %u: %s is being copied into the library as %s", place, e->path, r->name);
    return 0;
}

static unsigned coming_from(const struct library *l, unsigned stick)
{
    unsigned n = 0;

    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        n += i->used && !i->leaving && i->from.kind && i->stick == stick;
    return n;
}

void library_copied(struct library *l, const struct item *i)
{
    unsigned more = coming_from(l, i->stick);

    if (i->stick && more)
        log_line("stick %u: %s is copied; %u more on the way", i->stick - 1, i->is.record.name,
                 more);
    else if (i->stick)
        log_line("stick %u: %s is copied; the stick may be pulled out", i->stick - 1,
                 i->is.record.name);
}

const struct stick *library_stick(const struct library *l, unsigned place)
{
    return l->needs.sticks ? sticks_at(l->needs.sticks, place) : NULL;
}

bool library_copies(const struct library *l)
{
    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->stick && i->from.kind)
            return true;
    return false;
}

/* ---- what is plugged in ---- */

static void say_files(unsigned place, const struct stick *s, const char *what)
{
    char names[LIST_MAX + 8] = "";
    size_t n = 0;

    for (unsigned i = 0; i < s->n; i++) {
        const char *path = s->file[i].path;

        if (n + strlen(path) + 2 > LIST_MAX) {
            snprintf(names + n, sizeof names - n, " ...");
            break;
        }
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", path);
    }
    log_line("stick %u (%s): %u images%s%s", place, what, s->n, s->n ? ": " : "", names);
    if (s->left_out)
        log_line("stick %u: %u files are left out: more than %d, or names that are no plain text",
                 place, s->left_out, STICK_FILES_MAX);
}

static void say_stick(struct library *l, unsigned place)
{
    const struct stick *s = sticks_at(l->needs.sticks, place);
    char what[2 * STICK_TEXT_MAX + 4];

    l->tried[place] = 0;
    if (!s) {
        log_line("stick %u is gone", place);
        return;
    }
    snprintf(what, sizeof what, "%s%s%s", s->label, s->label[0] ? ", " : "", s->device);
    if (s->cause[0])
        log_line("stick %u (%s): %s", place, what, s->cause);
    else if (!s->looking)
        say_files(place, s, what);
}

/* ---- [library] sticks = take ---- */

static bool is_known(const struct library *l, const char *name)
{
    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->is.state != LIBRARY_FAILED &&
            strcmp(i->is.record.name, name) == 0)
            return true;
    return false;
}

/* Each file once for each time its stick is plugged in, whatever became of it. */
static bool take_from(struct library *l, unsigned place)
{
    const struct stick *s = sticks_at(l->needs.sticks, place);

    for (unsigned i = 0; s && !s->looking && i < s->n; i++) {
        struct record r = {.created = (uint64_t)time(NULL)};
        struct err err = {0};
        uint32_t id;

        if (l->tried[place] >> i & 1)
            continue;
        l->tried[place] |= UINT64_C(1) << i;
        snprintf(r.name, sizeof r.name, "%s", s->file[i].name);
        library_import_url(&r, place, s->file[i].path);
        if (is_known(l, r.name))
            continue;
        if (library_import(l, &r, &id, &err) == 0)
            return true;
        log_line("stick %u: %s is not copied: %s (%d)", place, s->file[i].path, err.text, err.code);
    }
    return false;
}

void library_step_sticks(struct library *l)
{
    unsigned changed;

    if (!l->needs.sticks)
        return;
    changed = sticks_tick(l->needs.sticks);
    for (unsigned place = 0; place < STICKS_MAX; place++)
        if (changed >> place & 1)
            say_stick(l, place);
    for (unsigned place = 0; l->needs.take_sticks && !library_copies(l) && place < STICKS_MAX;
         place++)
        if (take_from(l, place))
            break;
}
