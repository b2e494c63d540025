#include "board/target/target.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "board/core/exit.h"
#include "board/errors/box.h"
#include "board/errors/command.h"
#include "board/pc/target_nic.h"
#include "board/target/settle.h"
#include "board/target/target_show.h"
#include "imaging/disk/inventory.h"
#include "imaging/image/sign.h"
#include "net/ip/stack.h"
#include "net/ring/ring.h"

#define SILENCE_S 60  /* without a packet of the stream: the box is asked anew */
#define JOIN_S 10     /* for a handshake */
#define FAREWELL_S 60 /* for the box to confirm a PASS */
#define PAUSE_S 1     /* before another attempt */
#define SETTLE_S 3    /* without another disk appearing: these are all */
#define LATE_S 20     /* a machine without a disk that may be erased is looked at for so long */

struct target {
    const struct target_options *o;
    struct target_show show;
    struct inventory disks, before;
    struct disk_need need;
    struct disk_facts chosen;
    struct restore *restore; /* the attempt that runs */
    struct own own;          /* of this attempt; borrows from its source */
    char url[64];
};

/* ---- the disk ---- */

static bool same_disks(const struct inventory *a, const struct inventory *b)
{
    bool same = a->n == b->n;

    for (unsigned i = 0; same && i < a->n; i++)
        same = facts_same(&a->disk[i], &b->disk[i]);
    return same;
}

/* Disks appear late: they spin up, and the kernel finds eMMC and USB in its own time. One that has
 * not appeared yet would have been the second candidate. So it is looked until nothing changes any
 * more. */
static int look_until_settled(struct target *t, struct err *err)
{
    int rc = inventory_read(&t->disks, t->o->root, err), waited = 0;
    bool settled = false;

    while (!rc && !settled && !source_stopped()) {
        t->before = t->disks;
        sleep(SETTLE_S);
        waited += SETTLE_S;
        rc = inventory_read(&t->disks, t->o->root, err);
        settled = same_disks(&t->before, &t->disks) &&
                  (t->o->once || waited >= LATE_S || disk_choose(&t->disks, &t->need, NULL) >= 0);
    }
    return rc;
}

/* The box remembers what was inside, however this attempt ends. */
static void tell_inside(struct target *t)
{
    struct session_info *about = &t->restore->about;
    struct disk_known inside[SESSION_INSIDE_MAX];

    about->n_inside = (uint8_t)disk_inside(&t->disks, inside, SESSION_INSIDE_MAX);
    for (unsigned i = 0; i < about->n_inside; i++) {
        about->inside[i].bytes = inside[i].bytes;
        session_info_text(about->inside[i].text, SESSION_INFO_MAX, inside[i].text);
    }
}

static int pick(void *ctx, const struct img_head *head, char disk[PATH_MAX], struct err *err)
{
    struct target *t = ctx;
    int rc;

    t->need = (struct disk_need){.min_bytes = head->min_target_bytes,
                                 .sector = img_head_sector(head),
                                 .pick = t->o->page.pick,
                                 .written = t->own.written,
                                 .n_written = t->own.n_written,
                                 .known = t->own.known,
                                 .n_known = t->own.n_known};
    target_show_image(&t->show, head);
    target_show_waiting(&t->show, "Looking at the disks");
    rc = look_until_settled(t, err);
    if (rc)
        return rc;
    tell_inside(t);
    rc = disk_choose(&t->disks, &t->need, err);
    if (rc < 0) {
        target_show_left_out(&t->show, &t->disks, &t->need);
        return rc;
    }
    t->chosen = t->disks.disk[rc];
    session_info_text(t->restore->about.disk, SESSION_INFO_MAX, t->chosen.model);
    session_info_text(t->restore->about.disk_serial, SESSION_INFO_MAX, t->chosen.serial);
    target_show_disk(&t->show, &t->chosen);
    snprintf(disk, PATH_MAX, "%.3000s/dev/%s", t->o->root, t->chosen.name);
    return 0;
}

/* The disk is open by now: what its name means cannot change any more. Is it the one that was
 * chosen, still free, and would it be chosen again among the disks there are now? */
static int last_look(void *ctx, struct err *err)
{
    struct target *t = ctx;
    char path[PATH_MAX];
    struct stat st;
    int rc;

    snprintf(path, sizeof path, "%.3000s/dev/%s", t->o->root, t->chosen.name);
    if (stat(path, &st) || (S_ISBLK(st.st_mode) && (major(st.st_rdev) != t->chosen.major ||
                                                    minor(st.st_rdev) != t->chosen.minor)))
        return err_set(err, DISK_EOTHER,
                       "%s is another device than the kernel said when it was chosen", path);
    rc = inventory_again(&t->chosen, t->o->root, err);
    if (!rc)
        rc = inventory_read(&t->disks, t->o->root, err);
    if (!rc)
        rc = disk_choose(&t->disks, &t->need, err);
    if (rc == DISK_ESEVERAL || rc == DISK_EGONE)
        target_show_left_out(&t->show, &t->disks, &t->need);
    /* the same disk as before: nothing speaks against it, and there is no other */
    return rc < 0 ? rc : 0;
}

/* ---- what is this machine's own ---- */

/* Before anything is erased: it is the box's word, and it makes sense. */
static int believe(void *ctx, const struct source *s, struct err *err)
{
    struct target *t = ctx;
    uint8_t hash[IMG_HASH_BYTES];

    own_hash(&s->asked, s->own.bytes, s->own.n, hash);
    if (!sign_hash_right(t->o->page.key, hash, s->own.signature))
        return err_set(err, PC_EOWN,
                       "what was said to be this machine's own is not signed by its box");
    if (!own_decode(&t->own, s->own.bytes, s->own.n))
        return err_set(
            err, PC_EOWN,
            "expected this machine's own host name and files, got something else from the box");
    return 0;
}

static int settle(void *ctx, const char *disk, struct err *err)
{
    struct target *t = ctx;

    return settle_disk(disk, &t->own, err);
}

static void show(void *ctx, const struct watch_view *v)
{
    struct target *t = ctx;

    target_show_label(&t->show, v->label.number, v->label.identify);
    target_show_progress(&t->show, v);
}

/* ---- attempts ---- */

static void attempt(struct target *t, const char *interface, struct restore *r)
{
    struct ring_if info;

    *r = (struct restore){.from = {.where = t->url,
                                   .interface = interface,
                                   .address = t->o->address,
                                   .timeout_s = SILENCE_S,
                                   .join_s = JOIN_S,
                                   .farewell_s = FAREWELL_S,
                                   .ask_own = true},
                          .n_keys = 1,
                          .pick = pick,
                          .believe = believe,
                          .last_look = last_look,
                          .settle = settle,
                          .show = show,
                          .ctx = t};
    t->restore = r;
    session_info_text(r->about.serial, SESSION_INFO_MAX, t->show.serial);
    memcpy(r->key[0], t->o->page.key, sizeof r->key[0]);
    if (ring_if_info(interface, &info, NULL) == 0)
        target_show_mac(&t->show, info.mac);
    target_show_waiting(&t->show, "Looking for the box");
    restore_run(r);
}

/* Whether trying again may help: the box is not there yet, is not ready, or went away. Everything
 * else is about this machine or about the image, and stays as it is. */
static bool may_pass(const struct restore *r)
{
    bool met = r->head.raw_bytes != 0; /* the box has answered with a session */

    if (r->err.code == RECEIVE_EINTR)
        return false;
    return !met || r->err.code == RECEIVE_ETIMEOUT || r->err.code == RECEIVE_ECLOSED ||
           r->err.code == PC_EOWN || r->err.code == HOST_ESTOPPED;
}

/* Stopped by the operator: the machine waits as one that has just booted, and whoever reads its
 * screen knows what is on the disk. The disk looks empty unless the sentence says more. */
static const char *say_stopped(struct target *t, const struct restore *r, char sentence[320])
{
    size_t n = strlen(r->err.text), tail = strlen(SOURCE_UNUSABLE);
    bool unusable = n > tail && strcmp(r->err.text + n - tail, SOURCE_UNUSABLE) == 0;

    snprintf(sentence, 320, "%.280s%s", r->err.text, unusable ? ", it looks empty" : "");
    target_show_before(&t->show, sentence);
    return "Stopped by the operator at the box. This machine waits for the next session; nothing "
           "is to be done here";
}

static unsigned links(const struct target *t, char names[TARGET_NICS][TARGET_NIC_NAME])
{
    if (!t->o->interface)
        return target_nics(names);
    snprintf(names[0], TARGET_NIC_NAME, "%.15s", t->o->interface);
    return 1;
}

static bool stopped(const struct restore *r)
{
    return source_stopped() || r->err.code == RECEIVE_EINTR;
}

/* Every card in turn until one leads to an end. */
static void attempts(struct target *t, struct restore *r)
{
    char names[TARGET_NICS][TARGET_NIC_NAME], sentence[320];

    for (unsigned at = 0; !stopped(r); at++) {
        unsigned n = links(t, names);

        if (n == 0) {
            target_show_waiting(&t->show, "No network cable with a link; plug one in");
        } else {
            attempt(t, names[at % n], r);
            if (r->passed || t->o->once || !may_pass(r))
                return;
            if (r->err.code == HOST_ESTOPPED) {
                target_show_waiting(&t->show, say_stopped(t, r, sentence));
            } else {
                snprintf(sentence, sizeof sentence, "Trying again: %s", r->err.text);
                target_show_waiting(&t->show, sentence);
            }
        }
        sleep(PAUSE_S);
    }
}

static void conclude(struct target *t, const struct restore *r)
{
    char sentence[400];

    if (!r->passed) {
        target_show_fail(&t->show, r->err.text, r->err.code);
        return;
    }
    snprintf(sentence, sizeof sentence, "%s is on this machine's disk, read back and verified%s",
             r->head.name,
             r->told ? "" : "; the box has not confirmed it and may image this machine again");
    target_show_pass(&t->show, sentence);
}

int target_run(const struct target_options *o)
{
    static struct target t;
    static struct restore r;
    char address[IP_TEXT];

    t.o = o;
    snprintf(t.url, sizeof t.url, "ringcast://%s:%u", ip_address_text(address, o->page.address),
             o->page.port);
    target_show_open(&t.show, o->root, o->framebuffer, o->page.key);
    attempts(&t, &r);
    conclude(&t, &r);
    target_show_close(&t.show);
    return restore_exit(&r);
}
