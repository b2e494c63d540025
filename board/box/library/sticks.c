#include "board/box/library/sticks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "board/box/library/library_folder.h"
#include "imaging/queue/queue.h"

#define LOOK_NS 500000000
#define RETRY_NS 10000000
#define NEWS 4            /* of a place, not taken yet */
#define ENTRIES_MAX 10000 /* of a folder that are looked at */
#define NOTE_MAX 1024

struct news {
    bool there;
    struct stick stick;
};

struct place {
    struct sticks *all;
    unsigned number;
    struct queue news; /* from the thread */
    struct news now;   /* who asks */
    struct news next;  /* the thread's */
    bool seen;         /* the note, */
    struct stat note;  /* this one */
};

struct sticks {
    atomic_int users; /* threads, and who asks: the last one cleans up */
    atomic_bool unwanted;
    char folder[STICK_ROOT_MAX - 16];
    struct place place[STICKS_MAX];
};

static void leave(struct sticks *s)
{
    if (atomic_fetch_sub(&s->users, 1) > 1)
        return;
    for (struct place *p = s->place; p < s->place + STICKS_MAX; p++)
        queue_free(&p->news);
    free(s);
}

const char *sticks_root(const struct sticks *s, unsigned place, char to[STICK_ROOT_MAX])
{
    snprintf(to, STICK_ROOT_MAX, "%s/%u", s->folder, place);
    return to;
}

int stick_open_below(const char *root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int folder = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd, why;

    if (folder < 0)
        return -1;
    fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    why = errno;
    close(folder);
    errno = why;
    return fd;
}

/* ---- a thread: what is on a stick ---- */

static void add(struct stick *s, int folder, const char *prefix, const char *file)
{
    struct stick_entry *e = &s->file[s->n];
    struct stat st;

    if (!folder_takes(file) || fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(st.st_mode) || st.st_size == 0)
        return;
    if (s->n == STICK_FILES_MAX || record_text_check("a name", file, STICK_NAME_MAX, NULL)) {
        s->left_out++;
        return;
    }
    snprintf(e->path, sizeof e->path, "%.7s%.*s", prefix, STICK_NAME_MAX, file);
    folder_name(e->name, file);
    e->bytes = (uint64_t)st.st_size;
    s->n++;
}

/* False: the folder cannot be read. */
static bool list(struct stick *s, const char *root, const char *folder, const char *prefix)
{
    int fd = stick_open_below(root, folder, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (fd >= 0 && !d)
        close(fd);
    for (unsigned i = 0; d && i < ENTRIES_MAX && (e = readdir(d)); i++)
        add(s, fd, prefix, e->d_name);
    if (d)
        closedir(d);
    return d != NULL;
}

static int by_path(const void *a, const void *b)
{
    const struct stick_entry *one = a, *other = b;

    return strcmp(one->path, other->path);
}

static void look_into(const struct place *p, struct stick *s)
{
    char root[STICK_ROOT_MAX];

    sticks_root(p->all, p->number, root);
    if (!list(s, root, ".", ""))
        snprintf(s->cause, sizeof s->cause, "it cannot be read: %s", strerror(errno));
    (void)list(s, root, "images", "images/");
    qsort(s->file, s->n, sizeof *s->file, by_path);
}

/* ---- a thread: whether there is one ---- */

/* The next line of the note, "" when it is no plain text. */
static void take_line(const char **text, char to[STICK_TEXT_MAX + 1])
{
    size_t n = strcspn(*text, "\n");

    snprintf(to, STICK_TEXT_MAX + 1, "%.*s", (int)n, *text);
    if (record_text_check("a line", to, STICK_TEXT_MAX, NULL))
        to[0] = 0;
    *text += n + ((*text)[n] == '\n');
}

static void read_note(const char *path, struct stick *s)
{
    char text[NOTE_MAX] = "";
    const char *at = text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = 0;
    take_line(&at, s->device);
    take_line(&at, s->label);
    take_line(&at, s->cause);
}

static void tell(struct place *p)
{
    while (!queue_push(&p->news, &p->next) && !atomic_load(&p->all->unwanted))
        nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
}

static void look_again(struct place *p)
{
    char path[STICK_ROOT_MAX];
    struct stat st = {0};
    bool there;

    snprintf(path, sizeof path, "%s/%u.note", p->all->folder, p->number);
    there = stat(path, &st) == 0;
    if (there == p->seen &&
        (!there || (st.st_ino == p->note.st_ino &&
                    memcmp(&st.st_mtim, &p->note.st_mtim, sizeof st.st_mtim) == 0)))
        return;
    p->seen = there;
    p->note = st;
    p->next = (struct news){.there = there, .stick.looking = there};
    if (there)
        read_note(path, &p->next.stick);
    if (p->next.stick.cause[0])
        p->next.stick.looking = false;
    tell(p);
    if (!p->next.stick.looking)
        return;
    look_into(p, &p->next.stick);
    p->next.stick.looking = false;
    tell(p);
}

static void *watching_thread(void *arg)
{
    struct place *p = arg;

    while (!atomic_load(&p->all->unwanted)) {
        look_again(p);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    leave(p->all);
    return NULL;
}

/* ---- who asks ---- */

static int start(struct sticks *s, struct place *p, struct err *err)
{
    pthread_t thread;

    p->all = s;
    p->number = (unsigned)(p - s->place);
    if (queue_init(&p->news, NEWS, sizeof(struct news)))
        return err_set(err, LIBRARY_EMEMORY, "out of memory for a stick");
    atomic_fetch_add(&s->users, 1);
    if (pthread_create(&thread, NULL, watching_thread, p)) {
        atomic_fetch_sub(&s->users, 1);
        return err_set(err, LIBRARY_ETHREAD, "no thread looks after sticks");
    }
    pthread_detach(thread);
    return 0;
}

int sticks_open(struct sticks **out, const char *folder, struct err *err)
{
    struct sticks *s = calloc(1, sizeof *s);
    int rc = s ? 0 : err_set(err, LIBRARY_EMEMORY, "out of memory for sticks");

    *out = NULL;
    if (rc)
        return rc;
    atomic_store(&s->users, 1);
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    for (unsigned i = 0; rc == 0 && i < STICKS_MAX; i++)
        rc = start(s, &s->place[i], err);
    if (rc)
        sticks_close(s);
    else
        *out = s;
    return rc;
}

unsigned sticks_tick(struct sticks *s)
{
    unsigned changed = 0;

    for (unsigned i = 0; i < STICKS_MAX; i++)
        if (queue_pop(&s->place[i].news, &s->place[i].now))
            changed |= 1u << i;
    return changed;
}

const struct stick *sticks_at(const struct sticks *s, unsigned place)
{
    return place < STICKS_MAX && s->place[place].now.there ? &s->place[place].now.stick : NULL;
}

const struct stick_entry *stick_find(const struct stick *s, const char *path)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->file[i].path, path) == 0)
            return &s->file[i];
    return NULL;
}

void sticks_close(struct sticks *s)
{
    if (!s)
        return;
    atomic_store(&s->unwanted, true);
    leave(s);
}
