#include "board/box/library/trees.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/log/log.h"
#include "imaging/queue/queue.h"
#include "net/wire/must.h"

#define QUEUE 16 /* a power of two, above the number of errands */

struct trees {
    struct tree_shelf shelf;
    char folder[512];
    struct queue in, out; /* numbers of errands */
    pthread_t thread;
    bool running, scanned;
    struct tree_list list;  /* control's */
    struct tree_list known; /* the thread's */
    struct errand errand[TREES_ERRANDS];
    uint8_t blocks[TREES_ERRANDS][TREES_BLOCK];
};

/* ---- the thread: the list ---- */

static void list_add(void *ctx, const char *name, bool partial, const struct tree_size *size,
                     const struct err *why)
{
    struct tree_list *l = ctx;
    struct tree_facts *f = l->n < TREES_MAX ? &l->at[l->n] : NULL;

    if (!f) {
        log_line("the tree %s is not listed: there are more than %d", name, TREES_MAX);
        return;
    }
    *f = (struct tree_facts){.partial = partial, .size = *size};
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->cause, sizeof f->cause, "%.159s", why->text);
    l->n++;
}

/* What cannot be listed is said; the list is what was found. */
static void scan(struct trees *t, bool tidy)
{
    struct err err = {0};

    t->known.n = 0;
    if (tree_shelf_scan(&t->shelf, tidy, list_add, &t->known, &err))
        log_line("the trees cannot all be listed: %s (%d)", err.text, err.code);
}

static struct tree_facts *upload_of(struct trees *t, const char *name)
{
    for (struct tree_facts *f = t->known.at; f < t->known.at + t->known.n; f++)
        if (f->partial && strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

/* ---- the thread: errands ---- */

static void open_file(struct trees *t, struct errand *e)
{
    bool listed = upload_of(t, e->name) != NULL;

    if (!listed && t->known.n == TREES_MAX)
        err_set(&e->err, LIBRARY_EFULL,
                "there are %d trees and uploads, and room for not one more: delete one first",
                TREES_MAX);
    else if (tree_intake_open(&t->shelf, e->name, e->path, e->number, &e->intake, &e->err) == 0 &&
             !listed)
        list_add(&t->known, e->name, true, &(struct tree_size){0}, &(struct err){0});
}

static void write_file(struct trees *t, struct errand *e)
{
    if (tree_intake_write(&t->shelf, &e->intake, e->block, e->n, &e->err))
        tree_intake_drop(&e->intake);
    e->n = 0;
}

static void finish_file(struct trees *t, struct errand *e)
{
    int rc = e->n ? tree_intake_write(&t->shelf, &e->intake, e->block, e->n, &e->err) : 0;

    struct tree_facts *upload = upload_of(t, e->name);

    if (rc)
        tree_intake_drop(&e->intake);
    else if (tree_intake_finish(&e->intake, e->hashed ? e->sha256 : NULL, &e->err) == 0 && upload) {
        upload->size.files += 1 - e->intake.before.files;
        upload->size.bytes += e->intake.at - e->intake.before.bytes;
    }
}

static void publish(struct trees *t, struct errand *e)
{
    char path[sizeof t->folder + TREE_NAME_MAX + 2];
    struct err why = {0};

    if (tree_shelf_publish(&t->shelf, e->name, &e->announced, e->replaces, &e->err) == 0) {
        log_line("the tree %s is published: %llu files, %llu bytes", e->name,
                 (unsigned long long)e->announced.files, (unsigned long long)e->announced.bytes);
        snprintf(path, sizeof path, "%s/%s", t->folder, e->name);
        if (e->indexed && content_tree_open(&e->tree, path, &why))
            log_line("the tree %s is not given out yet: %s (%d)", e->name, why.text, why.code);
    }
    scan(t, false);
}

static void remove_tree(struct trees *t, struct errand *e)
{
    if (tree_shelf_remove(&t->shelf, e->name, e->partial, &e->err) == 0)
        log_line("the %s %s is deleted", e->partial ? "upload of the tree" : "tree", e->name);
    scan(t, false);
}

static void run_errand(struct trees *t, struct errand *e)
{
    switch (e->kind) {
    case ERRAND_SCAN:
        scan(t, true);
        break;
    case ERRAND_OPEN:
        open_file(t, e);
        break;
    case ERRAND_WRITE:
        write_file(t, e);
        break;
    case ERRAND_FINISH:
        finish_file(t, e);
        break;
    case ERRAND_DROP:
        tree_intake_drop(&e->intake);
        break;
    case ERRAND_PUBLISH:
        publish(t, e);
        break;
    case ERRAND_REMOVE:
        remove_tree(t, e);
        break;
    case ERRAND_END:
        break;
    }
    e->list = t->known;
}

static void sweep(struct trees *t)
{
    struct err err = {0};

    if (tree_shelf_sweep(&t->shelf, &err))
        log_line("a tree that was deleted still takes its room: %s (%d)", err.text, err.code);
}

static void *trees_thread(void *arg)
{
    struct trees *t = arg;
    unsigned number;

    while (queue_pop_wait(&t->in, &number, -1) && number < TREES_ERRANDS) {
        enum errand_kind kind = t->errand[number].kind;

        run_errand(t, &t->errand[number]);
        queue_push_wait(&t->out, &number);
        if (kind == ERRAND_SCAN || kind == ERRAND_PUBLISH || kind == ERRAND_REMOVE)
            sweep(t);
    }
    return NULL;
}

/* ---- control ---- */

/* A file whose last piece is with the thread already comes before the order. */
static void cut_files(struct trees *t, const char *name)
{
    for (struct errand *e = t->errand; e < t->errand + TREES_ERRANDS; e++)
        if (e->state != ERRAND_FREE && (e->kind == ERRAND_OPEN || e->kind == ERRAND_WRITE) &&
            strcmp(e->name, name) == 0)
            e->cut = true;
}

void trees_post(struct trees *t, struct errand *e)
{
    if (e->kind == ERRAND_PUBLISH || (e->kind == ERRAND_REMOVE && e->partial))
        cut_files(t, e->name);
    e->state = ERRAND_BUSY;
    queue_push_wait(&t->in, &e->number);
}

static void post(struct trees *t, struct errand *e, enum errand_kind kind)
{
    e->kind = kind;
    trees_post(t, e);
}

struct errand *trees_order(struct trees *t, enum errand_kind kind, const char *name)
{
    for (unsigned i = 0; i < TREES_ERRANDS; i++) {
        struct errand *e = &t->errand[i];

        if (e->state != ERRAND_FREE)
            continue;
        *e = (struct errand){.state = ERRAND_IDLE,
                             .kind = kind,
                             .number = i,
                             .block = t->blocks[i],
                             .intake = {.dir = -1, .fd = -1}};
        snprintf(e->name, sizeof e->name, "%s", name);
        return e;
    }
    return NULL;
}

struct errand *trees_put_begin(struct trees *t, const char *name, const char *path,
                               const uint8_t *sha256)
{
    struct errand *e = trees_order(t, ERRAND_OPEN, name);

    if (!e)
        return NULL;
    snprintf(e->path, sizeof e->path, "%s", path);
    e->hashed = sha256 != NULL;
    if (sha256)
        memcpy(e->sha256, sha256, sizeof e->sha256);
    trees_post(t, e);
    return e;
}

/* What keeps a file from going on. */
static int look_at(struct errand *e)
{
    if (e->cut)
        err_set(&e->err, LIBRARY_EEXISTS,
                "the upload was published or deleted while this file was on its way");
    return e->err.code;
}

long trees_put(struct trees *t, struct errand *e, const uint8_t *bytes, size_t n, struct err *err)
{
    trees_tick(t);
    if (e->state == ERRAND_BUSY)
        return 0;
    if (look_at(e))
        return err_set(err, e->err.code, "%s", e->err.text);
    if (n > TREES_BLOCK - e->n)
        n = TREES_BLOCK - e->n;
    memcpy(e->block + e->n, bytes, n);
    e->n += n;
    if (e->n == TREES_BLOCK)
        post(t, e, ERRAND_WRITE);
    return (long)n;
}

void trees_put_end(struct trees *t, struct errand *e)
{
    e->ended = true;
    if (e->state != ERRAND_IDLE)
        return; /* when the thread is through */
    if (look_at(e))
        e->state = ERRAND_DONE;
    else
        post(t, e, ERRAND_FINISH);
}

struct errand *trees_errand(struct trees *t, unsigned number)
{
    MUST(number < TREES_ERRANDS);
    return &t->errand[number];
}

static void release(struct errand *e)
{
    if (e->tree)
        content_tree_close(e->tree);
    e->tree = NULL;
    e->state = ERRAND_FREE;
}

void trees_let_go(struct trees *t, struct errand *e)
{
    e->abandoned = true;
    if (e->state == ERRAND_BUSY)
        return;
    if (e->intake.fd >= 0)
        post(t, e, ERRAND_DROP);
    else
        release(e);
}

/* The thread is through with it. */
static void take_up(struct trees *t, struct errand *e)
{
    bool file = e->kind == ERRAND_OPEN || e->kind == ERRAND_WRITE;

    t->list = e->list;
    t->scanned = true;
    e->state = file ? ERRAND_IDLE : ERRAND_DONE;
    if (e->abandoned || e->kind == ERRAND_SCAN)
        trees_let_go(t, e);
    else if (file && e->ended)
        trees_put_end(t, e);
}

void trees_tick(struct trees *t)
{
    unsigned number;

    while (t && queue_pop(&t->out, &number))
        take_up(t, &t->errand[number]);
}

const struct tree_list *trees_list(const struct trees *t)
{
    return t->scanned ? &t->list : NULL;
}

/* ---- all of it ---- */

int trees_open(struct trees **out, const char *data, uint64_t reserve, struct err *err)
{
    struct trees *t = *out = calloc(1, sizeof *t);
    int rc = 0;

    if (!t)
        return err_set(err, LIBRARY_EMEMORY, "out of memory");
    t->shelf.fd = -1;
    if (snprintf(t->folder, sizeof t->folder, "%s/trees", data) >= (int)sizeof t->folder)
        rc = err_set(err, LIBRARY_EDISK, "the path of the trees is too long");
    if (rc == 0)
        rc = tree_shelf_open(&t->shelf, t->folder, err);
    t->shelf.reserve = reserve;
    if (rc == 0 && (queue_init(&t->in, QUEUE, sizeof(unsigned)) ||
                    queue_init(&t->out, QUEUE, sizeof(unsigned))))
        rc = err_set(err, LIBRARY_EMEMORY, "out of memory");
    if (rc == 0 && pthread_create(&t->thread, NULL, trees_thread, t))
        rc = err_set(err, LIBRARY_ETHREAD, "the trees' thread cannot be started");
    t->running = rc == 0;
    if (rc) {
        trees_close(t);
        *out = NULL;
        return rc;
    }
    trees_post(t, trees_order(t, ERRAND_SCAN, ""));
    return 0;
}

void trees_close(struct trees *t)
{
    unsigned end = TREES_ERRANDS;

    if (!t)
        return;
    if (t->running) {
        queue_push_wait(&t->in, &end);
        pthread_join(t->thread, NULL);
    }
    for (unsigned i = 0; i < TREES_ERRANDS; i++) {
        if (t->errand[i].state != ERRAND_FREE && t->errand[i].intake.fd >= 0)
            tree_intake_drop(&t->errand[i].intake);
        if (t->errand[i].tree)
            content_tree_close(t->errand[i].tree);
    }
    queue_free(&t->in);
    queue_free(&t->out);
    tree_shelf_close(&t->shelf);
    free(t);
}
