#include "board/core/restore.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "board/core/exit.h"
#include "board/errors/command.h"
#include "imaging/fec/fec.h"
#include "imaging/image/sign.h"
#include "net/os/clock.h"

/* One of the named keys must have signed. */
static int check_trust(const struct restore *r, const struct img_head *head, struct err *err)
{
    struct err one = {0};
    int rc = IMG_EUNTRUSTED;

    if (r->any_signer)
        return img_head_signed(head) ? img_signature_check(head, err) : 0;
    if (r->n_keys == 0)
        return err_set(err, HOST_ENOKEY,
                       "expected --key FILE with a trusted public key (or --any-signer)");
    for (unsigned i = 0; i < r->n_keys && rc; i++) {
        memset(&one, 0, sizeof one);
        rc = img_trust_check(head, r->key[i], &one);
    }
    return rc ? err_set(err, rc, "%s", one.text) : 0;
}

/* A slip of the keyboard must not erase the image itself. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_disk(struct restore *r, const struct source *s, struct disk *disk)
{
    struct disk_want want = {s->head.min_target_bytes, s->head.raw_bytes, img_head_sector(&s->head),
                             r->create};
    int rc = r->pick ? r->pick(r->ctx, &s->head, r->disk, &r->err) : 0;

    if (!rc)
        rc = s->ops == &source_file && same_file(r->from.where, r->disk)
                 ? err_set(&r->err, DISK_EBUSY, "%s is the source itself", r->disk)
                 : disk_target_open(disk, r->disk, &want, &r->err);
    if (!rc && r->write_limit)
        rc = disk_limit(disk, r->write_limit, &r->err);
    if (!rc && r->consent)
        rc = r->consent(r->ctx, &s->head, disk, &r->err);
    return rc;
}

static bool go_on(void *ctx, unsigned permille)
{
    (void)ctx;
    (void)permille;
    return !source_stopped();
}

static int last_look(void *ctx, struct err *err)
{
    struct restore *r = ctx;

    int rc = r->last_look ? r->last_look(r->ctx, err) : 0;

    r->begun = rc == 0;
    return rc;
}

/* Body and stream onto the open disk. */
static int run_stages(struct restore *r, struct source *s, struct disk *disk, struct watch *watch,
                      struct receive_counts *early)
{
    struct receive_options opt = {.verify = !r->noverify,
                                  .patient = s->ops != &source_ring,
                                  .memory = (size_t)r->memory,
                                  .scanned = go_on,
                                  .last_look = last_look,
                                  .ctx = r};
    struct err fed = {0};
    struct receive *receive;
    int rc = s->ops->body(s, early, &r->err);

    if (!rc)
        rc = receive_open(&receive, &s->head, &s->body, disk, &opt, &r->err);
    if (rc)
        return rc;
    watch_receiving(watch, receive, &s->body, r->noverify);
    if (s->ops->feed(s, receive, &fed))
        receive_stop(receive, &fed);
    watch_state(watch, SESSION_VERIFYING);
    rc = receive_finish(receive, &r->err);
    if (!rc && r->settle && !r->noverify) {
        disk_close(disk);
        rc = r->settle(r->ctx, r->disk, &r->err);
    }
    watch_stop(watch, rc ? SESSION_FAIL : SESSION_PASS, rc);
    receive_halt(receive);
    memcpy(&r->counts, receive_counts(receive), sizeof r->counts);
    receive_close(receive);
    return rc;
}

static int onto_disk(struct restore *r, struct source *s, struct disk *disk)
{
    struct watch_show show = {r->show, r->ctx};
    struct receive_counts early;
    struct watch watch;
    int rc;

    memset(&early, 0, sizeof early);
    rc = watch_start(&watch, s, &early, &show, &r->err);
    if (rc)
        return rc;
    rc = run_stages(r, s, disk, &watch, &early);
    watch_stop(&watch, rc ? SESSION_FAIL : SESSION_PASS, rc);
    r->drops = watch.facts.drops;
    s->ops->close(s, &watch.facts);
    s->ops = NULL;
    return rc;
}

/* Who goes before the first byte: of his own will he leaves; a refusal is a failure with a cause,
 * for the board to show. */
static void leave(struct source *s, int code)
{
    bool own_will = code == HOST_ECONSENT || code == RECEIVE_EINTR;
    struct session_facts last = {.state = own_will ? SESSION_LEAVING : SESSION_FAIL,
                                 .error = own_will ? 0 : code};

    s->ops->close(s, &last);
}

static void introduce(const struct restore *r, struct source *s)
{
    if (s->ops->about)
        s->ops->about(s, &r->about);
}

static int restore(struct restore *r, struct source *s)
{
    struct disk disk = {0};
    int rc = s->ops->open(s, &r->from, &r->err);

    if (rc)
        return rc;
    r->head = s->head;
    introduce(r, s);
    rc = check_trust(r, &s->head, &r->err);
    if (!rc && r->believe)
        rc = r->believe(r->ctx, s, &r->err);
    if (!rc)
        rc = open_disk(r, s, &disk);
    introduce(r, s);
    if (!rc)
        rc = onto_disk(r, s, &disk);
    if (s->ops)
        leave(s, rc);
    disk_close(&disk);
    if (rc && !r->begun)
        disk_target_undo(disk.made, r->disk);
    return rc;
}

int restore_run(struct restore *r)
{
    struct source s = {.ops = source_for(r->from.where)};
    struct mono start = clock_now();
    int rc;

    fec_init(NULL);
    rc = restore(r, &s);
    r->passed = rc == 0;
    r->told = s.told;
    r->seconds = (double)mono_sub(clock_now(), start) / 1e9;
    if (s.owns_body)
        img_body_free(&s.body);
    return rc;
}

int restore_exit(const struct restore *r)
{
    if (r->passed)
        return r->noverify ? EXIT_UNVERIFIED : EXIT_DONE;
    if (disk_refusal(r->err.code) || r->err.code == HOST_ECONSENT)
        return EXIT_REFUSED;
    if (r->err.code == IMG_EUNTRUSTED || r->err.code == IMG_ESIGNATURE ||
        r->err.code == HOST_ENOKEY)
        return EXIT_UNTRUSTED;
    return EXIT_FAILED;
}

static void on_signal(int number)
{
    (void)number;
    atomic_store(&source_interrupted, 1);
}

void restore_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};

    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
}
