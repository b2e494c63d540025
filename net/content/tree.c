#include "net/content/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

struct content_tree {
    int root;
    char **names; /* paths below root, sorted */
    size_t n, room, left_out;
};

/* ---- indexing ---- */

/* The folders above the one being read: one that is its own ancestor would never end. */
struct ancestor {
    const struct ancestor *above;
    dev_t dev;
    ino_t ino;
    unsigned depth;
};

/* Opens a path of ours below root; the kernel refuses whatever leads out of it, links and races
 * included. */
static int open_below(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int add_name(struct content_tree *t, const char *name)
{
    if (t->n == CONTENT_TREE_FILES_MAX)
        return CONTENT_EMANY;
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 256;
        char **names = realloc(t->names, room * sizeof *names);

        if (!names)
            return CONTENT_EMEMORY;
        t->names = names;
        t->room = room;
    }
    t->names[t->n] = strdup(name);
    return t->names[t->n] ? (int)(t->n++, 0) : CONTENT_EMEMORY;
}

static int read_folder(struct content_tree *t, int fd, const char *path,
                       const struct ancestor *self);

static bool is_ancestor(const struct ancestor *a, const struct stat *st)
{
    for (; a; a = a->above)
        if (a->dev == st->st_dev && a->ino == st->st_ino)
            return true;
    return false;
}

/* One entry: a file is noted, a folder read, anything else left out. */
static int take_entry(struct content_tree *t, const char *path, const struct ancestor *above)
{
    int fd = open_below(t->root, path, 0);
    struct ancestor self = {.above = above, .depth = above->depth + 1};
    struct stat st;
    int rc = 0;

    if (fd < 0 || fstat(fd, &st) != 0) {
        t->left_out++;
    } else if (S_ISDIR(st.st_mode) && self.depth <= CONTENT_TREE_DEPTH_MAX &&
               !is_ancestor(above, &st)) {
        self.dev = st.st_dev;
        self.ino = st.st_ino;
        return read_folder(t, fd, path, &self);
    } else if (S_ISREG(st.st_mode)) {
        rc = add_name(t, path);
    } else {
        t->left_out++;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Can a client name it? */
static bool nameable(const char *path)
{
    char name[CONTENT_NAME_MAX + 1];

    return content_name(path, strlen(path), name) == 0 && strcmp(name, path) == 0;
}

/* Takes fd over. */
static int read_folder(struct content_tree *t, int fd, const char *path,
                       const struct ancestor *self)
{
    DIR *dir = fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (!dir) {
        close(fd);
        t->left_out++;
        return 0;
    }
    while (rc == 0 && (errno = 0, e = readdir(dir))) {
        char below[CONTENT_NAME_MAX + 2];
        int n = snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", e->d_name);

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if ((size_t)n > CONTENT_NAME_MAX || !nameable(below))
            t->left_out++;
        else
            rc = take_entry(t, below, self);
    }
    if (rc == 0 && errno) /* there may be more */
        t->left_out++;
    closedir(dir);
    return rc;
}

static int order(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int folded = strcasecmp(x, y);

    return folded ? folded : strcmp(x, y);
}

int content_tree_open(struct content_tree **out, const char *folder, struct err *err)
{
    struct content_tree *t = calloc(1, sizeof *t);
    struct ancestor self = {0};
    struct stat st;
    int fd, rc;

    *out = NULL;
    if (!t)
        return err_set(err, CONTENT_EMEMORY, "no memory for the folder \"%.180s\"", folder);
    t->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fd = t->root < 0 ? -1 : open_below(t->root, ".", O_DIRECTORY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = err_set(err, CONTENT_EOPEN, "expected a folder at \"%.150s\", got: %s", folder,
                     strerror(errno));
    } else {
        self.dev = st.st_dev;
        self.ino = st.st_ino;
        rc = read_folder(t, fd, "", &self);
        if (rc == CONTENT_EMANY)
            err_set(err, rc, "expected at most %d files below \"%.150s\", got more",
                    CONTENT_TREE_FILES_MAX, folder);
        else if (rc)
            err_set(err, rc, "no memory for the folder \"%.180s\"", folder);
    }
    if (rc) {
        content_tree_close(t);
        return rc;
    }
    if (t->n)
        qsort(t->names, t->n, sizeof *t->names, order);
    *out = t;
    return 0;
}

void content_tree_close(struct content_tree *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->names[i]);
    free(t->names);
    if (t->root >= 0)
        close(t->root);
    free(t);
}

size_t content_tree_files(const struct content_tree *t)
{
    return t->n;
}

size_t content_tree_left_out(const struct content_tree *t)
{
    return t->left_out;
}

/* ---- looking up ---- */

/* The first name that is not below `name` in the table's order. */
static size_t lower_bound(const struct content_tree *t, const char *name, bool folded)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int c = folded ? strcasecmp(t->names[middle], name) : order(&t->names[middle], &name);

        if (c < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The table's own spelling of a name, NULL when it is not there. */
static const char *find(const struct content_tree *t, const char *name)
{
    size_t i = lower_bound(t, name, false);

    if (i < t->n && strcmp(t->names[i], name) == 0)
        return t->names[i];
    i = lower_bound(t, name, true);
    return i < t->n && strcasecmp(t->names[i], name) == 0 ? t->names[i] : NULL;
}

/* The same in the machine's own folder, in either way of naming it. */
static const char *find_for(const struct content_tree *t, const char *name, const uint8_t *mac)
{
    char own[CONTENT_NAME_MAX + 32];
    const char *found;

    snprintf(own, sizeof own, "01-%02x-%02x-%02x-%02x-%02x-%02x/%s", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5], name);
    found = find(t, own);
    return found ? found : find(t, own + 3);
}

static int tree_open(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    const struct content_tree *t = ctx;
    const char *path = mac ? find_for(t, name, mac) : NULL;

    if (!path)
        path = find(t, name);
    if (!path)
        return CONTENT_ENAME;
    return content_fd(out, open_below(t->root, path, 0), content_type(path));
}

struct content_source content_tree_source(struct content_tree *t)
{
    return (struct content_source){.ctx = t, .open = tree_open};
}
