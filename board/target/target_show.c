#include "board/target/target_show.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/wire/units.h"

static const char title[] = "Ringcast";

/* The first of the files (separated by blanks) that says something that is meant. */
static void identify(char *to, size_t room, const char *root, const char *names)
{
    char path[PATH_MAX];
    uint8_t bytes[128];

    for (to[0] = 0; *names && !to[0]; names += strspn(names, " ")) {
        size_t n = strcspn(names, " ");
        ssize_t got = 0;
        int fd;

        snprintf(path, sizeof path, "%.3000s/sys/class/dmi/id/%.*s", root, (int)n, names);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            got = read(fd, bytes, sizeof bytes);
            close(fd);
        }
        facts_text(to, room, bytes, got > 0 ? (size_t)got : 0);
        if (!strcmp(to, "None") || !strcmp(to, "Default string") ||
            !strcmp(to, "To be filled by O.E.M.") || !strcmp(to, "Not Specified") ||
            !strcmp(to, "System Serial Number"))
            to[0] = 0;
        names += n;
    }
}

void target_show_open(struct target_show *t, const char *root, const char *framebuffer,
                      const uint8_t key[IMG_PUBKEY_BYTES])
{
    char vendor[64], product[64];

    memset(t, 0, sizeof *t);
    memcpy(t->key, key, sizeof t->key);
    t->screen = screen_open(framebuffer, STDERR_FILENO, NULL);
    identify(vendor, sizeof vendor, root, "sys_vendor board_vendor");
    identify(product, sizeof product, root, "product_version product_name board_name");
    identify(t->serial, sizeof t->serial, root,
             "product_serial board_serial chassis_serial product_uuid");
    snprintf(t->machine, sizeof t->machine, "%s%s%s", vendor, vendor[0] && product[0] ? " " : "",
             product);
}

void target_show_close(struct target_show *t)
{
    screen_close(t->screen);
}

void target_show_mac(struct target_show *t, const uint8_t mac[6])
{
    snprintf(t->mac, sizeof t->mac, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
}

void target_show_image(struct target_show *t, const struct img_head *h)
{
    snprintf(t->image, sizeof t->image, "%s%s%s", h->name, h->label[0] ? ", " : "", h->label);
    t->head = *h;
    t->has_head = true;
}

void target_show_label(struct target_show *t, unsigned number, bool wanted)
{
    t->number[0] = 0;
    if (number)
        snprintf(t->number, sizeof t->number, "%u", number % 100000);
    t->wanted = wanted;
}

void target_show_disk(struct target_show *t, const struct disk_facts *f)
{
    char size[UNITS_TEXT];

    snprintf(t->disk, sizeof t->disk, "%s, %s%s%s", f->name, units_size_text(size, f->bytes),
             f->model[0] ? ", " : "", f->model);
    snprintf(t->disk_serial, sizeof t->disk_serial, "%s", f->serial);
}

void target_show_left_out(struct target_show *t, const struct inventory *v,
                          const struct disk_need *need)
{
    for (unsigned i = 0; i < v->n && t->n_left_out < TARGET_DISKS; i++)
        if (!(v->disk[i].bars & DISK_BIT(DISK_BAR_KIND)))
            disk_line(t->left_out[t->n_left_out++], DISK_LINE_MAX, v, i, need);
}

void target_show_before(struct target_show *t, const char *what)
{
    snprintf(t->before, sizeof t->before, "%s", what);
}

static void add(struct screen_page *p, unsigned *n, const char *name, const char *value)
{
    if (*n < SCREEN_LINES && value[0])
        p->lines[(*n)++] = (struct screen_line){name, value};
}

/* What every page says: who and what. Returns the number of lines used. */
static unsigned begin(const struct target_show *t, struct screen_page *p, const char *sentence)
{
    unsigned n = 0;

    *p = (struct screen_page){.title = title,
                              .sentence = sentence,
                              .percent = -1,
                              .number = t->number[0] ? t->number : NULL};
    add(p, &n, "image", t->image);
    add(p, &n, "machine", t->machine);
    add(p, &n, "serial", t->serial);
    add(p, &n, "MAC", t->mac);
    add(p, &n, "disk", t->disk);
    add(p, &n, "its serial", t->disk_serial);
    add(p, &n, "before", t->before);
    return n;
}

void target_show_waiting(struct target_show *t, const char *sentence)
{
    struct screen_page p;

    begin(t, &p, sentence);
    screen_show(t->screen, &p);
}

static const char *state_sentence(const struct watch_view *v)
{
    if (v->waits && v->state <= SESSION_RECEIVING)
        return v->total ? "Waiting: the stream is suspended at the box"
                        : "Ready. Waiting for the box to start; nothing is to be done here";
    switch (v->state) {
    case SESSION_MANIFEST:
        return "Receiving the list of what the image holds";
    case SESSION_RECEIVING:
        return v->facts->disk_limited      ? "Receiving; the disk is slower than the stream"
               : v->facts->machine_limited ? "Receiving; the machine is slower than the stream"
                                           : "Receiving";
    case SESSION_VERIFYING:
        return "Reading back what was written";
    case SESSION_PASS:
        return "All of it was read back and is right; telling the box";
    default:
        return "It did not work; telling the box";
    }
}

void target_show_progress(struct target_show *t, const struct watch_view *v)
{
    char rate[UNITS_TEXT] = "", left[UNITS_TEXT] = "", loss[32], dropped[32], back[32];
    struct screen_page p;
    unsigned n;

    if (v->done)
        t->before[0] = 0;
    n = begin(t, &p, state_sentence(v));
    if (v->rate)
        units_rate_text(rate, v->rate);
    if (v->left_ns >= 0 && v->state == SESSION_RECEIVING)
        units_time_text(left, v->left_ns);
    if (t->wanted)
        p.huge = t->number[0] ? t->number : t->mac;
    p.inverted = t->wanted && t->beat++ / 2 % 2;
    snprintf(loss, sizeof loss, "%.2f %%", v->facts->loss_ppm / 1e4);
    snprintf(dropped, sizeof dropped, "%.2f %%", watch_dropped_ppm(v->facts) / 1e4);
    snprintf(back, sizeof back, "%u.%u %%", v->proven / 10, v->proven % 10);
    add(&p, &n, "rate", rate);
    add(&p, &n, "time left", left);
    if (v->total) {
        add(&p, &n, "lost", loss);
        if (v->facts->drops)
            add(&p, &n, "dropped here", dropped);
        add(&p, &n, "read back", back);
        p.percent = (int)(v->total ? v->done * 100 / v->total : 0);
    }
    screen_show(t->screen, &p);
}

/* For a telephone; a list of disks needs the whole width. */
static const char *receipt(struct target_show *t, bool passed, int error)
{
    const struct receipt r = {.passed = passed,
                              .error = error,
                              .mac = t->mac,
                              .serial = t->serial,
                              .disk_serial = t->disk_serial,
                              .head = t->has_head ? &t->head : NULL,
                              .time = (uint64_t)time(NULL),
                              .key = t->key};

    return t->n_left_out ? NULL : receipt_text(t->receipt, &r);
}

void target_show_pass(struct target_show *t, const char *sentence)
{
    struct screen_page p;

    begin(t, &p, sentence);
    p.word = "PASS";
    p.shape = SCREEN_TICK;
    p.percent = 100;
    p.qr = receipt(t, true, 0);
    screen_show(t->screen, &p);
}

void target_show_fail(struct target_show *t, const char *sentence, int error)
{
    struct screen_page p;
    unsigned n = begin(t, &p, sentence);

    p.word = "FAIL";
    p.shape = SCREEN_CROSS;
    p.qr = receipt(t, false, error);
    for (unsigned i = 0; i < t->n_left_out; i++)
        add(&p, &n, "disk", t->left_out[i]);
    screen_show(t->screen, &p);
}
