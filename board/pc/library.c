#include "board/pc/library_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "board/host/serve_log.h"
#include "board/pc/library_folder.h"
#include "net/wire/must.h"

#define SECOND MONO_S
#define FORGET_NS (600 * MONO_S) /* how long a failed upload says why */

/* ---- items ---- */

struct item *library_new_item(struct library *l, enum library_origin origin, enum library_state state, const struct record *r)
{
    struct item *i = l->item;
    struct work *w;

    while (i < l->item + LIBRARY_MAX && i->used)
        i++;
    if (i == l->item + LIBRARY_MAX)
        return NULL;
    w = work_of(l, i);
    *i = (struct item){.used = true, .block = NO_BLOCK, .is = {.origin = origin, .state = state, .record = *r}};
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

static void free_item(struct library *l, struct item *i)
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

        if (i->used && !i->leaving && i->is.state != LIBRARY_FAILED && library_listed(&i->is) == listed &&
            strcmp(i->is.record.name, name) == 0 && good > best) {
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

static void work_on(struct library *l, struct item *i, enum task_kind kind, enum library_state state)
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
    serve_log("%s is not taken into the library: %s (%d)", i->is.record.name, err->text, err->code);
    i->is.state = LIBRARY_FAILED;
    i->ended = l->now;
    snprintf(i->is.cause, sizeof i->is.cause, "%s", err->text);
    library_drop(l, i, false);
}

static void set_bad(struct library *l, struct item *i, const struct err *err)
{
    serve_log("%s is bad: %s (%d)", i->is.record.name, err->text, err->code);
    i->is.state = LIBRARY_BAD;
    snprintf(i->is.cause, sizeof i->is.cause, "%s", err->text);
    if (i->is.served)
        serve_remove(l->needs.serve, i->is.record.name, l->now);
    i->is.served = i->to_serve = false;
    let_go(&work_of(l, i)->opened);
}

/* A doubt about what is on the shelf deletes nothing: it is shown under its number, with the reason, and not given out. */
static void set_unread(struct library *l, struct item *i, const struct err *why)
{
    struct err err = {0};

    i->unread = true;
    if (!i->is.record.name[0])
        snprintf(i->is.record.name, sizeof i->is.record.name, "unreadable %08x", i->is.id);
    err_set(&err, why->code, "%s: the image is kept and not given out", why->text);
    set_bad(l, i, &err);
}

void library_lost(struct library *l, const char *name, const struct err *why)
{
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++)
        if (i->used && !i->leaving && i->is.served && strcmp(i->is.record.name, name) == 0)
            set_bad(l, i, why);
}

static void take_away(struct library *l, struct item *i)
{
    serve_log("%s is deleted", i->is.record.name);
    if (i->is.served)
        serve_remove(l->needs.serve, i->is.record.name, l->now);
    i->is.served = i->to_serve = false;
    library_drop(l, i, true);
}

/* ---- serving ---- */

static void note_facts(struct library *l, struct item *i, const struct img_file *f)
{
    const struct img_head *h = &f->head;
    struct library_facts *to = &i->is.facts;

    *to = (struct library_facts){.bytes = f->bytes,
                                 .raw_bytes = h->raw_bytes,
                                 .min_target_bytes = h->min_target_bytes,
                                 .used_bytes = h->data_bytes,
                                 .is_signed = img_head_signed(h)};
    memcpy(to->root, h->root, sizeof to->root);
    memcpy(to->signer, h->signer, sizeof to->signer);
    to->by_box = to->is_signed && memcmp(h->signer, l->needs.key->pub, sizeof h->signer) == 0;
}

static bool on_the_wire(const struct serve *s, const char *name)
{
    for (unsigned i = 0; i < s->n_streams; i++)
        if (strcmp(s->streams[i].session.name, name) == 0)
            return true;
    return false;
}

/* Waits while one of its name is still leaving, or all places are taken. False: it will not do. */
static bool try_serve(struct library *l, struct item *i)
{
    struct serve *s = l->needs.serve;
    struct work *w = work_of(l, i);
    struct err err = {0};

    if (on_the_wire(s, i->is.record.name) || session_server_place(&s->server) >= CONFIG_IMAGES_MAX)
        return true;
    i->to_serve = false;
    l->serving = i;
    i->is.served = serve_add(s, w->path, &w->opened, &err) == 0;
    l->serving = NULL;
    if (i->is.served) {
        i->is.cause[0] = 0;
        serve_log("%s: serving %s", i->is.record.name, w->path);
        return true;
    }
    snprintf(i->is.cause, sizeof i->is.cause, "it is not served: %s", err.text);
    serve_log("%s is skipped: %s (%d)", w->path, err.text, err.code);
    return false;
}

/* The image is whole, and open in *f, which is taken over. */
static bool now_ready(struct library *l, struct item *i, struct stream_source *f)
{
    struct work *w = work_of(l, i);

    i->is.state = LIBRARY_READY;
    i->is.cause[0] = 0;
    note_facts(l, i, &f->file);
    if (i->is.served || i->to_serve) { /* what was verified */
        let_go(f);
        return true;
    }
    w->opened = *f;
    *f = (struct stream_source){.file.fd = -1};
    i->to_serve = true;
    return try_serve(l, i);
}

void library_prepare(struct library *l, struct stream *s)
{
    struct img_head *head = &s->file.head;
    const struct item *i = l->serving;

    if (i && i->is.origin == LIBRARY_OWN) {
        snprintf(head->name, sizeof head->name, "%s", i->is.record.name);
        if (i->is.record.version[0])
            snprintf(head->label, sizeof head->label, "%s", i->is.record.version);
    }
    MUST(img_sign(head, l->needs.key, NULL) == 0);
    img_head_encode(head, s->file.head_bytes);
    img_head_id(head, s->file.id);
    memcpy(s->session.welcome.head, s->file.head_bytes, sizeof s->session.welcome.head);
    memcpy(s->session.name, head->name, sizeof s->session.name);
}

/* ---- what the threads have done ---- */

static bool in_the_middle(const struct serve *s, const char *name)
{
    for (unsigned i = 0; i < s->n_streams; i++)
        if (strcmp(s->streams[i].session.name, name) == 0 && session_image_has_begun(&s->streams[i].session))
            return true;
    return false;
}

/* The older one of the name goes when the newer is there for good, and nobody's disk is half written with it. */
static void replace_older(struct library *l, struct item *by)
{
    bool wait = by->is.record.replaces && in_the_middle(l->needs.serve, by->is.record.name);

    if (wait && !by->supersedes)
        serve_log("%s: the one that came waits for machines that are in the middle of the older one", by->is.record.name);
    by->supersedes = wait;
    if (wait)
        snprintf(by->is.cause, sizeof by->is.cause,
                 "machines are in the middle of the older one of this name: this one takes its place when they are through");
    for (struct item *i = l->item; by->is.record.replaces && !wait && i < l->item + LIBRARY_MAX; i++)
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
    serve_log("%s: the upload stands at byte %llu: %s (%d)", i->is.record.name, (unsigned long long)d->at, d->err.text, d->err.code);
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
    if (d->err.code == LIBRARY_EOFFSET || d->err.code == LIBRARY_ESPACE || d->err.code == LIBRARY_EDISK) {
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

        err_set(&err, LIBRARY_EHASH, "the bytes that came do not have the SHA-256 that was announced");
        library_fail(l, i, &err);
        return;
    }
    work_on(l, i, TASK_CHECK, LIBRARY_CHECKING);
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
        work_on(l, i, TASK_PACK, LIBRARY_PACKING);
        return;
    }
    (void)now_ready(l, i, &w->proved);
    replace_older(l, i);
}

static void on_packed(struct library *l, struct item *i, const struct done *d)
{
    if (d->err.code) {
        set_bad(l, i, &d->err);
        return;
    }
    if (i->is.origin == LIBRARY_OWN)
        work_of(l, i)->source[0] = 0;
    (void)now_ready(l, i, &work_of(l, i)->proved);
    replace_older(l, i);
}

static void on_verified(struct library *l, struct item *i, const struct done *d)
{
    if (d->err.code) {
        set_bad(l, i, &d->err);
        return;
    }
    serve_log("%s is whole", i->is.record.name);
    (void)now_ready(l, i, &work_of(l, i)->proved);
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
            serve_log("%s: %s (%d)", i->is.record.name, d->err.text, d->err.code);
        if (i->forgotten && i->writing == 0)
            free_item(l, i);
        break;
    case TASK_CHECK:
        on_checked(l, i, d);
        break;
    case TASK_PACK:
        on_packed(l, i, d);
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
        return err_set(err, LIBRARY_ERECORD, "%s; the box reads it again when it starts", i->is.cause);
    if (i->is.state == LIBRARY_BAD && work_of(l, i)->source[0])
        work_on(l, i, TASK_PACK, LIBRARY_PACKING);
    else
        work_on(l, i, TASK_VERIFY, LIBRARY_VERIFYING);
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
        return err_set(err, LIBRARY_EPROTECTED, "the image lies in the folder that the box only reads: take it away with a computer");
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

static const struct library_image *look_at(struct library *l, struct item *i)
{
    bool working = i->is.state == LIBRARY_CHECKING || i->is.state == LIBRARY_PACKING || i->is.state == LIBRARY_VERIFYING;
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

/* A file of the folders: served as it is, or packed. */
static void on_file(void *ctx, const struct folder_file *f)
{
    struct library *l = ctx;
    struct record r = {0};
    struct err err = {0};
    struct item *i = library_new_item(l, f->writable ? LIBRARY_LOCAL : LIBRARY_FOLDER, LIBRARY_PACKING, &r);
    struct work *w = i ? work_of(l, i) : NULL;
    int rc = i ? 0 : err_set(&err, LIBRARY_EFULL, "the library holds as many images as it can");

    if (i) {
        snprintf(w->path, sizeof w->path, "%s", f->path);
        snprintf(w->source, sizeof w->source, "%s", f->source);
        snprintf(w->label, sizeof w->label, "%s", f->label);
        snprintf(w->record.name, sizeof w->record.name, "%s", f->name);
        rc = f->source[0] ? 0 : img_file_open(&w->proved.file, f->path, &err);
    }
    if (rc == 0 && !f->source[0])
        snprintf(w->record.name, sizeof w->record.name, "%s", w->proved.file.head.name);
    if (rc == 0)
        snprintf(i->is.record.name, sizeof i->is.record.name, "%s", w->record.name);
    if (rc == 0 && f->source[0]) {
        i->is.facts.bytes = i->is.facts.raw_bytes = f->bytes;
        work_on(l, i, TASK_PACK, LIBRARY_PACKING);
        return;
    }
    if (rc == 0) {
        snprintf(i->is.record.version, sizeof i->is.record.version, "%s", w->proved.file.head.label);
        if (!on_the_wire(l->needs.serve, i->is.record.name) && now_ready(l, i, &w->proved))
            return;
        err_set(&err, LIBRARY_EEXISTS, "two images are called \"%s\": receivers could not tell them apart", i->is.record.name);
    }
    serve_log("%s is skipped: %s (%d)", f->source[0] ? f->source : f->path, err.text, err.code);
    l->skipped++;
    if (i)
        free_item(l, i);
}

/* An image on the shelf, as the last run left it. */
static void on_found(void *ctx, const struct shelf_found *f)
{
    struct library *l = ctx;
    struct item *i = library_new_item(l, LIBRARY_OWN, LIBRARY_RECEIVING, &f->record);
    struct work *w = i ? work_of(l, i) : NULL;
    struct err err = {0};

    l->next_id = f->id >= l->next_id ? f->id + 1 : l->next_id;
    if (!i) {
        serve_log("%s is skipped: the library holds as many images as it can", f->record.name);
        l->skipped++;
        return;
    }
    i->is.id = w->id = f->id;
    if (f->why.code) {
        set_unread(l, i, &f->why);
        return;
    }
    i->is.offset = i->written = f->at;
    i->is.hashed = f->record.whole;
    memcpy(i->is.sha256, f->record.came, sizeof i->is.sha256);
    if (f->kind == SHELF_PART && f->record.url[0]) {
        library_drop(l, i, true); /* and asked for again, when all numbers are known */
        return;
    }
    if (f->kind == SHELF_PART && f->at == f->record.bytes) {
        i->is.state = LIBRARY_CHECKING;
        i->finishing = true;
        library_post(l, i, TASK_FINISH, f->at);
        return;
    }
    if (f->kind == SHELF_PART)
        return;
    shelf_path(&l->shelf, f->id, "ring", w->path);
    if (f->kind == SHELF_RAW) {
        shelf_path(&l->shelf, f->id, "raw", w->source);
        i->is.facts.bytes = i->is.facts.raw_bytes = f->record.bytes;
        work_on(l, i, TASK_PACK, LIBRARY_PACKING);
        return;
    }
    if (f->packed)
        shelf_path(&l->shelf, f->id, "raw", w->source);
    if (img_file_open(&w->proved.file, w->path, &err)) {
        set_bad(l, i, &err);
        return;
    }
    if (f->packed && shelf_packed(&l->shelf, f->id, NULL) == 0)
        w->source[0] = 0;
    i->is.state = LIBRARY_READY;
    replace_older(l, i);
    (void)now_ready(l, i, &w->proved);
}

/* Pulls that the last run did not bring to their end. What came from a stick somebody copies again: it may be another stick now. */
static void pull_again(struct library *l)
{
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        struct err err = {0};
        uint32_t id;

        if (i->used && i->leaving && library_is_import(&i->is.record))
            serve_log("%s was being copied from a stick when the box stopped: nothing of it is kept", i->is.record.name);
        else if (l->needs.stack && i->used && i->leaving && i->is.record.url[0] && library_pull(l, &i->is.record, &id, &err))
            serve_log("%s is not pulled again: %s (%d)", i->is.record.name, err.text, err.code);
    }
}

/* A shelf that cannot be had is said and done without: what lies in the folders is served all the same, and no upload is taken. */
static void open_shelf(struct library *l)
{
    char path[SHELF_PATH_MAX];
    struct err err = {0};
    int rc;

    snprintf(path, sizeof path, "%s/library", l->needs.data);
    rc = shelf_open(&l->shelf, path, &err);
    if (l->needs.mark_bytes)
        l->shelf.mark_bytes = l->needs.mark_bytes;
    if (rc == 0)
        rc = shelf_scan(&l->shelf, on_found, l, &err);
    if (rc)
        serve_log("no images can be uploaded: %s (%d)", err.text, err.code);
    l->shut = err;
    l->free = rc ? 0 : shelf_free(&l->shelf);
}

static int open_library(struct library *l, struct err *err)
{
    int rc;

    l->next_id = 1;
    l->threads = (struct library_threads){
        .shelf = &l->shelf, .key = l->needs.key, .work = l->work, .images = LIBRARY_MAX, .block = LIBRARY_BLOCK};
    l->threads.blocks = malloc((size_t)LIBRARY_BLOCKS * LIBRARY_BLOCK);
    if (!l->threads.blocks)
        return err_set(err, LIBRARY_EMEMORY, "out of memory for the library's blocks");
    rc = threads_start(&l->threads, LIBRARY_TASKS, err);
    if (rc)
        return rc;
    folder_list(l->needs.folder, l->needs.data, on_file, l);
    open_shelf(l);
    pull_again(l);
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
    *out = l; /* serve's `prepare` comes here before this is through */
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
            (void)try_serve(l, i);
        if (i->used && !i->leaving && i->is.state == LIBRARY_FAILED && mono_sub(now, i->ended) > FORGET_NS)
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
            free_item(l, i);
    free(l->threads.blocks);
    free(l);
}
