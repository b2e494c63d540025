#include "board/box/library/library_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "board/log/log.h"
#include "net/wire/must.h"

#define SECOND MONO_S
#define FORGET_NS (600 * MONO_S) /* how long a failed upload says why */

/* ---- items ---- */

struct item *library_new_item(struct library *l, enum library_origin origin,
                              enum library_state state, const struct record *r)
{
    struct item *i = l->item;
    struct work *w;

    while (i < l->item + LIBRARY_MAX && i->used)
        i++;
    if (i == l->item + LIBRARY_MAX)
        return NULL;
    w = work_of(l, i);
    *i = (struct item){.used = true,
                       .block = NO_BLOCK,
                       .is = {.origin = origin, .state = state, .record = *r}};
    memset(w, 0, sizeof *w);
    w->intake.fd = w->opened.file.fd = w->proved.file.fd = -1;
    w->record = *r;
    snprintf(w->label, sizeof w->label, "%s", r->version);
    return i;
}

void library_give_block(struct library *l, struct item *i)
{
    if (i->block != NO_BLOCK)
        l->block_used[i->block] = false;
    i->block = NO_BLOCK;
    i->filled = 0;
}

static void let_go(struct stream_source *s)
{
    if (s->file.bytes)
        img_file_close(&s->file);
    send_body_close(&s->body);
}

void library_free_item(struct library *l, struct item *i)
{
    struct work *w = work_of(l, i);

    library_give_block(l, i);
    fetch_close(&i->from);
    let_go(&w->opened);
    let_go(&w->proved);
    i->used = false;
}

struct item *library_item(struct library *l, uint32_t id)
{
    for (struct item *i = l->item; id && i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->is.id == id)
            return i;
    return NULL;
}

/* Of two, one that is to replace the other, the one that is given out, or else is ready. */
struct item *library_item_named(struct library *l, const char *name, bool listed)
{
    struct item *found = NULL;
    int best = -1;

    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        int good = 2 * i->is.served + (i->is.state == LIBRARY_READY);

        if (i->used && !i->leaving && i->is.state != LIBRARY_FAILED &&
            library_listed(&i->is) == listed && strcmp(i->is.record.name, name) == 0 &&
            good > best) {
            found = i;
            best = good;
        }
    }
    return found;
}

void library_post(struct library *l, struct item *i, enum task_kind kind, uint64_t at)
{
    struct task t = {.kind = kind, .image = (unsigned)(i - l->item), .at = at};

    i->writing += kind < TASK_CHECK;
    threads_post(&l->threads, &t);
}

void library_work_on(struct library *l, struct item *i, enum task_kind kind,
                     enum library_state state)
{
    i->is.state = state;
    i->busy = true;
    library_post(l, i, kind, 0);
}

/* ---- the end of an item ---- */

/* Its files go, and then it, unless it is to say why it failed. */
void library_drop(struct library *l, struct item *i, bool forget)
{
    i->forgotten |= forget;
    i->leaving |= forget;
    library_give_block(l, i);
    fetch_close(&i->from);
    if (i->busy)
        work_of(l, i)->stop = 1; /* what became of the task brings it here again */
    else
        library_post(l, i, TASK_DROP, 0);
}

void library_fail(struct library *l, struct item *i, const struct err *err)
{
    log_line("%s is not taken into the library: %s (%d)", i->is.record.name, err->text, err->code);
    i->is.state = LIBRARY_FAILED;
    i->ended = l->now;
    snprintf(i->is.cause, sizeof i->is.cause, "%s", err->text);
    library_drop(l, i, false);
}

static void set_bad(struct library *l, struct item *i, const struct err *err)
{
    log_line("%s is bad: %s (%d)", i->is.record.name, err->text, err->code);
    i->is.state = LIBRARY_BAD;
    snprintf(i->is.cause, sizeof i->is.cause, "%s", err->text);
    if (i->is.served)
        serve_remove(l->needs.serve, i->is.record.name, l->now);
    i->is.served = i->to_serve = false;
    let_go(&work_of(l, i)->opened);
}

void library_set_unread(struct library *l, struct item *i, const struct err *why)
{
    struct err err = {0};

    i->unread = true;
    if (!i->is.record.name[0])
        snprintf(i->is.record.name, sizeof i->is.record.name, "unreadable %08x", i->is.id);
    err_set(&err, why->code, "%s: the image is kept and not given out", why->text);
    set_bad(l, i, &err);
}

/* The next start reads all of it again. */
static void lose(struct library *l, struct item *i, const struct err *why)
{
    set_bad(l, i, why);
    if (i->busy)
        return;
    i->busy = true;
    library_post(l, i, TASK_FORGET, 0);
}

void library_lost(struct library *l, const char *name, const struct err *why)
{
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->is.served && strcmp(i->is.record.name, name) == 0)
            lose(l, i, why);
}

static void take_away(struct library *l, struct item *i)
{
    log_line("%s is deleted", i->is.record.name);
    if (i->is.served)
        serve_remove(l->needs.serve, i->is.record.name, l->now);
    i->is.served = i->to_serve = false;
    library_drop(l, i, true);
}

/* ---- serving ---- */

static bool on_the_wire(const struct serve *s, const char *name)
{
    for (unsigned i = 0; i < s->n_streams; i++)
        if (strcmp(s->streams[i].session.name, name) == 0)
            return true;
    return false;
}

/* Waits while one of its name is still leaving, or all places are taken. */
static void try_serve(struct library *l, struct item *i)
{
    struct serve *s = l->needs.serve;
    struct work *w = work_of(l, i);
    struct err err = {0};

    if (on_the_wire(s, i->is.record.name) || session_server_place(&s->server) >= CONFIG_IMAGES_MAX)
        return;
    i->to_serve = false;
    i->is.served = serve_add(s, w->path, &w->opened, &err) == 0;
    if (i->is.served) {
        i->is.cause[0] = 0;
        log_line("%s: serving %s", i->is.record.name, w->path);
        return;
    }
    snprintf(i->is.cause, sizeof i->is.cause, "it is not served: %s", err.text);
    log_line("%s is skipped: %s (%d)", w->path, err.text, err.code);
}

/* The image is whole, and ready for the wire in w->proved, which is taken over. */
static void now_ready(struct library *l, struct item *i)
{
    struct work *w = work_of(l, i);

    i->is.state = LIBRARY_READY;
    i->is.cause[0] = 0;
    if (i->is.served || i->to_serve) { /* what was verified */
        let_go(&w->proved);
        return;
    }
    w->opened = w->proved;
    w->proved = (struct stream_source){.file.fd = -1};
    i->to_serve = true;
    try_serve(l, i);
}

/* ---- what the threads have done ---- */

static bool in_the_middle(const struct serve *s, const char *name)
{
    for (unsigned i = 0; i < s->n_streams; i++)
        if (strcmp(s->streams[i].session.name, name) == 0 &&
            session_image_has_begun(&s->streams[i].session))
            return true;
    return false;
}

/* The older one of the name goes when the newer is there for good, and nobody's disk is half
 * written with it. */
static void replace_older(struct library *l, struct item *by)
{
    bool wait = by->is.record.replaces && in_the_middle(l->needs.serve, by->is.record.name);

    if (wait && !by->supersedes)
        log_line("%s: the one that came waits for machines that are in the middle of the older one",
                 by->is.record.name);
    by->supersedes = wait;
    if (wait)
        snprintf(by->is.cause, sizeof by->is.cause,
                 "machines are in the middle of the older one of this name: this one takes its "
                 "place when they are through");
    for (struct item *i = l->item; by->is.record.replaces && !wait && i < l->item + LIBRARY_MAX;
         i++)
        if (i != by && i->used && !i->leaving && i->is.id < by->is.id && library_listed(&i->is) &&
            strcmp(i->is.record.name, by->is.record.name) == 0)
            take_away(l, i);
}

static void on_written(struct library *l, struct item *i, const struct done *d)
{
    l->block_used[d->task.block] = false;
    i->blocks--;
    if (d->err.code == 0) {
        i->written = d->at;
        return;
    }
    if (d->err.code == LIBRARY_EOFFSET || i->is.state == LIBRARY_FAILED)
        return;
    /* What was taken after this is lost: the upload goes on where the disk stopped. */
    log_line("%s: the upload stands at byte %llu: %s (%d)", i->is.record.name,
             (unsigned long long)d->at, d->err.text, d->err.code);
    library_give_block(l, i);
    i->is.offset = i->written = d->at;
    i->stall = d->err.code;
    snprintf(i->is.cause, sizeof i->is.cause, "%s", d->err.text);
    if (i->from.kind)
        library_fail(l, i, &d->err);
}

static void on_finished(struct library *l, struct item *i, const struct done *d)
{
    i->finishing = false;
    if (d->err.code == LIBRARY_EOFFSET || d->err.code == LIBRARY_ESPACE ||
        d->err.code == LIBRARY_EDISK) {
        if (i->is.record.url[0]) { /* there is nobody to send it again */
            library_fail(l, i, &d->err);
            return;
        }
        i->is.offset = d->at; /* the last piece is to be sent again */
        i->is.state = LIBRARY_RECEIVING;
        i->stall = d->err.code == LIBRARY_EOFFSET ? i->stall : d->err.code;
        return;
    }
    i->is.hashed = true;
    memcpy(i->is.sha256, d->sha256, sizeof i->is.sha256);
    if (i->is.record.hashed && memcmp(d->sha256, i->is.record.sha256, sizeof d->sha256) != 0) {
        struct err err = {0};

        err_set(&err, LIBRARY_EHASH,
                "the bytes that came do not have the SHA-256 that was announced");
        library_fail(l, i, &err);
        return;
    }
    library_work_on(l, i, TASK_CHECK, LIBRARY_CHECKING);
}

static void on_checked(struct library *l, struct item *i, const struct done *d)
{
    struct work *w = work_of(l, i);

    if (d->err.code) {
        library_fail(l, i, &d->err);
        return;
    }
    i->is.cause[0] = 0;
    shelf_path(&l->shelf, i->is.id, "ring", w->path);
    if (d->became == SHELF_RAW) {
        shelf_path(&l->shelf, i->is.id, "raw", w->source);
        i->is.facts.bytes = i->is.facts.raw_bytes = i->is.record.bytes;
        library_work_on(l, i, TASK_PACK, LIBRARY_PACKING);
        return;
    }
    library_work_on(l, i, TASK_OPEN, LIBRARY_CHECKING);
}

static void on_packed(struct library *l, struct item *i, const struct done *d)
{
    if (d->err.code) {
        set_bad(l, i, &d->err);
        return;
    }
    library_work_on(l, i, TASK_OPEN, LIBRARY_PACKING);
}

/* Of the folders' files that are called the same the first one counts: receivers could not tell
 * them apart. */
static bool is_taken(const struct library *l, const struct item *by, const char *name)
{
    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i != by && i->used && !i->leaving && i->named && i->is.state != LIBRARY_BAD &&
            strcmp(i->is.record.name, name) == 0)
            return true;
    return false;
}

/* A file of the folders has told what it is called. False: it is skipped, and gone. */
static bool take_name(struct library *l, struct item *i, const struct done *d)
{
    const struct work *w = work_of(l, i);

    if (!w->source[0])
        memcpy(i->is.record.version, d->version, sizeof i->is.record.version);
    if (is_taken(l, i, d->name)) {
        log_line(
            "%s is skipped: two images are called \"%s\": receivers could not tell them apart (%d)",
            w->source[0] ? w->source : w->path, d->name, LIBRARY_EEXISTS);
        l->skipped++;
        library_free_item(l, i);
        return false;
    }
    memcpy(i->is.record.name, d->name, sizeof i->is.record.name);
    i->named = true;
    return true;
}

static void on_opened(struct library *l, struct item *i, const struct done *d)
{
    if (d->err.code) {
        set_bad(l, i, &d->err);
        return;
    }
    i->is.facts = work_of(l, i)->facts;
    if (i->is.origin != LIBRARY_OWN && !i->named && !take_name(l, i, d))
        return;
    if (!d->known) {
        log_line("%s is read in full before it is given out", i->is.record.name);
        library_work_on(l, i, TASK_VERIFY, LIBRARY_VERIFYING);
        return;
    }
    now_ready(l, i);
    replace_older(l, i);
}

static void on_verified(struct library *l, struct item *i, const struct done *d)
{
    if (d->err.code) {
        set_bad(l, i, &d->err);
        return;
    }
    log_line("%s is whole", i->is.record.name);
    if (i->is.served || i->to_serve)
        now_ready(l, i);
    else
        library_work_on(l, i, TASK_OPEN, LIBRARY_VERIFYING);
}

static void on_done(struct library *l, const struct done *d)
{
    struct item *i = &l->item[d->task.image];

    i->writing -= d->task.kind < TASK_CHECK;
    if (d->task.kind >= TASK_CHECK) {
        i->busy = false;
        if (i->leaving || i->is.state == LIBRARY_FAILED) {
            library_drop(l, i, i->leaving);
            return;
        }
    }
    switch (d->task.kind) {
    case TASK_BEGIN:
        if (d->err.code && i->is.state != LIBRARY_FAILED && !i->leaving)
            library_fail(l, i, &d->err);
        break;
    case TASK_WRITE:
        on_written(l, i, d);
        break;
    case TASK_FINISH:
        if (!i->leaving && i->is.state != LIBRARY_FAILED)
            on_finished(l, i, d);
        break;
    case TASK_DROP:
        if (d->err.code)
            log_line("%s: %s (%d)", i->is.record.name, d->err.text, d->err.code);
        if (i->forgotten && i->writing == 0)
            library_free_item(l, i);
        break;
    case TASK_CHECK:
        on_checked(l, i, d);
        break;
    case TASK_PACK:
        on_packed(l, i, d);
        break;
    case TASK_OPEN:
        on_opened(l, i, d);
        break;
    case TASK_FORGET:
        break;
    default:
        on_verified(l, i, d);
    }
}

void library_collect(struct library *l)
{
    struct done d;

    while (threads_take(&l->threads, &d))
        on_done(l, &d);
}

/* ---- orders ---- */

int library_verify(struct library *l, const char *name, struct err *err)
{
    struct item *i;

    library_collect(l);
    i = library_item_named(l, name, true);
    if (!i)
        return err_set(err, LIBRARY_EUNKNOWN, "there is no image \"%s\"", name);
    if (i->busy)
        return err_set(err, LIBRARY_EBUSY, "something is under way with the image already");
    if (i->unread)
        return err_set(err, LIBRARY_ERECORD, "%s; the box reads it again when it starts",
                       i->is.cause);
    if (i->is.state == LIBRARY_BAD && work_of(l, i)->source[0])
        library_work_on(l, i, TASK_PACK, LIBRARY_PACKING);
    else
        library_work_on(l, i, TASK_VERIFY, LIBRARY_VERIFYING);
    return 0;
}

int library_delete(struct library *l, const char *name, struct err *err)
{
    struct item *i;

    library_collect(l);
    i = library_item_named(l, name, true);
    if (!i)
        return err_set(err, LIBRARY_EUNKNOWN, "there is no image \"%s\"", name);
    if (i->is.origin == LIBRARY_FOLDER)
        return err_set(
            err, LIBRARY_EPROTECTED,
            "the image lies in the folder that the box only reads: take it away with a computer");
    if (i->is.record.protected)
        return err_set(err, LIBRARY_EPROTECTED, "the image \"%s\" is protected", name);
    if (l->needs.used && l->needs.used(l->needs.ctx, name, err))
        return LIBRARY_EUSED;
    take_away(l, i);
    return 0;
}

bool library_leaving(struct library *l, const char *name)
{
    library_collect(l);
    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && i->leaving && strcmp(i->is.record.name, name) == 0)
            return true;
    return false;
}

/* ---- questions ---- */

/* One that is given out, else one that will be. */
static struct item *first_of_all(struct library *l)
{
    struct item *found = NULL;

    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving &&
            (i->is.served ||
             (!found && (i->is.state == LIBRARY_VERIFYING || i->is.state == LIBRARY_PACKING))))
            found = i;
    return found;
}

const char *library_first(const struct library *l)
{
    if (l->unlisted)
        return "";
    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        if (!i->used || i->leaving || !(i->is.served || i->is.state >= LIBRARY_PACKING))
            continue;
        if (i->is.state == LIBRARY_BAD || (i->is.origin == LIBRARY_OWN && l->shut.code))
            return "";
        return i->is.origin == LIBRARY_OWN || i->named ? i->is.record.name : "";
    }
    return "";
}

int library_withheld(struct library *l, const char *name, char *to, size_t cap)
{
    struct item *i = name[0] ? library_item_named(l, name, true) : first_of_all(l);

    if (!i || i->is.served)
        return 0;
    name = i->is.record.name;
    if (i->is.state == LIBRARY_VERIFYING || i->is.state == LIBRARY_PACKING) {
        snprintf(to, cap, "%s is being %s, %u %%", name,
                 i->is.state == LIBRARY_PACKING ? "packed" : "checked",
                 atomic_load(&work_of(l, i)->percent));
        return LIBRARY_COMING;
    }
    snprintf(to, cap, "%s is not given out: %s", name,
             i->is.cause[0] ? i->is.cause : "it waits for a place");
    return i->is.cause[0] ? LIBRARY_REFUSED : LIBRARY_COMING;
}

static const struct library_image *look_at(struct library *l, struct item *i)
{
    bool working = i->is.state == LIBRARY_CHECKING || i->is.state == LIBRARY_PACKING ||
                   i->is.state == LIBRARY_VERIFYING;
    uint64_t bytes = i->is.record.bytes;

    i->is.percent = working ? atomic_load(&work_of(l, i)->percent) : 100;
    if (i->is.state <= LIBRARY_RECEIVING)
        i->is.percent = bytes ? (unsigned)((double)i->is.offset * 100 / (double)bytes) : 0;
    return &i->is;
}

const struct library_image *library_at(struct library *l, unsigned n)
{
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && n-- == 0)
            return look_at(l, i);
    return NULL;
}

const struct library_image *library_named(struct library *l, const char *name)
{
    struct item *i = library_item_named(l, name, true);

    return i ? look_at(l, i) : NULL;
}

const struct library_image *library_upload(struct library *l, uint32_t id)
{
    struct item *i;

    library_collect(l);
    i = library_item(l, id);
    return i ? look_at(l, i) : NULL;
}

unsigned library_skipped(struct library *l)
{
    unsigned n = l->skipped;

    for (const struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        n += i->used && !i->leaving && i->is.state == LIBRARY_BAD;
    return n;
}

/* ---- opening, running, closing ---- */

static int open_library(struct library *l, struct err *err)
{
    char boot[CHECKED_BOOT + 1];
    int rc;

    l->next_id = 1;
    l->threads = (struct library_threads){.shelf = &l->shelf,
                                          .key = l->needs.key,
                                          .checked = &l->checked,
                                          .work = l->work,
                                          .images = LIBRARY_MAX,
                                          .block = LIBRARY_BLOCK};
    l->threads.blocks = malloc((size_t)LIBRARY_BLOCKS * LIBRARY_BLOCK);
    if (!l->threads.blocks)
        return err_set(err, LIBRARY_EMEMORY, "out of memory for the library's blocks");
    checked_boot(boot);
    checked_open(&l->checked, l->needs.data, boot);
    rc = threads_start(&l->threads, LIBRARY_TASKS, err);
    if (rc)
        return rc;
    library_start(l);
    return 0;
}

int library_open(struct library **out, const struct library_needs *needs, struct err *err)
{
    struct library *l = calloc(1, sizeof *l);
    int rc;

    *out = NULL;
    if (!l)
        return err_set(err, LIBRARY_EMEMORY, "out of memory");
    l->needs = *needs;
    *out = l;
    rc = open_library(l, err);
    if (rc) {
        library_close(l);
        *out = NULL;
    }
    return rc;
}

void library_tick(struct library *l, struct mono now)
{
    l->now = now;
    library_collect(l);
    library_step_sticks(l);
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        if (i->used && i->from.kind && !i->leaving)
            library_step_pull(l, i);
        if (i->used && i->supersedes && !i->leaving)
            replace_older(l, i);
        if (i->used && i->to_serve && !i->leaving)
            try_serve(l, i);
        if (i->used && !i->leaving && i->is.state == LIBRARY_FAILED &&
            mono_sub(now, i->ended) > FORGET_NS)
            library_drop(l, i, true);
    }
    if (mono_sub(now, l->looked) < SECOND)
        return;
    l->looked = now;
    l->free = shelf_free(&l->shelf);
}

void library_close(struct library *l)
{
    if (!l)
        return;
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && i->is.state == LIBRARY_RECEIVING && !i->leaving && l->threads.writing)
            library_flush(l, i);
    threads_stop(&l->threads);
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used)
            library_free_item(l, i);
    checked_close(&l->checked);
    free(l->threads.blocks);
    free(l);
}
