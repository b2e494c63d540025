#include "board/pc/library_work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/host/serve_log.h"
#include "board/pc/library_folder.h"
#include "imaging/image/check.h"
#include "imaging/image/pack.h"
#include "imaging/image/squeeze.h"
#include "net/wire/must.h"

#define LEVEL 6 /* of LZ4 HC: packing shares the machine with serving */
#define NICE 10 /* likewise */

/* ---- the writing thread ---- */

static void write_block(struct library_threads *t, struct work *w, const struct task *task, struct done *d)
{
    int rc = w->intake.fd < 0 ? shelf_intake_open(t->shelf, w->id, &w->intake, &d->err) : 0;

    if (rc == 0 && w->intake.at != task->at)
        rc = err_set(&d->err, LIBRARY_EOFFSET, "an earlier piece could not be written");
    if (rc == 0)
        rc = shelf_write(t->shelf, &w->intake, t->blocks + task->block * t->block, task->n, &d->err);
    d->at = w->intake.at;
}

static void finish(struct library_threads *t, struct work *w, const struct task *task, struct done *d)
{
    int rc = w->intake.fd < 0 ? shelf_intake_open(t->shelf, w->id, &w->intake, &d->err) : 0;

    d->at = w->intake.at;
    if (rc == 0 && w->intake.at != task->at)
        rc = err_set(&d->err, LIBRARY_EOFFSET, "an earlier piece could not be written");
    if (rc || shelf_finish(t->shelf, &w->intake, d->sha256, &d->err))
        return;
    w->record.whole = true;
    memcpy(w->record.came, d->sha256, sizeof w->record.came);
    (void)shelf_note(t->shelf, w->id, &w->record, NULL); /* what cannot be kept is not known in the next run, no more */
}

/* An image that is not on the shelf: its source goes first, for without it nothing is made again. */
static void drop_files(const struct work *w, struct err *err)
{
    if (w->source[0])
        (void)shelf_unlink(w->source, err);
    (void)shelf_unlink(w->path, err);
}

static void drop(struct library_threads *t, struct work *w, struct done *d)
{
    if (w->intake.fd >= 0)
        shelf_intake_close(&w->intake);
    if (w->id)
        (void)shelf_drop(t->shelf, w->id, &d->err);
    else
        drop_files(w, &d->err);
}

static void *writing_thread(void *arg)
{
    struct library_threads *t = arg;
    struct task task;

    while (queue_pop_wait(&t->write_in, &task, -1) && task.kind != TASK_END) {
        struct work *w = &t->work[task.image];
        struct done d = {.task = task};

        switch (task.kind) {
        case TASK_BEGIN:
            (void)shelf_begin(t->shelf, w->id, &w->record, &d.err);
            break;
        case TASK_WRITE:
            write_block(t, w, &task, &d);
            break;
        case TASK_FINISH:
            finish(t, w, &task, &d);
            break;
        default:
            drop(t, w, &d);
        }
        queue_push_wait(&t->write_out, &d);
    }
    for (unsigned i = 0; i < t->images; i++)
        if (t->work[i].id && t->work[i].intake.fd >= 0)
            shelf_intake_pause(t->shelf, &t->work[i].intake);
    return NULL;
}

/* ---- the working thread ---- */

struct progress_of {
    struct work *work;
    uint64_t total;
};

static void set_percent(struct work *w, uint64_t done, uint64_t total)
{
    if (total)
        atomic_store(&w->percent, (unsigned)((double)done * 100 / (double)total));
}

static void on_check(void *ctx, uint64_t done)
{
    struct progress_of *p = ctx;

    set_percent(p->work, done, p->total);
}

/* Opens the image at `path` and reads all of it. */
static int prove(struct work *w, const char *path, struct img_file *f, struct err *err)
{
    struct progress_of p = {.work = w};
    int rc = img_file_open(f, path, err);

    if (rc)
        return rc;
    p.total = f->head.stream_bytes;
    rc = img_check(f, &w->stop, on_check, &p, err);
    if (rc)
        img_file_close(f);
    return rc;
}

/* What came: an image, a raw disk, or nothing that can be used. */
static int look(const char *path, enum shelf_kind *kind, struct err *err)
{
    int rc = folder_look(path, err);

    *kind = rc == RECORD_RING ? SHELF_RING : SHELF_RAW;
    return rc < 0 ? rc : 0;
}

static void check(struct library_threads *t, struct work *w, struct done *d)
{
    char path[SHELF_PATH_MAX];
    int rc = look(shelf_path(t->shelf, w->id, "part", path), &d->became, &d->err);

    if (rc == 0 && d->became == SHELF_RING)
        rc = prove(w, path, &w->proved.file, &d->err);
    if (rc == 0)
        rc = shelf_settle(t->shelf, w->id, d->became, &d->err);
    if (rc && w->proved.file.bytes)
        img_file_close(&w->proved.file);
}

/* Whether it has been packed in an earlier run and the source is still the same. */
static bool is_packed(const struct work *w)
{
    struct img_file f;
    bool same;

    if (access(w->path, F_OK) || img_file_open(&f, w->path, NULL))
        return false;
    same = strcmp(f.head.label, w->label) == 0;
    img_file_close(&f);
    return same;
}

static void on_pack(void *ctx, const struct pack_progress *now)
{
    struct work *w = ctx;

    set_percent(w, now->done, now->total);
}

static void on_note(void *ctx, const char *text)
{
    (void)ctx;
    serve_log("packing: note: %s", text);
}

static int pack_anew(struct library_threads *t, struct work *w, struct err *err)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct pack_options o = {.source = w->source,
                             .output = w->path,
                             .name = w->record.name,
                             .label = w->label,
                             .key = t->key,
                             .level = LEVEL,
                             .threads = cpus < 1 ? 1 : cpus > SQUEEZE_THREADS_MAX ? SQUEEZE_THREADS_MAX : (unsigned)cpus,
                             .force = true,
                             .created = (uint64_t)time(NULL),
                             .stop = &w->stop,
                             .progress = on_pack,
                             .note = on_note,
                             .ctx = w};
    struct pack_result result;

    serve_log("%s: packing %s", w->record.name, w->source);
    return img_pack(&o, &result, err);
}

static void pack(struct library_threads *t, struct work *w, struct done *d)
{
    int rc = !w->id && is_packed(w) ? 0 : pack_anew(t, w, &d->err);

    if (rc == 0)
        rc = img_file_open(&w->proved.file, w->path, &d->err);
    if (rc == 0 && w->id)
        (void)shelf_packed(t->shelf, w->id, &d->err);
    if (d->err.code && w->proved.file.bytes)
        img_file_close(&w->proved.file);
}


static void *working_thread(void *arg)
{
    struct library_threads *t = arg;
    struct task task;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread and of those it starts */
    while (queue_pop_wait(&t->work_in, &task, -1) && task.kind != TASK_END) {
        struct work *w = &t->work[task.image];
        struct done d = {.task = task};

        atomic_store(&w->percent, 0);
        if (w->stop)
            err_set(&d.err, IMG_EINTR, "interrupted");
        else if (task.kind == TASK_CHECK)
            check(t, w, &d);
        else if (task.kind == TASK_PACK)
            pack(t, w, &d);
        else
            (void)prove(w, w->path, &w->proved.file, &d.err);
        queue_push_wait(&t->work_out, &d);
    }
    return NULL;
}

/* ---- both ---- */

int threads_start(struct library_threads *t, uint32_t tasks, struct err *err)
{
    if (queue_init(&t->write_in, tasks, sizeof(struct task)) || queue_init(&t->work_in, tasks, sizeof(struct task)) ||
        queue_init(&t->write_out, tasks, sizeof(struct done)) || queue_init(&t->work_out, tasks, sizeof(struct done)))
        return err_set(err, LIBRARY_EMEMORY, "out of memory for the library's queues");
    t->writing = pthread_create(&t->writer, NULL, writing_thread, t) == 0;
    t->working = t->writing && pthread_create(&t->worker, NULL, working_thread, t) == 0;
    return t->working ? 0 : err_set(err, LIBRARY_ETHREAD, "a thread of the library cannot be started");
}

void threads_post(struct library_threads *t, const struct task *task)
{
    MUST(queue_push(task->kind >= TASK_CHECK ? &t->work_in : &t->write_in, task));
}

bool threads_take(struct library_threads *t, struct done *d)
{
    return queue_pop(&t->write_out, d) || queue_pop(&t->work_out, d);
}

/* Results go unread from here on: the queues hold them all. */
void threads_stop(struct library_threads *t)
{
    struct task end = {.kind = TASK_END};

    for (unsigned i = 0; i < t->images; i++)
        t->work[i].stop = 1;
    if (t->working) {
        queue_push_wait(&t->work_in, &end);
        pthread_join(t->worker, NULL);
    }
    if (t->writing) {
        queue_push_wait(&t->write_in, &end);
        pthread_join(t->writer, NULL);
    }
    queue_free(&t->write_in);
    queue_free(&t->write_out);
    queue_free(&t->work_in);
    queue_free(&t->work_out);
}
