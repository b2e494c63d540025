#include <stdio.h>
#include <string.h>

#include "board/box/library/library_folder.h"
#include "board/box/library/library_inside.h"
#include "board/log/log.h"

/* A file of the folders: served as it is, or packed. */
static void on_file(void *ctx, const struct folder_file *f)
{
    struct library *l = ctx;
    struct record r = {0};
    struct item *i =
        library_new_item(l, f->writable ? LIBRARY_LOCAL : LIBRARY_FOLDER, LIBRARY_PACKING, &r);
    struct work *w = i ? work_of(l, i) : NULL;

    if (!i) {
        log_line("%s is skipped: the library holds as many images as it can",
                 f->source[0] ? f->source : f->path);
        l->skipped++;
        return;
    }
    snprintf(w->path, sizeof w->path, "%s", f->path);
    snprintf(w->source, sizeof w->source, "%s", f->source);
    snprintf(w->record.name, sizeof w->record.name, "%s", f->name);
    snprintf(i->is.record.name, sizeof i->is.record.name, "%s", f->name);
    i->is.facts.bytes = i->is.facts.raw_bytes = f->bytes;
    if (f->source[0])
        library_work_on(l, i, TASK_PACK, LIBRARY_PACKING);
    else
        library_work_on(l, i, TASK_OPEN, LIBRARY_VERIFYING);
}

/* An image on the shelf, as the last run left it. */
static void on_found(void *ctx, const struct shelf_found *f)
{
    struct library *l = ctx;
    struct item *i = library_new_item(l, LIBRARY_OWN, LIBRARY_RECEIVING, &f->record);
    struct work *w = i ? work_of(l, i) : NULL;

    l->next_id = f->id >= l->next_id ? f->id + 1 : l->next_id;
    if (!i) {
        log_line("%s is skipped: the library holds as many images as it can", f->record.name);
        l->skipped++;
        return;
    }
    i->is.id = w->id = f->id;
    if (f->why.code) {
        library_set_unread(l, i, &f->why);
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
        library_work_on(l, i, TASK_PACK, LIBRARY_PACKING);
        return;
    }
    if (f->packed)
        shelf_path(&l->shelf, f->id, "raw", w->source);
    w->leftover = f->packed;
    library_work_on(l, i, TASK_OPEN, LIBRARY_VERIFYING);
}

/* Pulls that the last run did not bring to their end. What came from a stick somebody copies again:
 * it may be another stick now. */
static void pull_again(struct library *l)
{
    for (struct item *i = l->item; i < l->item + LIBRARY_MAX; i++) {
        struct err err = {0};
        uint32_t id;

        if (i->used && i->leaving && library_is_import(&i->is.record))
            log_line("%s was being copied from a stick when the box stopped: nothing of it is kept",
                     i->is.record.name);
        else if (l->needs.stack && i->used && i->leaving && i->is.record.url[0] &&
                 library_pull(l, &i->is.record, &id, &err))
            log_line("%s is not pulled again: %s (%d)", i->is.record.name, err.text, err.code);
    }
}

/* A shelf that cannot be had is said and done without: what lies in the folders is served all the
 * same, and no upload is taken. */
static void open_shelf(struct library *l)
{
    char path[SHELF_PATH_MAX];
    struct err err = {0};
    int rc;

    snprintf(path, sizeof path, "%s/library", l->needs.data);
    rc = shelf_open(&l->shelf, path, &err);
    l->shelf.reserve = LIBRARY_RESERVE;
    if (l->needs.mark_bytes)
        l->shelf.mark_bytes = l->needs.mark_bytes;
    if (rc == 0)
        rc = shelf_scan(&l->shelf, on_found, l, &err);
    if (rc)
        log_line("no images can be uploaded: %s (%d)", err.text, err.code);
    l->shut = err;
    l->free = rc ? 0 : shelf_free(&l->shelf);
}

void library_start(struct library *l)
{
    l->unlisted = folder_list(l->needs.folder, l->needs.data, on_file, l) != 0;
    open_shelf(l);
    pull_again(l);
}
