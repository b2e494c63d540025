#include "board/box/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/box/store/tape.h"
#include "net/os/clock.h"
#include "net/os/file.h"
#include "net/os/random.h"
#include "net/wire/must.h"

#define SLOTS (JOURNAL_RECORDS_MAX * 2)
/* rewriting costs the disk: seldom, even when strangers cause what is written */
#define COMPACT_LEAST (1u << 20)
#define SYNC_NS INT64_C(500000000)
#define SECOND_NS INT64_C(1000000000)
#define PAUSE_MOST_NS (60 * SECOND_NS)
#define READ_WHOLE (64u << 10)
#define READ_LEAST 512

struct journal {
    char path[PATH_MAX];
    int fd; /* -1: there is no file */
    struct journal_found found;
    struct tape tape; /* the file as it is */
    size_t live;      /* bytes of the records that count */
    uint32_t *slot;   /* by hash of kind and key: where its last record begins; 0: free */
    uint32_t records, removed;
    pthread_t syncer;
    bool begun, syncing;
    pthread_mutex_t lock; /* around all that changes; nobody waits for the disk with it held */
    pthread_cond_t news;
    bool end, dirty;
    bool anew; /* the file is another than what is in memory: it is to be written anew */
    bool torn; /* half a record may stand at its end: nothing may be put behind it */
    /* the disk has refused something: what the kernel had of it may be gone, and it says so once */
    bool unsure;
    size_t synced; /* bytes that are on the disk */
    uint32_t generation;
    int64_t retry_ns, pause_ns; /* when the disk is asked again after it has refused */
    struct tape next;           /* the file that is being written; bytes NULL: none */
    int next_fd;                /* it takes what is put, beside fd; -1: not yet */
    bool next_failed;
};

/* ---- the index ---- */

/* Keys come from strangers' packets, but all a bad spread costs is time in one table: FNV-1a. */
static uint32_t *slot_of(struct journal *j, const struct tape_record *rec)
{
    uint32_t h = (2166136261u ^ rec->kind) * 16777619u;
    struct tape_record there;

    for (size_t i = 0; i < rec->nkey; i++)
        h = (h ^ rec->key[i]) * 16777619u;
    for (h ^= h >> 15;; h++) {
        uint32_t *s = &j->slot[h % SLOTS];

        if (*s == 0)
            return s;
        MUST(tape_at(&j->tape, *s, &there));
        if (there.kind == rec->kind && there.nkey == rec->nkey &&
            memcmp(there.key, rec->key, rec->nkey) == 0)
            return s;
    }
}

/* The record at `at` counts from now on. False when the index is full. */
static bool index_record(struct journal *j, size_t at, const struct tape_record *rec)
{
    uint32_t *s = slot_of(j, rec);
    struct tape_record old;

    if (*s == 0 && j->records == JOURNAL_RECORDS_MAX)
        return false;
    if (*s == 0)
        j->records++;
    else if (tape_at(&j->tape, *s, &old)) {
        j->live -= old.bytes;
        j->removed -= !old.nvalue;
    }
    j->removed += !rec->nvalue;
    j->live += rec->bytes;
    *s = (uint32_t)at;
    return true;
}

static bool record_counts(struct journal *j, size_t at, const struct tape_record *rec)
{
    return rec->kind < TAPE_OWN_KINDS && rec->nvalue && *slot_of(j, rec) == at;
}

static void index_all(struct journal *j)
{
    struct tape_record rec;

    memset(j->slot, 0, SLOTS * sizeof *j->slot);
    j->live = j->records = j->removed = 0;
    for (size_t at = TAPE_MAGIC_BYTES; tape_at(&j->tape, at, &rec); at += rec.bytes)
        if (rec.kind < TAPE_OWN_KINDS)
            index_record(j, at, &rec);
}

/* ---- the file ---- */

static void fresh_path(const struct journal *j, char path[PATH_MAX + 8])
{
    snprintf(path, PATH_MAX + 8, "%s.new", j->path);
}

/* Reserved behind the file's end: its size says nothing of it. A file system that cannot do that
 * goes without. */
static void file_reserve(int fd)
{
    (void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, TAPE_MAX);
}

/* An empty file under the second name with its space reserved, so that writing anew needs none. */
static void spare_make(const struct journal *j)
{
    char path[PATH_MAX + 8];
    int fd;

    fresh_path(j, path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    file_reserve(fd);
    close(fd);
}

/* The spare, or what was left of a rewriting that failed. */
static int spare_open(const struct journal *j)
{
    char path[PATH_MAX + 8];
    struct stat st;
    int fd;

    fresh_path(j, path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st) || (st.st_size && ftruncate(fd, 0))) {
        close(fd);
        return -1;
    }
    file_reserve(fd);
    return fd;
}

/* What can be read of a piece; what the disk refuses stays zero. Returns the bytes that came, or -1
 * when none did. */
static ssize_t piece_read(int fd, uint8_t *to, size_t n, off_t at)
{
    size_t step = n, done = 0;
    bool any = false;

    memset(to, 0, n);
    while (done < n) {
        ssize_t got = pread(fd, to + done, n - done < step ? n - done : step, at + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            break;
        if (got < 0 && step > READ_LEAST) { /* around the sector that is gone */
            step = READ_LEAST;
            continue;
        }
        any |= got > 0;
        done += got > 0 ? (size_t)got : n - done < READ_LEAST ? n - done : READ_LEAST;
    }
    return any || !done ? (ssize_t)done : -1;
}

static int journal_load(struct journal *j, uint8_t *bytes, size_t *n, struct err *err)
{
    struct stat st;
    bool any = false;

    if (fstat(j->fd, &st))
        return err_set(err, PC_EJOURNAL, "cannot read %s: %s", j->path, strerror(errno));
    for (*n = 0; *n < (size_t)st.st_size && *n < TAPE_MAX;) {
        size_t most = TAPE_MAX - *n < READ_WHOLE ? TAPE_MAX - *n : READ_WHOLE;
        size_t piece = (size_t)st.st_size - *n < most ? (size_t)st.st_size - *n : most;
        ssize_t got = piece_read(j->fd, bytes + *n, piece, (off_t)*n);

        any |= got > 0;
        if (got == 0)
            break;
        *n += got > 0 ? (size_t)got : piece;
    }
    return any || !*n ? 0
                      : err_set(err, PC_EJOURNAL, "cannot read %s: %s", j->path, strerror(errno));
}

/* ---- writing anew: the thread's, but for the first time ---- */

static bool wants_rewriting(const struct journal *j)
{
    size_t n = j->tape.n;

    return j->anew || j->torn || j->unsure || (n > COMPACT_LEAST && n / 2 > j->live) ||
           (n > JOURNAL_FILE_MAX / 8 * 7 && n / 8 * 7 > j->live) ||
           (j->records > JOURNAL_RECORDS_MAX / 4 * 3 && j->removed > JOURNAL_RECORDS_MAX / 8);
}

/* What counts, as another file; from now on it takes what is put, too. */
static bool next_begin(struct journal *j)
{
    uint8_t *bytes = malloc(TAPE_MAX), nonce[TAPE_NONCE_BYTES];
    struct tape_record rec;

    if (!bytes)
        return false;
    random_fill(nonce, sizeof nonce);
    pthread_mutex_lock(&j->lock);
    tape_begin(&j->next, bytes, nonce);
    for (size_t at = TAPE_MAGIC_BYTES; tape_at(&j->tape, at, &rec); at += rec.bytes)
        if (record_counts(j, at, &rec))
            tape_add(&j->next, &rec);
    j->next_failed = false;
    pthread_mutex_unlock(&j->lock);
    return true;
}

static void next_drop(struct journal *j, int fd)
{
    pthread_mutex_lock(&j->lock);
    free(j->next.bytes);
    j->next = (struct tape){0};
    j->next_fd = -1;
    pthread_mutex_unlock(&j->lock);
    if (fd >= 0)
        close(fd);
}

/* Everything up to now into the file, and that it has been there; what comes later goes there by
 * itself. */
static bool next_write(struct journal *j, int fd, size_t *synced)
{
    size_t n, from;
    bool ok;

    pthread_mutex_lock(&j->lock);
    n = j->next.n;
    pthread_mutex_unlock(&j->lock);
    if (file_write(fd, j->next.bytes, n) || fsync(fd)) /* what is there does not change */
        return false;
    pthread_mutex_lock(&j->lock);
    from = n;
    tape_mark(&j->next, n);
    *synced = j->next.n;
    ok = !j->next_failed && file_write(fd, j->next.bytes + from, j->next.n - from) == 0;
    j->next_fd = fd;
    pthread_mutex_unlock(&j->lock);
    return ok && fsync(fd) == 0;
}

/* The file that was damaged is kept. */
static void keep_damaged(const struct journal *j)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof path, "%s.damaged", j->path);
    if (j->found.was == JOURNAL_DAMAGED || j->found.was == JOURNAL_LOST)
        (void)link(j->path, path); /* the first one stays */
}

static void next_take(struct journal *j, int fd, size_t synced, bool named)
{
    uint8_t *old = j->tape.bytes;

    pthread_mutex_lock(&j->lock);
    if (j->fd >= 0)
        close(j->fd);
    j->fd = fd;
    j->tape = j->next;
    j->next = (struct tape){0};
    j->next_fd = -1;
    j->generation++;
    j->synced = named ? synced : 0;
    j->anew = j->next_failed; /* what was put in the last moment is in memory alone */
    j->torn = false;
    j->unsure = !named;
    j->dirty |= j->tape.n > synced;
    index_all(j);
    pthread_mutex_unlock(&j->lock);
    free(old);
}

/* Leaves out what does not count any more. The old file stays when anything fails. */
static bool rewrite(struct journal *j)
{
    char fresh[PATH_MAX + 8];
    size_t synced = 0;
    bool named;
    int fd;

    fresh_path(j, fresh);
    if (!next_begin(j))
        return false;
    fd = spare_open(j);
    if (fd < 0 || !next_write(j, fd, &synced)) {
        next_drop(j, fd);
        return false;
    }
    keep_damaged(j);
    if (rename(fresh, j->path)) {
        next_drop(j, fd);
        return false;
    }
    named = file_sync_name(j->path) == 0;
    if (named) /* until then the old one may come back */
        j->found.was = JOURNAL_INTACT;
    next_take(j, fd, synced, named);
    if (named)
        spare_make(j);
    return named;
}

/* ---- the thread ---- */

static void disk_answered(struct journal *j, bool well)
{
    j->pause_ns = well ? 0 : j->pause_ns ? 2 * j->pause_ns : SECOND_NS;
    j->pause_ns = j->pause_ns > PAUSE_MOST_NS ? PAUSE_MOST_NS : j->pause_ns;
    j->retry_ns = clock_now().ns + j->pause_ns;
}

/* With the lock, which it gives back while it asks the disk. */
static void bring_to_disk(struct journal *j)
{
    uint32_t generation = j->generation;
    size_t upto = j->tape.n, from;
    int fd = dup(j->fd);
    bool done;

    if (fd < 0) {
        disk_answered(j, false);
        return;
    }
    j->dirty = false;
    pthread_mutex_unlock(&j->lock);
    done = fdatasync(fd) == 0;
    close(fd);
    pthread_mutex_lock(&j->lock);
    disk_answered(j, done);
    if (j->generation != generation)
        return;
    if (!done) {
        j->unsure = true;
        return;
    }
    j->synced = upto;
    from = j->tape.n;
    tape_mark(&j->tape, upto);
    if (j->torn || file_write(j->fd, j->tape.bytes + from, j->tape.n - from)) {
        j->torn |= ftruncate(j->fd, (off_t)from) != 0;
        j->tape.n = from;
    }
}

static void look_after_disk(struct journal *j, bool last)
{
    bool due = last || clock_now().ns >= j->retry_ns, well;

    if (due && wants_rewriting(j)) {
        pthread_mutex_unlock(&j->lock);
        well = rewrite(j);
        pthread_mutex_lock(&j->lock);
        disk_answered(j, well);
    } else if (due && j->dirty) {
        bring_to_disk(j);
    }
}

static void *syncing_thread(void *arg)
{
    struct journal *j = arg;

    pthread_mutex_lock(&j->lock);
    while (!j->end) {
        int64_t until = clock_now().ns + SYNC_NS;
        const struct timespec at = {until / SECOND_NS, until % SECOND_NS};

        pthread_cond_timedwait(&j->news, &j->lock, &at);
        if (!j->end)
            look_after_disk(j, false);
    }
    look_after_disk(j, true);
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- life ---- */

static int take_file(struct journal *j, struct err *err)
{
    struct tape_found f;
    size_t n = 0;
    int rc = journal_load(j, j->tape.bytes, &n, err);

    if (rc)
        return rc;
    f = tape_load(&j->tape, j->tape.bytes, n);
    if (f.what == TAPE_NEWER)
        return err_set(err, PC_ENEWER,
                       "%s was written by a newer version of this program: expected version 2; "
                       "start that version again",
                       j->path);
    j->found.lost = f.lost;
    j->anew = f.what == TAPE_MOVED;
    if (f.what == TAPE_TORN && ftruncate(j->fd, (off_t)f.end))
        j->anew = true;
    index_all(j);
    j->found.was = f.lost == 0 ? JOURNAL_INTACT : j->records ? JOURNAL_DAMAGED : JOURNAL_LOST;
    return 0;
}

static int start_empty(struct journal *j)
{
    static const uint8_t nonce[TAPE_NONCE_BYTES];

    /* it never reaches the disk: a file that is missing is written anew */
    tape_begin(&j->tape, j->tape.bytes, nonce);
    j->found.was = JOURNAL_NEW;
    j->anew = true;
    return 0;
}

static int open_path(struct journal *j, struct err *err)
{
    j->fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (j->fd < 0 && errno == ENOENT)
        return start_empty(j);
    if (j->fd < 0)
        return err_set(err, PC_EJOURNAL, "cannot open %s: %s", j->path, strerror(errno));
    if (flock(j->fd, LOCK_EX | LOCK_NB))
        return err_set(err, PC_EJOURNAL, "%s belongs to a box that is running", j->path);
    return take_file(j, err);
}

int journal_open(struct journal **out, const char *path, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    pthread_condattr_t monotonic;
    int rc;

    *out = NULL;
    if (!j)
        return err_set(err, PC_EMEMORY, "out of memory");
    snprintf(j->path, sizeof j->path, "%s", path);
    j->fd = j->next_fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    j->tape.bytes = malloc(TAPE_MAX);
    j->slot = calloc(SLOTS, sizeof *j->slot);
    rc = j->tape.bytes && j->slot ? open_path(j, err) : err_set(err, PC_EMEMORY, "out of memory");
    if (rc) {
        journal_close(j);
        return rc;
    }
    *out = j;
    return 0;
}

struct journal_found journal_found(const struct journal *j)
{
    return j->found;
}

void journal_tell(struct journal *j, journal_each *each, void *ctx)
{
    struct tape_record rec;

    for (size_t at = TAPE_MAGIC_BYTES; tape_at(&j->tape, at, &rec); at += rec.bytes)
        if (record_counts(j, at, &rec))
            (void)each(ctx, rec.kind, rec.key, rec.nkey, rec.value, rec.nvalue);
}

int journal_begin(struct journal *j, struct err *err)
{
    if (j->anew && !rewrite(j))
        return err_set(err, PC_EJOURNAL, "cannot write %s: %s", j->path, strerror(errno));
    pthread_mutex_lock(&j->lock);
    file_reserve(j->fd);
    spare_make(j);
    j->begun = true;
    j->dirty = true; /* a program that ended may have left it with the kernel */
    pthread_mutex_unlock(&j->lock);
    return 0;
}

void journal_run(struct journal *j)
{
    j->syncing = pthread_create(&j->syncer, NULL, syncing_thread, j) == 0;
}

/* The same value again is no news: renewals come every few minutes, for ever. */
static bool is_known(struct journal *j, const struct tape_record *rec)
{
    uint32_t at = *slot_of(j, rec);
    struct tape_record there;

    if (at == 0 || !tape_at(&j->tape, at, &there))
        return rec->nvalue == 0;
    return there.nvalue == rec->nvalue &&
           (rec->nvalue == 0 || memcmp(there.value, rec->value, rec->nvalue) == 0);
}

static bool has_room(struct journal *j, const struct tape_record *rec)
{
    if (!tape_has_room(&j->tape, rec, rec->nvalue ? JOURNAL_FILE_MAX : TAPE_MAX))
        return false;
    return j->records < JOURNAL_RECORDS_MAX || *slot_of(j, rec) != 0;
}

/* The file that is being written takes it, too: as a whole as long as it is in memory alone. */
static void put_next(struct journal *j, const struct tape_record *rec)
{
    size_t from = j->next.n;

    if (!j->next.bytes || j->next_failed)
        return;
    if (!tape_has_room(&j->next, rec, TAPE_MAX)) {
        j->next_failed = true;
        return;
    }
    tape_add(&j->next, rec);
    if (j->next_fd >= 0)
        j->next_failed = file_write(j->next_fd, j->next.bytes + from, j->next.n - from) != 0;
}

static int append(struct journal *j, struct tape_record *rec)
{
    struct tape before = j->tape;
    size_t at = tape_add(&j->tape, rec);

    if (j->begun && file_write(j->fd, j->tape.bytes + before.n, j->tape.n - before.n)) {
        j->torn = ftruncate(j->fd, (off_t)before.n) != 0;
        j->tape = before;
        return PC_EJOURNAL;
    }
    MUST(tape_at(&j->tape, at, rec) && index_record(j, at, rec));
    put_next(j, rec);
    j->anew |= !j->begun;
    j->dirty = true;
    return 0;
}

int journal_put(struct journal *j, uint8_t kind, const void *key, size_t nkey, const void *value,
                size_t nvalue)
{
    struct tape_record rec = {
        .kind = kind, .key = key, .value = value, .nkey = nkey, .nvalue = nvalue};
    int rc;

    MUST(kind && kind < TAPE_OWN_KINDS && nkey && nkey <= JOURNAL_KEY_MAX &&
         nvalue <= JOURNAL_VALUE_MAX);
    pthread_mutex_lock(&j->lock);
    if (is_known(j, &rec))
        rc = 0;
    else if (j->torn || (j->begun && j->fd < 0))
        rc = PC_EJOURNAL;
    else
        rc = has_room(j, &rec) ? append(j, &rec) : PC_EFULL;
    pthread_mutex_unlock(&j->lock);
    return rc;
}

bool journal_kept(struct journal *j, uint8_t kind, const void *key, size_t nkey)
{
    struct tape_record rec = {.kind = kind, .key = key, .nkey = nkey}, there;
    uint32_t at;
    bool kept = false;

    pthread_mutex_lock(&j->lock);
    at = *slot_of(j, &rec);
    if (at && tape_at(&j->tape, at, &there) && there.nvalue) {
        kept = j->begun && at + there.bytes <= j->synced;
        if (!kept)
            pthread_cond_signal(&j->news); /* somebody waits for it */
    }
    pthread_mutex_unlock(&j->lock);
    return kept;
}

bool journal_works(struct journal *j)
{
    bool works;

    pthread_mutex_lock(&j->lock);
    works = !j->torn && !j->unsure && !j->pause_ns;
    pthread_mutex_unlock(&j->lock);
    return works;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->end = true;
    pthread_cond_signal(&j->news);
    pthread_mutex_unlock(&j->lock);
    if (j->syncing)
        pthread_join(j->syncer, NULL);
    else if (j->begun)
        (void)syncing_thread(j);
    if (j->fd >= 0)
        close(j->fd);
    pthread_cond_destroy(&j->news);
    pthread_mutex_destroy(&j->lock);
    free(j->tape.bytes);
    free(j->slot);
    free(j);
}
