/* Small files: keys, certificates, the login of the command line, results of checks, the access
 * log, the configuration, the shelf of images. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/cli/login.h"
#include "board/box/boot/access_log.h"
#include "board/box/config/box_config.h"
#include "board/box/library/checked.h"
#include "board/box/store/identity.h"
#include "board/box/library/shelf.h"
#include "net/tls/identity.h"
#include "net/wire/must.h"
#include "tests/campaign/faults.h"

static bool there; /* the file is there before */
static int rc;

static void path_of(const struct place *p, const char *name, char to[128])
{
    snprintf(to, 128, "%s/%s", p->data, name);
}

static void nothing_there(struct place *p)
{
    (void)p;
    there = false;
}

/* ---- the box's key ---- */

static struct sign_key first_key, key;

static void key_there(struct place *p)
{
    static uint8_t secret[2048], pub[2048];
    static long n_secret, n_pub;
    char path[128];

    there = true;
    if (!n_secret) { /* made once: it takes its time */
        assert_int_equal(identity_open(&first_key, p->data, NULL), 0);
        path_of(p, "identity.key", path);
        n_secret = faults_get_file(path, secret, sizeof secret);
        path_of(p, "identity.pub", path);
        n_pub = faults_get_file(path, pub, sizeof pub);
    } else {
        path_of(p, "identity.key", path);
        faults_put_file(path, secret, (size_t)n_secret);
        path_of(p, "identity.pub", path);
        faults_put_file(path, pub, (size_t)n_pub);
    }
}

static void key_open(struct place *p)
{
    rc = identity_open(&key, p->data, NULL);
    if (rc == 0 && there)
        assert_memory_equal(key.pub, first_key.pub, sizeof key.pub);
}

static void key_judge(struct place *p)
{
    struct sign_key now;
    int got = identity_open(&now, p->data, NULL);

    assert_true(rc == 0 || !place_is_fine(p));
    if (p->lies && !there && got) /* a damaged one is not replaced */
        return;
    assert_int_equal(got, 0);
    if (there)
        assert_memory_equal(now.pub, first_key.pub, sizeof now.pub);
    else if (rc == 0)
        assert_memory_equal(now.pub, key.pub, sizeof now.pub);
}

/* ---- the page's certificate ---- */

static char first_print[TLS_FINGERPRINT_TEXT], print[TLS_FINGERPRINT_TEXT];

static int certificate_of(const struct place *p, char to[TLS_FINGERPRINT_TEXT])
{
    struct tls_identity id;
    char folder[128];
    int got;

    path_of(p, "tls", folder);
    got = tls_identity_open(&id, folder, "box", 0x0a4d0001, NULL);
    if (got)
        return got;
    snprintf(to, TLS_FINGERPRINT_TEXT, "%s", id.fingerprint);
    tls_identity_close(&id);
    return 0;
}

static void certificate_there(struct place *p)
{
    static uint8_t bytes[4096];
    static long n;
    char path[128];

    there = true;
    path_of(p, "tls/identity", path);
    if (!n) {
        assert_int_equal(certificate_of(p, first_print), 0);
        n = faults_get_file(path, bytes, sizeof bytes);
        return;
    }
    path_of(p, "tls", path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(p, "tls/identity", path);
    faults_put_file(path, bytes, (size_t)n);
}

static void certificate_open(struct place *p)
{
    rc = certificate_of(p, print);
    if (rc == 0 && there)
        assert_string_equal(print, first_print);
    if (there && p->rng.state % 2) { /* twice in one life */
        rc = certificate_of(p, print);
        if (rc == 0)
            assert_string_equal(print, first_print);
    }
}

static void certificate_judge(struct place *p)
{
    char now[TLS_FINGERPRINT_TEXT];
    int got = certificate_of(p, now);

    assert_true(rc == 0 || !place_is_fine(p));
    if (p->lies && !there && got)
        return;
    assert_int_equal(got, 0);
    if (there)
        assert_string_equal(now, first_print);
    else if (rc == 0)
        assert_string_equal(now, print);
}

/* ---- the command line's login ---- */

static struct login old_login, new_login, read_login;
static int saved, loaded;

static void login_there(struct place *p)
{
    char path[128];

    there = true;
    path_of(p, "login", path);
    memset(&old_login, 0, sizeof old_login);
    strcpy(old_login.host, "10.77.0.1");
    old_login.port = 443;
    old_login.pinned = true;
    memset(old_login.pin, 7, sizeof old_login.pin);
    memset(old_login.token, 'a', 64);
    new_login = old_login;
    strcpy(new_login.host, "10.77.0.2");
    memset(new_login.pin, 8, sizeof new_login.pin);
    memset(new_login.token, 'b', 64);
    assert_int_equal(login_save(&old_login, path, NULL), 0);
}

static bool same_login(const struct login *a, const struct login *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port && a->pinned == b->pinned &&
           memcmp(a->pin, b->pin, sizeof a->pin) == 0 && strcmp(a->token, b->token) == 0;
}

static void login_live(struct place *p)
{
    struct login l = {0};
    char path[128];

    path_of(p, "login", path);
    if (login_load(&l, path, NULL) == 0)
        assert_true(same_login(&l, &old_login));
    saved = login_save(&new_login, path, NULL);
    memset(&read_login, 0, sizeof read_login);
    loaded = login_load(&read_login, path, NULL);
}

static void login_judge(struct place *p)
{
    struct login l = {0};
    char path[128];
    int got;

    path_of(p, "login", path);
    got = login_load(&l, path, NULL);
    if (p->lies)
        return;
    assert_true((loaded == 0 && saved == 0) || !place_is_fine(p));
    assert_true(loaded || same_login(&read_login, &old_login) ||
                same_login(&read_login, &new_login));
    assert_int_equal(got, 0);
    assert_true(same_login(&l, &new_login) || (saved && same_login(&l, &old_login)));
}

/* ---- results of whole checks ---- */

#define CHECKED_FILES 3

static struct checked checked;
static bool forgotten[CHECKED_FILES];

static int open_file(const struct place *p, unsigned i, char path[128])
{
    char name[16];

    snprintf(name, sizeof name, "file%u", i);
    path_of(p, name, path);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool note(const struct place *p, unsigned i, bool whole)
{
    struct checked_look look = {0};
    char path[128];
    int fd = open_file(p, i, path);
    bool done;

    if (fd >= 0 && whole)
        (void)checked_look(fd, &look);
    done = checked_note(&checked, path, whole ? fd : -1, &look);
    if (fd >= 0)
        close(fd);
    return done;
}

static bool knows(const struct place *p, unsigned i)
{
    char path[128];
    int fd = open_file(p, i, path);
    bool known = fd >= 0 && checked_knows(&checked, path, fd);

    if (fd >= 0)
        close(fd);
    return known;
}

static void checks_there(struct place *p)
{
    char path[128];

    checked_open(&checked, p->data, "");
    for (unsigned i = 0; i < CHECKED_FILES; i++) {
        open_file(p, i, path);
        faults_put_file(path, path, sizeof path);
        forgotten[i] = false;
        assert_true(i == CHECKED_FILES - 1 || note(p, i, true));
    }
    checked_close(&checked);
}

/* One is found damaged, another whole. */
static void checks_live(struct place *p)
{
    checked_open(&checked, p->data, "");
    forgotten[0] = note(p, 0, false);
    (void)note(p, CHECKED_FILES - 1, true);
    if (rng_below(&p->rng, 2))
        forgotten[1] = note(p, 1, false);
    for (unsigned i = 0; i < CHECKED_FILES; i++)
        assert_false(forgotten[i] && knows(p, i));
    checked_close(&checked);
}

static void checks_judge(struct place *p)
{
    checked_open(&checked, p->data, "");
    for (unsigned i = 0; i < CHECKED_FILES; i++)
        if (forgotten[i] && knows(p, i))
            fail_msg("file %u was found damaged, and counts as checked", i);
    checked_close(&checked);
}

/* ---- the access log ---- */

#define LINES 30

static void log_live(struct place *p)
{
    struct access_entry e = {.protocol = "http", .result = "200", .file = "a file"};
    struct access_log *a;

    assert_int_equal(access_log_open(&a, p->data, NULL), 0);
    for (unsigned i = 0; i < LINES; i++) {
        e.bytes = i;
        access_log_add(a, &e, 1796128000);
        if (i % 10 == 9)
            usleep(300);
    }
    access_log_close(a);
}

static void log_before(struct place *p)
{
    log_live(p);
}

/* Lines of the first life stay. Those of the second are there unless the disk had trouble; what
 * stands there is a line or a part of one. */
static void log_judge(struct place *p)
{
    static char text[65536];
    char path[128];
    unsigned good = 0;
    long n;

    path_of(p, "access.log", path);
    n = faults_get_file(path, text, sizeof text - 1);
    if (p->lies || p->power)
        return;
    assert_true(n > 0);
    text[n] = 0;
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
        good += strncmp(at, "2026-12-01 12:", 14) == 0 && strncmp(end - 7, " a file", 7) == 0;
    assert_true(good >= LINES);
    assert_true(good == 2 * LINES || !place_is_fine(p));
}

/* ---- the configuration ---- */

static const char config_text[] = "[box]\nname = lab\naddress = 10.1.2.3/24\n[dhcp]\nmode = off\n";

static void config_there(struct place *p)
{
    char path[128];

    path_of(p, "ringcast.conf", path);
    faults_put_file(path, config_text, sizeof config_text - 1);
}

/* What is there is read whole, or it is an error: it is never the defaults. */
static void config_live(struct place *p)
{
    static struct box_config c;
    struct err err = {0};
    bool missing = false;
    char path[128];

    path_of(p, "ringcast.conf", path);
    rc = box_config_open(&c, path, &missing, &err);
    if (rc == 0)
        assert_true(!missing && strcmp(c.name, "lab") == 0 && c.address == 0x0a010203 &&
                    c.dhcp.mode == BOX_DHCP_OFF);
}

static void config_judge(struct place *p)
{
    assert_true(rc == 0 || !place_is_fine(p));
}

/* ---- the shelf ---- */

#define RING_BYTES 5000
#define RAW_BYTES 70000

static uint8_t ring[RING_BYTES], came[RAW_BYTES];
static struct {
    bool settled, to_drop, dropped, renamed;
} shelf_did;

static void open_shelf(const struct place *p, struct shelf *s)
{
    char path[128];

    path_of(p, "library", path);
    (void)shelf_open(s, path, NULL);
    s->mark_bytes = 16384;
}

static struct record record_of(const char *name, uint64_t bytes)
{
    struct record r = {.bytes = bytes, .created = 1};

    snprintf(r.name, sizeof r.name, "%s", name);
    return r;
}

static bool take(const struct shelf *s, uint32_t id, const uint8_t *bytes, size_t n,
                 enum shelf_kind kind, struct place *p)
{
    struct record r = record_of(id == 1 ? "one" : "two", n);
    uint8_t hash[IMG_HASH_BYTES];
    struct shelf_intake in;
    bool paused = false;

    if (shelf_begin(s, id, &r, NULL))
        return false;
    if (shelf_intake_open(s, id, &in, NULL))
        return false;
    while (in.at < n) {
        size_t piece = n - in.at < 9000 ? n - in.at : 9000;

        if (shelf_write(s, &in, bytes + in.at, piece, NULL)) {
            shelf_intake_close(&in);
            return false;
        }
        if (!paused && in.at > 30000 && rng_below(&p->rng, 2)) {
            paused = true;
            shelf_intake_pause(s, &in);
            if (shelf_intake_open(s, id, &in, NULL))
                return false;
        }
    }
    return shelf_finish(s, &in, hash, NULL) == 0 && shelf_settle(s, id, kind, NULL) == 0;
}

static void shelf_there(struct place *p)
{
    struct shelf s = {0};

    for (unsigned i = 0; i < RAW_BYTES; i++)
        came[i] = (uint8_t)(i * 2654435761u >> 13);
    memcpy(ring, came + 1000, sizeof ring);
    open_shelf(p, &s);
    assert_true(take(&s, 1, ring, sizeof ring, SHELF_RING, p));
    memset(&shelf_did, 0, sizeof shelf_did);
}

struct shelf_seen {
    unsigned n;
    struct shelf_found item[8];
};

static void on_found(void *ctx, const struct shelf_found *f)
{
    struct shelf_seen *all = ctx;

    assert_true(all->n < 8);
    all->item[all->n++] = *f;
}

static const struct shelf_found *seen(const struct shelf_seen *all, uint32_t id)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->item[i].id == id)
            return &all->item[i];
    return NULL;
}

static void shelf_upload(struct place *p)
{
    struct shelf_seen all = {0};
    struct shelf s = {0};

    open_shelf(p, &s);
    if (shelf_scan(&s, on_found, &all, NULL) == 0 && !p->lies)
        assert_non_null(seen(&all, 1));
    shelf_did.settled = take(&s, 2, came, sizeof came, SHELF_RAW, p);
}

static void shelf_change(struct place *p)
{
    struct record r = record_of("three", RING_BYTES);
    struct shelf_seen all = {0};
    struct shelf s = {0};

    open_shelf(p, &s);
    (void)shelf_scan(&s, on_found, &all, NULL);
    shelf_did.renamed = shelf_note(&s, 1, &r, NULL) == 0;
    shelf_did.to_drop = rng_below(&p->rng, 2);
    if (shelf_did.to_drop)
        shelf_did.dropped = shelf_drop(&s, 1, NULL) == 0;
    (void)shelf_scan(&s, on_found, &(struct shelf_seen){0}, NULL);
}

static void expect_bytes(const struct shelf *s, uint32_t id, const char *kind, const uint8_t *bytes,
                         size_t n)
{
    static uint8_t have[RAW_BYTES];
    char path[SHELF_PATH_MAX];

    assert_true(faults_get_file(shelf_path(s, id, kind, path), have, sizeof have) >= (long)n);
    assert_memory_equal(have, bytes, n);
}

static void shelf_judge(struct place *p)
{
    struct shelf_seen all = {0};
    const struct shelf_found *one, *two;
    struct shelf s = {0};

    open_shelf(p, &s);
    assert_int_equal(shelf_scan(&s, on_found, &all, NULL), 0);
    one = seen(&all, 1);
    two = seen(&all, 2);
    assert_true(one && one->kind == SHELF_RING);
    expect_bytes(&s, 1, "ring", ring, sizeof ring);
    assert_true(p->lies || one->why.code == 0);
    assert_true(shelf_did.settled || !place_is_fine(p));
    if (shelf_did.settled && !place_is_hopeless(p))
        assert_true(two && (p->lies || (two->kind == SHELF_RAW && two->why.code == 0)));
    if (two && two->kind == SHELF_RAW && !p->lies)
        expect_bytes(&s, 2, "raw", came, sizeof came);
    if (two && two->kind == SHELF_PART && !p->lies)
        expect_bytes(&s, 2, "part", came, two->at);
}

static void changed_judge(struct place *p)
{
    struct shelf_seen all = {0};
    const struct shelf_found *one;
    struct shelf s = {0};

    open_shelf(p, &s);
    assert_int_equal(shelf_scan(&s, on_found, &all, NULL), 0);
    one = seen(&all, 1);
    assert_true(shelf_did.renamed || !place_is_fine(p));
    if (shelf_did.dropped)
        assert_null(one);
    if (!shelf_did.to_drop)
        expect_bytes(&s, 1, "ring", ring, sizeof ring);
    if (one && one->kind == SHELF_RING && !p->lies)
        assert_true(one->why.code == 0 &&
                    strcmp(one->record.name, shelf_did.renamed ? "three" : one->record.name) == 0);
}

const struct scenario faults_files[] = {
    {.name = "key-made", .part = "", .prepare = nothing_there, .act = key_open, .judge = key_judge},
    {.name = "key-read", .part = "", .prepare = key_there, .act = key_open, .judge = key_judge},
    {.name = "certificate-made",
     .part = "tls",
     .prepare = nothing_there,
     .act = certificate_open,
     .judge = certificate_judge},
    {.name = "certificate-read",
     .part = "tls",
     .prepare = certificate_there,
     .act = certificate_open,
     .judge = certificate_judge},
    {.name = "login", .part = "", .prepare = login_there, .act = login_live, .judge = login_judge},
    {.name = "checked",
     .part = "",
     .prepare = checks_there,
     .act = checks_live,
     .judge = checks_judge},
    {.name = "access-log", .part = "", .prepare = log_before, .act = log_live, .judge = log_judge},
    {.name = "configuration",
     .part = "",
     .prepare = config_there,
     .act = config_live,
     .judge = config_judge},
    {.name = "shelf-upload",
     .part = "library",
     .prepare = shelf_there,
     .act = shelf_upload,
     .judge = shelf_judge},
    {.name = "shelf-change",
     .part = "library",
     .prepare = shelf_there,
     .act = shelf_change,
     .judge = changed_judge},
    {0},
};
