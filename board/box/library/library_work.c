#include "board/box/library/library_work.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/box/library/library_folder.h"
#include "board/log/log.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/check.h"
#include "imaging/pack/pack.h"
#include "imaging/pack/squeeze.h"
#include "net/wire/must.h"

#define LEVEL 6 /* of LZ4 HC: packing shares the machine with serving */
#define HASH_BLOCK (1u << 20)
#define NICE 10 /* likewise */

/* ---- the writing thread ---- */

static void write_block(struct library_threads *t, struct work *w, const struct task *task,
                        struct done *d)
{
    int rc = w->intake.fd < 0 ? shelf_intake_open(t->shelf, w->id, &w->intake, &d->err) : 0;

    if (rc == 0 && w->intake.at != task->at)
        rc = err_set(&d->err, LIBRARY_EOFFSET, "an earlier piece could not be written");
    if (rc == 0)
        rc =
            shelf_write(t->shelf, &w->intake, t->blocks + task->block * t->block, task->n, &d->err);
    d->at = w->intake.at;
}

static void finish(struct library_threads *t, struct work *w, const struct task *task,
                   struct done *d)
{
    int rc = w->intake.fd < 0 ? shelf_intake_open(t->shelf, w->id, &w->intake, &d->err) : 0;

    d->at = w->intake.at;
    if (rc == 0 && w->intake.at != task->at)
        rc = err_set(&d->err, LIBRARY_EOFFSET, "an earlier piece could not be written");
    if (rc || shelf_finish(t->shelf, &w->intake, d->sha256, &d->err))
        return;
    w->record.whole = true;
    memcpy(w->record.came, d->sha256, sizeof w->record.came);
    /* what cannot be kept is not known in the next run, no more */
    (void)shelf_note(t->shelf, w->id, &w->record, NULL);
}

/* An image that is not on the shelf: its source goes first, for without it nothing is made again.
 */
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

/* Reads all of the image that is open as w->proved; closes it when it is not whole. */
static int read_all(struct work *w, struct err *err)
{
    struct img_file *f = &w->proved.file;
    struct progress_of p = {.work = w, .total = f->head.stream_bytes};
    int rc = img_check(f, &w->stop, on_check, &p, err);

    if (rc == 0 && !img_file_same(f))
        rc = err_set(err, IMG_EOPEN, "the image's file was changed while it was being checked");
    if (rc)
        img_file_close(f);
    return rc;
}

static void forget(struct library_threads *t, const struct work *w)
{
    if (!checked_note(t->checked, w->path, -1, &(struct checked_look){0}))
        log_line("%s is not whole, and the disk refuses to forget that it was: check it again "
                 "after the next start",
                 w->path);
}

/* Opens the image at w->path and reads all of it; what is found whole is remembered, what is not is
 * forgotten. */
static int prove(struct library_threads *t, struct work *w, struct err *err)
{
    struct checked_look before = {0};
    int rc = img_file_open(&w->proved.file, w->path, err);

    if (rc == 0) {
        (void)checked_look(w->proved.file.fd, &before);
        rc = read_all(w, err);
    }
    if (rc == 0)
        checked_note(t->checked, w->path, w->proved.file.fd, &before);
    else if (rc != IMG_EINTR)
        forget(t, w);
    return rc;
}

/* What came: an image, a raw disk, or nothing that can be used. */
static int look(const char *path, enum shelf_kind *kind, struct err *err)
{
    int rc = folder_look(path, err);

    *kind = rc == RECORD_RING ? SHELF_RING : SHELF_RAW;
    return rc < 0 ? rc : 0;
}

/* Its new name is another change time: how it looks is noted now, if it is still what was read. */
static void note_settled(struct library_threads *t, struct work *w)
{
    struct checked_look now;
    char path[SHELF_PATH_MAX];

    if (checked_look(w->proved.file.fd, &now) && img_file_same(&w->proved.file))
        checked_note(t->checked, shelf_path(t->shelf, w->id, "ring", path), w->proved.file.fd,
                     &now);
}

/* The SHA-256 of all of an open file, which is at `path`. */
static int hash_content(struct work *w, const char *path, int fd, uint64_t size,
                        uint8_t hash[IMG_HASH_BYTES], struct err *err)
{
    uint8_t *block = malloc(HASH_BLOCK);
    mbedtls_sha256_context h;
    ssize_t n = block ? 1 : -1;

    mbedtls_sha256_init(&h);
    mbedtls_sha256_starts(&h, 0);
    for (uint64_t at = 0; n > 0 && !w->stop; at += n > 0 ? (uint64_t)n : 0) {
        n = pread(fd, block, HASH_BLOCK, (off_t)at);
        if (n > 0)
            mbedtls_sha256_update(&h, block, (size_t)n);
        set_percent(w, at, size);
    }
    mbedtls_sha256_finish(&h, hash);
    mbedtls_sha256_free(&h);
    free(block);
    if (w->stop)
        return err_set(err, IMG_EINTR, "interrupted");
    return n < 0 ? err_set(err, IMG_ESOURCE, "%s cannot be read: %s", path, strerror(errno)) : 0;
}

/* A raw disk has no hashes of its own: the disk gives back what came. It is asked, not the memory
 * in front of it. */
static int check_raw(struct work *w, const char *path, struct err *err)
{
    uint8_t hash[IMG_HASH_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return err_set(err, LIBRARY_EDISK, "%s cannot be read: %s", path, strerror(errno));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    rc = hash_content(w, path, fd, w->record.bytes, hash, err);
    close(fd);
    if (rc == 0 && memcmp(hash, w->record.came, sizeof hash) != 0)
        rc = err_set(
            err, LIBRARY_EDISK,
            "the disk does not give back the bytes that came: they are to be uploaded again");
    return rc;
}

static void check(struct library_threads *t, struct work *w, struct done *d)
{
    char path[SHELF_PATH_MAX];
    int rc = look(shelf_path(t->shelf, w->id, "part", path), &d->became, &d->err);

    if (rc == 0 && d->became == SHELF_RING)
        rc = img_file_open(&w->proved.file, path, &d->err);
    if (rc == 0 && d->became == SHELF_RING)
        rc = read_all(w, &d->err);
    if (rc == 0 && d->became == SHELF_RAW)
        rc = check_raw(w, path, &d->err);
    if (rc == 0)
        rc = shelf_settle(t->shelf, w->id, d->became, &d->err);
    if (rc == 0 && d->became == SHELF_RING)
        note_settled(t, w);
    if (rc && w->proved.file.bytes)
        img_file_close(&w->proved.file);
}

/* Of which source the image was packed in an earlier run; "": there is none. */
static void packed_label(const struct work *w, char label[IMG_LABEL_MAX + 1])
{
    struct img_file f;

    label[0] = 0;
    if (access(w->path, F_OK) || img_file_open(&f, w->path, NULL))
        return;
    memcpy(label, f.head.label, IMG_LABEL_MAX + 1);
    img_file_close(&f);
}

static void put_label(char label[IMG_LABEL_MAX + 1], char kind, const uint8_t hash[IMG_HASH_BYTES])
{
    label[0] = kind;
    for (unsigned i = 0; i + 1 < IMG_LABEL_MAX / 2; i++)
        snprintf(label + 1 + 2 * i, 3, "%02x", hash[i]);
}

/* What the source is called in the image that is packed from it: by how it looks, where that lasts;
 * by its content, where it does not. */
static int label_of(struct library_threads *t, struct work *w, int fd,
                    const struct checked_look *look, struct err *err)
{
    uint8_t hash[IMG_HASH_BYTES];
    char text[100], packed[IMG_LABEL_MAX + 1];
    int rc = 0;

    if (look->lasts) {
        snprintf(text, sizeof text, "%llx %llx %llx %llx", (unsigned long long)look->size,
                 (unsigned long long)look->inode, (unsigned long long)look->changed_ns,
                 (unsigned long long)look->status_ns);
        sha256(hash, text, strlen(text));
        put_label(w->label, 'i', hash);
        return 0;
    }
    packed_label(w, packed);
    if (packed[0] == 'c' && checked_knows(t->checked, w->source, fd)) {
        memcpy(w->label, packed, sizeof w->label);
        return 0;
    }
    log_line("%s is checked: its file system does not tell whether it is still the same",
             w->source);
    rc = hash_content(w, w->source, fd, look->size, hash, err);
    put_label(w->label, 'c', hash);
    return rc;
}

static void on_pack(void *ctx, const struct pack_progress *now)
{
    struct work *w = ctx;

    set_percent(w, now->done, now->total);
    w->halt = w->stop || !shelf_has_room(w->shelf, 0);
}

static void on_note(void *ctx, const char *text)
{
    (void)ctx;
    log_line("packing: note: %s", text);
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
                             .threads = cpus < 1                     ? 1
                                        : cpus > SQUEEZE_THREADS_MAX ? SQUEEZE_THREADS_MAX
                                                                     : (unsigned)cpus,
                             .force = true,
                             .created = (uint64_t)time(NULL),
                             .stop = &w->halt,
                             .progress = on_pack,
                             .note = on_note,
                             .ctx = w};
    struct pack_result result;
    struct err why = {0};
    int rc;

    log_line("%s: packing %s", w->record.name, w->source);
    w->shelf = t->shelf;
    w->halt = w->stop || !shelf_has_room(t->shelf, 0);
    rc = img_pack(&o, &result, &why);
    if (rc == IMG_EINTR && !w->stop)
        return err_set(err, LIBRARY_ESPACE,
                       "%s cannot be packed: the disk is full but for %llu MiB, which are kept for "
                       "what the box learns",
                       w->source, (unsigned long long)(t->shelf->reserve >> 20));
    return rc ? err_set(err, why.code, "%s", why.text) : 0;
}

/* A raw disk of the folders, which is packed once. */
static int pack_once(struct library_threads *t, struct work *w, struct err *err)
{
    struct checked_look look = {0};
    char packed[IMG_LABEL_MAX + 1];
    int fd = open(w->source, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || !checked_look(fd, &look))
        rc = err_set(err, IMG_ESOURCE, "%s cannot be read: %s", w->source, strerror(errno));
    if (rc == 0)
        rc = label_of(t, w, fd, &look, err);
    packed_label(w, packed);
    if (rc == 0 && strcmp(packed, w->label) != 0)
        rc = pack_anew(t, w, err);
    if (rc == 0)
        checked_note(t->checked, w->source, fd, &look);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Whether the image at w->path has been read in full in an earlier run. */
static bool is_known(struct library_threads *t, const struct work *w)
{
    int fd = open(w->path, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && checked_knows(t->checked, w->path, fd);

    if (fd >= 0)
        close(fd);
    return known;
}

static void pack(struct library_threads *t, struct work *w, struct done *d)
{
    int rc = w->id ? pack_anew(t, w, &d->err) : pack_once(t, w, &d->err);

    if (rc == 0 && (w->id || !is_known(t, w)))
        rc = prove(t, w, &d->err);
    w->leftover = rc == 0 && w->id;
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
            (void)prove(t, w, &d.err);
        queue_push_wait(&t->work_out, &d);
    }
    return NULL;
}

/* ---- the opening thread ---- */

static void note_facts(struct library_threads *t, struct work *w, struct done *d)
{
    const struct img_head *h = &w->proved.file.head;
    struct library_facts *to = &w->facts;

    *to = (struct library_facts){.bytes = w->proved.file.bytes,
                                 .raw_bytes = h->raw_bytes,
                                 .min_target_bytes = h->min_target_bytes,
                                 .used_bytes = h->data_bytes,
                                 .is_signed = img_head_signed(h)};
    memcpy(to->root, h->root, sizeof to->root);
    memcpy(to->signer, h->signer, sizeof to->signer);
    to->by_box = to->is_signed && memcmp(h->signer, t->key->pub, sizeof h->signer) == 0;
    memcpy(d->name, h->name, sizeof d->name);
    memcpy(d->version, h->label, sizeof d->version);
}

/* Name and version as the library has them, signed by the box. */
static int sign_head(struct library_threads *t, struct work *w, struct err *err)
{
    struct img_head *h = &w->proved.file.head;
    int rc;

    if (w->id) {
        snprintf(h->name, sizeof h->name, "%s", w->record.name);
        if (w->record.version[0])
            snprintf(h->label, sizeof h->label, "%s", w->record.version);
    }
    rc = img_sign(h, t->key, err);
    if (rc)
        return rc;
    img_head_encode(h, w->proved.file.head_bytes);
    img_head_id(h, w->proved.file.id);
    return 0;
}

static void open_image(struct library_threads *t, struct work *w, struct done *d)
{
    struct img_file *f = &w->proved.file;
    int rc = 0;

    d->known = f->bytes != 0; /* the working thread has just read all of it */
    if (!d->known) {
        rc = img_file_open(f, w->path, &d->err);
        d->known = rc == 0 && checked_knows(t->checked, w->path, f->fd);
    }
    if (rc)
        return;
    note_facts(t, w, d);
    if (d->known && w->leftover && shelf_packed(t->shelf, w->id, NULL) == 0) {
        w->leftover = false;
        w->source[0] = 0;
    }
    if (d->known)
        rc = sign_head(t, w, &d->err);
    if (d->known && rc == 0)
        rc = send_body_open(&w->proved.body, f, &d->err);
    if (rc || !d->known)
        img_file_close(f);
}

static void *opening_thread(void *arg)
{
    struct library_threads *t = arg;
    struct task task;

    (void)setpriority(PRIO_PROCESS, 0, NICE);
    while (queue_pop_wait(&t->open_in, &task, -1) && task.kind != TASK_END) {
        struct work *w = &t->work[task.image];
        struct done d = {.task = task};

        if (task.kind == TASK_FORGET)
            forget(t, w);
        else if (w->stop)
            err_set(&d.err, IMG_EINTR, "interrupted");
        else
            open_image(t, w, &d);
        queue_push_wait(&t->open_out, &d);
    }
    return NULL;
}

/* ---- all ---- */

int threads_start(struct library_threads *t, uint32_t tasks, struct err *err)
{
    if (queue_init(&t->write_in, tasks, sizeof(struct task)) ||
        queue_init(&t->work_in, tasks, sizeof(struct task)) ||
        queue_init(&t->open_in, tasks, sizeof(struct task)) ||
        queue_init(&t->write_out, tasks, sizeof(struct done)) ||
        queue_init(&t->work_out, tasks, sizeof(struct done)) ||
        queue_init(&t->open_out, tasks, sizeof(struct done)))
        return err_set(err, LIBRARY_EMEMORY, "out of memory for the library's queues");
    t->writing = pthread_create(&t->writer, NULL, writing_thread, t) == 0;
    t->working = t->writing && pthread_create(&t->worker, NULL, working_thread, t) == 0;
    t->opening = t->working && pthread_create(&t->opener, NULL, opening_thread, t) == 0;
    return t->opening ? 0
                      : err_set(err, LIBRARY_ETHREAD, "a thread of the library cannot be started");
}

void threads_post(struct library_threads *t, const struct task *task)
{
    struct queue *to = task->kind >= TASK_OPEN    ? &t->open_in
                       : task->kind >= TASK_CHECK ? &t->work_in
                                                  : &t->write_in;

    MUST(queue_push(to, task));
}

bool threads_take(struct library_threads *t, struct done *d)
{
    return queue_pop(&t->write_out, d) || queue_pop(&t->work_out, d) || queue_pop(&t->open_out, d);
}

/* Results go unread from here on: the queues hold them all. */
void threads_stop(struct library_threads *t)
{
    struct task end = {.kind = TASK_END};

    for (unsigned i = 0; i < t->images; i++)
        t->work[i].stop = 1;
    if (t->opening) {
        queue_push_wait(&t->open_in, &end);
        pthread_join(t->opener, NULL);
    }
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
    queue_free(&t->open_in);
    queue_free(&t->open_out);
}
