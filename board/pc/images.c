#include "board/pc/images.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/host/serve_log.h"
#include "imaging/image/pack.h"
#include "imaging/image/squeeze.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"

#define LEVEL 6 /* of LZ4 HC: packing shares the machine with serving */
#define FILES_MAX 64

void images_sign(struct stream *s, const struct sign_key *key)
{
    struct img_head *head = &s->file.head;

    MUST(img_sign(head, key, NULL) == 0);
    img_head_encode(head, s->file.head_bytes);
    img_head_id(head, s->file.id);
    memcpy(s->session.welcome.head, s->file.head_bytes, sizeof s->session.welcome.head);
}

static void serve_file(struct images *m, const char *path)
{
    struct err err = {0};

    unsigned place = session_server_place(&m->serve->server);

    if (serve_add(m->serve, path, NULL, &err) == 0) {
        serve_log("%s: serving %s", m->serve->streams[place].session.name, path);
        return;
    }
    m->skipped++;
    serve_log("%s is skipped: %s (%d)", path, err.text, err.code);
}

/* ---- what lies in a folder ---- */

static bool ends_with(const char *name, const char *const *endings)
{
    size_t n = strlen(name);

    for (; *endings; endings++) {
        size_t e = strlen(*endings);

        if (n > e && strcasecmp(name + n - e, *endings) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The regular files of a folder whose names end so, sorted: the order of sessions shall not depend on the disk. */
static unsigned list(const char *folder, const char *const *endings, char name[FILES_MAX][256])
{
    DIR *d = opendir(folder);
    struct dirent *e;
    unsigned n = 0;

    while (d && n < FILES_MAX && (e = readdir(d)))
        if (e->d_name[0] != '.' && ends_with(e->d_name, endings))
            snprintf(name[n++], sizeof name[0], "%s", e->d_name);
    if (d)
        closedir(d);
    qsort(name, n, sizeof name[0], by_name);
    return n;
}

static void serve_rings(struct images *m, const char *folder)
{
    static const char *const ring[] = {".ring", NULL};
    static char name[FILES_MAX][256];
    char path[IMAGES_PATH_MAX];
    unsigned n = list(folder, ring, name);

    for (unsigned i = 0; i < n; i++)
        if (snprintf(path, sizeof path, "%s/%s", folder, name[i]) < (int)sizeof path)
            serve_file(m, path);
}

/* ---- raw images ---- */

static bool make_raw(struct images_raw *r, const char *folder, const char *data, const char *name)
{
    struct stat st;
    size_t stem = (size_t)(strrchr(name, '.') - name);

    if (snprintf(r->source, sizeof r->source, "%s/%s", folder, name) >= (int)sizeof r->source ||
        snprintf(r->packed, sizeof r->packed, "%s/packed/%s.ring", data, name) >= (int)sizeof r->packed)
        return false;
    if (stat(r->source, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    stem = stem > IMG_NAME_MAX ? IMG_NAME_MAX : stem;
    snprintf(r->name, sizeof r->name, "%.*s", (int)stem, name);
    if (!utf8_is_plain(r->name, strlen(r->name)))
        snprintf(r->name, sizeof r->name, "image");
    snprintf(r->label, sizeof r->label, "%llx.%llx", (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec);
    return true;
}

static void list_raws(struct images *m, const char *folder, const char *data)
{
    static const char *const raw[] = {".img", ".raw", ".dd", ".iso", NULL};
    static char name[FILES_MAX][256];
    unsigned n = list(folder, raw, name);

    for (unsigned i = 0; i < n && m->n_raw < IMAGES_RAW_MAX; i++)
        if (make_raw(&m->raw[m->n_raw], folder, data, name[i]))
            m->n_raw++;
        else
            serve_log("%s/%s is skipped: expected a file with something in it", folder, name[i]);
}

/* Whether it has been packed in an earlier run and the source is still the same. */
static bool is_packed(const struct images_raw *r)
{
    struct img_file f;
    bool same;

    if (access(r->packed, F_OK) || img_file_open(&f, r->packed, NULL))
        return false;
    same = strcmp(f.head.label, r->label) == 0;
    img_file_close(&f);
    return same;
}

static void on_progress(void *ctx, const struct pack_progress *now)
{
    struct images *m = ctx;

    if (now->total)
        atomic_store(&m->percent, (unsigned)(now->done * 100 / now->total));
}

static void on_note(void *ctx, const char *text)
{
    (void)ctx;
    serve_log("packing: note: %s", text);
}

static bool pack(struct images *m, const struct images_raw *r)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct pack_options o = {.source = r->source,
                             .output = r->packed,
                             .name = r->name,
                             .label = r->label,
                             .key = m->key,
                             .level = LEVEL,
                             .threads = cpus < 1 ? 1 : cpus > SQUEEZE_THREADS_MAX ? SQUEEZE_THREADS_MAX : (unsigned)cpus,
                             .force = true,
                             .created = (uint64_t)time(NULL),
                             .stop = &m->stop,
                             .progress = on_progress,
                             .note = on_note,
                             .ctx = m};
    struct pack_result result;
    struct err err = {0};

    serve_log("%s: packing %s", r->name, r->source);
    if (img_pack(&o, &result, &err) == 0)
        return true;
    if (!m->stop)
        serve_log("%s is skipped: %s (%d)", r->source, err.text, err.code);
    return false;
}

static void *packing_thread(void *arg)
{
    struct images *m = arg;

    for (unsigned i = 0; i < m->n_raw && !m->stop; i++) {
        const struct images_raw *r = &m->raw[i];

        if (!is_packed(r)) {
            atomic_store(&m->percent, 0);
            atomic_store(&m->packing, r->name);
            m->failed[i] = !pack(m, r);
            atomic_store(&m->packing, NULL);
        }
        atomic_store(&m->packed, i + 1);
    }
    return NULL;
}

void images_open(struct images *m, const char *folder, const char *data, const struct sign_key *key, struct serve *serve)
{
    char path[IMAGES_PATH_MAX];

    memset(m, 0, sizeof *m);
    m->key = key;
    m->serve = serve;
    if (folder)
        serve_rings(m, folder);
    snprintf(path, sizeof path, "%s/images", data);
    serve_rings(m, path);
    if (folder)
        list_raws(m, folder, data);
    list_raws(m, path, data);
    snprintf(path, sizeof path, "%s/packed", data);
    if (m->n_raw)
        mkdir(path, 0700);
    m->running = m->n_raw && pthread_create(&m->thread, NULL, packing_thread, m) == 0;
}

void images_tick(struct images *m)
{
    unsigned packed = atomic_load(&m->packed);

    for (; m->taken < packed; m->taken++) {
        if (m->failed[m->taken])
            m->skipped++;
        else
            serve_file(m, m->raw[m->taken].packed);
    }
}

void images_close(struct images *m)
{
    m->stop = 1;
    if (m->running)
        pthread_join(m->thread, NULL);
}
