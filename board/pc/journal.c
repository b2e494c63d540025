#include "board/pc/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "imaging/image/crc.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define MAGIC "RCJOURN1"
#define MAGIC_BYTES 8
#define HEAD_BYTES 8
#define RECORD_MAX (HEAD_BYTES + JOURNAL_KEY_MAX + JOURNAL_VALUE_MAX)
#define SLOTS (JOURNAL_RECORDS_MAX * 2)
#define COMPACT_LEAST (1u << 20) /* rewriting waits for the disk: seldom, even when strangers cause what is written */
#define SYNC_NS 500000000 /* a clock that is set meanwhile makes one wait longer or shorter */

struct journal {
    char path[PATH_MAX];
    int fd;
    uint8_t *bytes; /* the file as it is, for rewriting */
    size_t n, live; /* bytes of it, and of the records that count */
    size_t lost;    /* bytes that could not be understood between records that can, when it was opened */
    uint32_t *slot; /* by hash of kind and key: where its last record begins; 0: free */
    uint32_t records;
    pthread_t syncer;
    bool syncing;
    bool torn; /* half a record may stand at the end of the file */
    atomic_bool end, dirty;
    atomic_size_t handed; /* bytes that the kernel has */
    pthread_mutex_t file; /* around fd, which rewriting replaces, and what follows */
    uint32_t rewritten;
    size_t synced; /* bytes that are on the disk */
    bool unsure;   /* the disk has refused something: what the kernel had of it may be gone, and it says so once */
    pthread_cond_t ending; /* with it */
};

struct record {
    uint8_t kind;
    const uint8_t *key, *value;
    size_t nkey, nvalue, bytes;
};

/* ---- records ---- */

static bool record_decode(const uint8_t *bytes, size_t n, struct record *rec)
{
    struct reader r = reader_on(bytes, n);
    uint32_t crc = rd_u32(&r);

    rec->kind = rd_u8(&r);
    rec->nkey = rd_u8(&r);
    rec->nvalue = rd_u16(&r);
    rec->key = rd_bytes(&r, rec->nkey);
    rec->value = rd_bytes(&r, rec->nvalue);
    if (r.bad || rec->nkey == 0 || rec->kind == 0 || rec->nvalue > JOURNAL_VALUE_MAX)
        return false;
    rec->bytes = HEAD_BYTES + rec->nkey + rec->nvalue;
    return crc32_ieee(0, bytes + 4, rec->bytes - 4) == crc;
}

static size_t record_encode(const struct record *rec, uint8_t out[RECORD_MAX])
{
    struct writer w = writer_on(out + 4, RECORD_MAX - 4), crc = writer_on(out, 4);

    wr_u8(&w, rec->kind);
    wr_u8(&w, rec->nkey);
    wr_u16(&w, rec->nvalue);
    wr_copy(&w, rec->key, rec->nkey);
    if (rec->nvalue)
        wr_copy(&w, rec->value, rec->nvalue);
    wr_u32(&crc, crc32_ieee(0, out + 4, w.done));
    MUST(!w.bad);
    return w.done + 4;
}

/* ---- the index ---- */

/* Keys come from strangers' packets, but all a bad spread costs is time in one table: FNV-1a. */
static uint32_t *slot_of(struct journal *j, const struct record *rec)
{
    uint32_t h = (2166136261u ^ rec->kind) * 16777619u;
    struct record there;

    for (size_t i = 0; i < rec->nkey; i++)
        h = (h ^ rec->key[i]) * 16777619u;
    for (h ^= h >> 15;; h++) {
        uint32_t *s = &j->slot[h % SLOTS];

        if (*s == 0)
            return s;
        MUST(record_decode(j->bytes + *s, j->n - *s, &there));
        if (there.kind == rec->kind && there.nkey == rec->nkey && memcmp(there.key, rec->key, rec->nkey) == 0)
            return s;
    }
}

/* The record at `at` (already in j->bytes) counts from now on. False when the index is full. */
static bool index_record(struct journal *j, size_t at, const struct record *rec)
{
    uint32_t *s = slot_of(j, rec);
    struct record old;

    if (*s == 0 && j->records == JOURNAL_RECORDS_MAX)
        return false;
    if (*s == 0)
        j->records++;
    else if (record_decode(j->bytes + *s, j->n - *s, &old))
        j->live -= old.bytes;
    j->live += rec->bytes;
    *s = (uint32_t)at;
    return true;
}

static bool counts(struct journal *j, size_t at, const struct record *rec)
{
    return rec->nvalue && *slot_of(j, rec) == at;
}

static void index_all(struct journal *j)
{
    struct record rec;

    memset(j->slot, 0, SLOTS * sizeof *j->slot);
    j->live = j->records = 0;
    for (size_t at = MAGIC_BYTES; at < j->n && record_decode(j->bytes + at, j->n - at, &rec); at += rec.bytes)
        index_record(j, at, &rec);
}

/* ---- the file ---- */

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t put = write(fd, bytes, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        bytes += put;
        n -= (size_t)put;
    }
    return 0;
}

/* The name itself must survive a power cut too. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    char *slash;
    int fd;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* A file with these bytes and nothing else, under the journal's name; its descriptor, or -1 and the old one is as it was. */
static int replace_file(const struct journal *j, const uint8_t *bytes, size_t n)
{
    char fresh[PATH_MAX + 8];
    int fd;

    snprintf(fresh, sizeof fresh, "%s.new", j->path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && write_all(fd, bytes, n) == 0 && fsync(fd) == 0 && rename(fresh, j->path) == 0) {
        sync_folder(j->path);
        return fd;
    }
    close(fd);
    unlink(fresh);
    return -1;
}

/* Leaves out what does not count any more. */
static int compact(struct journal *j)
{
    uint8_t *kept = malloc(JOURNAL_FILE_MAX);
    size_t n = MAGIC_BYTES;
    struct record rec;
    int fd;

    if (!kept)
        return PC_EMEMORY;
    memcpy(kept, MAGIC, MAGIC_BYTES);
    for (size_t at = MAGIC_BYTES; at < j->n && record_decode(j->bytes + at, j->n - at, &rec); at += rec.bytes) {
        if (!counts(j, at, &rec))
            continue;
        memcpy(kept + n, j->bytes + at, rec.bytes);
        n += rec.bytes;
    }
    fd = replace_file(j, kept, n);
    if (fd >= 0) {
        pthread_mutex_lock(&j->file);
        close(j->fd);
        j->fd = fd;
        j->rewritten++;
        j->synced = n;
        j->unsure = false;
        atomic_store(&j->handed, n);
        pthread_mutex_unlock(&j->file);
        memcpy(j->bytes, kept, n);
        j->n = n;
        j->torn = false;
        index_all(j);
    }
    free(kept);
    return fd < 0 ? PC_EJOURNAL : 0;
}

struct news {
    int fd; /* to sync, a copy so that nobody waits for the disk with the lock held; -1: nothing new */
    uint32_t rewritten;
    size_t upto;
};

static struct news wait_for_news(struct journal *j)
{
    struct timespec until;
    struct news news = {.fd = -1};

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SYNC_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&j->file);
    if (!atomic_load(&j->end))
        pthread_cond_timedwait(&j->ending, &j->file, &until);
    if (atomic_exchange(&j->dirty, false))
        news = (struct news){dup(j->fd), j->rewritten, atomic_load(&j->handed)};
    pthread_mutex_unlock(&j->file);
    return news;
}

static void bring_to_disk(struct journal *j, const struct news *news)
{
    bool done = fdatasync(news->fd) == 0;

    pthread_mutex_lock(&j->file);
    if (j->rewritten == news->rewritten) {
        j->synced = done ? news->upto : j->synced;
        j->unsure |= !done;
    }
    pthread_mutex_unlock(&j->file);
}

static void *syncing_thread(void *arg)
{
    struct journal *j = arg;

    while (!atomic_load(&j->end)) {
        struct news news = wait_for_news(j);

        if (news.fd >= 0) {
            bring_to_disk(j, &news);
            close(news.fd);
        }
    }
    return NULL;
}

/* Moves the records that can be read together: a sector that the disk has lost must not take along what was written later. Where the
 * last one ended in the file; j->lost: what lay between. */
static size_t gather(struct journal *j)
{
    size_t to = MAGIC_BYTES, end = MAGIC_BYTES;
    struct record rec;

    for (size_t at = MAGIC_BYTES; at < j->n;) {
        if (!record_decode(j->bytes + at, j->n - at, &rec)) {
            at++;
            continue;
        }
        memmove(j->bytes + to, j->bytes + at, rec.bytes);
        to += rec.bytes;
        end = at += rec.bytes;
    }
    j->n = to;
    j->lost = end - to;
    return end;
}

/* Starts a file that is none of ours anew. */
static int start_anew(struct journal *j, struct err *err)
{
    int fd = replace_file(j, (const uint8_t *)MAGIC, MAGIC_BYTES);

    if (fd < 0)
        return err_set(err, PC_EJOURNAL, "cannot write %s: %s", j->path, strerror(errno));
    close(j->fd);
    j->fd = fd;
    memcpy(j->bytes, MAGIC, MAGIC_BYTES);
    j->n = MAGIC_BYTES;
    return 0;
}

/* Reads what is there; what ends in half a record is cut back to what is whole. What cannot be read is left alone. */
static int load(struct journal *j, struct err *err)
{
    ssize_t got = 0;
    size_t all, end;

    while (j->n < JOURNAL_FILE_MAX && (got = read(j->fd, j->bytes + j->n, JOURNAL_FILE_MAX - j->n)) > 0)
        j->n += (size_t)got;
    if (got < 0)
        return err_set(err, PC_EJOURNAL, "cannot read %s: %s", j->path, strerror(errno));
    if (j->n < MAGIC_BYTES || memcmp(j->bytes, MAGIC, MAGIC_BYTES) != 0)
        return start_anew(j, err);
    all = j->n;
    end = gather(j);
    if (!j->lost && end < all && ftruncate(j->fd, (off_t)end))
        return err_set(err, PC_EJOURNAL, "cannot cut %s back to what is whole: %s", j->path, strerror(errno));
    j->torn = j->lost > 0; /* the file is another than what is in memory: it is written anew at the first call */
    return 0;
}

int journal_open(struct journal **out, const char *path, journal_each *each, void *ctx, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    struct record rec;
    int rc = 0;

    *out = NULL;
    if (!j)
        return err_set(err, PC_EMEMORY, "out of memory");
    snprintf(j->path, sizeof j->path, "%s", path);
    pthread_mutex_init(&j->file, NULL);
    pthread_cond_init(&j->ending, NULL);
    j->bytes = malloc(JOURNAL_FILE_MAX);
    j->slot = calloc(SLOTS, sizeof *j->slot);
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!j->bytes || !j->slot)
        rc = err_set(err, PC_EMEMORY, "out of memory");
    else if (j->fd < 0)
        rc = err_set(err, PC_EJOURNAL, "cannot open %s: %s", path, strerror(errno));
    else if (flock(j->fd, LOCK_EX | LOCK_NB))
        rc = err_set(err, PC_EJOURNAL, "%s belongs to a box that is running", path);
    else
        rc = load(j, err);
    if (rc) {
        journal_close(j);
        return rc;
    }
    index_all(j);
    atomic_store(&j->handed, j->torn ? 0 : j->n);
    atomic_store(&j->dirty, true); /* a program that ended may have left it with the kernel */
    for (size_t at = MAGIC_BYTES; each && at < j->n && record_decode(j->bytes + at, j->n - at, &rec); at += rec.bytes)
        if (counts(j, at, &rec))
            each(ctx, rec.kind, rec.key, rec.nkey, rec.value, rec.nvalue);
    j->syncing = pthread_create(&j->syncer, NULL, syncing_thread, j) == 0;
    *out = j;
    return 0;
}

/* The same value again is no news: renewals come every few minutes, for ever. */
static bool known(struct journal *j, const struct record *rec)
{
    uint32_t at = *slot_of(j, rec);
    struct record there;

    if (at == 0)
        return rec->nvalue == 0;
    return record_decode(j->bytes + at, j->n - at, &there) && there.nvalue == rec->nvalue &&
           (rec->nvalue == 0 || memcmp(there.value, rec->value, rec->nvalue) == 0);
}

/* What the file holds by now may not be what is to be read from it: it is written anew. */
static int make_sure(struct journal *j)
{
    bool unsure;

    pthread_mutex_lock(&j->file);
    unsure = j->unsure;
    pthread_mutex_unlock(&j->file);
    return j->torn || unsure ? compact(j) : 0;
}

int journal_put(struct journal *j, uint8_t kind, const void *key, size_t nkey, const void *value, size_t nvalue)
{
    struct record rec = {.kind = kind, .key = key, .value = value, .nkey = nkey, .nvalue = nvalue};
    uint8_t bytes[RECORD_MAX];

    MUST(kind && nkey && nkey <= JOURNAL_KEY_MAX && nvalue <= JOURNAL_VALUE_MAX);
    if (known(j, &rec))
        return 0;
    rec.bytes = record_encode(&rec, bytes);
    if (make_sure(j))
        return PC_EJOURNAL; /* what is appended to half a record would be cut off with it */
    if ((j->n > COMPACT_LEAST && j->n / 2 > j->live) || j->n + rec.bytes > JOURNAL_FILE_MAX || j->records == JOURNAL_RECORDS_MAX)
        compact(j); /* when it fails there may still be room */
    if (j->n + rec.bytes > JOURNAL_FILE_MAX || (j->records == JOURNAL_RECORDS_MAX && *slot_of(j, &rec) == 0))
        return PC_EFULL;
    if (write_all(j->fd, bytes, rec.bytes)) {
        j->torn = ftruncate(j->fd, (off_t)j->n) != 0;
        return PC_EJOURNAL;
    }
    memcpy(j->bytes + j->n, bytes, rec.bytes);
    j->n += rec.bytes;
    MUST(index_record(j, j->n - rec.bytes, &rec));
    atomic_store(&j->handed, j->n);
    atomic_store(&j->dirty, true);
    return 0;
}

size_t journal_lost(const struct journal *j)
{
    return j->lost;
}

bool journal_kept(struct journal *j, uint8_t kind, const void *key, size_t nkey)
{
    struct record rec = {.kind = kind, .key = key, .nkey = nkey}, there;
    uint32_t at;
    bool kept;

    if (make_sure(j))
        return false;
    at = *slot_of(j, &rec);
    if (at == 0 || !record_decode(j->bytes + at, j->n - at, &there) || !there.nvalue)
        return false;
    pthread_mutex_lock(&j->file);
    kept = at + there.bytes <= j->synced;
    if (!kept)
        pthread_cond_signal(&j->ending); /* somebody waits for it */
    pthread_mutex_unlock(&j->file);
    return kept;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->file);
    atomic_store(&j->end, true);
    pthread_cond_signal(&j->ending);
    pthread_mutex_unlock(&j->file);
    if (j->syncing)
        pthread_join(j->syncer, NULL);
    if (j->fd >= 0 && atomic_load(&j->dirty))
        fdatasync(j->fd);
    if (j->fd >= 0)
        close(j->fd);
    pthread_cond_destroy(&j->ending);
    pthread_mutex_destroy(&j->file);
    free(j->bytes);
    free(j->slot);
    free(j);
}
